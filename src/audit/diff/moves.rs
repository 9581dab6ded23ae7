//! How a score changed: the customers with the greatest changes, or how many changed from band to band. Owns the order
//! of customers; knows no other column.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int64Type};

use super::difference::{Move, Mover, ScoreChanges, ScoreMoves};

/// The changes of one score so far.
pub(super) enum Moves {
    Points(Points),
    /// How many customers changed from band to band.
    Bands(BTreeMap<(Option<String>, Option<String>), u64>),
}

#[derive(Default)]
pub(super) struct Points {
    top: usize,
    raised: u64,
    lowered: u64,
    appeared: u64,
    vanished: u64,
    /// The greatest changes, at most `top`: distance, customer, old and new score.
    movers: BTreeSet<(Reverse<u64>, String, i64, i64)>,
}

impl Moves {
    /// Without changes; none for a type that no score has.
    pub fn new(ty: &DataType, top: usize) -> Option<Self> {
        match ty {
            DataType::Int64 => Some(Self::Points(Points { top, ..Points::default() })),
            DataType::Utf8 => Some(Self::Bands(BTreeMap::new())),
            _ => None,
        }
    }

    /// Adds the rows in which the score changed.
    pub fn take(&mut self, customers: &StringArray, old: &ArrayRef, new: &ArrayRef, rows: &BooleanBuffer) {
        match self {
            Self::Points(points) => {
                let (old, new) = (old.as_primitive::<Int64Type>(), new.as_primitive::<Int64Type>());
                let value = |scores: &arrow::array::Int64Array, row| scores.is_valid(row).then(|| scores.value(row));
                rows.set_indices().for_each(|row| points.take(customers.value(row), value(old, row), value(new, row)));
            }
            Self::Bands(moves) => {
                let (old, new) = (old.as_string::<i32>(), new.as_string::<i32>());
                let band = |bands: &StringArray, row| bands.is_valid(row).then(|| bands.value(row).to_owned());
                rows.set_indices().for_each(|row| *moves.entry((band(old, row), band(new, row))).or_default() += 1);
            }
        }
    }

    pub fn finish(self, score: &str) -> ScoreChanges {
        let moves = match self {
            Self::Points(Points { top: _, raised, lowered, appeared, vanished, movers }) => {
                let mover = |(_, customer, old, new)| Mover { customer, old, new };
                let movers = movers.into_iter().map(mover).collect();
                ScoreMoves::Points { raised, lowered, appeared, vanished, movers }
            }
            Self::Bands(moves) => {
                let mut moves: Vec<Move> =
                    moves.into_iter().map(|((from, to), customers)| Move { from, to, customers }).collect();
                // The sort is stable: equal counts stay in order of their bands.
                moves.sort_by_key(|m| Reverse(m.customers));
                ScoreMoves::Bands { moves }
            }
        };
        ScoreChanges { score: score.to_owned(), moves }
    }
}

impl Points {
    fn take(&mut self, customer: &str, old: Option<i64>, new: Option<i64>) {
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, _) => return self.appeared += 1,
            (_, None) => return self.vanished += 1,
        };
        self.raised += u64::from(new > old);
        self.lowered += u64::from(new < old);
        let distance = Reverse(new.abs_diff(old));
        let is_full = self.movers.len() >= self.top;
        // Customers come in order of id: an equal change does not replace an earlier one.
        if is_full && self.movers.last().is_none_or(|least| least.0 <= distance) {
            return;
        }
        self.movers.insert((distance, customer.to_owned(), old, new));
        if self.movers.len() > self.top {
            self.movers.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_moves_stay_and_equal_ones_in_order_of_id() {
        let mut points = Points { top: 3, ..Points::default() };
        for (id, old, new) in [("a", 5, 6), ("b", 9, 1), ("c", 0, 8), ("d", 0, 8), ("e", 2, 1), ("f", -100, 100)] {
            points.take(id, Some(old), Some(new));
        }
        points.take("g", None, Some(1));
        points.take("h", Some(i64::MIN), None);
        let ScoreMoves::Points { raised, lowered, appeared, vanished, movers } =
            Moves::Points(points).finish("s").moves
        else {
            panic!("points");
        };
        assert_eq!((raised, lowered, appeared, vanished), (4, 2, 1, 1));
        assert_eq!(movers.iter().map(|m| m.customer.as_str()).collect::<Vec<_>>(), ["f", "b", "c"]);
    }
}
