//! The shards' attempts as plain values in milliseconds, in order of their start. Draws nothing.

use onefold::manifest::{Manifest, Status};

use crate::cli::tell::words::millis;

/// One attempt at a shard.
#[derive(Debug, Clone)]
pub(super) struct Tried<'a> {
    pub shard: usize,
    pub attempt: u32,
    pub worker: usize,
    /// Milliseconds since the run began.
    pub from: f64,
    /// The end, never before `from`.
    pub to: f64,
    /// Milliseconds since the attempt before it ended; none for a first attempt.
    pub waited: Option<f64>,
    pub failed: bool,
    pub error: Option<&'a str>,
    /// Profiles of a shard that succeeded.
    pub customers: Option<u64>,
}

impl Tried<'_> {
    /// Whether it is anything but a first attempt that succeeded.
    pub fn is_notable(&self) -> bool {
        self.failed || self.attempt > 1
    }
}

/// All attempts, without those whose times cannot be read.
pub(super) fn all(manifest: &Manifest) -> Vec<Tried<'_>> {
    let origin = millis(&manifest.started_at).unwrap_or_default();
    let mut all = Vec::new();
    for shard in &manifest.shard_runs {
        let mut ended_before = None;
        for attempt in &shard.attempts {
            let (Some(from), Some(to)) = (millis(&attempt.started_at), millis(&attempt.ended_at)) else { continue };
            let (from, to) = (from - origin, to.max(from) - origin);
            all.push(Tried {
                shard: shard.shard_id,
                attempt: attempt.attempt,
                worker: attempt.worker,
                from,
                to,
                waited: ended_before.map(|ended: f64| (from - ended).max(0.0)),
                failed: attempt.outcome == Status::Failed,
                error: attempt.error.as_deref(),
                customers: shard.customers,
            });
            ended_before = Some(to);
        }
    }
    all.sort_by(|a, b| a.from.total_cmp(&b.from).then(a.shard.cmp(&b.shard)).then(a.attempt.cmp(&b.attempt)));
    all
}
