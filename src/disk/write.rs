//! Files and folders that must survive a crash: written completely, synced, renamed into place. Never knows what is in
//! them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a small file and syncs it.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a file as `beside`, then renames it to `path`: the file `path` is always complete, old or new.
pub fn replace_file(beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let done = write_file(beside, bytes).and_then(|()| fs::rename(beside, path));
    if done.is_err() {
        // The first failure is the one to report.
        let _ = fs::remove_file(beside);
    }
    done?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Copies a file, syncs the copy and creates missing folders of its path; gives its size.
pub fn copy_file(from: &Path, path: &Path) -> io::Result<u64> {
    create_parent(path)?;
    let bytes = fs::copy(from, path)?;
    File::open(path)?.sync_all()?;
    Ok(bytes)
}

/// Syncs a folder, so that the names in it survive a crash.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // The parent of a bare file name is the current folder.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Creates the folder that a file will be in.
pub fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Removes a file, if it is there.
pub fn remove_file(path: &Path) -> io::Result<()> {
    gone(fs::remove_file(path))
}

/// Removes a folder with all that is in it, or whatever else has its name, if it is there.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let is_other = fs::symlink_metadata(folder).is_ok_and(|meta| !meta.is_dir());
    gone(if is_other { fs::remove_file(folder) } else { fs::remove_dir_all(folder) })
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_completely_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let (beside, path) = (folder.path().join("x.new"), folder.path().join("x"));
        replace_file(&beside, &path, b"old").expect("written");
        assert!(replace_file(&beside, &folder.path().join("no/such/x"), b"new").is_err());
        assert_eq!(fs::read(&path).expect("a file"), b"old");
        assert!(!beside.exists());
    }

    #[test]
    fn what_is_gone_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        assert!(remove_file(&path).is_ok() && remove_folder(&path).is_ok());
        fs::write(&path, "x").expect("written");
        assert!(remove_folder(&path).is_ok() && !path.exists());
    }
}
