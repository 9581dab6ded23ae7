//! The hot path: spec + one shard's rows → one Polars `LazyFrame` of what is computed, beside the columns that are only
//! picked. Pure: no collect, no I/O, no clock, no log.

mod aggregate;
mod columns;
mod distinct;
mod index;
mod key;
mod latest;
mod reduce;

use std::collections::{BTreeSet, HashMap};

use arrow::array::ArrayRef;
use polars::prelude::{
    AnyValue, Column as PolarsColumn, DataFrame, Expr, HConcatOptions, IntoLazy, LazyFrame, LiteralValue, PolarsError,
    Scalar, col, concat_lf_horizontal, lit,
};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::interop::{polars_type, to_polars};
use crate::route::ShardInput;
use crate::spec::{AS_OF, IDEMPOTENCY_KEY, Named, RowRule, SOURCES, Score, Spec};

use columns::{Texts, Unfit};

pub use index::{EXCLUDED, Index};
pub use key::idempotency_keys;

/// How one source's rows of one shard were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows that the profiles hold or that an aggregate counted.
    pub used: u64,
    /// Rows that a later row of the same customer beat.
    pub superseded: u64,
    /// Rows of customers outside the population.
    pub excluded: u64,
    /// Customers with a profile that this source knows.
    pub customers: u64,
}

/// A shard's plan, with the account of its rows.
pub struct Plan {
    /// Number of profiles.
    pub customers: usize,
    /// The columns that are ready, in the output or not: ids, picked values, sources.
    pub ready: HashMap<String, ArrayRef>,
    /// The other output columns but the idempotency key, in their order.
    pub frame: LazyFrame,
    /// Per source, in declared order.
    pub tallies: Vec<Tally>,
}

/// Plans one shard. `as_of` is in days since 1970-01-01; without one, `as_of` is null.
///
/// A column that no expression names never enters Polars: its values go from the routed rows into the profile.
///
/// # Errors
/// [`Error::Build`] for more text than a column can hold; [`Error::Bug`] when rows do not have the declared types.
pub fn plan(spec: &Spec, input: &ShardInput, as_of: Option<i32>) -> Result<Plan> {
    let index = Index::new(spec, input)?;
    let customers = index.ids.len();
    let mut ready = HashMap::from([(spec.key.clone(), ids(index.ids.iter().copied())?)]);
    let (mut frames, mut tallies, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for ((source, rows), input) in spec.sources.iter().zip(&index.sources).zip(&input.sources) {
        let (picked, tally) = latest::pick(source, rows, customers);
        match &source.rows {
            RowRule::Latest(kept) => {
                let kept = columns::gather(source, kept, input.layout(), &rows.cells, &picked)?;
                ready.extend(kept);
            }
            RowRule::Aggregate(fields) => {
                frames.push(aggregate::plan(source, fields, rows, input.layout(), &index.ids, as_of)?);
            }
        }
        known.push((source.name.as_str(), picked));
        tallies.push(tally);
    }
    ready.insert(SOURCES.to_owned(), sources(&known, customers)?);
    let distinct = distinct::plan(spec, &ready)?;
    let others: Vec<&Named> = spec.computed.iter().filter(|c| !distinct.contains_key(c.name.as_str())).collect();
    frames.insert(0, named(spec, &others, &ready, customers)?.lazy());
    frames.extend(distinct.into_values());
    let options = HConcatOptions { parallel: false, ..HConcatOptions::default() };
    let merged = concat_lf_horizontal(frames, options).map_err(|e| bug(&e))?;
    let frame = finish(spec, &others, merged, &ready, as_of);
    Ok(Plan { customers, ready, frame, tallies })
}

/// The ready columns that an expression names, for Polars.
fn named(spec: &Spec, computed: &[&Named], ready: &HashMap<String, ArrayRef>, customers: usize) -> Result<DataFrame> {
    let computed = computed.iter().flat_map(|c| &c.value.columns);
    let rules = spec.scores.iter().flat_map(|s| s.points.iter().flat_map(|p| &p.when.columns).chain(&s.needs_any));
    let names: BTreeSet<&String> = computed.chain(rules).collect();
    let columns = names.into_iter().filter_map(|name| ready.get(name).map(|array| to_polars(name, array)));
    let columns: Vec<PolarsColumn> = columns.map(|c| c.map(Into::into)).collect::<Result<_>>()?;
    frame(customers, columns)
}

/// The merged columns, then computed ones, then scores, then what the output lists and is not ready.
fn finish(
    spec: &Spec,
    computed: &[&Named],
    merged: LazyFrame,
    ready: &HashMap<String, ArrayRef>,
    as_of: Option<i32>,
) -> LazyFrame {
    let mut frame = merged;
    if spec.uses_as_of {
        frame = frame.with_column(as_of_column(as_of));
    }
    for computed in computed {
        frame = frame.with_column(computed.value.expr.clone().alias(computed.name.as_str()));
    }
    let totals: Vec<Expr> = spec.scores.iter().map(Score::total).collect();
    let scores: Vec<Expr> = spec.scores.iter().map(Score::expr).collect();
    let output = spec.output.iter().filter(|c| c.name != IDEMPOTENCY_KEY && !ready.contains_key(&c.name));
    // The cast is a no-op but for a column of nulls, which has no type of its own.
    let output: Vec<Expr> = output.map(|c| col(c.name.as_str()).cast(polars_type(c.ty))).collect();
    frame.with_columns(totals).with_columns(scores).select(output)
}

/// The names of the sources that know each customer, joined by `+`.
fn sources(known: &[(&str, Vec<Option<u32>>)], customers: usize) -> Result<ArrayRef> {
    let mut texts = Texts::new(customers);
    let mut text = Vec::new();
    for customer in 0..customers {
        text.clear();
        for (name, _) in known.iter().filter(|(_, picked)| picked[customer].is_some()) {
            if !text.is_empty() {
                text.push(b'+');
            }
            text.extend_from_slice(name.as_bytes());
        }
        texts.push(Some(&text));
    }
    texts.finish().map_err(|e| e.of("column `sources`"))
}

/// Ids as a column. Their idempotency keys, 17 bytes longer, must be one too.
fn ids<'a>(ids: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Result<ArrayRef> {
    let keys: usize = ids.clone().map(|id| id.len() + 17).sum();
    i32::try_from(keys).map_err(|_| Unfit::Long.of("the id"))?;
    let mut texts = Texts::new(ids.len());
    ids.for_each(|id| texts.push(Some(id)));
    texts.finish().map_err(|e| e.of("the id"))
}

fn frame(height: usize, columns: Vec<PolarsColumn>) -> Result<DataFrame> {
    DataFrame::new(height, columns).map_err(|e| bug(&e))
}

fn as_of_column(as_of: Option<i32>) -> Expr {
    let value = as_of.map_or(AnyValue::Null, AnyValue::Date);
    lit(LiteralValue::Scalar(Scalar::new(polars::prelude::DataType::Date, value))).alias(AS_OF)
}

/// A failure that no data can cause. Polars' own text is kept out: it may quote values.
fn bug(error: &PolarsError) -> Error {
    let kind = format!("{error:?}");
    Error::Bug(format!("the plan of a shard is wrong ({})", kind.split(['(', '{']).next().unwrap_or_default().trim()))
}
