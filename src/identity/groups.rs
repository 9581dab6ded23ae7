//! Which identifiers are one customer: groups that grow tier by tier, and links that are refused because a group would break
//! its limits. Owns union-find over dense numbers; knows no text, no row and no file.
//!
//! Of a tier's links, first each value alone: if what it hangs on would be one group that breaks, all links of the value are
//! void. Then the others at once: a resulting group that was several and breaks goes back whole. A value whose links all lie
//! within one group stands in any case. No order of links can show: both steps look at the groups as they were before the
//! tier.

use rayon::prelude::*;

/// Links that one thread looks at in one go.
const PART: usize = 1 << 16;

/// What a group may hold.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Kinds of which a group has at most so many survivors, by the kind's number.
    pub at_most: Vec<(usize, u32)>,
    /// Survivors of all kinds.
    pub max_ids: u32,
    /// Identifiers that are never in one group.
    pub apart: Vec<(u32, u32)>,
}

/// A row's anchor, or a map's left, and the value that hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    pub value: u32,
    pub anchor: u32,
}

/// What a tier refused.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Values whose links are void, sorted, each with the number of what would have been one group.
    pub void: Vec<(u32, usize)>,
    /// Of each group that would have been one, the groups that it would have been made of, by an identifier of each.
    pub broken: Vec<Vec<u32>>,
}

/// Identifiers by number, in groups.
#[derive(Debug)]
pub struct Groups {
    parent: Union,
    /// Survivors in the group, for each root; not more than 65,535 are counted, which no sensible limit exceeds.
    survivors: Vec<u16>,
    /// The same of each kind that is limited.
    limited: Vec<Vec<u16>>,
    /// For each root whether something in the group must be apart from something else.
    is_apart: Vec<bool>,
    limits: Limits,
}

impl Groups {
    /// Each of `count` identifiers alone; `kind` is its kind, `is_loser` whether a vendor has merged it into another.
    pub fn new(count: usize, kind: impl Fn(u32) -> usize, is_loser: impl Fn(u32) -> bool, limits: Limits) -> Self {
        let ones = |of: &dyn Fn(usize) -> bool| {
            (0..count as u32).map(|id| u16::from(!is_loser(id) && of(kind(id)))).collect::<Vec<u16>>()
        };
        let limited = limits.at_most.iter().map(|(kind, _)| ones(&|other| other == *kind)).collect();
        let mut is_apart = vec![false; if limits.apart.is_empty() { 0 } else { count }];
        limits.apart.iter().flat_map(|(a, b)| [a, b]).for_each(|id| is_apart[*id as usize] = true);
        Self { parent: Union::of(count), survivors: ones(&|_| true), limited, is_apart, limits }
    }

    /// The identifier that stands for the group.
    pub fn root(&self, of: u32) -> u32 {
        self.parent.root(of)
    }

    /// Joins two groups, whatever they hold: for vendors' merges, which are always right.
    pub fn join(&mut self, a: u32, b: u32) {
        let Some((root, other)) = self.parent.join(a, b) else { return };
        let (root, other) = (root as usize, other as usize);
        self.survivors[root] = self.survivors[root].saturating_add(self.survivors[other]);
        for counts in &mut self.limited {
            counts[root] = counts[root].saturating_add(counts[other]);
        }
        if let Some(is_apart) = self.is_apart.get(other).copied() {
            self.is_apart[root] |= is_apart;
        }
    }

    /// Joins what a tier's links say, and gives what it refuses. Links must be sorted: those of a value lie together.
    pub fn tier(&mut self, links: &[Link]) -> Refusals {
        self.parent.flatten();
        let mut refused = Refusals::default();
        // Of the values that join something, their links.
        let mut crossing = Vec::new();
        let alone = |links: &[Link]| self.alone(links);
        for (void, of_part) in whole_values(links).into_par_iter().map(alone).collect::<Vec<_>>() {
            for (value, roots) in void {
                refused.void.push((value, refused.broken.len()));
                refused.broken.push(roots);
            }
            crossing.extend(of_part);
        }
        self.at_once(&crossing, &mut refused);
        refused.void.sort_unstable();
        refused
    }

    /// The first step: each value alone. Gives those that are void, with what would have been one group, and the links of
    /// the others that join something.
    fn alone(&self, links: &[Link]) -> (Vec<(u32, Vec<u32>)>, Vec<Link>) {
        let (mut void, mut crossing, mut roots) = (Vec::new(), Vec::new(), Vec::new());
        for of_value in links.chunk_by(|a, b| a.value == b.value) {
            self.roots(of_value, &mut roots);
            match roots.len() {
                0 | 1 => {}
                _ if self.breaks(&roots) => void.push((of_value[0].value, roots.clone())),
                _ => crossing.extend_from_slice(of_value),
            }
        }
        (void, crossing)
    }

    /// The groups of a value's links, sorted.
    fn roots(&self, links: &[Link], into: &mut Vec<u32>) {
        into.clear();
        into.push(self.root(links[0].value));
        into.extend(links.iter().map(|link| self.root(link.anchor)));
        into.sort_unstable();
        into.dedup();
    }

    /// The second step: all values that are right alone.
    fn at_once(&mut self, crossing: &[Link], refused: &mut Refusals) {
        if crossing.is_empty() {
            return;
        }
        let mut next = self.parent.clone();
        for link in crossing {
            next.join(link.value, link.anchor);
        }
        next.flatten();
        let sum = |counts: &Vec<u16>| self.sums(&next, counts);
        let (survivors, limited): (_, Vec<_>) = (sum(&self.survivors), self.limited.iter().map(sum).collect());
        let broken = self.broken(&next, &survivors, &limited);
        if broken.is_empty() {
            for (a, _) in self.limits.apart.iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
                self.is_apart[next.root(*a) as usize] = true;
            }
            (self.parent, self.survivors, self.limited) = (next, survivors, limited);
            return;
        }
        let sets = self.members(&next, &broken);
        let first = refused.broken.len();
        for of_value in crossing.chunk_by(|a, b| a.value == b.value) {
            let value = of_value[0].value;
            match broken.binary_search(&next.root(value)) {
                Ok(at) => refused.void.push((value, first + at)),
                Err(_) => of_value.iter().for_each(|link| self.join(link.value, link.anchor)),
            }
        }
        refused.broken.extend(sets);
    }

    /// Counts of groups, added up for the groups of `next`.
    fn sums(&self, next: &Union, counts: &[u16]) -> Vec<u16> {
        let mut sums = vec![0u16; counts.len()];
        for id in (0..counts.len() as u32).filter(|id| self.root(*id) == *id) {
            let sum = &mut sums[next.root(id) as usize];
            *sum = sum.saturating_add(counts[id as usize]);
        }
        sums
    }

    /// The groups of `next` that would hold too much, or two that must stay apart; sorted. A group that was one before the
    /// tier may be among them: it is as its vendor made it.
    fn broken(&self, next: &Union, survivors: &[u16], limited: &[Vec<u16>]) -> Vec<u32> {
        let over = |sums: &[u16], most: u32| {
            let over = sums.iter().enumerate().filter(|(_, sum)| u32::from(**sum) > most);
            over.map(|(root, _)| root as u32).collect::<Vec<u32>>()
        };
        let mut broken = over(survivors, self.limits.max_ids);
        for ((_, most), sums) in self.limits.at_most.iter().zip(limited) {
            broken.extend(over(sums, *most));
        }
        let meets = self.limits.apart.iter().filter(|(a, b)| next.root(*a) == next.root(*b));
        broken.extend(meets.map(|(a, _)| next.root(*a)));
        broken.sort_unstable();
        broken.dedup();
        broken
    }

    /// The groups before the tier of which each of these would be made.
    fn members(&self, next: &Union, broken: &[u32]) -> Vec<Vec<u32>> {
        let mut members = vec![Vec::new(); broken.len()];
        for id in (0..self.survivors.len() as u32).filter(|id| self.root(*id) == *id) {
            if let Ok(at) = broken.binary_search(&next.root(id)) {
                members[at].push(id);
            }
        }
        members
    }

    /// Whether these groups, given by their sorted roots, would be one that holds too much, or two that must stay apart.
    fn breaks(&self, roots: &[u32]) -> bool {
        let sum = |counts: &[u16]| roots.iter().map(|root| u64::from(counts[*root as usize])).sum::<u64>();
        let too_many = sum(&self.survivors) > u64::from(self.limits.max_ids)
            || self.limits.at_most.iter().zip(&self.limited).any(|((_, most), counts)| sum(counts) > u64::from(*most));
        let is_in = |id: u32| roots.binary_search(&self.root(id)).is_ok();
        let may_meet = || roots.iter().any(|root| self.is_apart.get(*root as usize) == Some(&true));
        too_many || (may_meet() && self.limits.apart.iter().any(|(a, b)| is_in(*a) && is_in(*b)))
    }

    /// For each identifier the one that stands for its group.
    pub fn into_roots(mut self) -> Vec<u32> {
        self.parent.flatten();
        self.parent.0
    }
}

/// Links in parts for several threads, those of a value together.
fn whole_values(links: &[Link]) -> Vec<&[Link]> {
    let mut parts = Vec::new();
    let mut rest = links;
    while !rest.is_empty() {
        let mut end = rest.len().min(PART);
        while end < rest.len() && rest[end].value == rest[end - 1].value {
            end += 1;
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts
}

/// Union-find: for each its parent, whose number is smaller.
#[derive(Debug, Clone)]
struct Union(Vec<u32>);

impl Union {
    fn of(ids: usize) -> Self {
        Self((0..ids as u32).collect())
    }

    fn root(&self, mut of: u32) -> u32 {
        while self.0[of as usize] != of {
            of = self.0[of as usize];
        }
        of
    }

    /// The root, with the path to it made shorter.
    fn find(&mut self, mut of: u32) -> u32 {
        while self.0[of as usize] != of {
            let up = self.0[self.0[of as usize] as usize];
            self.0[of as usize] = up;
            of = up;
        }
        of
    }

    /// Joins two: the smaller root stands for both, so that no order of joins can show. Gives it and the other one.
    fn join(&mut self, a: u32, b: u32) -> Option<(u32, u32)> {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
        (a != b).then_some((a.min(b), a.max(b)))
    }

    /// Lets each point to its root.
    fn flatten(&mut self) {
        for id in 0..self.0.len() {
            // Parents have smaller numbers, and theirs are right already.
            self.0[id] = self.0[self.0[id] as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: usize = 0;
    const CUSTOMER: usize = 1;
    const EMAIL: usize = 2;

    fn groups(kinds: &[usize], apart: &[(u32, u32)]) -> Groups {
        let limits = Limits { at_most: vec![(ACCOUNT, 1)], max_ids: 100, apart: apart.to_vec() };
        Groups::new(kinds.len(), |id| kinds[id as usize], |_| false, limits)
    }

    fn links(pairs: &[(u32, u32)]) -> Vec<Link> {
        let mut links: Vec<Link> =
            pairs.iter().map(|(anchor, value)| Link { value: *value, anchor: *anchor }).collect();
        links.sort_unstable();
        links
    }

    /// The void values, and what would have been one group for each.
    fn void(refused: &Refusals) -> Vec<(u32, &[u32])> {
        refused.void.iter().map(|(value, at)| (*value, refused.broken[*at].as_slice())).collect()
    }

    #[test]
    fn an_email_of_two_accounts_is_void_and_others_join() {
        // Accounts 0 and 1; emails 2 (of both), 3 (of 0).
        let mut all = groups(&[ACCOUNT, ACCOUNT, EMAIL, EMAIL], &[]);
        assert_eq!(void(&all.tier(&links(&[(0, 2), (1, 2), (0, 3)]))), [(2, &[0, 1, 2][..])]);
        assert_eq!((all.root(3), all.root(1), all.root(2)), (0, 1, 2));
    }

    #[test]
    fn what_breaks_only_together_goes_back_whole() {
        // Accounts 0 and 1, a customer 2, emails 3 of 0, 4 of 1; the customer has both.
        let mut all = groups(&[ACCOUNT, ACCOUNT, CUSTOMER, EMAIL, EMAIL], &[]);
        let refused = all.tier(&links(&[(0, 3), (2, 3), (1, 4), (2, 4)]));
        assert_eq!(void(&refused), [(3, &[0, 1, 2, 3, 4][..]), (4, &[0, 1, 2, 3, 4][..])]);
        assert_eq!((0..5).map(|id| all.root(id)).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        // A stronger tier's link stays.
        all.join(0, 2);
        assert_eq!(void(&all.tier(&links(&[(0, 3), (2, 3), (1, 4), (2, 4)]))), [(4, &[0, 1, 4][..])]);
        assert_eq!(all.into_roots(), [0, 1, 0, 0, 4]);
    }

    #[test]
    fn a_pair_that_is_apart_never_meets() {
        let mut all = groups(&[CUSTOMER, CUSTOMER, EMAIL, EMAIL], &[(0, 1)]);
        assert_eq!(void(&all.tier(&links(&[(0, 2), (1, 2), (0, 3)]))), [(2, &[0, 1, 2][..])]);
        // Within a vendor's merge it is one customer, and every later link is void.
        let mut merged = groups(&[CUSTOMER, CUSTOMER, EMAIL], &[(0, 1)]);
        merged.join(0, 1);
        assert_eq!(void(&merged.tier(&links(&[(0, 2)]))), [(2, &[0, 2][..])]);
    }
}
