//! The spec's checks at the end of a run: what they are compared with, their events, and that a failed one stops it.

use std::path::Path;

use tracing::warn;

use super::record::Record;
use super::shards::Built;
use crate::checks::{Facts, Unique, refuse};
use crate::error::Result;
use crate::settings::Settings;
use crate::spec::{CheckRule, Severity};
use crate::workspace::MANIFEST_FILE;

/// Judges the profiles, before anything is published.
pub(super) fn judge(settings: &Settings, unique: Unique, built: &[Built], record: &mut Record) -> Result<()> {
    let spec = &settings.spec;
    let mut satisfied = vec![0; spec.checks.len()];
    for account in built.iter().map(|b| &b.account) {
        satisfied.iter_mut().zip(&account.checks).for_each(|(all, n)| *all += n);
    }
    let compares = spec.checks.iter().any(|c| matches!(c.rule, CheckRule::RowsWithin(_)));
    let last = if compares { last_customers(&settings.output) } else { None };
    let customers = built.iter().map(|b| b.account.customers).sum();
    let verdicts = unique.judge(spec, &Facts { customers, satisfied: &satisfied, last })?;
    record.checks(&verdicts);
    for v in verdicts.iter().filter(|v| !v.passed) {
        let severity = if v.severity == Severity::Error { "error" } else { "warn" };
        let (name, measured, wanted) = (v.name.as_str(), v.measured.as_str(), v.wanted.as_str());
        warn!(event = "check_failed", name, severity, measured, wanted);
    }
    refuse(&verdicts)
}

/// Profiles of the last published run; none when there is no manifest that says so. One of another version will do.
fn last_customers(output: &Path) -> Option<u64> {
    let text = std::fs::read(output.join(MANIFEST_FILE)).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
    manifest["customers"]["total"].as_u64().filter(|_| manifest["status"] == "succeeded")
}
