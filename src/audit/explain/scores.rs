//! The reasons of a score: which rules are true, according to the run's own expressions. Owns the proof that the points
//! add up to the score; evaluates no rule.

use serde_json::Value;

use super::compose::{Composing, json};
use super::explanation::{PointsRule, Reasons};
use crate::error::{Error, Result};
use crate::spec::Score;

/// Why a score, given by its index in the spec, has its value.
pub(super) fn reasons(composing: &Composing<'_>, at: usize, score: &Score) -> Result<Reasons> {
    let Score { name, base, clamp, needs_any, points: rules, bands } = score;
    let rule = |(rule, points): (usize, &crate::spec::Points)| {
        let holds = composing.rebuilt.rule(at, rule)?;
        Ok(PointsRule { when: points.when.sql.clone(), add: points.add, because: points.because.clone(), holds })
    };
    let rules = rules.iter().enumerate().map(rule).collect::<Result<Vec<_>>>()?;
    let signals = needs_any.iter().map(|s| composing.used(s)).collect::<Result<Vec<_>>>()?;
    let unknown = signals.iter().filter(|s| s.value.is_null()).map(|s| s.column.clone()).collect();
    let sum = composing.rebuilt.sum(&score.total_name())?;
    let points = clamp.map_or(sum, |(low, high)| sum.clamp(low, high));
    let band = bands.iter().find(|band| band.at_least.is_none_or(|bound| points >= bound));
    let reasons = Reasons {
        score: name.clone(),
        value: json(composing.rebuilt.column(name)?, 0)?,
        in_output: composing.run.spec.output_type(name).is_some(),
        base: *base,
        rules,
        sum,
        clamp: *clamp,
        points,
        band: band.map(|b| b.label.clone()),
        band_at_least: band.and_then(|b| b.at_least),
        signals,
        unknown,
    };
    if reasons.add_up() { Ok(reasons) } else { Err(Error::Bug(format!("the reasons of `{name}` do not add up"))) }
}

impl Reasons {
    /// The points of the rules that are true.
    pub fn earned(&self) -> i64 {
        self.rules.iter().filter(|r| r.holds == Some(true)).map(|r| r.add).sum()
    }

    /// Whether the reasons give the score.
    fn add_up(&self) -> bool {
        let known = self.unknown.len() < self.signals.len();
        let value = match &self.band {
            _ if !known => Value::Null,
            Some(label) => label.as_str().into(),
            None => self.points.into(),
        };
        self.base + self.earned() == self.sum && value == self.value
    }
}
