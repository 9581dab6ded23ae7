//! Owns `unique_by`: of a customer's rows with the same values in these columns one counts, the newest, and of equally new
//! ones the later one in the input. A null is equal to nothing. Decides nothing about the rows that remain.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::FixedState;

use super::index::{EXCLUDED, REPLACED, Rows};
use crate::error::Result;
use crate::shard::{Layout, RowReader, damaged};

/// Gives the rows that another one replaces the code for that. Fails for a damaged spill file.
pub(super) fn replace(unique_by: &[usize], layout: &Layout, rows: &mut Rows<'_>) -> Result<()> {
    if unique_by.is_empty() {
        return Ok(());
    }
    // The hash only finds equal values within a shard; no order or output depends on it.
    let mut winners: HashMap<(u32, Vec<&[u8]>), usize, FixedState> = HashMap::with_hasher(FixedState::with_seed(0));
    for row in 0..rows.codes.len() {
        let code = rows.codes[row];
        if code == EXCLUDED {
            continue;
        }
        let Some(values) = values(unique_by, layout, rows.cells[row]).ok_or_else(damaged)? else { continue };
        match winners.entry((code, values)) {
            Entry::Vacant(first) => drop(first.insert(row)),
            Entry::Occupied(mut winner) => {
                let old = *winner.get();
                let is_newer = rows.order.get(row) >= rows.order.get(old);
                let loser = if is_newer { winner.insert(row) } else { row };
                rows.codes[loser] = REPLACED;
            }
        }
    }
    Ok(())
}

/// The row's values in these columns, as they are stored, or nothing if one is null. None for a damaged row.
fn values<'a>(unique_by: &[usize], layout: &Layout, row: RowReader<'a>) -> Option<Option<Vec<&'a [u8]>>> {
    let mut values = Vec::with_capacity(unique_by.len());
    for column in unique_by {
        let mut row = row;
        layout.types[..*column].iter().try_for_each(|ty| row.skip(*ty))?;
        match row.stored(layout.types[*column])? {
            // Null is a single zero.
            [0] => return Some(None),
            value => values.push(value),
        }
    }
    Some(Some(values))
}
