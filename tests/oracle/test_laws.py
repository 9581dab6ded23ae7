"""Tests of the oracle on random cases, and of its command.

Owns the laws that hold for every case of graphs.py (edge case 27 of the contract's §7 too), and the comparison with a run's folder.

    python3 -m unittest discover -s tests/oracle      ONEFOLD_CASES=20000 for more random cases than 300
"""
import collections, csv, json, os, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import graphs, linking, outputs, reading

CASES = int(os.environ.get("ONEFOLD_CASES", 300))


def without_place(rows):
    return [{k: v for k, v in r.items() if k not in ("source", "file", "line")} for r in rows]


def outcome(o):
    """All that must not depend on any order. Kept columns do where `latest_by` ties: a later row wins by its position."""
    ids = [{k: v for k, v in p.items() if k == "customer_id" or k.startswith("ids_")} for p in o.profiles]
    return ids, without_place(o.identities), without_place(o.refused), o.ledger, o.manifest, len(o.leaks)


def union_find(nodes, edges):
    """Groups in another way than the oracle's."""
    up = {n: n for n in nodes}

    def top(n):
        while up[n] != n:
            n = up[n]
        return n
    for e in edges:
        up[top(e.anchor)] = top(e.value)
    groups = collections.defaultdict(set)
    for n in nodes:
        groups[top(n)].add(n)
    return {frozenset(g) for g in groups.values()}


def on_every_case(law):
    """A test that holds for each random case; a failure names its seed."""
    def test(self):
        for seed in range(CASES):
            with self.subTest(seed=seed):
                case = graphs.Case(seed)
                law(self, case, outputs.Oracle(*reversed(case.render())))
    return test


class Laws(unittest.TestCase):
    @on_every_case
    def test_27_order_changes_nothing(self, case, o):
        for order in (1, 2):
            self.assertEqual(outcome(o), outcome(outputs.Oracle(*reversed(case.render(order)))))

    def test_same_seed_same_bytes(self):
        for seed in range(50):
            self.assertEqual(graphs.Case(seed).render(3), graphs.Case(seed).render(3))

    @on_every_case
    def test_ledger_and_states(self, case, o):
        for led in o.ledger.values():
            self.assertEqual(led["rows_read"], sum(n for k, n in led.items() if k != "rows_read"))
        used = {o.group(r.anchor) for r in o.rows if r.state == "used"}
        self.assertEqual(len(used), len(o.profiles))
        self.assertEqual(len({p["customer_id"] for p in o.profiles}), len(o.profiles))
        for r in o.rows:
            self.assertEqual(r.state in ("rejected", "blank"), r.reject is not None)
            self.assertFalse(r.state == "merged" and ident_of(r) not in o.losers)

    @on_every_case
    def test_groups(self, case, o):
        groups = set(o.group_of.values())
        self.assertEqual(groups, union_find(o.nodes, o.standing))
        vendor = union_find(o.nodes, o.merges)
        self.assertTrue(all(g in vendor for g in groups if o.breaks(g)))     # only a vendor's own merge may break a group
        self.assertEqual({e.value for e in o.edges} - {e.value for e in o.standing} - set(o.void), set())
        for values, members in o.void.items():
            self.assertTrue(o.breaks(members) and values in members)
        self.assertFalse({i for g in groups for i in g if len(g) > 1 and g not in vendor} & o.shared - set(o.survivor))

    @on_every_case
    def test_tiers(self, case, o):
        """Each edge of a tier stands or is void as §2.3 says, told again from the final result, by values and with union-find."""
        for tier in range(linking.MAP, linking.FIRST_KIND + len(o.link_by)):
            before = union_find(o.nodes, [e for e in o.standing if e.tier < tier])
            home = {i: g for g in before for i in g}
            hangs = collections.defaultdict(set)
            for e in o.edges:
                if e.tier == tier:
                    hangs[e.value].add(e.anchor)
            alone = {v for v, anchors in hangs.items() if {home[a] for a in anchors} != {home[v]}
                     and o.breaks(frozenset().union(home[v], *(home[a] for a in anchors)))}
            tried = [e for e in o.edges if e.tier == tier and e.value not in alone]
            gone_back = {i for g in union_find(o.nodes, [*(e for e in o.standing if e.tier < tier), *tried]) if g not in before and o.breaks(g) for i in g}
            together = {v for v, anchors in hangs.items() if v in gone_back and {home[a] for a in anchors} != {home[v]}}
            stands = {(e.anchor, e.value) for e in o.standing if e.tier == tier}
            self.assertEqual(stands, {(a, v) for v, anchors in hangs.items() for a in anchors if v not in alone | together})

    @on_every_case
    def test_tree(self, case, o):
        seen, up = set(), {}
        for r in o.identities:
            i = (r["kind"], r["value"])
            self.assertNotIn(i, seen)
            seen.add(i)
            up[f"{r['kind']}:{r['value']}"] = r["via"]
            self.assertEqual(r["state"] == "merged", i in o.losers)
            self.assertEqual((r["rule"] == "self", r["via"] == ""), (r["customer_id"] == ":".join(i),) * 2)
        for r in o.identities:
            at, steps = f"{r['kind']}:{r['value']}", 0
            while up[at]:
                at, steps = up[at], steps + 1
                self.assertLess(steps, 1000)
            self.assertEqual(at, r["customer_id"])

    @on_every_case
    def test_erasing(self, case, o):
        if not o.erase_list:
            return
        spec, files = case.render()
        free = outputs.Oracle(files, spec.replace('erase = "erase.csv"\n', ""))
        self.assertEqual(free.group_of, o.group_of)
        shown = json.dumps([o.profiles, o.identities, o.refused])
        for kind, value in o.erased:
            self.assertNotIn(json.dumps(f"{kind}:{value}")[1:-1] + '"', shown)
            self.assertNotIn((kind, value), {(r["kind"], r["value"]) for r in o.identities + o.refused})
        if o.population is None:
            touched = {o.group(r.anchor) for r in o.rows if r.state == "erased" and r.anchor}
            same = {f"{k}:{v}" for g in set(o.group_of.values()) - touched for k, v in [o.root[g]]}
            self.assertEqual([p for p in o.profiles if p["customer_id"] in same], [p for p in free.profiles if p["customer_id"] in same])

    @on_every_case
    def test_blocking_every_conflict_leaves_none(self, case, o):
        """The cure that the contract promises: a void value that is blocked conflicts no more, and joins no more than before."""
        spec, files = case.render()
        for _ in range(40):
            void = [i for i in o.void if i in o.nodes]
            if not void:
                break
            spec = json.loads(json.dumps(o.spec))
            for kind, value in void:
                options = spec["identity"]["kinds"].setdefault(kind, {})
                options["block"] = options.get("block", []) + [value]
            o = outputs.Oracle(files, spec)
        self.assertFalse(o.void)

    def test_every_feature_is_reached(self):
        seen = collections.Counter()
        for seed in range(300):
            o = outputs.Oracle(*reversed(graphs.Case(seed).render()))
            seen.update(f"{n}" for led in o.ledger.values() for n, v in led.items() if v)
            seen.update(f"reject {r.reject}" for r in o.rows)
            seen.update(f"refused {r['reason']}" for r in o.refused)
            seen.update(f"rule {r['rule'] if r['rule'] in ('self', 'merge', 'map') else 'kind'}" for r in o.identities)
            seen.update(k for k, v in {"void alone": o.void_alone, "void together": o.void_together, "cycles": o.cycles, "apart": o.apart, "maps": o.maps,
                                       "missing": o.manifest["merges"]["winners_missing"], "erased": o.erased_customers, "population": o.population,
                                       "at_most": o.at_most, "shared": o.shared}.items() if v)
            seen.update(f"form {k.form}" for k in o.kinds.values())
            seen["map conflict"] += any(e.value in o.void for e in o.edges if e.tier == linking.MAP)
            seen["loser, foreign row"] += any(r.state == "used" and r.anchor in o.losers for r in o.rows)
            seen["broken by its vendor"] += any(o.breaks(g) for g in set(o.group_of.values()))
            seen["erased, yet known"] += any(r.state == "erased" and r.anchor and o.group(r.anchor) in o.of_customer for r in o.rows)
            seen["read once"] += any("(1)" in n for n in o.files)
        few = {k for k in [*(f"rows_{s}" for s in linking.STATES), "reject encoding", "reject field_count", "void alone", "void together", "cycles", "apart",
                           "maps", "missing", "erased", "population", "at_most", "shared", "map conflict", "loser, foreign row", "broken by its vendor",
                           "erased, yet known", "read once", *(f"refused {r}" for r in ("bad", "blocked", "shared", "conflict")),
                           *(f"rule {r}" for r in ("self", "merge", "map", "kind")), *(f"form {f}" for f in reading.NORMAL)] if seen[k] < 3}
        self.assertFalse(few, seen)


def ident_of(row):
    return row.key.kind, row.key.value


class Command(unittest.TestCase):
    def test_check(self):
        """A run's folder that says the same passes; one changed cell does not."""
        spec, files = graphs.Case(5).render()
        o = outputs.Oracle(files, spec)
        with tempfile.TemporaryDirectory() as folder:
            graphs.write(folder, spec, files)
            out = os.path.join(folder, "out")
            os.mkdir(out)
            for name, rows, columns in (("profiles", o.profiles, list(o.profiles[0])), ("identities", o.identities, outputs.IDENTITY_COLUMNS),
                                        ("refused", o.refused, outputs.REFUSED_COLUMNS)):
                with open(os.path.join(out, name + ".csv"), "w", encoding="utf-8", newline="") as h:
                    w = csv.DictWriter(h, columns, lineterminator="\n")
                    w.writeheader()
                    w.writerows(rows)
            manifest = {"ledger": o.ledger, "identity": o.manifest, "customers": {"total": len(o.profiles)}}
            for change, code in ((None, 0), ("largest", 1)):
                if change:
                    manifest["identity"][change] += 1
                with open(os.path.join(out, "run.json"), "w", encoding="utf-8") as h:
                    json.dump(manifest, h)
                done = subprocess.run([sys.executable, os.path.join(HERE, "identity.py"), folder, os.path.join(folder, "profile.toml"),
                                       "--check", out, "--json", os.path.join(folder, "all.json")], capture_output=True, text=True)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertIn("run.json identity.largest", done.stdout)


if __name__ == "__main__":
    unittest.main()
