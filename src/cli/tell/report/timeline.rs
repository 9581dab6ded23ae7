//! The timeline: stages, shards by worker, and for each retried shard what failed, waited and was tried again. Reads
//! only the manifest.

mod attempts;
mod axis;
mod lanes;
mod marks;
mod stages;

use onefold::Result;
use onefold::manifest::Manifest;
use serde::Serialize;

use crate::cli::tell::draw::{Safe, Shape, shapes, ticks};
use crate::cli::tell::words::{counted, grouped, seconds};

use attempts::Tried;
use axis::{Axis, LEFT, Lanes, WIDTH};
use marks::{Mark, Rows};

/// Most lines of the table.
const MOST_LINES: usize = 500;

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    width: f64,
    height: f64,
    /// What the picture shows, as text.
    summary: String,
    picture: Safe,
    marks: Vec<Mark>,
    /// Where a mark's text is shown.
    tip_x: f64,
    tip_y: f64,
    /// What is not drawn, as texts.
    left_out: Vec<String>,
    lines: Vec<Line>,
    /// The heading of the table.
    lines_title: String,
    any_waits: bool,
    any_healed: bool,
}

/// A line of the table of attempts.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    shard: usize,
    attempt: u32,
    worker: usize,
    started: String,
    took: String,
    waited: String,
    failed: bool,
    retried: bool,
    told: String,
}

/// The timeline of a run.
pub(super) fn timeline(manifest: &Manifest) -> Result<Timeline> {
    let tried = attempts::all(manifest);
    let axis = Axis::new(&tried);
    let lanes = Lanes::new(&tried, stages::BOTTOM + 4.0);
    let rows = Rows::new(&tried, &axis, lanes.bottom() + 12.0);
    let mut drawn = stages::strip(manifest, (!tried.is_empty()).then_some(&axis));
    let mut bottom = stages::BOTTOM - 20.0;
    if !tried.is_empty() {
        bottom = rows.bottom().max(lanes.bottom());
        drawn.extend(grid(&axis, &lanes, bottom));
        drawn.extend(lanes::bars(&tried, &axis, &lanes));
        drawn.extend(rows.shapes(&tried));
        bottom += 24.0;
    }
    let marks = marks::marks(&tried, &axis, &lanes, &rows)?;
    let room_for_tips = if marks.is_empty() { 0.0 } else { 24.0 };
    Ok(Timeline {
        width: WIDTH,
        height: bottom + room_for_tips,
        summary: summary(manifest, &tried),
        picture: shapes(&drawn)?,
        any_waits: tried.iter().any(|t| t.waited.is_some()),
        any_healed: tried.iter().any(|t| t.waited.is_some() && !t.failed),
        tip_x: LEFT,
        tip_y: bottom + 14.0,
        left_out: left_out(&tried, &lanes, &rows),
        lines_title: lines_title(tried.len()),
        lines: lines(&tried),
        marks,
    })
}

/// The lanes' names and the moments below them.
fn grid(axis: &Axis, lanes: &Lanes, bottom: f64) -> Vec<Shape> {
    let mut drawn = Vec::new();
    let in_ms = axis.to - axis.from < 2000.0;
    let (unit, name) = if in_ms { (1.0, "ms") } else { (1e3, "s") };
    for (at, label) in ticks(axis.from / unit, axis.to / unit, 8.0) {
        let x = axis.x(at * unit);
        drawn.push(Shape::line("grid", (x, stages::BOTTOM), (x, bottom + 4.0)));
        drawn.push(Shape::centred("soft", (x, bottom + 18.0), format!("{label} {name}")));
    }
    // Names of lanes that are lower than a line of text would overlap.
    let step = (15.0 / lanes.height).ceil() as usize;
    for worker in lanes.workers().iter().step_by(step.max(1)) {
        let (y, height) = lanes.bar(*worker);
        drawn.push(Shape::text_before("label", (LEFT - 10.0, y + height / 2.0 + 4.0), format!("worker {worker}")));
    }
    drawn.push(Shape::line("axis", (LEFT, lanes.bottom() + 2.0), (LEFT + axis.width(), lanes.bottom() + 2.0)));
    drawn
}

fn summary(manifest: &Manifest, tried: &[Tried<'_>]) -> String {
    let failed = tried.iter().filter(|t| t.failed).count() as u64;
    let healed = tried.iter().filter(|t| t.attempt > 1 && !t.failed).count() as u64;
    let shards = counted(manifest.shards as u64, "shard");
    let resumed = match manifest.resumed_shards as u64 {
        0 => String::new(),
        n => format!(" {} reused from an earlier, unfinished run.", counted(n, "shard")),
    };
    if tried.is_empty() {
        return format!("{shards}, none of them built in this run.{resumed}");
    }
    let longest = tried.iter().map(|t| t.to - t.from).fold(0.0, f64::max);
    let attempts = counted(tried.len() as u64, "attempt");
    let what = match (failed, healed) {
        (0, _) => "none failed".to_owned(),
        (f, 0) => format!("{} failed, no shard recovered by a retry", grouped(f)),
        (f, h) => format!("{} failed, {} recovered by a retry", grouped(f), counted(h, "shard")),
    };
    format!("{shards}, {attempts}: {what}. The longest took {}.{resumed}", seconds(longest / 1e3))
}

fn left_out(tried: &[Tried<'_>], lanes: &Lanes, rows: &Rows) -> Vec<String> {
    let marks = tried.iter().filter(|t| t.is_notable()).count().saturating_sub(marks::MOST_MARKS);
    let left_out = [
        (lanes.left_out, "workers are not drawn"),
        (rows.left_out, "shards with retries have no row of their own"),
        (marks, "failed or repeated attempts are not drawn"),
    ];
    left_out.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} more {what}", grouped(n as u64))).collect()
}

fn lines_title(attempts: usize) -> String {
    if attempts <= MOST_LINES {
        format!("All {}", counted(attempts as u64, "attempt"))
    } else {
        format!(
            "{MOST_LINES} of {}: those that failed or were repeated, then the longest",
            counted(attempts as u64, "attempt")
        )
    }
}

/// Lines of the table: all attempts in order of time, or the notable ones and those that took longest.
fn lines(tried: &[Tried<'_>]) -> Vec<Line> {
    let mut chosen: Vec<&Tried<'_>> = tried.iter().collect();
    if tried.len() > MOST_LINES {
        chosen.sort_by(|a, b| {
            b.is_notable().cmp(&a.is_notable()).then_with(|| {
                // Notable ones stay in order of time, like the marks that link to them.
                if a.is_notable() { a.from.total_cmp(&b.from) } else { (b.to - b.from).total_cmp(&(a.to - a.from)) }
            })
        });
        chosen.truncate(MOST_LINES);
    }
    chosen.into_iter().map(line).collect()
}

fn line(tried: &Tried<'_>) -> Line {
    let told = match (tried.failed, tried.error, tried.customers) {
        (true, error, _) => error.unwrap_or("failed").to_owned(),
        (false, _, Some(customers)) => counted(customers, "profile"),
        (false, _, None) => String::new(),
    };
    Line {
        id: marks::id(tried),
        shard: tried.shard,
        attempt: tried.attempt,
        worker: tried.worker,
        started: seconds(tried.from / 1e3),
        took: seconds((tried.to - tried.from) / 1e3),
        waited: tried.waited.map(|waited| seconds(waited / 1e3)).unwrap_or_default(),
        failed: tried.failed,
        retried: tried.attempt > 1,
        told: crate::cli::tell::words::cut(&told, 300),
    }
}
