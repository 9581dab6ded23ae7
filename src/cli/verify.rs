//! `onefold verify`: the proof of a finished run.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use onefold::Result;

use super::{Talk, help, out::Told};

/// Flags of `onefold verify`.
#[derive(Debug, Args)]
#[command(after_long_help = help::VERIFY)]
pub struct VerifyArgs {
    /// Folder of the run's input files
    #[arg(long, value_name = "DIR", default_value = "sample_data")]
    input: PathBuf,
    /// Folder of the run's outputs
    #[arg(long, value_name = "DIR", default_value = "data_out")]
    output: PathBuf,
    #[command(flatten)]
    told: Told,
}

impl VerifyArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let proofs = onefold::verify(&self.input, &self.output)?;
        let text = || proofs.iter().map(|proof| format!("ok: {proof}\n")).collect();
        self.told.say(talk, text, &json!({"verified": true, "proofs": proofs}))
    }
}
