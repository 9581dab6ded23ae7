//! Finds one customer's row in `profiles.parquet` with row-group statistics, Bloom filter and page index. Reads only
//! the footer and the pages that may have the id.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use arrow::array::{AsArray, BooleanArray, RecordBatch, RecordBatchReader};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowFilter, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::wrong;
use crate::error::{Error, Result};

/// The customer's profile as one row; none if there is no such customer.
pub(super) fn find(path: &Path, customer: &str) -> Result<Option<RecordBatch>> {
    let file = File::open(path).map_err(|e| Error::reading(path, e))?;
    let unreadable = |e: ParquetError| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(&file, options).map_err(unreadable)?;
    if metadata.schema().fields().first().is_none_or(|ids| *ids.data_type() != DataType::Utf8) {
        return Err(wrong(format!("the first column of `{}` does not have ids", path.display())));
    }
    for group in row_groups(metadata.metadata(), customer.as_bytes()) {
        let file = file.try_clone().map_err(|e| Error::reading(path, e))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
        if let Some(profile) = in_group(builder, group, customer).map_err(unreadable)? {
            return Ok(Some(profile));
        }
    }
    Ok(None)
}

/// The row groups whose range of ids includes the id: only one, unless ids are so long that statistics cut them.
fn row_groups(metadata: &ParquetMetaData, id: &[u8]) -> Vec<usize> {
    let may_hold = |group: &usize| {
        let Some(ids) = metadata.row_group(*group).column(0).statistics() else { return true };
        ids.min_bytes_opt().is_none_or(|min| min <= id) && ids.max_bytes_opt().is_none_or(|max| id <= max)
    };
    (0..metadata.num_row_groups()).filter(may_hold).collect()
}

fn in_group(
    builder: ParquetRecordBatchReaderBuilder<File>,
    group: usize,
    customer: &str,
) -> std::result::Result<Option<RecordBatch>, ParquetError> {
    let filter = builder.get_row_group_column_bloom_filter(group, 0)?;
    if filter.is_some_and(|filter| !filter.check(customer)) {
        return Ok(None);
    }
    let rows = usize::try_from(builder.metadata().row_group(group).num_rows()).unwrap_or(0);
    let pages = pages(builder.metadata(), group, rows, customer.as_bytes());
    let ids = ProjectionMask::roots(builder.parquet_schema(), [0]);
    let wanted = customer.to_owned();
    let is_it = move |batch: RecordBatch| {
        let ids = batch.column(0).as_string::<i32>();
        Ok(BooleanArray::from_iter(ids.iter().map(|id| Some(id == Some(wanted.as_str())))))
    };
    // Of the other columns only the page with the found row is decoded.
    let reader = builder
        .with_row_groups(vec![group])
        .with_row_selection(RowSelection::from_consecutive_ranges(pages.into_iter(), rows))
        .with_row_filter(RowFilter::new(vec![Box::new(ArrowPredicateFn::new(ids, is_it))]))
        .build()?;
    let schema = reader.schema();
    let found = concat_batches(&schema, &reader.collect::<std::result::Result<Vec<_>, _>>()?)?;
    Ok((found.num_rows() > 0).then_some(found))
}

/// The rows of those pages of the row group that may have the id.
fn pages(metadata: &ParquetMetaData, group: usize, rows: usize, id: &[u8]) -> Vec<Range<usize>> {
    let index = metadata.page_index_for_row_group(group);
    let (Some(ColumnIndexMetaData::BYTE_ARRAY(ids)), Some(pages)) = (index.column_index(0), index.page_locations(0))
    else {
        return std::iter::once(0..rows).collect();
    };
    let starts: Vec<usize> = pages.iter().map(|page| usize::try_from(page.first_row_index).unwrap_or(0)).collect();
    let ends = starts.iter().copied().skip(1).chain([rows]);
    let may_hold = |page: usize| {
        ids.min_value(page).is_none_or(|min| min <= id) && ids.max_value(page).is_none_or(|max| id <= max)
    };
    let pages = starts.iter().copied().zip(ends).enumerate().filter(|(page, _)| may_hold(*page));
    pages.map(|(_, (start, end))| start..end).collect()
}
