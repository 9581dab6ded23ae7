#!/usr/bin/env python3
"""The events profile in DuckDB, as a careful user would write it: each file is read once and grouped by account, the
newest date of all rows comes out of the same grouping, CSV + Parquet out.

    duckdb_events.py INPUT_DIR OUT_PREFIX [--memory 2GB] [--threads N] [--distinct direct|two-step]
"""
import argparse, time
import duckdb

COLUMNS = {
    "accounts": "account_id VARCHAR, name VARCHAR, segment VARCHAR, country VARCHAR, opened_on DATE, seats BIGINT, updated_at TIMESTAMP",
    "invoices": "invoice_id VARCHAR, account_id VARCHAR, amount DECIMAL(12,2), state VARCHAR, issued_on DATE, paid_on DATE",
    "usage": "account_id VARCHAR, event VARCHAR, happened_at TIMESTAMP, units BIGINT, seconds DOUBLE",
    "tickets": "ticket_id VARCHAR, account_id VARCHAR, priority VARCHAR, state VARCHAR, opened_on DATE, satisfaction BIGINT",
}


def scan(folder, name):
    types = ", ".join("'{}': '{}'".format(*c.split(maxsplit=1)) for c in COLUMNS[name].split(", "))
    return f"read_csv('{folder}/{name}*.csv', header=true, auto_detect=false, columns={{{types}}})"


def accounts(folder):
    """The latest row of each account."""
    rest = "name, segment, country, opened_on, seats, updated_at".split(", ")
    row = ", ".join(f"{c} := {c}" for c in rest)
    return f"""select account_id, unnest(r) from (select account_id,
 arg_max(struct_pack({row}), coalesce(updated_at, TIMESTAMP '0001-01-01')) r from {scan(folder, 'accounts')} group by 1)"""


def invoices(folder):
    return f"""select account_id, count(*) invoices, count(*) filter (state = 'open') open_invoices,
 sum(amount) filter (state = 'paid') revenue, sum(amount) filter (state = 'refunded') refunded,
 max(amount) largest_invoice, avg(amount) mean_invoice, arg_max_null(state, invoice_id) last_invoice_state,
 max(paid_on) last_paid_on, max(issued_on) newest from {scan(folder, 'invoices')} group by 1"""


def usage(folder, distinct):
    if distinct == "direct":
        return f"""select account_id, count(*) events, count(distinct event) kinds_of_events, sum(units)::bigint units,
 avg(units) mean_units, max(seconds) longest_seconds, max(happened_at) last_seen from {scan(folder, 'usage')} group by 1"""
    return f"""select account_id, sum(n)::bigint events, count(event) kinds_of_events, sum(units)::bigint units,
 sum(units) / sum(n_units)::double mean_units, max(seconds) longest_seconds, max(last_seen) last_seen from (select account_id, event,
 count(*) n, count(units) n_units, sum(units) as units, max(seconds) as seconds, max(happened_at) as last_seen from {scan(folder, 'usage')} group by 1, 2) group by 1"""


def tickets(folder):
    return f"""select account_id, count(*) tickets, count(*) filter (state = 'open' and priority = 'urgent') open_urgent,
 avg(satisfaction) mean_satisfaction, max(opened_on) newest from {scan(folder, 'tickets')} group by 1"""


PROFILES = """
with {sources},
 d as (select greatest((select max(updated_at)::date from accounts), (select max(newest) from invoices),
  (select max(last_seen)::date from usage), (select max(newest) from tickets)) as_of),
 j as (select a.*, i.* exclude (account_id, newest), u.* exclude (account_id), t.* exclude (account_id, newest),
  coalesce(revenue, 0) - coalesce(refunded, 0) net_revenue, d.as_of - last_paid_on days_since_paid, revenue::double / nullif(seats, 0) revenue_per_seat,
  'accounts' || case when i.account_id is null then '' else '+invoices' end || case when u.account_id is null then '' else '+usage' end
   || case when t.account_id is null then '' else '+tickets' end sources
  from accounts a left join invoices i using (account_id) left join usage u using (account_id) left join tickets t using (account_id), d),
 s as (select *,
  50 + case when revenue >= 10000 then 30 else 0 end - case when open_invoices >= 2 then 20 else 0 end
   - case when refunded > 0 then 10 else 0 end - case when days_since_paid > 365 then 25 else 0 end h,
  case when events >= 5 then 2 else 0 end + case when kinds_of_events >= 4 then 1 else 0 end
   + case when mean_satisfaction >= 4 then 2 else 0 end - case when open_urgent > 0 then 2 else 0 end e from j)
select account_id, name, segment, country, opened_on, seats, updated_at,
 invoices, open_invoices, revenue, refunded, net_revenue, largest_invoice, mean_invoice, last_invoice_state, last_paid_on, days_since_paid, revenue_per_seat,
 events, kinds_of_events, units, mean_units, longest_seconds, last_seen, tickets, open_urgent, mean_satisfaction,
 case when coalesce(invoices, revenue) is not null then greatest(0, least(100, h)) end payment_health,
 case when coalesce(events, mean_satisfaction) is not null then case when e >= 4 then 'STRONG' when e >= 2 then 'STEADY' else 'WEAK' end end engagement,
 sources, account_id || ':' || printf('%016x', hash(name, segment, country, opened_on, seats, updated_at, invoices, open_invoices, revenue, refunded,
  largest_invoice, mean_invoice, last_invoice_state, last_paid_on, events, kinds_of_events, units, mean_units, longest_seconds, last_seen,
  tickets, open_urgent, mean_satisfaction)) idempotency_key
from s order by account_id"""


def main():
    a = argparse.ArgumentParser()
    a.add_argument("input"); a.add_argument("out"); a.add_argument("--memory"); a.add_argument("--threads"); a.add_argument("--distinct", default="direct", choices=["direct", "two-step"])
    a = a.parse_args()
    con = duckdb.connect()
    con.execute(f"set temp_directory='{a.out}.tmp'")
    if a.memory: con.execute(f"set memory_limit='{a.memory}'")
    if a.threads: con.execute(f"set threads={a.threads}")
    t = time.time()
    sources = {"accounts": accounts(a.input), "invoices": invoices(a.input), "usage": usage(a.input, a.distinct), "tickets": tickets(a.input)}
    sources = ", ".join(f"{name} as materialized ({query})" for name, query in sources.items())
    con.execute(f"create temp table p as {PROFILES.format(sources=sources)}")
    built = time.time()
    con.execute(f"copy p to '{a.out}.parquet' (format parquet, compression zstd)")
    con.execute(f"copy p to '{a.out}.csv' (header)")
    print(f"duckdb {duckdb.__version__}: build {built - t:.2f}s, write {time.time() - built:.2f}s, {con.execute('select count(*), count(distinct account_id) from p').fetchone()}")


if __name__ == "__main__":
    main()
