//! The command line: arguments, one file per command, log and exit codes. Never polars, never the pipeline's insides.

mod bench;
mod check;
mod columns;
mod completions;
mod diff;
mod drill;
pub mod exit;
mod explain;
mod generate;
mod help;
pub mod logging;
mod man;
mod out;
mod process;
mod progress;
mod report;
mod run;
mod signals;
mod summary;
mod telemetry;
pub mod threads;
mod verify;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Many exports in, one trusted profile per customer out.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = help::SHORT, after_long_help = help::LONG)]
pub struct Cli {
    /// What is said while the command works.
    #[command(flatten)]
    pub talk: Talk,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Heading of the flags that all commands have.
const MESSAGES: &str = "Messages";

/// What is said while a command works.
#[derive(Debug, Clone, Args)]
pub struct Talk {
    /// Form of the log on stderr; json is one object a line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT", help_heading = MESSAGES)]
    pub log_format: LogFormat,
    /// Say nothing but errors
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = MESSAGES)]
    pub quiet: bool,
    /// Say more: every shard, every ignored column
    #[arg(long, short, global = true, help_heading = MESSAGES)]
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
    /// Show where each field of a profile came from and why its scores are what they are
    Explain(explain::ExplainArgs),
    /// Show what changed between two outputs
    Diff(diff::DiffArgs),
    /// Write the run as a page: data_out/report.html
    Report(report::ReportArgs),
    /// Time the whole run by number of shards
    Bench(bench::BenchArgs),
    /// Inject faults at random, round after round, and prove that none did harm
    Drill(drill::DrillArgs),
    /// Write sample data of any size
    Generate(generate::GenerateArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(man::ManArgs),
}

static RUN_ID: LazyLock<String> = LazyLock::new(onefold::settings::new_run_id);

/// Whether arguments that cannot be read ask for a JSON log all the same.
fn wants_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    args.iter().any(|a| a == "--log-format=json") || args.windows(2).any(|w| w == ["--log-format", "json"])
}

/// What clap says of wrong usage, without its heading and its reminders.
fn in_one_line(told: &str) -> String {
    let lines =
        told.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let told = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    told.trim_start_matches("error: ").to_owned()
}

impl Cli {
    /// Reads the arguments; help, version and wrong usage are told here, with their exit code.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|told| {
            if told.use_stderr() && wants_json(std::env::args()) {
                let talk = Talk { log_format: LogFormat::Json, quiet: true, verbose: false };
                logging::start(&talk, &RUN_ID);
                return exit::report(&onefold::Error::Usage(in_one_line(&told.to_string())).into());
            }
            // A closed pipe is no error.
            let _ = told.print();
            ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
        })
    }

    /// Threads that the command may use; none for as many as the machine has.
    pub fn threads(&self) -> Option<usize> {
        match &self.command {
            Some(Command::Run(args)) => args.threads(),
            _ => None,
        }
    }

    /// The id under which this process logs and runs.
    pub fn run_id(&self) -> &'static str {
        &RUN_ID
    }

    /// Carries out the command.
    pub fn run(&self) -> Result<(), exit::Failure> {
        let Some(command) = &self.command else { return Ok(out::say(help::FIRST_STEPS)?) };
        let done = match command {
            Command::Run(args) => args.run(&self.talk, self.run_id()),
            Command::Check(args) => args.run(&self.talk),
            Command::Verify(args) => args.run(&self.talk),
            Command::Explain(args) => args.run(&self.talk),
            Command::Diff(args) => args.run(&self.talk),
            Command::Report(args) => args.run(&self.talk),
            Command::Bench(args) => return args.run(&self.talk),
            Command::Drill(args) => return args.run(&self.talk),
            Command::Generate(args) => args.run(&self.talk),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        };
        Ok(done?)
    }
}
