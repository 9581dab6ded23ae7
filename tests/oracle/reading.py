"""How the oracle reads: the normal forms of identifiers, typed values, CSV files, and the sources of a spec.

Owns what can be said of one cell, one row or one file alone; what rows say together is in linking.py. [D3]: DECISIONS.md.
"""
import collections, csv, datetime, decimal, io, math, re, sys

csv.field_size_limit(1 << 30)
sys.set_int_max_str_digits(0)
WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # Unicode White_Space


class Fault(Exception):
    """What ends a run without output: an exit code of the contract, and why."""

    def __init__(self, code, why):
        super().__init__(f"exit {code}: {why}")
        self.code = code


# ---------------------------------------------------------------- 1 normal forms

SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
NO_SPACE = "[^@,;<>\"" + WHITE + "]"
EMAIL = re.compile(f"{NO_SPACE}+@{NO_SPACE}+\\.{NO_SPACE}+")
NUMBER = re.compile(r"([0-9]+)(\.0+)?")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PHONE = re.compile(r"\+[0-9]{7,15}")
ROUNDED = re.compile(r"[0-9]([.,][0-9]+)?[Ee]\+[0-9]+")            # a spreadsheet has written it so


def suffix_of(body):
    """The three check characters of a 15-character Salesforce id: a bit per capital, five to a character, first is lowest."""
    return "".join(SUFFIX[sum(1 << i for i, c in enumerate(body[b:b + 5]) if c.isupper())] for b in (0, 5, 10))


def salesforce_id(t):
    """The id with 18 characters, in its own case; None if it is none."""
    if not re.fullmatch("[A-Za-z0-9]{15}|[A-Za-z0-9]{18}", t):
        return None
    body, tail = t[:15], t[15:].upper()
    if not tail:
        return body + suffix_of(body)
    if any(c not in SUFFIX for c in tail):
        return None                                  # no suffix at all [D31]
    if body in (body.lower(), body.upper()):         # letters of one case: the suffix knows better
        capital = [SUFFIX.index(tail[i // 5]) >> i % 5 & 1 for i in range(15)]
        body = "".join(c.upper() if up else c.lower() for c, up in zip(body, capital))
    return body + tail if suffix_of(body) == tail else None


def email(t, fold_plus=False):
    """The address in lower case; None if it is none."""
    t = t.lower().removeprefix("mailto:")
    if not EMAIL.fullmatch(t):
        return None
    local, domain = t.split("@")
    if fold_plus:
        local = local.split("+")[0]
    return f"{local}@{domain}" if local else None


def number(t):
    """A whole number without leading zeros; None if it is none."""
    m = NUMBER.fullmatch(t)
    return (m[1].lstrip("0") or "0") if m else None


def uuid(t):
    """In lower case, without braces; None if it is none."""
    t = t.lower()
    if t.startswith("{") and t.endswith("}"):
        t = t[1:-1]
    return t if UUID.fullmatch(t) else None


def phone(t):
    """`+` and digits; None if it is none."""
    t = "".join(c for c in t if c not in WHITE + "()-./")
    if t.startswith("00"):
        t = "+" + t[2:]
    return t if PHONE.fullmatch(t) else None


NORMAL = {"salesforce_id": salesforce_id, "email": email, "number": number, "uuid": uuid, "phone": phone, "text": lambda t: None if ROUNDED.fullmatch(t) else t}

DEFAULT_BLOCKED = set("null nil none undefined nan na n/a #n/a unknown anonymous guest void test -1".split())
DEFAULT_LOCAL_PARTS = set("noreply no-reply donotreply do-not-reply mailer-daemon postmaster test null none".split())


def ascii_lower(t):
    """Lower case of A to Z alone."""
    return "".join(c.lower() if "A" <= c <= "Z" else c for c in t)


def glob_match(pattern, text):
    """`*` is any run of characters, all else is itself."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


class Kind:
    """How the values of one kind are read."""

    def __init__(self, name, options, files):
        self.name, self.form = name, options.get("is", "text")
        if self.form not in NORMAL:
            raise Fault(3, f"kind {name}: is = {self.form}")
        self.max_keys = options.get("max_keys", 5 if self.form in ("email", "phone") else None)
        self.fold_plus, self.defaults = options.get("fold_plus", False), options.get("defaults", True)
        patterns = list(options.get("block", []))
        if "block_file" in options:
            lines = re.split("\r\n|\r|\n", file_of(files, options["block_file"]).decode("utf-8-sig"))
            patterns += [p.strip(WHITE) for p in lines if p.strip(WHITE)]
        normal = [self.normal(p) for p in patterns if "*" not in p]      # a blocked 15-character id blocks its 18 [D33]
        self.patterns = {ascii_lower(p) for p in [*patterns, *normal] if p}
        self.seen = {}

    def normal(self, text):
        """The normal form of a text, None if it is bad."""
        return email(text, self.fold_plus) if self.form == "email" else NORMAL[self.form](text)

    def blocked(self, value):
        """Does a pattern of the spec or a default block this normal value?"""
        v = ascii_lower(value)
        if any(glob_match(p, v) for p in self.patterns):
            return True
        return self.defaults and (
            v in DEFAULT_BLOCKED or re.fullmatch("[0-]*", v) is not None
            or self.form == "salesforce_id" and v.startswith("0" * 15)
            or self.form == "email" and v.split("@")[0] in DEFAULT_LOCAL_PARTS)

    def read(self, text):
        """The identifier in one trimmed, non-empty text."""
        if text not in self.seen:
            value = self.normal(text)
            self.seen[text] = (Cell(self.name, text, "bad") if value is None
                               else Cell(self.name, value, "blocked" if self.blocked(value) else None))
        return self.seen[text]


Cell = collections.namedtuple("Cell", "kind value trouble")      # what stands in a declared id cell; trouble: None, bad, blocked
# An identifier is a pair (kind, value).


def ident(cell):
    """The identifier in a cell that is not bad."""
    return cell.kind, cell.value


def least(identifier):
    """Shortest, then smallest bytes."""
    v = identifier[1].encode()
    return len(v), v


def spelled(identifier):
    """An identifier as the outputs have it."""
    return ":".join(identifier)


# ---------------------------------------------------------------- 2 reading

INT, FLOAT = re.compile(r"[+-]?[0-9]+"), re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATETIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?")


def typed(kind, text):
    """Typed value of one non-null cell, None if bad."""
    if kind == "text":
        return text
    t = text.strip(WHITE)
    try:
        if kind == "int":
            return int(t) if INT.fullmatch(t) and -(1 << 63) <= int(t) < (1 << 63) else None
        if kind == "float":
            return float(t) if FLOAT.fullmatch(t) and math.isfinite(float(t)) else None
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}.get(t.lower())
        if kind == "date":
            return datetime.date.fromisoformat(t) if DATE.fullmatch(t) else None
        if kind == "datetime":
            m = DATETIME.fullmatch(t)
            if not m:
                return None
            zone = "+00:00" if m[4] in (None, "Z", "z") else m[4]
            micros = (m[3] or ".")[1:7].ljust(6, "0")
            return datetime.datetime.fromisoformat(f"{m[1]}T{m[2]}.{micros}{zone}")
    except ValueError:
        return None
    raise Fault(3, f"type {kind}")


def shown(value):
    """A typed value as profiles.csv has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return shown_float(value)
    return value if isinstance(value, str) else str(value)


def shown_float(x):
    """As Rust's `{:?}`: the shortest digits, an exponent below 1e-4 and from 1e16 on."""
    if x == 0 or 1e-4 <= abs(x) < 1e16:
        text = format(decimal.Decimal(repr(x)), "f")
        return text if "." in text else text + ".0"
    sign, digits, _ = decimal.Decimal(repr(x)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    return f"{'-' * sign}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{decimal.Decimal(repr(x)).adjusted()}"


def records(data):
    """(line, cells, is it UTF-8) of each record of a CSV file, the header too; empty lines are skipped."""
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""), strict=False)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        if cells:
            yield line, cells, not any("\udc80" <= c <= "\udcff" for cell in cells for c in cell)


def file_of(files, name):
    """The bytes of a file that must be there."""
    if name not in files:
        raise Fault(4, f"{name} is missing")
    return files[name]


def table(files, name, columns):
    """(line, cells of these columns) of a small file that must be whole: a map, apart.csv, erase.csv."""
    rows = records(file_of(files, name))
    head = next(rows, (0, [], True))[1]
    for c in columns:
        if head.count(c) != 1:
            raise Fault(4, f"{name}: column {c}")
    for line, cells, utf8 in rows:
        if not utf8 or len(cells) != len(head):
            raise Fault(4, f"{name}, line {line}")               # [D35]
        yield line, [cells[head.index(c)].strip(WHITE) for c in columns]


class Source:
    """One `[sources.X]` of the spec."""

    def __init__(self, name, no, s):
        self.name, self.no, self.patterns, self.required = name, no, s["files"], s.get("required", False)
        self.key, self.ids = s.get("key"), s.get("ids", [])
        self.merged_into, self.merged_from = s.get("merged_into"), s.get("merged_from")
        if isinstance(self.merged_from, str):
            self.merged_from = {"column": self.merged_from}
        self.deleted, self.fill, self.nulls = s.get("deleted"), s.get("fill"), set(s.get("nulls", []))
        self.latest_by, self.types = s.get("latest_by"), s.get("types", {})
        self.keep = [(c, c) if isinstance(c, str) else next(iter(c.items())) for c in s.get("keep", [])]
        self.tells_merges = bool(self.merged_into or self.merged_from)
        if not self.key and not self.ids:
            raise Fault(3, f"source {name}: neither key nor ids")
        if self.tells_merges and not self.key:
            raise Fault(3, f"source {name}: merged_* without key")

    def columns(self):
        """The columns that each file of the source must have."""
        named = [self.key and self.key["column"], self.merged_into, self.merged_from and self.merged_from["column"],
                 self.deleted and self.deleted["column"], self.latest_by]
        return {c for c in named if c} | {i["column"] for i in self.ids} | {c for c, _ in self.keep}


class Row:
    """One record of a source's file. Cells: column name to text, None for null; empty for a rejected row."""

    def __init__(self, source, file, order, reject, cells):
        self.source, self.file, self.order, self.reject, self.cells = source, file, order, reject, cells
        self.line = order[2]
        self.place = (source.name, file, self.line)
        self.key, self.ids, self.into, self.losers = None, [], None, []
        self.flag_deleted = self.merged = self.deleted = self.erased = False
        self.anchor, self.state = None, None

    def id_cells(self):
        """What stands in the declared id cells, the merge columns too [D12]."""
        return {c for c in [self.key, *self.ids, self.into, *self.losers] if c}

    def counts(self):
        """Its identifiers link and count: neither rejected nor deleted."""
        return not self.reject and not self.deleted


def read_source(source, files):
    """The rows of a source, in order of its files by the bytes of their names; a file seen before is not read again."""
    names = sorted((n for n in files if any(glob_match(p, n) for p in source.patterns)), key=str.encode)
    if not names and source.required:
        raise Fault(4, f"no file for source {source.name}")
    seen = []
    for no, name in enumerate(names):
        if files[name] in seen:
            continue                                             # duplicate_of [D34]
        seen.append(files[name])
        lines = records(files[name])
        head = next(lines, None)
        if head is None:
            raise Fault(4, f"{name}: no header")
        head = head[1]
        for c in source.columns():
            if head.count(c) != 1:
                raise Fault(4, f"{name}: column {c}")
        for line, cells, utf8 in lines:
            blank = not any(c.strip(WHITE) for c in cells)                # a row without any value is no row to reject
            reject = "encoding" if not utf8 else "blank" if blank else "field_count" if len(cells) != len(head) else None
            by_name = {c: cells[head.index(c)] for c in source.columns()} if not reject else {}
            for c, text in by_name.items():
                if text == "" or text.strip(WHITE) in source.nulls:
                    by_name[c] = None
            yield Row(source, name, (source.no, no, line), reject, by_name)
