//! The hot path: spec + one shard's rows → one Polars `LazyFrame` of its profiles, sorted by id.
//! Pure: no collect, no I/O, no clock, no log.

mod aggregate;
mod index;
mod key;
mod latest;

use arrow::array::RecordBatch;
use polars::prelude::{
    AnyValue, Column as PolarsColumn, DataFrame, Expr, HConcatOptions, IdxCa, IntoLazy, IntoSeries, LazyFrame,
    LiteralValue, NULL, NamedFrom, NewChunkedArray, PolarsError, Scalar, Series, StringChunked, col,
    concat_lf_horizontal, concat_str, lit, when,
};

use crate::error::{Error, Result};
use crate::interop::{polars_type, to_polars};
use crate::route::ShardInput;
use crate::spec::{AS_OF, IDEMPOTENCY_KEY, RowRule, SOURCES, Score, Source, Spec};

pub use index::{EXCLUDED, Index};
pub use key::idempotency_keys;

/// How one source's rows of one shard were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// The profiles, sorted by id; every output column but the idempotency key.
    pub frame: LazyFrame,
    /// Per source, in declared order.
    pub tallies: Vec<Tally>,
}

/// Plans one shard. `as_of` is in days since 1970-01-01; without one, `as_of` is null.
///
/// # Errors
/// [`Error::Bug`] when the rows do not have the types that the spec declares.
pub fn plan(spec: &Spec, input: &ShardInput, as_of: Option<i32>) -> Result<Plan> {
    let index = Index::new(spec, input);
    let ids = Series::from(StringChunked::from_iter_values(spec.key.as_str().into(), index.ids.iter().copied()));
    let mut frames = vec![frame(index.ids.len(), vec![ids.into()])?.lazy()];
    let mut tallies = Vec::new();
    let mut known = Vec::new();
    for (i, source) in spec.sources.iter().enumerate() {
        let (codes, rows) = (&index.codes[i], &input.sources[i]);
        let (picked, tally) = latest::pick(source, codes, rows, index.ids.len());
        let name = presence(&source.name);
        let present = picked.iter().map(Option::is_some);
        known.push(Series::new(name.as_str().into(), present.collect::<Vec<bool>>()).into());
        frames.push(match &source.rows {
            RowRule::Latest(kept) => gather(source, kept, rows, picked)?,
            RowRule::Aggregate(fields) => aggregate::plan(source, fields, codes, rows, index.ids.len(), as_of)?,
        });
        tallies.push(tally);
    }
    frames.push(frame(index.ids.len(), known)?.lazy());
    let merged = concat_lf_horizontal(frames, HConcatOptions { parallel: false, ..HConcatOptions::default() })
        .map_err(|e| bug(&e))?;
    Ok(Plan { frame: finish(spec, merged, as_of), tallies })
}

/// The merged columns, then computed ones, then scores, then what the output lists.
fn finish(spec: &Spec, merged: LazyFrame, as_of: Option<i32>) -> LazyFrame {
    let sources: Vec<Expr> = spec
        .sources
        .iter()
        .map(|s| when(col(presence(&s.name))).then(lit(s.name.as_str())).otherwise(lit(NULL)))
        .collect();
    let mut frame = merged.with_column(concat_str(sources, "+", true).alias(SOURCES));
    if spec.uses_as_of {
        frame = frame.with_column(as_of_column(as_of));
    }
    for computed in &spec.computed {
        frame = frame.with_column(computed.value.expr.clone().alias(computed.name.as_str()));
    }
    let scores: Vec<Expr> = spec.scores.iter().map(Score::expr).collect();
    let output = spec.output.iter().filter(|c| c.name != IDEMPOTENCY_KEY);
    // The cast is a no-op but for a column of nulls, which has no type of its own.
    let output: Vec<Expr> = output.map(|c| col(c.name.as_str()).cast(polars_type(c.ty))).collect();
    frame.with_columns(scores).select(output)
}

/// The picked row of each customer, nulls where the source does not know them.
fn gather(
    source: &Source,
    kept: &[(usize, String)],
    rows: &[RecordBatch],
    picked: Vec<Option<u32>>,
) -> Result<LazyFrame> {
    let columns = kept.iter().map(|(i, _)| source.columns[*i].name.as_str());
    let columns: Vec<PolarsColumn> =
        kept.iter().zip(columns).map(|((i, new), _)| column(new, rows, *i + 1)).collect::<Result<_>>()?;
    let height = rows.iter().map(RecordBatch::num_rows).sum();
    let picked = lit(IdxCa::from_iter_options("".into(), picked.into_iter()).into_series());
    let columns_of = |name: &String| col(name.as_str()).gather(picked.clone(), false);
    let exprs: Vec<Expr> = kept.iter().map(|(_, name)| columns_of(name)).collect();
    Ok(frame(height, columns)?.lazy().select(exprs))
}

/// A column of a shard's rows, as Polars sees it.
fn column(name: &str, rows: &[RecordBatch], index: usize) -> Result<PolarsColumn> {
    let mut parts = rows.iter().map(|batch| to_polars(name, batch.column(index)));
    let mut whole = parts.next().ok_or_else(|| Error::Bug("a shard has no batch".into()))??;
    for part in parts {
        whole.append_owned(part?).map_err(|e| bug(&e))?;
    }
    Ok(whole.rechunk().into())
}

fn frame(height: usize, columns: Vec<PolarsColumn>) -> Result<DataFrame> {
    DataFrame::new(height, columns).map_err(|e| bug(&e))
}

fn as_of_column(as_of: Option<i32>) -> Expr {
    let value = as_of.map_or(AnyValue::Null, AnyValue::Date);
    lit(LiteralValue::Scalar(Scalar::new(polars::prelude::DataType::Date, value))).alias(AS_OF)
}

/// Name of the column that says whether a source knows the customer; specs cannot use names that begin so.
fn presence(source: &str) -> String {
    format!("__in_{source}")
}

/// A failure that no data can cause. Polars' own text is kept out: it may quote values.
fn bug(error: &PolarsError) -> Error {
    let kind = format!("{error:?}");
    Error::Bug(format!("the plan of a shard is wrong ({})", kind.split(['(', '{']).next().unwrap_or_default().trim()))
}
