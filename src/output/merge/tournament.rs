//! A tree of losers (Knuth, The Art of Computer Programming 3, 5.4.1): finds the first of many runs with one comparison
//! per level. Never knows what it compares.

/// Players are numbers from 0; the caller decides which comes before which.
#[derive(Debug)]
pub(super) struct Tournament {
    /// At 0 the winner, at each inner node the loser of its match.
    nodes: Vec<usize>,
}

impl Tournament {
    pub fn new(players: usize, before: impl Fn(usize, usize) -> bool) -> Self {
        // Leaves come after the inner nodes: player `p` is at `players + p`.
        let mut winners: Vec<usize> = (0..players * 2).map(|i| i.saturating_sub(players)).collect();
        let mut nodes = vec![0; players];
        for node in (1..players).rev() {
            let (a, b) = (winners[node * 2], winners[node * 2 + 1]);
            let (winner, loser) = if before(b, a) { (b, a) } else { (a, b) };
            (winners[node], nodes[node]) = (winner, loser);
        }
        if let (Some(first), Some(winner)) = (nodes.first_mut(), winners.get(1)) {
            *first = *winner;
        }
        Self { nodes }
    }

    /// The player that comes before all others; none without players.
    pub fn winner(&self) -> Option<usize> {
        self.nodes.first().copied()
    }

    /// Plays the winner's matches again after it has changed.
    pub fn replay(&mut self, player: usize, before: impl Fn(usize, usize) -> bool) {
        let (mut winner, mut node) = (player, (player + self.nodes.len()) / 2);
        while node > 0 {
            if before(self.nodes[node], winner) {
                std::mem::swap(&mut self.nodes[node], &mut winner);
            }
            node /= 2;
        }
        self.nodes[0] = winner;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_any_runs(mut runs in prop::collection::vec(prop::collection::vec(0..50u32, 0..6), 0..9)) {
            let mut want: Vec<u32> = runs.concat();
            want.sort_unstable();
            // Reversed, so that the next value is the last.
            runs.iter_mut().for_each(|run| run.sort_unstable_by(|a, b| b.cmp(a)));
            let before = |runs: &[Vec<u32>], a: usize, b: usize| match (runs[a].last(), runs[b].last()) {
                (Some(a), Some(b)) => a < b,
                (a, _) => a.is_some(),
            };
            let mut tournament = Tournament::new(runs.len(), |a, b| before(&runs, a, b));
            let mut got = Vec::new();
            while let Some(value) = tournament.winner().and_then(|winner| runs[winner].pop()) {
                got.push(value);
                let winner = tournament.winner().expect("a winner");
                tournament.replay(winner, |a, b| before(&runs, a, b));
            }
            prop_assert_eq!(got, want);
        }
    }
}
