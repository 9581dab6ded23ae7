//! Built shards on disk: an Arrow IPC file each, in batches of the size that the merge reads. Owns their form, that they
//! are synced without holding a worker, and their reading back. A part's name carries the digest of its bytes: under that
//! name stands a whole part or a damaged one, and which of the two it is can be told.

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

use crate::error::{Error, Result};
use crate::sink::ROW_GROUP;

pub use find::{Found, find};
pub use read::PartReader;

/// Files that may wait for their sync.
const WAITING: usize = 64;

/// Batches are at least so long, however many shards there are: each has a head of its own.
const SHORTEST_BATCH: usize = 64;

/// The folder of a run's parts.
#[derive(Debug)]
pub struct Parts {
    folder: PathBuf,
    batch: usize,
    queue: SyncSender<Unsynced>,
    syncing: JoinHandle<Result<()>>,
}

/// A part that is written, but not yet sure to survive a power cut.
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
    /// For so many shards; creates the folder.
    ///
    /// # Errors
    /// I/O.
    pub fn create(folder: &Path, shards: usize) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::writing("create", folder, e))?;
        let (queue, unsynced) = sync_channel(WAITING);
        // The merge takes a row group's rows from all parts, about as many from each.
        let batch = (ROW_GROUP / shards.max(1)).max(SHORTEST_BATCH);
        let syncing = std::thread::spawn(move || sync(&unsynced));
        Ok(Self { folder: folder.to_owned(), batch, queue, syncing })
    }

    /// Writes a shard's profiles, sorted by id, their first column, with its account, a text that [`find`] gives back. The
    /// part can be read at once; it is synced later.
    /// `done` is called when the file is complete, before it gets its name.
    ///
    /// # Errors
    /// I/O, and what `done` gives.
    pub fn store(
        &self,
        shard: usize,
        profiles: &RecordBatch,
        account: &str,
        done: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<StoredPart> {
        let beside = self.folder.join(format!("{shard}.new"));
        let failed = |e| Error::ipc("write", &beside, e);
        let file = File::create(&beside).map_err(|e| Error::writing("create", &beside, e))?;
        let hashing = Hashing { file: BufWriter::with_capacity(1 << 18, file), hash: Xxh3::new(), bytes: 0 };
        let mut writer = FileWriter::try_new(hashing, &profiles.schema()).map_err(failed)?;
        let rows = profiles.num_rows();
        for from in (0..rows).step_by(self.batch) {
            writer.write(&profiles.slice(from, self.batch.min(rows - from))).map_err(failed)?;
        }
        let ids = profiles.column(0).as_string::<i32>();
        let ends = (rows > 0).then(|| (ids.value(0).to_owned(), ids.value(rows - 1).to_owned()));
        find::note(&mut writer, shard, account);
        writer.finish().map_err(failed)?;
        let Hashing { file, hash, bytes } = writer.into_inner().map_err(failed)?;
        let file = file.into_inner().map_err(|e| Error::writing("write", &beside, e.into_error()))?;
        done(&file).map_err(|e| Error::writing("write", &beside, e))?;
        let digest = hash.digest128();
        let path = self.folder.join(find::name(shard, digest));
        // Before it is synced: what a power cut leaves under the name has another digest, unless it is whole.
        fs::rename(&beside, &path).map_err(|e| Error::writing("rename to", &path, e))?;
        // The thread is gone only when it failed: `settle` tells why.
        let _ = self.queue.send(Unsynced { file, path: path.clone() });
        Ok(StoredPart { path, rows, bytes, digest, ends })
    }

    /// Waits until every part is on the disk.
    ///
    /// # Errors
    /// I/O.
    pub fn settle(self) -> Result<()> {
        drop(self.queue);
        self.syncing.join().unwrap_or_else(|_| Err(Error::Bug("the thread that syncs parts is gone".into())))?;
        let sync = || File::open(&self.folder)?.sync_all();
        sync().map_err(|e| Error::writing("sync", &self.folder, e))
    }
}

/// A part's bytes on their way to its file.
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
        .try_for_each(|Unsynced { file, path }| file.sync_all().map_err(|e| Error::writing("sync", &path, e)))
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

    /// A folder with a part of so many rows for each shard.
    fn stored(rows: &[i64]) -> (TempDir, Vec<StoredPart>) {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::create(folder.path(), 1000).expect("parts");
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
        let found = find(folder.path(), 3, &schema).expect("found");
        assert_eq!(
            found.iter().map(|f| (f.shard, f.account.as_str())).collect::<Vec<_>>(),
            [(0, "account of 0"), (1, "account of 1"), (2, "account of 2")]
        );
        assert_eq!(found.into_iter().map(|f| f.part).collect::<Vec<_>>(), stored);
        assert_eq!(names(folder.path()).len(), 3, "strays are gone");
        assert_eq!(find(folder.path(), 2, &schema).expect("found").len(), 2, "a shard that the run does not have");
        let other = RecordBatch::try_from_iter([("n", batch(1).column(1).clone())]).expect("a batch").schema();
        assert_eq!(find(folder.path(), 3, &other).expect("found").len(), 1, "only the empty part fits any schema");
        assert!(find(&folder.path().join("none"), 3, &schema).expect("nothing").is_empty());
    }

    #[test]
    fn a_file_that_lies_about_its_digest_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::create(folder.path(), 1).expect("parts");
        let cut = |file: &File| file.set_len(file.metadata()?.len() / 2);
        let (damaged, whole) = (parts.store(0, &batch(50), "", cut), parts.store(1, &batch(50), "", |_| Ok(())));
        let full = parts.store(2, &batch(50), "", |_| Err(io::ErrorKind::StorageFull.into()));
        parts.settle().expect("synced");
        assert!(!damaged.expect("stored").is_whole() && whole.expect("stored").is_whole());
        assert!(full.is_err_and(|e| e.to_string().contains("free some space")));
        let found = find(folder.path(), 3, &batch(5).schema()).expect("found");
        assert_eq!(found.iter().map(|f| f.shard).collect::<Vec<_>>(), [1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
        /// Even with a digest that fits: no panic, no endless memory, at worst other profiles of the right schema.
        #[test]
        fn damaged_parts_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), cut in any::<prop::sample::Index>(), cuts in any::<bool>()) {
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
            for found in find(folder.path(), 1, &batch(5).schema()).expect("no I/O error") {
                let sorted = found.part.open(&batch(5).schema()).expect("it was opened before");
                prop_assert_eq!(sorted.batches.map(|b| b.expect("read before").num_rows()).sum::<usize>(), found.part.rows);
            }
        }
    }
}
