//! The spec's checks: they measure the same as an independent count, with any number of shards; if one fails, the run
//! does not publish, or there is a warning.

use std::collections::HashMap;

use onefold::manifest::{CheckRecord, Severity};
use onefold::sample::{Kind, Request, generate};
use onefold::spec::Spec;
use proptest::prelude::*;

use crate::workdir::{Workdir, default_text};

const CHECKS: &str = r#"
[[checks]]
that = "health_score is not null"
for_at_least = "95%"
severity = "warn"
[[checks]]
name = "pays something"
that = "mrr > 0 or plan_tier = 'free'"
severity = "warn"
[[checks]]
unique = "email"
severity = "warn"
[[checks]]
column = "payment_status"
accepted = ["active", "past_due", "failed"]
severity = "warn"
[[checks]]
column = "churn_risk"
accepted = ["LOW", "MEDIUM", "HIGH"]
nulls = false
for_at_least = "50%"
severity = "warn"
[[checks]]
rows_within = "20%"
severity = "warn"
"#;

fn messy(customers: u64, seed: u64) -> Workdir {
    let dir = Workdir::new();
    let output = dir.path("sample_data");
    generate(&Request { customers, seed, kind: Kind::Messy, output, force: false }).expect("sample data");
    dir
}

fn run(dir: &Workdir, checks: &str, output: &str, shards: usize, limit: Option<u64>) -> Vec<CheckRecord> {
    let mut settings = dir.settings(output);
    settings.spec = Spec::parse(&format!("{}{checks}", default_text()), "checks.toml").expect("a spec");
    (settings.shards, settings.memory_limit) = (Some(shards), limit);
    settings.allow_empty = true;
    onefold::run(&settings).expect("a run").checks
}

/// The profiles by column, as the `csv` crate reads them.
fn profiles(dir: &Workdir, output: &str) -> HashMap<String, Vec<String>> {
    let mut reader = csv::Reader::from_path(dir.path(&format!("{output}/profiles.csv"))).expect("profiles");
    let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    for record in reader.records() {
        for (name, cell) in names.iter().zip(&record.expect("a record")) {
            columns.entry(name.clone()).or_default().push(cell.to_owned());
        }
    }
    columns
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_measured_is_there_and_does_not_depend_on_shards(seed in 0u64..1000, shards in 2usize..60) {
        let dir = messy(300, seed);
        let found = run(&dir, CHECKS, "out", 1, None);
        prop_assert_eq!(&run(&dir, CHECKS, "cut", shards, Some(1)), &found);
        let columns = profiles(&dir, "out");
        let all = columns["customer_id"].len();
        let count = |holds: &dyn Fn(usize) -> bool| (0..all).filter(|row| holds(*row)).count();
        let scored = count(&|row| !columns["health_score"][row].is_empty());
        let pays = count(&|row| {
            let plan = columns["plan"][row].trim_matches(' ').to_lowercase();
            columns["mrr"][row].parse::<i64>().is_ok_and(|n| n > 0) || plan == "free"
        });
        let known = count(&|row| ["", "active", "past_due", "failed"].contains(&columns["payment_status"][row].as_str()));
        let risk = count(&|row| !columns["churn_risk"][row].is_empty());
        let mut emails: HashMap<&str, usize> = HashMap::new();
        columns["email"].iter().filter(|e| !e.is_empty()).for_each(|e| *emails.entry(e).or_default() += 1);
        let twice = emails.values().filter(|n| **n > 1).count();
        for (check, satisfied, passed) in [
            (&found[0], scored, scored * 100 >= all * 95),
            (&found[1], pays, pays == all),
            (&found[3], known, known == all),
            (&found[4], risk, risk * 2 >= all),
        ] {
            let start = format!("true for {satisfied} of {all} profiles (");
            prop_assert!(check.measured.starts_with(&start), "{}: {} {}", check.name, check.measured, start);
            prop_assert_eq!(check.passed, passed, "{}", check.name);
        }
        prop_assert!(found[2].measured.starts_with(&format!("{twice} value")), "{} {}", found[2].measured, twice);
        prop_assert_eq!(found[2].passed, twice == 0);
        prop_assert!(found[5].passed && found[5].measured.contains("no last run"), "{}", found[5].measured);
        prop_assert!(found.iter().all(|check| check.severity == Severity::Warn));
    }
}

#[test]
fn a_failed_check_publishes_nothing_and_says_why() {
    let dir = messy(200, 7);
    dir.onefold(&["run"]).expect(0);
    let (outputs, manifest) = (dir.outputs("data_out"), dir.bytes("data_out/run.json"));
    let checks =
        "[[checks]]\nname = \"all pay\"\nthat = \"mrr > 0\"\nfor_at_least = \"99%\"\n[[checks]]\nunique = \"plan\"\n";
    dir.write("p.toml", format!("{}\n{checks}", default_text()));
    let stderr = dir.onefold(&["run", "--profile", "p.toml"]).expect(6);
    for want in [
        "check `all pay` failed: true for ",
        " of 200 profiles (",
        "expected at least 99%; check `unique plan` failed: ",
        "more than one profile, expected none; nothing was published",
    ] {
        assert!(stderr.contains(want), "{want}: {stderr}");
    }
    assert!(dir.outputs("data_out") == outputs && dir.bytes("data_out/run.json") == manifest);
    let failed = std::fs::read_dir(dir.path("data_out/.onefold/failed")).expect("a folder").flatten().next();
    let failed = std::fs::read_to_string(failed.expect("a failed run").path().join("run.json")).expect("a manifest");
    let failed: serde_json::Value = serde_json::from_str(&failed).expect("json");
    assert_eq!(failed["checks"][0]["name"], "all pay");
    assert_eq!((&failed["checks"][1]["passed"], &failed["checks"][1]["severity"]), (&false.into(), &"error".into()));
}

#[test]
fn a_warning_is_an_event_and_publishes() {
    let dir = messy(200, 7);
    dir.write("p.toml", format!("{}\n[[checks]]\nthat = \"mrr > 0\"\nseverity = \"warn\"\n", default_text()));
    let ran = dir.onefold(&["run", "--profile", "p.toml", "--log-format", "json"]);
    ran.expect(0);
    let events = ran.events();
    let event = events.iter().find(|e| e["warning"] == "check_failed").expect("an event");
    assert_eq!((&event["level"], &event["name"]), (&"warn".into(), &"mrr > 0".into()));
    let checks = dir.manifest("data_out").checks;
    assert_eq!((checks.len(), checks[0].passed, checks[0].wanted.as_str()), (1, false, "at least 100%"));
    assert_eq!(event["measured"].as_str(), Some(checks[0].measured.as_str()));
    dir.onefold(&["verify"]).expect(0);
}

#[test]
fn the_number_of_rows_is_compared_with_the_last_published_run() {
    let dir = Workdir::with_sample(100);
    let checks = |band: &str| format!("{}\n[[checks]]\nrows_within = \"{band}\"\n", default_text());
    dir.write("p.toml", checks("20%"));
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
    let sample = |customers: &str| {
        dir.onefold(&["generate", "--customers", customers, "--force"]).expect(0);
    };
    sample("79");
    let stderr = dir.onefold(&["run", "--profile", "p.toml"]).expect(6);
    assert!(stderr.contains("`rows within 20%` failed: 79 profiles after 100 in the last run"), "{stderr}");
    // The failed run was not published, so the first one is compared with.
    sample("80");
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
    assert_eq!(dir.manifest("data_out").checks[0].measured, "80 profiles after 100 in the last run");
    sample("97");
    dir.onefold(&["run", "--profile", "p.toml"]).expect(6);
    dir.write("p.toml", checks("21.25%"));
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
}

#[test]
fn a_run_without_profiles_satisfies_its_conditions() {
    let dir = Workdir::with_sample(3);
    for name in ["crm", "billing", "product", "support"] {
        let header = dir.read(&format!("sample_data/{name}.csv")).lines().next().expect("a header").to_owned();
        dir.write(&format!("sample_data/{name}.csv"), header + "\n");
    }
    let found = run(&dir, CHECKS, "out", 3, None);
    assert!(found.iter().all(|check| check.passed), "{found:?}");
    assert_eq!(found[0].measured, "true for 0 of 0 profiles (100%)");
}

#[test]
fn a_resumed_run_checks_what_a_run_in_one_piece_does() {
    let dir = messy(200, 11);
    dir.write("p.toml", format!("{}{CHECKS}", default_text()));
    let run = ["run", "--profile", "p.toml", "--shards", "8"];
    dir.onefold(&[&run[..], &["--output", "whole"]].concat()).expect(0);
    dir.onefold(&[&run[..], &["--chaos", "fail:5:always", "--max-retries", "0"]].concat()).expect(5);
    dir.onefold(&run).expect(0);
    assert!(dir.manifest("data_out").resumed_shards > 0);
    assert_eq!(dir.manifest("data_out").checks, dir.manifest("whole").checks);
    // What a run with a failed check leaves is reused, and fails again.
    dir.write("strict.toml", format!("{}\n[[checks]]\nthat = \"mrr > 0\"\n", default_text()));
    let strict = ["run", "--profile", "strict.toml", "--output", "strict"];
    let first = dir.onefold(&strict).expect(6);
    let told = |stderr: &str| stderr.lines().last().map(str::to_owned);
    assert_eq!(told(&dir.onefold(&strict).expect(6)), told(&first));
    assert!(!dir.exists("strict/profiles.csv"));
}
