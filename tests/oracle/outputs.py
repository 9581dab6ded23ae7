"""What a run must write: profiles, identities, refused, ledger and manifest, and the proof that nothing erased is shown (§3, §4).

Owns the class Oracle, all results for one folder and one spec; groups and states come from linking.py. [D3]: DECISIONS.md.
"""
import collections, re
from linking import MAP, STATES, Linking
from reading import WHITE, ascii_lower, ident, least, shown, spelled, typed

IDENTITY_COLUMNS = ["customer_id", "kind", "value", "state", "rule", "via", "source", "file", "line"]
REFUSED_COLUMNS = ["kind", "value", "reason", "rows", "customers", "source", "file", "line"]


class Oracle(Linking):
    """All results for one folder (a mapping of file name to bytes) and one spec."""

    def __init__(self, files, spec, erase=None):
        super().__init__(files, spec, erase)
        self.profiles, self.identities = self.make_profiles(), self.make_identities()
        self.refused, self.ledger = self.make_refused(), self.make_ledger()
        self.manifest = self.make_manifest()
        self.leaks = self.find_leaks()

    # ------------------------------------------------------------ §3 outputs

    def make_profiles(self):
        """The lines of profiles.csv."""
        out = []
        for group, by_source in self.of_customer.items():
            p = {"customer_id": spelled(self.root[group])}
            for k in self.name_by:
                p[f"ids_{k}"] = ";".join(v for _, v in self.survivors(group, k))
            for s in self.sources:
                rows = by_source.get(s.name, [])
                for column, name in s.keep:
                    values = (None if r.cells[column] is None else typed(s.types.get(column, "text"), r.cells[column]) for r in rows)
                    first = next(values, None)
                    if first is None and s.fill == "older":
                        first = next((v for v in values if v is not None), None)
                    p[name] = shown(first)
            out.append(p)
        return sorted(out, key=lambda p: p["customer_id"].encode())

    def make_identities(self):
        """The lines of identities.csv: each group as a tree from its name."""
        best = {}                                                # two ends → the lowest tier, there the first row
        for e in self.standing:
            ends = frozenset([e.anchor, e.value])
            if ends not in best or (e.tier, e.order) < (best[ends].tier, best[ends].order):
                best[ends] = e
        near = collections.defaultdict(set)
        for a, b in best:
            near[a].add(b)
            near[b].add(a)
        rule = ["merge", "map", *self.link_by]
        out = []
        for group in self.of_customer:
            root = self.root[group]
            far, queue = {root: 0}, [root]
            for n in queue:
                for m in near[n]:
                    if m not in far:
                        far[m] = far[n] + 1
                        queue.append(m)
            for i in group:
                if i == root:
                    how, place = ("self", ""), self.first_place(root)
                else:
                    nearer = [n for n in near[i] if far[n] == far[i] - 1]
                    via = min(nearer, key=lambda n: (best[frozenset([n, i])].tier, self.name_by.index(n[0]), least(n)))
                    edge = best[frozenset([via, i])]
                    how, place = (rule[edge.tier], spelled(via)), edge.place
                out.append(dict(zip(IDENTITY_COLUMNS, [spelled(root), *i, "merged" if i in self.losers else "id", *how, *place])))
        return sorted(out, key=lambda r: [r[c].encode() for c in IDENTITY_COLUMNS[:3]])

    def first_place(self, identifier):
        """Where the root stands first: in a row that counts and is not erased, else in any, else in a map [D15]."""
        holds = [r for r in self.rows if not r.reject and any(c.trouble != "bad" and ident(c) == identifier for c in r.id_cells())]
        mapped = [e.place for e in self.edges if e.tier == MAP and identifier in (e.anchor, e.value)]
        return ([r.place for r in holds if r.counts() and not r.erased] + [r.place for r in holds] + mapped)[0]

    def make_refused(self):
        """The lines of refused.csv."""
        holding = collections.defaultdict(list)                  # (kind, value, reason) → rows
        for row in self.rows:
            if row.counts() and not row.erased:
                for c in row.id_cells():
                    i = ident(c)
                    if c.trouble:
                        holding[(*i, c.trouble)].append(row)
                    elif i in self.shared:
                        holding[(*i, "shared")].append(row)
                    elif i in self.void:
                        holding[(*i, "conflict")].append(row)
        published = {self.root[g] for g in self.of_customer}
        out = []
        for (kind, value, reason), rows in holding.items():
            if self.must_not_show(kind, value, reason):
                continue
            touched = self.void[kind, value] if reason == "conflict" else {r.anchor for r in rows if r.anchor}     # [D13]
            roots = {self.root[self.group(i)] for i in touched} & published
            customers = sorted(map(spelled, roots), key=str.encode)[:20]
            out.append(dict(zip(REFUSED_COLUMNS, [kind, value, reason, len(rows), ";".join(customers), *rows[0].place])))
        return sorted(out, key=lambda r: [r[c].encode() for c in REFUSED_COLUMNS[:3]])

    def must_not_show(self, kind, value, reason):
        """Would this line of refused.csv show an erased identifier?"""
        return (reason != "bad" and (kind, value) in self.erased) or any(self.holds(value, i) for i in self.erased)     # [D17]

    def make_ledger(self):
        """Rows read and rows of each state, per source."""
        out = {}
        for s in self.sources:
            rows = [r for r in self.rows if r.source is s]
            out[s.name] = {"rows_read": len(rows), **{f"rows_{x}": sum(r.state == x for r in rows) for x in STATES}}
        return out

    def make_manifest(self):
        """The `identity` part of run.json."""
        reasons = collections.Counter(r["reason"] for r in self.refused)
        told = {ident(r.key) for r in self.rows if not r.reject and r.source.tells_merges and r.key and not r.key.trouble}
        return {"identifiers": len(self.nodes),                                  # [D21]
                "refused": {x: reasons[x] for x in ("bad", "blocked", "shared", "conflict")},
                "merges": {"losers": len(self.losers), "cycles": self.cycles,
                           "winners_missing": len(set(self.survivor.values()) - told)},        # [D20]
                "erased": {"values": len(self.erase_list), "customers": self.erased_customers},
                "largest": max((sum(i not in self.losers for i in g) for g in self.of_customer), default=0)}     # [D21]

    # ------------------------------------------------------------ §4 proof

    def holds(self, text, identifier):
        """Does a cell's text hold this identifier? [D17]"""
        kind, value = identifier
        if self.kinds[kind].form in ("email", "phone"):
            return re.search(r"(?<![\w.%+-])" + re.escape(ascii_lower(value)) + r"(?![\w-]|\.\w)", ascii_lower(text)) is not None
        return any(self.kinds[kind].normal(p.strip(WHITE)) == value for p in text.split(";") if p.strip(WHITE))

    def find_leaks(self):
        """(column, customers) whose kept text shows an erased identifier: the run is exit 6."""
        texts = [name for s in self.sources for c, name in s.keep if s.types.get(c, "text") == "text"]
        hits = collections.Counter(c for p in self.profiles for c in texts if any(self.holds(p[c], i) for i in self.erased))
        return sorted(hits.items())

    def everything(self):
        """All results, as --json writes them."""
        return {"exit": 6 if self.leaks else 0, "leaks": self.leaks, "ledger": self.ledger, "identity": self.manifest,
                "customers": len(self.profiles), "profiles": self.profiles, "identities": self.identities, "refused": self.refused,
                "rows": [{"source": r.source.name, "file": r.file, "line": r.line, "state": r.state, "reject": r.reject,
                          "customer_id": self.customer(r.anchor) if r.anchor else None} for r in self.rows],
                "erased": sorted(map(spelled, self.erased))}
