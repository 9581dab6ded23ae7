//! What linking has found: which customer each identifier is of, which identifiers join nothing, what becomes of a row.
//! Decides nothing any more, and is shared by all threads.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::account::{ErasedRecord, IdentityRecord, MergesRecord};
use super::lists::{Lists, MapLine};
use super::merges::Merges;
use super::number::Identifiers;
use super::rows::{Row, Rows};
use crate::spec::Source;
use crate::spec::identity::{Identity, Links};

/// Where a row is: its source, the block of its files, its line from 0 at the block's start. Places are in the order of the
/// input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub source: u32,
    pub block: u32,
    pub line: u64,
}

/// The source of a place in a map, whose number is its block.
pub const OF_MAP: u32 = u32::MAX;

/// What is known of an identifier, as bits.
pub mod mark {
    /// Its text is not of its kind.
    pub const BAD: u8 = 1;
    /// Its text joins nothing.
    pub const BLOCKED: u8 = 2;
    /// It is in rows of too many customers to join any.
    pub const SHARED: u8 = 4;
    /// A vendor has merged it into another.
    pub const LOSER: u8 = 8;
    /// It takes part: it could join, or names a row.
    pub const NODE: u8 = 16;
    /// It is to be erased.
    pub const LISTED: u8 = 32;
    /// Its links of a tier are void.
    pub const VOID: u8 = 64;
    /// It names its customer.
    pub const NAME: u8 = 128;
}

/// What is known of a group, as bits that threads set.
pub mod state {
    /// It has a row in a source of the population.
    pub const KNOWN: u8 = 1;
    /// A row of it was erased because of its key or anchor.
    pub const ERASED: u8 = 2;
}

/// How an identifier came to its customer: a vendor's merge, a map, or a kind of `link_by`, strongest first.
pub type Rule = u8;

pub const MERGE: Rule = 0;
pub const MAP: Rule = 1;
pub const FIRST_KIND: Rule = 2;

/// The result of linking.
#[derive(Debug)]
pub struct Linked {
    pub identity: Arc<Identity>,
    pub sources: Vec<Arc<Source>>,
    pub rows: Rows,
    pub ids: Identifiers,
    /// For each identifier what is known of it: bits of [`mark`].
    pub marks: Vec<u8>,
    /// For each identifier the one that stands for its group.
    pub groups: Vec<u32>,
    /// For each identifier that stands for a group: the one that names it.
    pub names: Vec<u32>,
    /// For each that stands for a group: bits of [`state`].
    pub states: Vec<AtomicU8>,
    pub merges: Merges,
    pub lists: Lists,
    /// Values with the rules by which they join nothing.
    pub void: HashSet<(Rule, u32)>,
    /// For each void value what would have been one group, as indexes.
    pub refused: Vec<(u32, usize)>,
    /// What would have been one group: an identifier of each of those that it would have been made of.
    pub broken: Vec<Vec<u32>>,
    /// For each identifier that stands for a group whether the group is erased; empty if nothing is.
    pub erased: Vec<bool>,
}

/// What becomes of a row that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Erased,
    Merged,
    Deleted,
    Unidentified,
    /// It is of this group's customer.
    Of(u32),
}

impl Linked {
    pub fn is(&self, id: u32, marks: u8) -> bool {
        self.marks[id as usize] & marks > 0
    }

    /// Whether an identifier may name a row or join.
    #[inline]
    pub fn is_usable(&self, id: u32) -> bool {
        !self.is(id, mark::BAD | mark::BLOCKED | mark::SHARED)
    }

    pub fn group(&self, id: u32) -> u32 {
        self.groups[id as usize]
    }

    /// The identifier that names the group of another.
    pub fn name(&self, id: u32) -> u32 {
        self.names[self.group(id) as usize]
    }

    /// An identifier as the outputs have it.
    pub fn spelled(&self, id: u32) -> String {
        let mut text = String::new();
        self.spell(id, &mut text);
        text
    }

    /// Appends the same.
    pub fn spell(&self, id: u32, into: &mut String) {
        into.push_str(&self.identity.kinds[self.ids.kind(id)].name);
        into.push(':');
        into.push_str(&self.ids.text(id));
    }

    /// The first identifier of a row that may join: what the others hang on.
    pub fn anchor(&self, row: &Row<'_>) -> Option<u32> {
        row.own().find(|id| self.is_usable(*id))
    }

    /// Whether a row was merged into another.
    pub fn is_merged(&self, row: &Row<'_>, source: usize) -> bool {
        let tells = self.sources[source].links.as_ref().is_some_and(Links::tells_merges);
        let is_loser = |key| self.is(key, mark::LOSER) && !self.is(key, mark::BAD | mark::BLOCKED);
        tells && row.key.is_some_and(is_loser)
    }

    /// Whether what a row says of links counts: unless it is deleted and not merged.
    pub fn counts(&self, row: &Row<'_>, source: usize) -> bool {
        !row.deleted || self.is_merged(row, source)
    }

    /// What becomes of a row, and notes what that says of its group.
    pub fn fate(&self, row: &Row<'_>, source: usize) -> Fate {
        let anchor = self.anchor(row);
        if !self.lists.erase.is_empty() && self.is_erased(row, anchor) {
            return Fate::Erased;
        }
        if self.is_merged(row, source) {
            return Fate::Merged;
        }
        if row.deleted {
            return Fate::Deleted;
        }
        anchor.map_or(Fate::Unidentified, |anchor| Fate::Of(self.group(anchor)))
    }

    fn is_erased(&self, row: &Row<'_>, anchor: Option<u32>) -> bool {
        let key = row.key.filter(|key| !self.is(*key, mark::BAD | mark::BLOCKED));
        let mut groups = key.into_iter().chain(anchor).map(|id| self.group(id)).filter(|g| self.erased[*g as usize]);
        let of_group = groups.next();
        if let Some(group) = of_group {
            self.note(group, state::ERASED);
            groups.for_each(|group| self.note(group, state::ERASED));
        }
        of_group.is_some() || row.all().any(|id| self.is(id, mark::LISTED) && !self.is(id, mark::BAD))
    }

    /// Notes what a row says of its group.
    pub fn note(&self, group: u32, state: u8) {
        let states = &self.states[group as usize];
        // Most rows say nothing new: then nothing is written that other threads would have to see.
        if states.load(Ordering::Relaxed) & state == 0 {
            states.fetch_or(state, Ordering::Relaxed);
        }
    }

    pub fn has(&self, group: u32, state: u8) -> bool {
        self.states[group as usize].load(Ordering::Relaxed) & state > 0
    }

    /// Whether the group has a profile. Right only when all rows have had their fate.
    pub fn is_published(&self, group: u32) -> bool {
        self.has(group, state::KNOWN)
    }

    /// Whether an identifier is of an erased customer, or listed itself.
    pub fn must_not_show(&self, id: u32) -> bool {
        self.is(id, mark::LISTED) || self.erased.get(self.group(id) as usize) == Some(&true)
    }

    /// The rule by which a value's links of its kind would join.
    pub fn rule_of(&self, id: u32) -> Rule {
        let kind = self.ids.kind(id);
        let tier = self.identity.link_by.iter().position(|linked| *linked == kind).unwrap_or_default();
        FIRST_KIND + tier as Rule
    }

    /// Whether links of this rule on a value are void.
    pub fn is_void(&self, rule: Rule, value: u32) -> bool {
        self.is(value, mark::VOID) && self.void.contains(&(rule, value))
    }

    /// How many values have void links.
    pub fn void_values(&self) -> u64 {
        self.refused.chunk_by(|a, b| a.0 == b.0).count() as u64
    }

    /// How many pairs to keep apart a vendor has merged.
    pub fn apart_merged(&self) -> u64 {
        self.lists.apart.iter().filter(|(a, b)| self.group(*a) == self.group(*b)).count() as u64
    }

    /// What has been counted of identifiers, but for what their outputs say. Right only when all rows have had their fate.
    pub fn record(&self) -> IdentityRecord {
        let count = |marks: u8| self.marks.iter().filter(|m| **m & marks > 0).count() as u64;
        let groups = || (0..self.groups.len() as u32).filter(|id| self.group(*id) == *id);
        let mut survivors: Vec<u32> = self.merges.survivors.values().copied().collect();
        survivors.sort_unstable();
        survivors.dedup();
        let told = self.told_by_rows(&survivors);
        IdentityRecord {
            identifiers: count(mark::NODE),
            merges: MergesRecord {
                losers: count(mark::LOSER),
                cycles: self.merges.cycles,
                winners_missing: survivors.iter().filter(|id| !told.contains(id)).count() as u64,
            },
            erased: ErasedRecord {
                values: self.lists.erase.len() as u64,
                customers: groups().filter(|group| self.has(*group, state::ERASED)).count() as u64,
            },
            ..IdentityRecord::default()
        }
    }

    /// Which of these ids are the key of a row in a source that tells merges.
    fn told_by_rows(&self, ids: &[u32]) -> HashSet<u32> {
        if ids.is_empty() {
            return HashSet::new();
        }
        let tells = |source: u32| self.sources[source as usize].links.as_ref().is_some_and(Links::tells_merges);
        let blocks = self.rows.blocks().filter(|block| tells(block.place.source));
        let keys = blocks.flat_map(|block| block.rows().filter_map(|row| row.key));
        keys.filter(|key| ids.binary_search(key).is_ok()).collect()
    }

    /// The lines of maps that may join.
    pub fn map_lines(&self) -> impl Iterator<Item = &MapLine> {
        let may = |line: &&MapLine| self.is_usable(line.left) && self.is_usable(line.right) && line.left != line.right;
        self.lists.maps.iter().filter(may)
    }
}
