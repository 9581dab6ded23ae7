#!/usr/bin/env python3
"""Random identity cases by seed: small, adversarial, the same bytes for the same seed on any machine.

    graphs.py FOLDER [--from 0] [--count 1] [--shuffle N]
        writes FOLDER/<seed>/{profile.toml, *.csv, …}; --shuffle writes the same rows in another order of rows, files, columns, sources

A case has 5 to 80 rows in 1 to 4 sources of 1 to 3 files. Values come from small pools, by clusters with few crossings, so that
groups are many, touch each other, and break. Every case can be run: at most half of a source's rows and at most ten are rejected,
no kept column holds an identifier, and no identifier looks like part of another.
"""
import argparse, json, os, random

NO_UTF8 = "\ue000"                                   # stands for bytes that are not UTF-8 until a file is written
SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
FORMS = {"sf": "salesforce_id", "hub": "number", "cus": "text", "mail": "email", "tel": "phone", "uid": "uuid", "tag": "text"}
BAD = {"sf": ["0015", "001AAAAAAAAAAAAÄ", "001aBcdefghijklAAA"], "hub": ["6.89E+11", "12a", "-5"], "cus": [], "tag": [],
       "mail": ["no at", "a@@b.io", "a@b", "a b@c.io", "one@b.io, two@b.io"], "tel": ["030 123456", "+49", "+49 30 12x4567"], "uid": ["1234", "{00000000-0000-0000-0000-00000000000g}"]}
BLOCKED = {"sf": ["000000000000000", "000000000000000AAA"], "hub": ["0", "000"], "cus": ["null", "N/A", "Unknown", "-1", "--", "000"], "tag": ["test", "NONE", "0-0"],
           "mail": ["noreply@u.io", "No-Reply@U.io", "test@u.io", "sales@agency.io"], "tel": [], "uid": ["00000000-0000-0000-0000-000000000000"]}


def suffix(body):
    return "".join(SUFFIX[sum(1 << i for i in range(5) if body[b + i].isupper())] for b in (0, 5, 10))


def pool(kind, n, rng):
    """n values in their normal form (Salesforce ids without suffix); some of them near misses of each other."""
    out = []
    for i in range(n):
        if kind == "sf":
            body = "001" + "".join(rng.choice("abcXYZ019") for _ in range(12))
            out += [body, body.swapcase()] if rng.random() < .3 else [body]
        elif kind == "hub":
            out.append(str(rng.choice([7_000_000, 70_000_000, 900_000_000_000]) + 3 * i))
        elif kind == "cus":
            out.append("cus_" + rng.choice(["", "A", "aa", "Zz9"]) + format(i, "03d"))
        elif kind == "mail":
            out.append(f"u{i:03}{rng.choice(['', '+x'])}@{rng.choice(['a.io', 'b.io', 'firm.co.uk'])}")
        elif kind == "tel":
            out.append(f"+4930{100000 + i}")
        elif kind == "uid":
            out.append("%08x-%04x-4000-8000-%012x" % (rng.getrandbits(32), rng.getrandbits(16), rng.getrandbits(48)))
        else:
            out.append(f"t{rng.choice('abÄ')}{i:03}")
    return list(dict.fromkeys(out))[:n]


def dress(kind, v, rng):
    """One of the ways in which a file writes the value."""
    r = rng.random()
    if kind == "sf":
        v = v if r < .4 else v + suffix(v) if r < .7 else (v + suffix(v)).lower() if r < .85 else v + suffix(v).lower()
    elif kind == "mail":
        v = v if r < .6 else v.upper() if r < .8 else "mailto:" + v.capitalize()
    elif kind == "hub":
        v = v if r < .6 else "00" + v if r < .8 else v + ".0"
    elif kind == "uid":
        v = v if r < .5 else v.upper() if r < .8 else "{" + v + "}"
    elif kind == "tel":
        v = v if r < .5 else "00" + v[1:] if r < .7 else f"{v[:3]} ({v[3:5]}) {v[5:8]}-{v[8:]}"
    return rng.choice(["", " ", "\t"]) + v + rng.choice(["", "  ", "\u00a0"]) if rng.random() < .1 else v


class Case:
    """What a seed stands for; `render` gives it an order. Only `render` decides order, so that a case can be shuffled."""

    def __init__(self, seed):
        self.seed, self.rng = seed, random.Random(f"identity {seed}")
        rng = self.rng
        self.size = rng.choice([rng.randint(5, 15), rng.randint(10, 40), rng.randint(30, 80)])
        self.kinds = rng.sample(list(FORMS), rng.randint(2, len(FORMS)))         # the order of name_by
        self.link_by = rng.sample(self.kinds, rng.randint(1, min(4, len(self.kinds))))
        self.clusters = rng.randint(1, max(1, self.size // 4))
        self.pools = {k: pool(k, max(2, int(self.clusters * rng.uniform(1, 4))), rng) for k in self.kinds}
        self.sources = [self.make_source(i) for i in range(rng.randint(1, 4))]
        if not any(s["key"] for s in self.sources):
            self.sources[0]["key"] = rng.choice(self.kinds)
        for s in self.sources:
            self.add_columns(s)
        for n in range(self.size):
            self.add_row(rng.choice(self.sources), n)
        self.motifs()
        for s in self.sources:
            self.spoil(s)
        self.make_maps()
        self.make_lists()
        self.make_limits()

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, kind, cluster):
        """A value of a cluster, seldom of another one."""
        values = self.pools[kind]
        c = cluster if not self.chance(.06) else self.rng.randrange(self.clusters)
        mine = values[c::self.clusters] or values
        return self.rng.choice(mine)

    def cell(self, kind, cluster, blank, dirt=.12):
        rng = self.rng
        if self.chance(blank):
            return rng.choice(["", "", " ", "-", "n.a."])
        if self.chance(dirt) and (BAD[kind] or BLOCKED[kind]):
            return rng.choice(BAD[kind] + BLOCKED[kind])
        return dress(kind, self.pick(kind, cluster), rng)

    # -------------------------------------------------------- sources

    def make_source(self, i):
        rng = self.rng
        key = rng.choice(self.kinds) if self.chance(.85) else None
        ids = [rng.choice(self.link_by) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        if not key and not ids:
            ids = [rng.choice(self.link_by)]
        split = [rng.choice([None, None, ";", ",", "|"]) for _ in ids]
        merges = rng.choice([None, None, "into", "from", "both"]) if key else None
        return {"name": f"s{i}", "key": key, "ids": list(zip(ids, split)), "merges": merges, "from_split": rng.choice([";", ";", None]),
                "deleted": rng.choice([None, None, ["1", "true"], ["*"]]), "latest": rng.choice([None, "date", "int", "datetime"]),
                "fill": self.chance(.3), "nulls": rng.choice([None, None, ["-"], ["-", "n.a.", "none given"]]), "copy": self.chance(.04), "rows": []}

    def add_columns(self, s):
        s["cols"] = ([("key", s["key"])] if s["key"] else []) + [(f"id{j}", k) for j, (k, _) in enumerate(s["ids"])]
        s["extra"] = ["note", "amount", "junk"] + (["master"] if s["merges"] in ("into", "both") else []) \
            + (["absorbed"] if s["merges"] in ("from", "both") else []) + (["gone"] if s["deleted"] else []) + (["at"] if s["latest"] else [])

    def add_row(self, s, n, cluster=None):
        rng, c = self.rng, self.rng.randrange(self.clusters) if cluster is None else cluster
        row = {"junk": f"j{len(s['rows'])}", "note": rng.choice([f"note {n}", "", "a, \"b\"", "none given", "two\nlines", " x "]),
               "amount": rng.choice(["1", "22", "", "x", "+3", "007", " 4 ", "-"])}
        if s["key"]:
            row["key"] = self.cell(s["key"], c, .12)
        for j, (kind, split) in enumerate(s["ids"]):
            parts = [self.cell(kind, c, .15) for _ in range(rng.choice([1, 1, 2, 3]) if split else 1)]
            row[f"id{j}"] = (split or "").join(p for p in parts if not split or split not in p)
        if "master" in s["extra"]:
            row["master"] = self.cell(s["key"], c, .7)
            if self.chance(.05):
                row["master"] = row["key"]
        if "absorbed" in s["extra"]:
            parts = [self.cell(s["key"], c, .6) for _ in range(rng.choice([1, 1, 2]) if s["from_split"] else 1)]
            row["absorbed"] = (s["from_split"] or "").join(parts)
        if "gone" in s["extra"]:
            row["gone"] = rng.choice(["", "", "", "", "0", "1", "TRUE", " true "]) if s["deleted"] != ["*"] else rng.choice(["", "", "", "", "yes"])
        if "at" in s["extra"]:
            day = rng.randint(1, 28)
            row["at"] = "" if self.chance(.1) else "never" if self.chance(.05) else {
                "date": f"2026-02-{day:02}", "int": str(day), "text": f"d{day:02}", "datetime": f"2026-02-{day:02} 12:00:00"}[s["latest"]]
        s["rows"].append(row)
        return row

    # -------------------------------------------------------- shapes that random rows seldom have

    def motifs(self):
        rng = self.rng
        for _ in range(rng.randint(0, 3)):
            rng.choice([self.chain, self.merge_chain, self.bipartite, self.hub])()

    def values(self, kind, n):
        return [dress(kind, v, self.rng) for v in self.rng.sample(self.pools[kind], min(n, len(self.pools[kind])))]

    def chain(self):
        """Row after row shares a value with the next."""
        s = self.rng.choice([s for s in self.sources if s["ids"]] or self.sources)
        if not s["key"] or not s["ids"]:
            return
        keys, ids = self.values(s["key"], 5), self.values(s["ids"][0][0], 5)
        for i, k in enumerate(keys):
            row = self.add_row(s, i)
            row["key"], row["id0"] = k, ids[(i // 2) % len(ids)]
            row = self.add_row(s, i)
            row["key"], row["id0"] = k, ids[(i + 1) // 2 % len(ids)]

    def merge_chain(self):
        """A→B→C, sometimes round to A."""
        s = self.rng.choice(self.sources)
        if s["merges"] in (None, "from"):
            return
        keys = self.values(s["key"], self.rng.randint(2, 4))
        for i, k in enumerate(keys):
            row = self.add_row(s, i)
            row["key"], row["master"] = k, keys[i + 1] if i + 1 < len(keys) else keys[0] if self.chance(.4) else ""

    def bipartite(self):
        """Two keys with a value each, and one row of another source with both values."""
        for a in self.sources:
            for b in self.sources:
                if a is not b and a["key"] and a["ids"] and b["ids"] and b["ids"][0][0] == a["ids"][0][0] and b["ids"][0][1]:
                    kind = a["ids"][0][0]
                    for k, v in zip(self.values(a["key"], 2), ids := self.values(kind, 2)):
                        self.add_row(a, 0).update(key=k, id0=v)
                    self.add_row(b, 0)["id0"] = b["ids"][0][1].join(ids)
                    return

    def hub(self):
        """Many keys with one value."""
        s = self.rng.choice(self.sources)
        if s["key"] and s["ids"]:
            value = self.values(s["ids"][0][0], 1)[0]
            for k in self.values(s["key"], self.rng.randint(2, 7)):
                self.add_row(s, 0).update(key=k, id0=value)

    def spoil(self, s):
        """A few records that are rejected or blank: ragged, not UTF-8, without a value."""
        for row in self.rng.sample(s["rows"], min(5, len(s["rows"]) // 4)):
            if self.chance(.4):
                row["spoilt"] = self.rng.choice(["short", "long", "bytes", "blank"])

    # -------------------------------------------------------- maps, lists, limits

    def make_maps(self):
        self.maps = []
        for i in range(self.rng.choice([0, 0, 1, 1, 2])):
            left, right = self.rng.choice(self.kinds), self.rng.choice(self.kinds)
            lines = []
            for _ in range(self.rng.randint(0, 8)):
                c = self.rng.randrange(self.clusters)
                lines.append([self.cell(left, c, .05, .05), self.cell(right, c, .05, .05)])
            self.maps.append((left, right, lines))

    def some(self):
        kind = self.rng.choice(self.kinds)
        return [kind, dress(kind, self.rng.choice(self.pools[kind]), self.rng)]

    def make_lists(self):
        rng = self.rng
        pairs = [[*self.some(), *self.some()] for _ in range(rng.randint(1, 4))] if self.chance(.4) else []
        for s in self.sources:                                   # a pair that a vendor merge joins
            pairs += [[s["key"], r["key"], s["key"], r["master"]] for r in s["rows"] if pairs and "master" in r and self.chance(.1)]
        self.apart = [p for p in pairs if self.sound(p[0], p[1]) and self.sound(p[2], p[3]) and self.bare(p[0], p[1]) != self.bare(p[2], p[3])]
        self.erase = [self.some() for _ in range(rng.randint(1, 3))] if self.chance(.4) else []
        if self.erase and self.chance(.3):
            kind = rng.choice(self.kinds)
            self.erase += [[kind, v] for v in BLOCKED[kind][:1]]
        self.block, self.block_file = {}, None
        for kind in self.kinds:
            if self.chance(.25):
                v = rng.choice(self.pools[kind])
                self.block[kind] = [rng.choice([v.upper() if kind == "mail" else v, v[:5] + "*", "*@agency.io", "*x*", "nothing"])]
        if self.chance(.2):
            kind = rng.choice(self.kinds)
            self.block_file = (kind, [rng.choice(self.pools[kind]), "", " *@firm.co.uk "])

    def sound(self, kind, text):
        text = text.strip()
        return text not in ("", "-", "n.a.") and text not in BAD[kind]

    def bare(self, kind, text):
        """Near enough to a normal form to tell that two texts are one identifier."""
        if kind == "sf":
            return kind, text.strip().lower()[:15]
        text = text.strip().lower().removeprefix("mailto:").replace("+x", "").strip("{}+").lstrip("0").removesuffix(".0")
        return kind, "".join(c for c in text if c not in " ()-")[:15]

    def make_limits(self):
        rng = self.rng
        self.at_most = {k: rng.choice([1, 1, 1, 2]) for k in self.kinds if self.chance(.3)}
        self.max_ids = rng.choice([None, None, rng.randint(2, 10)])
        self.max_keys = {k: rng.randint(1, 4) for k in self.kinds if self.chance(.3)}
        self.no_defaults = {k for k in self.kinds if self.chance(.08)}
        self.fold_plus = self.chance(.4)
        keyed = [s["name"] for s in self.sources]
        self.population = rng.choice(["any", "any", "any", rng.sample(keyed, rng.randint(1, len(keyed)))])

    # -------------------------------------------------------- writing

    def render(self, order=0):
        """(spec, files). Another `order`: the same set of rows in another order of rows, files, columns, lists and sources."""
        rng = random.Random(f"order {self.seed} {order}")
        files = {}
        for s in self.sources:
            files.update(self.source_files(s, rng))
        for i, (_, _, lines) in enumerate(self.maps):
            files[f"map{i}.csv"] = table(["junk", "left", "right"], [["", *x] for x in shuffled(lines, rng)], rng)
        if self.apart:
            files["apart.csv"] = table(["kind_a", "value_a", "kind_b", "value_b"], shuffled(self.apart, rng), rng)
        if self.erase:
            files["erase.csv"] = table(["kind", "value"], shuffled(self.erase, rng), rng)
        if self.block_file:
            files["block.txt"] = "\n".join(self.block_file[1]).encode()
        return self.spec(shuffled(self.sources, rng) if order else self.sources), files

    def source_files(self, s, rng):
        rows, files = shuffled(s["rows"], rng), {}
        names = rng.sample([f"{s['name']}.csv", f"{s['name']}-2.csv", f"{s['name']}-10.csv", f"{s['name']}-é.csv"], rng.randint(1, 3))
        at = {id(r): rng.randrange(len(names)) for r in rows}
        part = [[r for r in rows if at[id(r)] == n] for n in range(len(names))]
        for name, mine in zip(names, part):
            head = shuffled([c for c, _ in s["cols"]] + s["extra"], rng)
            files[name] = table(head, [[*(r.get(c, "") for c in head), r.get("spoilt")] for r in mine], rng, spoils=True)
        if s["copy"]:
            files[f"{s['name']}-2 (1).csv"] = files[names[0]]
        return files

    def spec(self, sources):
        q = json.dumps
        lst = lambda xs: "[" + ", ".join(q(x, ensure_ascii=False) for x in xs) + "]"
        keep = lambda s: [f"{s['name']}_{c}" for c in ("note", "amount")] + ([f"{s['name']}_at"] if s["latest"] in ("date", "int", "text") else [])
        out = ["[profile]", f"name = {q('case ' + str(self.seed))}",
               f"population = {q(self.population) if self.population == 'any' else lst(self.population)}", "",
               "[identity]", f"name_by = {lst(self.kinds)}", f"link_by = {lst(self.link_by)}"]
        if self.at_most:
            out.append("at_most = { " + ", ".join(f"{k} = {n}" for k, n in self.at_most.items()) + " }")
        out += [f"max_ids = {self.max_ids}"] if self.max_ids else []
        out += ['apart = "apart.csv"'] if self.apart else []
        out += ['erase = "erase.csv"'] if self.erase else []
        out += ["", "[identity.kinds]"]
        for k in self.kinds:
            options = [f'is = "{FORMS[k]}"']
            options += [f"max_keys = {self.max_keys[k]}"] if k in self.max_keys else []
            options += [f"block = {lst(self.block[k])}"] if k in self.block else []
            options += ['block_file = "block.txt"'] if self.block_file and self.block_file[0] == k else []
            options += ["defaults = false"] if k in self.no_defaults else []
            options += ["fold_plus = true"] if k == "mail" and self.fold_plus else []
            out.append(f"{k} = {{ {', '.join(options)} }}")
        for i, (left, right, _) in enumerate(self.maps):
            out += ["", "[[identity.maps]]", f'file = "map{i}.csv"', f'left = {{ column = "left", kind = "{left}" }}',
                    f'right = {{ column = "right", kind = "{right}" }}']
        for s in sources:
            out += ["", f"[sources.{s['name']}]", f'files = ["{s["name"]}.csv", "{s["name"]}-*.csv"]']
            out += [f'key = {{ column = "key", kind = "{s["key"]}" }}'] if s["key"] else []
            ids = [f'{{ column = "id{j}", kind = "{k}"' + (f", split = {q(sp)}" if sp else "") + " }" for j, (k, sp) in enumerate(s["ids"])]
            out += [f"ids = [{', '.join(ids)}]"] if ids else []
            out += ['merged_into = "master"'] if "master" in s["extra"] else []
            if "absorbed" in s["extra"]:
                out.append('merged_from = { column = "absorbed"' + (f", split = {q(s['from_split'])}" if s["from_split"] else "") + " }")
            out += [f'deleted = {{ column = "gone", is = {lst(s["deleted"])} }}'] if s["deleted"] else []
            out += ['latest_by = "at"'] if s["latest"] else []
            out += ['fill = "older"'] if s["fill"] else []
            out += [f"nulls = {lst(s['nulls'])}"] if s["nulls"] else []
            out.append("keep = [" + ", ".join(f'{{ {c.removeprefix(s["name"] + "_")} = "{c}" }}' for c in keep(s)) + "]")
            out.append('types = { amount = "int"' + (f', at = "{s["latest"]}"' if s["latest"] not in (None, "text") else "") + " }")
        columns = ["customer_id", *(f"ids_{k}" for k in self.kinds), *(c for s in self.sources for c in keep(s))]
        out += ["", "[output]", f"columns = {lst(columns)}", ""]
        return "\n".join(out)


def shuffled(xs, rng):
    return rng.sample(xs, len(xs))


def table(head, rows, rng, spoils=False):
    """A CSV file in one of the ways that exports have: CRLF, a byte-order mark, all quoted, empty lines between."""
    end, quote_all, mark = rng.choice(["\n", "\n", "\r\n"]), rng.random() < .2, rng.random() < .2
    quote = lambda c: '"' + c.replace('"', '""') + '"' if quote_all or any(x in c for x in ',"\r\n') else c
    lines = [",".join(map(quote, head)).encode()]
    for row in rows:
        cells, spoilt = (row[:-1], row[-1]) if spoils else (row, None)
        cells = {"short": cells[:-1], "long": [*cells, "more"], "bytes": [*cells[:-1], cells[-1] + NO_UTF8], "blank": [" "] * len(cells)}.get(spoilt, cells)
        line = ",".join(map(quote, cells)).encode()
        line = line.replace(NO_UTF8.encode(), b"\xff\xfe")
        lines += [line or b'""'] + ([b""] if rng.random() < .05 else [])
    return b"\xef\xbb\xbf" * mark + end.encode().join(lines) + end.encode() * (rng.random() < .8)


def write(folder, spec, files):
    os.makedirs(folder, exist_ok=True)
    for name, data in [("profile.toml", spec.encode()), *files.items()]:
        with open(os.path.join(folder, name), "wb") as h:
            h.write(data)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder"); a.add_argument("--from", dest="first", type=int, default=0)
    a.add_argument("--count", type=int, default=1); a.add_argument("--shuffle", type=int, default=0)
    a = a.parse_args()
    for seed in range(a.first, a.first + a.count):
        write(os.path.join(a.folder, str(seed)), *Case(seed).render(a.shuffle))


if __name__ == "__main__":
    main()
