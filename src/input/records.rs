//! A block of a file as records, whatever the file's format.

use super::InputFile;
use super::format::Format;
use super::{cells, csv, json};

pub use super::record::Record;

/// Calls `visit` for every record of a block; gives the number of lines in it.
pub fn read_records(block: &[u8], file: &InputFile, visit: impl FnMut(Record<'_>)) -> u64 {
    match &file.format {
        Format::Csv(dialect) => csv::read_records(block, dialect, visit),
        Format::Json { is_array } => json::read_records(block, *is_array, &file.header, visit),
        Format::Xlsx { .. } | Format::Parquet { .. } => cells::read_records(block, visit),
    }
}
