#!/usr/bin/env python3
"""Writes the licence texts of all crates that the binary carries, as their licences ask.

licences.py TARGET FILE: TARGET is the platform, such as x86_64-unknown-linux-gnu.
"""

import json
import pathlib
import subprocess
import sys

NAMES = ("licen", "copying", "copyright", "notice", "unlicense")
# Of bundled C libraries: what is not compiled into the crate.
ASIDE = {"tests", "examples", "programs", "contrib"}


def carried(target):
    """The packages that normal dependencies reach from onefold; what only builds or tests is not in the binary."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in told["packages"]}
    needs = {
        node["id"]: [d["pkg"] for d in node["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
        for node in told["resolve"]["nodes"]
    }
    root = told["resolve"]["root"]
    reached, waiting = set(), [root]
    while waiting:
        package = waiting.pop()
        if package not in reached:
            reached.add(package)
            waiting += needs[package]
    return sorted((packages[p] for p in reached - {root}), key=lambda p: (p["name"], p["version"]))


def texts(package):
    """The texts of a package's licence files, those of code that it bundles too, in order of path."""
    folder = pathlib.Path(package["manifest_path"]).parent
    found = [f for f in folder.rglob("*") if f.is_file() and f.name.lower().startswith(NAMES) and f.suffix != ".rs"]
    found = [f for f in found if ASIDE.isdisjoint(f.relative_to(folder).parts)]
    licences = {f.parent for f in found if f.name.lower().startswith("licen")}
    # COPYING beside LICENSE is the other of two licences to choose from.
    chosen = {f for f in found if not (f.name.lower().startswith("copying") and f.parent in licences)}
    if package["license_file"]:
        chosen.add(folder / package["license_file"])
    return [f.read_text(errors="replace").strip() for f in sorted(chosen)]


def main(target, file):
    users = {}
    lines = ["onefold carries these crates:", ""]
    for package in carried(target):
        name = f"{package['name']} {package['version']}"
        of_package = texts(package)
        lines.append(f"{name}: {package['license']}{'' if of_package else ' (the crate brings no text of it)'}")
        for text in of_package:
            users.setdefault(text, []).append(name)
    for text, names in users.items():
        lines += ["", "=" * 100, ", ".join(dict.fromkeys(names)) + ":", "", text]
    pathlib.Path(file).write_text("\n".join(lines) + "\n")


main(*sys.argv[1:])
