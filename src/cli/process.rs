//! What commands share that start runs as processes of their own: this program, and a folder that goes with them.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use onefold::{Error, Result};

/// This very program.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::Bug(format!("the program does not find itself: {e}")))
}

/// A new folder in the place of `--work-dir`, else in the system's folder for temporary files.
pub fn folder(work_dir: Option<&Path>, prefix: &str) -> Result<TempDir> {
    let place = work_dir.map_or_else(std::env::temp_dir, Path::to_owned);
    tempfile::Builder::new().prefix(prefix).tempdir_in(&place).map_err(|cause| {
        let place = place.display();
        Error::Output(format!("cannot create a folder in `{place}`: {cause}; choose another place with --work-dir"))
    })
}
