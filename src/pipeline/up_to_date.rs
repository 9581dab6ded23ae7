//! Whether there is nothing to do: the last run had the same inputs, spec and options, and its outputs are whole.

use std::path::Path;

use super::record::options;
use super::resume::Digests;
use crate::digest::sha256_of;
use crate::error::Result;
use crate::manifest::{Manifest, Status};
use crate::settings::Settings;
use crate::source::OpenInputs;
use crate::workspace::MANIFEST_FILE;

/// The last run's manifest, when a new run would only repeat it.
pub(super) fn find(settings: &Settings, shards: usize, digests: &Digests<'_>) -> Result<Option<Manifest>> {
    if settings.fresh || !settings.drills.is_empty() {
        return Ok(None);
    }
    let Some(manifest) = last_run(&settings.output) else { return Ok(None) };
    let same = asks_the_same(&manifest, settings, shards)
        && has_files(&manifest, settings, digests.inputs())
        && outputs_are_whole(&manifest, &settings.output)
        && has_digests(&manifest, digests)?;
    Ok(same.then_some(manifest))
}

/// The manifest in an output folder, if it is one of this version's.
pub(super) fn last_run(output: &Path) -> Option<Manifest> {
    serde_json::from_slice(&std::fs::read(output.join(MANIFEST_FILE)).ok()?).ok()
}

fn asks_the_same(manifest: &Manifest, settings: &Settings, shards: usize) -> bool {
    manifest.status == Status::Succeeded
        && manifest.onefold == env!("CARGO_PKG_VERSION")
        && manifest.spec.sha256 == settings.spec.sha256()
        && manifest.options == options(settings)
        && manifest.shards == shards
}

/// Whether the inputs have the names and sizes of the run's: it costs nothing, and most often tells.
fn has_files(manifest: &Manifest, settings: &Settings, inputs: &OpenInputs) -> bool {
    let sources = settings.spec.sources.iter().zip(&inputs.sources);
    let files = sources.flat_map(|(source, files)| files.iter().map(move |f| (&source.name, &f.name, f.bytes)));
    manifest.inputs.iter().map(|known| (&known.source, &known.file, known.bytes)).eq(files)
}

/// Whether the inputs have the bytes of the run's: all are read.
fn has_digests(manifest: &Manifest, digests: &Digests<'_>) -> Result<bool> {
    let digests = digests.get()?.iter().flatten();
    Ok(manifest.inputs.iter().map(|known| known.digest.as_deref()).eq(digests.map(|digest| Some(digest.as_str()))))
}

fn outputs_are_whole(manifest: &Manifest, output: &Path) -> bool {
    let outputs = manifest.outputs.iter().map(|o| (&o.file, o.bytes, &o.sha256));
    let rejects = manifest.rejects.iter().map(|r| (&r.file, r.bytes, &r.sha256));
    let mut files = outputs.chain(rejects);
    files.all(|(file, bytes, sha256)| {
        let path = output.join(file);
        // A file of another size is not read.
        path.metadata().is_ok_and(|meta| meta.len() == bytes)
            && sha256_of(&path).is_ok_and(|(_, found)| found == *sha256)
    })
}
