//! A Parquet file as rows of cells. Owns which types of a file meet which types of a spec, and how values become text:
//! dates as ISO, moments in UTC; reads no more columns than the spec names.

mod texts;
mod types;

use std::fs::File;

use ::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use ::arrow::datatypes::{DataType, Field, Fields};
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::errors::ParquetError;

use super::InputFile;
use super::columns::{Header, HeaderOf};
use super::place::Opened;
use super::unpack::{self, Fault, Packing};
use super::xlsx::Visit;
use crate::error::Result;

/// Rows that are decoded at once.
const ROWS: usize = 4096;

type Builder = ParquetRecordBatchReaderBuilder<File>;

/// Finds the columns that the spec names: their names in the file, in the file's order, and the header that they make.
pub fn open(of: &HeaderOf<'_>, file: &Opened, packing: &Packing) -> Result<(Vec<String>, Header)> {
    let unreadable = |e| unpack::unreadable(&of.source.name, of.path, of.name, e);
    let builder = builder(file, packing).map_err(unreadable)?;
    let mut columns = Vec::new();
    flatten(builder.schema().fields(), "", &mut columns);
    let all = of.table(columns.iter().map(|(name, _)| name.clone()).collect())?;
    types::check(of, &all, &columns)?;
    let keys = std::iter::once(&all.key).chain(&all.more_keys);
    let mut used: Vec<usize> =
        all.columns.iter().chain(&all.filter).chain(&all.links).flatten().chain(keys).copied().collect();
    used.sort_unstable();
    used.dedup();
    let place = |at: &Option<usize>| at.and_then(|at| used.binary_search(&at).ok());
    let header = Header {
        width: used.len(),
        key: place(&Some(all.key)).unwrap_or_default(),
        more_keys: all.more_keys.iter().filter_map(|at| place(&Some(*at))).collect(),
        columns: all.columns.iter().map(place).collect(),
        filter: all.filter.iter().map(place).collect(),
        links: all.links.iter().map(place).collect(),
        data_line: 1,
        ..all
    };
    Ok((used.into_iter().map(|at| columns[at].0.clone()).collect(), header))
}

/// Visits all rows, numbered from 1.
pub fn each_row(input: &InputFile, columns: &[String], mut visit: impl Visit) -> Result<()> {
    let file = input.reopen()?;
    let builder = builder(&file, &input.packing).map_err(|e| input.unreadable(e))?;
    let schema = builder.parquet_schema();
    let wanted = |leaf: usize| {
        let path = schema.column(leaf).path().string();
        columns.iter().any(|column| path == *column || path.starts_with(&format!("{column}.")))
    };
    let leaves: Vec<usize> = (0..schema.num_columns()).filter(|leaf| wanted(*leaf)).collect();
    let mask = ProjectionMask::leaves(schema, leaves);
    let batches = builder.with_projection(mask).with_batch_size(ROWS).build().map_err(|e| input.damaged(e))?;
    let mut line = 0;
    for batch in batches {
        let batch = batch.map_err(|e| input.damaged(e))?;
        let arrays: Option<Vec<ArrayRef>> = columns.iter().map(|column| column_of(&batch, column)).collect();
        let arrays = arrays.ok_or_else(|| input.damaged("a column is gone"))?;
        let mut texts = texts::Texts::default();
        for row in 0..batch.num_rows() {
            line += 1;
            texts.read(&arrays, row);
            if !visit(line, &mut texts.cells()) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn builder(file: &Opened, packing: &Packing) -> std::io::Result<Builder> {
    let file = unpack::seekable(file, packing)?;
    // Types that arrow's writers note beside Parquet's own would be further ones for the same values.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(|error| match error {
        ParquetError::External(cause) if cause.is::<std::io::Error>() => std::io::Error::other(cause),
        error => Fault::error(format!("is damaged or half a download: it cannot be read as parquet ({error})")),
    })
}

/// All columns with their types; those of a structure are `outer.inner`.
fn flatten(fields: &Fields, before: &str, into: &mut Vec<(String, DataType)>) {
    for field in fields {
        let name = format!("{before}{}", field.name());
        match field.data_type() {
            DataType::Struct(inner) => flatten(inner, &format!("{name}."), into),
            ty => into.push((name, ty.clone())),
        }
    }
}

/// A column by its name, with the nulls of the structures around it.
fn column_of(batch: &RecordBatch, name: &str) -> Option<ArrayRef> {
    let whole = batch.column_by_name(name).filter(|array| !matches!(array.data_type(), DataType::Struct(_)));
    if let Some(array) = whole {
        return Some(array.clone());
    }
    let mut splits = name.match_indices('.').map(|(at, _)| name.split_at(at));
    splits.find_map(|(outer, inner)| inner_of(batch.column_by_name(outer)?, inner.strip_prefix('.')?))
}

fn inner_of(array: &ArrayRef, name: &str) -> Option<ArrayRef> {
    let outer = array.as_struct_opt()?;
    let (fields, columns) = (outer.fields(), outer.columns());
    let found = |(field, column): (&std::sync::Arc<Field>, &ArrayRef)| {
        let rest = name.strip_prefix(field.name().as_str())?;
        match rest.strip_prefix('.') {
            _ if rest.is_empty() => Some(column.clone()),
            Some(rest) => inner_of(column, rest),
            None => None,
        }
    };
    let column = fields.iter().zip(columns).find_map(found)?;
    let nulls = ::arrow::buffer::NullBuffer::union(outer.nulls(), column.nulls());
    // A value in a structure that is null is null.
    let data = column.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(::arrow::array::make_array(data))
}
