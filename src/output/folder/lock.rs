//! The lock of an output folder, which refuses a second run. Owns the note about who holds it and since when; the
//! system releases it when the process ends, even by a crash.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use rustix::fs::OFlags;

use crate::error::{Error, Result};

/// The lock, held as long as this value exists.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that another thread is just starting has it open too, for a moment.
        // If this fails, the system releases the lock a moment later.
        let _ = self.0.unlock();
    }
}

/// Takes the lock, or fails and says who has it.
pub(super) fn hold(work: &Path, output: &Path, run_id: &str) -> Result<Lock> {
    let path = work.join("lock");
    // A link in its place could make this write to another file.
    let no_links = OFlags::NOFOLLOW.bits().cast_signed();
    let open = File::options().read(true).write(true).create(true).truncate(false).custom_flags(no_links).open(&path);
    let mut file = open.map_err(|e| Error::working("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The note about the holder is only for the message: if it cannot be read, the folder is in use all the
            // same.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { "another run" } else { holder.trim() };
            return Err(Error::Output(format!(
                "output folder `{}` is in use by {holder}: wait until it ends, or use another --output",
                output.display()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(Error::working("lock", &path, e)),
    }
    let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let note = format!("process {} (run {run_id}, since {since})", std::process::id());
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(note.as_bytes())
    };
    write(&mut file).map_err(|e| Error::working("write", &path, e))?;
    Ok(Lock(file))
}
