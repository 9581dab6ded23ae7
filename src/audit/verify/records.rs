//! The records of an input, one byte after the other by the documented rules of quotes: slow, simple, and not the reader
//! of a run. Lenient files are read with the `csv` crate. Owns nothing but this; columns are `customers`' matter.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::decode::{Again, Decoded};
use super::unpacked::Packed;
use crate::spec::form::Quotes;
use crate::spec::{Delimiter, Encoding, Source};

/// A record.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub fields: Vec<Vec<u8>>,
    /// Its bytes as they stand in the file.
    pub line: Vec<u8>,
    /// Whether its bytes are text.
    pub valid: bool,
    /// Whether it can be read as a record.
    pub sound: bool,
    /// Which fields are values of a type already; empty when none is.
    pub typed: Vec<bool>,
}

/// The records of a file, its header among them.
pub(super) enum Records {
    Strict(Box<Strict>),
    Lenient { reader: Box<Reader<Box<dyn Read>>>, raw: Again, marks: u64, encoding: Encoding },
}

impl Records {
    pub fn open(file: &Packed<'_>, source: &Source, encoding: Encoding, delimiter: Delimiter) -> io::Result<Self> {
        let text = Decoded::new(file.bytes()?, encoding)?;
        let marks = text.marks();
        let mut strict = Strict {
            text: BufReader::with_capacity(1 << 20, text),
            delimiter: delimiter.byte(),
            quotes: source.form.quotes,
            comment: source.form.comment.clone().unwrap_or_default().into_bytes(),
            line: Vec::new(),
            terminator: Vec::new(),
            waits: false,
        };
        let mut skipped = marks;
        for _ in 0..source.form.skip_lines {
            strict.read_line()?;
            skipped += strict.length();
        }
        strict.waits = strict.read_line()? && !strict.is_separator();
        if !source.form.quotes.lenient {
            return Ok(Self::Strict(Box::new(strict)));
        }
        // The line that was read to see whether it names the delimiter is the first of the records.
        let first = if strict.waits { [&*strict.line, &*strict.terminator].concat() } else { Vec::new() };
        skipped += strict.length() - first.len() as u64;
        let mut options = ReaderBuilder::new();
        options.flexible(true).has_headers(false).delimiter(delimiter.byte()).terminator(Terminator::CRLF);
        let text: Box<dyn Read> = Box::new(Cursor::new(first).chain(strict.text));
        let reader = Box::new(options.buffer_capacity(1 << 20).from_reader(text));
        Ok(Self::Lenient { reader, raw: Again::new(file.bytes()?), marks: skipped, encoding })
    }

    /// Reads the next record; false at the end.
    pub fn next(&mut self, row: &mut Row) -> io::Result<bool> {
        match self {
            Self::Strict(strict) => strict.next(row),
            Self::Lenient { reader, raw, marks, encoding } => {
                let (mut record, start) = (ByteRecord::new(), *marks + reader.position().byte());
                if !reader.read_byte_record(&mut record).map_err(io::Error::other)? {
                    return Ok(false);
                }
                row.fields = record.iter().map(<[u8]>::to_vec).collect();
                row.line = record.get(0).unwrap_or_default().to_vec();
                row.sound = true;
                row.valid = record.as_slice().is_ascii()
                    || match encoding {
                        Encoding::Utf8 => raw.is_utf8(start, *marks + reader.position().byte())?,
                        // What was no character is one byte that joins with nothing.
                        _ => std::str::from_utf8(record.as_slice()).is_ok(),
                    };
                Ok(true)
            }
        }
    }
}

/// A line without the byte-order marks before it.
pub(super) fn unmarked(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(b"\xEF\xBB\xBF") {
        line = rest;
    }
    line
}

/// A reader by strict quotes.
pub(super) struct Strict {
    text: BufReader<Decoded>,
    delimiter: u8,
    quotes: Quotes,
    comment: Vec<u8>,
    /// The physical line at hand, and what ended it.
    line: Vec<u8>,
    terminator: Vec<u8>,
    /// Whether it was read but not yet used.
    waits: bool,
}

/// Where in a field the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// Behind a quote that may close the field or be the first of two.
    Quote,
    /// Behind a closed field.
    Behind,
    /// In a line that is not sound.
    Wrong,
}

impl Strict {
    fn next(&mut self, row: &mut Row) -> io::Result<bool> {
        loop {
            if !std::mem::take(&mut self.waits) && !self.read_line()? {
                return Ok(false);
            }
            let is_comment = !self.comment.is_empty() && unmarked(&self.line).starts_with(&self.comment);
            if !self.line.is_empty() && !is_comment {
                break;
            }
        }
        row.line.clone_from(&self.line);
        let mut raw_is_valid = true;
        let mut record = Record { at: At::Start, field: Vec::new(), null: false, escaped: false, fields: Vec::new() };
        self.line.drain(..self.line.len() - unmarked(&self.line).len());
        loop {
            raw_is_valid &= std::str::from_utf8(&self.line).is_ok();
            self.line.iter().for_each(|byte| record.take(*byte, self.delimiter, self.quotes));
            let goes_on = record.at == At::Quoted || record.escaped;
            if !goes_on || self.terminator.is_empty() {
                break;
            }
            let ends = std::mem::take(&mut self.terminator);
            ends.iter().for_each(|byte| record.take(*byte, self.delimiter, self.quotes));
            if !self.read_line()? {
                break;
            }
            row.line.extend_from_slice(&ends);
            row.line.extend_from_slice(&self.line);
        }
        // Behind the last backslash of a file there is nothing to escape.
        if record.escaped {
            record.take_escaped(b'\\');
        }
        if record.at == At::Quoted {
            return Err(io::Error::other("a quote is never closed"));
        }
        row.sound = record.at != At::Wrong;
        record.end_field();
        row.fields = record.fields;
        row.valid = raw_is_valid && row.fields.iter().all(|field| std::str::from_utf8(field).is_ok());
        Ok(true)
    }

    /// Bytes of the line and what ended it.
    fn length(&self) -> u64 {
        (self.line.len() + self.terminator.len()) as u64
    }

    /// Whether the line names the delimiter, as Excel's first line can.
    fn is_separator(&self) -> bool {
        let line = self.line.strip_suffix(b"\"").unwrap_or(&self.line);
        let said = line.get(4..).and_then(|said| std::str::from_utf8(said).ok());
        let is_delimiter = said.is_some_and(|said| said.len() == 1 && said.parse::<Delimiter>().is_ok());
        is_delimiter && line[..4].eq_ignore_ascii_case(b"sep=")
    }

    /// Reads a physical line: LF, CRLF and lone CR end one. False at the end.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.terminator.clear();
        loop {
            let buffer = self.text.fill_buf()?;
            let Some(&first) = buffer.first() else { return Ok(!self.line.is_empty() || !self.terminator.is_empty()) };
            if self.terminator == b"\r" {
                if first == b'\n' {
                    self.terminator.push(first);
                    self.text.consume(1);
                }
                return Ok(true);
            }
            let end = buffer.iter().position(|b| matches!(b, b'\n' | b'\r'));
            self.line.extend_from_slice(&buffer[..end.unwrap_or(buffer.len())]);
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.terminator.extend(end.map(|end| buffer[end]));
            self.text.consume(used);
            if self.terminator == b"\n" {
                return Ok(true);
            }
        }
    }
}

/// A record that is being read.
struct Record {
    at: At,
    field: Vec<u8>,
    /// Whether the field is `\N` so far.
    null: bool,
    /// Whether the byte before was a backslash that escapes.
    escaped: bool,
    fields: Vec<Vec<u8>>,
}

impl Record {
    fn take(&mut self, byte: u8, delimiter: u8, quotes: Quotes) {
        if std::mem::take(&mut self.escaped) {
            self.take_escaped(byte);
            return;
        }
        let opens = quotes.quote && byte == b'"';
        match self.at {
            At::Start | At::Plain if quotes.backslash && byte == b'\\' => self.escaped = true,
            At::Quoted if quotes.backslash && byte == b'\\' => self.escaped = true,
            At::Start if opens => {
                self.field.clear();
                self.at = At::Quoted;
            }
            At::Start if quotes.space_around && byte == b' ' => self.field.push(byte),
            At::Quoted if byte == b'"' => self.at = At::Quote,
            At::Quote if byte == b'"' => self.push(byte, At::Quoted),
            At::Start | At::Plain | At::Quote | At::Behind if byte == delimiter => self.end_field(),
            At::Quote | At::Behind if quotes.space_around && byte == b' ' => self.at = At::Behind,
            At::Quote | At::Behind => self.at = At::Wrong,
            At::Start | At::Plain => self.push(byte, At::Plain),
            At::Quoted => self.push(byte, At::Quoted),
            At::Wrong => {}
        }
    }

    fn take_escaped(&mut self, byte: u8) {
        let next = if self.at == At::Start { At::Plain } else { self.at };
        let was_empty = self.field.is_empty();
        let meant = match byte {
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            other => other,
        };
        self.push(meant, next);
        self.null = was_empty && byte == b'N' && next == At::Plain;
    }

    fn push(&mut self, byte: u8, next: At) {
        self.field.push(byte);
        (self.null, self.at) = (false, next);
    }

    fn end_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        self.fields.push(if std::mem::take(&mut self.null) { Vec::new() } else { field });
        self.at = At::Start;
    }
}
