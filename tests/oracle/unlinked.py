#!/usr/bin/env python3
"""Exports of any size whose sources share no id, and a profile for them: the same bytes for the same number.

    unlinked.py FOLDER CUSTOMERS

Four sources as people have them: accounts (a Salesforce Id and an email), billing (a `cus_` id and the same email), usage (ids of users,
which a map links with accounts), tickets (an email alone). Every file has the customer's true number in `customer_id` too, which the
profile does not read: `plain.toml` does, for comparison.
"""
import os, string, sys

LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
COLUMNS = {
    "accounts": ("customer_id,Id,Email,Name,Industry,Country,Owner,Created,Status", """
latest_by = "Created"
keep = ["Name", "Industry", "Country", "Owner", "Created", "Status", "Email"]
types = { Created = "date" }
""", """key = { column = "Id", kind = "salesforce" }
ids = [{ column = "Email", kind = "email" }]"""),
    "billing": ("customer_id,id,Customer Email,Plan,MRR,Updated,Delinquent", """
latest_by = "Updated"
keep = ["Plan", "MRR", { Updated = "billed_at" }, "Delinquent"]
types = { MRR = "decimal(12,2)", Updated = "date", Delinquent = "bool" }
""", """key = { column = "id", kind = "stripe" }
ids = [{ column = "Customer Email", kind = "email" }]"""),
    "usage": ("customer_id,user_id,day,logins,minutes,feature", """
types = { day = "date", logins = "int", minutes = "int" }
aggregates = { logins = "sum(logins)", minutes = "sum(minutes)", last_used = "max(day)" }
""", """key = { column = "user_id", kind = "user" }"""),
    "tickets": ("customer_id,requester,ticket,opened,priority,satisfaction", """
types = { opened = "date", satisfaction = "int" }
aggregates = { tickets = "count(*)", last_ticket = "max(opened)", satisfaction = "avg(satisfaction)" }
""", """ids = [{ column = "requester", kind = "email" }]"""),
}
IDENTITY = """
[identity]
name_by = ["salesforce", "stripe", "user", "email"]
link_by = ["email"]
at_most = { salesforce = 1 }

[identity.kinds]
salesforce = { is = "salesforce_id" }
email = { is = "email" }

[[identity.maps]]
file = "map.csv"
left = { column = "account", kind = "salesforce" }
right = { column = "user", kind = "user" }
"""
OUTPUT = """
[output]
columns = ["customer_id", "Name", "Industry", "Country", "Owner", "Created", "Status", "Email", "Plan", "MRR", "billed_at",
    "Delinquent", "logins", "minutes", "last_used", "tickets", "last_ticket", "satisfaction", "sources", "idempotency_key"]
"""


def salesforce(i):
    x, tail = i * 7919 + 12345, ""
    for _ in range(5):
        tail, x = LETTERS[x % 62] + tail, x // 62
    return "0015g00000" + tail


def email(i):
    return f"user{i}.{(i * 2654435761) % 10**6}@firm{i % 5000}.example.com"


def day(i):
    return f"2025-{1 + i % 12:02}-{1 + i % 28:02}"


def rows(name, n):
    """The rows of a source."""
    for i in range(n):
        if name == "accounts":
            yield (f"c{i:08},{salesforce(i)},{email(i)},Customer {i} Ltd,{['Software', 'Retail', 'Energy', 'Health'][i % 4]},"
                   f"{['DE', 'US', 'FR', 'GB', 'ES'][i % 5]},rep{i % 50},{day(i)},{['active', 'trial', 'lost'][i % 3]}")
        elif name == "billing" and i % 10 < 9:
            yield (f"c{i:08},cus_{(i * 48271) % 2**31:010x}{i % 16:x},{email(i)},{['free', 'pro', 'team', 'enterprise'][i % 4]},"
                   f"{(i * 37) % 2000}.{i % 100:02},{day(i * 3)},{'true' if i % 17 == 0 else 'false'}")
        elif name == "usage" and i % 20 < 19:
            for k in (1, 2):
                yield f"c{i:08},u{i * 3 + 1},{day(i * k + k)},{(i * k) % 40},{(i * k * 7) % 600},{['export', 'import', 'api'][i % 3]}"
        elif name == "tickets" and i % 3 == 0:
            for k in (0, 1):
                yield f"c{i:08},{email(i)},{i * 2 + k},{day(i + k)},{['low', 'normal', 'high'][i % 3]},{i % 5 + 1}"
        elif name == "map" and i % 20 < 19:
            yield f"{salesforce(i)},u{i * 3 + 1}"


def main():
    folder, n = sys.argv[1], int(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    for name, head in [*((name, c[0]) for name, c in COLUMNS.items()), ("map", "account,user")]:
        with open(os.path.join(folder, f"{name}.csv"), "w", encoding="utf-8") as h:
            h.write(head + "\n")
            h.writelines(row + "\n" for row in rows(name, n))
    for file, key, identity in (("profile.toml", "", IDENTITY), ("plain.toml", 'key = "customer_id"\n', "")):
        sources = [f'\n[sources.{name}]\nfiles = ["{name}.csv"]\n{ids if identity else ""}{rest}' for name, (_, rest, ids) in COLUMNS.items()]
        with open(os.path.join(folder, file), "w", encoding="utf-8") as h:
            h.write(f'[profile]\nname = "{file.removesuffix(".toml")}"\n{key}{identity}{"".join(sources)}{OUTPUT}')


if __name__ == "__main__":
    main()
