//! A customer's rows in the inputs: blocks are searched for the id's bytes, and only what may hold it is read as records,
//! by the run's own reader. Owns that the files are those that the run read.

mod needle;

use std::fs;
use std::path::PathBuf;

use polars_core::runtime::THREAD_POOL;
use rayon::prelude::*;

use super::found::{Found, FoundIn, FoundRow};
use super::{Run, wrong};
use crate::cell::{Value, trim};
use crate::error::{Error, Result};
use crate::manifest::InputRecord;
use crate::source::{
    BlockReader, InputFile, Inputs, Record, Rejects, RowSink, line_ends, open_file, read_records, read_rows,
};
use crate::spec::{Source, did_you_mean};

use needle::Needle;

/// Bytes read at a time: a block with the id is read as records whole, so less than a run takes.
const BLOCK: usize = 1 << 20;

/// Finds the customer's rows in the sources that `search` names.
pub(super) fn rows(run: &Run<'_>, customer: &str, search: impl Fn(&str) -> bool) -> Result<Found> {
    check_overrides(run)?;
    let mut tasks = Vec::new();
    for (at, source) in run.spec.sources.iter().enumerate().filter(|(_, s)| search(&s.name)) {
        for (path, name, record) in files(run, source)? {
            check_size(&path, record)?;
            tasks.push((at, source, path, name, record));
        }
    }
    let needle = Needle::new(customer);
    let search = |(at, source, path, name, record): (usize, &Source, PathBuf, String, &InputRecord)| {
        let file = open_file(source, &as_read(run, record), path, name)?;
        let hits = scan(&file, record, customer, &needle)?;
        Ok((at, file, hits))
    };
    let scanned: Vec<_> = THREAD_POOL.install(|| tasks.into_par_iter().map(search).collect::<Result<_>>())?;
    let mut sources: Vec<FoundIn> = run.spec.sources.iter().map(|_| FoundIn::default()).collect();
    for (at, file, hits) in scanned {
        take(customer, &run.spec.sources[at], file, hits, &mut sources[at])?;
    }
    Ok(Found { sources })
}

/// The inputs with the encoding and the delimiter that the run read the file with.
fn as_read(run: &Run<'_>, record: &InputRecord) -> Inputs {
    let (encoding, delimiter) = (record.encoding.parse().ok(), record.delimiter.parse().ok());
    Inputs { encoding, delimiter, ..run.inputs.clone() }
}

fn check_overrides(run: &Run<'_>) -> Result<()> {
    let known = || run.spec.sources.iter().map(|s| s.name.as_str());
    match run.inputs.overrides.iter().find(|(name, _)| known().all(|k| k != name)) {
        None => Ok(()),
        Some((name, _)) => {
            let near = did_you_mean(name, known());
            Err(Error::Usage(format!("--source names no source of the run's profile: `{name}`{near}")))
        }
    }
}

/// The files that the run read of a source, where they are now: path, name in messages, and what the run saw.
fn files<'a>(run: &Run<'a>, source: &Source) -> Result<Vec<(PathBuf, String, &'a InputRecord)>> {
    let records: Vec<&'a InputRecord> = run.manifest.inputs.iter().filter(|i| i.source == source.name).collect();
    let by_hand = run.inputs.overrides.iter().filter(|(name, _)| *name == source.name).map(|(_, file)| file);
    let by_hand: Vec<&PathBuf> = by_hand.collect();
    if by_hand.is_empty() {
        let file = |record: &'a InputRecord| (run.inputs.folder.join(&record.file), record.file.clone(), record);
        return Ok(records.into_iter().map(file).collect());
    }
    if by_hand.len() != records.len() {
        let (given, read) = (by_hand.len(), records.len());
        let message = format!("--source {} names {given} file(s), the run read {read}: name each once", source.name);
        return Err(Error::Usage(message));
    }
    let file = |(path, record): (&PathBuf, _)| (path.clone(), path.display().to_string(), record);
    Ok(by_hand.into_iter().zip(records).map(file).collect())
}

fn check_size(path: &std::path::Path, record: &InputRecord) -> Result<()> {
    let meta = fs::metadata(path).map_err(|e| Error::reading(path, e))?;
    if meta.is_file() && meta.len() != record.bytes { Err(changed(record)) } else { Ok(()) }
}

fn changed(record: &InputRecord) -> Error {
    let message = "is not the file that the run read: bring that one back, or run again and explain the new profile";
    wrong(format!("input `{}` {message}", record.file))
}

/// A record that bears the id, accepted or not.
struct Hit {
    line: u64,
    raw: Vec<u8>,
}

/// Reads a file to its end; gives the records that bear the id.
fn scan(file: &InputFile, record: &InputRecord, customer: &str, needle: &Needle) -> Result<Vec<Hit>> {
    let mut reader = BlockReader::open(file, BLOCK)?;
    let (mut hits, mut spare, mut line) = (Vec::new(), Vec::new(), file.header.data_line);
    // A record that is not UTF-8 has no fields: it is rejected, and bears the id if it holds its bytes.
    let is_it = |r: &Record<'_>| !r.is_utf8() || r.field(file.header.key).is_some_and(|id| trim(id) == customer);
    while let Some(block) = reader.next_block(spare)? {
        line += if needle.may_be_in(&block) {
            read_records(&block, file.header.delimiter, |record| {
                if needle.may_be_in(record.raw) && is_it(&record) {
                    hits.push(Hit { line: line + record.line, raw: record.raw.to_vec() });
                }
            })
        } else {
            line_ends(&block, 0, block.len())
        };
        spare = block;
    }
    if record.digest.as_deref() != Some(reader.digest().as_str()) {
        return Err(changed(record));
    }
    Ok(hits)
}

/// Keeps the customer's rows, and where the rejected ones are.
fn take(customer: &str, source: &Source, file: InputFile, hits: Vec<Hit>, found: &mut FoundIn) -> Result<()> {
    let at = found.files.len();
    for Hit { line, raw } in hits {
        let mut row = Probe { customer, is_it: false };
        let report = read_rows(&raw, source, &file.header, &mut row);
        if row.is_it {
            let bad = report.bad_values.iter().map(|n| *n > 0).collect();
            found.rows.push(FoundRow { file: at, line, raw, bad });
        } else if report.rejected > 0 {
            let mut rejects = Rejects::new(&std::env::temp_dir())?;
            rejects.add(source, &file.name, line, &report)?;
            found.rejected.extend_from_slice(rejects.first_three());
        }
    }
    found.files.push(file);
    Ok(())
}

/// Whether an accepted row is the customer's.
struct Probe<'a> {
    customer: &'a str,
    is_it: bool,
}

impl RowSink for Probe<'_> {
    fn begin(&mut self, id: &str) -> bool {
        self.is_it = id == self.customer;
        self.is_it
    }

    fn put(&mut self, _: usize, _: Value<'_>) {}

    fn end(&mut self) {}
}
