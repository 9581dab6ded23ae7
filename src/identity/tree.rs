//! Groups → customers: which identifiers each has, and how each came to it. Owns the tree: its root names the customer, each
//! other identifier hangs on the neighbour nearest to the root.

use std::borrow::Cow;
use std::collections::HashMap;

use super::linked::{Linked, OF_MAP, Place, Rule, mark};
use super::trace::{HOLDS, Told, read_told};
use crate::disk::Partition;
use crate::error::Result;
use crate::spec::identity::Identity;

/// Identifiers from which on a group has a table of them.
const LARGE: usize = 16;

/// A customer with its identifiers.
#[derive(Debug, Default)]
pub struct Customer {
    /// Its group.
    pub group: u32,
    /// Its id.
    pub id: String,
    /// For each kind its survivors, least first, joined by `;`; empty if it has none.
    pub ids: Vec<String>,
    /// How each identifier came to it, as [`Lines`].
    pub lines: String,
    /// By which rule each came to it; none for the one that names it.
    pub rules: Vec<Option<Rule>>,
    /// How many of its identifiers were not merged into another.
    pub survivors: u64,
}

/// Whether an identifier is one of now or was merged into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Id,
    Merged,
}

/// How an identifier came to its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Index of the kind.
    pub kind: usize,
    pub value: &'a str,
    pub state: State,
    /// None for the one that names the customer.
    pub rule: Option<Rule>,
    /// Kind and value of the one that it hangs on.
    pub via: Option<(usize, &'a str)>,
    /// Index of the source, or of the map.
    pub of: Of,
    /// Index of the file among the source's.
    pub file: u32,
    pub line: u64,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Source(u32),
    Map(u32),
}

/// What rules are called in the outputs: that of the one that names the customer, of merges, of maps, of kinds.
pub fn rule_names(identity: &Identity) -> Vec<String> {
    let kinds = identity.link_by.iter().map(|kind| identity.kinds[*kind].name.clone());
    ["self", "merge", "map"].map(str::to_owned).into_iter().chain(kinds).collect()
}

/// For each source the file and first line of each of its blocks, which are counted from 1.
pub type Starts = [Vec<(u32, u64)>];

/// Calls `take` for each customer of a part of the groups, those without a profile left out.
pub fn customers(
    records: Vec<Partition>,
    linked: &Linked,
    starts: &Starts,
    mut take: impl FnMut(&Customer),
) -> Result<()> {
    let told = read_told(records)?;
    let kinds = &linked.identity.kinds;
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    order.sort_unstable_by_key(|kind| kinds[*kind].name.as_bytes());
    let mut rank = vec![0; kinds.len()];
    order.iter().enumerate().for_each(|(at, kind)| rank[*kind] = at);
    let mut tree = Tree {
        linked,
        starts,
        rank,
        nodes: Vec::new(),
        links: Vec::new(),
        near: Vec::new(),
        queue: Vec::new(),
        places: HashMap::new(),
    };
    let mut customer = Customer { ids: vec![String::new(); kinds.len()], ..Customer::default() };
    let groups = told.chunk_by(|a, b| a.group == b.group);
    for told in groups.filter(|told| linked.is_published(told[0].group)) {
        tree.find(told);
        customer.group = told[0].group;
        tree.tell(&mut customer);
        take(&customer);
    }
    Ok(())
}

/// File and line of a place.
pub fn resolve(place: Place, starts: &Starts) -> (Of, u32, u64) {
    if place.source == OF_MAP {
        return (Of::Map(place.block), 0, place.line);
    }
    let blocks = starts.get(place.source as usize).map_or(&[][..], Vec::as_slice);
    let (file, line) = (place.block as usize).checked_sub(1).and_then(|at| blocks.get(at)).copied().unwrap_or_default();
    (Of::Source(place.source), file, line + place.line)
}

/// A group, while its tree is found; its memory is used for one after the other.
struct Tree<'a> {
    linked: &'a Linked,
    starts: &'a Starts,
    /// For each kind its place in the order of names.
    rank: Vec<usize>,
    /// Its identifiers, in order of kind's name and value.
    nodes: Vec<Node<'a>>,
    /// Two neighbours, with the strongest rule between them and its first place.
    links: Vec<(u32, u32, Rule, Place)>,
    /// For each link and each of its ends: the end's node, the link.
    near: Vec<(usize, usize)>,
    queue: Vec<usize>,
    /// The node of each identifier, in groups that are large.
    places: HashMap<u32, usize>,
}

/// An identifier of a group.
struct Node<'a> {
    id: u32,
    kind: usize,
    text: Cow<'a, str>,
    /// Links from the root; none if that is not known yet.
    far: Option<usize>,
    /// The neighbour on which it hangs, and the link.
    via: Option<(usize, usize)>,
    first: Option<Place>,
}

impl<'a> Tree<'a> {
    fn find(&mut self, told: &[Told]) {
        let ids = &self.linked.ids;
        let node = |id: u32| {
            let (kind, text) = (ids.kind(id), ids.text(id));
            Node { id, kind, text, far: None, via: None, first: None }
        };
        let root = self.linked.names[told[0].group as usize];
        self.nodes.clear();
        self.nodes.extend(told.iter().flat_map(|told| [told.a, told.b]).chain([root]).map(node));
        self.nodes.sort_unstable_by_key(|node| node.id);
        self.nodes.dedup_by_key(|node| node.id);
        self.nodes.sort_unstable_by(|a, b| (self.rank[a.kind], &a.text).cmp(&(self.rank[b.kind], &b.text)));
        self.places.clear();
        if self.nodes.len() > LARGE {
            self.places.extend(self.nodes.iter().enumerate().map(|(at, node)| (node.id, at)));
        }
        self.links.clear();
        let of_ends = told.chunk_by(|x, y| (x.a, x.b) == (y.a, y.b)).map(|told| told[0]);
        self.links.extend(of_ends.filter(|t| t.rule < HOLDS).map(|t| (t.a, t.b, t.rule, t.place)));
        self.near.clear();
        for (at, (a, b, ..)) in self.links.iter().enumerate() {
            for end in [a, b] {
                let node = self.place(*end);
                self.near.push((node, at));
            }
        }
        self.near.sort_unstable();
        let holds = told.iter().filter(|told| told.rule >= HOLDS).min_by_key(|told| (told.rule, told.place));
        self.hang(root, holds.map_or(told[0].place, |told| told.place));
    }

    /// Finds for each identifier the neighbour nearest to the root.
    fn hang(&mut self, root: u32, first: Place) {
        let root = self.place(root);
        (self.nodes[root].far, self.nodes[root].first) = (Some(0), Some(first));
        self.queue.clear();
        self.queue.push(root);
        let mut next = 0;
        while let Some(at) = self.queue.get(next).copied() {
            next += 1;
            let far = self.nodes[at].far.unwrap_or_default();
            let from = self.near.partition_point(|(node, _)| *node < at);
            for near in from..self.near.len() {
                let (node, link) = self.near[near];
                if node != at {
                    break;
                }
                let (a, b, ..) = self.links[link];
                let other = self.place(if a == self.nodes[at].id { b } else { a });
                let node = &mut self.nodes[other];
                if node.far.is_none() {
                    node.far = Some(far + 1);
                    self.queue.push(other);
                }
                if self.nodes[other].far == Some(far + 1) && self.is_better(other, (at, link)) {
                    self.nodes[other].via = Some((at, link));
                }
            }
        }
    }

    /// The node of an identifier, which is one of the group's.
    fn place(&self, id: u32) -> usize {
        if self.nodes.len() > LARGE {
            return self.places.get(&id).copied().unwrap_or_default();
        }
        self.nodes.iter().position(|node| node.id == id).unwrap_or_default()
    }

    /// Whether a node hangs better on this neighbour: by the stronger rule, then the neighbour that comes first in `name_by`,
    /// then the least.
    fn is_better(&self, at: usize, via: (usize, usize)) -> bool {
        let strength = |(other, link): (usize, usize)| {
            let Node { kind, text, .. } = &self.nodes[other];
            (self.links[link].2, *kind, text.len(), text)
        };
        self.nodes[at].via.is_none_or(|known| strength(via) < strength(known))
    }

    fn tell(&mut self, into: &mut Customer) {
        into.id.clear();
        into.lines.clear();
        into.rules.clear();
        into.ids.iter_mut().for_each(String::clear);
        into.survivors = 0;
        for node in &self.nodes {
            if node.far == Some(0) {
                self.linked.spell(node.id, &mut into.id);
            }
            let line = self.line(node);
            into.rules.push(line.rule);
            line.write(&mut into.lines);
        }
        self.nodes.sort_unstable_by(|a, b| (a.kind, a.text.len(), &a.text).cmp(&(b.kind, b.text.len(), &b.text)));
        for node in self.nodes.iter().filter(|node| !self.linked.is(node.id, mark::LOSER)) {
            into.survivors += 1;
            let ids = &mut into.ids[node.kind];
            if !ids.is_empty() {
                ids.push(';');
            }
            ids.push_str(&node.text);
        }
    }

    fn line<'n>(&'n self, node: &'n Node<'a>) -> Line<'n> {
        let link = node.via.map(|(_, link)| self.links[link]);
        let place = link.map(|(.., place)| place).or(node.first);
        let (of, file, line) = place.map_or((Of::Source(0), 0, 0), |place| resolve(place, self.starts));
        Line {
            kind: node.kind,
            value: &node.text,
            state: if self.linked.is(node.id, mark::LOSER) { State::Merged } else { State::Id },
            rule: link.map(|(_, _, rule, _)| rule),
            via: node.via.map(|(other, _)| (self.nodes[other].kind, &*self.nodes[other].text)),
            of,
            file,
            line,
        }
    }
}

impl Line<'_> {
    /// Appends the line in the form that [`Lines`] reads.
    fn write(&self, into: &mut String) {
        let Self { kind, value, state, rule, via, of, file, line } = self;
        let state = match state {
            State::Id => 0,
            State::Merged => 1,
        };
        let rule = rule.map_or(0, |rule| u64::from(rule) + 1);
        let (map, of) = match of {
            Of::Source(at) => (0, at),
            Of::Map(at) => (1, at),
        };
        let (via_kind, via) = via.unwrap_or_default();
        let numbers = [
            *kind as u64,
            state,
            rule,
            map,
            u64::from(*of),
            u64::from(*file),
            *line,
            via_kind as u64,
            value.len() as u64,
            via.len() as u64,
        ];
        numbers.into_iter().for_each(|number| put_number(number, into));
        into.push_str(value);
        into.push_str(via);
    }
}

/// Appends a number and a space.
fn put_number(number: u64, into: &mut String) {
    let mut digits = [b' '; 21];
    let (mut at, mut rest) = (20, number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    into.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// The lines of a customer, in order of kind and value.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a>(pub &'a str);

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let mut number = || {
            let length = self.0.bytes().position(|b| b == b' ')?;
            let number = self.0.bytes().take(length).fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
            self.0 = &self.0[length + 1..];
            Some(number)
        };
        let (kind, state, rule, map, of) = (number()?, number()?, number()?, number()?, number()? as u32);
        let (file, line, via_kind, length, via_length) = (number()?, number()?, number()?, number()?, number()?);
        let value = self.0.get(..length as usize)?;
        let via = self.0.get(length as usize..(length + via_length) as usize)?;
        self.0 = &self.0[(length + via_length) as usize..];
        let rule = (rule as Rule).checked_sub(1);
        Some(Line {
            kind: kind as usize,
            value,
            state: if state == 0 { State::Id } else { State::Merged },
            rule,
            via: rule.map(|_| (via_kind as usize, via)),
            of: if map == 1 { Of::Map(of) } else { Of::Source(of) },
            file: file as u32,
            line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back() {
        let name = Line {
            kind: 3,
            value: "1 2;é",
            state: State::Id,
            rule: None,
            via: None,
            of: Of::Source(1),
            file: 0,
            line: 77,
        };
        let other = Line { state: State::Merged, rule: Some(0), via: Some((2, " x")), of: Of::Map(4), ..name };
        let mut text = String::new();
        name.write(&mut text);
        other.write(&mut text);
        assert_eq!(Lines(&text).collect::<Vec<_>>(), [name, other]);
    }
}
