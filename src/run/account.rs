//! What a run knows about itself: the manifest while it is filled, and the rejects that a failed run keeps. Owns the
//! proofs over their counts; publishes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use indexmap::IndexMap;
use serde_json::Number;

use super::build::BuiltShard;
use super::settings::{Settings, new_run_id};
use crate::disk::copy_file;
use crate::engine::attempt::ScoreTally;
use crate::error::{Error, Result};
use crate::identity::ListFile;
use crate::input::{Duplicate, InputFile, LinkedCounts, RatesFile, Rejects, SourceAccount, SourceFiles};
use crate::output::manifest::{
    AttemptRecord, DuplicateRecord, InputRecord, Manifest, Options, OutputRecord, RejectsRecord, ShardRecord,
    SourceLedger, SpecFileRecord, SpecRecord, StageRecord, Status,
};
use crate::output::names::{CSV_FILE, PARQUET_FILE};
use crate::shard::{Attempt, ShardRun};
use crate::spec::{Score, Spec};

/// A run's manifest and rejects so far.
pub(super) struct Account {
    /// The content of `run.json`, which is filled during the run.
    pub manifest: Manifest,
    /// Rejects by source, for a failed run to keep.
    pub rejects: IndexMap<String, RejectsFile>,
    /// Whether they may hold what is to be erased, so that a failed run keeps none.
    pub hides_rejects: bool,
}

/// A source's rejects.
#[derive(Debug)]
pub(super) enum RejectsFile {
    /// Still growing.
    Growing(Box<Rejects>),
    /// In a file.
    Stored(PathBuf),
}

impl RejectsFile {
    /// Writes the rejects file to this path; false if there are no rejects.
    pub fn keep(self, path: &Path) -> Result<bool> {
        match self {
            Self::Growing(rejects) => rejects.save(path),
            Self::Stored(file) => copy_file(&file, path).map(|_| true).map_err(|e| Error::working("write", path, e)),
        }
    }
}

impl Account {
    pub fn new(settings: &Settings) -> Self {
        let Settings { run_id, spec, threads, drills, .. } = settings;
        let now = timestamp(Utc::now());
        let manifest = Manifest {
            onefold: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: run_id.clone().unwrap_or_else(new_run_id),
            status: Status::Failed,
            started_at: now.clone(),
            finished_at: now,
            spec: SpecRecord { name: spec.name.clone(), sha256: spec.sha256(), text: spec.text.clone() },
            options: options(settings),
            threads: *threads,
            drills: drills.iter().map(ToString::to_string).collect(),
            ..Manifest::default()
        };
        Self { manifest, rejects: IndexMap::new(), hides_rejects: false }
    }

    /// Adds a stage that has ended now.
    pub fn stage(&mut self, stage: &str, begun: Instant) {
        self.stage_until(stage, begun, Instant::now());
    }

    /// Adds a stage.
    pub fn stage_until(&mut self, stage: &str, begun: Instant, ended: Instant) {
        let seconds = (ended.duration_since(begun).as_secs_f64() * 1e6).round() / 1e6;
        let started_at = Some(timestamp(Utc::now() - begun.elapsed()));
        self.manifest.stages.push(StageRecord { stage: stage.to_owned(), started_at, seconds });
    }

    /// Adds the counts of a source that was read.
    pub fn source_read(&mut self, read: &SourceFiles, account: &SourceAccount) {
        let SourceFiles { source, files, duplicates, .. } = read;
        let duplicates = duplicates.iter().map(|Duplicate { file, duplicate_of }| DuplicateRecord {
            source: source.name.clone(),
            file: file.clone(),
            duplicate_of: duplicate_of.clone(),
        });
        self.manifest.duplicates.extend(duplicates);
        let input = |file: &InputFile| {
            let account = account.files.iter().find(|account| account.file == file.name);
            InputRecord {
                source: source.name.clone(),
                file: file.name.clone(),
                member: file.member.clone(),
                bytes: file.bytes,
                format: file.format.name().to_string(),
                sheet: file.format.sheet().map(str::to_owned),
                encoding: file.format.is_text().then(|| file.encoding.to_string()),
                delimiter: file.format.dialect().map(|dialect| dialect.delimiter.to_string()),
                digest: account.map(|account| account.digest.clone()),
                rows: account.map_or(0, |account| account.rows),
            }
        };
        self.manifest.inputs.extend(files.iter().map(input));
        let SourceAccount { counts, footer, bad_values, linked, .. } = account;
        let ledger = SourceLedger {
            rows_read: counts.rows,
            rows_rejected: counts.rejected,
            rows_filtered: counts.filtered,
            rows_blank: counts.blank,
            rows_merged: linked.merged,
            rows_deleted: linked.deleted,
            rows_unidentified: linked.unidentified,
            rows_erased: linked.erased,
            footer_rows: *footer,
            bad_values: bad_values.clone(),
            ..SourceLedger::default()
        };
        self.manifest.ledger.0.insert(source.name.clone(), ledger);
        if source.filter.as_ref().is_some_and(|filter| !filter.casts.is_empty()) {
            self.manifest.lost_values.insert(format!("sources.{}.where", source.name), counts.lost);
        }
    }

    /// Adds the rows of a source that are used for no profile because of who they are of.
    pub fn linked(&mut self, source: &str, counts: LinkedCounts) {
        if let Some(ledger) = self.manifest.ledger.0.get_mut(source) {
            ledger.rows_merged = counts.merged;
            ledger.rows_deleted = counts.deleted;
            ledger.rows_unidentified = counts.unidentified;
            ledger.rows_erased = counts.erased;
        }
    }

    /// Adds all shards, with those that an earlier run has built.
    pub fn begin_shards(&mut self, built: &[Option<BuiltShard>]) {
        self.manifest.resumed_shards = built.iter().flatten().count();
        let shard = |(shard_id, built): (usize, &Option<BuiltShard>)| {
            let customers = built.as_ref().map(|built| built.account.customers);
            ShardRecord { shard_id, customers, resumed: built.is_some(), attempts: Vec::new() }
        };
        self.manifest.shard_runs = built.iter().enumerate().map(shard).collect();
    }

    /// The number of the shard's next attempt, from 1.
    pub fn next_attempt(&self, shard: usize) -> u32 {
        self.manifest.shard_runs.get(shard).and_then(|run| run.attempts.last()).map_or(1, |last| last.attempt + 1)
    }

    /// Adds the shards' attempts; gives what was built, by shard.
    pub fn shard_runs(&mut self, runs: BTreeMap<usize, ShardRun<BuiltShard>>) -> Vec<(usize, BuiltShard)> {
        let mut built = Vec::new();
        for (shard, ShardRun { attempts, result }) in runs {
            if let Some(run) = self.manifest.shard_runs.get_mut(shard) {
                run.customers = result.as_ref().map(|built| built.account.customers);
                run.attempts.extend(attempts.into_iter().map(attempt));
            }
            built.extend(result.map(|result| (shard, result)));
        }
        built
    }

    /// Adds a staged rejects file.
    pub fn reject_file(&mut self, file: String, bytes: u64, sha256: String) {
        self.manifest.rejects.push(RejectsRecord { file, bytes, sha256 });
    }

    /// Adds the shards' counts to the ledger and the scores; proves that the ledger balances.
    pub fn settle(&mut self, spec: &Spec, built: &[BuiltShard]) -> Result<()> {
        let Manifest { ledger, customers, scores, lost_values, .. } = &mut self.manifest;
        for source in &spec.sources {
            let ledger = ledger.0.entry(source.name.clone()).or_default();
            let known = customers.per_source.entry(source.name.clone()).or_default();
            for tally in built.iter().filter_map(|b| b.account.sources.get(&source.name)) {
                ledger.rows_used += tally.used;
                ledger.rows_superseded += tally.superseded;
                ledger.rows_excluded += tally.excluded;
                *known += tally.customers;
            }
        }
        for (name, lost) in built.iter().flat_map(|b| &b.account.lost) {
            *lost_values.entry(name.clone()).or_default() += lost;
        }
        for score in &spec.scores {
            let mut tallies = built.iter().filter_map(|b| b.account.scores.get(&score.name));
            let Some(mut total) = tallies.next().cloned() else { continue };
            tallies.for_each(|tally| total.add(tally));
            scores.insert(score.name.clone(), summary(score, &total));
        }
        ledger.balance().map_err(Error::Bug)
    }

    /// Proves that as many profiles were written as were built, and that no customer is in two shards.
    pub fn prove_customers(&mut self, built: &[BuiltShard], from_two_shards: u64) -> Result<()> {
        let built: u64 = built.iter().map(|b| b.account.customers).sum();
        self.manifest.customers.from_two_shards = from_two_shards;
        if from_two_shards > 0 {
            return Err(Error::Bug(format!("{from_two_shards} customers were built by two shards")));
        }
        let profiles = [CSV_FILE, PARQUET_FILE];
        let mut outputs = self.manifest.outputs.iter().filter(|output| profiles.contains(&output.file.as_str()));
        if let Some(output) = outputs.find(|output| output.rows != built) {
            return Err(Error::Bug(format!("{built} profiles were built and {} written", output.rows)));
        }
        self.manifest.customers.total = built;
        Ok(())
    }

    /// Adds the files that the spec names beside those of its sources.
    pub fn spec_files(&mut self, rates: Option<&RatesFile>, lists: &[ListFile]) {
        let record = |name: &str, sha256: &str| SpecFileRecord { file: name.to_owned(), sha256: sha256.to_owned() };
        let rates = rates.map(|file| record(&file.name, &file.sha256));
        let lists = lists.iter().map(|file| record(&file.name, &file.sha256));
        self.manifest.spec_files = rates.into_iter().chain(lists).collect();
    }

    pub fn outputs(&mut self, outputs: Vec<OutputRecord>) {
        self.manifest.outputs = outputs;
    }

    /// Completes the manifest and gives its text.
    pub fn close(&mut self, status: Status, error: Option<String>) -> Result<Vec<u8>> {
        let manifest = &mut self.manifest;
        (manifest.status, manifest.error) = (status, error);
        manifest.finished_at = timestamp(Utc::now());
        manifest.peak_memory_bytes = peak_memory();
        let mut json = serde_json::to_vec_pretty(manifest).map_err(|e| Error::Bug(format!("manifest: {e}")))?;
        json.push(b'\n');
        Ok(json)
    }
}

/// The options that change results.
pub(super) fn options(settings: &Settings) -> Options {
    let Settings { inputs, reject_limit, bad_limit, as_of, safe_csv, csv_bom, erase, .. } = settings;
    Options {
        safe_csv: *safe_csv,
        csv_bom: *csv_bom,
        max_rejects: reject_limit.to_string(),
        max_bad: bad_limit.map(|limit| limit.to_string()),
        strict: settings.strict || settings.spec.strict,
        as_of: as_of.map(|day| day.to_string()),
        // From wherever the run is verified.
        erase: erase
            .as_ref()
            .map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone()).display().to_string()),
        encoding: inputs.encoding.map(|e| e.to_string()),
        delimiter: inputs.delimiter.map(|d| d.to_string()),
    }
}

fn attempt(attempt: Attempt) -> AttemptRecord {
    let Attempt { attempt, worker, started_at, ended_at, error } = attempt;
    AttemptRecord {
        attempt,
        worker,
        started_at: timestamp(started_at),
        ended_at: timestamp(ended_at),
        outcome: if error.is_none() { Status::Succeeded } else { Status::Failed },
        error,
    }
}

/// A score's mean, or how many profiles are in each of its bands.
fn summary(score: &Score, tally: &ScoreTally) -> IndexMap<String, Number> {
    match tally {
        ScoreTally::Points(_, 0) => IndexMap::new(),
        ScoreTally::Points(sum, count) => {
            let mean = Number::from_f64(*sum as f64 / *count as f64);
            mean.into_iter().map(|m| ("mean".to_owned(), m)).collect()
        }
        ScoreTally::Bands(counts) => {
            score.bands.iter().zip(counts).map(|(b, n)| (b.label.clone(), (*n).into())).collect()
        }
    }
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Peak resident memory of the process, as Linux reports it; none on other systems.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
