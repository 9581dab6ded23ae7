//! Opening an input, its own bytes, and whether it has changed since. Refuses all but regular files, and never waits for one.
//! What lies elsewhere than on a disk needs another [`Opened`] and [`Stamp`], and nothing else.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::{Error, Result};
use crate::input::InputFile;
use crate::input::unpack::unreadable;

/// Identifies a file's state: a file that is written to, replaced or cut gets another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino(), bytes: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How a file has changed, if it has: `file` is the open file, `path` where it was found, `read` the bytes that
    /// were read up to its end.
    fn change(&self, Opened(file): &Opened, path: &Path, read: u64) -> io::Result<Option<&'static str>> {
        let now = Self::of(&file.metadata()?);
        let there = match fs::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            there => Some(Self::of(&there?)),
        };
        Ok(match read.min(now.bytes).cmp(&self.bytes) {
            std::cmp::Ordering::Less => Some("it became shorter"),
            _ if read.max(now.bytes) > self.bytes => Some("it became longer"),
            _ if there.is_none_or(|there| (there.device, there.inode) != (self.device, self.inode)) => {
                Some("another file took its place")
            }
            _ if now != *self => Some("it was written to"),
            _ => None,
        })
    }
}

/// An input's own bytes, packed or not.
#[derive(Debug)]
pub struct Opened(File);

impl Opened {
    pub fn of(file: File) -> Self {
        Self(file)
    }

    /// The same bytes, from their start.
    pub fn again(&self) -> io::Result<Self> {
        self.seekable().map(Self)
    }

    pub fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// Reads at a place, whatever else was read.
    pub fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(into, at)
    }

    /// Appends at most `want` bytes, fewer only at the end, and goes on behind them; gives their number.
    pub fn append(&mut self, want: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        Read::by_ref(&mut self.0).take(want).read_to_end(into)
    }

    /// A file with these bytes in which one can go back, at its start.
    pub fn seekable(&self) -> io::Result<File> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// Opens an input file if it is a regular file: a pipe would make the run wait, and a device may never end.
pub fn open(source: &str, path: &Path, name: &str) -> Result<(Opened, Stamp)> {
    let reading = |e| Error::reading(path, e);
    check(source, name, fs::metadata(path).map_err(reading)?.file_type())?;
    // If a pipe replaces the file at this moment, opening it does not wait either.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(reading)?;
    let meta = file.metadata().map_err(reading)?;
    check(source, name, meta.file_type())?;
    Ok((Opened(file), Stamp::of(&meta)))
}

impl InputFile {
    /// Opens the file again, and fails if it has changed.
    pub fn reopen(&self) -> Result<Opened> {
        let (file, now) = open(&self.source, &self.path, &self.name)?;
        self.unchanged(&file, now.bytes)?;
        Ok(file)
    }

    /// The error for bytes that cannot be read.
    pub fn unreadable(&self, cause: std::io::Error) -> Error {
        unreadable(&self.source, &self.path, &self.name, cause)
    }

    /// Fails if the open file, of which `read` bytes were read up to its end, has changed.
    pub fn unchanged(&self, file: &Opened, read: u64) -> Result<()> {
        // Of what is packed, more or fewer bytes come than the file has.
        let read = if self.packing.is_plain() { read } else { self.stamp.bytes };
        match self.stamp.change(file, &self.path, read).map_err(|e| Error::reading(&self.path, e))? {
            Some(how) => Err(self.changed(how)),
            None => Ok(()),
        }
    }

    /// The error for a file that has changed.
    pub fn changed(&self, how: &str) -> Error {
        let message = format!("`{}` changed while it was read: {how}; run again when nothing writes to it", self.name);
        Error::input(&self.source, message)
    }
}

fn check(source: &str, name: &str, file: FileType) -> Result<()> {
    if file.is_file() {
        return Ok(());
    }
    let what = match file {
        _ if file.is_dir() => "a folder",
        _ if file.is_fifo() => "a pipe",
        _ if file.is_socket() => "a socket",
        _ => "a device",
    };
    Err(Error::input(source, format!("`{name}` is {what}, not a regular file: replace it by a file or remove it")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_change_has_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        let cases: [(&str, &dyn Fn()); 5] = [
            ("it became shorter", &|| fs::write(&path, "a").expect("written")),
            ("it became longer", &|| fs::write(&path, "abcd").expect("written")),
            ("it was written to", &|| {
                let file = File::options().write(true).open(&path).expect("opened");
                file.set_modified(std::time::UNIX_EPOCH).expect("touched");
            }),
            ("another file took its place", &|| {
                fs::write(folder.path().join("y"), "abc").expect("written");
                fs::rename(folder.path().join("y"), &path).expect("renamed");
            }),
            ("another file took its place", &|| fs::remove_file(&path).expect("removed")),
        ];
        for (want, change) in cases {
            fs::write(&path, "abc").expect("written");
            let (file, stamp) = open("s", &path, "x.csv").expect("opened");
            assert_eq!(stamp.change(&file, &path, 3).expect("looked at"), None);
            change();
            assert_eq!(stamp.change(&file, &path, 3).expect("looked at"), Some(want));
        }
    }

    #[test]
    fn a_file_that_ends_early_became_shorter_and_one_that_goes_on_longer() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"abc").expect("written");
        let (opened, stamp) = open("s", file.path(), "x.csv").expect("opened");
        let change = |read| stamp.change(&opened, file.path(), read).expect("looked at");
        assert_eq!((change(2), change(4)), (Some("it became shorter"), Some("it became longer")));
    }

    #[test]
    fn only_regular_files_are_opened() {
        for (path, want) in [("/", "a folder"), ("/dev/zero", "a device")] {
            let told = open("s", Path::new(path), path).expect_err("refused").to_string();
            assert!(told.contains(want) && told.contains("replace it by a file"), "{told}");
        }
    }
}
