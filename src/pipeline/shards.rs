//! Shard work for the executor: each shard's rows wait here until it is built, then they are freed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::events::ShardEvents;
use crate::error::{Error, Result};
use crate::executor::{self, Drills, ShardRun};
use crate::read::column_types;
use crate::route::{ShardBuffers, ShardInput};
use crate::settings::Settings;
use crate::shard::{self, Part};
use crate::spec::Spec;

/// Builds all shards; gives the attempts of each, with its part, and the failure that ended the run, if any.
pub(super) fn build(
    settings: &Settings,
    buffers: ShardBuffers,
    as_of: Option<i32>,
    drills: &Drills,
) -> (Vec<ShardRun<Part>>, Option<Error>) {
    let waiting: Vec<Mutex<Option<ShardInput>>> = buffers.into_shards().map(|input| Mutex::new(Some(input))).collect();
    let work = |shard: usize, attempt: u32| {
        drills.strike(shard, attempt)?;
        // A clone shares the columns; no lock is held while the plan runs.
        let input =
            lock(&waiting[shard]).clone().ok_or_else(|| Error::Bug(format!("shard {shard} has no rows left")))?;
        let part = shard::build(&settings.spec, &input, as_of)?;
        lock(&waiting[shard]).take();
        Ok(part)
    };
    executor::run(waiting.len(), settings.threads, settings.retry, &work, &ShardEvents)
}

/// Builds a shard without rows: what the spec's own checks cannot see, Polars finds here, before any data is read.
pub(super) fn dry_run(spec: &Spec) -> Result<()> {
    let types: Vec<_> = spec.sources.iter().map(column_types).collect();
    let empty = ShardBuffers::new(&types, 1).into_shards().next();
    let empty = empty.ok_or_else(|| Error::Bug("a dry run needs a shard".into()))?;
    shard::build(spec, &empty, Some(0)).map(drop).map_err(|error| Error::Spec {
        origin: spec.origin.clone(),
        line: None,
        message: error.to_string(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is replaced whole: a panic elsewhere leaves it sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
