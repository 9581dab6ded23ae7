//! Events as text for people. Owns which events are shown at which verbosity; writes nothing.

use std::time::Duration;

use humantime::format_duration;
use onefold::event::Event;
use tracing::Level;

use super::words::counted;

/// The verbosity from which on an event is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    Errors,
    Warnings,
    /// Also events that no progress bar shows.
    Milestones,
    /// Also events that progress bars and the summary show too.
    Progress,
    Everything,
}

/// The volume from which on an event is shown.
pub fn volume(event: &Event) -> Volume {
    match event {
        Event::Error { .. } => Volume::Errors,
        // The run's error has the same text.
        Event::CheckFailed { severity, .. } if severity == "error" => Volume::Everything,
        Event::DelimiterFound { .. }
        | Event::HeaderAlike { .. }
        | Event::Resume { .. }
        | Event::Spill { .. }
        | Event::BenchRun { .. }
        | Event::DrillRound { .. } => Volume::Milestones,
        Event::SourceRead { .. } | Event::Publish { .. } => Volume::Progress,
        event if event.level() <= Level::WARN => Volume::Warnings,
        _ => Volume::Everything,
    }
}

/// The event as one line.
pub fn line(event: &Event) -> String {
    let words = words(event);
    match event {
        Event::Error { .. } => format!("error: {words}"),
        event if event.level() <= Level::WARN => format!("warning: {words}"),
        _ => words,
    }
}

fn words(event: &Event) -> String {
    // Every event is named, so that the compiler asks for the words of a new one.
    match event {
        Event::RunStart { profile, version } => format!("run start: profile {profile}, onefold {version}"),
        Event::RunEnd { status, customers, elapsed_ms } => {
            format!("run end: {status}, {customers} customers, {elapsed_ms} ms")
        }
        Event::StageStart { .. } | Event::Progress { .. } | Event::ShardThere { .. } => String::new(),
        Event::SourceRead { source, rows, bytes, rejected } => {
            format!("read {source}: {rows} rows, {bytes} bytes, {rejected} rejected")
        }
        Event::DelimiterFound { file, delimiter, .. } => delimiter_found(file, delimiter),
        Event::FileIgnored { file } => format!("`{file}` matches no source and is not read"),
        Event::FileLeftOver { file } => file_left_over(file),
        Event::FileIsOutput { file } => format!("`{file}` is the output of a run and is not read"),
        Event::FileDuplicate { file, duplicate_of, .. } => file_duplicate(file, duplicate_of),
        Event::SourceAbsent { source } => format!("source `{source}` has no file"),
        Event::SourceEmpty { source } => format!("source `{source}` has files but no rows"),
        Event::HeaderAlike { file, header, column, .. } => header_alike(file, header, column),
        Event::RowsUndecodable { source, rows, encodings } => rows_undecodable(source, *rows, encodings),
        Event::LooksUtf8 { file, encoding, .. } => looks_utf8(file, encoding),
        Event::ControlCharacters { file, encoding, .. } => control_characters(file, encoding),
        Event::ColumnsAlike { one, other } => columns_alike(one, other),
        Event::HeaderNear { file, header, column, .. } => header_near(file, header, column),
        Event::OneField { source, .. } => one_field(source),
        Event::IdsHidden { source, rows } => ids_hidden(source, *rows),
        Event::SpacedQuotes { source, rows } => spaced_quotes(source, *rows),
        Event::ColumnsIgnored { source, columns } => columns_ignored(source, columns),
        Event::AsOfUnknown => as_of_unknown(),
        Event::ManyBadValues { source, column, bad_values, rows } => {
            many_bad_values(source, column, *bad_values, *rows)
        }
        Event::Spill { memory_limit, bytes } => spill(*memory_limit, *bytes),
        Event::Resume { reused, shards } => format!("resumed {reused} of {shards} shards"),
        Event::ShardStart { shard_id, attempt } => format!("shard {shard_id}: attempt {attempt}"),
        Event::ShardRetry { shard_id, attempt, error, wait_ms } => shard_retry(*shard_id, *attempt, error, *wait_ms),
        Event::ShardEnd { shard_id, n, elapsed_ms, .. } => format!("shard {shard_id}: {n} profiles in {elapsed_ms} ms"),
        Event::ShardFailed { shard_id, attempts, error } => shard_failed(*shard_id, *attempts, error),
        Event::ShardsKept { kept, shards } => format!("{kept} of {shards} shards are built and kept for the next run"),
        Event::CheckpointDamaged { shard_id } => checkpoint_damaged(*shard_id),
        Event::Drill { drill } => format!("drill: {drill}"),
        Event::CheckFailed { name, measured, wanted, .. } => check_failed(name, measured, wanted),
        Event::Publish { file, rows, bytes } => format!("published {file}: {rows} rows, {bytes} bytes"),
        Event::Error { error, .. } => error.clone(),
        Event::ReportFailed { error } => format!("the run is published, but its report could not be written: {error}"),
        Event::TelemetryFailed { error } => format!("telemetry could not be sent ({error}); the run is not affected"),
        Event::BenchRun { run, of, shards, seconds, warm_up } => bench_run(*run, *of, *shards, *seconds, *warm_up),
        Event::DrillRound { round, of, .. } => format!("round {round} of {of}"),
    }
}

/// `1 row has`, `2 rows have`.
fn rows_have(rows: u64) -> String {
    format!("{} {}", counted(rows, "row"), if rows == 1 { "has" } else { "have" })
}

fn delimiter_found(file: &str, delimiter: &str) -> String {
    format!("{file}: the delimiter is `{delimiter}`, detected from the header")
}

fn file_left_over(file: &str) -> String {
    format!("`{file}` is left over from a system, an editor or a download, by its name, and is not read")
}

fn file_duplicate(file: &str, duplicate_of: &str) -> String {
    format!("`{file}` is the same as `{duplicate_of}` and is not read again")
}

fn header_alike(file: &str, header: &str, column: &str) -> String {
    format!("{file}: the header `{}` is read as `{column}`", header.escape_debug())
}

fn rows_undecodable(source: &str, rows: u64, encodings: &str) -> String {
    let rows_have = rows_have(rows);
    format!(
        "{source}: {rows_have} bytes that are no text in {encodings} and were rejected: is that the encoding of the files? Often it is `encoding = \"windows-1252\"`"
    )
}

fn looks_utf8(file: &str, encoding: &str) -> String {
    format!("{file}: it is valid UTF-8, but is read as {encoding}: is that its encoding?")
}

fn control_characters(file: &str, encoding: &str) -> String {
    format!(
        "{file}: read as {encoding} it has control characters that no text has: is it another encoding, such as windows-1252?"
    )
}

fn columns_alike(one: &str, other: &str) -> String {
    format!("the columns `{one}` and `{other}` of the output differ only in case: many programs take them for one")
}

fn header_near(file: &str, header: &str, column: &str) -> String {
    format!(
        "{file}: the optional column `{column}` is missing, but there is `{header}`: set `headers = \"any_case\"` if that is it"
    )
}

fn one_field(source: &str) -> String {
    format!("{source}: no row has more than its first field: set `delimiter` if something else separates the fields")
}

fn ids_hidden(source: &str, rows: u64) -> String {
    let rows_have = rows_have(rows);
    format!(
        "{source}: {rows_have} an id with a character inside that nobody sees, so that it is another id than it looks like"
    )
}

fn spaced_quotes(source: &str, rows: u64) -> String {
    let rows_have = rows_have(rows);
    format!(
        "{source}: {rows_have} a space before a quote, so that both are data: set `space_around_quotes = true` if they are not"
    )
}

fn columns_ignored(source: &str, columns: &str) -> String {
    format!("{source}: columns that the profile does not use: {columns}")
}

fn as_of_unknown() -> String {
    "`as_of` is null because no source has a latest_by date: set it with --as-of".to_owned()
}

fn many_bad_values(source: &str, column: &str, bad_values: u64, rows: u64) -> String {
    format!(
        "{bad_values} of {rows} rows of `{source}` have a bad value in column `{column}`: check its type and format in the spec; see rejects/{source}.csv"
    )
}

fn spill(memory_limit: u64, bytes: u64) -> String {
    format!("memory limit {memory_limit}: {bytes} bytes of rows wait on disk")
}

fn shard_retry(shard_id: usize, attempt: u32, error: &str, wait_ms: u64) -> String {
    let wait = format_duration(Duration::from_millis(wait_ms));
    format!("shard {shard_id} failed ({error}); retry {attempt} in {wait}")
}

fn shard_failed(shard_id: usize, attempts: u32, error: &str) -> String {
    let attempts = counted(attempts.into(), "attempt");
    format!("shard {shard_id} failed after {attempts} ({error}); no more retries")
}

fn checkpoint_damaged(shard_id: usize) -> String {
    format!("shard {shard_id}: its file was damaged on disk; it is built again")
}

fn check_failed(name: &str, measured: &str, wanted: &str) -> String {
    format!("check `{name}` failed: {measured}, expected {wanted}")
}

fn bench_run(run: usize, of: usize, shards: usize, seconds: f64, warm_up: bool) -> String {
    let warm_up = if warm_up { ", warm-up" } else { "" };
    format!("run {run} of {of}: --shards {shards}, {seconds} s{warm_up}")
}
