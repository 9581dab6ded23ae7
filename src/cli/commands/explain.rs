//! `onefold explain`: where each field of a profile comes from, and why it has its scores. Computes nothing itself.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use onefold::explain::{
    At, Beaten, Explanation, Field, Identifier, Identity, Lines, Origin, Reasons, RefusedIdentifier, SourceRows, Used,
    explain,
};
use onefold::{Inputs, Result};
use serde_json::Value;

use crate::cli::commands::run::source_file;
use crate::cli::tell::out::OutputFormat;
use crate::cli::tell::words::counted;
use crate::cli::{Verbosity, help};

/// Flags of `onefold explain`.
#[derive(Debug, Args)]
#[command(after_long_help = help::EXPLAIN)]
pub struct ExplainArgs {
    /// The customer's id, as in the profiles
    #[arg(value_name = "CUSTOMER_ID", allow_negative_numbers = true)]
    customer: String,
    /// Say how this identifier came to the customer, or what was refused between both
    #[arg(long, value_name = "ID")]
    path_to: Option<String>,
    /// Folder of the run's input files
    #[arg(long, value_name = "DIR", default_value = "sample_data")]
    input: PathBuf,
    /// Folder of the run's outputs
    #[arg(long, value_name = "DIR", default_value = "data_out")]
    output: PathBuf,
    /// New place of a source's file, if it has moved since the run; repeatable, in the order of the run
    #[arg(long, value_name = "NAME=FILE", value_parser = source_file)]
    source: Vec<(String, PathBuf)>,
    /// As --format json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    format: OutputFormat,
}

impl ExplainArgs {
    pub fn run(&self, verbosity: &Verbosity) -> Result<()> {
        let Self { customer, path_to, input, output, source, json, format } = self;
        let mut inputs = Inputs::of(input);
        inputs.overrides.clone_from(source);
        let explanation = explain(&inputs, output, customer, path_to.as_deref())?;
        format.or_json(*json).say(verbosity, || text(&explanation), &explanation)
    }
}

fn text(explanation: &Explanation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(explanation, &mut text);
    text
}

fn write(explanation: &Explanation, text: &mut String) -> std::fmt::Result {
    let Explanation { customer, profile, run_id, as_of, fields, scores, sources, identity, .. } = explanation;
    let as_of = as_of.as_ref().map_or(String::new(), |day| format!(", as of {day}"));
    writeln!(text, "{} in profile {profile}, run {run_id}{as_of}", shown_text(customer))?;
    let width = fields.iter().map(|f| f.column.chars().count()).max().unwrap_or(0);
    for (head, in_output) in [("Fields", true), ("Not in the output", false)] {
        let mut listed = fields.iter().filter(|f| f.in_output == in_output).peekable();
        if listed.peek().is_some() {
            writeln!(text, "\n{head}")?;
        }
        listed.try_for_each(|field| write_field(field, sources, width, text))?;
    }
    for reasons in scores {
        write_reasons(reasons, text)?;
    }
    writeln!(text, "\nRows")?;
    sources.iter().try_for_each(|source| write_source(source, text))?;
    identity.iter().try_for_each(|identity| write_identity(identity, text))
}

fn write_identity(identity: &Identity, text: &mut String) -> std::fmt::Result {
    let Identity { identifiers, refused, path, .. } = identity;
    match path {
        Some(path) => {
            writeln!(text, "\nPath")?;
            path.iter().enumerate().try_for_each(|(depth, id)| write_identifier(id, depth, text))?;
        }
        None => {
            writeln!(text, "\nIdentifiers")?;
            let roots = identifiers.iter().filter(|id| id.via.is_none());
            let mut waiting: Vec<(&Identifier, usize)> = roots.map(|id| (id, 0)).collect();
            while let Some((id, depth)) = waiting.pop() {
                write_identifier(id, depth, text)?;
                let below = identifiers
                    .iter()
                    .rev()
                    .filter(|other| other.via.as_ref() == Some(&format!("{}:{}", id.kind, id.value)));
                waiting.extend(below.map(|other| (other, depth + 1)));
            }
        }
    }
    if !refused.is_empty() {
        writeln!(text, "\nRefused")?;
    }
    for RefusedIdentifier { kind, value, reason, rows, customers, file, line, .. } in refused {
        let id = shown_text(&format!("{kind}:{value}"));
        writeln!(text, "  {id}  {reason}, in {}, first {} line {line}", counted(*rows, "row"), shown_text(file))?;
        if customers.len() > 1 {
            writeln!(text, "    would link {}", shown_text(&customers.join(", ")))?;
        }
    }
    Ok(())
}

fn write_identifier(id: &Identifier, depth: usize, text: &mut String) -> std::fmt::Result {
    let Identifier { kind, value, state, rule, file, line, .. } = id;
    let how = if rule == "self" { String::new() } else { format!("by {rule}, ") };
    let merged = if state == "merged" { "merged, " } else { "" };
    let id = shown_text(&format!("{kind}:{value}"));
    writeln!(text, "  {:indent$}{id}  ({merged}{how}{} line {line})", "", shown_text(file), indent = depth * 2)
}

fn write_field(field: &Field, sources: &[SourceRows], width: usize, text: &mut String) -> std::fmt::Result {
    let Field { column, value, in_output: _, origin, .. } = field;
    write!(text, "  {column:<width$}  {}", shown(value))?;
    match origin {
        Origin::Id | Origin::Identifiers | Origin::Score | Origin::BuiltIn => writeln!(text),
        Origin::NoRow { source } => writeln!(text, "  (the customer is not in {source})"),
        Origin::Row { source, file_column, at, bad_value, filled_from, beaten_rows, beat } => {
            let renamed = if file_column == column { String::new() } else { format!(" column {file_column}") };
            let bad = if *bad_value { ", a bad value" } else { "" };
            let filled = filled_from.as_ref().map_or(String::new(), |at| format!(", null; filled from {}", place(at)));
            writeln!(text, "  ({}{renamed}{bad}{filled})", place(at))?;
            let by = sources.iter().find(|s| s.source == *source).and_then(|s| s.latest_by.as_deref());
            write_beaten(value, (beat, *beaten_rows), by, width, text)
        }
        Origin::Aggregate { source, expression, uses: _, rows } => {
            writeln!(text, "  (= {} over {} of {source})", shown_text(expression), counted(*rows as u64, "row"))
        }
        Origin::OneOf { pick, uses } => {
            writeln!(text, "  ({pick} of {})", uses.len())?;
            uses.iter().try_for_each(|used| writeln!(text, "  {:<width$}    {}", "", equation(used)))
        }
        Origin::Computed { expression, uses } => {
            writeln!(text, "  (= {})", shown_text(expression))?;
            uses.iter().try_for_each(|used| writeln!(text, "  {:<width$}    {}", "", equation(used)))
        }
    }
}

fn write_beaten(
    value: &Value,
    (beat, all): (&[Beaten], usize),
    by: Option<&str>,
    width: usize,
    text: &mut String,
) -> std::fmt::Result {
    for beaten in beat {
        let old = if beaten.value == *value { "the same".to_owned() } else { shown(&beaten.value) };
        let of = by.map_or(String::new(), |by| format!(", {by} {}", shown(&beaten.latest)));
        writeln!(text, "  {:<width$}    replaced {old} ({}{of})", "", place(&beaten.at))?;
    }
    match all - beat.len() {
        0 => Ok(()),
        more => writeln!(text, "  {:<width$}    and {more} more", ""),
    }
}

fn write_reasons(reasons: &Reasons, text: &mut String) -> std::fmt::Result {
    let Reasons {
        score, value, in_output, base, rules, sum, clamp, points, band, band_at_least, unknown, signals, ..
    } = reasons;
    let inside = if *in_output { "" } else { ", not in the output" };
    writeln!(text, "\n{score}: {}{inside}", shown(value))?;
    if *base != 0 || rules.is_empty() {
        writeln!(text, "  {base:>+6}  base")?;
    }
    for rule in rules.iter().filter(|r| r.holds == Some(true)) {
        let because = if rule.because.is_empty() { String::new() } else { format!("{}: ", rule.because) };
        writeln!(text, "  {:>+6}  {because}{}", rule.add, shown_text(&rule.when))?;
    }
    writeln!(text, "  {sum:>6}  sum")?;
    if let Some((low, high)) = clamp.filter(|_| points != sum) {
        writeln!(text, "  {points:>6}  limited to {low} to {high}")?;
    }
    match (band, band_at_least) {
        _ if unknown.len() == signals.len() => {}
        (Some(label), Some(bound)) => writeln!(text, "          {label}: at least {bound}")?,
        (Some(label), None) => writeln!(text, "          {label}: below every other band")?,
        _ => {}
    }
    match (unknown.len(), signals.len()) {
        (0, _) => Ok(()),
        (none, all) if none == all => {
            writeln!(text, "          null because all of these are unknown: {}", unknown.join(", "))
        }
        _ => writeln!(text, "          unknown: {}", unknown.join(", ")),
    }
}

fn write_source(source: &SourceRows, text: &mut String) -> std::fmt::Result {
    let SourceRows { source, rows, used, latest_by, latest, lines, first, rejected, .. } = source;
    let rule = match (latest_by, latest) {
        (Some(by), Some(latest)) => format!(", the one with the latest {by} is used: {}", shown(latest)),
        _ if used == rows => ", all are used".to_owned(),
        _ => ", the last one is used".to_owned(),
    };
    writeln!(text, "  {source}: {}{}", counted(*rows as u64, "row"), if *rows > 1 { rule.as_str() } else { "" })?;
    let listed = first.iter().map(place).collect::<Vec<_>>().join(", ");
    match rows - first.len() {
        _ if first.is_empty() => {}
        0 => writeln!(text, "    {listed}")?,
        more => {
            writeln!(text, "    {listed} and {more} more")?;
            for Lines { file, rows, first_line, last_line, .. } in lines {
                let rows = counted(*rows as u64, "row");
                writeln!(text, "    {file}: {rows} in lines {first_line} to {last_line}")?;
            }
        }
    }
    rejected.iter().try_for_each(|place| writeln!(text, "    rejected: {place}"))
}

fn equation(used: &Used) -> String {
    format!("{} = {}", used.column, shown(&used.value))
}

fn place(at: &At) -> String {
    format!("{} line {}", at.file, at.line)
}

/// A value for people: text unchanged, null as `null`.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => shown_text(text),
        other => other.to_string(),
    }
}

/// Text on one line: characters that would move a terminal's cursor are written as escapes.
fn shown_text(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    text.chars().map(escaped).collect()
}
