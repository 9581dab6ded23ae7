//! `onefold bench`: measures complete runs with different numbers of shards. Every run is a separate process in a
//! temporary folder, never in this one.

mod chart;
mod export;
mod machine;
mod measure;
mod plan;
mod results;
mod table;

use std::path::{Path, PathBuf};

use clap::Args;
use onefold::event::Event;
use onefold::{Checked, Error, Limit, Result, default_shards};

use crate::cli::commands::run::{InputArgs, at_least_one, size};
use crate::cli::exit::Failure;
use crate::cli::os::process;
use crate::cli::tell::out::OutputFormat;
use crate::cli::{Verbosity, help};

use export::Export;
use measure::{Runs, Sample};
use plan::Turn;
use results::{About, Asked, Outcome};

/// Flags of `onefold bench`.
#[derive(Debug, Args)]
#[command(after_long_help = help::BENCH)]
pub struct BenchArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Numbers of shards to measure, in this order [default: 1,2,4,8,16,32,64 and the default of `onefold run`]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = at_least_one)]
    shards: Vec<usize>,
    /// Measured runs for each number of shards
    #[arg(long, value_name = "N", default_value = "5", value_parser = at_least_one)]
    runs: usize,
    /// Runs for each number of shards before the measured ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    warm_up: u16,
    /// Threads of every run, as for `onefold run`
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    threads: Option<usize>,
    /// Memory limit of every run, as for `onefold run`
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_limit: Option<u64>,
    /// Rejected rows allowed per source, as for `onefold run`
    #[arg(long, value_name = "N|P%")]
    max_rejects: Option<Limit>,
    /// Folder for the runs' outputs, on the disk to be measured; they are removed afterwards [default: the system's
    /// folder for temporary files]
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Write the results as JSON, one object per shard count
    #[arg(long, value_name = "FILE")]
    export_json: Option<PathBuf>,
    /// Write a chart of the results (.svg or .html)
    #[arg(long, value_name = "FILE", value_parser = chart::file)]
    export_chart: Option<PathBuf>,
    #[command(flatten)]
    format: OutputFormat,
}

impl BenchArgs {
    pub fn run(&self, verbosity: &Verbosity) -> std::result::Result<(), Failure> {
        // Whatever would stop every run is found before the first one.
        let inputs = onefold::check(&self.input.settings(Path::new(""))?)?;
        let exports = self.exports(&inputs)?;
        let default = default_shards(inputs.bytes());
        let counts = plan::counts(&self.shards, default);
        let samples = self.measure(&plan::turns(&counts, usize::from(self.warm_up), self.runs))?;
        let asked = Asked { runs: self.runs, warm_up: self.warm_up, memory_limit: self.memory_limit };
        let about = About::new(self.input.describe(), &samples, asked);
        let outcomes = results::outcomes(&counts, default, &samples, &about);
        self.format.say(verbosity, || table::of(&outcomes, &about), outcomes.as_slice())?;
        exports.write(&outcomes, &about)?;
        Ok(same_bytes(&outcomes)?)
    }

    fn exports(&self, inputs: &Checked) -> Result<Exports> {
        let sources = || inputs.files().map(|f| f.path.as_path());
        let open = |file: &Option<PathBuf>| file.as_deref().map(|f| Export::open(f, sources())).transpose();
        if self.export_json.is_some() && self.export_json == self.export_chart {
            return Err(Error::Usage("--export-json and --export-chart name the same file: choose two".into()));
        }
        Ok(Exports { json: open(&self.export_json)?, chart: open(&self.export_chart)? })
    }

    /// Makes the runs one by one in a folder that is removed at the end, even if one fails.
    fn measure(&self, turns: &[Turn]) -> std::result::Result<Vec<(Turn, Sample)>, Failure> {
        let folder = process::folder(self.work_dir.as_deref(), "onefold-bench-")?;
        let runs = Runs::new(self.run_args(), folder.path())?;
        let mut samples = Vec::new();
        for (at, turn) in turns.iter().enumerate() {
            let (run, of, shards, warm_up) = (at + 1, turns.len(), turn.shards, turn.warm_up);
            let sample = runs.run(shards).map_err(|f| f.during(&format!("run {run} of {of}, --shards {shards}")))?;
            Event::BenchRun { run, of, shards, seconds: sample.seconds, warm_up }.emit();
            samples.push((*turn, sample));
        }
        let path = folder.path().to_owned();
        folder.close().map_err(|e| Error::writing("remove", &path, e))?;
        Ok(samples)
    }

    /// The flags that all runs have in common.
    fn run_args(&self) -> Vec<std::ffi::OsString> {
        let mut args = self.input.to_args();
        let Self { threads, memory_limit, max_rejects, .. } = self;
        let flags = [
            ("--threads", threads.map(|n| n.to_string())),
            ("--memory-limit", memory_limit.map(|n| n.to_string())),
            ("--max-rejects", max_rejects.map(|n| n.to_string())),
        ];
        for (flag, value) in flags {
            args.extend(value.into_iter().flat_map(|v| [flag.into(), v.into()]));
        }
        args
    }
}

/// The files to write, which were checked before the first run.
struct Exports {
    json: Option<Export>,
    chart: Option<Export>,
}

impl Exports {
    fn write(self, outcomes: &[Outcome], about: &About) -> Result<()> {
        if let Some(json) = self.json {
            json.write(&results::to_json(outcomes)?)?;
        }
        if let Some(chart) = self.chart {
            let picture = chart::draw(chart.path(), outcomes, about)?;
            chart.write(picture.as_bytes())?;
        }
        Ok(())
    }
}

/// Fails if any run gave other outputs than the first one.
fn same_bytes(outcomes: &[Outcome]) -> Result<()> {
    match results::different(outcomes) {
        None => Ok(()),
        Some(counts) => Err(Error::Verify(format!(
            "the outputs with {counts} shards differ from those of the first run; please report it"
        ))),
    }
}
