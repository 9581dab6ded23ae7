//! Owns the latest-row rule: for each customer the row with the greatest `latest_by` is used; null is the oldest, and
//! of equal rows the later one in the input is used. Reads no cells.

use super::SourceTally;
use super::index::{EXCLUDED, REPLACED, Rows};
use crate::spec::{RowRule, Source};

/// The position of each customer's latest row in the source, and how all rows were used.
pub(super) fn pick(source: &Source, rows: &Rows<'_>, customers: usize) -> (Vec<Option<u32>>, SourceTally) {
    let mut best: Vec<Option<u32>> = vec![None; customers];
    let mut tally = SourceTally::default();
    let mut replaced = 0;
    for (row, code) in rows.codes.iter().enumerate() {
        if *code >= REPLACED {
            tally.excluded += u64::from(*code == EXCLUDED);
            replaced += u64::from(*code == REPLACED);
            continue;
        }
        let best = &mut best[*code as usize];
        // Without a `latest_by` the latest row is the last one in the input.
        let newer = best.is_none_or(|old| rows.order.get(row) >= rows.order.get(old as usize));
        tally.used += u64::from(best.is_none());
        tally.superseded += u64::from(best.is_some());
        if newer {
            *best = Some(row as u32);
        }
    }
    tally.customers = tally.used;
    if matches!(source.rows, RowRule::Aggregate(_)) {
        // An aggregate uses every row.
        tally.used += std::mem::take(&mut tally.superseded);
    }
    tally.superseded += replaced;
    (best, tally)
}
