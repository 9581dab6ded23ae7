//! One attempt at one shard: rows → plan → collect → profiles as arrow, keys included. The one room that collects.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef};
use polars::prelude::PolarsError;
use serde::{Deserialize, Serialize};

use crate::build::{self, Tally, idempotency_keys};
use crate::error::{Error, Result};
use crate::interop::{arrow_type, to_arrow};
use crate::route::ShardInput;
use crate::spec::{Check, IDEMPOTENCY_KEY, OUT_OF_RANGE, OutputColumn, Score, Spec};

/// A built shard.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its profiles, sorted by id; all output columns in order.
    pub profiles: RecordBatch,
    /// What it adds to the run's account.
    pub account: Account,
}

/// What a shard adds to the run's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Number of profiles.
    pub customers: u64,
    /// Per source, the account of its rows.
    pub tallies: Vec<Tally>,
    /// Per score of the spec that the output lists, the account of its values.
    pub scores: Vec<ScoreTally>,
    /// Per check of the spec, the profiles that satisfy its condition; 0 for a check that has none.
    #[serde(default)]
    pub checks: Vec<u64>,
}

/// The values of a score in one shard, nulls left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScoreTally {
    /// Of points: their sum and number.
    Points(i128, u64),
    /// Of bands: how many are in each, in declared order.
    Bands(Vec<u64>),
}

/// The arrow schema of the profiles: names, types, all nullable but the id.
pub fn schema(spec: &Spec) -> SchemaRef {
    let fields = spec.output.iter().map(|c| Field::new(&c.name, arrow_type(c.ty), c.name != spec.key));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Builds a shard's profiles.
///
/// # Errors
/// [`Error::Build`] when an expression fails on the data, such as a sum that leaves 64 bits.
pub fn build(spec: &Spec, input: &ShardInput, as_of: Option<i32>) -> Result<Part> {
    let build::Plan { customers, mut ready, frame, tallies } = build::plan(spec, input, as_of)?;
    let frame = frame.collect().map_err(|e| Error::Build(without_values(&e)))?;
    let computed = |name: &str| {
        let column = frame.column(name).map_err(|e| Error::Build(without_values(&e)))?;
        // When nothing but constants is computed, nothing gives the frame its height.
        Ok(if column.len() == customers { column.clone() } else { column.new_from_index(0, customers) })
    };
    let columns: Vec<&OutputColumn> = spec.output.iter().filter(|c| c.name != IDEMPOTENCY_KEY).collect();
    let array = |column: &&OutputColumn| match ready.remove(&column.name) {
        Some(array) => Ok(array),
        None => to_arrow(&computed(&column.name)?, column.ty),
    };
    let mut arrays: Vec<ArrayRef> = columns.iter().map(array).collect::<Result<_>>()?;
    if let Some(at) = spec.output.iter().position(|c| c.name == IDEMPOTENCY_KEY) {
        arrays.insert(at, idempotency_keys(&arrays, &columns, customers)?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(customers));
    let profiles = RecordBatch::try_new_with_options(schema(spec), arrays, &options).map_err(bug)?;
    let scores = spec.scores.iter().filter_map(|s| Some(ScoreTally::new(s, profiles.column_by_name(&s.name)?)));
    let satisfied = |(at, check): (usize, &Check)| match check.rule.condition() {
        Some(condition) => {
            let column = computed(&build::check_column(at))?;
            Ok(to_arrow(&column, condition.ty)?.as_boolean().true_count() as u64)
        }
        None => Ok(0),
    };
    let checks = spec.checks.iter().enumerate().map(satisfied).collect::<Result<_>>()?;
    let account = Account { customers: customers as u64, tallies, scores: scores.collect(), checks };
    Ok(Part { profiles, account })
}

impl ScoreTally {
    fn new(score: &Score, values: &ArrayRef) -> Self {
        if score.bands.is_empty() {
            let values = values.as_primitive::<Int64Type>().iter().flatten();
            let (sum, count) = values.fold((0, 0), |(sum, n), v| (sum + i128::from(v), n + 1));
            return Self::Points(sum, count);
        }
        let mut counts = vec![0; score.bands.len()];
        for label in values.as_string::<i32>().iter().flatten() {
            if let Some(band) = score.bands.iter().position(|b| b.label == label) {
                counts[band] += 1;
            }
        }
        Self::Bands(counts)
    }

    /// Adds another shard's values of the same score.
    pub fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Points(sum, count), Self::Points(more, n)) => (*sum, *count) = (*sum + more, *count + n),
            (Self::Bands(counts), Self::Bands(more)) => counts.iter_mut().zip(more).for_each(|(c, n)| *c += n),
            // A score has bands in all shards or in none.
            _ => {}
        }
    }
}

/// Polars' errors can quote values; only our own texts are passed on.
fn without_values(error: &PolarsError) -> String {
    let text = error.to_string();
    if let Some((_, rest)) = text.split_once(OUT_OF_RANGE) {
        let what = rest.split('`').next().unwrap_or_default();
        return format!("{OUT_OF_RANGE}{what}`: calculate with double or decimal there");
    }
    let kind = format!("{error:?}");
    let kind = kind.split(['(', '{']).next().unwrap_or_default().trim().to_owned();
    format!("an expression of the profile failed on the data ({kind})")
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::Bug(format!("built profiles: {error}"))
}
