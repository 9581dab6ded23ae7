//! Fingerprints of values, to count those that repeat: sorted in memory, and beyond a limit on disk and merged. Owns
//! the bound on memory, however many there are; never knows the values.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Most fingerprints in memory: 64 MiB of them.
const HELD: usize = 4 << 20;

/// Fingerprints of values, some of them repeated.
#[derive(Debug)]
pub(super) struct Fingerprints {
    folder: PathBuf,
    most: usize,
    held: Vec<u128>,
    /// Sorted fingerprints in unnamed files.
    runs: Vec<File>,
}

impl Fingerprints {
    /// Starts without any; those that do not fit in memory go to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), most: HELD, held: Vec::new(), runs: Vec::new() }
    }

    pub fn add(&mut self, fingerprint: u128) -> Result<()> {
        if self.held.len() >= self.most {
            let run = self.write().map_err(|e| self.failed(e))?;
            self.runs.push(run);
            self.held.clear();
        }
        self.held.push(fingerprint);
        Ok(())
    }

    /// How many different fingerprints were added more than once.
    pub fn repeated(mut self) -> Result<u64> {
        self.held.sort_unstable();
        let folder = self.folder.clone();
        let failed = |e| Error::writing("read", &folder, e);
        let runs = self.runs.into_iter().map(|run| Run(BufReader::with_capacity(1 << 18, run)));
        let mut runs: Vec<Box<dyn Iterator<Item = io::Result<u128>>>> = runs.map(|r| Box::new(r) as _).collect();
        runs.push(Box::new(self.held.into_iter().map(Ok)));
        count(runs).map_err(failed)
    }

    fn write(&mut self) -> io::Result<File> {
        self.held.sort_unstable();
        let mut writer = BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(&self.folder)?);
        self.held.iter().try_for_each(|f| writer.write_all(&f.to_le_bytes()))?;
        let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }

    fn failed(&self, cause: io::Error) -> Error {
        Error::writing("write", &self.folder, cause)
    }
}

/// A sorted run on disk.
struct Run(BufReader<File>);

impl Iterator for Run {
    type Item = io::Result<u128>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = [0; 16];
        match self.0.read_exact(&mut bytes) {
            Ok(()) => Some(Ok(u128::from_le_bytes(bytes))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(e) => Some(Err(e)),
        }
    }
}

/// Merges sorted runs and counts the fingerprints that are there more than once.
fn count(mut runs: Vec<Box<dyn Iterator<Item = io::Result<u128>>>>) -> io::Result<u64> {
    let mut next = BinaryHeap::new();
    for (at, run) in runs.iter_mut().enumerate() {
        if let Some(first) = run.next() {
            next.push(Reverse((first?, at)));
        }
    }
    let (mut last, mut times, mut repeated) = (None, 0u64, 0);
    while let Some(Reverse((value, at))) = next.pop() {
        times = if last == Some(value) { times + 1 } else { 1 };
        repeated += u64::from(times == 2);
        last = Some(value);
        if let Some(value) = runs[at].next() {
            next.push(Reverse((value?, at)));
        }
    }
    Ok(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn what_repeats_is_counted_in_memory_and_on_disk(values in prop::collection::vec(0..40u128, 0..80), most in 1usize..30) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut counts: HashMap<u128, usize> = HashMap::new();
            let mut some = Fingerprints { most, ..Fingerprints::new(folder.path()) };
            for value in values {
                *counts.entry(value).or_default() += 1;
                // Spread over all 128 bits.
                some.add(value.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).expect("added");
            }
            let want = counts.values().filter(|n| **n > 1).count() as u64;
            prop_assert_eq!(some.repeated().expect("counted"), want);
            prop_assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
        }
    }
}
