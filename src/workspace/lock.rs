//! The lock of an output folder: one run at a time. Owns who holds it and since when; the system lets go of it when the
//! process ends, however it ends, so that a dead one never blocks.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use chrono::{SecondsFormat, Utc};

use crate::error::{Error, Result};

/// Takes the lock, or says who has it.
pub(super) fn hold(work: &Path, output: &Path, run_id: &str) -> Result<File> {
    let path = work.join("lock");
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = open.map_err(|e| Error::writing("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it is a courtesy: an unreadable note changes nothing.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { "another run" } else { holder.trim() };
            return Err(Error::Output(format!(
                "output folder `{}` is busy: {holder} writes to it; wait for it or use another --output",
                output.display()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(Error::writing("lock", &path, e)),
    }
    let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let note = format!("process {} (run {run_id}, since {since})", std::process::id());
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(note.as_bytes())
    };
    write(&mut file).map_err(|e| Error::writing("write", &path, e))?;
    Ok(file)
}
