//! What is known about a run while it works: its stages and the state of each shard. Knows no terminal and no text.

use std::time::{Duration, Instant};

use onefold::event::{Event, Stage};

/// A run so far.
#[derive(Debug, Default)]
pub struct State {
    begun: Option<Instant>,
    /// In order; the last one is the current one.
    pub stages: Vec<StageBar>,
    /// By shard id; empty until the build begins.
    pub shards: Vec<Shard>,
}

/// A stage of a run.
#[derive(Debug)]
pub struct StageBar {
    pub stage: Stage,
    /// Bytes, shards or profiles that are done; shards that an earlier run has built do not count.
    pub done: u64,
    pub total: u64,
    /// Rows read; only routing counts them in addition to bytes.
    pub rows: u64,
    begun: Instant,
    /// How long it took, if it is over.
    pub took: Option<Duration>,
}

/// The state of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shard {
    Waiting,
    Running,
    Retrying,
    Done,
    Failed,
}

impl State {
    /// Time since the run's first stage began.
    pub fn elapsed(&self) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| begun.elapsed())
    }

    /// Ends the current stage and begins the next.
    pub fn begin(&mut self, stage: Stage, total: u64, shards: usize) {
        if stage == Stage::Build {
            self.shards = vec![Shard::Waiting; shards];
        }
        if let Some(last) = self.stages.last_mut() {
            last.took = Some(last.begun.elapsed());
        }
        let now = Instant::now();
        self.begun.get_or_insert(now);
        self.stages.push(StageBar { stage, done: 0, total, rows: 0, begun: now, took: None });
    }

    /// Applies an event; gives how much of the current stage is done, if that has changed.
    pub fn happened(&mut self, event: &Event) -> Option<u64> {
        let (shard_id, shard) = match event {
            Event::Progress { bytes, rows } => return self.advance(*bytes, *rows),
            Event::ShardStart { shard_id, .. } => (shard_id, Shard::Running),
            Event::ShardRetry { shard_id, .. } => (shard_id, Shard::Retrying),
            Event::ShardThere { shard_id } | Event::ShardEnd { shard_id, .. } => (shard_id, Shard::Done),
            Event::ShardFailed { shard_id, .. } => (shard_id, Shard::Failed),
            _ => return None,
        };
        *self.shards.get_mut(*shard_id)? = shard;
        let ended = matches!(event, Event::ShardEnd { .. });
        let stage = self.stages.last_mut().filter(|s| s.stage == Stage::Build && ended)?;
        stage.done += 1;
        Some(stage.done)
    }

    fn advance(&mut self, bytes: u64, rows: u64) -> Option<u64> {
        let stage = self.stages.last_mut()?;
        stage.rows += rows;
        stage.done += if stage.stage == Stage::Route { bytes } else { rows };
        Some(stage.done)
    }
}
