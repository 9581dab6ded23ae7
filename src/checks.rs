//! Checks of a run's profiles: measured facts → verdicts. Owns what each is measured by and how it is told; never what a
//! condition means, nor what follows from a failure.

mod fingerprints;

use std::path::Path;

use arrow::array::{Array, ArrayRef};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};
use crate::render::Cells;
use crate::spec::{Check, CheckRule, Percent, Severity, Spec};

use fingerprints::Fingerprints;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The check's name.
    pub name: String,
    /// What follows when it fails.
    pub severity: Severity,
    /// Whether the profiles satisfy it.
    pub passed: bool,
    /// What was measured, in words.
    pub measured: String,
    /// What is asked for, in words.
    pub wanted: String,
}

/// What the verdicts follow from, [`Unique`] aside.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Number of profiles.
    pub customers: u64,
    /// Per check of the spec, the profiles that satisfy its condition.
    pub satisfied: &'a [u64],
    /// Profiles of the last published run in the output folder.
    pub last: Option<u64>,
}

/// The checks for values that stand twice, which see all profiles pass by.
#[derive(Debug)]
pub struct Unique {
    columns: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    check: usize,
    column: usize,
    seen: Fingerprints,
}

impl Unique {
    /// For the checks of a spec; what memory does not hold goes to a folder.
    ///
    /// # Errors
    /// [`Error::Bug`] when the output lacks a checked column.
    pub fn new(spec: &Spec, folder: &Path) -> Result<Self> {
        let watched = |(check, rule): (usize, &CheckRule)| {
            let CheckRule::Unique(name) = rule else { return None };
            let column = spec.output.iter().position(|c| c.name == *name);
            let column = column.ok_or_else(|| Error::Bug("a checked column is not in the output".into()));
            Some(column.map(|column| Watched { check, column, seen: Fingerprints::new(folder) }))
        };
        let rules = spec.checks.iter().map(|c| &c.rule).enumerate();
        Ok(Self { columns: rules.filter_map(watched).collect::<Result<_>>()? })
    }

    /// Sees some profiles: all output columns in order.
    ///
    /// # Errors
    /// I/O of what goes to disk.
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

    /// The verdicts on all checks of the spec, in declared order.
    ///
    /// # Errors
    /// I/O of what went to disk.
    pub fn judge(self, spec: &Spec, facts: &Facts<'_>) -> Result<Vec<Verdict>> {
        let mut repeated = vec![0; spec.checks.len()];
        for Watched { check, seen, .. } in self.columns {
            repeated[check] = seen.repeated()?;
        }
        let satisfied = |at: usize| facts.satisfied.get(at).copied().unwrap_or(0);
        let checks = spec.checks.iter().zip(repeated).enumerate();
        let verdict = |(at, (check, repeated)): (usize, (&Check, u64))| match &check.rule {
            CheckRule::Holds { at_least, .. } => holds(check, *at_least, satisfied(at), facts.customers),
            CheckRule::RowsWithin(band) => rows_within(check, *band, facts),
            CheckRule::Unique(_) => unique(check, repeated),
        };
        Ok(checks.map(verdict).collect())
    }
}

/// The failed checks that keep a run from publishing, as one error.
///
/// # Errors
/// [`Error::Check`] when there is one.
pub fn refuse(verdicts: &[Verdict]) -> Result<()> {
    let failed = verdicts.iter().filter(|v| !v.passed && v.severity == Severity::Error);
    let told: Vec<String> =
        failed.map(|v| format!("check `{}` failed: {}, wanted is {}", v.name, v.measured, v.wanted)).collect();
    if told.is_empty() { Ok(()) } else { Err(Error::Check(told.join("; "))) }
}

fn holds(check: &Check, at_least: Percent, satisfied: u64, customers: u64) -> Verdict {
    let share = if customers == 0 { 100.0 } else { satisfied as f64 * 100.0 / customers as f64 };
    // Cut, not rounded: 99.996 % is not all.
    let share = (share * 100.0).floor() / 100.0;
    let measured = format!("it holds for {satisfied} of {customers} profiles ({share}%)");
    verdict(check, at_least.reached_by(satisfied, customers), measured, format!("at least {at_least}"))
}

fn rows_within(check: &Check, band: Percent, facts: &Facts<'_>) -> Verdict {
    let wanted = format!("within {band} of the last run");
    let Some(last) = facts.last else {
        let measured = format!("{} profiles, and no last run to compare with", facts.customers);
        return verdict(check, true, measured, wanted);
    };
    let measured = format!("{} profiles after {last} in the last run", facts.customers);
    verdict(check, band.covers(facts.customers.abs_diff(last), last), measured, wanted)
}

fn unique(check: &Check, repeated: u64) -> Verdict {
    let measured =
        format!("{repeated} value{} more than one profile", if repeated == 1 { " is in" } else { "s are in" });
    verdict(check, repeated == 0, measured, "none".into())
}

fn verdict(check: &Check, passed: bool, measured: String, wanted: String) -> Verdict {
    Verdict { name: check.name.clone(), severity: check.severity, passed, measured, wanted }
}
