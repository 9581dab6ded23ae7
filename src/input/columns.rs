//! Which field of a file's records is which declared column. Names are compared byte for byte.

use std::path::Path;

use super::csv::{FirstRecord, Head, find_head};
use super::text::Text;
use crate::error::{Error, Result};
use crate::spec::{Delimiter, Source, did_you_mean};

/// Where the declared columns are in a file's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What separates the fields.
    pub delimiter: Delimiter,
    /// Whether the delimiter was detected from this header: none was declared and it is not a comma.
    pub delimiter_found: bool,
    /// Fields in a record.
    pub width: usize,
    /// Index of the id's field.
    pub key: usize,
    /// Index of each declared column's field, in declared order.
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
    pub fn read(&self, text: &mut Text, declared: Option<Delimiter>) -> Result<Header> {
        let all = self.source.columns.len() + 1;
        let fit = |first: &FirstRecord| self.known(&first.fields);
        match find_head(text, declared, all, fit).map_err(|e| Error::reading(self.path, e))? {
            Head::Record { first, delimiter, found } => {
                let how = match delimiter {
                    d if declared.is_some() => format!(", read with the delimiter `{d}`"),
                    Delimiter::Comma => String::new(),
                    d => format!(", read with `{d}`"),
                };
                Ok(Header { delimiter_found: found, ..self.map(delimiter, &first, &how)? })
            }
            Head::Ambiguous(one, other) => Err(self.fault(&format!(
                "both `{one}` and `{other}` could be the delimiter of `{}`: set `delimiter` in the spec",
                self.name
            ))),
            Head::OpenQuote { line } => {
                let message =
                    "a quote opens here and is never closed; close it, or write it twice if it is part of the text";
                Err(self.fault(&format!("`{}` line {line}: {message}", self.name)))
            }
            Head::Empty => {
                Err(self.fault(&format!("`{}` has no header: its first record must name the columns", self.name)))
            }
        }
    }

    /// How many of the declared columns are among the names.
    fn known(&self, names: &[Vec<u8>]) -> usize {
        let declared = self.source.columns.iter().map(|c| &c.name).chain([&self.source.key]);
        declared.filter(|column| names.iter().any(|name| *name == column.as_bytes())).count()
    }

    fn map(&self, delimiter: Delimiter, first: &FirstRecord, how: &str) -> Result<Header> {
        let names = &first.fields;
        let find = |column: &str| {
            let mut at = names.iter().enumerate().filter(|(_, n)| **n == column.as_bytes()).map(|(i, _)| i);
            match (at.next(), at.next()) {
                (Some(i), None) => Ok(i),
                (Some(_), Some(_)) => Err(self.fault(&format!(
                    "the header of `{}` has the column `{column}` twice: remove or rename one",
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
            "; the header is not UTF-8: set `encoding` in the spec".into()
        } else if texts.iter().any(|name| name.trim().to_lowercase() == column.trim().to_lowercase()) {
            "; there is a column that differs only in case or white space: rename one of them".into()
        } else if texts.first().is_some_and(|name| name.starts_with("sep=")) {
            "; the first line is Excel's `sep=` and not a header: remove that line".into()
        } else if self.known(names) > 0 {
            did_you_mean(column, texts.iter().map(String::as_str))
        } else {
            // The first record may be a customer's row and not a header, so nothing of it may be in the message.
            "; none of the declared columns is there: is the first record a header?".into()
        };
        self.fault(&format!("column `{column}` is missing in the header of `{}`{how}{hint}", self.name))
    }

    fn fault(&self, message: &str) -> Error {
        Error::input(&self.source.name, message)
    }
}
