//! Files of a source that are the same: two names of one file, or equal bytes. Owns that such a file is read once; reads
//! whole files only if their sizes and starts are equal.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::unpack::Unpacked;
use super::{InputFile, OpenInputs, SourceFiles};
use crate::error::Result;
use crate::stop::Stop;

/// A file that is not read because another one of its source is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Its name.
    pub file: String,
    /// The name of the file that is read.
    pub duplicate_of: String,
}

/// Bytes that are compared before whole files are.
const START: u64 = 64 << 10;

impl OpenInputs {
    /// Takes the files out that are the same as one before them in their source.
    pub fn drop_duplicates(&mut self, stop: &Stop) -> Result<()> {
        for SourceFiles { files, duplicates, .. } in &mut self.sources {
            let mut seen = Seen::of(files);
            let mut kept: Vec<InputFile> = Vec::new();
            for file in std::mem::take(files) {
                match seen.first_same(&kept, &file, stop)? {
                    None => kept.push(file),
                    Some(of) => duplicates.push(Duplicate { file: file.name, duplicate_of: kept[of].name.clone() }),
                }
            }
            *files = kept;
        }
        Ok(())
    }
}

/// What is known of a source's files, so that each is compared only with those that may be the same.
struct Seen {
    /// How many files have a size; none for those of which it is not known.
    sizes: HashMap<Option<u64>, usize>,
    /// Which files begin so.
    starts: HashMap<u128, Vec<usize>>,
}

impl Seen {
    fn of(files: &[InputFile]) -> Self {
        let mut sizes = HashMap::new();
        for file in files {
            *sizes.entry(size(file)).or_insert(0) += 1;
        }
        Self { sizes, starts: HashMap::new() }
    }

    /// The first of the files that is the same as another one, which is the next.
    fn first_same(&mut self, kept: &[InputFile], file: &InputFile, stop: &Stop) -> Result<Option<usize>> {
        stop.check()?;
        let (size, next) = (size(file), kept.len());
        // Nothing to compare with: no other file has this size or may have it.
        let has_size = self.sizes.get(&size) == Some(&1);
        if has_size && (self.sizes.len() == 1 || (size.is_some() && !self.sizes.contains_key(&None))) {
            return Ok(None);
        }
        let alike = self.starts.entry(xxh3_128(&start(file)?)).or_default();
        for at in alike.iter().copied() {
            let other = &kept[at];
            let is_file = other.stamp == file.stamp && other.packing == file.packing;
            let may_be = size.is_none() || self::size(other).is_none_or(|other| Some(other) == size);
            if is_file || (may_be && other.digest(stop)? == file.digest(stop)?) {
                return Ok(Some(at));
            }
        }
        alike.push(next);
        Ok(None)
    }
}

/// Bytes of the input, if they are known before it is read.
fn size(file: &InputFile) -> Option<u64> {
    file.packing.bytes(file.stamp.bytes())
}

fn start(file: &InputFile) -> Result<Vec<u8>> {
    let opened = file.reopen()?;
    let mut bytes = Vec::new();
    let read = Unpacked::new(&opened, &file.packing).and_then(|mut unpacked| unpacked.append(START, &mut bytes));
    read.map_err(|e| file.unreadable(e))?;
    Ok(bytes)
}
