//! A file's digest without reading its records: to know an input again before any of it is parsed.

use std::io::Read;

use xxhash_rust::xxh3::Xxh3;

use super::InputFile;
use crate::error::{Error, Result};
use crate::stop::Stop;

/// XXH3-128 over all bytes of the file, as reading it gives.
///
/// # Errors
/// I/O, a file that changed since its header was read; [`Error::Interrupted`].
pub fn digest(file: &InputFile, stop: &Stop) -> Result<String> {
    let unreadable = |e| Error::reading(&file.path, e);
    let mut opened = file.reopen()?;
    let (mut hash, mut block) = (Xxh3::new(), vec![0; 1 << 20]);
    loop {
        stop.check()?;
        match opened.read(&mut block).map_err(unreadable)? {
            0 => return Ok(text(&hash)),
            n => hash.update(block.get(..n).unwrap_or_default()),
        }
    }
}

/// A digest's text.
pub(super) fn text(hash: &Xxh3) -> String {
    format!("xxh3-128:{:032x}", hash.digest128())
}
