//! The closing summary of a run, for people.

use std::fmt::Write;
use std::path::Path;

use bytesize::ByteSize;

use onefold::manifest::Manifest;

/// The summary's text.
pub fn of(manifest: &Manifest, input: &Path, output: &Path) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(manifest, input, output, &mut text);
    text
}

/// The text when there was nothing to do.
pub fn up_to_date(manifest: &Manifest, output: &Path) -> String {
    let Manifest { customers, finished_at, .. } = manifest;
    let (customers, output) = (grouped(customers.total), output.display());
    format!(
        "up to date: {customers} customers in {output}, from the same inputs, at {finished_at}; --fresh runs again\n"
    )
}

fn write(manifest: &Manifest, input: &Path, output: &Path, text: &mut String) -> std::fmt::Result {
    let Manifest { customers, ledger, scores, shard_runs, stages, outputs, shards, .. } = manifest;
    writeln!(
        text,
        "{} customers, one row each, from {} sources over {shards} shards",
        grouped(customers.total),
        ledger.0.len()
    )?;
    writeln!(text)?;
    writeln!(
        text,
        "{:<12}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "source", "read", "used", "superseded", "rejected", "excluded", "bad values"
    )?;
    for (source, l) in &ledger.0 {
        let counts = [
            l.rows_read,
            l.rows_used,
            l.rows_superseded,
            l.rows_rejected,
            l.rows_excluded,
            l.bad_values.values().sum(),
        ];
        write!(text, "{source:<12}")?;
        counts.iter().try_for_each(|n| write!(text, "{:>12}", grouped(*n)))?;
        writeln!(text)?;
    }
    writeln!(text)?;
    for (score, summary) in scores {
        let values = summary.iter().map(|(k, v)| match v.as_f64() {
            Some(mean) if k == "mean" => format!("mean {mean:.1}"),
            _ => format!("{k} {}", grouped(v.as_u64().unwrap_or(0))),
        });
        writeln!(text, "{score}: {}", values.collect::<Vec<_>>().join(", "))?;
    }
    if manifest.resumed_shards > 0 {
        writeln!(text, "resumed {} of {shards} shards", manifest.resumed_shards)?;
    }
    let healed = shard_runs.iter().filter(|r| r.attempts.len() > 1).count();
    if healed > 0 {
        writeln!(text, "shards healed by a retry: {healed}")?;
    }
    let times: Vec<String> = stages.iter().map(|s| format!("{} {:.2} s", s.stage, s.seconds)).collect();
    writeln!(text, "time: {}", times.join(", "))?;
    if manifest.spilled_bytes > 0 {
        let size = |bytes: u64| ByteSize(bytes).display().si();
        let (spilled, limit) = (size(manifest.spilled_bytes), size(manifest.memory_limit));
        writeln!(text, "memory: {spilled} of rows waited on disk, as the limit is {limit}")?;
    }
    for file in outputs {
        writeln!(text, "{}: {}", output.join(&file.file).display(), ByteSize(file.bytes).display().si())?;
    }
    write!(text, "next: onefold verify")?;
    for (flag, folder, default) in [("--input", input, "sample_data"), ("--output", output, "data_out")] {
        if folder != Path::new(default) {
            write!(text, " {flag} {}", folder.display())?;
        }
    }
    writeln!(text)
}

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
