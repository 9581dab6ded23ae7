//! `onefold generate`: writes sample data. Owns its flags; makes no data itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use onefold::Result;
use onefold::sample::{Kind, Request, generate};
use serde_json::json;

use crate::cli::tell::out::OutputFormat;
use crate::cli::{Verbosity, help};

/// Flags of `onefold generate`.
#[derive(Debug, Args)]
#[command(after_long_help = help::GENERATE)]
pub struct GenerateArgs {
    /// Number of customers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=99_999_999))]
    customers: u64,
    /// Seed; the same seed gives the same bytes on any machine
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// Write dirty data as in real exports (repeated and missing customers, bad values), and expected.json with the
    /// counts of a correct run
    #[arg(long, conflicts_with = "profile")]
    messy: bool,
    /// Which profile the data is for; `events` has many rows per customer and writes its spec too
    #[arg(long, value_enum, default_value_t = Profile::Default, value_name = "NAME")]
    profile: Profile,
    /// Folder to write to [default: sample_data, and sample_data/events for events]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    format: OutputFormat,
}

/// Profiles with sample data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// CRM, billing, product usage and support: the built-in profile
    Default,
    /// Accounts, invoices, usage events and tickets
    Events,
}

impl GenerateArgs {
    pub fn run(&self, verbosity: &Verbosity) -> Result<()> {
        let Self { customers, seed, messy, profile, output, force, format } = self;
        let (kind, folder) = match (profile, messy) {
            (Profile::Events, _) => (Kind::Events, "sample_data/events"),
            (Profile::Default, true) => (Kind::Messy, "sample_data"),
            (Profile::Default, false) => (Kind::Clean, "sample_data"),
        };
        let output = output.clone().unwrap_or_else(|| folder.into());
        let files = generate(&Request { customers: *customers, seed: *seed, kind, output, force: *force })?;
        let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        let text = || names.iter().map(|name| format!("{name}\n")).collect();
        format.say(verbosity, text, &json!({"files": names}))
    }
}
