//! Finds the customers in the inputs again, with the `csv` crate. Never uses the run's own reader.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use xxhash_rust::xxh3::xxh3_128;

use super::decode::Decoded;
use super::wrong;
use crate::error::{Error, Result};
use crate::output::manifest::{InputRecord, Manifest};
use crate::spec::{Delimiter, Encoding, Population, Source, Spec};

/// Fingerprints of all customers that get a profile. Checks the ledger's counts of rows on the way.
pub(super) fn find(input: &Path, manifest: &Manifest, spec: &Spec) -> Result<HashSet<u128>> {
    let mut customers = HashSet::new();
    for (at, source) in spec.sources.iter().enumerate() {
        let counts_here = match &spec.population {
            Population::Any => true,
            Population::KnownBy(sources) => sources.contains(&at),
        };
        let mut found = Counted { customers: &mut customers, collect: counts_here, rows: 0, rejected: 0 };
        for file in manifest.inputs.iter().filter(|i| i.source == source.name) {
            let before = found.rows;
            read_file(&input.join(&file.file), file, source, &mut found)?;
            if found.rows - before != file.rows {
                return Err(wrong(format!(
                    "`{}` has {} rows, but the manifest says {}",
                    file.file,
                    found.rows - before,
                    file.rows
                )));
            }
        }
        let ledger = manifest
            .ledger
            .0
            .get(&source.name)
            .ok_or_else(|| wrong(format!("the ledger has no source `{}`", source.name)))?;
        if (ledger.rows_read, ledger.rows_rejected) != (found.rows, found.rejected) {
            let message = format!(
                "`{}` has {} rows and {} rejects, but the ledger says {} and {}",
                source.name, found.rows, found.rejected, ledger.rows_read, ledger.rows_rejected
            );
            return Err(wrong(message));
        }
    }
    Ok(customers)
}

struct Counted<'a> {
    customers: &'a mut HashSet<u128>,
    collect: bool,
    rows: u64,
    rejected: u64,
}

fn read_file(path: &Path, file: &InputRecord, source: &Source, found: &mut Counted<'_>) -> Result<()> {
    let claimed = |what: String| wrong(format!("the manifest about `{}`: {what}", file.file));
    let encoding: Encoding = file.encoding.parse().map_err(claimed)?;
    let delimiter: Delimiter = file.delimiter.parse().map_err(claimed)?;
    let reading = |e| Error::reading(path, e);
    let open = || File::open(path);
    let mut raw = open().map_err(reading)?;
    let text = Decoded::new(open().map_err(reading)?, encoding).map_err(reading)?;
    let marks = text.marks();
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter.byte())
        .terminator(Terminator::CRLF)
        .buffer_capacity(1 << 20)
        .from_reader(text);
    let unreadable = |e: csv::Error| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let mut header = ByteRecord::new();
    reader.read_byte_record(&mut header).map_err(unreadable)?;
    let Some(key) = header.iter().position(|name| name == source.key.as_bytes()) else {
        return Err(wrong(format!("`{}` has no column `{}`", path.display(), source.key)));
    };
    let mut record = ByteRecord::new();
    loop {
        let start = marks + reader.position().byte();
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Ok(());
        }
        found.rows += 1;
        let valid = record.as_slice().is_ascii()
            || match encoding {
                Encoding::Utf8 => is_utf8(&mut raw, start, marks + reader.position().byte()).map_err(reading)?,
                // What is not a character became one byte that is never part of valid UTF-8.
                _ => std::str::from_utf8(record.as_slice()).is_ok(),
            };
        let id = record.get(key).and_then(|id| std::str::from_utf8(id).ok()).map(str::trim).unwrap_or_default();
        if !valid || record.len() != header.len() || id.is_empty() {
            found.rejected += 1;
        } else if found.collect {
            found.customers.insert(xxh3_128(id.as_bytes()));
        }
    }
}

/// Whether a record's bytes in the file are UTF-8; without its quotes two invalid halves could become valid.
fn is_utf8(raw: &mut File, start: u64, end: u64) -> std::io::Result<bool> {
    raw.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    raw.take(end - start).read_to_end(&mut bytes)?;
    Ok(std::str::from_utf8(&bytes).is_ok())
}
