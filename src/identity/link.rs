//! Rows with numbered identifiers → groups, by the tiers of the spec. Owns the order of the steps: merges, shared values,
//! links, tiers, names, what is erased.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use rayon::prelude::*;

use super::groups::{Groups, Limits, Link};
use super::kinds::Kinds;
use super::linked::{FIRST_KIND, Linked, MAP, Rule, mark};
use super::lists::Lists;
use super::merges::{self, Merges};
use super::number::Identifiers;
use super::rows::{Row, Rows};
use crate::spec::Source;
use crate::spec::identity::{Identity, Links};

/// What linking needs.
#[derive(Debug)]
pub struct Linking<'a> {
    pub identity: &'a Arc<Identity>,
    pub sources: &'a [Arc<Source>],
    pub kinds: &'a Kinds,
    pub rows: Rows,
    pub ids: Identifiers,
    pub lists: Lists,
}

/// Finds the customers.
pub fn link(of: Linking<'_>) -> Linked {
    let Linking { identity, sources, kinds, rows, ids, lists } = of;
    let mut marks: Vec<u8> = (0..ids.count() as u32).map(|id| if ids.is_bad(id) { mark::BAD } else { 0 }).collect();
    set(&mut marks, ids.blocked().enumerate().filter(|(_, is)| *is).map(|(id, _)| id as u32), mark::BLOCKED);
    set(&mut marks, lists.erase.iter().copied(), mark::LISTED);
    let links: Vec<&Links> = sources.iter().filter_map(|source| source.links.as_ref()).collect();
    let is_sound = |id: u32| marks[id as usize] & (mark::BAD | mark::BLOCKED) == 0;
    let merges = merges::find(&rows, &links, &ids, is_sound);
    set(&mut marks, merges.losers(), mark::LOSER);
    let draft = Draft { identity, links: &links, kinds, rows: &rows, ids: &ids, merges: &merges };
    let shared = draft.shared(&marks);
    set(&mut marks, shared.into_iter(), mark::SHARED);
    let tiers = draft.links(&lists, &mut marks);
    let limits = Limits { at_most: identity.at_most.clone(), max_ids: identity.max_ids, apart: lists.apart.clone() };
    let is_loser = |id: u32| marks[id as usize] & mark::LOSER > 0;
    let mut groups = Groups::new(ids.count(), |id| ids.kind(id), is_loser, limits);
    merges.edges.keys().for_each(|(winner, loser)| groups.join(*winner, *loser));
    let mut linked = Linked {
        identity: identity.clone(),
        sources: sources.to_vec(),
        names: Vec::new(),
        groups: Vec::new(),
        states: Vec::new(),
        void: Default::default(),
        refused: Vec::new(),
        broken: Vec::new(),
        erased: Vec::new(),
        rows,
        ids,
        marks,
        merges,
        lists,
    };
    for (tier, links) in tiers.into_iter().enumerate() {
        linked.refuse(MAP + tier as Rule, groups.tier(&links));
    }
    linked.groups = groups.into_roots();
    linked.settle();
    linked
}

fn set(marks: &mut [u8], ids: impl Iterator<Item = u32>, mark: u8) {
    ids.for_each(|id| marks[id as usize] |= mark);
}

impl Linked {
    /// Notes what a tier has refused.
    fn refuse(&mut self, rule: Rule, refused: super::groups::Refusals) {
        let first = self.broken.len();
        for (value, at) in refused.void {
            self.marks[value as usize] |= mark::VOID;
            self.void.insert((rule, value));
            self.refused.push((value, first + at));
        }
        self.broken.extend(refused.broken);
    }

    /// Names the groups, and finds those that are erased.
    fn settle(&mut self) {
        let count = self.ids.count();
        let mut names = vec![u32::MAX; count];
        for id in (0..count as u32).filter(|id| !self.is(*id, mark::LOSER)) {
            let name = &mut names[self.group(id) as usize];
            let kind = self.ids.kind(id);
            let comes_first = *name == u32::MAX || {
                let named = self.ids.kind(*name);
                kind < named || (kind == named && self.ids.is_less(id, *name))
            };
            if comes_first {
                *name = id;
            }
        }
        for id in names.iter().filter(|id| **id != u32::MAX) {
            self.marks[*id as usize] |= mark::NAME;
        }
        self.names = names;
        self.states = std::iter::repeat_with(|| AtomicU8::new(0)).take(count).collect();
        self.erased = vec![false; if self.lists.erase.is_empty() { 0 } else { count }];
        for id in &self.lists.erase {
            self.erased[self.groups[*id as usize] as usize] = true;
        }
        self.refused.sort_unstable();
    }
}

/// What is known before there are groups.
struct Draft<'a> {
    identity: &'a Identity,
    links: &'a [&'a Links],
    kinds: &'a Kinds,
    rows: &'a Rows,
    ids: &'a Identifiers,
    merges: &'a Merges,
}

impl<'a> Draft<'a> {
    /// The rows whose identifiers count: those that are not deleted. Deleted rows that were merged are merged.
    fn counting(&self, marks: &'a [u8]) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let links = self.links;
        self.rows.blocks().flat_map(move |block| {
            let tells = links[block.place.source as usize].tells_merges();
            let is_loser = |id: u32| marks[id as usize] & (mark::LOSER | mark::BAD | mark::BLOCKED) == mark::LOSER;
            block.rows().filter(move |row| !row.deleted || (tells && row.key.is_some_and(is_loser)))
        })
    }

    /// The values that are in rows of more keys than their kind allows.
    fn shared(&self, marks: &[u8]) -> Vec<u32> {
        let is_sound = |id: u32| marks[id as usize] & (mark::BAD | mark::BLOCKED) == 0;
        let most = |id: u32| self.kinds.max_keys(self.ids.kind(id)).filter(|_| is_sound(id));
        if (0..self.identity.kinds.len()).all(|kind| self.kinds.max_keys(kind).is_none()) {
            return Vec::new();
        }
        // First all rows are counted, which is quick: few values are in so many.
        let mut rows_with = vec![0u8; self.ids.count()];
        let with_key = || self.counting(marks).filter_map(|row| Some((row.key.filter(|key| is_sound(*key))?, row)));
        for id in with_key().flat_map(|(_, row)| row.ids.iter().copied()) {
            rows_with[id as usize] = rows_with[id as usize].saturating_add(1);
        }
        let may_be = |id: u32| {
            let rows = rows_with[id as usize];
            most(id).is_some_and(|most| rows == u8::MAX || u32::from(rows) > most)
        };
        let mut keys: Vec<(u32, usize, u32)> = with_key()
            .flat_map(|(key, row)| row.ids.iter().map(move |id| (*id, key)))
            .filter(|(id, _)| may_be(*id))
            .map(|(id, key)| (id, self.ids.kind(key), self.merges.survivor(key)))
            .collect();
        keys.par_sort_unstable();
        keys.dedup();
        let shared = keys.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let shared = shared.filter(|keys| most(keys[0].0).is_some_and(|most| keys.len() > most as usize));
        shared.map(|keys| keys[0].0).collect()
    }

    /// The links of each tier, those of maps first, sorted. Notes which identifiers take part.
    fn links(&self, lists: &Lists, marks: &mut [u8]) -> Vec<Vec<Link>> {
        let mut tiers = vec![Vec::new(); 1 + self.identity.link_by.len()];
        let mut is_node = vec![false; self.ids.count()];
        self.merges.survivors.keys().for_each(|id| is_node[*id as usize] = true);
        let tier_of: Vec<usize> = (0..self.identity.kinds.len())
            .map(|kind| self.identity.link_by.iter().position(|linked| *linked == kind).map_or(0, |at| 1 + at))
            .collect();
        let is_usable = |id: u32| marks[id as usize] & (mark::BAD | mark::BLOCKED | mark::SHARED) == 0;
        for line in lists.maps.iter().filter(|line| is_usable(line.left) && is_usable(line.right)) {
            if line.left != line.right {
                tiers[0].push(Link { anchor: line.left, value: line.right });
                [line.left, line.right].iter().for_each(|id| is_node[*id as usize] = true);
            }
        }
        for row in self.counting(marks) {
            let mut usable = row.own().filter(|id| is_usable(*id));
            let Some(anchor) = usable.next() else { continue };
            is_node[anchor as usize] = true;
            for value in usable.filter(|value| *value != anchor) {
                tiers[tier_of[self.ids.kind(value)]].push(Link { value, anchor });
                is_node[value as usize] = true;
            }
        }
        marks.iter_mut().zip(is_node).filter(|(_, is)| *is).for_each(|(marks, _)| *marks |= mark::NODE);
        for links in &mut tiers {
            links.par_sort_unstable();
            links.dedup();
        }
        tiers
    }
}

const _: () = assert!(FIRST_KIND == MAP + 1, "the tier of maps is the first");
