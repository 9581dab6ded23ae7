//! Walks two sorted sides together, in windows of rows with all ids up to a bound. Owns which rows belong to the same
//! id; compares nothing else.

use std::sync::mpsc::Receiver;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt32Array};

use crate::error::Result;

/// The rows of both sides up to a common bound.
pub(super) struct Window {
    pub old: RecordBatch,
    pub new: RecordBatch,
    /// Which rows belong together; none if both sides have the same ids.
    pub pairing: Option<Pairing>,
}

/// Which rows belong together.
pub(super) struct Pairing {
    /// What happened to each id, in order of id.
    pub steps: Vec<Step>,
    /// The old side's rows whose id the new side has too.
    pub old: UInt32Array,
    /// The new side's rows with the same ids.
    pub new: UInt32Array,
}

/// What happened to the next id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Both sides have it: the next pair.
    Pair,
    /// Only the old side has it, in this row.
    Gone(usize),
    /// Only the new side has it, in this row.
    Added(usize),
}

/// The position in both sides.
pub(super) struct Walk {
    old: Stream,
    new: Stream,
}

/// The rest of a side.
struct Stream {
    batches: Receiver<Result<RecordBatch>>,
    rest: Option<RecordBatch>,
}

impl Walk {
    pub fn new(old: Receiver<Result<RecordBatch>>, new: Receiver<Result<RecordBatch>>) -> Self {
        Self { old: Stream { batches: old, rest: None }, new: Stream { batches: new, rest: None } }
    }

    /// The next window; none if both sides are at their end.
    pub fn next(&mut self) -> Result<Option<Window>> {
        self.old.fill()?;
        self.new.fill()?;
        let bound = match (&self.old.rest, &self.new.rest) {
            (None, None) => return Ok(None),
            (Some(old), None) => last(old),
            (None, Some(new)) => last(new),
            (Some(old), Some(new)) => last(old).min(last(new)),
        };
        let bound = bound.to_owned();
        // A side at its end gives no rows, so its columns do not matter.
        let (old, new) = match (self.old.take(&bound), self.new.take(&bound)) {
            (Some(old), Some(new)) => (old, new),
            (Some(old), None) => (old.clone(), old.slice(0, 0)),
            (None, Some(new)) => (new.slice(0, 0), new),
            (None, None) => return Ok(None),
        };
        let pairing = pair(ids(&old), ids(&new));
        Ok(Some(Window { old, new, pairing }))
    }
}

impl Stream {
    /// Reads the next batch if nothing is left of the last one.
    fn fill(&mut self) -> Result<()> {
        if self.rest.is_none() {
            // A closed channel means the end.
            self.rest = self.batches.recv().ok().transpose()?;
        }
        Ok(())
    }

    /// Splits off the rows up to a bound.
    fn take(&mut self, bound: &str) -> Option<RecordBatch> {
        let rest = self.rest.take()?;
        let ids = ids(&rest);
        let rows = partition(ids, bound);
        if rows < ids.len() {
            self.rest = Some(rest.slice(rows, rest.num_rows() - rows));
        }
        Some(rest.slice(0, rows))
    }
}

/// How many ids come before a bound or are equal to it.
fn partition(ids: &StringArray, bound: &str) -> usize {
    let (mut low, mut high) = (0, ids.len());
    while low < high {
        let middle = low.midpoint(high);
        if ids.value(middle) <= bound { low = middle + 1 } else { high = middle }
    }
    low
}

pub(super) fn ids(batch: &RecordBatch) -> &StringArray {
    batch.column(0).as_string::<i32>()
}

/// The last id of a batch that is not empty.
fn last(batch: &RecordBatch) -> &str {
    let ids = ids(batch);
    ids.value(ids.len() - 1)
}

fn pair(old: &StringArray, new: &StringArray) -> Option<Pairing> {
    if old == new {
        return None;
    }
    let (mut steps, mut olds, mut news) = (Vec::new(), Vec::new(), Vec::new());
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        let order = match (a < old.len(), b < new.len()) {
            (true, true) => old.value(a).cmp(new.value(b)),
            (true, false) => std::cmp::Ordering::Less,
            (false, _) => std::cmp::Ordering::Greater,
        };
        steps.push(match order {
            std::cmp::Ordering::Less => Step::Gone(a),
            std::cmp::Ordering::Greater => Step::Added(b),
            std::cmp::Ordering::Equal => {
                olds.push(a as u32);
                news.push(b as u32);
                Step::Pair
            }
        });
        a += usize::from(order.is_le());
        b += usize::from(order.is_ge());
    }
    Some(Pairing { steps, old: olds.into(), new: news.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::ArrayRef;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    fn stream(ids: &BTreeSet<String>, batch: usize) -> Receiver<Result<RecordBatch>> {
        let (send, receive) = sync_channel(100);
        for ids in ids.iter().collect::<Vec<_>>().chunks(batch) {
            let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
            send.send(Ok(RecordBatch::try_from_iter([("id", ids)]).expect("a batch"))).expect("sent");
        }
        receive
    }

    proptest! {
        #[test]
        fn every_id_comes_once_and_in_order(
            old in prop::collection::btree_set("[a-c]{1,3}", 0..30),
            new in prop::collection::btree_set("[a-c]{1,3}", 0..30),
            sizes in (1usize..7, 1usize..7),
        ) {
            let mut walk = Walk::new(stream(&old, sizes.0), stream(&new, sizes.1));
            let mut met = Vec::new();
            while let Some(Window { old, new, pairing }) = walk.next().expect("a window") {
                match pairing {
                    None => met.extend(ids(&old).iter().flatten().map(|id| (id.to_owned(), "both"))),
                    Some(Pairing { steps, old: olds, new: news }) => {
                        let mut pairs = olds.values().iter().zip(news.values());
                        met.extend(steps.into_iter().map(|step| match step {
                            Step::Gone(row) => (ids(&old).value(row).to_owned(), "gone"),
                            Step::Added(row) => (ids(&new).value(row).to_owned(), "added"),
                            Step::Pair => {
                                let (a, b) = pairs.next().expect("a pair");
                                assert_eq!(ids(&old).value(*a as usize), ids(&new).value(*b as usize));
                                (ids(&old).value(*a as usize).to_owned(), "both")
                            }
                        }));
                    }
                }
            }
            let what = |id: &String| match (old.contains(id), new.contains(id)) {
                (true, true) => "both",
                (true, false) => "gone",
                _ => "added",
            };
            let want: Vec<(String, &str)> = old.union(&new).map(|id| (id.clone(), what(id))).collect();
            prop_assert_eq!(met, want);
        }
    }
}
