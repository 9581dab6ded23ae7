//! Checkpoints: what a run that did not finish leaves for the next one with the same inputs. Owns what names a set of
//! them, that there is at most one set, and the account of what was read; the built shards in it are parts. Whatever
//! does not hold what it claims is left aside, never trusted.
//!
//! `.onefold/checkpoints/<key>/` holds `read.json`, the account of reading, `rejects/<source>.csv`, and `parts/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::{hex, sha256_of};
use crate::error::{Error, Result};
use crate::sink::write_file;

/// Form of a set. A set of another form has another key, so that it is never read.
const FORMAT: u32 = 1;

/// Name of the account of reading.
const READ_FILE: &str = "read.json";

/// What built shards follow from, beside the input rows' order. The same makings, the same shards.
#[derive(Debug, Serialize)]
pub struct Makings<'a> {
    /// Version of onefold.
    pub onefold: &'a str,
    /// Digest of the spec.
    pub spec_sha256: String,
    /// Number of shards.
    pub shards: usize,
    /// The as-of date, where one was given.
    pub as_of: Option<String>,
    /// Other options that bear on what is read.
    pub options: Vec<String>,
    /// Source, file and digest of each input, in reading order.
    pub inputs: Vec<(&'a str, &'a str, &'a str)>,
}

/// What reading a source gave besides its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAccount {
    /// Records read.
    pub rows: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Per declared column, bad values in accepted rows.
    pub bad_values: Vec<u64>,
    /// Newest `latest_by` of accepted rows, in days since 1970-01-01.
    pub newest_day: Option<i32>,
    /// Where the first three rejected rows are, and why.
    pub first_rejects: Vec<String>,
    /// Per file: records and digest.
    pub files: Vec<(u64, String)>,
    /// SHA-256 of the source's rejects file, if it has one.
    pub rejects: Option<String>,
}

/// A set of checkpoints.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    /// What names the set.
    pub key: String,
    /// Per source, in declared order.
    pub read: Vec<SourceAccount>,
}

impl Makings<'_> {
    /// The name of the set.
    fn key(&self) -> Result<String> {
        let text = serde_json::to_vec(&(FORMAT, self)).map_err(|e| Error::Bug(format!("checkpoints: {e}")))?;
        Ok(hex(&Sha256::digest(text)[..16]))
    }
}

impl Checkpoints {
    /// Whether an earlier run left anything.
    pub fn any(root: &Path) -> bool {
        fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// The set that was made so, when its account of reading holds.
    ///
    /// # Errors
    /// [`Error::Bug`] in naming it.
    pub fn find(root: &Path, makings: &Makings<'_>) -> Result<Option<Self>> {
        let key = makings.key()?;
        let folder = root.join(&key);
        let Some(read) = read_account(&folder) else { return Ok(None) };
        let set = Self { folder, key, read };
        let whole = |(at, account): (usize, &SourceAccount)| match &account.rejects {
            None => true,
            Some(sha256) => sha256_of(&set.rejects(at)).is_ok_and(|(_, found)| found == *sha256),
        };
        Ok(set.read.iter().enumerate().all(whole).then_some(set))
    }

    /// Begins a set after reading, in place of all others. `save` is called for each source, in order: it writes its
    /// rejects file to a path, and says whether there is one.
    ///
    /// # Errors
    /// I/O.
    pub fn begin(
        root: &Path,
        makings: &Makings<'_>,
        mut read: Vec<SourceAccount>,
        mut save: impl FnMut(&Path) -> Result<bool>,
    ) -> Result<Self> {
        remove(root)?;
        let key = makings.key()?;
        let folder = root.join(&key);
        let place = folder.join("rejects");
        fs::create_dir_all(&place).map_err(|e| Error::writing("create", &place, e))?;
        for (at, account) in read.iter_mut().enumerate() {
            let file = rejects_file(&folder, at);
            if save(&file)? {
                let digest = sha256_of(&file).map_err(|e| Error::writing("read", &file, e))?;
                account.rejects = Some(digest.1);
            }
        }
        let set = Self { folder, key, read };
        set.store_account()?;
        Ok(set)
    }

    /// Folder of the built shards.
    pub fn parts(&self) -> PathBuf {
        self.folder.join("parts")
    }

    /// A source's rejects file, if [`SourceAccount::rejects`] says that it has one.
    pub fn rejects(&self, source: usize) -> PathBuf {
        rejects_file(&self.folder, source)
    }

    /// Beside, synced, renamed: under its name it is whole.
    fn store_account(&self) -> Result<()> {
        let text = serde_json::to_string(&self.read).map_err(|e| Error::Bug(format!("checkpoints: {e}")))?;
        let text = format!("{}\n{text}\n", hex(&Sha256::digest(&text)));
        let (beside, path) = (self.folder.join("read.new"), self.folder.join(READ_FILE));
        write_file(&beside, text.as_bytes())?;
        fs::rename(&beside, &path).map_err(|e| Error::writing("rename to", &path, e))?;
        let sync = || fs::File::open(&self.folder)?.sync_all();
        sync().map_err(|e| Error::writing("sync", &self.folder, e))
    }
}

/// Removes all sets.
///
/// # Errors
/// I/O.
pub fn remove(root: &Path) -> Result<()> {
    let is_other = fs::symlink_metadata(root).is_ok_and(|meta| !meta.is_dir());
    match if is_other { fs::remove_file(root) } else { fs::remove_dir_all(root) } {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::writing("remove", root, e)),
        _ => Ok(()),
    }
}

/// By number: a source's name has no say in where files are.
fn rejects_file(folder: &Path, source: usize) -> PathBuf {
    folder.join("rejects").join(format!("{source}.csv"))
}

fn read_account(folder: &Path) -> Option<Vec<SourceAccount>> {
    let text = fs::read_to_string(folder.join(READ_FILE)).ok()?;
    let (digest, account) = text.strip_suffix('\n')?.split_once('\n')?;
    if hex(&Sha256::digest(account)) != digest {
        return None;
    }
    serde_json::from_str(account).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn makings(digest: &str) -> Makings<'_> {
        let inputs = vec![("crm", "crm.csv", digest)];
        Makings { onefold: "0.1.0", spec_sha256: "ab".into(), shards: 16, as_of: None, options: Vec::new(), inputs }
    }

    fn account() -> SourceAccount {
        SourceAccount {
            rows: 10,
            rejected: 1,
            bad_values: vec![0, 2],
            newest_day: Some(19_000),
            first_rejects: vec!["crm.csv line 3: blank_id".into()],
            files: vec![(10, "xxh3-128:00".into())],
            rejects: None,
        }
    }

    fn begun(root: &Path) -> Checkpoints {
        let save = |path: &Path| write_file(path, b"file,line\n").map(|()| true);
        Checkpoints::begin(root, &makings("1"), vec![account()], save).expect("begun")
    }

    #[test]
    fn a_set_is_found_by_what_made_it() {
        let root = tempfile::tempdir().expect("a folder");
        assert!(!Checkpoints::any(root.path()));
        let set = begun(root.path());
        let found = Checkpoints::find(root.path(), &makings("1")).expect("no error").expect("found");
        assert_eq!(found.read, set.read);
        assert_eq!(fs::read(found.rejects(0)).expect("rejects"), b"file,line\n");
        assert!(Checkpoints::any(root.path()));
        for other in [
            makings("2"),
            Makings { shards: 17, ..makings("1") },
            Makings { onefold: "0.2.0", ..makings("1") },
            Makings { as_of: Some("2026-01-01".into()), ..makings("1") },
        ] {
            assert!(Checkpoints::find(root.path(), &other).expect("no error").is_none());
        }
    }

    #[test]
    fn there_is_at_most_one_set() {
        let root = tempfile::tempdir().expect("a folder");
        begun(root.path());
        Checkpoints::begin(root.path(), &makings("2"), vec![account()], |_: &Path| Ok(false)).expect("begun");
        assert!(Checkpoints::find(root.path(), &makings("1")).expect("no error").is_none());
        assert_eq!(fs::read_dir(root.path()).expect("a list").count(), 1);
        remove(root.path()).expect("removed");
        remove(root.path()).expect("nothing left");
    }

    #[test]
    fn damaged_rejects_are_not_trusted() {
        let root = tempfile::tempdir().expect("a folder");
        let set = begun(root.path());
        fs::write(set.rejects(0), "other").expect("written");
        assert!(Checkpoints::find(root.path(), &makings("1")).expect("no error").is_none());
    }

    proptest! {
        #[test]
        fn a_damaged_account_is_never_trusted(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let root = tempfile::tempdir().expect("a folder");
            let path = begun(root.path()).folder.join(READ_FILE);
            let mut bytes = fs::read(&path).expect("bytes");
            let at = at.index(bytes.len());
            let same = !cut && bytes[at] == byte;
            bytes[at] = byte;
            bytes.truncate(if cut { at } else { bytes.len() });
            fs::write(&path, &bytes).expect("written");
            let found = Checkpoints::find(root.path(), &makings("1")).expect("no error");
            prop_assert_eq!(found.is_some(), same);
        }
    }
}
