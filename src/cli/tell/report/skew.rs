//! The section of shard sizes: profiles per shard, and how far the largest is from the median. Reads only the manifest.

use onefold::Result;
use onefold::manifest::Manifest;
use serde::Serialize;

use crate::cli::tell::draw::{self, Safe, Scale, Shape};
use crate::cli::tell::words::{counted, grouped};

const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 140.0;

/// Most bars; if there are more shards, neighbours share one.
const MOST: usize = 256;

/// The values of the section's template; no skew if no shard was built.
#[derive(Debug, Serialize)]
pub(super) struct Shards {
    skew: Option<Skew>,
}

#[derive(Debug, Serialize)]
struct Skew {
    width: f64,
    height: f64,
    summary: String,
    picture: Safe,
    figures: Vec<(&'static str, String)>,
    /// What a bar means, if it is more than one shard.
    bars: Option<String>,
    any_resumed: bool,
}

/// A shard that was built.
#[derive(Debug, Clone, Copy)]
struct Built {
    shard: usize,
    profiles: u64,
    resumed: bool,
}

/// The shards of a run.
pub(super) fn shards(manifest: &Manifest) -> Result<Shards> {
    Ok(Shards { skew: skew(manifest)? })
}

fn skew(manifest: &Manifest) -> Result<Option<Skew>> {
    let built = manifest
        .shard_runs
        .iter()
        .filter_map(|run| Some(Built { shard: run.shard_id, profiles: run.customers?, resumed: run.resumed }));
    let built: Vec<Built> = built.collect();
    let mut sizes: Vec<u64> = built.iter().map(|b| b.profiles).collect();
    sizes.sort_unstable();
    let (Some(min), Some(max), Some(median)) = (sizes.first(), sizes.last(), median(&sizes)) else { return Ok(None) };
    let ratio = if median > 0.0 { format!("{:.2}", *max as f64 / median) } else { "–".to_owned() };
    let empty = sizes.iter().filter(|n| **n == 0).count() as u64;
    let together = built.len().div_ceil(MOST);
    let figures = vec![
        ("largest", grouped(*max)),
        ("median", format_median(median)),
        ("smallest", grouped(*min)),
        ("largest ÷ median", ratio.clone()),
        ("empty shards", grouped(empty)),
    ];
    let summary = format!(
        "Profiles in each of {}: the largest has {}, the median {}, {ratio} times as many.",
        counted(built.len() as u64, "shard"),
        grouped(*max),
        format_median(median)
    );
    let bars = (together > 1).then(|| format!("Each bar is the largest of {together} neighbouring shards."));
    let any_resumed = built.iter().any(|b| b.resumed);
    let picture = draw::shapes(&draw(&built, together, median, *max))?;
    Ok(Some(Skew { width: WIDTH, height: HEIGHT, summary, picture, figures, bars, any_resumed }))
}

fn median(sorted: &[u64]) -> Option<f64> {
    let (low, high) = (sorted.get(sorted.len().saturating_sub(1) / 2)?, sorted.get(sorted.len() / 2)?);
    Some((*low as f64 + *high as f64) / 2.0)
}

/// A median as text; it may be between two whole numbers.
fn format_median(median: f64) -> String {
    let whole = grouped(median.trunc() as u64);
    if median.fract() > 0.0 { format!("{whole}.5") } else { whole }
}

fn draw(built: &[Built], together: usize, median: f64, max: u64) -> Vec<Shape> {
    let scale = Scale::new(TOP, BOTTOM, max as f64, 3.0);
    let mut drawn = Vec::new();
    for (value, _) in scale.ticks().into_iter().filter(|(value, _)| value.fract() == 0.0) {
        let (y, class) = (scale.at(value), if value == 0.0 { "axis" } else { "grid" });
        drawn.push(Shape::line(class, (LEFT, y), (WIDTH - RIGHT, y)));
        drawn.push(Shape::text_before("soft", (LEFT - 10.0, y + 4.0), grouped(value as u64)));
    }
    let groups: Vec<&[Built]> = built.chunks(together.max(1)).collect();
    let slot = (WIDTH - LEFT - RIGHT) / groups.len().max(1) as f64;
    let width = (slot * 0.78).clamp(1.0, 44.0);
    for (at, group) in groups.iter().enumerate() {
        let Some(largest) = group.iter().max_by_key(|b| b.profiles) else { continue };
        let middle = LEFT + slot * (at as f64 + 0.5);
        let class = if largest.resumed { "resumed" } else { "done" };
        let resumed = if largest.resumed { ", reused from an earlier run" } else { "" };
        let tip = format!("Shard {}: {}{resumed}", largest.shard, counted(largest.profiles, "profile"));
        let y = scale.at(largest.profiles as f64);
        drawn.push(Shape::bar(class, (middle - width / 2.0, y), (width, BOTTOM - y), tip));
        let step = groups.len().div_ceil(16);
        if at % step == 0 {
            let first = group.first().map_or(0, |b| b.shard);
            drawn.push(Shape::centred("soft", (middle, BOTTOM + 18.0), first.to_string()));
        }
    }
    drawn.push(Shape::text_before("soft", (LEFT - 10.0, BOTTOM + 18.0), "shard"));
    let y = scale.at(median);
    drawn.push(Shape::line("median", (LEFT, y), (WIDTH - RIGHT, y)));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!([median(&[1, 2, 9]), median(&[1, 2]), median(&[])], [Some(2.0), Some(1.5), None]);
        assert_eq!([format_median(1500.5), format_median(2.0)], ["1,500.5", "2"]);
    }
}
