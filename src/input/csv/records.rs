//! A block as records: those of the `csv` crate with `flexible(true)`, but for what strict quotes reject. Owns line numbers;
//! knows no columns.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::memchr2_iter;

use super::dialect::Dialect;
use super::scan::positions;
use super::scanner::{Fields, Scanned, Scanner, marks};
use crate::input::record::Record;
use crate::input::rejects::Reason;

/// Calls `visit` for every record of a block; gives the number of physical lines in it.
pub fn read_records(block: &[u8], dialect: &Dialect, visit: impl FnMut(Record<'_>)) -> u64 {
    match dialect {
        _ if dialect.is_plain(block) => read_plain(block, dialect, visit),
        _ if dialect.quotes.lenient => read_lenient(block, dialect.delimiter.byte(), visit),
        _ => read_strict(block, dialect, visit),
    }
}

/// Line ends in `block[from..to]`, inside quotes too: LF, CRLF and lone CR are one each.
pub fn line_ends(block: &[u8], from: usize, to: usize) -> u64 {
    let ends = memchr2_iter(b'\n', b'\r', &block[from..to]).map(|i| from + i);
    ends.filter(|&i| block[i] == b'\r' || i == 0 || block[i - 1] != b'\r').count() as u64
}

/// Without quotes and lone CRs every delimiter ends a field and every LF a record.
fn read_plain(block: &[u8], dialect: &Dialect, mut visit: impl FnMut(Record<'_>)) -> u64 {
    let whole = std::str::from_utf8(block).ok();
    let (delimiter, lenient) = (dialect.delimiter.byte(), dialect.quotes.lenient);
    let mut bounds: Vec<(usize, usize)> = Vec::new();
    let (mut record, mut field, mut line) = (0, 0, 0);
    let mut finish = |bounds: &mut Vec<(usize, usize)>, record: usize, field: usize, end: usize, line: u64| {
        let stop = if block[record..end].ends_with(b"\r") { end - 1 } else { end };
        if stop > record {
            bounds.push((field, stop));
            // A byte-order mark is no part of a record, even in the middle of a file.
            if block[record] == 0xEF && !lenient {
                bounds[0].0 += marks(&block[record..bounds[0].1]);
            }
            let raw = &block[record..stop];
            let text = whole.or_else(|| {
                bounds.iter_mut().for_each(|b| *b = (b.0 - record, b.1 - record));
                std::str::from_utf8(raw).ok()
            });
            visit(Record { line, raw, text, bounds, typed: &[], is_cells: false, is_spaced: false, fault: None });
        }
        bounds.clear();
    };
    positions(block, [delimiter, b'\n'], |at| {
        if block[at] == delimiter {
            bounds.push((field, at));
        } else {
            finish(&mut bounds, record, field, at, line);
            (record, line) = (at + 1, line + 1);
        }
        field = at + 1;
    });
    if record < block.len() {
        finish(&mut bounds, record, field, block.len(), line);
    }
    line
}

/// Any block, by strict quotes.
fn read_strict(block: &[u8], dialect: &Dialect, mut visit: impl FnMut(Record<'_>)) -> u64 {
    let scanner = Scanner::new(block, dialect, true);
    let (mut at, mut fields, mut counted, mut line) = (0, Fields::default(), 0, 0);
    // A block was cut where all its records are whole.
    while let Scanned::Record { start, end, next, sound } = scanner.record(at, &mut fields) {
        line += line_ends(block, counted, start);
        (counted, at) = (start, next);
        let raw = &block[start..end];
        // Without its quotes two invalid halves could become valid UTF-8: the bytes of the file decide.
        let text = std::str::from_utf8(raw).ok().and_then(|_| std::str::from_utf8(&fields.text).ok());
        let fault = (!sound).then_some(Reason::Quote);
        visit(Record {
            line,
            raw,
            text,
            bounds: &fields.bounds,
            typed: &[],
            is_cells: false,
            is_spaced: fields.spaced,
            fault,
        });
    }
    line + line_ends(block, counted, block.len())
}

/// Any block, by lenient quotes, through csv-core.
fn read_lenient(block: &[u8], delimiter: u8, mut visit: impl FnMut(Record<'_>)) -> u64 {
    let mut exact = Exact::new(block, delimiter);
    let (mut counted, mut line) = (0, 0);
    while let Some((start, end)) = exact.next() {
        line += line_ends(block, counted, start);
        counted = start;
        let raw = block[start..end].trim_suffix_line_end();
        // Without its quotes two invalid halves could become valid UTF-8: the bytes of the file decide.
        let valid = std::str::from_utf8(raw).is_ok();
        let bounds = exact.bounds();
        let content = bounds.last().map_or(0, |b| b.1);
        let text = if valid { std::str::from_utf8(&exact.output[..content]).ok() } else { None };
        visit(Record { line, raw, text, bounds: &bounds, typed: &[], is_cells: false, is_spaced: false, fault: None });
    }
    line + line_ends(block, counted, block.len())
}

/// csv-core over one block.
struct Exact<'a> {
    block: &'a [u8],
    reader: Reader,
    at: usize,
    output: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl<'a> Exact<'a> {
    fn new(block: &'a [u8], delimiter: u8) -> Self {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
        // A new reader would drop a byte-order mark, which only a file's first bytes can be: let it see a line first.
        reader.read_record(b"\n", &mut [0; 1], &mut [0; 1]);
        Self { block, reader, at: 0, output: vec![0; block.len() + 1], ends: vec![0; 64], fields: 0 }
    }

    /// Reads a record: start and end of its bytes, including as much of the line end as the reader took.
    fn next(&mut self) -> Option<(usize, usize)> {
        while matches!(self.block.get(self.at), Some(b'\n' | b'\r')) {
            self.at += 1;
        }
        let start = self.at;
        let (mut written, mut ended) = (0, 0);
        loop {
            let input = &self.block[self.at..];
            let (result, read, wrote, fields) =
                self.reader.read_record(input, &mut self.output[written..], &mut self.ends[ended..]);
            self.at += read;
            written += wrote;
            ended += fields;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    self.fields = ended;
                    return Some((start, self.at));
                }
                ReadRecordResult::End => return None,
            }
        }
    }

    fn bounds(&self) -> Vec<(usize, usize)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied()).take(self.fields).collect()
    }
}

/// A record's bytes without its line end.
trait TrimLineEnd {
    fn trim_suffix_line_end(&self) -> &[u8];
}

impl TrimLineEnd for [u8] {
    fn trim_suffix_line_end(&self) -> &[u8] {
        let line = self.strip_suffix(b"\n").unwrap_or(self);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Delimiter;
    use crate::spec::form::Quotes;

    fn lenient() -> Dialect {
        Dialect { quotes: Quotes { lenient: true, ..Quotes::STRICT }, ..Dialect::of(Delimiter::Comma) }
    }

    fn records(text: &[u8]) -> Vec<(u64, Vec<String>)> {
        let mut all = Vec::new();
        read_records(text, &lenient(), |r| {
            let fields = (0..r.width()).map(|i| r.field(i).unwrap_or("INVALID").to_owned()).collect();
            all.push((r.line, fields));
        });
        all
    }

    fn want(rows: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
        rows.iter().map(|(line, fields)| (*line, fields.iter().map(ToString::to_string).collect())).collect()
    }

    #[test]
    fn plain_and_exact_agree_on_lines_and_fields() {
        assert_eq!(records(b"a,b\n\nc,\r\n d"), want(&[(0, &["a", "b"]), (2, &["c", ""]), (3, &[" d"])]));
        assert_eq!(records(b"a,\"b\n\"\"x\"\n\rc"), want(&[(0, &["a", "b\n\"x"]), (3, &["c"])]));
        assert_eq!(records(b"5\" pipe,\"q\"r\rz"), want(&[(0, &["5\" pipe", "qr"]), (1, &["z"])]));
    }

    #[test]
    fn a_mark_at_a_records_start_is_no_data() {
        assert_eq!(records("\u{feff}a\n".as_bytes()), want(&[(0, &["\u{feff}a"])]), "but for lenient quotes");
        let mut seen = Vec::new();
        for text in ["a,b\n\u{feff}c,\u{feff}d\n", "a,\"b\"\n\u{feff}\"c\",\u{feff}d\n"] {
            read_records(text.as_bytes(), &Dialect::of(Delimiter::Comma), |r| seen.push(r.field(0).map(str::to_owned)));
        }
        assert_eq!(seen, ["a", "c", "a", "c"].map(|field| Some(field.to_owned())));
    }

    #[test]
    fn invalid_halves_do_not_join() {
        assert_eq!(records(b"\"\xC3\"\"\xA9\"\nok\n"), want(&[(0, &["INVALID"]), (1, &["ok"])]));
        assert_eq!(records(b"\xFF,a\nb,c\n"), want(&[(0, &["INVALID", "INVALID"]), (1, &["b", "c"])]));
    }
}
