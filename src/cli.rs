//! The command line: arguments, one file per command, log and exit codes. Never uses Polars or internals of the
//! library.

mod commands;
pub mod exit;
mod help;
pub mod os;
pub mod tell;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Many exports in, one trusted profile per customer out.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = help::SHORT, after_long_help = help::LONG)]
pub struct Cli {
    #[command(flatten)]
    pub verbosity: Verbosity,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The heading of the flags that all commands have.
pub const MESSAGES: &str = "Messages";

/// What a command prints while it works.
#[derive(Debug, Clone, Args)]
pub struct Verbosity {
    /// Format of the log on stderr; json: one object per line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT", help_heading = MESSAGES)]
    pub log_format: LogFormat,
    /// Print only errors, and no text result
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = MESSAGES)]
    pub quiet: bool,
    /// Print more: every shard, every ignored column
    #[arg(long, short, global = true, help_heading = MESSAGES)]
    pub verbose: bool,
}

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the exports, build one profile per customer, publish CSV and Parquet
    Run(Box<commands::run::RunArgs>),
    /// Check the profile spec and the headers of the inputs, without a run
    Check(commands::check::CheckArgs),
    /// Prove the outputs of a finished run from its files
    Verify(commands::verify::VerifyArgs),
    /// Show where each field of a profile comes from and why it has its scores
    Explain(commands::explain::ExplainArgs),
    /// Show what changed between two outputs
    Diff(commands::diff::DiffArgs),
    /// Write the run as a web page: data_out/report.html
    Report(commands::report::ReportArgs),
    /// Measure how fast a run is with different numbers of shards
    Bench(commands::bench::BenchArgs),
    /// Inject random faults and prove that none does damage
    Drill(commands::drill::DrillArgs),
    /// Write sample data of any size
    Generate(commands::generate::GenerateArgs),
    /// Print shell completions
    Completions(commands::completions::CompletionsArgs),
    /// Print the manual page, or write one per command
    Man(commands::man::ManArgs),
}

static RUN_ID: LazyLock<String> = LazyLock::new(onefold::new_run_id);

/// Whether the arguments ask for a JSON log, even if they cannot be parsed.
fn wants_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    args.iter().any(|a| a == "--log-format=json") || args.windows(2).any(|w| w == ["--log-format", "json"])
}

/// clap's message about wrong usage, without its heading and its reminders.
fn in_one_line(told: &str) -> String {
    let lines =
        told.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let told = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    told.trim_start_matches("error: ").to_owned()
}

impl Cli {
    /// Reads the arguments. Help, version and wrong usage are printed here and give an exit code.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|told| {
            if told.use_stderr() && wants_json(std::env::args()) {
                let verbosity = Verbosity { log_format: LogFormat::Json, quiet: true, verbose: false };
                tell::log::start(&verbosity, &RUN_ID);
                return exit::report(&onefold::Error::Usage(in_one_line(&told.to_string())).into());
            }
            // A closed pipe is not an error.
            let _ = told.print();
            ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
        })
    }

    /// Threads that the command may use; none for one per core.
    pub fn threads(&self) -> Option<usize> {
        match &self.command {
            Some(Command::Run(args)) => args.threads(),
            _ => None,
        }
    }

    /// The id of this process in its log, and of its run.
    pub fn run_id(&self) -> &'static str {
        &RUN_ID
    }

    /// Runs the command, or prints the first steps if none is given.
    pub fn run(&self) -> Result<(), exit::Failure> {
        let Some(command) = &self.command else { return Ok(tell::out::say(help::FIRST_STEPS)?) };
        let done = match command {
            Command::Run(args) => args.run(&self.verbosity, self.run_id()),
            Command::Check(args) => args.run(&self.verbosity),
            Command::Verify(args) => args.run(&self.verbosity),
            Command::Explain(args) => args.run(&self.verbosity),
            Command::Diff(args) => args.run(&self.verbosity),
            Command::Report(args) => args.run(&self.verbosity),
            Command::Bench(args) => return args.run(&self.verbosity),
            Command::Drill(args) => return args.run(&self.verbosity),
            Command::Generate(args) => args.run(&self.verbosity),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        };
        Ok(done?)
    }
}
