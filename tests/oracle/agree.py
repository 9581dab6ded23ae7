#!/usr/bin/env python3
"""Whether onefold and the oracle of identity agree on random cases.

    agree.py ONEFOLD [--from 0] [--count 100]

Every case is run with shards, threads and a memory limit of its own, and compared cell by cell: profiles, identities, refused, ledger,
manifest; a refusal by its exit code. Every third case is run again with its rows, files and sources shuffled. Says the first difference
of each case that has one; exit 1 if there is any.
"""
import argparse, json, os, random, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import graphs, identity
from outputs import Oracle
from reading import Fault


def run(onefold, folder, rng):
    """One run with settings of its own; its exit code and what it said."""
    flags = ["--shards", str(rng.choice([1, 2, 7, 16])), "--threads", str(rng.choice([1, 2, 3]))]
    flags += ["--memory-limit", rng.choice(["1kB", "1MB"])] if rng.random() < .5 else []
    done = subprocess.run([onefold, "run", "--profile", "profile.toml", "--input", ".", "--output", "out", "--quiet", "--no-report",
                           "--allow-empty", *flags], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr.strip()


def case(onefold, seed, order):
    """What differs in a case, as a list of texts."""
    spec, files = graphs.Case(seed).render(order)
    with tempfile.TemporaryDirectory() as folder:
        graphs.write(folder, spec, files)
        code, said = run(onefold, folder, random.Random(seed))
        try:
            oracle = Oracle(files, spec)
            want = 6 if oracle.leaks else 0
        except Fault as fault:
            oracle, want = None, fault.code
        if code != want:
            return [f"exit {code}, expected {want}: {said}"]
        return identity.check(oracle, os.path.join(folder, "out")) if want == 0 else []


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("onefold"); a.add_argument("--from", dest="first", type=int, default=0); a.add_argument("--count", type=int, default=100)
    a = a.parse_args()
    onefold = os.path.abspath(a.onefold)
    work = [(seed, order) for seed in range(a.first, a.first + a.count) for order in ([0, 1] if seed % 3 == 0 else [0])]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda w: case(onefold, *w), work))
    bad = [(w, wrong) for w, wrong in zip(work, found) if wrong]
    for (seed, order), wrong in bad[:20]:
        print(f"case {seed}, order {order}: {len(wrong)} differences, the first: {wrong[0]}")
    print(json.dumps({"cases": len(work), "differ": len(bad)}))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
