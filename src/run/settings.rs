//! Settings of a run: plain, validated values. Knows neither the command line nor the environment.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::NaiveDate;

use crate::input::{DEFAULT_BLOCK_SIZE, Inputs};
use crate::shard::{Drill, RetryPolicy};
use crate::spec::{Limit, Spec};
use crate::stop::Stop;

/// Everything that a run is given.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Identifies the run in logs, the manifest and the working folder: a plain file name that sorts by time. By
    /// default each run gets a new one.
    pub run_id: Option<String>,
    /// The profile.
    pub spec: Spec,
    /// The input files.
    pub inputs: Inputs,
    /// The output folder.
    pub output: PathBuf,
    /// Number of shards; by default it depends on the input's size. It does not change the result.
    pub shards: Option<usize>,
    /// Shards that are built at the same time, and reading threads.
    pub threads: usize,
    /// Memory limit in bytes; by default 70 % of the machine's memory or of its control group's limit. Rows that do not
    /// fit wait on disk.
    pub memory_limit: Option<u64>,
    /// When a failed shard is tried again.
    pub retry: RetryPolicy,
    /// How many rejected rows a source may have.
    pub reject_limit: Limit,
    /// How many bad values a column may have, beside what the spec says; no limit by default.
    pub bad_limit: Option<Limit>,
    /// Whether a warning fails the run, as with `strict` in the spec.
    pub strict: bool,
    /// The as-of date; by default the newest `latest_by` value.
    pub as_of: Option<NaiveDate>,
    /// A further list of values to erase.
    pub erase: Option<PathBuf>,
    /// Injected faults.
    pub drills: Vec<Drill>,
    /// Whether text cells that a spreadsheet would run as a formula get a leading `'`.
    pub safe_csv: bool,
    /// Whether the CSV begins with a byte-order mark, by which Excel knows that it is UTF-8.
    pub csv_bom: bool,
    /// Whether a run may publish no profile at all.
    pub allow_empty: bool,
    /// Whether files in the output folder that no run wrote may be replaced.
    pub force: bool,
    /// Whether to start from scratch and reuse nothing from an earlier run.
    pub fresh: bool,
    /// Requests the run to stop.
    pub stop: Stop,
    /// Bytes of a block of input; does not change the result.
    pub block_size: usize,
}

impl Settings {
    /// The settings of `onefold run` without flags, for this profile and these folders.
    pub fn new(spec: Spec, input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            run_id: None,
            spec,
            inputs: Inputs::of(input),
            output: output.into(),
            shards: None,
            threads,
            memory_limit: None,
            retry: RetryPolicy { max_retries: 3, first_wait: Duration::from_secs(2) },
            reject_limit: Limit::Default,
            bad_limit: None,
            strict: false,
            as_of: None,
            erase: None,
            drills: Vec::new(),
            safe_csv: false,
            csv_bom: false,
            allow_empty: false,
            force: false,
            fresh: false,
            stop: Stop::default(),
            block_size: DEFAULT_BLOCK_SIZE,
        }
    }
}

/// A run id from the current time and process; never the same twice.
pub fn new_run_id() -> String {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let id = format!("{}-{}", chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ"), std::process::id());
    match GIVEN.fetch_add(1, Ordering::Relaxed) {
        0 => id,
        given => format!("{id}-{}", given + 1),
    }
}
