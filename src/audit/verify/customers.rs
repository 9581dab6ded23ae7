//! The customers in the inputs, found again by the documented rules, not with the reader of a run. Counts what became of
//! the rows on the way.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::forms;
use super::linking::Witness;
use super::records::{Records, Row};
use super::unpacked::Packed;
use super::wrong;
use crate::error::Result;
use crate::input::visible;
use crate::output::manifest::{InputRecord, Manifest};
use crate::spec::{Column, FileFormat, Population, Source, Spec};
use crate::value::Value;

/// Fingerprints of all customers that the spec's population holds. Checks the ledger's counts of rows on the way.
pub(super) fn find(
    input: &Path,
    manifest: &Manifest,
    spec: &Spec,
    mut witness: Option<&mut Witness<'_>>,
) -> Result<HashSet<u128>> {
    let mut customers = HashSet::new();
    for (at, source) in spec.sources.iter().enumerate() {
        let counts_here = match &spec.population {
            Population::Any => true,
            Population::KnownBy(sources) => sources.contains(&at),
        };
        let witness = witness.as_deref_mut().map(|witness| (at, witness));
        let mut found = Counted { customers: &mut customers, collect: counts_here, counts: Counts::default(), witness };
        for file in manifest.inputs.iter().filter(|i| i.source == source.name) {
            let before = found.counts.rows;
            read_file(input, file, source, &mut found)?;
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

struct Counted<'a, 'w> {
    customers: &'a mut HashSet<u128>,
    collect: bool,
    counts: Counts,
    /// The source's number, and who takes rows that say who they are of by identifiers.
    witness: Option<(usize, &'a mut Witness<'w>)>,
}

/// Where the columns are in a file's records.
struct Columns {
    width: usize,
    /// Whether records may lack fields at their end.
    is_short: bool,
    /// The parts of the id, of which there is mostly one.
    keys: Vec<usize>,
    filter: Vec<Option<usize>>,
    links: Vec<Option<usize>>,
    /// The names of all fields, where they are known.
    header: Vec<Vec<u8>>,
}

fn read_file(input: &Path, file: &InputRecord, source: &Source, found: &mut Counted<'_, '_>) -> Result<()> {
    let path = input.join(file.file_name());
    let packed = Packed { path: &path, member: file.member.as_deref() };
    let claimed = |what: String| wrong(format!("the manifest about `{}`: {what}", file.file));
    let unreadable = |e| wrong(format!("`{}` cannot be read: {e}", file.file));
    let no_column = || wrong(format!("`{}` has no column `{}`", file.file, source.key.name));
    let encoding = file.encoding.as_deref().unwrap_or("utf-8").parse().map_err(claimed)?;
    let format: FileFormat = file.format.parse().map_err(claimed)?;
    let used = source.used_columns();
    let mut columns = named_columns(source, &used);
    let mut counting = Counting { source, found, tail: Vec::new() };
    let mut count = |row: &Row| counting.take(row, &columns);
    let read = match format {
        FileFormat::Csv => {
            let delimiter = file.delimiter.as_deref().unwrap_or(",").parse().map_err(claimed)?;
            let mut records = Records::open(&packed, source, encoding, delimiter).map_err(unreadable)?;
            let mut row = Row::default();
            let names = match &source.form.header {
                Some(names) => names.iter().map(|name| name.clone().into_bytes()).collect(),
                None => {
                    records.next(&mut row).map_err(unreadable)?;
                    std::mem::take(&mut row.fields)
                }
            };
            columns = find_columns(source, names).ok_or_else(no_column)?;
            while records.next(&mut row).map_err(unreadable)? {
                counting.take(&row, &columns);
            }
            Ok(())
        }
        FileFormat::JsonLines => forms::json(&packed, encoding, false, source, &used, &mut count),
        FileFormat::Json => forms::json(&packed, encoding, true, source, &used, &mut count),
        FileFormat::Parquet => forms::parquet(&packed, source, &used, &mut count),
        FileFormat::Xlsx => sheet(&packed, file.sheet.as_deref().unwrap_or_default(), &mut counting),
    };
    read.map_err(unreadable)?;
    counting.end();
    Ok(())
}

/// Counts the rows of a sheet, whose first one is the header.
fn sheet(packed: &Packed<'_>, sheet: &str, counting: &mut Counting<'_, '_, '_>) -> std::io::Result<()> {
    let source = counting.source;
    let form = &source.form;
    let given = form.header.as_ref().map(|names| names.iter().map(|name| name.clone().into_bytes()).collect());
    // Cells at the end of a row may be missing.
    let find = |names| find_columns(source, names).map(|columns| Columns { is_short: true, ..columns });
    let mut columns = given.and_then(find);
    let (skip, comment) = (form.skip_lines, form.comment.clone());
    let mut rows = |line: u64, mut row: Row| {
        let first = row.fields.first().map_or(&b""[..], Vec::as_slice);
        if line <= skip || comment.as_ref().is_some_and(|mark| first.starts_with(mark.as_bytes())) {
            return;
        }
        match &columns {
            None => columns = find(std::mem::take(&mut row.fields)),
            Some(columns) => {
                row.line = row.fields.join(&b',');
                counting.take(&row, columns);
            }
        }
    };
    forms::sheet(packed, sheet, &mut rows)
}

/// The rows of a file, while they are counted.
struct Counting<'a, 'b, 'w> {
    source: &'a Source,
    found: &'a mut Counted<'b, 'w>,
    /// Of the lines that may be a footer whether they look like one.
    tail: Vec<bool>,
}

impl Counting<'_, '_, '_> {
    fn take(&mut self, row: &Row, columns: &Columns) {
        if let Some(looks_like_it) = footer(row, columns, self.source) {
            self.tail.push(looks_like_it);
            return;
        }
        let Counted { customers, collect, counts, witness } = &mut *self.found;
        let fate = judge(row, columns, self.source);
        if matches!(fate, Fate::Blank) {
            // It may follow a footer.
            counts.rows += 1;
            counts.blank += 1;
            return;
        }
        let lines = self.tail.drain(..).len() as u64;
        counts.rows += 1 + lines;
        counts.rejected += lines;
        match fate {
            Fate::Rejected => counts.rejected += 1,
            Fate::Blank => counts.blank += 1,
            Fate::Filtered => counts.filtered += 1,
            Fate::Customer(id) if *collect => drop(customers.insert(xxh3_128(id.as_bytes()))),
            Fate::Customer(_) => {}
            Fate::Linked => say(row, columns, self.source, witness),
        }
    }

    /// The file is at its end.
    fn end(self) {
        let (lines, counts) = (self.tail.len() as u64, &mut self.found.counts);
        if Source::is_footer(self.tail.iter().copied()) {
            counts.footer += lines;
        } else {
            counts.rows += lines;
            counts.rejected += lines;
        }
    }
}

/// What becomes of a row.
enum Fate<'a> {
    Customer(Cow<'a, str>),
    /// Of whom its identifiers say.
    Linked,
    Rejected,
    Filtered,
    Blank,
}

/// Tells the witness what a row says of who it is of.
fn say(row: &Row, columns: &Columns, source: &Source, witness: &mut Option<(usize, &mut Witness<'_>)>) {
    let (Some(links), Some((at, witness))) = (&source.links, witness) else { return };
    let cell = |column: usize| {
        let field = row.fields.get(columns.links.get(column).copied().flatten()?)?;
        std::str::from_utf8(field).ok()
    };
    witness.take(*at, links, cell, |text| source.form.nulls.iter().any(|null| null == text.trim()));
}

fn fits(row: &Row, columns: &Columns, source: &Source) -> bool {
    let is_short = source.form.pad || columns.is_short;
    row.fields.len() == columns.width || (is_short && row.fields.len() < columns.width)
}

fn is_blank(row: &Row) -> bool {
    row.fields.iter().all(|field| std::str::from_utf8(field).is_ok_and(|text| text.trim().is_empty()))
}

/// Whether a row that may be part of a footer looks like one; none for one that may not.
fn footer(row: &Row, columns: &Columns, source: &Source) -> Option<bool> {
    if !row.valid || !row.sound || is_blank(row) || !source.has_footer() {
        return None;
    }
    let filled = |field: &&Vec<u8>| !String::from_utf8_lossy(field).trim().is_empty();
    let mut values = row.fields.iter().filter(filled);
    let says = values.next().is_some_and(|value| source.is_footer_line(value)) && values.next().is_none();
    let looks = says || source.is_footer_line(&row.line);
    let is_single = row.fields.len() == 1 && columns.width > 1;
    let may_be_short = source.form.pad || columns.is_short;
    if is_single { (looks || !may_be_short).then_some(looks) } else { says.then_some(true) }
}

/// Whether a row has the names of the columns, as they are seen.
fn is_header(row: &Row, columns: &Columns, source: &Source) -> bool {
    let any_case = source.form.any_case;
    let seen = |text: &[u8]| {
        let text = visible(&String::from_utf8_lossy(text));
        if any_case { text.to_ascii_lowercase() } else { text }
    };
    let field = |at: usize| row.fields.get(at).map_or(&b""[..], Vec::as_slice);
    !columns.header.is_empty() && columns.header.iter().enumerate().all(|(at, name)| seen(field(at)) == seen(name))
}

fn judge<'a>(row: &'a Row, columns: &Columns, source: &Source) -> Fate<'a> {
    if !row.valid || !row.sound {
        return Fate::Rejected;
    }
    if is_blank(row) {
        return Fate::Blank;
    }
    if !fits(row, columns, source) || is_header(row, columns, source) {
        return Fate::Rejected;
    }
    let text = |at: usize| row.fields.get(at).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or_default();
    if let Some(filter) = &source.filter {
        let value = |name: &str| {
            let at = filter.columns.iter().position(|column| column.name == name)?;
            let cell = &filter.columns[at].cell;
            let read = |field: usize| match row.typed.get(field) {
                _ if source.form.nulls.iter().any(|null| null == text(field).trim()) => Some(Value::Null),
                Some(true) => cell.read_typed(text(field)),
                _ => cell.read(text(field)),
            };
            Some(columns.filter[at].and_then(read).unwrap_or(Value::Null))
        };
        if !filter.condition.expr.holds(&value) {
            return Fate::Filtered;
        }
    }
    if source.links.is_some() {
        return Fate::Linked;
    }
    let part = |at: &usize| source.id.read(text(*at)).ok();
    match columns.keys.as_slice() {
        [key] => part(key).map_or(Fate::Rejected, Fate::Customer),
        keys => {
            let escape = |part: Cow<'_, str>| {
                let chars = part.chars().flat_map(|c| if matches!(c, '|' | '\\') { vec!['\\', c] } else { vec![c] });
                chars.collect::<String>()
            };
            let parts: Option<Vec<String>> = keys.iter().map(|key| part(key).map(escape)).collect();
            parts.map_or(Fate::Rejected, |parts| Fate::Customer(parts.join("|").into()))
        }
    }
}

/// Where a source's columns are among these names; none if its id is not.
fn find_columns(source: &Source, names: Vec<Vec<u8>>) -> Option<Columns> {
    let texts: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let find = |column: &Column| position(column, &texts, source.form.any_case);
    let filter = source.filter.iter().flat_map(|filter| &filter.columns).map(find).collect();
    let links: Vec<Option<usize>> = source.links.iter().flat_map(|links| &links.columns).map(find).collect();
    let keys = match &source.links {
        Some(_) => Vec::new(),
        None => std::iter::once(&source.key).chain(&source.more_keys).map(find).collect::<Option<Vec<_>>>()?,
    };
    let width = names.len();
    Some(Columns { width, is_short: false, keys, filter, links, header: names })
}

/// Where the columns are in records that have these as fields.
fn named_columns(source: &Source, used: &[&Column]) -> Columns {
    let place = |column: &Column| used.iter().position(|known| known.name == column.name);
    let filter = source.filter.iter().flat_map(|filter| &filter.columns).map(place).collect();
    let links = source.links.iter().flat_map(|links| &links.columns).map(place).collect();
    let keys = (0..=source.more_keys.len()).collect();
    Columns { width: used.len(), is_short: false, keys, filter, links, header: Vec::new() }
}

/// Whether a name is one of a column's, as it is seen.
pub(super) fn is_of(column: &Column, name: &str, any_case: bool) -> bool {
    let seen = |name: &str| if any_case { visible(name).to_ascii_lowercase() } else { visible(name) };
    column.headers.iter().any(|header| seen(header) == seen(name))
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
