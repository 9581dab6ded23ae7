//! Reading threads: blocks of a source's files → rows → shard buffers, in one pass. Owns the order of what threads
//! finish in any order; decides nothing about cells or shards itself.

mod in_order;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::route::{Layout, Routed};
use crate::source::{BlockReader, InputFile, Rejects, read_rows};
use crate::spec::Source;
use crate::stop::Stop;

use in_order::{InOrder, StopOnPanic};

/// What reading a source gave besides its routed rows.
#[derive(Debug)]
pub struct SourceRead {
    /// Records read.
    pub rows: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Per declared column, bad values in accepted rows.
    pub bad_values: Vec<u64>,
    /// Newest `latest_by` of accepted rows, in days since 1970-01-01.
    pub newest_day: Option<i32>,
    /// Its rejects file.
    pub rejects: Rejects,
    /// Per file: records and digest.
    pub files: Vec<(u64, String)>,
}

/// How sources are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Bytes read at a time; changes no result.
    pub block_size: usize,
    /// Folder for rejects that memory does not hold.
    pub scratch: &'a Path,
    /// How to ask the reading to stop.
    pub stop: &'a Stop,
}

/// What the routed rows of a source are made of.
pub fn layout(source: &Source) -> Layout {
    Layout { types: source.columns.iter().map(|c| c.cell.ty).collect(), order_by: source.latest_by }
}

/// Reads all files of one source, one thread for each of these.
///
/// # Errors
/// I/O, a quote that is never closed, a file that changes while it is read, and [`crate::Error::Interrupted`].
pub fn read_source(
    source: &Source,
    at: usize,
    files: &[InputFile],
    reading: Reading<'_>,
    threads: &mut [Routed],
) -> Result<SourceRead> {
    let Reading { block_size, scratch, stop } = reading;
    let (reader, digests) = (None, Vec::new());
    let feeder = Mutex::new(Feeder { stop, files, block_size, file: 0, reader, number: 0, digests });
    let seen = InOrder::new(source, files, Rejects::new(scratch)?);
    let done: Vec<Result<()>> = std::thread::scope(|scope| {
        let start = |rows| scope.spawn(|| work(source, at, files, rows, (&feeder, &seen)));
        let running: Vec<_> = threads.iter_mut().map(start).collect();
        running.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.into_iter().collect::<Result<()>>()?;
    Ok(seen.finish(feeder.into_inner().unwrap_or_else(PoisonError::into_inner).digests))
}

/// Hands out blocks, in order, to whichever thread asks.
struct Feeder<'a> {
    stop: &'a Stop,
    files: &'a [InputFile],
    block_size: usize,
    file: usize,
    reader: Option<BlockReader>,
    /// Number of the last block, over all files.
    number: u64,
    digests: Vec<String>,
}

/// File of a block, and its number in the source.
type Position = (usize, u64);

impl Feeder<'_> {
    /// The next block. After an error there is none, for no thread.
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
                    self.digests.push(reader.digest());
                    self.reader = None;
                    self.file += 1;
                }
            }
        }
        Ok(None)
    }

    /// The other threads find nothing left to do.
    fn end(&mut self) {
        self.file = self.files.len();
    }
}

fn work(
    source: &Source,
    at: usize,
    files: &[InputFile],
    rows: &mut Routed,
    (feeder, seen): (&Mutex<Feeder<'_>>, &InOrder<'_>),
) -> Result<()> {
    let _guard = StopOnPanic(seen);
    rows.begin_source(at);
    let mut spare = Vec::new();
    let mut step = || {
        // A statement of its own: the lock must be free while the block is parsed.
        let next = lock(feeder).next(std::mem::take(&mut spare))?;
        let Some(((file, number), block)) = next else { return Ok(false) };
        let report = read_rows(&block, source, &files[file].header, rows);
        rows.end_block(file, number)?;
        seen.take(number, file, report)?;
        spare = block;
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

/// A panic while the lock is held ends the run anyway: what it guards stays readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
