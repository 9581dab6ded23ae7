//! The three panels below each other, for the same numbers of shards: seconds, speed-up, memory. Owns where shapes are;
//! knows no colours.

use crate::cli::commands::bench::results::{Outcome, stage_names};
use crate::cli::commands::bench::table::shards;
use crate::cli::tell::draw::{Scale, Shape, pixel};

/// Height of the picture.
pub const HEIGHT: f64 = 856.0;

const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
/// Wide enough for the longest line of text below the title.
const NARROWEST: f64 = 860.0;
/// Wide enough for a label such as `1234.567`.
const LEAST_SLOT: f64 = 64.0;
/// Leaves room above the highest value, for its label.
const HEADROOM: f64 = 1.12;

/// Colours that the template has for stages; with more stages they repeat.
const STAGE_COLOURS: usize = 9;

/// Where the numbers of shards are, from left to right.
#[derive(Debug)]
pub struct Frame {
    width: f64,
    slot: f64,
}

/// Top and bottom of a panel's plot.
#[derive(Debug, Clone, Copy)]
struct Place {
    top: f64,
    bottom: f64,
}

const SECONDS: Place = Place { top: 196.0, bottom: 456.0 };
const SPEEDUP: Place = Place { top: 544.0, bottom: 644.0 };
const MEMORY: Place = Place { top: 732.0, bottom: 802.0 };

/// Distance from a panel's title down to its plot; in the first panel the legend is between them.
const TITLE: f64 = 18.0;
const LEGEND: f64 = 28.0;

impl Frame {
    /// Wide enough for the numbers of shards and for the legend.
    pub fn new(outcomes: &[Outcome]) -> Self {
        let counts = outcomes.len().max(1) as f64;
        let legend: f64 = legend_names(outcomes).iter().map(|name| key_width(name)).sum();
        let width = (LEFT + RIGHT + legend.max(counts * LEAST_SLOT)).max(NARROWEST).round();
        Self { width, slot: (width - LEFT - RIGHT) / counts }
    }

    pub fn width(&self) -> f64 {
        self.width
    }

    fn middle(&self, at: usize) -> f64 {
        LEFT + (at as f64 + 0.5) * self.slot
    }

    fn bar(&self) -> f64 {
        (self.slot * 0.6).min(64.0)
    }

    fn right(&self) -> f64 {
        self.width - RIGHT
    }
}

/// All shapes.
pub fn all(frame: &Frame, outcomes: &[Outcome]) -> Vec<Shape> {
    [seconds(frame, outcomes), speedup(frame, outcomes), memory(frame, outcomes)].into_iter().flatten().collect()
}

/// The stages as stacked bars, up to the median of a run, with a line from the fastest to the slowest run.
fn seconds(frame: &Frame, outcomes: &[Outcome]) -> Vec<Shape> {
    let names = stage_names(outcomes);
    let largest = outcomes.iter().map(|o| o.seconds_max).fold(0.0, f64::max);
    let scale = Scale::new(SECONDS.top, SECONDS.bottom, largest * HEADROOM, 5.0);
    let title = "Seconds of a run: median, by stage; the thin line goes from the fastest run to the slowest";
    let mut shapes = axes(frame, SECONDS, &scale, outcomes);
    shapes.push(Shape::text("panel", (LEFT, SECONDS.top - LEGEND - TITLE), title));
    shapes.extend(legend(outcomes));
    for (at, outcome) in outcomes.iter().enumerate() {
        shapes.extend(stack(frame, &scale, at, outcome, &names));
        shapes.extend(whisker(frame.middle(at), &scale, outcome));
        let top = scale.at(outcome.seconds_max.max(outcome.seconds_median)) - 8.0;
        shapes.push(Shape::centred("value", (frame.middle(at), top), short(outcome.seconds_median)));
    }
    shapes
}

/// The stages for one number of shards, from the bottom up, then the rest.
fn stack(frame: &Frame, scale: &Scale, at: usize, outcome: &Outcome, names: &[&str]) -> Vec<Shape> {
    let stages = names
        .iter()
        .enumerate()
        .map(|(colour, name)| (stage_class(colour), *name, outcome.stages.get(*name).copied().unwrap_or_default()));
    let mut below = 0.0;
    stages
        .chain([("rest".to_owned(), "rest", outcome.rest())])
        .map(|(class, name, seconds)| {
            let (y, bottom) = (scale.at(below + seconds), scale.at(below));
            below += seconds;
            let tip = format!("{}: {name} {seconds:.3} s", shards(outcome.shards));
            bar(class, frame.middle(at), frame.bar(), y, bottom, tip)
        })
        .collect()
}

/// The line from the fastest to the slowest run; none for a single run.
fn whisker(x: f64, scale: &Scale, outcome: &Outcome) -> Vec<Shape> {
    if outcome.seconds.len() < 2 {
        return Vec::new();
    }
    let (low, high) = (scale.at(outcome.seconds_min), scale.at(outcome.seconds_max));
    vec![
        Shape::line("whisker", (x, low), (x, high)),
        Shape::line("whisker", (x - 5.0, low), (x + 5.0, low)),
        Shape::line("whisker", (x - 5.0, high), (x + 5.0, high)),
    ]
}

fn legend(outcomes: &[Outcome]) -> Vec<Shape> {
    let y = SECONDS.top - LEGEND + 6.0;
    let (mut x, names) = (LEFT, legend_names(outcomes));
    let mut shapes = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let class = if at + 1 == names.len() { "rest".to_owned() } else { stage_class(at) };
        shapes.push(Shape::Key { class, x: pixel(x), y: pixel(y - 10.0) });
        shapes.push(Shape::text("label", (x + KEY, y), *name));
        x += key_width(name);
    }
    shapes
}

/// The stages, and the rest at the end.
fn legend_names(outcomes: &[Outcome]) -> Vec<&str> {
    stage_names(outcomes).into_iter().chain(["rest: start, publishing, end"]).collect()
}

/// Distance from a key's square to its name.
const KEY: f64 = 18.0;

/// Width of a name in the legend with its key and the gap to the next: about seven pixels per letter.
fn key_width(name: &str) -> f64 {
    KEY + name.chars().count() as f64 * 7.2 + 20.0
}

fn stage_class(at: usize) -> String {
    format!("stage{}", at % STAGE_COLOURS)
}

/// The speed-up as a line, with the level of the baseline.
fn speedup(frame: &Frame, outcomes: &[Outcome]) -> Vec<Shape> {
    let largest = outcomes.iter().map(|o| o.speedup).fold(1.0, f64::max);
    let scale = Scale::new(SPEEDUP.top, SPEEDUP.bottom, largest * HEADROOM, 3.0);
    let baseline = outcomes.first().map_or(1, |o| o.baseline_shards);
    let title = format!("Speed-up compared with {}, by median seconds", shards(baseline));
    let mut shapes = axes(frame, SPEEDUP, &scale, outcomes);
    shapes.push(Shape::text("panel", (LEFT, SPEEDUP.top - TITLE), title));
    shapes.push(Shape::line("level", (LEFT, scale.at(1.0)), (frame.right(), scale.at(1.0))));
    let point = |(at, o): (usize, &Outcome)| (frame.middle(at), scale.at(o.speedup));
    let points = outcomes.iter().enumerate().map(point).map(|(x, y)| format!("{},{}", pixel(x), pixel(y)));
    shapes.push(Shape::Path { class: "speedup", points: points.collect::<Vec<_>>().join(" ") });
    for (at, outcome) in outcomes.iter().enumerate() {
        let (x, y) = point((at, outcome));
        let tip = format!("{}: {:.2} times as fast", shards(outcome.shards), outcome.speedup);
        shapes.push(Shape::Dot { class: "speedup", x: pixel(x), y: pixel(y), tip });
        shapes.push(Shape::centred("value", (x, y - 10.0), format!("{:.2}×", outcome.speedup)));
    }
    shapes
}

fn memory(frame: &Frame, outcomes: &[Outcome]) -> Vec<Shape> {
    let peaks = || outcomes.iter().filter_map(|o| o.peak_memory_bytes).map(|bytes| bytes as f64);
    let largest = peaks().fold(0.0, f64::max);
    let (unit, name) = if largest >= 2e9 { (1e9, "GB") } else { (1e6, "MB") };
    let scale = Scale::new(MEMORY.top, MEMORY.bottom, largest / unit * HEADROOM, 3.0);
    let title = format!("Peak memory in {name}: the most resident memory of any run");
    let mut shapes = axes(frame, MEMORY, &scale, outcomes);
    shapes.push(Shape::text("panel", (LEFT, MEMORY.top - TITLE), title));
    for (at, outcome) in outcomes.iter().enumerate() {
        let x = frame.middle(at);
        let Some(peak) = outcome.peak_memory_bytes.map(|bytes| bytes as f64 / unit) else {
            shapes.push(Shape::centred("soft", (x, MEMORY.bottom - 6.0), "?"));
            continue;
        };
        let text = short(peak);
        let tip = format!("{}: {text} {name}", shards(outcome.shards));
        shapes.push(bar("memory".to_owned(), x, frame.bar(), scale.at(peak), MEMORY.bottom, tip));
        shapes.push(Shape::centred("value", (x, scale.at(peak) - 6.0), text));
    }
    shapes
}

/// A panel's grid with its values, and the numbers of shards below.
fn axes(frame: &Frame, place: Place, scale: &Scale, outcomes: &[Outcome]) -> Vec<Shape> {
    let mut shapes = vec![Shape::text_before("soft", (LEFT - 8.0, place.bottom + 18.0), "shards")];
    for (value, label) in scale.ticks() {
        let y = scale.at(value);
        let class = if value == 0.0 { "axis" } else { "grid" };
        shapes.push(Shape::line(class, (LEFT, y), (frame.right(), y)));
        shapes.push(Shape::text_before("soft", (LEFT - 8.0, y + 4.0), label));
    }
    for (at, outcome) in outcomes.iter().enumerate() {
        let (x, class) = (frame.middle(at), if outcome.same_bytes { "label" } else { "bad" });
        shapes.push(Shape::centred(class, (x, place.bottom + 18.0), outcome.shards.to_string()));
        let note = match (outcome.same_bytes, outcome.is_default) {
            (false, _) => "differs",
            (true, true) => "default",
            (true, false) => continue,
        };
        shapes.push(Shape::centred("soft", (x, place.bottom + 32.0), note));
    }
    shapes
}

fn bar(class: String, middle: f64, width: f64, y: f64, bottom: f64, tip: String) -> Shape {
    let x = pixel(middle - width / 2.0);
    Shape::Bar { class, x, y: pixel(y), width: pixel(width), height: pixel((bottom - y).max(0.0)), tip }
}

/// A number with three significant digits.
fn short(value: f64) -> String {
    let decimals = match value {
        v if v < 1.0 => 3,
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::bench::results::tests::example;

    #[test]
    fn many_counts_and_long_names_have_room() {
        let (outcomes, _) = example();
        assert_eq!(Frame::new(&outcomes).width(), NARROWEST);
        assert!(Frame::new(&[]).slot.is_finite());
        let many: Vec<Outcome> = outcomes.iter().cycle().take(40).cloned().collect();
        let wide = Frame::new(&many);
        assert!(wide.slot >= LEAST_SLOT && wide.middle(39) < wide.right());
        let mut long = outcomes;
        long[0].stages = (0..12).map(|n| (format!("a stage with a number {n}"), 1.0)).collect();
        assert!(Frame::new(&long).width() > 12.0 * 150.0);
    }

    #[test]
    fn values_are_short() {
        assert_eq!([0.0312, 4.912, 45.14, 791.6].map(short), ["0.031", "4.91", "45.1", "792"]);
    }
}
