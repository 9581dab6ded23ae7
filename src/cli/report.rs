//! `onefold report`: the page of a run.

use std::path::{Path, PathBuf};

use clap::Args;

use onefold::runs::Which;
use onefold::{Result, report};

use super::{Talk, help, out::Told};

/// Flags of `onefold report`.
#[derive(Debug, Args)]
#[command(after_long_help = help::REPORT)]
pub struct ReportArgs {
    /// Folder of the run's outputs
    #[arg(long, value_name = "DIR", default_value = "data_out")]
    output: PathBuf,
    /// The newest failed run, in place of the finished one
    #[arg(long, conflicts_with = "run")]
    failed: bool,
    /// The run with this id: the finished one, or one of the last failed ones
    #[arg(long, value_name = "RUN_ID")]
    run: Option<String>,
    #[command(flatten)]
    told: Told,
}

impl ReportArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let which = match (&self.run, self.failed) {
            (Some(id), _) => Which::Id(id.clone()),
            (None, true) => Which::Failed,
            (None, false) => Which::Latest,
        };
        let page = report::write_of(&self.output, &which)?;
        self.told.say(talk, || line(&page), &serde_json::json!({ "report": page }))
    }
}

/// Writes the report of a run that has just been published; without it the run is as good.
pub fn after_run(output: &Path) -> Option<PathBuf> {
    let failed = |error: &onefold::Error| {
        tracing::warn!(event = "report_failed", error = %error, "the run is published, its report is not written");
    };
    report::write(output).inspect_err(failed).ok()
}

fn line(page: &Path) -> String {
    format!("report: {}\n", page.display())
}
