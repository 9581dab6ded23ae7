//! Checkpoints: what an unfinished run leaves for the next one with the same inputs. Owns the name of a set of
//! checkpoints, that there is at most one set, and the counts of reading; refuses whatever is not as it was written.
//!
//! `.onefold/checkpoints/<key>/` has `read.json` with the counts of reading, `rejects/<source>.csv`, and the built
//! shards in `parts/`.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::disk::{hex, remove_folder, replace_file, sha256_of};
use crate::error::{Error, Result};
use crate::identity::{ErasedIds, IdentityRecord, Refused};
use crate::input::SourceAccount;

/// Version of a set's format. A set in another format has another key, so it is never read.
const FORMAT: u32 = 5;

/// Name of the file with the counts of reading.
const READ_FILE: &str = "read.json";

/// Everything that built shards depend on: with the same key, the shards are the same.
#[derive(Debug, Serialize)]
pub struct CheckpointKey {
    /// Version of onefold.
    pub onefold: String,
    /// Digest of the spec.
    pub spec_sha256: String,
    /// Number of shards.
    pub shards: usize,
    /// The as-of date, if one was given.
    pub as_of: Option<String>,
    /// Other options that change what is read.
    pub options: Vec<String>,
    /// Source, file and digest of each input, in reading order.
    pub inputs: Vec<(String, String, String)>,
}

/// A set of checkpoints.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    /// The name of the set.
    pub key: String,
    /// The counts of reading, by source in declared order.
    pub accounts: Accounts,
    /// What linking has found, if customers are found by identifiers.
    pub linked: Option<LinkedAccount>,
}

/// What linking has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedAccount {
    pub record: IdentityRecord,
    pub refused: Refused,
    pub erased: ErasedIds,
    /// Values whose links are void.
    pub void: u64,
    /// Pairs to keep apart that a vendor has merged.
    pub apart_merged: u64,
}

/// What is in [`READ_FILE`].
#[derive(Debug, Serialize, Deserialize)]
struct Read {
    accounts: Accounts,
    linked: Option<LinkedAccount>,
}

/// The counts of reading, by name of the source.
pub type Accounts = IndexMap<String, SourceAccount>;

impl CheckpointKey {
    /// The name of the set.
    fn name(&self) -> Result<String> {
        let text = serde_json::to_vec(&(FORMAT, self)).map_err(|e| Error::Bug(format!("checkpoints: {e}")))?;
        Ok(hex(&Sha256::digest(text)[..16]))
    }
}

impl Checkpoints {
    /// Whether an earlier run left any checkpoints.
    pub fn any(root: &Path) -> bool {
        fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// The set with this key, if its counts and rejects files are as they were written.
    pub fn find(root: &Path, makes: &CheckpointKey) -> Result<Option<Self>> {
        let key = makes.name()?;
        let folder = root.join(&key);
        let Some(Read { accounts, linked }) = read_accounts(&folder) else { return Ok(None) };
        let set = Self { folder, key, accounts, linked };
        let whole = |(source, account): (&String, &SourceAccount)| match &account.rejects {
            None => true,
            Some(sha256) => sha256_of(&set.rejects(source)).is_ok_and(|(_, found)| found == *sha256),
        };
        Ok(set.accounts.iter().all(whole).then_some(set))
    }

    /// Starts a set after reading and removes all others. `save` is called for each source: it writes the source's
    /// rejects file to a path, and says whether there is one.
    pub fn begin(
        root: &Path,
        makes: &CheckpointKey,
        mut accounts: Accounts,
        linked: Option<LinkedAccount>,
        mut save: impl FnMut(&str, &Path) -> Result<bool>,
    ) -> Result<Self> {
        remove(root)?;
        let key = makes.name()?;
        let folder = root.join(&key);
        let place = folder.join("rejects");
        fs::create_dir_all(&place).map_err(|e| Error::working("create", &place, e))?;
        for (source, account) in &mut accounts {
            let file = rejects_file(&folder, source);
            if save(source, &file)? {
                let digest = sha256_of(&file).map_err(|e| Error::working("read", &file, e))?;
                account.rejects = Some(digest.1);
            }
        }
        let read = Read { accounts, linked };
        store_accounts(&folder, &read)?;
        let Read { accounts, linked } = read;
        Ok(Self { folder, key, accounts, linked })
    }

    /// The counts of a source.
    pub fn account(&self, source: &str) -> Result<&SourceAccount> {
        self.accounts.get(source).ok_or_else(|| Error::Bug(format!("`{source}` has no counts")))
    }

    /// Folder of the built shards.
    pub fn parts(&self) -> PathBuf {
        self.folder.join("parts")
    }

    /// The path of a source's rejects file, which exists if [`SourceAccount::rejects`] is set.
    pub fn rejects(&self, source: &str) -> PathBuf {
        rejects_file(&self.folder, source)
    }
}

fn store_accounts(folder: &Path, read: &Read) -> Result<()> {
    let text = serde_json::to_string(read).map_err(|e| Error::Bug(format!("checkpoints: {e}")))?;
    let text = format!("{}\n{text}\n", hex(&Sha256::digest(&text)));
    let (beside, path) = (folder.join("read.new"), folder.join(READ_FILE));
    replace_file(&beside, &path, text.as_bytes()).map_err(|e| Error::working("write", &path, e))
}

/// Removes all sets.
pub fn remove(root: &Path) -> Result<()> {
    remove_folder(root).map_err(|e| Error::working("remove", root, e))
}

/// The path of a rejects file. A source's name has only letters, digits, `_` and `-`.
fn rejects_file(folder: &Path, source: &str) -> PathBuf {
    folder.join("rejects").join(format!("{source}.csv"))
}

fn read_accounts(folder: &Path) -> Option<Read> {
    let text = fs::read_to_string(folder.join(READ_FILE)).ok()?;
    let (digest, accounts) = text.strip_suffix('\n')?.split_once('\n')?;
    if hex(&Sha256::digest(accounts)) != digest {
        return None;
    }
    serde_json::from_str(accounts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::write_file;
    use crate::input::FileAccount;
    use crate::input::RowCounts;
    use proptest::prelude::*;

    fn makes(digest: &str) -> CheckpointKey {
        let inputs = vec![("crm".into(), "crm.csv".into(), digest.into())];
        CheckpointKey {
            onefold: "0.1.0".into(),
            spec_sha256: "ab".into(),
            shards: 16,
            as_of: None,
            options: Vec::new(),
            inputs,
        }
    }

    fn accounts() -> Accounts {
        let account = SourceAccount {
            newest_place: Some(("crm.csv".into(), 3)),
            counts: RowCounts { rows: 10, rejected: 1, ..RowCounts::default() },
            footer: 0,
            bad_values: IndexMap::from([("mrr".into(), 2)]),
            newest_day: Some(19_000),
            first_rejects: vec!["crm.csv line 3: blank_id".into()],
            files: vec![FileAccount {
                file: "crm.csv".into(),
                rows: 10,
                digest: "xxh3-128:00".into(),
                looks_utf8: false,
                has_controls: false,
            }],
            rejects: None,
            ..SourceAccount::default()
        };
        IndexMap::from([("crm".to_owned(), account)])
    }

    fn started(root: &Path) -> Checkpoints {
        let save = |_: &str, path: &Path| {
            write_file(path, b"file,line\n").expect("written");
            Ok(true)
        };
        Checkpoints::begin(root, &makes("1"), accounts(), None, save).expect("started")
    }

    #[test]
    fn a_set_is_found_by_what_made_it() {
        let root = tempfile::tempdir().expect("a folder");
        assert!(!Checkpoints::any(root.path()));
        let set = started(root.path());
        let found = Checkpoints::find(root.path(), &makes("1")).expect("no error").expect("found");
        assert_eq!(found.accounts, set.accounts);
        assert_eq!(fs::read(found.rejects("crm")).expect("rejects"), b"file,line\n");
        assert!(Checkpoints::any(root.path()));
        for other in [
            makes("2"),
            CheckpointKey { shards: 17, ..makes("1") },
            CheckpointKey { onefold: "0.2.0".into(), ..makes("1") },
            CheckpointKey { as_of: Some("2026-01-01".into()), ..makes("1") },
        ] {
            assert!(Checkpoints::find(root.path(), &other).expect("no error").is_none());
        }
    }

    #[test]
    fn there_is_at_most_one_set() {
        let root = tempfile::tempdir().expect("a folder");
        started(root.path());
        Checkpoints::begin(root.path(), &makes("2"), accounts(), None, |_: &str, _: &Path| Ok(false)).expect("started");
        assert!(Checkpoints::find(root.path(), &makes("1")).expect("no error").is_none());
        assert_eq!(fs::read_dir(root.path()).expect("a list").count(), 1);
        remove(root.path()).expect("removed");
        remove(root.path()).expect("nothing left");
    }

    #[test]
    fn damaged_rejects_are_not_trusted() {
        let root = tempfile::tempdir().expect("a folder");
        let set = started(root.path());
        fs::write(set.rejects("crm"), "other").expect("written");
        assert!(Checkpoints::find(root.path(), &makes("1")).expect("no error").is_none());
    }

    proptest! {
        #[test]
        fn a_damaged_account_is_never_trusted(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let root = tempfile::tempdir().expect("a folder");
            let path = started(root.path()).folder.join(READ_FILE);
            let mut bytes = fs::read(&path).expect("bytes");
            let at = at.index(bytes.len());
            let same = !cut && bytes[at] == byte;
            bytes[at] = byte;
            bytes.truncate(if cut { at } else { bytes.len() });
            fs::write(&path, &bytes).expect("written");
            let found = Checkpoints::find(root.path(), &makes("1")).expect("no error");
            prop_assert_eq!(found.is_some(), same);
        }
    }
}
