//! Digests as text, the SHA-256 of a file, and a file block by block for any other digest. Owns how bytes become hex; refuses to say what a digest is for.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Size and SHA-256 of a file, in hex.
///
/// # Errors
/// I/O.
pub fn sha256_of(path: &Path) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let bytes = each_block(path, |block| hash.update(block))?;
    Ok((bytes, hex(&hash.finalize())))
}

/// Reads a file in blocks; gives its size.
///
/// # Errors
/// I/O.
pub fn each_block(path: &Path, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let (mut file, mut block) = (File::open(path)?, vec![0; 1 << 18]);
    let mut bytes = 0;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(bytes),
            n => {
                take(block.get(..n).unwrap_or_default());
                bytes += n as u64;
            }
        }
    }
}
