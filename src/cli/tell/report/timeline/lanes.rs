//! Ordinary attempts as bars in their workers' lanes. Owns the bound on their number: if there are thousands within a
//! pixel or two, neighbours share a bar.

use super::attempts::Tried;
use super::axis::{Axis, Lanes};
use crate::cli::tell::draw::Shape;
use crate::cli::tell::words::{counted, seconds};

/// Most bars in the picture.
const MOST: usize = 3000;

/// Neighbours share a bar that is narrower than this, in pixels; it is doubled until there are few enough bars.
const NARROW: f64 = 2.0;

/// Bars of the attempts that are not notable.
pub(super) fn bars(tried: &[Tried<'_>], axis: &Axis, lanes: &Lanes) -> Vec<Shape> {
    let ordinary: Vec<&Tried<'_>> = tried.iter().filter(|t| !t.is_notable() && lanes.has(t.worker)).collect();
    let mut narrow = if ordinary.len() <= MOST { 0.0 } else { NARROW };
    let mut blocks = blocks(&ordinary, axis, lanes, narrow);
    while blocks.len() > MOST && narrow < axis.width() {
        narrow *= 2.0;
        blocks = self::blocks(&ordinary, axis, lanes, narrow);
    }
    let bars = blocks.iter().map(|block| block.bar(axis, lanes));
    bars.chain(blocks.iter().filter_map(|block| block.number(axis, lanes))).collect()
}

/// Attempts of one worker that share a bar.
struct Block<'a> {
    first: &'a Tried<'a>,
    to: f64,
    attempts: u64,
    customers: u64,
}

fn blocks<'a>(ordinary: &[&'a Tried<'a>], axis: &Axis, lanes: &Lanes, narrow: f64) -> Vec<Block<'a>> {
    let mut done = Vec::new();
    let mut open: Vec<Option<Block<'a>>> = (0..lanes.count()).map(|_| None).collect();
    for tried in ordinary {
        let Some(lane) = lanes.index(tried.worker).and_then(|lane| open.get_mut(lane)) else { continue };
        match lane {
            Some(block) if axis.x(tried.to) - axis.x(block.first.from) < narrow => block.add(tried),
            _ => done.extend(lane.replace(Block::new(tried))),
        }
    }
    done.extend(open.into_iter().flatten());
    done
}

impl<'a> Block<'a> {
    fn new(tried: &'a Tried<'a>) -> Self {
        Self { first: tried, to: tried.to, attempts: 1, customers: tried.customers.unwrap_or_default() }
    }

    fn add(&mut self, tried: &Tried<'_>) {
        self.to = self.to.max(tried.to);
        self.attempts += 1;
        self.customers += tried.customers.unwrap_or_default();
    }

    fn bar(&self, axis: &Axis, lanes: &Lanes) -> Shape {
        let Self { first, to, attempts, customers } = self;
        let (took, profiles) = (seconds((to - first.from) / 1e3), counted(*customers, "profile"));
        let what = match attempts {
            1 => format!("Shard {}", first.shard),
            n => format!("{} from shard {} on", counted(*n, "shard"), first.shard),
        };
        let tip = format!("{what}: {profiles} in {took}, worker {}", first.worker);
        let (x, width) = axis.bar(first.from, *to, 0.6);
        let (y, height) = lanes.bar(first.worker);
        // A thin gap between neighbours, but not wider than the bar.
        Shape::bar("done", (x, y), (if width > 3.0 { width - 0.8 } else { width }, height), tip)
    }

    /// The shard's number, if its bar has room for it.
    fn number(&self, axis: &Axis, lanes: &Lanes) -> Option<Shape> {
        let text = self.first.shard.to_string();
        let ((x, width), (y, height)) = (axis.bar(self.first.from, self.to, 0.6), lanes.bar(self.first.worker));
        let fits = self.attempts == 1 && height >= 13.0 && width >= 8.0 + 8.0 * text.len() as f64;
        fits.then(|| Shape::centred("on-bar", (x + width / 2.0, y + height / 2.0 + 4.0), text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(shard: usize, worker: usize) -> Tried<'static> {
        let from = shard as f64;
        let (attempt, waited, failed, error, customers) = (1, None, false, None, Some(2));
        Tried { shard, attempt, worker, from, to: from + 1.0, waited, failed, error, customers }
    }

    #[test]
    fn few_attempts_have_a_bar_each_and_many_share_them() {
        for (shards, most) in [(1000, 1000), (60_000, MOST)] {
            let all: Vec<Tried<'_>> = (0..shards).map(|s| tried(s, s % 8)).collect();
            let (axis, lanes) = (Axis::new(&all), Lanes::new(&all, 0.0));
            let bars = bars(&all, &axis, &lanes);
            assert!(bars.len() <= most && bars.len() > 500, "{}", bars.len());
            let told: u64 =
                blocks(&all.iter().collect::<Vec<_>>(), &axis, &lanes, 50.0).iter().map(|b| b.attempts).sum();
            assert_eq!(told, shards as u64, "none is lost");
        }
    }
}
