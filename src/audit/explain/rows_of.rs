//! What the inputs have about one customer: its rows as they were read, and the rejected rows with its id. Plain data.

use crate::input::InputFile;

/// What was found in the sources that were searched.
pub(super) struct CustomerRows {
    /// One for each source of the spec; empty for a source that was not searched.
    pub sources: Vec<SourceHits>,
}

/// What was found in one source.
#[derive(Default)]
pub(super) struct SourceHits {
    /// Its files, in reading order.
    pub files: Vec<InputFile>,
    /// The customer's rows, in input order.
    pub rows: Vec<CustomerRow>,
    /// Rejected rows with the id: file, line and reason.
    pub rejected: Vec<String>,
}

/// One row of the customer.
pub(super) struct CustomerRow {
    /// Index of its file among the source's files.
    pub file: usize,
    /// Physical line where it starts.
    pub line: u64,
    /// Its bytes as in the file.
    pub raw: Vec<u8>,
    /// Whether the value is a bad value, for each declared column.
    pub bad: Vec<bool>,
}

impl SourceHits {
    /// File and line of a row.
    pub fn place(&self, row: &CustomerRow) -> (&str, u64) {
        (self.files.get(row.file).map_or("", |f| f.name.as_str()), row.line)
    }
}
