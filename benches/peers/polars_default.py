#!/usr/bin/env python3
"""The default profile in Python Polars, as a careful user would write it: text ids, latest row per customer, CSV + Parquet out.

    polars_default.py INPUT_DIR OUT_PREFIX [--engine streaming|in-memory] [--no-dedup]

--no-dedup trusts that each file has one row per customer, which onefold does not.
"""
import argparse, time
import polars as pl

S, I, F, D = pl.String, pl.Int64, pl.Float64, pl.Date
SRC = {
    "crm": ("last_contact", dict(customer_id=S, email=S, company_name=S, industry=S, employee_count=I, deal_stage=S, deal_value=I, sales_owner=S, last_contact=D)),
    "billing": ("last_payment", dict(customer_id=S, email=S, plan=S, mrr=I, payment_status=S, subscription_start=D, last_payment=D)),
    "product": ("last_active", dict(customer_id=S, email=S, signup_date=D, last_active=D, total_sessions=I, features_used=I, usage_pct=I, account_status=S)),
    "support": ("last_ticket_date", dict(customer_id=S, email=S, total_tickets=I, open_tickets=I, avg_resolution_hrs=F, last_ticket_date=D, nps_score=I, csat_score=F)),
}
c = pl.col


def joined(folder, dedup):
    """The latest row of each source, joined: one row per customer."""
    q = None
    for name, (by, cols) in SRC.items():
        lf = pl.scan_csv(f"{folder}/{name}.csv", schema=cols).select(list(cols))
        if dedup:
            lf = lf.sort(by, nulls_last=False, maintain_order=True).unique("customer_id", keep="last")
        lf = lf.rename({"email": f"{name}_email"}).with_columns(pl.lit(name).alias(f"in_{name}"))
        q = lf if q is None else q.join(lf, on="customer_id", how="full", coalesce=True)
    return q


def normal(column):
    return c(column).str.strip_chars().str.to_lowercase().str.replace_all(" ", "_", literal=True)


def case(*rules):
    e = pl.when(rules[0][0]).then(rules[0][1])
    for cond, v in rules[1:]:
        e = e.when(cond).then(v)
    return e.otherwise(0)


def band(p):
    return pl.when(p >= 5).then(pl.lit("HIGH")).when(p >= 2).then(pl.lit("MEDIUM")).otherwise(pl.lit("LOW"))


def profiles(q):
    use, nps, tic, pay, tier, stage = c("usage_pct"), c("nps_score"), c("open_tickets"), normal("payment_status"), normal("plan"), normal("deal_stage")
    late = pay.is_in(["past_due", "failed"])
    known = pl.any_horizontal(use.is_not_null(), nps.is_not_null(), tic.is_not_null(), pay.is_not_null())
    known_e = pl.any_horizontal(use.is_not_null(), nps.is_not_null(), tier.is_not_null(), c("deal_stage").is_not_null())
    health = (50 + case((use >= 80, 20), (use >= 60, 10), (use < 30, -10)) + case((pay == "active", 15), (late, -15))
              + case((nps >= 9, 10), (nps >= 7, 5), (nps <= 5, -10)) + case((tic == 0, 5), (tic > 3, -5))).clip(0, 100)
    churn = case((use < 30, 3), (use < 50, 1)) + case((late, 3)) + case((nps <= 6, 2)) + case((tic > 3, 1))
    expand = (case((use >= 80, 3), (use >= 60, 1)) + case((tier.is_in(["starter", "free", "basic"]), 2), (tier.is_in(["business", "professional"]), 1))
              + case((nps >= 9, 2)) + case((stage == "enterprise", 1)))
    names = [column for _, cols in SRC.values() for column in cols if column not in ("customer_id", "email")]
    return q.select("customer_id", pl.coalesce([f"{s}_email" for s in SRC]).alias("email"), *names,
        pl.when(known).then(health).alias("health_score"), pl.when(known).then(band(churn)).alias("churn_risk"),
        pl.when(known_e).then(band(expand)).alias("expansion_potential"),
        pl.concat_str([f"in_{s}" for s in SRC], separator="+", ignore_nulls=True).alias("sources"),
        (c("customer_id") + ":" + pl.struct("customer_id", *names).hash().cast(pl.String)).alias("idempotency_key")).sort("customer_id")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("input"); a.add_argument("out"); a.add_argument("--engine", default="streaming", choices=["streaming", "in-memory"]); a.add_argument("--no-dedup", action="store_true")
    a = a.parse_args()
    t = time.time()
    df = profiles(joined(a.input, not a.no_dedup)).collect(engine=a.engine)
    built = time.time()
    df.write_parquet(a.out + ".parquet")
    df.write_csv(a.out + ".csv")
    print(f"polars {pl.__version__} {a.engine}: build {built - t:.2f}s, write {time.time() - built:.2f}s, {df.shape}")


if __name__ == "__main__":
    main()
