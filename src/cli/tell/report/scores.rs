//! The section of score distributions: bands as bars, numbers as a histogram with their mean. Shows no single score.

use onefold::Result;
use onefold::manifest::Manifest;
use serde::Serialize;

use super::bars::{self, About, Bar};
use super::profiles::{Histogram, Profiles};
use crate::cli::tell::draw::{Safe, Scale, Shape, shapes};
use crate::cli::tell::words::{counted, grouped};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 164.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 140.0;

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct Scores {
    scores: Vec<ScoreView>,
}

/// One score.
#[derive(Debug, Serialize)]
struct ScoreView {
    name: String,
    /// Mean, smallest and greatest value of a score in points.
    figures: Vec<(&'static str, String)>,
    picture: Option<Picture>,
    bands: Safe,
    /// Shown if there is neither a picture nor bands.
    note: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Picture {
    width: f64,
    height: f64,
    summary: String,
    shapes: Safe,
}

/// The scores of a run.
pub(super) fn scores(manifest: &Manifest, profiles: Option<&Profiles>) -> Result<Scores> {
    let total = manifest.customers.total;
    let mut scores = Vec::new();
    for (name, summary) in &manifest.scores {
        // A band may be called `mean`, but its count is a whole number and a mean is not.
        let mean = summary.get("mean").filter(|m| m.is_f64()).and_then(serde_json::Number::as_f64);
        let view = match (summary.is_empty(), mean) {
            (true, _) => {
                ScoreView::empty(name, "No profile has this score, because everything that it needs is unknown.")
            }
            (false, None) => banded(name, summary.iter().map(|(label, n)| (label, n.as_u64().unwrap_or(0))), total)?,
            (false, Some(mean)) => {
                let histogram = profiles.map(|p| p.histogram(name)).transpose()?.flatten();
                number(name, mean, histogram.as_ref())?
            }
        };
        scores.push(view);
    }
    Ok(Scores { scores })
}

impl ScoreView {
    fn empty(name: &str, note: &'static str) -> Self {
        Self { name: name.to_owned(), figures: Vec::new(), picture: None, bands: Safe::default(), note: Some(note) }
    }
}

fn banded<'a>(name: &str, bands: impl Iterator<Item = (&'a String, u64)>, total: u64) -> Result<ScoreView> {
    let mut known = 0;
    let mut bars: Vec<Bar> = Vec::new();
    for (label, n) in bands {
        known += n;
        bars.push(Bar::of(label, "done", n, total));
    }
    if known < total {
        bars.push(Bar::of("unknown", "unknown", total - known, total));
    }
    let (caption, columns) = (&*format!("Bands of {name}"), ["band", "profiles", "share"]);
    let bands = bars::table(About { caption, columns, lines: "bands" }, &bars)?;
    Ok(ScoreView { note: None, bands, ..ScoreView::empty(name, "") })
}

fn number(name: &str, mean: f64, histogram: Option<&Histogram>) -> Result<ScoreView> {
    let mut view = ScoreView::empty(name, "No distribution: `profiles.parquet` is missing or belongs to another run.");
    view.figures.push(("mean", format!("{mean:.1}")));
    let Some(histogram) = histogram else { return Ok(view) };
    view.figures.extend([("lowest", histogram.min.to_string()), ("highest", histogram.max.to_string())]);
    if histogram.nulls > 0 {
        view.figures.push(("unknown", grouped(histogram.nulls)));
    }
    let known: u64 = histogram.counts.iter().sum();
    let summary = format!(
        "{name} of {}: from {} to {}, mean {mean:.1}.",
        counted(known, "profile"),
        histogram.min,
        histogram.max
    );
    let shapes = shapes(&draw(histogram, mean))?;
    view.picture = Some(Picture { width: WIDTH, height: HEIGHT, summary, shapes });
    view.note = None;
    Ok(view)
}

fn draw(histogram: &Histogram, mean: f64) -> Vec<Shape> {
    let Histogram { from, width, counts, .. } = histogram;
    let largest = counts.iter().copied().max().unwrap_or_default();
    let scale = Scale::new(TOP, BOTTOM, largest as f64, 3.0);
    let mut drawn = Vec::new();
    for (value, _) in scale.ticks().into_iter().filter(|(value, _)| value.fract() == 0.0) {
        let (y, class) = (scale.at(value), if value == 0.0 { "axis" } else { "grid" });
        drawn.push(Shape::line(class, (LEFT, y), (WIDTH - RIGHT, y)));
        drawn.push(Shape::text_before("soft", (LEFT - 8.0, y + 4.0), grouped(value as u64)));
    }
    let slot = (WIDTH - LEFT - RIGHT) / counts.len().max(1) as f64;
    let step = counts.len().div_ceil(if *from < -9999 || *from + *width > 9999 { 4 } else { 9 });
    for (at, n) in counts.iter().enumerate() {
        let (x, y) = (LEFT + slot * at as f64, scale.at(*n as f64));
        let low = from.saturating_add(width.saturating_mul(at as i64));
        let range = if *width == 1 { low.to_string() } else { format!("{low} to {}", low.saturating_add(width - 1)) };
        let gap = (slot * 0.08).min(2.0);
        let tip = format!("{range}: {}", counted(*n, "profile"));
        drawn.push(Shape::bar("done", (x + gap, y), ((slot - 2.0 * gap).min(60.0), BOTTOM - y), tip));
        if at % step.max(1) == 0 {
            drawn.push(Shape::text("soft", (x + gap, BOTTOM + 18.0), low.to_string()));
        }
    }
    let x = LEFT + slot * ((mean - *from as f64) / *width as f64).clamp(0.0, counts.len() as f64);
    drawn.push(Shape::line("median", (x, TOP - 4.0), (x, BOTTOM)));
    drawn.push(Shape::centred("on-plot", (x.clamp(LEFT + 34.0, WIDTH - 40.0), TOP - 7.0), format!("mean {mean:.1}")));
    drawn
}
