//! Records → typed rows. Owns the order of reject reasons and what a bad value is; passes accepted rows to a sink.

use super::columns::Header;
use super::csv::{Record, read_records};
use super::rejects::{Reason, RejectLog};
use crate::spec::Source;
use crate::value::{Type, Value, trim};

/// Takes accepted rows one by one.
pub trait RowSink {
    /// Begins a row with this id, trimmed. If it returns false, the row is skipped: `put` and `end` are not called for
    /// it.
    fn begin(&mut self, id: &str) -> bool;
    /// Takes the row's value of a declared column; columns come in declared order.
    fn put(&mut self, column: usize, value: Value<'_>);
    fn end(&mut self);
}

/// What is known about a block besides its accepted rows.
#[derive(Debug, Default)]
pub struct BlockReport {
    /// Records read.
    pub rows: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Values of accepted rows that did not parse, for each declared column.
    pub bad_values: Vec<u64>,
    /// Rejected records and bad values, in order; lines from 0 at the block's start.
    pub(super) rejects: RejectLog,
    /// Physical lines.
    pub(super) lines: u64,
    /// Greatest `latest_by` of accepted rows: days, microseconds or the integer itself.
    pub newest: Option<i64>,
}

/// Reads a block's rows into a sink.
pub fn read_rows(block: &[u8], source: &Source, header: &Header, sink: &mut impl RowSink) -> BlockReport {
    let mut report = BlockReport { bad_values: vec![0; source.columns.len()], ..BlockReport::default() };
    report.lines = read_records(block, header.delimiter, |record| {
        report.rows += 1;
        match accepted_id(&record, header) {
            Ok(id) => {
                if sink.begin(id) {
                    read_cells(&record, source, header, sink, &mut report);
                    sink.end();
                }
            }
            Err(reason) => {
                report.rejected += 1;
                report.rejects.row(record.line, reason, record.raw);
            }
        }
    });
    report
}

/// The row's id, or the first reason not to use the row.
fn accepted_id<'a>(record: &Record<'a>, header: &Header) -> Result<&'a str, Reason> {
    if !record.is_utf8() {
        return Err(Reason::Encoding);
    }
    if record.width() != header.width {
        return Err(Reason::FieldCount);
    }
    match trim(record.field(header.key).unwrap_or_default()) {
        "" => Err(Reason::BlankId),
        id => Ok(id),
    }
}

fn read_cells(
    record: &Record<'_>,
    source: &Source,
    header: &Header,
    sink: &mut impl RowSink,
    report: &mut BlockReport,
) {
    let mut bad = Vec::new();
    for (index, (column, field)) in source.columns.iter().zip(&header.columns).enumerate() {
        let text = record.field(*field).unwrap_or_default();
        let value = column.cell.read(text).unwrap_or_else(|| {
            bad.push((index, text));
            Value::Null
        });
        if source.latest_by == Some(index) {
            report.newest = report.newest.max(value.order());
        }
        sink.put(index, value);
    }
    bad.sort_unstable_by_key(|(index, _)| source.columns[*index].name.as_str());
    for (index, text) in bad {
        report.bad_values[index] += 1;
        report.rejects.value(record.line, index, text);
    }
}

impl BlockReport {
    /// Size of its rejects in bytes.
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
