//! The log events of a run (contract §7), as `tracing` events. No customer data.

use std::time::Duration;

use tracing::{debug, error, info, trace, warn};

use crate::error::Error;
use crate::executor::{Drill, Observer};
use crate::source::OpenInputs;
use crate::spec::Spec;

use super::shards::Built;

/// Tells what happens to shards.
pub(super) struct ShardEvents;

impl Observer<Built> for ShardEvents {
    fn started(&self, shard: usize, attempt: u32) {
        info!(event = "shard_start", shard_id = shard, attempt);
    }

    fn retrying(&self, shard: usize, attempt: u32, error: &Error, wait: Duration) {
        warn!(event = "shard_retry", shard_id = shard, attempt, error = error.to_string(), wait_ms = millis(wait));
    }

    fn ended(&self, shard: usize, attempt: u32, built: &Built, elapsed: Duration) {
        info!(
            event = "shard_end",
            shard_id = shard,
            attempt,
            n = built.account.customers,
            elapsed_ms = millis(elapsed)
        );
    }

    fn failed(&self, shard: usize, attempts: u32, error: &Error) {
        error!(event = "shard_failed", shard_id = shard, attempts, error = error.to_string());
    }
}

/// Which files are not separated by commas, though nobody said so.
pub(super) fn delimiters_found(spec: &Spec, inputs: &OpenInputs) {
    for (source, files) in spec.sources.iter().zip(&inputs.sources) {
        for file in files.iter().filter(|f| f.header.delimiter_found) {
            let delimiter = file.header.delimiter.to_string();
            info!(event = "delimiter_found", source = source.name.as_str(), file = file.name.as_str(), delimiter);
        }
    }
}

/// A stage begins that will count so many bytes or profiles. For bars, not for the log.
pub(super) fn stage_start(stage: &str, total: u64) {
    trace!(event = "stage_start", stage, total);
}

/// The build begins of the shards that are wanted; the others are there. For bars, not for the log.
pub(super) fn build_start(wanted: &[bool]) {
    let (total, shards) = (wanted.iter().filter(|wanted| **wanted).count(), wanted.len());
    trace!(event = "stage_start", stage = "build", total, shards);
    for shard_id in (0..shards).filter(|shard| !wanted[*shard]) {
        trace!(event = "shard_there", shard_id);
    }
}

/// More profiles are written. For bars, not for the log.
pub(super) fn written(rows: u64) {
    trace!(event = "progress", rows);
}

/// A drill strikes.
pub(super) fn drill(drill: &Drill) {
    debug!(event = "drill", drill = drill.to_string());
}

/// The run's last event.
pub(super) fn run_end(status: &str, customers: u64, elapsed: Duration) {
    info!(event = "run_end", status, customers, elapsed_ms = millis(elapsed));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
