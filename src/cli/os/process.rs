//! For commands that start runs as separate processes: the path of this program, and a temporary folder. Starts
//! nothing.

use std::path::{Path, PathBuf};

use onefold::{Error, Result};
use tempfile::TempDir;

/// The path of this program.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::Bug(format!("the path of the program is not known: {e}")))
}

/// A new folder in `--work-dir`, else in the system's folder for temporary files.
pub fn folder(work_dir: Option<&Path>, prefix: &str) -> Result<TempDir> {
    let place = work_dir.map_or_else(std::env::temp_dir, Path::to_owned);
    tempfile::Builder::new().prefix(prefix).tempdir_in(&place).map_err(|cause| {
        let place = place.display();
        Error::Output(format!("cannot create a folder in `{place}`: {cause}; choose another place with --work-dir"))
    })
}
