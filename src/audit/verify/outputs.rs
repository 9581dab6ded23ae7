//! Compares CSV and Parquet cell by cell; null counts as the empty text. Never uses the code that wrote them.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use csv::{ByteRecord, Reader, ReaderBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use xxhash_rust::xxh3::xxh3_128;

use super::{published, wrong};
use crate::error::{Error, Result};
use crate::output::manifest::Manifest;
use crate::output::names::{CSV_FILE, PARQUET_FILE};
use crate::spec::{OutputColumn, Spec};
use crate::value::{Type, arrow_type};

/// Compares the two outputs and their order; gives a fingerprint of each id, in order.
pub(super) fn compare(folder: &Path, manifest: &Manifest, spec: &Spec) -> Result<Vec<u128>> {
    let path = folder.join(PARQUET_FILE);
    let file = File::open(&path).map_err(|e| published(&path, e))?;
    let unreadable = |e: &dyn std::fmt::Display| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| unreadable(&e))?;
    let csv_path = folder.join(CSV_FILE);
    let csv = File::open(&csv_path).map_err(|e| published(&csv_path, e))?;
    let mut csv = ReaderBuilder::new().buffer_capacity(1 << 20).from_reader(csv);
    let schema = batches.schema();
    check_columns(&mut csv, &schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), spec)?;
    if let Some(column) = spec.output.iter().zip(schema.fields()).find(|(c, f)| arrow_type(c.ty) != *f.data_type()) {
        let (OutputColumn { name, ty, .. }, field) = column;
        return Err(wrong(format!("column `{name}` of profiles.parquet is {}, not {ty}", field.data_type())));
    }
    let mut order = Order { last: None, ids: Vec::new() };
    for batch in batches {
        compare_batch(&batch.map_err(|e| unreadable(&e))?, &spec.output, &mut csv, manifest, &mut order)?;
    }
    if csv.read_byte_record(&mut ByteRecord::new()).map_err(|e| csv_error(&e))? {
        return Err(wrong("profiles.csv has more rows than profiles.parquet"));
    }
    let profiles = manifest.outputs.iter().filter(|o| [CSV_FILE, PARQUET_FILE].contains(&o.file.as_str()));
    match profiles.into_iter().find(|o| o.rows != order.ids.len() as u64) {
        Some(file) => {
            Err(wrong(format!("`{}` has {} rows, but the manifest says {}", file.file, order.ids.len(), file.rows)))
        }
        None => Ok(order.ids),
    }
}

/// Checks that the ids are in order.
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

fn compare_batch(
    batch: &RecordBatch,
    declared: &[OutputColumn],
    csv: &mut Reader<File>,
    manifest: &Manifest,
    order: &mut Order,
) -> Result<()> {
    let mut record = ByteRecord::new();
    for row in 0..batch.num_rows() {
        if !csv.read_byte_record(&mut record).map_err(|e| csv_error(&e))? {
            return Err(wrong("profiles.csv has fewer rows than profiles.parquet"));
        }
        for (OutputColumn { name, ty, .. }, (column, text)) in declared.iter().zip(batch.columns().iter().zip(&record))
        {
            if !same(*ty, column, row, text, manifest.options.safe_csv) {
                return Err(wrong(format!("row {}, column `{name}`: CSV and Parquet differ", order.ids.len() + 1)));
            }
        }
        let ids = batch.column(0).as_string_opt::<i32>().ok_or_else(|| wrong("the ids are not text"))?;
        let id = ids.value(row).as_bytes();
        if order.last.as_deref().is_some_and(|last| last >= id) {
            return Err(wrong(format!("row {}: the ids are not in order", order.ids.len() + 1)));
        }
        order.last = Some(id.to_vec());
        order.ids.push(xxh3_128(id));
    }
    Ok(())
}

/// Whether a Parquet cell of this type and a CSV field are equal; a column of another type never is.
fn same(ty: Type, column: &dyn Array, row: usize, text: &[u8], safe: bool) -> bool {
    if column.is_null(row) {
        return text.is_empty();
    }
    let Ok(text) = std::str::from_utf8(text) else { return false };
    match ty {
        Type::Text => column.as_string_opt::<i32>().is_some_and(|a| {
            let value = a.value(row);
            let guarded = safe && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if guarded { text.strip_prefix('\'') == Some(value) } else { text == value }
        }),
        Type::Int => column.as_primitive_opt::<Int64Type>().is_some_and(|a| text.parse() == Ok(a.value(row))),
        Type::Float => column
            .as_primitive_opt::<Float64Type>()
            .is_some_and(|a| text.parse().is_ok_and(|v: f64| v.to_bits() == a.value(row).to_bits())),
        Type::Bool => column.as_boolean_opt().is_some_and(|a| text.parse() == Ok(a.value(row))),
        Type::Date => column.as_primitive_opt::<Date32Type>().is_some_and(|a| {
            NaiveDate::from_epoch_days(a.value(row)).is_some_and(|d| d.format("%Y-%m-%d").to_string() == text)
        }),
        Type::Datetime => column
            .as_primitive_opt::<TimestampMicrosecondType>()
            .is_some_and(|a| DateTime::parse_from_rfc3339(text).is_ok_and(|t| t.timestamp_micros() == a.value(row))),
        Type::Decimal(..) => {
            column.as_primitive_opt::<Decimal128Type>().is_some_and(|a| a.value_as_string(row) == text)
        }
    }
}

fn csv_error(error: &csv::Error) -> Error {
    wrong(format!("profiles.csv cannot be read: {error}"))
}
