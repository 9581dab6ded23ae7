#!/usr/bin/env python3
"""The default profile once more, slow and plain, to check onefold against. Shares no code with it.

    profiles.py INPUT                     print the number of customers and the ledger as JSON
    profiles.py INPUT --csv FILE          and write the profiles, sorted, without idempotency_key
    profiles.py INPUT --check OUTPUT      and compare them with OUTPUT/profiles.csv and OUTPUT/run.json

INPUT is a folder with crm.csv, billing.csv, product.csv and support.csv; each may also be split: crm-1.csv, crm-2.csv.
Needs Python 3 and no package. Of idempotency_key only the form is checked, not the hash. A file with a quote that is never
closed is not for this script.

Exit code: 0 done and no difference, 1 a difference or no file for a source, 2 wrong usage.
"""
import argparse
import csv
import datetime
import glob
import json
import math
import os
import re
import sys
import unicodedata

csv.field_size_limit(1 << 30)
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)

DATE = "date"
# Per source: the column that says which row of a customer is the latest, and the type of each column.
SOURCES = {
    "crm": ("last_contact", {
        "email": str, "company_name": str, "industry": str, "employee_count": int, "deal_stage": str, "deal_value": int,
        "sales_owner": str, "last_contact": DATE,
    }),
    "billing": ("last_payment", {
        "email": str, "plan": str, "mrr": int, "payment_status": str, "subscription_start": DATE, "last_payment": DATE,
    }),
    "product": ("last_active", {
        "email": str, "signup_date": DATE, "last_active": DATE, "total_sessions": int, "features_used": int,
        "usage_pct": int, "account_status": str,
    }),
    "support": ("last_ticket_date", {
        "email": str, "total_tickets": int, "open_tickets": int, "avg_resolution_hrs": float, "last_ticket_date": DATE,
        "nps_score": int, "csat_score": float,
    }),
}

# Unicode's White_Space; `str.strip()` alone would also take U+001C to U+001F.
WHITE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
IS_INT = re.compile(r"[+-]?[0-9]+(\.0+)?")
IS_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
IS_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadValue(Exception):
    pass


def parse(kind, text):
    """The value of a field that is not empty. Raises BadValue."""
    if kind is str:
        return text
    text = text.strip(WHITE)
    if kind is int and IS_INT.fullmatch(text):
        # A fraction of zeros is none.
        whole = int(text.partition(".")[0])
        if -(1 << 63) <= whole < 1 << 63:
            return whole
    if kind is float and IS_FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if kind is DATE and IS_DATE.fullmatch(text):
        try:
            datetime.date.fromisoformat(text)
            return text
        except ValueError:
            pass
    raise BadValue


def files_of(folder, source):
    """The files of a source, in the order of their names' bytes."""
    found = set(glob.glob(os.path.join(folder, source + ".csv"))) | set(glob.glob(os.path.join(folder, source + "-*.csv")))
    if not found:
        sys.exit(f"no file for source {source}")
    return sorted(found, key=os.fsencode)


# Words for no id, and what a spreadsheet makes of a long number.
NO_ID = re.compile(
    r"null|nil|none|undefined|nan|na|n/a|#n/a|unknown|anonymous|guest|void|test|-1|\\n|[0-]*|[0-9]([.,][0-9]+)?e\+[0-9]+", re.I
)


def hidden(char):
    """Whether nobody sees a character: white space and what has no width."""
    return char in WHITE or unicodedata.category(char) in ("Cc", "Cf")


def identifier(text):
    """The id of a cell, or None if it is none."""
    while text and hidden(text[0]):
        text = text[1:]
    while text and hidden(text[-1]):
        text = text[:-1]
    if text.startswith('="') and text.endswith('"') and len(text) > 3:
        text = text[2:-1]
    return None if NO_ID.fullmatch(text) else text


def rows_of(path, columns):
    """Each row of a file as (id, cells of the columns); the id is None for a row that must be rejected."""
    # Bytes that are not UTF-8 become surrogates, which no valid text has.
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = (row for row in csv.reader(file) if row)
        header = next(rows)
        at = {column: header.index(column) for column in ["customer_id", *columns]}
        for row in rows:
            if len(row) != len(header) or any("\udc80" <= char <= "\udcff" for cell in row for char in cell):
                yield None, None
                continue
            yield identifier(row[at["customer_id"]]), {column: row[at[column]] for column in columns}


def read_source(folder, source):
    """The latest row of each customer, and the ledger."""
    latest_by, kinds = SOURCES[source]
    ledger = dict(rows_read=0, rows_used=0, rows_superseded=0, rows_rejected=0, rows_excluded=0, bad_values=0)
    latest = {}
    for path in files_of(folder, source):
        for identifier, cells in rows_of(path, kinds):
            ledger["rows_read"] += 1
            if identifier is None:
                ledger["rows_rejected"] += 1
                continue
            row = {}
            for column, kind in kinds.items():
                try:
                    row[column] = parse(kind, cells[column]) if cells[column] != "" else None
                except BadValue:
                    row[column] = None
                    ledger["bad_values"] += 1
            before = latest.get(identifier)
            ledger["rows_used" if before is None else "rows_superseded"] += 1
            # No date is older than any date; of equal dates the later row wins.
            if before is None or (row[latest_by] or "") >= (before[latest_by] or ""):
                latest[identifier] = row
    return latest, ledger


def normal(text):
    return None if text is None else text.strip(" ").lower().replace(" ", "_")


def points(*rules):
    """The sum of the points of all rules that hold."""
    return sum(number for holds, number in rules if holds)


def band(number):
    return "HIGH" if number >= 5 else "MEDIUM" if number >= 2 else "LOW"


def scores(profile):
    """The three scores. A signal that is not known adds no points; a score of which no signal is known is null."""
    usage, nps, tickets = profile["usage_pct"], profile["nps_score"], profile["open_tickets"]
    payment, plan, stage = (normal(profile[column]) for column in ("payment_status", "plan", "deal_stage"))
    late = payment in ("past_due", "failed")

    def some(*signals):
        return any(signal is not None for signal in signals)

    health = 50 + points(
        (some(usage) and usage >= 80, 20), (some(usage) and 60 <= usage < 80, 10), (some(usage) and usage < 30, -10),
        (payment == "active", 15), (late, -15),
        (some(nps) and nps >= 9, 10), (some(nps) and 7 <= nps < 9, 5), (some(nps) and nps <= 5, -10),
        (some(tickets) and tickets == 0, 5), (some(tickets) and tickets > 3, -5),
    )
    churn = points(
        (some(usage) and usage < 30, 3), (some(usage) and 30 <= usage < 50, 1), (late, 3), (some(nps) and nps <= 6, 2),
        (some(tickets) and tickets > 3, 1),
    )
    expansion = points(
        (some(usage) and usage >= 80, 3), (some(usage) and 60 <= usage < 80, 1),
        (plan in ("starter", "free", "basic"), 2), (plan in ("business", "professional"), 1),
        (some(nps) and nps >= 9, 2), (stage == "enterprise", 1),
    )
    known = some(usage, payment, nps, tickets)
    return {
        "health_score": max(0, min(100, health)) if known else None,
        "churn_risk": band(churn) if known else None,
        "expansion_potential": band(expansion) if some(usage, plan, nps, stage) else None,
    }


def build(folder):
    """All profiles, in the order of the ids' bytes, and the ledger by source."""
    latest, ledger = {}, {}
    for source in SOURCES:
        latest[source], ledger[source] = read_source(folder, source)
    profiles = []
    for identifier in sorted(set().union(*latest.values()), key=lambda text: text.encode("utf-8")):
        profile = {"customer_id": identifier, "email": None}
        for source, (_, kinds) in SOURCES.items():
            row = latest[source].get(identifier, {})
            profile.update({column: row.get(column) for column in kinds if column != "email"})
            if profile["email"] is None:
                profile["email"] = row.get("email")
        profile.update(scores(profile))
        profile["sources"] = "+".join(source for source in SOURCES if identifier in latest[source])
        profiles.append(profile)
    return profiles, ledger


def same(cell, value):
    """Whether a cell of the CSV file is this value."""
    if value is None:
        return cell == ""
    if isinstance(value, float):
        return bool(cell) and float(cell) == value
    return cell == str(value)


def differences(profiles, ledger, folder):
    """How a run's outputs differ, as lines of text; of the cells only the first twenty or so."""
    with open(os.path.join(folder, "profiles.csv"), encoding="utf-8", newline="") as file:
        got = list(csv.DictReader(file))
    columns = list(profiles[0]) if profiles else []
    found = []
    if got and list(got[0]) != columns + ["idempotency_key"]:
        found.append(f"columns: {list(got[0])}")
    if len(got) != len(profiles):
        found.append(f"rows: {len(got)}, expected {len(profiles)}")
    for row, profile in zip(got, profiles):
        name = profile["customer_id"]
        for column, value in profile.items():
            if not same(row.get(column), value):
                found.append(f"{name}.{column}: {row.get(column)!r}, expected {value!r}")
        if not re.fullmatch(re.escape(name) + ":[0-9a-f]{16}", row.get("idempotency_key") or ""):
            found.append(f"{name}.idempotency_key: {row.get('idempotency_key')!r}")
        if len(found) > 20:
            break
    with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
        told = json.load(file)["ledger"]
    for source, counts in ledger.items():
        for what, number in counts.items():
            # Bad values are told by column.
            have = told[source].get(what, 0)
            have = sum(have.values()) if isinstance(have, dict) else have
            if have != number:
                found.append(f"ledger {source}.{what}: {have}, expected {number}")
    return found


def write(profiles, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(profiles[0]) if profiles else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(profiles)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("input", metavar="INPUT")
    arguments.add_argument("--csv", metavar="FILE")
    arguments.add_argument("--check", metavar="OUTPUT")
    arguments = arguments.parse_args()
    profiles, ledger = build(arguments.input)
    print(json.dumps({"customers": len(profiles), "ledger": ledger}))
    if arguments.csv:
        write(profiles, arguments.csv)
    if arguments.check:
        found = differences(profiles, ledger, arguments.check)
        print("\n".join(found) or "no difference")
        return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
