//! Cells and ids as people and programs write them: read as their owners meant them, or bad.

use super::{profiles, rejects, run, with};
use crate::workdir::Workdir;

const HEAD: &str = "id,t,n,f,d\n";

/// The profile with other types, and these rows.
fn typed(more: &str, types: &str, rows: &str) -> Workdir {
    let dir = with(more, format!("{HEAD}{rows}"));
    let spec = dir.read("p.toml").replace("n = \"int\", f = \"float\", d = \"date\"", types);
    dir.write("p.toml", spec);
    dir
}

/// What stands in column `d` for each of the cells.
fn read(more: &str, ty: &str, cells: &[&str]) -> Vec<String> {
    let rows: String = cells.iter().enumerate().map(|(at, cell)| format!("c{at},,,,\"{cell}\"\n")).collect();
    let dir = typed(more, &format!("d = \"{ty}\""), &rows);
    profiles(&dir, &[]).lines().map(|line| line.rsplit(',').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn dates_are_read_strictly_and_in_several_formats() {
    let ty = "date(%d.%m.%Y|%b %d, %Y|%Y%m%d)";
    let cells = ["26.06.26", "26.06.2026", "jan 2, 24", "Jan 2, 2024", "2024012", "20240112"];
    assert_eq!(read("", ty, &cells), ["", "2026-06-26", "", "2024-01-02", "", "2024-01-12"]);
    assert_eq!(read("", "date(excel)", &["45293", "45293.5", "60"]), ["2024-01-02", "", ""]);
    let ty = "datetime(%Y-%m-%dT%H:%M:%S%.f%z|%m/%d/%Y %I:%M %p|epoch_ms)";
    let cells = [
        "2026-01-31T12:00:00.5+02:00",
        "2026-01-31T12:00:00-0500",
        "1/2/2026 1:05 PM",
        "1704164645250",
        "2026-01-31T23:59:60Z",
    ];
    let want = [
        "2026-01-31T10:00:00.500000Z",
        "2026-01-31T17:00:00Z",
        "2026-01-02T13:05:00Z",
        "2024-01-02T03:04:05.250000Z",
        "",
    ];
    assert_eq!(read("", ty, &cells), want);
    let cells = ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-07-01T12:00:00Z"];
    let want = ["", "2026-10-25T00:30:00Z", "2026-07-01T12:00:00Z"];
    assert_eq!(read("zone = \"Europe/Berlin\"", "datetime", &cells), want);
    assert_eq!(read("max_date = \"2030-01-01\"", "date", &["2030-01-01", "9999-12-31"]), ["2030-01-01", ""]);
    assert_eq!(read("max_date = { d = \"2030-01-01\" }", "date", &["2099-01-01"]), [""]);
    let wrong = |more: &str, ty: &str| run(&typed(more, &format!("d = \"{ty}\""), ""), &[]).expect(3);
    assert!(wrong("", "datetime(%Y-%m-%d %H:%M+02:00)").contains("write %z"));
    assert!(wrong("", "date(%d/%m/%Y|%m/%d/%Y)").contains("would be either"));
    assert!(wrong("", "datetime(%Y-%m-%d)").contains("it says no time of day"));
    assert!(wrong("zone = \"Berlin\"", "datetime").contains("Europe/Berlin"));
    assert!(wrong("max_date = { x = \"2030-01-01\" }", "date").contains("no date or datetime `x`"));
    let told = typed("", "d = \"date(%m/%d/%y)\"", "1,,,,1/2/69\n")
        .onefold(&["check", "--input", "in", "--profile", "p.toml"])
        .stdout();
    assert!(told.contains("`d` of source `s` has years of two digits: 00 to 69 are 2000 to 2069"), "{told}");
}

#[test]
fn the_newest_row_may_be_told_by_a_date_and_a_time() {
    let rows = "1,a,9:05 PM,,2026-01-02\n1,b,10:00 AM,,2026-01-02\n1,c,11:00 PM,,2026-01-01\n2,a,,,2026-01-02\n2,b,12:00 AM,,2026-01-02\n2,c,x,,\n";
    let dir = typed("latest_by = [\"d\", \"n\"]", "n = \"time(%I:%M %p)\", d = \"date\"", rows);
    assert_eq!(profiles(&dir, &[]), "1,a,9:05 PM,,2026-01-02\n2,b,12:00 AM,,2026-01-02\n");
    assert_eq!(rejects(&dir), "s.csv,7,n,bad_value,x\n");
    let told = run(&typed("latest_by = [\"d\", \"n\"]", "d = \"date\"", rows), &[]).expect(3);
    assert!(told.contains("set `n = \"time\"`"), "{told}");
}

#[test]
fn numbers_are_read_as_they_are_written() {
    let english = "thousands = \",\"\nstrip = [\"$\", \"%\"]\nnegative_parentheses = true";
    let cells = ["1,011.50", "($5.00)", "12 %", "10,00", "12,50-", "1e3", "5 EUR"];
    assert_eq!(read(english, "decimal(12,2)", &cells), ["1011.50", "-5.00", "12.00", "", "", "", ""]);
    let german = "decimal = \",\"\nthousands = \".\"\nstrip = [\"\u{20ac}\"]\nnegative = \"trailing\"";
    let cells = ["1.299,00", "1.29", "10,00 \u{20ac}", "12,50-", "1299"];
    assert_eq!(read(german, "float", &cells), ["1299.0", "", "10.0", "-12.5", "1299.0"]);
    assert_eq!(read("", "int", &["12.0", "12.5", "1e3", "15:04"]), ["12", "", "", ""]);
    assert_eq!(read("", "bool(WAHR|FALSCH)", &["wahr", "FALSCH", "true", "1"]), ["true", "false", "", ""]);
    assert_eq!(read("nulls = [\"-\", \"n/a\"]", "int", &["-", " n/a ", "7"]), ["", "", "7"]);
    let told = run(&typed("decimal = \",\"\nthousands = \",\"", "d = \"float\"", ""), &[]).expect(3);
    assert!(told.contains("the same mark"), "{told}");
}

/// The ids of rows with these cells as ids.
fn ids(more: &str, kinds: &str, cells: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for (at, cell) in cells.iter().enumerate() {
        csv.write_record([*cell, "t", &at.to_string(), "", ""]).expect("a row");
    }
    let rows = String::from_utf8(csv.into_inner().expect("rows")).expect("text");
    let dir = with(more, format!("{HEAD}{rows}"));
    dir.write("p.toml", dir.read("p.toml").replace("[sources.s]", &format!("{kinds}\n[sources.s]")));
    let first = |text: &str, at: usize| -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|record| record.expect("a record")[at].to_owned()).collect()
    };
    let published = profiles(&dir, &["--max-rejects", "100%"]);
    for id in first(&published, 0) {
        let told = dir.onefold(&["explain", "--input", "in", "--", &id]);
        told.expect(0);
    }
    (first(&published, 0), first(&rejects(&dir), 3))
}

#[test]
fn ids_of_all_forms_meet_and_words_for_nothing_do_not() {
    let text =
        ["NULL", "#N/A", "-", "1.23457E+11", "=\"00123\"", "00123", " \u{200e}x\u{feff}", "x", "\u{200b}", "1E5"];
    let (published, rejected) = ids("", "", &text);
    assert_eq!(published, ["00123", "1E5", "x"]);
    assert_eq!(rejected, ["blank_id", "blank_id", "blank_id", "rounded_id", "blank_id"]);
    assert_eq!(ids("keep_null_words = true", "", &["NULL", "0"]).0, ["0", "NULL"]);
    assert_eq!(ids("strip_prefix = \"CUST-\"", "", &["CUST-7", "7", "CUST-"]).0, ["7"]);
    for (is, cells, want) in [
        ("salesforce_id", &["0013000000DQbn7", "0013000000dqbn7aad", "x"][..], "0013000000DQbn7AAD"),
        ("number", &["1001.0", "01001", "1,001"], "1001"),
        ("email", &["Ann@X.org", "mailto:ann@x.org", "ann"], "ann@x.org"),
        (
            "uuid",
            &["{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f"],
            "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        ),
        ("phone", &["+49 (30) 1234-56", "0049 30 123456", "030 123456"], "+4930123456"),
    ] {
        let kinds = format!("[identity.kinds]\nk = {{ is = \"{is}\" }}");
        let (published, rejected) = ids("key = { column = \"id\", kind = \"k\" }", &kinds, cells);
        assert_eq!((published, rejected), (vec![want.to_owned()], vec!["bad_id".to_owned()]), "{is}");
    }
    let (published, rejected) = ids("key = [\"id\", \"t\"]", "", &["a|b", "a\\", "", "a|b"]);
    assert_eq!((published, rejected), (vec!["a\\\\|t".to_owned(), "a\\|b|t".to_owned()], vec!["blank_id".to_owned()]));
    let wrong = |key: &str| run(&with(key, HEAD), &[]).expect(3);
    assert!(wrong("key = []").contains("`key` is empty"));
    assert!(wrong("key = [\"a\", \"a\"]").contains("twice"));
}
