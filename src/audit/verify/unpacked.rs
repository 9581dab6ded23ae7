//! The bytes of an input for the verification, unpacked with the zip, gzip and zstd crates themselves. Never uses the
//! run's own reader; a member of an archive is copied to a file without a name.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use crate::value::is_hidden;

/// Where an input lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed<'a> {
    pub path: &'a Path,
    pub member: Option<&'a str>,
}

impl Packed<'_> {
    /// Its bytes.
    pub fn bytes(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self.stream()? {
            Stream::Plain(file) => Box::new(file),
            Stream::Packed(bytes) => bytes,
        })
    }

    /// Its bytes in a file in which one can go back: a copy, if they are compressed.
    pub fn seekable(&self) -> io::Result<File> {
        match self.stream()? {
            Stream::Plain(file) => Ok(file),
            Stream::Packed(mut bytes) => copy_of(&mut bytes),
        }
    }

    fn stream(&self) -> io::Result<Stream> {
        let mut file = self.file()?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(4).read_to_end(&mut head)?;
        file.rewind()?;
        Ok(match head[..] {
            [0x1F, 0x8B, 8, ..] => Stream::Packed(Box::new(MultiGzDecoder::new(BufReader::new(file)))),
            [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18] => {
                Stream::Packed(Box::new(zstd::Decoder::new(file)?))
            }
            _ => Stream::Plain(file),
        })
    }

    /// The file, or the member of the archive, as it is.
    fn file(&self) -> io::Result<File> {
        let Some(wanted) = self.member else { return File::open(self.path) };
        let mut zip = ZipArchive::new(BufReader::new(File::open(self.path)?)).map_err(io::Error::other)?;
        let called = |name: &str| name.replace(is_hidden, "\u{fffd}") == wanted;
        let at =
            (0..zip.len()).find(|at| zip.name_for_index(*at).and_then(Result::ok).is_some_and(|name| called(&name)));
        let mut member = zip.by_index(at.ok_or(io::ErrorKind::NotFound)?).map_err(io::Error::other)?;
        copy_of(&mut member)
    }
}

/// Bytes that lie in a file, or come out of a decoder.
enum Stream {
    Plain(File),
    Packed(Box<dyn Read>),
}

/// These bytes in a file without a name, at its start.
fn copy_of(bytes: &mut impl Read) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    io::copy(bytes, &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}
