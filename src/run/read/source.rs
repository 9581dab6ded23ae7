//! Reading threads: blocks of a source's files → rows → shard buffers, in one pass. Owns which thread reads which
//! block; decides nothing about cells or shards itself.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::in_order::{InOrder, StopOnPanic};
use crate::error::Result;
use crate::event::Event;
use crate::input::{BlockReader, Doubts, InputFile, Rejects, RowSink, SourceAccount, SourceFiles, read_rows};
use crate::shard::ThreadRows;
use crate::stop::Stop;

/// What is known about a source after reading it, besides its routed rows.
#[derive(Debug)]
pub struct SourceRead {
    pub account: SourceAccount,
    pub rejects: Rejects,
    /// File and first line of each block, in order.
    pub starts: Vec<(u32, u64)>,
}

/// Takes the rows of blocks.
pub trait BlockSink: RowSink + Send {
    /// Declares that the next rows are from this source.
    fn begin_source(&mut self, read: &SourceFiles);
    /// Begins a block of the source's files, counted from 1 over all of them.
    fn begin_block(&mut self, _number: u64) {}
    /// Ends the block.
    fn end_block(&mut self, file: usize, number: u64) -> Result<()>;
}

impl BlockSink for ThreadRows {
    fn begin_source(&mut self, read: &SourceFiles) {
        Self::begin_source(self, read.at);
    }

    fn end_block(&mut self, file: usize, number: u64) -> Result<()> {
        Self::end_block(self, file, number)
    }
}

/// How sources are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Bytes of a block; does not change the result.
    pub block_size: usize,
    /// Folder for rejects that do not fit in memory.
    pub scratch: &'a Path,
    /// Whether rejects that a spreadsheet would run as a formula are made safe.
    pub safe: bool,
    /// Requests to stop reading.
    pub stop: &'a Stop,
}

/// Reads all files of one source, with one thread for each of `threads`. Fails for a quote that is never closed and for
/// a file that changes while it is read.
pub fn read_source<S: BlockSink>(read: &SourceFiles, reading: Reading<'_>, threads: &mut [S]) -> Result<SourceRead> {
    let Reading { block_size, scratch, safe, stop } = reading;
    let files = &read.files;
    let feeder = Mutex::new(Feeder { stop, files, block_size, file: 0, reader: None, number: 0, doubts: Vec::new() });
    let seen = InOrder::new(read, Rejects::new(scratch, safe)?);
    let done: Vec<Result<()>> = std::thread::scope(|scope| {
        let start = |rows| scope.spawn(|| work(read, reading, rows, &feeder, &seen));
        let running: Vec<_> = threads.iter_mut().map(start).collect();
        running.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.into_iter().collect::<Result<()>>()?;
    let doubts = feeder.into_inner().unwrap_or_else(PoisonError::into_inner).doubts;
    seen.finish(&doubts, stop)
}

/// Gives the blocks in order to whichever thread asks.
struct Feeder<'a> {
    stop: &'a Stop,
    files: &'a [InputFile],
    block_size: usize,
    file: usize,
    reader: Option<BlockReader>,
    /// Number of the last block, counted over all files.
    number: u64,
    /// What makes the encodings of the files that are read doubtful.
    doubts: Vec<Doubts>,
}

/// File of a block, and its number in the source.
type Position = (usize, u64);

impl Feeder<'_> {
    /// The next block. After an error no thread gets another one.
    fn next(&mut self, spare: Vec<u8>) -> Result<Option<(Position, Vec<u8>)>> {
        self.block(spare).inspect_err(|_| self.end())
    }

    fn block(&mut self, spare: Vec<u8>) -> Result<Option<(Position, Vec<u8>)>> {
        self.stop.check()?;
        let mut spare = Some(spare);
        while let Some(file) = self.files.get(self.file) {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                closed => closed.insert(BlockReader::open(file, self.block_size)?),
            };
            match reader.next_block(spare.take().unwrap_or_default())? {
                Some(block) => {
                    self.number += 1;
                    return Ok(Some(((self.file, self.number), block)));
                }
                None => {
                    if let Some(digest) = reader.digest() {
                        file.know_digest(digest);
                    }
                    self.doubts.push(reader.doubts());
                    self.reader = None;
                    self.file += 1;
                }
            }
        }
        Ok(None)
    }

    /// Leaves nothing to do for the other threads.
    fn end(&mut self) {
        self.file = self.files.len();
    }
}

fn work(
    read: &SourceFiles,
    reading: Reading<'_>,
    rows: &mut impl BlockSink,
    feeder: &Mutex<Feeder<'_>>,
    seen: &InOrder<'_>,
) -> Result<()> {
    let _guard = StopOnPanic(seen);
    rows.begin_source(read);
    let mut spare = Vec::new();
    let mut step = || {
        // In a separate statement, so that the lock is released while the block is parsed.
        let next = lock(feeder).next(std::mem::take(&mut spare))?;
        let Some(((file, number), block)) = next else { return Ok(false) };
        rows.begin_block(number);
        let report = read_rows(&block, &read.source, &read.files[file], rows);
        rows.end_block(file, number)?;
        Event::Progress { bytes: block.len() as u64, rows: report.counts.rows }.emit();
        seen.take(number, file, report)?;
        // A block that one huge record made long is not kept.
        spare = if block.capacity() <= 2 * reading.block_size { block } else { Vec::new() };
        Ok(true)
    };
    loop {
        match step() {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                lock(feeder).end();
                seen.stop();
                return Err(error);
            }
        }
    }
}

/// Ignores that another thread panicked with the lock: the run ends anyway, and the value is still readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
