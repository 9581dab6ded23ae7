//! A run's state as lines of text, each within the terminal's width. Uses no terminal and no clock.

use std::time::Duration;

use onefold::event::Stage;

use super::look::{Ink, Look, Signs};
use super::state::{Shard, StageBar, State};
use crate::cli::tell::words::grouped;

/// How fast the current stage is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Bytes, shards or profiles per second.
    pub per_second: f64,
    /// Time left; zero if it is not known.
    pub left: Duration,
}

/// Columns before bar and grid, for a stage's name.
const INDENT: usize = 6;
/// A shorter bar says less than the numbers beside it.
const SHORTEST_BAR: usize = 8;
/// Most lines of the grid; if there are more shards, several share a cell.
const GRID_LINES: usize = 3;
/// Most columns of a line; a longer bar would say no more.
const WIDEST: usize = 100;

/// The picture as lines.
pub fn lines(state: &State, pace: &Pace, look: Look, width: usize) -> Vec<String> {
    // The last column stays empty, because some terminals start a new line as soon as it is written.
    let width = width.saturating_sub(1).min(WIDEST);
    let mut lines: Vec<String> = state.stages.iter().map(|stage| bar(stage, pace, look, width)).collect();
    if state.stages.last().is_some_and(|stage| stage.stage == Stage::Build) {
        lines.extend(grid(&state.shards, look, width));
    }
    lines
}

/// Name, bar, percentage and as many numbers as there is room for.
fn bar(stage: &StageBar, pace: &Pace, look: Look, width: usize) -> String {
    let name = match stage.stage {
        Stage::Route => "route",
        Stage::Link => "link",
        Stage::Build => "build",
        Stage::Write => "write",
    };
    let percent = match (stage.took, stage.total) {
        (Some(_), _) | (None, 0) => 100,
        (None, total) => stage.done.min(total) * 100 / total,
    };
    let mut facts = facts(stage, pace);
    let taken = |facts: &[String]| INDENT + 5 + facts.iter().map(|f| f.chars().count() + 2).sum::<usize>();
    while !facts.is_empty() && taken(&facts) + SHORTEST_BAR > width {
        facts.remove(0);
    }
    let cells = width.saturating_sub(taken(&facts));
    let full = usize::try_from(percent).unwrap_or(0) * cells / 100;
    let run = |sign: char, length: usize| sign.to_string().repeat(length);
    let ink = if stage.took.is_some() { Ink::Green } else { Ink::Cyan };
    let facts: String = facts.iter().map(|fact| format!("  {fact}")).collect();
    let line = [
        (Ink::Bold, format!("{name:<INDENT$}")),
        (ink, run(look.signs.full, full)),
        (Ink::Dim, run(look.signs.empty, cells - full)),
        (Ink::Plain, format!("{percent:>4}%{facts}")),
    ];
    fitted(&line, look, width)
}

/// The numbers beside a bar, the most important last; each always has the same width, so that the bar does not move.
fn facts(stage: &StageBar, pace: &Pace) -> Vec<String> {
    let StageBar { stage: kind, done, total, rows, took, .. } = stage;
    let time = match took {
        Some(took) => format!("{:>8.1} s", took.as_secs_f64()),
        None => left(pace.left),
    };
    let rate = took.map_or(pace.per_second, |took| *done as f64 / took.as_secs_f64().max(1e-9));
    match kind {
        Stage::Route => {
            vec![format!("{:>10} rows", grouped(*rows)), format!("{:>4.0} MB/s", (rate / 1e6).min(9999.0)), time]
        }
        Stage::Link => vec![format!("{:>26}", format!("{} rows", grouped(*done))), time],
        Stage::Build => vec![format!("{:>26}", format!("{done} of {total} shards")), time],
        Stage::Write => vec![format!("{:>26}", format!("{} profiles", grouped(*done))), time],
    }
}

/// Time left, in ten columns.
fn left(left: Duration) -> String {
    let seconds = left.as_secs();
    let text = match seconds {
        _ if left.is_zero() => String::new(),
        0..60 => format!("{} s left", seconds + 1),
        60..3600 => format!("{} min left", seconds.div_ceil(60)),
        _ => format!("{} h left", seconds.div_ceil(3600)),
    };
    format!("{text:>10}")
}

/// A cell for each shard, or for several if there are many, and what the cells mean.
fn grid(shards: &[Shard], look: Look, width: usize) -> Vec<String> {
    let columns = width.saturating_sub(INDENT).max(1);
    let per_cell = shards.len().div_ceil(columns * GRID_LINES).max(1);
    let cells: Vec<Shard> = shards.chunks(per_cell).map(cell).collect();
    let mut lines: Vec<String> = cells.chunks(columns).map(|line| row(line, look, width)).collect();
    lines.push(legend(shards, per_cell, look, width));
    lines
}

/// What a cell shows of its shards: the state that matters most.
fn cell(shards: &[Shard]) -> Shard {
    let rank = [Shard::Failed, Shard::Retrying, Shard::Running, Shard::Waiting];
    rank.into_iter().find(|shard| shards.contains(shard)).unwrap_or(Shard::Done)
}

fn row(cells: &[Shard], look: Look, width: usize) -> String {
    let alike = cells.chunk_by(|a, b| a == b).map(|alike| {
        let (sign, ink, _) = drawn(alike[0], look.signs);
        (ink, sign.to_string().repeat(alike.len()))
    });
    let line: Vec<_> = std::iter::once((Ink::Plain, " ".repeat(INDENT))).chain(alike).collect();
    fitted(&line, look, width)
}

/// How many shards are in which state; with words, if they fit.
fn legend(shards: &[Shard], per_cell: usize, look: Look, width: usize) -> String {
    let all = [Shard::Done, Shard::Running, Shard::Retrying, Shard::Failed, Shard::Waiting];
    let counts = all.map(|shard| (shard, shards.iter().filter(|s| **s == shard).count()));
    let line = |words: bool| {
        let mut line = vec![(Ink::Plain, " ".repeat(INDENT - 2))];
        for (shard, count) in counts.iter().filter(|(_, count)| *count > 0) {
            let (sign, ink, word) = drawn(*shard, look.signs);
            let word = if words { format!(" {word}") } else { String::new() };
            line.extend([(ink, format!("  {sign}")), (Ink::Plain, format!(" {count}{word}"))]);
        }
        if per_cell > 1 && words {
            line.push((Ink::Dim, format!("  ({per_cell} shards per cell)")));
        }
        line
    };
    let fits = |line: &[(Ink, String)]| line.iter().map(|(_, piece)| piece.chars().count()).sum::<usize>() <= width;
    let in_words = line(true);
    fitted(&if fits(&in_words) { in_words } else { line(false) }, look, width)
}

fn drawn(shard: Shard, signs: Signs) -> (char, Ink, &'static str) {
    match shard {
        Shard::Waiting => (signs.waiting, Ink::Dim, "waiting"),
        Shard::Running => (signs.running, Ink::Cyan, "running"),
        Shard::Retrying => (signs.retrying, Ink::Yellow, "retrying"),
        Shard::Done => (signs.done, Ink::Green, "done"),
        Shard::Failed => (signs.failed, Ink::Red, "failed"),
    }
}

/// The pieces in their colours, cut at the end of the line.
fn fitted(line: &[(Ink, String)], look: Look, width: usize) -> String {
    let mut room = width;
    let mut text = String::new();
    for (ink, piece) in line {
        let piece: String = piece.chars().take(room).collect();
        room -= piece.chars().count();
        text += &look.paint(*ink, &piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use onefold::event::Event;

    const PACE: Pace = Pace { per_second: 212.4e6, left: Duration::from_millis(2500) };

    fn routing() -> State {
        let mut state = State::default();
        state.begin(Stage::Route, 400_000_000, 0);
        state.happened(&Event::Progress { bytes: 248_000_000, rows: 2_480_000 });
        state
    }

    fn of_shard(event: &str, shard: usize) -> Event {
        let data = r#"{"attempt":1,"attempts":4,"error":"x","wait_ms":1,"n":5,"elapsed_ms":9,"#;
        Event::read(event, &format!(r#"{data}"shard_id":{shard}}}"#)).expect("an event of a shard")
    }

    fn building(shards: usize, events: &[(&str, usize)]) -> State {
        let mut state = routing();
        state.begin(Stage::Build, shards as u64, shards);
        for (event, shard) in events {
            state.happened(&of_shard(event, *shard));
        }
        state
    }

    #[test]
    fn a_bar_gives_rows_speed_and_time_left_as_far_as_they_fit() {
        let line = |width| lines(&routing(), &PACE, Look::PLAIN, width).concat();
        assert_eq!(line(80), "route ━━━━━━━━━━━━━━━━━───────────  62%   2,480,000 rows   212 MB/s    3 s left");
        assert_eq!(line(40), "route ━━━━━━━━━───────  62%    3 s left");
        assert_eq!(line(24), "route ━━━━━━━─────  62%");
        assert_eq!(line(8), "route  ");
    }

    #[test]
    fn a_stage_that_is_over_gives_its_seconds() {
        let state = building(64, &[]);
        let route = &lines(&state, &PACE, Look::PLAIN, 80)[0];
        assert!(route.contains("━ 100%   2,480,000 rows") && route.ends_with(" s"), "{route}");
    }

    #[test]
    fn each_shard_has_its_sign() {
        let events = [("shard_start", 0), ("shard_end", 0), ("shard_start", 1), ("shard_start", 3), ("shard_retry", 3)];
        let lines = lines(&building(6, &events), &PACE, Look::PLAIN, 80);
        assert!(lines[1].contains(" 16%               1 of 6 shards    3 s left"), "{lines:#?}");
        assert_eq!(lines[2], "      ■▸·↻··");
        assert_eq!(lines[3], "      ■ 1 done  ▸ 1 running  ↻ 1 retrying  · 3 waiting");
        assert_eq!(self::lines(&building(6, &events), &PACE, Look::PLAIN, 40)[3], "      ■ 1  ▸ 1  ↻ 1  · 3");
    }

    #[test]
    fn shards_of_an_earlier_run_are_done_without_work() {
        let mut state = building(6, &[("shard_there", 0), ("shard_there", 4)]);
        state.stages[1].total = 4;
        state.happened(&of_shard("shard_end", 1));
        let lines = lines(&state, &PACE, Look::PLAIN, 80);
        assert!(lines[1].contains(" 25%               1 of 4 shards"), "{lines:#?}");
        assert_eq!(lines[2], "      ■■··■·");
    }

    #[test]
    fn many_shards_share_cells_and_a_retry_stays_visible() {
        let events = [("shard_start", 500), ("shard_retry", 500), ("shard_start", 501), ("shard_failed", 999)];
        let lines = lines(&building(1000, &events), &PACE, Look::PLAIN, 80);
        assert_eq!(lines.len(), 2 + 3 + 1);
        assert!(
            lines[3].contains('↻') && lines[4].ends_with('✗') && lines[5].ends_with("(5 shards per cell)"),
            "{lines:#?}"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_colours_change_no_character() {
        let events: Vec<(&str, usize)> =
            (0..300).map(|s| (["shard_start", "shard_retry", "shard_end"][s % 3], s)).collect();
        for shards in [1, 16, 300, 65_536] {
            let mut state = building(shards, &events);
            for width in 1..=130 {
                let plain = lines(&state, &PACE, Look::PLAIN, width);
                assert!(plain.iter().all(|l| l.chars().count() < width.max(2)), "{width}: {plain:#?}");
                let coloured = lines(&state, &PACE, Look::COLOURED, width).join("\n");
                assert_eq!(without_colours(&coloured), plain.join("\n"));
            }
            state.begin(Stage::Write, 1_000_000, 0);
            assert_eq!(lines(&state, &PACE, Look::PLAIN, 80).len(), 3, "the grid is removed when all shards are built");
        }
    }

    fn without_colours(text: &str) -> String {
        let mut parts = text.split("\u{1b}[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + part.split_once('m').expect("a colour").1)
    }
}
