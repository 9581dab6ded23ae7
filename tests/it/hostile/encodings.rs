//! UTF-8 with and without a mark, UTF-16 with its mark, declared code pages, and bytes that are not text.

use onefold::spec::Encoding;

use super::{profiles, rejects, run, with};
use crate::mess::encoded;
use crate::workdir::Workdir;

const TEXT: &str = "id,t,n,f,d\nä,\"Zoë, \"\"Müller\"\"\r\nÅ\",1,1.5,2026-01-31\r\n2,,,,\r\n";
const WANT: &str = "2,,,,\nä,\"Zoë, \"\"Müller\"\"\r\nÅ\",1,1.5,2026-01-31\n";

const ALL: [Encoding; 5] =
    [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1252, Encoding::Latin1];

/// The encodings that have a mark, with the mark once and twice.
fn marked(text: &str) -> Vec<(Encoding, Vec<u8>)> {
    let with_mark = |encoding, marks: &str| (encoding, encoded(&format!("{marks}{text}"), encoding));
    let can = [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be];
    can.into_iter().flat_map(|e| [with_mark(e, "\u{feff}"), with_mark(e, "\u{feff}\u{feff}")]).collect()
}

/// The encoding that the manifest names for the one input.
fn encoding_of(dir: &Workdir) -> String {
    dir.manifest("data_out").inputs[0].encoding.clone().unwrap_or_default()
}

#[test]
fn every_declared_encoding_gives_the_same_bytes() {
    let plain = with("", TEXT);
    assert_eq!(profiles(&plain, &[]), WANT);
    for encoding in ALL {
        let name = encoding.to_string();
        for (by_spec, by_flag) in
            [(format!("encoding = \"{name}\""), vec![]), (String::new(), vec!["--encoding", &name])]
        {
            let dir = with(&by_spec, encoded(TEXT, encoding));
            assert_eq!(profiles(&dir, &by_flag), WANT, "{encoding}");
            assert_eq!(encoding_of(&dir), name);
            assert_eq!(dir.manifest("data_out").ledger, plain.manifest("data_out").ledger);
            // The spec's text is in the Parquet file's metadata; otherwise the bytes are the same.
            let same = dir.bytes("data_out/profiles.parquet") == plain.bytes("data_out/profiles.parquet");
            assert_eq!(same, by_spec.is_empty(), "{encoding}");
        }
    }
}

#[test]
fn a_mark_wins_over_the_spec_and_the_spec_over_the_flag() {
    for (encoding, bytes) in marked(TEXT) {
        let dir = with("encoding = \"latin1\"", bytes);
        assert_eq!(profiles(&dir, &["--encoding", "windows-1252"]), WANT, "{encoding}");
        assert_eq!(encoding_of(&dir), encoding.to_string());
    }
    let dir = with("encoding = \"latin1\"", encoded(TEXT, Encoding::Latin1));
    assert_eq!(profiles(&dir, &["--encoding", "utf-16le"]), WANT);
}

#[test]
fn files_of_one_source_may_differ() {
    let dir = with("", encoded("id,t,n,f,d\n1,é,,,\n", Encoding::Latin1));
    dir.write("in/s-16.csv", encoded("\u{feff}id\tt\tn\tf\td\n2\té\t\t\t\n", Encoding::Utf16Be));
    dir.write("in/s-8.csv", "\u{feff}d;f;n;t;id\n;;;é;3\n");
    assert_eq!(profiles(&dir, &["--encoding", "latin1"]), "1,é,,,\n2,é,,,\n3,é,,,\n");
    let inputs = dir.manifest("data_out").inputs;
    let form = |i: &onefold::manifest::InputRecord| {
        (i.encoding.clone().unwrap_or_default(), i.delimiter.clone().unwrap_or_default())
    };
    let forms: Vec<(String, String)> = inputs.iter().map(form).collect();
    let want = [("utf-16be", "tab"), ("utf-8", ";"), ("latin1", ",")];
    assert_eq!(forms, want.map(|(encoding, delimiter)| (encoding.to_owned(), delimiter.to_owned())));
}

#[test]
fn undeclared_bytes_that_are_not_utf8_are_a_reject_with_their_line() {
    let dir = with("", b"id,t,n,f,d\n1,\"a\nb\",,,\n2,Z\xFCrich,,,\n3,c,,,\n".as_slice());
    assert_eq!(profiles(&dir, &[]), "1,\"a\nb\",,,\n3,c,,,\n");
    assert_eq!(rejects(&dir), "s.csv,4,,encoding,\"2,Z\u{fffd}rich,,,\"\n");
    let declared = with("encoding = \"windows-1252\"", dir.bytes("in/s.csv"));
    assert!(profiles(&declared, &[]).contains("2,Zürich,"));
}

#[test]
fn bytes_without_a_character_are_a_reject_in_any_encoding() {
    let head = "id,t,n,f,d\n1,a,,,\n";
    let file = |encoding, bad: &[u8], tail: &[u8]| {
        [
            encoded(head, encoding),
            encoded("2,", encoding),
            bad.to_vec(),
            encoded(",,,\n3,c,,,\n", encoding),
            tail.to_vec(),
        ]
        .concat()
    };
    let mut cases = vec![
        ("utf-16le", file(Encoding::Utf16Le, &[0x00, 0xD8], b"")),
        ("utf-16be", file(Encoding::Utf16Be, &[0xDC, 0x00], b"")),
    ];
    cases.extend([0x81, 0x8D, 0x8F, 0x90, 0x9D].map(|b| ("windows-1252", file(Encoding::Windows1252, &[b], b""))));
    for (encoding, bytes) in cases {
        let dir = with(&format!("encoding = \"{encoding}\""), bytes);
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n3,c,,,\n");
        assert_eq!(rejects(&dir), "s.csv,3,,encoding,\"2,\u{fffd},,,\"\n", "{encoding}");
    }
    // Half a character at the end is a row of its own, so nothing is lost silently.
    let dir = with("encoding = \"utf-16le\"", file(Encoding::Utf16Le, &[b'b', 0], b"\x41"));
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n2,b,,,\n3,c,,,\n");
    assert_eq!(rejects(&dir), "s.csv,5,,encoding,\u{fffd}\n");
}

#[test]
fn latin1_is_the_standard_and_not_windows() {
    let bytes = b"id,t,n,f,d\n1,\x80\x93x,,,\n".as_slice();
    assert_eq!(profiles(&with("encoding = \"latin1\"", bytes), &[]), "1,\u{80}\u{93}x,,,\n");
    assert_eq!(profiles(&with("encoding = \"windows-1252\"", bytes), &[]), "1,€“x,,,\n");
}

#[test]
fn another_encoding_or_delimiter_is_another_run() {
    let dir = with("", b"id,t,n,f,d\n1,\x80,,,\n".as_slice());
    for (args, want) in [
        (vec!["--encoding", "latin1"], "1,\u{80},,,\n"),
        (vec!["--encoding", "windows-1252"], "1,€,,,\n"),
        (vec!["--encoding", "windows-1252", "--delimiter", ","], "1,€,,,\n"),
    ] {
        let events = run(&dir, &[&args[..], &["--log-format", "json"]].concat()).events();
        assert_eq!(events.last().map(|e| &e["status"]), Some(&"succeeded".into()), "{args:?}");
        assert_eq!(profiles(&dir, &args), want);
        let events = run(&dir, &[&args[..], &["--log-format", "json"]].concat()).events();
        assert_eq!(events.last().map(|e| &e["status"]), Some(&"up_to_date".into()), "{args:?}");
    }
    // Shards of an unfinished run are not reused by a run that reads the same bytes in another way.
    let broken = ["--encoding", "latin1", "--fresh", "--shards", "1", "--chaos", "fail:0:always", "--max-retries", "0"];
    run(&dir, &broken).expect(5);
    assert_eq!(profiles(&dir, &["--encoding", "windows-1252", "--shards", "1"]), "1,€,,,\n");
}

#[test]
fn an_undeclared_encoding_is_asked_for() {
    let told = |bytes: Vec<u8>| run(&with("", bytes), &[]).expect(4);
    let utf16 = told(encoded(TEXT, Encoding::Utf16Le));
    assert!(utf16.contains("column `id` is missing") && utf16.contains("needs `encoding = \"utf-16le\"`"), "{utf16}");
    let latin1 = told(encoded("id,t,n,f,Tag für Tag\n", Encoding::Latin1));
    assert!(latin1.contains("the header is not UTF-8: set `encoding` in the spec"), "{latin1}");
}

#[test]
fn lines_are_counted_in_every_encoding() {
    let text = "\r\nid,t,n,f,d\r\n1,\"a\r\nb\rc\nd\",x,,\r\n2,,,,2026-02-30\r3,,,,,\n";
    let want = "s.csv,3,n,bad_value,x\ns.csv,7,d,bad_value,2026-02-30\ns.csv,8,,field_count,\"3,,,,,\"\n";
    for (encoding, bytes) in marked(text) {
        let dir = with("", bytes);
        profiles(&dir, &[]);
        assert_eq!(rejects(&dir), want, "{encoding}");
    }
    let open = text.replace("2,,", "2,\"x,");
    for (_, bytes) in marked(&open) {
        let told = run(&with("", bytes), &[]).expect(4);
        assert!(told.contains("`s.csv` line 7: a quote opens here and is never closed"), "{told}");
    }
}

#[test]
fn wrong_names_are_wrong_usage_or_a_wrong_spec() {
    let told = run(&with("", TEXT), &["--encoding", "ebcdic"]).expect(2);
    assert!(
        told.contains("utf-8, utf-16le, utf-16be, windows-1252, latin1 or another name that web browsers know"),
        "{told}"
    );
    let told = run(&with("encoding = \"ebcdic\"", TEXT), &[]).expect(3);
    assert!(told.contains("`p.toml` line 7: unknown encoding `ebcdic`"), "{told}");
}
