#!/usr/bin/env python3
"""Runs onefold and its peers in turn on the same data, checks that all agree on the cells, and prints the ratios.

    peers.py default | events | default-limited  [--customers N] [--rounds 5]

A contestant whose first run takes over a minute is run once. The Python that tests/setup made has the packages; see
README.md beside this file.
Exit code: 0 done, 1 cells differ or onefold failed, 2 wrong usage, no binary, no data, or --check without peers.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import table
from contest import Contest, say
from workloads import ROOT, WORKLOADS, Setting, missing


def stop(text):
    say(f"peers.py: {text}")
    sys.exit(2)


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("workload", choices=WORKLOADS)
    a.add_argument("--customers", type=int, metavar="N", help="size of the data (1M; 10M for default-limited)")
    a.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each contestant (default 5)")
    a.add_argument("--warm-up", action="store_true", help="one more round before, which does not count")
    a.add_argument("--only", metavar="NAMES", help="contestants, such as onefold,duckdb,polars-streaming")
    a.add_argument("--threads", type=int, metavar="N", help="threads of each that can be told (default: all cores)")
    a.add_argument("--memory", default="2GB", metavar="SIZE", help="limit of default-limited (default 2GB)")
    a.add_argument("--time-limit", type=float, default=3600, metavar="S", help="seconds after which a run is stopped (default 3600)")
    a.add_argument("--onefold", type=Path, default=ROOT / "target/release/onefold", metavar="PATH")
    a.add_argument("--work", type=Path, default=ROOT / "target/peers", metavar="DIR", help="data and outputs (default target/peers)")
    a.add_argument("--export-json", type=Path, metavar="FILE")
    check = a.add_mutually_exclusive_group()
    check.add_argument("--check", action="store_true", help="run each once, compare the cells, print no table")
    check.add_argument("--no-check", action="store_true", help="do not compare the cells after the first round")
    a = a.parse_args()
    if not os.access(a.onefold, os.X_OK):
        stop(f"no binary at `{a.onefold}`: build it with `cargo build --release`, or pass --onefold")
    if a.rounds < 1 or (a.customers is not None and a.customers < 1):
        stop("--rounds and --customers take a number of at least 1")
    return a


def generate(setting, workload, customers):
    """Writes the data where it is missing; a folder that is there is whole."""
    if setting.data.is_dir():
        return
    say(f"generating {customers:,} customers into {setting.data}")
    half = setting.data.with_name(setting.data.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    line = [setting.onefold, "generate", "--quiet", "--profile", workload.profile, "--customers", str(customers), "--output", half]
    if subprocess.run(line, stdout=subprocess.DEVNULL).returncode:
        stop("cannot generate the data")
    half.rename(setting.data)


def size(folder):
    """Rows and bytes of the CSV files. Counting reads them all, so the first run finds them cached like the later ones."""
    rows = length = 0
    for path in folder.glob("*.csv"):
        rows -= 1
        with open(path, "rb") as f:
            while block := f.read(1 << 20):
                rows += block.count(b"\n")
                length += len(block)
    return rows, length


def contestants(workload, only):
    """Those that can run; says who cannot."""
    names = only.split(",") if only else [c.name for c in workload.contestants]
    unknown = set(names) - {c.name for c in workload.contestants}
    if unknown:
        stop(f"no contestant {', '.join(sorted(unknown))} in {workload.name}")
    able = []
    for contestant in (c for c in workload.contestants if c.name in names):
        lack = missing(contestant)
        if lack:
            say(f"skipped {contestant.name}: {lack}")
        else:
            able.append(contestant)
    return able


def report_cells(cells, reason):
    """Prints the check's findings; true when nothing differs."""
    if cells is None:
        print(f"\nCells not compared: {reason}.")
        return True
    print("\nCells against onefold's, by column name, `idempotency_key` left out:\n")
    for name, found in cells.items():
        print(f"- {name}: " + found["text"].replace("\n", "\n  "))
    return all(found["same"] is not False for found in cells.values())


def report_of(contest, machine, customers, rows, length, reason):
    """Everything that was measured, as it is printed and exported."""
    setting, results = contest.setting, contest.results.values()
    return {
        "workload": {"name": contest.workload.name, "customers": customers, "rows": rows, "bytes": length,
                     "memory": setting.memory, "threads": setting.threads},
        "machine": machine,
        "versions": table.versions(setting.onefold, contest.able),
        "results": [{**r, "runs": [asdict(one) for one in r["runs"]],
                     "median": table.summary(r["runs"], rows) if r["runs"] else None} for r in results],
        "cells": contest.cells if contest.cells is not None else reason,
    }


def setting_of(a, workload, customers):
    return Setting(
        onefold=a.onefold.resolve(),
        work=a.work.resolve(),
        data=a.work.resolve() / f"{workload.profile}-{customers}",
        memory=a.memory if workload.limited else None,
        threads=a.threads,
    )


def main():
    a = arguments()
    workload = WORKLOADS[a.workload]
    customers = a.customers or workload.customers
    setting = setting_of(a, workload, customers)
    machine = table.machine()
    able = contestants(workload, a.only)
    if not able:
        stop("nobody can run")
    setting.work.mkdir(parents=True, exist_ok=True)
    generate(setting, workload, customers)
    rows, length = size(setting.data)
    contest = Contest(workload, setting, able, a.time_limit)
    reason = contest.hold(1 if a.check else a.rounds, a.warm_up, not a.no_check)
    report = report_of(contest, machine, customers, rows, length, reason)
    if not a.check:
        print(table.markdown(report))
    well = report_cells(contest.cells, reason)
    if a.export_json:
        a.export_json.write_text(json.dumps(report, indent=2) + "\n")
    if a.check and contest.cells is None:
        return 2
    return 0 if well and not contest.failed("onefold") else 1


if __name__ == "__main__":
    sys.exit(main())
