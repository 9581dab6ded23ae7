//! Shard work for the executor: each shard's rows wait until it is built and stored, then their memory is freed.

use super::events::ShardEvents;
use crate::error::{Error, Result};
use crate::executor::{self, Drills, Room, ShardRun};
use crate::memory::Memory;
use crate::parts::{Parts, StoredPart};
use crate::read::layout;
use crate::route::{ShardBuffers, Shards};
use crate::settings::Settings;
use crate::shard::{self, Account};
use crate::spec::Spec;

/// A shard that was built and stored.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub part: StoredPart,
    pub account: Account,
}

/// Builds and stores all shards; gives the attempts of each, with what was built, and the failure that ended the run, if
/// any.
pub(super) fn build(
    settings: &Settings,
    memory: Memory,
    shards: &Shards,
    parts: &Parts,
    as_of: Option<i32>,
    drills: &Drills,
) -> (Vec<ShardRun<Built>>, Option<Error>) {
    let work = |shard: usize, attempt: u32| {
        drills.strike(shard, attempt)?;
        let built = shard::build(&settings.spec, &shards.load(shard)?, as_of)?;
        let part = parts.store(shard, &built.profiles)?;
        shards.free(shard);
        Ok(Built { part, account: built.account })
    };
    let need: Vec<u64> = (0..shards.len()).map(|shard| Memory::build(shards.bytes(shard))).collect();
    let need = |shard: usize| need.get(shard).copied().unwrap_or(0);
    let room = Room { threads: settings.threads, memory: memory.building(shards.held_bytes()), need: &need };
    executor::run(shards.len(), &room, settings.retry, &work, &ShardEvents)
}

/// Builds a shard without rows: what the spec's own checks cannot see, Polars finds here, before any data is read.
pub(super) fn dry_run(spec: &Spec) -> Result<()> {
    let layouts = spec.sources.iter().map(layout).collect();
    let empty = ShardBuffers::new(layouts, 1, 1, None).into_shards().load(0)?;
    shard::build(spec, &empty, Some(0)).map(drop).map_err(|error| Error::Spec {
        origin: spec.origin.clone(),
        line: None,
        message: error.to_string(),
    })
}
