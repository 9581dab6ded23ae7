//! Random drills: the same seed gives the same drills on any machine. Refuses drills that fail every attempt.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::form::{Drill, Fault};

/// Drills for shards below `shards`. A retry or the next run recovers from each of them.
pub(super) fn drills(seed: u64, count: usize, shards: usize) -> Vec<Drill> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let count = if shards == 0 { 0 } else { count };
    (0..count).map(|_| one(&mut dice, shards)).collect()
}

fn one(dice: &mut ChaCha8Rng, shards: usize) -> Drill {
    let mut throw = |sides: u64| dice.next_u64() % sides;
    // A bias of 2^-48 does not matter for drills.
    let shard = throw(shards as u64) as usize;
    let fault = match throw(15) {
        0..3 => Fault::FailOnce,
        3..5 => Fault::Panic,
        5..7 => Fault::Slow(Duration::from_millis(throw(20))),
        7..9 => Fault::Kill,
        9..11 => Fault::Truncate,
        11..13 => Fault::Corrupt,
        13 => Fault::FullDisk,
        _ => return Drill::KillPublish(throw(5) as usize),
    };
    Drill::Shard(shard, fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn golden_and_of_every_kind() {
        let texts: Vec<String> = drills(42, 5, 16).iter().map(ToString::to_string).collect();
        assert_eq!(texts, GOLDEN);
        let texts: Vec<String> = drills(1, 300, 16).iter().map(ToString::to_string).collect();
        let kinds: BTreeSet<&str> = texts.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(
            kinds.into_iter().collect::<Vec<_>>(),
            ["corrupt", "enospc", "fail", "kill", "panic", "slow", "truncate"]
        );
        assert!(drills(1, 5, 0).is_empty());
    }

    /// The same on any machine and in every version, so that seeds in old logs keep their meaning.
    const GOLDEN: [&str; 5] = ["kill:1", "fail:12", "kill:0", "corrupt:4", "panic:0"];
}
