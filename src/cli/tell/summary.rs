//! The summary at the end of a run, for people. Refuses lines over 80 columns.

use std::fmt::Write;
use std::path::Path;

use indexmap::IndexMap;
use onefold::manifest::{Manifest, ShardRecord, SourceLedger};
use serde_json::Number;

use crate::cli::tell::table::{First, aligned};
use crate::cli::tell::words::{bytes as size, counted, seconds as time};

pub use crate::cli::tell::words::grouped;

/// The narrowest usual terminal.
const WIDTH: usize = 80;

/// Most shards that are named one by one.
const NAMED: usize = 8;

/// The summary of a run that was published.
pub fn of(manifest: &Manifest, input: &Path, output: &Path, report: Option<&Path>) -> String {
    let Manifest { customers, ledger, shards, .. } = manifest;
    let sources = ledger.0.len();
    let parts = [
        format!(
            "{} customers from {}, built in {}\n",
            grouped(customers.total),
            counted(sources as u64, "source"),
            counted(*shards as u64, "shard")
        ),
        accounts(manifest),
        scores(manifest),
        doubts(manifest),
        course(manifest),
        files(manifest, output, report),
        format!("next: {}\n", next(input, output)),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The summary if there was nothing to do.
pub fn up_to_date(manifest: &Manifest, output: &Path) -> String {
    let Manifest { customers, finished_at, .. } = manifest;
    let (customers, output) = (grouped(customers.total), output.display());
    format!(
        "up to date: {customers} customers in {output}, from the same inputs, at {finished_at}; use --fresh to run again\n"
    )
}

/// The ledger, one line per source.
fn accounts(manifest: &Manifest) -> String {
    let sources = &manifest.ledger.0;
    let column = |name: &str, count: fn(&SourceLedger) -> u64| {
        let counts = sources.values().map(count).collect::<Vec<_>>();
        (name.to_owned(), counts)
    };
    let mut columns = vec![
        column("read", |l| l.rows_read),
        column("used", |l| l.rows_used),
        column("superseded", |l| l.rows_superseded),
        column("rejected", |l| l.rows_rejected),
        column("excluded", |l| l.rows_excluded),
    ];
    // Few sources have such rows.
    let rare = [
        column("filtered", |l| l.rows_filtered),
        column("blank", |l| l.rows_blank),
        column("merged", |l| l.rows_merged),
        column("deleted", |l| l.rows_deleted),
        column("unidentified", |l| l.rows_unidentified),
        column("erased", |l| l.rows_erased),
    ];
    columns.extend(rare.into_iter().filter(|(_, counts)| counts.iter().any(|n| *n > 0)));
    columns.push(column("bad values", |l| l.bad_values.values().sum()));
    let names = std::iter::once("source".to_owned()).chain(columns.iter().map(|(name, _)| name.clone()));
    let mut rows = vec![names.collect::<Vec<_>>()];
    for (at, source) in sources.keys().enumerate() {
        rows.push(
            std::iter::once(source.clone()).chain(columns.iter().map(|(_, counts)| grouped(counts[at]))).collect(),
        );
    }
    aligned(&rows, First::Left, WIDTH)
}

fn scores(manifest: &Manifest) -> String {
    let value = |(name, number): (&String, &Number)| match number.as_f64() {
        Some(mean) if name == "mean" => format!("mean {mean:.1}"),
        _ => format!("{name} {}", grouped(number.as_u64().unwrap_or(0))),
    };
    let rows = manifest.scores.iter().map(|(score, values)| {
        let values: Vec<String> = values.iter().map(value).collect();
        (score.clone(), values.join(", "))
    });
    named(rows.collect())
}

/// How many warnings of each kind there are.
fn doubts(manifest: &Manifest) -> String {
    let mut kinds: IndexMap<&str, u64> = IndexMap::new();
    manifest.warnings.iter().for_each(|warning| *kinds.entry(&warning.warning).or_default() += 1);
    if kinds.is_empty() {
        return String::new();
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {kind}", grouped(*n))).collect();
    let all = counted(manifest.warnings.len() as u64, "warning");
    let text = format!("{all} (run.json has their texts): {}", kinds.join(", "));
    wrapped(&text)
}

/// Lines of at most the width, broken at spaces.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            lines.push_str("\n  ");
            width = 2;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines + "\n"
}

/// How the run went: resumed and retried shards, memory, seconds.
fn course(manifest: &Manifest) -> String {
    let mut text = String::new();
    let retried: Vec<&ShardRecord> = manifest.shard_runs.iter().filter(|r| r.attempts.len() > 1).collect();
    // Writing to a String cannot fail.
    if manifest.resumed_shards > 0 {
        let _ = writeln!(text, "resumed {} of {} shards", manifest.resumed_shards, manifest.shards);
    }
    if !retried.is_empty() {
        let _ = writeln!(text, "recovered by a retry: {}", names(&retried));
    }
    if manifest.spilled_bytes > 0 {
        let (spilled, limit) = (size(manifest.spilled_bytes), size(manifest.memory_limit));
        let _ = writeln!(text, "memory: {spilled} of rows waited on disk because of the limit of {limit}");
    }
    if let Some(day) = &manifest.as_of {
        let _ = writeln!(text, "as of: {day}");
    }
    // A stage that was done twice, as by a resumed run that reads again, is listed once.
    let mut stages: IndexMap<&str, f64> = IndexMap::new();
    manifest.stages.iter().for_each(|s| *stages.entry(&s.stage).or_default() += s.seconds);
    let times: Vec<String> = stages.iter().map(|(stage, seconds)| format!("{stage} {}", time(*seconds))).collect();
    let _ = writeln!(text, "time: {}", times.join(", "));
    text
}

fn names(shards: &[&ShardRecord]) -> String {
    let ids: Vec<String> = shards.iter().take(NAMED).map(|r| r.shard_id.to_string()).collect();
    let more = shards.len().checked_sub(NAMED).filter(|more| *more > 0);
    let more = more.map(|more| format!(" and {} more", grouped(more as u64))).unwrap_or_default();
    let what = if shards.len() == 1 { "shard" } else { "shards" };
    format!("{what} {}{more}", ids.join(", "))
}

fn files(manifest: &Manifest, output: &Path, report: Option<&Path>) -> String {
    let file = |name: &str| output.join(name).display().to_string();
    let outputs = manifest.outputs.iter().map(|f| (file(&f.file), size(f.bytes)));
    let report = report.map(|page| (page.display().to_string(), "the run as a web page".to_owned()));
    named(outputs.chain(report).collect())
}

/// Names, and what is said about each, in two columns.
fn named(rows: Vec<(String, String)>) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, rest)| format!("{name:<width$}  {rest}\n")).collect()
}

fn next(input: &Path, output: &Path) -> String {
    let flags = [("--input", input, "sample_data"), ("--output", output, "data_out")];
    let given = flags.into_iter().filter(|(_, folder, default)| *folder != Path::new(default));
    let flags: String = given.map(|(flag, folder, _)| format!(" {flag} {}", quoted(folder))).collect();
    format!("onefold verify{flags}")
}

/// A path quoted for a shell, if necessary.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onefold::manifest::SourceLedger;

    fn manifest() -> Manifest {
        let text = include_str!("summary/example.json");
        serde_json::from_str(text).expect("a manifest")
    }

    #[test]
    fn the_summary_fits_and_names_retried_shards() {
        let mut manifest = manifest();
        let account = SourceLedger { rows_read: 40_000_000, rows_used: 40_000_000, ..SourceLedger::default() };
        manifest.ledger.0.insert("payments_of_the_northern_subsidiaries".into(), account);
        let text = of(&manifest, Path::new("my exports"), Path::new("out"), None);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            text.contains("\ncrm           ")
                && text.contains("paymen…aries  40,000,000")
                && text.contains("40,000,000"),
            "{text}"
        );
        assert!(text.contains("recovered by a retry: shard 3\n"), "{text}");
        assert!(text.ends_with("next: onefold verify --input 'my exports' --output out\n"), "{text}");
    }

    #[test]
    fn many_retried_shards_are_counted() {
        let mut manifest = manifest();
        manifest.shard_runs = vec![manifest.shard_runs[0].clone(); 1010];
        let text =
            of(&manifest, Path::new("sample_data"), Path::new("data_out"), Some(Path::new("data_out/report.html")));
        assert!(text.contains("recovered by a retry: shards 3, 3, 3, 3, 3, 3, 3, 3 and 1,002 more\n"), "{text}");
    }
}
