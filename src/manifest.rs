//! `run.json`: what a run was given, did and found. Plain data and its serde form; no I/O, no clock.

mod ledger;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use ledger::{Ledger, SourceLedger};

/// The manifest of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of onefold.
    pub onefold: String,
    /// The run.
    pub run_id: String,
    /// `succeeded` or `failed`.
    pub status: Status,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// The profile spec.
    pub spec: SpecRecord,
    /// Options that bear on results.
    pub options: Options,
    /// The as-of date, `YYYY-MM-DD`, where one is known.
    pub as_of: Option<String>,
    /// Number of shards.
    pub shards: usize,
    /// Number of threads.
    pub threads: usize,
    /// Memory limit in bytes, given or by default.
    pub memory_limit: u64,
    /// Bytes of routed rows that waited on disk.
    pub spilled_bytes: u64,
    /// Faults that were injected, as `--chaos` writes them.
    #[serde(default)]
    pub drills: Vec<String>,
    /// Shards that an earlier, unfinished run had built and this one took over.
    #[serde(default)]
    pub resumed_shards: usize,
    /// Input files in reading order.
    pub inputs: Vec<InputRecord>,
    /// The account of every input row, by source in declared order.
    pub ledger: Ledger,
    /// The account of customers.
    pub customers: Customers,
    /// The shards' attempts.
    pub shard_runs: Vec<ShardRecord>,
    /// Seconds per stage, in order.
    pub stages: Vec<Stage>,
    /// Peak resident memory of the process, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// Bytes of the built shards, which lay in the working folder until the outputs were published.
    #[serde(default)]
    pub parts_bytes: u64,
    /// Output files.
    pub outputs: Vec<OutputRecord>,
    /// Rejects files.
    #[serde(default)]
    pub rejects: Vec<RejectsRecord>,
    /// Score distributions: a mean for numbers, counts for bands.
    pub scores: IndexMap<String, IndexMap<String, serde_json::Number>>,
    /// What the checks of the spec found, in declared order.
    #[serde(default)]
    pub checks: Vec<CheckRecord>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Outputs were published.
    Succeeded,
    /// Nothing was published.
    Failed,
}

/// The profile spec of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpecRecord {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Its text.
    pub text: String,
}

/// Options that bear on results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// `--safe-csv`.
    pub safe_csv: bool,
    /// `--max-rejects`.
    pub max_rejects: String,
    /// `--as-of`, where it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<String>,
    /// `--encoding`, where it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encoding: Option<String>,
    /// `--delimiter`, where it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delimiter: Option<String>,
}

/// One input file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputRecord {
    /// Its source.
    pub source: String,
    /// Its name in the input folder, or its path when it was given by hand.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// The encoding it was read in, as a spec names it.
    #[serde(default = "utf8")]
    pub encoding: String,
    /// The delimiter it was read with, as a spec names it.
    #[serde(default = "comma")]
    pub delimiter: String,
    /// Digest of its bytes, algorithm first; none when it was not read to its end.
    pub digest: Option<String>,
    /// Records in it.
    pub rows: u64,
}

fn utf8() -> String {
    "utf-8".to_owned()
}

fn comma() -> String {
    ",".to_owned()
}

/// The account of customers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Customers {
    /// Profiles.
    pub total: u64,
    /// Profiles that a source knows.
    pub per_source: IndexMap<String, u64>,
    /// Customers that came out of two shards: 0, or nothing is published.
    pub from_two_shards: u64,
}

/// One shard's attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShardRecord {
    /// From 0.
    pub shard_id: usize,
    /// Profiles it gave; none when it failed.
    pub customers: Option<u64>,
    /// Whether an earlier, unfinished run had built it; then it has no attempts here.
    #[serde(default)]
    pub resumed: bool,
    /// In order.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt at a shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// From 1.
    pub attempt: u32,
    /// The worker that made it, from 0 to `threads - 1`.
    #[serde(default)]
    pub worker: usize,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub ended_at: String,
    /// `succeeded` or `failed`.
    pub outcome: Status,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// Time a stage took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stage {
    /// `route`, `build`, `merge`, `write`.
    pub stage: String,
    /// RFC 3339, UTC; none in manifests of an older onefold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started_at: Option<String>,
    /// Seconds, wall clock.
    pub seconds: f64,
}

/// One output file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// Its name in the output folder.
    pub file: String,
    /// Profiles in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// One rejects file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectsRecord {
    /// Its path in the output folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// What a check of the spec found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Its name.
    pub name: String,
    /// What follows when it fails.
    pub severity: Severity,
    /// Whether the profiles satisfy it.
    pub passed: bool,
    /// What was measured, in words.
    pub measured: String,
    /// What is asked for, in words.
    pub wanted: String,
}

/// What follows from a failed check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is published.
    Error,
    /// It is reported.
    Warn,
}
