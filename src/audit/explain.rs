//! Why a profile has its values: the rows behind each field, and the rules behind each score. Finds the customer in the
//! Parquet file and its rows in the inputs, and builds the profile again with the run's own code; computes nothing
//! itself.

mod compose;
mod explanation;
mod identity;
mod lookup;
mod no_profile;
mod rebuild;
mod rows_of;
mod scores;
mod search;

use std::path::Path;

use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::output::folder::recover;
use crate::output::manifest::Manifest;
use crate::output::names::PARQUET_FILE;
use crate::output::runs::finished;
use crate::spec::{SOURCES, Spec};
use crate::value::is_formula;

pub use explanation::{
    At, Beaten, Explanation, Field, Identifier, Identity, Lines, Origin, PointsRule, Reasons, RefusedIdentifier,
    SourceRows, Used,
};

/// Explains a customer's profile in the finished run in `output`, from the inputs that the run read. Where customers were found
/// by identifiers, `customer` may be any of its identifiers, and `path_to` asks how another one came to it.
///
/// # Errors
/// [`Error::NoRun`] without a finished run; [`Error::NoCustomer`] for an id without a profile; [`Error::Verify`] if an
/// input has changed since the run, or if the inputs give another profile than the published one; [`Error::Usage`] for
/// a file of a source that the run's profile lacks; [`Error::Input`] for an input that is not a regular file or changes
/// while it is read; [`Error::Io`] for a file that cannot be read; those of [`crate::manifest::recover`].
pub fn explain(inputs: &Inputs, output: &Path, customer: &str, path_to: Option<&str>) -> Result<Explanation> {
    recover(output)?;
    let manifest = finished(output)?;
    let spec = Spec::parse(&manifest.spec.text, "the manifest's spec")?;
    let run = FinishedRun { manifest: &manifest, spec: &spec, inputs };
    let file = output.join(PARQUET_FILE);
    let mut customer = customer;
    let mut profile = lookup::find(&file, customer)?;
    if let (None, Some(plain)) = (&profile, as_in_safe_csv(&manifest, customer)) {
        (customer, profile) = (plain, lookup::find(&file, plain)?);
    }
    let found_by = if profile.is_none() { identity::customer_of(&run, output, customer)? } else { None };
    if let Some(named) = &found_by {
        (customer, profile) = (named, lookup::find(&file, named)?);
    }
    let Some(profile) = profile else { return Err(no_profile::no_customer(&run, output, customer)) };
    let known = known(&spec, &profile);
    let mut members = identity::members(&run, output, customer)?;
    let found = search::rows(&run, customer, members.as_ref(), |source| {
        known.as_ref().is_none_or(|k| k.iter().any(|n| n == source))
    })?;
    let rebuilt = rebuild::rebuild(&run, customer, &found, members.as_ref())?;
    rebuilt.prove(&spec, &profile)?;
    let mut explanation = compose::compose(&run, customer, &found, &rebuilt)?;
    match (path_to, &mut members) {
        (Some(to), Some(members)) => identity::path(&run, output, members.told(), customer, to)?,
        (Some(_), None) => return Err(Error::Usage("--path-to is for profiles with `[identity]`".into())),
        (None, _) => {}
    }
    explanation.identity = members.map(|mut members| members.told().clone());
    Ok(explanation)
}

/// The id that `profiles.csv` shows as `shown`, if the run wrote it safe for spreadsheets.
fn as_in_safe_csv<'a>(manifest: &Manifest, shown: &'a str) -> Option<&'a str> {
    shown.strip_prefix('\'').filter(|id| manifest.options.safe_csv && is_formula(id))
}

/// A finished run, and where its inputs are now.
#[derive(Clone, Copy)]
struct FinishedRun<'a> {
    manifest: &'a Manifest,
    spec: &'a Spec,
    inputs: &'a Inputs,
}

/// The sources with rows of the customer, according to its profile; none if they are not in the output.
fn known(spec: &Spec, profile: &arrow::array::RecordBatch) -> Option<Vec<String>> {
    use arrow::array::AsArray;
    let at = spec.output.iter().position(|c| c.name == SOURCES)?;
    let names = profile.column(at).as_string_opt::<i32>()?.value(0);
    Some(names.split('+').map(str::to_owned).collect())
}

fn wrong(message: impl Into<String>) -> Error {
    Error::Verify(message.into())
}
