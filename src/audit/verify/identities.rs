//! Proves `identities` and the ledger against the customers that were found again, and that both formats say the same.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use csv::{Reader, StringRecord};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use xxhash_rust::xxh3::xxh3_128;

use super::linking::Found;
use super::{published, wrong};
use crate::error::Result;
use crate::output::identities::{IDENTITIES, REFUSED};
use crate::output::manifest::Manifest;
use crate::output::provenance::PROVENANCE;
use crate::spec::Spec;

/// Fails unless the outputs about identifiers are what the inputs say; gives fingerprints of the customers.
pub(super) fn prove(output: &Path, manifest: &Manifest, spec: &Spec, found: &Found) -> Result<HashSet<u128>> {
    for (at, source) in spec.sources.iter().enumerate() {
        let Some(ledger) = manifest.ledger.0.get(&source.name) else { continue };
        let said = [ledger.rows_merged, ledger.rows_deleted, ledger.rows_unidentified, ledger.rows_erased];
        found.same_counts(&source.name, at, said)?;
    }
    let mut expected = found.identities.iter();
    let safe = manifest.options.safe_csv;
    each_row(output, IDENTITIES, safe, &mut |row| {
        let [customer, kind, value, state] = [0, 1, 2, 3].map(|at| row[at].as_str());
        let is_it = |(c, k, v, s): &(String, String, String, &str)| {
            (c.as_str(), k.as_str(), v.as_str(), *s) == (customer, kind, value, state)
        };
        match expected.next() {
            Some(next) if is_it(next) => Ok(()),
            _ => Err(wrong(format!(
                "`{IDENTITIES}` says that {kind} identifiers are of customers that the inputs do not give them"
            ))),
        }
    })?;
    if expected.next().is_some() {
        return Err(wrong(format!("`{IDENTITIES}` lacks identifiers that the inputs have")));
    }
    each_row(output, REFUSED, safe, &mut |_| Ok(()))?;
    if spec.provenance {
        each_row(output, PROVENANCE, safe, &mut |_| Ok(()))?;
    }
    Ok(found.customers.iter().map(|id| xxh3_128(id.as_bytes())).collect())
}

/// Calls `see` for each row of a table, whose CSV and Parquet files must say the same.
fn each_row(output: &Path, name: &str, safe: bool, see: &mut dyn FnMut(&[String]) -> Result<()>) -> Result<()> {
    let path = output.join(format!("{name}.parquet"));
    let file = File::open(&path).map_err(|e| published(&path, e))?;
    let unreadable = |e: &dyn std::fmt::Display| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| unreadable(&e))?;
    let csv_path = output.join(format!("{name}.csv"));
    let mut csv = Reader::from_reader(File::open(&csv_path).map_err(|e| published(&csv_path, e))?);
    let mut record = StringRecord::new();
    let differ = || wrong(format!("`{name}.csv` and `{name}.parquet` differ"));
    for batch in batches {
        let batch = batch.map_err(|e| unreadable(&e))?;
        for row in 0..batch.num_rows() {
            let cells = cells(&batch, row).ok_or_else(differ)?;
            let is_there = csv.read_record(&mut record).map_err(|_| differ())?;
            if !is_there || record.len() != cells.len() || !cells.iter().zip(&record).all(|(a, b)| same(a, b, safe)) {
                return Err(differ());
            }
            see(&cells)?;
        }
    }
    if csv.read_record(&mut record).map_err(|_| differ())? { Err(differ()) } else { Ok(()) }
}

fn same(cell: &str, text: &str, safe: bool) -> bool {
    let guarded = safe && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if guarded { text.strip_prefix('\'') == Some(cell) } else { text == cell }
}

/// The cells of a row as texts; none for a column of a type that the table does not have.
fn cells(batch: &RecordBatch, row: usize) -> Option<Vec<String>> {
    let cell = |column: &std::sync::Arc<dyn Array>| {
        if column.is_null(row) {
            return Some(String::new());
        }
        let text = column.as_string_opt::<i32>().map(|texts| texts.value(row).to_owned());
        let text = text.or_else(|| column.as_boolean_opt().map(|bools| bools.value(row).to_string()));
        text.or_else(|| column.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row).to_string()))
    };
    batch.columns().iter().map(cell).collect()
}
