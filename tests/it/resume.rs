//! Unfinished runs resume: undamaged shards are reused, damaged ones are built again, and the outputs are the same.

use std::fs;
use std::path::PathBuf;

use onefold::manifest::Manifest;
use serde_json::Value;

use crate::workdir::Workdir;

/// Messy data, the outputs of a run without faults in `want`, and in `data_out` what a run left whose disk was full at
/// its last shard.
fn unfinished() -> Workdir {
    let dir = Workdir::new();
    dir.onefold(&["generate", "--messy", "--customers", "500"]).expect(0);
    dir.onefold(&["run", "--output", "want"]).expect(0);
    let stderr = dir.onefold(&["run", "--threads", "1", "--chaos", "enospc:15"]).expect(7);
    assert!(stderr.contains("no storage space; free some space"), "{stderr}");
    assert!(stderr.contains("15 of 16 shards are built and kept"), "{stderr}");
    assert!(!dir.exists("data_out/profiles.csv") && !dir.exists("data_out/.onefold/staging"));
    dir
}

/// Runs, and checks that this many shards were reused and that the result is the same as without faults.
fn resumes(dir: &Workdir, args: &[&str], reused: usize) -> Manifest {
    let ran = dir.onefold(&[&["run", "--log-format", "json"], args].concat());
    ran.expect(0);
    let event = ran.events().into_iter().find(|e| e["event"] == "resume").unwrap_or_default();
    assert_eq!(event["reused"].as_u64().unwrap_or(0), reused as u64, "{event}");
    let (got, want) = (dir.manifest("data_out"), dir.manifest("want"));
    assert_eq!(got.resumed_shards, reused);
    assert!(got.shard_runs.iter().all(|run| run.resumed == run.attempts.is_empty()));
    assert!(dir.outputs("data_out") == dir.outputs("want"));
    assert_eq!((&got.ledger, &got.rejects, got.customers.total), (&want.ledger, &want.rejects, want.customers.total));
    assert_eq!(serde_json::json!(got.scores), serde_json::json!(want.scores));
    for name in ["crm", "billing", "product", "support"].map(|name| format!("rejects/{name}.csv")) {
        assert_eq!(dir.read(&format!("data_out/{name}")), dir.read(&format!("want/{name}")));
    }
    assert!(!dir.exists("data_out/.onefold/checkpoints"), "a finished run leaves nothing to go on with");
    dir.onefold(&["verify"]).expect(0);
    got
}

/// The files of the built shards, in order of name.
fn parts(dir: &Workdir) -> Vec<PathBuf> {
    let sets = fs::read_dir(dir.path("data_out/.onefold/checkpoints")).expect("checkpoints").flatten();
    let folder = sets.map(|e| e.path().join("parts")).next().expect("a set");
    let mut parts: Vec<PathBuf> = fs::read_dir(folder).expect("parts").flatten().map(|e| e.path()).collect();
    parts.sort();
    assert_eq!(parts.iter().filter(|p| p.extension().is_some_and(|e| e == "arrow")).count(), 15);
    parts
}

#[test]
fn finished_shards_are_reused_and_only_the_missing_are_built() {
    let dir = unfinished();
    let manifest = resumes(&dir, &[], 15);
    let built: Vec<usize> = manifest.shard_runs.iter().filter(|r| !r.resumed).map(|r| r.shard_id).collect();
    assert_eq!(built, [15]);
    let stdout = dir.onefold(&["run", "--fresh"]).stdout();
    assert!(!stdout.contains("resumed"), "{stdout}");
}

#[test]
fn a_run_with_all_its_shards_reads_nothing() {
    let dir = Workdir::with_sample(100);
    dir.onefold(&["run", "--output", "want"]).expect(0);
    // Something in an output's place is found only when all shards are built.
    fs::create_dir_all(dir.path("data_out/profiles.csv")).expect("a folder");
    dir.onefold(&["run"]).expect(7);
    fs::remove_dir(dir.path("data_out/profiles.csv")).expect("removed");
    let ran = dir.onefold(&["run", "--log-format", "json"]);
    ran.expect(0);
    let events: Vec<String> = ran.events().iter().filter_map(|e| e["event"].as_str().map(str::to_owned)).collect();
    assert_eq!(events, ["run_start", "resume", "publish", "publish", "run_end"]);
    assert!(dir.outputs("data_out") == dir.outputs("want"));
    assert_eq!(dir.manifest("data_out").ledger, dir.manifest("want").ledger);
}

type Damage<'a> = &'a dyn Fn(&PathBuf);

#[test]
fn what_is_damaged_is_built_again() {
    let damage: [(Damage, usize); 4] = [
        (&|part| /* cut short */ fs::write(part, &fs::read(part).expect("bytes")[..100]).expect("cut"), 14),
        (
            &|part| /* changed */ {
                let mut bytes = fs::read(part).expect("bytes");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(part, bytes).expect("changed");
            },
            14,
        ),
        (
            &|part| /* of another shard */ {
                let name = part.file_name().expect("a name").to_string_lossy().into_owned();
                let (_, digest) = name.split_once('-').expect("a digest");
                fs::rename(part, part.with_file_name(format!("15-{digest}"))).expect("renamed");
            },
            14,
        ),
        (&|part| /* unknown */ fs::write(part.with_file_name("16-00.arrow"), "x").expect("written"), 15),
    ];
    for (damage, reused) in damage {
        let dir = unfinished();
        damage(&parts(&dir)[3]);
        resumes(&dir, &[], reused);
    }
}

#[test]
fn with_damaged_counts_of_reading_a_run_starts_again() {
    let dir = unfinished();
    let set = parts(&dir)[0].parent().and_then(|p| p.parent()).expect("a set").to_owned();
    let account = fs::read_to_string(set.join("read.json")).expect("an account");
    fs::write(set.join("read.json"), account.replacen("\"rows\":", "\"rows\":1", 1)).expect("changed");
    resumes(&dir, &[], 0);
    let dir = unfinished();
    let set = parts(&dir)[0].parent().and_then(|p| p.parent()).expect("a set").to_owned();
    fs::write(set.join("rejects/crm.csv"), "file,line\n").expect("changed");
    resumes(&dir, &[], 0);
}

#[test]
fn nothing_old_is_mixed_into_other_inputs_or_options() {
    for (args, of_inputs) in
        [(&["--shards", "17"][..], false), (&["--as-of", "2026-01-01"], false), (&["--fresh"], false), (&[], true)]
    {
        let dir = unfinished();
        if of_inputs {
            let name = "sample_data/billing-1.csv";
            dir.write(name, dir.read(name) + "\n");
            dir.onefold(&["run", "--output", "want", "--fresh"]).expect(0);
        }
        resumes(&dir, args, 0);
    }
}

#[test]
fn another_profile_starts_again_and_leaves_one_set() {
    let dir = unfinished();
    dir.write("p.toml", crate::workdir::default_text().replacen("base = 50", "base = 51", 1));
    dir.onefold(&["run", "--profile", "p.toml", "--chaos", "enospc:15", "--threads", "1"]).expect(7);
    assert_eq!(fs::read_dir(dir.path("data_out/.onefold/checkpoints")).expect("sets").count(), 1);
    let ran = dir.onefold(&["run", "--profile", "p.toml"]);
    ran.expect(0);
    assert!(ran.stdout().contains("resumed 15 of 16 shards"), "{}", ran.stdout());
    dir.onefold(&["run", "--profile", "p.toml", "--output", "want"]).expect(0);
    assert!(dir.outputs("data_out") == dir.outputs("want"));
}

#[test]
fn a_drilled_shard_is_never_reused() {
    let dir = unfinished();
    let manifest = resumes(&dir, &["--chaos", "fail:2", "--chaos", "slow:7:1ms", "--retry-wait", "1ms"], 13);
    assert_eq!(manifest.shard_runs[2].attempts.len(), 2);
    assert_eq!(manifest.drills, ["fail:2", "slow:7:1ms"]);
}

#[test]
fn a_file_that_was_damaged_on_disk_is_built_again_in_the_same_run() {
    let dir = Workdir::with_sample(200);
    dir.onefold(&["run", "--output", "want"]).expect(0);
    for limit in ["1", "1GB"] {
        let args = ["run", "--fresh", "--memory-limit", limit, "--chaos", "truncate:3", "--chaos", "corrupt:9"];
        let ran = dir.onefold(&[&args[..], &["--log-format", "json"]].concat());
        ran.expect(0);
        let damaged: Vec<Value> = ran
            .events()
            .into_iter()
            .filter(|e| e["event"] == "checkpoint_damaged")
            .map(|e| e["shard_id"].clone())
            .collect();
        assert_eq!(damaged, [3, 9]);
        assert!(dir.outputs("data_out") == dir.outputs("want"));
        let attempts: Vec<usize> = dir.manifest("data_out").shard_runs.iter().map(|r| r.attempts.len()).collect();
        assert_eq!((attempts[3], attempts[9], attempts[4]), (2, 2, 1));
    }
}

#[test]
fn a_finished_run_is_up_to_date_until_something_changes() {
    let dir = Workdir::new();
    dir.onefold(&["generate", "--messy", "--customers", "100"]).expect(0);
    dir.onefold(&["run"]).expect(0);
    let again = |args: &[&str]| {
        let before = dir.manifest("data_out").run_id;
        let ran = dir.onefold(&[&["run"], args].concat());
        ran.expect(0);
        let same = dir.manifest("data_out").run_id == before;
        assert_eq!(same, ran.stdout().starts_with("up to date: 100 customers in data_out"), "{}", ran.stdout());
        same
    };
    assert!(again(&[]) && again(&["--threads", "1", "--memory-limit", "1GB"]));
    assert!(!again(&["--fresh"]) && !again(&["--chaos", "slow:0:1ms"]));
    assert!(!again(&["--shards", "3"]) && again(&["--shards", "3"]));
    assert!(!again(&[]) && !again(&["--safe-csv"]) && !again(&["--safe-csv", "--as-of", "2026-01-01"]));
    assert!(!again(&[]) && again(&[]));
    for name in ["profiles.csv", "profiles.parquet", "rejects/crm.csv"] {
        let path = format!("data_out/{name}");
        let mut bytes = dir.bytes(&path);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        dir.write(&path, bytes);
        assert!(!again(&[]) && again(&[]), "{name} changed");
        fs::remove_file(dir.path(&path)).expect("removed");
        assert!(!again(&[]) && again(&[]), "{name} removed");
    }
    let crm = "sample_data/crm-1.csv";
    // The same size, so only the digest differs.
    dir.write(crm, dir.read(crm).replacen("Corp", "Camp", 1).replacen("Inc", "Ink", 1).replacen("2026", "2025", 1));
    assert!(!again(&[]) && again(&[]));
    let ran = dir.onefold(&["run", "--log-format", "json"]);
    assert_eq!(ran.events().last().map(|e| e["status"].clone()), Some("up_to_date".into()));
}
