//! What the checks of the spec found.

use serde::Serialize;

use crate::manifest::{CheckRecord, Manifest, Severity};

/// What the template of the checks is given.
#[derive(Debug, Serialize)]
pub(super) struct Checks {
    lines: Vec<Line>,
    failed: usize,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    passed: bool,
    /// What follows when it fails.
    follows: &'static str,
    measured: String,
    wanted: String,
}

/// The checks of a run.
pub(super) fn checks(manifest: &Manifest) -> Checks {
    let failed = manifest.checks.iter().filter(|check| !check.passed).count();
    Checks { lines: manifest.checks.iter().map(line).collect(), failed }
}

fn line(check: &CheckRecord) -> Line {
    let CheckRecord { name, severity, passed, measured, wanted } = check;
    let follows = match severity {
        Severity::Error => "nothing is published",
        Severity::Warn => "it is told",
    };
    Line { name: name.clone(), passed: *passed, follows, measured: measured.clone(), wanted: wanted.clone() }
}
