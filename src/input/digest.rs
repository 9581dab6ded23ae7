//! A file's digest without reading its records: tells whether an input is unchanged before any of it is parsed.

use xxhash_rust::xxh3::Xxh3;

use super::InputFile;
use super::unpack::Unpacked;
use crate::error::Result;
use crate::stop::Stop;

impl InputFile {
    /// XXH3-128 over all bytes of the input, unpacked, the same as reading its records gives; the file is read only at the first
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
        let file = self.reopen()?;
        let mut bytes = Unpacked::new(&file, &self.packing).map_err(|e| self.unreadable(e))?;
        let (mut hash, mut block) = (Xxh3::new(), Vec::new());
        loop {
            stop.check()?;
            block.clear();
            match bytes.append(BLOCK, &mut block).map_err(|e| self.unreadable(e))? {
                0 => return Ok(text(&hash)),
                _ => hash.update(&block),
            }
        }
    }
}

const BLOCK: u64 = 1 << 20;

/// A digest as text.
pub(super) fn text(hash: &Xxh3) -> String {
    format!("xxh3-128:{:032x}", hash.digest128())
}
