//! What is known about a source after reading it, besides its rows: counts and digests. Plain data, stored with a run's
//! checkpoints.

use std::ops::AddAssign;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Counts of records, of a block or of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Records read.
    pub rows: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Those of them whose bytes are not text in the file's encoding.
    pub undecodable: u64,
    /// Records of which a field begins with spaces and a quote, which were taken for data.
    pub spaced: u64,
    /// Accepted records whose id has a character inside that nobody sees.
    pub hidden: u64,
    /// Accepted records of a single field, though there are several columns.
    pub single: u64,
    /// Records that the source's `where` leaves out.
    pub filtered: u64,
    /// Records without any value.
    pub blank: u64,
    /// Texts of which a `try_cast` in the source's `where` made null.
    pub lost: u64,
}

impl AddAssign for RowCounts {
    fn add_assign(&mut self, other: Self) {
        // Every count is named, so that the compiler asks for a new one.
        let Self { rows, rejected, undecodable, spaced, hidden, single, filtered, blank, lost } = other;
        self.rows += rows;
        self.rejected += rejected;
        self.undecodable += undecodable;
        self.spaced += spaced;
        self.hidden += hidden;
        self.single += single;
        self.filtered += filtered;
        self.blank += blank;
        self.lost += lost;
    }
}

/// The counts of one source, once it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAccount {
    /// Its records.
    #[serde(flatten)]
    pub counts: RowCounts,
    /// Lines that end a file and are no records.
    pub footer: u64,
    /// Bad values in accepted rows, for each typed column.
    pub bad_values: IndexMap<String, u64>,
    /// Values in accepted rows that are no nulls, bad ones too, for each typed column.
    pub filled: IndexMap<String, u64>,
    /// Where the first three bad values are, for each column that has some.
    pub first_bad: IndexMap<String, Vec<String>>,
    /// Newest `latest_by` of accepted rows, in days since 1970-01-01.
    pub newest_day: Option<i32>,
    /// File and line of the first row that has it.
    pub newest_place: Option<(String, u64)>,
    /// Where the first three rejected rows are, and why.
    pub first_rejects: Vec<String>,
    /// Its files, in reading order.
    pub files: Vec<FileAccount>,
    /// Its rows that are used for no profile because of who they are of.
    #[serde(default)]
    pub linked: LinkedCounts,
    /// SHA-256 of its rejects file, if it has one.
    pub rejects: Option<String>,
}

/// Rows that are used for no profile because of who they are of; all 0 if rows have ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedCounts {
    /// Rows of ids that their source says were merged into another.
    pub merged: u64,
    /// Rows that their source says are deleted.
    pub deleted: u64,
    /// Rows without an identifier that may join.
    pub unidentified: u64,
    /// Rows of what is to be erased.
    pub erased: u64,
}

/// The counts of one file, once it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAccount {
    /// Its name in messages and in the manifest.
    pub file: String,
    /// Records in it.
    pub rows: u64,
    /// Digest of its bytes.
    pub digest: String,
    /// Whether it is valid UTF-8 and not only ASCII, though it was read in another encoding.
    pub looks_utf8: bool,
    /// Whether it has control characters of the range U+0080 to U+009F.
    pub has_controls: bool,
}
