//! The customers of a shard and their codes: each row's id becomes its rank among the shard's sorted ids, so that
//! what follows works on small integers. Owns the population.

use arrow::array::{AsArray, RecordBatch};
use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::route::ShardInput;
use crate::spec::{Population, Spec};

/// The code of a row whose customer is outside the population.
pub const EXCLUDED: u32 = u32::MAX;

/// A shard's customers.
#[derive(Debug)]
pub struct Index<'a> {
    /// Ids of the customers that get a profile, in byte order.
    pub ids: Vec<&'a str>,
    /// Per source and row: the position in `ids` of the row's customer, or [`EXCLUDED`].
    pub codes: Vec<Vec<u32>>,
}

impl<'a> Index<'a> {
    /// Finds the customers of a shard.
    pub fn new(spec: &Spec, input: &'a ShardInput) -> Self {
        // The hash only groups equal ids within a shard; no order or output depends on it.
        let mut seen: IndexSet<&'a str, FixedState> = IndexSet::with_hasher(FixedState::with_seed(0));
        let mut codes: Vec<Vec<u32>> = Vec::with_capacity(input.sources.len());
        for batches in &input.sources {
            let ids = batches.iter().flat_map(ids);
            codes.push(ids.map(|id| seen.insert_full(id).0 as u32).collect());
        }
        let included = included(&spec.population, &codes, seen.len());
        let mut order: Vec<u32> = (0..seen.len() as u32).filter(|code| included[*code as usize]).collect();
        order.sort_unstable_by_key(|code| seen[*code as usize]);
        let mut rank = vec![EXCLUDED; seen.len()];
        for (position, code) in order.iter().enumerate() {
            rank[*code as usize] = position as u32;
        }
        for code in codes.iter_mut().flatten() {
            *code = rank[*code as usize];
        }
        Self { ids: order.iter().map(|code| seen[*code as usize]).collect(), codes }
    }
}

fn ids(batch: &RecordBatch) -> impl Iterator<Item = &str> {
    // Routing put every row's id there, never null.
    batch.column(0).as_string::<i32>().iter().map(Option::unwrap_or_default)
}

fn included(population: &Population, codes: &[Vec<u32>], customers: usize) -> Vec<bool> {
    match population {
        Population::Any => vec![true; customers],
        Population::KnownBy(sources) => {
            let mut included = vec![false; customers];
            sources.iter().flat_map(|s| &codes[*s]).for_each(|code| included[*code as usize] = true);
            included
        }
    }
}
