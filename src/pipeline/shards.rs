//! Shard work for the executor: each shard's rows wait until it is built and stored, then their memory is freed. Owns
//! that every shard is there in the end, whole: found, built, or built again.

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;
use tracing::{info, warn};

use super::events::ShardEvents;
use super::inputs::Reader;
use super::record::Record;
use crate::checkpoint::Checkpoints;
use crate::error::{Error, Result};
use crate::executor::{self, Drills, Room, ShardRun};
use crate::memory::Memory;
use crate::parts::{self, Parts, StoredPart};
use crate::read::layout;
use crate::route::{ShardBuffers, Shards};
use crate::settings::Settings;
use crate::shard::{self, Account, schema};
use crate::spec::Spec;

/// Rounds in which shards are built: one, and one more each time that a file is not as it was written.
const ROUNDS: usize = 3;

/// A shard that was built and stored.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub part: StoredPart,
    pub account: Account,
}

/// All shards of a run.
pub(super) struct AllBuilt {
    /// In order.
    pub shards: Vec<Built>,
    /// What is still to be synced, while the shards are merged already.
    pub unsynced: Vec<Parts>,
}

/// Finds or builds all shards. `rows` are those of all shards, if they were read already.
pub(super) fn build_all(
    reader: &Reader<'_>,
    checkpoints: &Checkpoints,
    mut rows: Option<Shards>,
    as_of: Option<i32>,
    drills: &Drills,
    record: &mut Record,
) -> Result<AllBuilt> {
    let folder = checkpoints.parts();
    let mut built = if rows.is_some() { vec![None; reader.shards] } else { found(reader, checkpoints, drills)? };
    record.begin_shards(&built);
    let mut unsynced = Vec::new();
    for _ in 0..ROUNDS {
        let wanted: Vec<bool> = built.iter().map(Option::is_none).collect();
        if !wanted.contains(&true) {
            break;
        }
        let timer = Instant::now();
        let routed = match rows.take() {
            Some(rows) => rows,
            None => {
                let rows = reader.read_again(wanted.clone(), &checkpoints.read)?;
                record.stage("route", timer);
                rows
            }
        };
        let timer = Instant::now();
        let parts = Parts::create(&folder, reader.shards)?;
        let missing: Vec<(usize, u32)> = (0..reader.shards)
            .filter(|shard| wanted[*shard])
            .map(|shard| (shard, record.next_attempt(shard)))
            .collect();
        let (runs, failure) = build(reader, &routed, &missing, &parts, as_of, drills);
        drop(routed);
        for (shard, stored) in record.shard_runs(runs) {
            built[shard] = Some(stored);
        }
        if let Some(failure) = failure {
            parts.settle()?;
            warn!(event = "shards_kept", kept = built.iter().flatten().count(), shards = reader.shards);
            return Err(failure);
        }
        unsynced.push(parts);
        reader.space.remove_spill()?;
        discard_damaged(&mut built, &wanted)?;
        record.stage("build", timer);
    }
    let shards = reader.shards;
    record.parts_bytes = built.iter().flatten().map(|b| b.part.bytes).sum();
    let lost = || {
        Error::Output(format!(
            "files in `{}` are not as they were written, {ROUNDS} times over: check the disk, or choose another folder with --output",
            folder.display()
        ))
    };
    let whole: Vec<Built> = built.into_iter().flatten().collect();
    if whole.len() == shards { Ok(AllBuilt { shards: whole, unsynced }) } else { Err(lost()) }
}

/// What an earlier run built, without the shards that a drill names.
fn found(reader: &Reader<'_>, checkpoints: &Checkpoints, drills: &Drills) -> Result<Vec<Option<Built>>> {
    let mut built = vec![None; reader.shards];
    let found = parts::find(&checkpoints.parts(), reader.shards, &schema(&reader.settings.spec))?;
    for parts::Found { shard, part, account } in found {
        match serde_json::from_str::<Account>(&account) {
            Ok(account) if account.customers == part.rows as u64 && !drills.names(shard) => {
                built[shard] = Some(Built { part, account });
            }
            _ => part.remove()?,
        }
    }
    let (reused, shards) = (built.iter().flatten().count(), reader.shards);
    info!(event = "resume", reused, shards);
    Ok(built)
}

/// Takes out the new shards whose file does not hold what was written.
fn discard_damaged(built: &mut [Option<Built>], new: &[bool]) -> Result<()> {
    let damaged = |(shard, built): (usize, &Option<Built>)| {
        let built = built.as_ref().filter(|_| new[shard])?;
        (!built.part.is_whole()).then_some(shard)
    };
    let damaged: Vec<usize> = built.par_iter().enumerate().filter_map(damaged).collect();
    for shard in damaged {
        warn!(event = "checkpoint_damaged", shard_id = shard);
        if let Some(built) = built[shard].take() {
            built.part.remove()?;
        }
    }
    Ok(())
}

/// Builds and stores these shards; gives the attempts of each, with what was built, and the failure that ended the run, if
/// any.
fn build(
    reader: &Reader<'_>,
    rows: &Shards,
    missing: &[(usize, u32)],
    parts: &Parts,
    as_of: Option<i32>,
    drills: &Drills,
) -> (BTreeMap<usize, ShardRun<Built>>, Option<Error>) {
    let Settings { spec, threads, retry, stop, .. } = reader.settings;
    let work = |shard: usize, attempt: u32| {
        drills.strike(shard, attempt)?;
        let built = shard::build(spec, &rows.load(shard)?, as_of)?;
        let account = serde_json::to_string(&built.account).map_err(|e| Error::Bug(format!("account: {e}")))?;
        let struck = |file: &std::fs::File| drills.strike_file(shard, attempt, file);
        let part = parts.store(shard, &built.profiles, &account, struck)?;
        rows.free(shard);
        drills.strike_end(shard);
        Ok(Built { part, account: built.account })
    };
    let need: Vec<u64> = (0..rows.len()).map(|shard| Memory::build(rows.bytes(shard))).collect();
    let need = |shard: usize| need.get(shard).copied().unwrap_or(0);
    let room = Room { threads: *threads, memory: reader.memory.building(rows.held_bytes()), need: &need, stop };
    executor::run(missing, &room, *retry, &work, &ShardEvents)
}

/// Builds a shard without rows: what the spec's own checks cannot see, Polars finds here, before any data is read.
pub(super) fn dry_run(spec: &Spec) -> Result<()> {
    let layouts = spec.sources.iter().map(layout).collect();
    let empty = ShardBuffers::new(layouts, vec![true], 1, None).into_shards().load(0)?;
    shard::build(spec, &empty, Some(0)).map(drop).map_err(|error| Error::Spec {
        origin: spec.origin.clone(),
        line: None,
        message: error.to_string(),
    })
}
