//! Signals, crashes and full disks: whenever a run ends, the outputs are complete, old or new.

#![allow(clippy::disallowed_methods, reason = "a test waits for another process")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::workdir::{Workdir, project};

/// Waits until the run's log has this event.
fn wait_for(child: &mut Child, event: &str) {
    let stderr = child.stderr.take().expect("a log");
    let mut lines = BufReader::new(stderr).lines();
    let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains(event));
    assert!(found, "the run ended without {event}");
    // The rest is read too, because a full pipe would block the run.
    std::thread::spawn(move || lines.for_each(drop));
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
}

#[test]
fn the_first_signal_keeps_what_is_built_and_the_outputs() {
    for signal in ["-INT", "-TERM"] {
        let dir = Workdir::with_sample(100);
        dir.onefold(&["run", "--safe-csv"]).expect(0);
        let (outputs, manifest) = (dir.outputs("data_out"), dir.bytes("data_out/run.json"));
        dir.onefold(&["run", "--output", "want"]).expect(0);
        let slow = ["run", "--log-format", "json", "--threads", "1", "--chaos", "slow:5:3s"];
        let mut run = dir.start(&slow);
        wait_for(&mut run, r#""shard_id":5,"#);
        send(signal, &run);
        assert_eq!(run.wait().expect("it ends").code(), Some(130), "{signal}");
        assert!(dir.outputs("data_out") == outputs && dir.bytes("data_out/run.json") == manifest);
        let ran = dir.onefold(&["run"]);
        ran.expect(0);
        assert!(ran.stdout().contains("resumed 6 of 16 shards"), "{}", ran.stdout());
        assert!(dir.outputs("data_out") == dir.outputs("want"));
    }
}

/// Waits until this many shards have their files.
fn wait_until_built(dir: &Workdir, shards: usize) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let sets = fs::read_dir(dir.path("data_out/.onefold/checkpoints")).into_iter().flatten().flatten();
        let parts = sets.flat_map(|set| fs::read_dir(set.path().join("parts")).into_iter().flatten().flatten());
        if parts.filter(|part| part.path().extension().is_some_and(|e| e == "arrow")).count() >= shards {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{shards} shards were not built");
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let dir = Workdir::with_sample(20);
    let mut run = dir.start(&["run", "--log-format", "json", "--threads", "1", "--chaos", "slow:0:1h"]);
    wait_for(&mut run, "shard_start");
    send("-INT", &run);
    std::thread::sleep(Duration::from_millis(100));
    assert!(run.try_wait().expect("a state").is_none(), "the first signal waits for the shard at work");
    send("-INT", &run);
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert!(!dir.exists("data_out/profiles.csv"));
}

#[test]
fn a_second_run_is_refused_with_the_firsts_process_and_start() {
    let dir = Workdir::with_sample(20);
    let mut first = dir.start(&["run", "--log-format", "json", "--threads", "1", "--chaos", "slow:0:1h"]);
    wait_for(&mut first, "shard_start");
    let stderr = dir.onefold(&["run"]).expect(7);
    let process = format!("`data_out` is in use by process {} (run 20", first.id());
    assert!(stderr.contains(&process) && stderr.contains(", since 20"), "{stderr}");
    first.kill().expect("killed");
    first.wait().expect("it ends");
    dir.onefold(&["run"]).expect(0);
}

#[test]
fn a_crash_between_renames_is_completed_by_the_next_command() {
    for (next, drill) in [
        (&["verify"][..], "kill:publish"),
        (&["run"], "kill:publish:0"),
        (&["run", "--fresh"], "kill:publish:2"),
        (&["explain", "cust_00000007"], "kill:publish:3"),
        (&["diff", "want", "data_out"], "kill:publish"),
    ] {
        let dir = Workdir::with_sample(50);
        dir.onefold(&["run", "--output", "want"]).expect(0);
        dir.onefold(&["run", "--safe-csv"]).expect(0);
        assert_eq!(dir.onefold(&["run", "--chaos", drill]).0.status.code(), None);
        assert!(dir.exists("data_out/.onefold/journal.json"));
        dir.onefold(next).expect(0);
        assert!(dir.outputs("data_out") == dir.outputs("want"));
        assert!(!dir.exists("data_out/.onefold/journal.json"));
        dir.onefold(&["verify"]).expect(0);
    }
}

#[test]
fn fifty_rounds_of_drills_do_no_damage() {
    let dir = Workdir::with_sample(200);
    let ran = dir.onefold(&["drill", "--rounds", "50", "--seed", "3"]);
    ran.expect(0);
    let stdout = ran.stdout();
    let count = |what: &str| -> u64 {
        let line =
            stdout.lines().find(|l| l.trim_start().starts_with(what)).unwrap_or_else(|| panic!("{what}: {stdout}"));
        line.trim_start()[what.len()..]
            .split_whitespace()
            .next()
            .expect("a count")
            .replace(',', "")
            .parse()
            .expect("a number")
    };
    assert_eq!((count("rounds"), count("rounds recovered")), (50, 50));
    assert_eq!((count("customers lost"), count("customers invented")), (0, 0));
    for kind in ["corrupt", "enospc", "fail", "kill", "panic", "slow", "truncate"] {
        assert!(count(kind) > 0, "{kind} never struck: {stdout}");
    }
    assert!(count("killed") > 0 && count("failed cleanly") > 0 && count("shards resumed") > 0);
}

#[test]
fn drills_know_other_encodings_and_checks_of_the_last_run() {
    let dir = Workdir::new();
    let utf16: Vec<u8> =
        "\u{feff}id\tname\tlong_column\r\n1\ta\tb\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    dir.write("in/a.csv", utf16);
    let spec = "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.a]\nfiles = [\"a.csv\"]\nkeep = [\"name\", \"long_column\"]\n[output]\ncolumns = [\"id\", \"name\"]\n";
    for checks in ["", "[[checks]]\nrows_within = \"20%\"\n"] {
        dir.write("p.toml", format!("{spec}{checks}"));
        let ran = dir.onefold(&["drill", "--rounds", "4", "--input", "in", "--profile", "p.toml", "--format", "json"]);
        ran.expect(0);
        let told: serde_json::Value = serde_json::from_str(&ran.stdout()).expect("JSON");
        assert_eq!((&told["healed"], &told["lost"]), (&4.into(), &0.into()), "{told}");
    }
}

#[test]
fn a_drill_finds_damage() {
    // A run that cannot succeed is not damage by a drill: it is reported with its own exit code.
    let dir = Workdir::with_sample(20);
    fs::remove_file(dir.path("sample_data/crm.csv")).expect("removed");
    assert!(dir.onefold(&["drill", "--rounds", "1"]).expect(4).contains("source `crm`"));
}

#[test]
fn what_is_staged_must_still_be_there_to_be_published() {
    let dir = Workdir::with_sample(50);
    dir.onefold(&["run", "--safe-csv"]).expect(0);
    let (outputs, manifest) = (dir.outputs("data_out"), dir.bytes("data_out/run.json"));
    let mut run = dir.start(&["run", "--log-format", "json", "--threads", "1", "--chaos", "slow:15:4s"]);
    wait_until_built(&dir, 15);
    fs::remove_dir_all(dir.path("data_out/.onefold/staging")).expect("removed");
    assert_eq!(run.wait().expect("it ends").code(), Some(7));
    assert!(dir.outputs("data_out") == outputs && dir.bytes("data_out/run.json") == manifest);
}

#[test]
fn shards_of_other_inputs_are_never_reused() {
    let dir = Workdir::with_sample(300);
    let full = ["--threads", "1", "--chaos", "enospc:15"];
    dir.onefold(&["run", "--output", "want"]).expect(0);
    dir.onefold(&[&["run"][..], &full].concat()).expect(7);
    let crm = dir.read("sample_data/crm.csv");
    dir.write("other/crm.csv", crm.replace("2026-", "2025-"));
    for name in ["billing", "product", "support"] {
        dir.write(&format!("other/{name}.csv"), dir.bytes(&format!("sample_data/{name}.csv")));
    }
    dir.onefold(&[&["run", "--input", "other", "--output", "foreign"][..], &full].concat()).expect(7);
    let set = |output: &str| {
        let sets = fs::read_dir(dir.path(&format!("{output}/.onefold/checkpoints"))).expect("sets").flatten();
        sets.map(|set| set.path().join("parts")).next().expect("a set")
    };
    fs::remove_dir_all(set("data_out")).expect("removed");
    fs::rename(set("foreign"), set("data_out")).expect("moved");
    let ran = dir.onefold(&["run"]);
    ran.expect(0);
    assert!(!ran.stdout().contains("resumed") && dir.outputs("data_out") == dir.outputs("want"));
}

#[test]
fn a_users_file_among_the_rejects_stays() {
    let dir = Workdir::with_sample(20);
    dir.write("sample_data/crm.csv", dir.read("sample_data/crm.csv") + "short,row\n");
    dir.write("data_out/rejects/contracts-2024.csv", "mine");
    dir.onefold(&["run"]).expect(0);
    assert!(dir.exists("data_out/rejects/crm.csv"));
    fs::write(dir.path("sample_data/crm.csv"), dir.read("sample_data/crm.csv").replace("short,row\n", ""))
        .expect("written");
    dir.onefold(&["run"]).expect(0);
    assert!(!dir.exists("data_out/rejects/crm.csv"));
    assert_eq!(dir.read("data_out/rejects/contracts-2024.csv"), "mine");
}

#[test]
fn a_finished_run_leaves_only_its_lock() {
    let dir = Workdir::with_sample(20);
    let left = || {
        let list = fs::read_dir(dir.path("data_out/.onefold")).expect("a list").flatten();
        list.map(|e| e.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    dir.onefold(&["run", "--chaos", "fail:3:always", "--max-retries", "0"]).expect(5);
    dir.onefold(&["run"]).expect(0);
    assert_eq!(left(), ["lock"]);
    dir.onefold(&["run"]).expect(0);
    assert_eq!(left(), ["lock"], "up to date");
    dir.onefold(&["run", "--chaos", "fail:99"]).expect(2);
    assert_eq!(left(), ["lock"], "wrong usage");
}

/// The script that can be run by hand at full size: SIGKILL at random moments, old or new outputs after each, the same
/// bytes at the end.
#[test]
fn a_run_killed_at_random_moments() {
    let dir = Workdir::new();
    let script = project().join("tests/kill-loop.sh");
    let ran = Command::new("bash")
        .arg(script)
        .args([env!("CARGO_BIN_EXE_onefold"), "5000", "12"])
        .current_dir(dir.path(""))
        .output()
        .expect("bash starts");
    let stdout = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{stdout}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(stdout.ends_with("12 kills: the same bytes each time\n"), "{stdout}");
}

/// On a real small file system; the drill `enospc` simulates this.
#[test]
#[ignore = "mounts a small file system: as root, with --include-ignored"]
fn a_full_disk_is_told_and_harms_nothing() {
    let dir = Workdir::with_sample(3000);
    fs::create_dir(dir.path("small")).expect("a folder");
    let small = dir.path("small");
    let mount =
        |size: &str| Command::new("mount").args(["-t", "tmpfs", "-o", size, "onefold-test"]).arg(&small).output();
    let mounted = mount("size=1200k").expect("mount starts");
    assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
    let ended = std::panic::catch_unwind(|| {
        dir.onefold(&["generate", "--customers", "50", "--output", "few"]).expect(0);
        dir.onefold(&["run", "--input", "few", "--output", "small/out"]).expect(0);
        let (outputs, manifest) = (dir.outputs("small/out"), dir.bytes("small/out/run.json"));
        for limit in ["1", "1GB"] {
            let stderr = dir.onefold(&["run", "--output", "small/out", "--memory-limit", limit]).expect(7);
            assert!(stderr.contains("free some space or choose another folder with --output"), "{stderr}");
            assert!(dir.outputs("small/out") == outputs && dir.bytes("small/out/run.json") == manifest);
            assert!(!dir.exists("small/out/.onefold/staging"), "staging and spill are gone");
        }
        dir.onefold(&["verify", "--input", "few", "--output", "small/out"]).expect(0);
        let grow = Command::new("mount").args(["-o", "remount,size=30m"]).arg(&small).status().expect("mount starts");
        assert!(grow.success());
        dir.onefold(&["run", "--output", "small/out"]).expect(0);
        dir.onefold(&["run", "--output", "want"]).expect(0);
        assert!(dir.outputs("small/out") == dir.outputs("want"));
    });
    let _ = Command::new("umount").arg(&small).status();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}
