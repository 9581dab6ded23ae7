//! Merged profiles, and tables beside them, as CSV and Parquet: encoded in parallel and written in order. Changes no
//! profile.

mod csv;
mod file;
mod parquet;

use std::cmp::Reverse;
use std::path::Path;

use ::parquet::arrow::arrow_writer::ArrowColumnChunk;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use rayon::prelude::*;

use super::manifest::OutputRecord;
use super::merge::{Group, Merge};
use crate::engine::pool;
use crate::error::{Error, Result};
use crate::shard::parts::ROW_GROUP;
use crate::stop::Stop;

use parquet::ParquetSink;

/// Rows that one task encodes as CSV.
const CSV_RANGE: usize = 8192;

/// Profiles whose rows beside them are one row group.
const BESIDE: usize = ROW_GROUP / 4;

/// How the outputs are written.
#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// Whether text cells that a spreadsheet would run as a formula get a leading `'`.
    pub safe_csv: bool,
    /// Whether the CSV begins with a byte-order mark.
    pub csv_bom: bool,
    /// The Parquet file's key-value metadata.
    pub metadata: Vec<(String, String)>,
    /// Checked before each row group.
    pub stop: Stop,
}

/// A table that is made of one of the columns behind the profiles' and written beside them.
pub struct Beside<'a> {
    pub shape: TableShape<'a>,
    /// Makes its columns of the profiles' ids and that column.
    pub make: &'a (dyn Fn(&ArrayRef, &ArrayRef) -> Result<Vec<ArrayRef>> + Sync),
}

/// What a table is.
#[derive(Debug, Clone, Copy)]
pub struct TableShape<'a> {
    /// Its files' name, without an extension.
    pub name: &'a str,
    pub schema: &'a SchemaRef,
    /// The column by which single rows are looked for.
    pub key: usize,
}

/// Writes the profiles, and tables beside them, into a folder and syncs them: one for each of the last columns, in order. A row group is merged while the one before it
/// is encoded; `see` is called with the columns of each, in order. After an error the folder has unfinished files.
pub fn write<I>(
    merge: &mut Merge<I>,
    shape: TableShape<'_>,
    beside: &[Beside<'_>],
    folder: &Path,
    options: &SinkOptions,
    see: &mut dyn FnMut(&[ArrayRef]) -> Result<()>,
) -> Result<Vec<OutputRecord>>
where
    I: Iterator<Item = Result<RecordBatch>> + Send,
{
    let mut groups = pool().install(|| gather(merge.next(ROW_GROUP)?, beside))?;
    let shapes = std::iter::once(shape).chain(beside.iter().map(|beside| beside.shape));
    let first = |table| groups.iter().find(|(of, _)| *of == table).map_or(&[][..], |(_, columns)| columns.as_slice());
    let tables = shapes.enumerate().map(|(table, shape)| Table::create(folder, shape, options, first(table)));
    let mut tables = tables.collect::<Result<Vec<Table>>>()?;
    while let Some((_, profiles)) = groups.first().filter(|(_, profiles)| count(profiles) > 0) {
        options.stop.check()?;
        let next = || gather(merge.next(ROW_GROUP)?, beside);
        let next = encode(&mut tables, &groups, options.safe_csv, next)?;
        see(profiles)?;
        groups = next;
    }
    Ok(tables.into_iter().map(Table::finish).collect::<Result<Vec<_>>>()?.concat())
}

/// Writes a table whose rows are all in memory, like [`write`].
pub fn write_table(
    shape: TableShape<'_>,
    columns: Vec<ArrayRef>,
    folder: &Path,
    options: &SinkOptions,
) -> Result<Vec<OutputRecord>> {
    let mut tables = [Table::create(folder, shape, options, &columns)?];
    let rows = count(&columns);
    for from in (0..rows).step_by(ROW_GROUP) {
        options.stop.check()?;
        let group = columns.iter().map(|column| column.slice(from, ROW_GROUP.min(rows - from))).collect();
        encode(&mut tables, &[(0, group)], options.safe_csv, || Ok(()))?;
    }
    let [table] = tables;
    table.finish()
}

/// A table in both formats, while it is written.
struct Table {
    csv: file::OutputFile,
    parquet: ParquetSink,
    rows: u64,
}

impl Table {
    /// Creates the files; the columns of the first row group decide how columns are encoded.
    fn create(folder: &Path, shape: TableShape<'_>, options: &SinkOptions, first: &[ArrayRef]) -> Result<Self> {
        let mut csv = file::OutputFile::create(folder, &format!("{}.csv", shape.name))?;
        csv.write(csv::header(shape.schema, options.csv_bom))?;
        Ok(Self { csv, parquet: ParquetSink::create(folder, shape, options, first)?, rows: 0 })
    }

    fn append(&mut self, lines: Vec<Vec<u8>>, chunks: Vec<ArrowColumnChunk>, rows: usize) -> Result<()> {
        lines.into_iter().try_for_each(|lines| self.csv.write(lines))?;
        self.rows += rows as u64;
        self.parquet.append(chunks)
    }

    fn finish(self) -> Result<Vec<OutputRecord>> {
        Ok(vec![self.csv.finish(self.rows)?, self.parquet.finish(self.rows)?])
    }
}

/// The table of a row group, by its number, and its columns.
type TableGroup = (usize, Vec<ArrayRef>);

/// A row group of a table, while it is encoded.
struct Encoding {
    lines: Vec<Option<Result<Vec<u8>>>>,
    chunks: Vec<Option<Result<ArrowColumnChunk>>>,
}

/// Encodes and appends row groups of tables, in order, CSV by row range and Parquet by column, and does `beside` at the same
/// time. Large jobs start first, so that none of them is left to one worker at the end while the others are idle.
fn encode<T: Send>(
    tables: &mut [Table],
    groups: &[TableGroup],
    safe_csv: bool,
    beside: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let none = |(_, columns): &TableGroup| Encoding {
        lines: (0..count(columns)).step_by(CSV_RANGE).map(|_| None).collect(),
        chunks: columns.iter().map(|_| None).collect(),
    };
    let mut encoded: Vec<Encoding> = groups.iter().map(none).collect();
    let mut next = None;
    let (mut jobs, mut ranges) = (Vec::new(), Vec::new());
    for (at, ((table, columns), encoding)) in groups.iter().zip(&mut encoded).enumerate() {
        let before = groups[..at].iter().filter(|(of, _)| of == table).count();
        let of_columns = tables[*table].parquet.jobs(columns, before)?;
        jobs.extend(of_columns.into_iter().zip(columns).zip(&mut encoding.chunks));
        ranges.extend((0..count(columns)).step_by(CSV_RANGE).map(|from| (columns, from)).zip(&mut encoding.lines));
    }
    jobs.sort_by_key(|((_, column), _)| Reverse(column.get_array_memory_size()));
    pool().install(|| {
        rayon::scope_fifo(|scope| {
            scope.spawn_fifo(|_| next = Some(beside()));
            for ((job, _), chunk) in jobs {
                scope.spawn_fifo(|_| *chunk = Some(job()));
            }
            for ((columns, from), lines) in ranges {
                let range = from..(from + CSV_RANGE).min(count(columns));
                scope.spawn_fifo(move |_| *lines = Some(csv::encode(columns, range, safe_csv)));
            }
        });
    });
    for ((table, columns), Encoding { lines, chunks }) in groups.iter().zip(encoded) {
        let chunks = chunks.into_iter().map(done).collect::<Result<_>>()?;
        let lines = lines.into_iter().map(done).collect::<Result<_>>()?;
        tables[*table].append(lines, chunks, count(columns))?;
    }
    done(next)
}

/// The result of a job. All have run, because a scope ends only after its jobs.
fn done<T>(job: Option<Result<T>>) -> Result<T> {
    job.unwrap_or_else(|| Err(Error::Bug("a row group is not encoded".into())))
}

fn count(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, Array::len)
}

/// The row groups of each table for a group of profiles, that of the profiles first. The group goes: it holds the batches that
/// they were copied from.
fn gather(group: Group, beside: &[Beside<'_>]) -> Result<Vec<TableGroup>> {
    let columns: Result<Vec<ArrayRef>> =
        (0..group.columns()).into_par_iter().map(|column| group.column(column)).collect();
    drop(group);
    let mut columns = columns?;
    let others = columns.split_off(columns.len().saturating_sub(beside.len()));
    let profiles = count(&columns);
    let part = |column: &ArrayRef, from: usize| column.slice(from, BESIDE.min(profiles - from));
    let make = |(table, from): (usize, usize)| {
        let made = (beside[table].make)(&part(&columns[0], from), &part(&others[table], from));
        made.map(|columns| (1 + table, columns))
    };
    let jobs = (0..beside.len()).flat_map(|table| (0..profiles).step_by(BESIDE).map(move |from| (table, from)));
    let made = jobs.collect::<Vec<_>>().into_par_iter().map(make).collect::<Result<Vec<_>>>()?;
    Ok(std::iter::once((0, columns)).chain(made).collect())
}
