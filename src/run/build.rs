//! Builds the shards in the pool: each shard's rows wait until it is built and stored, then their memory is freed. Owns
//! that every shard is complete in the end: found, built, or built again; publishes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::account::Account;
use super::read::Reader;
use super::settings::Settings;
use crate::engine::Given;
use crate::engine::attempt::{self, ShardAccount, part_schema};
use crate::engine::pool as engine_pool;
use crate::error::{Error, Result};
use crate::event::{Event, Stage};
use crate::shard::budget::Memory;
use crate::shard::checkpoint::Checkpoints;
use crate::shard::parts::{self, FoundPart, Parts, StoredPart};
use crate::shard::{Budget, Drills, Layout, Observer, ShardBuffers, ShardRun, Shards, pool};
use crate::spec::Spec;

/// Most rounds of building: one, and one more each time that a file was damaged on disk.
const ROUNDS: usize = 3;

/// A shard that was built and stored.
#[derive(Debug, Clone)]
pub(super) struct BuiltShard {
    pub part: StoredPart,
    pub account: ShardAccount,
}

/// All shards of a run.
pub(super) struct AllBuilt {
    /// All shards, in order.
    pub shards: Vec<BuiltShard>,
    /// Parts that are still being synced while the shards are merged.
    pub unsynced: Vec<Parts>,
}

/// What building needs.
pub(super) struct Builder<'a> {
    pub reader: &'a Reader<'a>,
    pub checkpoints: &'a Checkpoints,
    pub given: Given,
    pub drills: &'a Drills,
}

impl Builder<'_> {
    /// Finds or builds all shards. `rows` has the rows of all shards, if they were read already.
    pub fn build_all(&self, mut rows: Option<Shards>, account: &mut Account) -> Result<AllBuilt> {
        let shards = self.reader.shards;
        let mut built = if rows.is_some() { vec![None; shards] } else { self.found()? };
        account.begin_shards(&built);
        let mut unsynced = Vec::new();
        for _ in 0..ROUNDS {
            let wanted: Vec<bool> = built.iter().map(Option::is_none).collect();
            if !wanted.contains(&true) {
                break;
            }
            let rows = match rows.take() {
                Some(rows) => rows,
                None => {
                    let timer = Instant::now();
                    let rows = self.reader.read_again(wanted.clone(), self.checkpoints)?;
                    account.stage("route", timer);
                    rows
                }
            };
            unsynced.push(self.round(rows, &wanted, &mut built, account)?);
        }
        account.manifest.parts_bytes = built.iter().flatten().map(|b| b.part.bytes).sum();
        let whole: Vec<BuiltShard> = built.into_iter().flatten().collect();
        if whole.len() == shards { Ok(AllBuilt { shards: whole, unsynced }) } else { Err(self.lost()) }
    }

    /// Builds the missing shards from their rows; those whose file was damaged on disk are missing again after it.
    fn round(
        &self,
        rows: Shards,
        wanted: &[bool],
        built: &mut [Option<BuiltShard>],
        account: &mut Account,
    ) -> Result<Parts> {
        let timer = Instant::now();
        build_start(wanted);
        let shards = self.reader.shards;
        let parts = Parts::create(&self.checkpoints.parts(), shards, &self.checkpoints.key)?;
        let missing = (0..shards).filter(|shard| wanted[*shard]);
        let missing: Vec<(usize, u32)> = missing.map(|shard| (shard, account.next_attempt(shard))).collect();
        let (runs, failure) = self.build(&rows, &missing, &parts);
        drop(rows);
        for (shard, stored) in account.shard_runs(runs) {
            built[shard] = Some(stored);
        }
        if let Some(failure) = failure {
            // What is not synced is lost only in a power failure; the error is what to report.
            let _ = parts.settle();
            Event::ShardsKept { kept: built.iter().flatten().count(), shards }.emit();
            return Err(failure);
        }
        self.reader.space.remove_spill()?;
        discard_damaged(built, wanted)?;
        account.stage("build", timer);
        Ok(parts)
    }

    /// The shards that an earlier run has built, without those that have a drill.
    fn found(&self) -> Result<Vec<Option<BuiltShard>>> {
        let Reader { settings, shards, .. } = *self.reader;
        let mut built = vec![None; shards];
        let found =
            parts::find(&self.checkpoints.parts(), shards, &part_schema(&settings.spec), &self.checkpoints.key)?;
        for FoundPart { shard, part, account } in found {
            match serde_json::from_str::<ShardAccount>(&account) {
                Ok(account) if account.customers == part.rows as u64 && !self.drills.names(shard) => {
                    built[shard] = Some(BuiltShard { part, account });
                }
                _ => part.remove()?,
            }
        }
        Event::Resume { reused: built.iter().flatten().count(), shards }.emit();
        Ok(built)
    }

    /// Builds and stores these shards, each starting with this attempt; gives the attempts of each, with what was
    /// built, and the error that ended the run, if there was one.
    fn build(
        &self,
        rows: &Shards,
        missing: &[(usize, u32)],
        parts: &Parts,
    ) -> (BTreeMap<usize, ShardRun<BuiltShard>>, Option<Error>) {
        let Settings { spec, threads, retry, stop, .. } = self.reader.settings;
        let drills = self.drills;
        let work = |shard: usize, attempt: u32| {
            drills.strike(shard, attempt)?;
            let built = attempt::build(spec, &rows.load(shard)?, &self.given)?;
            let account = serde_json::to_string(&built.account).map_err(|e| Error::Bug(format!("account: {e}")))?;
            let struck = |file: &std::fs::File| drills.strike_file(shard, attempt, file);
            let part = parts.store(shard, &built.profiles, &account, struck)?;
            rows.free(shard);
            drills.strike_end(shard);
            Ok(BuiltShard { part, account: built.account })
        };
        let need: Vec<u64> = (0..rows.count()).map(|shard| Memory::build_cost(rows.bytes(shard))).collect();
        let need = |shard: usize| need.get(shard).copied().unwrap_or(0);
        let memory = self.reader.memory.build_budget(rows.held_bytes());
        let budget = Budget { pool: engine_pool(), threads: *threads, memory, need: &need, stop };
        pool::run(missing, &budget, *retry, &work, &ShardEvents)
    }

    fn lost(&self) -> Error {
        let folder = self.checkpoints.parts();
        Error::Work(format!(
            "files in `{}` were damaged on disk {ROUNDS} times in a row: check the disk, or choose another folder with --output",
            folder.display()
        ))
    }
}

/// Removes the new shards whose file was damaged on disk.
fn discard_damaged(built: &mut [Option<BuiltShard>], new: &[bool]) -> Result<()> {
    let damaged = |(shard, built): (usize, &Option<BuiltShard>)| {
        let built = built.as_ref().filter(|_| new[shard])?;
        (!built.part.is_whole()).then_some(shard)
    };
    let damaged: Vec<usize> = built.par_iter().enumerate().filter_map(damaged).collect();
    for shard_id in damaged {
        Event::CheckpointDamaged { shard_id }.emit();
        if let Some(built) = built[shard_id].take() {
            built.part.remove()?;
        }
    }
    Ok(())
}

/// Builds a shard without rows: the engine finds what the spec's checks cannot see, before any data is read.
pub(super) fn dry_run(spec: &Spec) -> Result<()> {
    let layouts = spec.sources.iter().map(|source| Layout::of(source)).collect();
    let empty = ShardBuffers::new(layouts, vec![true], 1, None).into_shards().load(0)?;
    attempt::build(spec, &empty, &Given { as_of: Some(0), rates: None }).map(drop).map_err(|error| Error::Spec {
        origin: spec.origin.clone(),
        line: None,
        message: error.to_string(),
    })
}

/// Emits that the build of the wanted shards begins; the others are there already.
fn build_start(wanted: &[bool]) {
    let (total, shards) = (wanted.iter().filter(|wanted| **wanted).count() as u64, wanted.len());
    Event::StageStart { stage: Stage::Build, total, shards }.emit();
    for shard_id in (0..shards).filter(|shard| !wanted[*shard]) {
        Event::ShardThere { shard_id }.emit();
    }
}

/// Emits what happens to shards.
struct ShardEvents;

impl Observer<BuiltShard> for ShardEvents {
    fn started(&self, shard_id: usize, attempt: u32) {
        Event::ShardStart { shard_id, attempt }.emit();
    }

    fn retrying(&self, shard_id: usize, attempt: u32, error: &Error, wait: Duration) {
        Event::ShardRetry { shard_id, attempt, error: error.to_string(), wait_ms: super::millis(wait) }.emit();
    }

    fn ended(&self, shard_id: usize, attempt: u32, built: &BuiltShard, elapsed: Duration) {
        let (n, elapsed_ms) = (built.account.customers, super::millis(elapsed));
        Event::ShardEnd { shard_id, attempt, n, elapsed_ms }.emit();
    }

    fn failed(&self, shard_id: usize, attempts: u32, error: &Error) {
        Event::ShardFailed { shard_id, attempts, error: error.to_string() }.emit();
    }
}
