//! What vendors have merged: which ids lost, and which survived. Owns the rule of survivors; refuses nothing, because a
//! vendor's merge is always right.

use std::collections::{HashMap, HashSet};

use super::linked::Place;
use super::number::Identifiers;
use super::rows::{Row, Rows};
use crate::spec::identity::Links;

/// The merges of all sources.
#[derive(Debug, Default)]
pub struct Merges {
    /// Winner, loser, and the first row that says so.
    pub edges: HashMap<(u32, u32), Place>,
    /// The survivor of every id of a merge.
    pub survivors: HashMap<u32, u32>,
    /// Sets of merged ids of which every one lost to another.
    pub cycles: u64,
}

/// Finds the merges. `links` are those of the sources, by index; `is_sound` whether an identifier is neither bad nor blocked.
pub fn find(rows: &Rows, links: &[&Links], ids: &Identifiers, is_sound: impl Fn(u32) -> bool) -> Merges {
    let mut merges = Merges::default();
    for block in rows.blocks().filter(|block| links[block.place.source as usize].tells_merges()) {
        for row in block.rows() {
            let place = Place { source: block.place.source, block: block.place.block, line: row.line };
            for (winner, loser) in pairs(&row, &is_sound) {
                // Blocks come in the order of the input: the first place stays.
                merges.edges.entry((winner, loser)).or_insert(place);
            }
        }
    }
    merges.survive(ids);
    merges
}

/// Winners and losers of a row.
fn pairs<'a>(row: &Row<'a>, is_sound: &impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    let Some(key) = row.key.filter(|key| is_sound(*key)) else { return Vec::new() };
    let into = row.into.map(|winner| (winner, key));
    let from = row.from.iter().map(|loser| (key, *loser));
    into.into_iter().chain(from).filter(|(w, l)| w != l && is_sound(*w) && is_sound(*l)).collect()
}

impl Merges {
    /// Finds the survivors: of what is joined the one that lost to none; of several the least, in a cycle the least of all.
    fn survive(&mut self, ids: &Identifiers) {
        let mut near: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut lost = HashSet::new();
        for (winner, loser) in self.edges.keys() {
            near.entry(*winner).or_default().push(*loser);
            near.entry(*loser).or_default().push(*winner);
            lost.insert(*loser);
        }
        for start in near.keys() {
            if self.survivors.contains_key(start) {
                continue;
            }
            let mut set = vec![*start];
            let mut seen = HashSet::from([*start]);
            let mut at = 0;
            while at < set.len() {
                set.extend(near[&set[at]].iter().filter(|id| seen.insert(**id)));
                at += 1;
            }
            let unbeaten: Vec<u32> = set.iter().copied().filter(|id| !lost.contains(id)).collect();
            self.cycles += u64::from(unbeaten.is_empty());
            let among = if unbeaten.is_empty() { &set } else { &unbeaten };
            let survivor = among.iter().copied().min_by_key(|id| ids.least(*id)).unwrap_or(*start);
            self.survivors.extend(set.iter().map(|id| (*id, survivor)));
        }
    }

    /// The survivor of an identifier: itself, unless a vendor has merged it.
    pub fn survivor(&self, id: u32) -> u32 {
        self.survivors.get(&id).copied().unwrap_or(id)
    }

    /// All ids that lost.
    pub fn losers(&self) -> impl Iterator<Item = u32> {
        self.survivors.iter().filter(|(id, survivor)| id != survivor).map(|(id, _)| *id)
    }
}
