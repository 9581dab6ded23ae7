//! The results as tables: which value is in which column, and how that looks on a terminal with 100 columns. Computes
//! no value.

use serde::Serialize;

use super::results::{About, Outcome, different, stage_names};
use crate::cli::tell::table::{First, aligned};
use crate::cli::tell::words::{bytes as si, counted, grouped};

/// A table: a header and a row for each number of shards, all cells as text.
#[derive(Debug, Serialize)]
pub struct Grid {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The text for the terminal.
pub fn of(outcomes: &[Outcome], about: &About) -> String {
    let [input, how] = setting(about);
    let notes: String = notes(outcomes).iter().map(|line| format!("{line}\n")).collect();
    format!(
        "{input}\n{how}\n\n{}\nseconds per stage, medians\n{}\n{notes}{}\n",
        text(&figures(outcomes)),
        text(&stages(outcomes)),
        verdict(outcomes)
    )
}

/// What was measured and how, in two lines.
pub fn setting(about: &About) -> [String; 2] {
    let About { input, rows, bytes, threads, memory_limit, runs, warm_up, .. } = about;
    let limit = memory_limit.map(|limit| format!(", memory limit {}", si(limit))).unwrap_or_default();
    [
        format!("{input}: {} rows, {}", grouped(*rows), si(*bytes)),
        format!(
            "{}{limit}; {} per number of shards after {warm_up} to warm up, in alternating order",
            counted(*threads as u64, "thread"),
            counted(*runs as u64, "measured run")
        ),
    ]
}

/// What the numbers mean.
pub fn notes(outcomes: &[Outcome]) -> Vec<String> {
    let baseline = outcomes.first().map_or(1, |o| o.baseline_shards);
    let mut notes = vec![
        format!("speed-up: wall time compared with {}; mad: median absolute deviation", shards(baseline)),
        "rest: start, end and publishing; peak: most resident memory of any run".to_owned(),
    ];
    if let Some(default) = outcomes.iter().find(|o| o.is_default) {
        notes.push(format!("without --shards, a run with this input has {}", shards(default.shards)));
    }
    notes
}

/// Whether the outputs were the same.
pub fn verdict(outcomes: &[Outcome]) -> String {
    match different(outcomes) {
        None => "every run wrote the same outputs".to_owned(),
        Some(counts) => format!("THE OUTPUTS DIFFER: those with {counts} shards from those of the first run"),
    }
}

/// `1 shard`, `2 shards`.
pub fn shards(count: usize) -> String {
    counted(count as u64, "shard")
}

/// The table of complete runs.
pub fn figures(outcomes: &[Outcome]) -> Grid {
    let header = ["shards", "median s", "min", "max", "mad", "speed-up", "rows/s", "MB/s", "CPU s", "peak", "same"];
    let (seconds, unknown) = (seconds(outcomes), || "?".to_owned());
    let row = |o: &Outcome| {
        vec![
            o.shards.to_string(),
            seconds(o.seconds_median),
            seconds(o.seconds_min),
            seconds(o.seconds_max),
            seconds(o.seconds_mad),
            format!("{:.2}x", o.speedup),
            grouped(o.rows_per_second as u64),
            format!("{:.1}", o.mb_per_second),
            o.cpu_seconds.map_or_else(unknown, |s| format!("{s:.2}")),
            o.peak_memory_bytes.map_or_else(unknown, si),
            if o.same_bytes { "yes" } else { "NO" }.to_owned(),
        ]
    };
    Grid { header: header.map(str::to_owned).into(), rows: outcomes.iter().map(row).collect() }
}

/// The table of the stages' medians, and the rest.
pub fn stages(outcomes: &[Outcome]) -> Grid {
    let (names, seconds) = (stage_names(outcomes), seconds(outcomes));
    let row = |o: &Outcome| {
        let stages = names.iter().map(|name| seconds(o.stages.get(*name).copied().unwrap_or_default()));
        std::iter::once(o.shards.to_string()).chain(stages).chain([seconds(o.rest())]).collect()
    };
    let header = std::iter::once("shards").chain(names.iter().copied()).chain(["rest"]);
    Grid { header: header.map(str::to_owned).collect(), rows: outcomes.iter().map(row).collect() }
}

/// How seconds are written: with milliseconds only if all runs are short.
fn seconds(outcomes: &[Outcome]) -> impl Fn(f64) -> String {
    let decimals = if outcomes.iter().all(|o| o.seconds_max < 100.0) { 3 } else { 2 };
    move |seconds| format!("{seconds:.decimals$}")
}

/// The table as text, which fits in 100 columns.
fn text(grid: &Grid) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(&grid.header).chain(&grid.rows).cloned().collect();
    aligned(&rows, First::Right, usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::bench::results::tests::example;

    #[test]
    fn the_tables_fit_and_say_which_bytes_differ() {
        let (outcomes, about) = example();
        let text = of(&outcomes, &about);
        assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
        assert!(text.contains("speed-up: wall time compared with 2 shards") && text.contains("has 8 shards"), "{text}");
        assert!(text.contains("THE OUTPUTS DIFFER: those with 2 shards"), "{text}");
        assert!(text.contains("       8     2.000  1.000  3.000  1.000     2.00x"), "{text}");
        assert!(of(&outcomes[..1], &about).ends_with("every run wrote the same outputs\n"));
    }

    #[test]
    fn large_figures_fit_too() {
        let (mut outcomes, about) = example();
        for o in &mut outcomes {
            (o.shards, o.seconds_median, o.seconds_min, o.seconds_max) = (65_536, 1234.567, 1200.0, 1300.5);
            (o.rows_per_second, o.mb_per_second, o.speedup) = (12_345_678.9, 1234.5, 10.01);
            (o.cpu_seconds, o.peak_memory_bytes) = (Some(12_345.67), Some(123_456_789_012));
        }
        assert!(of(&outcomes, &about).lines().all(|l| l.chars().count() <= 100), "{}", of(&outcomes, &about));
    }
}
