//! Merge: built shards → all profiles in order of id. Owns the proof that every id is there only once. Reads each shard
//! batch by batch and copies no profile until its group is read.

mod tournament;

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_empty_array};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::shard::parts::Sorted;
use crate::value::order::{eight, shared_start};

use tournament::Tournament;

/// All profiles in order of id, in groups of rows.
#[derive(Debug)]
pub struct Merge<I> {
    schema: SchemaRef,
    shards: Vec<Shard<I>>,
    tournament: Tournament,
    /// Length of the start that all ids share; these bytes decide no comparison.
    shared: usize,
    last: Option<Vec<u8>>,
    /// Profiles whose id another shard has given already.
    from_two_shards: u64,
}

/// How far the merge is in a shard.
#[derive(Debug)]
struct Shard<I> {
    batches: I,
    /// The current batch; none after the last row.
    batch: Option<RecordBatch>,
    ids: StringArray,
    row: usize,
    /// The eight bytes of the current id after the shared ones.
    eight: u64,
}

/// Some profiles in order, not yet copied.
#[derive(Debug)]
pub struct Group {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Batch and row of each profile.
    order: Vec<(usize, usize)>,
}

impl<I: Iterator<Item = Result<RecordBatch>>> Merge<I> {
    /// Starts merging shards.
    pub fn new(schema: SchemaRef, shards: Vec<Sorted<I>>) -> Result<Self> {
        // The first and last id of each shard decide what all ids share.
        let ends = shards.iter().filter_map(|s| s.ends.as_ref());
        let shared = shared_start(ends.flat_map(|(first, last)| [first.as_bytes(), last.as_bytes()]));
        let start = |shard: Sorted<I>| {
            let ids = StringArray::new_null(0);
            let mut shard = Shard { batches: shard.batches, batch: None, ids, row: 0, eight: 0 };
            shard.advance(shared).map(|()| shard)
        };
        let shards: Vec<Shard<I>> = shards.into_iter().map(start).collect::<Result<_>>()?;
        let tournament = Tournament::new(shards.len(), |a, b| shards[a].before(&shards[b]));
        Ok(Self { schema, shards, tournament, shared, last: None, from_two_shards: 0 })
    }

    /// At most `rows` profiles that come next; an empty group means that none are left. Fails with [`Error::Bug`] if a
    /// shard is out of order.
    pub fn next(&mut self, rows: usize) -> Result<Group> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        // The index of each shard's current batch in the group, once it is there.
        let mut places: Vec<Option<usize>> = vec![None; self.shards.len()];
        let mut order = Vec::with_capacity(rows);
        while order.len() < rows {
            let Some(winner) = self.tournament.winner() else { break };
            let shard = &mut self.shards[winner];
            let Some(batch) = &shard.batch else { break };
            let place = *places[winner].get_or_insert_with(|| {
                batches.push(batch.clone());
                batches.len() - 1
            });
            order.push((place, shard.row));
            self.from_two_shards += u64::from(repeats(&mut self.last, shard.id())?);
            shard.row += 1;
            if shard.row >= shard.ids.len() {
                places[winner] = None;
            }
            shard.advance(self.shared)?;
            let shards = &self.shards;
            self.tournament.replay(winner, |a, b| shards[a].before(&shards[b]));
        }
        Ok(Group { schema: self.schema.clone(), batches, order })
    }

    /// How many profiles so far have an id that another shard has too; more than 0 is a bug in routing.
    pub fn ids_from_two_shards(&self) -> u64 {
        self.from_two_shards
    }
}

impl<I: Iterator<Item = Result<RecordBatch>>> Shard<I> {
    /// Goes to the next row, and reads the next batch if the current one has no more rows.
    fn advance(&mut self, shared: usize) -> Result<()> {
        while self.row >= self.ids.len() {
            self.batch = self.batches.next().transpose()?;
            let Some(batch) = &self.batch else {
                // They share the memory of the last batch.
                self.ids = StringArray::new_null(0);
                return Ok(());
            };
            self.ids = batch.column(0).as_string::<i32>().clone();
            self.row = 0;
        }
        self.eight = eight(self.id().get(shared..).unwrap_or_default());
        Ok(())
    }
}

impl<I> Shard<I> {
    fn id(&self) -> &[u8] {
        self.ids.value(self.row).as_bytes()
    }

    /// Whether its current row comes first; a shard that is after its last row comes last.
    fn before(&self, other: &Self) -> bool {
        match (&self.batch, &other.batch) {
            (Some(_), Some(_)) if self.eight != other.eight => self.eight < other.eight,
            (Some(_), Some(_)) => self.id() < other.id(),
            (mine, _) => mine.is_some(),
        }
    }
}

impl Group {
    #[cfg(any(test, feature = "internals"))]
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    pub fn columns(&self) -> usize {
        self.schema.fields().len()
    }

    /// One column of the profiles.
    pub fn column(&self, column: usize) -> Result<ArrayRef> {
        if self.order.is_empty() {
            return Ok(new_empty_array(self.schema.field(column).data_type()));
        }
        let arrays: Vec<&dyn Array> = self.batches.iter().map(|p| p.column(column).as_ref()).collect();
        interleave(&arrays, &self.order).map_err(|e| Error::Bug(format!("merging: {e}")))
    }
}

/// Whether an id is the same as the last one; an id that should come before it is an error.
fn repeats(last: &mut Option<Vec<u8>>, id: &[u8]) -> Result<bool> {
    let last = last.get_or_insert_with(|| Vec::with_capacity(id.len()));
    match last.as_slice().cmp(id) {
        Ordering::Less => {
            last.clear();
            last.extend_from_slice(id);
            Ok(false)
        }
        Ordering::Equal => Ok(true),
        Ordering::Greater => Err(Error::Bug("merging: the ids of a shard are out of order".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Merges shards in batches of two rows; gives the ids, and how many repeat.
    fn merge(shards: &[&[&str]]) -> Result<(Vec<String>, u64)> {
        let batch = |ids: &[&str]| {
            let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
            RecordBatch::try_from_iter([("id", ids)]).expect("a batch")
        };
        let schema = batch(&[]).schema();
        let sorted = |ids: &&[&str]| Sorted {
            ends: ids.first().zip(ids.last()).map(|(a, b)| (a.to_string(), b.to_string())),
            batches: ids.chunks(2).map(|ids| Ok(batch(ids))).collect::<Vec<_>>().into_iter(),
        };
        let mut merge = Merge::new(schema, shards.iter().map(sorted).collect())?;
        let mut all = Vec::new();
        loop {
            let group = merge.next(3)?;
            if group.rows() == 0 {
                return Ok((all, merge.ids_from_two_shards()));
            }
            assert!(group.rows() == 3 || all.len() + group.rows() == shards.iter().map(|s| s.len()).sum::<usize>());
            all.extend(group.column(0)?.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
    }

    #[test]
    fn ids_come_out_in_byte_order() {
        let ids = merge(&[&["cust_1", "cust_10", "cust_2\u{0}"], &[], &["cust_100", "cust_2", "é"], &["cust_11"]]);
        assert_eq!(ids.expect("ids").0, ["cust_1", "cust_10", "cust_100", "cust_11", "cust_2", "cust_2\u{0}", "é"]);
        assert_eq!(merge(&[]).expect("none").0, [""; 0]);
        assert_eq!(merge(&[&["b"]]).expect("one").0, ["b"]);
    }

    #[test]
    fn a_customer_in_two_shards_is_found() {
        let planted = merge(&[&["a", "b", "c"], &["b", "c"], &["c"]]).expect("sorted");
        assert_eq!(planted, (vec!["a".into(), "b".into(), "b".into(), "c".into(), "c".into(), "c".into()], 3));
        assert_eq!(merge(&[&["a"], &["b"]]).expect("sorted").1, 0);
    }

    #[test]
    fn a_shard_out_of_order_is_an_error() {
        assert!(matches!(merge(&[&["b", "a"]]), Err(Error::Bug(_))));
    }
}
