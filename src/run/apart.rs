//! Sources that hardly meet: whose customers are in no other source, most likely because their ids are written in another way.
//! Owns from when on that is worth a warning, and finds the kind of id by which more would meet; changes no profile.
//!
//! The counts come from the shards and cost nothing. Only for a source that hardly meets are its ids and those of the source it
//! is nearest to read once more, to count exactly how many would meet by each kind, in at most 16 MiB of memory for each.

use xxhash_rust::xxh3::xxh3_128;

use super::build::BuiltShard;
use super::fingerprints::Fingerprints;
use super::read::Reader;
use crate::error::Result;
use crate::event::Warning;
use crate::input::{BlockReader, RowSink, SourceFiles, read_rows};
use crate::value::{IdKind, IdRule, Value};

/// Sources of which fewer than one customer in so many is in another source hardly meet it.
const FEW: u64 = 10;

/// Fingerprints of ids in memory, for each kind.
const HELD: usize = 1 << 20;

/// The ways in which ids may be the same without being so byte for byte, by the names that warnings use.
const WAYS: [(&str, Way); 6] = [
    ("salesforce_id", Way::Kind(IdKind::SalesforceId)),
    ("number", Way::Kind(IdKind::Number)),
    ("uuid", Way::Kind(IdKind::Uuid)),
    ("email", Way::Kind(IdKind::Email { fold_plus: false })),
    ("phone", Way::Kind(IdKind::Phone)),
    ("prefix", Way::Digits),
];

#[derive(Debug, Clone, Copy)]
enum Way {
    Kind(IdKind),
    /// By the number behind the first characters that are no digits.
    Digits,
}

/// Two sources that hardly meet, by their indexes in the spec.
struct Pair {
    source: usize,
    other: usize,
    shared: u64,
}

/// The warnings about sources that hardly meet any other one.
pub(super) fn find(reader: &Reader<'_>, built: &[BuiltShard]) -> Result<Vec<Warning>> {
    let sources = &reader.settings.spec.sources;
    let meets = total(sources.len(), built);
    let mut warnings = Vec::new();
    for Pair { source, other, shared } in pairs(&meets) {
        // An id of several columns has no kind; identifiers have theirs.
        let has_ids = reader.settings.spec.identity.is_none();
        let is_plain = has_ids && [source, other].into_iter().all(|at| sources[at].more_keys.is_empty());
        let best = if is_plain { best_way(reader, source, other)? } else { None };
        let best = best.filter(|(_, would)| *would > shared);
        warnings.push(Warning::SourcesApart {
            source: sources[source].name.clone(),
            ids: meets[source][source],
            other: sources[other].name.clone(),
            shared,
            by: best.map(|(name, _)| name.to_owned()),
            would_share: best.map_or(shared, |(_, would)| would),
        });
    }
    Ok(warnings)
}

/// How many customers two sources share, for all pairs; beside itself, how many a source has.
fn total(sources: usize, built: &[BuiltShard]) -> Vec<Vec<u64>> {
    let mut total = vec![vec![0; sources]; sources];
    for shard in built {
        for (all, of_shard) in total.iter_mut().zip(&shard.account.meets) {
            all.iter_mut().zip(of_shard).for_each(|(all, n)| *all += n);
        }
    }
    total
}

/// The sources that hardly meet any other one, each with the one that it meets most, every two only once.
fn pairs(meets: &[Vec<u64>]) -> Vec<Pair> {
    let ids = |at: usize| meets[at][at];
    let mut pairs: Vec<Pair> = Vec::new();
    for source in (0..meets.len()).filter(|source| ids(*source) > 0) {
        let others = || (0..meets.len()).filter(|other| *other != source && ids(*other) > 0);
        let is_met = |other: usize| meets[source][other] * FEW >= ids(source).min(ids(other));
        let nearest = others().max_by_key(|other| (meets[source][*other], ids(*other), std::cmp::Reverse(*other)));
        let Some(other) = nearest.filter(|_| !others().any(is_met)) else { continue };
        let is_known = pairs.iter().any(|pair| (pair.source, pair.other) == (other, source));
        if !is_known {
            pairs.push(Pair { source, other, shared: meets[source][other] });
        }
    }
    pairs
}

/// The way by which most ids of two sources would be the same, and how many.
fn best_way(reader: &Reader<'_>, source: usize, other: usize) -> Result<Option<(&'static str, u64)>> {
    let folder = reader.space.staging();
    let mut ids = Ids { side: 0, seen: WAYS.map(|_| Fingerprints::new(&folder, HELD)), failed: None };
    for (side, at) in [source, other].into_iter().enumerate() {
        ids.side = side as u128;
        for read in reader.inputs.sources.iter().filter(|read| read.at == at) {
            ids.read(read, reader)?;
        }
    }
    let mut best: Option<(&str, u64)> = None;
    for ((name, _), seen) in WAYS.iter().zip(ids.seen) {
        let would = seen.in_both()?;
        if would > best.map_or(0, |(_, most)| most) {
            best = Some((name, would));
        }
    }
    Ok(best)
}

/// Takes the ids of rows; the lowest bit of a fingerprint says of which of two sources it is.
struct Ids {
    side: u128,
    seen: [Fingerprints; WAYS.len()],
    failed: Option<crate::error::Error>,
}

impl Ids {
    fn read(&mut self, read: &SourceFiles, reader: &Reader<'_>) -> Result<()> {
        for file in &read.files {
            let mut blocks = BlockReader::open(file, reader.settings.block_size)?;
            let mut spare = Vec::new();
            while let Some(block) = blocks.next_block(spare)? {
                reader.settings.stop.check()?;
                read_rows(&block, &read.source, file, self);
                if let Some(error) = self.failed.take() {
                    return Err(error);
                }
                spare = block;
            }
        }
        Ok(())
    }
}

impl RowSink for Ids {
    fn begin(&mut self, id: &str) -> bool {
        for ((_, way), seen) in WAYS.iter().zip(&mut self.seen) {
            let (kind, id) = match way {
                Way::Kind(kind) => (*kind, id),
                Way::Digits => (IdKind::Number, id.trim_start_matches(|c: char| !c.is_ascii_digit())),
            };
            let rule = IdRule { kind, keep_null_words: true, ..IdRule::default() };
            if let Ok(id) = rule.read(id) {
                let fingerprint = (xxh3_128(id.as_bytes()) & !1) | self.side;
                self.failed = seen.add(fingerprint).err().or(self.failed.take());
            }
        }
        false
    }

    fn put(&mut self, _: usize, _: Value<'_>) {}

    fn end(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_meets_none_is_told_once() {
        let told = |meets: &[Vec<u64>]| {
            pairs(meets).iter().map(|pair| (pair.source, pair.other, pair.shared)).collect::<Vec<_>>()
        };
        // A small source that is all in a large one is no doubt.
        assert_eq!(told(&[vec![1000, 5], vec![5, 5]]), []);
        assert_eq!(told(&[vec![1000, 9], vec![9, 100]]), [(0, 1, 9)]);
        assert_eq!(told(&[vec![1000, 10], vec![10, 100]]), []);
        // The third one meets nobody; the fourth has no rows.
        let meets = [vec![50, 50, 0, 0], vec![50, 60, 0, 0], vec![0, 0, 7, 0], vec![0, 0, 0, 0]];
        assert_eq!(told(&meets), [(2, 1, 0)]);
        assert_eq!(told(&[vec![3]]), []);
    }
}
