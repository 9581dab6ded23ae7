//! The command line: arguments, one file per command, log and exit codes. Never polars, never the pipeline's insides.

mod bench;
mod check;
mod completions;
mod drill;
pub mod exit;
mod generate;
pub mod logging;
mod out;
mod run;
mod signals;
mod summary;
pub mod threads;
mod verify;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Many exports in, one trusted profile per customer out.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// What is said while the command works.
    #[command(flatten)]
    pub talk: Talk,
    #[command(subcommand)]
    command: Command,
}

/// What is said while a command works.
#[derive(Debug, Clone, Args)]
pub struct Talk {
    /// Form of the log on stderr; json is one object a line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Say nothing but errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: every shard, every ignored column
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the exports, build one profile per customer, publish CSV and Parquet
    Run(Box<run::RunArgs>),
    /// Check the profile spec and the headers of the inputs, without a run
    Check(check::CheckArgs),
    /// Prove a finished run from its files alone
    Verify(verify::VerifyArgs),
    /// Time the whole run by number of shards
    Bench(bench::BenchArgs),
    /// Inject faults at random, round after round, and prove that none did harm
    Drill(drill::DrillArgs),
    /// Write sample data of any size
    Generate(generate::GenerateArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
}

const AFTER_HELP: &str = "\
Examples:
  onefold run                                       sample_data → data_out
  onefold run --input exports --output profiles     your folders
  onefold run --print-profile > my.toml             a profile spec to start from
  onefold run --profile my.toml                     your own profile
  onefold verify                                    proof from the files alone
  onefold bench --shards 1,16 --export-chart bench.svg      what shards gain here

Exit codes:
  0 done   2 wrong usage   3 profile spec invalid   4 input unusable   5 a shard failed for good
  6 verification failed   7 output folder busy, not writable or full   70 our bug   130 interrupted";

static RUN_ID: LazyLock<String> = LazyLock::new(onefold::settings::new_run_id);

/// Whether arguments that cannot be read ask for a JSON log all the same.
fn wants_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    args.iter().any(|a| a == "--log-format=json") || args.windows(2).any(|w| w == ["--log-format", "json"])
}

impl Cli {
    /// Reads the arguments; help, version and wrong usage are told here, with their exit code.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|told| {
            if told.use_stderr() && wants_json(std::env::args()) {
                let talk = Talk { log_format: LogFormat::Json, quiet: true, verbose: false };
                logging::start(&talk, &RUN_ID);
                let text = told.to_string();
                let cause = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
                return exit::report(&onefold::Error::Usage(cause.to_owned()).into());
            }
            // A closed pipe is no error.
            let _ = told.print();
            ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
        })
    }

    /// Threads that the command may use; none for as many as the machine has.
    pub fn threads(&self) -> Option<usize> {
        match &self.command {
            Command::Run(args) => args.threads(),
            _ => None,
        }
    }

    /// The id under which this process logs and runs.
    pub fn run_id(&self) -> &'static str {
        &RUN_ID
    }

    /// Carries out the command.
    pub fn run(&self) -> Result<(), exit::Failure> {
        let done = match &self.command {
            Command::Run(args) => args.run(&self.talk, self.run_id()),
            Command::Check(args) => args.run(&self.talk),
            Command::Verify(args) => args.run(&self.talk),
            Command::Bench(args) => return args.run(&self.talk),
            Command::Drill(args) => return args.run(&self.talk),
            Command::Generate(args) => args.run(&self.talk),
            Command::Completions(args) => args.run(),
        };
        Ok(done?)
    }
}
