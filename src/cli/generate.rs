//! `onefold generate`: sample data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use onefold::Result;
use onefold::generate::{Kind, Request, generate};

use super::{Talk, help, out::Told};

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
    /// Write what real exports have: doubles, gaps, dirt of every kind; and expected.json, the ledger of a correct run
    #[arg(long, conflicts_with = "profile")]
    messy: bool,
    /// The profile that the data is for; events has many rows per customer, and its spec is written beside the data
    #[arg(long, value_enum, default_value_t = Profile::Default, value_name = "NAME")]
    profile: Profile,
    /// Folder to write to [default: sample_data, and sample_data/events for events]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    told: Told,
}

/// Profiles that there is sample data for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// CRM, billing, product usage and support: the built-in profile
    Default,
    /// Accounts, invoices, usage events and tickets
    Events,
}

impl GenerateArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let Self { customers, seed, messy, profile, output, force, told } = self;
        let (kind, folder) = match (profile, messy) {
            (Profile::Events, _) => (Kind::Events, "sample_data/events"),
            (Profile::Default, true) => (Kind::Messy, "sample_data"),
            (Profile::Default, false) => (Kind::Clean, "sample_data"),
        };
        let output = output.clone().unwrap_or_else(|| folder.into());
        let files = generate(&Request { customers: *customers, seed: *seed, kind, output, force: *force })?;
        let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        let text = || names.iter().map(|name| format!("{name}\n")).collect();
        told.say(talk, text, &json!({"files": names}))
    }
}
