//! Sinks: merged profiles → `profiles.csv` and `profiles.parquet`, encoded in parallel, stitched in order. No transforms.

mod csv;
mod file;
mod parquet;

use std::path::Path;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;

use crate::error::Result;
use crate::merge::Merged;

pub use file::{Written, write_file};

/// Name of the CSV output.
pub const CSV_FILE: &str = "profiles.csv";
/// Name of the Parquet output.
pub const PARQUET_FILE: &str = "profiles.parquet";

/// Rows per Parquet row group, fixed, so that bytes depend on nothing else. DuckDB's default, and its unit of parallel
/// reading.
const ROW_GROUP: usize = 122_880;

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

/// Writes both outputs into a folder and syncs them.
///
/// # Errors
/// I/O; the folder then holds unfinished files.
pub fn write(merged: &Merged, schema: &SchemaRef, folder: &Path, options: &SinkOptions) -> Result<Vec<Written>> {
    let mut csv = file::OutputFile::create(folder, CSV_FILE)?;
    csv.write(csv::header(schema))?;
    let mut parquet = parquet::ParquetSink::create(folder, schema, options)?;
    let mut from = 0;
    while from < merged.rows() {
        let to = (from + ROW_GROUP).min(merged.rows());
        let (lines, chunks) = THREAD_POOL.install(|| -> Result<_> {
            let columns = 0..schema.fields().len();
            let columns: Vec<ArrayRef> =
                columns.into_par_iter().map(|c| merged.column(c, from..to)).collect::<Result<_>>()?;
            let (lines, chunks) =
                rayon::join(|| encode_csv(&columns, to - from, options.safe_csv), || parquet.encode(&columns));
            Ok((lines?, chunks?))
        })?;
        for lines in lines {
            csv.write(lines)?;
        }
        parquet.append(chunks)?;
        from = to;
    }
    let rows = merged.rows() as u64;
    Ok(vec![csv.finish(rows)?, parquet.finish(rows)?])
}

fn encode_csv(columns: &[ArrayRef], rows: usize, safe: bool) -> Result<Vec<Vec<u8>>> {
    let starts: Vec<usize> = (0..rows).step_by(CSV_RANGE).collect();
    starts.into_par_iter().map(|from| csv::encode(columns, from..(from + CSV_RANGE).min(rows), safe)).collect()
}
