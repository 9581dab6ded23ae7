//! Files of a source that are the same: two names of one file, or equal bytes. Owns that such a file is read once; reads
//! whole files only if their sizes and starts are equal.

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
            let mut kept: Vec<InputFile> = Vec::new();
            for file in std::mem::take(files) {
                match first_same(&kept, &file, stop)? {
                    None => kept.push(file),
                    Some(of) => duplicates.push(Duplicate { file: file.name, duplicate_of: of.name.clone() }),
                }
            }
            *files = kept;
        }
        Ok(())
    }
}

/// The first of the files that is the same as another one.
fn first_same<'a>(files: &'a [InputFile], other: &InputFile, stop: &Stop) -> Result<Option<&'a InputFile>> {
    for file in files.iter().filter(|file| may_be_same(file, other)) {
        let is_same = (file.stamp == other.stamp && file.packing == other.packing)
            || (start(file)? == start(other)? && file.digest(stop)? == other.digest(stop)?);
        if is_same {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Whether the sizes do not speak against it, where both are known.
fn may_be_same(one: &InputFile, other: &InputFile) -> bool {
    match (one.packing.bytes(one.stamp.bytes()), other.packing.bytes(other.stamp.bytes())) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn start(file: &InputFile) -> Result<Vec<u8>> {
    let opened = file.reopen()?;
    let mut bytes = Vec::new();
    let read = Unpacked::new(&opened, &file.packing).and_then(|mut unpacked| unpacked.append(START, &mut bytes));
    read.map_err(|e| file.unreadable(e))?;
    Ok(bytes)
}
