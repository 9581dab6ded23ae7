//! The journal of a publication: what is left to do, synced before the first rename. Owns that a publication is
//! completed after a crash between two renames; refuses a journal with paths outside of the folder.

use std::path::{Component, Path};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{lock, staging};
use crate::disk::{hex, remove_file, replace_file, sha256_of, sync_folder};
use crate::error::{Error, Result};
use crate::output::names::{REJECTS_FOLDER, WORK_FOLDER};

const JOURNAL: &str = "journal.json";

/// What is left to do for a publication. Written and synced before the first rename.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub run_id: String,
    /// Files to publish, in this order, from the same path in the run's staging folder.
    pub publish: Vec<StagedFile>,
    /// Paths in the output folder that the run does not write any more.
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
    pub fn of(file: &str, bytes: &[u8]) -> Self {
        Self { file: file.to_owned(), bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
    }
}

impl Journal {
    /// Writes the journal, after which the publication will be completed; fails before that if a staged file is missing
    /// or has changed.
    pub fn write(&self, work: &Path) -> Result<()> {
        let staging = staging(work, &self.run_id);
        for staged in &self.publish {
            let path = staging.join(&staged.file);
            let found = fs::metadata(&path).map_err(|e| Error::working("publish", &path, e))?.len();
            if found != staged.bytes {
                return Err(Error::Work(format!(
                    "`{}` has {found} bytes, but the run wrote {}: another program changes the working folder; run again",
                    path.display(),
                    staged.bytes
                )));
            }
        }
        let text = serde_json::to_vec(self).map_err(|e| Error::Bug(format!("journal: {e}")))?;
        let path = work.join(JOURNAL);
        replace_file(&work.join("journal.new"), &path, &text).map_err(|e| Error::working("write", &path, e))
    }

    /// Removes the journal, if nothing has been renamed yet: then the old outputs are unchanged.
    pub fn withdraw(&self, work: &Path) -> Result<()> {
        let staging = staging(work, &self.run_id);
        if self.publish.iter().all(|staged| staging.join(&staged.file).is_file()) {
            let path = work.join(JOURNAL);
            fs::remove_file(&path).map_err(|e| Error::working("remove", &path, e))?;
            synced(work)?;
        }
        Ok(())
    }

    fn stays_inside(&self) -> bool {
        let names = self.publish.iter().map(|staged| &staged.file).chain(&self.remove);
        is_plain(&self.run_id) && names.into_iter().all(|name| is_plain(name) && !name.starts_with(WORK_FOLDER))
    }
}

/// Whether a path stays inside the folder that it is joined to.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether a publication has begun and is not completed.
pub(super) fn is_written(work: &Path) -> bool {
    work.join(JOURNAL).exists()
}

/// Completes a publication that a crash interrupted, if there is one; for commands that only read the outputs.
///
/// # Errors
/// [`Error::Output`] if a run uses the folder; [`Error::Work`] if the journal is not valid or its files are not as the
/// run wrote them; [`Error::Io`] if a file cannot be read, renamed or removed.
pub fn recover(output: &Path) -> Result<()> {
    let work = output.join(WORK_FOLDER);
    if !is_written(&work) {
        return Ok(());
    }
    let _lock = lock::hold(&work, output, "recovery")?;
    finish(output, &work, &|_| {})
}

/// Does what the journal says, or the rest of it; `before` is called before each rename and after the last, with the
/// number of renames so far.
pub(super) fn finish(output: &Path, work: &Path, before: &dyn Fn(usize)) -> Result<()> {
    let path = work.join(JOURNAL);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::working("read", &path, e)),
    };
    let journal: Journal = serde_json::from_slice(&text)
        .ok()
        .filter(Journal::stays_inside)
        .ok_or_else(|| Error::Work(format!("`{}` is not a valid journal: remove it and run again", path.display())))?;
    let staging = staging(work, &journal.run_id);
    for (at, staged) in journal.publish.iter().enumerate() {
        before(at);
        publish(staged, &staging, output, &path)?;
    }
    before(journal.publish.len());
    for name in &journal.remove {
        let old = output.join(name);
        remove_file(&old).map_err(|e| Error::writing("remove", &old, e))?;
    }
    // The folder is removed only if it is empty: it may have a file of the user's.
    let _ = fs::remove_dir(output.join(REJECTS_FOLDER));
    synced(output)?;
    fs::remove_file(&path).map_err(|e| Error::working("remove", &path, e))?;
    synced(work)
}

fn synced(folder: &Path) -> Result<()> {
    sync_folder(folder).map_err(|e| Error::writing("sync", folder, e))
}

/// Renames a staged file into place. If it is not in staging any more, it must have been renamed before a crash.
fn publish(staged: &StagedFile, staging: &Path, output: &Path, journal: &Path) -> Result<()> {
    let (from, to) = (staging.join(&staged.file), output.join(&staged.file));
    let parent = to.parent().unwrap_or(output);
    fs::create_dir_all(parent).map_err(|e| Error::writing("create", parent, e))?;
    match fs::rename(&from, &to) {
        Ok(()) => synced(parent),
        Err(e) if e.kind() == io::ErrorKind::NotFound => match sha256_of(&to) {
            Ok((bytes, sha256)) if (bytes, &sha256) == (staged.bytes, &staged.sha256) => synced(parent),
            _ => Err(Error::Work(format!(
                "cannot publish `{}`: it is missing in `{}`; remove `{}` and run again with --fresh",
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
            assert!(refused.contains("is not a valid journal"), "{refused}");
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
    fn no_journal_is_written_when_a_staged_file_is_missing_or_has_changed() {
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
    fn a_staged_file_that_is_missing_must_be_in_its_place_already() {
        let (folder, work, journal) = prepared();
        journal.write(&work).expect("written");
        fs::remove_dir_all(work.join("staging")).expect("removed");
        let refused = finish(folder.path(), &work, &|_| {}).expect_err("it is nowhere").to_string();
        assert!(refused.contains("cannot publish `a.csv`") && is_written(&work), "{refused}");
        fs::write(folder.path().join("a.csv"), "new").expect("written");
        finish(folder.path(), &work, &|_| {}).expect("it is in its place");
        assert!(!is_written(&work));
    }

    #[test]
    fn a_journal_is_withdrawn_only_while_nothing_is_renamed() {
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
