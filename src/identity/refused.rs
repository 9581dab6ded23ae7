//! Identifiers that join nothing, with why, how often and for whom. Owns which of several reasons is told.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::linked::{Linked, mark};
use super::trace::{Stray, read_strays};
use super::tree::{Of, Starts, resolve};
use crate::disk::Partition;
use crate::error::Result;

/// Most customers that a line names.
pub const MOST_CUSTOMERS: usize = 20;

/// Why an identifier joins nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is not of its kind.
    Bad,
    /// The spec says so, or it is a word for nothing.
    Blocked,
    /// What hangs on it would be a customer that holds too much.
    Conflict,
    /// It is in rows of too many customers.
    Shared,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Blocked => "blocked",
            Self::Conflict => "conflict",
            Self::Shared => "shared",
        }
    }
}

/// A refused identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// Name of the kind.
    pub kind: String,
    /// Its text in its one form; as it stands in its cell if it is bad.
    pub value: String,
    pub reason: Reason,
    /// Rows that have it.
    pub rows: u64,
    /// The customers that would have been one, or whose rows have it, joined by `;`.
    pub customers: String,
    /// Its first row.
    pub source: u32,
    pub file: u32,
    pub line: u64,
}

/// All refused identifiers in order of kind, value, reason.
pub type Refused = Vec<RefusedLine>;

/// The lines of all parts. All rows must have had their fate.
pub fn refused(
    parts: Vec<Vec<Partition>>,
    linked: &Linked,
    starts: &Starts,
    must_not_show: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Refused> {
    let broken: Vec<BTreeSet<String>> = linked.broken.par_iter().map(|groups| first_names(groups, linked)).collect();
    let of_part = |records: Vec<Partition>| {
        let strays = read_strays(records)?;
        let of_ids = strays.chunk_by(|a, b| a.id == b.id);
        let lines = of_ids.filter_map(|strays| line(strays, linked, &broken, starts));
        Ok(lines.filter(|line| !must_not_show(&line.value)).collect::<Refused>())
    };
    let mut all = parts.into_par_iter().map(of_part).collect::<Result<Vec<_>>>()?.concat();
    all.par_sort_unstable_by(|a, b| {
        (a.kind.as_str(), a.value.as_str(), a.reason).cmp(&(b.kind.as_str(), b.value.as_str(), b.reason))
    });
    Ok(all)
}

/// The first names among the published customers of these identifiers.
fn first_names(ids: &[u32], linked: &Linked) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for id in ids.iter().filter(|id| linked.is_published(linked.group(**id))) {
        let name = linked.spelled(linked.name(*id));
        let is_among = names.len() < MOST_CUSTOMERS || names.last().is_some_and(|last| name < *last);
        if is_among {
            names.insert(name);
        }
        if names.len() > MOST_CUSTOMERS {
            names.pop_last();
        }
    }
    names
}

/// The line of an identifier, given where it stands; none if it must not be shown.
fn line(strays: &[Stray], linked: &Linked, broken: &[BTreeSet<String>], starts: &Starts) -> Option<RefusedLine> {
    let id = strays[0].id;
    let reason = if linked.is(id, mark::BAD) {
        Reason::Bad
    } else if linked.is(id, mark::BLOCKED) {
        Reason::Blocked
    } else if linked.is(id, mark::SHARED) {
        Reason::Shared
    } else {
        Reason::Conflict
    };
    if reason != Reason::Bad && linked.must_not_show(id) {
        return None;
    }
    let customers = if reason == Reason::Conflict {
        let from = linked.refused.partition_point(|(value, _)| *value < id);
        let of_id = linked.refused[from..].iter().take_while(|(value, _)| *value == id);
        let mut all: BTreeSet<&str> = of_id.flat_map(|(_, at)| broken[*at].iter().map(String::as_str)).collect();
        while all.len() > MOST_CUSTOMERS {
            all.pop_last();
        }
        all.into_iter().collect::<Vec<_>>().join(";")
    } else {
        let mut groups: Vec<u32> = strays.iter().filter_map(|stray| stray.group).collect();
        groups.sort_unstable();
        groups.dedup();
        first_names(&groups, linked).into_iter().collect::<Vec<_>>().join(";")
    };
    let (of, file, line) = resolve(strays[0].place, starts);
    let source = match of {
        Of::Source(at) | Of::Map(at) => at,
    };
    Some(RefusedLine {
        kind: linked.identity.kinds[linked.ids.kind(id)].name.clone(),
        value: linked.ids.text(id).into_owned(),
        reason,
        rows: strays.len() as u64,
        customers,
        source,
        file,
        line,
    })
}
