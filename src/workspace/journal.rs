//! The journal of a publication: what is left to do of it, synced before the first rename. Owns that a crash between two
//! renames is completed; a journal that points outside the folder is none of ours.

use std::fs;
use std::io;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::{REJECTS_FOLDER, WORK_FOLDER, lock, rename, staging, sync_folder};
use sha2::{Digest, Sha256};

use crate::digest::{hex, sha256_of};
use crate::error::{Error, Result};
use crate::sink::write_file;

const JOURNAL: &str = "journal.json";

/// What is left to do of a publication. Written and synced before the first rename.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub run_id: String,
    /// Published in this order, from the same path in the run's staging folder.
    pub publish: Vec<StagedFile>,
    /// Paths in the output folder that the run does not have any more.
    pub remove: Vec<String>,
}

/// A complete, synced file in staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Its path in staging, and in the output folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl StagedFile {
    /// A file with these bytes.
    pub fn of(file: &str, bytes: &[u8]) -> Self {
        Self { file: file.to_owned(), bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
    }
}

impl Journal {
    /// Decides the publication, or fails when a staged file is gone: then nothing is decided.
    pub fn write(&self, work: &Path) -> Result<()> {
        let staging = staging(work, &self.run_id);
        for staged in &self.publish {
            let path = staging.join(&staged.file);
            let found = fs::metadata(&path).map_err(|e| Error::writing("publish", &path, e))?.len();
            if found != staged.bytes {
                return Err(Error::Output(format!(
                    "`{}` has {found} bytes, the run wrote {}: something else changes the working folder; run again",
                    path.display(),
                    staged.bytes
                )));
            }
        }
        let text = serde_json::to_vec(self).map_err(|e| Error::Bug(format!("journal: {e}")))?;
        let beside = work.join("journal.new");
        write_file(&beside, &text)?;
        rename(&beside, &work.join(JOURNAL))?;
        sync_folder(work)
    }

    /// Takes the decision back, if nothing was renamed yet: then the old outputs are as they were.
    pub fn withdraw(&self, work: &Path) -> Result<()> {
        let staging = staging(work, &self.run_id);
        if self.publish.iter().all(|staged| staging.join(&staged.file).is_file()) {
            let path = work.join(JOURNAL);
            fs::remove_file(&path).map_err(|e| Error::writing("remove", &path, e))?;
            sync_folder(work)?;
        }
        Ok(())
    }

    fn stays_inside(&self) -> bool {
        let names = self.publish.iter().map(|staged| &staged.file).chain(&self.remove);
        is_plain(&self.run_id) && names.into_iter().all(|name| is_plain(name) && !name.starts_with(WORK_FOLDER))
    }
}

/// Whether a path stays below the folder that it is joined to.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether a publication is decided and not yet done.
pub(super) fn is_written(work: &Path) -> bool {
    work.join(JOURNAL).exists()
}

/// Completes a publication that a crash interrupted, if there is one; for commands that only read the outputs.
///
/// # Errors
/// [`Error::Output`] when a run holds the folder; I/O.
pub fn recover(output: &Path) -> Result<()> {
    let work = output.join(WORK_FOLDER);
    if !is_written(&work) {
        return Ok(());
    }
    let _lock = lock::hold(&work, output, "recovery")?;
    finish(output, &work, &|_| {})
}

/// Carries out what the journal says, from wherever it stopped; `before` is called before each rename, and once after the
/// last, with how many were before.
pub(super) fn finish(output: &Path, work: &Path, before: &dyn Fn(usize)) -> Result<()> {
    let path = work.join(JOURNAL);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::writing("read", &path, e)),
    };
    let journal: Journal = serde_json::from_slice(&text).ok().filter(Journal::stays_inside).ok_or_else(|| {
        Error::Output(format!("`{}` is no journal of onefold: remove it and run again", path.display()))
    })?;
    let staging = staging(work, &journal.run_id);
    for (at, staged) in journal.publish.iter().enumerate() {
        before(at);
        publish(staged, &staging, output, &path)?;
    }
    before(journal.publish.len());
    for name in &journal.remove {
        let old = output.join(name);
        match fs::remove_file(&old) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::writing("remove", &old, e)),
            _ => {}
        }
    }
    // Only an empty folder goes; a file of the user's keeps it.
    let _ = fs::remove_dir(output.join(REJECTS_FOLDER));
    sync_folder(output)?;
    fs::remove_file(&path).map_err(|e| Error::writing("remove", &path, e))?;
    sync_folder(work)
}

/// Renames a staged file into place. One that is not staged any more was renamed before a crash: its target tells.
fn publish(staged: &StagedFile, staging: &Path, output: &Path, journal: &Path) -> Result<()> {
    let (from, to) = (staging.join(&staged.file), output.join(&staged.file));
    let parent = to.parent().unwrap_or(output);
    fs::create_dir_all(parent).map_err(|e| Error::writing("create", parent, e))?;
    match fs::rename(&from, &to) {
        Ok(()) => sync_folder(parent),
        Err(e) if e.kind() == io::ErrorKind::NotFound => match sha256_of(&to) {
            Ok((bytes, sha256)) if (bytes, &sha256) == (staged.bytes, &staged.sha256) => sync_folder(parent),
            _ => Err(Error::Output(format!(
                "`{}` cannot be published: it is gone from `{}`; remove `{}`, then run again with --fresh",
                staged.file,
                staging.display(),
                journal.display()
            ))),
        },
        Err(e) => Err(Error::writing("rename to", &to, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_points_outside_is_refused() {
        let journal = |run_id: &str, publish: &str, remove: &str| Journal {
            run_id: run_id.into(),
            publish: vec![StagedFile::of("a.csv", b"a"), StagedFile::of(publish, b"")],
            remove: vec![remove.into()],
        };
        assert!(journal("r1", "rejects/x.csv", "rejects/y.csv").stays_inside());
        for (run_id, publish, remove) in [
            ("..", "a", "b"),
            ("", "a", "b"),
            ("r1", "../a", "b"),
            ("r1", "/etc/a", "b"),
            ("r1", "a/../../b", "b"),
            ("r1", "a", "../b"),
            ("r1", ".onefold/lock", "b"),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let text = serde_json::to_vec(&journal(run_id, publish, remove)).expect("json");
            fs::write(folder.path().join(JOURNAL), text).expect("written");
            let refused = finish(folder.path(), folder.path(), &|_| {}).expect_err("refused").to_string();
            assert!(refused.contains("is no journal of onefold"), "{refused}");
        }
    }

    /// An output folder with an old `a.csv`, and its working folder with a staged new one.
    fn prepared() -> (tempfile::TempDir, std::path::PathBuf, Journal) {
        let folder = tempfile::tempdir().expect("a folder");
        let work = folder.path().join(WORK_FOLDER);
        fs::create_dir_all(staging(&work, "r1")).expect("a folder");
        fs::write(folder.path().join("a.csv"), "old").expect("written");
        fs::write(staging(&work, "r1").join("a.csv"), "new").expect("written");
        (
            folder,
            work,
            Journal { run_id: "r1".into(), publish: vec![StagedFile::of("a.csv", b"new")], remove: Vec::new() },
        )
    }

    #[test]
    fn nothing_is_decided_when_a_staged_file_is_gone_or_other() {
        for harm in [&|path: &Path| fs::remove_file(path), &|path: &Path| fs::write(path, "longer")]
            as [&dyn Fn(&Path) -> io::Result<()>; 2]
        {
            let (folder, work, journal) = prepared();
            harm(&staging(&work, "r1").join("a.csv")).expect("done");
            journal.write(&work).expect_err("refused");
            assert!(!is_written(&work));
            assert_eq!(fs::read(folder.path().join("a.csv")).expect("a file"), b"old");
        }
    }

    #[test]
    fn a_staged_file_that_is_gone_must_be_in_its_place_already() {
        let (folder, work, journal) = prepared();
        journal.write(&work).expect("written");
        fs::remove_dir_all(work.join("staging")).expect("removed");
        let refused = finish(folder.path(), &work, &|_| {}).expect_err("it is nowhere").to_string();
        assert!(refused.contains("`a.csv` cannot be published") && is_written(&work), "{refused}");
        fs::write(folder.path().join("a.csv"), "new").expect("written");
        finish(folder.path(), &work, &|_| {}).expect("it is in its place");
        assert!(!is_written(&work));
    }

    #[test]
    fn a_decision_is_taken_back_only_while_nothing_is_renamed() {
        let (folder, work, journal) = prepared();
        journal.write(&work).expect("written");
        journal.withdraw(&work).expect("withdrawn");
        assert!(!is_written(&work));
        journal.write(&work).expect("written");
        fs::rename(staging(&work, "r1").join("a.csv"), folder.path().join("a.csv")).expect("renamed");
        journal.withdraw(&work).expect("left alone");
        assert!(is_written(&work));
    }
}
