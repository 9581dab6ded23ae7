//! What an input is packed in, and its own bytes, unpacked while they are read. Owns the limits that keep an archive from
//! unpacking to more than it should; knows no records and writes no file.

mod archive;
mod limits;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

pub use archive::{Archive, Document, Member, archive, members};
use limits::{Checked, Limited};

use super::magic::{Packed, packed};
use super::place::Opened;
use crate::error::Error;

/// How the bytes of an input lie in its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packing {
    /// The member of a zip archive that the input is.
    pub member: Option<Member>,
    /// How the file, or the member, is compressed.
    pub compressed: Option<Compression>,
    /// Most bytes that it may unpack to.
    pub most: u64,
}

/// A way to compress one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
}

/// Why packed bytes cannot be used. It travels in an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    pub fn error(message: impl Into<String>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Self(message.into()))
    }
}

/// The error for an input whose bytes cannot be read: what is wrong with them, or what the system says.
pub fn unreadable(source: &str, path: &Path, name: &str, cause: io::Error) -> Error {
    match cause.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
        Some(Fault(message)) => Error::input(source, format!("`{name}` {message}")),
        None => Error::reading(path, cause),
    }
}

impl Packing {
    /// The packing of a whole file, or of a member of one.
    pub fn of(file: &Opened, member: Option<Member>, most: u64) -> io::Result<Self> {
        let mut packing = Self { member, compressed: None, most };
        packing.compressed = match packed(&Unpacked::new(file, &packing)?.head()?) {
            Some(Packed::Gzip) => Some(Compression::Gzip),
            Some(Packed::Zstd) => Some(Compression::Zstd),
            Some(Packed::Zip) | None => None,
        };
        Ok(packing)
    }

    /// Whether the input's bytes are those of its file.
    pub fn is_plain(&self) -> bool {
        self.member.is_none() && self.compressed.is_none()
    }

    /// Bytes that the input takes in its file, of which the file has `bytes`.
    pub fn packed_bytes(&self, bytes: u64) -> u64 {
        self.member.as_ref().map_or(bytes, |member| member.packed)
    }

    /// Bytes of the input, if that is known before they are read.
    pub fn bytes(&self, of_file: u64) -> Option<u64> {
        match (&self.member, self.compressed) {
            (_, Some(_)) => None,
            (Some(member), None) => Some(member.bytes),
            (None, None) => Some(of_file),
        }
    }

    fn reader(&self, file: &Opened) -> io::Result<Box<dyn Read + Send>> {
        let (start, packed) = self.member.as_ref().map_or((0, u64::MAX), |member| (member.start, member.packed));
        let part = Part { file: file.again()?, at: start, end: start.saturating_add(packed) };
        let bytes: Box<dyn Read + Send> = match &self.member {
            None => Box::new(part),
            Some(member) if member.deflated => {
                Box::new(Checked::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER, part)), member))
            }
            Some(member) => Box::new(Checked::new(part, member)),
        };
        let bytes = match self.compressed {
            None => bytes,
            Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, bytes))),
            Some(Compression::Zstd) => Box::new(zstd::Decoder::new(bytes)?),
        };
        let whole = file.bytes()?;
        Ok(Box::new(Limited::new(bytes, self.packed_bytes(whole), self.most)))
    }
}

const BUFFER: usize = 256 << 10;

/// The bytes of an input, read once from the start.
pub struct Unpacked {
    file: Opened,
    packing: Packing,
    /// None for a plain file, which is read itself.
    reader: Option<Box<dyn Read + Send>>,
}

impl Unpacked {
    pub fn new(file: &Opened, packing: &Packing) -> io::Result<Self> {
        let reader = if packing.is_plain() { None } else { Some(packing.reader(file)?) };
        Ok(Self { file: file.again()?, packing: packing.clone(), reader })
    }

    /// The same bytes from their start.
    pub fn again(&self) -> io::Result<Self> {
        Self::new(&self.file, &self.packing)
    }

    /// Appends at most `want` bytes, fewer only at the end; gives their number.
    pub fn append(&mut self, want: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        // A file fills memory that nobody has cleared before, which a reader behind a pointer cannot.
        match &mut self.reader {
            None => self.file.append(want, into),
            Some(reader) => reader.take(want).read_to_end(into),
        }
    }

    /// The first bytes.
    pub fn head(mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.append(HEAD, &mut head)?;
        Ok(head)
    }

    pub fn file(&self) -> &Opened {
        &self.file
    }
}

/// First bytes by which contents are known.
const HEAD: u64 = 1024;

/// A part of a file, read at a place of its own: others may read the same file.
struct Part {
    file: Opened,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
        let read = self.file.read_at(&mut into[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The bytes of an input as a file in which one can go back, at its start: its own file, or a copy without a name that is
/// gone when it is closed.
pub fn seekable(file: &Opened, packing: &Packing) -> io::Result<File> {
    if packing.is_plain() {
        return file.seekable();
    }
    let (mut bytes, mut copy, mut piece) = (Unpacked::new(file, packing)?, tempfile::tempfile()?, Vec::new());
    while bytes.append(1 << 20, &mut piece)? > 0 {
        copy.write_all(&piece)?;
        piece.clear();
    }
    copy.rewind()?;
    Ok(copy)
}
