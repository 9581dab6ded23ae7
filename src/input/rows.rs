//! Records → typed rows. Owns the order of reject reasons and what a bad value is; hands accepted rows to a sink.

use std::borrow::Cow;
use std::cell::Cell;

use super::account::RowCounts;
use super::records::{Record, read_records};
use super::rejects::{Reason, RejectLog};
use super::{Header, InputFile};
use crate::spec::identity::{Deleted, Linked};
use crate::spec::{Column, Filter, Source};
use crate::value::{NoId, Type, Value, has_hidden, trim};

/// Takes accepted rows, one after the other.
pub trait RowSink {
    /// Begins a row: its id, trimmed. False when the row is not wanted: then its values do not come, nor its end.
    fn begin(&mut self, id: &str) -> bool;
    /// The same for a row of a source whose customers are found by identifiers.
    fn begin_linked(&mut self, _row: &LinkedRow<'_>) -> bool {
        false
    }
    /// The row's value for a declared column; columns come in declared order.
    fn put(&mut self, column: usize, value: Value<'_>);
    /// Ends the row.
    fn end(&mut self);
}

/// A row whose customer is found by its identifiers.
#[derive(Debug, Clone, Copy)]
pub struct LinkedRow<'a> {
    record: &'a Record<'a>,
    header: &'a Header,
    source: &'a Source,
    /// Its line, from 0 at the block's start.
    pub line: u64,
}

impl<'a> LinkedRow<'a> {
    pub fn new(record: &'a Record<'a>, header: &'a Header, source: &'a Source) -> Self {
        Self { record, header, source, line: record.line }
    }

    /// The cell of a column of [`crate::spec::identity::Links`], by its index; none if it is null.
    pub fn cell(&self, at: usize) -> Option<&'a str> {
        let text = self.record.field(self.header.links.get(at).copied().flatten()?)?;
        (!text.is_empty() && !self.is_null(text)).then_some(text)
    }

    /// The texts of an identifier's cell, split if it holds several; none of them null.
    pub fn texts<'l>(&self, linked: &'l Linked) -> impl Iterator<Item = &'l str> + use<'l, 'a>
    where
        'a: 'l,
    {
        let row = *self;
        let cell = row.cell(linked.at);
        let whole = cell.filter(|_| linked.split.is_none());
        let split = cell.zip(linked.split.as_deref()).map(|(cell, by)| cell.split(by));
        whole.into_iter().chain(split.into_iter().flatten().filter(move |text| !row.is_null(text)))
    }

    /// Whether the row says that its customer is deleted.
    pub fn is_deleted(&self, deleted: &Deleted) -> bool {
        let Some(cell) = self.cell(deleted.at).map(str::trim).filter(|cell| !cell.is_empty()) else { return false };
        deleted.is.iter().any(|word| word == "*" || word.eq_ignore_ascii_case(cell))
    }

    /// Whether a text is a null of the source.
    fn is_null(&self, text: &str) -> bool {
        !self.source.form.nulls.is_empty() && self.source.form.nulls.iter().any(|null| null == trim(text))
    }

    /// The row as the rejects file shows it.
    pub fn raw(&self) -> Cow<'a, [u8]> {
        self.record.shown()
    }
}

/// What a block held besides its accepted rows.
#[derive(Debug, Default)]
pub struct BlockReport {
    /// Its records.
    pub counts: RowCounts,
    /// Per declared column, values of accepted rows that did not parse.
    pub bad_values: Vec<u64>,
    /// Rejected records and bad values, in order; lines from 0 at the block's start.
    pub(super) rejects: RejectLog,
    /// Records that end the block and may be a footer: they count nowhere else yet.
    pub(super) tail: Vec<TailLine>,
    /// Whether the block holds anything else.
    pub(super) has_others: bool,
    /// Physical lines.
    pub(super) lines: u64,
    /// Greatest `latest_by` of accepted rows: days, microseconds or the integer itself.
    pub newest: Option<i64>,
    /// The first line that has it, from 0 at the block's start.
    pub newest_line: u64,
    /// Per declared column, values of accepted rows that are no nulls, bad ones too.
    pub filled: Vec<u64>,
}

/// A record that may be part of a footer.
#[derive(Debug)]
pub struct TailLine {
    pub line: u64,
    pub raw: Vec<u8>,
    /// Whether a pattern of the source says that it is one.
    pub looks_like_it: bool,
}

/// Reads a block's rows into a sink.
pub fn read_rows(block: &[u8], source: &Source, file: &InputFile, sink: &mut impl RowSink) -> BlockReport {
    let mut reading = Reading {
        source,
        file,
        report: BlockReport {
            bad_values: vec![0; source.columns.len()],
            filled: vec![0; source.columns.len()],
            ..BlockReport::default()
        },
        bad: Vec::new(),
        lost: Cell::new(0),
    };
    let lines = read_records(block, file, |record| reading.take(&record, sink));
    let mut report = BlockReport { lines, ..reading.report };
    report.counts.lost = reading.lost.get();
    report
}

/// A block that is being read.
struct Reading<'a> {
    source: &'a Source,
    file: &'a InputFile,
    report: BlockReport,
    /// Bad values of the record at hand, and why.
    bad: Vec<(usize, Reason, String)>,
    /// Texts of which a `try_cast` of the filter made null.
    lost: Cell<u64>,
}

/// What becomes of a record.
enum Fate<'a> {
    Accepted(Cow<'a, str>),
    /// Accepted, of a source whose customers are found by identifiers.
    Linked,
    Rejected(Reason),
    Filtered,
    Blank,
    /// It may be part of a footer.
    Tail,
}

impl Reading<'_> {
    fn take(&mut self, record: &Record<'_>, sink: &mut impl RowSink) {
        let fate = self.fate(record);
        if matches!(fate, Fate::Tail) {
            let (line, raw) = (record.line, record.shown().into_owned());
            let looks_like_it = self.source.is_footer_line(&raw) || self.says_footer(record);
            self.report.tail.push(TailLine { line, raw, looks_like_it });
            return;
        }
        // Rows of delimiters alone may follow a footer.
        if !matches!(fate, Fate::Blank) {
            self.not_the_end();
            self.report.has_others = true;
        }
        let report = &mut self.report;
        report.counts.rows += 1;
        report.counts.spaced += u64::from(record.is_spaced);
        match fate {
            Fate::Accepted(id) => {
                report.counts.single += u64::from(record.width() == 1 && self.file.header.width > 1);
                report.counts.hidden += u64::from(has_hidden(&id));
                if sink.begin(&id) {
                    self.read_cells(record, sink);
                    sink.end();
                }
            }
            Fate::Linked => {
                report.counts.single += u64::from(record.width() == 1 && self.file.header.width > 1);
                if sink.begin_linked(&LinkedRow::new(record, &self.file.header, self.source)) {
                    self.read_cells(record, sink);
                    sink.end();
                }
            }
            Fate::Rejected(reason) => report.reject(record.line, reason, &record.shown()),
            Fate::Filtered => {
                report.counts.filtered += 1;
                self.note_unread(record);
            }
            Fate::Blank => report.counts.blank += 1,
            Fate::Tail => {}
        }
    }

    /// Notes the bad values for which the filter may have left the row out.
    fn note_unread(&mut self, record: &Record<'_>) {
        let Some(filter) = &self.source.filter else { return };
        for (column, field) in
            filter.columns.iter().zip(&self.file.header.filter).filter(|(column, _)| column.cell.can_be_bad())
        {
            let Some(field) = *field else { continue };
            let index = self.source.columns.iter().position(|declared| declared.name == column.name);
            if let (None, Some(index)) = (read(self.source, column, record, field), index) {
                self.report.bad_values[index] += 1;
                self.report.filled[index] += 1;
                let text = record.field(field).unwrap_or_default();
                self.report.rejects.value(record.line, index, Reason::BadValue, text);
            }
        }
    }

    /// What was taken for a possible footer is none: something follows.
    fn not_the_end(&mut self) {
        for TailLine { line, raw, .. } in std::mem::take(&mut self.report.tail) {
            self.report.counts.rows += 1;
            self.report.reject(line, Reason::FieldCount, &raw);
        }
    }

    /// The row's id, or the first reason not to use the row.
    fn fate<'r>(&self, record: &Record<'r>) -> Fate<'r> {
        let header = &self.file.header;
        if !record.is_utf8() {
            return Fate::Rejected(Reason::Encoding);
        }
        if let Some(reason) = record.fault {
            return Fate::Rejected(reason);
        }
        let (width, may_be_short) = (record.width(), self.source.form.pad || record.is_cells);
        if self.source.has_footer() && self.may_be_footer(record, may_be_short) {
            return Fate::Tail;
        }
        let fits = width == header.width || (may_be_short && width < header.width);
        if !fits {
            return if record.is_blank() { Fate::Blank } else { Fate::Rejected(Reason::FieldCount) };
        }
        let id = if self.source.links.is_some() { None } else { Some(id_of(self.source, self.file, record)) };
        if self.is_header(record) {
            return Fate::Rejected(Reason::Header);
        }
        if matches!(id, None | Some(Err(NoId::Blank))) && record.is_blank() {
            return Fate::Blank;
        }
        if self.source.filter.as_ref().is_some_and(|filter| !self.passes(filter, record)) {
            return Fate::Filtered;
        }
        match id {
            None => Fate::Linked,
            Some(Ok(id)) => Fate::Accepted(id),
            Some(Err(NoId::Blank)) => Fate::Rejected(Reason::BlankId),
            Some(Err(NoId::Rounded)) => Fate::Rejected(Reason::RoundedId),
            Some(Err(NoId::Bad)) => Fate::Rejected(Reason::BadId),
        }
    }

    /// Whether the record may be part of a footer: a single field of several, or one whose only value looks like a footer's.
    fn may_be_footer(&self, record: &Record<'_>, may_be_short: bool) -> bool {
        if record.width() == 1 && self.file.header.width > 1 {
            return !record.is_blank() && (!may_be_short || self.source.is_footer_line(&record.shown()));
        }
        self.says_footer(record)
    }

    /// Whether the record has one value alone, and that looks like a footer's.
    fn says_footer(&self, record: &Record<'_>) -> bool {
        let mut values = (0..record.width()).filter_map(|at| record.field(at)).filter(|field| !field.trim().is_empty());
        match (values.next(), values.next()) {
            (Some(value), None) => self.source.is_footer_line(value.as_bytes()),
            _ => false,
        }
    }

    /// Whether the record is the header again.
    fn is_header(&self, record: &Record<'_>) -> bool {
        let header = &self.file.header;
        // Where records may be short, what is missing is empty.
        let same = |at: usize| header.is_name(at, record.field(at).unwrap_or_default());
        // Most records differ from it in the id.
        !header.names.is_empty() && same(header.key) && (0..header.width).all(same)
    }

    fn passes(&self, filter: &Filter, record: &Record<'_>) -> bool {
        let (source, fields) = (self.source, filter.columns.iter().zip(&self.file.header.filter));
        let value = |(column, field): (&'_ Column, &Option<usize>)| {
            field.and_then(|field| read(source, column, record, field)).unwrap_or(Value::Null)
        };
        let names = filter.columns.iter().map(|column| column.name.as_str());
        let values: Vec<(&str, Value<'_>)> = names.zip(fields.map(value)).collect();
        let column = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let lost = filter.casts.iter().filter(|cast| cast.loses(&column)).count();
        self.lost.set(self.lost.get() + lost as u64);
        filter.condition.expr.holds(&column)
    }

    fn read_cells(&mut self, record: &Record<'_>, sink: &mut impl RowSink) {
        let Self { source, file, report, bad, .. } = self;
        let BlockReport { filled, newest, newest_line, .. } = report;
        let is_plain = record.typed.is_empty() && source.form.nulls.is_empty();
        let has_money = !source.money.is_empty();
        let columns = source.columns.iter().zip(&file.header.columns).zip(filled);
        for (index, ((column, field), filled)) in columns.enumerate() {
            let Some(field) = *field else {
                sink.put(index, Value::Null);
                continue;
            };
            let text = record.field(field).unwrap_or_default();
            let value = if is_plain { column.cell.read(text) } else { read(source, column, record, field) };
            // In two branches: one value of both would be copied byte by byte.
            match value {
                Some(value) if !has_money || value == Value::Null || has_currency(source, file, record, index) => {
                    *filled += u64::from(!matches!(value, Value::Null));
                    if source.latest_by == Some(index) && value.order() > *newest {
                        (*newest, *newest_line) = (value.order(), record.line);
                    }
                    sink.put(index, value);
                }
                other => {
                    let reason = if other.is_some() { Reason::NoCurrency } else { Reason::BadValue };
                    *filled += 1;
                    bad.push((index, reason, text.to_owned()));
                    sink.put(index, Value::Null);
                }
            }
        }
        if bad.is_empty() {
            return;
        }
        bad.sort_unstable_by_key(|(index, ..)| source.columns[*index].name.as_str());
        for (index, reason, text) in bad.drain(..) {
            report.bad_values[index] += 1;
            report.rejects.value(record.line, index, reason, &text);
        }
    }
}

/// A record's id. One of several parts has them in order, between `|`; a `|` or a backslash in a part has a backslash before
/// it, so that no two lists of parts give one id.
pub fn id_of<'r>(source: &Source, file: &InputFile, record: &Record<'r>) -> Result<Cow<'r, str>, NoId> {
    let part = |at: usize| source.id.read(record.field(at).unwrap_or_default());
    let first = part(file.header.key)?;
    if file.header.more_keys.is_empty() {
        return Ok(first);
    }
    let escaped = |part: Cow<'_, str>| part.replace('\\', "\\\\").replace('|', "\\|");
    let mut id = escaped(first);
    for at in &file.header.more_keys {
        id.push('|');
        id.push_str(&escaped(part(*at)?));
    }
    Ok(Cow::Owned(id))
}

/// Whether a column is no amount of money, or the record says in which currency it is.
fn has_currency(source: &Source, file: &InputFile, record: &Record<'_>, column: usize) -> bool {
    let Some((_, currency)) = source.money.iter().find(|(amount, _)| *amount == column) else { return true };
    let value =
        file.header.columns[*currency].and_then(|field| read(source, &source.columns[*currency], record, field));
    matches!(value, Some(Value::Text(_)))
}

/// A column's value in a record; none for a bad one.
fn read<'r>(source: &Source, column: &Column, record: &Record<'r>, field: usize) -> Option<Value<'r>> {
    let text = record.field(field).unwrap_or_default();
    if source.form.nulls.iter().any(|null| *null == trim(text)) {
        return Some(Value::Null);
    }
    if record.is_typed(field) { column.cell.read_typed(text) } else { column.cell.read(text) }
}

impl BlockReport {
    /// The records that may be a footer's, with their lines in the file; the block begins at this one.
    pub fn take_tail(&mut self, first_line: u64) -> Vec<TailLine> {
        let tail = std::mem::take(&mut self.tail);
        tail.into_iter().map(|tail| TailLine { line: first_line + tail.line, ..tail }).collect()
    }

    /// Whether it held records that are no part of a footer.
    pub fn has_others(&self) -> bool {
        self.has_others
    }

    fn reject(&mut self, line: u64, reason: Reason, raw: &[u8]) {
        self.counts.rejected += 1;
        self.counts.undecodable += u64::from(reason == Reason::Encoding);
        self.rejects.row(line, reason, raw);
    }

    pub fn size(&self) -> usize {
        self.rejects.size()
    }

    /// The newest `latest_by` in days since 1970-01-01, if it is a date or a datetime.
    pub fn newest_day(&self, source: &Source) -> Option<i32> {
        let column = &source.columns[source.latest_by?];
        let days = match column.cell.ty {
            Type::Date => self.newest?,
            Type::Datetime => self.newest?.div_euclid(86_400_000_000),
            _ => return None,
        };
        i32::try_from(days).ok()
    }
}
