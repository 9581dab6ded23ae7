//! Takes the identifiers of rows while they are read, one collector for each reading thread. Owns their form between
//! reading and numbering; joins nothing.

use std::io;
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::bytes::put;
use super::kinds::Kinds;
use super::rows::{BlockPlace, Shape, ThreadShapes};
use crate::disk::Partitions;
use crate::error::{Error, Result};
use crate::input::LinkedRow;
use crate::spec::identity::{Linked, Links};

/// Parts in which identifiers are numbered: few enough for buffers, enough for the table of each to fit in a cache.
pub const PARTS: usize = 64;

/// The bit of an identifier's kind that says that its text is not of the kind.
pub const BAD: u8 = 0x80;

/// The identifiers that one thread has read.
#[derive(Debug)]
pub struct Collector {
    kinds: Arc<Kinds>,
    pub(super) shapes: ThreadShapes,
    /// Identifiers so far: each has the next number of the thread.
    pub(super) count: usize,
    /// Records: the thread's number of an identifier, four bytes; length of its text; its kind; its text.
    pub(super) found: Partitions,
    source: u32,
    /// Line of the last row of the block.
    line: u64,
}

impl Collector {
    /// Starts without any; more than `most` bytes of them do not stay in memory but go to `folder`.
    pub fn new(kinds: &Arc<Kinds>, folder: &Path, most: usize) -> Self {
        Self {
            kinds: kinds.clone(),
            shapes: ThreadShapes::default(),
            count: 0,
            found: Partitions::new(folder, PARTS, most),
            source: 0,
            line: 0,
        }
    }

    /// Declares that the next rows are from this source.
    pub fn begin_source(&mut self, source: usize) {
        self.source = source as u32;
    }

    /// Takes a row; gives whether it may turn out to be nobody's.
    pub fn take(&mut self, links: &Links, row: &LinkedRow<'_>) -> bool {
        let mut shape = Shape { lines: row.line - self.line, ..Shape::default() };
        self.line = row.line;
        let mut is_sure = false;
        if let Some(key) = &links.key {
            shape.has_key = self.take_cell(key, row, &mut is_sure) > 0;
        }
        shape.ids = links.ids.iter().map(|id| self.take_cell(id, row, &mut is_sure)).sum();
        let mut of_merge = true;
        if let Some(into) = &links.merged_into {
            shape.has_into = self.take_cell(into, row, &mut of_merge) > 0;
        }
        shape.from = links.merged_from.iter().map(|from| self.take_cell(from, row, &mut of_merge)).sum();
        shape.deleted = links.deleted.as_ref().is_some_and(|deleted| row.is_deleted(deleted));
        shape.write(&mut self.shapes.shapes);
        !is_sure
    }

    /// Ends a block of a file of the source.
    pub fn end_block(&mut self, file: usize, block: u64) -> Result<()> {
        self.line = 0;
        let block = u32::try_from(block).map_err(|_| Error::Bug("a source has too many blocks".into()))?;
        let place = BlockPlace { source: self.source, file: file as u32, block };
        self.shapes.ends.push((place, self.shapes.shapes.len(), self.count));
        if u32::try_from(self.count).is_err() {
            return Err(Error::Memory(
                "more than 4,294,967,295 identifiers in one reading thread: use more --threads".into(),
            ));
        }
        self.found.settle().map_err(spooling)
    }

    /// Takes the identifiers in a cell, and gives how many there are. Notes in `is_sure` whether one of them will join,
    /// whatever other rows say.
    fn take_cell(&mut self, linked: &Linked, row: &LinkedRow<'_>, is_sure: &mut bool) -> u64 {
        row.texts(linked).map(|text| u64::from(self.add(linked.kind, text, is_sure).is_some())).sum()
    }

    /// Adds the identifier of a text, and gives its number among the thread's; none for an empty text.
    pub(super) fn add(&mut self, kind: usize, text: &str, is_sure: &mut bool) -> Option<usize> {
        let Self { kinds, count, found, .. } = self;
        match kinds.read(kind, text) {
            Some(value) if value.is_empty() => None,
            Some(value) => {
                *is_sure = *is_sure || (kinds.max_keys(kind).is_none() && !kinds.blocks(kind, &value));
                Some(push(count, found, kind as u8, &value))
            }
            None => Some(push(count, found, kind as u8 | BAD, text.trim())),
        }
    }
}

/// Adds an identifier, and gives its number.
fn push(count: &mut usize, found: &mut Partitions, kind: u8, value: &str) -> usize {
    let part = (xxh3_64(value.as_bytes()) >> 58) as usize;
    let number = *count;
    found.add(part, |into| {
        into.extend_from_slice(&(number as u32).to_le_bytes());
        put(value.len() as u64, into);
        into.push(kind);
        into.extend_from_slice(value.as_bytes());
    });
    *count += 1;
    number
}

/// The error for identifiers that cannot be kept on disk.
pub(super) fn spooling(cause: io::Error) -> Error {
    Error::Io { verb: "write", path: "identifiers".into(), side: crate::error::Side::Work, cause }
}
