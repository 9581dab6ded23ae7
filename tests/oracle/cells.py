"""How onefold reads typed cells and ids, said a second time: from docs/cells.md alone, in plain Python.

    python3 tests/oracle/cells.py --onefold PATH [--seeds FIRST COUNT] [--rows N]

Each seed draws a source, every tenth one of ids, runs the binary on it, and compares profiles.csv, rejects/ and the ledger with
what is read here. Where the page does not say what a cell is, `Silent` is raised: that is counted, and not judged.
Owns the contract of one cell, and what is drawn to try it.
"""
import argparse, collections, csv, datetime, decimal, functools, itertools, json, math, pathlib, random, re, subprocess, sys, tempfile
import unicodedata, zoneinfo
from reading import DEFAULT_LOCAL_PARTS, NORMAL, WHITE, ascii_lower, email, shown_float

MS, ZERO = datetime.timedelta(milliseconds=1), datetime.datetime(1899, 12, 30)                # of `excel`
MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
BAD, NULL = "<bad>", "<null>"


class Silent(Exception):
    """The page does not say what this cell is."""


# ---------------------------------------------------------------- 1 numbers

def unmark(t, marks):
    """A text without a mark at each of its ends, and at which ends there was one."""
    before = next((m for m in marks if t.startswith(m)), "")
    behind = next((m for m in marks if t[len(before):].endswith(m)), "")
    return t[len(before):len(t) - len(behind)].strip(WHITE) if before or behind else t, [before != "", behind != ""]


def parts(t, n):
    """(`-` or nothing, whole digits, the point, digits behind it, exponent) of a number in the source's notation, or None."""
    t, outside = unmark(t, n["strip"])
    sign, rest = t[:1] if t[:1] in ("+", "-") else "", t[t[:1] in ("+", "-"):]
    if n["negative_parentheses"] and re.fullmatch(r"\(.*\)", t, re.S):
        sign, rest = "-", t[1:-1]
    elif n["negative"] == "trailing" and t.endswith("-") and not sign:
        sign, rest = "-", t[:-1]
    inner, inside = unmark(rest.strip(WHITE), n["strip"])
    m = re.fullmatch("(.*?)([eE][+-]?[0-9]+)?", inner, re.S)
    whole, point, fraction = m[1].partition(n["decimal"])
    group = n["thousands"] and (f"[{WHITE}]" if n["thousands"] == " " else re.escape(n["thousands"]))
    if n["thousands"] == "'" and "’" in whole:
        raise Silent("thousands: ’ in place of '")
    if group and re.fullmatch(f"[0-9]{{1,3}}({group}[0-9]{{3}})+", whole):
        whole = re.sub(group, "", whole)
    if not re.fullmatch("[0-9]+", whole + fraction) or any(a and b for a, b in zip(outside, inside)):
        return None                                              # a mark may stand once at either end
    if rest != inner and rest.strip(WHITE) == inner:
        raise Silent("a space between the digits and a sign or parenthesis")
    return sign.strip("+"), whole, point, fraction, m[2] or ""


def number(kind, t, n):
    """An int, float or decimal as profiles.csv has it."""
    got = parts(t, n)
    if not got or kind != "float" and got[4]:
        return BAD                                               # `1e3` is a float alone
    sign, whole, point, fraction, exponent = got
    if kind == "float":
        value = float(f"{sign}{whole or 0}.{fraction}{exponent}")
        return shown_float(value) if math.isfinite(value) else BAD
    if kind == "int":
        if point and not (whole and fraction):
            raise Silent("int: a point without digits before or behind it")
        return BAD if fraction.strip("0") or not -(1 << 63) <= int(sign + whole) < 1 << 63 else str(int(sign + whole))
    p, s = map(int, re.findall("[0-9]+", kind))
    whole = whole.lstrip("0")
    if len(fraction) > s or len(whole) > p - s:                  # written with s digits behind the point it has p at most
        return BAD
    text = (whole or "0") + ("." if s else "") + fraction.ljust(s, "0")
    return sign + text if text.strip("0.") else text


# ---------------------------------------------------------------- 2 dates and times

FIXED = {"%Y": "(?P<Y>[0-9]{4})", "%y": "(?P<y>[0-9]{2})", "%M": "(?P<M>[0-5][0-9])", "%S": "(?P<S>[0-5][0-9])", "%%": "%",
         "%e": "(?P<d> ?[0-9]|[0-9]{2})", "%.f": r"(?P<f>\.[0-9]+)?", "%p": "(?P<p>(?i:AM|PM))", " ": f"[{WHITE}]+?",
         "%z": "(?P<z>Z|[+-][0-9]{2}(?::?[0-9]{2})?|(?P<low>z))", "%Z": "(?P<Z>Z|UTC|GMT)"}
DAY = "(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
CLOCK = r"(?P<T>[Tt ])(?P<H>[0-9]{2}):(?P<M>[0-5][0-9]):(?P<S>[0-5][0-9])(?P<f>\.[0-9]+)?(?P<z>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
OWN = {"date": re.compile(DAY), "datetime": re.compile(DAY + CLOCK)}


def codes(form):
    """The codes and literals of a format. `%=m` is a month with all its digits."""
    form = form.replace("%F", "%Y-%=m-%=d").replace("%T", "%=H:%M:%S").replace("%R", "%=H:%M")
    return re.findall(r"%=.|%\.f|%.|[^%]", form, re.S)


@functools.cache
def pattern(form):
    """A format as a regular expression."""
    if form in OWN:
        return OWN[form]
    out, all_codes = "", codes(form)
    for i, c in enumerate(all_codes):
        beside = all_codes[max(i - 1, 0):i] + all_codes[i + 1:i + 2]
        if c in ("%b", "%B", "%a", "%A"):
            out += f"(?P<{c[1].lower()}>(?i:{'|'.join(f'{w}|{w[:3]}' for w in (MONTHS if c[1] in 'bB' else DAYS))}))"
        elif re.fullmatch("%=?[mdHI]", c):
            two = "=" in c or any(re.fullmatch("%=?[YymdeHIMS]", b) for b in beside)
            out += f"(?P<{c[-1]}>[0-9]{'{2}' if two else '{1,2}'})"
        else:
            out += FIXED.get(c, re.escape(c))
    return re.compile(out)


def wall_time(g):
    """(time on the wall, its offset or None) of what a format has found; ValueError if there is no such time."""
    year = g.get("Y") or g.get("y") or "2000"
    year = int(year) + (0 if len(year) == 4 else 1900 if int(year) >= 70 else 2000)
    month = 1 + [w[:3] for w in MONTHS].index(g["b"][:3].lower()) if g.get("b") else int(g.get("m") or 1)
    hour, z = int(g.get("H") or g.get("I") or 0), g.get("z") or g.get("Z")
    if g.get("I"):
        hour = datetime.time(hour if 1 <= hour <= 12 else 99).hour % 12 + (12 if g["p"].lower() == "pm" else 0)
    offset = None if not z else datetime.timedelta(0)
    if z and z[0] in "+-":
        clock = datetime.time(int(z[1:3]), int(z[3:].strip(":") or 0))
        offset = datetime.timedelta(hours=clock.hour, minutes=clock.minute) * (-1 if z[0] == "-" else 1)
    micros = int((g.get("f") or ".")[1:7].ljust(6, "0"))
    return datetime.datetime(year, month, int(g.get("d") or 1), hour, int(g.get("M") or 0), int(g.get("S") or 0), micros), offset


def serial(kind, form, t, n):
    """(time on the wall, offset) of a number since a day."""
    if form == "excel":
        if not re.fullmatch(r"[0-9]+([.,][0-9]*)?", t):
            raise ValueError
        if ("." if n["decimal"] == "," else ",") in t or not 61 <= (value := decimal.Decimal(t.replace(",", "."))) < 10**7:
            raise ValueError
        if kind == "date" and int((value % 1 * 86400000).to_integral_value(decimal.ROUND_HALF_UP)) % 86400000:
            raise ValueError                                     # a date has no time
        return ZERO + int((value * 86400000).to_integral_value(decimal.ROUND_HALF_UP)) * MS, None
    if not (got := re.fullmatch(r"([+-]?[0-9]+)(\.0+)?", t)):
        raise ValueError
    return datetime.datetime(1970, 1, 1) + int(got[1]) * MS * (1000 if form == "epoch_s" else 1), datetime.timedelta(0)


def fits(kind, form, t, n):
    """(time on the wall, offset) if a cell fits a format, else None."""
    try:
        if form in ("excel", "epoch_s", "epoch_ms"):
            return serial(kind, form, t, n)
        m = pattern(form).fullmatch(t)
        got = m and wall_time(g := m.groupdict())
        if got and form == "datetime" and g["T"] != " " and not g["z"]:
            return None                                          # RFC 3339 has an offset
        if got and form == "datetime" and g["T"] == " " and (g["z"] or g["f"]):
            raise Silent("datetime: a space, and a fraction or an offset")
        if got and g.get("low"):
            raise Silent("%z: z")
        return got
    except (ValueError, OverflowError, decimal.DecimalException):
        return None


def moment(column, t, cell, n):
    """A date, datetime or time of day as profiles.csv has it."""
    kind, latest = column["kind"], column["latest"]
    own = ["%H:%M", "%H:%M:%S%.f"] if kind == "time" else [kind]
    wall, offset = next((g for g in (fits(kind, f, t, n) for f in column["args"] or own) if g), (None, None))
    if wall is None or kind == "time":
        return BAD if wall is None else cell
    if kind == "date":
        return BAD if latest and str(wall.date()) > latest else str(wall.date())
    try:
        if offset is None:
            offset, second = (wall.replace(tzinfo=n["tz"], fold=f).utcoffset() for f in (0, 1))
            if offset < second:
                return BAD                                       # the zone skips this time
        moved = wall - offset
    except OverflowError:
        return BAD                                               # in UTC the year is not one of 1 to 9999
    return BAD if latest is not None and str(moved.date()) > latest else moved.isoformat() + "Z"


# ---------------------------------------------------------------- 3 a cell, an id

def read(column, cell, n):
    """What a cell is: BAD, NULL or the text of profiles.csv."""
    kind, t = column["kind"], cell.strip(WHITE)
    if cell == "" or t in n["nulls"]:
        return NULL
    if kind == "text":
        return cell
    if kind == "bool":
        words = [ascii_lower(w) for w in column["args"] or ["true", "false", "1", "0"]]
        return dict(zip(words, ["true", "false"] * 2)).get(ascii_lower(t), BAD)
    return number(column["type"], t, n) if kind in ("int", "float", "decimal") else moment(column, t, cell, n)


WORDS = set("null nil none undefined nan na n/a #n/a unknown anonymous guest void test -1 \\n".split())
UNSEEN = WHITE + "".join(c for c in map(chr, range(0x10000)) if unicodedata.category(c) in ("Cc", "Cf"))


def read_id(cell, n):
    """What an id is kept as, or (the reason of its rejection,)."""
    form, t = n["is"], cell.strip(UNSEEN)
    if t in n["nulls"] or t == "":
        return ("blank_id",)
    if m := re.fullmatch('="(.*)"', t, re.S):
        t = m[1]
    t = t.removeprefix(n["strip_prefix"])
    if t != t.strip(UNSEEN) or m and (t == "" or t in n["nulls"]):
        raise Silent('id: space or nothing within ="…" or behind strip_prefix')
    if t == "":
        raise Silent("id: nothing behind strip_prefix")
    if form == "email" and re.search(r"\.(\.|$)", t):
        raise Silent("email: two points in a row, or one at the end")
    kept = email(t, n["fold_plus"]) if form == "email" else NORMAL[form](t)
    if n["words"] and any(ascii_lower(v) in WORDS or v.strip("0-") == "" for v in (t, kept or t)):
        return ("blank_id",)
    if n["words"] and (form == "salesforce_id" and re.fullmatch("0{15}(...)?", t) or form == "email" and kept
                       and kept.split("@")[0] in DEFAULT_LOCAL_PARTS):
        return ("blank_id",)
    if re.fullmatch(r"[0-9]([.,][0-9]+)?[eE]\+[0-9]+", t):
        return ("rounded_id",)
    return ("bad_id",) if kept is None else kept


# ---------------------------------------------------------------- 4 what is drawn

NEAR = """12.0|12.5|1e3|1e999|1e-400|NaN|inf|($5.00)|$(5.00)|-$5.00|5-|5.00-|-5-|(5)-|(-5)|- 5|5 -|.5|5.|.|-|+|--5|12|１２|1,000
1.000|1 000|1,00|1,000,00|1'000|1,011.50|1.011,50|0,123|,123|9223372036854775807|9223372036854775808
-9223372036854775808|00000000000000000007|€€5|€5€|5 EUR|12 %|% 12|0x10|1_000|1,000.5e3|yes|YES|TRUE|t|01|2026-02-29
2024-02-29|0000-01-01|0001-01-01|9999-12-31|10000-01-01|2026-1-31|31.02.2026|29.02.1900|2026-01-31T12:00:00
2026-01-31t12:00:00z|2016-12-31 23:59:60|2016-12-31T23:59:60Z|2026-01-31T12:00:00+24:00|2026-01-31T12:00:00-00:00
0001-01-01T00:00:00+01:00|9999-12-31T23:59:59-01:00|2026-01-31 24:00:00|2026-01-31T12:00:00.1234567891Z|60|61|60.9
2958465|2958466|253402300799|253402300800|-62135596800|-62135596801
46024.5|46024,5|46024.0|-1|NULL|null|n/a|N/A| - |?|""".replace("\n", "|").split("|")
SPACES = [" ", "  ", "\t", "\n", "\xa0", "\u2009", "\u202f", "\u3000", "\u200b", "\ufeff"]
ZONES = "UTC Europe/Berlin America/New_York Australia/Lord_Howe Asia/Kolkata Pacific/Apia America/Sao_Paulo Africa/Casablanca".split()
DATES = {"dmy": ["%d.%m.%Y", "%d/%m/%y", "%e.%m.%Y", "%d-%m-%Y", "%d%m%Y", "%A, %d.%m.%Y", "%d%%%m%%%y"],
         "mdy": ["%m/%d/%Y", "%m/%d/%y", "%m-%e-%Y", "%m%d%Y", "%a %m/%d/%Y"],
         "any": ["%Y-%m-%d", "%F", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%e %B %y", "%B %d, %Y", "%b %e %Y", "%d%b%Y", "%a, %d %b %y", 
                 "%d of %B of %Y", "%A %d-%b-%Y", "%b-%e-%Y"]}
TYPES = "text int int float float decimal decimal bool bool date date date datetime datetime datetime datetime time".split()
BOOLS = ["YES|NO", "t|f", "WAHR|FALSCH", "Да|нет", "a b|c-d", "0|1"]
TIMES = ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%T", "%T%.f", "%R", "%I:%M %p", "%I:%M:%S%p", "%I %p", "%p %I:%M",
         "%H%M", "%H%M%S", "%Hh%M"]
IDS = {"salesforce_id": ["0013000000DQbn7", "0013000000DQbn7AAD", "0013000000DQBN7AAD", "0013000000dqbn7aad", "0013000000DQbn7AAE",
                         "0" * 15],
       "email": ["A@X.y", "mailto:a@x.y", "MAILTO:b+c@x.Y", "+b@x.y", "a@b", "noreply@x.y", "No-Reply+a@x.y", "<a@x.y>", "a;b@x.y",
                 "ä@x.y"],
       "number": ["7", "007", "7.0", "7.00", "7.", "7.5", "-7", "+7", "1,000", "0", "0.0", "00", "１２"],
       "text": ["Ä1", "a b", "00123", "a\u200bb", "Ann"],
       "uuid": ["{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"],
       "phone": ["+49 170 1234567", "0049 (170) 123-4567", "0170 123", "+1234567", "+123456", "+123456789012345", "00 49/170.1234567"]}
ODD_IDS = """6.89E+11|6,89E+11|1E+5|6.89E11|6.89e-11|NULL|null|nil|None|undefined|NaN|na|n/a|#N/A|Unknown|anonymous|GUEST
|void|test|-1|\\N|0|-|---|0-0
|="00123"|="NULL"|C-5|c-5|C-|C-NULL||?|x""".replace("\n", "").split("|")


def draw_format(r, kind, order):
    """A format of a column that is a `date`, `datetime` or `time`."""
    if kind == "time" or r.random() < .2:
        return r.choice(TIMES) if kind == "time" else r.choice(["excel", "epoch_s", "epoch_ms"])
    day, clock = r.choice(DATES[r.choice([order, "any"])]), r.choice(TIMES)
    if kind == "date" and r.random() < .9:
        return day
    zone = r.choice(["", "", "%z", " %z", "%Z", " %Z"])
    return clock + zone + " " + day if r.random() < .1 else day + r.choice([" ", " ", "T", ", ", " at "]) + clock + zone


def mixed_up(a, b):
    """Whether two formats are refused because digits alone can be of both."""
    def digits(form):
        if form in ("excel", "epoch_s", "epoch_ms"):
            return form
        widths = {"%Y": 4, "%y": 2, "%M": 2, "%S": 2, "%m": 2, "%d": 2, "%H": 2, "%I": 2, "%=m": 2, "%=d": 2, "%=H": 2, "%e": 2}
        return sum(widths[c] for c in codes(form)) if all(c in widths for c in codes(form)) else None
    a, b = digits(a), digits(b)
    if None in (a, b):
        return False
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    if "excel" in (a, b):
        other = b if a == "excel" else a
        return other == "excel" or isinstance(other, int) and other < 8
    return True


def draw_source(r):
    """The notation and the typed columns of a source."""
    chance = lambda x, p=.4, no=None: x if r.random() < p else no
    n = {"decimal": r.choice("..,"), "strip": chance(["€", "EUR", "%", "$"], no=[]), "zone": chance(r.choice(ZONES), .6, "UTC"),
         "negative_parentheses": chance(True, no=False), "negative": chance("trailing", no="leading"),
         "nulls": chance(["-", "n/a", "?", "Null"], no=[])}
    n["thousands"] = chance(r.choice([g for g in ",.' " if g != n["decimal"]]), .5)
    n["tz"], columns, latest = zoneinfo.ZoneInfo(n["zone"]), [], chance("2030-12-31", .2)
    for i in range(r.randint(6, 14)):
        kind, args, p = r.choice(TYPES), [], r.choice([1, 5, 9, 18, 38])
        if kind == "bool":
            args = chance(r.choice(BOOLS).split("|"), .6, [])
        if kind in ("date", "datetime", "time") and r.random() < .8:
            order = r.choice(["dmy", "mdy"])
            args = [draw_format(r, kind, order) for _ in range(r.choice([1, 1, 1, 2, 3]))]
            while any(mixed_up(a, b) for a, b in itertools.combinations(args, 2)):
                args = args[1:]
        typed = f"decimal({p},{r.randint(0, p)})" if kind == "decimal" else kind + (f"({'|'.join(args)})" if args else "")
        day = latest or chance("2030-12-31", .2) if kind in ("date", "datetime") else None
        columns.append({"name": f"c{i}", "kind": kind, "type": typed, "args": args, "latest": day})
    return n, columns, latest


def draw_wall(r, n):
    """A time on the wall: any, on an edge, or within hours of a change of the zone's clocks."""
    wall = datetime.datetime(r.randint(1901, 2040), 1, 1) + datetime.timedelta(r.randint(0, 365), r.randint(0, 86399))
    wall = wall.replace(microsecond=r.choice([0, 345678]))
    if r.random() < .1:
        edges = (1, 1, 1), (9999, 12, 31, 23, 59, 59), (2024, 2, 29, 12), (2030, 12, 31, 23, 30), (2031, 1, 1), \
            (1900, 3, 1), (2130, 7, 1, 12)
        return datetime.datetime(*r.choice(edges))
    if r.random() < .4:
        days = [wall.replace(month=1, day=1, hour=h) + datetime.timedelta(days=d) for d in range(364) for h in (0, 12)]
        off = [d.replace(tzinfo=n["tz"]).utcoffset() for d in days]
        jumps = [d for d, a, b in zip(days, off, off[1:]) if a != b]
        wall = r.choice(jumps) + datetime.timedelta(minutes=r.randint(0, 720)) if jumps else wall
    return wall


def write(r, form, w):
    """A time in a format, in one of the ways that the page allows."""
    two = lambda x: r.choice([f"{x:02}", f"{x:02}", str(x)])
    case = lambda x: r.choice([str.lower, str.upper, str.title])(x)
    if form in ("excel", "epoch_s", "epoch_ms"):
        ms = (w - (ZERO if form == "excel" else datetime.datetime(1970, 1, 1))) // MS
        days = r.choice([ms // 86400000, round(ms / 86400000, r.randint(1, 12))])
        return str({"epoch_s": ms // 1000, "epoch_ms": ms, "excel": days}[form])
    said = {"%Y": f"{w.year:04}", "%y": f"{w.year % 100:02}", "%m": two(w.month), "%d": two(w.day), "%H": two(w.hour),
            "%I": two(w.hour % 12 or 12), "%e": f"{w.day:2}", "%M": f"{w.minute:02}", "%S": f"{w.second:02}",
            "%.f": r.choice(["", f".{w.microsecond:06}", ".5", ".1234567", ".1234567891"]),
            "%p": case("pm" if w.hour > 11 else "am"), "%z": r.choice(["Z", "+02:00", "-0530", "+02", "+14:00", "-12"]),
            "%Z": r.choice(["Z", "UTC", "GMT"]), "%=m": f"{w.month:02}", "%=d": f"{w.day:02}", "%=H": f"{w.hour:02}",
            "%%": "%", " ": r.choice([" ", " ", "  "])}
    for c, name in (("%b", MONTHS[w.month - 1]), ("%B", MONTHS[w.month - 1]), ("%a", r.choice(DAYS)), ("%A", r.choice(DAYS))):
        said[c] = case(name[:r.choice([3, 9])])
    return "".join(said.get(c, c) for c in codes(form))


def draw_good(r, column, n):
    """A cell that is likely good."""
    kind, args = column["kind"], column["args"]
    if kind in ("date", "datetime", "time"):
        own = {"date": "%F", "datetime": r.choice(["%F %T", "%FT%T%.f%z"]), "time": r.choice(["%R", "%T%.f"])}[kind]
        return write(r, r.choice(args or [own]), draw_wall(r, n))
    if kind in ("text", "bool"):
        words = args or ["true", "false", "1", "0"]
        case = r.choice([str, str.lower, str.upper, str.title])
        return case(r.choice(words)) if kind == "bool" else r.choice(["Ann", " a,b ", 'q"q', "a\nb", "ß", " "])
    whole = "".join(r.choice("0123456789") for _ in range(r.choice([1, 1, 2, 3, 4, 6, 9, 18, 19])))
    if n["thousands"] and r.random() < .5:
        space = r.choice(" \xa0\u202f\u2009") if n["thousands"] == " " else n["thousands"]
        whole = re.sub(r"(?<=\d)(?=(\d{3})+$)", space, whole)
    behind = r.choice(["", "", "0", "00"] if kind == "int" else ["", "5", "50", "125", "1234567"])
    exponent = r.choice(["e3", "E-2", "e+10", "e300"]) if kind == "float" and r.random() < .2 else ""
    t = whole + (n["decimal"] + behind if behind else "") + exponent
    mark, gap = r.choice(n["strip"] or [""]), r.choice(["", "", " ", "\xa0"])
    marked = r.choice([t, t, mark + gap + t, t + gap + mark] if mark else [t])
    return r.choice([marked, marked, "-" + marked, "+" + marked, f"({marked})", marked + "-", f"{mark}({t})", mark + "-" + t])


def draw_cell(r, good):
    """A good cell, one with a change or two, a near miss, or garbage."""
    x, t = r.random(), good()
    if x < .12:
        return r.choice(NEAR)
    if x < .15:
        return "".join(r.choice("0123456789-+.,:/ TZeE()€%'\"äA１") for _ in range(r.randint(0, 12)))
    for _ in range(0 if x < .6 else r.choice([1, 1, 2])):
        i, c = r.randint(0, len(t)), r.choice([*"0123456789", *"0123456789-+.,:/ TZeE()€%$'’zap", "１", *SPACES])
        t = r.choice([t[:i] + c + t[i:], t[:i] + t[i + 1:], t[:i] + c + t[i + 1:], t[:i] + t[i - 1:], t.swapcase(), c + t, t + c])
    return t + r.choice(SPACES) if r.random() < .04 else r.choice(SPACES) + t if r.random() < .04 else t


# ---------------------------------------------------------------- 5 the binary, and the comparison

def onefold(binary, spec, header, rows, seed):
    """(profiles by their first column, rejects by line and column, bad values of the ledger, lines of the rows)."""
    with tempfile.TemporaryDirectory() as d:
        d, lines, line = pathlib.Path(d), [], 2
        for row in rows:
            lines.append(line)
            line += 1 + sum(c.count("\n") for c in row)
        (d / "in").mkdir()
        with open(d / "in/a.csv", "w", newline="", encoding="utf-8") as f:
            csv.writer(f, lineterminator="\n", quoting=csv.QUOTE_ALL if seed % 2 else csv.QUOTE_MINIMAL).writerows([header, *rows])
        (d / "p.toml").write_text(spec, encoding="utf-8")
        command = "run --quiet --no-report --max-rejects 100% --allow-empty --input in --profile p.toml --output out"
        run = subprocess.run([pathlib.Path(binary).resolve(), *command.split()], cwd=d, capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"seed {seed}: exit code {run.returncode}: {run.stderr}\n{spec}")
        table = lambda p: list(csv.DictReader(open(p, newline="", encoding="utf-8"))) if p.exists() else []
        rejects = {(int(x["line"]), x["column"]): (x["reason"], x["raw"]) for x in table(d / "out/rejects/s.csv")}
        ledger = json.loads((d / "out/run.json").read_text())["ledger"]["s"]
        return {next(iter(x.values())): x for x in table(d / "out/profiles.csv")}, rejects, ledger, lines


def toml(x):
    """A value as TOML."""
    if isinstance(x, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in x.items()) + " }"
    return json.dumps(x, ensure_ascii=False)


def spec_of(keys, columns):
    """A spec of one source."""
    said = (f"{k} = {toml(v)}" for k, v in keys.items())
    return "\n".join(['[profile]\nname = "p"\nkey = "id"\n[sources.s]\nfiles = ["a.csv"]', *said,
                      f'[output]\ncolumns = {toml(["id", *columns])}', ""])


def judged(count, name, reading, *args):
    """What is read here; None where the page is silent."""
    try:
        what = reading(*args)
        count[name, what if what in (BAD, NULL) else what[0] if isinstance(what, tuple) else "valid"] += 1
        return what
    except Silent as why:
        count[name, "silent"] += 1
        count["silent", str(why)] += 1


def try_cells(r, seed, binary, size, count):
    """The differences of a source of typed cells."""
    n, columns, latest = draw_source(r)
    rows = [[f"r{i}", *(draw_cell(r, lambda c=c: draw_good(r, c, n)) for c in columns)] for i in range(size)]
    names, keys = [c["name"] for c in columns], {k: v for k, v in n.items() if v and k != "tz"}
    by_column = {c["name"]: c["latest"] for c in columns if c["latest"]}
    keys |= {"max_date": latest or by_column} if by_column else {}
    types = {c["name"]: c["type"] for c in columns}
    spec = spec_of({**keys, "keep": names, "types": types}, names)
    profiles, rejects, ledger, lines = onefold(binary, spec, ["id", *names], rows, seed)
    yield from (("rejects", *k, v) for k, v in rejects.items() if k[0] not in lines or k[1] not in names)
    for j, c in enumerate(columns, 1):
        listed, told = sum(k[1] == c["name"] for k in rejects), ledger["bad_values"].get(c["name"], 0)
        if listed != told:
            yield c["type"], "bad values in the ledger", listed, told
        for row, line in zip(rows, lines):
            said = profiles[row[0]][c["name"]]
            if reject := rejects.get((line, c["name"])):
                said = BAD if (reject, said) == (("bad_value", row[j]), "") else f"{reject} {said!r}"
            mine = judged(count, c["kind"], read, c, row[j], n)
            tie = c["kind"] == "float" and len(said) == len(mine or "") and BAD not in (mine, said) and float(said) == float(mine)
            if mine is not None and said != (mine if mine != NULL else "") and not tie:      # of two shortest texts either will do
                yield c["type"], row[j], mine, said, keys


def try_ids(r, seed, binary, size, count):
    """The differences of a source of ids."""
    form = r.choice(list(IDS))
    n = {"is": form, "fold_plus": form == "email" and r.random() < .5, "nulls": r.choice([[], ["?", "x"]]),
         "strip_prefix": r.choice(["", "C-"])}
    keep, defaults = r.random() < .2, r.random() > .2
    n["words"] = defaults and not keep
    rows = [[draw_cell(r, lambda: r.choice(IDS[form] * 3 + ODD_IDS)), f"n{i}"] for i in range(size)]
    keys = {"key": {"column": "id", "kind": "k"}, "strip_prefix": n["strip_prefix"], "keep_null_words": keep,
            "nulls": n["nulls"], "keep": ["n"]}
    kind = {"is": form, "defaults": defaults} | ({"fold_plus": True} if n["fold_plus"] else {})
    spec = spec_of({k: v for k, v in keys.items() if v}, ["n"]) + f"[identity.kinds]\nk = {toml(kind)}\n"
    profiles, rejects, _, lines = onefold(binary, spec, ["id", "n"], rows, seed)
    last, unjudged = {}, set()
    for row, line in zip(rows, lines):
        mine, reject = judged(count, form, read_id, row[0], n), rejects.get((line, ""), (None,))[0]
        if mine is None:
            unjudged.add(row[1])
        elif (mine[0] if isinstance(mine, tuple) else None) != reject:
            yield form, row[0], mine, reject, n
        elif not reject:
            last[mine] = row[1]
    kept = {k: x["n"] for k, x in profiles.items() if x["n"] not in unjudged}
    yield from ((form, "the row kept", (k, last.get(k)), kept.get(k), n) for k in {**last, **kept}
                if last.get(k) != kept.get(k) and (k in kept or k not in profiles))


def main():
    """Try seeds; the first differences, or how many cells there were."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--onefold", required=True)
    p.add_argument("--seeds", nargs=2, type=int, default=[1, 100], metavar=("FIRST", "COUNT"))
    p.add_argument("--rows", type=int, default=200)
    p.add_argument("--most", type=int, default=20, help="differences that are printed")
    a, count, found = p.parse_args(), collections.Counter(), []
    for seed in range(a.seeds[0], sum(a.seeds)):
        r = random.Random(seed)
        found += [(seed, *d) for d in (try_ids if seed % 10 == 0 else try_cells)(r, seed, a.onefold, a.rows, count)]
    for seed, kind, cell, mine, said, *notation in found[:a.most]:
        print(f"seed {seed}  {kind}  {cell!r}: by the page {mine!r}, onefold {said!r}  {''.join(map(toml, notation))}")
    for (kind, what), number_of in sorted(count.items()):
        print(f"{kind:14} {what}: {number_of}")
    cells = sum(v for k, v in count.items() if k[0] != "silent")
    print(f"{cells} cells: {len(found)} differences" if found else f"{cells} cells: no difference")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
