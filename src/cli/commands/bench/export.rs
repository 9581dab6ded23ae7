//! A file that the bench writes at its end. Refuses, before the first run, a file that cannot be written or is an
//! input; the file is complete or does not exist.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use onefold::{Error, Result};

/// A file to write. It is written beside its place first, then renamed.
#[derive(Debug)]
pub struct Export {
    path: PathBuf,
    beside: PathBuf,
    file: File,
}

impl Export {
    /// Checks that the file can be written and is not an input.
    pub fn open<'a>(path: &Path, mut inputs: impl Iterator<Item = &'a Path>) -> Result<Self> {
        let unusable = |why: &dyn std::fmt::Display| {
            Error::Output(format!("cannot write `{}`: {why}; choose another file", path.display()))
        };
        // Follows a link, else the rename would replace the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.exists() && !path.is_file() {
            return Err(unusable(&"it is not a regular file"));
        }
        if inputs.any(|input| fs::canonicalize(input).is_ok_and(|i| i == path)) {
            return Err(unusable(&"it is an input"));
        }
        let name = path.file_name().ok_or_else(|| unusable(&"it is not the name of a file"))?.to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&beside).map_err(|e| unusable(&e))?;
        Ok(Self { path, beside, file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn write(mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.beside, &self.path))
            .map_err(|e| Error::writing("write", &self.path, e))
    }
}

impl Drop for Export {
    /// Removes the file beside, unless it was renamed.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_complete_or_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bench.json");
        fs::write(&path, "old").expect("written");
        drop(Export::open(&path, std::iter::empty()).expect("writable"));
        assert_eq!(fs::read(&path).expect("read"), b"old");
        Export::open(&path, std::iter::empty()).expect("writable").write(b"new").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(Export::open(&path, std::iter::once(path.as_path())).is_err());
        assert!(Export::open(folder.path(), std::iter::empty()).is_err());
        assert!(Export::open(&folder.path().join("no/such.json"), std::iter::empty()).is_err());
    }
}
