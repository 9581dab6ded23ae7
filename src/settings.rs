//! Settings of a run: plain, validated values. Knows neither the command line nor the environment.

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;

use crate::executor::{Drill, RetryPolicy};
use crate::source::{DEFAULT_BLOCK_SIZE, Inputs, RejectLimit};
use crate::spec::Spec;
use crate::stop::Stop;

/// All that a run is given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Identifies the run in logs, the manifest and the working folder; a plain file name that sorts by time.
    pub run_id: String,
    /// The profile.
    pub spec: Spec,
    /// The input files.
    pub inputs: Inputs,
    /// The output folder.
    pub output: PathBuf,
    /// Number of shards; by default it follows from the input's size.
    pub shards: Option<usize>,
    /// Shards at work at a time, and reading threads.
    pub threads: usize,
    /// Memory limit in bytes; by default 70 % of what the machine or its control group allows. Rows beyond it wait on disk.
    pub memory_limit: Option<u64>,
    /// Retries of a shard.
    pub retry: RetryPolicy,
    /// Rejected rows that a source may have.
    pub reject_limit: RejectLimit,
    /// The as-of date; by default the newest `latest_by` value.
    pub as_of: Option<NaiveDate>,
    /// Injected faults.
    pub drills: Vec<Drill>,
    /// Whether text cells that a spreadsheet would run as a formula get a leading `'`.
    pub safe_csv: bool,
    /// Whether to do everything anew, whatever earlier runs left.
    pub fresh: bool,
    /// How to ask the run to stop.
    pub stop: Stop,
    /// Bytes read at a time; changes no result.
    pub block_size: usize,
}

impl Settings {
    /// The settings of `onefold run` without flags, for this profile and these folders.
    pub fn new(spec: Spec, input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            run_id: new_run_id(),
            spec,
            inputs: Inputs::of(input),
            output: output.into(),
            shards: None,
            threads,
            memory_limit: None,
            retry: RetryPolicy { max_retries: 3, first_wait: Duration::from_secs(2) },
            reject_limit: RejectLimit::Default,
            as_of: None,
            drills: Vec::new(),
            safe_csv: false,
            fresh: false,
            stop: Stop::default(),
            block_size: DEFAULT_BLOCK_SIZE,
        }
    }
}

/// A run id of this moment and process.
pub fn new_run_id() -> String {
    format!("{}-{}", chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ"), std::process::id())
}
