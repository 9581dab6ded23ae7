//! A text as blocks, each cut at a true record end. Owns what is open across blocks; refuses to go on when the file has
//! changed.

use std::io;

use super::InputFile;
use super::csv::{Cut, Dialect, cut, line_ends};
use super::format::Format;
use super::json::Array;
use super::text::Text;
use super::unpack::Unpacked;
use crate::error::{Error, Result};

/// Longest record that is held in memory, and so the longest field; beyond that a quote was surely never closed.
pub const MAX_RECORD: usize = 256 << 20;

/// What makes a file's encoding doubtful.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Whether it is UTF-8, beyond ASCII, though it is read as something else.
    pub looks_utf8: bool,
    /// Whether it has control characters from U+0080 to U+009F.
    pub has_controls: bool,
}

/// Whether a text has a control character from U+0080 to U+009F.
fn has_controls(text: &[u8]) -> bool {
    let second = |at: usize| text.get(at + 1).is_some_and(|b| (0x80..=0x9F).contains(b));
    memchr::memchr_iter(0xC2, text).any(second)
}

/// Reads one text block by block, as UTF-8.
pub struct TextBlocks {
    text: Text,
    input: InputFile,
    records: Records,
    block_size: usize,
    /// Bytes of the header that are still to be dropped.
    skip: u64,
    /// Offset in the text of `carry`'s first byte.
    offset: u64,
    /// The unfinished record at the end of the last block.
    carry: Vec<u8>,
    end: bool,
    /// Whether a control character from U+0080 to U+009F was there.
    has_controls: bool,
}

/// What the records are, and what is known of them behind the last block.
#[derive(Debug, Clone)]
enum Records {
    Csv(Dialect),
    Lines,
    Array(Array),
}

impl TextBlocks {
    /// Starts after the file's header, whose bytes are part of the digest too. Fails if the file has changed since its
    /// header was read.
    pub fn open(input: &InputFile, block_size: usize) -> Result<Self> {
        let file = input.reopen()?;
        let unpacked = Unpacked::new(&file, &input.packing);
        let text = unpacked.and_then(|bytes| Text::new(bytes, input.encoding)).map_err(|e| input.unreadable(e))?;
        let skip = input.header.data_offset;
        let records = match &input.format {
            Format::Csv(dialect) => Records::Csv(dialect.clone()),
            Format::Json { is_array: true } => Records::Array(Array::default()),
            Format::Json { .. } | Format::Xlsx { .. } | Format::Parquet { .. } => Records::Lines,
        };
        Ok(Self {
            text,
            input: input.clone(),
            records,
            block_size,
            skip,
            offset: skip,
            carry: Vec::new(),
            end: false,
            has_controls: false,
        })
    }

    /// The next block, or none at the end. Blocks end where a record ends; only the last may lack a line end. The block
    /// is put into `spare`, an old block or an empty buffer: fresh memory for each would cost more than reading. Fails
    /// for a quote that is never closed and for a file that has changed.
    pub fn next_block(&mut self, spare: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let block = self.cut_block(spare)?;
        self.has_controls = self.has_controls || block.as_ref().is_some_and(|block| has_controls(block));
        Ok(block)
    }

    /// What the file's bytes make doubtful, once [`Self::next_block`] has returned none.
    pub fn doubts(&self) -> Doubts {
        Doubts { looks_utf8: self.text.looks_utf8(), has_controls: self.has_controls }
    }

    fn cut_block(&mut self, spare: Vec<u8>) -> Result<Option<Vec<u8>>> {
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
            let (record_end, open_quote) = self.place_to_cut(&block)?;
            if self.end {
                return match open_quote {
                    Some(quote) => Err(self.open_quote(&block, quote, "is never closed")),
                    None => Ok(Some(block)),
                };
            }
            if let Some(end) = record_end {
                self.carry.extend_from_slice(&block[end..]);
                block.truncate(end);
                self.offset += end as u64;
                return Ok(Some(block));
            }
            if block.len() >= MAX_RECORD {
                return Err(self.too_long(&block, open_quote));
            }
            target = (block.len() * 2).min(MAX_RECORD);
        }
    }

    /// Where the block can be cut, and a quote that is open at its end.
    fn place_to_cut(&mut self, block: &[u8]) -> Result<(Option<usize>, Option<usize>)> {
        match &self.records {
            Records::Csv(dialect) => {
                let Cut { record_end, open_quote, wrong_quote } = cut(block, dialect, self.end);
                match wrong_quote {
                    Some((opens, closes)) => Err(self.wrong_quote(block, opens, closes)),
                    None => Ok((record_end, open_quote)),
                }
            }
            Records::Lines => Ok((memchr::memrchr(b'\n', block).map(|end| end + 1), None)),
            Records::Array(array) => match array.cut(block, self.end) {
                Ok((record_end, array)) => {
                    self.records = Records::Array(array);
                    Ok((record_end, None))
                }
                Err((at, message)) => Err(self.at_line(block, at, message)),
            },
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
        let read = match self.text.read(want, into) {
            Ok(read) => read,
            Err(cause) => {
                self.unchanged()?;
                return Err(self.input.unreadable(cause));
            }
        };
        // Not only at the end: a file that grows faster than it is read would have no end.
        if self.input.packing.is_plain() && self.text.bytes() > self.input.stamp.bytes() {
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
                let message = format!("a record is longer than {limit}: is it a {} file?", self.input.format.name());
                self.at_line(block, 0, &message)
            }
        }
    }

    fn wrong_quote(&mut self, block: &[u8], opens: usize, closes: usize) -> Error {
        let later = line_ends(block, opens, closes);
        let message = format!(
            "the quote that opens here is closed {later} line(s) further down, and not at the end of its field; which lines are records cannot be told: close the quote, or set `quote = \"none\"` or `escape = \"backslash\"` for the source if quotes are part of the texts"
        );
        self.at_line(block, opens, &message)
    }

    fn open_quote(&mut self, block: &[u8], quote: usize, how: &str) -> Error {
        self.at_line(
            block,
            quote,
            &format!("a quote opens here and {how}; close it, or set `quote = \"none\"` for the source if quotes are part of the texts"),
        )
    }

    /// An error at a place in the block.
    fn at_line(&mut self, block: &[u8], at: usize, message: &str) -> Error {
        let line = match self.lines_before() {
            Ok(lines) => 1 + lines + line_ends(block, 0, at),
            Err(cause) => return self.input.unreadable(cause),
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
