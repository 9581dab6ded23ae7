//! Groups of identifiers as the connected parts of a graph, searched anew for every tier. Owns when a group breaks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::spec::identity::Identity;

/// Links of one tier: an anchor and the value that hangs on it.
pub(super) type Tier = Vec<(u32, u32)>;

/// Identifiers and the links that stand.
pub(super) struct Graph<'a> {
    identity: &'a Identity,
    kinds: &'a [usize],
    losers: Vec<bool>,
    apart: &'a [(u32, u32)],
    standing: Vec<(u32, u32)>,
}

impl<'a> Graph<'a> {
    /// With the links of vendors' merges alone.
    pub fn new(
        identity: &'a Identity,
        kinds: &'a [usize],
        is_loser: &dyn Fn(u32) -> bool,
        apart: &'a [(u32, u32)],
        merges: Vec<(u32, u32)>,
    ) -> Self {
        let losers = (0..kinds.len() as u32).map(is_loser).collect();
        Self { identity, kinds, losers, apart, standing: merges }
    }

    /// For each identifier a label that all of its group have, and no other.
    pub fn labels(&self) -> Vec<u32> {
        labels(self.kinds.len(), &self.standing)
    }

    /// Tries a tier: each value alone, then the others at once.
    pub fn tier(&mut self, links: Tier) {
        let before = self.labels();
        let held = self.held(&before);
        let mut by_value: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        links.iter().for_each(|(anchor, value)| by_value.entry(*value).or_default().push(*anchor));
        let ends = |value: u32, anchors: &[u32]| -> BTreeSet<u32> {
            anchors.iter().chain([&value]).map(|id| before[*id as usize]).collect()
        };
        by_value.retain(|value, anchors| {
            let would_be = ends(*value, anchors);
            would_be.len() == 1 || !self.breaks(&would_be, &held, &before)
        });
        let others = by_value.iter().flat_map(|(value, anchors)| anchors.iter().map(|anchor| (*anchor, *value)));
        let all: Vec<(u32, u32)> = self.standing.iter().copied().chain(others).collect();
        let after = labels(self.kinds.len(), &all);
        let mut made_of: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for (id, label) in before.iter().enumerate() {
            made_of.entry(after[id]).or_default().insert(*label);
        }
        let breaks = |made_of: &BTreeSet<u32>| made_of.len() > 1 && self.breaks(made_of, &held, &before);
        let broken: HashSet<u32> = made_of.iter().filter(|(_, of)| breaks(of)).map(|(label, _)| *label).collect();
        for (value, anchors) in by_value {
            if ends(value, &anchors).len() == 1 || !broken.contains(&after[value as usize]) {
                self.standing.extend(anchors.into_iter().map(|anchor| (anchor, value)));
            }
        }
    }

    /// For each group its survivors, in all and of each kind that is limited.
    fn held(&self, labels: &[u32]) -> HashMap<u32, Vec<u32>> {
        let mut held: HashMap<u32, Vec<u32>> = HashMap::new();
        for (id, label) in labels.iter().enumerate().filter(|(id, _)| !self.losers[*id]) {
            let counts = held.entry(*label).or_insert_with(|| vec![0; 1 + self.identity.at_most.len()]);
            counts[0] += 1;
            for (at, (kind, _)) in self.identity.at_most.iter().enumerate() {
                counts[1 + at] += u32::from(self.kinds[id] == *kind);
            }
        }
        held
    }

    /// Whether these groups, as one, would hold too much or two that must be apart.
    fn breaks(&self, groups: &BTreeSet<u32>, held: &HashMap<u32, Vec<u32>>, labels: &[u32]) -> bool {
        let sum = |at: usize| {
            groups.iter().filter_map(|label| held.get(label)).map(|counts| u64::from(counts[at])).sum::<u64>()
        };
        let limits = self.identity.at_most.iter().enumerate();
        let is_in = |id: u32| groups.contains(&labels[id as usize]);
        sum(0) > u64::from(self.identity.max_ids)
            || limits.into_iter().any(|(at, (_, most))| sum(1 + at) > u64::from(*most))
            || self.apart.iter().any(|(a, b)| is_in(*a) && is_in(*b))
    }
}

/// A label for each of `count` nodes: the least node that a walk along the links reaches.
fn labels(count: usize, links: &[(u32, u32)]) -> Vec<u32> {
    let mut degree = vec![0usize; count + 1];
    links.iter().flat_map(|(a, b)| [a, b]).for_each(|node| degree[*node as usize + 1] += 1);
    for node in 0..count {
        degree[node + 1] += degree[node];
    }
    let (mut next, mut near) = (degree.clone(), vec![0u32; links.len() * 2]);
    for (a, b) in links {
        for (from, to) in [(*a, *b), (*b, *a)] {
            near[next[from as usize]] = to;
            next[from as usize] += 1;
        }
    }
    let mut labels = vec![u32::MAX; count];
    let mut queue = Vec::new();
    for start in 0..count as u32 {
        if labels[start as usize] != u32::MAX {
            continue;
        }
        labels[start as usize] = start;
        queue.push(start);
        while let Some(node) = queue.pop() {
            for other in &near[degree[node as usize]..degree[node as usize + 1]] {
                if labels[*other as usize] == u32::MAX {
                    labels[*other as usize] = start;
                    queue.push(*other);
                }
            }
        }
    }
    labels
}

/// The connected sets of what some links name.
pub(super) fn sets(links: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let count = links.iter().flat_map(|(a, b)| [a, b]).max().map_or(0, |most| *most as usize + 1);
    let labels = labels(count, links);
    let mut sets: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for node in links.iter().flat_map(|(a, b)| [*a, *b]) {
        sets.entry(labels[node as usize]).or_default().insert(node);
    }
    sets.into_values().map(|set| set.into_iter().collect()).collect()
}
