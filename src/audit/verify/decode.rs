//! An input's bytes as UTF-8 for the verification, character by character with the standard library and one table. What
//! is not a character becomes the byte 0xFF, which no UTF-8 has. Never uses the run's own reader.

use std::io::{self, BufReader, Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, WINDOWS_1252};

use crate::spec::Encoding;

/// A file as UTF-8, after its byte-order marks.
pub(super) struct Decoded {
    raw: BufReader<Box<dyn Read>>,
    encoding: Encoding,
    marks: u64,
    /// The character of each byte in Windows-1252 or Latin-1.
    table: Vec<Option<char>>,
    /// Reads encodings that have neither a table nor units.
    other: Option<Decoder>,
    /// A unit that was read too early: the one after a high surrogate that has no other half.
    unit: Option<u16>,
    text: Vec<u8>,
    given: usize,
}

impl Decoded {
    pub fn new(mut raw: Box<dyn Read>, encoding: Encoding) -> io::Result<Self> {
        let mark: &[u8] = match encoding {
            Encoding::Utf8 => b"\xEF\xBB\xBF",
            Encoding::Utf16Le => b"\xFF\xFE",
            Encoding::Utf16Be => b"\xFE\xFF",
            Encoding::Windows1252 | Encoding::Latin1 | Encoding::Other(_) => b"",
        };
        let mut head = Vec::new();
        raw.as_mut().take(2 * mark.len() as u64).read_to_end(&mut head)?;
        let twice = [mark, mark].concat();
        let marks = [twice.as_slice(), mark].into_iter().find(|m| head.starts_with(m)).map_or(0, <[u8]>::len);
        let text = Cursor::new(head.split_off(marks)).chain(raw);
        let raw = BufReader::with_capacity(1 << 20, Box::new(text) as Box<dyn Read>);
        let table = (0..=u8::MAX).map(|byte| character(byte, encoding)).collect();
        let other = match encoding {
            Encoding::Other(other) => Some(other.new_decoder_without_bom_handling()),
            _ => None,
        };
        Ok(Self { raw, encoding, marks: marks as u64, table, other, unit: None, text: Vec::new(), given: 0 })
    }

    /// Bytes of the byte-order marks.
    pub fn marks(&self) -> u64 {
        self.marks
    }

    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        if self.other.is_some() {
            return self.fill_other();
        }
        while self.text.len() < 1 << 16 {
            match self.next()? {
                None => break,
                Some(Some(c)) => self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Some(None) => self.text.push(0xFF),
            }
        }
        Ok(())
    }

    /// Lets the decoder read on; it is asked no more after the file's end.
    fn fill_other(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.other else { return Ok(()) };
        let mut piece = Vec::new();
        let last = self.raw.by_ref().take(1 << 15).read_to_end(&mut piece)? < 1 << 15;
        let mut rest = piece.as_slice();
        loop {
            let mut part = [0; 1 << 12];
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut part, last);
            self.text.extend_from_slice(&part[..written]);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.text.push(0xFF),
            }
        }
        if last {
            self.other = None;
            self.encoding = Encoding::Latin1;
        }
        Ok(())
    }

    /// The next character, one that is none, or the end.
    fn next(&mut self) -> io::Result<Option<Option<char>>> {
        if !matches!(self.encoding, Encoding::Utf16Le | Encoding::Utf16Be) {
            return Ok(byte(&mut self.raw)?.map(|b| self.table[usize::from(b)]));
        }
        let Some(unit) = self.next_unit()? else { return Ok(None) };
        let Some(first) = unit else { return Ok(Some(None)) };
        if !(0xD800..0xDC00).contains(&first) {
            return Ok(Some(char::from_u32(first.into())));
        }
        match self.next_unit()? {
            Some(Some(second)) => {
                let pair = char::decode_utf16([first, second]).next().and_then(Result::ok);
                self.unit = if pair.is_none() { Some(second) } else { None };
                Ok(Some(pair))
            }
            // Half a unit after half a character counts as one invalid character.
            Some(None) | None => Ok(Some(None)),
        }
    }

    /// The next unit of UTF-16, `Some(None)` for half a unit, or the end.
    fn next_unit(&mut self) -> io::Result<Option<Option<u16>>> {
        if let Some(unit) = self.unit.take() {
            return Ok(Some(Some(unit)));
        }
        let Some(first) = byte(&mut self.raw)? else { return Ok(None) };
        Ok(Some(byte(&mut self.raw)?.map(|second| match self.encoding {
            Encoding::Utf16Be => u16::from_be_bytes([first, second]),
            _ => u16::from_le_bytes([first, second]),
        })))
    }
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.raw.read(into);
        }
        if self.given == self.text.len() {
            self.fill()?;
        }
        let given = (&self.text[self.given..]).read(into)?;
        self.given += given;
        Ok(given)
    }
}

/// A file's own bytes once more, from its start to its end.
pub(super) struct Again {
    bytes: Box<dyn Read>,
    at: u64,
}

impl Again {
    pub fn new(bytes: Box<dyn Read>) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether a record's bytes, as they stand in the file, are UTF-8: unquoted, two invalid halves could join.
    pub fn is_utf8(&mut self, start: u64, end: u64) -> io::Result<bool> {
        io::copy(&mut self.bytes.as_mut().take(start - self.at), &mut io::sink())?;
        let mut bytes = Vec::new();
        self.bytes.as_mut().take(end - start).read_to_end(&mut bytes)?;
        self.at = end;
        Ok(std::str::from_utf8(&bytes).is_ok())
    }
}

fn byte(raw: &mut BufReader<Box<dyn Read>>) -> io::Result<Option<u8>> {
    let mut one = [0];
    match raw.read_exact(&mut one) {
        Ok(()) => Ok(Some(one[0])),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

fn character(byte: u8, encoding: Encoding) -> Option<char> {
    match encoding {
        Encoding::Windows1252 => {
            let bytes = [byte];
            let first = WINDOWS_1252.decode_without_bom_handling(&bytes).0.chars().next();
            // The web's rules give undefined bytes the control character with their number.
            first.filter(|c| byte < 0x80 || !c.is_control())
        }
        _ => Some(char::from(byte)),
    }
}
