//! Reading threads: blocks of a source's files → rows → shard buffers, in one pass. Owns the order of what threads
//! finish in any order; decides nothing about cells or shards itself.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cell::Type;
use crate::error::{Error, Result};
use crate::route::{Routed, ShardBuffers};
use crate::source::{BlockReader, BlockReport, InputFile, Rejects, read_rows};
use crate::spec::Source;

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

/// How to read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Reading threads, at least 1.
    pub threads: usize,
    /// Bytes per block.
    pub block_size: usize,
    /// Shards to route to.
    pub shards: usize,
}

/// Types of a source's declared columns.
pub fn column_types(source: &Source) -> Vec<Type> {
    source.columns.iter().map(|c| c.cell.ty).collect()
}

/// Reads all files of one source into the shard buffers.
///
/// # Errors
/// I/O, and a quote that is never closed.
pub fn read_source(
    source: &Source,
    at: usize,
    files: &[InputFile],
    how: Reading,
    buffers: &mut ShardBuffers,
) -> Result<SourceRead> {
    let feeder = Mutex::new(Feeder {
        source,
        files,
        block_size: how.block_size,
        file: 0,
        reader: None,
        block: 0,
        digests: Vec::new(),
    });
    let threads: Vec<Result<Read>> = std::thread::scope(|scope| {
        let work = || work(source, files, how, &feeder);
        let running: Vec<_> = (0..how.threads.max(1)).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let digests = feeder.into_inner().unwrap_or_else(PoisonError::into_inner).digests;
    let (mut reports, mut rows) = (Vec::new(), Vec::new());
    for read in threads {
        let read = read?;
        reports.extend(read.reports);
        rows.push(read.rows);
    }
    reports.sort_unstable_by_key(|(position, _)| *position);
    buffers.add(at, rows)?;
    collect(source, files, reports, digests)
}

/// File, and block in it: the place of a block in its source.
type Position = (usize, usize);

/// Hands out blocks, in order, to whichever thread asks.
struct Feeder<'a> {
    source: &'a Source,
    files: &'a [InputFile],
    block_size: usize,
    file: usize,
    reader: Option<BlockReader>,
    block: usize,
    digests: Vec<String>,
}

/// What a thread read: its rows by shard, and the report of each of its blocks.
struct Read {
    rows: Routed<Position>,
    reports: Vec<(Position, BlockReport)>,
}

impl Feeder<'_> {
    fn next(&mut self, spare: Vec<u8>) -> Result<Option<(Position, Vec<u8>)>> {
        let mut spare = Some(spare);
        while let Some(file) = self.files.get(self.file) {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                closed => closed.insert(open(self.source, file, self.block_size)?),
            };
            match reader.next_block(spare.take().unwrap_or_default()) {
                Ok(Some(block)) => {
                    self.block += 1;
                    return Ok(Some(((self.file, self.block), block)));
                }
                Ok(None) => {
                    self.digests.push(reader.digest());
                    self.reader = None;
                    self.file += 1;
                }
                Err(error) => {
                    // The other threads find nothing left to do.
                    self.file = self.files.len();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }
}

fn open(source: &Source, file: &InputFile, block_size: usize) -> Result<BlockReader> {
    let opened = File::open(&file.path).map_err(|e| Error::reading(&file.path, e))?;
    Ok(BlockReader::new(
        opened,
        file.path.clone(),
        file.name.clone(),
        &source.name,
        block_size,
        file.header.data_offset,
    ))
}

fn work(source: &Source, files: &[InputFile], how: Reading, feeder: &Mutex<Feeder<'_>>) -> Result<Read> {
    // 85 bytes a record is the common case; the guess only sizes the first allocation, of which no page is touched
    // before it is needed.
    let bytes: u64 = files.iter().map(|f| f.bytes).sum();
    let rows_guess = usize::try_from(bytes / 85).unwrap_or(0) / how.threads.max(1);
    let mut read = Read { rows: Routed::new(&column_types(source), how.shards, rows_guess), reports: Vec::new() };
    let mut spare = Vec::new();
    loop {
        // A statement of its own: the lock must be free while the block is parsed.
        let next = lock(feeder).next(spare)?;
        let Some((position, block)) = next else { return Ok(read) };
        let report = read_rows(&block, source, &files[position.0].header, &mut read.rows);
        read.rows.end_block(position);
        read.reports.push((position, report));
        spare = block;
    }
}

/// A panic while the lock is held ends the run anyway: what it guards stays readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(
    source: &Source,
    files: &[InputFile],
    reports: Vec<(Position, BlockReport)>,
    digests: Vec<String>,
) -> Result<SourceRead> {
    let bad_values = vec![0; source.columns.len()];
    let mut read =
        SourceRead { rows: 0, rejected: 0, bad_values, newest_day: None, rejects: Rejects::new()?, files: Vec::new() };
    let mut rows_of = vec![0; files.len()];
    let (mut current, mut line) = (usize::MAX, 0);
    for ((file, _), mut report) in reports {
        if file != current {
            (current, line) = (file, files[file].header.data_line);
        }
        read.rows += report.rows;
        rows_of[file] += report.rows;
        read.rejected += report.rejected;
        read.bad_values.iter_mut().zip(&report.bad_values).for_each(|(all, n)| *all += n);
        read.newest_day = read.newest_day.max(report.newest_day(source));
        line = read.rejects.add(source, &files[file].name, line, &mut report)?;
    }
    read.files = rows_of.into_iter().zip(digests).collect();
    Ok(read)
}
