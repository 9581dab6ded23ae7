//! Merge: built shards → one order by id, in which every id is proved to stand once. Reads each shard batch by batch and
//! copies no profile until asked.

mod tournament;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_empty_array};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::ids::{eight, shared_start};
use tournament::Tournament;

/// A shard's profiles, sorted by id, their first column.
#[derive(Debug)]
pub struct Sorted<I> {
    /// First and last id; none when there is no profile.
    pub ends: Option<(String, String)>,
    /// Its profiles.
    pub batches: I,
}

/// All profiles in order of id, a group of rows after the other.
#[derive(Debug)]
pub struct Merge<I> {
    schema: SchemaRef,
    shards: Vec<Shard<I>>,
    tournament: Tournament,
    /// Bytes that all ids share at their start: they decide no comparison.
    shared: usize,
    last: Option<Vec<u8>>,
}

/// Where the merge stands in a shard.
#[derive(Debug)]
struct Shard<I> {
    batches: I,
    /// The current batch; none behind the last row.
    batch: Option<RecordBatch>,
    ids: StringArray,
    row: usize,
    /// The eight bytes of the current id that follow the shared ones.
    eight: u64,
}

/// Some profiles, in order, not yet gathered.
#[derive(Debug)]
pub struct Group {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Batch and row of each profile.
    order: Vec<(usize, usize)>,
}

impl<I: Iterator<Item = Result<RecordBatch>>> Merge<I> {
    /// Begins to merge shards.
    ///
    /// # Errors
    /// Those of reading a shard.
    pub fn new(schema: SchemaRef, shards: Vec<Sorted<I>>) -> Result<Self> {
        // The first and last id of each shard decide.
        let ends = shards.iter().filter_map(|s| s.ends.as_ref());
        let shared = shared_start(ends.flat_map(|(first, last)| [first.as_bytes(), last.as_bytes()]));
        let start = |shard: Sorted<I>| {
            let ids = StringArray::new_null(0);
            let mut shard = Shard { batches: shard.batches, batch: None, ids, row: 0, eight: 0 };
            shard.advance(shared).map(|()| shard)
        };
        let shards: Vec<Shard<I>> = shards.into_iter().map(start).collect::<Result<_>>()?;
        let tournament = Tournament::new(shards.len(), |a, b| shards[a].before(&shards[b]));
        Ok(Self { schema, shards, tournament, shared, last: None })
    }

    /// The next profiles, at most so many; none are left when it gives an empty group.
    ///
    /// # Errors
    /// [`Error::Bug`] when ids do not strictly increase: a shard out of order, or a customer out of two shards. Those of
    /// reading a shard.
    pub fn next(&mut self, rows: usize) -> Result<Group> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        // The place of each shard's current batch among the group's, once it has one.
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
            prove(&mut self.last, shard.id())?;
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
}

impl<I: Iterator<Item = Result<RecordBatch>>> Shard<I> {
    /// Reads on when the current batch has no more rows.
    fn advance(&mut self, shared: usize) -> Result<()> {
        while self.row >= self.ids.len() {
            self.batch = self.batches.next().transpose()?;
            let Some(batch) = &self.batch else { return Ok(()) };
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

    /// Whether its current row comes first; a shard behind its last row comes last.
    fn before(&self, other: &Self) -> bool {
        match (&self.batch, &other.batch) {
            (Some(_), Some(_)) if self.eight != other.eight => self.eight < other.eight,
            (Some(_), Some(_)) => self.id() < other.id(),
            (mine, _) => mine.is_some(),
        }
    }
}

impl Group {
    /// Number of profiles.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.schema.fields().len()
    }

    /// A column, in order.
    ///
    /// # Errors
    /// [`Error::Bug`] when the shards differ in type.
    pub fn column(&self, column: usize) -> Result<ArrayRef> {
        if self.order.is_empty() {
            return Ok(new_empty_array(self.schema.field(column).data_type()));
        }
        let arrays: Vec<&dyn Array> = self.batches.iter().map(|p| p.column(column).as_ref()).collect();
        interleave(&arrays, &self.order).map_err(|e| Error::Bug(format!("merging: {e}")))
    }
}

/// Proves that an id comes after the last.
fn prove(last: &mut Option<Vec<u8>>, id: &[u8]) -> Result<()> {
    match last {
        Some(last) if last.as_slice() >= id => {
            Err(Error::Bug("merging: the ids of the shards do not strictly increase".into()))
        }
        Some(last) => {
            last.clear();
            last.extend_from_slice(id);
            Ok(())
        }
        None => {
            *last = Some(id.to_vec());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Shards in batches of two rows.
    fn merge(shards: &[&[&str]]) -> Result<Vec<String>> {
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
                return Ok(all);
            }
            assert!(group.rows() == 3 || all.len() + group.rows() == shards.iter().map(|s| s.len()).sum::<usize>());
            all.extend(group.column(0)?.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
    }

    #[test]
    fn ids_come_out_in_byte_order() {
        let ids = merge(&[&["cust_1", "cust_10", "cust_2\u{0}"], &[], &["cust_100", "cust_2", "é"], &["cust_11"]]);
        assert_eq!(ids.expect("ids"), ["cust_1", "cust_10", "cust_100", "cust_11", "cust_2", "cust_2\u{0}", "é"]);
        assert_eq!(merge(&[]).expect("none"), [""; 0]);
        assert_eq!(merge(&[&["b"]]).expect("one"), ["b"]);
    }

    #[test]
    fn a_customer_out_of_two_shards_is_found() {
        assert!(matches!(merge(&[&["a", "b"], &["b"]]), Err(Error::Bug(_))));
        assert!(matches!(merge(&[&["b", "a"]]), Err(Error::Bug(_))));
    }
}
