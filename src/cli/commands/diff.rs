//! `onefold diff`: what changed between two outputs, for people, as JSON, or change by change as CSV. Compares nothing
//! itself.

use std::fmt::Write;
use std::io::{self, BufWriter};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use onefold::diff::{Change, Diff, Regrouped, ScoreChanges, ScoreMoves, Sides, diff};
use onefold::{Error, Result};

use crate::cli::tell::out::OutputFormat;
use crate::cli::tell::words::{counted, grouped};
use crate::cli::{Verbosity, help};

/// Flags of `onefold diff`.
#[derive(Debug, Args)]
#[command(after_long_help = help::DIFF)]
pub struct DiffArgs {
    /// Output folder, or profiles.parquet, of the earlier run
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Output folder, or profiles.parquet, of the later run
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// As --format json
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print one CSV line per change: id, change, column, old, new
    #[arg(long)]
    csv: bool,
    /// How many customers to list for each score
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    format: OutputFormat,
}

impl DiffArgs {
    pub fn run(&self, verbosity: &Verbosity) -> Result<()> {
        let Self { old, new, json, csv, top, format } = self;
        if *csv {
            return print_csv(old, new);
        }
        let found = diff(old, new, *top)?;
        format.or_json(*json).say(verbosity, || text(&found, *top), &found)
    }
}

fn text(found: &Diff, top: usize) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(found, top, &mut text);
    text
}

/// Prints every change when it is found, until the end or until the reader closes the pipe.
fn print_csv(old: &Path, new: &Path) -> Result<()> {
    let sides = Sides::open(old, new)?;
    let mut csv = csv::WriterBuilder::new().from_writer(BufWriter::with_capacity(1 << 16, io::stdout().lock()));
    let mut print = |record: [&[u8]; 5]| told(csv.write_record(record));
    if print([sides.id().as_bytes(), b"change", b"column", b"old", b"new"])?.is_break() {
        return Ok(());
    }
    let mut listener = |change: &Change<'_>| match *change {
        Change::Added { customer } => print([customer.as_bytes(), b"added", b"", b"", b""]),
        Change::Gone { customer } => print([customer.as_bytes(), b"gone", b"", b"", b""]),
        Change::Changed { customer, column, old, new } => {
            print([customer.as_bytes(), b"changed", column.as_bytes(), old, new])
        }
    };
    let found = sides.diff(0, Some(&mut listener))?;
    for (change, of, _) in regrouped(&found) {
        for Regrouped { old, new, .. } in of {
            let id = if new.len() == 1 { &new[0] } else { &old[0] };
            let (old, new) = (old.join(";"), new.join(";"));
            if print([id.as_bytes(), change.as_bytes(), b"", old.as_bytes(), new.as_bytes()])?.is_break() {
                return Ok(());
            }
        }
    }
    told(csv.flush().map_err(Into::into)).map(drop)
}

/// What became of customers by their identifiers: what it is called, which, and in words.
fn regrouped(found: &Diff) -> [(&'static str, &[Regrouped], &'static str); 3] {
    let none: (&[Regrouped], &[Regrouped], &[Regrouped]) = (&[], &[], &[]);
    let (merged, split, renamed) = match &found.identity {
        Some(identity) => (&identity.merged[..], &identity.split[..], &identity.renamed[..]),
        None => none,
    };
    [
        ("merged", merged, "with identifiers of several old ones"),
        ("split", split, "whose identifiers are now several customers'"),
        ("renamed", renamed, "with the same identifiers and another id"),
    ]
}

/// The error of a write, but none for a closed pipe: its reader has enough.
fn told(written: csv::Result<()>) -> Result<ControlFlow<()>> {
    match written.map_err(csv::Error::into_kind) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(csv::ErrorKind::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(csv::ErrorKind::Io(e)) => Err(Error::writing("write", Path::new("standard output"), e)),
        Err(other) => Err(Error::Bug(format!("difference: {other:?}"))),
    }
}

fn write(found: &Diff, top: usize, text: &mut String) -> std::fmt::Result {
    let Diff { old, new, id: _, customers, columns, changes, scores, .. } = found;
    for (name, side) in [("old", old), ("new", new)] {
        let run = side.run_id.as_ref().map_or(String::new(), |run| format!(", run {run}"));
        writeln!(text, "{name}: {}, {} customers{run}", side.path, grouped(side.customers))?;
    }
    writeln!(text)?;
    let counts = [
        ("added", customers.added),
        ("gone", customers.gone),
        ("changed", customers.changed),
        ("the same", customers.same),
    ];
    counts.iter().try_for_each(|(what, n)| writeln!(text, "{:>14}  {what}", grouped(*n)))?;
    for (what, names) in [("added", &columns.added), ("removed", &columns.removed)] {
        if !names.is_empty() {
            writeln!(text, "columns {what}: {}", names.join(", "))?;
        }
    }
    for column in &columns.retyped {
        let onefold::diff::Retyped { column, old, new, .. } = column;
        writeln!(text, "column {column} changed its type from {old} to {new}; compared as text")?;
    }
    if !columns.not_compared.is_empty() {
        writeln!(text, "not compared: {}", columns.not_compared.join(", "))?;
    }
    let mut changed: Vec<(&String, &u64)> = changes.iter().filter(|(_, n)| **n > 0).collect();
    // The sort is stable: equal counts stay in the new output's order.
    changed.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    if !changed.is_empty() {
        writeln!(text, "\nChanges by column")?;
    }
    changed.into_iter().try_for_each(|(column, n)| writeln!(text, "{:>14}  {column}", grouped(*n)))?;
    for (change, of, words) in regrouped(found).into_iter().filter(|(_, of, _)| !of.is_empty()) {
        writeln!(text, "\n{} {change}, {words}", counted(of.len() as u64, "customer"))?;
        for Regrouped { old, new, .. } in of.iter().take(top) {
            writeln!(text, "  {} → {}", shown(old), shown(new))?;
        }
    }
    scores.iter().try_for_each(|score| write_score(score, text))
}

/// Ids on one line, with control characters as escapes.
fn shown(ids: &[String]) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    ids.join(" + ").chars().map(escaped).collect()
}

fn write_score(changes: &ScoreChanges, text: &mut String) -> std::fmt::Result {
    let ScoreChanges { score, moves, .. } = changes;
    match moves {
        ScoreMoves::Points { raised, lowered, appeared, vanished, movers } => {
            let counts = [(raised, "up"), (lowered, "down"), (appeared, "no longer null"), (vanished, "now null")];
            let counts: Vec<String> =
                counts.iter().filter(|(n, _)| **n > 0).map(|(n, what)| format!("{} {what}", grouped(**n))).collect();
            let told = if counts.is_empty() { "no changes".to_owned() } else { counts.join(", ") };
            writeln!(text, "\n{score}: {told}")?;
            for m in movers {
                let change = i128::from(m.new) - i128::from(m.old);
                writeln!(text, "{change:>+14}  {}: {} → {}", m.customer, m.old, m.new)?;
            }
            Ok(())
        }
        ScoreMoves::Bands { moves } if moves.is_empty() => writeln!(text, "\n{score}: no changes"),
        ScoreMoves::Bands { moves } => {
            writeln!(text, "\n{score}")?;
            let band = |band: &Option<String>| band.clone().unwrap_or_else(|| "null".into());
            moves
                .iter()
                .try_for_each(|m| writeln!(text, "{:>14}  {} → {}", grouped(m.customers), band(&m.from), band(&m.to)))
        }
    }
}
