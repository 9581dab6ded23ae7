//! The journal of a publication: what is left to do of it, synced before the first rename. Owns that a crash between two
//! renames is completed; a journal that points outside the folder is none of ours.

use std::fs;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::{REJECTS_FOLDER, WORK_FOLDER, lock, rename, staging, sync_folder};
use crate::error::{Error, Result};
use crate::sink::write_file;

const JOURNAL: &str = "journal.json";

/// What is left to do of a publication. Written and synced before the first rename.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub run_id: String,
    /// Paths in the output folder, published in order from the same path in the run's staging folder.
    pub publish: Vec<String>,
    /// Paths in the output folder that the run does not have any more.
    pub remove: Vec<String>,
}

impl Journal {
    /// Decides the publication.
    pub fn write(&self, work: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|e| Error::Bug(format!("journal: {e}")))?;
        let beside = work.join("journal.new");
        write_file(&beside, &text)?;
        rename(&beside, &work.join(JOURNAL))?;
        sync_folder(work)
    }

    fn stays_inside(&self) -> bool {
        let plain = |name: &String| {
            !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
        };
        let names = self.publish.iter().chain(&self.remove);
        plain(&self.run_id) && names.into_iter().all(|name| plain(name) && !name.starts_with(WORK_FOLDER))
    }
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
    finish(output, &work, &|| {})
}

/// Carries out what the journal says, from wherever it stopped; `between` is called between two renames.
pub(super) fn finish(output: &Path, work: &Path, between: &dyn Fn()) -> Result<()> {
    let path = work.join(JOURNAL);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::writing("read", &path, e)),
    };
    let journal: Journal = serde_json::from_slice(&text).ok().filter(Journal::stays_inside).ok_or_else(|| {
        Error::Output(format!("`{}` is no journal of onefold: remove it and run again", path.display()))
    })?;
    let staging = staging(work, &journal.run_id);
    for (at, name) in journal.publish.iter().enumerate() {
        if at > 0 {
            between();
        }
        let (from, to) = (staging.join(name), output.join(name));
        if !from.exists() {
            continue; // Renamed before the crash.
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|e| Error::writing("create", parent, e))?;
            rename(&from, &to)?;
            sync_folder(parent)?;
        }
    }
    for name in &journal.remove {
        let old = output.join(name);
        match fs::remove_file(&old) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::writing("remove", &old, e)),
            _ => {}
        }
    }
    // Only an empty folder goes; a file of the user's keeps it.
    let _ = fs::remove_dir(output.join(REJECTS_FOLDER));
    sync_folder(output)?;
    fs::remove_file(&path).map_err(|e| Error::writing("remove", &path, e))?;
    sync_folder(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_points_outside_is_refused() {
        let journal = |run_id: &str, publish: &str, remove: &str| Journal {
            run_id: run_id.into(),
            publish: vec!["a.csv".into(), publish.into()],
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
            journal(run_id, publish, remove).write(folder.path()).expect("written");
            let refused = finish(folder.path(), folder.path(), &|| {}).expect_err("refused").to_string();
            assert!(refused.contains("is no journal of onefold"), "{refused}");
        }
    }
}
