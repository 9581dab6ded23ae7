//! CSV against Parquet, cell by cell; null is the empty text. Reads both with readers that did not write them.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use csv::{ByteRecord, Reader, ReaderBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use xxhash_rust::xxh3::xxh3_128;

use super::wrong;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::sink::{CSV_FILE, PARQUET_FILE};
use crate::spec::Spec;

/// Compares the two outputs and their order; gives a fingerprint of each id, in order.
pub(super) fn compare(folder: &Path, manifest: &Manifest, spec: &Spec) -> Result<Vec<u128>> {
    let path = folder.join(PARQUET_FILE);
    let file = File::open(&path).map_err(|e| Error::reading(&path, e))?;
    let unreadable = |e: &dyn std::fmt::Display| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| unreadable(&e))?;
    let csv_path = folder.join(CSV_FILE);
    let csv = File::open(&csv_path).map_err(|e| Error::reading(&csv_path, e))?;
    let mut csv = ReaderBuilder::new().buffer_capacity(1 << 20).from_reader(csv);
    check_columns(&mut csv, &batches.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), spec)?;
    let mut order = Order { last: None, ids: Vec::new() };
    for batch in batches {
        compare_batch(&batch.map_err(|e| unreadable(&e))?, &mut csv, manifest, &mut order)?;
    }
    if csv.read_byte_record(&mut ByteRecord::new()).map_err(|e| csv_error(&e))? {
        return Err(wrong("profiles.csv has more rows than profiles.parquet"));
    }
    match manifest.outputs.iter().find(|o| o.rows != order.ids.len() as u64) {
        Some(file) => {
            Err(wrong(format!("`{}` has {} rows, the manifest says {}", file.file, order.ids.len(), file.rows)))
        }
        None => Ok(order.ids),
    }
}

/// Ids must strictly increase.
struct Order {
    last: Option<Vec<u8>>,
    ids: Vec<u128>,
}

fn check_columns(csv: &mut Reader<File>, parquet: &[&str], spec: &Spec) -> Result<()> {
    let header: Vec<String> = csv.headers().map_err(|e| csv_error(&e))?.iter().map(str::to_owned).collect();
    let declared = spec.output.iter().map(|c| c.name.as_str());
    if !header.iter().map(String::as_str).eq(declared.clone()) || !parquet.iter().copied().eq(declared) {
        return Err(wrong("the columns of profiles.csv or profiles.parquet are not those of the spec"));
    }
    Ok(())
}

fn compare_batch(batch: &RecordBatch, csv: &mut Reader<File>, manifest: &Manifest, order: &mut Order) -> Result<()> {
    let mut record = ByteRecord::new();
    for row in 0..batch.num_rows() {
        if !csv.read_byte_record(&mut record).map_err(|e| csv_error(&e))? {
            return Err(wrong("profiles.csv has fewer rows than profiles.parquet"));
        }
        for (at, (column, text)) in batch.columns().iter().zip(&record).enumerate() {
            if !same(column, row, text, manifest.options.safe_csv) {
                let name = batch.schema().field(at).name().clone();
                return Err(wrong(format!("row {}, column `{name}`: CSV and Parquet differ", order.ids.len() + 1)));
            }
        }
        let id = batch.column(0).as_string::<i32>().value(row).as_bytes();
        if order.last.as_deref().is_some_and(|last| last >= id) {
            return Err(wrong(format!("row {}: the ids do not strictly increase", order.ids.len() + 1)));
        }
        order.last = Some(id.to_vec());
        order.ids.push(xxh3_128(id));
    }
    Ok(())
}

/// Whether a Parquet cell and a CSV field say the same.
fn same(column: &dyn Array, row: usize, text: &[u8], safe: bool) -> bool {
    if column.is_null(row) {
        return text.is_empty();
    }
    let Ok(text) = std::str::from_utf8(text) else { return false };
    match column.data_type() {
        DataType::Utf8 => {
            let value = column.as_string::<i32>().value(row);
            let guarded = safe && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if guarded { text.strip_prefix('\'') == Some(value) } else { text == value }
        }
        DataType::Int64 => text.parse() == Ok(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => {
            text.parse().is_ok_and(|v: f64| v.to_bits() == column.as_primitive::<Float64Type>().value(row).to_bits())
        }
        DataType::Boolean => text.parse() == Ok(column.as_boolean().value(row)),
        DataType::Date32 => {
            let day = NaiveDate::from_epoch_days(column.as_primitive::<Date32Type>().value(row));
            day.is_some_and(|d| d.format("%Y-%m-%d").to_string() == text)
        }
        DataType::Timestamp(..) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            DateTime::parse_from_rfc3339(text).is_ok_and(|t| t.timestamp_micros() == micros)
        }
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row) == text,
        _ => false,
    }
}

fn csv_error(error: &csv::Error) -> Error {
    wrong(format!("profiles.csv cannot be read: {error}"))
}
