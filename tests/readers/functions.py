#!/usr/bin/env python3
"""Every function and operator of the SQL subset computed again by DuckDB, in random expressions over random values.

    functions.py --onefold PATH [--seeds FIRST COUNT] [--rows N]

Owns: which expressions are drawn, what each means in DuckDB, and the comparison of a run's CSV with that, cell by cell. In the CSV
null and '' are the same. A float is the same to the last bit, its sign too, but for a zero where the least or greatest is taken. Only
a sum of floats and an `avg`, which are never inside another expression, may be one unit in the last place off.
"""
import argparse
import collections
import csv
import datetime as dt
import decimal
import json
import math
import random
import re
import shutil
import subprocess
import sys
import tempfile

import duckdb

AS_OF = "2026-03-02"
TYPES = {"text": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "decimal": "DECIMAL(12,2)", "bool": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP"}
NUMBERS = ["int", "float", "decimal"]
COLUMNS = dict(zip("tvnmijbfhceopdwsu", ["text"] * 4 + ["int"] * 3 + [k for k in list(TYPES)[2:] for _ in "12"]))
PIECES = ["a", "b", "B", "ab", "ß", "É", "e\u0301", "Σ", "σ", "İ", "ﬁ", "日本", "😀", "👩‍👧", "-", "-", "--", " ", "  ", "\u00a0", "\u3000", *"07.%_\\'\",\n\t"]
READ = """12|+5|-007|42.0|42.00|12.5|1e3|1.50|1.505|.5|-.25|0.0|-0.0|9223372036854775807|-9223372036854775808|9223372036854775808|1234567890.12|12345678901.5|1e308
1e999|5e-324|NaN|inf|1,5|0x10|1_000|12x|true|FALSE|1|0|yes|t|2026-01-31|2026-02-30|2024-02-29|1900-02-29|0001-01-01|9999-12-31|0000-01-01|10000-01-01|2026-1-31
2026-01-31 12:00:00|2026-01-31T12:00:00Z|2026-01-31T12:00:00.5+01:00|1969-12-31T23:59:59.999999-11:30|0001-01-01T00:00:00Z|2026-01-31 24:00:00|2026-01-31 12:00:60
2026-01-31 12:00||-|.""".replace("\n", "|").split("|")
EMAILS = ["ann@example.com", " Ann@Example.COM ", "mailto:ann@example.com", "a.n.n@gmail.com", "A.NN@GoogleMail.com", "ann+x.y@gmail.com", "É@exämple.com", "nobody",
          "a.b@gmail.com.org", "ann@mail.example.com", "@example.com", "ann@example", "a b@example.com", "a@b@example.com", "\u00a0ann@example.com\n"]
DATES = "0001-01-01 0001-02-28 1582-10-10 1900-02-28 1969-12-31 1970-01-01 2000-02-29 2024-02-29 2024-03-01 2025-12-31 9999-12-31".split()
TIMES = "00:00:00 00:00:00.000001 12:00:00 12:30:15.250000 23:59:59 23:59:59.999999".split()

# What onefold means, where DuckDB has no function for it. White space of Unicode is ignored around a typed value. Of texts DuckDB reads more
# than onefold, and rounds, so it is given only what has the right form. DuckDB's own cast of a long decimal is not always to the nearest
# float, but that of a text is. To DuckDB x / 0 is infinite. The optimizer of 2.0.0 stops at some `(x between y and z) is true`.
MACROS = r"""pragma disable_optimizer; set timezone = 'UTC';
create macro clean(a) as regexp_replace(a, '^[SPACE]+|[SPACE]+$', '', 'g');
create macro read_int(a) as case when regexp_full_match(clean(a), '[+-]?[0-9]+(\.0+)?') then try_cast(regexp_replace(clean(a), '\.0+$', '') as bigint) end;
create macro finite(a) as case when isfinite(a) then a end;
create macro read_float(a) as case when regexp_full_match(clean(a), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') then finite(try_cast(clean(a) as double)) end;
create macro read_decimal(a) as case when regexp_full_match(clean(a), '[+-]?([0-9]+(\.[0-9]{0,2})?|\.[0-9]{1,2})') then try_cast(clean(a) as decimal(12,2)) end;
create macro read_bool(a) as case when regexp_full_match(clean(a), '(?i)true|false|1|0') then try_cast(clean(a) as boolean) end;
create macro read_date(a) as case when regexp_full_match(clean(a), 'DAY') and try_cast(clean(a) as date) >= date '0001-01-01' then try_cast(clean(a) as date) end;
create macro moment(a) as try_cast(try_cast(upper(clean(a)) as timestamptz) as timestamp);
create macro read_datetime(a) as case when regexp_full_match(clean(a), 'DAY( TIME|[Tt]TIME(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))')
  and moment(a) >= timestamp '0001-01-01 00:00:00' then moment(a) end;
create macro address(a) as regexp_replace(py_lower(clean(a)), '^mailto:', '');
create macro hashed(a) as case when regexp_full_match(a, '([^@SPACE]+)@([^@SPACE]+)\.([^@SPACE]+)') then sha256(a) end;
create macro google(a) as case when regexp_matches(a, '@(gmail|googlemail)\.com$') then replace(split_part(a, '@', 1), '.', '') || '@' || split_part(a, '@', 2) else a end;
create macro to_float(a) as cast(cast(a as varchar) as double);
create macro divided(a, b) as to_float(a) / nullif(to_float(b), 0);"""
for name, form in {"SPACE": r"\t\n\x0b\f\r\x{85}\p{Z}", "DAY": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "TIME": "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"}.items():
    MACROS = MACROS.replace(name, form)
# DuckDB's own lower and upper know no full rules (ß stays one letter), its own sums of floats lose digits where great numbers cancel.
FUNCTIONS = {"py_lower": (str.lower, ["VARCHAR"], "VARCHAR"), "py_upper": (str.upper, ["VARCHAR"], "VARCHAR"), "py_sum": (math.fsum, ["DOUBLE[]"], "DOUBLE")}

# Each kind's templates: what onefold is given; what DuckDB is given, where that differs; the size of the result. <text> is an argument, @6 how
# tightly it has to bind. <x0> <x1> meet as the kind of the result, <y0> <y1> as any kind, <z0> <z1> as any kind of numbers.
ANY = ["coalesce(<x0>, <x1>, <x2>)", "nullif(<x0>, <x1>)", "case when <bool> then <x0> when <bool2> then <x1> end", "case when <bool> then <x0> else <x1> end",
       "case <y0@6> when <y1@6> then <x0> else <x1> end"]
SOME = ["greatest(<x0>, <x1>)", "least(<x0>, <x1>, <x2>)"]
SUMS = ["<x0@6> + <x1@7>", "<x0@6> - <x1@7>", "-<a@9>"]
TABLE = {
    "text": ANY + [
        # DuckDB's own trim takes all spaces of Unicode.
        ("lower(<text>)", "py_lower(<text>)"), ("upper(<text>)", "py_upper(<text>)"), ("trim(<text>)", "trim(<text>, ' ')"), ("trim(both from <text>)", "trim(<text>, ' ')"),
        ("trim(leading from <text>)", "ltrim(<text>, ' ')"), ("trim(trailing from <text>)", "rtrim(<text>, ' ')"), ("trim(both <text2> from <text>)", "trim(<text>, <text2>)"),
        ("trim(both <quoted> from <text>)", "trim(<text>, <quoted>)"), ("trim(leading <quoted> from <text>)", "ltrim(<text>, <quoted>)"),
        ("trim(trailing <quoted> from <text>)", "rtrim(<text>, <quoted>)"), "replace(<text>, <quoted>, <quoted2>)", "replace(<text>, <quoted>, '')",
        "substring(<text>, <start>, <length>)", "substring(<text>, <start>)", "substring(<text> from <start> for <length>)", "substring(<text> from <start>)",
        "split_part(<text>, <quoted>, <start>)", "<text@8> || <text2@8>", ("sha256_hex(<text>)", "sha256(<text>)"), ("hash_email(<email>)", "hashed(address(<email>))"),
        ("hash_email(<email>, 'google')", "hashed(google(address(<email>)))"), "cast(<int> as text)", "cast(<date> as text)", "cast(<text> as text)"],
    "int": ANY + SOME + SUMS + ["<x0@7> * <x1@8>", "abs(<a>)"] + [
        ("length(<text>)", None, (1, 1e5)), ("year(<moment>)", None, (1, 9999)), ("month(<moment>)", None, (1, 12)), ("day(<moment>)", None, (1, 31)),
        ("days_between(<moment>, <moment2>)", "date_diff('day', <moment>, <moment2>)", (1, 4e6)), ("cast(<bool> as bigint)", None, (1, 1)),
        ("try_cast(<text> as bigint)", "read_int(<text>)", (1, 2**63))],
    "float": ANY + SOME + SUMS + ["<x0@7> * <x1@8>", "abs(<a>)", "round(<a>, <digits>)", *[("<z0@7> / <z1@8>", "divided(<z0>, <z1>)")] * 2] + [
        ("cast(<int> as double)", None, (1, 2**63)), ("cast(<decimal> as double)", "to_float(<decimal>)", (1e-20, 1e38)),
        ("try_cast(<text> as double)", "read_float(<text>)", (1e-308, 1e308))],
    "decimal": ANY + SOME + SUMS + [("cast(<int> as decimal(21,2))", None, (21, 2)), ("try_cast(<text> as decimal(12,2))", "read_decimal(<text>)", (12, 2))],
    "bool": ANY + [f"<y0@6> {op} <y1@6>" for op in ("=", "<>", "<", "<=", ">", ">=")] + [f"<bool@6> is {no}{what}" for no in ("", "not ") for what in ("true", "false")] + [
        "<bool@2> and <bool2@3>", "<bool@1> or <bool2@2>", "not <bool@4>", "<any@6> is null", "<any@6> is not null", "<y0@6> in (<y1>, <y2>)", "<y0@6> not in (<y1>, <y2>)",
        "<y0@6> between <y1@6> and <y2@6>", "<y0@6> not between <y1@6> and <y2@6>", "starts_with(<text>, <text2>)", "starts_with(<text>, <quoted>)",
        "<text@6> like <pattern>", "<text@6> not like <pattern>", ("try_cast(<text> as boolean)", "read_bool(<text>)")],
    "date": ANY + SOME + ["cast(<datetime> as date)", ("try_cast(<text> as date)", "read_date(<text>)")],
    "datetime": ANY + SOME + ["cast(<date> as timestamp)", ("try_cast(<text> as timestamp)", "read_datetime(<text>)")],
}
LEVELS = {"or": 1, "and": 2, "||": 5, "+": 6, "-": 6, "*": 7, "/": 7}  # Comparisons are 4, `not` 3, a sign 8 and all else 9.

# What onefold and what DuckDB is given (with all parentheses), the kind, and how tightly it binds in the former. Of numbers the least value
# but 0 and the greatest, without sign, or a decimal's digits, so that nothing overflows. Whether it names a column, and may be a unit off.
E = collections.namedtuple("E", "ours theirs kind level size names loose", defaults=(9, None, True, False))


class Refused(Exception):
    """What was drawn could overflow, or onefold refuses it: draw something else."""


def fits(size, most=1e290):
    if size[1] > most or size[0] < 1e-280:
        raise Refused
    return size


def result_size(kind, ours, sizes):
    """Of numbers of these sizes, or of a template's result."""
    if kind == "decimal":
        whole, scale = (max(x) for x in zip(*[(s[0] - s[1], s[1]) for s in sizes]))
        return fits((1, whole + scale + 1), 38)[1] - (" + " not in ours and " - " not in ours), scale
    (l0, h0), (l1, h1) = sizes[0], sizes[-1]
    most = 2**62 if kind == "int" else 1e290
    if " + " in ours or " - " in ours:
        return fits((1 if kind == "int" else min(l0, l1) * 2**-54, h0 + h1), most)
    if " * " in ours or " / " in ours:
        return fits((l0 * l1, h0 * h1) if " * " in ours else (l0 / h1, h0 / l1), most)
    if "<a" in ours:  # A sign, abs, round.
        return fits((min(l0, 1e-12), h0 * 1e13) if "round" in ours else sizes[0], most)
    return min(s[0] for s in sizes), max(s[1] for s in sizes)


def plain(text, kind="text", theirs=None, size=None):
    return E(text, theirs or f"({text})", kind, 8 if text[0] == "-" else 9, size, False)


def quote(text):
    return "'" + text.replace("'", "''") + "'"


class Drawer:
    """Draws expressions over `columns`; with `rows`, over aggregates of them."""

    def __init__(self, rng, columns, rows=None):
        self.rng, self.pick, self.columns, self.rows, self.inner = rng, rng.choice, columns, rows, Drawer(rng, columns) if rows else None

    def text(self, least, most):
        return "".join(self.pick(PIECES) for _ in range(self.rng.randint(least, most)))

    def leaf(self, kind):
        pick, way, day = self.pick, self.rng.random(), self.pick(DATES)
        if kind == "decimal" or way > 0.2:
            return self.aggregate(kind) if self.rows else pick([c for c in self.columns if c.kind == kind])
        if way < 0.02:
            return plain(f"cast(null as {TYPES[kind].lower().replace('varchar', 'text')})", kind, None, (1, 1))
        number, part = pick([0, 1, 2, -1, 7, -3, 100, self.rng.randint(-999, 999)]), pick(["0.5", "0.1", "2.5", "-0.125", "99.99", "1e3", "-1.005", "1.0", "-0.0"])
        text = {"text": quote(self.text(0, 4)), "int": str(number), "float": part, "bool": pick(["true", "false"]), "date": pick([f"date '{day}'", "as_of"]),
                "datetime": f"timestamp '{day} {pick(TIMES)[:8]}'"}[kind]
        return plain(text, kind, f"date '{AS_OF}'" if text == "as_of" else f"'{text}'::double" if kind == "float" else None, {"int": (1, 999), "float": (0.1, 1e3)}.get(kind))

    def argument(self, name, depth):
        pick = self.pick
        if name in TYPES or name in ("any", "moment"):
            return self.draw({"any": pick(list(TYPES)), "moment": pick(["date", "datetime"])}.get(name, name), depth)
        if name == "email":
            return pick([c for c in self.columns if c.ours == "m" and not self.rows] * 4 + [plain(quote(pick(EMAILS))), self.draw("text", depth)])
        quoted, pattern = pick(["-", "a", "ab", "b", " ", self.text(1, 3)]), "".join(pick(["%", "%", "_", pick(PIECES)]) for _ in range(self.rng.randint(0, 5)))
        return plain({"quoted": quote(quoted), "pattern": quote(pattern), "start": pick(["1", "1", "2", "3", "5", "99"]), "length": pick("01249"), "digits": pick("01236")}[name])

    def meeting(self, kind, depth, count):
        """Expressions that become the kind beside each other: ints beside floats, ints and numbers beside decimals."""
        found = [self.draw(kind, depth)]
        while len(found) < count:
            way = self.rng.random() if kind in ("float", "decimal") else 1
            if way < 0.3:
                e = self.draw("int", depth)
                found.append(e._replace(theirs=f"cast({e.theirs} as {'decimal(19,0)' if kind == 'decimal' else 'double'})", size=(19, 0) if kind == "decimal" else e.size))
            elif way < 0.5 and kind == "decimal":
                number, scale = self.pick([("0.5", 1), ("1.125", 3), ("-10.50", 2), ("0.005", 3)])
                found.append(plain(number, "literal", None, (scale + 2, scale)))
            else:
                found.append(self.draw(kind, depth))
        self.rng.shuffle(found)
        return found

    def fill(self, kind, depth, ours, theirs=None, size=None, given=()):
        drawn, names = dict(given), re.findall(r"<(\w+)(?:@\d)?>", ours)
        for letter, of in {"x": kind, "y": self.pick(list(TYPES)), "z": self.pick(NUMBERS), "a": kind}.items():
            slots = [n for n in sorted(set(names)) if re.fullmatch(letter + r"\d|a", n) and n not in drawn and n[0] == letter]
            drawn.update(zip(slots, self.meeting(of, depth, len(slots)) if slots else []))
            if slots and letter != "y" and of in NUMBERS:
                sizes = [drawn[n].size for n in slots]
                if letter == "z" and of == "decimal":
                    sizes = [(10.0**-scale, 10.0**digits) for digits, scale in sizes]
                size = result_size(kind, ours, sizes)
        for name in names:
            drawn[name] = drawn.get(name) or self.argument(name.rstrip("0123456789"), depth)
        if ours[:6] == "nullif":  # It has the type of its first argument.
            size = drawn["x0"].size
            if drawn["x0"].kind != kind:
                raise Refused
        sign = re.match(r"<\w+(?:@\d)?> (\S+)", ours)
        level = LEVELS.get(sign[1], 4) if sign else 3 if ours[:4] == "not " else 8 if ours[0] == "-" else 9
        bound = lambda e, at: e.ours if e.level >= int(at or 0) else f"({e.ours})"
        a = re.sub(r"<(\w+)(?:@(\d))?>", lambda m: bound(drawn[m[1]], m[2]), ours)
        b = re.sub(r"<(\w+)(?:@\d)?>", lambda m: drawn[m[1]].theirs, theirs or ours)
        return E(a, f"({b})", kind, level, size, any(e.names for e in drawn.values()))

    def draw(self, kind, depth, names=False):
        """Onefold refuses aggregates of constants: with `names` it is none."""
        while True:
            try:
                way = self.pick(TABLE[kind])
                e = self.leaf(kind) if depth <= 0 or self.rng.random() < 0.15 else self.fill(kind, depth - 1, *([way] if isinstance(way, str) else way))
                if e.names or not names:
                    return e
            except Refused:
                depth -= self.rng.random() < 0.1

    def aggregate(self, kind, loose=False):
        """`k` is the number of the row: of equal rows the last counts, and DuckDB is told so. # and & are where the filter goes."""
        x, y, where = self.inner.draw(self.pick(NUMBERS) if loose else kind, 1, True), self.inner.draw(self.pick(list(TYPES)), 1, True), self.inner.draw("bool", 1)
        if loose and x.size[1] > 1e280:
            return self.aggregate(kind, loose)
        by = "arg_{}_null(<x>, struct_pack(y := <y>, k := {}k)) filter (where <y> is not null&)"
        ways = [("min(<x>)", "min(<x>)#"), ("max(<x>)", "max(<x>)#"), ("max_by(<x>, <y>)", by.format("max", "")), ("min_by(<x>, <y>)", by.format("min", "-"))]
        total, size = None, x.size
        if loose:
            added = "py_sum(list(<x>) filter (where <x> is not null&))"
            ways = [("avg(<x>)", f"{added} / count(<x>)#"), ("sum(<x>)", added)] if x.kind == "float" else [("avg(<x>)", "avg(<x>)#")]
        elif kind == "int":
            total = (1, x.size[1] * self.rows)
            ways += [(f, f + "#") for f in ("count(*)", "count(<y>)", "count(distinct <y>)")] * 2 + [("sum(<x>)", "cast(sum(<x>)# as bigint)")] * 3 * (total[1] < 2**62)
        elif kind == "decimal":
            total = (x.size[0] + 10, x.size[1])
            ways += [("sum(<x>)", f"cast(sum(<x>)# as decimal({total[0]},{total[1]}))")] * 3 * (x.size[0] <= 28)
        (ours, theirs), filtered = self.pick(ways), self.rng.random() < 0.35
        theirs = theirs.replace("#", " filter (where <where>)" * filtered).replace("&", " and <where>" * filtered)
        size = (1, self.rows) if ours[:5] == "count" else total if ours[:3] == "sum" else size
        e = self.fill("float" if loose else kind, 0, ours + " filter (where <where>)" * filtered, theirs, size, {"x": x, "y": y, "where": where})
        return e._replace(names=True, loose=loose)

def table(rng, rows):
    """Rows of Python values; g is the customer that aggregates give the row to."""
    def row():
        n, r, pick, space = rng.choice([0, 1, -1, rng.randint(-999, 999)]), rng.random, rng.choice, rng.choice(["", "", "", " ", "\u00a0", "\t"])
        days = [dt.date.fromisoformat(pick(DATES)) if r() < 0.5 else dt.date.fromordinal(rng.randint(a, b)) for a, b in ((1, 3652059), (738000, 739600)) * 2]
        texts = ["".join(pick(PIECES) for _ in range(rng.randint(0, 6))) * (300 if r() < 0.02 else 1), "-".join(pick(["", "a", "ab", "b"]) for _ in range(rng.randint(1, 5))),
                 space + pick(READ) + space, pick(EMAILS)]
        floats = pick([0.0, -0.0, 0.1, -2.5, 1.005, n / 8, rng.uniform(-1e3, 1e3)]), pick([1e15, -1e-12, 123456.789, 0.5, rng.uniform(-1, 1) * 10.0 ** rng.randint(-8, 14)])
        cents = [decimal.Decimal(c).scaleb(-2) for c in (pick([0, 1, -1, n * 100, rng.randint(-(10**6), 10**6), 10**12 - 1]), n)]
        times = [dt.datetime.combine(day, dt.time.fromisoformat(pick(TIMES))) for day in days[2:]]
        values = [*texts, n, rng.randint(-5, 5), pick([2**62, -(2**62), 2**53 + 1, n]), *floats, *cents, r() < 0.5, r() < 0.5, *days[:2], *times]
        return [None if v == "" or r() < 0.15 else v for v in values]
    return [{"id": f"c{n}", "g": f"c{rng.randint(1, max(1, rows // 6))}", **dict(zip(COLUMNS, row()))} for n in range(1, rows + 1)]


def cell(value):
    if isinstance(value, dt.date):
        return value.isoformat() + "Z" * isinstance(value, dt.datetime)
    return str(value).lower() if isinstance(value, bool) else format(value, "f") if isinstance(value, decimal.Decimal) else value or "" if value is None or isinstance(value, str) else repr(value)


def same(got, want, e):
    if e.kind != "float" or got == "" or want is None or re.fullmatch("-?[0-9]+", got):
        return got == cell(want)
    zeros = float(got) == want == 0 and re.search(r"max|min|greatest|least|\ba[0-9]", e.ours)
    return repr(float(got)) == cell(want) or zeros or e.loose and abs(float(got) - want) <= math.ulp(max(abs(float(got)), abs(want)))


def in_duckdb(data, aggregates, computed):
    with duckdb.connect(config={"threads": 1}) as con:
        for name, function in FUNCTIONS.items():
            con.create_function(name, *function)
        con.execute(MACROS)
        con.execute(f"create table t (k bigint, id text, g text, {', '.join(f'{c} {TYPES[k]}' for c, k in COLUMNS.items())})")
        con.executemany(f"insert into t values ({', '.join('?' * (3 + len(COLUMNS)))})", [[n, *row.values()] for n, row in enumerate(data)])
        listed = lambda named: ", ".join(f"{e.theirs} as {n}" for n, e in named.items())
        con.execute(f"create table a as select g as customer, {listed(aggregates)} from t group by g")
        rows = con.execute(f"select id, {', '.join(aggregates)}, {listed(computed)} from t left join a on id = customer").fetchall()
        for name in FUNCTIONS:
            con.remove_function(name)
    return {row[0]: row[1:] for row in rows}


def in_onefold(binary, folder, data, aggregates, computed):
    with open(f"{folder}/t.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([list(data[0]), *[[cell(v) for v in row.values()] for row in data]])
    listed = lambda named: "\n".join(f"{n} = {json.dumps(e.ours, ensure_ascii=False)}" for n, e in named.items())
    source = f"""files = ["t.csv"]\ntypes = {{ {', '.join(f"{c} = '{'decimal(12,2)' if k == 'decimal' else k}'" for c, k in COLUMNS.items())} }}"""
    with open(f"{folder}/p.toml", "w") as file:
        file.write(f"""[profile]\nname = "functions"\nkey = "id"\n[sources.t]\n{source}\nkeep = {list(COLUMNS)}\n[sources.m]\n{source}\nkey = "g"
[sources.m.aggregates]\n{listed(aggregates)}\n[computed]\n{listed(computed)}\n[output]\ncolumns = {["id", *aggregates, *computed]}\n""")
    run = subprocess.run([binary, "run", "--input", folder, "--profile", f"{folder}/p.toml", "--output", f"{folder}/out", "--as-of", AS_OF, "--quiet", "--no-report"],
                         capture_output=True, text=True)
    if run.returncode:
        return f"exit code {run.returncode}: {run.stderr}"
    with open(f"{folder}/out/profiles.csv", newline="") as file:
        return {row[0]: row[1:] for row in list(csv.reader(file))[1:]}


def compare(binary, seed, rows, folder):
    """How many expressions and cells there are, and the differences, each with the length of its expression first."""
    rng = random.Random(seed)
    data, kinds = table(rng, rows), [*TYPES, "float"]
    sizes = {"i": (1, 999), "j": (1, 5), "b": (1, 2**62), "f": (0.01, 1e3), "h": (1e-25, 1e15), "c": (12, 2), "e": (12, 2)}
    columns = [E(c, c, k, 9, sizes.get(c)) for c, k in COLUMNS.items()]
    over_rows = Drawer(rng, columns, rows)
    aggregates = {f"a{n}": over_rows.aggregate("float", True) if n < 5 else over_rows.draw(rng.choice(kinds), n % 3, True) for n in range(30)}
    drawer = Drawer(rng, columns * 3 + [e._replace(ours=n, theirs=n, level=9) for n, e in aggregates.items() if not e.loose])
    computed = {f"x{n}": drawer.draw(rng.choice(kinds), rng.randint(1, 3)) for n in range(60)}
    got = in_onefold(binary, folder, data, aggregates, computed)
    if isinstance(got, str):
        return 0, 0, [(0, f"seed {seed}, {folder}: {got}")]
    want, found, expressions = in_duckdb(data, aggregates, computed), [], [*aggregates.values(), *computed.values()]
    for n, e in enumerate(expressions):
        off = [i for i in want if i not in got or not same(got[i][n], want[i][n], e)]
        if off:
            used = {c: v for c, v in next(row for row in data if row["id"] == off[0]).items() if re.search(rf"\b{c}\b", e.ours)}
            found.append((len(e.ours), f"seed {seed}, {folder}: {len(off)} cells\n  {e.ours}\n  DuckDB: {e.theirs}\n  {off[0]} {used}\n"
                          f"  onefold {got[off[0]][n] if off[0] in got else None!r}, DuckDB {want[off[0]][n]!r}"))
    return len(expressions), len(expressions) * len(want), found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--onefold", required=True)
    options.add_argument("--seeds", type=int, nargs=2, default=[1, 20], metavar=("FIRST", "COUNT"))
    options.add_argument("--rows", type=int, default=100)
    o, found, expressions, cells = options.parse_args(), [], 0, 0
    for seed in range(o.seeds[0], sum(o.seeds)):
        folder = tempfile.mkdtemp(prefix=f"functions-{seed}-")
        drawn, compared, more = compare(o.onefold, seed, o.rows, folder)
        expressions, cells, found = expressions + drawn, cells + compared, found + more
        if not more:
            shutil.rmtree(folder)
    print(*[text for _, text in sorted(found)[:10]], sep="\n")
    print(f"{len(found) or 'no'} difference{'s' * (len(found) > 1)}: {o.seeds[1]} seeds, {expressions} expressions, {cells} cells")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
