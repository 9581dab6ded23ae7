//! One attempt at one shard: rows → plan → collect → profiles as arrow, keys included. The one room that collects.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use polars::prelude::PolarsError;

use crate::build::{self, Tally, idempotency_keys};
use crate::error::{Error, Result};
use crate::interop::{arrow_type, to_arrow};
use crate::route::ShardInput;
use crate::spec::{IDEMPOTENCY_KEY, OUT_OF_RANGE, Spec};

/// A built shard.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its profiles, sorted by id; all output columns in order.
    pub profiles: RecordBatch,
    /// Per source, the account of its rows.
    pub tallies: Vec<Tally>,
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
    let input = input.contiguous()?;
    let plan = build::plan(spec, &input, as_of)?;
    let frame = plan.frame.collect().map_err(|e| Error::Build(without_values(&e)))?;
    let columns: Vec<_> = spec.output.iter().filter(|c| c.name != IDEMPOTENCY_KEY).collect();
    let mut arrays: Vec<ArrayRef> =
        frame.columns().iter().zip(&columns).map(|(column, c)| to_arrow(column, c.ty)).collect::<Result<_>>()?;
    let schema = schema(spec);
    let options = RecordBatchOptions::new().with_row_count(Some(frame.height()));
    if let Some(at) = spec.output.iter().position(|c| c.name == IDEMPOTENCY_KEY) {
        let fields: Vec<Field> =
            schema.fields().iter().enumerate().filter(|(i, _)| *i != at).map(|(_, f)| (**f).clone()).collect();
        let merged =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays.clone(), &options).map_err(bug)?;
        arrays.insert(at, idempotency_keys(&merged, &columns)?);
    }
    let profiles = RecordBatch::try_new_with_options(schema, arrays, &options).map_err(bug)?;
    Ok(Part { profiles, tallies: plan.tallies })
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
