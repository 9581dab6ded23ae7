//! The latest-row rule: per customer the row with the greatest `latest_by`, null oldest, a tie to the later position.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};

use super::Tally;
use super::index::EXCLUDED;
use crate::spec::{RowRule, Source};

/// Per customer, the position of its latest row in the source, and the account of all rows.
pub(super) fn pick(
    source: &Source,
    codes: &[u32],
    rows: &[RecordBatch],
    customers: usize,
) -> (Vec<Option<u32>>, Tally) {
    let order = source.latest_by.map(|column| order_values(rows, column + 1));
    let mut best: Vec<Option<u32>> = vec![None; customers];
    let mut tally = Tally::default();
    for (row, code) in codes.iter().enumerate() {
        if *code == EXCLUDED {
            tally.excluded += 1;
            continue;
        }
        let best = &mut best[*code as usize];
        let newer = match (*best, &order) {
            (Some(old), Some(order)) => order[row] >= order[old as usize],
            _ => true,
        };
        tally.used += u64::from(best.is_none());
        tally.superseded += u64::from(best.is_some());
        if newer {
            *best = Some(row as u32);
        }
    }
    tally.customers = tally.used;
    if matches!(source.rows, RowRule::Aggregate(_)) {
        // Every row counts in an aggregate.
        tally.used += std::mem::take(&mut tally.superseded);
    }
    (best, tally)
}

/// A column as values that order like it; none, the least, for null.
fn order_values(rows: &[RecordBatch], column: usize) -> Vec<Option<i64>> {
    let mut values = Vec::with_capacity(rows.iter().map(RecordBatch::num_rows).sum());
    for batch in rows {
        let array = batch.column(column);
        match array.data_type() {
            DataType::Date32 => values.extend(array.as_primitive::<Date32Type>().iter().map(|v| v.map(i64::from))),
            DataType::Int64 => values.extend(array.as_primitive::<Int64Type>().iter()),
            DataType::Timestamp(..) => values.extend(array.as_primitive::<TimestampMicrosecondType>().iter()),
            // The spec's check lets no other type order rows.
            _ => values.extend(std::iter::repeat_n(None, array.len())),
        }
    }
    values
}
