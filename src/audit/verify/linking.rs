//! The customers of rows that share no id, found again from docs/identity.md by plain searches over a graph: slow, simple, and
//! not the code of a run. Knows what every row says, and says what must have become of it.

mod graph;
mod lists;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::wrong;
use crate::error::Result;
use crate::identity::Kinds;
use crate::output::manifest::Manifest;
use crate::spec::identity::{Identity, Linked, Links};
use crate::spec::{Population, Spec};

use graph::{Graph, Tier};

/// An identifier: its kind and its one form.
type Name = (usize, String);

/// What a row says of who it is of.
#[derive(Debug, Default)]
pub struct Said {
    source: usize,
    deleted: bool,
    key: Option<Cell>,
    ids: Vec<Cell>,
    into: Option<Cell>,
    from: Vec<Cell>,
}

/// An identifier in a cell, by number; none if its text is not of its kind.
type Cell = Option<u32>;

/// All rows, and the identifiers in them.
pub struct Witness<'a> {
    spec: &'a Spec,
    identity: &'a Identity,
    kinds: Kinds,
    names: Vec<Name>,
    numbers: HashMap<Name, u32>,
    rows: Vec<Said>,
    lists: lists::Lists,
}

/// What must have become of the rows.
pub struct Found {
    /// The ids of all customers with a profile.
    pub customers: HashSet<String>,
    /// For each source its rows that are merged, deleted, unidentified, erased.
    pub counts: Vec<[u64; 4]>,
    /// Customer, kind, value, state of every identifier of a customer with a profile.
    pub identities: BTreeSet<(String, String, String, &'static str)>,
}

impl<'a> Witness<'a> {
    /// Reads the lists that the spec names.
    pub fn new(spec: &'a Spec, identity: &'a Identity, input: &Path, manifest: &Manifest) -> Result<Self> {
        let files = lists::Files::read(identity, input, manifest)?;
        let kinds = Kinds::new(identity, &files.blocked());
        let (names, numbers) = (Vec::new(), HashMap::new());
        let mut witness =
            Self { spec, identity, kinds, names, numbers, rows: Vec::new(), lists: lists::Lists::default() };
        witness.lists = files.lists(&mut witness)?;
        Ok(witness)
    }

    /// Takes a row; `cell` gives the text of a column of its links, `is_null` says whether a text is a null of the source.
    pub fn take<'r>(
        &mut self,
        source: usize,
        links: &Links,
        cell: impl Fn(usize) -> Option<&'r str>,
        is_null: impl Fn(&str) -> bool,
    ) {
        let mut read = |linked: &Linked| -> Vec<Cell> {
            let Some(text) = cell(linked.at).filter(|text| !text.is_empty() && !is_null(text)) else {
                return Vec::new();
            };
            let parts: Vec<&str> = match &linked.split {
                Some(split) => text.split(split.as_str()).filter(|part| !is_null(part)).collect(),
                None => vec![text],
            };
            parts.into_iter().filter_map(|part| self.read(linked.kind, part)).collect()
        };
        let said = Said {
            source,
            key: links.key.as_ref().and_then(|key| read(key).first().copied()),
            ids: links.ids.iter().flat_map(&mut read).collect(),
            into: links.merged_into.as_ref().and_then(|into| read(into).first().copied()),
            from: links.merged_from.iter().flat_map(&mut read).collect(),
            deleted: links.deleted.as_ref().is_some_and(|deleted| {
                let text = cell(deleted.at).filter(|text| !is_null(text)).unwrap_or_default().trim();
                !text.is_empty() && deleted.is.iter().any(|word| word == "*" || word.eq_ignore_ascii_case(text))
            }),
        };
        self.rows.push(said);
    }

    /// The identifier of a text; none for an empty one.
    fn read(&mut self, kind: usize, text: &str) -> Option<Cell> {
        match self.kinds.read(kind, text) {
            Some(value) if value.is_empty() => None,
            Some(value) => {
                let name = (kind, value.into_owned());
                let next = self.names.len() as u32;
                let number = *self.numbers.entry(name.clone()).or_insert(next);
                if number == next {
                    self.names.push(name);
                }
                Some(Some(number))
            }
            None => Some(None),
        }
    }

    /// Finds the customers.
    pub fn find(&self) -> Found {
        let blocked: Vec<bool> = self.names.iter().map(|(kind, value)| self.kinds.blocks(*kind, value)).collect();
        let is_sound = |cell: &Cell| cell.filter(|id| !blocked[*id as usize]);
        let tells = |row: &Said| self.spec.sources[row.source].links.as_ref().is_some_and(Links::tells_merges);
        let mut merges = Vec::new();
        for row in self.rows.iter().filter(|row| tells(row)) {
            let Some(key) = row.key.as_ref().and_then(is_sound) else { continue };
            let into = row.into.as_ref().and_then(is_sound).map(|winner| (winner, key));
            let from = row.from.iter().filter_map(is_sound).map(|loser| (key, loser));
            merges.extend(into.into_iter().chain(from).filter(|(winner, loser)| winner != loser));
        }
        let survivors = self.survivors(&merges);
        let is_loser = |id: u32| survivors.get(&id).is_some_and(|survivor| *survivor != id);
        let merged = |row: &Said| tells(row) && row.key.as_ref().and_then(is_sound).is_some_and(is_loser);
        let counting: Vec<&Said> = self.rows.iter().filter(|row| !row.deleted || merged(row)).collect();
        let shared = self.shared(&counting, &survivors, &is_sound);
        let usable = |cell: &Cell| is_sound(cell).filter(|id| !shared.contains(id));
        let mut tiers: Vec<Tier> = vec![Vec::new(); 1 + self.identity.link_by.len()];
        for (left, right) in &self.lists.maps {
            if let (Some(left), Some(right)) = (usable(left), usable(right)) {
                tiers[0].extend((left != right).then_some((left, right)));
            }
        }
        for row in &counting {
            let mut own = row.key.iter().chain(&row.ids).filter_map(usable);
            let Some(anchor) = own.next() else { continue };
            for value in own.filter(|value| *value != anchor) {
                let kind = self.names[value as usize].0;
                let tier = self.identity.link_by.iter().position(|linked| *linked == kind).unwrap_or_default();
                tiers[1 + tier].push((anchor, value));
            }
        }
        let kinds: Vec<usize> = self.names.iter().map(|(kind, _)| *kind).collect();
        let mut graph = Graph::new(self.identity, &kinds, &is_loser, &self.lists.apart, merges);
        tiers.into_iter().for_each(|tier| graph.tier(tier));
        self.settle(&graph.labels(), &is_loser, &usable, &is_sound, &merged)
    }

    /// The survivor of every id that was merged: of what is joined the one that lost to none, else the least.
    fn survivors(&self, merges: &[(u32, u32)]) -> HashMap<u32, u32> {
        let lost: HashSet<u32> = merges.iter().map(|(_, loser)| *loser).collect();
        let mut survivors = HashMap::new();
        for set in graph::sets(merges) {
            let unbeaten: Vec<u32> = set.iter().copied().filter(|id| !lost.contains(id)).collect();
            let among = if unbeaten.is_empty() { &set } else { &unbeaten };
            if let Some(survivor) = among.iter().copied().min_by_key(|id| self.least(*id)) {
                survivors.extend(set.iter().map(|id| (*id, survivor)));
            }
        }
        survivors
    }

    fn least(&self, id: u32) -> (usize, &str) {
        let text = self.names[id as usize].1.as_str();
        (text.len(), text)
    }

    /// The values in rows of more keys than their kind allows.
    fn shared(
        &self,
        counting: &[&Said],
        survivors: &HashMap<u32, u32>,
        is_sound: &impl Fn(&Cell) -> Option<u32>,
    ) -> HashSet<u32> {
        let mut keys: HashMap<(u32, usize), HashSet<u32>> = HashMap::new();
        for row in counting {
            let Some(key) = row.key.as_ref().and_then(is_sound) else { continue };
            let survivor = survivors.get(&key).copied().unwrap_or(key);
            for id in row.ids.iter().filter_map(is_sound) {
                keys.entry((id, self.names[key as usize].0)).or_default().insert(survivor);
            }
        }
        let most = |id: u32| self.identity.kinds[self.names[id as usize].0].max_keys;
        let too_many =
            keys.into_iter().filter(|((id, _), keys)| most(*id).is_some_and(|most| keys.len() > most as usize));
        too_many.map(|((id, _), _)| id).collect()
    }

    /// Names the groups and says what became of each row.
    fn settle(
        &self,
        labels: &[u32],
        is_loser: &dyn Fn(u32) -> bool,
        usable: &dyn Fn(&Cell) -> Option<u32>,
        is_sound: &dyn Fn(&Cell) -> Option<u32>,
        merged: &dyn Fn(&Said) -> bool,
    ) -> Found {
        let label = |id: u32| labels[id as usize];
        let listed: HashSet<u32> = self.lists.erase.iter().copied().collect();
        let erased: HashSet<u32> = listed.iter().map(|id| label(*id)).collect();
        let mut counts = vec![[0; 4]; self.spec.sources.len()];
        let mut published = HashSet::new();
        for row in &self.rows {
            let anchor = row.key.iter().chain(&row.ids).find_map(usable);
            let key = row.key.as_ref().and_then(is_sound);
            let all = || row.key.iter().chain(&row.ids).chain(&row.into).chain(&row.from).flatten();
            let is_erased = anchor.into_iter().chain(key).any(|id| erased.contains(&label(id)))
                || all().any(|id| listed.contains(id));
            let state = match anchor {
                _ if is_erased => 3,
                _ if merged(row) => 0,
                _ if row.deleted => 1,
                None => 2,
                Some(anchor) => {
                    let counts_here = match &self.spec.population {
                        Population::Any => true,
                        Population::KnownBy(sources) => sources.contains(&row.source),
                    };
                    published.extend(counts_here.then(|| label(anchor)));
                    continue;
                }
            };
            counts[row.source][state] += 1;
        }
        let (customers, identities) = self.spelled(labels, &published, is_loser);
        Found { customers, counts, identities }
    }

    /// The ids of the published groups, and their identifiers.
    #[expect(clippy::type_complexity, reason = "both are only taken apart at once")]
    fn spelled(
        &self,
        labels: &[u32],
        published: &HashSet<u32>,
        is_loser: &dyn Fn(u32) -> bool,
    ) -> (HashSet<String>, BTreeSet<(String, String, String, &'static str)>) {
        let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
        for id in (0..self.names.len() as u32).filter(|id| published.contains(&labels[*id as usize])) {
            groups.entry(labels[id as usize]).or_default().push(id);
        }
        let kind = |id: u32| self.identity.kinds[self.names[id as usize].0].name.clone();
        let (mut customers, mut identities) = (HashSet::new(), BTreeSet::new());
        for members in groups.into_values() {
            let survivors = members.iter().copied().filter(|id| !is_loser(*id));
            let Some(name) = survivors.min_by_key(|id| (self.names[*id as usize].0, self.least(*id))) else { continue };
            let customer = format!("{}:{}", kind(name), self.names[name as usize].1);
            for id in members {
                let state = if is_loser(id) { "merged" } else { "id" };
                identities.insert((customer.clone(), kind(id), self.names[id as usize].1.clone(), state));
            }
            customers.insert(customer);
        }
        (customers, identities)
    }
}

impl Found {
    /// Fails unless a run's counts of a source are these.
    pub fn same_counts(&self, source: &str, at: usize, said: [u64; 4]) -> Result<()> {
        if self.counts[at] == said {
            return Ok(());
        }
        let shown = |[merged, deleted, nobody, erased]: [u64; 4]| {
            format!("{merged} rows merged, {deleted} deleted, {nobody} unidentified, {erased} erased")
        };
        Err(wrong(format!("`{source}`: {}, but the ledger says {}", shown(self.counts[at]), shown(said))))
    }
}
