//! What rows say of links and of refused identifiers, kept by group and by identifier while rows get their fate. Owns its
//! form between that and the outputs; decides nothing.

use std::path::Path;

use super::bytes::{put, take, take_u32};
use super::collect::{PARTS, spooling};
use super::linked::{Fate, Linked, MAP, MERGE, OF_MAP, Place, Rule, mark};
use super::rows::Row;
use crate::disk::{Partition, Partitions};
use crate::error::Result;

/// That a row holds the identifier that names the group: of a row that counts and is not erased, of another row, of a map.
pub const HOLDS: Rule = 252;
pub const ALSO_HOLDS: Rule = 253;
pub const MAP_HOLDS: Rule = 254;

/// A link within a group, with where it stands; both ends are the group's name where that alone is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub group: u32,
    pub a: u32,
    pub b: u32,
    pub rule: Rule,
    pub place: Place,
}

/// An identifier of a row that joins nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    pub id: u32,
    pub place: Place,
    /// The group of the row's anchor.
    pub group: Option<u32>,
}

/// What one thread has seen.
#[derive(Debug)]
pub struct Trace {
    told: Partitions,
    strays: Partitions,
}

impl Trace {
    /// Starts without any; more than `most` bytes of each do not stay in memory but go to `folder`.
    pub fn new(folder: &Path, most: usize) -> Self {
        Self { told: Partitions::new(folder, PARTS, most), strays: Partitions::new(folder, PARTS, most) }
    }

    /// Takes a row.
    pub fn row(&mut self, linked: &Linked, place: Place, row: &Row<'_>, fate: Fate) {
        let counts = linked.counts(row, place.source as usize);
        let is_first = |at: usize, id: u32| row.all().take(at).all(|before| before != id);
        for (at, id) in row.all().enumerate() {
            if linked.is(id, mark::NAME) && !linked.is(id, mark::BAD) && is_first(at, id) {
                let rule = if counts && fate != Fate::Erased { HOLDS } else { ALSO_HOLDS };
                self.tell(Told { group: linked.group(id), a: id, b: id, rule, place });
            }
        }
        if !counts {
            return;
        }
        let mut usable = row.own().filter(|id| linked.is_usable(*id));
        let anchor = usable.next();
        if let Some(a) = anchor {
            for b in usable.filter(|b| *b != a) {
                let rule = linked.rule_of(b);
                if !linked.is_void(rule, b) {
                    self.tell(Told { group: linked.group(a), a, b, rule, place });
                }
            }
        }
        if fate == Fate::Erased {
            return;
        }
        let group = anchor.map(|anchor| linked.group(anchor));
        for (at, id) in row.all().enumerate() {
            if linked.is(id, mark::BAD | mark::BLOCKED | mark::SHARED | mark::VOID) && is_first(at, id) {
                self.stray(Stray { id, place, group });
            }
        }
    }

    /// Takes what vendors and maps say.
    pub fn lists(&mut self, linked: &Linked) {
        for ((winner, loser), place) in &linked.merges.edges {
            let (a, b) = (*winner, *loser);
            self.tell(Told { group: linked.group(a), a, b, rule: MERGE, place: *place });
        }
        for line in linked.map_lines() {
            let (a, b, place) = (line.left, line.right, Place { source: OF_MAP, block: line.map, line: line.line });
            if !linked.is_void(MAP, b) {
                self.tell(Told { group: linked.group(a), a, b, rule: MAP, place });
            }
            for id in [a, b].into_iter().filter(|id| linked.is(*id, mark::NAME)) {
                self.tell(Told { group: linked.group(id), a: id, b: id, rule: MAP_HOLDS, place });
            }
        }
    }

    fn tell(&mut self, told: Told) {
        self.told.add(told.group as usize % PARTS, |into| {
            [told.group, told.a.min(told.b), told.a.max(told.b)]
                .iter()
                .for_each(|n| into.extend_from_slice(&n.to_le_bytes()));
            into.push(told.rule);
            put_place(told.place, into);
        });
    }

    fn stray(&mut self, stray: Stray) {
        self.strays.add(stray.id as usize % PARTS, |into| {
            into.extend_from_slice(&stray.id.to_le_bytes());
            put(stray.group.map_or(0, |group| u64::from(group) + 1), into);
            put_place(stray.place, into);
        });
    }

    /// Brings what exceeds the limit to disk. To be called now and then.
    pub fn settle(&mut self) -> Result<()> {
        self.told.settle().and_then(|()| self.strays.settle()).map_err(spooling)
    }

    /// What all threads have seen, by parts: the links, and the identifiers that join nothing.
    pub fn split(all: Vec<Self>) -> (Vec<Vec<Partition>>, Vec<Vec<Partition>>) {
        let mut parts = (Vec::new(), Vec::new());
        for Self { told, strays } in all {
            for (of_all, of_thread) in [(&mut parts.0, told), (&mut parts.1, strays)] {
                of_all.resize_with(PARTS, Vec::new);
                of_all.iter_mut().zip(of_thread.split()).for_each(|(part, of_thread)| part.push(of_thread));
            }
        }
        parts
    }
}

/// The links of a part, sorted.
pub fn read_told(records: Vec<Partition>) -> Result<Vec<Told>> {
    let mut all = Vec::new();
    for piece in read(records)? {
        let mut rest = piece.as_slice();
        while !rest.is_empty() {
            let (group, a, b) = (take_u32(&mut rest), take_u32(&mut rest), take_u32(&mut rest));
            let rule = rest.split_off_first().copied().unwrap_or_default();
            all.push(Told { group, a, b, rule, place: take_place(&mut rest) });
        }
    }
    all.sort_unstable();
    Ok(all)
}

/// The identifiers of a part that join nothing, sorted.
pub fn read_strays(records: Vec<Partition>) -> Result<Vec<Stray>> {
    let mut all = Vec::new();
    for piece in read(records)? {
        let mut rest = piece.as_slice();
        while !rest.is_empty() {
            let id = take_u32(&mut rest);
            let group = take(&mut rest).checked_sub(1).map(|group| group as u32);
            all.push(Stray { id, place: take_place(&mut rest), group });
        }
    }
    all.sort_unstable();
    Ok(all)
}

fn read(records: Vec<Partition>) -> Result<Vec<Vec<u8>>> {
    let pieces = records.into_iter().map(|records| records.read().map_err(spooling));
    Ok(pieces.collect::<Result<Vec<_>>>()?.concat())
}

fn put_place(place: Place, into: &mut Vec<u8>) {
    put(place.source.wrapping_add(1).into(), into);
    put(place.block.into(), into);
    put(place.line, into);
}

fn take_place(rest: &mut &[u8]) -> Place {
    let source = (take(rest) as u32).wrapping_sub(1);
    Place { source, block: take(rest) as u32, line: take(rest) }
}
