//! Reading threads: blocks of a source's files → rows → shard buffers, in one pass. Owns the order of what threads
//! finish in any order; decides nothing about cells or shards itself.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::route::{Layout, Routed};
use crate::source::{BlockReader, BlockReport, InputFile, Rejects, read_rows};
use crate::spec::Source;
use crate::stop::Stop;

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

/// What the routed rows of a source are made of.
pub fn layout(source: &Source) -> Layout {
    Layout { types: source.columns.iter().map(|c| c.cell.ty).collect(), order_by: source.latest_by }
}

/// Reads all files of one source, one thread for each of these.
///
/// # Errors
/// I/O, a quote that is never closed, and [`Error::Interrupted`].
pub fn read_source(
    source: &Source,
    at: usize,
    files: &[InputFile],
    block_size: usize,
    threads: &mut [Routed],
    stop: &Stop,
) -> Result<SourceRead> {
    let feeder =
        Mutex::new(Feeder { stop, source, files, block_size, file: 0, reader: None, block: 0, digests: Vec::new() });
    let threads: Vec<Result<Reports>> = std::thread::scope(|scope| {
        let start = |rows| scope.spawn(|| work(source, at, files, rows, &feeder));
        let running: Vec<_> = threads.iter_mut().map(start).collect();
        running.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let digests = feeder.into_inner().unwrap_or_else(PoisonError::into_inner).digests;
    let mut reports = Vec::new();
    for read in threads {
        reports.extend(read?);
    }
    reports.sort_unstable_by_key(|(position, _)| *position);
    collect(source, files, reports, digests)
}

/// File, and block in it: the place of a block in its source.
type Position = (usize, u64);

/// What a thread saw in each block beside its rows.
type Reports = Vec<(Position, BlockReport)>;

/// Hands out blocks, in order, to whichever thread asks.
struct Feeder<'a> {
    stop: &'a Stop,
    source: &'a Source,
    files: &'a [InputFile],
    block_size: usize,
    file: usize,
    reader: Option<BlockReader>,
    block: u64,
    digests: Vec<String>,
}

impl Feeder<'_> {
    fn next(&mut self, spare: Vec<u8>) -> Result<Option<(Position, Vec<u8>)>> {
        self.stop.check()?;
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
                    self.stop();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// The other threads find nothing left to do.
    fn stop(&mut self) {
        self.file = self.files.len();
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

fn work(
    source: &Source,
    at: usize,
    files: &[InputFile],
    rows: &mut Routed,
    feeder: &Mutex<Feeder<'_>>,
) -> Result<Reports> {
    rows.begin_source(at);
    let mut reports = Vec::new();
    let mut spare = Vec::new();
    loop {
        // A statement of its own: the lock must be free while the block is parsed.
        let next = lock(feeder).next(spare)?;
        let Some((position, block)) = next else { return Ok(reports) };
        let (file, number) = position;
        let report = read_rows(&block, source, &files[file].header, rows);
        rows.end_block(file, number).inspect_err(|_| lock(feeder).stop())?;
        reports.push((position, report));
        spare = block;
    }
}

/// A panic while the lock is held ends the run anyway: what it guards stays readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(source: &Source, files: &[InputFile], reports: Reports, digests: Vec<String>) -> Result<SourceRead> {
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
