//! Sources: files → typed cells with their input position. Owns encoding, CSV, types, rejects and whole-file faults;
//! never knows shards or profiles.

mod blocks;
mod digest;
mod files;
mod header;
mod records;
mod rejects;
mod rows;
mod scan;

use std::fs::File;
use std::path::PathBuf;

use crate::error::Result;
use crate::spec::{Source, Spec};

pub use blocks::{BlockReader, DEFAULT_BLOCK_SIZE};
pub use digest::digest;
pub use files::Inputs;
pub use header::Header;
pub use records::{Record, read_records};
pub use rejects::{RejectLimit, Rejects};
pub use rows::{BlockReport, RowSink, read_rows};

/// One input file of a source, its header already read.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages, the manifest and the rejects files.
    pub name: String,
    /// Its size when it was opened, in bytes.
    pub bytes: u64,
    /// Its header.
    pub header: Header,
}

/// All input files, by source, and what was found beside them.
#[derive(Debug)]
pub struct OpenInputs {
    /// Per source of the spec, its files in reading order.
    pub sources: Vec<Vec<InputFile>>,
    /// CSV files of the folder that match no source.
    pub unmatched: Vec<String>,
}

impl OpenInputs {
    /// Bytes of all input files.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().flatten().map(|f| f.bytes).sum()
    }
}

/// Finds the files of every source and reads their headers, so that a whole-file fault stops a run before it starts.
///
/// # Errors
/// [`crate::Error::Input`] for a missing required file, a folder in a file's place, no header, or a declared column
/// that is missing or given twice.
pub fn open(spec: &Spec, inputs: &Inputs) -> Result<OpenInputs> {
    let found = files::discover(spec, inputs)?;
    let mut sources = Vec::new();
    for (source, files) in spec.sources.iter().zip(found.sources) {
        sources.push(files.into_iter().map(|(path, name)| open_file(source, path, name)).collect::<Result<_>>()?);
    }
    Ok(OpenInputs { sources, unmatched: found.unmatched })
}

fn open_file(source: &Source, path: PathBuf, name: String) -> Result<InputFile> {
    let file = File::open(&path).map_err(|e| crate::Error::reading(&path, e))?;
    let meta = file.metadata().map_err(|e| crate::Error::reading(&path, e))?;
    if !meta.is_file() {
        let message = format!("`{name}` is not a regular file: give a CSV file, or leave it out");
        return Err(crate::Error::input(&source.name, message));
    }
    let header = header::read(source, file, &path, &name)?;
    Ok(InputFile { path, name, bytes: meta.len(), header })
}
