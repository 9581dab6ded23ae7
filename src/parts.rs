//! Built shards on disk: an Arrow IPC file each, in batches of the size that the merge reads. Owns their form, that they
//! are synced without holding a worker, and their reading back.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::{AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::writer::FileWriter;
use arrow::ipc::{Block, MetadataVersion, root_as_footer};

use crate::error::{Error, Result};
use crate::merge::Sorted;
use crate::sink::ROW_GROUP;

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
    beside: PathBuf,
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

    /// Writes a shard's profiles, sorted by id, their first column.
    ///
    /// # Errors
    /// I/O.
    pub fn store(&self, shard: usize, profiles: &RecordBatch) -> Result<StoredPart> {
        let path = self.folder.join(format!("{shard}.arrow"));
        let beside = path.with_extension("new");
        let failed = |e| Error::ipc("write", &beside, e);
        let file = File::create(&beside).map_err(|e| Error::writing("create", &beside, e))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        let mut writer = FileWriter::try_new(file, &profiles.schema()).map_err(failed)?;
        let rows = profiles.num_rows();
        for from in (0..rows).step_by(self.batch) {
            writer.write(&profiles.slice(from, self.batch.min(rows - from))).map_err(failed)?;
        }
        writer.finish().map_err(failed)?;
        let file = writer.into_inner().map_err(failed)?;
        let file = file.into_inner().map_err(|e| Error::writing("write", &beside, e.into_error()))?;
        let bytes = file.metadata().map_err(|e| Error::writing("size", &beside, e))?.len();
        let ids = profiles.column(0).as_string::<i32>();
        let ends = (rows > 0).then(|| (ids.value(0).to_owned(), ids.value(rows - 1).to_owned()));
        // The thread is gone only when it failed: `settle` tells why.
        let _ = self.queue.send(Unsynced { file, beside, path: path.clone() });
        Ok(StoredPart { path, rows, bytes, ends })
    }

    /// Waits until every part is on the disk under its name.
    ///
    /// # Errors
    /// I/O.
    pub fn settle(self) -> Result<()> {
        drop(self.queue);
        self.syncing.join().unwrap_or_else(|_| Err(Error::Bug("the thread that syncs parts is gone".into())))
    }
}

impl StoredPart {
    /// Its profiles, batch by batch.
    ///
    /// # Errors
    /// I/O, and a damaged file.
    pub fn open(&self, schema: &SchemaRef) -> Result<Sorted<PartReader>> {
        let mut file = File::open(&self.path).map_err(|e| Error::writing("open", &self.path, e))?;
        let blocks = blocks(&mut file).map_err(|e| Error::ipc("read", &self.path, e))?.into_iter();
        let decoder = FileDecoder::new(schema.clone(), MetadataVersion::V5);
        let batches = PartReader { path: self.path.clone(), decoder, blocks };
        Ok(Sorted { ends: self.ends.clone(), batches })
    }
}

/// Reads a part's batches in order. It holds no open file: there may be more parts than a process may open.
#[derive(Debug)]
pub struct PartReader {
    path: PathBuf,
    decoder: FileDecoder,
    blocks: std::vec::IntoIter<Block>,
}

impl Iterator for PartReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.blocks.next()?;
        Some(self.read(&block).map_err(|e| Error::ipc("read", &self.path, e)))
    }
}

impl PartReader {
    fn read(&self, block: &Block) -> std::result::Result<RecordBatch, ArrowError> {
        let damaged = || ArrowError::IpcError("a batch is cut short".into());
        let length = block.bodyLength() + i64::from(block.metaDataLength());
        let (offset, length) =
            u64::try_from(block.offset()).ok().zip(u64::try_from(length).ok()).ok_or_else(damaged)?;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        bytes.reserve_exact(usize::try_from(length).map_err(|_| damaged())?);
        file.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(damaged());
        }
        self.decoder.read_record_batch(block, &Buffer::from_vec(bytes))?.ok_or_else(damaged)
    }
}

fn blocks(file: &mut File) -> std::result::Result<Vec<Block>, ArrowError> {
    let damaged = || ArrowError::IpcError("the footer is damaged".into());
    let mut end = [0; 10];
    file.seek(SeekFrom::End(-10))?;
    file.read_exact(&mut end)?;
    let length = read_footer_length(end)?;
    file.seek(SeekFrom::End(-10 - i64::try_from(length).map_err(|_| damaged())?))?;
    let mut footer = Vec::new();
    file.take(length as u64).read_to_end(&mut footer)?;
    let footer = root_as_footer(&footer).map_err(|_| damaged())?;
    Ok(footer.recordBatches().ok_or_else(damaged)?.iter().copied().collect())
}

/// Syncs each part, then gives it its name: a part under its name is whole.
fn sync(unsynced: &Receiver<Unsynced>) -> Result<()> {
    for Unsynced { file, beside, path } in unsynced {
        file.sync_all().map_err(|e| Error::writing("sync", &beside, e))?;
        fs::rename(&beside, &path).map_err(|e| Error::writing("rename to", &path, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    fn batch(rows: i64) -> RecordBatch {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("id{i:05}"))));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter((0..rows).map(|i| (i % 3 > 0).then_some(i))));
        RecordBatch::try_from_iter([("id", ids), ("n", numbers)]).expect("a batch")
    }

    #[test]
    fn a_part_comes_back_in_batches_of_its_share_of_a_row_group() {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::create(folder.path(), ROW_GROUP / 100).expect("parts");
        let (whole, empty) = (batch(250), batch(0));
        let stored = parts.store(7, &whole).expect("stored");
        let nothing = parts.store(8, &empty).expect("stored");
        parts.settle().expect("synced");
        assert_eq!((stored.rows, nothing.rows), (250, 0));
        let sorted = stored.open(&whole.schema()).expect("open");
        assert_eq!(sorted.ends, Some(("id00000".to_owned(), "id00249".to_owned())));
        let batches: Vec<RecordBatch> = sorted.batches.collect::<Result<_>>().expect("batches");
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(arrow::compute::concat_batches(&whole.schema(), &batches).expect("one"), whole);
        assert_eq!(nothing.open(&empty.schema()).expect("open").batches.count(), 0);
        let left: Vec<_> = fs::read_dir(folder.path()).expect("list").flatten().map(|e| e.file_name()).collect();
        assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".arrow")), "{left:?}");
    }

    #[test]
    fn a_damaged_part_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts::create(folder.path(), 1).expect("parts");
        let whole = batch(50);
        let stored = parts.store(0, &whole).expect("stored");
        parts.settle().expect("synced");
        let bytes = fs::read(&stored.path).expect("bytes");
        for cut in [0, 5, 20, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&stored.path, &bytes[..cut]).expect("cut");
            let read = stored.open(&whole.schema()).and_then(|sorted| sorted.batches.collect::<Result<Vec<_>>>());
            assert!(read.is_err(), "cut at {cut}");
        }
    }
}
