//! Checks a spec and its inputs without a run: what would be read, and how. Reads headers, no data.

use std::path::PathBuf;

use super::open;
use super::settings::Settings;
use crate::error::Result;
use crate::input::{InputFile, SourceFiles};
use crate::spec::{Delimiter, Encoding, FileFormat, RuleKind, Source, Spec};

/// What a run would read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Checked {
    /// Columns of the output, in order.
    pub output_columns: Vec<String>,
    /// The sources, in declared order.
    pub sources: Vec<CheckedSource>,
    /// Files of the input folder that match no source.
    pub unmatched: Vec<String>,
    /// Files that a run does not read because they are the same as another one: the file, and the other one.
    pub duplicates: Vec<(String, String)>,
    /// Columns whose years have two digits, `%y`: source and column.
    pub short_years: Vec<(String, String)>,
    /// Whether a data check compares with the last run.
    pub compares_with_last: bool,
}

/// What a run would read of a source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckedSource {
    /// Its name.
    pub name: String,
    /// Columns that are read, the id column first.
    pub columns: Vec<String>,
    /// Its files, in reading order.
    pub files: Vec<CheckedFile>,
}

/// What a run would read of a file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckedFile {
    /// Its path.
    pub path: PathBuf,
    /// Its name in messages and in the manifest.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What its records are written in.
    pub format: FileFormat,
    /// Its encoding; none if it is no text.
    pub encoding: Option<Encoding>,
    /// Its delimiter; none if it is not CSV.
    pub delimiter: Option<Delimiter>,
    /// Whether the delimiter was detected from the header: none was declared and it is not a comma.
    pub delimiter_found: bool,
    /// Columns that the profile does not use.
    pub unused_columns: Vec<String>,
}

impl Checked {
    /// Bytes of all input files.
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }

    /// All files, in reading order.
    pub fn files(&self) -> impl Iterator<Item = &CheckedFile> {
        self.sources.iter().flat_map(|source| &source.files)
    }
}

/// Checks the spec and the headers of all inputs; reads no data, but for files that may be the same.
///
/// # Errors
/// [`crate::Error::Spec`] for an expression that the engine cannot compile; [`crate::Error::Usage`] for a file of a
/// source that the spec lacks; [`crate::Error::Input`] for a missing file, a missing column or a header that is not
/// valid; [`crate::Error::Io`] for a file or folder that cannot be read.
pub fn check(settings: &Settings) -> Result<Checked> {
    let mut inputs = open(settings)?;
    inputs.drop_duplicates(&settings.stop)?;
    super::read_lists(settings)?;
    let duplicates = inputs.sources.iter().flat_map(|source| &source.duplicates);
    let duplicates = duplicates.map(|same| (same.file.clone(), same.duplicate_of.clone())).collect();
    let spec = &settings.spec;
    Ok(Checked {
        output_columns: spec.output.iter().map(|column| column.name.clone()).collect(),
        sources: inputs.sources.into_iter().map(source).collect(),
        unmatched: inputs.unmatched,
        duplicates,
        short_years: short_years(spec),
        compares_with_last: spec.rules.iter().any(|rule| matches!(rule.kind, RuleKind::RowsWithin(_))),
    })
}

fn short_years(spec: &Spec) -> Vec<(String, String)> {
    let of = |source: &std::sync::Arc<Source>| {
        let short = source.columns.iter().filter(|column| column.cell.has_short_year());
        short.map(|column| (source.name.clone(), column.name.clone())).collect::<Vec<_>>()
    };
    spec.sources.iter().flat_map(of).collect()
}

fn source(read: SourceFiles) -> CheckedSource {
    let SourceFiles { at: _, source, files, duplicates: _ } = read;
    let columns = std::iter::once(&source.key).chain(&source.columns).map(|column| &column.name);
    CheckedSource {
        name: source.name.clone(),
        columns: columns.cloned().collect(),
        files: files.into_iter().map(file).collect(),
    }
}

fn file(file: InputFile) -> CheckedFile {
    let InputFile { path, name, bytes, encoding, format, header, .. } = file;
    CheckedFile {
        path,
        name,
        bytes,
        format: format.name(),
        encoding: format.is_text().then_some(encoding),
        delimiter: format.dialect().map(|dialect| dialect.delimiter),
        delimiter_found: header.delimiter_found,
        unused_columns: header.undeclared,
    }
}
