//! One attempt to build one shard: rows → plan → collect → profiles as arrow, with their idempotency keys. Owns running
//! the lazy plans: no other file collects them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::fault::failed;
use super::{Given, IDENTITIES, PROVENANCE, Plan, SourceTally, idempotency_keys, lost_columns, plan, rule_column};
use crate::engine::bridge::to_arrow;
use crate::error::{Error, Result};
use crate::shard::ShardInput;
use crate::spec::{IDEMPOTENCY_KEY, OutputColumn, Rule, Score, Spec};
use crate::value::{Type, arrow_type};

/// A built shard.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its profiles, sorted by id, with the columns of [`part_schema`].
    pub profiles: RecordBatch,
    pub account: ShardAccount,
}

/// What a shard adds to the counts of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardAccount {
    /// Number of profiles.
    pub customers: u64,
    /// How its rows were used, for each source.
    pub sources: IndexMap<String, SourceTally>,
    /// How many ids two sources share, for all pairs; beside itself, how many a source has.
    #[serde(default)]
    pub meets: Vec<Vec<u64>>,
    /// Its values, for each score of the spec that is in the output.
    pub scores: IndexMap<String, ScoreTally>,
    /// How many profiles satisfy its condition, for each check of the spec; 0 for a check without one.
    #[serde(default)]
    pub rules: Vec<u64>,
    /// Texts of which a `try_cast` made null, for each expression that has one.
    #[serde(default)]
    pub lost: IndexMap<String, u64>,
}

/// The values of a score in one shard, without nulls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScoreTally {
    /// Their sum and number, for a score in points.
    Points(i128, u64),
    /// How many are in each band, in declared order.
    Bands(Vec<u64>),
}

/// The arrow schema of the profiles: names and types; all columns but the id can be null.
pub fn schema(spec: &Spec) -> SchemaRef {
    let fields = spec.output.iter().map(|c| Field::new(&c.name, arrow_type(c.ty), c.name != spec.key));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The schema of a built shard: that of the profiles, and how identifiers came to their customers if they were found so.
pub fn part_schema(spec: &Spec) -> SchemaRef {
    let hidden = hidden(spec).map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
    Arc::new(Schema::new(schema(spec).fields().iter().cloned().chain(hidden).collect::<Vec<_>>()))
}

/// The columns behind those of the output, which become tables of their own.
fn hidden(spec: &Spec) -> impl Iterator<Item = &'static str> {
    let identities = spec.identity.is_some().then_some(IDENTITIES);
    identities.into_iter().chain(spec.provenance.then_some(PROVENANCE))
}

/// Builds a shard's profiles. Fails with [`Error::Build`] if an expression fails on the data, such as a sum that
/// exceeds 64 bits.
pub fn build(spec: &Spec, input: &ShardInput, given: &Given) -> Result<Part> {
    let Plan { customers, mut ready, frame, sources, meets } = plan(spec, input, given)?;
    let frame = frame.collect().map_err(|e| failed(&e))?;
    let computed = |name: &str| {
        let column = frame.column(name).map_err(|e| failed(&e))?;
        // If only constants are computed, nothing gives the frame its height.
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
    arrays.extend(hidden(spec).filter_map(|name| ready.remove(name)));
    let options = RecordBatchOptions::new().with_row_count(Some(customers));
    let profiles = RecordBatch::try_new_with_options(part_schema(spec), arrays, &options).map_err(bug)?;
    let scores = spec.scores.iter().filter_map(|s| {
        let values = profiles.column_by_name(&s.name)?;
        Some((s.name.clone(), ScoreTally::new(s, values)))
    });
    let satisfied = |(at, rule): (usize, &Rule)| match rule.kind.condition() {
        Some(condition) => {
            let column = computed(&rule_column(at))?;
            Ok(to_arrow(&column, condition.ty())?.as_boolean().true_count() as u64)
        }
        None => Ok(0),
    };
    let rules = spec.rules.iter().enumerate().map(satisfied).collect::<Result<_>>()?;
    let lost = lost_columns(spec).into_iter().map(|(column, name)| {
        let counts = to_arrow(&computed(&column)?, Type::Int)?;
        let lost: i64 = counts.as_primitive::<Int64Type>().iter().flatten().sum();
        Ok((name, lost.unsigned_abs()))
    });
    let lost = lost.collect::<Result<_>>()?;
    let (customers, scores) = (customers as u64, scores.collect());
    let account = ShardAccount { customers, sources, meets, scores, rules, lost };
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
            // A score has bands in every shard or in none.
            _ => {}
        }
    }
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::Bug(format!("built profiles: {error}"))
}
