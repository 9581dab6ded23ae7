//! The section of the spec's checks and their results. Checks nothing itself.

use onefold::manifest::{CheckRecord, Manifest, Severity};
use serde::Serialize;

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct Checks {
    lines: Vec<Line>,
    failed: usize,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    passed: bool,
    /// What happens when it fails.
    follows: &'static str,
    measured: String,
    wanted: String,
}

/// The checks of a run.
pub(super) fn rules(manifest: &Manifest) -> Checks {
    let failed = manifest.checks.iter().filter(|check| !check.passed).count();
    Checks { lines: manifest.checks.iter().map(line).collect(), failed }
}

fn line(check: &CheckRecord) -> Line {
    let CheckRecord { name, severity, passed, measured, wanted, .. } = check;
    let follows = match severity {
        Severity::Error => "nothing is published",
        Severity::Warn => "a warning",
    };
    Line { name: name.clone(), passed: *passed, follows, measured: measured.clone(), wanted: wanted.clone() }
}
