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
    /// The rows that say which identifiers a customer has; none if rows have ids.
    pub hidden: Option<Rows<'a>>,
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
        let (known, hidden) = input.sources.split_at(spec.sources.len().min(input.sources.len()));
        let mut sources = known.iter().map(|rows| Rows::new(rows, &mut seen)).collect::<Result<Vec<Rows<'a>>>>()?;
        let meets = meets(&sources, seen.len());
        let included = included(&spec.population, &sources, seen.len());
        let named = hidden.first().map(|rows| Names::new(rows, &seen)).transpose()?;
        let name = |code: usize| match &named {
            Some(names) => names.ids[code],
            None => seen[code],
        };
        let order = sorted(seen.len(), name, &included);
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
        let ids = order.iter().map(|code| name(*code as usize)).collect();
        let hidden = named.map(|names| names.rows(&rank));
        Ok(Self { meets, hidden, ids, sources })
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

/// What the hidden rows say: the ids of customers whose rows only have a number.
struct Names<'a> {
    /// For each code its id.
    ids: Vec<&'a [u8]>,
    /// The code of each row, if any other row has it.
    codes: Vec<Option<usize>>,
    /// Each row from behind its id.
    cells: Vec<RowReader<'a>>,
}

impl<'a> Names<'a> {
    fn new(source: &'a SourceRows, seen: &Seen<'a>) -> Result<Self> {
        let mut names = Self { ids: vec![&b""[..]; seen.len()], codes: Vec::new(), cells: source.rows()? };
        for row in &mut names.cells {
            let (_, key) = row.head(source.layout()).ok_or_else(damaged)?;
            let id = row.text().ok_or_else(damaged)?;
            let code = seen.get_index_of(key);
            if let (Some(code), Some(id)) = (code, id) {
                names.ids[code] = id;
            }
            names.codes.push(code);
        }
        Ok(names)
    }

    /// The rows of customers with a profile.
    fn rows(self, rank: &[u32]) -> Rows<'a> {
        let codes = self.codes.iter().map(|code| code.map_or(EXCLUDED, |code| rank[code])).collect();
        Rows { codes, order: Vec::new(), cells: self.cells }
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
fn sorted<'a>(codes: usize, id: impl Fn(usize) -> &'a [u8], included: &[bool]) -> Vec<u32> {
    let shared = shared_start((0..codes).filter(|code| included[*code]).map(&id));
    // Most comparisons are decided by the eight bytes after the start that all ids share.
    let mut order: Vec<(u64, u32)> =
        (0..codes).filter(|code| included[*code]).map(|code| (eight(&id(code)[shared..]), code as u32)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| id(a.1 as usize).cmp(id(b.1 as usize))));
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
