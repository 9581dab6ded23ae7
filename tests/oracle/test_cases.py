"""Tests of the oracle on cases written by hand.

Owns the normal forms, the edge cases of the contract's §7 (1 to 23; 27 is in test_laws.py, money is outside), and the decisions of DECISIONS.md.

    python3 -m unittest discover -s tests/oracle
"""
import collections, copy, os, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outputs, reading

A, B, C = "001A0000006Vm9r", "001A0000007Vm9r", "001A0000008Vm9r"          # suffix IAC each
A18, B18, C18 = A + "IAC", B + "IAC", C + "IAC"
ZEROS = "000000000000000AAA"

SPEC = {
    "identity": {
        "name_by": ["salesforce", "hubspot", "stripe", "email"], "link_by": ["salesforce", "email"],
        "kinds": {"salesforce": {"is": "salesforce_id"}, "hubspot": {"is": "number"}, "email": {"is": "email"}}},
    "sources": {
        "accounts": {"files": ["accounts*.csv"], "key": {"column": "Id", "kind": "salesforce"}, "ids": [{"column": "Email", "kind": "email", "split": ";"}],
                     "merged_into": "MasterRecordId", "deleted": {"column": "IsDeleted", "is": ["1", "true"]}, "keep": ["Name"]},
        "contacts": {"files": ["contacts*.csv"], "ids": [{"column": "AccountId", "kind": "salesforce"}, {"column": "Mail", "kind": "email"}]},
        "hubspot": {"files": ["hubspot*.csv"], "key": {"column": "Record ID", "kind": "hubspot"}, "ids": [{"column": "Email", "kind": "email"}],
                    "merged_from": {"column": "Merged", "split": ";"}},
        "stripe": {"files": ["stripe*.csv"], "key": {"column": "id", "kind": "stripe"}, "ids": [{"column": "Email", "kind": "email", "split": ";"}],
                   "keep": [{"Email": "bill_to"}]}}}
HEADS = {"accounts": "Id,Email,MasterRecordId,IsDeleted,Name", "contacts": "AccountId,Mail", "hubspot": "Record ID,Email,Merged",
         "stripe": "id,Email", "map": "account,customer", "apart": "kind_a,value_a,kind_b,value_b", "erase": "kind,value"}
MAP = [{"file": "map.csv", "left": {"column": "account", "kind": "salesforce"}, "right": {"column": "customer", "kind": "stripe"}}]


def run(change=None, **tables):
    """The oracle's answer; tables: source or list → rows, short rows are filled up. `change` edits the spec."""
    spec, files = copy.deepcopy(SPEC), {}
    for name, rows in tables.items():
        head = HEADS[name.split("_")[0]]
        lines = [r + "," * (head.count(",") - r.count(",")) for r in rows]
        files[f"{name}.csv"] = "\n".join([head, *lines, ""]).encode()
    for name in ("apart", "erase"):
        if name in tables:
            spec["identity"][name] = f"{name}.csv"
    if "map" in tables:
        spec["identity"]["maps"] = copy.deepcopy(MAP)
    if change:
        change(spec)
    return outputs.Oracle(files, spec)


def limits(**at_most):
    return lambda spec: spec["identity"].update(at_most=at_most)


def customers(o):
    return [p["customer_id"] for p in o.profiles]


def members(o):
    """Customer → its identifiers."""
    out = collections.defaultdict(set)
    for r in o.identities:
        out[r["customer_id"]].add(f"{r['kind']}:{r['value']}")
    return dict(out)


def states(o, source):
    return [r.state for r in o.rows if r.source.name == source]


def refused(o, reason):
    return [(r["kind"], r["value"]) for r in o.refused if r["reason"] == reason]


def line(o, value):
    return next(r for r in o.identities if r["value"] == value)


class Forms(unittest.TestCase):
    def same(self, read, *pairs):
        for text, want in pairs:
            self.assertEqual(read(text), want, text)

    def test_salesforce(self):
        self.same(reading.salesforce_id, (A, A18), (A18, A18), (A18.lower(), A18), (A18.upper(), A18), (A + "iac", A18), (A + "AAA", None),
                  ("001A0000006Vm9", None), ("001A0000006Vm9é", None), (A.lower() + "AA9", None), (A.lower() + "BAA", None), ("0" * 15, ZEROS), ("0" * 15 + "AAB", None))

    def test_email(self):
        self.same(reading.email, ("mailto:Ann@B.IO", "ann@b.io"), ("a@b", None), ("a@b@c.io", None), ("a b@c.io", None), ("a@b.io,c@d.io", None), ("@b.io", None), ("a+x@b.io", "a+x@b.io"))
        self.same(lambda t: reading.email(t, True), ("a+x@b.io", "a@b.io"), ("+x@b.io", None))

    def test_others(self):
        self.same(reading.number, ("0012", "12"), ("12.00", "12"), ("000", "0"), ("6.89E+11", None), ("12.5", None), ("-1", None), ("12.", None))
        u = "0a1b2c3d-0000-4000-8000-00000000000f"
        self.same(reading.uuid, ("{" + u.upper() + "}", u), (u, u), ("{" + u, None), (u.replace("-", ""), None))
        self.same(reading.phone, ("0049 (30) 12-34.5/6", "+4930123456"), ("030 123456", None), ("+123456", None), ("+" + "1" * 16, None), ("+49x30123456", None))

    def test_blocked(self):
        k = reading.Kind("e", {"is": "email", "block": ["*@agency.com", "Exact@X.io"]}, {})
        for t, want in (("a@agency.com", "blocked"), ("EXACT@x.io", "blocked"), ("NoReply@x.io", "blocked"), ("a@x.io", None), ("null", "bad")):
            self.assertEqual(k.read(t).trouble, want, t)
        k = reading.Kind("t", {}, {})
        for t, want in (("N/A", "blocked"), ("0-0", "blocked"), ("-1", "blocked"), ("testing", None)):
            self.assertEqual(k.read(t).trouble, want, t)
        k = reading.Kind("s", {"is": "salesforce_id", "block_file": "b.txt", "defaults": False}, {"b.txt": f"\n {A} \n".encode()})
        self.assertEqual([k.read(t).trouble for t in (A18, ZEROS, B)], ["blocked", None, None])


class EdgeCases(unittest.TestCase):
    """the rules of identity §7, by number."""

    def test_01_15_and_18_are_one_id(self):
        o = run(accounts=[A], contacts=[A18])
        self.assertEqual(customers(o), ["salesforce:" + A18])
        self.assertEqual([states(o, s) for s in ("accounts", "contacts")], [["used"], ["used"]])

    def test_02_ids_that_differ_by_case(self):
        self.assertEqual(len(customers(run(accounts=[A, A.replace("Vm9r", "vM9r")]))), 2)

    def test_03_case_is_restored(self):
        self.assertEqual(customers(run(accounts=[A18.lower(), A])), ["salesforce:" + A18])

    def test_04_zeros_on_fifty_contacts(self):
        o = run(contacts=[f"{ZEROS},c{i}@x.io" if i else ZEROS for i in range(50)])
        self.assertEqual(len(customers(o)), 49)
        self.assertEqual(o.ledger["contacts"]["rows_unidentified"], 1)
        self.assertEqual([(r["value"], r["rows"]) for r in o.refused], [(ZEROS, 50)])

    def test_05_chain_of_merges(self):
        o = run(accounts=[f"{A},a@x.io,{B},1", f"{B},,{C},1", C], stripe=["cus_1,a@x.io"])
        self.assertEqual(states(o, "accounts"), ["merged", "merged", "used"])
        self.assertEqual(members(o), {"salesforce:" + C18: {f"salesforce:{x}" for x in (A18, B18, C18)} | {"email:a@x.io", "stripe:cus_1"}})
        self.assertEqual(o.profiles[0]["ids_salesforce"], C18)
        self.assertEqual([(line(o, v)["state"], line(o, v)["rule"], line(o, v)["via"]) for v in (A18, B18, C18, "a@x.io", "cus_1")],
                         [("merged", "merge", "salesforce:" + B18), ("merged", "merge", "salesforce:" + C18), ("id", "self", ""),
                          ("id", "email", "salesforce:" + A18), ("id", "email", "email:a@x.io")])

    def test_06_cycle(self):
        o = run(accounts=[f"{A},,{B},1,left", f"{B},,{A},1,right"], stripe=["cus_1"])
        self.assertEqual(o.manifest["merges"], {"losers": 1, "cycles": 1, "winners_missing": 0})
        self.assertEqual(states(o, "accounts"), ["deleted", "merged"])            # the survivor is flagged deleted itself
        o = run(accounts=[f"{A},,{B}", f"{B},,{A}"])
        self.assertEqual((states(o, "accounts"), customers(o)), (["used", "merged"], ["salesforce:" + A18]))

    def test_07_winner_missing(self):
        o = run(accounts=[f"{A},,{B}"])
        self.assertEqual((customers(o), o.manifest["merges"]["winners_missing"]), ([], 1))
        o = run(accounts=[f"{A},,{B}"], contacts=[B])
        self.assertEqual((customers(o), o.manifest["merges"]["winners_missing"]), (["salesforce:" + B18], 1))
        o = run(accounts=[f"{A},,{B}"], contacts=[A])
        self.assertEqual((customers(o), states(o, "contacts")), (["salesforce:" + B18], ["used"]))

    def test_08_deleted_without_master(self):
        o = run(accounts=[f"{A},a@x.io,,TRUE", B], contacts=[f"{A},b@x.io"], stripe=["cus_1,a@x.io"])
        self.assertEqual(states(o, "accounts"), ["deleted", "used"])
        self.assertEqual(members(o), {"salesforce:" + A18: {"salesforce:" + A18, "email:b@x.io"}, "salesforce:" + B18: {"salesforce:" + B18},
                                      "stripe:cus_1": {"stripe:cus_1", "email:a@x.io"}})

    def test_09_hubspot_winner(self):
        o = run(hubspot=["13,w@x.io,11;12"], hubspot_old=["11,old@x.io"])
        self.assertEqual(o.ledger["hubspot"]["rows_merged"], 1)
        self.assertEqual([line(o, v)["state"] for v in ("11", "12", "13")], ["merged", "merged", "id"])
        self.assertEqual(customers(o), ["hubspot:13"])

    def test_10_guest_with_known_email(self):
        o = run(stripe=["cus_1,a@x.io", ",a@x.io"])
        self.assertEqual((customers(o), sorted(states(o, "stripe"))), (["stripe:cus_1"], ["superseded", "used"]))

    def test_11_guest_with_unknown_email(self):
        self.assertEqual(customers(run(stripe=[",A@x.io"])), ["email:a@x.io"])

    def test_12_guest_with_refused_email(self):
        o = run(stripe=[",noreply@x.io", *[f"cus_{i},s@x.io" for i in range(6)], ",s@x.io"])
        self.assertEqual(o.ledger["stripe"]["rows_unidentified"], 2)
        self.assertEqual((refused(o, "blocked"), refused(o, "shared")), ([("email", "noreply@x.io")], [("email", "s@x.io")]))

    def test_13_five_and_six_keys(self):
        self.assertEqual(customers(run(stripe=[f"cus_{i},s@x.io" for i in range(5)])), ["stripe:cus_0"])
        o = run(stripe=[f"cus_{i},s@x.io" for i in range(6)])
        self.assertEqual((len(customers(o)), refused(o, "shared")), (6, [("email", "s@x.io")]))
        self.assertEqual(o.refused[0]["customers"], ";".join(f"stripe:cus_{i}" for i in range(6)))

    def test_13_keys_of_one_kind_and_losers(self):
        keys = [f"001A000000{i}Vm9r" for i in range(1, 7)]
        o = run(accounts=[f"{k},s@x.io" for k in keys[:3]], stripe=[f"cus_{i},s@x.io" for i in range(3)])
        self.assertEqual(refused(o, "shared"), [])                               # three of one kind, three of another
        o = run(accounts=[f"{k},s@x.io" for k in keys[:5]] + [f"{keys[5]},s@x.io,{keys[0]}"])
        self.assertEqual(refused(o, "shared"), [])                               # the sixth lost to the first
        o = run(accounts=[f"{k},s@x.io" for k in keys[:5]] + [f"{keys[5]},s@x.io,,1"])
        self.assertEqual(refused(o, "shared"), [])                               # the sixth is deleted

    def test_14_email_on_two_accounts(self):
        o = run(limits(salesforce=1), accounts=[f"{A},both@x.io;a@x.io", f"{B},both@x.io;b@x.io"], stripe=["cus_1,a@x.io", "cus_2,b@x.io"])
        self.assertEqual(refused(o, "conflict"), [("email", "both@x.io")])
        self.assertEqual(members(o), {"salesforce:" + A18: {"salesforce:" + A18, "email:a@x.io", "stripe:cus_1"},
                                      "salesforce:" + B18: {"salesforce:" + B18, "email:b@x.io", "stripe:cus_2"}})
        self.assertEqual((o.refused[0]["rows"], o.refused[0]["customers"]), (2, f"salesforce:{A18};salesforce:{B18}"))

    def test_15_no_value_alone_is_wrong(self):
        o = run(limits(salesforce=1), accounts=[f"{A},a@x.io;own@x.io", f"{B},b@x.io"], stripe=["cus_1,a@x.io;b@x.io"], contacts=[f"{A},c@x.io"],
                map=[f"{B},cus_9"])
        self.assertEqual(refused(o, "conflict"), [("email", v + "@x.io") for v in ("a", "b", "c", "own")])
        self.assertEqual(members(o)["salesforce:" + B18], {"salesforce:" + B18, "stripe:cus_9"})      # a stronger tier stays
        self.assertEqual(members(o)["stripe:cus_1"], {"stripe:cus_1"})
        self.assertEqual({r["customers"] for r in o.refused}, {f"salesforce:{A18};salesforce:{B18};stripe:cus_1"})

    def test_16_mapped_to_two_accounts(self):
        o = run(limits(salesforce=1), accounts=[f"{A},a@x.io", B], stripe=["cus_1,a@x.io"], map=[f"{A},cus_1", f"{B},cus_1"])
        self.assertEqual(refused(o, "conflict"), [("stripe", "cus_1")])
        self.assertEqual(line(o, "cus_1")["via"], "email:a@x.io")
        self.assertEqual(customers(o), ["salesforce:" + A18, "salesforce:" + B18])

    def test_17_apart_pair_with_one_email(self):
        o = run(stripe=["cus_1,a@x.io", "cus_2,a@x.io"], apart=["stripe,cus_1,stripe,cus_2"])
        self.assertEqual((customers(o), refused(o, "conflict")), (["stripe:cus_1", "stripe:cus_2"], [("email", "a@x.io")]))

    def test_18_apart_pair_within_a_vendor_merge(self):
        o = run(accounts=[f"{A},a@x.io,{B}", B], stripe=["cus_1,a@x.io"], apart=[f"salesforce,{A},salesforce,{B}"])
        self.assertEqual(members(o), {"salesforce:" + B18: {"salesforce:" + A18, "salesforce:" + B18}, "stripe:cus_1": {"stripe:cus_1"}})
        self.assertEqual(refused(o, "conflict"), [("email", "a@x.io")])

    def test_19_rounded_number(self):
        o = run(hubspot=["6.89E+11,a@x.io"])
        self.assertEqual((customers(o), refused(o, "bad")), (["email:a@x.io"], [("hubspot", "6.89E+11")]))

    def test_20_erase_a_customer_of_four_sources(self):
        tables = dict(accounts=[f"{A},a@x.io", f"{B},b@x.io"], contacts=[f"{A},c@x.io"], hubspot=["5,c@x.io"], stripe=["cus_1,a@x.io", "cus_2,b@x.io"])
        o = run(**tables, erase=["stripe,cus_1"])
        self.assertEqual([states(o, s) for s in ("accounts", "contacts", "hubspot", "stripe")], [["erased", "used"], ["erased"], ["erased"], ["erased", "used"]])
        self.assertEqual(o.profiles, [p for p in run(**tables).profiles if p["customer_id"] == "salesforce:" + B18])
        self.assertEqual(o.manifest["erased"], {"values": 1, "customers": 1})

    def test_21_erase_a_shared_email(self):
        o = run(stripe=[f"cus_{i},s@x.io" for i in range(6)] + ["cus_0,own@x.io"], erase=["email,s@x.io"])
        self.assertEqual((states(o, "stripe"), customers(o), refused(o, "shared")), (["erased"] * 6 + ["used"], ["stripe:cus_0"], []))

    def test_22_erase_a_loser(self):
        o = run(accounts=[f"{A},,{B}", B], stripe=["cus_1"], erase=[f"salesforce,{A}"])
        self.assertEqual((states(o, "accounts"), customers(o)), (["erased", "erased"], ["stripe:cus_1"]))

    def test_23_erased_email_in_free_text(self):
        o = run(accounts=[f"{A},,,,was Ann@x.io.", f"{B},,,,joann@x.io"], stripe=["cus_1,ann@x.io"], erase=["email,ann@x.io"])
        self.assertEqual(o.leaks, [("Name", 1)])
        self.assertEqual(o.everything()["exit"], 6)


class Decisions(unittest.TestCase):
    """What DECISIONS.md says where the contract leaves a choice."""

    def test_d1_a_value_within_one_group_is_never_void(self):
        accounts = [f"{A},a@x.io;in@x.io", f"{B},b@x.io"]
        add = lambda spec: (limits(salesforce=1)(spec), spec["identity"]["maps"].append(
            {"file": "mail.csv", "left": {"column": "account", "kind": "salesforce"}, "right": {"column": "customer", "kind": "email"}}))
        HEADS["mail"] = "account,customer"
        o = run(add, accounts=accounts, stripe=["cus_1,a@x.io;b@x.io"], map=[], mail=[f"{A},in@x.io"])
        self.assertEqual(refused(o, "conflict"), [("email", "a@x.io"), ("email", "b@x.io")])
        self.assertEqual(line(o, "in@x.io")["rule"], "map")

    def test_d2_the_values_own_group_counts(self):
        # a@x.io is mapped to B; on account A it would join A and B, though it hangs on A alone.
        HEADS["mail"] = "account,customer"
        add = lambda spec: (limits(salesforce=1)(spec), spec["identity"]["maps"].append(
            {"file": "mail.csv", "left": {"column": "account", "kind": "salesforce"}, "right": {"column": "customer", "kind": "email"}}))
        o = run(add, accounts=[f"{A},a@x.io;own@x.io", B], map=[], mail=[f"{B},a@x.io"])
        self.assertEqual(refused(o, "conflict"), [("email", "a@x.io")])
        self.assertEqual(members(o)["salesforce:" + A18], {"salesforce:" + A18, "email:own@x.io"})

    def test_d3_max_ids_counts_survivors(self):
        o = run(lambda s: s["identity"].update(max_ids=2), accounts=[f"{A},a@x.io,{B}", B])
        self.assertEqual((len(o.identities), o.manifest["largest"]), (3, 2))
        o = run(lambda s: s["identity"].update(max_ids=1), accounts=[f"{A},a@x.io"])
        self.assertEqual((customers(o), refused(o, "conflict")), (["salesforce:" + A18], [("email", "a@x.io")]))

    def test_d8_d9_survivors(self):
        o = run(accounts=[f"{A},,{B}", f"{A},,{C}", B, C])                        # lost to both: the least of those who lost to none
        self.assertEqual((customers(o), states(o, "accounts")), (["salesforce:" + B18], ["merged", "merged", "used", "merged"]))
        self.assertEqual(o.manifest["merges"]["losers"], 2)
        o = run(accounts=[f"{B},,{C}", f"{C},,{B}", f"{A},,{B}"])                 # A hangs on a cycle: the least of all that is joined
        self.assertEqual((states(o, "accounts"), o.manifest["merges"]["cycles"]), (["merged", "merged", "used"], 1))

    def test_d10_a_deleted_loser_gives_its_links(self):
        self.assertEqual(customers(run(accounts=[f"{A},a@x.io,{B},1", B], stripe=[",a@x.io"])), ["salesforce:" + B18])

    def test_d7_merges_ignore_shared_and_refuse_blocked(self):
        def by_email(spec):
            spec["sources"]["people"] = {"files": ["stripe*.csv"], "key": {"column": "Email", "kind": "email"}, "merged_into": "id"}
        o = run(by_email, hubspot=[f"{i},s@x.io" for i in range(1, 7)], stripe=["w@x.io,s@x.io", ",w@x.io", "noreply@x.io,v@x.io"])
        self.assertIn(("email", "s@x.io"), o.shared)
        self.assertEqual(o.losers, {("email", "s@x.io")})
        self.assertEqual(states(o, "people"), ["merged", "used", "used"])

    def test_d15_places(self):
        o = run(accounts=[A], stripe=["cus_1"], map=[f"{B},cus_9", f"{A},cus_1"])
        self.assertEqual([list(line(o, v).values())[4:] for v in (A18, "cus_1")],
                         [["self", "", "accounts", "accounts.csv", 2], ["map", "salesforce:" + A18, "", "map.csv", 3]])
        self.assertEqual(list(o.group(("stripe", "cus_9"))), list(o.group(("salesforce", B18))))

    def test_d25_the_order_of_ids_decides_the_tier(self):
        def email_first(spec):
            spec["sources"]["contacts"]["ids"].reverse()
        both = [run(change, contacts=[f"{A},a@x.io"]) for change in (None, email_first)]
        self.assertEqual([line(o, "a@x.io")["rule"] for o in both], ["email", "salesforce"])

    def test_d32_nulls_in_parts(self):
        nulls = lambda spec: spec["sources"]["accounts"].update(nulls=["none@x.io", "-"])
        o = run(nulls, accounts=[f"{A},none@x.io; a@x.io ;-;;a@x.io", f"{B},none@x.io"])
        self.assertEqual((o.refused, len(customers(o)), len(o.identities)), ([], 2, 3))

    def test_d34_read_once(self):
        o = run(stripe=["cus_1,a@x.io"], stripe_copy=["cus_1,a@x.io"])
        self.assertEqual(o.ledger["stripe"]["rows_read"], 1)

    def test_d17_other_forms_of_an_erased_id(self):
        o = run(contacts=[A], stripe=[f"cus_1,{A}"], erase=[f"salesforce,{A18.lower()}"])
        self.assertEqual((o.leaks, customers(o)), ([("bill_to", 1)], ["stripe:cus_1"]))

    def test_d17_a_bad_cell_with_an_erased_email(self):
        o = run(contacts=[f"{A},\"ann@x.io, bo@x.io\"", f"{B},ann@x.io"], erase=["email,ann@x.io"])
        self.assertEqual((o.refused, customers(o)), ([], ["salesforce:" + A18]))

    def test_d19_population(self):
        only = lambda spec: spec.update(profile={"population": ["accounts"]})
        o = run(only, accounts=[f"{A},,{B}", C], contacts=[B, C])
        self.assertEqual((states(o, "contacts"), customers(o)), (["excluded", "used"], ["salesforce:" + C18]))

    def test_fill(self):
        older = lambda spec: spec["sources"]["stripe"].update(fill="older", latest_by="Email", keep=[{"Email": "bill_to"}, "note"])
        HEADS["stripe"], old = "id,Email,note", HEADS["stripe"]
        try:
            o = run(older, stripe=["cus_1,b@x.io,", "cus_1,a@x.io,seen", "cus_1,,oldest"])
        finally:
            HEADS["stripe"] = old
        self.assertEqual((o.profiles[0]["note"], states(o, "stripe")), ("seen", ["used", "superseded", "superseded"]))

    def test_name_is_the_least_survivor(self):
        o = run(stripe=["cus_10,a@x.io", "cus_9,a@x.io"])
        self.assertEqual((customers(o), o.profiles[0]["ids_stripe"]), (["stripe:cus_9"], "cus_9;cus_10"))

    def test_faults(self):
        with self.assertRaises(reading.Fault) as f:
            run(stripe=["cus_1"], erase=["email,nonsense"])
        self.assertEqual(f.exception.code, 4)
        with self.assertRaises(reading.Fault) as f:
            run(lambda s: s["identity"].update(link_by=["email"]), contacts=[A])
        self.assertEqual(f.exception.code, 3)


if __name__ == "__main__":
    unittest.main()
