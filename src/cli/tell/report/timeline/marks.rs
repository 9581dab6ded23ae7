//! Notable attempts, which are those that failed and those after them: each is a link to its line in the table, with a
//! bar in the worker's lane and in a row of its shard, which shows its wait too. Draws no other attempt.

use std::collections::{BTreeMap, BTreeSet};

use onefold::Result;
use serde::Serialize;

use super::attempts::Tried;
use super::axis::{Axis, LEFT, Lanes};
use crate::cli::tell::draw::{Safe, Shape, pixel, shapes};
use crate::cli::tell::words::{counted, cut, seconds};

/// Most notable attempts that can be reached with the keyboard.
pub(super) const MOST_MARKS: usize = 250;
/// Most shards with a row of their own.
const MOST_ROWS: usize = 24;
/// Height of such a row.
const ROW: f64 = 24.0;
/// Smallest width of an attempt's bar in a row, and of the wait before it, so that they can be seen.
const LEAST_BAR: f64 = 16.0;
const LEAST_WAIT: f64 = 12.0;

/// A notable attempt.
#[derive(Debug, Serialize)]
pub(super) struct Mark {
    /// Id of its line in the table.
    id: String,
    class: &'static str,
    /// Text on hover and focus, and for screen readers.
    tip: String,
    shapes: Safe,
}

/// Rows of the shards that were tried again.
#[derive(Debug)]
pub(super) struct Rows {
    shards: Vec<usize>,
    /// Number of such shards without a row.
    pub left_out: usize,
    top: f64,
    /// Left edge and width of each attempt's bar, by shard and attempt.
    places: BTreeMap<(usize, u32), (f64, f64)>,
}

impl Rows {
    /// Rows for the shards with a notable attempt, below `top`.
    pub fn new(tried: &[Tried<'_>], axis: &Axis, top: f64) -> Self {
        let shards: BTreeSet<usize> = tried.iter().filter(|t| t.is_notable()).map(|t| t.shard).collect();
        let left_out = shards.len().saturating_sub(MOST_ROWS);
        let shards: Vec<usize> = shards.into_iter().take(MOST_ROWS).collect();
        let mut rows: BTreeMap<usize, Vec<&Tried<'_>>> = BTreeMap::new();
        for tried in tried.iter().filter(|t| shards.binary_search(&t.shard).is_ok()) {
            rows.entry(tried.shard).or_default().push(tried);
        }
        let places = rows.values().flat_map(|row| places(row, axis)).collect();
        Self { shards, left_out, top, places }
    }

    pub fn bottom(&self) -> f64 {
        self.top + ROW * self.shards.len() as f64
    }

    /// Names of the rows and the waits in them.
    pub fn shapes(&self, tried: &[Tried<'_>]) -> Vec<Shape> {
        let name = |shard: &usize| {
            let y = self.middle(*shard)?;
            Some(Shape::text_before("label", (LEFT - 10.0, y + 4.0), format!("shard {shard}")))
        };
        let names = self.shards.iter().filter_map(name);
        names.chain(tried.iter().filter_map(|t| self.wait(t)).flatten()).collect()
    }

    fn wait(&self, tried: &Tried<'_>) -> Option<Vec<Shape>> {
        let (waited, y) = (tried.waited?, self.middle(tried.shard)?);
        let (before, width) = self.places.get(&(tried.shard, tried.attempt - 1))?;
        let (from, to) = (before + width + 3.0, self.places.get(&(tried.shard, tried.attempt))?.0 - 3.0);
        let text = format!("waits {}", seconds(waited / 1e3));
        let mut shapes = vec![Shape::line("wait", (from, y), (to, y))];
        if to - from > text.chars().count() as f64 * 7.0 + 30.0 {
            shapes.push(Shape::centred("on-wait", ((from + to) / 2.0, y + 4.0), text));
        }
        Some(shapes)
    }

    fn middle(&self, shard: usize) -> Option<f64> {
        let at = self.shards.binary_search(&shard).ok()?;
        Some(self.top + ROW * (at as f64 + 0.5))
    }
}

/// Where a shard's attempts are in its row: at their time, but moved apart where they or the waits between them would
/// be too narrow to see.
fn places(row: &[&Tried<'_>], axis: &Axis) -> Vec<((usize, u32), (f64, f64))> {
    let mut places = Vec::new();
    let mut free = f64::NEG_INFINITY;
    for tried in row {
        let (x, width) = axis.bar(tried.from, tried.to, LEAST_BAR);
        let x = x.max(free);
        places.push(((tried.shard, tried.attempt), (x, width)));
        free = x + width + LEAST_WAIT;
    }
    // What was moved over the edge goes back, and moves those before it.
    let mut edge = LEFT + axis.width();
    for (_, (x, width)) in places.iter_mut().rev() {
        *x = x.min(edge - *width).max(LEFT);
        edge = *x - LEAST_WAIT;
    }
    places
}

/// The marks, in order of time.
pub(super) fn marks(tried: &[Tried<'_>], axis: &Axis, lanes: &Lanes, rows: &Rows) -> Result<Vec<Mark>> {
    let notable = tried.iter().filter(|t| t.is_notable()).take(MOST_MARKS);
    notable.map(|tried| mark(tried, axis, lanes, rows)).collect()
}

/// Id of an attempt's line in the table.
pub(super) fn id(tried: &Tried<'_>) -> String {
    format!("shard-{}-attempt-{}", tried.shard, tried.attempt)
}

fn mark(tried: &Tried<'_>, axis: &Axis, lanes: &Lanes, rows: &Rows) -> Result<Mark> {
    let class = if tried.failed { "failed" } else { "retried" };
    let mut drawn = Vec::new();
    if lanes.has(tried.worker) {
        let (x, width) = axis.bar(tried.from, tried.to, 11.0);
        let (y, height) = lanes.bar(tried.worker);
        drawn.push(Shape::bar(class, (x, y), (width, height), ""));
        if height >= 10.0 {
            drawn.push(sign(tried.failed, x + width / 2.0, y + height / 2.0));
        }
    }
    let place = rows.places.get(&(tried.shard, tried.attempt));
    if let (Some(y), Some((x, width))) = (rows.middle(tried.shard), place.copied()) {
        drawn.push(Shape::bar(class, (x, y - 8.0), (width, 16.0), ""));
        drawn.push(sign(tried.failed, x + width / 2.0, y));
    }
    Ok(Mark { id: id(tried), class, tip: tip(tried), shapes: shapes(&drawn)? })
}

/// A cross for a failure, a tick for a success, so that colour is not the only difference.
fn sign(failed: bool, x: f64, y: f64) -> Shape {
    let at = |dx: f64, dy: f64| format!("{} {}", pixel(x + dx), pixel(y + dy));
    let outline = if failed {
        format!("M{} L{} M{} L{}", at(-3.0, -3.0), at(3.0, 3.0), at(3.0, -3.0), at(-3.0, 3.0))
    } else {
        format!("M{} L{} L{}", at(-3.5, 0.2), at(-1.0, 2.8), at(3.8, -3.0))
    };
    Shape::Area { class: "sign".to_owned(), outline, tip: String::new() }
}

fn tip(tried: &Tried<'_>) -> String {
    let Tried { shard, attempt, worker, from, to, waited, failed, error, customers } = tried;
    let took = seconds((to - from) / 1e3);
    let after = waited.map(|waited| format!(" after waiting {}", seconds(waited / 1e3))).unwrap_or_default();
    let how = match (failed, error, customers) {
        (true, Some(error), _) => format!("failed in {took}: {}", cut(error, 110)),
        (true, None, _) => format!("failed in {took}"),
        (false, _, Some(customers)) => format!("succeeded in {took}, {}", counted(*customers, "profile")),
        (false, _, None) => format!("succeeded in {took}"),
    };
    format!("Shard {shard}, attempt {attempt}, on worker {worker}{after}: {how}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_that_are_close_are_moved_apart_within_the_picture() {
        let tried = |attempt: u32, from: f64| {
            let (waited, failed, error, customers) = (Some(1.0), true, None, None);
            Tried { shard: 0, attempt, worker: 0, from, to: from, waited, failed, error, customers }
        };
        for moments in [[0.0, 0.1, 0.2], [999.8, 999.9, 1000.0], [0.0, 500.0, 1000.0]] {
            let row: Vec<Tried<'_>> = (1..).zip(moments).map(|(attempt, from)| tried(attempt, from)).collect();
            let axis = Axis::between(0.0, 1000.0);
            let places = places(&row.iter().collect::<Vec<_>>(), &axis);
            for pair in places.windows(2) {
                let ((_, (left, width)), (_, (right, _))) = (pair[0], pair[1]);
                assert!(right >= left + width + LEAST_WAIT - 0.01, "{places:?}");
            }
            let (first, last) = (places[0].1, places[2].1);
            assert!(first.0 >= LEFT && last.0 + last.1 <= LEFT + axis.width() + 0.01, "{places:?}");
        }
    }
}
