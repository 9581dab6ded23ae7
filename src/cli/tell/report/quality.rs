//! The section of coverage and data quality: how many customers each source has, which columns are often empty, what
//! could not be read. Shows no cell.

use onefold::Result;
use onefold::manifest::Manifest;
use serde::Serialize;

use super::bars::{self, About, Bar};
use super::profiles::{Nulls, Profiles};
use super::rejects::Reason;
use crate::cli::tell::draw::Safe;
use crate::cli::tell::words::{counted, grouped};

/// Most lines of a table.
const MOST: usize = 200;
/// Reasons that are always shown; the others are in a part that can be opened.
const AT_ONCE: usize = 12;

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct Quality {
    coverage: Option<Safe>,
    /// Columns with nulls, the most nulls first.
    nulls: Option<Safe>,
    /// Whether the Parquet file could be read for them.
    asked: bool,
    /// Columns without a null.
    full: Vec<String>,
    /// Columns whose nulls the file does not record.
    unknown: Vec<String>,
    bad_values: Option<Safe>,
    /// Number of typed columns without bad values.
    clean: Option<String>,
    reasons: Vec<ReasonLine>,
    more_reasons: Vec<ReasonLine>,
    /// Number of reasons that are not listed, and of their rejects.
    left_out: Option<(String, String)>,
    /// Sources whose rejects file is missing.
    gone: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ReasonLine {
    source: String,
    reason: String,
    meaning: &'static str,
    column: String,
    count: String,
    first: String,
    /// Whether it rejects the whole row.
    row: bool,
}

/// The quality of a run's data; `rejects` has its reasons, and the sources whose rejects file is missing.
pub(super) fn quality(
    manifest: &Manifest,
    profiles: Option<&Profiles>,
    rejects: (Vec<Reason>, Vec<String>),
) -> Result<Quality> {
    let columns = profiles.map(Profiles::nulls);
    let named = |keep: fn(&Nulls) -> bool| {
        columns.iter().flatten().filter(|n| keep(n)).map(|n| n.column.clone()).collect::<Vec<_>>()
    };
    let typed = manifest.ledger.0.values().flat_map(|l| l.bad_values.values());
    let clean = typed.filter(|n| **n == 0).count() as u64;
    let (reasons, gone) = rejects;
    let mut lines: Vec<ReasonLine> = reasons.iter().take(MOST).map(reason_line).collect();
    let at_once = if lines.len() <= AT_ONCE + 1 { lines.len() } else { AT_ONCE };
    Ok(Quality {
        coverage: table("Profiles by source", ["source", "sources"], &coverage(manifest))?,
        full: named(|n| n.nulls == Some(0)),
        unknown: named(|n| n.nulls.is_none()),
        asked: columns.is_some(),
        nulls: table(
            "Empty cells by column",
            ["column", "columns"],
            &nulls(columns.as_deref().unwrap_or_default(), manifest),
        )?,
        bad_values: table("Bad values by source and column", ["column", "columns"], &bad_values(manifest))?,
        clean: (clean > 0).then(|| counted(clean, "typed column")),
        left_out: left_out(&reasons),
        more_reasons: lines.split_off(at_once),
        reasons: lines,
        gone,
    })
}

/// A table of bars, with the singular and plural of what its lines are; none without bars.
fn table(caption: &str, [one, many]: [&str; 2], bars: &[Bar]) -> Result<Option<Safe>> {
    let about = About { caption, columns: [one, "count", "share"], lines: many };
    (!bars.is_empty()).then(|| bars::table(about, bars)).transpose()
}

fn coverage(manifest: &Manifest) -> Vec<Bar> {
    let total = manifest.customers.total;
    manifest.customers.per_source.iter().map(|(source, n)| Bar::of(source, "done", *n, total)).collect()
}

fn nulls(columns: &[Nulls], manifest: &Manifest) -> Vec<Bar> {
    let mut some: Vec<(&str, u64)> =
        columns.iter().filter_map(|n| Some((n.column.as_str(), n.nulls.filter(|n| *n > 0)?))).collect();
    // Columns with the same number of nulls stay in the order of the output.
    some.sort_by_key(|(_, nulls)| std::cmp::Reverse(*nulls));
    some.into_iter().map(|(column, nulls)| Bar::of(column, "empty", nulls, manifest.customers.total)).collect()
}

/// Columns with bad values, the most first.
fn bad_values(manifest: &Manifest) -> Vec<Bar> {
    let mut bad: Vec<(String, u64, u64)> = Vec::new();
    for (source, ledger) in &manifest.ledger.0 {
        let accepted = ledger.rows_read.saturating_sub(ledger.rows_rejected);
        let some = ledger.bad_values.iter().filter(|(_, n)| **n > 0);
        bad.extend(some.map(|(column, n)| (format!("{source}: {column}"), *n, accepted)));
    }
    bad.sort_by_key(|(_, n, _)| std::cmp::Reverse(*n));
    bad.into_iter().take(MOST).map(|(name, n, accepted)| Bar::of(name, "rejected", n, accepted)).collect()
}

fn left_out(reasons: &[Reason]) -> Option<(String, String)> {
    let rest = reasons.get(MOST..).filter(|rest| !rest.is_empty())?;
    Some((grouped(rest.len() as u64), grouped(rest.iter().map(|r| r.count).sum())))
}

fn reason_line(reason: &Reason) -> ReasonLine {
    let Reason { source, reason, column, count: n, first_file, first_line } = reason;
    ReasonLine {
        source: source.clone(),
        reason: reason.clone(),
        meaning: meaning(reason),
        column: column.clone(),
        count: grouped(*n),
        first: format!("{first_file} line {first_line}"),
        row: column.is_empty(),
    }
}

/// What a reason in a rejects file means.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "encoding" => "bytes that are not text in the file's encoding",
        "field_count" => "another number of fields than in the header",
        "blank_id" => "no customer id",
        "quote" => "a quote inside or behind a field",
        "json" => "no JSON object",
        "header" => "the header again",
        "bad_id" => "an id that is not of its kind",
        "rounded_id" => "an id of which a spreadsheet dropped the last digits",
        "bad_value" => "does not fit the column's type; became null",
        "no_currency" => "an amount of money without a currency; became null",
        _ => "",
    }
}
