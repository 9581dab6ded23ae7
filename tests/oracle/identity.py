#!/usr/bin/env python3
"""An independent, slow, plain implementation of the rules of identity, standard library only.

    identity.py FOLDER SPEC                    summary as JSON on stdout
    identity.py FOLDER SPEC --json OUT         everything as JSON: groups, rows, ledger, identities, refused, profiles
    identity.py FOLDER SPEC --check OUTPUT     compare with a run's output folder; says the first differences, exit 1
    identity.py FOLDER SPEC --erase FILE       a second list, beside the spec's

The spec is a restricted one: plain CSV files; `[profile] population`; `[identity]` with name_by, link_by, at_most, max_ids,
apart, erase, kinds, maps; per source files, key, ids, merged_into, merged_from, deleted, latest_by, keep, fill, nulls, types
(text, int, float, bool, date, datetime; kept datetimes are not compared). Aliases, presets, footers, archives, scores and aggregates are outside this script,
and so are files with quotes that a strict reader refuses. Where the contract can be read in two ways: DECISIONS.md, cited as [D3].

This file owns the command and the comparison with a run's output; reading.py reads, linking.py groups, outputs.py says what a run must write.
"""
import argparse, csv, json, os, sys
from outputs import IDENTITY_COLUMNS, REFUSED_COLUMNS, Oracle
from reading import Fault


def load(folder):
    """The files of a folder, by name; subfolders are not looked into."""
    out = {}
    for e in os.scandir(folder):
        if e.is_file():
            with open(e.path, "rb") as h:
                out[e.name] = h.read()
    return out


def compare_table(wrong, what, path, want, columns, keys):
    """Differences between a CSV file and the rows expected, in order."""
    with open(path, encoding="utf-8", newline="") as h:
        reader = csv.DictReader(h)
        got = list(reader)
    missing = [c for c in columns if c not in (reader.fieldnames or [])]
    if missing:
        wrong.append(f"{what}: no column {', '.join(missing)}")
    name = lambda r: tuple(str(r.get(k)) for k in keys)
    want_by, got_by = {name(r): r for r in want}, {name(r): r for r in got}
    if len(got_by) != len(got):
        wrong.append(f"{what}: {len(got) - len(got_by)} lines twice")
    wrong += [f"{what}: {k} is missing" for k in want_by if k not in got_by]
    wrong += [f"{what}: {k} is too much" for k in got_by if k not in want_by]
    for k, w in want_by.items():
        for c in columns if k in got_by else []:
            v, x = got_by[k].get(c), w[c]
            if v is not None and v != str(x):
                wrong.append(f"{what}: {k} {c}: {v!r}, expected {str(x)!r}")
    if not wrong and [name(r) for r in got] != [name(r) for r in want]:
        wrong.append(f"{what}: not in order")


def flat(tree, at=""):
    """The leaves of nested mappings, with dotted names."""
    for k, v in tree.items():
        yield from flat(v, f"{at}.{k}") if isinstance(v, dict) else [(f"{at}.{k}"[1:], v)]


def check(oracle, output):
    """Differences between the oracle and a run's output folder, as text."""
    wrong = []
    columns = list(oracle.profiles[0]) if oracle.profiles else ["customer_id"]
    asked = oracle.spec.get("output", {}).get("columns")
    columns = [c for c in columns if asked is None or c in asked]
    moments = {name for s in oracle.sources for c, name in s.keep if s.types.get(c) == "datetime"}
    columns = [c for c in columns if c not in moments]
    compare_table(wrong, "profiles.csv", os.path.join(output, "profiles.csv"), oracle.profiles, columns, ["customer_id"])
    compare_table(wrong, "identities.csv", os.path.join(output, "identities.csv"), oracle.identities, IDENTITY_COLUMNS, IDENTITY_COLUMNS[:3])
    compare_table(wrong, "refused.csv", os.path.join(output, "refused.csv"), oracle.refused, REFUSED_COLUMNS, REFUSED_COLUMNS[:3])
    with open(os.path.join(output, "run.json"), encoding="utf-8") as h:
        run = json.load(h)
    for what, have, want in (("ledger", run.get("ledger", {}), oracle.ledger), ("identity", run.get("identity", {}), oracle.manifest),
                             ("customers", run.get("customers", {}), {"total": len(oracle.profiles)})):
        have = dict(flat(have))
        wrong += [f"run.json {what}.{k}: {have.get(k)}, expected {v}" for k, v in flat(want) if have.get(k) != v]
    return wrong


def main():
    """The command line."""
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder"); a.add_argument("spec"); a.add_argument("--json"); a.add_argument("--check"); a.add_argument("--erase")
    a.add_argument("--most", type=int, default=20, help="differences to say")
    a = a.parse_args()
    files = load(a.folder)
    if a.erase:
        with open(a.erase, "rb") as h:
            files["\0erase"] = h.read()                          # no file of the folder can have this name
    with open(a.spec, encoding="utf-8") as h:
        spec = h.read()
    try:
        oracle = Oracle(files, spec, "\0erase" if a.erase else None)
    except Fault as fault:
        print(fault, file=sys.stderr)
        sys.exit(fault.code)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as h:
            json.dump(oracle.everything(), h, indent=1, ensure_ascii=False)
    print(json.dumps({"customers": len(oracle.profiles), "ledger": oracle.ledger, "identity": oracle.manifest, "leaks": oracle.leaks}))
    if a.check:
        wrong = check(oracle, a.check)
        print("\n".join(wrong[:a.most]) or "no difference")
        sys.exit(1 if wrong else 0)
    sys.exit(6 if oracle.leaks else 0)


if __name__ == "__main__":
    main()
