//! Free space of the disk that a folder is on. Refuses to start what surely does not fit; writes no file.

use std::path::Path;

use bytesize::ByteSize;

use crate::error::{Error, Result};

/// Fails if the disk of a folder has less than `need` bytes left for `what`. If the free space is not known, this
/// passes: writing to a full disk fails later.
pub fn require(folder: &Path, need: u64, what: &str) -> Result<()> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= need {
        return Ok(());
    }
    let (folder, need, free) = (folder.display(), ByteSize(need), ByteSize(free));
    Err(Error::Output(format!(
        "the disk of `{folder}` is too small: {what} needs at least {need}, and {free} are free; free some space or choose another folder with --output"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_with_figures() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(require(folder.path(), 1, "it").is_ok());
        let refusal = require(folder.path(), u64::MAX, "the spill").expect_err("too much").to_string();
        assert!(refusal.contains("the spill needs at least") && refusal.contains("--output"), "{refusal}");
        assert!(require(Path::new("/no/such/folder"), u64::MAX, "it").is_ok());
    }
}
