//! One output file: written, hashed and synced by a thread of its own, so that encoding never waits for the disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Buffers that may wait for the disk: those of a whole row group, so that its encoding goes on while the one before is
/// hashed and written; few enough to bound memory.
const WAITING: usize = 32;

/// Bytes that are sent on to the disk at a time.
const FLUSH: usize = 16 << 20;

/// A finished output file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name in the output folder.
    pub file: String,
    /// Profiles in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

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

    /// Queues bytes.
    pub fn write(&mut self, part: Vec<u8>) -> Result<()> {
        let sent = self.sender.as_ref().is_some_and(|s| s.send(part).is_ok());
        // The thread is gone only when it failed.
        if sent { Ok(()) } else { self.join().map(drop) }
    }

    /// Waits until all bytes are on the disk.
    pub fn finish(mut self, rows: u64) -> Result<Written> {
        let (bytes, sha256) = self.join()?;
        Ok(Written { file: self.name, rows, bytes, sha256 })
    }

    fn join(&mut self) -> Result<(u64, String)> {
        drop(self.sender.take());
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.map_err(|e| Error::writing("write", &self.path, e)),
            Some(Err(_)) | None => Err(Error::Bug(format!("the writer of `{}` is gone", self.name))),
        }
    }
}

/// Writes a whole small file into a folder and syncs it.
///
/// # Errors
/// I/O.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| Error::writing("write", path, e))
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
        Ok((self.bytes, crate::digest::hex(&self.hash.finalize())))
    }
}

/// Keeps the disk at work while a file grows: left to the last sync, all of it would be waited for.
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
        // While it still flushes, the next signal takes what has gathered.
        if self.unflushed >= FLUSH && self.go.try_send(()).is_ok() {
            self.unflushed = 0;
        }
    }

    fn finish(self) -> io::Result<()> {
        drop(self.go);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the flushing thread is gone")))
    }
}
