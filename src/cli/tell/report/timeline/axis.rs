//! Where a time and a worker are in the picture. Draws nothing.

use std::collections::BTreeSet;

use super::attempts::Tried;

/// Width of the picture.
pub(super) const WIDTH: f64 = 1040.0;
/// Where time begins; the names of the lanes are to the left of it.
pub(super) const LEFT: f64 = 76.0;
/// Room for half of the last label.
const RIGHT: f64 = 26.0;

/// Most lanes that are drawn.
const MOST_LANES: usize = 96;

/// Time from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub from: f64,
    pub to: f64,
}

impl Axis {
    /// From the first attempt's start to the last one's end.
    pub fn new(tried: &[Tried<'_>]) -> Self {
        let from = tried.iter().map(|t| t.from).fold(f64::INFINITY, f64::min);
        let to = tried.iter().map(|t| t.to).fold(f64::NEG_INFINITY, f64::max);
        Self::between(from, to)
    }

    /// Between two times, in milliseconds.
    pub fn between(from: f64, to: f64) -> Self {
        let from = if from.is_finite() { from } else { 0.0 };
        // Times are whole milliseconds, so a shorter duration must not become zero.
        Self { from, to: if to.is_finite() { to.max(from + 1.0) } else { from + 1.0 } }
    }

    pub fn width(&self) -> f64 {
        WIDTH - LEFT - RIGHT
    }

    /// The x of a time.
    pub fn x(&self, at: f64) -> f64 {
        LEFT + self.width() * ((at - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// Left edge and width of a bar, which is at least `least` wide and stays in the picture.
    pub fn bar(&self, from: f64, to: f64, least: f64) -> (f64, f64) {
        let (left, right) = (self.x(from), self.x(to));
        let width = (right - left).max(least);
        (left.min(LEFT + self.width() - width), width)
    }
}

/// A lane for each worker, from top to bottom.
#[derive(Debug)]
pub(super) struct Lanes {
    workers: Vec<usize>,
    /// Number of workers without a lane.
    pub left_out: usize,
    top: f64,
    pub height: f64,
}

impl Lanes {
    /// Lanes for the workers that made attempts, below `top`.
    pub fn new(tried: &[Tried<'_>], top: f64) -> Self {
        let mut workers: Vec<usize> = tried.iter().map(|t| t.worker).collect::<BTreeSet<_>>().into_iter().collect();
        let left_out = workers.len().saturating_sub(MOST_LANES);
        workers.truncate(MOST_LANES);
        let height = (360.0 / workers.len().max(1) as f64).clamp(7.0, 26.0);
        Self { workers, left_out, top, height }
    }

    pub fn count(&self) -> usize {
        self.workers.len()
    }

    pub fn has(&self, worker: usize) -> bool {
        self.index(worker).is_some()
    }

    pub fn index(&self, worker: usize) -> Option<usize> {
        self.workers.binary_search(&worker).ok()
    }

    pub fn workers(&self) -> &[usize] {
        &self.workers
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height * self.workers.len() as f64
    }

    /// Top and height of a bar in a worker's lane.
    pub fn bar(&self, worker: usize) -> (f64, f64) {
        let at = self.index(worker).unwrap_or(self.workers.len());
        let gap = (self.height * 0.16).clamp(0.5, 4.0);
        (self.top + self.height * at as f64 + gap, self.height - 2.0 * gap)
    }
}
