//! Input files → typed rows that know their file and line: where files are (`place`), archives and compressed files
//! (`unpack`), any encoding → UTF-8 (`text`), a record format (`csv`, `json`, `xlsx`, `parquet`), declared columns
//! (`columns`), typed rows and rejects (`rows`). Never knows shards or profiles.

mod account;
mod blocks;
mod cell_blocks;
mod cells;
mod columns;
mod csv;
mod digest;
mod duplicates;
mod format;
mod json;
mod magic;
mod opening;
mod parquet;
mod place;
mod rates;
mod record;
mod records;
mod rejects;
mod rows;
mod text;
mod text_blocks;
mod unpack;
mod xlsx;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::spec::{Encoding, Source, Spec};

use format::Format;
use place::Located;
use unpack::Packing;

pub use account::{FileAccount, LinkedCounts, RowCounts, SourceAccount};
pub use blocks::{BlockReader, DEFAULT_BLOCK_SIZE};
pub use columns::{Header, visible};
pub use csv::line_ends;
pub use duplicates::Duplicate;
pub use opening::open_file;
pub use place::{Inputs, Stamp};
pub use rates::{RatesFile, read_rates};
pub use record::Record;
pub use records::read_records;
pub use rejects::{RAW_LIMIT, Reason, Rejects};
pub use rows::{BlockReport, LinkedRow, RowSink, TailLine, id_of, read_rows};
pub use text_blocks::Doubts;

/// One input file of a source, its header already read.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Its source's name.
    pub source: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages, the manifest and the rejects files.
    pub name: String,
    /// The name of the member, if it is one of an archive.
    pub member: Option<String>,
    /// The bytes that it takes where it is, packed.
    pub bytes: u64,
    /// The bytes that reading it gives, estimated if that is not known before.
    pub expected: u64,
    /// How it is packed.
    pub packing: Packing,
    /// Its size, time and inode when it was opened; reading it fails if they have changed.
    pub stamp: Stamp,
    /// Its encoding: from its byte-order mark, else as declared, else UTF-8.
    pub encoding: Encoding,
    /// How its records are written.
    pub format: Format,
    /// Its header.
    pub header: Header,
    /// Its digest, once it has been computed.
    digest: Arc<OnceLock<String>>,
}

/// A source with its files, opened.
#[derive(Debug, Clone)]
pub struct SourceFiles {
    /// Its index in the spec's sources.
    pub at: usize,
    /// What the spec says about it.
    pub source: Arc<Source>,
    /// Its files, in reading order.
    pub files: Vec<InputFile>,
    /// Files that are not read because they are the same as one of these.
    pub duplicates: Vec<Duplicate>,
}

/// All input files, by source, and other CSV files of the folder.
#[derive(Debug)]
pub struct OpenInputs {
    /// The sources of the spec, in declared order.
    pub sources: Vec<SourceFiles>,
    /// CSV files of the folder that match no source.
    pub unmatched: Vec<String>,
    /// Files that match a source, but are left over from something else, by their names.
    pub left_over: Vec<String>,
    /// Files that match a source, but are outputs of a run.
    pub outputs: Vec<String>,
}

impl SourceFiles {
    /// Bytes of its files, unpacked.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.expected).sum()
    }
}

impl OpenInputs {
    /// Bytes of all input files, unpacked.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(SourceFiles::bytes).sum()
    }

    /// All files, in reading order.
    pub fn files(&self) -> impl Iterator<Item = &InputFile> {
        self.sources.iter().flat_map(|source| &source.files)
    }
}

/// Finds the files of every source and reads their headers, so that a fault of a whole file stops a run before it
/// starts.
///
/// # Errors
/// [`crate::Error::Input`] for a missing required file, a folder, pipe or device instead of a file, no header, or a
/// declared column that is missing or there twice; [`crate::Error::Usage`] for a file of a source that the spec lacks;
/// [`crate::Error::Io`] for a file or folder that cannot be read.
pub fn open(spec: &Spec, inputs: &Inputs) -> Result<OpenInputs> {
    let found = place::discover(spec, inputs)?;
    let open = |(at, (source, located)): (usize, (&Arc<Source>, Vec<Located>))| {
        let files = located.iter().map(|file| opening::open(source, inputs, file)).collect::<Result<Vec<_>>>()?;
        let mut files = files.concat();
        if source.form.natural_order {
            files.sort_by(|a, b| place::natural(&a.name, &b.name));
        }
        opening::refuse_none(source, &files, &located)?;
        Ok(SourceFiles { at, source: source.clone(), files, duplicates: Vec::new() })
    };
    let sources = spec.sources.iter().zip(found.sources).enumerate().map(open).collect::<Result<_>>()?;
    let place::Listing { mut unmatched, left_over, outputs, .. } = found;
    let named = || spec.rates.iter().chain(spec.identity.iter().flat_map(|identity| identity.files()));
    unmatched.retain(|file| named().all(|named| named != file));
    Ok(OpenInputs { sources, unmatched, left_over, outputs })
}

#[cfg(test)]
mod tests;
