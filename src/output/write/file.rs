//! One output file: written, hashed and synced by its own thread, so that encoding need not wait for the disk. Never
//! knows what is in it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use crate::disk::hex;
use crate::error::{Error, Result};
use crate::output::manifest::OutputRecord;

/// Buffers that may wait for the disk: enough for a row group, so that it is encoded while the one before is hashed and
/// written; few enough to limit memory.
const WAITING: usize = 32;

/// Bytes after which the file is flushed to the disk.
const FLUSH: usize = 16 << 20;

/// A file being written.
pub(super) struct OutputFile {
    name: String,
    path: PathBuf,
    sender: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<io::Result<(u64, String)>>>,
}

impl OutputFile {
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(|e| Error::writing("create", &path, e))?;
        let (sender, receiver) = sync_channel::<Vec<u8>>(WAITING);
        let writer = std::thread::spawn(move || {
            let mut sink = Hashing { flush: Flush::start(&file)?, file, hash: Sha256::new(), bytes: 0 };
            receiver.into_iter().try_for_each(|part| sink.write(&part))?;
            sink.finish()
        });
        Ok(Self { name: name.to_owned(), path, sender: Some(sender), writer: Some(writer) })
    }

    pub fn write(&mut self, part: Vec<u8>) -> Result<()> {
        let sent = self.sender.as_ref().is_some_and(|s| s.send(part).is_ok());
        // The thread has ended only if it failed.
        if sent { Ok(()) } else { self.join().map(drop) }
    }

    /// Waits until all bytes are on the disk.
    pub fn finish(mut self, rows: u64) -> Result<OutputRecord> {
        let (bytes, sha256) = self.join()?;
        Ok(OutputRecord { file: self.name, rows, bytes, sha256 })
    }

    fn join(&mut self) -> Result<(u64, String)> {
        drop(self.sender.take());
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.map_err(|e| Error::writing("write", &self.path, e)),
            Some(Err(_)) | None => Err(Error::Bug(format!("the thread that writes `{}` has ended", self.name))),
        }
    }
}

struct Hashing {
    file: File,
    flush: Flush,
    hash: Sha256,
    bytes: u64,
}

impl Hashing {
    fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.hash.update(part);
        self.file.write_all(part)?;
        self.bytes += part.len() as u64;
        self.flush.written(part.len());
        Ok(())
    }

    fn finish(self) -> io::Result<(u64, String)> {
        self.flush.finish()?;
        self.file.sync_all()?;
        Ok((self.bytes, hex(&self.hash.finalize())))
    }
}

/// Flushes a file while it grows, so that the last sync has little left to wait for.
struct Flush {
    thread: JoinHandle<io::Result<()>>,
    go: SyncSender<()>,
    unflushed: usize,
}

impl Flush {
    fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (go, signals) = sync_channel(1);
        let thread = std::thread::spawn(move || signals.into_iter().try_for_each(|()| file.sync_data()));
        Ok(Self { thread, go, unflushed: 0 })
    }

    fn written(&mut self, bytes: usize) {
        self.unflushed += bytes;
        // If it is still flushing, the next signal covers these bytes too.
        if self.unflushed >= FLUSH && self.go.try_send(()).is_ok() {
            self.unflushed = 0;
        }
    }

    fn finish(self) -> io::Result<()> {
        drop(self.go);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the flushing thread has ended")))
    }
}
