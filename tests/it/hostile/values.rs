//! Ids that are nearly the same, and values at the limits of their types.

use super::{profiles, rejects, run, with};

#[test]
fn ids_are_the_same_only_if_every_byte_is_except_for_white_space_around() {
    // Composed and decomposed letters, cases, a leading zero, white space around and inside.
    let ids = ["\u{e9}", "e\u{301}", "AbC", "abc", "007", "7", "a b", "a  b", "ﬁ", "fi"];
    let rows: String = ids.iter().map(|id| format!("{id},1,,,\n")).collect();
    let again = "\u{a0}abc\u{2003},2,,,\n\"\t7\u{3000}\",2,,,\n";
    let dir = with("", format!("id,t,n,f,d\n{rows}{again}"));
    let mut want: Vec<String> =
        ids.iter().map(|id| format!("{id},{},,,\n", if ["abc", "7"].contains(id) { 2 } else { 1 })).collect();
    want.sort_unstable();
    assert_eq!(profiles(&dir, &[]), want.concat());
    assert_eq!(dir.manifest("data_out").ledger.0["s"].rows_superseded, 2);
}

#[test]
fn an_id_of_64_kib_is_an_id() {
    let long = "x".repeat(65_536);
    let dir = with("", format!("id,t,n,f,d\n{long}a,1,,,\n{long}b,2,,,\n{long}a,3,,,\n"));
    assert_eq!(profiles(&dir, &["--memory-limit", "1"]), format!("{long}a,3,,,\n{long}b,2,,,\n"));
}

#[test]
fn ids_that_a_spreadsheet_would_run() {
    let dir = with("", "id,t,n,f,d\n=1+1,@x,-1,-0.5,\n+1,\"=HYPERLINK(\"\"x\"\")\",,,\n");
    assert_eq!(profiles(&dir, &[]), "+1,\"=HYPERLINK(\"\"x\"\")\",,,\n=1+1,@x,-1,-0.5,\n");
    let safe = profiles(&dir, &["--safe-csv"]);
    assert_eq!(safe, "'+1,\"'=HYPERLINK(\"\"x\"\")\",,,\n'=1+1,'@x,-1,-0.5,\n");
}

#[test]
fn duplicate_columns_are_a_fault_only_when_they_are_declared() {
    let dir = with("", "id,x,t,x,n,f,d,,\n1,a,b,c,,,,,\n");
    assert_eq!(profiles(&dir, &[]), "1,b,,,\n");
    for (twice, name) in [("id,t,n,f,d,t\n", "t"), ("id,t,n,f,d,id\n", "id")] {
        let told = run(&with("", twice), &[]).expect(4);
        assert!(told.contains(&format!("the header of `s.csv` has the column `{name}` twice")), "{told}");
    }
}

#[test]
fn values_beyond_their_type_are_bad_values_and_never_other_values() {
    let rows = [
        ("n", "9223372036854775807", "9223372036854775807"),
        ("n", "-9223372036854775808", "-9223372036854775808"),
        ("n", "9223372036854775808", ""),
        ("n", "-9223372036854775809", ""),
        ("n", "1e3", ""),
        ("n", "99999999999999999999999999999999999999999", ""),
        ("f", "1e308", "1e308"),
        ("f", "1.7976931348623157e308", "1.7976931348623157e308"),
        ("f", "5e-324", "5e-324"),
        ("f", "1e-400", "0.0"),
        ("f", "-0.0", "-0.0"),
        ("f", "1e309", ""),
        ("f", "-1e309", ""),
        ("f", "NaN", ""),
        ("f", "Infinity", ""),
        ("d", "2028-02-29", "2028-02-29"),
        ("d", "2026-02-29", ""),
        ("d", "2026-02-30", ""),
        ("d", "2026-13-01", ""),
        ("d", "0000-01-01", ""),
        ("d", "0001-01-01", "0001-01-01"),
        ("d", "9999-12-31", "9999-12-31"),
        ("d", "10000-01-01", ""),
        ("d", "2026-1-1", ""),
    ];
    let row = |at: usize, column: &str, value: &str| {
        let [n, f, d] = ["n", "f", "d"].map(|c| if c == column { value } else { "" });
        format!("v{at:02},,{n},{f},{d}\n")
    };
    let lines = |pick: fn(&(&'static str, &'static str, &'static str)) -> &'static str| -> String {
        rows.iter().enumerate().map(|(at, r)| row(at, r.0, pick(r))).collect()
    };
    let dir = with("", format!("id,t,n,f,d\n{}", lines(|r| r.1)));
    assert_eq!(profiles(&dir, &[]), lines(|r| r.2));
    let bad = rows.iter().enumerate().filter(|(_, r)| r.2.is_empty());
    let want: String = bad.map(|(at, r)| format!("s.csv,{},{},bad_value,{}\n", at + 2, r.0, r.1)).collect();
    assert_eq!(rejects(&dir), want);
}
