"""Which identifiers are one customer, which one names it, and what becomes of each row (identity contract §1, §2, and erasing of §4).

Owns the way from a spec and its files to groups and states of rows; what is written of them is in outputs.py. [D3]: DECISIONS.md.
"""
import collections, tomllib
from reading import WHITE, Fault, Kind, Source, ascii_lower, ident, least, read_source, spelled, table, typed

STATES = ["used", "superseded", "rejected", "excluded", "blank", "merged", "deleted", "unidentified", "erased"]
MERGE, MAP, FIRST_KIND = 0, 1, 2                     # tiers, strongest first
Edge = collections.namedtuple("Edge", "anchor value tier order place")


def components(nodes, edges):
    """Each node's group, as a frozenset: everything that a walk along the edges reaches."""
    near = collections.defaultdict(set)
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    group_of = {}
    for start in {*nodes, *near}:
        if start not in group_of:
            group = frozenset(reach(start, near))
            for n in group:
                group_of[n] = group
    return group_of


def reach(start, near):
    """All nodes that a walk from start comes to."""
    seen, queue = {start}, [start]
    for n in queue:
        for m in near.get(n, ()):
            if m not in seen:
                seen.add(m)
                queue.append(m)
    return seen


class Linking:
    """Groups and states of rows for one folder (file name to bytes) and one spec. The steps stand in the contract's order."""

    def __init__(self, files, spec, erase=None):
        self.files, self.spec = files, tomllib.loads(spec) if isinstance(spec, str) else spec
        self.read_spec(erase)
        self.read_rows()
        self.join_merges()
        self.mark_merged_and_deleted()
        self.find_shared()
        self.find_edges()
        self.group_by_tiers()
        self.name_customers()
        self.mark_erased()
        self.settle_states()

    # ------------------------------------------------------------ §1

    def read_spec(self, erase):
        """Takes the spec apart and refuses what the contract refuses."""
        one = self.spec["identity"]
        self.name_by, self.link_by = one["name_by"], one.get("link_by", [])
        self.at_most, self.max_ids = one.get("at_most", {}), one.get("max_ids", 100)
        self.kinds = {k: Kind(k, one.get("kinds", {}).get(k, {}), self.files) for k in self.name_by}
        self.sources = [Source(n, i, s) for i, (n, s) in enumerate(self.spec["sources"].items())]
        self.maps = one.get("maps", [])
        for s in self.sources:
            for i in s.ids:
                if i["kind"] not in self.link_by:
                    raise Fault(3, f"source {s.name}: kind {i['kind']} in ids, not in link_by")
        used = [i["kind"] for s in self.sources for i in [*s.ids, *([s.key] if s.key else [])]]
        used += [m[side]["kind"] for m in self.maps for side in ("left", "right")]
        for k in [*used, *self.link_by, *self.at_most, *one.get("kinds", {})]:
            if k not in self.kinds:
                raise Fault(3, f"kind {k} is not in name_by")
        population = self.spec.get("profile", {}).get("population", "any")
        self.population = None if population == "any" else set(population)
        self.apart = [(self.listed(ka, va, "apart"), self.listed(kb, vb, "apart")) for _, (ka, va, kb, vb) in
                      (table(self.files, one["apart"], ["kind_a", "value_a", "kind_b", "value_b"]) if "apart" in one else [])]
        if any(a == b for a, b in self.apart):
            raise Fault(4, "an apart line of one identifier")
        self.erase_list = {self.listed(k, v, "erase") for name in (one.get("erase"), erase) if name
                           for _, (k, v) in table(self.files, name, ["kind", "value"])}

    def listed(self, kind, text, what):
        """The identifier on a line of the apart or erase list; a bad one ends the run."""
        cell = self.kinds[kind].read(text) if kind in self.kinds and text else None
        if cell is None or cell.trouble == "bad":
            raise Fault(4, f"{what}: unknown kind or bad value")
        return ident(cell)

    # ------------------------------------------------------------ §2, reading cells

    def cells_of(self, row, column, kind, split=None):
        """The identifiers in one cell, in order, none twice."""
        text = row.cells.get(column)
        if text is None:
            return []
        parts = [p.strip(WHITE) for p in (text.split(split) if split else [text])]
        read = [self.kinds[kind].read(p) for p in parts if p and p not in row.source.nulls]      # [D32]
        return list(dict.fromkeys(read))

    def read_rows(self):
        """Reads all rows of all sources, with their identifiers."""
        self.rows = []
        for s in self.sources:
            for row in read_source(s, self.files):
                self.rows.append(row)
                if s.key:
                    row.key = next(iter(self.cells_of(row, s.key["column"], s.key["kind"])), None)
                for i in s.ids:
                    row.ids += [c for c in self.cells_of(row, i["column"], i["kind"], i.get("split")) if c not in row.ids]
                if s.merged_into:
                    row.into = next(iter(self.cells_of(row, s.merged_into, s.key["kind"])), None)
                if s.merged_from:
                    row.losers = self.cells_of(row, s.merged_from["column"], s.key["kind"], s.merged_from.get("split"))
                if s.deleted:
                    cell = row.cells.get(s.deleted["column"])
                    cell = cell.strip(WHITE) if cell else ""
                    row.flag_deleted = bool(cell) and any(w == "*" or ascii_lower(w) == ascii_lower(cell) for w in s.deleted["is"])

    # ------------------------------------------------------------ §2.1 vendor merges

    def join_merges(self):
        """From all rows not rejected. Ends must not be bad or blocked; shared does not matter [D7]."""
        self.merges = []
        for row in self.rows:
            sound = lambda c: c is not None and c.trouble is None
            if row.reject or not sound(row.key):
                continue
            pairs = [(row.key, row.into)] if sound(row.into) else []
            pairs += [(loser, row.key) for loser in row.losers if sound(loser)]
            self.merges += [Edge(ident(w), ident(l), MERGE, row.order, row.place) for l, w in pairs if l != w]
        lost = {e.value for e in self.merges}
        self.survivor, self.cycles = {}, 0
        for group in set(components([], [(e.anchor, e.value) for e in self.merges]).values()):
            unbeaten = group - lost
            self.cycles += not unbeaten                          # [D8]
            survivor = min(unbeaten or group, key=least)
            self.survivor.update((i, survivor) for i in group)
        self.losers = {i for i, s in self.survivor.items() if i != s}            # [D9]

    def mark_merged_and_deleted(self):
        """`merged` comes before `deleted`: a loser that is flagged deleted, too, is merged and gives its links [D10]."""
        for row in self.rows:
            row.merged = bool(not row.reject and row.source.tells_merges and row.key and not row.key.trouble and ident(row.key) in self.losers)
            row.deleted = bool(not row.reject and row.flag_deleted and not row.merged)

    # ------------------------------------------------------------ §1 shared

    def find_shared(self):
        """Values that stand with more different keys of one kind than `max_keys`."""
        keys = collections.defaultdict(lambda: collections.defaultdict(set))     # identifier → kind of key → different keys
        for row in self.rows:
            if row.counts() and row.key and not row.key.trouble:
                key = ident(row.key)
                for c in row.ids:
                    if not c.trouble:
                        keys[ident(c)][row.key.kind].add(self.survivor.get(key, key))
        self.shared = {i for i, by_kind in keys.items() if self.kinds[i[0]].max_keys is not None
                       and any(len(k) > self.kinds[i[0]].max_keys for k in by_kind.values())}

    def usable(self, cell):
        """May this cell's identifier link?"""
        return cell is not None and not cell.trouble and ident(cell) not in self.shared

    # ------------------------------------------------------------ §2.2 edges

    def find_edges(self):
        """All edges of maps and rows, and each row's anchor."""
        self.edges = []
        for no, m in enumerate(self.maps):
            left, right = m["left"], m["right"]
            for line, (l, r) in table(self.files, m["file"], [left["column"], right["column"]]):
                a, b = (self.kinds[side["kind"]].read(t) if t else None for side, t in ((left, l), (right, r)))
                if self.usable(a) and self.usable(b) and a != b:
                    self.edges.append(Edge(ident(a), ident(b), MAP, (no, 0, line), ("", m["file"], line)))     # [D15]
        self.nodes = {i for e in self.merges + self.edges for i in (e.anchor, e.value)}
        for row in self.rows:
            if row.reject:
                continue
            found = [ident(c) for c in [row.key, *row.ids] if self.usable(c)]
            row.anchor = found[0] if found else None
            if row.counts():
                self.nodes.update(found)
                self.edges += [Edge(row.anchor, v, FIRST_KIND + self.link_by.index(v[0]), row.order, row.place)
                               for v in dict.fromkeys(found) if v != row.anchor]

    # ------------------------------------------------------------ §2.3 tiers

    def breaks(self, group):
        """Is this group against `max_ids`, `at_most` or `apart`?"""
        alive = [i for i in group if i not in self.losers]
        count = collections.Counter(kind for kind, _ in alive)
        return (len(alive) > self.max_ids or any(count[k] > n for k, n in self.at_most.items())
                or any(a in group and b in group for a, b in self.apart))

    def group_by_tiers(self):
        """Tries the edges tier by tier, the strongest first."""
        self.standing = list(self.merges)                        # edges that hold
        self.void = {}                                           # value → identifiers that would have been one group
        self.void_alone = self.void_together = 0
        for tier in range(MAP, FIRST_KIND + len(self.link_by)):
            self.try_tier([e for e in self.edges if e.tier == tier])
        self.group_of = self.groups_now([])

    def groups_now(self, more):
        """Each identifier's group by the edges that stand, and these more."""
        return components(self.nodes, [(e.anchor, e.value) for e in [*self.standing, *more]])

    def try_tier(self, edges):
        """Edges of one tier stand or are void: first value by value, then all that is left together."""
        before = self.groups_now([])
        by_value = collections.defaultdict(list)
        for e in edges:
            by_value[e.value].append(e)
        others = []
        for value, hangs in by_value.items():
            ends = {before[value]} | {before[e.anchor] for e in hangs}           # its own group too [D2]
            would = frozenset().union(*ends)
            if len(ends) > 1 and self.breaks(would):             # within one group there is nothing to refuse [D1]
                self.void_alone += 1
                self.void[value] = self.void.get(value, frozenset()) | would
            else:
                others += hangs
        after = self.groups_now(others)
        broken = {g for g in set(after.values()) if len({before[i] for i in g}) > 1 and self.breaks(g)}
        for e in others:
            group = after[e.value]
            inside = {before[x.anchor] for x in by_value[e.value]} == {before[e.value]}
            if group in broken and not inside:                   # [D1]
                self.void_together += 1
                self.void[e.value] = self.void.get(e.value, frozenset()) | group
            else:
                self.standing.append(e)

    # ------------------------------------------------------------ §2.4 names

    def group(self, identifier):
        """The group of an identifier; one that takes no part is alone."""
        return self.group_of.get(identifier, frozenset([identifier]))

    def survivors(self, group, kind):
        """Identifiers of one kind in a group, without losers, least first."""
        return sorted((i for i in group if i[0] == kind and i not in self.losers), key=least)

    def name_of(self, group):
        """The identifier that names a group."""
        return next(self.survivors(group, k)[0] for k in self.name_by if self.survivors(group, k))

    def name_customers(self):
        """Finds the name of every group."""
        self.root = {group: self.name_of(group) for group in set(self.group_of.values())}

    def customer(self, identifier):
        """The customer_id that an identifier belongs to."""
        return spelled(self.root.get(self.group(identifier), identifier))

    # ------------------------------------------------------------ §4 erase

    def mark_erased(self):
        """Which rows, groups and identifiers the erase list takes."""
        self.erased_groups = {self.group(i) for i in self.erase_list}
        self.erased = self.erase_list.union(*self.erased_groups)                 # [D16]
        hit = set()
        for row in self.rows:
            if row.reject:
                continue
            ends = [ident(row.key)] if row.key and not row.key.trouble else []
            groups = {self.group(i) for i in [*ends, *([row.anchor] if row.anchor else [])]} & self.erased_groups
            hit |= groups
            row.erased = bool(groups) or any(c.trouble != "bad" and ident(c) in self.erase_list for c in row.id_cells())
        self.erased_customers = len(hit)                         # [D18]

    # ------------------------------------------------------------ §2 rows

    def latest(self, row):
        """Order of a row among those of one source and customer: null is oldest, a tie goes to the later."""
        s = row.source
        text = row.cells.get(s.latest_by) if s.latest_by else None
        value = None if text is None else typed(s.types.get(s.latest_by, "text"), text)
        return (value is not None, value if value is not None else 0, row.order) if s.latest_by else row.order

    def settle_states(self):
        """Gives each row its state, and each customer its rows."""
        live = []
        for row in self.rows:
            row.state = ("blank" if row.reject == "blank" else "rejected" if row.reject else "erased" if row.erased else "merged" if row.merged
                         else "deleted" if row.deleted else "unidentified" if row.anchor is None else None)
            if row.state is None:
                live.append(row)
        known = {self.group(r.anchor) for r in live if self.population is None or r.source.name in self.population}     # [D19]
        self.of_customer = collections.defaultdict(lambda: collections.defaultdict(list))      # group → source → rows, newest first
        for row in live:
            if self.group(row.anchor) in known:
                self.of_customer[self.group(row.anchor)][row.source.name].append(row)
            else:
                row.state = "excluded"
        for by_source in self.of_customer.values():
            for rows in by_source.values():
                rows.sort(key=self.latest, reverse=True)
                for row in rows:
                    row.state = "used" if row is rows[0] else "superseded"
