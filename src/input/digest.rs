//! A file's digest without reading its records: tells whether an input is unchanged before any of it is parsed.

use std::io::Read;

use xxhash_rust::xxh3::Xxh3;

use super::InputFile;
use crate::error::{Error, Result};
use crate::stop::Stop;

impl InputFile {
    /// XXH3-128 over all bytes of the file, the same as reading its records gives; the file is read only at the first
    /// call. Fails if the file has changed since its header was read.
    pub fn digest(&self, stop: &Stop) -> Result<&str> {
        if let Some(known) = self.digest.get() {
            return Ok(known);
        }
        let digest = self.read_digest(stop)?;
        Ok(self.digest.get_or_init(|| digest))
    }

    /// Keeps the digest that was computed while the records were read.
    pub fn know_digest(&self, digest: String) {
        self.digest.get_or_init(|| digest);
    }

    fn read_digest(&self, stop: &Stop) -> Result<String> {
        let unreadable = |e| Error::reading(&self.path, e);
        let mut opened = self.reopen()?;
        let (mut hash, mut block) = (Xxh3::new(), vec![0; 1 << 20]);
        loop {
            stop.check()?;
            match opened.read(&mut block).map_err(unreadable)? {
                0 => return Ok(text(&hash)),
                n => hash.update(block.get(..n).unwrap_or_default()),
            }
        }
    }
}

/// A digest as text.
pub(super) fn text(hash: &Xxh3) -> String {
    format!("xxh3-128:{:032x}", hash.digest128())
}
