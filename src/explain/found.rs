//! What stands in the inputs of one customer: its rows, as they were read, and the rejected rows that bear its id.

use crate::source::InputFile;

/// What was found in the sources that were searched.
pub(super) struct Found {
    /// Per source of the spec; empty for one that was not searched.
    pub sources: Vec<FoundIn>,
}

/// What was found in one source.
#[derive(Default)]
pub(super) struct FoundIn {
    /// Its files, in reading order.
    pub files: Vec<InputFile>,
    /// The customer's rows, in input order.
    pub rows: Vec<FoundRow>,
    /// Rejected rows that bear the id: file, line and reason.
    pub rejected: Vec<String>,
}

/// One row of the customer.
pub(super) struct FoundRow {
    /// Its file's place among the source's files.
    pub file: usize,
    /// Physical line where it starts.
    pub line: u64,
    /// Its bytes in the file.
    pub raw: Vec<u8>,
    /// Per declared column, whether the value did not parse.
    pub bad: Vec<bool>,
}

impl FoundIn {
    /// File and line of a row.
    pub fn place(&self, row: &FoundRow) -> (&str, u64) {
        (self.files.get(row.file).map_or("", |f| f.name.as_str()), row.line)
    }
}
