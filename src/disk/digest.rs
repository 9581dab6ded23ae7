//! Digests as text, the SHA-256 of a file, and reading a file block by block for other digests. Owns how bytes become
//! hex; never knows what a digest is for.

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

/// Size of a file and its SHA-256 in hex.
///
/// # Errors
/// The system's error if the file cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let bytes = each_block(path, |block| hash.update(block))?;
    Ok((bytes, hex(&hash.finalize())))
}

/// Reads a file in blocks and gives its size.
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
