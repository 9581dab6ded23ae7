//! CSV: text → records, and where a block can be cut at a true record end. Owns quotes and delimiters; never knows what a column
//! means.

mod cut;
mod dialect;
mod header;
mod records;
mod scan;
mod scanner;

pub(super) use cut::{Cut, cut};
pub use dialect::Dialect;
pub(super) use header::{FirstRecord, Head, HeadOf, find_head};
pub use records::{line_ends, read_records};
