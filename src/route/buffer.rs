//! Rows waiting for their shard, in the order of the input. Owns how they are gathered and kept in memory, and when they
//! go to disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::buffer::Buffer;
use bytes::Bytes;
use memmap2::MmapMut;

use super::hash::shard_of;
use super::row::{Layout, RowReader, RowWriter};
use super::spill::{Spill, SpillFile};
use crate::cell::Value;
use crate::error::{Error, Result};
use crate::source::RowSink;

/// Memory is taken from the system in pieces of this size and given back piece by piece: an allocator would keep the
/// rows of a built shard for a size of block that nothing else asks for. Pages that no row reaches cost nothing.
const CHUNK: usize = 256 << 10;

/// With more shards than this, chunks are smaller: the system bounds how many mappings a process may have.
const MANY_SHARDS: usize = 8192;

/// Place of a block of rows in the input: source, file of the source, block of the file.
pub type Place = (u32, u32, u64);

/// Rows of a shard, block by block or less, with each block's place.
pub type Segments = Vec<(Place, Buffer)>;

/// The rows that one thread routed, by shard, over all sources.
#[derive(Debug)]
pub struct Routed {
    layouts: Arc<Vec<Layout>>,
    source: usize,
    row: RowWriter,
    /// The shard of the row that is being put.
    current: usize,
    shards: Vec<ShardRows>,
    chunk: usize,
    /// Bytes of rows in memory.
    held: u64,
    spill: Option<Spill>,
    /// What kept a row from being taken; told at the end of the block.
    failure: Option<Error>,
}

/// Growing rows of one shard.
#[derive(Debug, Default)]
struct ShardRows {
    full: Vec<Chunk>,
    tail: Chunk,
    /// Place of each block, and where its rows end: chunk, and bytes of it.
    cuts: Vec<(Place, (usize, usize))>,
}

#[derive(Debug, Default)]
struct Chunk {
    memory: Option<MmapMut>,
    used: usize,
}

impl Routed {
    fn new(layouts: Arc<Vec<Layout>>, shards: usize, spill: Option<Spill>) -> Self {
        let rows = std::iter::repeat_with(ShardRows::default).take(shards).collect();
        let chunk = if shards > MANY_SHARDS { CHUNK / 8 } else { CHUNK };
        let row = RowWriter::default();
        Self { layouts, source: 0, row, current: 0, shards: rows, chunk, held: 0, spill, failure: None }
    }

    /// The rows that follow are of this source.
    pub fn begin_source(&mut self, source: usize) {
        self.source = source;
    }

    /// Ends a block of a file of the source. Rows beyond the memory limit go to disk here.
    ///
    /// # Errors
    /// No memory for a row, or I/O of the spill.
    pub fn end_block(&mut self, file: usize, block: u64) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)?;
        let place = (self.source as u32, file as u32, block);
        for shard in &mut self.shards {
            let end = (shard.full.len(), shard.tail.used);
            if shard.cuts.last().map_or((0, 0), |cut| cut.1) < end {
                shard.cuts.push((place, end));
            }
        }
        match &mut self.spill {
            Some(spill) if self.held > spill.limit => {
                let shards = self.shards.iter_mut().map(|shard| std::mem::take(shard).finish());
                self.held = 0;
                spill.write(shards)
            }
            _ => Ok(()),
        }
    }
}

impl RowSink for Routed {
    fn begin(&mut self, id: &str) {
        self.current = shard_of(id, self.shards.len());
        self.row.begin(id);
    }

    #[inline]
    fn put(&mut self, column: usize, value: Value<'_>) {
        self.row.put(&self.layouts[self.source], column, value);
    }

    fn end(&mut self) {
        let (head, cells) = self.row.end(&self.layouts[self.source]);
        let length = head.len() + cells.len();
        self.held += length as u64;
        if let Err(error) = self.shards[self.current].append(head, cells, length, self.chunk) {
            self.failure.get_or_insert(error);
        }
    }
}

impl ShardRows {
    fn append(&mut self, head: &[u8], cells: &[u8], length: usize, chunk: usize) -> Result<()> {
        if self.tail.append(head, cells, length) {
            return Ok(());
        }
        let memory = MmapMut::map_anon(length.max(chunk))
            .map_err(|e| Error::Output(format!("no memory for a row of {length} bytes ({e}): lower --memory-limit")))?;
        let full = std::mem::replace(&mut self.tail, Chunk { memory: Some(memory), used: 0 });
        if full.memory.is_some() {
            self.full.push(full);
        }
        self.tail.append(head, cells, length);
        Ok(())
    }

    /// The rows, block by block, with each block's place.
    fn finish(self) -> Segments {
        let chunks: Vec<Buffer> = self.full.into_iter().chain([self.tail]).map(Chunk::finish).collect();
        let mut segments = Vec::with_capacity(self.cuts.len());
        let (mut chunk, mut from) = (0, 0);
        for (place, (last, end)) in self.cuts {
            while chunk < last {
                segments.push((place, chunks[chunk].slice(from)));
                (chunk, from) = (chunk + 1, 0);
            }
            segments.push((place, chunks[chunk].slice_with_length(from, end - from)));
            from = end;
        }
        segments.retain(|(_, rows)| !rows.is_empty());
        segments
    }
}

impl Chunk {
    /// Appends a row if it fits.
    fn append(&mut self, head: &[u8], cells: &[u8], length: usize) -> bool {
        let Some(memory) = &mut self.memory else { return false };
        let Some(room) = memory.get_mut(self.used..self.used + length) else { return false };
        let (first, second) = room.split_at_mut(head.len());
        first.copy_from_slice(head);
        second.copy_from_slice(cells);
        self.used += length;
        true
    }

    fn finish(self) -> Buffer {
        self.memory.map_or_else(Buffer::default, |memory| {
            Buffer::from(Bytes::from_owner(memory)).slice_with_length(0, self.used)
        })
    }
}

/// Rows of all shards, while they are read.
#[derive(Debug)]
pub struct ShardBuffers {
    layouts: Arc<Vec<Layout>>,
    threads: Vec<Routed>,
}

/// Where rows go that memory does not hold.
#[derive(Debug, Clone)]
pub struct SpillTo {
    /// The folder of the spill files.
    pub folder: std::path::PathBuf,
    /// Bytes of routed rows to hold in memory.
    pub limit: u64,
}

impl ShardBuffers {
    /// Empty, for sources with these layouts, filled by so many threads.
    pub fn new(layouts: Vec<Layout>, shards: usize, threads: usize, spill: Option<&SpillTo>) -> Self {
        let layouts = Arc::new(layouts);
        let threads = threads.max(1);
        let spill = |thread| spill.map(|to| Spill::new(&to.folder, thread, to.limit / threads as u64));
        let threads = (0..threads).map(|thread| Routed::new(layouts.clone(), shards, spill(thread))).collect();
        Self { layouts, threads }
    }

    /// What each thread fills.
    pub fn threads(&mut self) -> &mut [Routed] {
        &mut self.threads
    }

    /// The shards, when all rows are routed.
    pub fn into_shards(self) -> Shards {
        let shards = self.threads.first().map_or(0, |t| t.shards.len());
        let mut waiting: Vec<Segments> = vec![Vec::new(); shards];
        let mut spilled = Vec::new();
        for thread in self.threads {
            spilled.extend(thread.spill.into_iter().flat_map(Spill::into_files));
            for (shard, rows) in waiting.iter_mut().zip(thread.shards) {
                shard.extend(rows.finish());
            }
        }
        Shards {
            layouts: self.layouts,
            waiting: waiting.into_iter().map(|rows| Mutex::new(Some(rows))).collect(),
            spilled,
        }
    }
}

/// The routed rows of every shard, in memory or on disk, until they are built.
#[derive(Debug)]
pub struct Shards {
    layouts: Arc<Vec<Layout>>,
    waiting: Vec<Mutex<Option<Segments>>>,
    spilled: Vec<SpillFile>,
}

/// One shard's rows.
#[derive(Debug, Clone)]
pub struct ShardInput {
    /// Per source, its rows in input order.
    pub sources: Vec<SourceRows>,
}

/// A source's rows of one shard.
#[derive(Debug, Clone)]
pub struct SourceRows {
    layout: Layout,
    pieces: Vec<Buffer>,
}

impl Shards {
    /// Number of shards.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there is no shard.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes that went to disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled.iter().map(|file| file.bytes).sum()
    }

    /// Bytes of rows in memory.
    pub fn held_bytes(&self) -> u64 {
        (0..self.len()).map(|shard| self.held_bytes_of(shard)).sum()
    }

    fn held_bytes_of(&self, shard: usize) -> u64 {
        lock(&self.waiting[shard]).iter().flatten().map(|(_, rows)| rows.len() as u64).sum()
    }

    /// Bytes of a shard's rows.
    pub fn bytes(&self, shard: usize) -> u64 {
        self.held_bytes_of(shard) + self.spilled.iter().map(|file| file.bytes_of(shard)).sum::<u64>()
    }

    /// A shard's rows; those in memory are shared, not copied.
    ///
    /// # Errors
    /// I/O of a spill file; [`Error::Bug`] after [`Self::free`].
    pub fn load(&self, shard: usize) -> Result<ShardInput> {
        let held = lock(&self.waiting[shard]).clone();
        let mut rows = held.ok_or_else(|| Error::Bug(format!("shard {shard} has no rows left")))?;
        for file in &self.spilled {
            rows.extend(file.read(shard)?);
        }
        // The sort is stable: a block's rows that went into two chunks keep their order.
        rows.sort_by_key(|(place, _)| *place);
        let mut sources: Vec<SourceRows> =
            self.layouts.iter().map(|layout| SourceRows { layout: layout.clone(), pieces: Vec::new() }).collect();
        for ((source, ..), piece) in rows {
            let source = sources.get_mut(source as usize).ok_or_else(damaged)?;
            source.pieces.push(piece);
        }
        Ok(ShardInput { sources })
    }

    /// Gives back the memory of a built shard.
    pub fn free(&self, shard: usize) {
        lock(&self.waiting[shard]).take();
    }
}

impl SourceRows {
    /// What the rows are made of.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The rows.
    ///
    /// # Errors
    /// A damaged spill file.
    pub fn rows(&self) -> Result<Vec<RowReader<'_>>> {
        let mut rows = Vec::new();
        for piece in &self.pieces {
            let mut rest = piece.as_slice();
            while !rest.is_empty() {
                let (row, next) = RowReader::split(rest).ok_or_else(damaged)?;
                rows.push(row);
                rest = next;
            }
        }
        Ok(rows)
    }
}

/// What bytes that are no rows mean.
pub(crate) fn damaged() -> Error {
    Error::Bug("routed rows cannot be read back: a file in the working folder changed during the run".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is replaced whole: a panic elsewhere leaves it sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
