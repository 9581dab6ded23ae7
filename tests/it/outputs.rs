//! What a run writes: the Parquet file, read with the `parquet` crate, the manifest, the log, standard output.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use parquet::basic::{Compression, LogicalType, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use crate::python::reader_agrees;
use crate::workdir::Workdir;

#[test]
fn the_parquet_file_has_its_types_statistics_and_sorting() {
    let dir = Workdir::with_sample(200);
    dir.onefold(&["run"]).expect(0);
    let file = std::fs::File::open(dir.path("data_out/profiles.parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let meta = reader.metadata();
    let schema = meta.file_metadata().schema_descr();
    let types: Vec<(&str, Physical, Option<LogicalType>)> =
        schema.columns().iter().map(|c| (c.name(), c.physical_type(), c.logical_type_ref().cloned())).collect();
    assert_eq!(types.len(), 31);
    assert_eq!(types[0], ("customer_id", Physical::BYTE_ARRAY, Some(LogicalType::String)));
    assert!(types.contains(&("mrr", Physical::INT64, None)));
    assert!(types.contains(&("csat_score", Physical::DOUBLE, None)));
    assert!(types.contains(&("last_contact", Physical::INT32, Some(LogicalType::Date))));
    assert!(types.contains(&("health_score", Physical::INT64, None)));
    let group = meta.row_group(0);
    let id = group.column(0);
    assert!(matches!(id.compression(), Compression::ZSTD(_)));
    assert!(id.bloom_filter_offset().is_some() && id.statistics().is_some());
    assert!(id.column_index_offset().is_some() && id.offset_index_offset().is_some());
    let sorting = group.sorting_columns().expect("sorting columns");
    assert_eq!((sorting[0].column_idx, sorting[0].descending), (0, false));
    let pairs = meta.file_metadata().key_value_metadata().expect("metadata");
    let keys: Vec<&str> = pairs.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["onefold.version", "onefold.spec_sha256"]);
    assert_eq!(meta.file_metadata().num_rows(), 200);
}

#[test]
fn the_manifest_has_its_parts() {
    let dir = Workdir::with_sample(100);
    dir.onefold_with(&["run", "--retry-wait", "1ms"], &[("CHAOS_FAIL_SHARD", "3")]).expect(0);
    let run: Value = serde_json::from_slice(&dir.bytes("data_out/run.json")).expect("json");
    for pointer in [
        "/onefold",
        "/run_id",
        "/started_at",
        "/finished_at",
        "/spec/name",
        "/spec/sha256",
        "/spec/text",
        "/options/safe_csv",
        "/options/max_rejects",
        "/as_of",
        "/shards",
        "/threads",
        "/inputs/0/digest",
        "/ledger/crm/bad_values/deal_value",
        "/customers/total",
        "/stages/0/seconds",
        "/peak_memory_bytes",
        "/outputs/1/sha256",
        "/scores/health_score/mean",
        "/scores/churn_risk/LOW",
    ] {
        assert!(run.pointer(pointer).is_some_and(|v| !v.is_null()), "{pointer}");
    }
    assert_eq!(run["status"], "succeeded");
    assert_eq!(run["customers"]["from_two_shards"], 0);
    let shard = &run["shard_runs"][3];
    assert_eq!(
        (&shard["attempts"][0]["outcome"], &shard["attempts"][1]["outcome"]),
        (&"failed".into(), &"succeeded".into())
    );
    assert_eq!(shard["attempts"][0]["error"], "chaos: failing shard 3 on first attempt");
    let built: u64 = run["shard_runs"].as_array().expect("shards").iter().filter_map(|s| s["customers"].as_u64()).sum();
    assert_eq!(built, 100);
}

#[test]
fn the_json_log_has_the_events_of_a_retried_shard() {
    let dir = Workdir::with_sample(100);
    dir.onefold(&["run", "--output", "calm"]).expect(0);
    let ran = dir.onefold_with(&["run", "--log-format", "json", "--retry-wait", "20ms"], &[("CHAOS_FAIL_SHARD", "3")]);
    ran.expect(0);
    let events = ran.events();
    for event in &events {
        assert!(
            event["ts"].is_string()
                && event["level"].is_string()
                && event["event"].is_string()
                && event["run_id"].is_string(),
            "{event}"
        );
    }
    let of_shard: Vec<(&str, u64)> = events
        .iter()
        .filter(|e| e["shard_id"] == 3)
        .map(|e| (e["event"].as_str().expect("a name"), e["attempt"].as_u64().expect("an attempt")))
        .collect();
    assert_eq!(of_shard, [("shard_start", 1), ("shard_retry", 1), ("shard_start", 2), ("shard_end", 2)]);
    let retry = events.iter().find(|e| e["event"] == "shard_retry").expect("a retry");
    assert_eq!((&retry["error"], &retry["wait_ms"]), (&"chaos: failing shard 3 on first attempt".into(), &20.into()));
    let names: Vec<&str> =
        events.iter().filter(|e| e["shard_id"].is_null()).filter_map(|e| e["event"].as_str()).collect();
    let want =
        ["run_start", "source_read", "source_read", "source_read", "source_read", "publish", "publish", "run_end"];
    assert_eq!(names, want);
    assert_eq!(events.last().map(|e| (&e["status"], &e["customers"])), Some((&"succeeded".into(), &100.into())));
    assert!(dir.outputs("calm") == dir.outputs("data_out"));
}

#[test]
fn a_failed_run_ends_its_json_log_with_the_error() {
    let dir = Workdir::with_sample(10);
    let ran = dir.onefold(&[
        "run",
        "--log-format",
        "json",
        "--chaos",
        "fail:1:always",
        "--max-retries",
        "1",
        "--retry-wait",
        "1ms",
    ]);
    ran.expect(5);
    let events = ran.events();
    let names: Vec<&str> = events.iter().filter_map(|e| e["event"].as_str()).collect();
    assert!(names.contains(&"shard_failed"));
    assert_eq!(names[names.len() - 2..], ["run_end", "error"]);
    assert_eq!(events.last().map(|e| &e["exit_code"]), Some(&5.into()));
}

#[test]
fn wrong_usage_is_json_too_when_json_is_asked_for() {
    let dir = Workdir::new();
    let ran = dir.onefold(&["run", "--shards", "0", "--log-format", "json"]);
    ran.expect(2);
    let events = ran.events();
    assert_eq!((events.len(), &events[0]["event"], &events[0]["exit_code"]), (1, &"error".into(), &2.into()));
    assert!(events[0]["error"].as_str().is_some_and(|e| e.contains("--shards")), "{}", events[0]);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let dir = Workdir::with_sample(50);
    dir.onefold(&["run"]).expect(0);
    let mut child = Command::new(env!("CARGO_BIN_EXE_onefold"))
        .args(["run", "--print-profile"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("onefold starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.starts_with('#') && child.wait().expect("it ends").success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_onefold"));
    let mut child =
        child.current_dir(dir.path("")).arg("verify").stdout(Stdio::piped()).spawn().expect("onefold starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_mark_for_excel_changes_nothing_else() {
    let dir = Workdir::with_sample(50);
    dir.onefold(&["run", "--output", "plain"]).expect(0);
    dir.onefold(&["run", "--output", "marked", "--csv-bom"]).expect(0);
    let marked = dir.bytes("marked/profiles.csv");
    assert_eq!(marked, [&b"\xEF\xBB\xBF"[..], &dir.bytes("plain/profiles.csv")].concat());
    assert_eq!(dir.bytes("marked/profiles.parquet"), dir.bytes("plain/profiles.parquet"));
    dir.onefold(&["verify", "--output", "marked"]).expect(0);
    // Without the flag it is another file, and made anew.
    dir.onefold(&["run", "--output", "marked"]).expect(0);
    assert_eq!(dir.bytes("marked/profiles.csv"), dir.bytes("plain/profiles.csv"));
}

#[test]
fn safe_csv_guards_formulas_and_verify_knows() {
    let dir = Workdir::with_sample(3);
    let crm = dir.read("sample_data/crm.csv") + "=1+1,@x,\"-a,b\",x,-5,,,,\n";
    dir.write("sample_data/crm.csv", crm);
    dir.onefold(&["run", "--safe-csv"]).expect(0);
    assert!(
        dir.read("data_out/profiles.csv").contains("\n'=1+1,'@x,\"'-a,b\",x,-5,"),
        "{}",
        dir.read("data_out/profiles.csv")
    );
    dir.onefold(&["verify"]).expect(0);
    dir.onefold(&["run"]).expect(0);
    assert!(dir.read("data_out/profiles.csv").contains("\n=1+1,@x,\"-a,b\",x,-5,"));
    dir.onefold(&["verify"]).expect(0);
}

#[test]
fn an_interrupted_publication_is_completed_by_the_next_command() {
    let dir = Workdir::with_sample(20);
    dir.onefold(&["run", "--output", "new"]).expect(0);
    dir.onefold(&["run"]).expect(0);
    // As if the process had been killed after the first rename of a publication.
    let run = |name: &str| format!("data_out/.onefold/staging/r1/{name}");
    for name in ["profiles.parquet", "run.json"] {
        dir.write(&run(name), dir.bytes(&format!("new/{name}")));
    }
    let staged = ["profiles.csv", "profiles.parquet", "run.json"].map(|name| {
        let (bytes, sha256) = onefold::manifest::sha256_of(&dir.path(&format!("new/{name}"))).expect("a digest");
        serde_json::json!({"file": name, "bytes": bytes, "sha256": sha256})
    });
    let journal = serde_json::json!({"run_id": "r1", "publish": staged, "remove": []});
    dir.write("data_out/.onefold/journal.json", journal.to_string());
    dir.onefold(&["verify"]).expect(0);
    assert_eq!(dir.bytes("data_out/run.json"), dir.bytes("new/run.json"));
    assert!(!dir.exists("data_out/.onefold/journal.json"));
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn duckdb_pyarrow_and_polars_read_the_same_cells() {
    let dir = Workdir::with_sample(3000);
    let crm = dir.read("sample_data/crm.csv") + "007,,\"A, \"\"B\"\"\nLtd\",x,-5,,,,2026-01-01\n\u{e9},,,,,,,,\n";
    dir.write("sample_data/crm.csv", crm);
    dir.onefold(&["run"]).expect(0);
    reader_agrees("open.py", &[dir.path("data_out")]);
}
