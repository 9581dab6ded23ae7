#!/usr/bin/env python3
"""The default profile in DuckDB, as a careful user would write it: text ids, latest row per customer, CSV + Parquet out.

    duckdb_default.py INPUT_DIR OUT_PREFIX [--memory 2GB] [--threads N] [--dedup window|argmax]
"""
import argparse, time
import duckdb

SRC = {
    "crm": ("last_contact", "email VARCHAR, company_name VARCHAR, industry VARCHAR, employee_count BIGINT, deal_stage VARCHAR, deal_value BIGINT, sales_owner VARCHAR, last_contact DATE"),
    "billing": ("last_payment", "email VARCHAR, plan VARCHAR, mrr BIGINT, payment_status VARCHAR, subscription_start DATE, last_payment DATE"),
    "product": ("last_active", "email VARCHAR, signup_date DATE, last_active DATE, total_sessions BIGINT, features_used BIGINT, usage_pct BIGINT, account_status VARCHAR"),
    "support": ("last_ticket_date", "email VARCHAR, total_tickets BIGINT, open_tickets BIGINT, avg_resolution_hrs DOUBLE, last_ticket_date DATE, nps_score BIGINT, csat_score DOUBLE"),
}


def latest(name, folder, how):
    by, cols = SRC[name]
    cols = [c.split() for c in ("customer_id VARCHAR, " + cols).split(", ")]
    types = ", ".join(f"'{c}': '{t}'" for c, t in cols)
    scan = f"read_csv('{folder}/{name}*.csv', header=true, columns={{{types}}})"
    if how == "window":
        return f"select * from {scan} qualify row_number() over (partition by customer_id order by {by} desc nulls last) = 1"
    rest = ", ".join(f"{c} := {c}" for c, _ in cols[1:])
    return f"select customer_id, unnest(r) from (select customer_id, arg_max(struct_pack({rest}), coalesce({by}, DATE '0001-01-01')) r from {scan} group by 1)"


def query(folder, how):
    n = lambda c: f"replace(lower(trim({c})), ' ', '_')"
    late = f"{n('payment_status')} in ('past_due', 'failed')"
    return f"""
with crm as ({latest('crm', folder, how)}), billing as ({latest('billing', folder, how)}),
 product as ({latest('product', folder, how)}), support as ({latest('support', folder, how)}),
 j as (select coalesce(crm.customer_id, billing.customer_id, product.customer_id, support.customer_id) customer_id,
  coalesce(crm.email, billing.email, product.email, support.email) email,
  crm.* exclude (customer_id, email), billing.* exclude (customer_id, email), product.* exclude (customer_id, email), support.* exclude (customer_id, email),
  concat_ws('+', case when crm.customer_id is not null then 'crm' end, case when billing.customer_id is not null then 'billing' end,
   case when product.customer_id is not null then 'product' end, case when support.customer_id is not null then 'support' end) sources
  from crm full join billing on crm.customer_id = billing.customer_id
  full join product on coalesce(crm.customer_id, billing.customer_id) = product.customer_id
  full join support on coalesce(crm.customer_id, billing.customer_id, product.customer_id) = support.customer_id),
 s as (select *,
  50 + case when usage_pct >= 80 then 20 when usage_pct >= 60 then 10 when usage_pct < 30 then -10 else 0 end
   + case when {n('payment_status')} = 'active' then 15 when {late} then -15 else 0 end
   + case when nps_score >= 9 then 10 when nps_score >= 7 then 5 when nps_score <= 5 then -10 else 0 end
   + case when open_tickets = 0 then 5 when open_tickets > 3 then -5 else 0 end h,
  case when usage_pct < 30 then 3 when usage_pct < 50 then 1 else 0 end + case when {late} then 3 else 0 end
   + case when nps_score <= 6 then 2 else 0 end + case when open_tickets > 3 then 1 else 0 end c,
  case when usage_pct >= 80 then 3 when usage_pct >= 60 then 1 else 0 end
   + case when {n('plan')} in ('starter', 'free', 'basic') then 2 when {n('plan')} in ('business', 'professional') then 1 else 0 end
   + case when nps_score >= 9 then 2 else 0 end + case when {n('deal_stage')} = 'enterprise' then 1 else 0 end e,
  coalesce(usage_pct, nps_score, open_tickets) is not null or payment_status is not null known,
  coalesce(usage_pct, nps_score) is not null or plan is not null or deal_stage is not null known_e from j)
select * exclude (h, c, e, known, known_e, sources),
 case when known then greatest(0, least(100, h)) end health_score,
 case when known then case when c >= 5 then 'HIGH' when c >= 2 then 'MEDIUM' else 'LOW' end end churn_risk,
 case when known_e then case when e >= 5 then 'HIGH' when e >= 2 then 'MEDIUM' else 'LOW' end end expansion_potential,
 sources, customer_id || ':' || printf('%016x', hash(email, company_name, deal_value, last_contact, plan, mrr, payment_status, last_payment, last_active, usage_pct, total_tickets, open_tickets, nps_score, csat_score)) idempotency_key
from s order by customer_id"""


def main():
    a = argparse.ArgumentParser()
    a.add_argument("input"); a.add_argument("out"); a.add_argument("--memory"); a.add_argument("--threads"); a.add_argument("--dedup", default="argmax", choices=["window", "argmax"])
    a = a.parse_args()
    con = duckdb.connect()
    con.execute(f"set temp_directory='{a.out}.tmp'")
    if a.memory: con.execute(f"set memory_limit='{a.memory}'")
    if a.threads: con.execute(f"set threads={a.threads}")
    t = time.time()
    con.execute(f"create temp table p as {query(a.input, a.dedup)}")
    built = time.time()
    con.execute(f"copy p to '{a.out}.parquet' (format parquet, compression zstd)")
    con.execute(f"copy p to '{a.out}.csv' (header)")
    print(f"duckdb {duckdb.__version__} {a.dedup}: build {built - t:.2f}s, write {time.time() - built:.2f}s, {con.execute('select count(*), count(distinct customer_id) from p').fetchone()}")


if __name__ == "__main__":
    main()
