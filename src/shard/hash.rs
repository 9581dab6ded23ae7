//! Owns the stable hash from id to shard. Its values must never change: old logs name shards by number.

use xxhash_rust::xxh3::xxh3_64;

/// The shard of an id, from 0 to `shards - 1`: XXH3-64 of its bytes, seed 0, spread by multiplication
/// (Lemire, "A fast alternative to the modulo reduction", 2016).
pub fn shard_of(id: &str, shards: usize) -> usize {
    let spread = u128::from(xxh3_64(id.as_bytes())) * shards as u128;
    // The high half is below `shards`, a usize.
    (spread >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        // XXH3-64 of "" is 2d06800538d394c2 by the algorithm's own test vectors.
        assert_eq!(xxh3_64(b""), 0x2d06_8005_38d3_94c2);
        let shards: Vec<usize> = ["", "a", "cust_00000001", "cust_00000002", "Ünï"].map(|id| shard_of(id, 64)).to_vec();
        assert_eq!(shards, GOLDEN);
    }

    /// Computed with an independent implementation, the Python package `xxhash`.
    const GOLDEN: [usize; 5] = [11, 57, 18, 14, 7];

    #[test]
    fn every_shard_gets_its_share() {
        let mut counts = [0; 16];
        (0..16_000).for_each(|i| counts[shard_of(&format!("cust_{i:08}"), 16)] += 1);
        assert!(counts.iter().all(|n| (800..1200).contains(n)), "{counts:?}");
    }
}
