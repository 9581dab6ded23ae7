//! Delimiters from the spec, the flag and the header; the comma as decimal mark.

use super::{SPEC, profiles, rejects, run, with};
use crate::workdir::Workdir;

const WANT: &str = "1,a;b|c\td,7,1.5,2026-01-31\n2,\"x,y\",,,\n";

/// The same two rows with this delimiter.
fn file(delimiter: char) -> String {
    let text = "id~t~n~f~d\n1~\"a;b|c\td\"~7~1.5~2026-01-31\n2~\"x,y\"~~~\n";
    text.replace('~', &delimiter.to_string())
}

#[test]
fn a_delimiter_is_detected_from_the_header_and_reported() {
    for (delimiter, name) in [(';', ";"), ('\t', "tab"), ('|', "|")] {
        let dir = with("", file(delimiter));
        assert_eq!(profiles(&dir, &[]), WANT);
        assert_eq!(dir.manifest("data_out").inputs[0].delimiter.as_deref(), Some(name));
        let events = run(&dir, &["--log-format", "json"]).events();
        let found = events.iter().find(|e| e["event"] == "delimiter_found").expect("told");
        assert_eq!(
            (&found["source"], &found["file"], &found["delimiter"]),
            (&"s".into(), &"s.csv".into(), &name.into())
        );
        let check = dir.onefold(&["check", "--input", "in", "--profile", "p.toml"]).stdout();
        assert!(
            check.contains(&format!("s.csv is utf-8, its delimiter is `{name}`, detected from the header")),
            "{check}"
        );
    }
    let dir = with("", file(','));
    assert_eq!(profiles(&dir, &[]), WANT);
    assert!(run(&dir, &["--log-format", "json"]).events().iter().all(|e| e["event"] != "delimiter_found"));
}

#[test]
fn a_delimiter_is_declared_in_the_spec_or_by_the_flag() {
    for (delimiter, names) in [(',', vec![","]), (';', vec![";"]), ('\t', vec!["tab", "\\t"]), ('|', vec!["|"])] {
        for name in names {
            assert_eq!(profiles(&with("", file(delimiter)), &["--delimiter", name]), WANT);
            let dir = with(&format!("delimiter = \"{name}\""), file(delimiter));
            assert_eq!(profiles(&dir, &["--delimiter", if delimiter == '|' { ";" } else { "|" }]), WANT);
            let check = dir.onefold(&["check", "--input", "in", "--profile", "p.toml"]).stdout();
            assert_eq!(check.contains("its delimiter is"), delimiter != ',', "{check}");
        }
    }
    let told = run(&with("delimiter = \"ab\"", file(';')), &[]).expect(3);
    assert!(told.contains("`p.toml` line 7: `ab` is not a valid delimiter"), "{told}");
    run(&with("", file(';')), &["--delimiter", "ab"]).expect(2);
}

#[test]
fn a_header_that_fits_no_delimiter_is_reported_with_the_likeliest() {
    let told = |text: &str, args: &[&str]| run(&with("", text), args).expect(4);
    let semicolon = told("id;t;n;f;day\n", &[]);
    assert!(semicolon.contains("column `d` is missing in the header of `s.csv`, read with `;`"), "{semicolon}");
    let comma = told("id,t,n,f,day\n", &[]);
    assert!(comma.contains("column `d` is missing in the header of `s.csv`\n"), "{comma}");
    let declared = told("id,t,n,f,d\n", &["--delimiter", "tab"]);
    assert!(
        declared.contains("column `id` is missing in the header of `s.csv`, read with the delimiter `tab`"),
        "{declared}"
    );
    let unknown = told("id:t:n:f:d\n", &[]);
    assert!(unknown.contains("column `id` is missing in the header of `s.csv`"), "{unknown}");
    let twice = told("id;t;n;f;d;t\n", &[]);
    assert!(twice.contains("the header of `s.csv` has the column `t` twice"), "{twice}");
}

#[test]
fn two_delimiters_that_both_fit_are_asked_about() {
    let dir = with("", "id;x|id\n1;2|3\n");
    dir.write(
        "p.toml",
        "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\n[output]\ncolumns = [\"id\"]\n",
    );
    let told = run(&dir, &[]).expect(4);
    assert!(told.contains("both `;` and `|` could be the delimiter of `s.csv`: set `delimiter` in the spec"), "{told}");
    assert_eq!(profiles(&dir, &["--delimiter", "|"]), "3\n");
}

#[test]
fn quotes_follow_the_delimiter_of_the_file() {
    // With a comma, the quote after it would open a field that goes on to the end of the file.
    let dir = with("", "id;t;n;f;d\n1;a,\"b;7;;\n2;c;8;;\n");
    assert_eq!(profiles(&dir, &[]), "1,\"a,\"\"b\",7,,\n2,c,8,,\n");
    let dir = with("", "id;t;n;f;d\n1;a,\"b;7;;\n2;\"c;\nd\";8;;\n");
    assert_eq!(profiles(&dir, &[]), "1,\"a,\"\"b\",7,,\n2,\"c;\nd\",8,,\n");
}

#[test]
fn a_comma_can_be_the_decimal_mark() {
    let spec = SPEC.replace("f = \"float\"", "f = \"float\", t = \"decimal(12,2)\"");
    let dir = with("", "id;t;n;f;d\n1;1234,50;7;-1,5e2;\n2;1.50;;1.5;\n3;1.234,5;1,0;,5;\n4;5;;6;\n");
    dir.write("p.toml", spec.replace("keep =", "decimal = \",\"\nkeep ="));
    assert_eq!(profiles(&dir, &[]), "1,1234.50,7,-150.0,\n2,,,,\n3,,1,0.5,\n4,5.00,,6.0,\n");
    let bad = "s.csv,3,f,bad_value,1.5\ns.csv,3,t,bad_value,1.50\ns.csv,4,t,bad_value,\"1.234,5\"\n";
    assert_eq!(rejects(&dir), bad);
    // If commas separate the fields too, numbers are quoted.
    dir.write("in/s.csv", "id,t,n,f,d\n1,\"0,5\",,\"2,5\",\n");
    assert_eq!(profiles(&dir, &[]), "1,0.50,,2.5,\n");
    dir.write("p.toml", spec.replace("keep =", "decimal = \"'\"\nkeep ="));
    let told = run(&dir, &[]).expect(3);
    assert!(told.contains("`p.toml` line 7: `decimal` is \".\" or \",\""), "{told}");
}

#[test]
fn a_bench_passes_the_flags_on() {
    let dir = Workdir::with_sample(20);
    let crm = dir.read("sample_data/crm.csv").replace(',', "|");
    dir.write("sample_data/crm.csv", crm);
    for name in ["billing", "product", "support"] {
        let path = format!("sample_data/{name}.csv");
        dir.write(&path, dir.read(&path).replace(',', "|"));
    }
    let flags = ["--delimiter", "|", "--encoding", "latin1"];
    let bench = ["bench", "--shards", "1", "--runs", "1", "--warm-up", "0"];
    let table = dir.onefold(&[&bench[..], &flags].concat());
    table.expect(0);
    assert!(table.stdout().contains("80 rows"), "{}", table.stdout());
    dir.onefold(&[&["run"], &flags[..]].concat()).expect(0);
    assert_eq!(dir.manifest("data_out").options.delimiter.as_deref(), Some("|"));
    assert_eq!(dir.manifest("data_out").options.encoding.as_deref(), Some("latin1"));
}
