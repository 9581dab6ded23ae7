//! What may be a mistake: warned of with its cure, counted, and in a strict run a failure.

use serde_json::Value;

use crate::workdir::{Ran, Workdir};

const SPEC: &str = "\
[profile]
name = \"p\"
key = \"id\"

[sources.crm]
files = [\"crm.csv\"]
latest_by = \"day\"
keep = [\"n\", \"b\", \"day\"]
types = { n = \"int\", b = \"bool\", day = \"date\" }

[sources.bill]
files = [\"bill.csv\"]
required = false
types = { amount = \"float\" }
aggregates = { total = \"sum(amount)\", read = \"sum(try_cast(raw as bigint))\" }

[output]
columns = [\"id\", \"n\", \"b\", \"day\", \"total\", \"read\"]
";

fn with(crm: &str, bill: &str) -> Workdir {
    let dir = Workdir::new();
    dir.write("p.toml", SPEC);
    dir.write("in/crm.csv", format!("id,n,b,day\n{crm}"));
    dir.write("in/bill.csv", format!("id,amount,raw\n{bill}"));
    dir
}

fn run(dir: &Workdir, args: &[&str]) -> Ran {
    dir.onefold(&[&["run", "--input", "in", "--profile", "p.toml"], args].concat())
}

/// The names of a run's warnings; their texts must be those on standard error.
fn warnings(dir: &Workdir, args: &[&str]) -> Vec<String> {
    let told = run(dir, &[&["--fresh"], args].concat()).expect(0);
    let manifest = dir.manifest("data_out");
    let texts: Vec<String> = manifest.warnings.iter().map(|warning| format!("warning: {}", warning.message)).collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), texts);
    let report = dir.read("data_out/report.html");
    assert_eq!(report.matches("<b>Warning:</b>").count(), texts.len().min(20), "{report}");
    manifest.warnings.into_iter().map(|warning| warning.warning).collect()
}

fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(|at| format!("c{at},{}\n", row(at))).collect()
}

#[test]
fn bad_values_are_told_beyond_one_in_a_hundred_and_at_once_where_they_order_rows() {
    let bill = |count| rows(count, |_| "1,1".to_owned());
    let crm = |bad: usize| rows(200, |at| format!("{},,2026-01-01", if at < bad { "x" } else { "5" }));
    assert!(warnings(&with(&crm(2), &bill(200)), &[]).is_empty(), "two of 200 are one in a hundred");
    let dir = with(&crm(3), &bill(200));
    assert_eq!(warnings(&dir, &[]), ["bad_values"]);
    let told = &dir.manifest("data_out").warnings[0];
    assert!(told.message.starts_with("3 of 200 values in column `n` of source `crm` are bad"), "{}", told.message);
    assert_eq!(told.source.as_deref(), Some("crm"));
    // Two rows are enough, and so are few values among many empty cells.
    assert_eq!(warnings(&with("1,1,t,2026-01-01\n2,1,f,2026-01-01\n", "1,1,1\n2,1,1\n"), &[]), ["bad_values"]);
    let sparse = rows(400, |at| if at == 7 { "x,,2026-01-01".into() } else { ",,2026-01-01".into() });
    assert_eq!(warnings(&with(&sparse, &bill(400)), &[]), ["bad_values"]);
    let one = rows(400, |at| if at == 7 { "1,,2026-13-01".into() } else { "1,,2026-01-01".into() });
    let dir = with(&one, &bill(400));
    assert_eq!(warnings(&dir, &[]), ["bad_values"]);
    assert!(dir.manifest("data_out").warnings[0].message.contains("so that their rows count as the oldest"));
}

#[test]
fn more_bad_values_than_allowed_fail_the_run() {
    let crm = rows(100, |at| if at < 2 { "x,,2026-01-01".into() } else { "5,,2026-01-01".into() });
    let bill = rows(100, |at| if at < 3 { "x,1".into() } else { "1,1".into() });
    let dir = with(&crm, &bill);
    run(&dir, &["--max-bad", "3%"]).expect(0);
    let told = run(&dir, &["--max-bad", "2"]).expect(4);
    assert!(told.contains("column `amount` of source `bill`: 3 of 100 values are bad, and the limit is 2"), "{told}");
    assert!(told.contains("bill.csv line 2; bill.csv line 3; bill.csv line 4"), "{told}");
    for (key, code) in [("1%", 4), ("2%", 0)] {
        dir.write("p.toml", SPEC.replace("latest_by = \"day\"", &format!("latest_by = \"day\"\nmax_bad = \"{key}\"")));
        run(&dir, &["--fresh"]).expect(code);
    }
    let each = |each: &str| dir.write("p.toml", SPEC.replace("required = false", &format!("max_bad = {{ {each} }}")));
    each("amount = 3");
    run(&dir, &["--fresh"]).expect(0);
    each("amount = \"2%\"");
    run(&dir, &["--fresh"]).expect(4);
    each("amuont = 3");
    assert!(run(&dir, &[]).expect(3).contains("no column `amuont`; did you mean `amount`?"));
    each("amount = \"many\"");
    assert!(run(&dir, &[]).expect(3).contains("neither a number nor a percentage"));
}

#[test]
fn a_strict_run_publishes_no_doubt() {
    let dir = with("1,1,true,2026-01-01\n", "1,1,1\n");
    run(&dir, &["--strict"]).expect(0);
    let old = dir.outputs("data_out");
    dir.write("in/more.csv", "x\n");
    let told = run(&dir, &["--strict"]).expect(4);
    assert!(told.contains("1 warning in a strict run: `more.csv` matches no source"), "{told}");
    std::fs::remove_file(dir.path("in/more.csv")).expect("removed");
    dir.write("in/crm.csv", "id,n,b,day\n1,x,t,2026-01-01\n");
    let told = run(&dir, &["--strict"]).expect(4);
    assert!(told.contains("2 warnings in a strict run: the first is: 1 of 1 value in column `n`"), "{told}");
    assert!(dir.outputs("data_out") == old, "the old outputs stay");
    dir.write("in/crm.csv", "id,n,b,day\n1,1,true,2026-01-01\n");
    let check = "[[checks]]\nthat = \"n > 5\"\nseverity = \"warn\"\n";
    dir.write("p.toml", format!("{}\n{check}", SPEC.replace("key = \"id\"\n", "key = \"id\"\nstrict = true\n")));
    let told = run(&dir, &[]).expect(4);
    assert!(told.contains("1 warning in a strict run: check `n > 5` failed"), "{told}");
    dir.write("p.toml", format!("{SPEC}\n{check}"));
    assert_eq!(warnings(&dir, &[]), ["check_failed"]);
}

#[test]
fn what_try_cast_loses_is_counted_whatever_the_shards() {
    // `raw` has few distinct texts, and an average reads it twice; the sum of `n` is a row's expression.
    let crm = rows(300, |at| format!("{},true,2026-01-01", at % 3));
    let bill = rows(300, |at| ["1,12", "1,1e3", "1,($5)", "1,"][at % 4].to_owned());
    let dir = with(&crm, &bill);
    let more = SPEC
        .replace("sum(try_cast(raw as bigint))", "avg(try_cast(raw as bigint)) + max(try_cast(raw as bigint))")
        .replace(
            "keep = [\"n\"",
            "where = \"try_cast(n as bigint) is null or try_cast(b as date) is null\"\nkeep = [\"n\"",
        )
        .replace("n = \"int\", b = \"bool\", ", "")
        .replace("[output]", "[computed]\ndays = \"days_between(try_cast(b as date), day)\"\n\n[output]");
    dir.write("p.toml", more);
    for shards in ["1", "7", "40"] {
        assert_eq!(warnings(&dir, &["--shards", shards]), ["casts_lost"; 3]);
        let manifest = dir.manifest("data_out");
        let lost: Vec<(&str, u64)> = manifest.lost_values.iter().map(|(name, lost)| (name.as_str(), *lost)).collect();
        assert_eq!(
            lost,
            [("sources.crm.where", 300), ("sources.bill.aggregates.read", 150), ("computed.days", 300)],
            "{shards}"
        );
    }
}

#[test]
fn a_day_that_has_not_come_is_told_with_its_line() {
    let dir = with("1,1,,2026-01-01\n2,1,,2099-01-01\n3,1,,2098-01-01\n", "1,1,1\n2,1,1\n3,1,1\n");
    assert_eq!(warnings(&dir, &[]), ["future_date"]);
    let told = &dir.manifest("data_out").warnings[0].message;
    assert!(told.contains("says 2099-01-01, which has not come yet (crm.csv line 3)") && told.contains("max_date"));
    dir.write("p.toml", SPEC.replace("latest_by", "max_date = \"2027-01-01\"\nlatest_by"));
    assert_eq!(warnings(&dir, &[]), ["bad_values"]);
    assert_eq!(dir.manifest("data_out").as_of.as_deref(), Some("2026-01-01"));
}

/// The warning about two sources with these ids, and what it says after the counts.
fn apart(one: impl Fn(usize) -> String, other: impl Fn(usize) -> String) -> Option<(u64, u64, Option<String>, u64)> {
    let rows = |id: &dyn Fn(usize) -> String, rest: &str| -> String {
        (0..60).map(|at| format!("{},{rest}\n", id(at))).collect()
    };
    let dir = with(&rows(&one, "1,,2026-01-01"), &rows(&other, "1,1"));
    let ran = run(&dir, &["--log-format", "json", "--shards", "5"]);
    let all = ran.events();
    let told = all.iter().find(|event| event["warning"] == "sources_apart")?;
    let count = |name: &str| told[name].as_u64().expect("a count");
    let by = told["by"].as_str().map(str::to_owned);
    Some((count("ids"), count("shared"), by, count("would_share")))
}

#[test]
fn sources_that_hardly_meet_are_told_with_what_would_make_them_meet() {
    let plain = |at: usize| format!("c{at}");
    assert_eq!(apart(plain, plain), None);
    assert_eq!(apart(plain, |at| format!("c{}", at + 54)), None, "a tenth is enough");
    let by = |kind: &str| Some(kind.to_owned());
    assert_eq!(apart(plain, |at| format!("c{}", at + 55)), Some((60, 5, None, 5)));
    let number = |at: usize| format!("{}", at + 1001);
    assert_eq!(apart(number, |at| format!("00{}.0", at + 1001)), Some((60, 0, by("number"), 60)));
    assert_eq!(apart(number, |at| format!("CUST-{}", at + 1011)), Some((60, 0, by("prefix"), 50)));
    assert_eq!(apart(|at| format!("U{at}@X.org"), |at| format!("u{at}@x.org")), Some((60, 0, by("email"), 60)));
    // The capitals are the first two of the last five.
    let id = |at: usize| format!("0013000000DQ{:03}", 100 + at);
    assert_eq!(apart(id, |at| format!("{}AAD", id(at))), Some((60, 0, by("salesforce_id"), 60)));
    let uuid = |at: usize| format!("6f9619ff-8b86-d011-b42d-00cf4fc9{:04x}", at + 1000);
    assert_eq!(apart(uuid, |at| format!("{{{}}}", uuid(at).to_uppercase())), Some((60, 0, by("uuid"), 60)));
    assert_eq!(
        apart(|at| format!("+49 30 12345{at:02}"), |at| format!("00493012345{at:02}")),
        Some((60, 0, by("phone"), 60))
    );
    assert_eq!(apart(|at| format!("a{at}x"), |at| format!("b{at}y")), Some((60, 0, None, 0)));
    let parts = with(&rows(9, |_| "1,,2026-01-01".into()), &rows(9, |_| "1,1".into()).replace('c', "00"));
    parts.write(
        "p.toml",
        SPEC.replace("files = [", "key = [\"id\", \"n\"]\nfiles = [").replacen(
            "\"id\", \"n\"]\nfiles = [\"bill",
            "\"id\", \"raw\"]\nfiles = [\"bill",
            1,
        ),
    );
    assert!(run(&parts, &[]).expect(0).contains("do both sources have the same system's ids?"));
}

#[test]
fn a_population_that_leaves_out_most_is_told() {
    let dir = with("1,1,,2026-01-01\n", "1,1,1\n2,1,1\n3,1,1\n");
    dir.write("p.toml", SPEC.replace("key = \"id\"\n", "key = \"id\"\npopulation = [\"crm\"]\n"));
    assert_eq!(warnings(&dir, &[]), ["most_excluded"]);
    assert!(dir.manifest("data_out").warnings[0].message.starts_with("2 of 3 rows of source `bill`"));
    dir.write("in/bill.csv", "id,amount,raw\n1,1,1\n2,1,1\n");
    assert!(warnings(&dir, &[]).is_empty(), "half is not most");
}

#[test]
fn a_float_beyond_the_greatest_is_an_error() {
    let dir = with("1,1,,2026-01-01\n", "1,1e308,1\n1,1e308,1\n");
    let told = run(&dir, &[]).expect(5);
    assert!(told.contains("a float exceeded the greatest double in `sum`"), "{told}");
    dir.write("in/bill.csv", "id,amount,raw\n1,1e308,1\n1,-1e308,1\n");
    for (computed, code) in [
        ("total / 0", 0),
        ("total * 2", 0),
        ("1e308 * (1.5 + n)", 5),
        ("1e308 / 1e-10 / n", 3),
        ("-1e308 - n * 1e308", 5),
    ] {
        dir.write(
            "p.toml",
            SPEC.replace("[output]", &format!("[computed]\nx = \"{computed}\"\n\n[output]"))
                .replace("\"read\"]", "\"x\"]"),
        );
        run(&dir, &["--fresh"]).expect(code);
    }
}

#[test]
fn what_is_put_in_order_has_a_type() {
    let dir = with("1,1,,2026-01-01\n", "1,1,1\n");
    let told = |from: &str, to: &str| {
        dir.write("p.toml", SPEC.replace(from, to));
        run(&dir, &["--fresh"])
    };
    let sum = "sum(amount)";
    for order in [
        "max(raw)",
        "min(lower(raw))",
        "max_by(amount, raw)",
        "count(*) filter (where raw > '50')",
        "count(*) filter (where raw > 50)",
        "count(*) filter (where raw between '1' and '2')",
        "max(case when raw = 'x' then 'a' else raw end)",
        "sum(raw)",
    ] {
        let told = told(sum, order).expect(3);
        assert!(
            told.contains("over `raw`: nothing says what that is: in `types` of `[sources.bill]` add `raw = "),
            "{told}"
        );
    }
    for fine in ["count(distinct raw)", "max(try_cast(raw as bigint))", "count(*) filter (where raw in ('1', '2'))"] {
        told(sum, fine).expect(0);
    }
    told("amount = \"float\"", "amount = \"float\", raw = \"text\"").expect(0);
    let text = SPEC.replace("n = \"int\", ", "").replace("[output]", "[computed]\nx = \"n >= '5'\"\n\n[output]");
    dir.write("p.toml", text);
    assert!(run(&dir, &[]).expect(3).contains("in `types` of `[sources.crm]` add `n = "));
}

#[test]
fn spreadsheets_run_nothing_and_explain_knows_what_they_show() {
    let dir = with("-2,=1+1,true,2026-01-01\n=cmd,@x,true,2026-01-01\n-17,1,true,2026-01-01\n", "-2,1,1\n");
    run(&dir, &["--safe-csv", "--max-rejects", "50%"]).expect(0);
    let rejects = dir.read("data_out/rejects/crm.csv");
    assert!(rejects.contains(",n,bad_value,'=1+1\n") && rejects.contains(",n,bad_value,'@x\n"), "{rejects}");
    for id in ["'-2", "-2", "-17", "'=cmd", "=cmd"] {
        let ran = dir.onefold(&["explain", id, "--input", "in"]);
        ran.expect(0);
        assert!(ran.stdout().starts_with(id.trim_start_matches('\'')), "{}", ran.stdout());
    }
    let told = dir.onefold(&["explain", "'3", "--input", "in"]).expect(4);
    assert!(told.contains("no customer `'3`"), "{told}");
}

#[test]
fn quiet_leaves_only_errors_in_a_json_log() {
    let dir = with("1,x,,2026-01-01\n", "1,1,1\n");
    assert_eq!(run(&dir, &["--quiet", "--log-format", "json"]).stderr(), "");
    let ran = run(&dir, &["--quiet", "--log-format", "json", "--strict"]);
    let events: Vec<Value> = ran.events();
    assert_eq!((events.len(), &events[0]["event"], &events[0]["exit_code"]), (1, &"error".into(), &4.into()));
}

#[test]
fn a_word_that_is_wrong_is_the_one_that_is_told() {
    let dir = with("1,1,,2026-01-01\n", "1,1,1\n");
    let told = |from: &str, to: &str| {
        dir.write("p.toml", SPEC.replace(from, to));
        run(&dir, &[]).expect(3)
    };
    assert!(told("sum(amount)", "first(amount)").contains("unknown function `first`"));
    let typo = told("day = \"date\" }", "dayy = \"date\" }");
    assert!(typo.contains("set its type in `types`; it has a similar name, `dayy`"), "{typo}");
    dir.write("p.toml", SPEC.replace("[output]", "[computed]\nx = \"days_between(day, as_of)\"\n\n[output]"));
    dir.write("in/crm.csv", "id,n,b,day\n1,1,true,\n");
    assert!(run(&dir, &[]).expect(0).contains("`as_of` is null because no row has a latest_by date"));
}

#[test]
fn a_filter_hides_no_bad_value() {
    let dir =
        with(&rows(20, |at| if at < 9 { "\"1,0\",,2026-01-01".into() } else { "5,,2026-01-01".into() }), "c15,1,1\n");
    dir.write("p.toml", SPEC.replace("keep = [\"n\"", "where = \"n > 0\"\nkeep = [\"n\""));
    assert_eq!(warnings(&dir, &[]), ["bad_values"]);
    let ledger = &dir.manifest("data_out").ledger.0["crm"];
    assert_eq!((ledger.rows_filtered, ledger.bad_values["n"]), (9, 9));
    assert!(dir.read("data_out/rejects/crm.csv").contains("crm.csv,2,n,bad_value,\"1,0\"\n"));
    run(&dir, &["--max-bad", "5"]).expect(4);
    dir.write("p.toml", SPEC.replace("keep = [\"n\"", "where = \"n > 9\"\nkeep = [\"n\""));
    let told = run(&dir, &["--fresh"]).expect(0);
    assert!(told.contains("the `where` of source `crm` leaves out all its 20 rows"), "{told}");
}

#[test]
fn times_and_ids_have_no_order() {
    let dir = with("1,1,,2026-01-01\n", "1,1,1\n");
    let told = |to: &str| {
        let spec = SPEC.replace("sum(amount)", to).replace("amount = \"float\"", "amount = \"float\", raw = \"time\"");
        dir.write("p.toml", spec);
        run(&dir, &["--fresh"]).expect(3)
    };
    for order in ["max(raw)", "max_by(amount, raw)", "count(*) filter (where raw > '10:00')"] {
        assert!(told(order).contains("a time of day is kept as text"));
    }
    assert!(told("count(*) filter (where id > '50')").contains("an id has no order"));
    dir.write("p.toml", SPEC.replace("[output]", "[computed]\nx = \"id < '5'\"\n\n[output]"));
    assert!(run(&dir, &[]).expect(3).contains("an id has no order"));
}

#[test]
fn a_kind_that_is_not_listed_is_no_surprise() {
    let dir = with("1,1,,2026-01-01\n", "1,1,1\n");
    let told = |kinds: &str, kind: &str| {
        let key = format!("key = {{ column = \"id\", kind = \"{kind}\" }}\nlatest_by");
        dir.write(
            "p.toml",
            SPEC.replace("latest_by", &key).replace("[sources.crm]", &format!("{kinds}\n[sources.crm]")),
        );
        run(&dir, &["--fresh"])
    };
    assert!(told("", "number").expect(3).contains("add `number = { is = \"number\" }`"));
    let listed = "[identity.kinds]\naccount = { is = \"number\" }";
    assert!(told(listed, "acount").expect(3).contains("did you mean `account`?"));
    told(listed, "crm").expect(0);
    told(listed, "account").expect(0);
}
