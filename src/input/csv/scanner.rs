//! Records by strict rules: a quote that opens a field closes before a delimiter, a line end or the end of the file. Owns
//! what is a fault of one line and what is a fault of the file; gives fields their content.

use memchr::{memchr, memchr2, memchr3, memmem};

use super::dialect::Dialect;

/// Bytes of the byte-order marks at the start of a record, where they are no data: files that were put together have them.
pub(super) fn marks(record: &[u8]) -> usize {
    record.chunks(3).take_while(|part| *part == b"\xEF\xBB\xBF").count() * 3
}

/// What stands at a place in a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// A record from `start` to `end`, line end excluded; the next one begins at `next`. `sound` is false when a quote in it
    /// is wrong, and shows that on its own physical line.
    Record { start: usize, end: usize, next: usize, sound: bool },
    /// There is no more record, or only the beginning of one, from here on.
    Unfinished { start: usize },
    /// The quote at the first place is open at the end of the block.
    OpenQuote(usize),
    /// The quote at the first place is closed at the second, on a later line, and what follows is neither delimiter nor
    /// line end: which lines are records nobody can tell.
    WrongQuote { opens: usize, closes: usize },
}

/// The content of a record's fields, one after the other.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub text: Vec<u8>,
    /// Start and end of each field in `text`.
    pub bounds: Vec<(usize, usize)>,
    /// Whether a field begins with spaces and a quote, which are data.
    pub spaced: bool,
}

/// Reads a block of whole records, or the start of a file.
pub(super) struct Scanner<'a> {
    block: &'a [u8],
    dialect: &'a Dialect,
    /// Whether the block ends where the file does.
    at_end: bool,
}

/// How a field ends.
enum FieldEnd {
    Delimiter(usize),
    Line(usize),
    Unfinished,
    /// Something follows a closing quote.
    Stray(usize),
    OpenQuote,
}

impl<'a> Scanner<'a> {
    pub fn new(block: &'a [u8], dialect: &'a Dialect, at_end: bool) -> Self {
        Self { block, dialect, at_end }
    }

    /// The record at or after `from`, which must be where a line begins. Its fields are put into `fields`.
    pub fn record(&self, from: usize, fields: &mut Fields) -> Scanned {
        let start = match self.begins(from) {
            Ok(start) => start,
            Err(start) => return Scanned::Unfinished { start },
        };
        fields.text.clear();
        fields.bounds.clear();
        fields.spaced = false;
        let mut at = start + marks(&self.block[start..]);
        loop {
            let (opens, content) = (self.opens(at), fields.text.len());
            fields.spaced |= opens.is_none() && self.is_spaced(at);
            let end = match opens {
                Some(quote) => self.quoted(quote + 1, &mut fields.text),
                None => self.unquoted(at, &mut fields.text),
            };
            fields.bounds.push((content, fields.text.len()));
            match end {
                FieldEnd::Delimiter(delimiter) => at = delimiter + 1,
                FieldEnd::Line(end) => return self.ended(start, end, true),
                FieldEnd::Unfinished => return Scanned::Unfinished { start },
                FieldEnd::OpenQuote => return Scanned::OpenQuote(opens.unwrap_or(at)),
                FieldEnd::Stray(closes) => return self.stray(start, opens.unwrap_or(at), closes),
            }
        }
    }

    /// Where the next record begins: behind empty lines and comments. If there is none, where what may go on begins.
    fn begins(&self, mut at: usize) -> Result<usize, usize> {
        loop {
            let skipped = self.block[at..].iter().position(|b| !matches!(b, b'\n' | b'\r'));
            at += skipped.ok_or(self.block.len())?;
            let comment = &self.dialect.comment;
            if comment.is_empty() || !self.block[at + marks(&self.block[at..])..].starts_with(comment) {
                return Ok(at);
            }
            at = self.line_end(at).ok_or(at)?;
        }
    }

    /// A record whose last byte is before `end`, where a line end or the block's end is.
    fn ended(&self, start: usize, end: usize, sound: bool) -> Scanned {
        let next = match &self.block[end..] {
            [b'\r', b'\n', ..] => end + 2,
            [] => end,
            // A CR at the very end may be half of a CRLF.
            [b'\r'] if !self.at_end => return Scanned::Unfinished { start },
            _ => end + 1,
        };
        Scanned::Record { start, end, next, sound }
    }

    /// What a byte behind a closing quote means.
    fn stray(&self, start: usize, opens: usize, closes: usize) -> Scanned {
        if memchr2(b'\n', b'\r', &self.block[opens..closes]).is_some() {
            return Scanned::WrongQuote { opens, closes };
        }
        match self.line_end(closes) {
            Some(end) => self.ended(start, end, false),
            None if self.at_end => self.ended(start, self.block.len(), false),
            None => Scanned::Unfinished { start },
        }
    }

    /// The next line end.
    fn line_end(&self, from: usize) -> Option<usize> {
        memchr2(b'\n', b'\r', &self.block[from..]).map(|i| from + i)
    }

    /// The quote that opens the field at `at`, if one does.
    fn opens(&self, at: usize) -> Option<usize> {
        let quotes = self.dialect.quotes;
        let skip = if quotes.space_around { self.spaces(at) } else { 0 };
        (quotes.quote && self.block.get(at + skip) == Some(&b'"')).then_some(at + skip)
    }

    /// Whether spaces and then a quote stand here, though quotes count.
    fn is_spaced(&self, at: usize) -> bool {
        let begins = self.dialect.quotes.quote && self.block.get(at) == Some(&b' ');
        begins && self.block.get(at + self.spaces(at)) == Some(&b'"')
    }

    fn spaces(&self, at: usize) -> usize {
        self.block[at.min(self.block.len())..].iter().take_while(|b| **b == b' ').count()
    }

    fn unquoted(&self, from: usize, text: &mut Vec<u8>) -> FieldEnd {
        let delimiter = self.dialect.delimiter.byte();
        let start = text.len();
        let mut at = from;
        loop {
            let found = match self.dialect.quotes.backslash {
                false => memchr3(delimiter, b'\n', b'\r', &self.block[at..]),
                true => self.block[at..].iter().position(|b| *b == delimiter || matches!(b, b'\n' | b'\r' | b'\\')),
            };
            let Some(found) = found.map(|i| at + i) else {
                text.extend_from_slice(&self.block[at..]);
                return if self.at_end {
                    self.unquoted_end(start, text, self.block.len())
                } else {
                    FieldEnd::Unfinished
                };
            };
            text.extend_from_slice(&self.block[at..found]);
            match self.block[found] {
                b'\\' if self.dialect.quotes.backslash => match self.escaped(found, text) {
                    Some(next) => at = next,
                    None => return FieldEnd::Unfinished,
                },
                byte if byte == delimiter => {
                    self.null(start, text);
                    return FieldEnd::Delimiter(found);
                }
                _ => return self.unquoted_end(start, text, found),
            }
        }
    }

    fn unquoted_end(&self, start: usize, text: &mut Vec<u8>, end: usize) -> FieldEnd {
        self.null(start, text);
        FieldEnd::Line(end)
    }

    /// `\N` alone is null, where a backslash escapes. It stands as itself until the field ends, as `\N` in a text is no null.
    fn null(&self, start: usize, text: &mut Vec<u8>) {
        if !self.dialect.quotes.backslash {
            return;
        }
        if text[start..] == *NULL_MARK {
            text.truncate(start);
        }
        self.plain_n(start, text);
    }

    /// An escaped `N` that is not alone is an `N`.
    fn plain_n(&self, start: usize, text: &mut Vec<u8>) {
        // Only a backslash makes a mark; elsewhere the byte is the file's.
        while self.dialect.quotes.backslash
            && let Some(mark) = memmem::find(&text[start..], NULL_MARK)
        {
            text.remove(start + mark);
        }
    }

    /// Takes what a backslash escapes; gives where to go on, or none at the block's end.
    fn escaped(&self, backslash: usize, text: &mut Vec<u8>) -> Option<usize> {
        let Some(byte) = self.block.get(backslash + 1) else {
            if self.at_end {
                text.push(b'\\');
                return Some(backslash + 1);
            }
            return None;
        };
        // CRLF is one line end.
        match (byte, self.block.get(backslash + 2)) {
            (b'\r', Some(b'\n')) => {
                text.extend_from_slice(b"\r\n");
                return Some(backslash + 3);
            }
            (b'\r', None) if !self.at_end => return None,
            _ => {}
        }
        match byte {
            b't' => text.push(b'\t'),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b'N' => text.extend_from_slice(NULL_MARK),
            other => text.push(*other),
        }
        Some(backslash + 2)
    }

    fn quoted(&self, from: usize, text: &mut Vec<u8>) -> FieldEnd {
        let start = text.len();
        let end = self.quoted_to_its_end(from, text);
        self.plain_n(start, text);
        end
    }

    fn quoted_to_its_end(&self, from: usize, text: &mut Vec<u8>) -> FieldEnd {
        let mut at = from;
        loop {
            let found = match self.dialect.quotes.backslash {
                false => memchr(b'"', &self.block[at..]),
                true => memchr2(b'"', b'\\', &self.block[at..]),
            };
            let Some(found) = found.map(|i| at + i) else { return FieldEnd::OpenQuote };
            text.extend_from_slice(&self.block[at..found]);
            if self.block[found] == b'\\' {
                match self.escaped(found, text) {
                    Some(next) => at = next,
                    None => return FieldEnd::OpenQuote,
                }
                continue;
            }
            let behind = found + 1;
            if self.block.get(behind) == Some(&b'"') {
                text.push(b'"');
                at = behind + 1;
                continue;
            }
            let skip = if self.dialect.quotes.space_around { self.spaces(behind) } else { 0 };
            return match self.block.get(behind + skip) {
                None if self.at_end => FieldEnd::Line(self.block.len()),
                // The quote may be doubled by the next block's first byte.
                None => FieldEnd::OpenQuote,
                Some(b'\n' | b'\r') => FieldEnd::Line(behind + skip),
                Some(byte) if *byte == self.dialect.delimiter.byte() => FieldEnd::Delimiter(behind + skip),
                Some(_) => FieldEnd::Stray(behind),
            };
        }
    }
}

/// What an escaped `N` is while its field is read: a byte that no UTF-8 has, so that no text can look like it.
const NULL_MARK: &[u8] = b"\xFFN";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Delimiter;
    use crate::spec::form::Quotes;

    /// Records as fields, `!` before what is not sound; the fault that ends them, if one does.
    fn scan(text: &str, quotes: Quotes) -> (Vec<String>, Option<Scanned>) {
        let dialect = Dialect { delimiter: Delimiter::Comma, quotes, comment: b"#".to_vec() };
        let scanner = Scanner::new(text.as_bytes(), &dialect, true);
        let (mut at, mut fields, mut records) = (0, Fields::default(), Vec::new());
        loop {
            match scanner.record(at, &mut fields) {
                Scanned::Record { next, sound, .. } => {
                    let texts = fields.bounds.iter().map(|(a, b)| String::from_utf8_lossy(&fields.text[*a..*b]));
                    let mark = if sound { "" } else { "!" };
                    records.push(format!("{mark}{}", texts.collect::<Vec<_>>().join("|")));
                    at = next;
                }
                Scanned::Unfinished { .. } => return (records, None),
                fault => return (records, Some(fault)),
            }
        }
    }

    #[test]
    fn a_wrong_quote_costs_its_line_when_it_shows_there() {
        let strict = |text: &str| scan(text, Quotes::STRICT);
        assert_eq!(strict("a,\"b\"\n\"x\"\"y\",5\" z\r\n").0, ["a|b", "x\"y|5\" z"]);
        assert_eq!(strict("a,\"b\" c,d\ne,f").0, ["!a|b", "e|f"]);
        let spans = strict("1,\"Big Joe,Rome\n2,Ann\n3,\"Al\",Oslo\n");
        assert!(matches!(spans.1, Some(Scanned::WrongQuote { opens: 2, .. })), "{spans:?}");
        assert_eq!(strict("a,\"b\n").1, Some(Scanned::OpenQuote(2)));
        assert_eq!(strict("# x \" y\n\na,b").0, ["a|b"]);
        assert_eq!(strict("\u{feff}a,b\n\u{feff}\"c\",d").0, ["a|b", "c|d"]);
        assert_eq!(strict("a,\"b\"").0, ["a|b"]);
    }

    #[test]
    fn backslashes_spaces_and_no_quotes() {
        let backslash = Quotes { backslash: true, ..Quotes::STRICT };
        assert_eq!(scan("\"a \\\"b\\\"\",c\\,d,\\N,\\\\N\n", backslash).0, ["a \"b\"|c,d||\\N"]);
        assert_eq!(scan("x\\\ny,\\t", Quotes { quote: false, ..backslash }).0, ["x\ny|\t"]);
        assert_eq!(scan("a, \"b,c\" ,d", Quotes { space_around: true, ..Quotes::STRICT }).0, ["a|b,c|d"]);
        assert_eq!(scan("a,\"b\nc", Quotes { quote: false, ..Quotes::STRICT }).0, ["a|\"b", "c"]);
    }
}
