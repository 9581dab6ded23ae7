//! `onefold bench`: its numbers add up, its exports can be read, no files are left, failures are reported. Times are
//! not tested, because they depend on the machine.

use std::fs;
use std::path::Path;

use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use crate::workdir::Workdir;

/// A folder with sample data and its own folder for temporary files.
fn prepared() -> (Workdir, String) {
    let dir = Workdir::with_sample(120);
    fs::create_dir(dir.path("tmp")).expect("a folder");
    let tmp = dir.path("tmp").display().to_string();
    (dir, tmp)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_bench_gives_a_table_json_and_a_chart_and_leaves_nothing_else() {
    let (dir, tmp) = prepared();
    let args = "bench --shards 1,4 --runs 1 --warm-up 0 --export-json b.json --export-chart b.svg";
    let ran = dir.onefold_with(&args.split(' ').collect::<Vec<_>>(), &[("TMPDIR", &tmp), ("CHAOS_FAIL_SHARD", "0")]);
    assert_eq!(ran.expect(0), "");
    let table = ran.stdout();
    assert!(table.contains("sample_data: 480 rows") && table.contains("every run wrote the same outputs"), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 100), "{table}");
    assert_eq!(names(&dir.path("")), ["b.json", "b.svg", "sample_data", "tmp"]);
    assert_eq!(names(&dir.path("tmp")), [""; 0]);

    let json: Vec<Value> = serde_json::from_slice(&dir.bytes("b.json")).expect("an array");
    assert_eq!(json.iter().map(|o| o["shards"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(4)]);
    for outcome in &json {
        let number = |name: &str| outcome[name].as_f64().unwrap_or_else(|| panic!("{name}: {outcome}"));
        let median = number("seconds_median");
        assert!(median > 0.0 && number("seconds_min") <= median && median <= number("seconds_max"));
        assert!((number("rows_per_second") * median - 480.0).abs() < 1e-6);
        let baseline = json[0]["seconds_median"].as_f64().expect("a number");
        assert!((number("speedup") * median - baseline).abs() < 1e-9, "wall against wall");
        let stages = outcome["stages"].as_object().expect("stages");
        assert!(!stages.is_empty() && stages.values().filter_map(Value::as_f64).sum::<f64>() <= median);
        assert_eq!((&outcome["same_bytes"], &outcome["rows"]), (&Value::Bool(true), &480.into()));
        assert!(!cfg!(target_os = "linux") || number("peak_memory_bytes") > 1e6);
    }

    let svg = dir.read("b.svg");
    let picture = Document::parse(&svg).expect("well-formed");
    assert!(picture.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    assert!(picture.descendants().any(|n| n.text().is_some_and(|t| t.starts_with("4 shards: build "))), "{svg}");
}

#[test]
fn rounds_alternate_and_runs_get_the_flags() {
    let (dir, tmp) = prepared();
    let spec = dir.onefold(&["run", "--print-profile"]).stdout();
    dir.write("p.toml", spec.replace("name = \"default\"", "name = \"mine\""));
    let args = "bench --shards 4,1,4 --runs 1 --warm-up 1 --threads 1 --memory-limit 1GB --profile p.toml \
                --source crm=sample_data/crm.csv --log-format json --work-dir tmp --export-json b.json \
                --export-chart b.html";
    let ran = dir.onefold(&args.split_whitespace().collect::<Vec<_>>());
    ran.expect(0);
    let runs: Vec<Value> = ran.events().into_iter().filter(|e| e["event"] == "bench_run").collect();
    assert_eq!(runs.iter().filter_map(|e| e["shards"].as_u64()).collect::<Vec<_>>(), [4, 1, 1, 4]);
    assert_eq!(runs.iter().filter_map(|e| e["warm_up"].as_bool()).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(names(Path::new(&tmp)), [""; 0]);

    let json: Value = serde_json::from_slice(&dir.bytes("b.json")).expect("JSON");
    assert_eq!((&json[0]["threads"], &json[0]["memory_limit"]), (&1.into(), &1_000_000_000.into()));
    assert_eq!(json[0]["input"], "sample_data, crm=sample_data/crm.csv, profile p.toml");
    let html = dir.read("b.html");
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(&html, options).expect("well-formed");
}

#[test]
fn a_failing_run_is_reported_with_its_exit_code() {
    let (dir, tmp) = prepared();
    let crm = dir.read("sample_data/crm.csv") + &"one,field,too,few\n".repeat(30);
    dir.write("sample_data/crm.csv", crm);
    let bench = ["bench", "--shards", "1,4", "--runs", "1", "--export-json", "b.json"];
    let ran = dir.onefold_with(&bench, &[("TMPDIR", &tmp)]);
    let told = ran.expect(4);
    assert!(told.starts_with("error: run 1 of 4, --shards 1: source `crm`: 30 of 150 rows were rejected"), "{told}");
    assert!(told.contains("`onefold bench` removes the files of its runs"), "{told}");
    assert_eq!(names(&dir.path("")), ["sample_data", "tmp"], "neither an export nor what was to become one");
    assert_eq!(names(Path::new(&tmp)), [""; 0]);
    let allowed = ["bench", "--shards", "4", "--runs", "1", "--warm-up", "0", "--max-rejects", "50%"];
    dir.onefold_with(&allowed, &[("TMPDIR", &tmp)]).expect(0);
}

#[test]
fn what_cannot_work_is_found_before_the_first_run() {
    let (dir, tmp) = prepared();
    let crm = dir.bytes("sample_data/crm.csv");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--input", "nowhere"], 4, "cannot read `nowhere`"),
        (&["--profile", "nowhere.toml"], 3, "cannot be read"),
        (&["--source", "crmm=x.csv"], 2, "the profile has no source"),
        (&["--work-dir", "nowhere"], 7, "choose another place with --work-dir"),
        (&["--export-json", "nowhere/b.json"], 7, "cannot write `nowhere/b.json`"),
        (&["--export-json", "sample_data"], 7, "it is not a regular file"),
        (&["--export-json", "sample_data/crm.csv"], 7, "it is an input"),
        (&["--export-json", "b.svg", "--export-chart", "b.svg"], 2, "name the same file"),
    ];
    for (args, code, want) in cases {
        let args: Vec<&str> = ["bench", "-v", "--shards", "1"].into_iter().chain(args.iter().copied()).collect();
        let ran = dir.onefold_with(&args, &[("TMPDIR", &tmp)]);
        let told = ran.expect(*code);
        assert!(told.contains(want) && !told.contains("run 1 of"), "{args:?}: {told}");
    }
    assert!(dir.bytes("sample_data/crm.csv") == crm);
    assert_eq!(names(&dir.path("")), ["sample_data", "tmp"]);
}
