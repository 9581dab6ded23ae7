#!/usr/bin/env python3
"""What deny.toml asks of licences and sources, from `cargo metadata` alone: no network, no advisory database.

`cargo deny check licenses sources` does the same with more care; it takes minutes to compile, this takes a second.
"""
import json
import re
import subprocess
import sys
import tomllib

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def allowed(expression, licences):
    """Whether an SPDX expression can be satisfied: `/` is an old `or`, `with` binds to the licence before it."""
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    at = 0

    def either():
        nonlocal at
        ok = both()
        while at < len(words) and words[at].upper() == "OR":
            at += 1
            ok = both() or ok
        return ok

    def both():
        nonlocal at
        ok = one()
        while at < len(words) and words[at].upper() == "AND":
            at += 1
            ok = one() and ok
        return ok

    def one():
        nonlocal at
        word = words[at]
        at += 1
        if word == "(":
            ok = either()
            at += 1
            return ok
        if at < len(words) and words[at].upper() == "WITH":
            word += " WITH " + words[at + 1]
            at += 2
        return word in licences

    return either() and at == len(words)


def main():
    with open("deny.toml", "rb") as file:
        deny = tomllib.load(file)
    licences = set(deny["licenses"]["allow"])
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    command += [f"--filter-platform={target}" for target in deny["graph"]["targets"]]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    used = {node["id"] for node in metadata["resolve"]["nodes"]}
    packages = [p for p in metadata["packages"] if p["id"] in used]
    wrong = []
    for package in packages:
        name = f'{package["name"]} {package["version"]}'
        licence = package["license"] or ""
        if not licence or not allowed(licence, licences):
            wrong.append(f"{name}: licence `{licence}` is not in deny.toml")
        if package["source"] not in (None, REGISTRY):
            wrong.append(f'{name}: source {package["source"]} is not crates.io')
    for dependency in metadata["packages"]:
        if dependency["id"] == metadata["resolve"]["root"]:
            stars = [d["name"] for d in dependency["dependencies"] if d["req"] == "*"]
            wrong += [f"{name}: any version would do" for name in stars]
    for unused in sorted(licences - {w for p in packages for w in re.findall(r"[\w.-]+(?: WITH [\w.-]+)?", p["license"] or "")}):
        wrong.append(f"deny.toml allows {unused}, which nothing has")
    print("\n".join(wrong) or f"{len(packages)} packages: licences and sources are as deny.toml asks")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
