//! Standard output. A reader that closes the pipe is content with what it has: that is no error.

use std::io::{self, Write};
use std::path::Path;

use onefold::{Error, Result};

/// Writes text to standard output.
pub fn say(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::writing("write", Path::new("standard output"), error))
        }
        _ => Ok(()),
    }
}
