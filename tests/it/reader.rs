//! Law: for any bytes, our reader and the `csv` crate see the same records, whatever the block size.

use std::fs::File;
use std::io::Write;

use csv::ReaderBuilder;
use onefold::source::{BlockReader, read_records};
use proptest::prelude::*;

/// Records as the `csv` crate reads them; the file's first mark is dropped by it.
fn by_csv_crate(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bytes);
    reader.byte_records().map(|r| r.expect("bytes in memory").iter().map(<[u8]>::to_vec).collect()).collect()
}

/// A record's line, width and, when it is UTF-8, fields.
type Seen = (u64, usize, Option<Vec<String>>);

/// Records as ours; none when a quote is never closed. Records that are not UTF-8 show only their number of fields.
fn by_ours(bytes: &[u8], block_size: usize) -> Option<Vec<Seen>> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    let path = file.path().to_owned();
    let opened = File::open(&path).expect("opened");
    let mut blocks = BlockReader::new(opened, path, "x.csv".into(), "x", block_size, 0);
    let (mut records, mut line) = (Vec::new(), 0);
    loop {
        match blocks.next_block(b"left over".to_vec()) {
            Ok(None) => return Some(records),
            Err(error) => {
                assert!(error.to_string().contains("never closed"), "{error}");
                return None;
            }
            Ok(Some(block)) => {
                line += read_records(&block, |r| {
                    let fields = (0..r.width()).map(|i| r.field(i).map(str::to_owned)).collect();
                    records.push((line + r.line, r.width(), fields));
                });
            }
        }
    }
}

/// Line of each record, counted by hand: LF, CRLF and lone CR end a line, inside quotes too.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    let ends = |i: &usize| bytes[*i] == b'\r' || (bytes[*i] == b'\n' && (*i == 0 || bytes[*i - 1] != b'\r'));
    (0..at).filter(ends).count() as u64
}

fn messy_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(b"a".to_vec()), 6 => Just(b",".to_vec()), 5 => Just(b"\n".to_vec()), 4 => Just(b"\"".to_vec()),
        3 => Just(b"\r\n".to_vec()), 2 => Just(b"\r".to_vec()), 1 => Just(b"\xC3\xA9".to_vec()), 1 => Just(b"\xFF".to_vec()),
        1 => Just(b" ".to_vec()), 2 => Just(b"\"b\"".to_vec()), 1 => Just(b"\"\"".to_vec()), 1 => Just(b"\xEF\xBB\xBF".to_vec()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ours_and_the_csv_crate_agree(bytes in messy_bytes(), block_size in 1usize..40) {
        // The mark that a file may begin with is the header's business, not the block reader's.
        prop_assume!(!bytes.starts_with(b"\xEF\xBB\xBF"));
        let Some(ours) = by_ours(&bytes, block_size) else { return Ok(()) };
        let theirs = by_csv_crate(&bytes);
        prop_assert_eq!(ours.len(), theirs.len());
        for ((_, width, fields), their) in ours.iter().zip(&theirs) {
            prop_assert_eq!(*width, their.len());
            if let Some(fields) = fields {
                let fields: Vec<&[u8]> = fields.iter().map(String::as_bytes).collect();
                prop_assert_eq!(fields, their.iter().map(Vec::as_slice).collect::<Vec<_>>());
            } else {
                prop_assert!(std::str::from_utf8(&bytes).is_err());
            }
        }
        // One block holds it all: lines do not depend on how the file was cut.
        let whole = by_ours(&bytes, 1 << 20).expect("it was readable in small blocks");
        prop_assert_eq!(&ours, &whole);
    }

    #[test]
    fn lines_are_physical(texts in prop::collection::vec("[a-c]{1,3}", 1..8), ends in prop::collection::vec(0usize..4, 8)) {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        for (text, end) in texts.iter().zip(ends) {
            lines.push(line_of(&bytes, bytes.len()));
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice([b"\n".as_slice(), b"\r\n", b"\r", b",\"x\ny\"\n"][end]);
        }
        let ours: Vec<u64> = by_ours(&bytes, 8).expect("no open quote").iter().map(|r| r.0).collect();
        prop_assert_eq!(ours, lines);
    }
}
