//! Rejected rows and bad values: what is kept of them, and the file they go to. Owns the bound on their memory: a
//! million of them take no more than ten.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use tempfile::{SpooledTempFile, spooled_tempfile_in};

use super::rows::BlockReport;
use crate::error::{Error, Result};
use crate::spec::Source;
use crate::value::is_formula;

/// Longest part of a cell or record that the rejects file shows, in bytes.
pub const RAW_LIMIT: usize = 4096;

/// Bytes of a rejects file that are held in memory; a longer one is on disk.
const IN_MEMORY: usize = 1 << 20;

/// Why a row is not used or a value became null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Encoding,
    Quote,
    Json,
    Header,
    FieldCount,
    RoundedId,
    BadId,
    BlankId,
    NoIdentifier,
    BadValue,
    NoCurrency,
}

impl Reason {
    const ALL: [Self; 11] = [
        Self::Encoding,
        Self::Quote,
        Self::Json,
        Self::Header,
        Self::FieldCount,
        Self::RoundedId,
        Self::BadId,
        Self::BlankId,
        Self::NoIdentifier,
        Self::BadValue,
        Self::NoCurrency,
    ];

    /// Whether it is about one value of an accepted row.
    fn is_of_value(self) -> bool {
        matches!(self, Self::BadValue | Self::NoCurrency)
    }
}

/// A rejected row, or a bad value of an accepted one.
#[derive(Debug, PartialEq, Eq)]
struct Reject<'a> {
    line: u64,
    column: Option<usize>,
    reason: Reason,
    raw: &'a str,
}

/// The rejects of a block, packed into bytes: a block can have millions.
#[derive(Debug, Default)]
pub struct RejectLog {
    bytes: Vec<u8>,
}

impl RejectLog {
    /// Adds a rejected row; line numbers must not decrease.
    pub fn row(&mut self, line: u64, reason: Reason, raw: &[u8]) {
        // Four bytes more than the limit, so that a character that is cut off there does not show as invalid.
        self.push(line, None, reason, &String::from_utf8_lossy(&raw[..raw.len().min(RAW_LIMIT + 4)]));
    }

    /// Adds a bad value; those of one row come in order of column name.
    pub fn value(&mut self, line: u64, column: usize, reason: Reason, text: &str) {
        self.push(line, Some(column), reason, text);
    }

    fn push(&mut self, line: u64, column: Option<usize>, reason: Reason, raw: &str) {
        let raw = &raw[..raw.floor_char_boundary(RAW_LIMIT)];
        // A block has less than 2^32 bytes, and `raw` less than 2^16.
        self.bytes.extend_from_slice(&(line as u32).to_le_bytes());
        self.bytes.extend_from_slice(&(raw.len() as u16).to_le_bytes());
        self.bytes.push(reason as u8);
        if let Some(column) = column {
            self.bytes.extend_from_slice(&(column as u32).to_le_bytes());
        }
        self.bytes.extend_from_slice(raw.as_bytes());
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    fn iter(&self) -> impl Iterator<Item = Reject<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || read(&mut rest))
    }
}

/// Takes the first reject off packed ones.
fn read<'a>(rest: &mut &'a [u8]) -> Option<Reject<'a>> {
    let line = u32::from_le_bytes(take(rest)?).into();
    let length = u16::from_le_bytes(take(rest)?);
    let [reason] = take(rest)?;
    let reason = Reason::ALL.get(usize::from(reason)).copied()?;
    let column = if reason.is_of_value() { Some(u32::from_le_bytes(take(rest)?) as usize) } else { None };
    let raw = rest.split_off(..usize::from(length))?;
    Some(Reject { line, column, reason, raw: std::str::from_utf8(raw).unwrap_or_default() })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.try_into().ok()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "encoding",
            Self::Quote => "quote",
            Self::Json => "json",
            Self::Header => "header",
            Self::FieldCount => "field_count",
            Self::RoundedId => "rounded_id",
            Self::BadId => "bad_id",
            Self::BlankId => "blank_id",
            Self::NoIdentifier => "no_identifier",
            Self::BadValue => "bad_value",
            Self::NoCurrency => "no_currency",
        })
    }
}

/// The rejects of one source as the text of its `rejects/<source>.csv`, built file by file, block by block. What does
/// not fit in memory is in an unnamed file, which is removed when this value is dropped.
#[derive(Debug)]
pub struct Rejects {
    csv: csv::Writer<SpooledTempFile>,
    folder: PathBuf,
    /// Rejected rows seen, and where the first three are.
    first: Vec<String>,
    /// Where the first three bad values of each column are.
    first_bad: IndexMap<String, Vec<String>>,
    /// Whether raw text that a spreadsheet would run gets a `'` before it.
    safe: bool,
    count: u64,
}

impl Rejects {
    /// The header alone; when it grows too long for memory, it goes to an unnamed file in `folder`.
    pub fn new(folder: &Path, safe: bool) -> Result<Self> {
        let csv = Self::writer(folder);
        let mut new =
            Self { csv, folder: folder.to_owned(), first: Vec::new(), first_bad: IndexMap::new(), safe, count: 0 };
        new.write(["file", "line", "column", "reason", "raw"])?;
        Ok(new)
    }

    /// Appends a block's rejects. `line` is the physical line of the block's first byte; gives that of the next block.
    pub fn add(&mut self, source: &Source, file: &str, line: u64, report: &BlockReport) -> Result<u64> {
        for Reject { line: within, column, reason, raw } in report.rejects.iter() {
            let name = column.map_or("", |c| source.columns[c].name.as_str());
            self.add_one(file, line + within, name, reason, raw)?;
        }
        Ok(line + report.lines)
    }

    /// Appends one rejected row.
    pub fn add_row(&mut self, file: &str, line: u64, reason: Reason, raw: &[u8]) -> Result<()> {
        let mut log = RejectLog::default();
        log.row(0, reason, raw);
        log.iter().try_for_each(|reject| self.add_one(file, line, "", reject.reason, reject.raw))
    }

    fn add_one(&mut self, file: &str, line: u64, column: &str, reason: Reason, raw: &str) -> Result<()> {
        let (line, reason) = (line.to_string(), reason.to_string());
        let safe = |text: &str| if self.safe && is_formula(text) { format!("'{text}") } else { text.to_owned() };
        self.write([&safe(file), &line, &safe(column), &reason, &safe(raw)])?;
        if column.is_empty() && self.first.len() < 3 {
            self.first.push(format!("{file} line {line}: {reason}"));
        }
        if !column.is_empty() {
            let first = self.first_bad.entry(column.to_owned()).or_default();
            if first.len() < 3 {
                first.push(format!("{file} line {line}"));
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Where the first three rejected rows are and why they were rejected, without any data.
    pub fn first_three(&self) -> &[String] {
        &self.first
    }

    /// Where the first three bad values of each column are.
    pub fn first_bad(&self) -> &IndexMap<String, Vec<String>> {
        &self.first_bad
    }

    /// Puts `[erased]` in the place of raw text that must not be shown.
    pub fn erase(&mut self, must_not_show: &dyn Fn(&str) -> bool) -> Result<()> {
        let csv = std::mem::replace(&mut self.csv, Self::writer(&self.folder));
        let folder = self.folder.join("rejects");
        let failed = |cause: io::Error| Error::writing("write", &folder, cause);
        let mut old = csv.into_inner().map_err(|e| failed(io::Error::new(e.error().kind(), e.to_string())))?;
        old.rewind().map_err(failed)?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(old);
        let mut record = csv::StringRecord::new();
        let unreadable = |e: csv::Error| Error::Bug(format!("rejects: {:?}", e.kind()));
        while reader.read_record(&mut record).map_err(unreadable)? {
            let field = |at: usize| record.get(at).unwrap_or_default();
            let raw = if must_not_show(field(4)) { "[erased]" } else { field(4) };
            self.write([field(0), field(1), field(2), field(3), raw])?;
        }
        Ok(())
    }

    fn writer(folder: &Path) -> csv::Writer<SpooledTempFile> {
        csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(spooled_tempfile_in(IN_MEMORY, folder))
    }

    /// Writes and syncs the rejects file and creates missing folders of its path; false when there are no rejects.
    pub fn save(self, path: &Path) -> Result<bool> {
        if self.count == 0 {
            return Ok(false);
        }
        let writing = |e| Error::writing("write", path, e);
        let mut text = self.csv.into_inner().map_err(|e| writing(io::Error::new(e.error().kind(), e.to_string())))?;
        let mut copy = || {
            text.rewind()?;
            fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            let mut file = File::create(path)?;
            io::copy(&mut text, &mut file)?;
            file.sync_all()
        };
        copy().map_err(writing)?;
        Ok(true)
    }

    fn write(&mut self, record: [&str; 5]) -> Result<()> {
        let Self { csv, folder, .. } = self;
        csv.write_record(record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(cause) => Error::writing("write", &folder.join("rejects"), cause),
            other => Error::Bug(format!("rejects: {other:?}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(log: &RejectLog) -> Vec<(u64, Option<usize>, Reason, String)> {
        log.iter().map(|r| (r.line, r.column, r.reason, r.raw.to_owned())).collect()
    }

    #[test]
    fn what_is_noted_is_told() {
        let mut log = RejectLog::default();
        log.row(0, Reason::Encoding, b"a\xFFb");
        log.value(70_000, 300, Reason::BadValue, "x");
        log.row(70_001, Reason::BlankId, b"");
        log.row(70_002, Reason::FieldCount, b",");
        let row = |line, reason, raw: &str| (line, None, reason, raw.to_owned());
        let want = [
            row(0, Reason::Encoding, "a\u{fffd}b"),
            (70_000, Some(300), Reason::BadValue, "x".to_owned()),
            row(70_001, Reason::BlankId, ""),
            row(70_002, Reason::FieldCount, ","),
        ];
        assert_eq!(all(&log), want);
    }

    #[test]
    fn a_long_raw_is_cut_at_a_character() {
        let mut log = RejectLog::default();
        log.value(0, 0, Reason::BadValue, &"é".repeat(3000));
        log.value(0, 0, Reason::NoCurrency, &format!("a{}", "é".repeat(3000)));
        log.row(0, Reason::Encoding, &[0xFF; 5000]);
        assert_eq!(all(&log).iter().map(|r| r.3.len()).collect::<Vec<_>>(), [4096, 4095, 4095]);
    }
}
