//! Scorecards: points with a reason, a clamp, bands. One scorecard gives the column and, in `explain`, the reasons.

use polars::prelude::{Expr, LiteralValue, Null, col, lit, when};

use super::sql::Typed;
use crate::cell::Type;

/// A checked scorecard.
#[derive(Debug, Clone)]
pub struct Score {
    /// Column name.
    pub name: String,
    /// Points everyone starts with.
    pub base: i64,
    /// Lowest and highest total.
    pub clamp: Option<(i64, i64)>,
    /// Signals; when all are null the score is null.
    pub needs_any: Vec<String>,
    /// Rules; a rule whose condition is null adds nothing.
    pub points: Vec<Points>,
    /// Bands from high to low; the last has no lower bound. With bands the score is a text.
    pub bands: Vec<Band>,
}

/// One rule of a scorecard.
#[derive(Debug, Clone)]
pub struct Points {
    /// The rule's condition, a bool.
    pub when: Typed,
    /// Points it adds.
    pub add: i64,
    /// Why, in words.
    pub because: String,
}

/// One band of a scorecard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Lowest total that falls into the band; none for the last.
    pub at_least: Option<i64>,
    /// The score's text.
    pub label: String,
}

impl Score {
    /// `int`, or `text` when it has bands.
    pub fn ty(&self) -> Type {
        if self.bands.is_empty() { Type::Int } else { Type::Text }
    }

    /// The score's column, from the column that [`Self::total`] makes.
    pub fn expr(&self) -> Expr {
        let value = if self.bands.is_empty() { self.clamped() } else { self.band() };
        let known = self.needs_any.iter().map(|signal| col(signal.as_str()).is_not_null()).reduce(Expr::or);
        let value = match known {
            Some(known) => when(known).then(value).otherwise(lit(LiteralValue::untyped_null())),
            None => value,
        };
        value.alias(self.name.as_str())
    }

    /// Points in all, before the clamp: a column of its own, as bands and clamps ask for it many times.
    pub fn total(&self) -> Expr {
        // A null condition takes the `otherwise` branch: unknown adds nothing.
        let rules = self.points.iter().map(|p| when(p.when.expr.clone()).then(lit(p.add)).otherwise(lit(0i64)));
        rules.fold(lit(self.base), |sum, points| sum + points).alias(self.total_name())
    }

    /// The column of [`Self::total`]. Specs cannot use names that begin so.
    pub fn total_name(&self) -> String {
        format!("__total_{}", self.name)
    }

    fn clamped(&self) -> Expr {
        let total = col(self.total_name());
        match self.clamp {
            None => total,
            Some((low, high)) => {
                let below = when(total.clone().lt(lit(low))).then(lit(low));
                below.when(total.clone().gt(lit(high))).then(lit(high)).otherwise(total)
            }
        }
    }

    fn band(&self) -> Expr {
        let total = self.clamped();
        self.bands.iter().rev().fold(lit(Null {}), |lower, band| match band.at_least {
            None => lit(band.label.as_str()),
            Some(bound) => when(total.clone().gt_eq(lit(bound))).then(lit(band.label.as_str())).otherwise(lower),
        })
    }
}
