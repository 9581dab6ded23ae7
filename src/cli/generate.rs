//! `onefold generate`: sample data.

use std::path::PathBuf;

use clap::Args;

use onefold::Result;
use onefold::generate::{Request, generate};

use super::{Talk, out::say};

/// Flags of `onefold generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Number of customers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=99_999_999))]
    customers: u64,
    /// Seed; the same seed gives the same bytes on any machine
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "sample_data")]
    output: PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

impl GenerateArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let Self { customers, seed, output, force } = self;
        let files = generate(&Request { customers: *customers, seed: *seed, output: output.clone(), force: *force })?;
        let text: String = files.iter().map(|f| format!("{}\n", f.display())).collect();
        if talk.quiet { Ok(()) } else { say(&text) }
    }
}
