//! Random bytes, rows and encodings for properties; shared with the unit tests of the reader.

#![allow(clippy::print_stdout, reason = "fuzzing by hand says how much it tried")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use tempfile::TempDir;

use super::{Delimiter, Encoding};

/// Tests a property with this many cases, then for `ONEFOLD_FUZZ_SECONDS` with more.
pub fn for_a_while<S: Strategy>(cases: u32, inputs: S, law: impl Fn(S::Value) -> TestCaseResult) {
    let seconds = std::env::var("ONEFOLD_FUZZ_SECONDS").map_or(0, |s| s.parse().expect("a number of seconds"));
    let (begun, mut tried) = (Instant::now(), 0);
    loop {
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        TestRunner::new(config).run(&inputs, &law).unwrap_or_else(|e| panic!("{e}"));
        tried += cases;
        if begun.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
    }
    if seconds > 0 {
        println!("{tried} cases in {:?}", begun.elapsed());
    }
}

/// A folder in memory if the system has one, because these tests write thousands of files.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// The part of Windows-1252 that is not Latin-1, as a table.
pub fn windows_1252(byte: u8) -> Option<char> {
    const HIGH: &str = "€?‚ƒ„…†‡ˆ‰Š‹Œ?Ž??‘’“”•–—˜™š›œ?žŸ";
    match byte {
        0x80..0xA0 => HIGH.chars().nth(usize::from(byte) - 0x80).filter(|c| *c != '?'),
        _ => Some(char::from(byte)),
    }
}

pub fn encoding() -> impl Strategy<Value = Encoding> {
    use Encoding::{Latin1, Utf8, Utf16Be, Utf16Le, Windows1252};
    prop::sample::select(vec![Utf8, Utf8, Utf16Le, Utf16Be, Windows1252, Latin1])
}

pub fn delimiter() -> impl Strategy<Value = Delimiter> {
    prop::sample::select(Delimiter::ALL.to_vec())
}

/// Pieces that have a meaning in some encoding, random bytes, and sometimes a mark.
pub fn messy_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        6 => Just("a"), 2 => Just("\u{e9}"), 1 => Just("\u{1f40e}"), 6 => Just(","), 3 => Just(";"), 2 => Just("\t"),
        2 => Just("|"), 5 => Just("\n"), 4 => Just("\""), 3 => Just("\r\n"), 2 => Just("\r"), 1 => Just(" "),
        2 => Just("\"b\""), 1 => Just("\"\""), 1 => Just("\u{feff}"), 1 => Just("\0"), 1 => Just("1"),
        1 => Just("\\"), 1 => Just("#"),
    ];
    let texts = prop::collection::vec(text, 0..most).prop_map(|texts| texts.concat());
    let wild = prop_oneof![5 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..9)];
    (texts, encoding(), wild, any::<prop::sample::Index>()).prop_map(|(text, encoding, wild, at)| {
        let mut bytes = encoded(&text, encoding);
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, wild);
        bytes
    })
}

/// Rows, most of them with three fields, with `~` between the fields.
pub fn messy_rows() -> impl Strategy<Value = String> {
    let id = prop_oneof![6 => "[a-c]", 1 => " [a-c]\u{a0}", 1 => Just(String::new()), 1 => "\u{e9}[a-c]"];
    let text = prop_oneof![4 => "[a-c,;|\t]{0,3}", 1 => "\"[a-c,;|\t\r\n]{0,3}\"", 1 => "\"[a-c]\"\"[a-c]\"", 1 => Just("5\"".into())];
    let number = prop_oneof![4 => "[0-9]{0,3}", 1 => Just(" 7 ".to_owned()), 1 => Just("x".into()), 1 => "1[,.]5"];
    let end = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r"), 1 => Just("~\n"), 1 => Just("\n\n")];
    let row = (id, text, number, end).prop_map(|(id, text, number, end)| format!("{id}~{text}~{number}{end}"));
    prop::collection::vec(row, 0..30).prop_map(|rows| rows.concat())
}

/// A text in an encoding, as far as the encoding has its characters.
pub fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        Encoding::Other(other) => other.encode(text).0.into_owned(),
        Encoding::Windows1252 => {
            let byte = |c| (0..=u8::MAX).find(|b| windows_1252(*b) == Some(c)).unwrap_or(b'?');
            text.chars().map(byte).collect()
        }
    }
}

/// A spec with one source that has a text and an int.
pub const SPEC: &str = "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nkeep = [\"t\", \"n\"]\n\
                    types = { n = \"int\" }\n[output]\ncolumns = [\"id\", \"t\"]\n";
