//! CSV: text → records, in blocks that are cut at true record ends. Owns quotes and delimiters; never knows what a
//! column means.

mod blocks;
mod header;
mod records;
mod scan;

pub use blocks::{BlockReader, DEFAULT_BLOCK_SIZE};
pub(super) use header::{FirstRecord, Head, find_head};
pub use records::{Record, line_ends, read_records};
