//! CSV: text → records, in blocks that are cut at true record ends. Owns quotes and delimiters; never knows what a column
//! means.

mod blocks;
mod cut;
mod dialect;
mod header;
mod records;
mod scan;
mod scanner;

pub use blocks::{BlockReader, DEFAULT_BLOCK_SIZE, Doubts};
pub use dialect::Dialect;
pub(super) use header::{FirstRecord, Head, HeadOf, find_head};
pub use records::{Record, line_ends, read_records};
