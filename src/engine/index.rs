//! The customers of a shard and their codes: each row's id becomes its rank among the shard's sorted ids, so that later
//! steps work on small integers. Owns which customers get a profile.

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use super::unique;
use crate::error::Result;
use crate::shard::{RowReader, ShardInput, SourceRows, damaged};
use crate::spec::{Population, Spec};
use crate::value::order::{eight, shared_start};

/// The code of a row whose customer gets no profile.
pub const EXCLUDED: u32 = u32::MAX;

/// The code of a row that another one of its customer replaces. Smaller codes are customers'.
pub const REPLACED: u32 = u32::MAX - 1;

/// A shard's customers and rows.
#[derive(Debug)]
pub struct Index<'a> {
    /// Ids of the customers that get a profile, in byte order.
    pub ids: Vec<&'a [u8]>,
    /// The rows of each source, in input order.
    pub sources: Vec<Rows<'a>>,
    /// How many ids two sources share, for all pairs; beside itself, how many a source has. Those without a profile count.
    pub meets: Vec<Vec<u64>>,
}

/// The rows of a source.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The position in [`Index::ids`] of the row's customer, or [`EXCLUDED`] or [`REPLACED`].
    pub codes: Vec<u32>,
    /// The value that orders each row; none, which comes first, for null. Empty if the source has no such column.
    pub order: Vec<Option<i64>>,
    /// Each row from its first declared column on.
    pub cells: Vec<RowReader<'a>>,
}

// The hash only finds equal ids within a shard; no order or output depends on it.
type Seen<'a> = IndexSet<&'a [u8], FixedState>;

impl<'a> Index<'a> {
    /// Finds the customers of a shard. Fails for a damaged spill file.
    pub fn new(spec: &Spec, input: &'a ShardInput) -> Result<Self> {
        let mut seen: Seen<'a> = IndexSet::with_hasher(FixedState::with_seed(0));
        let mut sources =
            input.sources.iter().map(|rows| Rows::new(rows, &mut seen)).collect::<Result<Vec<Rows<'a>>>>()?;
        let meets = meets(&sources, seen.len());
        let included = included(&spec.population, &sources, seen.len());
        let order = sorted(&seen, &included);
        let mut rank = vec![EXCLUDED; seen.len()];
        for (position, code) in order.iter().enumerate() {
            rank[*code as usize] = position as u32;
        }
        for code in sources.iter_mut().flat_map(|rows| &mut rows.codes) {
            *code = rank[*code as usize];
        }
        for ((source, rows), input) in spec.sources.iter().zip(&mut sources).zip(&input.sources) {
            unique::replace(&source.unique_by, input.layout(), rows)?;
        }
        Ok(Self { meets, ids: order.iter().map(|code| seen[*code as usize]).collect(), sources })
    }
}

impl<'a> Rows<'a> {
    fn new(source: &'a SourceRows, seen: &mut Seen<'a>) -> Result<Self> {
        let mut cells = source.rows()?;
        let layout = source.layout();
        let mut codes = Vec::with_capacity(cells.len());
        let mut order = Vec::with_capacity(if layout.order_by.is_some() { cells.len() } else { 0 });
        for row in &mut cells {
            let (moment, id) = row.head(layout).ok_or_else(damaged)?;
            codes.push(seen.insert_full(id).0 as u32);
            if layout.order_by.is_some() {
                order.push(moment);
            }
        }
        Ok(Self { codes, order, cells })
    }
}

fn meets(sources: &[Rows<'_>], customers: usize) -> Vec<Vec<u64>> {
    let knows = |rows: &Rows<'_>| {
        let mut known = vec![0u8; customers];
        rows.codes.iter().for_each(|code| known[*code as usize] = 1);
        known
    };
    let known: Vec<Vec<u8>> = sources.iter().map(knows).collect();
    let both = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| u64::from(a & b)).sum();
    let mut meets = vec![vec![0; known.len()]; known.len()];
    for (at, one) in known.iter().enumerate() {
        for (other, another) in known[..=at].iter().enumerate() {
            meets[at][other] = both(one, another);
            meets[other][at] = meets[at][other];
        }
    }
    meets
}

/// The codes of the included customers, in byte order of their ids.
fn sorted(seen: &Seen<'_>, included: &[bool]) -> Vec<u32> {
    let shared = shared_start(seen.iter().copied());
    // Most comparisons are decided by the eight bytes after the start that all ids share.
    let mut order: Vec<(u64, u32)> =
        seen.iter().enumerate().filter(|(i, _)| included[*i]).map(|(i, id)| (eight(&id[shared..]), i as u32)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| seen[a.1 as usize].cmp(seen[b.1 as usize])));
    order.into_iter().map(|(_, code)| code).collect()
}

fn included(population: &Population, sources: &[Rows<'_>], customers: usize) -> Vec<bool> {
    match population {
        Population::Any => vec![true; customers],
        Population::KnownBy(known) => {
            let mut included = vec![false; customers];
            known.iter().flat_map(|s| &sources[*s].codes).for_each(|code| included[*code as usize] = true);
            included
        }
    }
}
