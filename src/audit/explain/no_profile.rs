//! Hints for an id without a profile: a similar id, rows that are excluded, rows that are rejected. Leaves out whatever
//! cannot be found.

use std::path::Path;

use super::{FinishedRun, identity, lookup, search};
use crate::error::Error;
use crate::output::names::PARQUET_FILE;
use crate::spec::Population;

/// Most rows that are listed.
const NAMED: usize = 3;

/// The error for an id without a profile.
pub(super) fn no_customer(run: &FinishedRun<'_>, output: &Path, customer: &str) -> Error {
    let hint = match &run.spec.identity {
        Some(_) => identity::why_nobody(run, output, customer),
        None => near(output, customer).or_else(|| in_the_inputs(run, customer)),
    };
    let hint = hint.unwrap_or_default();
    Error::NoCustomer { customer: customer.to_owned(), output: output.to_owned(), hint }
}

/// An id that differs only in white space around it or in case.
fn near(output: &Path, customer: &str) -> Option<String> {
    let trimmed = customer.trim();
    let forms = [trimmed.to_owned(), trimmed.to_lowercase(), trimmed.to_uppercase()];
    let exists =
        |id: &&String| *id != customer && lookup::find(&output.join(PARQUET_FILE), id).is_ok_and(|p| p.is_some());
    forms.iter().find(exists).map(|id| format!("; did you mean `{id}`? Ids must be equal in every byte"))
}

/// Rows of the id that are excluded or rejected.
fn in_the_inputs(run: &FinishedRun<'_>, customer: &str) -> Option<String> {
    let found = search::rows(run, customer, None, |_| true).ok()?;
    let accepted = found.sources.iter().flat_map(|s| s.rows.iter().map(|row| s.place(row)));
    let accepted: Vec<String> = accepted.map(|(file, line)| format!("{file} line {line}")).collect();
    let rejected: Vec<String> = found.sources.iter().flat_map(|s| s.rejected.iter().cloned()).collect();
    match &run.spec.population {
        Population::KnownBy(sources) if !accepted.is_empty() => {
            let known_by: Vec<String> = sources.iter().map(|s| format!("`{}`", run.spec.sources[*s].name)).collect();
            let known_by = known_by.join(" or ");
            Some(format!(
                "; its rows are excluded, because only customers in {known_by} get a profile: {}",
                some(&accepted)
            ))
        }
        _ if !rejected.is_empty() => Some(format!("; its rows were rejected: {}", some(&rejected))),
        _ => None,
    }
}

fn some(places: &[String]) -> String {
    let named = places.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
