//! The latest-row rule: per customer the row with the greatest `latest_by`, null oldest, a tie to the later position.

use super::Tally;
use super::index::{EXCLUDED, Rows};
use crate::spec::{RowRule, Source};

/// Per customer, the position of its latest row in the source, and the account of all rows.
pub(super) fn pick(source: &Source, rows: &Rows<'_>, customers: usize) -> (Vec<Option<u32>>, Tally) {
    let mut best: Vec<Option<u32>> = vec![None; customers];
    let mut tally = Tally::default();
    for (row, code) in rows.codes.iter().enumerate() {
        if *code == EXCLUDED {
            tally.excluded += 1;
            continue;
        }
        let best = &mut best[*code as usize];
        // Without an order the later row is the later one by position.
        let newer = best.is_none_or(|old| rows.order.get(row) >= rows.order.get(old as usize));
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
