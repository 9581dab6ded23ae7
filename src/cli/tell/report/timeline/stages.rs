//! The complete run: its stages in a strip, and the part of it that the lanes below show in detail. Draws no attempt.

use onefold::manifest::Manifest;

use super::axis::{Axis, LEFT};
use crate::cli::tell::draw::{Shape, pixel};
use crate::cli::tell::words::{millis, seconds};

/// Top and height of the strip.
const TOP: f64 = 2.0;
const HEIGHT: f64 = 22.0;

/// Where the lanes can begin.
pub(super) const BOTTOM: f64 = TOP + HEIGHT + 26.0;

/// A stage, in milliseconds since the run began.
#[derive(Debug, PartialEq)]
pub(super) struct Span {
    pub name: String,
    pub from: f64,
    pub to: f64,
}

/// The stages; a stage without a start began when the one before it ended.
pub(super) fn spans(manifest: &Manifest) -> Vec<Span> {
    let origin = millis(&manifest.started_at).unwrap_or_default();
    let mut ended = 0.0;
    let mut spans = Vec::new();
    for stage in &manifest.stages {
        let started = stage.started_at.as_deref().and_then(millis).map(|at| at - origin);
        let from = started.unwrap_or(ended).max(0.0);
        ended = from + stage.seconds * 1e3;
        spans.push(Span { name: stage.stage.clone(), from, to: ended });
    }
    spans
}

/// The strip, and an area that leads from the lanes' part of it down to the lanes.
pub(super) fn strip(manifest: &Manifest, lanes: Option<&Axis>) -> Vec<Shape> {
    let spans = spans(manifest);
    let origin = millis(&manifest.started_at).unwrap_or_default();
    let end = millis(&manifest.finished_at).unwrap_or(origin) - origin;
    let run = Axis::between(0.0, spans.iter().map(|s| s.to).fold(end, f64::max));
    let mut shapes = vec![Shape::text_before("soft", (LEFT - 10.0, TOP + 15.0), "run")];
    let whole = format!("The complete run: {}", seconds((run.to - run.from) / 1e3));
    shapes.push(Shape::bar("rest", (LEFT, TOP), (run.width(), HEIGHT), whole));
    for Span { name, from, to } in &spans {
        let (x, width) = run.bar(*from, *to, 1.0);
        let took = seconds((to - from) / 1e3);
        shapes.push(Shape::bar("stage", (x, TOP), ((width - 1.0).max(1.0), HEIGHT), format!("{name}: {took}")));
        let text = [format!("{name} {took}"), name.clone()].into_iter().find(|text| text_width(text) < width - 10.0);
        shapes.extend(text.map(|text| Shape::centred("on-stage", (x + width / 2.0, TOP + 15.0), text)));
    }
    if let Some(lanes) = lanes {
        let (left, right) = (pixel(run.x(lanes.from)), pixel(run.x(lanes.to)));
        let (top, bottom, end) = (TOP + HEIGHT, BOTTOM, pixel(LEFT + run.width()));
        let outline = format!("M{left} {top} L{right} {top} L{end} {bottom} L{LEFT} {bottom} Z");
        shapes.push(Shape::Area { class: "wedge".to_owned(), outline, tip: String::new() });
    }
    shapes
}

/// About how wide a text is, with seven pixels per letter.
fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.8
}
