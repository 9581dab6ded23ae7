//! The records of runs in an output folder: the finished run's and those of failed runs. Reads manifests, writes nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::workspace::{FAILED_FOLDER, MANIFEST_FILE, WORK_FOLDER};

/// Which of an output folder's runs is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The finished run; where there is none, the newest failed one.
    Latest,
    /// The newest failed run.
    Failed,
    /// The run with this id.
    Id(String),
}

/// A run and where its files are.
#[derive(Debug)]
pub struct Run {
    /// What it knows of itself.
    pub manifest: Manifest,
    /// Folder of its manifest and rejects, and of its outputs when it succeeded; relative to the output folder.
    pub folder: PathBuf,
}

/// Finds a run.
///
/// # Errors
/// [`Error::NoRun`] when there is none at all, [`Error::Usage`] when there is not that one, I/O.
pub fn find(output: &Path, which: &Which) -> Result<Run> {
    let finished = read(output, Path::new(""))?;
    let failed = failed_ids(output)?;
    match which {
        Which::Latest => match finished {
            Some(run) => Ok(run),
            None => newest(output, &failed)?.ok_or_else(|| Error::NoRun(output.to_owned())),
        },
        Which::Failed => newest(output, &failed)?.ok_or_else(|| {
            Error::Usage(format!("no failed run is kept in `{}`: leave --failed away", output.display()))
        }),
        Which::Id(id) => match finished.filter(|run| run.manifest.run_id == *id) {
            Some(run) => Ok(run),
            // Only a name from the list: an id is no path.
            None if failed.contains(id) => failed_run(output, id)?.ok_or_else(|| unknown(output, id, &failed)),
            None => Err(unknown(output, id, &failed)),
        },
    }
}

fn unknown(output: &Path, id: &str, failed: &[String]) -> Error {
    let kept = if failed.is_empty() { "none".to_owned() } else { format!("`{}`", failed.join("`, `")) };
    Error::Usage(format!(
        "no run `{id}` in `{}`: it keeps the finished run and the last failed ones, which are {kept}",
        output.display()
    ))
}

/// Ids of the failed runs that are kept, oldest first: ids sort by time.
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

/// The newest with a manifest: a run that failed for a full disk may have left none.
fn newest(output: &Path, failed: &[String]) -> Result<Option<Run>> {
    failed.iter().rev().find_map(|id| failed_run(output, id).transpose()).transpose()
}

fn failed_run(output: &Path, id: &str) -> Result<Option<Run>> {
    read(output, &Path::new(WORK_FOLDER).join(FAILED_FOLDER).join(id))
}

fn read(output: &Path, folder: &Path) -> Result<Option<Run>> {
    let path = output.join(folder).join(MANIFEST_FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::reading(&path, e)),
    };
    let wrong = |e: serde_json::Error| {
        let cause = format!("it is no manifest of onefold ({e}); run `onefold run` again");
        Error::reading(&path, io::Error::new(io::ErrorKind::InvalidData, cause))
    };
    let manifest = serde_json::from_slice(&text).map_err(wrong)?;
    Ok(Some(Run { manifest, folder: folder.to_owned() }))
}
