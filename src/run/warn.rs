//! Finds what may be a mistake: unused files, missing dates, bad values, sources that hardly meet. Owns from when on it is worth
//! a warning; the words are in `event/warning.rs`.

use chrono::{NaiveDate, Utc};

use super::account::Account;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::event::{Event, Warning};
use crate::input::{Duplicate, FileAccount, OpenInputs, SourceAccount, SourceFiles};
use crate::output::manifest::{CheckRecord, SourceLedger, WarningRecord};
use crate::shard::checkpoint::{Accounts, LinkedAccount};
use crate::spec::{Severity, Source, Spec};
use crate::words::counted;

impl Account {
    /// Tells warnings and keeps them for the manifest.
    pub fn warn(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        for warning in warnings {
            self.manifest.warnings.push(WarningRecord::of(&warning));
            Event::Warning(warning).emit();
        }
    }

    /// Fails if the run is strict and there are warnings.
    pub fn refuse_doubt(&self, settings: &Settings) -> Result<()> {
        let warnings = &self.manifest.warnings;
        match warnings.first().filter(|_| settings.strict || settings.spec.strict) {
            None => Ok(()),
            Some(first) => Err(Error::Doubt(format!(
                "{} in a strict run: {}",
                counted(warnings.len() as u64, "warning"),
                if warnings.len() == 1 { first.message.clone() } else { format!("the first is: {}", first.message) }
            ))),
        }
    }
}

/// Which columns of the output many programs cannot tell apart.
pub(super) fn of_output(spec: &Spec) -> Vec<Warning> {
    let alike = |(at, column): (usize, &crate::spec::OutputColumn)| {
        let lower = column.name.to_lowercase();
        let one = spec.output[..at].iter().find(|one| one.name.to_lowercase() == lower)?;
        Some(Warning::ColumnsAlike { one: one.name.clone(), other: column.name.clone() })
    };
    spec.output.iter().enumerate().filter_map(alike).collect()
}

/// Which files a run does not use, which headers it may want; tells which delimiters were detected and which columns are not
/// used, which is no mistake.
pub(super) fn of_inputs(inputs: &OpenInputs) -> Vec<Warning> {
    inputs.sources.iter().for_each(tell_forms);
    let headers = inputs.sources.iter().flat_map(near_headers);
    let ignored = inputs.unmatched.iter().map(|file| Warning::FileIgnored { file: file.clone() });
    let left_over = inputs.left_over.iter().map(|file| Warning::FileLeftOver { file: file.clone() });
    let outputs = inputs.outputs.iter().map(|file| Warning::FileIsOutput { file: file.clone() });
    let mut warnings: Vec<Warning> = headers.chain(ignored).chain(left_over).chain(outputs).collect();
    for SourceFiles { source, files, duplicates, .. } in &inputs.sources {
        let source = source.name.clone();
        for Duplicate { file, duplicate_of } in duplicates {
            let (source, file, duplicate_of) = (source.clone(), file.clone(), duplicate_of.clone());
            warnings.push(Warning::FileDuplicate { source, file, duplicate_of });
        }
        if files.is_empty() {
            warnings.push(Warning::SourceAbsent { source });
        }
    }
    warnings
}

/// Emits which files have another delimiter than a comma without declaring it, which headers are the spec's only as they
/// are seen, and which columns the spec does not name.
fn tell_forms(read: &SourceFiles) {
    let source = &read.source.name;
    for file in &read.files {
        if let Some(dialect) = file.format.dialect().filter(|_| file.header.delimiter_found) {
            let (source, delimiter) = (source.clone(), dialect.delimiter.to_string());
            Event::DelimiterFound { source, file: file.name.clone(), delimiter }.emit();
        }
        for (header, column) in &file.header.normalised {
            let (source, file) = (source.clone(), file.name.clone());
            Event::HeaderAlike { source, file, header: header.clone(), column: column.clone() }.emit();
        }
    }
    let mut columns: Vec<&str> = read.files.iter().flat_map(|f| &f.header.undeclared).map(String::as_str).collect();
    columns.sort_unstable();
    columns.dedup();
    if !columns.is_empty() {
        Event::ColumnsIgnored { source: source.clone(), columns: columns.join(", ") }.emit();
    }
}

fn near_headers(read: &SourceFiles) -> impl Iterator<Item = Warning> {
    let near = |file: &crate::input::InputFile| {
        let warning = |(header, column): &(String, String)| Warning::HeaderNear {
            source: read.source.name.clone(),
            file: file.name.clone(),
            header: header.clone(),
            column: column.clone(),
        };
        file.header.near.iter().map(warning).collect::<Vec<_>>()
    };
    read.files.iter().flat_map(near)
}

/// What reading has found.
pub(super) fn of_reading(
    settings: &Settings,
    inputs: &OpenInputs,
    accounts: &Accounts,
    as_of: Option<i32>,
) -> Vec<Warning> {
    let spec = &settings.spec;
    let mut warnings = Vec::new();
    if spec.uses_as_of && as_of.is_none() {
        let undeclared = spec.sources.iter().all(|source| source.newest_is_day().is_none());
        warnings.push(Warning::AsOfUnknown { undeclared });
    }
    for (name, account) in accounts {
        let Some(source) = spec.sources.iter().find(|source| source.name == *name) else { continue };
        warnings.extend(of_files(name, inputs, account));
        warnings.extend(of_rows(source, inputs, account));
        warnings.extend(of_values(source, account));
        warnings.extend(future(source, account));
    }
    warnings
}

/// What makes the files' encodings doubtful.
fn of_files(source: &str, inputs: &OpenInputs, account: &SourceAccount) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for FileAccount { file, looks_utf8, has_controls, .. } in &account.files {
        let read = inputs.files().find(|read| read.source == source && read.name == *file);
        let encoding = read.map(|read| read.encoding.to_string()).unwrap_or_default();
        let (source, file) = (source.to_owned(), file.clone());
        if *looks_utf8 {
            let (source, file, encoding) = (source.clone(), file.clone(), encoding.clone());
            warnings.push(Warning::LooksUtf8 { source, file, encoding });
        }
        if *has_controls {
            warnings.push(Warning::ControlCharacters { source, file, encoding });
        }
    }
    warnings
}

fn of_rows(source: &Source, inputs: &OpenInputs, account: &SourceAccount) -> Vec<Warning> {
    let (counts, name) = (account.counts, || source.name.clone());
    let mut warnings = Vec::new();
    if counts.rows == counts.blank + counts.filtered && source.required {
        warnings.push(Warning::SourceEmpty { source: name(), filtered: counts.filtered });
    }
    if counts.undecodable > 0 {
        let files = inputs.files().filter(|file| file.source == source.name);
        let mut encodings: Vec<String> = files.map(|file| file.encoding.to_string()).collect();
        encodings.sort_unstable();
        encodings.dedup();
        let (rows, encodings) = (counts.undecodable, encodings.join(", "));
        warnings.push(Warning::RowsUndecodable { source: name(), rows, encodings });
    }
    let accepted = counts.rows - counts.rejected - counts.filtered - counts.blank;
    if counts.single > 0 && counts.single == accepted {
        warnings.push(Warning::OneField { source: name(), rows: accepted });
    }
    if counts.hidden > 0 {
        warnings.push(Warning::IdsHidden { source: name(), rows: counts.hidden });
    }
    if counts.spaced > 0 {
        warnings.push(Warning::SpacedQuotes { source: name(), rows: counts.spaced });
    }
    warnings
}

/// Columns of which more than one in a hundred values is bad, and those that order rows and have any: a bad value there
/// makes an old row of a new one.
fn of_values(source: &Source, account: &SourceAccount) -> Vec<Warning> {
    let is = |at: Option<usize>, column: &String| at.is_some_and(|at| source.columns[at].name == *column);
    let doubtful = |(column, bad): (&String, &u64)| {
        let filled = account.filled.get(column).copied().unwrap_or_default();
        let orders_rows = is(source.latest_by, column);
        let too_many = *bad > 0 && (orders_rows || is(source.latest_time, column) || *bad * 100 > filled);
        too_many.then(|| Warning::BadValues {
            source: source.name.clone(),
            column: column.clone(),
            bad_values: *bad,
            filled,
            orders_rows,
        })
    };
    account.bad_values.iter().filter_map(doubtful).collect()
}

/// A newest day that has not come yet anywhere on Earth.
fn future(source: &Source, account: &SourceAccount) -> Option<Warning> {
    let tomorrow = Utc::now().date_naive().succ_opt()?.to_epoch_days();
    let newest = account.newest_day.filter(|day| *day > tomorrow)?;
    let (file, line) = account.newest_place.clone()?;
    let (column, day) =
        (source.columns[source.latest_by?].name.clone(), NaiveDate::from_epoch_days(newest)?.to_string());
    Some(Warning::FutureDate { source: source.name.clone(), column, day, file, line })
}

/// What building has found: lost casts, sources of which `population` leaves out most.
pub(super) fn of_building(spec: &Spec, account: &Account) -> Vec<Warning> {
    let lost = account.manifest.lost_values.iter().filter(|(_, lost)| **lost > 0);
    let lost = lost.map(|(expression, lost)| Warning::CastsLost { expression: expression.clone(), lost: *lost });
    let excluded = |source: &std::sync::Arc<Source>| {
        let ledger: &SourceLedger = account.manifest.ledger.0.get(&source.name)?;
        let rows = ledger.rows_used + ledger.rows_superseded + ledger.rows_excluded;
        let (source, excluded) = (source.name.clone(), ledger.rows_excluded);
        (excluded * 2 > rows).then_some(Warning::MostExcluded { source, rows, excluded })
    };
    lost.chain(spec.sources.iter().filter_map(excluded)).collect()
}

/// What linking has found.
pub(super) fn of_linking(linked: Option<&LinkedAccount>, accounts: &Accounts) -> Vec<Warning> {
    let Some(LinkedAccount { void, apart_merged, .. }) = linked else { return Vec::new() };
    let apart = (*apart_merged > 0).then_some(Warning::ApartMerged { pairs: *apart_merged });
    let refused = (*void > 0).then_some(Warning::IdentitiesRefused { identifiers: *void });
    let unidentified = accounts.iter().filter_map(|(source, account)| {
        let (rows, unidentified) = (account.counts.rows - account.counts.rejected, account.linked.unidentified);
        let (source, is_much) = (source.clone(), unidentified * 10 > rows);
        is_much.then_some(Warning::ManyUnidentified { source, rows, unidentified })
    });
    apart.into_iter().chain(refused).chain(unidentified).collect()
}

/// The checks of the spec that only warn and have failed.
pub(super) fn of_checks(checks: &[CheckRecord]) -> Vec<Warning> {
    let failed = checks.iter().filter(|check| !check.passed && check.severity == Severity::Warn);
    let warning = |CheckRecord { name, measured, wanted, .. }: &CheckRecord| Warning::CheckFailed {
        name: name.clone(),
        measured: measured.clone(),
        wanted: wanted.clone(),
    };
    failed.map(warning).collect()
}
