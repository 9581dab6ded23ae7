//! Sources: files → typed cells with their input position. Owns encoding, CSV, types, rejects and whole-file faults;
//! never knows shards or profiles.

mod blocks;
mod digest;
mod files;
mod header;
mod records;
mod regular;
mod reject_limit;
mod rejects;
mod rows;
mod scan;
mod text;

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::spec::{Encoding, Source, Spec};

use header::HeaderOf;
use text::Text;

pub use blocks::{BlockReader, DEFAULT_BLOCK_SIZE};
pub use digest::digest;
pub use files::Inputs;
pub use header::Header;
pub use records::{Record, line_ends, read_records};
pub use regular::Stamp;
pub use reject_limit::RejectLimit;
pub use rejects::Rejects;
pub use rows::{BlockReport, RowSink, read_rows};

/// One input file of a source, its header already read.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Its source's name.
    pub source: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages, the manifest and the rejects files.
    pub name: String,
    /// Its size when it was opened, in bytes.
    pub bytes: u64,
    /// What it was when it was opened; reading it fails when it is not that any more.
    pub stamp: Stamp,
    /// Its encoding: by its mark, as declared, or UTF-8.
    pub encoding: Encoding,
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
/// [`crate::Error::Input`] for a missing required file, a folder, pipe or device in a file's place, no header, or a
/// declared column that is missing or given twice.
pub fn open(spec: &Spec, inputs: &Inputs) -> Result<OpenInputs> {
    let found = files::discover(spec, inputs)?;
    let mut sources = Vec::new();
    for (source, files) in spec.sources.iter().zip(found.sources) {
        sources
            .push(files.into_iter().map(|(path, name)| open_file(source, inputs, path, name)).collect::<Result<_>>()?);
    }
    Ok(OpenInputs { sources, unmatched: found.unmatched })
}

/// Opens a file of a source. Its mark, then the source, then `inputs` say its encoding; the source, then `inputs`, then
/// its header its delimiter.
///
/// # Errors
/// As [`open`] for a file.
pub fn open_file(source: &Source, inputs: &Inputs, path: PathBuf, name: String) -> Result<InputFile> {
    let (file, stamp) = regular::open(&source.name, &path, &name)?;
    let declared = source.encoding.or(inputs.encoding).unwrap_or(Encoding::Utf8);
    let mut text = Text::new(file, declared).map_err(|e| Error::reading(&path, e))?;
    let delimiter = source.delimiter.or(inputs.delimiter);
    let header = HeaderOf { source, path: &path, name: &name }.read(&mut text, delimiter)?;
    let (source, bytes, encoding) = (source.name.clone(), stamp.bytes(), text.encoding());
    Ok(InputFile { source, path, name, bytes, stamp, encoding, header })
}
