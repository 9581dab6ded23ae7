//! Spec + one shard's rows → one Polars `LazyFrame` for what is computed, beside the columns that are only picked. The
//! busiest code of a run; it collects nothing, does no I/O, uses no clock and writes no log.

use std::collections::{BTreeSet, HashMap};

use arrow::array::ArrayRef;
use indexmap::IndexMap;
use polars::prelude::{
    AllowedOptimizations, AnyValue, Column as PolarsColumn, DataFrame, Expr, HConcatOptions, IntoLazy, LazyFrame,
    LiteralValue, PolarsError, Scalar, col, concat_lf_horizontal, lit,
};
use serde::{Deserialize, Serialize};

use super::aggregate::{lost_column, with_casts};
use super::columns::{self, Texts, Unfit};
use super::compile::{lost, row};
use super::fault::kind;
use super::index::{Index, REPLACED, Rows};
use super::survive::{self, Origins};
use super::{Given, aggregate, distinct, fill, identities, latest, score};
use crate::engine::bridge::{polars_type, to_polars};
use crate::error::{Error, Result};
use crate::shard::{ShardInput, SourceRows, damaged};
use crate::spec::{AS_OF, IDEMPOTENCY_KEY, Named, RowRule, SOURCES, Source, Spec};

/// How the rows of one source in one shard were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTally {
    /// Rows that are in the profiles or that an aggregate used.
    pub used: u64,
    /// Rows that were replaced by a later row of the same customer.
    pub superseded: u64,
    /// Rows of customers that get no profile.
    pub excluded: u64,
    /// Customers with a profile and at least one row in this source.
    pub customers: u64,
}

/// A shard's plan, and how its rows are used.
pub struct Plan {
    /// Number of profiles.
    pub customers: usize,
    /// The columns that need no computation, in the output or not: ids, picked values, sources.
    pub ready: HashMap<String, ArrayRef>,
    /// The other output columns in their order, without the idempotency key, then the conditions of the checks.
    pub frame: LazyFrame,
    /// How the rows of each source are used, in declared order.
    pub sources: IndexMap<String, SourceTally>,
    /// How many ids two sources share, for all pairs; beside itself, how many a source has.
    pub meets: Vec<Vec<u64>>,
}

/// Plans one shard. Without an as-of date, `as_of` is null.
///
/// A column that no expression uses is never passed to Polars: its values go from the routed rows into the profile.
/// Fails with [`Error::Build`] for more text than a column can hold.
pub fn plan(spec: &Spec, input: &ShardInput, given: &Given) -> Result<Plan> {
    let index = Index::new(spec, input)?;
    let customers = index.ids.len();
    let mut ready = HashMap::from([(spec.key.clone(), ids(index.ids.iter().copied())?)]);
    let (mut frames, mut tallies, mut known) = (Vec::new(), IndexMap::new(), Vec::new());
    let mut origins = Origins::new(spec);
    for (at, ((source, rows), input)) in spec.sources.iter().zip(&index.sources).zip(&input.sources).enumerate() {
        let (picked, tally) = latest::pick(source, rows, customers);
        match &source.rows {
            RowRule::Latest(kept) => {
                if source.fill {
                    for (name, array, gave) in fill::gather(source, kept, input.layout(), rows, customers)? {
                        origins.add(&name, at, gave);
                        ready.insert(name, array);
                    }
                } else {
                    kept.iter().for_each(|(_, name)| origins.add(name, at, picked.clone()));
                    ready.extend(columns::gather(source, kept, input.layout(), &rows.cells, &picked)?);
                }
            }
            RowRule::Aggregate(fields) => {
                frames.push(aggregate::plan(source, fields, rows, input.layout(), &index.ids, given)?);
            }
        }
        known.push((source.name.as_str(), picked));
        tallies.insert(source.name.clone(), tally);
    }
    ready.insert(SOURCES.to_owned(), sources(&known, customers)?);
    ready.extend(survive::fields(spec, &index, input, &ready, &origins, customers)?);
    if let (Some(identity), hidden) = (&spec.identity, &index.hidden) {
        ready.extend(identities::gather(identity, hidden.as_ref(), customers)?);
    }
    let distinct = distinct::plan(spec, &ready)?;
    let others: Vec<&Named> = spec.computed.iter().filter(|c| !distinct.contains_key(c.name.as_str())).collect();
    frames.insert(0, named(spec, &others, &ready, customers)?.lazy());
    frames.extend(distinct.into_values());
    let options = HConcatOptions { parallel: false, ..HConcatOptions::default() };
    let merged = concat_lf_horizontal(frames, options).map_err(|e| bug(&e))?;
    let frame = finish(spec, &others, merged, &ready, given.as_of);
    Ok(Plan { customers, ready, frame, sources: tallies, meets: index.meets })
}

/// The ready columns that an expression uses, for Polars.
fn named(spec: &Spec, computed: &[&Named], ready: &HashMap<String, ArrayRef>, customers: usize) -> Result<DataFrame> {
    let computed = computed.iter().flat_map(|c| &c.value.columns);
    let rules = spec.scores.iter().flat_map(|s| s.points.iter().flat_map(|p| &p.when.columns).chain(&s.needs_any));
    let conditions = spec.rules.iter().filter_map(|r| r.kind.condition()).flat_map(|c| &c.columns);
    let casts = spec.computed.iter().filter(|c| !c.value.expr.casts().is_empty()).flat_map(|c| &c.value.columns);
    let names: BTreeSet<&String> = computed.chain(rules).chain(conditions).chain(casts).collect();
    let columns = names.into_iter().filter_map(|name| ready.get(name).map(|array| to_polars(name, array)));
    let columns: Vec<PolarsColumn> = columns.map(|c| c.map(Into::into)).collect::<Result<_>>()?;
    frame(customers, columns)
}

/// Adds the computed columns, then the scores, and selects what the output has and is not ready.
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
    frame = solid(frame);
    for computed in computed {
        frame = frame.with_column(row(&computed.value.expr).alias(computed.name.as_str()));
        if computed.value.columns.is_empty() {
            frame = solid(frame);
        }
    }
    let totals: Vec<Expr> = spec.scores.iter().map(score::total).collect();
    let scores: Vec<Expr> = spec.scores.iter().map(score::score).collect();
    let output = spec.output.iter().filter(|c| c.name != IDEMPOTENCY_KEY && !ready.contains_key(&c.name));
    // The cast changes only a column of nulls, which has no type yet.
    let output = output.map(|c| col(c.name.as_str()).cast(polars_type(c.ty)));
    let conditions = spec.rules.iter().enumerate().filter_map(|(at, rule)| {
        let condition = rule.kind.condition()?;
        Some(row(&condition.expr).cast(polars_type(condition.ty())).alias(rule_column(at)))
    });
    let rows_lose = spec.casts().into_iter().enumerate();
    let rows_lose = rows_lose.filter_map(|(at, (_, casts))| Some(lost(&casts, row)?.alias(lost_by_rows(at))));
    let aggregates = aggregates(spec).flat_map(|(_, fields)| with_casts(fields));
    let aggregates_lose = aggregates.map(|field| col(lost_column(&field.name)));
    let output: Vec<Expr> = output.chain(conditions).chain(rows_lose).chain(aggregates_lose).collect();
    frame.with_columns(totals).with_columns(scores).select(output)
}

/// The aggregates of each source that has some.
fn aggregates(spec: &Spec) -> impl Iterator<Item = (&Source, &[Named])> {
    spec.sources.iter().filter_map(|source| match &source.rows {
        RowRule::Aggregate(fields) => Some((&**source, fields.as_slice())),
        RowRule::Latest(_) => None,
    })
}

/// The columns that count the texts of which expressions make null, with the expressions' names.
pub fn lost_columns(spec: &Spec) -> Vec<(String, String)> {
    let by_rows = spec.casts().into_iter().enumerate().map(|(at, (name, _))| (lost_by_rows(at), name));
    let named = |source: &Source, field: &Named| format!("sources.{}.aggregates.{}", source.name, field.name);
    let of_source =
        |(source, fields)| with_casts(fields).map(move |field| (lost_column(&field.name), named(source, field)));
    aggregates(spec).flat_map(of_source).chain(by_rows).collect()
}

/// The column that counts those of an expression with one value per row, by its index in [`Spec::casts`].
fn lost_by_rows(at: usize) -> String {
    format!("__lost_by_rows_{at}")
}

/// The column of a check's condition, by the check's index. Specs cannot use names that begin with `__`.
pub fn rule_column(at: usize) -> String {
    format!("__rule_{at}")
}

/// Which rows of a source the profiles use.
pub struct Picked {
    /// The row of each customer, as an index among the source's rows of the shard; the last one if all rows are used.
    pub rows: Vec<Option<u32>>,
    /// The rows that another one replaces by `unique_by`.
    pub replaced: Vec<usize>,
    /// What orders the rows of the source; empty if nothing does.
    pub order: Vec<Option<i64>>,
}

/// Which rows of each source the profiles use. Fails for a damaged spill file.
pub fn picked(spec: &Spec, input: &ShardInput) -> Result<Vec<Picked>> {
    let index = Index::new(spec, input)?;
    let picked = |(source, rows): (&std::sync::Arc<Source>, &Rows<'_>)| Picked {
        rows: latest::pick(source, rows, index.ids.len()).0,
        replaced: (0..rows.codes.len()).filter(|row| rows.codes[*row] == REPLACED).collect(),
        order: rows.order.clone(),
    };
    Ok(spec.sources.iter().zip(&index.sources).map(picked).collect())
}

/// The declared columns of a source for all its rows in a shard, in input order. Fails with [`Error::Build`] for more
/// text than a column can hold, and for a damaged spill file.
pub fn rows(source: &Source, rows: &SourceRows) -> Result<Vec<ArrayRef>> {
    let cells = rows.rows()?;
    let mut columns = columns::Columns::new(rows.layout(), |_| true, cells.len());
    for mut row in cells {
        row.head(rows.layout()).ok_or_else(damaged)?;
        columns.push(row)?;
    }
    let mut arrays = columns.finish(source)?;
    let array = |column| arrays.remove(&column).ok_or_else(|| Error::Bug("a declared column is lost".into()));
    (0..source.columns.len()).map(array).collect()
}

/// For each customer, the names of the sources with rows of it, joined by `+`.
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

/// Ids as a column. Their idempotency keys, which are 17 bytes longer, must fit in a column too.
pub(super) fn ids<'a>(ids: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Result<ArrayRef> {
    let keys: usize = ids.clone().map(|id| id.len() + 17).sum();
    i32::try_from(keys).map_err(|_| Unfit::Long.of("the id"))?;
    let mut texts = Texts::new(ids.len());
    ids.for_each(|id| texts.push(Some(id)));
    texts.finish().map_err(|e| e.of("the id"))
}

pub(super) fn frame(height: usize, columns: Vec<PolarsColumn>) -> Result<DataFrame> {
    DataFrame::new(height, columns).map_err(|e| bug(&e))
}

/// The same columns, each with a value for every row: of a constant and a column that Polars keeps as one value it would make
/// a single row.
pub(super) fn solid(frame: LazyFrame) -> LazyFrame {
    let solid = |frame: DataFrame| {
        let columns = frame.columns().iter().map(|column| column.as_materialized_series().clone().into());
        DataFrame::new(frame.height(), columns.collect())
    };
    frame.map(solid, AllowedOptimizations::empty(), None, Some("solid"))
}

pub(super) fn as_of_column(as_of: Option<i32>) -> Expr {
    let value = as_of.map_or(AnyValue::Null, AnyValue::Date);
    lit(LiteralValue::Scalar(Scalar::new(polars::prelude::DataType::Date, value))).alias(AS_OF)
}

/// A failure that no data can cause. Polars' own text is left out, because it may quote values.
pub(super) fn bug(error: &PolarsError) -> Error {
    Error::Bug(format!("the plan of a shard is wrong ({})", kind(error)))
}
