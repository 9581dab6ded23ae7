//! Merged profiles → `profiles.csv` and `profiles.parquet`, encoded in parallel and written in order. Changes no
//! profile.

mod csv;
mod file;
mod parquet;

use std::cmp::Reverse;
use std::path::Path;

use ::parquet::arrow::arrow_writer::ArrowColumnChunk;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use rayon::prelude::*;

use super::manifest::OutputRecord;
use super::merge::{Group, Merge};
use super::names::CSV_FILE;
use crate::engine::pool;
use crate::error::{Error, Result};
use crate::shard::parts::ROW_GROUP;
use crate::stop::Stop;

use parquet::ParquetSink;

/// Rows that one task encodes as CSV.
const CSV_RANGE: usize = 8192;

/// How the outputs are written.
#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// Whether text cells that a spreadsheet would run as a formula get a leading `'`.
    pub safe_csv: bool,
    /// Whether the CSV begins with a byte-order mark.
    pub csv_bom: bool,
    /// The Parquet file's key-value metadata.
    pub metadata: Vec<(String, String)>,
    /// Checked before each row group.
    pub stop: Stop,
}

/// Writes both outputs into a folder and syncs them. A row group is merged while the one before it is encoded; `see` is
/// called with the columns of each, in order. After an error the folder has unfinished files.
pub fn write<I>(
    merge: &mut Merge<I>,
    schema: &SchemaRef,
    folder: &Path,
    options: &SinkOptions,
    see: &mut dyn FnMut(&[ArrayRef]) -> Result<()>,
) -> Result<Vec<OutputRecord>>
where
    I: Iterator<Item = Result<RecordBatch>> + Send,
{
    let mut csv = file::OutputFile::create(folder, CSV_FILE)?;
    csv.write(csv::header(schema, options.csv_bom))?;
    let mut columns = pool().install(|| gather(merge.next(ROW_GROUP)?))?;
    let mut parquet = ParquetSink::create(folder, schema, options, &columns)?;
    let mut rows = 0;
    while count(&columns) > 0 {
        options.stop.check()?;
        let next = || gather(merge.next(ROW_GROUP)?);
        let Encoded { lines, chunks, next } = encode(&columns, &parquet, options.safe_csv, next)?;
        lines.into_iter().try_for_each(|lines| csv.write(lines))?;
        parquet.append(chunks)?;
        rows += count(&columns) as u64;
        see(&columns)?;
        columns = next;
    }
    Ok(vec![csv.finish(rows)?, parquet.finish(rows)?])
}

/// A row group in both formats, and what was done at the same time.
struct Encoded<T> {
    lines: Vec<Vec<u8>>,
    chunks: Vec<ArrowColumnChunk>,
    next: T,
}

/// Encodes a row group, CSV by row range and Parquet by column, and does `beside` at the same time. Large jobs start
/// first, so that none of them is left to one worker at the end while the others are idle.
fn encode<T: Send>(
    columns: &[ArrayRef],
    parquet: &ParquetSink,
    safe_csv: bool,
    beside: impl FnOnce() -> Result<T> + Send,
) -> Result<Encoded<T>> {
    let rows = count(columns);
    let starts: Vec<usize> = (0..rows).step_by(CSV_RANGE).collect();
    let mut next = None;
    let mut chunks: Vec<_> = columns.iter().map(|_| None).collect();
    let mut lines: Vec<_> = starts.iter().map(|_| None).collect();
    let mut jobs: Vec<_> = parquet.jobs(columns)?.into_iter().zip(columns).zip(&mut chunks).collect();
    jobs.sort_by_key(|((_, column), _)| Reverse(column.get_array_memory_size()));
    pool().install(|| {
        rayon::scope_fifo(|scope| {
            scope.spawn_fifo(|_| next = Some(beside()));
            for ((job, _), chunk) in jobs {
                scope.spawn_fifo(|_| *chunk = Some(job()));
            }
            for (from, lines) in starts.iter().zip(&mut lines) {
                let range = *from..(from + CSV_RANGE).min(rows);
                scope.spawn_fifo(|_| *lines = Some(csv::encode(columns, range, safe_csv)));
            }
        });
    });
    let chunks = chunks.into_iter().map(done).collect::<Result<_>>()?;
    let lines = lines.into_iter().map(done).collect::<Result<_>>()?;
    Ok(Encoded { lines, chunks, next: done(next)? })
}

/// The result of a job. All have run, because a scope ends only after its jobs.
fn done<T>(job: Option<Result<T>>) -> Result<T> {
    job.unwrap_or_else(|| Err(Error::Bug("a row group is not encoded".into())))
}

fn count(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, Array::len)
}

/// A group's columns. The group goes: it holds the batches that they were copied from.
fn gather(group: Group) -> Result<Vec<ArrayRef>> {
    (0..group.columns()).into_par_iter().map(|column| group.column(column)).collect()
}
