//! The customer's profile built again from its rows, with its workings, by the rooms that built it in the run: routed
//! into one shard, planned, collected. Owns the proof that it is the published profile.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;

use super::found::Found;
use super::{Run, wrong};
use crate::build::{picked, rows};
use crate::error::{Error, Result};
use crate::read::layout;
use crate::render::Cells;
use crate::route::{ShardBuffers, ShardInput};
use crate::shard;
use crate::source::read_rows;
use crate::spec::{Spec, rule_column};

/// A customer's profile with its workings.
pub(super) struct Rebuilt {
    /// One row: the output columns, the inner ones, the rules' truths, the scores' sums.
    workings: RecordBatch,
    /// Per source, the place among the customer's rows of the one that the profile holds.
    pub picked: Vec<Option<usize>>,
    /// Per source, a column for each declared one, with all rows of the customer.
    pub rows: Vec<Vec<ArrayRef>>,
}

/// Builds the profile; fails when the rows give none.
pub(super) fn rebuild(run: &Run<'_>, found: &Found) -> Result<Rebuilt> {
    let spec = run.spec;
    let input = route(spec, found)?;
    let as_of = run.manifest.as_of.as_deref().and_then(|day| day.parse::<NaiveDate>().ok());
    let workings = shard::build(&spec.workings(), &input, as_of.map(|day| day.to_epoch_days()))?.profiles;
    if workings.num_rows() != 1 {
        return Err(wrong("the inputs hold no row of the customer that makes a profile"));
    }
    let picked = picked(spec, &input)?.into_iter();
    let picked = picked.map(|rows| rows.first().copied().flatten().map(|row| row as usize)).collect();
    let rows = spec.sources.iter().zip(&input.sources).map(|(source, input)| rows(source, input));
    Ok(Rebuilt { workings, picked, rows: rows.collect::<Result<_>>()? })
}

/// The rows as they would wait for their shard, were they all there is.
fn route(spec: &Spec, found: &Found) -> Result<ShardInput> {
    let mut buffers = ShardBuffers::new(spec.sources.iter().map(layout).collect(), vec![true], 1, None);
    for (at, (source, found)) in spec.sources.iter().zip(&found.sources).enumerate() {
        for thread in buffers.threads() {
            thread.begin_source(at);
            for (number, row) in found.rows.iter().enumerate() {
                read_rows(&row.raw, source, &found.files[row.file].header, thread);
                thread.end_block(row.file, number as u64)?;
            }
        }
    }
    buffers.into_shards().load(0)
}

impl Rebuilt {
    /// Proves that every cell is the published one.
    pub fn prove(&self, spec: &Spec, profile: &RecordBatch) -> Result<()> {
        for column in &spec.output {
            let published = profile.column_by_name(&column.name).map(|array| text(array, 0)).transpose()?;
            if published != Some(text(self.column(&column.name)?, 0)?) {
                let name = &column.name;
                return Err(wrong(format!("column `{name}` of the profile is not what the inputs and the spec give")));
            }
        }
        Ok(())
    }

    /// A column of the workings.
    pub fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.workings.column_by_name(name).ok_or_else(|| Error::Bug(format!("the workings lack `{name}`")))
    }

    /// Whether a rule's condition holds; none when it is null.
    pub fn rule(&self, score: usize, rule: usize) -> Result<Option<bool>> {
        let truths = self.column(&rule_column(score, rule))?.as_boolean();
        Ok(truths.iter().next().flatten())
    }

    /// A sum of points, before the clamp.
    pub fn sum(&self, name: &str) -> Result<i64> {
        let sums = self.column(name)?.as_primitive::<Int64Type>();
        sums.iter().next().flatten().ok_or_else(|| Error::Bug(format!("`{name}` is null")))
    }
}

/// A cell's text as the CSV has it; none for null.
pub(super) fn text(array: &ArrayRef, row: usize) -> Result<Option<String>> {
    let cells = Cells::new(array)?;
    if cells.is_null(row) {
        return Ok(None);
    }
    let mut text = Vec::new();
    cells.write(row, &mut text);
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}
