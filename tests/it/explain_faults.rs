//! What `explain` refuses, and what it says about ids without a profile; ids in every form that CSV allows.

use std::fs;

use crate::workdir::Workdir;

/// A spec with customers, who are the only ones with a profile, and their orders; it uses the run's date.
const SPEC: &str = r#"
[profile]
name = "shop"
key = "id"
population = ["people"]
[sources.people]
files = ["people*.csv"]
keep = ["name", { joined = "since" }]
types = { joined = "date" }
[sources.orders]
files = ["orders.csv"]
key = "who"
latest_by = "day"
types = { day = "date", amount = "decimal(9,2)" }
aggregates = { spent = "sum(amount)", orders = "count(*)", last = "max(day)" }
[computed]
quiet_for = "days_between(last, as_of)"
known = "sources like '%orders%'"
[scores.rank]
base = 10
clamp = [0, 12]
needs_any = ["spent"]
points = [{ when = "spent > 10", add = 5, because = "buys" }, { when = "known", add = 1 }]
[output]
columns = ["id", "name", "rank", "idempotency_key"]
"#;

fn shop(people: &str, orders: &str) -> Workdir {
    let dir = Workdir::new();
    dir.write("p.toml", SPEC);
    dir.write("sample_data/people.csv", people);
    dir.write("sample_data/orders.csv", orders);
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
    dir
}

fn explained(dir: &Workdir, id: &str) -> serde_json::Value {
    let ran = dir.onefold(&["explain", "--json", "--", id]);
    ran.expect(0);
    serde_json::from_str(&ran.stdout()).expect("json")
}

#[test]
fn a_spec_of_another_shape_is_explained_completely() {
    let people = "id,name,joined\n7,Ann,2026-01-02\n8,Bo,\n7,Anna,2026-02-30\n";
    let orders = "who,day,amount\n7,2026-03-01,9.50\n 7 ,2026-03-05,1\n9,2026-03-09,5\n";
    let dir = shop(people, orders);
    let ann = explained(&dir, "7");
    let field = |name: &str| ann["fields"].as_array().and_then(|f| f.iter().find(|f| f["column"] == name)).expect(name);
    assert_eq!(
        (&field("name")["value"], &field("name")["line"], &field("name")["in_output"]),
        (&"Anna".into(), &4.into(), &true.into())
    );
    assert_eq!(field("name")["beat"][0]["value"], "Ann");
    let since = field("since");
    assert_eq!(
        (&since["value"], &since["bad_value"], &since["file_column"]),
        (&serde_json::Value::Null, &true.into(), &"joined".into())
    );
    assert_eq!((&field("spent")["value"], &field("spent")["rows"]), (&"10.50".into(), &2.into()));
    assert_eq!(
        (&field("quiet_for")["value"], &field("quiet_for")["uses"][0]["value"]),
        (&4.into(), &"2026-03-09".into())
    );
    assert_eq!(field("known")["uses"][0], serde_json::json!({"column": "sources", "value": "people+orders"}));
    let rank = &ann["scores"][0];
    assert_eq!((&rank["value"], &rank["sum"], &rank["points"]), (&12.into(), &16.into(), &12.into()));
    assert_eq!(
        ann["sources"][1]["lines"][0],
        serde_json::json!({"file": "orders.csv", "rows": 2, "first_line": 2, "last_line": 3})
    );
    let bo = explained(&dir, "8");
    assert_eq!(
        (&bo["scores"][0]["value"], &bo["scores"][0]["unknown"][0]),
        (&serde_json::Value::Null, &"spent".into())
    );
    // The text says the same.
    let ran = dir.onefold(&["explain", "7"]);
    ran.expect(0);
    for want in [
        "name             Anna  (people.csv line 4)",
        "replaced Ann (people.csv line 2)",
        "limited to 0 to 12",
        "sum(amount) over 2 rows of orders",
    ] {
        assert!(ran.stdout().contains(want), "{want}: {}", ran.stdout());
    }
}

#[test]
fn an_id_without_a_profile_is_reported_with_what_is_known_about_it() {
    let people = "id,name,joined\ncust_a,Ann,\nshort\nx1,too,many,fields\nx1,again,,\nb,,\nc,,\nd,,\n";
    let dir = shop(people, "who,day,amount\nloner,2026-03-01,9.50\nloner,,1\ncust_a,,\n");
    for (id, want) in [
        ("CUST_A", "no customer `CUST_A` in `data_out`; did you mean `cust_a`? Ids must be equal in every byte"),
        (" cust_a ", "did you mean `cust_a`?"),
        (
            "loner",
            "its rows are excluded, because only customers in `people` get a profile: orders.csv line 2, orders.csv line 3",
        ),
        ("x1", "its rows were rejected: people.csv line 4: field_count, people.csv line 5: field_count"),
        ("nobody", "no customer `nobody` in `data_out`\n"),
        ("", "no customer `` in `data_out`"),
    ] {
        let stderr = dir.onefold(&["explain", "--", id]).expect(4);
        assert!(stderr.contains(want), "{id}: {stderr}");
    }
    assert!(dir.onefold(&["explain", "7", "--output", "none"]).expect(4).contains("no finished run in `none`"));
}

#[test]
fn ids_are_found_in_every_form_that_csv_allows() {
    // Statistics have only the first 64 bytes of an id.
    let long = ["a", "b"].map(|end| "x".repeat(90) + end);
    let ids = [
        "a\"b",
        "\"",
        "a,b",
        "ab\"c",
        "say \"hi\" now",
        "l1\nl2",
        "5\" pipe",
        "Ünï",
        "=1+1",
        "-17",
        "a b",
        &long[0],
        &long[1],
    ];
    let rows = [
        "\"a\"\"b\",1,",
        "\"\"\"\",2,",
        "\"a,b\",3,",
        "\"ab\"\"c\",4,",
        "\"say \"\"hi\"\" now\",5,",
        "\"l1\nl2\",6,",
        "5\" pipe,7,",
        "  Ünï\u{a0},8,",
        "=1+1,9,",
        "-17,10,",
        "\u{feff}a b,11,",
    ];
    let long_rows = format!("{},12,\n{},13,", long[0], long[1]);
    let dir = shop(&format!("id,name,joined\n{}\n{long_rows}\n", rows.join("\n")), "who,day,amount\n");
    for (at, id) in ids.iter().enumerate() {
        let found = explained(&dir, id);
        assert_eq!((&found["customer"], &found["fields"][1]["value"]), (&(*id).into(), &(at + 1).to_string().into()));
        // The id with the line break moves what follows down by one line.
        assert_eq!(found["fields"][1]["line"], at + 2 + usize::from(at > 5), "{id}");
    }
}

#[test]
fn changed_inputs_are_refused() {
    let people = "id,name,joined\n7,Ann,\n8,Bo,\n";
    let dir = shop(people, "who,day,amount\n7,2026-03-01,9.50\n");
    let explain = ["explain", "8"];
    dir.write("sample_data/people.csv", people.replace("Ann", "Eve"));
    let stderr = dir.onefold(&explain).expect(6);
    assert!(stderr.contains("input `people.csv` has changed since the run read it: restore the old file"), "{stderr}");
    dir.write("sample_data/people.csv", people.to_owned() + "9,Cy,\n");
    assert!(dir.onefold(&explain).expect(6).contains("input `people.csv` has changed"));
    fs::rename(dir.path("sample_data/people.csv"), dir.path("moved.csv")).expect("moved");
    assert!(dir.onefold(&explain).expect(4).contains("cannot read `sample_data/people.csv`"));
    dir.write("moved.csv", people);
    let moved = ["explain", "8", "--json", "--source", "people=moved.csv"];
    let ran = dir.onefold(&moved);
    ran.expect(0);
    assert!(ran.stdout().contains("\"file\": \"moved.csv\""), "{}", ran.stdout());
    // A source without the customer is not read; one with it is.
    dir.write("sample_data/orders.csv", "changed");
    let stderr = dir.onefold(&moved).expect(6);
    assert!(stderr.contains("input `orders.csv` has changed"), "this output has no `sources`: all are read: {stderr}");
    let twice = [&moved[..], &["--source", "people=p.toml"]].concat();
    assert!(dir.onefold(&twice).expect(2).contains("--source people names 2 files, but the run read 1"));
    let stderr = dir.onefold(&["explain", "8", "--source", "peeple=moved.csv"]).expect(2);
    assert!(stderr.contains("--source: the run's profile has no source `peeple`; did you mean `people`?"), "{stderr}");
}

#[test]
fn only_the_sources_with_the_customer_are_read() {
    let dir = Workdir::with_sample(20);
    let text = dir.read("sample_data/support.csv");
    let without: Vec<&str> = text.lines().filter(|l| !l.contains("cust_00000007")).collect();
    dir.write("sample_data/support.csv", without.join("\n"));
    dir.onefold(&["run"]).expect(0);
    fs::remove_file(dir.path("sample_data/support.csv")).expect("removed");
    dir.onefold(&["explain", "cust_00000007"]).expect(0);
    dir.onefold(&["explain", "cust_00000008"]).expect(4);
}

#[test]
fn profiles_of_another_run_are_refused() {
    let dir = Workdir::with_sample(20);
    dir.onefold(&["run"]).expect(0);
    let text = dir.read("sample_data/crm.csv");
    let line = text.lines().nth(1).expect("a line").to_owned();
    dir.write("changed/crm.csv", text.replace(&line, &line.replacen("cust_00000001,", "cust_00000001,x", 1)));
    for name in ["billing", "product", "support"] {
        dir.write(&format!("changed/{name}.csv"), dir.bytes(&format!("sample_data/{name}.csv")));
    }
    dir.onefold(&["run", "--input", "changed", "--output", "other"]).expect(0);
    dir.write("data_out/profiles.parquet", dir.bytes("other/profiles.parquet"));
    let stderr = dir.onefold(&["explain", "cust_00000001"]).expect(6);
    assert!(
        stderr.contains("the inputs and the spec give another value for column `email` than the profile has"),
        "{stderr}"
    );
    dir.onefold(&["explain", "cust_00000002"]).expect(0);
    dir.write("data_out/profiles.parquet", "no such thing");
    assert!(dir.onefold(&["explain", "cust_00000002"]).expect(6).contains("cannot be read"));
}

#[test]
fn many_rows_are_counted_and_the_first_listed() {
    let rows: String = (0..500).map(|i| format!("7,n{i},\n")).collect();
    let dir = shop(&format!("id,name,joined\n{rows}"), "who,day,amount\n");
    let found = explained(&dir, "7");
    let name = &found["fields"][1];
    assert_eq!((&name["value"], &name["line"], &name["beaten_rows"]), (&"n499".into(), &501.into(), &499.into()));
    let beat = name["beat"].as_array().expect("rows");
    assert_eq!((beat.len(), &beat[0]["value"], &beat[9]["value"]), (10, &"n498".into(), &"n489".into()));
    let ran = dir.onefold(&["explain", "7"]);
    assert!(
        ran.stdout().contains("and 489 more") && ran.stdout().contains("500 rows in lines 2 to 501"),
        "{}",
        ran.stdout()
    );
}
