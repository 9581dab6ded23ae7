//! The output folder and the working folder `.onefold` in it: the lock, the journal, staging and failed runs. Owns that
//! every output is complete at any moment, old or new. Never knows what is in a profile.

mod journal;
mod lock;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{Access, access};

use super::names::{
    CSV_FILE, FAILED_FOLDER, IDENTITY_FILES, MANIFEST_FILE, PARQUET_FILE, REPORT_FILE, WORK_FOLDER, is_our_name,
};
use super::runs;
use crate::disk::{copy_file, create_parent, remove_folder, replace_file, sync_folder, write_file};
use crate::error::{Error, Result};

use journal::Journal;

pub use journal::{StagedFile, recover};

/// How many failed runs are kept.
const KEPT_FAILURES: usize = 10;

/// An output folder that this process alone writes to.
#[derive(Debug)]
pub struct Workspace {
    output: PathBuf,
    work: PathBuf,
    run_id: String,
    /// Held as long as this value exists. The system releases it when the process ends, even by a crash.
    _lock: lock::Lock,
}

impl Workspace {
    /// Opens an output folder for a run: creates it, locks it, completes an interrupted publication, removes leftovers.
    /// Fails with [`Error::Output`] if another run uses the folder.
    pub fn open(output: &Path, run_id: &str) -> Result<Self> {
        let work = output.join(WORK_FOLDER);
        fs::create_dir_all(&work).map_err(|e| Error::working("create", &work, e))?;
        same_disk(output, &work)?;
        let lock = lock::hold(&work, output, run_id)?;
        journal::finish(output, &work, &|_| {})?;
        let staging = work.join("staging");
        cleared(&staging)?;
        let staging = staging.join(run_id);
        fs::create_dir_all(&staging).map_err(|e| Error::working("create", &staging, e))?;
        Ok(Self { output: output.to_owned(), work, run_id: run_id.to_owned(), _lock: lock })
    }

    /// Folder for the files that [`Self::publish`] will publish under the same names.
    pub fn staging(&self) -> PathBuf {
        staging(&self.work, &self.run_id)
    }

    /// Folder of the checkpoints, which an unfinished run leaves for the next one.
    pub fn checkpoints(&self) -> PathBuf {
        self.work.join("checkpoints")
    }

    /// Folder of routed rows that do not fit in memory; removed with staging.
    pub fn spill(&self) -> PathBuf {
        self.staging().join("spill")
    }

    /// Removes the folder of [`Self::spill`].
    pub fn remove_spill(&self) -> Result<()> {
        cleared(&self.spill())
    }

    /// Writes a file into staging and creates the folders in its name.
    pub fn stage(&self, name: &str, bytes: &[u8]) -> Result<()> {
        stage_in(&self.staging(), name, bytes)
    }

    /// Copies a file of the working folder into staging and gives its size.
    pub fn stage_copy(&self, name: &str, from: &Path) -> Result<u64> {
        let path = self.staging().join(name);
        copy_file(from, &path).map_err(|e| Error::working("write", &path, e))
    }

    /// Replaces the outputs by the staged files, in this order, and removes the `old` files that are not staged.
    /// `before` is called before each rename and after the last, with the number of renames so far. Once the journal is
    /// synced, the next command on the folder completes what a failure here leaves undone.
    pub fn publish(&self, staged: Vec<StagedFile>, old: Vec<String>, before: &dyn Fn(usize)) -> Result<()> {
        staged
            .iter()
            .map(|file| file.file.as_str())
            .chain([REPORT_FILE])
            .try_for_each(|name| self.replaceable(name))?;
        let goes = |name: &String| {
            journal::is_plain(name) && self.output.join(name).is_file() && staged.iter().all(|file| file.file != *name)
        };
        // The report of the old run is removed with its outputs.
        let remove = old.into_iter().chain([REPORT_FILE.to_owned()]).filter(goes).collect();
        let folders = staged.iter().filter_map(|file| Some(self.staging().join(Path::new(&file.file).parent()?)));
        folders
            .chain([self.staging(), self.work.join("staging")])
            .try_for_each(|folder| sync_folder(&folder).map_err(|e| Error::working("sync", &folder, e)))?;
        let journal = Journal { run_id: self.run_id.clone(), publish: staged, remove };
        journal.write(&self.work)?;
        journal::finish(&self.output, &self.work, before).or_else(|e| journal.withdraw(&self.work).and(Err(e)))?;
        self.clean_up();
        // Failed runs before this one are of no interest any more.
        let _ = remove_folder(&self.work.join(FAILED_FOLDER));
        Ok(())
    }

    /// Removes what a finished run does not need any more. If something cannot be removed, the next run removes it.
    pub fn clean_up(&self) {
        self.remove_staging();
        let checkpoints = self.checkpoints();
        // Removing a large file takes the system time, so all cores share the work.
        files_in(&checkpoints).par_iter().for_each(|file| drop(fs::remove_file(file)));
        let _ = remove_folder(&checkpoints);
    }

    /// Removes the run's own temporary files.
    pub fn remove_staging(&self) {
        let _ = remove_folder(&self.work.join("staging"));
    }

    /// Fails, before anything is replaced, if there is something in an output's place that a rename cannot replace, or
    /// if its folder cannot be written to.
    fn replaceable(&self, name: &str) -> Result<()> {
        let target = self.output.join(name);
        let parent = target.parent().filter(|p| p.exists());
        let odd = parent.filter(|p| !p.is_dir());
        if let Some(place) = target.is_dir().then_some(target.as_path()).or(odd) {
            let message = format!("`{}` is where an output must go: move it away and run again", place.display());
            return Err(Error::Output(message));
        }
        let Some(parent) = parent else { return Ok(()) };
        same_disk(parent, &self.work)?;
        access(parent, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| Error::writing("write to", parent, e.into()))
    }

    /// Keeps the manifest and rejects of a failed run, and gives their folder.
    pub fn keep_failure(&self, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
        // If there is a journal, the next command publishes what is staged. If not, staging is removed first, because a
        // full disk has no room for more.
        if !journal::is_written(&self.work) {
            cleared(&self.staging())?;
            // It is removed only if it is empty: files of another run must stay.
            let _ = fs::remove_dir(self.work.join("staging"));
        }
        let failed = self.work.join(FAILED_FOLDER);
        let folder = failed.join(&self.run_id);
        fs::create_dir_all(&folder).map_err(|e| Error::working("create", &folder, e))?;
        for (name, bytes) in files {
            stage_in(&folder, name, bytes)?;
        }
        let mut runs = names_in(&failed)?;
        runs.retain(|name| *name != self.run_id);
        runs.sort_unstable();
        for old in runs.iter().take((runs.len() + 1).saturating_sub(KEPT_FAILURES)) {
            // That an old one cannot be removed is no reason to lose this one.
            let _ = remove_folder(&failed.join(old));
        }
        Ok(folder)
    }
}

/// Replaces one file in the output folder, or in a folder of it, while no run uses the folder: the file is complete at
/// any moment, old or new. `make` gives its name and bytes; it is called when the folder is locked and an interrupted
/// publication is completed. Gives the file's path.
///
/// # Errors
/// [`Error::Output`] if a run uses the folder; [`Error::Work`] if an interrupted publication cannot be completed;
/// [`Error::Io`] if the file cannot be written; any error of `make`.
pub fn replace(output: &Path, make: impl FnOnce() -> Result<(PathBuf, Vec<u8>)>) -> Result<PathBuf> {
    let work = output.join(WORK_FOLDER);
    fs::create_dir_all(&work).map_err(|e| Error::working("create", &work, e))?;
    let _lock = lock::hold(&work, output, "report")?;
    journal::finish(output, &work, &|_| {})?;
    let (name, bytes) = make()?;
    let (beside, target) = (work.join("replace.new"), output.join(name));
    replace_file(&beside, &target, &bytes).map_err(|e| Error::writing("write", &target, e))?;
    Ok(target)
}

/// Whether a run into `output` would replace or remove this file, even if the file does not exist yet.
pub fn is_ours(output: &Path, file: &Path) -> bool {
    let full = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let place = fs::canonicalize(file).ok().or_else(|| {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        full(folder).ok().zip(file.file_name()).map(|(folder, name)| folder.join(name))
    });
    let (Ok(output), Some(place)) = (full(output), place) else { return false };
    let first = place.strip_prefix(&output).ok().and_then(|inside| inside.components().next());
    first.is_some_and(|c| matches!(c, Component::Normal(name) if name.to_str().is_some_and(is_our_name)))
}

/// Fails with [`Error::Output`] if a run into `output` would overwrite one of these files.
pub fn refuse_overlap<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    match inputs.into_iter().find(|input| is_ours(output, input)) {
        None => Ok(()),
        Some(input) => Err(Error::Output(format!(
            "the run would overwrite its own input `{}`: choose another folder with --output",
            input.display()
        ))),
    }
}

/// Fails with [`Error::Output`] if there is something in an output's place that no run wrote: it may be all that somebody
/// has. What a run wrote is listed in its manifest.
pub fn refuse_foreign(output: &Path, has_identity: bool) -> Result<()> {
    if runs::last(output).is_some() {
        return Ok(());
    }
    let files = [CSV_FILE, PARQUET_FILE, MANIFEST_FILE, REPORT_FILE];
    let of_identity = IDENTITY_FILES.into_iter().filter(|_| has_identity);
    match files.into_iter().chain(of_identity).map(|file| output.join(file)).find(|path| path.is_file()) {
        None => Ok(()),
        Some(path) => Err(Error::Output(format!(
            "`{}` is where an output must go, and no run wrote it: move it away, choose another folder with --output or replace it with --force",
            path.display()
        ))),
    }
}

fn staging(work: &Path, run_id: &str) -> PathBuf {
    work.join("staging").join(run_id)
}

fn stage_in(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    create_parent(&path).and_then(|()| write_file(&path, bytes)).map_err(|e| Error::working("write", &path, e))
}

/// Fails if the working folder is on another disk than the outputs, which are renamed from it.
fn same_disk(folder: &Path, work: &Path) -> Result<()> {
    let disk = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).map_err(|e| Error::writing("look at", path, e));
    if disk(folder)? == disk(work)? {
        return Ok(());
    }
    let (folder, work) = (folder.display(), work.display());
    Err(Error::Output(format!(
        "`{folder}` and `{work}` are on different disks, so outputs cannot be renamed into place: remove the link or mount, or choose another folder with --output"
    )))
}

/// All files below a folder; links are not followed.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.flat_map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files_in(&entry.path()),
        _ => vec![entry.path()],
    });
    below.collect()
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|e| Error::working("list", folder, e))?;
    Ok(entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect())
}

fn cleared(folder: &Path) -> Result<()> {
    remove_folder(folder).map_err(|e| Error::working("remove", folder, e))
}

#[cfg(test)]
mod tests;
