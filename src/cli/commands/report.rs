//! `onefold report`: writes a run as a web page. Owns its flags; the page is made elsewhere.

use std::path::{Path, PathBuf};

use clap::Args;
use onefold::Result;
use onefold::event::Event;
use onefold::manifest::Which;

use crate::cli::tell::out::OutputFormat;
use crate::cli::tell::report;
use crate::cli::{Verbosity, help};

/// Flags of `onefold report`.
#[derive(Debug, Args)]
#[command(after_long_help = help::REPORT)]
pub struct ReportArgs {
    /// Folder of the run's outputs
    #[arg(long, value_name = "DIR", default_value = "data_out")]
    output: PathBuf,
    /// Report the newest failed run instead of the finished one
    #[arg(long, conflicts_with = "run")]
    failed: bool,
    /// Report the run with this id: the finished one, or one of the last failed ones
    #[arg(long, value_name = "RUN_ID")]
    run: Option<String>,
    #[command(flatten)]
    format: OutputFormat,
}

impl ReportArgs {
    pub fn run(&self, verbosity: &Verbosity) -> Result<()> {
        let which = match (&self.run, self.failed) {
            (Some(id), _) => Which::Id(id.clone()),
            (None, true) => Which::Failed,
            (None, false) => Which::Latest,
        };
        let page = report::write_of(&self.output, &which)?;
        self.format.say(verbosity, || line(&page), &serde_json::json!({ "report": page }))
    }
}

/// Writes the report of a run that has just been published; if that fails, it is only a warning.
pub fn after_run(output: &Path) -> Option<PathBuf> {
    let failed = |error: &onefold::Error| {
        Event::ReportFailed { error: error.to_string() }.emit();
    };
    report::write(output).inspect_err(failed).ok()
}

fn line(page: &Path) -> String {
    format!("report: {}\n", page.display())
}
