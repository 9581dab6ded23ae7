//! The data checks of a run's profiles: measured facts → verdicts. Owns how each check is measured and described; never
//! knows what a condition means.

use std::path::Path;

use arrow::array::{Array, ArrayRef};
use xxhash_rust::xxh3::xxh3_128;

use super::build::BuiltShard;
use super::fingerprints::Fingerprints;
use super::settings::Settings;
use crate::error::{Error, Result, counted};
use crate::event::Event;
use crate::output::manifest::CheckRecord;
use crate::output::runs;
use crate::spec::{Percent, Rule, RuleKind, Severity, Spec};
use crate::value::Cells;

/// Fingerprints of a column in memory: 64 MiB of them.
const HELD: usize = 4 << 20;

/// What the verdicts depend on, besides repeated values.
struct Facts<'a> {
    /// Number of profiles.
    customers: u64,
    /// How many profiles satisfy its condition, for each data check of the spec.
    satisfied: &'a [u64],
    /// Profiles of the last published run in the output folder.
    last: Option<u64>,
}

/// Checks the profiles while they are written.
#[derive(Debug)]
pub(super) struct Judge {
    columns: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    check: usize,
    column: usize,
    seen: Fingerprints,
}

impl Judge {
    /// For the checks of a spec; what does not fit in memory goes to `folder`.
    pub fn new(spec: &Spec, folder: &Path) -> Result<Self> {
        let watched = |(check, rule): (usize, &Rule)| {
            let RuleKind::Unique(name) = &rule.kind else { return None };
            let column = spec.output.iter().position(|c| c.name == *name);
            let column = column.ok_or_else(|| Error::Bug("a checked column is not in the output".into()));
            Some(column.map(|column| Watched { check, column, seen: Fingerprints::new(folder, HELD) }))
        };
        let rules = spec.rules.iter().enumerate();
        Ok(Self { columns: rules.filter_map(watched).collect::<Result<_>>()? })
    }

    /// Adds some profiles: all output columns in order.
    pub fn see(&mut self, profiles: &[ArrayRef]) -> Result<()> {
        let mut text = Vec::new();
        for Watched { column, seen, .. } in &mut self.columns {
            let array = &profiles[*column];
            let cells = Cells::new(array)?;
            for row in (0..array.len()).filter(|row| !cells.is_null(*row)) {
                text.clear();
                cells.write(row, &mut text);
                seen.add(xxh3_128(&text))?;
            }
        }
        Ok(())
    }

    /// The verdicts on all data checks of the spec, in declared order; failed ones are emitted as events.
    pub fn verdicts(self, settings: &Settings, built: &[BuiltShard]) -> Result<Vec<CheckRecord>> {
        let spec = &settings.spec;
        let mut satisfied = vec![0; spec.rules.len()];
        for account in built.iter().map(|b| &b.account) {
            satisfied.iter_mut().zip(&account.rules).for_each(|(all, n)| *all += n);
        }
        let compares = spec.rules.iter().any(|rule| matches!(rule.kind, RuleKind::RowsWithin(_)));
        let last = if compares { runs::last_customers(&settings.output) } else { None };
        let customers = built.iter().map(|b| b.account.customers).sum();
        let verdicts = self.judge(spec, &Facts { customers, satisfied: &satisfied, last })?;
        for verdict in verdicts.iter().filter(|v| !v.passed && v.severity == Severity::Error) {
            let CheckRecord { name, measured, wanted, .. } = verdict.clone();
            Event::CheckFailed { name, measured, wanted }.emit();
        }
        Ok(verdicts)
    }

    fn judge(self, spec: &Spec, facts: &Facts<'_>) -> Result<Vec<CheckRecord>> {
        let mut repeated = vec![0; spec.rules.len()];
        for Watched { check, seen, .. } in self.columns {
            repeated[check] = seen.repeated()?;
        }
        let satisfied = |at: usize| facts.satisfied.get(at).copied().unwrap_or(0);
        let rules = spec.rules.iter().zip(repeated).enumerate();
        let verdict = |(at, (rule, repeated)): (usize, (&Rule, u64))| match &rule.kind {
            RuleKind::Holds { at_least, .. } => holds(rule, *at_least, satisfied(at), facts.customers),
            RuleKind::RowsWithin(band) => rows_within(rule, *band, facts),
            RuleKind::Unique(_) => unique(rule, repeated),
        };
        Ok(rules.map(verdict).collect())
    }
}

/// Fails if any check of severity `error` has failed.
pub(super) fn refuse(verdicts: &[CheckRecord]) -> Result<()> {
    let failed = verdicts.iter().filter(|v| !v.passed && v.severity == Severity::Error);
    let told: Vec<String> =
        failed.map(|v| format!("check `{}` failed: {}, expected {}", v.name, v.measured, v.wanted)).collect();
    if told.is_empty() { Ok(()) } else { Err(Error::Check(told.join("; "))) }
}

fn holds(rule: &Rule, at_least: Percent, satisfied: u64, customers: u64) -> CheckRecord {
    let share = if customers == 0 { 100.0 } else { satisfied as f64 * 100.0 / customers as f64 };
    // Cut and not rounded, so that 99.996 % does not show as 100 %.
    let share = (share * 100.0).floor() / 100.0;
    let measured = format!("true for {satisfied} of {customers} profiles ({share}%)");
    verdict(rule, at_least.reached_by(satisfied, customers), measured, format!("at least {at_least}"))
}

fn rows_within(rule: &Rule, band: Percent, facts: &Facts<'_>) -> CheckRecord {
    let wanted = format!("within {band} of the last run");
    let Some(last) = facts.last else {
        let measured = format!("{} profiles, and no last run to compare with", facts.customers);
        return verdict(rule, true, measured, wanted);
    };
    let measured = format!("{} profiles after {last} in the last run", facts.customers);
    verdict(rule, band.covers(facts.customers.abs_diff(last), last), measured, wanted)
}

fn unique(rule: &Rule, repeated: u64) -> CheckRecord {
    let measured = format!("{} in more than one profile", counted(repeated, "value"));
    verdict(rule, repeated == 0, measured, "none".into())
}

fn verdict(rule: &Rule, passed: bool, measured: String, wanted: String) -> CheckRecord {
    CheckRecord { name: rule.name.clone(), severity: rule.severity, passed, measured, wanted }
}
