//! Other profiles than the default: many rows per customer, populations, as-of dates, types, other names.

use onefold::sample::{Kind, Request, generate};

use crate::python::{functions_agree, reader_agrees};
use crate::workdir::{Workdir, project};

const INVOICES: &str = r#"
[profile]
name = "invoices"
key = "account"
population = ["accounts"]

[sources.accounts]
files = ["accounts.csv"]
keep = ["tier", { opened = "opened_on" }, "vip", "seen"]
types = { opened = "date(%d.%m.%Y)", vip = "bool", seen = "datetime" }

[sources.invoices]
files = ["invoices*.csv"]
key = "customer"
required = false
types = { amount = "decimal(12,2)", paid_on = "date", units = "int", weight = "float" }
latest_by = "paid_on"

[sources.invoices.aggregates]
total_paid = "sum(amount) filter (where status = 'paid')"
invoices = "count(*)"
states = "count(distinct status)"
last_status = "max_by(status, paid_on)"
mean_amount = "avg(amount)"
mean_units = "avg(units)"
units = "sum(units)"
biggest = "max(amount)"
weight = "sum(weight)"
recent = "count(*) filter (where days_between(paid_on, as_of) <= 30)"

[computed]
days_open = "days_between(opened_on, as_of)"
share = "total_paid / invoices"
bought = "coalesce(invoices, 0)"

[scores.value]
base = 10
clamp = [0, 30]
needs_any = ["total_paid", "tier"]
points = [
  { when = "total_paid >= 100.5", add = 15, because = "pays much" },
  { when = "vip", add = 10, because = "is a VIP" },
  { when = "days_open > 1000", add = -20, because = "is old" },
]

[output]
columns = [
  "account", "tier", "opened_on", "vip", "seen", "total_paid", "invoices", "states", "last_status", "mean_amount",
  "mean_units", "units", "biggest", "weight", "recent", "days_open", "share", "bought", "value", "sources",
]
"#;

fn invoices() -> Workdir {
    let dir = Workdir::new();
    dir.write("p.toml", INVOICES);
    dir.write(
        "in/accounts.csv",
        "account,tier,opened,vip,seen\nb,gold,01.02.2026,TRUE,2026-01-01 10:00:00\na,,31.12.2020,0,2026-01-01T10:00:00.5+01:00\nc,free,,,\n",
    );
    dir.write(
        "in/invoices-1.csv",
        "customer,amount,status,paid_on,units,weight,note\nb,100.50,paid,2026-03-01,3,0.1,x\nb,20,open,,4,0.2,\nghost,5,paid,2027-01-01,1,1,\n",
    );
    dir.write("in/invoices-2.csv", "status,customer,units,amount,paid_on,weight\npaid,b,,0.05,2026-03-01,0.3\nlate,b,2,bad,2026-02-01,\npaid,a,1,-3.1,2026-01-01,1\n");
    dir
}

#[test]
fn many_rows_become_one_profile() {
    let dir = invoices();
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    let want = "account,tier,opened_on,vip,seen,total_paid,invoices,states,last_status,mean_amount,mean_units,units,biggest,weight,recent,days_open,share,bought,value,sources\n\
        a,,2020-12-31,false,2026-01-01T09:00:00.500000Z,-3.10,1,1,paid,-3.1,1.0,1,-3.10,1.0,0,2192,-3.1,1,0,accounts+invoices\n\
        b,gold,2026-02-01,true,2026-01-01T10:00:00Z,100.55,4,3,paid,40.18333333333333,3.0,9,100.50,0.6,0,334,25.1375,4,30,accounts+invoices\n\
        c,free,,,,,,,,,,,,,,,,0,10,accounts\n";
    assert_eq!(dir.read("data_out/profiles.csv"), want);
    let manifest = dir.manifest("data_out");
    assert_eq!(
        manifest.as_of.as_deref(),
        Some("2027-01-01"),
        "the newest latest_by of accepted rows, excluded ones too"
    );
    let ledger = &manifest.ledger.0["invoices"];
    assert_eq!((ledger.rows_read, ledger.rows_used, ledger.rows_superseded, ledger.rows_excluded), (6, 5, 0, 1));
    assert_eq!(ledger.bad_values["amount"], 1);
    dir.onefold(&["verify", "--input", "in"]).expect(0);
}

#[test]
fn as_of_is_given_or_comes_from_the_rows() {
    let dir = invoices();
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml", "--as-of", "2026-03-15"]).expect(0);
    let csv = dir.read("data_out/profiles.csv");
    assert!(csv.contains(",0.6,2,42,"), "two invoices of b are at most 30 days old: {csv}");
    assert_eq!(dir.manifest("data_out").as_of.as_deref(), Some("2026-03-15"));
}

#[test]
fn an_optional_source_may_be_absent_and_an_empty_one_is_not_a_fault() {
    let dir = invoices();
    for file in ["in/invoices-1.csv", "in/invoices-2.csv"] {
        std::fs::remove_file(dir.path(file)).expect("removed");
    }
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    assert!(
        dir.read("data_out/profiles.csv")
            .contains("\nb,gold,2026-02-01,true,2026-01-01T10:00:00Z,,,,,,,,,,,,,0,20,accounts\n")
    );
    dir.write("in/accounts.csv", "account,tier,opened,vip,seen");
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml", "--allow-empty"]).expect(0);
    assert_eq!(dir.read("data_out/profiles.csv").lines().count(), 1);
    dir.onefold(&["verify", "--input", "in"]).expect(0);
}

#[test]
fn a_source_without_latest_by_keeps_its_last_row() {
    let dir = Workdir::new();
    dir.write("in/s.csv", "id,v\na,1\nb,2\na,3\na,\n");
    dir.write("p.toml", "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nkeep = [\"v\"]\n[output]\ncolumns = [\"id\", \"v\", \"idempotency_key\"]\n");
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    let csv = dir.read("data_out/profiles.csv");
    assert_eq!(csv, "id,v,idempotency_key\na,,a:45bb2146362187ef\nb,2,b:ed7606883b23dde4\n");
    assert_eq!(dir.manifest("data_out").ledger.0["s"].rows_superseded, 2);
}

#[test]
fn ids_are_text_and_differ_by_every_byte() {
    let dir = Workdir::new();
    let long = "x".repeat(65_536);
    dir.write("in/s.csv", format!("id,v\n007,1\n7,2\nA,3\na,4\n\u{e9},5\ne\u{301},6\n a b ,7\n{long},8\n=1,9\n"));
    dir.write("p.toml", "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nkeep = [\"v\"]\n[output]\ncolumns = [\"id\", \"v\"]\n");
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    let csv = dir.read("data_out/profiles.csv");
    assert_eq!(csv, format!("id,v\n007,1\n7,2\n=1,9\nA,3\na,4\na b,7\ne\u{301},6\n{long},8\n\u{e9},5\n"));
    dir.onefold(&["verify", "--input", "in"]).expect(0);
}

#[test]
fn a_file_given_by_hand_replaces_the_folders() {
    let dir = Workdir::with_sample(20);
    dir.write("elsewhere/x.csv", dir.bytes("sample_data/crm.csv"));
    std::fs::remove_file(dir.path("sample_data/crm.csv")).expect("removed");
    dir.onefold(&["run", "--source", "crm=elsewhere/x.csv"]).expect(0);
    assert_eq!(dir.manifest("data_out").customers.per_source["crm"], 20);
    dir.onefold(&["verify"]).expect(0);
}

#[test]
fn empty_lines_before_the_header_are_not_a_header() {
    let dir = Workdir::new();
    dir.write("in/t.csv", "\u{feff}\"x,\",id,v\n1,a,2\n");
    dir.write("in/s.csv", "\u{feff}\r\n\n\"id\",v\r\na,1\nb\n");
    dir.write("p.toml", "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nkeep = [\"v\"]\n[output]\ncolumns = [\"id\", \"v\"]\n");
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    assert_eq!(dir.read("data_out/profiles.csv"), "id,v\na,1\n");
    assert_eq!(dir.read("data_out/rejects/s.csv"), "file,line,column,reason,raw\ns.csv,5,,field_count,b\n");
    dir.onefold(&["verify", "--input", "in"]).expect(0);
}

/// Generates events and runs their profile.
fn events(dir: &Workdir, customers: u64) {
    let request = Request { customers, seed: 42, kind: Kind::Events, output: dir.path("events"), force: false };
    generate(&request).expect("events");
    dir.onefold(&["run", "--input", "events", "--profile", "events/profile.toml"]).expect(0);
    dir.onefold(&["verify", "--input", "events"]).expect(0);
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn the_events_profile_is_what_duckdb_computes() {
    let dir = Workdir::new();
    events(&dir, 20_000);
    reader_agrees("events.py", &[dir.path("events"), dir.path("data_out")]);
    reader_agrees("open.py", &[dir.path("data_out")]);
}

#[test]
fn aggregates_do_not_depend_on_shards() {
    let dir = Workdir::new();
    events(&dir, 20_000);
    let want = dir.outputs("data_out");
    dir.onefold(&["run", "--input", "events", "--profile", "events/profile.toml", "--shards", "3", "--threads", "1"])
        .expect(0);
    assert!(dir.outputs("data_out") == want);
}

#[test]
fn the_events_sample_in_the_repository_is_what_generate_writes() {
    let dir = Workdir::new();
    events(&dir, 1000);
    for file in ["accounts.csv", "invoices.csv", "usage.csv", "tickets.csv", "profile.toml"] {
        let kept = std::fs::read(project().join("sample_data/events").join(file)).expect("a sample file");
        assert!(kept == dir.bytes(&format!("events/{file}")), "{file}");
    }
}

#[test]
fn what_expressions_mean_on_data() {
    let dir = Workdir::new();
    dir.write(
        "in/s.csv",
        "id,t,n,c,w,at\na,<b>x.y</b>,1,1,1.5,1969-12-30 23:59:59\na,,2,,2.5,\nb,plain,,0,,1970-01-02 00:00:01\n",
    );
    let aggregates = [
        ("rows", "count(*)", "2", "1"),
        ("filled", "count(t)", "1", "1"),
        ("twice", "sum(n) + sum(n)", "6", ""),
        ("exact", "sum(w) - 0.125", "3.875", ""),
        ("tags", "count(*) filter (where t like '<b>%.y</b>')", "1", "0"),
        ("some", "max(n) in (1, 2, null)", "true", ""),
        ("none", "sum(n) / sum(c) - sum(n) / 0", "", ""),
        ("age", "days_between(max(at), date '1970-01-01')", "2", "-1"),
        // A count is an int, whatever it counts.
        ("incomplete", "count(distinct t) < count(*)", "true", "false"),
        ("as_text", "cast(coalesce(count(c), 0) as text) || cast(coalesce(count(w), 0) as text)", "12", "10"),
        ("most", "greatest(count(t), 3)", "3", "3"),
        ("dated", "count(at) >= count(t)", "true", "true"),
        ("by_zero", "coalesce(sum(c / 0), 7.0)", "7.0", "7.0"),
    ];
    let fields: Vec<String> = aggregates.iter().map(|(name, sql, ..)| format!("{name} = \"{sql}\"")).collect();
    let names: Vec<String> = aggregates.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
    let spec = format!(
        "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\ntypes = {{ n = \"int\", c = \"float\", w = \"decimal(9,2)\", at = \"datetime\" }}\n[sources.s.aggregates]\n{}\n[output]\ncolumns = [\"id\", {}]\n",
        fields.join("\n"),
        names.join(", ")
    );
    dir.write("p.toml", spec);
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    let csv = dir.read("data_out/profiles.csv");
    let lines: Vec<Vec<&str>> = csv.lines().skip(1).map(|l| l.split(',').skip(1).collect()).collect();
    for (at, (name, sql, of_a, of_b)) in aggregates.iter().enumerate() {
        assert_eq!((lines[0][at], lines[1][at]), (*of_a, *of_b), "{name} = {sql}");
    }
}

#[test]
fn constants_alone_are_columns_and_literals_are_summed() {
    let dir = Workdir::new();
    dir.write("in/s.csv", "id,state\na,active\na,gone\nb,gone\n");
    dir.write("in/t.csv", "id,name\na,A\nb,B\nc,C\n");
    let head = "[profile]\nname = \"p\"\nkey = \"id\"\n";
    let constants = "[sources.t]\nfiles = [\"t.csv\"]\nkeep = [\"name\"]\n[computed]\ncurrency = \"'EUR'\"\none = \"1\"\nday = \"date '2026-01-31'\"\n[output]\ncolumns = [\"id\", \"currency\", \"one\", \"day\", \"name\"]\n";
    dir.write("p.toml", format!("{head}{constants}"));
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    let csv = "id,currency,one,day,name\na,EUR,1,2026-01-31,A\nb,EUR,1,2026-01-31,B\nc,EUR,1,2026-01-31,C\n";
    assert_eq!(dir.read("data_out/profiles.csv"), csv);
    let sums = "[sources.s]\nfiles = [\"s.csv\"]\n[sources.s.aggregates]\nactive = \"sum(case when state = 'active' then 1 else 0 end)\"\nshare = \"avg(case when state = 'active' then 1 else 0 end)\"\n[output]\ncolumns = [\"id\", \"active\", \"share\"]\n";
    dir.write("p.toml", format!("{head}{sums}"));
    dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    assert_eq!(dir.read("data_out/profiles.csv"), "id,active,share\na,1,0.5\nb,0,0.0\n");
    dir.onefold(&["verify", "--input", "in"]).expect(0);
}

/// Expressions over random values, of all functions and operators.
#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn expressions_mean_what_they_mean_in_duckdb() {
    functions_agree("1", "30");
}

#[test]
fn a_run_warns_about_what_may_be_a_mistake() {
    let dir = Workdir::new();
    let rows: String = (0..40).map(|i| format!("c{i},{}\n", if i % 3 == 0 { "\"29,90\"" } else { "5.00" })).collect();
    dir.write("in/a.csv", format!("id,fee\n{rows}"));
    dir.write("p.toml", "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.a]\nfiles = [\"a.csv\"]\ntypes = { fee = \"decimal(9,2)\" }\nkeep = [\"fee\"]\n[sources.b]\nfiles = [\"b.csv\"]\nrequired = false\ntypes = { seen = \"date\" }\nkeep = [\"seen\"]\n[computed]\nidle = \"days_between(seen, as_of)\"\n[output]\ncolumns = [\"id\", \"fee\", \"idle\"]\n");
    let stderr = dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(0);
    for warning in [
        "warning: source `b` has no file",
        "warning: `as_of` is null because no source has a latest_by date: set it with --as-of",
        "warning: 14 of 40 values in column `fee` of source `a` are bad and became null: check its type, format and `max_date` in the spec; see rejects/a.csv",
    ] {
        assert!(stderr.contains(warning), "{stderr}");
    }
    let stderr = dir.onefold(&["run", "--input", "in", "--profile", "p.toml", "--as-of", "2026-01-01"]).expect(0);
    assert!(!stderr.contains("as_of"), "{stderr}");
}
