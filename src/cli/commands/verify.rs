//! `onefold verify`: prints what was proved about a finished run. Proves nothing itself.

use std::path::PathBuf;

use clap::Args;
use onefold::{Proofs, Result};
use serde_json::json;

use crate::cli::tell::out::OutputFormat;
use crate::cli::tell::words::{counted, grouped};
use crate::cli::{Verbosity, help};

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
    format: OutputFormat,
}

impl VerifyArgs {
    pub fn run(&self, verbosity: &Verbosity) -> Result<()> {
        let proofs = onefold::verify(&self.input, &self.output)?;
        self.format.say(verbosity, || text(&proofs), &json!({"verified": true, "proofs": proofs}))
    }
}

fn text(proofs: &Proofs) -> String {
    let Proofs { output_files, profiles, cells, input_rows, input_files, customers, .. } = *proofs;
    [
        format!("the digests of {} match the manifest", counted(output_files, "output file")),
        format!("{} profiles, in order of id, no id twice", grouped(profiles)),
        format!("{} cells are the same in CSV and Parquet", grouped(cells)),
        format!("the ledger covers all {} input rows", grouped(input_rows)),
        format!("the digests of {} match the manifest", counted(input_files, "input file")),
        format!("the {} customers of the inputs are the {} profiles", grouped(customers), grouped(profiles)),
    ]
    .map(|proof| format!("ok: {proof}\n"))
    .concat()
}
