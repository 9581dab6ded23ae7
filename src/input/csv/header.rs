//! The first record of a file, and the delimiter that it is separated by. Needs no declared source: whoever asks says how
//! well a record fits what is wanted.

use std::io;

use memchr::memchr2;

use super::dialect::Dialect;
use super::records::line_ends;
use super::scanner::{Fields, Scanned, Scanner};
use crate::input::text::Text;
use crate::input::text_blocks::MAX_RECORD;
use crate::spec::Delimiter;

/// Large enough for any sane header, small enough to open thousands of files quickly.
const HEADER_BLOCK: usize = 64 * 1024;

/// The first record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRecord {
    /// Its fields, unquoted.
    pub fields: Vec<Vec<u8>>,
    /// Bytes before it: skipped lines, comments, Excel's `sep=`, empty lines.
    pub start: usize,
    /// Bytes to its end, its line end included.
    pub end: usize,
    /// Line ends before it, and up to its end.
    pub lines: (u64, u64),
}

/// What stands at the start of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// The record, and the delimiter with which it fits best.
    Record {
        first: FirstRecord,
        delimiter: Delimiter,
        /// Whether the delimiter was found here: nobody declared it, and it is not a comma.
        found: bool,
    },
    /// Two delimiters fit equally well.
    Ambiguous(Delimiter, Delimiter),
    /// A quote that opens on this line is never closed.
    OpenQuote { line: u64 },
    /// A quote on this line is not closed at its field's end.
    WrongQuote { line: u64 },
    /// There is no record. Bytes and line ends of what there is.
    Empty { end: usize, lines: u64 },
}

/// How the start of a file is to be read.
pub struct HeadOf<'a> {
    /// But for the delimiter.
    pub dialect: &'a Dialect,
    /// Whether the dialect's delimiter is declared.
    pub is_declared: bool,
    /// Physical lines before anything that counts.
    pub skip_lines: u64,
    /// Whether the first record names the columns; else it is data, and its faults are its own.
    pub is_header: bool,
}

/// Reads the first record. Where no delimiter is declared a comma is tried first, then the others; `fit` says how well a
/// record fits, `whole` is the best fit there is, and exactly one of the others must reach it to be found.
pub fn find_head(
    text: &mut Text,
    of: &HeadOf<'_>,
    whole: usize,
    fit: impl Fn(&FirstRecord) -> usize,
) -> io::Result<Head> {
    let comma = read_head(text, of, of.dialect.delimiter)?;
    let most = match &comma {
        Head::Record { first, found: false, .. } if !of.is_declared && fit(first) < whole => fit(first),
        // A quote that is wrong before a comma may be right before another delimiter.
        Head::WrongQuote { .. } | Head::OpenQuote { .. } if !of.is_declared => 0,
        _ => return Ok(comma),
    };
    let mut tried = Vec::new();
    for delimiter in Delimiter::ALL.into_iter().filter(|d| *d != Delimiter::Comma) {
        // With this delimiter a quote of the header may be wrong: then it is not this one.
        if let Head::Record { first, .. } = read_head(text, of, delimiter)? {
            tried.push((fit(&first), delimiter, first));
        }
    }
    let mut fitting = tried.iter().filter(|(fit, ..)| *fit == whole);
    if let (Some((_, one, _)), Some((_, other, _))) = (fitting.next(), fitting.next()) {
        return Ok(Head::Ambiguous(*one, *other));
    }
    // The one with which most columns appear is the one to tell of; a comma when none is better.
    let best = tried.into_iter().rev().max_by_key(|(fit, ..)| *fit).filter(|(fit, ..)| *fit > most);
    Ok(match best {
        Some((fit, delimiter, first)) => Head::Record { first, delimiter, found: fit == whole },
        None => comma,
    })
}

/// Reads the first record with this delimiter, unless the file says another one on its first line (`sep=;`).
fn read_head(text: &mut Text, of: &HeadOf<'_>, delimiter: Delimiter) -> io::Result<Head> {
    text.restart()?;
    let (mut head, mut end) = (Vec::new(), false);
    loop {
        let target = (head.len() * 2).clamp(HEADER_BLOCK, MAX_RECORD);
        while !end && head.len() < target {
            end = text.read((target - head.len()) as u64, &mut head)? == 0;
        }
        let last = end || head.len() >= MAX_RECORD;
        let Some(start) = skip_lines(&head, of.skip_lines) else {
            if last {
                return Ok(empty(&head));
            }
            continue;
        };
        let (said, start) = separator(&head, start, end);
        let delimiter = said.filter(|_| !of.is_declared).unwrap_or(delimiter);
        let dialect = of.dialect.with(delimiter);
        let (scanner, mut fields) = (Scanner::new(&head, &dialect, end), Fields::default());
        match scanner.record(start, &mut fields) {
            _ if dialect.quotes.lenient => {
                if let Some((fields, start, stop)) = lenient_first(&head, start, delimiter, last) {
                    let found = said.is_some() && delimiter != Delimiter::Comma;
                    let lines = (line_ends(&head, 0, start), line_ends(&head, 0, stop));
                    let first = FirstRecord { fields, start, end: stop, lines };
                    return Ok(Head::Record { first, delimiter, found });
                }
                if last {
                    return Ok(empty(&head));
                }
            }
            Scanned::Record { sound: false, start, .. } if of.is_header => {
                return Ok(Head::WrongQuote { line: 1 + line_ends(&head, 0, start) });
            }
            Scanned::Record { start, next, end: stop, .. } if next > stop || last => {
                let found = said.is_some() && delimiter != Delimiter::Comma;
                let first = first(&head, (start, next), &fields);
                return Ok(Head::Record { first, delimiter, found });
            }
            Scanned::WrongQuote { opens, .. } => return Ok(Head::WrongQuote { line: 1 + line_ends(&head, 0, opens) }),
            Scanned::OpenQuote(quote) if last => return Ok(Head::OpenQuote { line: 1 + line_ends(&head, 0, quote) }),
            _ if last => return Ok(empty(&head)),
            _ => {}
        }
    }
}

/// The first record by lenient quotes: its fields, where it begins and ends. None when it may go on behind the head.
fn lenient_first(
    head: &[u8],
    start: usize,
    delimiter: Delimiter,
    at_end: bool,
) -> Option<(Vec<Vec<u8>>, usize, usize)> {
    let blank = head[start..].iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
    let start = start + blank;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.byte())
        .from_reader(&head[start..]);
    let mut record = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut record).ok()? {
        return None;
    }
    let mut stop = start + usize::try_from(reader.position().byte()).ok()?;
    if stop >= head.len() && !at_end {
        return None;
    }
    // The crate may stop before the second half of a line end.
    while matches!(head.get(stop), Some(b'\n')) && head.get(stop - 1) == Some(&b'\r') {
        stop += 1;
    }
    Some((record.iter().map(<[u8]>::to_vec).collect(), start, stop))
}

fn empty(head: &[u8]) -> Head {
    Head::Empty { end: head.len(), lines: line_ends(head, 0, head.len()) }
}

fn first(head: &[u8], (start, end): (usize, usize), fields: &Fields) -> FirstRecord {
    FirstRecord {
        fields: fields.bounds.iter().map(|(from, to)| fields.text[*from..*to].to_vec()).collect(),
        start,
        end,
        lines: (line_ends(head, 0, start), line_ends(head, 0, end)),
    }
}

/// Where the line behind so many lines begins.
fn skip_lines(head: &[u8], lines: u64) -> Option<usize> {
    let mut at = 0;
    for _ in 0..lines {
        at += memchr2(b'\n', b'\r', &head[at..])?;
        at += if head[at..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    Some(at)
}

/// The delimiter that Excel's first line names (`sep=;`), and where the line after it begins.
fn separator(head: &[u8], start: usize, end: bool) -> (Option<Delimiter>, usize) {
    let rest = &head[start..];
    let line = memchr2(b'\n', b'\r', rest).unwrap_or(if end { rest.len() } else { 0 });
    let Some((name, said)) = rest[..line].split_at_checked(4) else { return (None, start) };
    let said = said.strip_suffix(b"\"").unwrap_or(said);
    if !name.eq_ignore_ascii_case(b"sep=") || said.len() != 1 {
        return (None, start);
    }
    match std::str::from_utf8(said).ok().and_then(|text| text.parse().ok()) {
        Some(delimiter) => (Some(delimiter), start + line),
        None => (None, start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excels_first_line_names_the_delimiter() {
        assert_eq!(separator(b"SEP=;\r\na;b", 0, false), (Some(Delimiter::Semicolon), 5));
        assert_eq!(separator(b"sep=\ta", 0, false), (None, 0));
        assert_eq!(separator(b"x\nsep=|\n", 2, false), (Some(Delimiter::Pipe), 7));
        assert_eq!(separator(b"sep,a\n", 0, false), (None, 0));
        assert_eq!(skip_lines(b"a\r\nb\rc\n", 2), Some(5));
        assert_eq!(skip_lines(b"a", 1), None);
    }
}
