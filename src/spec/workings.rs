//! A profile's workings: the spec again with all that is computed on the way in its output. Owns their names; evaluates
//! nothing, so that what explains a profile is computed by what made it.

use super::{Named, OutputColumn, Points, RowRule, SOURCES, Spec};
use crate::cell::Type;

impl Spec {
    /// The same profile whose output goes on with the inner columns, the sources, each rule's truth and each score's sum. The output
    /// columns themselves, idempotency key included, are as they were.
    pub fn workings(&self) -> Self {
        let mut spec = self.clone();
        spec.checks.clear();
        let rule = |name, value| Named { name, value };
        let rules = self.scores.iter().enumerate().flat_map(|(score, s)| {
            let when = move |(at, p): (usize, &Points)| rule(rule_column(score, at), p.when.clone());
            s.points.iter().enumerate().map(when)
        });
        let rules: Vec<Named> = rules.collect();
        let truths = rules.iter().map(|r| (r.name.clone(), Type::Bool));
        let sums = self.scores.iter().map(|s| (s.total_name(), Type::Int));
        let known = self.output_type(SOURCES).is_none().then(|| (SOURCES.to_owned(), Type::Text));
        let more: Vec<_> = self.inner_columns().into_iter().chain(known).chain(truths).chain(sums).collect();
        spec.output.extend(more.into_iter().map(|(name, ty)| OutputColumn { name, ty, merged: false }));
        spec.computed.extend(rules);
        spec
    }

    /// The columns that the output does not list, built-ins aside: name and type, in declared order.
    pub fn inner_columns(&self) -> Vec<(String, Type)> {
        let mut all = Vec::new();
        for source in &self.sources {
            match &source.rows {
                RowRule::Latest(kept) => {
                    all.extend(kept.iter().map(|(i, name)| (name.clone(), source.columns[*i].cell.ty)));
                }
                RowRule::Aggregate(fields) => all.extend(fields.iter().map(|f| (f.name.clone(), f.value.ty))),
            }
        }
        all.extend(self.computed.iter().map(|c| (c.name.clone(), c.value.ty)));
        all.extend(self.scores.iter().map(|s| (s.name.clone(), s.ty())));
        all.retain(|(name, _)| self.output_type(name).is_none());
        all
    }
}

/// The column with the truth of a score's rule, by their places. Specs cannot use names that begin so.
pub fn rule_column(score: usize, rule: usize) -> String {
    format!("__rule_{score}_{rule}")
}
