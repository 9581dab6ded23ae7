//! A file as blocks, each cut at a true record end. Owns quote tracking across blocks and the file's digest.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use memchr::{memchr, memchr2, memrchr2};
use xxhash_rust::xxh3::Xxh3;

use super::digest::text;
use super::records::line_ends;
use crate::error::{Error, Result};

/// Bytes read at a time: large enough to amortise a hand-over between threads, small enough to stay near the caches.
pub const DEFAULT_BLOCK_SIZE: usize = 8 << 20;

/// Longest record that is held in memory; past it a quote was surely never closed.
const MAX_RECORD: usize = 1 << 30;

/// Reads one file block by block.
pub struct BlockReader {
    file: File,
    path: PathBuf,
    name: String,
    source: String,
    block_size: usize,
    /// Bytes still to be hashed and dropped: the header.
    skip: u64,
    /// Offset in the file of `carry`'s first byte.
    offset: u64,
    /// The begun record that the last block left over.
    carry: Vec<u8>,
    hasher: Xxh3,
    end: bool,
}

impl BlockReader {
    /// Starts at `skip` bytes into the file; those bytes count for the digest all the same.
    pub fn new(file: File, path: PathBuf, name: String, source: &str, block_size: usize, skip: u64) -> Self {
        let source = source.to_owned();
        Self {
            file,
            path,
            name,
            source,
            block_size,
            skip,
            offset: skip,
            carry: Vec::new(),
            hasher: Xxh3::new(),
            end: false,
        }
    }

    /// The next block, or none at the end. Blocks end where a record ends; only the last may lack a line end.
    /// The block is put into `spare`, an old block or an empty buffer: fresh memory for each would cost more than reading.
    ///
    /// # Errors
    /// I/O, and a quote that is never closed.
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
            // A byte-order mark is no part of the first field: a quote behind it opens one.
            let mark = if self.offset == 0 && block.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            let Cut { record_end, open_quote } = cut(&block[mark..], self.end);
            let cut = Cut { record_end: record_end.map(|i| i + mark), open_quote: open_quote.map(|i| i + mark) };
            if self.end {
                return match cut.open_quote {
                    Some(quote) => Err(self.never_closed(&block, quote)),
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
                return Err(self.never_closed(&block, cut.open_quote.unwrap_or(0)));
            }
            target = block.len() * 2;
        }
    }

    /// XXH3-128 over all bytes of the file, once [`Self::next_block`] has returned none.
    pub fn digest(&self) -> String {
        text(&self.hasher)
    }

    fn drop_header(&mut self) -> Result<()> {
        let mut header = Vec::new();
        while self.skip > 0 {
            header.clear();
            let part = self.skip.min(self.block_size as u64);
            let read = self.read(part, &mut header)?;
            if read == 0 {
                return Err(Error::input(&self.source, format!("`{}` became shorter while it was read", self.name)));
            }
            self.skip -= read as u64;
        }
        Ok(())
    }

    fn fill(&mut self, block: &mut Vec<u8>, target: usize) -> Result<()> {
        // A CR at the very end may be half of a CRLF: read on until that is known.
        while !self.end && (block.len() < target || block.last() == Some(&b'\r')) {
            let want = target.saturating_sub(block.len()).max(1);
            self.end = self.read(want as u64, block)? == 0;
        }
        Ok(())
    }

    fn read(&mut self, want: u64, into: &mut Vec<u8>) -> Result<usize> {
        let start = into.len();
        into.reserve_exact(usize::try_from(want).unwrap_or(0));
        let read =
            Read::by_ref(&mut self.file).take(want).read_to_end(into).map_err(|e| Error::reading(&self.path, e))?;
        self.hasher.update(&into[start..]);
        Ok(read)
    }

    fn never_closed(&mut self, block: &[u8], quote: usize) -> Error {
        let line = match self.lines_before() {
            Ok(lines) => 1 + lines + line_ends(block, 0, quote),
            Err(cause) => return Error::reading(&self.path, cause),
        };
        let message = format!(
            "`{}` line {line}: a quote opens here and is never closed; close it, or double it if it is data",
            self.name
        );
        Error::input(&self.source, message)
    }

    /// Line ends before the current block; the file is read again, as this happens once and at the end of a run.
    fn lines_before(&mut self) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut rest = Read::by_ref(&mut self.file).take(self.offset);
        let (mut lines, mut part, mut after_cr) = (0, Vec::new(), false);
        loop {
            part.clear();
            if (&mut rest).take(1 << 20).read_to_end(&mut part)? == 0 {
                return Ok(lines);
            }
            lines += line_ends(&part, 0, part.len());
            lines -= u64::from(after_cr && part[0] == b'\n');
            after_cr = part.last() == Some(&b'\r');
        }
    }
}

/// Where a block can be cut.
#[derive(Debug, PartialEq, Eq)]
struct Cut {
    /// One past the last true record end.
    record_end: Option<usize>,
    /// The quote that is open at the end.
    open_quote: Option<usize>,
}

/// Finds the last record end of a block that starts at a record's start. A quote opens a field only as its first byte.
fn cut(block: &[u8], end_of_file: bool) -> Cut {
    let terminator = |from: usize, to: usize| memrchr2(b'\n', b'\r', &block[from..to]).map(|i| from + i + 1);
    let mut record_end = None;
    let mut from = 0;
    let mut search = 0;
    while let Some(quote) = memchr(b'"', &block[search..]).map(|i| search + i) {
        if quote > 0 && !matches!(block[quote - 1], b',' | b'\n' | b'\r') {
            search = quote + 1;
            continue;
        }
        record_end = terminator(from, quote).or(record_end);
        match closing_quote(block, quote + 1, end_of_file) {
            Some(close) => (from, search) = (close + 1, close + 1),
            None => return Cut { record_end, open_quote: Some(quote) },
        }
    }
    Cut { record_end: terminator(from, block.len()).or(record_end), open_quote: None }
}

/// The quote that closes a field; a doubled quote does not. At the end of an unfinished block none is certain.
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
        let at = |text: &str| cut(text.as_bytes(), false);
        assert_eq!(at("a,b\nc,d"), Cut { record_end: Some(4), open_quote: None });
        assert_eq!(at("a,\"b\nc\nd"), Cut { record_end: None, open_quote: Some(2) });
        assert_eq!(at("x\na,\"b\n\"\"c\",d\ne"), Cut { record_end: Some(14), open_quote: None });
        assert_eq!(at("x\na,5\" pipe\ny"), Cut { record_end: Some(12), open_quote: None });
        assert_eq!(at("x\n\"a\""), Cut { record_end: Some(2), open_quote: Some(2) });
        assert_eq!(at("a\rb"), Cut { record_end: Some(2), open_quote: None });
    }

    #[test]
    fn plain_blocks_have_no_quote_and_no_lone_cr() {
        assert!(is_plain(b"a,b\r\nc\n"));
        assert!(!is_plain(b"a\rb\n"));
        assert!(!is_plain(b"a,\"\n"));
        assert!(!is_plain(b"a\r"));
    }
}
