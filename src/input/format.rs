//! What the records of an input are written in: known by its first bytes, whatever its name. Refuses by name what no
//! reader understands; reads no records.

use super::csv::Dialect;
use super::magic;
use crate::spec::FileFormat;

/// How the records of an input are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Csv(Dialect),
    /// JSON lines, or an array of objects.
    Json {
        is_array: bool,
    },
    /// A sheet of a workbook; what the first cell of a comment begins with.
    Xlsx {
        sheet: String,
        comment: Option<String>,
    },
    /// The columns that are read.
    Parquet {
        columns: Vec<String>,
    },
}

impl Format {
    /// Its name in specs and manifests.
    pub fn name(&self) -> FileFormat {
        match self {
            Self::Csv(_) => FileFormat::Csv,
            Self::Json { is_array: false } => FileFormat::JsonLines,
            Self::Json { is_array: true } => FileFormat::Json,
            Self::Xlsx { .. } => FileFormat::Xlsx,
            Self::Parquet { .. } => FileFormat::Parquet,
        }
    }

    /// Whether it is text, in some encoding.
    pub fn is_text(&self) -> bool {
        match self {
            Self::Csv(_) | Self::Json { .. } => true,
            Self::Xlsx { .. } | Self::Parquet { .. } => false,
        }
    }

    /// Whether a field's text stands in the file as it is, but for quotes.
    pub fn is_verbatim(&self) -> bool {
        match self {
            Self::Csv(dialect) => !dialect.quotes.backslash,
            // An escape can stand for any character; a block of cells has no line ends to count.
            Self::Json { .. } | Self::Xlsx { .. } | Self::Parquet { .. } => false,
        }
    }

    /// The sheet, if it is one.
    pub fn sheet(&self) -> Option<&str> {
        match self {
            Self::Xlsx { sheet, .. } => Some(sheet),
            Self::Csv(_) | Self::Json { .. } | Self::Parquet { .. } => None,
        }
    }

    /// How it is written, if it is CSV.
    pub fn dialect(&self) -> Option<&Dialect> {
        match self {
            Self::Csv(dialect) => Some(dialect),
            Self::Json { .. } | Self::Xlsx { .. } | Self::Parquet { .. } => None,
        }
    }
}

/// The format of bytes that are no text, by how they begin; what they are if no reader understands them.
pub fn binary(head: &[u8], declared: Option<FileFormat>) -> Result<Option<FileFormat>, String> {
    if let Some(what) = magic::refused(head) {
        return Err(format!("is {what}"));
    }
    let found = magic::is_parquet(head).then_some(FileFormat::Parquet);
    agree(found, declared.filter(|declared| found.is_some() || *declared == FileFormat::Parquet))
}

/// The format of a text, by how it begins.
pub fn text(head: &[u8], declared: Option<FileFormat>) -> Result<FileFormat, String> {
    let head = String::from_utf8_lossy(head);
    if let Some(what) = magic::refused_text(&head) {
        return Err(format!("is {what}"));
    }
    let start = head.trim_start();
    let behind = |mark: char| start.strip_prefix(mark).map(str::trim_start);
    let is_object = |text: &str| text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']));
    let found = if behind('[').is_some_and(|rest| is_object(rest) || rest.starts_with(']')) {
        Some(FileFormat::Json)
    } else {
        is_object(start).then_some(FileFormat::JsonLines)
    };
    Ok(agree(found, declared)?.unwrap_or(FileFormat::Csv))
}

/// What is declared, unless the bytes say another format.
pub fn agree(found: Option<FileFormat>, declared: Option<FileFormat>) -> Result<Option<FileFormat>, String> {
    match (found, declared) {
        (_, None) => Ok(found),
        // What begins like JSON may be CSV, and what does not may be JSON lines of which the first is damaged.
        (_, Some(FileFormat::Csv)) if !matches!(found, Some(FileFormat::Xlsx | FileFormat::Parquet)) => Ok(None),
        (None, Some(FileFormat::JsonLines | FileFormat::Json)) => Ok(declared),
        (found, Some(declared)) if found == Some(declared) => Ok(found),
        (found, Some(declared)) => {
            let found = found.map_or_else(|| "another format".to_owned(), |found| found.to_string());
            Err(format!("is {found} by its first bytes, but `format` says {declared}: correct or remove `format`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_known_by_how_they_begin() {
        use FileFormat::{Csv, Json, JsonLines, Parquet};
        for (head, want) in [
            ("id,name\n", Csv),
            ("{\"id\": 1}\n", JsonLines),
            ("\n [ {\"id\"", Json),
            ("[]", Json),
            ("[id],name", Csv),
            ("{id},name", Csv),
        ] {
            assert_eq!(text(head.as_bytes(), None), Ok(want), "{head}");
        }
        assert_eq!(text(b"{\"id\": 1}", Some(Csv)), Ok(Csv));
        assert!(text(b"id\n", Some(Parquet)).is_err_and(|e| e.contains("`format` says parquet")));
        assert!(text(b"<html>", Some(Json)).is_err_and(|e| e.contains("web page")));
        assert!(binary(b"PAR1\x15", Some(Json)).is_err_and(|e| e.contains("is parquet by its first bytes")));
        assert_eq!(binary(b"PAR1\x15", None), Ok(Some(Parquet)));
        assert_eq!(binary(b"id,name", Some(Json)), Ok(None));
    }
}
