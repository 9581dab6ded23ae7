//! What stands around the data and in it: quotes, headers, footers, comments, filters, short records, and files that would
//! leave nobody.

use super::{profiles, rejects, run, with};
use crate::workdir::Workdir;

const HEAD: &str = "id,t,n,f,d\n";

/// A run that fails with exit code 4 and publishes nothing; gives what is told.
fn refused(dir: &Workdir) -> String {
    let told = run(dir, &[]).expect(4);
    assert!(!dir.exists("data_out/profiles.csv"));
    told
}

/// The reasons in the rejects file, with their lines.
fn reasons(dir: &Workdir) -> Vec<String> {
    let rejects = rejects(dir);
    let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(rejects.as_bytes());
    lines.records().map(|r| r.expect("a record")).map(|r| format!("{} {}", &r[1], &r[3])).collect()
}

#[test]
fn a_wrong_quote_costs_its_line_alone_and_never_swallows_others() {
    let dir =
        with("", format!("{HEAD}1,\"a\" b,,,\n2,\"b\",,,\n3,5\" pipe,,,\n4,\"Mid\"dle\",,,\n5,\"say \"\"x\"\"\",,,\n"));
    assert_eq!(profiles(&dir, &[]), "2,b,,,\n3,\"5\"\" pipe\",,,\n5,\"say \"\"x\"\"\",,,\n");
    assert_eq!(reasons(&dir), ["2 quote", "5 quote"]);
    for delimiter in [",", "\t", ";"] {
        let rows = "1,\"Big Joe,Rome,,\n2,Ann,,,\n3,\"Al\",,,\n";
        let told = refused(&with("", format!("{HEAD}{rows}").replace(',', delimiter)));
        assert!(told.contains("`s.csv` line 2: the quote that opens here is closed 2 line(s) further down"), "{told}");
        assert!(told.contains("quote = \"none\"") && told.contains("escape = \"backslash\""), "{told}");
    }
    let dir = with("", format!("{HEAD}1,\"two\nlines\",,,\n2,b,,,\n"));
    assert_eq!(profiles(&dir, &[]), "1,\"two\nlines\",,,\n2,b,,,\n");
}

#[test]
fn a_source_can_say_what_quotes_and_backslashes_mean() {
    let cases = [
        ("quote = \"none\"", "1,\"Big Joe,,,\n2,\"Ann\",,,\n", "1,\"\"\"Big Joe\",,,\n2,\"\"\"Ann\"\"\",,,\n"),
        (
            "escape = \"backslash\"",
            "1,\"Foo \\\"Bar\\\"\",\\N,,\n2,a\\,b,,,\n3,\\\\N,,,\n",
            "1,\"Foo \"\"Bar\"\"\",,,\n2,\"a,b\",,,\n3,\\N,,,\n",
        ),
        ("quoting = \"lenient\"", "1,\"Mid\"dle\",,,\n2,\"19\" rack,,,\n", "1,\"Middle\"\"\",,,\n2,19 rack,,,\n"),
        ("space_around_quotes = true", "\"1\", \"Ann, B\" ,,,\n", "1,\"Ann, B\",,,\n"),
    ];
    for (key, rows, want) in cases {
        let dir = with(key, format!("{HEAD}{rows}"));
        assert_eq!(profiles(&dir, &[]), want, "{key}");
    }
    let told = with("quoting = \"lenient\"\nquote = \"none\"", HEAD);
    assert!(run(&told, &[]).expect(3).contains("goes with no other key about quotes"));
}

#[test]
fn a_quoted_header_tells_its_delimiter_too() {
    for delimiter in ["\t", ";", "|"] {
        let text = "\"id\",\"t\",\"n\",\"f\",\"d\"\n\"1\",\"a\",\"7\",,\n".replace(',', delimiter);
        for keys in ["", "quoting = \"lenient\"", "header = [\"id\", \"t\", \"n\", \"f\", \"d\"]"] {
            assert_eq!(profiles(&with(keys, &text), &[]), "1,a,7,,\n", "{delimiter} {keys}");
        }
    }
    let told = refused(&with("", "\"id\" x,t,n,f,d\n1,a,,,\n"));
    assert!(told.contains("a quote of the header") && told.contains("`delimiter`"), "{told}");
    // Without a header the first record is data, and so is its fault.
    let dir = with("header = [\"id\", \"t\", \"n\", \"f\", \"d\"]", "1,\"a\" b,,,\n2,b,,,\n3,c,,,\n");
    assert_eq!(profiles(&dir, &[]), "2,b,,,\n3,c,,,\n");
    let lenient =
        with("quoting = \"lenient\"\nskip_lines = 1", format!("A \"title\"\nsep=,\n{HEAD}1,\"a\"b,,,\n2,\u{e9},,,\n"));
    assert_eq!(profiles(&lenient, &[]), "1,ab,,,\n2,\u{e9},,,\n");
}

#[test]
fn a_space_before_a_quote_is_told() {
    let rows = "1, \"Ann B\",,,\n2,b,\" 3\",,\n \"3\",,,,\n4,5\" ,,,\n";
    let told = run(&with("", format!("{HEAD}{rows}")), &[]).expect(0);
    assert!(
        told.contains("2 rows have a space before a quote") && told.contains("space_around_quotes = true"),
        "{told}"
    );
    let told = run(&with("space_around_quotes = true", format!("{HEAD}{rows}")), &[]).expect(0);
    assert!(!told.contains("space before a quote"), "{told}");
}

#[test]
fn a_header_among_the_rows_and_a_mark_before_one_are_no_data() {
    let dir = with("", format!("\u{feff}{HEAD}1,a,,,\n{HEAD}\u{feff}{HEAD}\u{feff}1,b,,,\n2,c,,,\n3,,,,\n4,,,,\n"));
    assert_eq!(profiles(&dir, &[]), "1,b,,,\n2,c,,,\n3,,,,\n4,,,,\n");
    assert_eq!(reasons(&dir), ["3 header", "4 header"]);
    for (keys, rows) in [
        ("header = [\"id\", \"t\", \"n\", \"f\", \"d\"]", format!("{HEAD}1,a,,,\n2,b,,,\n{HEAD}")),
        ("headers = \"any_case\"", format!("{HEAD}1,a,,,\n2,b,,,\nID,T,n,F,d\n")),
        ("", "id,t\u{200b},n,f,d\n1,a,,,\n2,b,,,\nid, t ,n,f,d\n".to_owned()),
        ("pad = true\noptional = [\"d\"]", "id,t,n,f,\n1,a,,,\n2,b\nid,t,n,f\n".to_owned()),
    ] {
        let dir = with(keys, rows);
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n2,b,,,\n", "{keys}");
        assert!(reasons(&dir).iter().all(|reason| reason.ends_with("header")), "{keys}");
    }
    // Files that were put together have marks inside, before comments too.
    let dir = with("comment = \"#\"", format!("{HEAD}1,a,,,\n\u{feff}\u{feff}# a note\n\u{feff}\u{feff}2,b,,,\n"));
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n2,b,,,\n");
    let dir = with("", "\u{feff}{\"id\":1,\"t\":\"a\",\"n\":1,\"f\":1,\"d\":null}\n\u{feff}{\"id\":2,\"t\":\"b\"}\n");
    assert_eq!(profiles(&dir, &[]), "1,a,1,1.0,\n2,b,,,\n");
}

#[test]
fn a_footer_may_have_empty_cells_or_one_column() {
    for rows in ["Total: 3,,,,\n", "\"Total: 3\",,,,\n,,,,\n", ",,Total: 3,,\n", "\u{feff}Total: 3\n"] {
        let dir = with("footer = [\"Total*\"]", format!("{HEAD}1,a,,,\n{rows}"));
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n", "{rows}");
        let ledger = dir.manifest("data_out").ledger.0["s"].clone();
        assert_eq!(ledger.rows_rejected, 0, "{rows}");
    }
    let dir = with("footer = [\"Total*\"]\noptional = [\"t\", \"n\", \"f\", \"d\"]", "id\n1\n2\nTotal: 2\n");
    assert_eq!(profiles(&dir, &[]), "1,,,,\n2,,,,\n");
    assert_eq!(dir.manifest("data_out").ledger.0["s"].footer_rows, 1);
}

#[test]
fn what_may_be_meant_is_told() {
    let dir = with("", format!("{HEAD}1,a,,,\n"));
    dir.write(
        "p.toml",
        dir.read("p.toml").replace("keep = [\"t\"", "keep = [{ t = \"N\" }").replace("\"id\", \"t\"", "\"id\", \"N\""),
    );
    let told = run(&dir, &[]).expect(0);
    assert!(told.contains("`N` and `n` of the output differ only in case"), "{told}");
    let told = run(&with("optional = [\"t\"]", "id,T,n,f,d\n1,a,,,\n"), &[]).expect(0);
    assert!(told.contains("there is `T`"), "{told}");
    let told = run(&with("pad = true", "id,t,n,f,d\n1;A;7\n2;B;8\n"), &[]).expect(0);
    assert!(told.contains("no row has more than its first field"), "{told}");
    let told = run(&with("", "id,t,n,f,d\na\u{200b}b,x,,,\n"), &[]).expect(0);
    assert!(told.contains("1 row has an id with a character inside that nobody sees"), "{told}");
    assert_eq!(profiles(&with("", "id , t,n,f,d\n1,a,,,\n"), &[]), "1,a,,,\n", "spaces around names are not seen");
    let told = refused(&with("", "\"id\", \"t\", \"n\",f,d\n1,a,,,\n"));
    assert!(told.contains("space_around_quotes"), "{told}");
    assert!(run(&with("optional = [\"id\"]", HEAD), &[]).expect(3).contains("the id cannot be optional"));
    assert!(run(&with("quoting = \"lenient\"\ncomment = \"#\"", HEAD), &[]).expect(3).contains("nor with `comment`"));
    let told = refused(&with("", format!("{HEAD}1,a\n2,b\n3,c\n")));
    assert!(told.contains("pad = true") && !told.contains("raise --max-rejects"), "{told}");
}

#[test]
fn lines_around_the_data_are_left_out_when_the_source_says_so() {
    let around = format!("Report of May\n\n{HEAD}# a note,b\n1,a,1,,\n2,b,2,,\nTotal\n\"Copyright (c) x.\"\n");
    let keys = "skip_lines = 2\ncomment = \"#\"\nfooter = [\"Total\", \"Copyright*\"]";
    let dir = with(keys, &around);
    assert_eq!(profiles(&dir, &[]), "1,a,1,,\n2,b,2,,\n");
    let ledger = &dir.manifest("data_out").ledger.0["s"];
    assert_eq!((ledger.rows_read, ledger.footer_rows, ledger.rows_rejected), (2, 2, 0));
    // The same lines in the middle are rejected: only a file's end is its footer.
    let dir = with(keys, around.replace("2,b,2,,\n", "Total\n2,b,2,,\n3,c,,,\n"));
    assert_eq!(profiles(&dir, &[]), "1,a,1,,\n2,b,2,,\n3,c,,,\n");
    assert_eq!(reasons(&dir), ["6 field_count"]);
    let told = refused(&with("", &around));
    assert!(told.contains("`skip_lines` leaves out lines above it"), "{told}");
    // Postgres: no header, and an end mark.
    let copy = "header = [\"id\", \"t\", \"n\", \"f\", \"d\"]\nescape = \"backslash\"\nfooter = ['\\.']\nskip_lines = 1\ndelimiter = \"tab\"";
    let dir = with(copy, "COPY s FROM stdin;\n1\ta\\tb\t\\N\t\t\n2\tc\t1\t\t\n\\.\n");
    assert_eq!(profiles(&dir, &[]), "1,a\tb,,,\n2,c,1,,\n");
}

#[test]
fn excel_may_name_the_delimiter_in_any_case() {
    for line in ["sep=|", "SEP=|", "Sep=^"] {
        let delimiter = &line[4..];
        let dir = with("", format!("{line}\r\n{HEAD}1,a,,,\n").replace(',', delimiter));
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n", "{line}");
    }
}

#[test]
fn rows_are_filtered_by_what_the_file_says_of_them() {
    let rows = "1,a,1,,\n2,b,5,,\n3,total,9,,\n,,,,\n4,c,,,\n,total,,,\n";
    let dir = with(
        "where = \"n >= 5 and t <> 'total' or kind = 'x'\"",
        format!("id,t,n,f,d,kind\n{rows}").replace(",,\n", ",,,\n").replace("4,c,,,,", "4,c,,,,x"),
    );
    assert_eq!(profiles(&dir, &[]), "2,b,5,,\n4,c,,,\n");
    let ledger = &dir.manifest("data_out").ledger.0["s"];
    let counts = (ledger.rows_read, ledger.rows_used, ledger.rows_filtered, ledger.rows_blank, ledger.rows_rejected);
    assert_eq!(counts, (6, 2, 3, 1, 0));
    assert!(run(&with("where = \"n + 1\"", HEAD), &[]).expect(3).contains("`where` needs a bool"));
}

#[test]
fn blank_records_are_counted_and_short_ones_padded_when_the_source_says_so() {
    let short = format!("{HEAD}{}", (1..21).map(|i| format!("{i},a,,,\n{i}x,b\n")).collect::<String>());
    assert!(refused(&with("", &short)).contains("20 of 40 rows were rejected"));
    assert_eq!(profiles(&with("pad = true", &short), &[]).lines().count(), 40);
    let dir = with("", format!("{HEAD}1,a,,,\n{}", ",,,,\n".repeat(100)));
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n");
    assert_eq!(dir.manifest("data_out").ledger.0["s"].rows_blank, 100);
}

#[test]
fn columns_are_found_under_other_names_and_may_be_missing() {
    let aliases = "columns = { t = [\"Name\", \"Full Name\"], n = \"Count#2\" }\noptional = [\"f\", \"d\"]";
    let dir = with(aliases, "id,Full Name,Count,Count\n1,a,1,2\n");
    dir.write("in/s2.csv", "Name,d,Count,id,Count\nb,2026-01-01,3,2,4\n");
    assert_eq!(profiles(&dir, &[]), "1,a,2,,\n2,b,4,,2026-01-01\n");
    let dir = with("headers = \"any_case\"", "ID,T\u{200b},N,F,D\n1,a,,,\n");
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n");
    let told = run(&with("headers = \"any_case\"", "ID,T\u{200b},N,F,D\n1,a,,,\n"), &["-v"]).expect(0);
    assert!(told.contains("the header `T\\u{200b}` is read as `t`"), "{told}");
    let told = refused(&with("columns = { t = [\"Name\", \"Full Name\"] }", "id,Name,Full Name,n,f,d\n1,a,b,,,\n"));
    assert!(told.contains("has `Name` and `Full Name` for the column `t`: name one of them"), "{told}");
    let told = refused(&with("", "id,t,t,n,f,d\n1,a,b,,,\n"));
    assert!(told.contains("`t` twice") && told.contains("\"t#1\""), "{told}");
    let told = refused(&with("", "ID,t,n,f,d\n1,a,,,\n"));
    assert!(told.contains("headers = \"any_case\""), "{told}");
    assert!(run(&with("columns = { other = \"x\" }", HEAD), &[]).expect(3).contains("`other`"));
}

#[test]
fn nobody_never_replaces_somebody() {
    let dir = with("", format!("{HEAD}1,a,,,\n"));
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n");
    // A header that ends with a delimiter over rows that do not.
    dir.write("in/s.csv", "id,t,n,f,d,\n1,a,,,\n2,b,,,\n");
    let told = run(&dir, &["--max-rejects", "100%"]).expect(4);
    assert!(told.contains("no customer is left") && told.contains("--allow-empty"), "{told}");
    assert!(run(&dir, &[]).expect(4).contains("2 of 2 rows were rejected"));
    dir.write("in/s.csv", HEAD);
    let told = run(&dir, &[]).expect(4);
    assert!(told.contains("source `s` has files but no rows") && told.contains("no customer is left"), "{told}");
    assert_eq!(dir.read("data_out/profiles.csv").lines().count(), 2, "the old profiles are there");
    assert_eq!(profiles(&dir, &["--allow-empty"]), "");
}

#[test]
fn what_no_run_wrote_is_not_replaced() {
    for name in ["profiles.csv", "profiles.parquet", "run.json", "report.html"] {
        let dir = with("", format!("{HEAD}1,a,,,\n"));
        dir.write(&format!("data_out/{name}"), "mine");
        let told = run(&dir, &[]).expect(7);
        assert!(told.contains(&format!("`data_out/{name}`")) && told.contains("--force"), "{told}");
        assert_eq!(dir.read(&format!("data_out/{name}")), "mine");
        run(&dir, &["--force"]).expect(0);
        assert_eq!(profiles(&dir, &["--fresh"]), "1,a,,,\n", "what a run wrote is replaced");
    }
}

#[test]
fn files_are_found_in_folders_and_read_in_the_order_asked_for() {
    let dir = with("sort = \"natural\"", format!("{HEAD}1,a,,,\n"));
    dir.write("in/s-2.csv", format!("{HEAD}1,two,,,\n"));
    dir.write("in/s-10.csv", format!("{HEAD}1,ten,,,\n"));
    std::fs::remove_file(dir.path("in/s.csv")).expect("removed");
    assert_eq!(profiles(&dir, &[]), "1,ten,,,\n");
    let spec = dir.read("p.toml");
    dir.write("p.toml", spec.replace("sort = \"natural\"\n", ""));
    assert_eq!(profiles(&dir, &[]), "1,two,,,\n");
    dir.write("in/2026/05/s-9.csv", format!("{HEAD}5,deep,,,\n"));
    dir.write("p.toml", spec.replace("s*.csv", "**/s*.csv"));
    assert_eq!(profiles(&dir, &[]), "1,ten,,,\n5,deep,,,\n");
}

#[test]
fn what_is_left_over_and_what_a_run_wrote_is_no_input() {
    let dir = with("", format!("{HEAD}1,a,,,\n"));
    dir.write("p.toml", dir.read("p.toml").replace("s*.csv", "*"));
    for name in ["._s.csv", ".DS_Store", "~$s.xlsx", "s.csv.crdownload"] {
        dir.write(&format!("in/{name}"), "\0\0");
    }
    let told = run(&dir, &["--output", "in", "--no-report"]).expect(0);
    assert!(told.contains("`s.csv.crdownload` is left over"), "{told}");
    // The outputs are beside the inputs now, and match `*`.
    dir.write("p.toml", dir.read("p.toml").replace("\"*\"", "\"*.csv\""));
    let told = run(&dir, &["--output", "out"]).expect(0);
    assert!(told.contains("`profiles.csv` is the output of a run and is not read"), "{told}");
    assert_eq!(dir.read("out/profiles.csv"), "id,t,n,f,d\n1,a,,,\n");
    // In a folder below too, with all that the run keeps.
    dir.write("p.toml", dir.read("p.toml").replace("\"*.csv\"", "\"**/*.csv\""));
    run(&dir, &["--output", "in/old/out"]).expect(0);
    run(
        &dir,
        &["--output", "in/old/out", "--max-rejects", "0", "--chaos", "fail:0:always", "--max-retries", "0", "--fresh"],
    )
    .expect(5);
    let told = run(&dir, &["--output", "out", "--fresh"]).expect(0);
    assert!(told.contains("`old/out/profiles.csv` is the output of a run"), "{told}");
    assert_eq!(dir.read("out/profiles.csv"), "id,t,n,f,d\n1,a,,,\n");
}

#[test]
fn the_same_file_is_read_once_under_whatever_names() {
    let text = format!("{HEAD}1,a,1,,\n2,b,2,,\n");
    let dir = with("", &text);
    let spec = dir.read("p.toml").replace("keep = [\"t\", \"n\", \"f\", \"d\"]", "aggregates = { n_sum = \"sum(n)\" }");
    dir.write("p.toml", spec.replace("\"t\", \"n\", \"f\", \"d\"]", "\"n_sum\"]"));
    dir.write("in/s (1).csv", &text);
    // As large and with the same start, but another file.
    dir.write("in/s (2).csv", text.replace("2,b,2", "2,b,3"));
    std::os::unix::fs::symlink("s.csv", dir.path("in/s-link.csv")).expect("a link");
    std::fs::hard_link(dir.path("in/s.csv"), dir.path("in/s-same.csv")).expect("a link");
    let checked = dir.onefold(&["check", "--input", "in", "--profile", "p.toml"]).stdout();
    assert!(checked.contains("`s-link.csv` is the same as `s (1).csv`"), "{checked}");
    let told = run(&dir, &[]).expect(0);
    assert!(told.contains("`s.csv` is the same as `s (1).csv` and is not read again"), "{told}");
    assert_eq!(profiles(&dir, &[]), "1,2\n2,5\n");
    let duplicates = dir.manifest("data_out").duplicates;
    let names: Vec<&str> = duplicates.iter().map(|duplicate| duplicate.file.as_str()).collect();
    assert_eq!(names, ["s-link.csv", "s-same.csv", "s.csv"]);
}

#[test]
fn doubtful_encodings_are_told() {
    let told = run(&with("encoding = \"windows-1252\"", "id,t,n,f,d\n1,M\u{fc}ller,,,\n"), &[]).expect(0);
    assert!(told.contains("it is valid UTF-8, but is read as windows-1252"), "{told}");
    let told = run(&with("encoding = \"latin1\"", b"id,t,n,f,d\n1,5\x80,,,\n"), &[]).expect(0);
    assert!(told.contains("control characters that no text has"), "{told}");
    let rows: String = (0..30).map(|i| format!("{i},M\u{fc}ller,,,\n")).collect();
    let rows: Vec<u8> = format!("{HEAD}{rows}").chars().map(|c| c as u8).collect();
    let told = refused(&with("", &rows));
    assert!(told.contains("set `encoding = \"windows-1252\"`") && told.contains("30 of them"), "{told}");
    let few = [b"id,t,n,f,d\n".as_slice(), b"1,a,,,\n2,b,,,\n3,M\xfcller,,,\n"].concat();
    let told = run(&with("", &few), &[]).expect(0);
    assert!(told.contains("1 row has bytes that are no text in utf-8"), "{told}");
    let dir = with("encoding = \"macintosh\"", b"id,t,n,f,d\n1,M\x9fller,,,\n");
    assert_eq!(profiles(&dir, &[]), "1,M\u{fc}ller,,,\n");
    let dir = with("encoding = \"shift_jis\"", b"id,t,n,f,d\n1,\x83\x6e\x83\x8d\x81\x5b,,,\n2,\x83,,,\n");
    assert_eq!(profiles(&dir, &[]), "1,\u{30cf}\u{30ed}\u{30fc},,,\n");
}

#[test]
fn any_ascii_character_can_separate_fields() {
    for (name, byte) in [(":", ':'), ("^", '^'), ("\\u0001", '\u{1}'), ("~", '~'), ("\\\\", '\\'), (" ", ' ')] {
        let dir = with(&format!("delimiter = \"{name}\""), format!("{HEAD}1,a,,,\n").replace(',', &byte.to_string()));
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n", "{name}");
    }
    for wrong in ["\\\"", "\\n", "ab", "\u{e9}"] {
        run(&with(&format!("delimiter = \"{wrong}\""), HEAD), &[]).expect(3);
    }
}
