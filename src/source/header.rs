//! A file's header: which delimiter it has, and which field of a record is which declared column. Names are compared byte
//! for byte.

use std::path::Path;

use super::blocks::{Head, MAX_RECORD, first_record_end};
use super::records::{First, line_ends, only_record};
use super::text::Text;
use crate::error::{Error, Result};
use crate::spec::{Delimiter, Source, did_you_mean};

/// Large enough for any sane header, small enough to open thousands of files quickly.
const HEADER_BLOCK: usize = 64 * 1024;

/// Where the declared columns stand in a file's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What stands between fields.
    pub delimiter: Delimiter,
    /// Whether the delimiter was declared nowhere and is no comma: it was found in this header.
    pub delimiter_found: bool,
    /// Fields in a record.
    pub width: usize,
    /// Field of the id.
    pub key: usize,
    /// Field of each declared column, in declared order.
    pub columns: Vec<usize>,
    /// Names that the spec does not declare.
    pub undeclared: Vec<String>,
    /// Offset in the file's text of the first byte after the header's record.
    pub data_offset: u64,
    /// Physical line at that offset, from 1.
    pub data_line: u64,
}

/// A file whose header is to be read.
pub(super) struct HeaderOf<'a> {
    pub source: &'a Source,
    pub path: &'a Path,
    pub name: &'a str,
}

impl HeaderOf<'_> {
    /// Reads the header. Where no delimiter is declared a comma is tried first, then the others, of which exactly one
    /// must make all declared columns appear.
    pub fn read(&self, text: &mut Text, declared: Option<Delimiter>) -> Result<Header> {
        if let Some(delimiter) = declared {
            let how = format!(", read with the delimiter `{delimiter}`");
            return self.map(delimiter, &self.names(text, delimiter)?, &how);
        }
        let comma = self.names(text, Delimiter::Comma)?;
        if self.known(&comma.fields) == self.source.columns.len() + 1 {
            return self.map(Delimiter::Comma, &comma, "");
        }
        self.find(text, &comma)
    }

    /// The header of a file that is not separated by commas, if it is whole.
    fn find(&self, text: &mut Text, comma: &First) -> Result<Header> {
        let mut tried = Vec::new();
        for delimiter in Delimiter::ALL.into_iter().filter(|d| *d != Delimiter::Comma) {
            match self.names(text, delimiter) {
                Ok(names) => tried.push((self.known(&names.fields), delimiter, names)),
                // With this delimiter a quote of the header is never closed: it is not this one.
                Err(Error::Input { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut whole = tried.iter().filter(|(known, ..)| *known == self.source.columns.len() + 1);
        match (whole.next(), whole.next()) {
            (Some((_, delimiter, names)), None) => {
                Ok(Header { delimiter_found: true, ..self.map(*delimiter, names, "")? })
            }
            (Some((_, one, _)), Some((_, other, _))) => Err(self.fault(&format!(
                "`{one}` and `{other}` both give all columns of `{}`: say which it is with `delimiter`",
                self.name
            ))),
            // The one with which most columns appear is the one to tell of; a comma when none is better.
            (None, _) => match tried.iter().rev().max_by_key(|(known, ..)| *known) {
                Some((known, delimiter, names)) if *known > self.known(&comma.fields) => {
                    self.map(*delimiter, names, &format!(", read with `{delimiter}`"))
                }
                _ => self.map(Delimiter::Comma, comma, ""),
            },
        }
    }

    /// The first record of the file.
    fn names(&self, text: &mut Text, delimiter: Delimiter) -> Result<First> {
        let reading = |e| Error::reading(self.path, e);
        text.restart().map_err(reading)?;
        let (mut head, mut end) = (Vec::new(), false);
        loop {
            let target = (head.len() * 2).clamp(HEADER_BLOCK, MAX_RECORD);
            while !end && head.len() < target {
                end = text.read((target - head.len()) as u64, &mut head).map_err(reading)? == 0;
            }
            match first_record_end(&head, delimiter.byte(), end) {
                Head::EndsAt(to) => {
                    return only_record(&head[..to], delimiter.byte()).ok_or_else(|| self.no_header());
                }
                Head::OpenQuote(quote) if end || head.len() >= MAX_RECORD => {
                    let line = 1 + line_ends(&head, 0, quote);
                    let message = "a quote opens here and is never closed; close it, or double it if it is data";
                    return Err(self.fault(&format!("`{}` line {line}: {message}", self.name)));
                }
                _ if end || head.len() >= MAX_RECORD => return Err(self.no_header()),
                _ => {}
            }
        }
    }

    /// How many of the declared columns are there.
    fn known(&self, names: &[Vec<u8>]) -> usize {
        let declared = self.source.columns.iter().map(|c| &c.name).chain([&self.source.key]);
        declared.filter(|column| names.iter().any(|name| *name == column.as_bytes())).count()
    }

    fn map(&self, delimiter: Delimiter, first: &First, how: &str) -> Result<Header> {
        let names = &first.fields;
        let find = |column: &str| {
            let mut at = names.iter().enumerate().filter(|(_, n)| **n == column.as_bytes()).map(|(i, _)| i);
            match (at.next(), at.next()) {
                (Some(i), None) => Ok(i),
                (Some(_), Some(_)) => Err(self.fault(&format!(
                    "column `{column}` stands twice in the header of `{}`: remove or rename one",
                    self.name
                ))),
                (None, _) => Err(self.missing(column, names, how)),
            }
        };
        let key = find(&self.source.key)?;
        let columns = self.source.columns.iter().map(|c| find(&c.name)).collect::<Result<Vec<_>>>()?;
        let undeclared = names.iter().enumerate().filter(|(i, _)| *i != key && !columns.contains(i));
        let undeclared = undeclared.map(|(_, n)| String::from_utf8_lossy(n).into_owned()).collect();
        let (width, data_offset, data_line) = (names.len(), first.end as u64, 1 + first.lines);
        Ok(Header { delimiter, delimiter_found: false, width, key, columns, undeclared, data_offset, data_line })
    }

    fn missing(&self, column: &str, names: &[Vec<u8>], how: &str) -> Error {
        let texts: Vec<String> = names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
        let hint = if names.iter().any(|n| n.contains(&0)) {
            "; the header has NUL bytes: a UTF-16 file without a mark needs `encoding = \"utf-16le\"` or \"utf-16be\""
                .into()
        } else if names.iter().any(|n| std::str::from_utf8(n).is_err()) {
            "; the header is not UTF-8: say which `encoding` the file has".into()
        } else if texts.iter().any(|name| name.trim().to_lowercase() == column.trim().to_lowercase()) {
            "; a column differs from it only in case or in white space: names must be the same, byte for byte".into()
        } else if texts.first().is_some_and(|name| name.starts_with("sep=")) {
            "; the first line is Excel's `sep=`, no header: remove it".into()
        } else if self.known(names) > 0 {
            did_you_mean(column, texts.iter().map(String::as_str))
        } else {
            // What stands there may be no header but a customer's row: nothing of it is ours to tell.
            "; none of the declared columns is there: is the first record a header?".into()
        };
        self.fault(&format!("column `{column}` is missing in the header of `{}`{how}{hint}", self.name))
    }

    fn no_header(&self) -> Error {
        self.fault(&format!("`{}` has no header: its first record must name the columns", self.name))
    }

    fn fault(&self, message: &str) -> Error {
        Error::input(&self.source.name, message)
    }
}
