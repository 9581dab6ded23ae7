//! A file as blocks, each cut at a true record end. Owns quote tracking across blocks; refuses to go on when the file
//! has changed.

use std::io;

use memchr::{memchr, memchr2, memchr3, memrchr2};

use super::records::line_ends;
use crate::error::{Error, Result};
use crate::input::InputFile;
use crate::input::text::Text;

/// Bytes of a block: large enough that passing it between threads costs little, small enough to stay near the caches.
pub const DEFAULT_BLOCK_SIZE: usize = 8 << 20;

/// Longest record that is held in memory, and so the longest field; beyond that a quote was surely never closed.
pub(super) const MAX_RECORD: usize = 256 << 20;

/// Reads one file block by block, as UTF-8.
pub struct BlockReader {
    text: Text,
    input: InputFile,
    block_size: usize,
    /// Bytes of the header that are still to be dropped.
    skip: u64,
    /// Offset in the text of `carry`'s first byte.
    offset: u64,
    /// The unfinished record at the end of the last block.
    carry: Vec<u8>,
    end: bool,
}

impl BlockReader {
    /// Starts after the file's header, whose bytes are part of the digest too. Fails if the file has changed since its
    /// header was read.
    pub fn open(input: &InputFile, block_size: usize) -> Result<Self> {
        let file = input.reopen()?;
        let text = Text::new(file, input.encoding).map_err(|e| Error::reading(&input.path, e))?;
        let skip = input.header.data_offset;
        Ok(Self { text, input: input.clone(), block_size, skip, offset: skip, carry: Vec::new(), end: false })
    }

    /// The next block, or none at the end. Blocks end where a record ends; only the last may lack a line end. The block
    /// is put into `spare`, an old block or an empty buffer: fresh memory for each would cost more than reading. Fails
    /// for a quote that is never closed and for a file that has changed.
    pub fn next_block(&mut self, spare: Vec<u8>) -> Result<Option<Vec<u8>>> {
        self.drop_header()?;
        let mut block = spare;
        block.clear();
        block.append(&mut self.carry);
        let mut target = self.block_size.max(1);
        loop {
            self.fill(&mut block, target)?;
            if block.is_empty() {
                return Ok(None);
            }
            let cut = cut(&block, self.input.header.delimiter.byte(), self.end);
            if self.end {
                return match cut.open_quote {
                    Some(quote) => Err(self.open_quote(&block, quote, "is never closed")),
                    None => Ok(Some(block)),
                };
            }
            if let Some(end) = cut.record_end {
                self.carry.extend_from_slice(&block[end..]);
                block.truncate(end);
                self.offset += end as u64;
                return Ok(Some(block));
            }
            if block.len() >= MAX_RECORD {
                return Err(self.too_long(&block, cut.open_quote));
            }
            target = (block.len() * 2).min(MAX_RECORD);
        }
    }

    /// XXH3-128 over all bytes of the file, once [`Self::next_block`] has returned none.
    pub fn digest(&self) -> String {
        self.text.digest()
    }

    fn drop_header(&mut self) -> Result<()> {
        let mut header = Vec::new();
        while self.skip > 0 {
            header.clear();
            let part = self.skip.min(self.block_size.max(1) as u64);
            let read = self.read(part, &mut header)?;
            if read == 0 {
                return Err(self.input.changed("it became shorter"));
            }
            // Transcoding may give more text than was asked for.
            let dropped = self.skip.min(read as u64);
            self.skip -= dropped;
            self.carry.extend_from_slice(&header[dropped as usize..]);
        }
        Ok(())
    }

    fn fill(&mut self, block: &mut Vec<u8>, target: usize) -> Result<()> {
        // A CR at the very end may be half of a CRLF: read on until that is known.
        while !self.end && (block.len() < target || block.last() == Some(&b'\r')) {
            let want = target.saturating_sub(block.len()).max(1);
            self.end = self.read(want as u64, block)? == 0;
        }
        if self.end { self.unchanged() } else { Ok(()) }
    }

    fn read(&mut self, want: u64, into: &mut Vec<u8>) -> Result<usize> {
        let read = self.text.read(want, into).map_err(|e| Error::reading(&self.input.path, e))?;
        // Not only at the end: a file that grows faster than it is read would have no end.
        if self.text.bytes() > self.input.bytes {
            self.unchanged()?;
        }
        Ok(read)
    }

    /// Of a changing file the change is reported, not the fault that the change caused.
    fn unchanged(&self) -> Result<()> {
        self.input.unchanged(self.text.file(), self.text.bytes())
    }

    fn too_long(&mut self, block: &[u8], open_quote: Option<usize>) -> Error {
        let limit = format!("{} MiB", MAX_RECORD >> 20);
        match open_quote {
            Some(quote) => self.open_quote(block, quote, &format!("is not closed within {limit}")),
            None => {
                let message = format!("a record is longer than {limit}: is it a CSV file?");
                self.at_line(block, 0, &message)
            }
        }
    }

    fn open_quote(&mut self, block: &[u8], quote: usize, how: &str) -> Error {
        self.at_line(
            block,
            quote,
            &format!("a quote opens here and {how}; close it, or write it twice if it is part of the text"),
        )
    }

    /// An error at a place in the block.
    fn at_line(&mut self, block: &[u8], at: usize, message: &str) -> Error {
        let line = match self.lines_before() {
            Ok(lines) => 1 + lines + line_ends(block, 0, at),
            Err(cause) => return Error::reading(&self.input.path, cause),
        };
        Error::input(&self.input.source, format!("`{}` line {line}: {message}", self.input.name))
    }

    /// Line ends before the current block. The file is read again, because this happens only once, before the run
    /// fails.
    fn lines_before(&mut self) -> io::Result<u64> {
        self.text.restart()?;
        let (mut rest, mut lines, mut part, mut after_cr) = (self.offset, 0, Vec::new(), false);
        while rest > 0 {
            part.clear();
            if self.text.read(rest.min(1 << 20), &mut part)? == 0 {
                break;
            }
            part.truncate(usize::try_from(rest).unwrap_or(usize::MAX));
            lines += line_ends(&part, 0, part.len());
            lines -= u64::from(after_cr && part[0] == b'\n');
            after_cr = part.last() == Some(&b'\r');
            rest -= part.len() as u64;
        }
        Ok(lines)
    }
}

/// Where a block can be cut.
#[derive(Debug, PartialEq, Eq)]
struct BlockCut {
    /// One past the last true record end.
    record_end: Option<usize>,
    /// The quote that is still open at the end.
    open_quote: Option<usize>,
}

/// Finds the last record end of a block that starts at a record's start. A quote opens a field only as its first byte.
fn cut(block: &[u8], delimiter: u8, end_of_file: bool) -> BlockCut {
    let terminator = |from: usize, to: usize| memrchr2(b'\n', b'\r', &block[from..to]).map(|i| from + i + 1);
    let mut record_end = None;
    let mut from = 0;
    let mut search = 0;
    while let Some(quote) = memchr(b'"', &block[search..]).map(|i| search + i) {
        if !opens_field(block, quote, delimiter) {
            search = quote + 1;
            continue;
        }
        record_end = terminator(from, quote).or(record_end);
        match closing_quote(block, quote + 1, end_of_file) {
            Some(close) => (from, search) = (close + 1, close + 1),
            None => return BlockCut { record_end, open_quote: Some(quote) },
        }
    }
    BlockCut { record_end: terminator(from, block.len()).or(record_end), open_quote: None }
}

/// Where the first record of a file ends, as far as the file was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The first record ends before this byte.
    At(usize),
    /// This quote is open at the end of what was read.
    OpenQuote(usize),
    /// Neither a record end nor an open quote.
    Unfinished,
}

/// Finds the end of the first record, after empty lines.
pub(super) fn first_record_end(text: &[u8], delimiter: u8, end_of_file: bool) -> Cut {
    let Some(start) = text.iter().position(|b| !matches!(b, b'\n' | b'\r')) else { return Cut::Unfinished };
    let mut search = start;
    while let Some(at) = memchr3(b'"', b'\n', b'\r', &text[search..]).map(|i| search + i) {
        search = at + 1;
        match (text[at], text.get(at + 1)) {
            (b'"', _) if at == start || text[at - 1] == delimiter => match closing_quote(text, at + 1, end_of_file) {
                Some(close) => search = close + 1,
                None => return Cut::OpenQuote(at),
            },
            (b'"', _) => {}
            (b'\r', Some(b'\n')) => return Cut::At(at + 2),
            (b'\r', None) if !end_of_file => return Cut::Unfinished,
            _ => return Cut::At(at + 1),
        }
    }
    if end_of_file { Cut::At(text.len()) } else { Cut::Unfinished }
}

fn opens_field(block: &[u8], quote: usize, delimiter: u8) -> bool {
    quote == 0 || matches!(block[quote - 1], b'\n' | b'\r') || block[quote - 1] == delimiter
}

/// The quote that closes a field; a doubled quote does not. A quote that ends an unfinished block may be half of a
/// doubled one.
fn closing_quote(block: &[u8], mut from: usize, end_of_file: bool) -> Option<usize> {
    loop {
        let quote = from + memchr(b'"', &block[from..])?;
        match block.get(quote + 1) {
            Some(b'"') => from = quote + 2,
            Some(_) => return Some(quote),
            None => return end_of_file.then_some(quote),
        }
    }
}

/// Whether a block needs the exact reader: it holds a quote, or a CR that is not followed by LF.
pub(super) fn is_plain(block: &[u8]) -> bool {
    let mut at = 0;
    while let Some(i) = memchr2(b'"', b'\r', &block[at..]) {
        if block[at + i] == b'"' || block.get(at + i + 1) != Some(&b'\n') {
            return false;
        }
        at += i + 2;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_cut_only_at_a_true_record_end() {
        let at = |text: &str| cut(text.as_bytes(), b',', false);
        assert_eq!(at("a,b\nc,d"), BlockCut { record_end: Some(4), open_quote: None });
        assert_eq!(at("a,\"b\nc\nd"), BlockCut { record_end: None, open_quote: Some(2) });
        assert_eq!(at("x\na,\"b\n\"\"c\",d\ne"), BlockCut { record_end: Some(14), open_quote: None });
        assert_eq!(at("x\na,5\" pipe\ny"), BlockCut { record_end: Some(12), open_quote: None });
        assert_eq!(at("x\n\"a\""), BlockCut { record_end: Some(2), open_quote: Some(2) });
        assert_eq!(at("a\rb"), BlockCut { record_end: Some(2), open_quote: None });
        let semicolon = cut(b"a,\"b\nc;\"d\n", b';', false);
        assert_eq!(semicolon, BlockCut { record_end: Some(5), open_quote: Some(7) });
    }

    #[test]
    fn the_first_record_ends_at_its_line_end_alone() {
        let at = |text: &str, end| first_record_end(text.as_bytes(), b',', end);
        assert_eq!(at("\r\n\na,b\r\nc", false), Cut::At(8));
        assert_eq!(at("a\rb", false), Cut::At(2));
        assert_eq!(at("a\r", false), Cut::Unfinished);
        assert_eq!(at("a\r", true), Cut::At(2));
        assert_eq!(at("\"a\nb\"\"\n\",5\"\nc", false), Cut::At(12));
        assert_eq!(at("a,\"b\n", true), Cut::OpenQuote(2));
        assert_eq!(at("a", false), Cut::Unfinished);
        assert_eq!(at("a", true), Cut::At(1));
        assert_eq!(at("\n\r", true), Cut::Unfinished);
    }

    #[test]
    fn plain_blocks_have_no_quote_and_no_lone_cr() {
        assert!(is_plain(b"a,b\r\nc\n"));
        assert!(!is_plain(b"a\rb\n"));
        assert!(!is_plain(b"a,\"\n"));
        assert!(!is_plain(b"a\r"));
    }
}
