//! Merge: built shards → one order by id, in which every id is proved to stand once. Copies no profile until asked.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_empty_array};
use arrow::compute::interleave;

use crate::error::{Error, Result};
use crate::shard::Part;

/// All profiles, in order.
#[derive(Debug)]
pub struct Merged {
    parts: Vec<RecordBatch>,
    /// Part and row of each profile, in byte order of id.
    order: Vec<(u32, u32)>,
}

/// Merges shards that are each sorted by id, their first column.
///
/// # Errors
/// [`Error::Bug`] when ids do not strictly increase: a shard out of order, or a customer out of two shards.
pub fn merge(parts: &[Part]) -> Result<Merged> {
    let parts: Vec<RecordBatch> = parts.iter().map(|p| p.profiles.clone()).collect();
    let ids: Vec<&StringArray> = parts.iter().map(|p| p.column(0).as_string::<i32>()).collect();
    let skip = common_prefix(&ids);
    let entry = |part: usize, row: usize| {
        Reverse((prefix(&ids[part].value(row).as_bytes()[skip..]), ids[part].value(row), part as u32, row as u32))
    };
    let mut heap: BinaryHeap<_> = (0..ids.len()).filter(|p| !ids[*p].is_empty()).map(|p| entry(p, 0)).collect();
    let mut order = Vec::with_capacity(parts.iter().map(RecordBatch::num_rows).sum());
    let mut last: Option<&str> = None;
    while let Some(mut top) = heap.peek_mut() {
        let Reverse((_, id, part, row)) = *top;
        if last.is_some_and(|last| last >= id) {
            return Err(Error::Bug("merging: the ids of the shards do not strictly increase".into()));
        }
        last = Some(id);
        order.push((part, row));
        if (row as usize) + 1 < ids[part as usize].len() {
            *top = entry(part as usize, row as usize + 1);
        } else {
            std::collections::binary_heap::PeekMut::pop(top);
        }
    }
    Ok(Merged { parts, order })
}

impl Merged {
    /// Number of profiles.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// A range of one column, in order.
    ///
    /// # Errors
    /// [`Error::Bug`] when the parts differ in type.
    pub fn column(&self, column: usize, rows: Range<usize>) -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> = self.parts.iter().map(|p| p.column(column).as_ref()).collect();
        let Some(first) = arrays.first() else { return Err(Error::Bug("merging: no shard".into())) };
        if rows.is_empty() {
            return Ok(new_empty_array(first.data_type()));
        }
        let picks: Vec<(usize, usize)> = self.order[rows].iter().map(|(p, r)| (*p as usize, *r as usize)).collect();
        interleave(&arrays, &picks).map_err(|e| Error::Bug(format!("merging: {e}")))
    }
}

/// Bytes that all ids share at their start: they decide no comparison.
fn common_prefix(ids: &[&StringArray]) -> usize {
    let mut ends = ids.iter().filter(|a| !a.is_empty()).flat_map(|a| [a.value(0), a.value(a.len() - 1)]);
    let Some(first) = ends.next() else { return 0 };
    ends.fold(first.len(), |shared, id| first.bytes().zip(id.bytes()).take(shared).take_while(|(a, b)| a == b).count())
}

/// The next eight bytes as a number that orders like them: most comparisons end here.
fn prefix(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let n = bytes.len().min(8);
    eight[..n].copy_from_slice(&bytes[..n]);
    u64::from_be_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn part(ids: &[&str]) -> Part {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
        Part { profiles: RecordBatch::try_from_iter([("id", ids)]).expect("a batch"), tallies: Vec::new() }
    }

    #[test]
    fn ids_come_out_in_byte_order() {
        let merged =
            merge(&[part(&["cust_1", "cust_10", "cust_2\u{0}"]), part(&[]), part(&["cust_100", "cust_2", "é"])]);
        let merged = merged.expect("distinct ids");
        let ids = merged.column(0, 0..merged.rows()).expect("ids");
        let ids: Vec<&str> = ids.as_string::<i32>().iter().flatten().collect();
        assert_eq!(ids, ["cust_1", "cust_10", "cust_100", "cust_2", "cust_2\u{0}", "é"]);
    }

    #[test]
    fn a_customer_out_of_two_shards_is_found() {
        assert!(matches!(merge(&[part(&["a", "b"]), part(&["b"])]), Err(Error::Bug(_))));
        assert!(matches!(merge(&[part(&["b", "a"])]), Err(Error::Bug(_))));
    }
}
