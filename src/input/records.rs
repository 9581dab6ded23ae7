//! A block of a file as records, whatever the file's format.

use super::InputFile;
use super::csv;
pub use super::csv::Record;

/// Calls `visit` for every record of a block; gives the number of physical lines in it.
pub fn read_records(block: &[u8], file: &InputFile, visit: impl FnMut(Record<'_>)) -> u64 {
    csv::read_records(block, &file.dialect, visit)
}
