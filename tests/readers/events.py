#!/usr/bin/env python3
"""The events profile computed again in DuckDB SQL and compared with a run's Parquet.

    events.py INPUT DATA_OUT
"""
import json
import sys

import duckdb

EXACT = """name, segment, country, opened_on, seats, updated_at, invoices, open_invoices, revenue, refunded, net_revenue,
 largest_invoice, last_invoice_state, last_paid_on, days_since_paid, events, kinds_of_events, units, longest_seconds, last_seen,
 tickets, open_urgent, payment_health, engagement, sources"""
# One division, in another order: equal to the last few bits.
FLOATS = ["mean_invoice", "revenue_per_seat", "mean_units", "mean_satisfaction"]

SQL = """
with a as (select * from read_csv('{i}/accounts.csv', columns = {{'account_id': 'VARCHAR', 'name': 'VARCHAR', 'segment': 'VARCHAR',
  'country': 'VARCHAR', 'opened_on': 'DATE', 'seats': 'BIGINT', 'updated_at': 'TIMESTAMPTZ'}}, header = true)),
i as (select account_id, count(*) invoices, count(*) filter (where state = 'open') open_invoices,
  sum(amount) filter (where state = 'paid') revenue, sum(amount) filter (where state = 'refunded') refunded,
  max(amount) largest_invoice, avg(amount) mean_invoice, arg_max(state, invoice_id) last_invoice_state, max(paid_on) last_paid_on
  from read_csv('{i}/invoices.csv', columns = {{'invoice_id': 'VARCHAR', 'account_id': 'VARCHAR', 'amount': 'DECIMAL(12,2)', 'state': 'VARCHAR',
  'issued_on': 'DATE', 'paid_on': 'DATE'}}, header = true) group by 1),
u as (select account_id, count(*) events, count(distinct event) kinds_of_events, sum(units) units, avg(units) mean_units,
  max(seconds) longest_seconds, max(happened_at) last_seen
  from read_csv('{i}/usage.csv', columns = {{'account_id': 'VARCHAR', 'event': 'VARCHAR', 'happened_at': 'TIMESTAMPTZ', 'units': 'BIGINT', 'seconds': 'DOUBLE'}},
  header = true) group by 1),
t as (select account_id, count(*) tickets, count(*) filter (where state = 'open' and priority = 'urgent') open_urgent, avg(satisfaction) mean_satisfaction
  from read_csv('{i}/tickets.csv', columns = {{'ticket_id': 'VARCHAR', 'account_id': 'VARCHAR', 'priority': 'VARCHAR', 'state': 'VARCHAR',
  'opened_on': 'DATE', 'satisfaction': 'BIGINT'}}, header = true) group by 1),
j as (select a.*, i.* exclude (account_id), u.* exclude (account_id), t.* exclude (account_id),
  date_diff('day', last_paid_on, date '{as_of}') days_since_paid, revenue / seats revenue_per_seat,
  coalesce(revenue, 0) - coalesce(refunded, 0) net_revenue,
  concat_ws('+', 'accounts', case when invoices is not null then 'invoices' end, case when events is not null then 'usage' end,
   case when tickets is not null then 'tickets' end) sources
  from a left join i using (account_id) left join u using (account_id) left join t using (account_id)),
s as (select *, case when revenue >= 10000 then 30 else 0 end + case when open_invoices >= 2 then -20 else 0 end
  + case when refunded > 0 then -10 else 0 end + case when days_since_paid > 365 then -25 else 0 end pay,
  case when events >= 5 then 2 else 0 end + case when kinds_of_events >= 4 then 1 else 0 end
  + case when mean_satisfaction >= 4 then 2 else 0 end + case when open_urgent > 0 then -2 else 0 end eng from j)
select * exclude (pay, eng), case when invoices is not null or revenue is not null then greatest(0, least(100, 50 + pay)) end payment_health,
 case when events is not null or mean_satisfaction is not null then case when eng >= 4 then 'STRONG' when eng >= 2 then 'STEADY' else 'WEAK' end end engagement
from s"""


def main(folder, out):
    as_of = json.load(open(f"{out}/run.json"))["as_of"]
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    con.execute(f"create table want as {SQL.format(i=folder, as_of=as_of)}")
    con.execute(f"create table got as select * from '{out}/profiles.parquet'")
    for a, b in (("want", "got"), ("got", "want")):
        more = con.execute(f"select account_id, {EXACT} from {a} except all select account_id, {EXACT} from {b} order by 1 limit 3").fetchall()
        assert not more, f"in {a} only: {more}"
    for c in FLOATS:
        (off,) = con.execute(f"""select count(*) from want join got using (account_id) where (want.{c} is null) != (got.{c} is null)
          or abs(want.{c} - got.{c}) > 1e-12 * greatest(1, abs(want.{c}))""").fetchone()
        assert off == 0, f"{c}: {off} other values"
    print(f"{con.execute('select count(*) from got').fetchone()[0]} accounts: no difference")


if __name__ == "__main__":
    main(*sys.argv[1:3])
