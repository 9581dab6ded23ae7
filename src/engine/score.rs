//! Scorecards as Polars expressions: points, clamp, bands. Reads no rows.

use polars::prelude::{Expr, LiteralValue, Null, col, lit, when};

use super::compile::row;
use crate::spec::Score;

/// The score's column, computed from the column of [`total`].
pub(super) fn score(score: &Score) -> Expr {
    let value = if score.bands.is_empty() { clamped(score) } else { band(score) };
    let known = score.needs_any.iter().map(|signal| col(signal.as_str()).is_not_null()).reduce(Expr::or);
    let value = match known {
        Some(known) => when(known).then(value).otherwise(lit(LiteralValue::untyped_null())),
        None => value,
    };
    value.alias(score.name.as_str())
}

/// The sum of all points, before the clamp. It is a column of its own because bands and clamp use it many times.
pub(super) fn total(score: &Score) -> Expr {
    // For a null condition the `otherwise` branch is used: unknown adds nothing.
    let rules = score.points.iter().map(|p| when(row(&p.when.expr)).then(lit(p.add)).otherwise(lit(0i64)));
    rules.fold(lit(score.base), |sum, points| sum + points).alias(score.total_name())
}

fn clamped(score: &Score) -> Expr {
    let total = col(score.total_name());
    match score.clamp {
        None => total,
        Some((low, high)) => {
            let below = when(total.clone().lt(lit(low))).then(lit(low));
            below.when(total.clone().gt(lit(high))).then(lit(high)).otherwise(total)
        }
    }
}

fn band(score: &Score) -> Expr {
    let total = clamped(score);
    score.bands.iter().rev().fold(lit(Null {}), |lower, band| match band.at_least {
        None => lit(band.label.as_str()),
        Some(bound) => when(total.clone().gt_eq(lit(bound))).then(lit(band.label.as_str())).otherwise(lower),
    })
}
