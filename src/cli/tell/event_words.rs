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
        Event::CheckFailed { .. } => Volume::Everything,
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
        Event::Warning(warning) => warning.to_string(),
        Event::StageStart { .. } | Event::Progress { .. } | Event::ShardThere { .. } => String::new(),
        Event::SourceRead { source, rows, bytes, rejected } => {
            format!("read {source}: {rows} rows, {bytes} bytes, {rejected} rejected")
        }
        Event::DelimiterFound { file, delimiter, .. } => delimiter_found(file, delimiter),
        Event::HeaderAlike { file, header, column, .. } => header_alike(file, header, column),
        Event::ColumnsIgnored { source, columns } => columns_ignored(source, columns),
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

fn delimiter_found(file: &str, delimiter: &str) -> String {
    format!("{file}: the delimiter is `{delimiter}`, detected from the header")
}

fn header_alike(file: &str, header: &str, column: &str) -> String {
    format!("{file}: the header `{}` is read as `{column}`", header.escape_debug())
}

fn columns_ignored(source: &str, columns: &str) -> String {
    format!("{source}: columns that the profile does not use: {columns}")
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
