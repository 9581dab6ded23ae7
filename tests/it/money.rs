//! Money with its currency, gaps that older rows fill, and what expressions may do with either.

use crate::workdir::{Ran, Workdir};

const SPEC: &str = "\
[profile]
name = \"p\"
key = \"id\"

[rates]
file = \"rates.csv\"

[sources.pay]
files = [\"pay.csv\"]
money = { paid = \"cur\" }
types = { paid = \"decimal(6,2)\" }
aggregates = { usd = \"sum_in(paid, 'USD')\", big = \"sum_in(paid, 'usd') filter (where paid > 5)\", all = \"sums(paid)\", eur = \"sum_as(paid, 'eur')\", some = \"sums(paid) filter (where cur <> 'eur')\" }

[output]
columns = [\"id\", \"usd\", \"big\", \"all\", \"eur\", \"some\"]
";

/// A hundred customers with amounts in three currencies, some without one.
fn payments() -> Workdir {
    let dir = Workdir::new();
    let currencies = [" Usd ", "eur", "JPY", "euro", ""];
    let rows: String =
        (0..500).map(|row| format!("c{},{}.{:02},{}\n", row % 100, row % 7, row % 100, currencies[row % 5])).collect();
    dir.write("in/pay.csv", format!("id,paid,cur\n{rows}nobody,,usd\n"));
    dir.write("in/rates.csv", "from,to,rate\nusd,eur,0.915\nJPY,EUR,0.005\n");
    dir.write("p.toml", SPEC);
    dir
}

fn run(dir: &Workdir, args: &[&str]) -> Ran {
    dir.onefold(&[&["run", "--input", "in", "--profile", "p.toml", "--quiet"], args].concat())
}

#[test]
fn sums_name_their_currency_whatever_the_shards() {
    let dir = payments();
    run(&dir, &["--shards", "1"]).expect(0);
    let csv = dir.read("data_out/profiles.csv");
    // Each customer has five rows with the same remainder by 5, and so one currency.
    assert!(csv.contains("\nc0,13.00,6.00,usd 13.00,11.90,usd 13.00\n"), "{csv}");
    assert!(csv.contains("\nc1,,,eur 11.05,11.05,\n") && csv.contains("\nc2,,,jpy 16.10,0.08,jpy 16.10\n"), "{csv}");
    assert!(csv.contains("\nc3,,,,,\n") && csv.contains("\nnobody,,,,,\n"), "{csv}");
    let ledger = &dir.manifest("data_out").ledger.0["pay"];
    assert_eq!((ledger.bad_values["paid"], ledger.bad_values["cur"]), (200, 100));
    assert!(dir.read("data_out/rejects/pay.csv").contains("pay.csv,6,paid,no_currency,4.04\n"));
    run(&dir, &["--output", "other", "--shards", "37", "--threads", "1"]).expect(0);
    assert!(dir.outputs("data_out") == dir.outputs("other"));
    for id in ["c0", "c2"] {
        dir.onefold(&["explain", id, "--input", "in"]).expect(0);
    }
    dir.onefold(&["verify", "--input", "in"]).expect(0);
}

#[test]
fn rates_are_an_input_and_none_is_guessed() {
    let dir = payments();
    run(&dir, &[]).expect(0);
    assert!(run(&dir, &["--format", "json"]).expect(0).is_empty());
    let first = dir.manifest("data_out").run_id;
    dir.write("in/rates.csv", "from,to,rate\nusd,eur,0.5\njpy,eur,0.005\n");
    let changed = "`in/rates.csv` has changed since the run read it";
    assert!(dir.onefold(&["verify", "--input", "in"]).expect(6).contains(changed));
    dir.onefold(&["explain", "c0", "--input", "in"]).expect(6);
    run(&dir, &[]).expect(0);
    assert!(dir.read("data_out/profiles.csv").contains("\nc0,13.00,6.00,usd 13.00,6.50,usd 13.00\n"));
    assert_ne!(dir.manifest("data_out").run_id, first, "other rates, other profiles");
    dir.write("in/rates.csv", "from,to,rate\neur,usd,2\njpy,eur,0.005\n");
    let told = run(&dir, &["--max-retries", "2", "--retry-wait", "1ms"]).expect(4);
    assert!(told.contains("rates have none from `usd` to `eur`: add a line"), "{told}");
    assert!(told.contains("after 1 attempt"), "{told}");
    for (text, why) in [("from,to\n", "no column `rate`"), ("from,to,rate\nusd,eur,x\n", "line 2: a rate is")] {
        dir.write("in/rates.csv", text);
        let told = run(&dir, &[]).expect(4);
        assert!(told.contains(why), "{told}");
    }
    std::fs::remove_file(dir.path("in/rates.csv")).expect("removed");
    assert!(run(&dir, &[]).expect(4).contains("rates.csv"));
}

#[test]
fn currencies_are_never_added_up_unnamed() {
    let dir = payments();
    let wrong = |aggregate: &str, more: &str| {
        let spec = SPEC.replace("sum_in(paid, 'USD')", aggregate).replace("[rates]\nfile = \"rates.csv\"\n", more);
        dir.write("p.toml", spec);
        run(&dir, &[]).expect(3)
    };
    let rates = "[rates]\nfile = \"rates.csv\"\n";
    for aggregate in
        ["sum(paid)", "avg(paid)", "min(paid)", "max(paid)", "sum(coalesce(paid, 0))", "sum(paid + 1)", "max(paid) - 1"]
    {
        let told = wrong(aggregate, rates);
        assert!(told.contains("line 12") && told.contains("`paid`, which is money, would mix currencies"), "{told}");
    }
    assert!(wrong("sum_in(paid, 'euro')", rates).contains("three letters"));
    assert!(wrong("sum_in(id, 'eur')", rates).contains("a column of the source's `money`"));
    assert!(wrong("sums(paid)", "").contains("add `[rates]`"));
    let told = |spec: String| {
        dir.write("p.toml", spec);
        run(&dir, &[]).expect(3)
    };
    let aggregates = SPEC.lines().find(|line| line.starts_with("aggregates")).expect("a line");
    let kept = |keep: &str| {
        SPEC.replace(aggregates, keep)
            .replace("\"usd\", \"big\", \"all\", \"eur\", \"some\"", "\"amount\", \"more\"")
            .replace("[output]", "[computed]\nmore = \"amount + 1\"\n\n[output]")
    };
    assert!(told(kept("keep = [{ paid = \"amount\" }]")).contains("`amount` is money: keep its currency `cur` too"));
    assert!(told(kept("keep = [{ paid = \"amount\" }, \"cur\"]")).contains("`+` over `amount`, which is money"));
    assert!(told(SPEC.replace("decimal(6,2)", "float")).contains("money is exact: set `paid = \"decimal(12,2)\"`"));
}

const PEOPLE: &str = "\
[profile]
name = \"p\"
key = \"id\"

[sources.people]
files = [\"*.csv\"]
latest_by = \"day\"
fill = \"older\"
keep = [\"name\", \"n\", \"day\"]
types = { n = \"int\", day = \"date\" }

[output]
columns = [\"id\", \"name\", \"n\", \"day\"]
";

#[test]
fn a_gap_is_filled_from_the_newest_older_row_that_has_a_value() {
    let dir = Workdir::new();
    let rows = "id,name,n,day\n1,,x,2026-01-05\n1,old,1,2026-01-01\n1,tie,,2026-01-03\n1,later tie,,2026-01-03\n1,,3,\n2,,,\n2,,,2026-01-01\n";
    dir.write("in/a.csv", rows);
    dir.write("p.toml", PEOPLE);
    run(&dir, &[]).expect(0);
    assert_eq!(dir.read("data_out/profiles.csv"), "id,name,n,day\n1,later tie,1,2026-01-05\n2,,,2026-01-01\n");
    let ledger = &dir.manifest("data_out").ledger.0["people"];
    assert_eq!((ledger.rows_used, ledger.rows_superseded), (2, 5));
    dir.onefold(&["verify", "--input", "in"]).expect(0);
    let ran = dir.onefold(&["explain", "1", "--input", "in"]);
    ran.expect(0);
    let told = ran.stdout();
    assert!(told.contains("later tie  (a.csv line 2, null; filled from a.csv line 5)"), "{told}");
    assert!(told.contains("(a.csv line 2, a bad value, null; filled from a.csv line 3)"), "{told}");
    dir.write("p.toml", PEOPLE.replace("keep = [\"name\", \"n\", \"day\"]", "aggregates = { name = \"count(*)\" }"));
    assert!(run(&dir, &[]).expect(3).contains("`fill` is for `keep`"));
}

#[test]
fn a_currency_comes_with_its_amount() {
    let dir = Workdir::new();
    dir.write("in/a.csv", "id,p,c,d\n1,10,USD,2026-01-01\n1,,EUR,2026-01-02\n2,,EUR,2026-01-02\n");
    let spec = PEOPLE
        .replace("latest_by = \"day\"", "latest_by = \"d\"\nmoney = { p = \"c\" }")
        .replace("\"name\", \"n\", \"day\"", "\"p\", \"c\"")
        .replace("n = \"int\", day = \"date\"", "p = \"decimal(9,2)\", d = \"date\"");
    dir.write("p.toml", &spec);
    run(&dir, &[]).expect(0);
    assert_eq!(dir.read("data_out/profiles.csv"), "id,p,c\n1,10.00,usd\n2,,\n");
    let ran = dir.onefold(&["explain", "1", "--input", "in"]);
    ran.expect(0);
    assert!(ran.stdout().contains("usd  (a.csv line 3, null; filled from a.csv line 2)"), "{}", ran.stdout());
    dir.write(
        "p.toml",
        spec.replace("{ p = \"c\" }", "{ p = \"c\", q = \"c\" }")
            .replace("p = \"dec", "q = \"decimal(9,2)\", p = \"dec"),
    );
    assert!(run(&dir, &[]).expect(3).contains("two amounts of one currency column"));
}
