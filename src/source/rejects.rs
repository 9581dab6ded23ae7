//! Rejected rows and bad values: what is kept of them, the file they go to, and how many rejected rows a run bears.

use std::fmt;
use std::str::FromStr;

use super::rows::BlockReport;
use crate::cell::read_decimal;
use crate::error::{Error, Result};
use crate::spec::Source;

/// Longest piece of a cell or record that the rejects file shows, in bytes.
const RAW_LIMIT: usize = 4096;

/// Why a row is not used or a value became null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Encoding,
    FieldCount,
    BlankId,
    BadValue,
}

/// A rejected row, or a bad value of an accepted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reject {
    line: u64,
    column: Option<usize>,
    reason: Reason,
    raw: String,
}

impl Reject {
    pub fn row(line: u64, reason: Reason, raw: &[u8]) -> Self {
        // Four bytes more than the limit: a character cut there does not show as invalid before it.
        let shown = String::from_utf8_lossy(&raw[..raw.len().min(RAW_LIMIT + 4)]);
        Self { line, column: None, reason, raw: shorten(&shown) }
    }

    pub fn value(line: u64, column: usize, text: &str) -> Self {
        Self { line, column: Some(column), reason: Reason::BadValue, raw: shorten(text) }
    }
}

fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(RAW_LIMIT)].to_owned()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "encoding",
            Self::FieldCount => "field_count",
            Self::BlankId => "blank_id",
            Self::BadValue => "bad_value",
        })
    }
}

/// The rejects of one source as the text of its `rejects/<source>.csv`, built file by file, block by block.
#[derive(Debug)]
pub struct Rejects {
    csv: csv::Writer<Vec<u8>>,
    /// Rejected rows seen, and where the first three are.
    first: Vec<String>,
    count: u64,
}

impl Rejects {
    /// Empty, with its header.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn new() -> Result<Self> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["file", "line", "column", "reason", "raw"]).map_err(in_memory)?;
        Ok(Self { csv, first: Vec::new(), count: 0 })
    }

    /// Takes a block's rejects; `line` is the physical line of the block's first byte. Gives the next block's.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn add(&mut self, source: &Source, file: &str, line: u64, report: &mut BlockReport) -> Result<u64> {
        let mut rejects = std::mem::take(&mut report.rejects);
        let name = |r: &Reject| r.column.map_or("", |c| source.columns[c].name.as_str());
        rejects.sort_by(|a, b| a.line.cmp(&b.line).then_with(|| name(a).cmp(name(b))));
        for reject in &rejects {
            let at = line + reject.line;
            let (line, reason) = (at.to_string(), reject.reason.to_string());
            self.csv.write_record([file, &line, name(reject), &reason, &reject.raw]).map_err(in_memory)?;
            if reject.column.is_none() && self.first.len() < 3 {
                self.first.push(format!("{file} line {at}: {reason}"));
            }
        }
        self.count += rejects.len() as u64;
        Ok(line + report.lines)
    }

    /// Where the first three rejected rows are and why; no data.
    pub fn first_three(&self) -> &[String] {
        &self.first
    }

    /// The file's bytes, or none when nothing was rejected.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn into_bytes(mut self) -> Result<Option<Vec<u8>>> {
        self.csv.flush().map_err(|e| Error::Bug(e.to_string()))?;
        let bytes = self.csv.into_inner().map_err(|e| Error::Bug(e.to_string()))?;
        Ok((self.count > 0).then_some(bytes))
    }
}

fn in_memory(error: csv::Error) -> Error {
    Error::Bug(format!("rejects: {error}"))
}

const BILLION: u64 = 1_000_000_000;

/// How many rejected rows of a source a run bears.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RejectLimit {
    /// The larger of 10 rows and 1 %.
    Default,
    /// So many rows.
    Rows(u64),
    /// So many in a hundred rows read, in billionths, so that limits are exact.
    Percent(u64),
}

impl RejectLimit {
    /// Most rejected rows allowed of `rows` read.
    pub fn allows(&self, rejected: u64, rows: u64) -> bool {
        match *self {
            Self::Default => rejected <= 10 || Self::Percent(BILLION).allows(rejected, rows),
            Self::Rows(limit) => rejected <= limit,
            Self::Percent(percent) => {
                u128::from(rejected) * 100 * u128::from(BILLION) <= u128::from(percent) * u128::from(rows)
            }
        }
    }
}

impl FromStr for RejectLimit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let bad = || format!("`{text}` is neither a number of rows nor a percentage: use 100 or 0.5%");
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = read_decimal(percent.trim(), 12, 9).and_then(|p| u64::try_from(p).ok());
                percent.filter(|p| *p <= 100 * BILLION).map(Self::Percent).ok_or_else(bad)
            }
            None => text.parse().map(Self::Rows).map_err(|_| bad()),
        }
    }
}

impl fmt::Display for RejectLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("max(10, 1%)"),
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{}%", *percent as f64 / BILLION as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_larger_of_ten_rows_and_one_percent() {
        let limit = RejectLimit::Default;
        assert!(limit.allows(10, 10) && !limit.allows(11, 1000) && limit.allows(11, 1100));
        assert_eq!("5%".parse(), Ok(RejectLimit::Percent(5 * BILLION)));
        assert_eq!("0".parse(), Ok(RejectLimit::Rows(0)));
        assert!("0.57%".parse::<RejectLimit>().is_ok_and(|l| l.allows(57, 10_000) && !l.allows(58, 10_000)));
        assert!("-1".parse::<RejectLimit>().is_err() && "101%".parse::<RejectLimit>().is_err());
    }

    #[test]
    fn a_long_raw_is_cut_at_a_character() {
        let reject = Reject::value(0, 0, &"é".repeat(3000));
        assert_eq!(reject.raw.len(), 4096);
        let reject = Reject::row(0, Reason::Encoding, b"a\xFFb");
        assert_eq!(reject.raw, "a\u{fffd}b");
    }
}
