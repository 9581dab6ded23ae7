//! Law: for any bytes in any encoding with any delimiter, our reader and the `csv` crate read the same records, quotes taken
//! leniently, whatever the block size; rows, rejects and bad values add up.

#[path = "../../tests/it/mess.rs"]
mod mess;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use proptest::prelude::*;

use super::csv::Dialect;
use super::format::Format;
use super::unpack::Packing;
use super::{BlockReader, Header, InputFile, Inputs, Rejects, RowSink, Stamp, open, read_records, read_rows};
use crate::spec::form::Quotes;
use crate::spec::{Delimiter, Encoding, Spec};
use crate::value::Value;

use mess::{SPEC, delimiter, encoded, encoding, for_a_while, messy_bytes, messy_rows, scratch, windows_1252};

/// A file that belongs to no source, read from its first byte.
fn plain(path: &Path, encoding: Encoding, delimiter: Delimiter) -> InputFile {
    let stamp = Stamp::of(&fs::metadata(path).expect("a file"));
    let header = Header { data_line: 1, ..Header::default() };
    let dialect = Dialect { quotes: Quotes { lenient: true, ..Quotes::STRICT }, ..Dialect::of(delimiter) };
    InputFile {
        source: "x".into(),
        path: path.to_owned(),
        name: "x.csv".into(),
        member: None,
        bytes: stamp.bytes(),
        expected: stamp.bytes(),
        packing: Packing::default(),
        stamp,
        encoding,
        format: Format::Csv(dialect),
        header,
        digest: Arc::default(),
    }
}

/// A record's line, width and, when it is UTF-8, fields.
type Seen = (u64, usize, Option<Vec<String>>);

/// Records as our reader reads them; none when a quote is never closed. Of a record that is not UTF-8 only the number
/// of fields is given.
fn by_ours(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, block_size: usize) -> Option<Vec<Seen>> {
    let folder = scratch();
    let path = folder.path().join("x.csv");
    fs::write(&path, bytes).expect("written");
    let file = plain(&path, encoding, delimiter);
    let mut blocks = BlockReader::open(&file, block_size).expect("opened");
    let (mut records, mut line) = (Vec::new(), 0);
    loop {
        match blocks.next_block(b"left over".to_vec()) {
            Ok(None) => return Some(records),
            Err(error) => {
                assert!(error.to_string().contains("never closed"), "{error}");
                return None;
            }
            Ok(Some(block)) => {
                line += read_records(&block, &file, |r| {
                    let fields = (0..r.width()).map(|i| r.field(i).map(str::to_owned)).collect();
                    records.push((line + r.line, r.width(), fields));
                });
            }
        }
    }
}

/// Records as the `csv` crate reads a text, each with its bytes.
fn by_csv_crate(text: &[u8], delimiter: Delimiter) -> Vec<(ByteRecord, Vec<u8>)> {
    // The crate would drop one more mark; after a line end it takes it as data too.
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

/// The bytes decoded with the standard library: UTF-8, with 0xFF for what is not a character.
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
        Encoding::Other(other) => unreachable!("no table of {other:?} here"),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let unit = if encoding == Encoding::Utf16Le { u16::from_le_bytes } else { u16::from_be_bytes };
            let (pairs, odd) = rest.as_chunks::<2>();
            char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).for_each(|c| put(c.ok()));
            odd.iter().for_each(|_| put(None));
        }
    }
    text
}

/// Line of each record, counted by hand: LF, CRLF and lone CR end a line, inside quotes too.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    let ends = |i: &usize| bytes[*i] == b'\r' || (bytes[*i] == b'\n' && (*i == 0 || bytes[*i - 1] != b'\r'));
    (0..at).filter(ends).count() as u64
}

/// The law for one file.
fn agree(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, block_size: usize) -> Result<(), TestCaseError> {
    let text = decoded(bytes, encoding);
    let Some(ours) = by_ours(bytes, encoding, delimiter, block_size) else {
        // What follows an open quote is part of its field, even if it is a line of its own.
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

/// Collects rows as text.
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

/// Reads a file with a header before these bytes as a run does, and checks rows, rejected rows and bad values.
fn account(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, block_size: usize) -> Result<(), TestCaseError> {
    let folder = scratch();
    let mark = char::from(delimiter.byte());
    let head = encoded(&format!("id{mark}t{mark}n\n"), encoding);
    fs::write(folder.path().join("s.csv"), [&head, bytes].concat()).expect("written");
    let spec = Spec::parse(SPEC, "p.toml").expect("a spec");
    let (encoding_flag, delimiter_flag) = (Some(encoding), Some(delimiter));
    let inputs = Inputs { encoding: encoding_flag, delimiter: delimiter_flag, ..Inputs::of(folder.path()) };
    let inputs = open(&spec, &inputs).expect("a header");
    let (source, file) = (&spec.sources[0], &inputs.sources[0].files[0]);
    let mut blocks = BlockReader::open(file, block_size).expect("opened");
    let (mut sink, mut rejects, mut line) =
        (Rows::default(), Rejects::new(folder.path(), false).expect("rejects"), file.header.data_line);
    let (mut rows, mut rejected, mut blank, mut bad) = (0, 0, 0, 0);
    while let Ok(Some(block)) = blocks.next_block(Vec::new()) {
        let report = read_rows(&block, source, file, &mut sink);
        (rows, rejected, bad) =
            (rows + report.counts.rows, rejected + report.counts.rejected, bad + report.bad_values[1]);
        blank += report.counts.blank;
        line = rejects.add(source, &file.name, line, &report).expect("written");
    }
    prop_assert_eq!(rows, sink.0.len() as u64 + rejected + blank, "the ledger");
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

/// Files that caused errors once, or could have.
#[test]
fn the_corpus_is_read_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/csv");
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

/// The open input, and a reader of it that has read the first of several blocks.
fn half_read(folder: &Path) -> (InputFile, BlockReader) {
    fs::write(folder.join("s.csv"), format!("id,t,n\n{}", "1,a,\n".repeat(1000))).expect("written");
    let spec = Spec::parse(SPEC, "p.toml").expect("a spec");
    let file = open(&spec, &Inputs::of(folder)).expect("inputs").sources.remove(0).files.remove(0);
    let mut reader = BlockReader::open(&file, 1000).expect("opened");
    assert!(reader.next_block(Vec::new()).expect("a block").is_some());
    (file, reader)
}

#[test]
fn a_file_that_changes_between_header_and_rows_or_among_them_is_found() {
    let folder = scratch();
    let path = folder.path().join("s.csv");
    let change = |write: fn(&Path)| {
        let (file, mut reader) = half_read(folder.path());
        write(&path);
        let among = loop {
            match reader.next_block(Vec::new()) {
                Ok(block) => assert!(block.is_some(), "the change is not noticed"),
                Err(error) => break error.to_string(),
            }
        };
        let between = BlockReader::open(&file, 1000).err().expect("the change is not noticed").to_string();
        assert_eq!(among, between);
        among
    };
    let told = change(|path| File::options().write(true).open(path).expect("open").set_len(3000).expect("cut"));
    assert!(told.starts_with("cannot use source `s`: `s.csv` changed while it was read: it became shorter"), "{told}");
    let told = change(|path| File::options().append(true).open(path).expect("open").write_all(b"x\n").expect("longer"));
    assert!(told.contains("it became longer; run again when nothing writes to it"), "{told}");
    // A quote that is open only because the rest of the file is gone must not be what is reported.
    let told = change(|path| fs::write(path, "id,t,n\n1,\"a").expect("written"));
    assert!(told.contains("it became shorter"), "{told}");
    let told = change(|path| {
        fs::write(path.with_extension("new"), fs::read(path).expect("bytes")).expect("written");
        fs::rename(path.with_extension("new"), path).expect("renamed");
    });
    assert!(told.contains("another file took its place"), "{told}");
}
