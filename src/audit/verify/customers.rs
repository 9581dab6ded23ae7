//! The customers in the inputs, found again by the documented rules, not with the reader of a run. Counts what became of
//! the rows on the way.

use std::collections::HashSet;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::records::{Records, Row};
use super::wrong;
use crate::error::{Error, Result};
use crate::input::visible;
use crate::output::manifest::{InputRecord, Manifest};
use crate::spec::{Column, Population, Source, Spec};
use crate::value::Value;

/// Fingerprints of all customers that the spec's population holds. Checks the ledger's counts of rows on the way.
pub(super) fn find(input: &Path, manifest: &Manifest, spec: &Spec) -> Result<HashSet<u128>> {
    let mut customers = HashSet::new();
    for (at, source) in spec.sources.iter().enumerate() {
        let counts_here = match &spec.population {
            Population::Any => true,
            Population::KnownBy(sources) => sources.contains(&at),
        };
        let mut found = Counted { customers: &mut customers, collect: counts_here, counts: Counts::default() };
        for file in manifest.inputs.iter().filter(|i| i.source == source.name) {
            let before = found.counts.rows;
            read_file(&input.join(&file.file), file, source, &mut found)?;
            let rows = found.counts.rows - before;
            if rows != file.rows {
                return Err(wrong(format!("`{}` has {rows} rows, but the manifest says {}", file.file, file.rows)));
            }
        }
        let ledger = manifest
            .ledger
            .0
            .get(&source.name)
            .ok_or_else(|| wrong(format!("the ledger has no source `{}`", source.name)))?;
        let claimed = Counts {
            rows: ledger.rows_read,
            rejected: ledger.rows_rejected,
            filtered: ledger.rows_filtered,
            blank: ledger.rows_blank,
            footer: ledger.footer_rows,
        };
        if found.counts != claimed {
            return Err(wrong(format!("`{}`: {}, but the ledger says {claimed}", source.name, found.counts)));
        }
    }
    Ok(customers)
}

/// What was counted in a source's files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    rows: u64,
    rejected: u64,
    filtered: u64,
    blank: u64,
    footer: u64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rows, rejected, filtered, blank, footer } = self;
        write!(f, "{rows} rows, {rejected} rejects, {filtered} filtered, {blank} blank, {footer} of footers")
    }
}

struct Counted<'a> {
    customers: &'a mut HashSet<u128>,
    collect: bool,
    counts: Counts,
}

/// Where the columns are in a file's records.
struct Columns {
    width: usize,
    key: usize,
    filter: Vec<Option<usize>>,
    /// The header, when it stands in the file.
    header: Vec<Vec<u8>>,
}

fn read_file(path: &Path, file: &InputRecord, source: &Source, found: &mut Counted<'_>) -> Result<()> {
    let claimed = |what: String| wrong(format!("the manifest about `{}`: {what}", file.file));
    let (encoding, delimiter) = (file.encoding.parse().map_err(claimed)?, file.delimiter.parse().map_err(claimed)?);
    let mut records = Records::open(path, source, encoding, delimiter).map_err(|e| Error::reading(path, e))?;
    let unreadable = |e| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let mut row = Row::default();
    let columns = match &source.form.header {
        Some(names) => columns(source, names.iter().map(|name| name.clone().into_bytes()).collect(), false),
        None => {
            records.next(&mut row).map_err(unreadable)?;
            columns(source, std::mem::take(&mut row.fields), true)
        }
    };
    let Some(columns) = columns else {
        return Err(wrong(format!("`{}` has no column `{}`", path.display(), source.key.name)));
    };
    let mut tail: Vec<Vec<u8>> = Vec::new();
    while records.next(&mut row).map_err(unreadable)? {
        let Counted { customers, collect, counts } = &mut *found;
        if may_be_footer(&row, &columns, source) {
            tail.push(std::mem::take(&mut row.line));
            continue;
        }
        counts.rows += 1 + tail.len() as u64;
        counts.rejected += tail.drain(..).len() as u64;
        match judge(&row, &columns, source) {
            Fate::Rejected => counts.rejected += 1,
            Fate::Blank => counts.blank += 1,
            Fate::Filtered => counts.filtered += 1,
            Fate::Customer(id) if *collect => drop(customers.insert(xxh3_128(id.as_bytes()))),
            Fate::Customer(_) => {}
        }
    }
    let lines = tail.len() as u64;
    if lines > 0 && source.is_footer(tail.iter().map(Vec::as_slice)) {
        found.counts.footer += lines;
    } else {
        found.counts.rows += lines;
        found.counts.rejected += lines;
    }
    Ok(())
}

/// What becomes of a row.
enum Fate<'a> {
    Customer(&'a str),
    Rejected,
    Filtered,
    Blank,
}

fn fits(row: &Row, columns: &Columns, source: &Source) -> bool {
    row.fields.len() == columns.width || (source.form.pad && row.fields.len() < columns.width)
}

fn is_blank(row: &Row) -> bool {
    row.fields.iter().all(|field| std::str::from_utf8(field).is_ok_and(|text| text.trim().is_empty()))
}

fn may_be_footer(row: &Row, columns: &Columns, source: &Source) -> bool {
    let single = row.valid && row.sound && row.fields.len() == 1 && columns.width > 1;
    single && !is_blank(row) && source.may_end(&row.line)
}

fn judge<'a>(row: &'a Row, columns: &Columns, source: &Source) -> Fate<'a> {
    if !row.valid || !row.sound {
        return Fate::Rejected;
    }
    if is_blank(row) {
        return Fate::Blank;
    }
    if !fits(row, columns, source) || row.fields == columns.header {
        return Fate::Rejected;
    }
    let text = |at: usize| row.fields.get(at).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or_default();
    if let Some(filter) = &source.filter {
        let value = |name: &str| {
            let at = filter.columns.iter().position(|column| column.name == name)?;
            let read = |field: usize| filter.columns[at].cell.read(text(field));
            Some(columns.filter[at].and_then(read).unwrap_or(Value::Null))
        };
        if !filter.condition.expr.holds(&value) {
            return Fate::Filtered;
        }
    }
    match text(columns.key).trim() {
        "" => Fate::Rejected,
        id => Fate::Customer(id),
    }
}

/// Where a source's columns are among these names; none if its id is not.
fn columns(source: &Source, names: Vec<Vec<u8>>, in_file: bool) -> Option<Columns> {
    let texts: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let find = |column: &Column| position(column, &texts, source.form.any_case);
    let filter = source.filter.iter().flat_map(|filter| &filter.columns).map(find).collect();
    let (width, key) = (names.len(), find(&source.key)?);
    Some(Columns { width, key, filter, header: if in_file { names } else { Vec::new() } })
}

/// The field of a column: by one of its names as it is, else as it is seen; `Name#2` is the second `Name`.
fn position(column: &Column, names: &[String], any_case: bool) -> Option<usize> {
    let seen = |name: &str| if any_case { visible(name).to_ascii_lowercase() } else { visible(name) };
    let exact = |wanted: &String| names.iter().position(|name| name == wanted);
    let alike = |wanted: &String| names.iter().position(|name| seen(name) == seen(wanted));
    let numbered = |wanted: &String| {
        let (name, number) = wanted.rsplit_once('#')?;
        let nth = number.parse::<usize>().ok()?.checked_sub(1)?;
        names.iter().enumerate().filter(|(_, other)| *other == name).nth(nth).map(|(at, _)| at)
    };
    let headers = &column.headers;
    headers
        .iter()
        .find_map(exact)
        .or_else(|| headers.iter().find_map(numbered))
        .or_else(|| headers.iter().find_map(alike))
}
