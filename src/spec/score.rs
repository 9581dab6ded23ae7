//! Scorecards: points with a reason, a clamp, bands. The column and the reasons that `explain` shows come from the same
//! scorecard; computes no score.

use super::sql::Typed;
use crate::value::Type;

/// A checked scorecard.
#[derive(Debug, Clone)]
pub struct Score {
    /// Its column's name.
    pub name: String,
    /// Points of every customer before any rule.
    pub base: i64,
    /// Lowest and highest total.
    pub clamp: Option<(i64, i64)>,
    /// Columns; when all of them are null the score is null.
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
    /// Lowest total of the band; none for the last.
    pub at_least: Option<i64>,
    /// The score's value in this band.
    pub label: String,
}

impl Score {
    /// `int`, or `text` when it has bands.
    pub fn ty(&self) -> Type {
        if self.bands.is_empty() { Type::Int } else { Type::Text }
    }

    /// The column of the sum of all points, before the clamp. Specs cannot use names that begin with `__`.
    pub fn total_name(&self) -> String {
        format!("__total_{}", self.name)
    }
}
