//! The directory of a zip archive: which members it has and where their bytes lie. Reads no member; refuses archives
//! whose members cannot be told apart.

use std::fs::File;
use std::io::{self, BufReader};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::Fault;
use crate::input::place::Opened;
use crate::value::is_hidden;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path in the archive.
    pub name: String,
    /// Where its packed bytes start in the archive.
    pub start: u64,
    /// How many they are.
    pub packed: u64,
    /// How many it has, unpacked.
    pub bytes: u64,
    /// CRC-32 of these.
    pub checksum: u32,
    /// Whether it is deflated, or else stored as it is.
    pub deflated: bool,
    /// Why it cannot be read, if it cannot.
    pub fault: Option<String>,
}

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    /// Files, by name.
    Files(Vec<Member>),
    /// The parts of one document, of a kind that has a name.
    Document(Document),
}

/// A document that is a zip archive inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// A workbook of Excel.
    Xlsx,
    /// Any other, by its name.
    Other(&'static str),
}

/// What an archive is, by its directory.
pub fn archive(file: &Opened) -> io::Result<Archive> {
    let members = members(file)?;
    Ok(match document(&members) {
        Some(document) => Archive::Document(document),
        None => Archive::Files(members),
    })
}

/// All members of an archive, in byte order of their names.
pub fn members(file: &Opened) -> io::Result<Vec<Member>> {
    let mut zip = ZipArchive::new(BufReader::new(file.seekable()?)).map_err(|error| match error {
        ZipError::Io(error) if error.raw_os_error().is_some() => error,
        _ => {
            Fault::error("is a zip archive without a whole directory at its end: is it half a download? Fetch it again")
        }
    })?;
    if zip.has_duplicate_names() {
        return Err(Fault::error("has two members of one name: which one counts cannot be told; pack it again"));
    }
    let mut members = Vec::new();
    for at in 0..zip.len() {
        members.extend(member(&mut zip, at)?);
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

/// A member, unless it is a folder.
fn member(zip: &mut ZipArchive<BufReader<File>>, at: usize) -> io::Result<Option<Member>> {
    let damaged = |error: ZipError| match error {
        ZipError::Io(error) if error.raw_os_error().is_some() => error,
        error => Fault::error(format!("is a damaged zip archive ({error}): fetch it again")),
    };
    let entry = zip.by_index_raw(at).map_err(damaged)?;
    if entry.is_dir() {
        return Ok(None);
    }
    // A name is for messages and files of rejects, where a line end or a colour code would forge lines.
    let name = entry.name().map_err(damaged)?.replace(is_hidden, "\u{fffd}");
    let (method, deflated) = (entry.compression(), entry.compression() == CompressionMethod::Deflated);
    let fault = if entry.encrypted() {
        Some("is encrypted, and there is no way to give a password: unpack it yourself".to_owned())
    } else if entry.is_symlink() {
        Some("is a link to another file, not a file".to_owned())
    } else if !deflated && method != CompressionMethod::Stored {
        Some(format!("is packed by {}, which is not read: pack it again in the usual way", method_name(method)))
    } else {
        None
    };
    let start = entry.data_start().unwrap_or_default();
    let (packed, bytes, checksum) = (entry.compressed_size(), entry.size(), entry.crc32());
    Ok(Some(Member { name, start, packed, bytes, checksum, deflated, fault }))
}

/// The name of a method, for people.
fn method_name(method: CompressionMethod) -> String {
    let text = format!("{method:?}");
    let number: Option<u16> = text.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok();
    let names = [(9, "deflate64"), (12, "bzip2"), (14, "LZMA"), (93, "zstd"), (95, "xz"), (98, "PPMd"), (99, "AES")];
    let known = names.iter().find(|(known, _)| Some(*known) == number);
    known.map_or_else(|| format!("the method {text}"), |(_, name)| (*name).to_owned())
}

fn document(members: &[Member]) -> Option<Document> {
    let has = |start: &str| members.iter().any(|member| member.name.starts_with(start));
    if has("[Content_Types].xml") {
        return Some(match () {
            () if has("xl/workbook.xml") => Document::Xlsx,
            () if has("xl/") => Document::Other("an Excel file in the binary form (.xlsb)"),
            () if has("word/") => Document::Other("a Word file"),
            () => Document::Other("an Office file"),
        });
    }
    if has("META-INF/manifest.xml") && has("content.xml") {
        return Some(Document::Other("an OpenDocument file"));
    }
    has("Index/Document.iwa").then_some(Document::Other("a file of Apple's Numbers or Pages"))
}
