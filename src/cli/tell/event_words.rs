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
    match event {
        Event::RunStart { profile, version } => format!("run start: profile {profile}, onefold {version}"),
        Event::RunEnd { status, customers, elapsed_ms } => {
            format!("run end: {status}, {customers} customers, {elapsed_ms} ms")
        }
        Event::SourceRead { source, rows, bytes, rejected } => {
            format!("read {source}: {rows} rows, {bytes} bytes, {rejected} rejected")
        }
        Event::Spill { memory_limit, bytes } => {
            format!("memory limit {memory_limit}: {bytes} bytes of rows wait on disk")
        }
        Event::Publish { file, rows, bytes } => format!("published {file}: {rows} rows, {bytes} bytes"),
        Event::Error { error, .. } => error.clone(),
        Event::ReportFailed { error } => format!("the run is published, but its report could not be written: {error}"),
        Event::TelemetryFailed { error } => format!("telemetry could not be sent ({error}); the run is not affected"),
        Event::CheckFailed { name, measured, wanted, .. } => {
            format!("check `{name}` failed: {measured}, expected {wanted}")
        }
        Event::BenchRun { run, of, shards, seconds, warm_up } => {
            let warm_up = if *warm_up { ", warm-up" } else { "" };
            format!("run {run} of {of}: --shards {shards}, {seconds} s{warm_up}")
        }
        Event::DrillRound { round, of, .. } => format!("round {round} of {of}"),
        Event::StageStart { .. } | Event::Progress { .. } | Event::ShardThere { .. } => String::new(),
        of_inputs @ (Event::DelimiterFound { .. }
        | Event::FileIgnored { .. }
        | Event::FileLeftOver { .. }
        | Event::FileIsOutput { .. }
        | Event::FileDuplicate { .. }
        | Event::SourceAbsent { .. }
        | Event::SourceEmpty { .. }
        | Event::HeaderAlike { .. }
        | Event::RowsUndecodable { .. }
        | Event::LooksUtf8 { .. }
        | Event::ControlCharacters { .. }
        | Event::ColumnsIgnored { .. }
        | Event::AsOfUnknown
        | Event::ManyBadValues { .. }) => words_of_inputs(of_inputs),
        of_shards => words_of_shards(of_shards),
    }
}

fn words_of_inputs(event: &Event) -> String {
    match event {
        Event::DelimiterFound { file, delimiter, .. } => {
            format!("{file}: the delimiter is `{delimiter}`, detected from the header")
        }
        Event::FileIgnored { file } => format!("`{file}` matches no source and is not read"),
        Event::FileLeftOver { file } => {
            format!("`{file}` is left over from a system, an editor or a download, by its name, and is not read")
        }
        Event::FileIsOutput { file } => format!("`{file}` is the output of a run and is not read"),
        Event::FileDuplicate { file, duplicate_of, .. } => {
            format!("`{file}` is the same as `{duplicate_of}` and is not read again")
        }
        Event::SourceEmpty { source } => format!("source `{source}` has files but no rows"),
        Event::HeaderAlike { file, header, column, .. } => {
            format!("{file}: the header `{}` is read as `{column}`", header.escape_debug())
        }
        Event::RowsUndecodable { source, rows, encodings } => {
            let have = if *rows == 1 { "has" } else { "have" };
            format!(
                "{source}: {} {have} bytes that are no text in {encodings} and were rejected: is that the encoding of the files?",
                counted(*rows, "row")
            )
        }
        Event::LooksUtf8 { file, encoding, .. } => {
            format!("{file}: it is valid UTF-8, but is read as {encoding}: is that its encoding?")
        }
        Event::ControlCharacters { file, encoding, .. } => format!(
            "{file}: read as {encoding} it has control characters that no text has: is it another encoding, such as windows-1252?"
        ),
        Event::SourceAbsent { source } => format!("source `{source}` has no file"),
        Event::ColumnsIgnored { source, columns } => {
            format!("{source}: columns that the profile does not use: {columns}")
        }
        Event::AsOfUnknown => "`as_of` is null because no source has a latest_by date: set it with --as-of".to_owned(),
        Event::ManyBadValues { source, column, bad_values, rows } => format!(
            "{bad_values} of {rows} rows of `{source}` have a bad value in column `{column}`: check its type and format in the spec; see rejects/{source}.csv"
        ),
        _ => String::new(),
    }
}

fn words_of_shards(event: &Event) -> String {
    match event {
        Event::Resume { reused, shards } => format!("resumed {reused} of {shards} shards"),
        Event::ShardStart { shard_id, attempt } => format!("shard {shard_id}: attempt {attempt}"),
        Event::ShardRetry { shard_id, attempt, error, wait_ms } => {
            let wait = format_duration(Duration::from_millis(*wait_ms));
            format!("shard {shard_id} failed ({error}); retry {attempt} in {wait}")
        }
        Event::ShardEnd { shard_id, n, elapsed_ms, .. } => format!("shard {shard_id}: {n} profiles in {elapsed_ms} ms"),
        Event::ShardFailed { shard_id, attempts, error } => {
            let attempts = counted((*attempts).into(), "attempt");
            format!("shard {shard_id} failed after {attempts} ({error}); no more retries")
        }
        Event::ShardsKept { kept, shards } => format!("{kept} of {shards} shards are built and kept for the next run"),
        Event::CheckpointDamaged { shard_id } => {
            format!("shard {shard_id}: its file was damaged on disk; it is built again")
        }
        Event::Drill { drill } => format!("drill: {drill}"),
        _ => String::new(),
    }
}
