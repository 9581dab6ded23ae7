//! A file's header: which field of a record is which declared column. Names are compared byte for byte.

use std::fs::File;
use std::path::Path;

use super::blocks::BlockReader;
use super::records::first_record;
use crate::error::{Error, Result};
use crate::spec::{Source, did_you_mean};

/// Large enough for any sane header, small enough to open thousands of files quickly.
const HEADER_BLOCK: usize = 64 * 1024;

/// Where the declared columns stand in a file's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Fields in a record.
    pub width: usize,
    /// Field of the id.
    pub key: usize,
    /// Field of each declared column, in declared order.
    pub columns: Vec<usize>,
    /// Names that the spec does not declare.
    pub undeclared: Vec<String>,
    /// Offset of the first byte after the header's record.
    pub data_offset: u64,
    /// Physical line at that offset, from 1.
    pub data_line: u64,
}

/// Reads the header of an open file.
pub(super) fn read(source: &Source, file: File, path: &Path, name: &str) -> Result<Header> {
    let mut reader = BlockReader::new(file, path.to_owned(), name.to_owned(), &source.name, HEADER_BLOCK, 0);
    let (mut offset, mut line) = (0, 1);
    while let Some(block) = reader.next_block(Vec::new())? {
        // The one mark a file may begin with is no part of the first name.
        let mark = if offset == 0 && block.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        match first_record(&block[mark..]) {
            Some(first) => {
                let names: Vec<&[u8]> = first.fields.iter().map(Vec::as_slice).collect();
                let mut header = map(source, name, &names)?;
                header.data_offset = offset + (mark + first.end) as u64;
                header.data_line = line + first.lines;
                return Ok(header);
            }
            None => line += super::records::line_ends(&block, 0, block.len()),
        }
        offset += block.len() as u64;
    }
    Err(Error::input(&source.name, format!("`{name}` has no header: its first record must name the columns")))
}

fn map(source: &Source, file: &str, names: &[&[u8]]) -> Result<Header> {
    let find = |column: &str| {
        let mut at = names.iter().enumerate().filter(|(_, n)| **n == column.as_bytes()).map(|(i, _)| i);
        match (at.next(), at.next()) {
            (Some(i), None) => Ok(i),
            (Some(_), Some(_)) => {
                let message = format!("column `{column}` stands twice in the header of `{file}`: remove or rename one");
                Err(Error::input(&source.name, message))
            }
            (None, _) => {
                let texts: Vec<String> = names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
                let near = did_you_mean(column, texts.iter().map(String::as_str));
                let message = format!("column `{column}` is missing in the header of `{file}`{near}");
                Err(Error::input(&source.name, message))
            }
        }
    };
    let key = find(&source.key)?;
    let columns = source.columns.iter().map(|c| find(&c.name)).collect::<Result<Vec<_>>>()?;
    let undeclared = names.iter().enumerate().filter(|(i, _)| *i != key && !columns.contains(i));
    let undeclared = undeclared.map(|(_, n)| String::from_utf8_lossy(n).into_owned()).collect();
    Ok(Header { width: names.len(), key, columns, undeclared, data_offset: 0, data_line: 1 })
}
