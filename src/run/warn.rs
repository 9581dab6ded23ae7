//! Warnings about what may be a mistake: unused files and columns, missing dates, many bad values. Fails no run.

use super::settings::Settings;
use crate::event::Event;
use crate::input::{OpenInputs, SourceFiles};
use crate::shard::checkpoint::Accounts;

/// Emits which files and columns a run does not use, and which delimiters were detected.
pub(super) fn of_inputs(inputs: &OpenInputs) {
    inputs.sources.iter().for_each(delimiters);
    for file in &inputs.unmatched {
        Event::FileIgnored { file: file.clone() }.emit();
    }
    for SourceFiles { source, files, .. } in &inputs.sources {
        let source = source.name.clone();
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

/// Emits which files have another delimiter than a comma without declaring it.
fn delimiters(read: &SourceFiles) {
    for file in read.files.iter().filter(|f| f.header.delimiter_found) {
        let (source, delimiter) = (read.source.name.clone(), file.header.delimiter.to_string());
        Event::DelimiterFound { source, file: file.name.clone(), delimiter }.emit();
    }
}

/// If more than this percentage of a column's values cannot be read, its format is probably not the spec's.
const MANY_PERCENT: u64 = 10;

/// Emits what reading has found.
pub(super) fn of_reading(settings: &Settings, accounts: &Accounts, as_of: Option<i32>) {
    if settings.spec.uses_as_of && as_of.is_none() {
        Event::AsOfUnknown.emit();
    }
    for (source, account) in accounts {
        let rows = account.rows - account.rejected;
        for (column, bad) in &account.bad_values {
            if *bad > 10 && bad * 100 > rows * MANY_PERCENT {
                let (source, column) = (source.clone(), column.clone());
                Event::ManyBadValues { source, column, bad_values: *bad, rows }.emit();
            }
        }
    }
}
