#!/usr/bin/env python3
"""The default profile in pandas: the script most teams start with.

    pandas_default.py INPUT_DIR OUT_PREFIX
"""
import sys, time
import numpy as np
import pandas as pd

BY = {"crm": "last_contact", "billing": "last_payment", "product": "last_active", "support": "last_ticket_date"}


def joined(folder):
    """The latest row of each source, joined: one row per customer."""
    p = None
    for name, by in BY.items():
        d = pd.read_csv(f"{folder}/{name}.csv", dtype={"customer_id": str})
        d = d.sort_values(by, kind="stable", na_position="first").drop_duplicates("customer_id", keep="last")
        d = d.rename(columns={"email": f"{name}_email"}).assign(**{f"in_{name}": name})
        p = d if p is None else p.merge(d, on="customer_id", how="outer")
    return p


def case(*rules):
    return np.select([c.fillna(False).to_numpy(bool) for c, _ in rules], [v for _, v in rules], 0)


def band(x):
    return pd.Series(np.where(x >= 5, "HIGH", np.where(x >= 2, "MEDIUM", "LOW")))


def profiles(p):
    normal = lambda column: p[column].str.strip().str.lower().str.replace(" ", "_")
    use, nps, tic, pay, plan = p.usage_pct, p.nps_score, p.open_tickets, normal("payment_status"), normal("plan")
    late = pay.isin(["past_due", "failed"])
    known = use.notna() | nps.notna() | tic.notna() | pay.notna()
    p["email"] = p.crm_email.fillna(p.billing_email).fillna(p.product_email).fillna(p.support_email)
    p["health_score"] = pd.Series(np.clip(50 + case((use >= 80, 20), (use >= 60, 10), (use < 30, -10)) + case((pay == "active", 15), (late, -15))
        + case((nps >= 9, 10), (nps >= 7, 5), (nps <= 5, -10)) + case((tic == 0, 5), (tic > 3, -5)), 0, 100)).where(known)
    p["churn_risk"] = band(case((use < 30, 3), (use < 50, 1)) + case((late, 3)) + case((nps <= 6, 2)) + case((tic > 3, 1))).where(known)
    p["expansion_potential"] = band(case((use >= 80, 3), (use >= 60, 1)) + case((plan.isin(["starter", "free", "basic"]), 2), (plan.isin(["business", "professional"]), 1))
        + case((nps >= 9, 2)) + case((normal("deal_stage") == "enterprise", 1))).where(use.notna() | nps.notna() | plan.notna() | p.deal_stage.notna())
    known_by = [p[f"in_{s}"].fillna("") for s in BY]
    p["sources"] = ["+".join(x for x in r if x) for r in zip(*known_by)]
    return p.drop(columns=[f"{s}_email" for s in BY] + [f"in_{s}" for s in BY]).sort_values("customer_id")


def main(folder, out):
    t = time.time()
    p = profiles(joined(folder))
    built = time.time()
    p.to_parquet(out + ".parquet", compression="zstd")
    p.to_csv(out + ".csv", index=False)
    print(f"pandas {pd.__version__}: build {built - t:.2f}s, write {time.time() - built:.2f}s, {p.shape}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
