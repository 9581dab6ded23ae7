//! Finds a customer's rows in the inputs: searches blocks for the id's bytes, and reads only blocks that may have it as
//! records, with the run's own reader. Refuses files that have changed since the run.

mod needle;

use std::fs;
use std::path::PathBuf;

use rayon::prelude::*;

use super::identity::Members;
use super::rows_of::{CustomerRow, CustomerRows, SourceHits};
use super::{FinishedRun, wrong};
use crate::engine::pool;
use crate::error::{Error, Result, counted};
use crate::input::{
    BlockReader, InputFile, Inputs, LinkedRow, Record, Rejects, RowSink, id_of, line_ends, open_file, read_records,
    read_rows,
};
use crate::output::manifest::InputRecord;
use crate::spec::{Source, did_you_mean};
use crate::stop::Stop;
use crate::value::Value;

use needle::Needle;

/// Bytes of a block: fewer than in a run, because all records of a block with the id are read.
const BLOCK: usize = 1 << 20;

/// Finds the customer's rows in the sources for which `search` is true.
pub(super) fn rows(
    run: &FinishedRun<'_>,
    customer: &str,
    members: Option<&Members>,
    search: impl Fn(&str) -> bool,
) -> Result<CustomerRows> {
    check_overrides(run)?;
    let mut tasks = Vec::new();
    for (at, source) in run.spec.sources.iter().enumerate().filter(|(_, s)| search(&s.name)) {
        for (path, name, record) in files(run, source)? {
            check_size(&path, record)?;
            tasks.push(Task { at, source, path, name, record });
        }
    }
    let needle = Needle::new(customer);
    let who = Who { customer, members, needle: &needle };
    let search = |Task { at, source, path, name, record }: Task<'_>| {
        let file = open_file(source, &as_read(run, record), &path, &name, record.member.as_deref())?;
        let hits = scan(source, &file, record, &who)?;
        Ok((at, file, hits))
    };
    let scanned: Vec<_> = pool().install(|| tasks.into_par_iter().map(search).collect::<Result<_>>())?;
    let mut sources: Vec<SourceHits> = run.spec.sources.iter().map(|_| SourceHits::default()).collect();
    for (at, file, hits) in scanned {
        take(&who, &run.spec.sources[at], file, hits, &mut sources[at])?;
    }
    Ok(CustomerRows { sources })
}

/// Whose rows are searched for.
#[derive(Clone, Copy)]
struct Who<'a> {
    customer: &'a str,
    /// Its identifiers, if rows have no id.
    members: Option<&'a Members>,
    needle: &'a Needle,
}

/// A file to search.
struct Task<'a> {
    /// Index of its source in the spec.
    at: usize,
    source: &'a Source,
    path: PathBuf,
    name: String,
    /// The run's record of it.
    record: &'a InputRecord,
}

/// The inputs with the encoding and the delimiter with which the run read the file.
fn as_read(run: &FinishedRun<'_>, record: &InputRecord) -> Inputs {
    let encoding = record.encoding.as_ref().and_then(|encoding| encoding.parse().ok());
    let delimiter = record.delimiter.as_ref().and_then(|delimiter| delimiter.parse().ok());
    Inputs { encoding, delimiter, ..run.inputs.clone() }
}

fn check_overrides(run: &FinishedRun<'_>) -> Result<()> {
    let known = || run.spec.sources.iter().map(|s| s.name.as_str());
    match run.inputs.overrides.iter().find(|(name, _)| known().all(|k| k != name)) {
        None => Ok(()),
        Some((name, _)) => {
            let near = did_you_mean(name, known());
            Err(Error::Usage(format!("--source: the run's profile has no source `{name}`{near}")))
        }
    }
}

/// The files of a source that the run read, where they are now: path, name in messages, and the run's record.
fn files<'a>(run: &FinishedRun<'a>, source: &Source) -> Result<Vec<(PathBuf, String, &'a InputRecord)>> {
    let records: Vec<&'a InputRecord> = run.manifest.inputs.iter().filter(|i| i.source == source.name).collect();
    let by_hand = run.inputs.overrides.iter().filter(|(name, _)| *name == source.name).map(|(_, file)| file);
    let by_hand: Vec<&PathBuf> = by_hand.collect();
    if by_hand.is_empty() {
        let file = |record: &'a InputRecord| (run.inputs.folder.join(record.file_name()), record.file.clone(), record);
        return Ok(records.into_iter().map(file).collect());
    }
    if by_hand.len() != records.len() {
        let (given, read) = (by_hand.len(), records.len());
        let (name, given) = (&source.name, counted(given as u64, "file"));
        let message = format!("--source {name} names {given}, but the run read {read}: name each once");
        return Err(Error::Usage(message));
    }
    let file = |(path, record): (&PathBuf, &'a InputRecord)| (path.clone(), path.display().to_string(), record);
    Ok(by_hand.into_iter().zip(records).map(file).collect())
}

fn check_size(path: &std::path::Path, record: &InputRecord) -> Result<()> {
    let meta = fs::metadata(path).map_err(|e| Error::reading(path, e))?;
    let whole = record.member.is_none();
    if whole && meta.is_file() && meta.len() != record.bytes { Err(changed(record)) } else { Ok(()) }
}

fn changed(record: &InputRecord) -> Error {
    let message = "has changed since the run read it: restore the old file, or run again and explain the new profile";
    wrong(format!("input `{}` {message}", record.file))
}

/// A record with the id, accepted or not.
struct Hit {
    line: u64,
    raw: Vec<u8>,
}

/// Reads a file to its end and gives the records with the id.
fn scan(source: &Source, file: &InputFile, record: &InputRecord, who: &Who<'_>) -> Result<Vec<Hit>> {
    let mut reader = BlockReader::open(file, BLOCK)?;
    let (mut hits, mut spare, mut line) = (Vec::new(), Vec::new(), file.header.data_line);
    // A record that is not UTF-8 has no fields; it is rejected, and has the id if it has the id's bytes.
    let needle = who.needle;
    let is_it = |r: &Record<'_>| match (r.is_utf8(), who.members) {
        (true, Some(members)) => members.has(source, &LinkedRow::new(r, &file.header, source)),
        (true, None) => id_of(source, file, r).is_ok_and(|id| id == who.customer),
        (false, _) => needle.may_be_in(r.raw),
    };
    let is_verbatim =
        who.members.is_none() && file.format.is_verbatim() && source.id.is_verbatim() && source.more_keys.is_empty();
    let may_be_in = |bytes: &[u8]| !is_verbatim || needle.may_be_in(bytes);
    while let Some(block) = reader.next_block(spare)? {
        line += if may_be_in(&block) {
            read_records(&block, file, |record| {
                if may_be_in(record.raw) && is_it(&record) {
                    hits.push(Hit { line: line + record.line, raw: record.alone() });
                }
            })
        } else {
            line_ends(&block, 0, block.len())
        };
        spare = block;
    }
    let digest = match reader.digest() {
        Some(digest) => digest,
        None => file.digest(&Stop::default())?.to_owned(),
    };
    if record.digest.as_ref() != Some(&digest) {
        return Err(changed(record));
    }
    Ok(hits)
}

/// Adds the customer's rows, and where the rejected ones are.
fn take(who: &Who<'_>, source: &Source, file: InputFile, hits: Vec<Hit>, found: &mut SourceHits) -> Result<()> {
    let at = found.files.len();
    for Hit { line, raw } in hits {
        let mut row = Probe { who, source, is_it: false };
        let report = read_rows(&raw, source, &file, &mut row);
        if row.is_it {
            let bad = report.bad_values.iter().map(|n| *n > 0).collect();
            found.rows.push(CustomerRow { file: at, line, raw, bad });
        } else if report.counts.rejected > 0 {
            let mut rejects = Rejects::new(&std::env::temp_dir(), false)?;
            rejects.add(source, &file.name, line, &report)?;
            found.rejected.extend_from_slice(rejects.first_three());
        }
    }
    found.files.push(file);
    Ok(())
}

/// Finds out whether an accepted row is the customer's.
struct Probe<'a> {
    who: &'a Who<'a>,
    source: &'a Source,
    is_it: bool,
}

impl RowSink for Probe<'_> {
    fn begin(&mut self, id: &str) -> bool {
        self.is_it = id == self.who.customer;
        self.is_it
    }

    fn begin_linked(&mut self, row: &LinkedRow<'_>) -> bool {
        self.is_it = self.who.members.is_some_and(|members| members.has(self.source, row));
        self.is_it
    }

    fn put(&mut self, _: usize, _: Value<'_>) {}

    fn end(&mut self) {}
}
