//! Owns `fill = "older"`: a null in a customer's latest row comes from the newest older row that has a value. Every kept column is
//! filled for itself, but a currency with its amount; does not change which row is the latest.

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;

use super::columns::Columns;
use super::index::{REPLACED, Rows};
use crate::error::{Error, Result};
use crate::shard::Layout;
use crate::spec::Source;

/// A column by its name in the profile, and for each customer the row that gave the value.
pub(super) type Filled = (String, ArrayRef, Vec<Option<u32>>);

/// The kept columns of a source, filled.
pub(super) fn gather(
    source: &Source,
    kept: &[(usize, String)],
    layout: &Layout,
    rows: &Rows<'_>,
    customers: usize,
) -> Result<Vec<Filled>> {
    let mut columns = Columns::new(layout, |column| kept.iter().any(|(at, _)| *at == column), rows.cells.len());
    rows.cells.iter().try_for_each(|row| columns.push(*row))?;
    let arrays = columns.finish(source)?;
    let newest_first = newest_first(rows);
    let mut filled = Vec::new();
    for (column, name) in kept {
        let array = arrays.get(column).ok_or_else(|| Error::Bug("a kept column is lost".into()))?;
        // A currency comes with its amount.
        let decides = arrays.get(&source.decides(*column)).unwrap_or(array);
        let mut picked: Vec<Option<u32>> = vec![None; customers];
        for row in newest_first.iter().filter(|row| decides.is_valid(**row as usize)) {
            picked[rows.codes[*row as usize] as usize].get_or_insert(*row);
        }
        let values = take(array, &UInt32Array::from(picked.clone()), None);
        let values = values.map_err(|e| Error::Bug(format!("column `{name}` cannot be filled: {e}")))?;
        filled.push((name.clone(), values, picked));
    }
    Ok(filled)
}

/// The rows that count, the newest first; of equally new ones the later one in the input.
fn newest_first(rows: &Rows<'_>) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows.codes.len() as u32).filter(|row| rows.codes[*row as usize] < REPLACED).collect();
    order.sort_unstable_by_key(|row| std::cmp::Reverse((rows.order.get(*row as usize).copied().flatten(), *row)));
    order
}
