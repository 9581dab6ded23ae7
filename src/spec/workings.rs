//! A profile's workings: the same spec, with everything that is computed on the way added to its output. Owns the names
//! of these columns; computes nothing, so that a profile and its explanation are computed by the same code.

use super::{Named, OutputColumn, Points, RowRule, SOURCES, Spec};
use crate::value::Type;

impl Spec {
    /// The same profile, with more columns after those of its output: the inner columns, the sources, whether each rule
    /// is true and each score's sum. The output columns themselves do not change, including the idempotency key.
    pub fn workings(&self) -> Self {
        let mut spec = self.clone();
        spec.rules.clear();
        let rule = |name, value| Named { name, value };
        let rules = self.scores.iter().enumerate().flat_map(|(score, s)| {
            let when = move |(at, p): (usize, &Points)| rule(points_column(score, at), p.when.clone());
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

    /// The columns that are not in the output, without built-in ones: name and type, in declared order.
    pub fn inner_columns(&self) -> Vec<(String, Type)> {
        let mut all = Vec::new();
        for source in &self.sources {
            match &source.rows {
                RowRule::Latest(kept) => {
                    all.extend(kept.iter().map(|(i, name)| (name.clone(), source.columns[*i].cell.ty)));
                }
                RowRule::Aggregate(fields) => all.extend(fields.iter().map(|f| (f.name.clone(), f.value.ty()))),
            }
        }
        all.extend(self.fields.iter().map(|field| (field.name.clone(), field.ty)));
        all.extend(self.computed.iter().map(|c| (c.name.clone(), c.value.ty())));
        all.extend(self.scores.iter().map(|s| (s.name.clone(), s.ty())));
        all.retain(|(name, _)| self.output_type(name).is_none());
        all
    }
}

/// The column that says whether a score's rule is true, by their indexes. Specs cannot use names that begin with `__`.
pub fn points_column(score: usize, points: usize) -> String {
    format!("__points_{score}_{points}")
}
