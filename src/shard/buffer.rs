//! Rows that wait for their shard to be built, in the order of the input. Owns how they are collected and kept in
//! memory, and when they go to disk; never knows what a column means.

use std::sync::Arc;

use arrow::buffer::Buffer;
use bytes::Bytes;
use memmap2::MmapMut;

use super::hash::shard_of;
use super::row::{Layout, RowWriter};
use super::shards::Shards;
use super::spill::Spill;
use crate::error::{Error, Result};
use crate::input::RowSink;
use crate::value::Value;

/// Bytes of one piece of memory, which is mapped from the system and given back when its shard is built: an allocator
/// would keep it, although nothing else needs blocks of this size. Unused pages cost nothing.
const CHUNK: usize = 256 << 10;

/// Most pieces: the system limits the mappings of a process, by default to 65,530 on Linux.
const MOST_CHUNKS: u64 = 16_384;

/// Where a block of rows is in the input: source, file of the source, block of the file.
pub type Place = (u32, u32, u64);

/// Rows of a shard, each piece with the place of the block that it comes from.
pub type Segments = Vec<(Place, Buffer)>;

/// The rows of all sources that one thread has routed, by shard.
#[derive(Debug)]
pub struct ThreadRows {
    layouts: Arc<Vec<Layout>>,
    source: usize,
    row: RowWriter,
    /// The shard of the current row.
    current: usize,
    /// The shards whose rows are kept.
    wanted: Arc<Vec<bool>>,
    shards: Vec<ShardRows>,
    chunk: usize,
    /// Bytes of rows in memory.
    held: u64,
    spill: Option<Spill>,
    /// Why a row could not be stored; reported at the end of the block.
    failure: Option<Error>,
}

/// Rows of one shard, while more are added.
#[derive(Debug, Default)]
struct ShardRows {
    full: Vec<Chunk>,
    tail: Chunk,
    /// The place of each block, and where its rows end: chunk, and bytes in that chunk.
    cuts: Vec<(Place, (usize, usize))>,
}

#[derive(Debug, Default)]
struct Chunk {
    memory: Option<MmapMut>,
    used: usize,
}

impl ThreadRows {
    fn new(layouts: Arc<Vec<Layout>>, wanted: Arc<Vec<bool>>, chunk: usize, spill: Option<Spill>) -> Self {
        let shards = std::iter::repeat_with(ShardRows::default).take(wanted.len()).collect();
        let row = RowWriter::default();
        Self { layouts, source: 0, row, current: 0, wanted, shards, chunk, held: 0, spill, failure: None }
    }

    /// Declares that the next rows are from this source.
    pub fn begin_source(&mut self, source: usize) {
        self.source = source;
    }

    /// Begins a row of a shard, if it is wanted; `key` stands where an id would.
    pub fn begin_in(&mut self, shard: usize, key: &[u8]) -> bool {
        self.current = shard;
        let wanted = self.wanted[shard];
        if wanted {
            self.row.begin(key);
        }
        wanted
    }

    /// Adds a row whose values are stored already, and its place if the layout has one, if its shard is wanted. `key` stands
    /// where an id would.
    pub fn copy(&mut self, shard: usize, key: &[u8], order: Option<i64>, values: &[u8], place: Option<i64>) {
        self.current = shard;
        if self.wanted[self.current] {
            let (head, cells) = self.row.copy(&self.layouts[self.source], key, order, values, place);
            let length = head.len() + cells.len();
            self.held += length as u64;
            if let Err(error) = self.shards[self.current].append(head, cells, length, self.chunk) {
                self.failure.get_or_insert(error);
            }
        }
    }

    /// Ends a block of a file of the source. If the rows exceed the memory limit, they go to disk here. Fails if there
    /// was no memory for a row.
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
                spill.write(std::mem::take(&mut self.held), shards)
            }
            _ => Ok(()),
        }
    }
}

impl RowSink for ThreadRows {
    fn begin(&mut self, id: &str) -> bool {
        self.current = shard_of(id, self.shards.len());
        let wanted = self.wanted[self.current];
        if wanted {
            self.row.begin(id.as_bytes());
        }
        wanted
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
        let memory = MmapMut::map_anon(length.max(chunk)).map_err(|e| {
            Error::Memory(format!(
                "no memory for a row of {length} bytes ({e}): use a lower --memory-limit, or fewer --shards or --threads"
            ))
        })?;
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
    threads: Vec<ThreadRows>,
}

/// Where rows go that do not fit in memory.
#[derive(Debug, Clone)]
pub struct SpillTo {
    /// The folder of the spill files.
    pub folder: std::path::PathBuf,
    /// Bytes of routed rows to hold in memory.
    pub limit: u64,
    /// Bytes of routed rows to expect, estimated.
    pub expected: u64,
}

impl ShardBuffers {
    /// Empty buffers for sources with these layouts, to be filled by `threads` threads; `wanted` says for each shard
    /// whether its rows are kept.
    pub fn new(layouts: Vec<Layout>, wanted: Vec<bool>, threads: usize, spill: Option<&SpillTo>) -> Self {
        let (layouts, wanted) = (Arc::new(layouts), Arc::new(wanted));
        let threads = threads.max(1);
        let expected = spill.map_or(0, |to| to.limit.min(to.expected));
        let chunk = usize::try_from(expected / MOST_CHUNKS).unwrap_or(0).next_multiple_of(4096).max(CHUNK);
        let spill = |thread| spill.map(|to| Spill::new(&to.folder, thread, to.limit / threads as u64));
        let threads =
            (0..threads).map(|thread| ThreadRows::new(layouts.clone(), wanted.clone(), chunk, spill(thread))).collect();
        Self { layouts, threads }
    }

    /// The rows of each thread, to be filled.
    pub fn threads(&mut self) -> &mut [ThreadRows] {
        &mut self.threads
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.threads.first().map_or(0, |thread| thread.shards.len())
    }

    /// The shards, once all rows are routed.
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
        Shards::new(self.layouts, waiting, spilled)
    }
}
