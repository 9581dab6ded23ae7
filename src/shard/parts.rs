//! Built shards on disk: an Arrow IPC file for each, in batches of the size that the merge reads. Owns their format,
//! that no worker waits for their sync, and reading them back. A part's name has the digest of its bytes, so a damaged
//! part can be told from a complete one.

mod find;
mod read;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::{AsArray, RecordBatch};
use arrow::ipc::writer::FileWriter;
use xxhash_rust::xxh3::Xxh3;

use crate::disk::sync_folder;
use crate::error::{Error, Result};

pub use find::{FoundPart, find};
pub use read::Sorted;

/// Rows of a Parquet row group, which the merge takes together, about the same number from each part.
pub const ROW_GROUP: usize = 122_880;

/// Most files that wait for their sync.
const WAITING: usize = 64;

/// Fewest rows of a batch, however many shards there are, because each batch has a header.
const SHORTEST_BATCH: usize = 64;

/// The folder of a run's parts.
#[derive(Debug)]
pub struct Parts {
    folder: PathBuf,
    /// The name of the set that the parts belong to.
    key: String,
    batch: usize,
    queue: SyncSender<Unsynced>,
    syncing: JoinHandle<Result<()>>,
}

/// A part that is written but not synced: it may not survive a power failure.
#[derive(Debug)]
struct Unsynced {
    file: File,
    path: PathBuf,
}

/// A built shard's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    path: PathBuf,
    /// Profiles in it.
    pub rows: usize,
    /// Its size.
    pub bytes: u64,
    /// XXH3-128 of its bytes.
    digest: u128,
    /// First and last id.
    ends: Option<(String, String)>,
}

impl Parts {
    /// Creates the folder for the parts of `shards` shards, of the set with this key.
    pub fn create(folder: &Path, shards: usize, key: &str) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::working("create", folder, e))?;
        let (queue, unsynced) = sync_channel(WAITING);
        let batch = (ROW_GROUP / shards.max(1)).max(SHORTEST_BATCH);
        let syncing = std::thread::spawn(move || sync(&unsynced));
        Ok(Self { folder: folder.to_owned(), key: key.to_owned(), batch, queue, syncing })
    }

    /// Writes a shard's profiles, sorted by id in the first column, with a text `account` that [`find`] gives back. The
    /// part can be read at once; it is synced later. `done` is called when the file is complete, before it gets its
    /// name.
    pub fn store(
        &self,
        shard: usize,
        profiles: &RecordBatch,
        account: &str,
        done: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<StoredPart> {
        let beside = self.folder.join(format!("{shard}.new"));
        let failed = |e| Error::ipc("write", &beside, e);
        let file = File::create(&beside).map_err(|e| Error::working("create", &beside, e))?;
        let hashing = Hashing { file: BufWriter::with_capacity(1 << 18, file), hash: Xxh3::new(), bytes: 0 };
        let mut writer = FileWriter::try_new(hashing, &profiles.schema()).map_err(failed)?;
        let rows = profiles.num_rows();
        for from in (0..rows).step_by(self.batch) {
            writer.write(&profiles.slice(from, self.batch.min(rows - from))).map_err(failed)?;
        }
        let ids = profiles.column(0).as_string::<i32>();
        let ends = (rows > 0).then(|| (ids.value(0).to_owned(), ids.value(rows - 1).to_owned()));
        find::note(&mut writer, &self.key, shard, account);
        writer.finish().map_err(failed)?;
        let Hashing { file, hash, bytes } = writer.into_inner().map_err(failed)?;
        let file = file.into_inner().map_err(|e| Error::working("write", &beside, e.into_error()))?;
        done(&file).map_err(|e| Error::working("write", &beside, e))?;
        let digest = hash.digest128();
        let path = self.folder.join(find::name(shard, digest));
        // It may be renamed before it is synced: what a power failure leaves has another digest, unless it is complete.
        fs::rename(&beside, &path).map_err(|e| Error::working("rename to", &path, e))?;
        // The thread has ended only if it failed; `settle` gives the error.
        let _ = self.queue.send(Unsynced { file, path: path.clone() });
        Ok(StoredPart { path, rows, bytes, digest, ends })
    }

    /// Waits until every part is on the disk.
    pub fn settle(self) -> Result<()> {
        drop(self.queue);
        self.syncing.join().unwrap_or_else(|_| Err(Error::Bug("the thread that syncs parts has ended".into())))?;
        sync_folder(&self.folder).map_err(|e| Error::working("sync", &self.folder, e))
    }
}

/// Writes a part's bytes to its file and hashes them.
struct Hashing {
    file: BufWriter<File>,
    hash: Xxh3,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn sync(unsynced: &Receiver<Unsynced>) -> Result<()> {
    unsynced
        .iter()
        .try_for_each(|Unsynced { file, path }| file.sync_all().map_err(|e| Error::working("sync", &path, e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use proptest::prelude::*;
    use std::sync::Arc;
    use tempfile::TempDir;

    fn batch(rows: i64) -> RecordBatch {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("id{i:05}"))));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter((0..rows).map(|i| (i % 3 > 0).then_some(i))));
        RecordBatch::try_from_iter([("id", ids), ("n", numbers)]).expect("a batch")
    }

    /// A folder with a part for each shard, with these numbers of rows.
    fn stored(rows: &[i64]) -> (TempDir, Vec<StoredPart>) {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::create(folder.path(), 1000, "key").expect("parts");
        let store = |(shard, rows): (usize, &i64)| {
            parts.store(shard, &batch(*rows), &format!("account of {shard}"), |_| Ok(())).expect("stored")
        };
        let stored = rows.iter().enumerate().map(store).collect();
        parts.settle().expect("synced");
        (folder, stored)
    }

    fn names(folder: &Path) -> Vec<String> {
        let list = fs::read_dir(folder).expect("a list").flatten();
        list.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_part_is_read_back_in_batches() {
        let (folder, stored) = stored(&[250, 0]);
        let schema = batch(5).schema();
        assert_eq!((stored[0].rows, stored[1].rows), (250, 0));
        let sorted = stored[0].open(&schema).expect("open");
        assert_eq!(sorted.ends, Some(("id00000".to_owned(), "id00249".to_owned())));
        let batches: Vec<RecordBatch> = sorted.batches.collect::<Result<_>>().expect("batches");
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [122, 122, 6]);
        assert_eq!(arrow::compute::concat_batches(&schema, &batches).expect("one"), batch(250));
        assert_eq!(stored[1].open(&schema).expect("open").batches.count(), 0);
        assert!(names(folder.path()).iter().all(|name| name.ends_with(".arrow")));
    }

    #[test]
    fn what_an_earlier_run_left_is_found_and_only_that() {
        let (folder, stored) = stored(&[10, 0, 30]);
        let schema = batch(5).schema();
        for stray in ["7.new", "x-1.arrow", "1-2.arrow", "notes.txt"] {
            fs::write(folder.path().join(stray), "stray").expect("a file");
        }
        fs::create_dir_all(folder.path().join("a folder/in a folder")).expect("a folder");
        let found = find(folder.path(), 3, &schema, "key").expect("found");
        assert_eq!(
            found.iter().map(|f| (f.shard, f.account.as_str())).collect::<Vec<_>>(),
            [(0, "account of 0"), (1, "account of 1"), (2, "account of 2")]
        );
        assert_eq!(found.into_iter().map(|f| f.part).collect::<Vec<_>>(), stored);
        assert_eq!(names(folder.path()).len(), 3, "strays are gone");
        let (foreign, _) = self::stored(&[10]);
        assert!(find(foreign.path(), 1, &schema, "other").expect("found").is_empty(), "parts of another set");
        assert_eq!(
            find(folder.path(), 2, &schema, "key").expect("found").len(),
            2,
            "a shard that the run does not have"
        );
        let other = RecordBatch::try_from_iter([("n", batch(1).column(1).clone())]).expect("a batch").schema();
        assert_eq!(
            find(folder.path(), 3, &other, "key").expect("found").len(),
            1,
            "only the empty part fits any schema"
        );
        assert!(find(&folder.path().join("none"), 3, &schema, "key").expect("nothing").is_empty());
    }

    #[test]
    fn a_file_with_a_wrong_digest_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::create(folder.path(), 1, "key").expect("parts");
        let cut = |file: &File| file.set_len(file.metadata()?.len() / 2);
        let (damaged, whole) = (parts.store(0, &batch(50), "", cut), parts.store(1, &batch(50), "", |_| Ok(())));
        let full = parts.store(2, &batch(50), "", |_| Err(io::ErrorKind::StorageFull.into()));
        parts.settle().expect("synced");
        assert!(!damaged.expect("stored").is_whole() && whole.expect("stored").is_whole());
        assert!(full.is_err_and(|e| e.to_string().contains("free some space")));
        let found = find(folder.path(), 3, &batch(5).schema(), "key").expect("found");
        assert_eq!(found.iter().map(|f| f.shard).collect::<Vec<_>>(), [1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
        /// Even with a matching digest: no panic, no unbounded memory, at worst other profiles of the right schema.
        #[test]
        fn damaged_parts_cause_no_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), cut in any::<prop::sample::Index>(), cuts in any::<bool>()) {
            let (folder, stored) = stored(&[200]);
            let mut bytes = fs::read(&stored[0].path).expect("bytes");
            changes.iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = *byte);
            if cuts {
                bytes.truncate(cut.index(bytes.len()));
            }
            fs::write(&stored[0].path, &bytes).expect("written");
            if bytes.len() as u64 != stored[0].bytes {
                prop_assert!(!stored[0].is_whole());
            }
            let renamed = folder.path().join(find::name(0, xxhash_rust::xxh3::xxh3_128(&bytes)));
            fs::rename(&stored[0].path, &renamed).expect("renamed");
            for found in find(folder.path(), 1, &batch(5).schema(), "key").expect("no I/O error") {
                let sorted = found.part.open(&batch(5).schema()).expect("it was opened before");
                prop_assert_eq!(sorted.batches.map(|b| b.expect("read before").num_rows()).sum::<usize>(), found.part.rows);
            }
        }
    }
}
