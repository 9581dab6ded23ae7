//! What a run knows of itself, gathered stage by stage, and the proofs over it: the ledger and the customers.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use indexmap::IndexMap;
use serde_json::Number;

use crate::cell::Type;
use crate::checkpoint::SourceAccount;
use crate::checks::Verdict;
use crate::error::{Error, Result};
use crate::executor::{Attempt, ShardRun};
use crate::manifest::{
    AttemptRecord, CheckRecord, Customers, InputRecord, Ledger, Manifest, Options, OutputRecord, RejectsRecord,
    Severity, ShardRecord, SourceLedger, SpecRecord, Stage, Status,
};
use crate::settings::Settings;
use crate::shard::ScoreTally;
use crate::sink::Written;
use crate::source::InputFile;
use crate::spec::{self, Score, Source, Spec};

use super::shards::Built;

/// A run's record so far.
pub(super) struct Record {
    manifest: Manifest,
    pub shards: usize,
    pub memory_limit: u64,
    pub spilled_bytes: u64,
    pub as_of: Option<NaiveDate>,
    pub parts_bytes: u64,
    pub outputs: Vec<Written>,
}

impl Record {
    pub fn new(settings: &Settings) -> Self {
        let Settings { run_id, spec, threads, drills, .. } = settings;
        let now = timestamp(Utc::now());
        let manifest = Manifest {
            onefold: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: run_id.clone(),
            status: Status::Failed,
            error: None,
            started_at: now.clone(),
            finished_at: now,
            spec: SpecRecord { name: spec.name.clone(), sha256: spec.sha256(), text: spec.text.clone() },
            options: options(settings),
            as_of: None,
            shards: 0,
            threads: *threads,
            memory_limit: 0,
            spilled_bytes: 0,
            drills: drills.iter().map(ToString::to_string).collect(),
            resumed_shards: 0,
            inputs: Vec::new(),
            ledger: Ledger::default(),
            customers: Customers::default(),
            shard_runs: Vec::new(),
            stages: Vec::new(),
            peak_memory_bytes: None,
            parts_bytes: 0,
            outputs: Vec::new(),
            rejects: Vec::new(),
            scores: IndexMap::new(),
            checks: Vec::new(),
        };
        Self {
            manifest,
            shards: 0,
            memory_limit: 0,
            spilled_bytes: 0,
            as_of: None,
            parts_bytes: 0,
            outputs: Vec::new(),
        }
    }

    pub fn stage(&mut self, stage: &str, begun: Instant) {
        let elapsed = begun.elapsed();
        let seconds = (elapsed.as_secs_f64() * 1e6).round() / 1e6;
        let started_at = Some(timestamp(Utc::now() - elapsed));
        self.manifest.stages.push(Stage { stage: stage.to_owned(), started_at, seconds });
    }

    pub fn source_read(&mut self, source: &Source, files: &[InputFile], read: &SourceAccount) {
        for (file, (rows, digest)) in files.iter().zip(&read.files) {
            self.manifest.inputs.push(InputRecord {
                source: source.name.clone(),
                file: file.name.clone(),
                bytes: file.bytes,
                encoding: file.encoding.to_string(),
                delimiter: file.header.delimiter.to_string(),
                digest: Some(digest.clone()),
                rows: *rows,
            });
        }
        let typed = source.columns.iter().zip(&read.bad_values).filter(|(c, _)| c.cell.ty != Type::Text);
        let bad_values = typed.map(|(c, n)| (c.name.clone(), *n)).collect();
        let (rows_read, rows_rejected) = (read.rows, read.rejected);
        let ledger = SourceLedger { rows_read, rows_rejected, bad_values, ..SourceLedger::default() };
        self.manifest.ledger.0.insert(source.name.clone(), ledger);
    }

    /// Takes the shards that an earlier run had built, and those that are to be.
    pub fn begin_shards(&mut self, built: &[Option<Built>]) {
        self.manifest.resumed_shards = built.iter().flatten().count();
        let shard = |(shard_id, built): (usize, &Option<Built>)| {
            let customers = built.as_ref().map(|built| built.account.customers);
            ShardRecord { shard_id, customers, resumed: built.is_some(), attempts: Vec::new() }
        };
        self.manifest.shard_runs = built.iter().enumerate().map(shard).collect();
    }

    /// The number of the shard's next attempt, from 1.
    pub fn next_attempt(&self, shard: usize) -> u32 {
        self.manifest.shard_runs.get(shard).and_then(|run| run.attempts.last()).map_or(1, |last| last.attempt + 1)
    }

    /// Takes the shards' attempts; gives what was built, by shard.
    pub fn shard_runs(&mut self, runs: BTreeMap<usize, ShardRun<Built>>) -> Vec<(usize, Built)> {
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

    /// Takes a staged rejects file.
    pub fn reject_file(&mut self, file: String, bytes: u64, sha256: String) {
        self.manifest.rejects.push(RejectsRecord { file, bytes, sha256 });
    }

    /// Adds the shards' accounts to the ledger and to the scores.
    pub fn account(&mut self, spec: &Spec, built: &[Built]) {
        for (at, source) in spec.sources.iter().enumerate() {
            let ledger = self.manifest.ledger.0.entry(source.name.clone()).or_default();
            let mut known = 0;
            for tally in built.iter().filter_map(|b| b.account.tallies.get(at)) {
                ledger.rows_used += tally.used;
                ledger.rows_superseded += tally.superseded;
                ledger.rows_excluded += tally.excluded;
                known += tally.customers;
            }
            self.manifest.customers.per_source.insert(source.name.clone(), known);
        }
        let listed = spec.scores.iter().filter(|score| spec.output_type(&score.name).is_some());
        for (at, score) in listed.enumerate() {
            let mut tallies = built.iter().filter_map(|b| b.account.scores.get(at));
            let Some(mut total) = tallies.next().cloned() else { continue };
            tallies.for_each(|tally| total.add(tally));
            self.manifest.scores.insert(score.name.clone(), summary(score, &total));
        }
    }

    /// Proves that every input row is accounted for.
    pub fn balance(&self) -> Result<()> {
        self.manifest.ledger.balance().map_err(Error::Bug)
    }

    /// Proves that the profiles out are the customers in; the merge has shown that none stands twice.
    pub fn prove_customers(&mut self, built: &[Built]) -> Result<()> {
        let built: u64 = built.iter().map(|b| b.account.customers).sum();
        if let Some(output) = self.outputs.iter().find(|output| output.rows != built) {
            return Err(Error::Bug(format!("{built} profiles were built and {} written", output.rows)));
        }
        self.manifest.customers.total = built;
        Ok(())
    }

    /// Takes what the checks found.
    pub fn checks(&mut self, verdicts: &[Verdict]) {
        let record = |v: &Verdict| {
            let Verdict { name, severity, passed, measured, wanted } = v.clone();
            let severity = match severity {
                spec::Severity::Error => Severity::Error,
                spec::Severity::Warn => Severity::Warn,
            };
            CheckRecord { name, severity, passed, measured, wanted }
        };
        self.manifest.checks = verdicts.iter().map(record).collect();
    }

    /// The manifest as of now.
    pub fn manifest(&self, status: Status, error: Option<String>) -> Manifest {
        let output = |w: &Written| {
            let Written { file, rows, bytes, sha256 } = w.clone();
            OutputRecord { file, rows, bytes, sha256 }
        };
        Manifest {
            status,
            error,
            finished_at: timestamp(Utc::now()),
            as_of: self.as_of.map(|d| d.to_string()),
            shards: self.shards,
            memory_limit: self.memory_limit,
            spilled_bytes: self.spilled_bytes,
            peak_memory_bytes: peak_memory(),
            parts_bytes: self.parts_bytes,
            outputs: self.outputs.iter().map(output).collect(),
            ..self.manifest.clone()
        }
    }
}

/// The options that bear on results.
pub(super) fn options(settings: &Settings) -> Options {
    let Settings { inputs, reject_limit, as_of, safe_csv, .. } = settings;
    Options {
        safe_csv: *safe_csv,
        max_rejects: reject_limit.to_string(),
        as_of: as_of.map(|day| day.to_string()),
        encoding: inputs.encoding.map(|e| e.to_string()),
        delimiter: inputs.delimiter.map(|d| d.to_string()),
    }
}

/// A manifest's text.
pub(super) fn to_json(manifest: &Manifest) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(manifest).map_err(|e| Error::Bug(format!("manifest: {e}")))?;
    json.push(b'\n');
    Ok(json)
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

/// Peak resident memory, from Linux's account of the process; none elsewhere.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
