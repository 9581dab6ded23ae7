//! The first record of a file, and the delimiter between its fields. Knows no declared columns: the caller says how
//! well a record fits what is wanted.

use std::io;

use super::blocks::{Cut, MAX_RECORD, first_record_end};
use super::records::{line_ends, only_record};
use crate::input::text::Text;
use crate::spec::Delimiter;

/// Bytes read at once: enough for any usual header, few enough to open thousands of files quickly.
const HEADER_BLOCK: usize = 64 * 1024;

/// The first record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRecord {
    /// Its fields, unquoted.
    pub fields: Vec<Vec<u8>>,
    /// Bytes up to its end, including its line end and empty lines before it.
    pub end: usize,
    /// Line ends in these bytes.
    pub lines: u64,
}

/// What is at the start of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// The record, and the delimiter with which it fits best.
    Record {
        first: FirstRecord,
        delimiter: Delimiter,
        /// Whether the delimiter was detected: none was declared, and it is not a comma.
        found: bool,
    },
    /// Two delimiters fit equally well.
    Ambiguous(Delimiter, Delimiter),
    /// A quote that opens on this line is never closed.
    OpenQuote { line: u64 },
    /// The file has no record.
    Empty,
}

/// Reads the first record. If no delimiter is declared, a comma is tried first, then the others; `fit` says how well a
/// record fits, `whole` is the best possible fit, and another delimiter is chosen only if it alone reaches that.
pub fn find_head(
    text: &mut Text,
    declared: Option<Delimiter>,
    whole: usize,
    fit: impl Fn(&FirstRecord) -> usize,
) -> io::Result<Head> {
    let comma = match read_head(text, declared.unwrap_or(Delimiter::Comma))? {
        Head::Record { first, .. } if declared.is_none() && fit(&first) < whole => first,
        // With another delimiter the quote might be closed, but such a file is rare: report the open quote.
        head => return Ok(head),
    };
    let mut tried = Vec::new();
    for delimiter in Delimiter::ALL.into_iter().filter(|d| *d != Delimiter::Comma) {
        // A delimiter that leaves a quote of the header open is not the right one.
        if let Head::Record { first, .. } = read_head(text, delimiter)? {
            tried.push((fit(&first), delimiter, first));
        }
    }
    let mut fitting = tried.iter().filter(|(fit, ..)| *fit == whole);
    if let (Some((_, one, _)), Some((_, other, _))) = (fitting.next(), fitting.next()) {
        return Ok(Head::Ambiguous(*one, *other));
    }
    // The error shows the header as read with the delimiter that fits best; with a comma when none is better.
    let most = fit(&comma);
    let best = tried.into_iter().rev().max_by_key(|(fit, ..)| *fit).filter(|(fit, ..)| *fit > most);
    Ok(match best {
        Some((fit, delimiter, first)) => Head::Record { first, delimiter, found: fit == whole },
        None => Head::Record { first: comma, delimiter: Delimiter::Comma, found: false },
    })
}

fn read_head(text: &mut Text, delimiter: Delimiter) -> io::Result<Head> {
    text.restart()?;
    let (mut head, mut end) = (Vec::new(), false);
    loop {
        let target = (head.len() * 2).clamp(HEADER_BLOCK, MAX_RECORD);
        while !end && head.len() < target {
            end = text.read((target - head.len()) as u64, &mut head)? == 0;
        }
        let last = end || head.len() >= MAX_RECORD;
        match first_record_end(&head, delimiter.byte(), end) {
            Cut::At(to) => {
                let first = only_record(&head[..to], delimiter.byte());
                return Ok(first.map_or(Head::Empty, |first| Head::Record { first, delimiter, found: false }));
            }
            Cut::OpenQuote(quote) if last => return Ok(Head::OpenQuote { line: 1 + line_ends(&head, 0, quote) }),
            _ if last => return Ok(Head::Empty),
            _ => {}
        }
    }
}
