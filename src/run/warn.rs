//! Warnings about what may be a mistake: unused files and columns, missing dates, many bad values. Fails no run.

use super::settings::Settings;
use crate::event::Event;
use crate::input::{Duplicate, OpenInputs, SourceFiles};
use crate::shard::checkpoint::Accounts;
use crate::spec::Spec;

/// Emits which files and columns a run does not use, and which delimiters were detected.
pub(super) fn of_inputs(inputs: &OpenInputs) {
    inputs.sources.iter().for_each(delimiters);
    inputs.sources.iter().for_each(headers);
    for file in &inputs.unmatched {
        Event::FileIgnored { file: file.clone() }.emit();
    }
    for file in &inputs.left_over {
        Event::FileLeftOver { file: file.clone() }.emit();
    }
    for file in &inputs.outputs {
        Event::FileIsOutput { file: file.clone() }.emit();
    }
    for SourceFiles { source, files, duplicates, .. } in &inputs.sources {
        let source = source.name.clone();
        for Duplicate { file, duplicate_of } in duplicates {
            let (source, file, duplicate_of) = (source.clone(), file.clone(), duplicate_of.clone());
            Event::FileDuplicate { source, file, duplicate_of }.emit();
        }
        let mut columns: Vec<&str> = files.iter().flat_map(|f| &f.header.undeclared).map(String::as_str).collect();
        columns.sort_unstable();
        columns.dedup();
        if !columns.is_empty() {
            Event::ColumnsIgnored { source: source.clone(), columns: columns.join(", ") }.emit();
        }
        if files.is_empty() {
            Event::SourceAbsent { source }.emit();
        }
    }
}

/// Emits which columns of the output many programs cannot tell apart.
pub(super) fn of_output(spec: &Spec) {
    for (at, column) in spec.output.iter().enumerate() {
        let lower = column.name.to_lowercase();
        if let Some(one) = spec.output[..at].iter().find(|one| one.name.to_lowercase() == lower) {
            Event::ColumnsAlike { one: one.name.clone(), other: column.name.clone() }.emit();
        }
    }
}

/// Emits which files have another delimiter than a comma without declaring it.
fn delimiters(read: &SourceFiles) {
    for file in read.files.iter().filter(|f| f.header.delimiter_found) {
        let Some(dialect) = file.format.dialect() else { continue };
        let (source, delimiter) = (read.source.name.clone(), dialect.delimiter.to_string());
        Event::DelimiterFound { source, file: file.name.clone(), delimiter }.emit();
    }
}

/// Emits which headers are the spec's only as they are seen.
fn headers(read: &SourceFiles) {
    for file in &read.files {
        for (header, column) in &file.header.normalised {
            let (source, file) = (read.source.name.clone(), file.name.clone());
            Event::HeaderAlike { source, file, header: header.clone(), column: column.clone() }.emit();
        }
        for (header, column) in &file.header.near {
            let (source, file) = (read.source.name.clone(), file.name.clone());
            Event::HeaderNear { source, file, header: header.clone(), column: column.clone() }.emit();
        }
    }
}

/// If more than this percentage of a column's values cannot be read, its format is probably not the spec's.
const MANY_PERCENT: u64 = 10;

/// Emits what reading has found.
pub(super) fn of_reading(settings: &Settings, inputs: &OpenInputs, accounts: &Accounts, as_of: Option<i32>) {
    if settings.spec.uses_as_of && as_of.is_none() {
        Event::AsOfUnknown.emit();
    }
    for (source, account) in accounts {
        if account.counts.rows == account.counts.blank + account.counts.filtered
            && settings.spec.sources.iter().any(|s| s.name == *source && s.required)
        {
            Event::SourceEmpty { source: source.clone() }.emit();
        }
        if account.counts.undecodable > 0 {
            let files = inputs.files().filter(|file| file.source == *source);
            let mut encodings: Vec<String> = files.map(|file| file.encoding.to_string()).collect();
            encodings.sort_unstable();
            encodings.dedup();
            let (source, rows, encodings) = (source.clone(), account.counts.undecodable, encodings.join(", "));
            Event::RowsUndecodable { source, rows, encodings }.emit();
        }
        let accepted = account.counts.rows - account.counts.rejected - account.counts.filtered - account.counts.blank;
        if account.counts.single > 0 && account.counts.single == accepted {
            Event::OneField { source: source.clone(), rows: accepted }.emit();
        }
        if account.counts.hidden > 0 {
            Event::IdsHidden { source: source.clone(), rows: account.counts.hidden }.emit();
        }
        if account.counts.spaced > 0 {
            Event::SpacedQuotes { source: source.clone(), rows: account.counts.spaced }.emit();
        }
        let rows = account.counts.rows - account.counts.rejected;
        for (column, bad) in &account.bad_values {
            if *bad > 10 && bad * 100 > rows * MANY_PERCENT {
                let (source, column) = (source.clone(), column.clone());
                Event::ManyBadValues { source, column, bad_values: *bad, rows }.emit();
            }
        }
    }
}
