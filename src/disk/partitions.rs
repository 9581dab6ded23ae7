//! Records of any length in partitions, in the order in which they came; beyond a limit on disk, in one unnamed file. Owns
//! the bound on memory, however many records there are; never knows what is in them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Records by partition.
#[derive(Debug)]
pub struct Partitions {
    folder: PathBuf,
    /// Bytes that may stay in memory.
    most: usize,
    held: Vec<Vec<u8>>,
    held_bytes: usize,
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    /// Where each partition's bytes are in the file.
    pieces: Vec<Vec<(u64, usize)>>,
}

impl Partitions {
    /// Starts without any; more than `most` bytes do not stay in memory but go to `folder`.
    pub fn new(folder: &Path, partitions: usize, most: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            most,
            held: vec![Vec::new(); partitions],
            held_bytes: 0,
            file: None,
            written: 0,
            pieces: vec![Vec::new(); partitions],
        }
    }

    /// Adds a record: what `write` appends.
    #[inline]
    pub fn add(&mut self, partition: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let held = &mut self.held[partition];
        let before = held.len();
        write(held);
        self.held_bytes += held.len() - before;
    }

    /// Brings what exceeds the limit to disk. To be called now and then.
    pub fn settle(&mut self) -> io::Result<()> {
        if self.held_bytes <= self.most {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        for (held, pieces) in self.held.iter_mut().zip(&mut self.pieces) {
            let bytes = std::mem::take(held);
            if !bytes.is_empty() {
                file.write_all_at(&bytes, self.written)?;
                pieces.push((self.written, bytes.len()));
                self.written += bytes.len() as u64;
            }
        }
        self.held_bytes = 0;
        Ok(())
    }

    /// The partitions, each to be read once.
    pub fn split(self) -> Vec<Partition> {
        let file = self.file.map(Arc::new);
        let partition = |(held, pieces)| Partition { held, pieces, file: file.clone() };
        self.held.into_iter().zip(self.pieces).map(partition).collect()
    }
}

/// The records of one partition.
#[derive(Debug)]
pub struct Partition {
    held: Vec<u8>,
    pieces: Vec<(u64, usize)>,
    file: Option<Arc<File>>,
}

impl Partition {
    /// All records, in the order in which they came, in pieces of whole records.
    pub fn read(self) -> io::Result<Vec<Vec<u8>>> {
        let read = |(offset, length): &(u64, usize)| {
            let mut bytes = vec![0; *length];
            let file = self.file.as_ref().ok_or_else(|| io::Error::other("the file of partitions is gone"))?;
            file.read_exact_at(&mut bytes, *offset)?;
            Ok(bytes)
        };
        let mut pieces = self.pieces.iter().map(read).collect::<io::Result<Vec<_>>>()?;
        pieces.push(self.held);
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_records_come_in_order(records in prop::collection::vec((0usize..3, any::<u8>()), 0..80), most in 0usize..30) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut all = Partitions::new(folder.path(), 3, most);
            for (partition, byte) in &records {
                all.add(*partition, |into| into.extend_from_slice(&[*byte, 0]));
                all.settle().expect("settled");
            }
            for (at, partition) in all.split().into_iter().enumerate() {
                let want: Vec<u8> = records.iter().filter(|r| r.0 == at).flat_map(|r| [r.1, 0]).collect();
                prop_assert_eq!(partition.read().expect("read").concat(), want);
            }
            prop_assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
        }
    }
}
