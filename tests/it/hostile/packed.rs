//! Archives and compressed files: what is in them is read, and what cannot be trusted is refused by its name.

use super::{profiles, rejects, run, with};
use crate::packing::{FORMS, Table, form, gz, zip};
use crate::workdir::Workdir;

const HEAD: &str = "id,t,n,f,d\n";

fn refused(dir: &Workdir) -> String {
    let told = run(dir, &[]).expect(4);
    assert!(!dir.exists("data_out/profiles.csv"));
    told
}

/// A folder whose source reads all files of these patterns.
fn reading(patterns: &str) -> Workdir {
    let dir = with("", HEAD);
    std::fs::remove_file(dir.path("in/s.csv")).expect("removed");
    dir.write("p.toml", dir.read("p.toml").replace("\"s*.csv\"", patterns));
    dir
}

fn table() -> Table {
    let texts = |row: &[&str]| row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let rows = [["1", "a, \"b\"", "7", "1.5", "2026-01-02"], ["2", "two\nlines", "", "", ""], ["1", "c", "8", "", ""]];
    (texts(&["id", "t", "n", "f", "d"]), rows.iter().map(|row| texts(row)).collect())
}

#[test]
fn every_form_is_known_by_its_first_bytes_whatever_its_name() {
    for name in FORMS {
        let dir = with("", form(name, &table()));
        assert_eq!(profiles(&dir, &[]), "1,c,8,,\n2,\"two\nlines\",,,\n", "{name}");
        let told = dir.onefold(&["explain", "2", "--input", "in"]);
        told.expect(0);
        assert!(told.stdout().contains("s.csv"), "{name}: {}", told.stdout());
        let line = match name {
            "csv" | "gz" | "zst" | "zip" | "gz in zip" | "json" | "xlsx" => 3,
            _ => 2,
        };
        assert!(told.stdout().contains(&format!("line {line}")), "{name}: {}", told.stdout());
    }
}

#[test]
fn members_are_read_in_order_and_wanted_by_patterns() {
    let member = |rows: &str| format!("{HEAD}{rows}").into_bytes();
    let dir = reading("\"WE_*.ZIP!Account*.csv\", \"more.csv\"");
    let (one, two, other) = (member("1,one,,,\n2,b,,,\n"), member("1,two,,,\n"), member("9,x,,,\n"));
    dir.write("in/WE_1.ZIP", zip(&[("Account-2.csv", &two), ("Contact.csv", &other), ("Account-1.csv", &one)]));
    dir.write("in/WE_2.ZIP", zip(&[("Contact.csv", &other)]));
    dir.write("in/more.csv", member("3,,,,\n"));
    assert_eq!(profiles(&dir, &[]), "1,two,,,\n2,b,,,\n3,,,,\n");
    let inputs = dir.manifest("data_out").inputs;
    let names: Vec<(&str, Option<&str>)> = inputs.iter().map(|i| (i.file.as_str(), i.member.as_deref())).collect();
    let in_zip = |name: &'static str| (["WE_1.ZIP!", name].concat(), Some(name));
    let want = [in_zip("Account-1.csv"), in_zip("Account-2.csv"), ("more.csv".to_owned(), None)];
    assert_eq!(names, want.each_ref().map(|(file, member)| (file.as_str(), *member)));
    // A member can be named by hand, as it stands in the manifest.
    let by_hand = format!("s={}!Contact.csv", dir.path("in/WE_2.ZIP").display());
    assert_eq!(profiles(&dir, &["--source", &by_hand]), "9,x,,,\n");
    let dir = reading("\"WE_1.ZIP!Lead.csv\"");
    dir.write("in/WE_1.ZIP", zip(&[("Account.csv", &one)]));
    assert!(refused(&dir).contains("no member that `WE_1.ZIP!Lead.csv` names"));
    let dir = reading("\"s.csv!x\"");
    dir.write("in/s.csv", HEAD);
    assert!(refused(&dir).contains("`s.csv` is no archive of files"));
    dir.write("in/s.csv", form("xlsx", &table()));
    assert!(refused(&dir).contains("`s.csv` is no archive of files"));
}

#[test]
fn a_packed_file_stands_for_the_one_that_the_spec_names() {
    for (end, bytes) in [(".gz", gz(b"id,t,n,f,d\n1,a,,,\n")), (".zip", zip(&[("x", b"id,t,n,f,d\n1,a,,,\n")]))] {
        let dir = reading("\"s.csv\"");
        dir.write(&format!("in/s.csv{end}"), bytes);
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n", "{end}");
        dir.write("in/s.csv", format!("{HEAD}2,b,,,\n"));
        assert_eq!(profiles(&dir, &[]), "2,b,,,\n", "{end}");
    }
}

#[test]
fn rejects_name_the_member_and_its_line() {
    let dir = with("", zip(&[("a/b.csv", b"id,t,n,f,d\n1,a,,,\n2,b\n3,c,x,,\n4,,,,\n")]));
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n3,c,,,\n4,,,,\n");
    assert_eq!(rejects(&dir), "s.csv!a/b.csv,3,,field_count,\"2,b\"\ns.csv!a/b.csv,4,n,bad_value,x\n");
}

#[test]
fn lines_are_right_far_into_a_file_of_any_form() {
    let names = ["id", "t", "n", "f", "d"].map(str::to_owned).to_vec();
    let rows =
        (1..=30_000).map(|i| vec![format!("c{i}"), "two\nlines".to_owned(), "7".into(), String::new(), String::new()]);
    let table: Table = (names, rows.collect());
    for (name, line) in [("csv", 60_000), ("jsonl", 30_000), ("xlsx", 30_001), ("parquet", 30_000)] {
        let dir = with("", form(name, &table));
        run(&dir, &[]).expect(0);
        let told = dir.onefold(&["explain", "c30000", "--input", "in"]).stdout();
        assert!(
            told.contains(&format!("s.csv line {line}\n")) || told.contains(&format!("s.csv line {line})")),
            "{name}: {told}"
        );
    }
}

#[test]
fn the_same_bytes_are_read_once_however_they_are_packed() {
    let text = format!("{HEAD}1,a,1,,\n").into_bytes();
    let dir = reading("\"s*\"");
    let sums = dir.read("p.toml").replace("keep = [\"t\", \"n\", \"f\", \"d\"]", "aggregates = { n_sum = \"sum(n)\" }");
    dir.write("p.toml", sums.replace("\"t\", \"n\", \"f\", \"d\"]", "\"n_sum\"]"));
    dir.write("in/s.csv", &text);
    dir.write("in/s.csv.gz", gz(&text));
    dir.write(
        "in/s.zip",
        zip(&[("one.csv", &text), ("two.csv.gz", &gz(&text)), ("three.csv", b"id,t,n,f,d\n1,,5,,\n")]),
    );
    let told = run(&dir, &[]).expect(0);
    assert!(told.contains("`s.csv.gz` is the same as `s.csv` and is not read again"), "{told}");
    assert_eq!(profiles(&dir, &[]), "1,6\n");
    let duplicates = dir.manifest("data_out").duplicates;
    assert_eq!(
        duplicates.iter().map(|d| d.file.as_str()).collect::<Vec<_>>(),
        ["s.csv.gz", "s.zip!one.csv", "s.zip!two.csv.gz"]
    );
}

/// The archive with the byte at this place behind a mark changed.
fn changed(archive: &[u8], mark: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let start = archive.windows(mark.len()).position(|part| part == mark).expect("a mark");
    let mut archive = archive.to_vec();
    archive[start + at] = byte;
    archive
}

#[test]
fn what_is_not_whole_is_refused_with_file_and_member() {
    let rows: String = (0..5000).map(|i| format!("{i},{},,,\n", i * 7919 % 1013)).collect();
    let text = format!("{HEAD}{rows}").into_bytes();
    let (gzip, zst) = (gz(&text), zstd::encode_all(text.as_slice(), 1).expect("packed"));
    let archive = zip(&[("s.csv", &text)]);
    let (local, central) = (b"PK\x03\x04", b"PK\x01\x02");
    let half = |bytes: &[u8]| bytes[..bytes.len() * 2 / 3].to_vec();
    let mut wrong_sum = gzip.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 1;
    for (name, bytes, file, want) in [
        ("half a gz", half(&gzip), "s.csv", "half a download"),
        ("half a zst", half(&zst), "s.csv", "half a download"),
        ("half a zip", half(&archive), "s.csv", "half a download"),
        ("half a gz in a zip", zip(&[("s.csv.gz", &half(&gzip))]), "s.csv!s.csv.gz", "half a download"),
        ("a gz with a wrong checksum", wrong_sum, "s.csv", "is damaged"),
        ("a zip with a wrong checksum", changed(&archive, central, 16, 0x77), "s.csv!s.csv", "is damaged"),
        ("an encrypted zip", changed(&changed(&archive, local, 6, 1), central, 8, 1), "s.csv!s.csv", "is encrypted"),
        (
            "an unknown method",
            changed(&changed(&archive, local, 8, 99), central, 10, 99),
            "s.csv!s.csv",
            "is packed by AES",
        ),
        ("a zip in a zip", zip(&[("in.zip", &archive)]), "s.csv!in.zip", "packed within what is packed"),
        ("a gz in a gz", gz(&gzip), "s.csv", "packed within what is packed"),
        ("an empty zip", zip(&[]), "s.csv", "no member"),
    ] {
        let told = refused(&with("", bytes));
        assert!(told.contains(&format!("`{file}`")) && told.contains(want), "{name}: {told}");
    }
}

#[test]
fn bombs_are_refused() {
    let zeros = vec![b'0'; 64 << 20];
    let bomb = [HEAD.as_bytes(), b"1,", &zeros, b",,,\n"].concat();
    for (name, bytes) in [
        ("gz", gz(&bomb)),
        ("zip", zip(&[("s.csv", &bomb)])),
        ("zst", zstd::encode_all(bomb.as_slice(), 1).expect("packed")),
    ] {
        // The fastest packing of gzip is 230 times smaller; what is packed twice is smaller still.
        let (bytes, want) =
            if name == "gz" { (zip(&[("s.gz", &bytes)]), "times its size") } else { (bytes, "times its size") };
        let told = refused(&with("", bytes));
        assert!(told.contains(want), "{name}: {told}");
    }
    let told =
        run(&with("", gz(&[HEAD.as_bytes(), &zeros[..100_000]].concat())), &["--max-unpacked", "50KB"]).expect(4);
    assert!(told.contains("more than 50.0 kB") && told.contains("--max-unpacked"), "{told}");
}

#[test]
fn what_no_reader_understands_is_refused_by_its_right_name() {
    let tar = [&[0; 257][..], b"ustar", &[0; 300]].concat();
    let docx = zip(&[("[Content_Types].xml", b""), ("word/document.xml", b"")]);
    let ods = zip(&[("META-INF/manifest.xml", b""), ("content.xml", b"")]);
    let page = "\n<!DOCTYPE html><html><body>Please log in</body></html>";
    for (bytes, want) in [
        (page.as_bytes().to_vec(), "a web page (HTML)"),
        (gz(page.as_bytes()), "a web page (HTML)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n".to_vec(), "git lfs pull"),
        (b"<?xml version=\"1.0\"?><a/>".to_vec(), "an XML file"),
        (b"%PDF-1.7\n".to_vec(), "a PDF file"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), "an old Excel file"),
        (tar.clone(), "a tar archive"),
        (gz(&tar), "a tar archive"),
        (docx, "a Word file"),
        (ods, "an OpenDocument file"),
        (b"PAR1\x15\0\0".to_vec(), "half a download"),
        (vec![0; 5000], "an unfinished download"),
        (b"\xFF\xFE\0\0i\0\0\0".to_vec(), "UTF-32"),
        (b"SQLite format 3\0".to_vec(), "an SQLite database"),
    ] {
        let told = refused(&with("", bytes));
        assert!(told.contains(want) && told.contains("`s.csv`"), "{want}: {told}");
    }
}
