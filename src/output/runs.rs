//! The manifests in an output folder: of the finished run and of failed runs. Owns reading `run.json`; writes nothing.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::output::manifest::{Manifest, Status};
use crate::output::names::{FAILED_FOLDER, MANIFEST_FILE, WORK_FOLDER};

/// One of the runs in an output folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The finished run, or the newest failed one if there is none.
    Latest,
    /// The newest failed run.
    Failed,
    /// The run with this id.
    Id(String),
}

/// A run and where its files are.
#[derive(Debug)]
pub struct KeptRun {
    /// Its manifest.
    pub manifest: Manifest,
    /// Folder of its manifest and rejects, and of its outputs if it succeeded; relative to the output folder.
    pub folder: PathBuf,
}

/// Finds a run.
///
/// # Errors
/// [`Error::NoRun`] if the latest run is wanted and there is none; [`Error::Usage`] if there is no failed run or none
/// with this id; [`Error::Io`] for a manifest that cannot be read or is not valid.
pub fn find(output: &Path, which: &Which) -> Result<KeptRun> {
    let finished = read(output, Path::new(""))?;
    let failed = failed_ids(output)?;
    match which {
        Which::Latest => match finished {
            Some(run) => Ok(run),
            None => newest(output, &failed)?.ok_or_else(|| Error::NoRun(output.to_owned())),
        },
        Which::Failed => newest(output, &failed)?
            .ok_or_else(|| Error::Usage(format!("`{}` holds no failed run: leave --failed out", output.display()))),
        Which::Id(id) => match finished.filter(|run| run.manifest.run_id == *id) {
            Some(run) => Ok(run),
            // Only an id from the list: any other text could be a path.
            None if failed.contains(id) => failed_run(output, id)?.ok_or_else(|| unknown(output, id, &failed)),
            None => Err(unknown(output, id, &failed)),
        },
    }
}

fn unknown(output: &Path, id: &str, failed: &[String]) -> Error {
    let kept = if failed.is_empty() { "none".to_owned() } else { format!("`{}`", failed.join("`, `")) };
    Error::Usage(format!(
        "no run `{id}` in `{}`: it has the finished run and the last failed ones, which are {kept}",
        output.display()
    ))
}

/// Ids of the failed runs that are kept, oldest first, because ids sort by time.
fn failed_ids(output: &Path) -> Result<Vec<String>> {
    let folder = output.join(WORK_FOLDER).join(FAILED_FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::reading(&folder, e)),
    };
    let mut ids: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// The newest one with a manifest: a run that failed because of a full disk may have left none.
fn newest(output: &Path, failed: &[String]) -> Result<Option<KeptRun>> {
    failed.iter().rev().find_map(|id| failed_run(output, id).transpose()).transpose()
}

fn failed_run(output: &Path, id: &str) -> Result<Option<KeptRun>> {
    read(output, &Path::new(WORK_FOLDER).join(FAILED_FOLDER).join(id))
}

/// The manifest of the finished run in an output folder.
///
/// # Errors
/// [`Error::NoRun`] if there is none; [`Error::Verify`] if it is not a valid manifest or is that of a failed run;
/// [`Error::Io`] if it cannot be read.
pub fn finished(output: &Path) -> Result<Manifest> {
    let path = output.join(MANIFEST_FILE);
    let text = text_of(&path)?.ok_or_else(|| Error::NoRun(output.to_owned()))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|e| Error::Verify(format!("`{}` is not a valid manifest: {e}", path.display())))?;
    match manifest.status {
        Status::Succeeded => Ok(manifest),
        Status::Failed => Err(Error::Verify(format!("`{}` is the manifest of a failed run", path.display()))),
    }
}

/// The manifest of the last run that was published into a folder, if there is one that this version can read.
pub fn last(output: &Path) -> Option<Manifest> {
    finished(output).ok()
}

/// Number of profiles of the last run that was published into a folder, by any version.
pub fn last_customers(output: &Path) -> Option<u64> {
    let manifest: serde_json::Value = serde_json::from_slice(&text_of(&output.join(MANIFEST_FILE)).ok()??).ok()?;
    manifest["customers"]["total"].as_u64().filter(|_| manifest["status"] == "succeeded")
}

fn read(output: &Path, folder: &Path) -> Result<Option<KeptRun>> {
    let path = output.join(folder).join(MANIFEST_FILE);
    let Some(text) = text_of(&path)? else { return Ok(None) };
    let wrong = |e: serde_json::Error| {
        let cause = format!("it is not a valid manifest ({e}); run `onefold run` again");
        Error::reading(&path, io::Error::new(io::ErrorKind::InvalidData, cause))
    };
    let manifest = serde_json::from_slice(&text).map_err(wrong)?;
    Ok(Some(KeptRun { manifest, folder: folder.to_owned() }))
}

fn text_of(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::reading(path, e)),
    }
}
