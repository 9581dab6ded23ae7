//! Sinks: merged profiles → `profiles.csv` and `profiles.parquet`, encoded in parallel, stitched in order. No transforms.

mod csv;
mod file;
mod parquet;

use std::path::Path;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;

use crate::error::Result;
use crate::merge::{Group, Merge};

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
}

/// Writes both outputs into a folder and syncs them. A row group is merged while the one before it is encoded. Tells of
/// the rows that were written since it last told.
///
/// # Errors
/// I/O; the folder then holds unfinished files. Those of the merge.
pub fn write<I>(
    mut merge: Merge<I>,
    schema: &SchemaRef,
    folder: &Path,
    options: &SinkOptions,
    wrote: &dyn Fn(u64),
) -> Result<Vec<Written>>
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
        let next = || {
            let group = merge.next(ROW_GROUP)?;
            gather(&group).map(|columns| (group, columns))
        };
        let lines = || encode_csv(&columns, options.safe_csv);
        let encode = || rayon::join(lines, || parquet.encode(&columns));
        let ((lines, chunks), next) = THREAD_POOL.install(|| rayon::join(encode, next));
        for lines in lines? {
            csv.write(lines)?;
        }
        parquet.append(chunks?)?;
        rows += group.rows() as u64;
        wrote(group.rows() as u64);
        (group, columns) = next?;
    }
    Ok(vec![csv.finish(rows)?, parquet.finish(rows)?])
}

fn gather(group: &Group) -> Result<Vec<ArrayRef>> {
    (0..group.columns()).into_par_iter().map(|column| group.column(column)).collect()
}

/// Lines, range by range.
fn encode_csv(columns: &[ArrayRef], safe: bool) -> Result<Vec<Vec<u8>>> {
    let rows = columns.first().map_or(0, Array::len);
    let starts: Vec<usize> = (0..rows).step_by(CSV_RANGE).collect();
    starts.into_par_iter().map(|from| csv::encode(columns, from..(from + CSV_RANGE).min(rows), safe)).collect()
}
