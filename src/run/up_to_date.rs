//! Whether there is nothing to do: the last run had the same inputs, spec and options, and its outputs are complete.
//! Trusts no file without its digest.

use std::path::Path;

use rayon::prelude::*;

use super::account::options;
use super::settings::Settings;
use crate::disk::sha256_of;
use crate::error::Result;
use crate::input::{InputFile, OpenInputs};
use crate::output::manifest::{Manifest, SpecFileRecord};
use crate::output::runs;
use crate::stop::Stop;

/// The last run's manifest, if a new run would only repeat it.
pub(super) fn find(
    settings: &Settings,
    shards: usize,
    inputs: &OpenInputs,
    spec_files: &[SpecFileRecord],
) -> Result<Option<Manifest>> {
    if settings.fresh || !settings.drills.is_empty() {
        return Ok(None);
    }
    let Some(manifest) = runs::last(&settings.output) else { return Ok(None) };
    let same = asks_the_same(&manifest, settings, shards)
        && manifest.spec_files == spec_files
        && has_files(&manifest, inputs)
        && outputs_are_whole(&manifest, &settings.output)
        && has_digests(&manifest, inputs, &settings.stop)?;
    Ok(same.then_some(manifest))
}

/// Computes the digests of all inputs that are not known yet, on all cores.
pub(super) fn read_digests(inputs: &OpenInputs, stop: &Stop) -> Result<()> {
    inputs.files().collect::<Vec<_>>().par_iter().try_for_each(|file| file.digest(stop).map(drop))
}

fn asks_the_same(manifest: &Manifest, settings: &Settings, shards: usize) -> bool {
    manifest.onefold == env!("CARGO_PKG_VERSION")
        && manifest.spec.sha256 == settings.spec.sha256()
        && manifest.options == options(settings)
        && manifest.shards == shards
}

/// Whether the inputs have the names and sizes of the run's. This costs nothing and finds most changes.
fn has_files(manifest: &Manifest, inputs: &OpenInputs) -> bool {
    let files = inputs.files().map(|f| (&f.source, &f.name, f.bytes));
    manifest.inputs.iter().map(|known| (&known.source, &known.file, known.bytes)).eq(files)
}

/// Whether the inputs have the bytes of the run's, for which all of them are read.
fn has_digests(manifest: &Manifest, inputs: &OpenInputs, stop: &Stop) -> Result<bool> {
    read_digests(inputs, stop)?;
    let digest = |file: &InputFile| file.digest(stop).map(|digest| Some(digest.to_owned()));
    let digests = inputs.files().map(digest).collect::<Result<Vec<_>>>()?;
    Ok(manifest.inputs.iter().map(|known| known.digest.clone()).eq(digests))
}

fn outputs_are_whole(manifest: &Manifest, output: &Path) -> bool {
    let outputs = manifest.outputs.iter().map(|o| (&o.file, o.bytes, &o.sha256));
    let rejects = manifest.rejects.iter().map(|r| (&r.file, r.bytes, &r.sha256));
    let mut files = outputs.chain(rejects);
    files.all(|(file, bytes, sha256)| {
        let path = output.join(file);
        // A file of another size need not be read.
        path.metadata().is_ok_and(|meta| meta.len() == bytes)
            && sha256_of(&path).is_ok_and(|(_, found)| found == *sha256)
    })
}
