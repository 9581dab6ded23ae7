//! Why a profile is what it is: the rows behind each field, and the rules behind each score. Finds the customer in the
//! Parquet file and its rows in the inputs, and lets the run's own rooms build the profile again; computes nothing itself.

mod answer;
mod compose;
mod found;
mod miss;
mod profile;
mod rebuild;
mod scores;
mod search;

use std::path::Path;

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::sink::PARQUET_FILE;
use crate::source::Inputs;
use crate::spec::{SOURCES, Spec};
use crate::verify::read_manifest;
use crate::workspace::recover;

pub use answer::{At, Beaten, Explanation, Field, Lines, Origin, Reasons, Rule, SourceRows, Used};

/// Explains a customer's profile in the finished run in `output`, from the inputs that the run read.
///
/// # Errors
/// [`Error::NoRun`] without a finished run, [`Error::NoCustomer`] for an id without a profile, [`Error::Verify`] when an
/// input is not the file that the run read, or what it gives is not the profile: an explanation would be of another one.
pub fn explain(inputs: &Inputs, output: &Path, customer: &str) -> Result<Explanation> {
    recover(output)?;
    let manifest = read_manifest(output)?;
    let spec = Spec::parse(&manifest.spec.text, "the manifest's spec")?;
    let run = Run { manifest: &manifest, spec: &spec, inputs };
    let Some(profile) = profile::find(&output.join(PARQUET_FILE), customer)? else {
        return Err(miss::no_customer(&run, output, customer));
    };
    let known = known(&spec, &profile);
    let found = search::rows(&run, customer, |source| known.as_ref().is_none_or(|k| k.iter().any(|n| n == source)))?;
    let rebuilt = rebuild::rebuild(&run, &found)?;
    rebuilt.prove(&spec, &profile)?;
    compose::compose(&run, customer, &found, &rebuilt)
}

/// A finished run, and where its inputs are now.
#[derive(Clone, Copy)]
struct Run<'a> {
    manifest: &'a Manifest,
    spec: &'a Spec,
    inputs: &'a Inputs,
}

/// The sources that know the customer, as its profile says; none when the output does not list them.
fn known(spec: &Spec, profile: &arrow::array::RecordBatch) -> Option<Vec<String>> {
    use arrow::array::AsArray;
    let at = spec.output.iter().position(|c| c.name == SOURCES)?;
    let names = profile.column(at).as_string_opt::<i32>()?.value(0);
    Some(names.split('+').map(str::to_owned).collect())
}

fn wrong(message: impl Into<String>) -> Error {
    Error::Verify(message.into())
}
