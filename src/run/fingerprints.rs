//! Fingerprints of values, to count those that repeat: sorted in memory, and beyond a limit on disk and merged. Owns
//! the bound on memory, however many there are; never knows the values.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

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
    /// Starts without any; more than `most`, of 16 bytes each, do not stay in memory but go to `folder`.
    pub fn new(folder: &Path, most: usize) -> Self {
        Self { folder: folder.to_owned(), most, held: Vec::new(), runs: Vec::new() }
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
    pub fn repeated(self) -> Result<u64> {
        let (mut last, mut times, mut repeated) = (None, 0u64, 0);
        self.visit(|value| {
            times = if last == Some(value) { times + 1 } else { 1 };
            repeated += u64::from(times == 2);
            last = Some(value);
        })?;
        Ok(repeated)
    }

    /// How many different fingerprints, their lowest bit aside, were added both with that bit and without it.
    pub fn in_both(self) -> Result<u64> {
        let (mut last, mut both) = (None, 0);
        self.visit(|value| {
            both += u64::from(value & 1 == 1 && last == Some(value ^ 1));
            last = Some(value);
        })?;
        Ok(both)
    }

    /// Calls `see` with each one, in order.
    fn visit(mut self, see: impl FnMut(u128)) -> Result<()> {
        self.held.sort_unstable();
        let folder = self.folder.clone();
        let failed = |e| Error::writing("read", &folder, e);
        let runs = self.runs.into_iter().map(|run| Run(BufReader::with_capacity(1 << 18, run)));
        let mut runs: Vec<Box<dyn Iterator<Item = io::Result<u128>>>> = runs.map(|r| Box::new(r) as _).collect();
        runs.push(Box::new(self.held.into_iter().map(Ok)));
        merge(runs, see).map_err(failed)
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

/// Merges sorted runs.
fn merge(mut runs: Vec<Box<dyn Iterator<Item = io::Result<u128>>>>, mut see: impl FnMut(u128)) -> io::Result<()> {
    let mut next = BinaryHeap::new();
    for (at, run) in runs.iter_mut().enumerate() {
        if let Some(first) = run.next() {
            next.push(Reverse((first?, at)));
        }
    }
    while let Some(Reverse((value, at))) = next.pop() {
        see(value);
        if let Some(value) = runs[at].next() {
            next.push(Reverse((value?, at)));
        }
    }
    Ok(())
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
            let mut some = Fingerprints::new(folder.path(), most);
            let mut sides = Fingerprints::new(folder.path(), most);
            let mut in_both: HashMap<u128, u128> = HashMap::new();
            for value in values {
                *in_both.entry(value / 2).or_default() |= 1 << (value % 2);
                let spread = (value / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834) & !1;
                sides.add(spread | (value % 2)).expect("added");
                *counts.entry(value).or_default() += 1;
                // Spread over all 128 bits.
                some.add(value.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).expect("added");
            }
            let want = counts.values().filter(|n| **n > 1).count() as u64;
            prop_assert_eq!(some.repeated().expect("counted"), want);
            let want = in_both.values().filter(|sides| **sides == 3).count() as u64;
            prop_assert_eq!(sides.in_both().expect("counted"), want);
            prop_assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
        }
    }
}
