//! Opening an input: what it is packed in, its members, its format, its header. Owns the order in which these are found;
//! knows each only by its room.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::columns::{Header, HeaderOf};
use super::format::{self, Format};
use super::json::{Names, each_object};
use super::magic::{Packed, packed};
use super::place::{self, Located, Members, Opened, Stamp};
use super::text::Text;
use super::text_blocks::MAX_RECORD;
use super::unpack::{self, Archive, Document, Fault, Member, Packing, Unpacked};
use super::{InputFile, Inputs, parquet, xlsx};
use crate::error::{Error, Result};
use crate::spec::{Encoding, FileFormat, Source};

/// Opens a file of a source: all inputs in it. Its encoding comes from its byte-order mark, else from the source, else from
/// `inputs`; its delimiter from the source, else from `inputs`, else from its header.
pub fn open(source: &Source, inputs: &Inputs, located: &Located) -> Result<Vec<InputFile>> {
    let Located { path, name, members } = located;
    let (file, stamp) = place::open(&source.name, path, name)?;
    let unreadable = |e| unpack::unreadable(&source.name, path, name, e);
    let head = Unpacked::new(&file, &Packing::default()).and_then(Unpacked::head).map_err(unreadable)?;
    let archive = match packed(&head) {
        Some(Packed::Zip) => Some(unpack::archive(&file).map_err(unreadable)?),
        _ => None,
    };
    let opening =
        |name: &str, member: Option<Member>| Opening { source, inputs, path, name, file: &file, stamp }.open(member);
    match archive {
        Some(Archive::Files(all)) => {
            let wanted = all.into_iter().filter(|member| members.has(&member.name));
            // A member that was named by hand has its name already.
            let by_hand = matches!(members, Members::Named(_));
            let named = |member: &Member| if by_hand { name.clone() } else { format!("{name}!{}", member.name) };
            wanted.map(|member| opening(&named(&member), Some(member))).collect()
        }
        None | Some(Archive::Document(_)) if !matches!(members, Members::All) => {
            let message = format!("`{name}` is no archive of files, so it has no members: name the file alone");
            Err(Error::input(&source.name, message))
        }
        Some(Archive::Document(_)) | None => Ok(vec![opening(name, None)?]),
    }
}

/// Opens one input again: a file, or a member of one.
pub fn open_file(source: &Source, inputs: &Inputs, path: &Path, name: &str, member: Option<&str>) -> Result<InputFile> {
    let members = member.map_or(Members::All, |member| Members::Named(member.to_owned()));
    let located = Located { path: path.to_owned(), name: name.to_owned(), members };
    let gone = || Error::input(&source.name, format!("`{name}` has not one input any more"));
    let mut files = open(source, inputs, &located)?;
    files.pop().filter(|_| files.is_empty()).ok_or_else(gone)
}

/// Fails if a source that needs a file has archives alone of which no member is wanted.
pub fn refuse_none(source: &Source, files: &[InputFile], located: &[Located]) -> Result<()> {
    match located.first() {
        Some(Located { name, .. }) if files.is_empty() && source.required => {
            let wanted = source.files.join("`, `");
            let message =
                format!("`{name}` and what else fits has no member that `{wanted}` names: `unzip -l` lists them");
            Err(Error::input(&source.name, message))
        }
        _ => Ok(()),
    }
}

/// An input that is being opened.
struct Opening<'a> {
    source: &'a Source,
    inputs: &'a Inputs,
    path: &'a Path,
    name: &'a str,
    file: &'a Opened,
    stamp: Stamp,
}

impl Opening<'_> {
    fn open(&self, member: Option<Member>) -> Result<InputFile> {
        if let Some(fault) = member.as_ref().and_then(|member| member.fault.as_ref()) {
            return Err(self.wrong(fault));
        }
        let member_name = member.as_ref().map(|member| member.name.clone());
        let packing = Packing::of(self.file, member, self.inputs.max_unpacked).map_err(|e| self.unreadable(e))?;
        let (format, encoding, header) = self.contents(&packing)?;
        let bytes = packing.packed_bytes(self.stamp.bytes());
        Ok(InputFile {
            source: self.source.name.clone(),
            path: self.path.to_owned(),
            name: self.name.to_owned(),
            member: member_name,
            bytes,
            // What is compressed has about five times as many bytes, a sheet or a table too.
            expected: match format {
                Format::Csv(_) | Format::Json { .. } => packing.bytes(bytes).unwrap_or(bytes.saturating_mul(5)),
                Format::Xlsx { .. } | Format::Parquet { .. } => bytes.saturating_mul(5),
            },
            packing,
            stamp: self.stamp,
            encoding,
            format,
            header,
            digest: Arc::default(),
        })
    }

    fn contents(&self, packing: &Packing) -> Result<(Format, Encoding, Header)> {
        let declared = self.source.form.format;
        let head = Unpacked::new(self.file, packing).and_then(Unpacked::head).map_err(|e| self.unreadable(e))?;
        if packed(&head).is_some() {
            self.is_workbook(packing)?;
        }
        let of = HeaderOf { source: self.source, path: self.path, name: self.name };
        let found = match packed(&head) {
            Some(_) => format::agree(Some(FileFormat::Xlsx), declared),
            None => format::binary(&head, declared),
        };
        match found.map_err(|what| self.wrong(&what))? {
            Some(FileFormat::Xlsx) => {
                let (sheet, header) = self.decoded(|| xlsx::open(&of, self.file, packing))?;
                let comment = self.source.form.comment.clone();
                Ok((Format::Xlsx { sheet, comment }, Encoding::Utf8, header))
            }
            Some(FileFormat::Parquet) => {
                let (columns, header) = self.decoded(|| parquet::open(&of, self.file, packing))?;
                Ok((Format::Parquet { columns }, Encoding::Utf8, header))
            }
            _ => self.text(&of, packing),
        }
    }

    /// What a decoder reads. One that panics has met bytes that it did not expect.
    fn decoded<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(self.wrong("is damaged: its decoder gave up")))
    }

    /// Fails for what is packed within what is packed, unless it is a workbook, which is a zip archive inside.
    fn is_workbook(&self, packing: &Packing) -> Result<()> {
        let file = unpack::seekable(self.file, packing).map_err(|e| self.unreadable(e))?;
        match unpack::archive(&Opened::of(file)).map_err(|e| self.unreadable(e)) {
            Ok(Archive::Document(Document::Xlsx)) => Ok(()),
            Ok(Archive::Document(Document::Other(what))) => {
                Err(self.wrong(&format!("is {what}: save it as .xlsx or CSV")))
            }
            _ => {
                Err(self.wrong("is packed within what is packed: unpack it, so that at most a `.gz` lies in a `.zip`"))
            }
        }
    }

    fn text(&self, of: &HeaderOf<'_>, packing: &Packing) -> Result<(Format, Encoding, Header)> {
        let form = &self.source.form;
        let declared = form.encoding.or(self.inputs.encoding).unwrap_or(Encoding::Utf8);
        let text = Unpacked::new(self.file, packing).and_then(|bytes| Text::new(bytes, declared));
        let mut text = text.map_err(|e| self.unreadable(e))?;
        let mut head = Vec::new();
        while head.len() < HEAD && text.read((HEAD - head.len()) as u64, &mut head).map_err(|e| self.unreadable(e))? > 0
        {
        }
        let found = format::text(&head, form.format).map_err(|what| self.wrong(&what))?;
        let (format, header) = match found {
            FileFormat::JsonLines | FileFormat::Json => self.json(of, &mut text, found == FileFormat::Json)?,
            _ => {
                let (dialect, header) = of.read(&mut text, form.delimiter.or(self.inputs.delimiter))?;
                (Format::Csv(dialect), header)
            }
        };
        Ok((format, text.encoding(), header))
    }

    /// The names of a JSON file's columns, from its first records.
    fn json(&self, of: &HeaderOf<'_>, text: &mut Text, is_array: bool) -> Result<(Format, Header)> {
        text.restart().map_err(|e| self.unreadable(e))?;
        let (mut names, mut records, mut head, mut sample) = (Names::default(), 0, Vec::new(), SAMPLE);
        // As much as the first record needs, if that is more.
        while records == 0 && sample <= MAX_RECORD {
            while head.len() < sample
                && text.read((sample - head.len()) as u64, &mut head).map_err(|e| self.unreadable(e))? > 0
            {}
            each_object(&head, is_array, |_, object| {
                if records < MOST_RECORDS {
                    let object = std::str::from_utf8(object).unwrap_or_default();
                    records += u64::from(names.add(object, |name| of.wants(name)));
                }
            });
            sample = if head.len() < sample { usize::MAX } else { sample * 16 };
        }
        if records == 0 && head.trim_ascii() == b"[]" {
            return Ok((Format::Json { is_array }, Header { data_line: 1, ..Header::default() }));
        }
        if records == 0 {
            return Err(self.wrong(
                "has no whole JSON object in its encoding among its first records: JSON lines with an object on each line are read, and an array of objects",
            ));
        }
        Ok((Format::Json { is_array }, of.keys(&names.names, records)?))
    }

    fn unreadable(&self, cause: std::io::Error) -> Error {
        unpack::unreadable(&self.source.name, self.path, self.name, cause)
    }

    fn wrong(&self, what: &str) -> Error {
        self.unreadable(Fault::error(what))
    }
}

/// First bytes of a text by which its format is known.
const HEAD: usize = 1024;

/// First bytes of JSON in which the names of columns are looked for.
const SAMPLE: usize = 1 << 20;

/// First records in which they are.
const MOST_RECORDS: u64 = 1000;
