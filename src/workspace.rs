//! The output folder and the working folder `.onefold` in it: the lock, the journal, staging and failed runs.
//! Owns that every output is at every moment whole, old or new. Knows no profile.

mod journal;
mod lock;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{Access, access};

use crate::error::{Error, Result};
use crate::sink::write_file;

use journal::Journal;

pub use journal::{StagedFile, recover};

/// Name of the working folder.
pub const WORK_FOLDER: &str = ".onefold";
/// Name of the manifest.
pub const MANIFEST_FILE: &str = "run.json";
/// Folder of the rejects files.
pub const REJECTS_FOLDER: &str = "rejects";
/// Name of the report. It is of the run whose manifest stands beside it, and no output: it tells times.
pub const REPORT_FILE: &str = "report.html";
/// Folder of the failed runs' records in the working folder.
pub const FAILED_FOLDER: &str = "failed";

/// Failed runs that are kept to look at.
const KEPT_FAILURES: usize = 10;

/// An output folder that this process alone writes to.
#[derive(Debug)]
pub struct Workspace {
    output: PathBuf,
    work: PathBuf,
    run_id: String,
    /// Held as long as the workspace lives; the system lets go of it when the process ends, however it ends.
    _lock: lock::Lock,
}

impl Workspace {
    /// Opens an output folder for a run: creates it, locks it, completes an interrupted publication, removes leftovers.
    ///
    /// # Errors
    /// [`Error::Output`] when another run holds the folder; I/O.
    pub fn open(output: &Path, run_id: &str) -> Result<Self> {
        let work = output.join(WORK_FOLDER);
        fs::create_dir_all(&work).map_err(|e| Error::writing("create", &work, e))?;
        same_disk(output, &work)?;
        let lock = lock::hold(&work, output, run_id)?;
        journal::finish(output, &work, &|_| {})?;
        let staging = work.join("staging");
        remove_folder(&staging)?;
        let staging = staging.join(run_id);
        fs::create_dir_all(&staging).map_err(|e| Error::writing("create", &staging, e))?;
        Ok(Self { output: output.to_owned(), work, run_id: run_id.to_owned(), _lock: lock })
    }

    /// Folder for the files that [`Self::publish`] will publish under the same names.
    pub fn staging(&self) -> PathBuf {
        staging(&self.work, &self.run_id)
    }

    /// Folder of the checkpoints, which outlive a run that does not finish.
    pub fn checkpoints(&self) -> PathBuf {
        self.work.join("checkpoints")
    }

    /// Folder of routed rows that memory does not hold; gone with staging.
    pub fn spill(&self) -> PathBuf {
        self.staging().join("spill")
    }

    /// Removes what [`Self::spill`] holds.
    ///
    /// # Errors
    /// I/O.
    pub fn remove_spill(&self) -> Result<()> {
        remove_folder(&self.spill())
    }

    /// Writes a file into staging, in folders of its own where its name has them.
    ///
    /// # Errors
    /// I/O.
    pub fn stage(&self, name: &str, bytes: &[u8]) -> Result<()> {
        stage_in(&self.staging(), name, bytes)
    }

    /// Copies a file of the working folder into staging; gives its size.
    ///
    /// # Errors
    /// I/O.
    pub fn stage_copy(&self, name: &str, from: &Path) -> Result<u64> {
        copy_file(from, &self.staging().join(name))
    }

    /// Replaces the outputs by the staged files, in this order; of the `old` ones goes what is not staged. `before` is called
    /// before each rename, and once after the last, with how many were before.
    ///
    /// # Errors
    /// I/O. From the moment the journal is synced, the next command on the folder completes what is left.
    pub fn publish(&self, staged: Vec<StagedFile>, old: Vec<String>, before: &dyn Fn(usize)) -> Result<()> {
        staged
            .iter()
            .map(|file| file.file.as_str())
            .chain([REPORT_FILE])
            .try_for_each(|name| self.replaceable(name))?;
        let goes = |name: &String| {
            journal::is_plain(name) && self.output.join(name).is_file() && staged.iter().all(|file| file.file != *name)
        };
        // The old run's report goes with the old run.
        let remove = old.into_iter().chain([REPORT_FILE.to_owned()]).filter(goes).collect();
        let folders = staged.iter().filter_map(|file| Some(self.staging().join(Path::new(&file.file).parent()?)));
        folders.chain([self.staging(), self.work.join("staging")]).try_for_each(|folder| sync_folder(&folder))?;
        let journal = Journal { run_id: self.run_id.clone(), publish: staged, remove };
        journal.write(&self.work)?;
        journal::finish(&self.output, &self.work, before).or_else(|e| journal.withdraw(&self.work).and(Err(e)))?;
        self.clean_up();
        // A failed run is no news any more.
        let _ = remove_folder(&self.work.join(FAILED_FOLDER));
        Ok(())
    }

    /// Removes what a finished run has no use for. What stays is no harm: the next run removes it.
    pub fn clean_up(&self) {
        self.remove_staging();
        let checkpoints = self.checkpoints();
        // To give up a large file's pages takes the system longer than to write a small one: all cores share in it.
        files_in(&checkpoints).par_iter().for_each(|file| drop(fs::remove_file(file)));
        let _ = remove_folder(&checkpoints);
    }

    /// Removes the run's own temporary files.
    pub fn remove_staging(&self) {
        let _ = remove_folder(&self.work.join("staging"));
    }

    /// Fails while nothing is replaced yet when something stands in an output's place that a rename cannot replace, or
    /// when its folder is not to be written to.
    fn replaceable(&self, name: &str) -> Result<()> {
        let target = self.output.join(name);
        let parent = target.parent().filter(|p| p.exists());
        let odd = parent.filter(|p| !p.is_dir());
        if let Some(place) = target.is_dir().then_some(target.as_path()).or(odd) {
            let message =
                format!("`{}` stands in the place of an output: move it away, then run again", place.display());
            return Err(Error::Output(message));
        }
        let Some(parent) = parent else { return Ok(()) };
        same_disk(parent, &self.work)?;
        access(parent, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| Error::writing("write to", parent, e.into()))
    }

    /// Keeps what a failed run can show: its manifest and rejects. Gives their folder.
    ///
    /// # Errors
    /// I/O.
    pub fn keep_failure(&self, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
        // A journal means that the publication is decided: what it names is staged and waits for the next command.
        // Without one staging goes first, as on a full disk there is no room beside it.
        if !journal::is_written(&self.work) {
            remove_folder(&self.staging())?;
            // Only an empty one goes: nothing of another run's is ours to remove.
            let _ = fs::remove_dir(self.work.join("staging"));
        }
        let failed = self.work.join(FAILED_FOLDER);
        let folder = failed.join(&self.run_id);
        fs::create_dir_all(&folder).map_err(|e| Error::writing("create", &folder, e))?;
        for (name, bytes) in files {
            stage_in(&folder, name, bytes)?;
        }
        let mut runs = names_in(&failed)?;
        runs.retain(|name| *name != self.run_id);
        runs.sort_unstable();
        for old in runs.iter().take((runs.len() + 1).saturating_sub(KEPT_FAILURES)) {
            // An old one that stays is no reason to lose the news.
            let _ = remove_folder(&failed.join(old));
        }
        Ok(folder)
    }
}

/// Replaces one file in the output folder or in a folder of it, whole, while no run writes there: beside, synced,
/// renamed. `make` gives its name and bytes when the folder is held and an interrupted publication completed. Gives its
/// path.
///
/// # Errors
/// [`Error::Output`] when a run holds the folder; I/O; those of `make`.
pub fn replace(output: &Path, make: impl FnOnce() -> Result<(PathBuf, Vec<u8>)>) -> Result<PathBuf> {
    let work = output.join(WORK_FOLDER);
    fs::create_dir_all(&work).map_err(|e| Error::writing("create", &work, e))?;
    let _lock = lock::hold(&work, output, "report")?;
    journal::finish(output, &work, &|_| {})?;
    let (name, bytes) = make()?;
    let (beside, target) = (work.join("replace.new"), output.join(name));
    let done = write_file(&beside, &bytes).and_then(|()| rename(&beside, &target));
    if done.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    done?;
    target.parent().map_or(Ok(()), sync_folder)?;
    Ok(target)
}

/// What a run into an output folder replaces or removes there.
const OURS: [&str; 6] = ["profiles.csv", "profiles.parquet", MANIFEST_FILE, REJECTS_FOLDER, REPORT_FILE, WORK_FOLDER];

/// Whether a run into `output` would replace or remove this file, be it there yet or not.
pub fn is_ours(output: &Path, file: &Path) -> bool {
    let full = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let place = fs::canonicalize(file).ok().or_else(|| {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        full(folder).ok().zip(file.file_name()).map(|(folder, name)| folder.join(name))
    });
    let (Ok(output), Some(place)) = (full(output), place) else { return false };
    let first = place.strip_prefix(&output).ok().and_then(|inside| inside.components().next());
    first.is_some_and(|c| matches!(c, Component::Normal(name) if OURS.iter().any(|ours| name == *ours)))
}

/// Copies and syncs a file, into folders of its own where its path has them; gives its size.
///
/// # Errors
/// I/O.
pub fn copy_file(from: &Path, path: &Path) -> Result<u64> {
    create_parent(path)?;
    let copy = || {
        let bytes = fs::copy(from, path)?;
        File::open(path)?.sync_all()?;
        Ok(bytes)
    };
    copy().map_err(|e| Error::writing("write", path, e))
}

/// Fails when a run into `output` would overwrite one of these files.
///
/// # Errors
/// [`Error::Output`], naming the file.
pub fn refuse_overlap<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    match inputs.into_iter().find(|input| is_ours(output, input)) {
        None => Ok(()),
        Some(input) => Err(Error::Output(format!(
            "the run would overwrite its own input `{}`: choose another folder with --output",
            input.display()
        ))),
    }
}

fn staging(work: &Path, run_id: &str) -> PathBuf {
    work.join("staging").join(run_id)
}

fn create_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(|e| Error::writing("create", parent, e)))
}

fn stage_in(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    create_parent(&path)?;
    write_file(&path, bytes)
}

/// Outputs are renamed from the working folder: it must lie on their disk.
fn same_disk(folder: &Path, work: &Path) -> Result<()> {
    let disk = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).map_err(|e| Error::writing("look at", path, e));
    if disk(folder)? == disk(work)? {
        return Ok(());
    }
    let (folder, work) = (folder.display(), work.display());
    Err(Error::Output(format!(
        "`{folder}` and `{work}` are on different disks, outputs cannot be renamed into place: remove the link or mount, or choose another folder with --output"
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
    let entries = fs::read_dir(folder).map_err(|e| Error::writing("list", folder, e))?;
    Ok(entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::writing("rename to", to, e))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::writing("remove", folder, e)),
        _ => Ok(()),
    }
}

/// Makes renames in a folder survive a power cut.
fn sync_folder(folder: &Path) -> Result<()> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|e| Error::writing("sync", folder, e))
}

#[cfg(test)]
mod tests;
