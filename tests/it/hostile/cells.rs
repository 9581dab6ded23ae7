//! JSON, sheets and Parquet: names, types and cells as their owners meant them, or refused.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};

use super::{profiles, rejects, run, with};
use crate::packing::{number_cell, parquet_of, sheet_of, text_cell, xlsx};
use crate::workdir::Workdir;

fn refused(dir: &Workdir) -> String {
    let told = run(dir, &[]).expect(4);
    assert!(!dir.exists("data_out/profiles.csv"));
    told
}

#[test]
fn json_names_may_be_nested_missing_or_late() {
    let keys = "columns = { t = [\"person.name\", \"name\"], d = \"since\" }\noptional = [\"t\", \"f\"]\nheaders = \"any_case\"";
    let lines = "{\"id\": 1, \"n\": 7, \"since\": null, \"person\": {\"name\": \"a\", \"x\": [1]}}\n\n\
                 {\"ID\": \"2\", \"N\": \"8\", \"since\": \"2026-01-02\", \"name\": \"b\", \"f\": 1.50}\r\n\
                 {\"id\": 12345678901234567890123, \"person\": {\"name\": \"\\u00e9\\n\"}}\n{}\n";
    let dir = with(keys, lines);
    assert_eq!(profiles(&dir, &[]), "1,a,7,,\n12345678901234567890123,\"\u{e9}\n\",,,\n2,b,8,1.5,2026-01-02\n");
    let ledger = &dir.manifest("data_out").ledger.0["s"];
    assert_eq!((ledger.rows_read, ledger.rows_blank), (4, 1));
    let array = format!("[{}]", lines.trim().replace("\n\n", "\n").replace("}\r\n", "},").replace("}\n{", "},\n{"));
    assert_eq!(profiles(&with(keys, &array), &[]), profiles(&dir, &["--fresh"]));
    // A name that no record of the sample has can still come.
    let many: String = (0..2000).map(|i| format!("{{\"id\": {i}, \"n\": 1, \"since\": null}}\n")).collect();
    let dir = with(keys, format!("{many}{{\"id\": 1, \"n\": 2, \"since\": null, \"f\": 2.5, \"Name\": \"late\"}}\n"));
    assert!(profiles(&dir, &[]).starts_with("1,late,2,2.5,\n"));
}

#[test]
fn json_that_is_none_costs_its_line_or_the_file() {
    let dir = with(
        "optional = [\"t\", \"n\", \"f\", \"d\"]",
        "{\"id\": 1}\n{\"id\": 2\n{\"id\": 3, \"id\": 4}\n[5]\n{\"id\": 6}\n{\"id\": 7}\n{\"id\": 8}\n",
    );
    assert_eq!(profiles(&dir, &[]), "1,,,,\n6,,,,\n7,,,,\n8,,,,\n");
    assert_eq!(rejects(&dir).lines().map(|l| l.split(',').nth(3).unwrap_or("")).collect::<Vec<_>>(), ["json"; 3]);
    for (text, want) in [
        ("[{\"id\": 1}", "half a download"),
        ("[{\"id\": 1} {\"id\": 2}]", "`s.csv` line 1: a comma"),
        ("[{\"id\": 1},\n 5]", "line 2: here stands no object"),
        ("[{\"id\": 1}]\nx", "behind the end of the array"),
        ("{\n \"id\": 1\n}\n", "an object on each line"),
        ("{\"id\": {\"0\": 1, \"1\": 2}}\n", "1 of 1 rows were rejected"),
        ("{\"name\": 1}\n", "have no `id`"),
    ] {
        let told = refused(&with("optional = [\"t\", \"n\", \"f\", \"d\"]", text));
        assert!(told.contains(want), "{text}: {told}");
    }
    let told = refused(&with("format = \"parquet\"", "{\"id\": 1}\n"));
    assert!(told.contains("`format` says parquet"), "{told}");
    assert!(run(&with("format = \"xls\"", ""), &[]).expect(3).contains("use csv, jsonl, json, xlsx, parquet"));
}

/// A workbook: notes above the header, dates as serials, a total below.
fn workbook() -> Vec<u8> {
    let mut rows = format!("<row r=\"1\">{}</row>", text_cell(1, 0, "Report of May"));
    let header = ["id", "t", "n", "f", "d"].iter().enumerate().map(|(at, name)| text_cell(3, at, name));
    rows += &format!("<row r=\"3\">{}</row>", header.collect::<String>());
    let cells =
        [number_cell(4, 0, "1001", 0), text_cell(4, 1, "a"), number_cell(4, 2, "7", 0), number_cell(4, 3, "0.1", 0)];
    rows += &format!("<row r=\"4\">{}{}</row>", cells.concat(), number_cell(4, 4, "46024", 1));
    let cells = [text_cell(6, 0, "002"), number_cell(6, 1, "46024.5", 2), text_cell(6, 4, "02.01.2026")];
    rows += &format!("<row r=\"6\">{}</row>", cells.concat());
    rows += &format!("<row r=\"7\">{}{}</row>", text_cell(7, 0, "3"), number_cell(7, 1, "1.5", 3));
    rows += &format!("<row r=\"9\">{}</row>", text_cell(9, 0, "Total: 3"));
    let hidden = sheet_of(&format!("<row r=\"1\">{}</row>", text_cell(1, 0, "x")), "A1");
    xlsx(&[("Notes", false, &hidden), ("May", true, &sheet_of(&rows, "A1:E9"))])
}

#[test]
fn the_first_visible_sheet_is_read_with_its_dates() {
    let dir = with("skip_lines = 2\nfooter = [\"Total*\"]", workbook());
    dir.write("p.toml", dir.read("p.toml").replace("\"date\"", "\"date(%d.%m.%Y)\""));
    assert_eq!(profiles(&dir, &[]), "002,2026-01-02 12:00:00,,,2026-01-02\n1001,a,7,0.1,2026-01-02\n3,36:00:00,,,\n");
    assert_eq!(dir.manifest("data_out").inputs[0].sheet.as_deref(), Some("May"));
    let told = dir.onefold(&["explain", "002", "--input", "in"]).stdout();
    assert!(told.contains("line 6"), "the row's number in the sheet: {told}");
    let told = refused(&with("sheet = \"June\"", workbook()));
    assert!(told.contains("no sheet `June`; it has `Notes`, `May`"), "{told}");
    assert!(refused(&with("sheet = \"Notes\"", workbook())).contains("`id`"));
}

#[test]
fn a_sheet_that_claims_to_be_huge_takes_no_memory() {
    let cells = ["id", "t", "n", "f", "d"].iter().enumerate().map(|(at, name)| text_cell(1, at, name));
    let far = "<c r=\"XFD1048576\" t=\"inlineStr\"><is><t>far</t></is></c>";
    let rows = format!("<row r=\"1\">{}</row><row r=\"2\">{}</row>", cells.collect::<String>(), text_cell(2, 0, "1"));
    let dir = with("", xlsx(&[("S", true, &sheet_of(&rows, "A1:XFD1048576"))]));
    assert_eq!(profiles(&dir, &[]), "1,,,,\n");
    let rows = format!("{rows}<row r=\"1048576\">{far}</row>");
    let dir = with("", xlsx(&[("S", true, &sheet_of(&rows, "A1:XFD1048576"))]));
    assert_eq!(profiles(&dir, &[]), "1,,,,\n");
    assert!(rejects(&dir).starts_with("s.csv,1048576,,field_count,"));
    let broken = sheet_of("<row r=\"1\"><c r=\"A1\"", "A1");
    assert!(refused(&with("", xlsx(&[("S", true, &broken)]))).contains("cannot be read as xlsx"));
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("a batch")
}

fn typed() -> RecordBatch {
    let moment = 1_767_355_200_000_000i64;
    batch(vec![
        (
            "t",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(moment), None, Some(moment + 1)]).with_timezone("UTC")),
        ),
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("n", Arc::new(Int64Array::from(vec![Some(7), None, Some(-1)]))),
        ("f", Arc::new(Decimal128Array::from(vec![150, 5, 0]).with_precision_and_scale(9, 2).expect("a scale"))),
        ("d", Arc::new(Date32Array::from(vec![Some(20455), None, Some(0)]))),
    ])
}

#[test]
fn values_of_parquet_keep_their_types_whatever_the_codec() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        let dir = with("where = \"id <> '3' or n < 0\"\ndecimal = \",\"", parquet_of(&typed(), codec));
        dir.write("p.toml", dir.read("p.toml").replace("\"date\"", "\"date(%d.%m.%Y)\""));
        let want =
            "1,2026-01-02 12:00:00Z,7,1.5,2026-01-02\n2,,,0.05,\n3,2026-01-02 12:00:00.000001Z,-1,0.0,1970-01-01\n";
        assert_eq!(profiles(&dir, &[]), want, "{codec}");
    }
}

#[test]
fn types_of_parquet_must_meet_those_of_the_spec() {
    let ids = || -> ArrayRef { Arc::new(StringArray::from(vec!["1"])) };
    let float: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)])]));
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_767_355_200_000_000_000]));
    let outer = StructArray::from(vec![(Arc::new(Field::new("name", DataType::Utf8, true)), ids())]);
    let columns = |name: &'static str, array: ArrayRef| {
        let all = ["id", "t", "n", "f", "d"].map(|column| (column, if column == name { array.clone() } else { ids() }));
        parquet_of(&batch(all.to_vec()), Compression::SNAPPY)
    };
    for (name, array, want) in [
        ("n", float.clone(), "column `n` of `s.csv` is Float64 and cannot be int: declare it float"),
        ("id", float.clone(), "an id must be a text or an integer"),
        ("d", nanos.clone(), "declare it datetime"),
        ("d", Arc::new(BooleanArray::from(vec![true])), "declare it bool"),
        ("t", list, "name a column of single values"),
    ] {
        assert!(refused(&with("", columns(name, array))).contains(want), "{name}");
    }
    let dir = with("optional = [\"d\"]", columns("t", nanos));
    assert_eq!(profiles(&dir, &["--max-rejects", "100%"]), "1,2026-01-02 12:00:00,1,1.0,\n");
    let all = [("id", ids()), ("who", Arc::new(outer) as ArrayRef), ("f", float)];
    let nested = parquet_of(&batch(all.to_vec()), Compression::SNAPPY);
    let dir = with("columns = { t = \"who.name\" }\noptional = [\"n\", \"d\"]", nested);
    assert_eq!(profiles(&dir, &[]), "1,1,,1.0,\n");
}

#[test]
fn a_number_in_the_form_of_a_date_is_no_date() {
    let header = ["id", "t", "n", "f", "d"].iter().enumerate().map(|(at, name)| text_cell(1, at, name));
    let mut rows = format!("<row r=\"1\">{}</row>", header.collect::<String>());
    for (row, serial) in [(2, "20260131"), (3, "-1"), (4, "2958466"), (5, "46024")] {
        let cells =
            [text_cell(row, 0, &format!("c{row}")), number_cell(row, 1, "-1.5", 3), number_cell(row, 4, serial, 1)];
        rows += &format!("<row r=\"{row}\">{}</row>", cells.concat());
    }
    let dir = with("", xlsx(&[("S", true, &sheet_of(&rows, "A1:E5"))]));
    let line = |row: usize, date: &str| format!("c{row},-36:00:00,,,{date}\n");
    let want = [line(2, ""), line(3, ""), line(4, ""), line(5, "2026-01-02")].concat();
    assert_eq!(profiles(&dir, &[]), want);
    assert_eq!(rejects(&dir), "s.csv,2,d,bad_value,20260131\ns.csv,3,d,bad_value,-1\ns.csv,4,d,bad_value,2958466\n");
    let twice = rows.replace("r=\"3\"", "r=\"2\"").replace("A3", "A2").replace("B3", "B2").replace("E3", "E2");
    assert!(refused(&with("", xlsx(&[("S", true, &sheet_of(&twice, "A1:E5"))]))).contains("has a cell twice"));
}

#[test]
fn one_row_of_equal_values_counts() {
    let rows = "id,t,n,f,d\n1,i1,5,,2026-01-02\n1,i1,7,,2026-01-01\n1,i2,1,,\n1,,2,,\n1,,2,,\n2,i1,9,,\n";
    let sums = |keys: &str| {
        let dir = with(keys, rows);
        let spec = dir
            .read("p.toml")
            .replace("keep = [\"t\", \"n\", \"f\", \"d\"]", "aggregates = { n_sum = \"sum(n)\", k = \"count(*)\" }");
        dir.write("p.toml", spec.replace("\"t\", \"n\", \"f\", \"d\"]", "\"n_sum\", \"k\"]"));
        let got = profiles(&dir, &[]);
        let ledger = dir.manifest("data_out").ledger.0["s"].clone();
        let told = dir.onefold(&["explain", "1", "--input", "in", "--json"]).stdout();
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["sources"][0]["used"], ledger.rows_used - 1, "{keys}");
        (got, ledger.rows_used, ledger.rows_superseded)
    };
    assert_eq!(sums(""), ("1,17,5\n2,9,1\n".to_owned(), 6, 0));
    assert_eq!(sums("unique_by = [\"t\"]"), ("1,12,4\n2,9,1\n".to_owned(), 5, 1));
    assert_eq!(sums("unique_by = [\"t\"]\nlatest_by = \"d\""), ("1,10,4\n2,9,1\n".to_owned(), 5, 1));
    assert_eq!(sums("unique_by = [\"t\", \"n\"]"), ("1,17,5\n2,9,1\n".to_owned(), 6, 0));
}

#[test]
fn numbers_of_a_file_may_be_moments_and_ids_of_too_many_digits_are_none() {
    let dir = with(
        "optional = [\"t\", \"n\", \"f\"]",
        "{\"id\": 1, \"d\": 1767225600}\n{\"id\": 2, \"d\": \"1767225600\"}\n{\"id\": 3, \"d\": true}\n",
    );
    dir.write("p.toml", dir.read("p.toml").replace("d = \"date\"", "d = \"date(epoch_s)\""));
    assert_eq!(profiles(&dir, &[]), "1,,,,2026-01-01\n2,,,,2026-01-01\n3,,,,\n");
    let header = ["id", "t", "n", "f", "d"].iter().enumerate().map(|(at, name)| text_cell(1, at, name));
    let mut rows = format!("<row r=\"1\">{}</row>", header.collect::<String>());
    let numbers = ["1.234567890123457E18", "1234567890123456781", "123456789012345", "46024"];
    for (at, number) in numbers.iter().enumerate() {
        rows += &format!(
            "<row r=\"{0}\">{1}{2}</row>",
            at + 2,
            number_cell(at + 2, 0, number, 0),
            number_cell(at + 2, 4, "46024", 0)
        );
    }
    let dir = with("", xlsx(&[("S", true, &sheet_of(&rows, "A1:E5"))]));
    dir.write("p.toml", dir.read("p.toml").replace("d = \"date\"", "d = \"date(excel)\""));
    assert_eq!(profiles(&dir, &[]), "123456789012345,,,,2026-01-02\n46024,,,,2026-01-02\n");
    assert_eq!(rejects(&dir).matches(",rounded_id,").count(), 2);
}
