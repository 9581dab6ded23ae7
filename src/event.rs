//! Every event of a run and of the commands around it, as one enum: log and progress bars match on the same values that
//! are emitted. Owns the names of events; never has customer data.
//!
//! An event is emitted through `tracing` with two fields: `event`, its name, and `data`, its fields as a JSON object.
//! [`Event::read`] turns them back into the value.

mod warning;

use serde::{Deserialize, Serialize};
use tracing::{Level, debug, error, info, trace, warn};

pub use warning::Warning;

/// What happened. Sizes are in bytes, `_ms` in milliseconds, shards from 0, attempts from 1. Not `non_exhaustive`, so that
/// the compiler asks the command for a new event's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named as in docs/commands.md, which explains them")]
pub enum Event {
    /// A run begins.
    RunStart { profile: String, version: String },
    /// A run ended: `succeeded`, `up_to_date`, `interrupted` or `failed`.
    RunEnd { status: String, customers: u64, elapsed_ms: u64 },
    /// A stage begins, with `total` of what it counts: bytes for `route`, shards for `build`, profiles for `write`.
    StageStart { stage: Stage, total: u64, shards: usize },
    /// A part of the current stage is done.
    Progress { bytes: u64, rows: u64 },
    /// A source was read.
    SourceRead { source: String, rows: u64, bytes: u64, rejected: u64 },
    /// What may be a mistake in the spec or its inputs.
    Warning(Warning),
    /// A file has another delimiter than a comma, which was detected and not declared.
    DelimiterFound { source: String, file: String, delimiter: String },
    /// A file's header is the spec's only without invisible characters, composed, or in another case.
    HeaderAlike { source: String, file: String, header: String, column: String },
    /// Columns that the spec does not name.
    ColumnsIgnored { source: String, columns: String },
    /// Rows that do not fit in memory wait on disk.
    Spill { memory_limit: u64, bytes: u64 },
    /// Shards of an earlier, unfinished run are reused.
    Resume { reused: usize, shards: usize },
    /// A shard needs no attempt, because an earlier run has built it.
    ShardThere { shard_id: usize },
    /// An attempt at a shard begins.
    ShardStart { shard_id: usize, attempt: u32 },
    /// An attempt failed; another one follows.
    ShardRetry { shard_id: usize, attempt: u32, error: String, wait_ms: u64 },
    /// A shard is built.
    ShardEnd { shard_id: usize, attempt: u32, n: u64, elapsed_ms: u64 },
    /// A shard used up its attempts.
    ShardFailed { shard_id: usize, attempts: u32, error: String },
    /// A failed run keeps shards for the next one.
    ShardsKept { kept: usize, shards: usize },
    /// A built shard's file was damaged on disk.
    CheckpointDamaged { shard_id: usize },
    /// A drill takes effect.
    Drill { drill: String },
    /// A check of the spec failed, and with it the run.
    CheckFailed { name: String, measured: String, wanted: String },
    /// An output was published.
    Publish { file: String, rows: u64, bytes: u64 },
    /// The command failed.
    Error { error: String, exit_code: u8 },
    /// The run is published, but its report could not be written.
    ReportFailed { error: String },
    /// Telemetry could not be sent.
    TelemetryFailed { error: String },
    /// A run of `onefold bench` ended.
    BenchRun { run: usize, of: usize, shards: usize, seconds: f64, warm_up: bool },
    /// A round of `onefold drill` ended.
    DrillRound { round: usize, of: usize, harm: usize },
}

/// A stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading and routing.
    Route,
    /// Finding customers by identifiers, and sending their rows on.
    Link,
    /// Building shards.
    Build,
    /// Merging and writing.
    Write,
}

impl Event {
    /// Its level. Steps of progress have level trace, because they are for progress bars and not for a log.
    pub fn level(&self) -> Level {
        match self {
            Self::Error { .. } | Self::ShardFailed { .. } => Level::ERROR,
            Self::Warning(_)
            | Self::ShardRetry { .. }
            | Self::ShardsKept { .. }
            | Self::CheckpointDamaged { .. }
            | Self::CheckFailed { .. }
            | Self::ReportFailed { .. }
            | Self::TelemetryFailed { .. } => Level::WARN,
            Self::RunStart { .. }
            | Self::RunEnd { .. }
            | Self::SourceRead { .. }
            | Self::DelimiterFound { .. }
            | Self::ColumnsIgnored { .. }
            | Self::HeaderAlike { .. }
            | Self::Spill { .. }
            | Self::Resume { .. }
            | Self::ShardStart { .. }
            | Self::ShardEnd { .. }
            | Self::Publish { .. }
            | Self::BenchRun { .. }
            | Self::DrillRound { .. } => Level::INFO,
            Self::Drill { .. } => Level::DEBUG,
            Self::StageStart { .. } | Self::Progress { .. } | Self::ShardThere { .. } => Level::TRACE,
        }
    }

    /// Emits it through `tracing`, if there is a subscriber for its level.
    pub fn emit(&self) {
        let data = || {
            let mut fields = serde_json::to_value(self).unwrap_or_default();
            let name = fields.as_object_mut().and_then(|fields| fields.shift_remove("event")).unwrap_or_default();
            (name.as_str().unwrap_or_default().to_owned(), fields.to_string())
        };
        macro_rules! emit {
            ($level:ident, $macro:ident) => {
                if tracing::enabled!(Level::$level) {
                    let (event, data) = data();
                    $macro!(event, data);
                }
            };
        }
        match self.level() {
            Level::ERROR => emit!(ERROR, error),
            Level::WARN => emit!(WARN, warn),
            Level::INFO => emit!(INFO, info),
            Level::DEBUG => emit!(DEBUG, debug),
            Level::TRACE => emit!(TRACE, trace),
        }
    }

    /// The event that was emitted with these fields; none for fields that are not of such an event.
    pub fn read(event: &str, data: &str) -> Option<Self> {
        let mut fields: serde_json::Value = serde_json::from_str(data).ok()?;
        fields.as_object_mut()?.insert("event".into(), event.into());
        serde_json::from_value(fields).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back() {
        let retry = Event::ShardRetry { shard_id: 3, attempt: 1, error: "chaos: x".into(), wait_ms: 2000 };
        let data = r#"{"shard_id":3,"attempt":1,"error":"chaos: x","wait_ms":2000}"#;
        assert_eq!(Event::read("shard_retry", data), Some(retry));
        let empty = Event::Warning(Warning::SourceEmpty { source: "crm".into(), filtered: 0 });
        assert_eq!(Event::read("warning", r#"{"warning":"source_empty","source":"crm","filtered":0}"#), Some(empty));
        assert_eq!((Event::read("nobody_s", "{}"), Event::read("spill", "{}")), (None, None));
    }
}
