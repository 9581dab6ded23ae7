//! What is known of a run at work: its stages and where each shard stands. No terminal, no text.

use std::time::{Duration, Instant};

use super::Fields;

/// A run so far.
#[derive(Debug, Default)]
pub struct State {
    begun: Option<Instant>,
    /// In order; the last is at work.
    pub stages: Vec<Stage>,
    /// By shard id; known once the build has begun.
    pub shards: Vec<Shard>,
}

/// A stage of a run.
#[derive(Debug)]
pub struct Stage {
    pub kind: Kind,
    /// Of bytes, shards or profiles; shards that an earlier run had built do not count.
    pub done: u64,
    pub total: u64,
    /// Rows read; only routing counts them beside its bytes.
    pub rows: u64,
    begun: Instant,
    /// How long it took, once it is over.
    pub took: Option<Duration>,
}

/// Which stage: it decides what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reading and routing; counts bytes.
    Route,
    /// Building; counts shards.
    Build,
    /// Merging and writing; counts profiles.
    Write,
}

/// Where a shard stands.
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

    /// The next stage begins, and the one before is over.
    pub fn begin(&mut self, fields: &Fields) {
        let kind = match fields.stage.as_str() {
            "route" => Kind::Route,
            "build" => Kind::Build,
            _ => Kind::Write,
        };
        if kind == Kind::Build {
            self.shards = vec![Shard::Waiting; fields.shards];
        }
        if let Some(last) = self.stages.last_mut() {
            last.took = Some(last.begun.elapsed());
        }
        let now = Instant::now();
        self.begun.get_or_insert(now);
        self.stages.push(Stage { kind, done: 0, total: fields.total, rows: 0, begun: now, took: None });
    }

    /// Takes an event into account; gives what is done of the stage at work, when that has changed.
    pub fn happened(&mut self, event: &str, fields: &Fields) -> Option<u64> {
        let shard = match event {
            "progress" => return self.advance(fields),
            "shard_start" => Shard::Running,
            "shard_retry" => Shard::Retrying,
            "shard_there" | "shard_end" => Shard::Done,
            "shard_failed" => Shard::Failed,
            _ => return None,
        };
        *self.shards.get_mut(fields.shard?)? = shard;
        let stage = self.stages.last_mut().filter(|s| s.kind == Kind::Build && event == "shard_end")?;
        stage.done += 1;
        Some(stage.done)
    }

    fn advance(&mut self, fields: &Fields) -> Option<u64> {
        let stage = self.stages.last_mut()?;
        stage.rows += fields.rows;
        stage.done += if stage.kind == Kind::Route { fields.bytes } else { fields.rows };
        Some(stage.done)
    }
}
