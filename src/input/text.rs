//! An input's bytes as UTF-8, piece by piece: byte-order marks dropped, other encodings transcoded. Owns the digest of
//! the bytes as they were unpacked; refuses to guess an encoding.

use std::io;

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252, mem};
use xxhash_rust::xxh3::Xxh3;

use super::digest;
use super::place::Opened;
use super::unpack::Unpacked;
use crate::spec::Encoding;

/// What bytes become that have no meaning in the file's encoding. No UTF-8 text has this byte, so the record around it
/// is rejected like any record that is not UTF-8.
const INVALID: u8 = 0xFF;

/// Bytes that are transcoded at once: they fit in the fastest cache.
const PIECE: u64 = 64 << 10;

/// An input, read once from its start.
pub struct Text {
    unpacked: Unpacked,
    encoding: Encoding,
    /// None for UTF-8, whose bytes are read unchanged.
    transcoder: Option<Transcoder>,
    raw: Vec<u8>,
    /// Whether the transcoder has reached the file's end.
    ended: bool,
    /// Whether the bytes are UTF-8 too, when they are read as something else.
    utf8: Utf8Too,
    hasher: Xxh3,
    bytes: u64,
}

enum Transcoder {
    Web(Decoder),
    Windows1252,
    Latin1,
}

impl Text {
    /// The file's byte-order mark decides its encoding; without one it is as declared.
    pub fn new(mut bytes: Unpacked, declared: Encoding) -> io::Result<Self> {
        let mut head = Vec::new();
        bytes.append(2 * MOST_MARK, &mut head)?;
        let (encoding, marks) = marks(&head).unwrap_or((declared, 0));
        bytes = bytes.again()?;
        let mut raw = Vec::new();
        bytes.append(marks as u64, &mut raw)?;
        let mut hasher = Xxh3::new();
        hasher.update(&raw);
        let (transcoder, read) = (Transcoder::new(encoding), marks as u64);
        let utf8 = Utf8Too::default();
        Ok(Self { unpacked: bytes, encoding, transcoder, raw, ended: false, utf8, hasher, bytes: read })
    }

    /// Starts again at the file's start.
    pub fn restart(&mut self) -> io::Result<()> {
        *self = Self::new(self.unpacked.again()?, self.encoding)?;
        Ok(())
    }

    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Appends at most `want` bytes of text, or more if the file is transcoded; gives their number, 0 at the end.
    pub fn read(&mut self, want: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        let start = into.len();
        let Some(transcoder) = &mut self.transcoder else {
            into.reserve_exact(usize::try_from(want).unwrap_or(0));
            let read = self.unpacked.append(want, into)?;
            self.hasher.update(&into[start..]);
            self.bytes += read as u64;
            return Ok(read);
        };
        while into.len() == start && !self.ended {
            self.raw.clear();
            let read = self.unpacked.append(want.clamp(1, PIECE), &mut self.raw)?;
            self.hasher.update(&self.raw);
            self.bytes += read as u64;
            self.ended = read == 0;
            self.utf8.see(&self.raw);
            transcoder.append(&self.raw, into, self.ended);
        }
        Ok(into.len() - start)
    }

    /// XXH3-128 over the file's bytes that were read so far.
    pub fn digest(&self) -> String {
        digest::text(&self.hasher)
    }

    /// Whether the bytes so far are valid UTF-8 and not only ASCII, though they are read as something else.
    pub fn looks_utf8(&self) -> bool {
        self.transcoder.is_some() && self.utf8.is_valid && self.utf8.beyond_ascii
    }

    /// Bytes of the input that were read so far, unpacked.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn file(&self) -> &Opened {
        self.unpacked.file()
    }
}

/// What is known of bytes as UTF-8.
struct Utf8Too {
    is_valid: bool,
    beyond_ascii: bool,
    /// The start of a character at the end of the last piece.
    begun: Vec<u8>,
}

impl Default for Utf8Too {
    fn default() -> Self {
        Self { is_valid: true, beyond_ascii: false, begun: Vec::new() }
    }
}

impl Utf8Too {
    fn see(&mut self, piece: &[u8]) {
        if !self.is_valid || (self.begun.is_empty() && piece.is_ascii()) {
            return;
        }
        self.beyond_ascii = true;
        self.begun.extend_from_slice(piece);
        match std::str::from_utf8(&self.begun) {
            Ok(_) => self.begun.clear(),
            Err(error) if error.error_len().is_none() => drop(self.begun.drain(..error.valid_up_to())),
            Err(_) => self.is_valid = false,
        }
    }
}

/// Bytes of the longest mark.
const MOST_MARK: u64 = 3;

/// The encoding that a file's first bytes show, and how many bytes are marks: some programs write the mark twice.
fn marks(head: &[u8]) -> Option<(Encoding, usize)> {
    let known: [(Encoding, &[u8]); 3] =
        [(Encoding::Utf8, b"\xEF\xBB\xBF"), (Encoding::Utf16Le, b"\xFF\xFE"), (Encoding::Utf16Be, b"\xFE\xFF")];
    let (encoding, mark) = known.into_iter().find(|(_, mark)| head.starts_with(mark))?;
    let twice = head[mark.len()..].starts_with(mark);
    Some((encoding, if twice { 2 * mark.len() } else { mark.len() }))
}

impl Transcoder {
    fn new(encoding: Encoding) -> Option<Self> {
        match encoding {
            Encoding::Utf8 => None,
            Encoding::Utf16Le => Some(Self::Web(UTF_16LE.new_decoder_without_bom_handling())),
            Encoding::Utf16Be => Some(Self::Web(UTF_16BE.new_decoder_without_bom_handling())),
            Encoding::Windows1252 => Some(Self::Windows1252),
            Encoding::Latin1 => Some(Self::Latin1),
            Encoding::Other(encoding) => Some(Self::Web(encoding.new_decoder_without_bom_handling())),
        }
    }

    /// Appends the text of a piece; `end` says that the file ends here.
    fn append(&mut self, piece: &[u8], into: &mut Vec<u8>, end: bool) {
        match self {
            // At the end the decoder reports half a character; it must not be called after that.
            Self::Web(decoder) => decode(decoder, piece, into, end),
            Self::Windows1252 => {
                for part in piece.split_inclusive(|byte| has_no_character(*byte)) {
                    let (known, bad) = match part {
                        [known @ .., last] if has_no_character(*last) => (known, true),
                        known => (known, false),
                    };
                    decode(&mut WINDOWS_1252.new_decoder_without_bom_handling(), known, into, true);
                    into.extend(bad.then_some(INVALID));
                }
            }
            Self::Latin1 => {
                let start = into.len();
                into.resize(start + 2 * piece.len(), 0);
                let written = mem::convert_latin1_to_utf8(piece, &mut into[start..]);
                into.truncate(start + written);
            }
        }
    }
}

/// The five bytes that Windows-1252 does not define. The web's rules read them as control characters; here they are a
/// sign of another encoding.
fn has_no_character(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)
}

fn decode(decoder: &mut Decoder, mut bytes: &[u8], into: &mut Vec<u8>, last: bool) {
    let mut at = into.len();
    // A unit of UTF-16 or a byte of Windows-1252 becomes at most three bytes; the rest is for what the decoder holds
    // back.
    into.resize(at + 3 * bytes.len() + 16, 0);
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut into[at..], last);
        (bytes, at) = (&bytes[read..], at + written);
        match result {
            DecoderResult::InputEmpty => break,
            DecoderResult::OutputFull => into.resize(into.len() + 3 * bytes.len() + 16, 0),
            DecoderResult::Malformed(..) => {
                into.resize(into.len().max(at + 16), 0);
                into[at] = INVALID;
                at += 1;
            }
        }
    }
    into.truncate(at);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::input::unpack::Packing;

    /// A file's text, read in pieces of `want` bytes, and its encoding.
    fn text(bytes: &[u8], declared: Encoding, want: u64) -> (Vec<u8>, Encoding) {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        let unpacked = Unpacked::new(&Opened::of(file), &Packing::default()).expect("bytes");
        let mut text = Text::new(unpacked, declared).expect("a text");
        let mut all = Vec::new();
        while text.read(want, &mut all).expect("read") > 0 {}
        assert_eq!(text.read(want, &mut all).expect("still at the end"), 0);
        assert_eq!(text.bytes(), bytes.len() as u64);
        assert_eq!(text.digest(), format!("xxh3-128:{:032x}", xxhash_rust::xxh3::xxh3_128(bytes)));
        (all, text.encoding())
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_mark_decides_the_encoding_and_is_not_text() {
        use Encoding::{Latin1, Utf8, Utf16Be, Utf16Le};
        let said = "id,name\n1,Žluťoučký 🐎\n";
        for want in [1, 2, 3, 5, 1000] {
            for marks in ["\u{feff}", "\u{feff}\u{feff}"] {
                let marked = format!("{marks}{said}");
                let expected = |encoding| (said.as_bytes().to_vec(), encoding);
                assert_eq!(text(marked.as_bytes(), Latin1, want), expected(Utf8));
                assert_eq!(text(&utf16(&marked, u16::to_le_bytes), Utf8, want), expected(Utf16Le));
                assert_eq!(text(&utf16(&marked, u16::to_be_bytes), Utf16Le, want), expected(Utf16Be));
            }
            assert_eq!(text(&utf16(said, u16::to_be_bytes), Utf16Be, want).0, said.as_bytes());
        }
        assert_eq!(text(b"\xEF\xBB", Utf8, 9).0, b"\xEF\xBB");
        assert_eq!(text(b"", Utf8, 9).0, b"");
    }

    #[test]
    fn code_pages_are_read_byte_by_byte() {
        let all: Vec<u8> = (0..=255).collect();
        let latin1: String = all.iter().map(|b| char::from(*b)).collect();
        for want in [1, 7, 1000] {
            assert_eq!(text(&all, Encoding::Latin1, want).0, latin1.as_bytes());
            let read = text(&all, Encoding::Windows1252, want).0;
            assert_eq!(read.iter().filter(|b| **b == INVALID).count(), 5);
            let known: Vec<u8> = read.into_iter().filter(|b| *b != INVALID).collect();
            let known = String::from_utf8(known).expect("UTF-8");
            assert_eq!(known.chars().count(), 251);
            assert!(known.contains("€\u{201a}ƒ") && known.contains("Ÿ\u{a0}¡") && known.ends_with('ÿ'), "{known}");
        }
    }

    #[test]
    fn what_is_not_a_character_becomes_one_invalid_byte() {
        let bytes = |units: &[u16]| units.iter().flat_map(|u| u.to_le_bytes()).collect::<Vec<_>>();
        for want in [1, 2, 1000] {
            let read = |raw: &[u8]| text(raw, Encoding::Utf16Le, want).0;
            assert_eq!(read(&bytes(&[0x61, 0xD800, 0x62])), b"a\xFFb");
            assert_eq!(read(&bytes(&[0xDC00, 0x62])), b"\xFFb");
            assert_eq!(read(&bytes(&[0xD83D, 0xD83D, 0xDC0E])), b"\xFF\xF0\x9F\x90\x8E");
            assert_eq!(read(&bytes(&[0x61, 0xD800])), b"a\xFF");
            assert_eq!(read(b"a\0b"), b"a\xFF");
            assert_eq!(read(&[INVALID; 200_000]).len(), 300_000);
            assert_eq!(read(&bytes(&[0xD800; 100_000])), vec![INVALID; 100_000]);
        }
    }
}
