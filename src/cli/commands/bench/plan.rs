//! Which numbers of shards are measured, and in which order. Starts no run.

/// Measured if `--shards` is not given, in addition to the default of `onefold run`.
const STANDARD: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub shards: usize,
    /// Whether it is not part of the results.
    pub warm_up: bool,
}

/// The numbers of shards, each once: as asked, else the standard ones and the default, in order of size.
pub fn counts(asked: &[usize], default: usize) -> Vec<usize> {
    if asked.is_empty() {
        let mut counts: Vec<usize> = STANDARD.into_iter().chain([default]).collect();
        counts.sort_unstable();
        counts.dedup();
        return counts;
    }
    let mut counts = Vec::new();
    for count in asked {
        if !counts.contains(count) {
            counts.push(*count);
        }
    }
    counts
}

/// All runs in order. Each round runs every number once, in alternating order, so that whatever slows the machine down
/// for a while, or more and more, affects all alike.
pub fn turns(counts: &[usize], warm_up: usize, runs: usize) -> Vec<Turn> {
    (0..warm_up + runs)
        .flat_map(|round| {
            let mut turns: Vec<Turn> =
                counts.iter().map(|shards| Turn { shards: *shards, warm_up: round < warm_up }).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            turns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_timed_once_as_asked() {
        assert_eq!(counts(&[4, 1, 4, 2, 1], 16), [4, 1, 2]);
        assert_eq!(counts(&[], 16), STANDARD);
        assert_eq!(counts(&[], 59), [1, 2, 4, 8, 16, 32, 59, 64]);
    }

    #[test]
    fn rounds_go_forward_and_backward_and_warm_up_comes_first() {
        let turns = turns(&[1, 4, 16], 1, 2);
        assert_eq!(turns.iter().map(|t| t.shards).collect::<Vec<_>>(), [1, 4, 16, 16, 4, 1, 1, 4, 16]);
        assert_eq!(turns.iter().filter(|t| t.warm_up).count(), 3);
        assert!(turns[..3].iter().all(|t| t.warm_up));
    }
}
