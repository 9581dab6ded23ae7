//! Law: for any bytes in any encoding with any delimiter, our reader and the `csv` crate see the same records, whatever the
//! block size; rows, rejects and bad values account for all of them.

use std::fs;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use onefold::cell::Value;
use onefold::source::{BlockReader, Header, InputFile, Inputs, Rejects, RowSink, Stamp, open, read_records, read_rows};
use onefold::spec::{Delimiter, Encoding, Spec};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::fuzz::for_a_while;
use crate::workdir::project;

/// In memory where the system has such a place: these tests write thousands of files, and the disk is not the point.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// A file of no source, read from its first byte.
fn plain(path: &Path, encoding: Encoding, delimiter: Delimiter) -> InputFile {
    let stamp = Stamp::of(&fs::metadata(path).expect("a file"));
    let (columns, undeclared) = (Vec::new(), Vec::new());
    let header = Header {
        delimiter,
        delimiter_found: false,
        width: 0,
        key: 0,
        columns,
        undeclared,
        data_offset: 0,
        data_line: 1,
    };
    InputFile {
        source: "x".into(),
        path: path.to_owned(),
        name: "x.csv".into(),
        bytes: stamp.bytes(),
        stamp,
        encoding,
        header,
    }
}

/// A record's line, width and, when it is UTF-8, fields.
type Seen = (u64, usize, Option<Vec<String>>);

/// Records as ours; none when a quote is never closed. Records that are not UTF-8 show only their number of fields.
fn by_ours(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, block_size: usize) -> Option<Vec<Seen>> {
    let folder = scratch();
    let path = folder.path().join("x.csv");
    fs::write(&path, bytes).expect("written");
    let mut blocks = BlockReader::open(&plain(&path, encoding, delimiter), block_size).expect("opened");
    let (mut records, mut line) = (Vec::new(), 0);
    loop {
        match blocks.next_block(b"left over".to_vec()) {
            Ok(None) => return Some(records),
            Err(error) => {
                assert!(error.to_string().contains("never closed"), "{error}");
                return None;
            }
            Ok(Some(block)) => {
                line += read_records(&block, delimiter, |r| {
                    let fields = (0..r.width()).map(|i| r.field(i).map(str::to_owned)).collect();
                    records.push((line + r.line, r.width(), fields));
                });
            }
        }
    }
}

/// Records as the `csv` crate reads a text, each with its bytes as they stand in it.
fn by_csv_crate(text: &[u8], delimiter: Delimiter) -> Vec<(ByteRecord, Vec<u8>)> {
    // The crate would drop one more mark: behind a line end it is data for it too.
    let text = [b"\n", text].concat();
    let mut reader =
        ReaderBuilder::new().flexible(true).has_headers(false).delimiter(delimiter.byte()).from_reader(&text[..]);
    let (mut records, mut record) = (Vec::new(), ByteRecord::new());
    loop {
        let start = reader.position().byte() as usize;
        if !reader.read_byte_record(&mut record).expect("bytes in memory") {
            return records;
        }
        records.push((record.clone(), text[start..reader.position().byte() as usize].to_vec()));
    }
}

/// What the bytes mean, by the standard library: UTF-8, with 0xFF for what is no character.
fn decoded(bytes: &[u8], declared: Encoding) -> Vec<u8> {
    let marks: [(&[u8], Encoding); 3] =
        [(b"\xEF\xBB\xBF", Encoding::Utf8), (b"\xFF\xFE", Encoding::Utf16Le), (b"\xFE\xFF", Encoding::Utf16Be)];
    let marked = marks.into_iter().find(|(mark, _)| bytes.starts_with(mark));
    let (rest, encoding) = marked.map_or((bytes, declared), |(mark, encoding)| {
        let rest = &bytes[mark.len()..];
        (rest.strip_prefix(mark).unwrap_or(rest), encoding)
    });
    let mut text = Vec::new();
    let mut put = |c: Option<char>| match c {
        Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.push(0xFF),
    };
    match encoding {
        Encoding::Utf8 => return rest.to_vec(),
        Encoding::Latin1 => rest.iter().for_each(|b| put(Some(char::from(*b)))),
        Encoding::Windows1252 => rest.iter().for_each(|b| put(windows_1252(*b))),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let unit = if encoding == Encoding::Utf16Le { u16::from_le_bytes } else { u16::from_be_bytes };
            let (pairs, odd) = rest.as_chunks::<2>();
            char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).for_each(|c| put(c.ok()));
            odd.iter().for_each(|_| put(None));
        }
    }
    text
}

/// The part of Windows-1252 that is not Latin-1, written down.
fn windows_1252(byte: u8) -> Option<char> {
    const HIGH: &str = "€?‚ƒ„…†‡ˆ‰Š‹Œ?Ž??‘’“”•–—˜™š›œ?žŸ";
    match byte {
        0x80..0xA0 => HIGH.chars().nth(usize::from(byte) - 0x80).filter(|c| *c != '?'),
        _ => Some(char::from(byte)),
    }
}

/// Line of each record, counted by hand: LF, CRLF and lone CR end a line, inside quotes too.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    let ends = |i: &usize| bytes[*i] == b'\r' || (bytes[*i] == b'\n' && (*i == 0 || bytes[*i - 1] != b'\r'));
    (0..at).filter(ends).count() as u64
}

pub fn encoding() -> impl Strategy<Value = Encoding> {
    use Encoding::{Latin1, Utf8, Utf16Be, Utf16Le, Windows1252};
    prop::sample::select(vec![Utf8, Utf8, Utf16Le, Utf16Be, Windows1252, Latin1])
}

pub fn delimiter() -> impl Strategy<Value = Delimiter> {
    prop::sample::select(Delimiter::ALL.to_vec())
}

/// Pieces that have a meaning in some encoding, wild bytes, and now and then a mark.
pub fn messy_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        6 => Just("a"), 2 => Just("\u{e9}"), 1 => Just("\u{1f40e}"), 6 => Just(","), 3 => Just(";"), 2 => Just("\t"),
        2 => Just("|"), 5 => Just("\n"), 4 => Just("\""), 3 => Just("\r\n"), 2 => Just("\r"), 1 => Just(" "),
        2 => Just("\"b\""), 1 => Just("\"\""), 1 => Just("\u{feff}"), 1 => Just("\0"), 1 => Just("1"),
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

/// Rows of three fields, most of them, with `~` between.
pub fn messy_rows() -> impl Strategy<Value = String> {
    let id = prop_oneof![6 => "[a-c]", 1 => " [a-c]\u{a0}", 1 => Just(String::new()), 1 => "\u{e9}[a-c]"];
    let text = prop_oneof![4 => "[a-c,;|\t]{0,3}", 1 => "\"[a-c,;|\t\r\n]{0,3}\"", 1 => "\"[a-c]\"\"[a-c]\"", 1 => Just("5\"".into())];
    let number = prop_oneof![4 => "[0-9]{0,3}", 1 => Just(" 7 ".to_owned()), 1 => Just("x".into()), 1 => "1[,.]5"];
    let end = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r"), 1 => Just("~\n"), 1 => Just("\n\n")];
    let row = (id, text, number, end).prop_map(|(id, text, number, end)| format!("{id}~{text}~{number}{end}"));
    prop::collection::vec(row, 0..30).prop_map(|rows| rows.concat())
}

/// A text in an encoding, as far as that can hold it.
pub fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        Encoding::Windows1252 => {
            let byte = |c| (0..=u8::MAX).find(|b| windows_1252(*b) == Some(c)).unwrap_or(b'?');
            text.chars().map(byte).collect()
        }
    }
}

/// The law for one file.
fn agree(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, block_size: usize) -> Result<(), TestCaseError> {
    let text = decoded(bytes, encoding);
    let Some(ours) = by_ours(bytes, encoding, delimiter, block_size) else {
        // What follows an open quote is part of its field, even a line of its own.
        let behind = by_csv_crate(&[&text[..], b"\nz"].concat(), delimiter);
        prop_assert!(behind.last().is_some_and(|(last, _)| last != vec!["z"]), "the quote is closed");
        return Ok(());
    };
    let theirs = by_csv_crate(&text, delimiter);
    prop_assert_eq!(ours.len(), theirs.len());
    for ((_, width, fields), (their, raw)) in ours.iter().zip(&theirs) {
        prop_assert_eq!(*width, their.len());
        prop_assert_eq!(fields.is_some(), std::str::from_utf8(raw).is_ok());
        if let Some(fields) = fields {
            let fields: Vec<&[u8]> = fields.iter().map(String::as_bytes).collect();
            prop_assert_eq!(fields, their.iter().collect::<Vec<_>>());
        }
    }
    // One block holds it all: lines do not depend on how the file was cut.
    let whole = by_ours(bytes, encoding, delimiter, 1 << 20).expect("it was readable in small blocks");
    prop_assert_eq!(&ours, &whole);
    Ok(())
}

#[test]
fn ours_and_the_csv_crate_agree() {
    let inputs = (messy_bytes(60), encoding(), delimiter(), 1usize..40);
    for_a_while(2000, inputs, |(bytes, encoding, delimiter, block_size)| {
        agree(&bytes, encoding, delimiter, block_size)
    });
}

/// Takes rows down as text.
#[derive(Default)]
struct Rows(Vec<Vec<String>>);

impl RowSink for Rows {
    fn begin(&mut self, id: &str) -> bool {
        self.0.push(vec![id.to_owned()]);
        true
    }
    fn put(&mut self, _: usize, value: Value<'_>) {
        self.0.last_mut().expect("a row").push(format!("{value:?}"));
    }
    fn end(&mut self) {}
}

pub const SPEC: &str = "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nkeep = [\"t\", \"n\"]\n\
                    types = { n = \"int\" }\n[output]\ncolumns = [\"id\", \"t\"]\n";

/// A file with a header before these bytes, read as a run reads it: rows, what was rejected of them, and bad values.
fn account(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, block_size: usize) -> Result<(), TestCaseError> {
    let folder = scratch();
    let mark = char::from(delimiter.byte());
    let head = encoded(&format!("id{mark}t{mark}n\n"), encoding);
    fs::write(folder.path().join("s.csv"), [&head, bytes].concat()).expect("written");
    let spec = Spec::parse(SPEC, "p.toml").expect("a spec");
    let (encoding_flag, delimiter_flag) = (Some(encoding), Some(delimiter));
    let inputs = Inputs { encoding: encoding_flag, delimiter: delimiter_flag, ..Inputs::of(folder.path()) };
    let inputs = open(&spec, &inputs).expect("a header");
    let (source, file) = (&spec.sources[0], &inputs.sources[0][0]);
    let mut blocks = BlockReader::open(file, block_size).expect("opened");
    let (mut sink, mut rejects, mut line) =
        (Rows::default(), Rejects::new(folder.path()).expect("rejects"), file.header.data_line);
    let (mut rows, mut rejected, mut bad) = (0, 0, 0);
    while let Ok(Some(block)) = blocks.next_block(Vec::new()) {
        let report = read_rows(&block, source, &file.header, &mut sink);
        (rows, rejected, bad) = (rows + report.rows, rejected + report.rejected, bad + report.bad_values[1]);
        line = rejects.add(source, &file.name, line, &report).expect("written");
    }
    prop_assert_eq!(rows, sink.0.len() as u64 + rejected, "the ledger");
    let path: PathBuf = folder.path().join("r/s.csv");
    let listed = if rejects.save(&path).expect("saved") {
        let mut listed = csv::Reader::from_path(&path).expect("a file");
        listed.records().map(|r| r.expect("a record")[1].parse().expect("a line")).collect()
    } else {
        Vec::<u64>::new()
    };
    prop_assert_eq!(listed.len() as u64, rejected + bad, "the rejects file");
    prop_assert!(listed.is_sorted() && listed.iter().all(|at| (2..=line).contains(at)));
    Ok(())
}

#[test]
fn every_row_is_accounted_for() {
    let inputs = (messy_bytes(60), messy_rows(), encoding(), delimiter(), 1usize..40);
    for_a_while(1000, inputs, |(bytes, rows, encoding, delimiter, block_size)| {
        account(&bytes, encoding, delimiter, block_size)?;
        let rows = rows.replace('~', &char::from(delimiter.byte()).to_string());
        account(&encoded(&rows, encoding), encoding, delimiter, block_size)
    });
}

/// Files that once were, or might have been, trouble.
#[test]
fn the_corpus_is_read_alike() {
    let folder = project().join("tests/corpus/csv");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let bytes = fs::read(entry.path()).expect("a file");
        for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1252, Encoding::Latin1]
        {
            for delimiter in Delimiter::ALL {
                for block_size in [1, 7] {
                    let law = agree(&bytes, encoding, delimiter, block_size);
                    law.unwrap_or_else(|e| panic!("{:?}, {encoding}, `{delimiter}`, {block_size}: {e}", entry.path()));
                }
                let law = account(&bytes, encoding, delimiter, 7);
                law.unwrap_or_else(|e| panic!("{:?}, {encoding}, `{delimiter}`: {e}", entry.path()));
            }
        }
        files += 1;
    }
    assert!(files >= 10, "{files}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_physical(texts in prop::collection::vec("[a-c]{1,3}", 1..8), ends in prop::collection::vec(0usize..4, 8)) {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for (text, end) in texts.iter().zip(ends) {
            lines.push(line_of(&bytes, bytes.len()));
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice([b"\n".as_slice(), b"\r\n", b"\r", b",\"x\ny\"\n"][end]);
        }
        let ours = by_ours(&bytes, Encoding::Utf8, Delimiter::Comma, 8).expect("no open quote");
        prop_assert_eq!(ours.iter().map(|r| r.0).collect::<Vec<_>>(), lines);
    }
}
