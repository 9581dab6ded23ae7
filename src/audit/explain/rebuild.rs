//! Builds the customer's profile again from its rows, with its workings, by the same code as the run: routed into one
//! shard, planned, collected. Owns the proof that it is the published profile.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;

use super::identity::Members;
use super::rows_of::CustomerRows;
use super::{FinishedRun, wrong};
use crate::engine::{Given, Picked, attempt, picked, rows};
use crate::error::{Error, Result};
use crate::input::{LinkedRow, RowSink, read_rates, read_rows};
use crate::shard::{Layout, ShardBuffers, ShardInput, ThreadRows};
use crate::spec::{Spec, points_column};
use crate::value::{Cells, Rates, Value};

/// A customer's profile with its workings.
pub(super) struct Rebuilt {
    /// One row: the output columns, the inner ones, whether each rule is true, the scores' sums.
    workings: RecordBatch,
    /// For each source, which of the customer's rows are used, and their order.
    pub picked: Vec<Picked>,
    /// For each source, the declared columns of all rows of the customer.
    pub rows: Vec<Vec<ArrayRef>>,
}

/// Builds the profile; fails if the rows give none.
pub(super) fn rebuild(
    run: &FinishedRun<'_>,
    customer: &str,
    found: &CustomerRows,
    members: Option<&Members>,
) -> Result<Rebuilt> {
    let spec = run.spec;
    let input = route(spec, customer, found, members)?;
    let as_of = run.manifest.as_of.as_deref().and_then(|day| day.parse::<NaiveDate>().ok());
    let given = Given { as_of: as_of.map(|day| day.to_epoch_days()), rates: rates(run)? };
    let workings = attempt::build(&spec.workings(), &input, &given)?.profiles;
    if workings.num_rows() != 1 {
        return Err(wrong("the inputs have no row that gives this customer a profile"));
    }
    let rows = spec.sources.iter().zip(&input.sources).map(|(source, input)| rows(source, input));
    Ok(Rebuilt { workings, picked: picked(spec, &input)?, rows: rows.collect::<Result<_>>()? })
}

/// The rates of the run; fails if they have changed since.
fn rates(run: &FinishedRun<'_>) -> Result<Option<Arc<Rates>>> {
    let Some(file) = read_rates(run.spec, run.inputs)? else { return Ok(None) };
    match run.manifest.spec_files.iter().any(|known| known.file == file.name && known.sha256 == file.sha256) {
        true => Ok(Some(file.rates)),
        false => Err(wrong(format!("`{}` has changed since the run read it", file.name))),
    }
}

/// The rows as they would wait for their shard if there were no others.
fn route(spec: &Spec, customer: &str, found: &CustomerRows, members: Option<&Members>) -> Result<ShardInput> {
    let hidden = spec.identity.iter().map(|identity| Layout::of_identities(identity.kinds.len()));
    let layouts = spec.sources.iter().map(|source| Layout::of(source)).chain(hidden).collect();
    let mut buffers = ShardBuffers::new(layouts, vec![true], 1, None);
    for (at, (source, found)) in spec.sources.iter().zip(&found.sources).enumerate() {
        for thread in buffers.threads() {
            thread.begin_source(at);
            for (number, row) in found.rows.iter().enumerate() {
                read_rows(&row.raw, source, &found.files[row.file], &mut OfOne { rows: thread, customer });
                thread.end_block(row.file, number as u64)?;
            }
        }
    }
    if let (Some(identity), Some(members)) = (&spec.identity, members) {
        for thread in buffers.threads() {
            let ids = members.ids_by_kind(identity.kinds.len());
            thread.begin_source(spec.sources.len());
            thread.begin(customer);
            thread.put(0, Value::Text(customer));
            for (at, ids) in ids.iter().enumerate() {
                thread.put(1 + at, ids.as_deref().map_or(Value::Null, Value::Text));
            }
            thread.put(1 + ids.len(), Value::Null);
            thread.end();
            thread.end_block(0, 0)?;
        }
    }
    buffers.into_shards().load(0)
}

/// Takes rows of one customer, whatever they say of who they are of.
struct OfOne<'a> {
    rows: &'a mut ThreadRows,
    customer: &'a str,
}

impl RowSink for OfOne<'_> {
    fn begin(&mut self, id: &str) -> bool {
        self.rows.begin(id)
    }

    fn begin_linked(&mut self, _: &LinkedRow<'_>) -> bool {
        self.rows.begin(self.customer)
    }

    fn put(&mut self, column: usize, value: Value<'_>) {
        self.rows.put(column, value);
    }

    fn end(&mut self) {
        self.rows.end();
    }
}

impl Rebuilt {
    /// Fails unless every cell is the published one.
    pub fn prove(&self, spec: &Spec, profile: &RecordBatch) -> Result<()> {
        for column in &spec.output {
            let published = profile.column_by_name(&column.name).map(|array| text(array, 0)).transpose()?;
            if published != Some(text(self.column(&column.name)?, 0)?) {
                let name = &column.name;
                return Err(wrong(format!(
                    "the inputs and the spec give another value for column `{name}` than the profile has"
                )));
            }
        }
        Ok(())
    }

    /// A column of the workings.
    pub fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.workings.column_by_name(name).ok_or_else(|| Error::Bug(format!("the workings lack `{name}`")))
    }

    /// Whether a rule's condition is true; none if it is null.
    pub fn rule(&self, score: usize, rule: usize) -> Result<Option<bool>> {
        let truths = self.column(&points_column(score, rule))?.as_boolean();
        Ok(truths.iter().next().flatten())
    }

    /// The sum of a score's points, before the clamp.
    pub fn sum(&self, name: &str) -> Result<i64> {
        let sums = self.column(name)?.as_primitive::<Int64Type>();
        sums.iter().next().flatten().ok_or_else(|| Error::Bug(format!("`{name}` is null")))
    }
}

/// A cell's text as in the CSV; none for null.
pub(super) fn text(array: &ArrayRef, row: usize) -> Result<Option<String>> {
    let cells = Cells::new(array)?;
    if cells.is_null(row) {
        return Ok(None);
    }
    let mut text = Vec::new();
    cells.write(row, &mut text);
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}
