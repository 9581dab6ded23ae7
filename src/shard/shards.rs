//! Owns the rows of every shard, in memory or on disk, from the end of reading until the shard is built; builds none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::buffer::Buffer;

use super::buffer::Segments;
use super::row::{Layout, RowReader};
use super::spill::SpillFile;
use crate::error::{Error, Result};

/// The routed rows of every shard, in memory or on disk, until it is built.
#[derive(Debug)]
pub struct Shards {
    layouts: Arc<Vec<Layout>>,
    waiting: Vec<Mutex<Option<Segments>>>,
    spilled: Vec<SpillFile>,
}

/// One shard's rows.
#[derive(Debug, Clone)]
pub struct ShardInput {
    /// The rows of each source, in input order.
    pub sources: Vec<SourceRows>,
}

/// A source's rows of one shard.
#[derive(Debug, Clone)]
pub struct SourceRows {
    layout: Layout,
    pieces: Vec<Buffer>,
}

impl Shards {
    pub(super) fn new(layouts: Arc<Vec<Layout>>, waiting: Vec<Segments>, spilled: Vec<SpillFile>) -> Self {
        Self { layouts, waiting: waiting.into_iter().map(|rows| Mutex::new(Some(rows))).collect(), spilled }
    }

    /// Number of shards.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes of rows on disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled.iter().map(SpillFile::bytes).sum()
    }

    /// Bytes of rows in memory.
    pub fn held_bytes(&self) -> u64 {
        (0..self.count()).map(|shard| self.held_bytes_of(shard)).sum()
    }

    fn held_bytes_of(&self, shard: usize) -> u64 {
        lock(&self.waiting[shard]).iter().flatten().map(|(_, rows)| rows.len() as u64).sum()
    }

    /// Bytes of a shard's rows, in memory and on disk.
    pub fn bytes(&self, shard: usize) -> u64 {
        self.held_bytes_of(shard) + self.spilled.iter().map(|file| file.bytes_of(shard)).sum::<u64>()
    }

    /// A shard's rows in pieces, each with its place, in the order of the input.
    pub fn pieces(&self, shard: usize) -> Result<Segments> {
        let held = lock(&self.waiting[shard]).clone();
        let mut rows = held.ok_or_else(|| Error::Bug(format!("shard {shard} has no rows left")))?;
        for file in &self.spilled {
            rows.extend(file.read(shard)?);
        }
        // The sort is stable: rows of one block in two chunks keep their order.
        rows.sort_by_key(|(place, _)| *place);
        Ok(rows)
    }

    /// A shard's rows; those in memory are shared, not copied. They must not have been freed.
    pub fn load(&self, shard: usize) -> Result<ShardInput> {
        let rows = self.pieces(shard)?;
        let mut sources: Vec<SourceRows> =
            self.layouts.iter().map(|layout| SourceRows { layout: layout.clone(), pieces: Vec::new() }).collect();
        for ((source, ..), piece) in rows {
            let source = sources.get_mut(source as usize).ok_or_else(damaged)?;
            source.pieces.push(piece);
        }
        Ok(ShardInput { sources })
    }

    /// Frees the memory of a built shard.
    pub fn free(&self, shard: usize) {
        lock(&self.waiting[shard]).take();
    }
}

impl SourceRows {
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The rows. Fails for a damaged spill file.
    pub fn rows(&self) -> Result<Vec<RowReader<'_>>> {
        self.pieces.iter().flat_map(|piece| rows_of(piece)).collect()
    }
}

/// The rows of a piece. Fails for a damaged spill file.
pub fn rows_of(piece: &[u8]) -> impl Iterator<Item = Result<RowReader<'_>>> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let split = RowReader::split(rest);
        rest = split.map_or(&[][..], |(_, next)| next);
        Some(split.map(|(row, _)| row).ok_or_else(damaged))
    })
}

/// The error for bytes that are not rows.
pub(crate) fn damaged() -> Error {
    Error::Work("routed rows cannot be read back, because a file in the working folder changed during the run: run again when nothing else writes there".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The value is only ever replaced as a whole, so it is valid even after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
