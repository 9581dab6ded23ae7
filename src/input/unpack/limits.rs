//! Bytes that are unpacked, checked while they come: how many there are against what was promised, and what a decoder says
//! of damage. Every fault gets words for people.

use std::io::{self, Read};

use bytesize::ByteSize;
use crc32fast::Hasher;

use super::{Fault, Member};

/// How many bytes may come of one packed byte. Deflate gives 1,032 at most, and only of bytes that are all the same.
const MOST_OF_ONE: u64 = 1000;

/// As many bytes may come in any case, so that a small file of equal lines is not taken for a bomb.
const ALWAYS: u64 = 1 << 20;

/// Unpacked bytes of an input, as many as are allowed.
pub struct Limited<R> {
    bytes: R,
    packed: u64,
    most: u64,
    given: u64,
}

impl<R> Limited<R> {
    /// At most `most` bytes of `packed` ones.
    pub fn new(bytes: R, packed: u64, most: u64) -> Self {
        Self { bytes, packed, most, given: 0 }
    }

    fn allow(&self) -> io::Result<()> {
        if self.given > self.most {
            let most = ByteSize(self.most).display().si();
            return Err(Fault::error(format!(
                "unpacks to more than {most}: raise --max-unpacked if that is what it should be"
            )));
        }
        if self.given > ALWAYS && self.given / MOST_OF_ONE > self.packed {
            return Err(Fault::error(format!(
                "unpacks to more than {MOST_OF_ONE} times its size, as bombs do: unpack it yourself if it is none"
            )));
        }
        Ok(())
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into).map_err(in_words)?;
        self.given += read as u64;
        self.allow()?;
        Ok(read)
    }
}

/// What a decoder says, in words; what the system says stays as it is.
fn in_words(error: io::Error) -> io::Error {
    let is_fault = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Fault>);
    if is_fault || error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Fault::error("ends in the middle of its packed data: is it half a download? Fetch it again");
    }
    Fault::error(format!("is damaged: its packed data cannot be read ({error}); fetch it again"))
}

/// The bytes of a member, which must be as many and have the checksum that the archive says.
pub struct Checked<R> {
    bytes: R,
    hash: Hasher,
    given: u64,
    wanted: u64,
    checksum: u32,
}

impl<R> Checked<R> {
    pub fn new(bytes: R, member: &Member) -> Self {
        Self { bytes, hash: Hasher::new(), given: 0, wanted: member.bytes, checksum: member.checksum }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.hash.update(&into[..read]);
        self.given += read as u64;
        if self.given > self.wanted {
            return Err(Fault::error("is damaged: it is longer than its archive says; fetch it again"));
        }
        if read == 0 && !into.is_empty() {
            if self.given < self.wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.hash.clone().finalize() != self.checksum {
                return Err(Fault::error("is damaged: its checksum is another than its archive says; fetch it again"));
            }
        }
        Ok(read)
    }
}
