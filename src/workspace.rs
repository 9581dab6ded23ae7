//! The output folder and the working folder `.onefold` in it: the lock, the journal, staging and failed runs.
//! Owns that every output is at every moment whole, old or new. Knows no profile.

mod journal;
mod lock;

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::sink::write_file;

use journal::Journal;

pub use journal::recover;

/// Name of the working folder.
pub const WORK_FOLDER: &str = ".onefold";
/// Name of the manifest.
pub const MANIFEST_FILE: &str = "run.json";
/// Folder of the rejects files.
pub const REJECTS_FOLDER: &str = "rejects";

/// Failed runs that are kept to look at.
const KEPT_FAILURES: usize = 10;

/// An output folder that this process alone writes to.
#[derive(Debug)]
pub struct Workspace {
    output: PathBuf,
    work: PathBuf,
    run_id: String,
    /// Held as long as the workspace lives; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Workspace {
    /// Opens an output folder for a run: creates it, locks it, completes an interrupted publication, removes leftovers.
    ///
    /// # Errors
    /// [`Error::Output`] when another run holds the folder; I/O.
    pub fn open(output: &Path, run_id: &str) -> Result<Self> {
        let work = output.join(WORK_FOLDER);
        fs::create_dir_all(&work).map_err(|e| Error::writing("create", &work, e))?;
        let lock = lock::hold(&work, output, run_id)?;
        journal::finish(output, &work, &|| {})?;
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

    /// Replaces the outputs by the staged files, in this order. Old rejects files that are not staged go. `between` is
    /// called between two renames.
    ///
    /// # Errors
    /// I/O. From the moment the journal is synced, the next command on the folder completes what is left.
    pub fn publish(&self, names: &[String], between: &dyn Fn()) -> Result<()> {
        names.iter().try_for_each(|name| self.replaceable(name))?;
        let remove = old_rejects(&self.output)?.into_iter().filter(|old| !names.contains(old)).collect();
        let journal = Journal { run_id: self.run_id.clone(), publish: names.to_vec(), remove };
        let folders = names.iter().filter_map(|name| Some(self.staging().join(Path::new(name).parent()?)));
        folders.chain([self.staging()]).try_for_each(|folder| sync_folder(&folder))?;
        journal.write(&self.work)?;
        journal::finish(&self.output, &self.work, between)?;
        remove_folder(&self.work.join("staging"))?;
        remove_folder(&self.checkpoints())
    }

    /// Fails while nothing is replaced yet when something stands in an output's place that a rename cannot replace.
    fn replaceable(&self, name: &str) -> Result<()> {
        let target = self.output.join(name);
        let parent = target.parent().filter(|p| p.exists() && !p.is_dir());
        if let Some(place) = target.is_dir().then_some(target.as_path()).or(parent) {
            let message =
                format!("`{}` stands in the place of an output: move it away, then run again", place.display());
            return Err(Error::Output(message));
        }
        Ok(())
    }

    /// Keeps what a failed run can show: its manifest and rejects. Gives their folder.
    ///
    /// # Errors
    /// I/O.
    pub fn keep_failure(&self, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
        // A journal means that the publication is decided: what it names is staged and waits for the next command.
        // Without one staging goes first, as on a full disk there is no room beside it.
        if !journal::is_written(&self.work) {
            remove_folder(&self.work.join("staging"))?;
        }
        let failed = self.work.join("failed");
        let folder = failed.join(&self.run_id);
        fs::create_dir_all(&folder).map_err(|e| Error::writing("create", &folder, e))?;
        for (name, bytes) in files {
            stage_in(&folder, name, bytes)?;
        }
        let mut runs = names_in(&failed)?;
        runs.sort_unstable();
        for old in runs.iter().take(runs.len().saturating_sub(KEPT_FAILURES)) {
            remove_folder(&failed.join(old))?;
        }
        Ok(folder)
    }
}

/// Copies and syncs a file, into folders of its own where its path has them; gives its size.
///
/// # Errors
/// I/O.
pub fn copy_file(from: &Path, path: &Path) -> Result<u64> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| Error::writing("create", parent, e))?;
    }
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
    // A folder that does not exist yet holds no input.
    let Ok(output) = fs::canonicalize(output) else { return Ok(()) };
    for input in inputs {
        let Ok(path) = fs::canonicalize(input) else { continue };
        let Ok(inside) = path.strip_prefix(&output) else { continue };
        let first = inside.components().next();
        let ours = ["profiles.csv", "profiles.parquet", MANIFEST_FILE, REJECTS_FOLDER, WORK_FOLDER];
        if first.is_some_and(|c| matches!(c, Component::Normal(name) if ours.iter().any(|o| name == *o))) {
            let message = format!(
                "the run would overwrite its own input `{}`: choose another folder with --output",
                path.display()
            );
            return Err(Error::Output(message));
        }
    }
    Ok(())
}

fn staging(work: &Path, run_id: &str) -> PathBuf {
    work.join("staging").join(run_id)
}

fn stage_in(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| Error::writing("create", parent, e))?;
    }
    write_file(&path, bytes)
}

fn old_rejects(output: &Path) -> Result<Vec<String>> {
    let folder = output.join(REJECTS_FOLDER);
    let names = if folder.is_dir() { names_in(&folder)? } else { Vec::new() };
    Ok(names.into_iter().filter(|n| n.ends_with(".csv")).map(|n| format!("{REJECTS_FOLDER}/{n}")).collect())
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
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_publication_is_completed() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path();
        let space = Workspace::open(output, "r1").expect("open");
        space.stage("a.csv", b"new a").expect("stage");
        space.stage("rejects/x.csv", b"new x").expect("stage");
        fs::create_dir_all(output.join("rejects")).expect("folder");
        fs::write(output.join("rejects/old.csv"), "old").expect("write");
        fs::write(output.join("a.csv"), "old a").expect("write");
        let journal = Journal {
            run_id: "r1".into(),
            publish: vec!["a.csv".into(), "rejects/x.csv".into()],
            remove: vec!["rejects/old.csv".into()],
        };
        journal.write(&space.work).expect("written");
        drop(space);
        recover(output).expect("recover");
        assert_eq!(fs::read(output.join("a.csv")).expect("a"), b"new a");
        assert_eq!(fs::read(output.join("rejects/x.csv")).expect("x"), b"new x");
        assert!(!output.join("rejects/old.csv").exists());
        recover(output).expect("nothing left to do");
    }

    #[test]
    fn a_failure_leaves_a_decided_publication_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let space = Workspace::open(folder.path(), "r1").expect("open");
        space.stage("a.csv", b"new").expect("stage");
        let journal = Journal { run_id: "r1".into(), publish: vec!["a.csv".into()], remove: Vec::new() };
        journal.write(&space.work).expect("written");
        space.keep_failure(&[]).expect("keep");
        drop(space);
        recover(folder.path()).expect("recover");
        assert_eq!(fs::read(folder.path().join("a.csv")).expect("a"), b"new");
    }

    #[test]
    fn a_second_run_is_refused_and_a_dead_lock_does_not_block() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Workspace::open(folder.path(), "r1").expect("open");
        let second = Workspace::open(folder.path(), "r2").expect_err("busy").to_string();
        let process = format!("is busy: process {} (run r1, since 20", std::process::id());
        assert!(second.contains(&process), "{second}");
        drop(first);
        assert!(Workspace::open(folder.path(), "r3").is_ok());
    }

    #[test]
    fn only_the_newest_failures_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        for i in 10..25 {
            let space = Workspace::open(folder.path(), &format!("r{i}")).expect("open");
            space.keep_failure(&[("run.json".into(), b"{}".to_vec())]).expect("keep");
        }
        let mut kept = names_in(&folder.path().join(".onefold/failed")).expect("list");
        kept.sort_unstable();
        assert_eq!((kept.len(), kept[0].as_str()), (KEPT_FAILURES, "r15"));
    }
}
