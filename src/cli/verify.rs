//! `onefold verify`: the proof of a finished run.

use std::path::PathBuf;

use clap::Args;

use onefold::Result;

use super::{Talk, out::say};

/// Flags of `onefold verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Folder of the run's input files
    #[arg(long, value_name = "DIR", default_value = "sample_data")]
    input: PathBuf,
    /// Folder of the run's outputs
    #[arg(long, value_name = "DIR", default_value = "data_out")]
    output: PathBuf,
}

impl VerifyArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let proofs = onefold::verify(&self.input, &self.output)?;
        let text: String = proofs.iter().map(|proof| format!("ok: {proof}\n")).collect();
        if talk.quiet { Ok(()) } else { say(&text) }
    }
}
