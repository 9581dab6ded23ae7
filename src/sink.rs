//! Sinks: merged profiles → `profiles.csv` and `profiles.parquet`, encoded in parallel, stitched in order. No transforms.

mod csv;
mod file;
mod parquet;

use std::cmp::Reverse;
use std::path::Path;

use ::parquet::arrow::arrow_writer::ArrowColumnChunk;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::merge::{Group, Merge};
use crate::stop::Stop;

use parquet::ParquetSink;

pub use file::{Written, write_file};

/// Name of the CSV output.
pub const CSV_FILE: &str = "profiles.csv";
/// Name of the Parquet output.
pub const PARQUET_FILE: &str = "profiles.parquet";

/// Rows per Parquet row group, fixed, so that bytes depend on nothing else. DuckDB's default, and its unit of parallel
/// reading.
pub const ROW_GROUP: usize = 122_880;

/// Rows that one task encodes as CSV.
const CSV_RANGE: usize = 8192;

/// What the outputs are made with.
#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// Whether text cells that a spreadsheet would run as a formula get a leading `'`.
    pub safe_csv: bool,
    /// The Parquet file's key-value metadata.
    pub metadata: Vec<(String, String)>,
    /// Seen before each row group.
    pub stop: Stop,
}

/// Writes both outputs into a folder and syncs them. A row group is merged while the one before it is encoded.
///
/// # Errors
/// I/O; the folder then holds unfinished files. Those of the merge. [`crate::Error::Interrupted`].
pub fn write<I>(mut merge: Merge<I>, schema: &SchemaRef, folder: &Path, options: &SinkOptions) -> Result<Vec<Written>>
where
    I: Iterator<Item = Result<RecordBatch>> + Send,
{
    let mut csv = file::OutputFile::create(folder, CSV_FILE)?;
    csv.write(csv::header(schema))?;
    let mut group = merge.next(ROW_GROUP)?;
    let mut columns = THREAD_POOL.install(|| gather(&group))?;
    let mut parquet = ParquetSink::create(folder, schema, options, &columns)?;
    let mut rows = 0;
    while group.rows() > 0 {
        options.stop.check()?;
        let next = || {
            let group = merge.next(ROW_GROUP)?;
            gather(&group).map(|columns| (group, columns))
        };
        let Encoded { lines, chunks, next } = encode(&columns, &parquet, options.safe_csv, next)?;
        lines.into_iter().try_for_each(|lines| csv.write(lines))?;
        parquet.append(chunks)?;
        rows += group.rows() as u64;
        (group, columns) = next;
    }
    Ok(vec![csv.finish(rows)?, parquet.finish(rows)?])
}

/// A row group in both forms, and what was done beside.
struct Encoded<T> {
    lines: Vec<Vec<u8>>,
    chunks: Vec<ArrowColumnChunk>,
    next: T,
}

/// Encodes a row group, CSV by row range and Parquet by column, and does `beside` meanwhile. The jobs begin in the order
/// in which they are spawned: large ones first, so that no worker is left with one when the others have nothing to do.
fn encode<T: Send>(
    columns: &[ArrayRef],
    parquet: &ParquetSink,
    safe_csv: bool,
    beside: impl FnOnce() -> Result<T> + Send,
) -> Result<Encoded<T>> {
    let rows = columns.first().map_or(0, Array::len);
    let starts: Vec<usize> = (0..rows).step_by(CSV_RANGE).collect();
    let mut next = None;
    let mut chunks: Vec<_> = columns.iter().map(|_| None).collect();
    let mut lines: Vec<_> = starts.iter().map(|_| None).collect();
    let mut jobs: Vec<_> = parquet.jobs(columns)?.into_iter().zip(columns).zip(&mut chunks).collect();
    jobs.sort_by_key(|((_, column), _)| Reverse(column.get_array_memory_size()));
    THREAD_POOL.install(|| {
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

/// What a job gave. All have run: a scope ends when its jobs have.
fn done<T>(job: Option<Result<T>>) -> Result<T> {
    job.unwrap_or_else(|| Err(Error::Bug("a row group is not encoded".into())))
}

fn gather(group: &Group) -> Result<Vec<ArrayRef>> {
    (0..group.columns()).into_par_iter().map(|column| group.column(column)).collect()
}
