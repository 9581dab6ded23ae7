//! `run.json`: what a run was given, did and found; the names of the files beside it, and how they are found. Plain
//! data: its types read no file and no clock.

mod ledger;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use super::folder::{is_ours, recover, replace};
pub use super::names::*;
pub use super::runs::{KeptRun, Which, find, finished};
pub use crate::disk::sha256_of;
use crate::event::Warning;
pub use crate::identity::{ErasedRecord, IdentityRecord, MergesRecord, RefusedRecord};
pub use crate::spec::Severity;
pub use ledger::{Ledger, SourceLedger};

/// The manifest of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of onefold.
    pub onefold: String,
    /// The id of the run.
    pub run_id: String,
    /// `succeeded` or `failed`.
    pub status: Status,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// When it started: RFC 3339, UTC.
    pub started_at: String,
    /// When it ended: RFC 3339, UTC.
    pub finished_at: String,
    /// The profile spec.
    pub spec: SpecRecord,
    /// Options that change results.
    pub options: Options,
    /// The as-of date, `YYYY-MM-DD`, if it is known.
    pub as_of: Option<String>,
    /// Number of shards.
    pub shards: usize,
    /// Number of threads.
    pub threads: usize,
    /// Memory limit in bytes, as given or by default.
    pub memory_limit: u64,
    /// Bytes of routed rows that waited on disk.
    pub spilled_bytes: u64,
    /// Faults that were injected, as `--chaos` writes them.
    #[serde(default)]
    pub drills: Vec<String>,
    /// Shards of an earlier, unfinished run that were reused.
    #[serde(default)]
    pub resumed_shards: usize,
    /// Input files in reading order.
    pub inputs: Vec<InputRecord>,
    /// Input files that were not read because they are the same as another one.
    pub duplicates: Vec<DuplicateRecord>,
    /// Other files that the spec names.
    #[serde(default)]
    pub spec_files: Vec<SpecFileRecord>,
    /// What became of every input row, by source in declared order.
    pub ledger: Ledger,
    /// The identifiers, if customers were found by them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identity: Option<IdentityRecord>,
    /// How many customers there are.
    pub customers: Customers,
    /// The shards' attempts.
    pub shard_runs: Vec<ShardRecord>,
    /// The stages and their times, in order.
    pub stages: Vec<StageRecord>,
    /// Peak resident memory of the process in bytes, if the system gives it.
    pub peak_memory_bytes: Option<u64>,
    /// Bytes of the built shards, which were in the working folder until the outputs were published.
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
    /// Texts of which a `try_cast` made null, for each expression that has one.
    #[serde(default)]
    pub lost_values: IndexMap<String, u64>,
    /// What may be a mistake, in the order in which it was found.
    #[serde(default)]
    pub warnings: Vec<WarningRecord>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Outputs were published.
    Succeeded,
    /// Nothing was published.
    #[default]
    Failed,
}

/// The profile spec of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpecRecord {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Its text.
    pub text: String,
}

/// Options that change results.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Options {
    /// `--safe-csv`.
    pub safe_csv: bool,
    /// `--csv-bom`.
    #[serde(default)]
    pub csv_bom: bool,
    /// `--max-rejects`.
    pub max_rejects: String,
    /// `--max-bad`, if it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_bad: Option<String>,
    /// `--strict`, or `strict` in the spec.
    #[serde(default)]
    pub strict: bool,
    /// `--as-of`, if it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<String>,
    /// `--erase`, if it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub erase: Option<String>,
    /// `--encoding`, if it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encoding: Option<String>,
    /// `--delimiter`, if it was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delimiter: Option<String>,
}

/// One input file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputRecord {
    /// Its source.
    pub source: String,
    /// Its name in the input folder, or its path if it was given with `--source`; `archive!member` in an archive.
    pub file: String,
    /// The member's name, if it is one of an archive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub member: Option<String>,
    /// Its size in bytes, as it is packed.
    pub bytes: u64,
    /// What its records are written in, as in a spec.
    pub format: String,
    /// The sheet that was read, of a workbook.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sheet: Option<String>,
    /// The encoding in which it was read, as in a spec; none if it is no text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encoding: Option<String>,
    /// The delimiter with which it was read, as in a spec; none if it is not CSV.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delimiter: Option<String>,
    /// Digest of its bytes, unpacked, algorithm first; none if it was not read to its end.
    pub digest: Option<String>,
    /// Records in it.
    pub rows: u64,
}

/// A file that the spec names and that is no source's, such as rates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpecFileRecord {
    /// Its name in the input folder.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A warning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WarningRecord {
    /// Its name, as in the log.
    pub warning: String,
    /// The source that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    /// What it says, with the cure.
    pub message: String,
}

impl WarningRecord {
    /// The record of a warning.
    pub(crate) fn of(warning: &Warning) -> Self {
        let fields = serde_json::to_value(warning).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let name = text("warning").unwrap_or_default();
        Self { warning: name, source: text("source"), message: warning.to_string() }
    }
}

/// An input file that is the same as another one of its source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DuplicateRecord {
    /// Its source.
    pub source: String,
    /// Its name.
    pub file: String,
    /// The name of the file that was read.
    pub duplicate_of: String,
}

impl InputRecord {
    /// The name of the file that it is or lies in.
    pub fn file_name(&self) -> &str {
        let member = self.member.as_ref().and_then(|member| self.file.strip_suffix(member.as_str())?.strip_suffix('!'));
        member.unwrap_or(&self.file)
    }
}

/// How many customers there are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Customers {
    /// Profiles.
    pub total: u64,
    /// Profiles of customers with rows in the source, for each source.
    pub per_source: IndexMap<String, u64>,
    /// Customers that were built by two shards: if it is not 0, nothing is published.
    pub from_two_shards: u64,
}

/// One shard's attempts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShardRecord {
    /// Its number, from 0.
    pub shard_id: usize,
    /// Its profiles; none if it failed.
    pub customers: Option<u64>,
    /// Whether an earlier, unfinished run had built it; then it has no attempts here.
    #[serde(default)]
    pub resumed: bool,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt at a shard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Its number, from 1.
    pub attempt: u32,
    /// The worker that made it, from 0 to `threads - 1`.
    #[serde(default)]
    pub worker: usize,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// When it ended: RFC 3339, UTC.
    pub ended_at: String,
    /// `succeeded` or `failed`.
    pub outcome: Status,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// How long a stage took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageRecord {
    /// `route`, `build`, `merge`, `write`.
    pub stage: String,
    /// When it began: RFC 3339, UTC; none in manifests of an older onefold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started_at: Option<String>,
    /// Seconds, wall clock.
    pub seconds: f64,
}

/// One output file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputRecord {
    /// Its name in the output folder.
    pub file: String,
    /// Profiles in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// One rejects file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RejectsRecord {
    /// Its path in the output folder.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// What a check of the spec found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckRecord {
    /// Its name.
    pub name: String,
    /// What happens when it fails.
    pub severity: Severity,
    /// Whether the profiles satisfy it.
    pub passed: bool,
    /// What was measured, as a text.
    pub measured: String,
    /// What was expected, as a text.
    pub wanted: String,
}
