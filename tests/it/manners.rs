//! The command line in general: every summary as JSON, `--quiet`, the manual, the completions.

use serde_json::{Value, json};

use crate::workdir::{Ran, Workdir};

fn parsed(ran: &Ran) -> Value {
    assert_eq!(ran.expect(0), "");
    serde_json::from_str(&ran.stdout()).unwrap_or_else(|e| panic!("{e}: {}", ran.stdout()))
}

#[test]
fn every_summary_can_be_json() {
    let dir = Workdir::new();
    let generated = parsed(&dir.onefold(&["generate", "--customers", "50", "--format", "json"]));
    assert_eq!(generated["files"].as_array().map(Vec::len), Some(4));
    assert!(generated["files"].as_array().is_some_and(|f| f.contains(&json!("sample_data/crm.csv"))), "{generated}");

    let checked = parsed(&dir.onefold(&["check", "--format", "json"]));
    let crm = &checked["sources"][0];
    assert_eq!(
        (&crm["source"], &crm["files"][0]["file"], &crm["columns_read"]),
        (&json!("crm"), &json!("crm.csv"), &json!(9))
    );
    assert_eq!(crm["files"][0]["bytes"], dir.bytes("sample_data/crm.csv").len());
    assert_eq!(checked["output_columns"].as_array().map(Vec::len), Some(31));

    let ran = parsed(&dir.onefold(&["run", "--format", "json"]));
    let manifest: Value = serde_json::from_slice(&dir.bytes("data_out/run.json")).expect("JSON");
    assert_eq!(ran, manifest, "the summary of a run is its manifest");
    assert_eq!(ran["customers"]["total"], 50);

    let verified = parsed(&dir.onefold(&["verify", "--format", "json"]));
    assert_eq!(verified["verified"], true);
    assert_eq!(
        (&verified["proofs"]["profiles"], &verified["proofs"]["customers"]),
        (&json!(50), &json!(50)),
        "{verified}"
    );

    let drilled = parsed(&dir.onefold(&["drill", "--rounds", "1", "--format", "json"]));
    assert_eq!((&drilled["rounds"], &drilled["lost"]), (&json!(1), &json!(0)));

    let bench =
        ["bench", "--shards", "2", "--runs", "1", "--warm-up", "0", "--format", "json", "--export-json", "b.json"];
    let timed = parsed(&dir.onefold(&bench));
    assert_eq!(timed, serde_json::from_slice::<Value>(&dir.bytes("b.json")).expect("JSON"));
}

#[test]
fn quiet_suppresses_texts_but_not_json() {
    let dir = Workdir::with_sample(20);
    let commands: [&[&str]; 4] =
        [&["run"], &["check"], &["verify"], &["generate", "--customers", "5", "--output", "more", "--force"]];
    for command in commands {
        let with = |flags: &[&str]| dir.onefold(&[command, flags].concat());
        let quiet = with(&["--quiet"]);
        assert_eq!((quiet.expect(0), quiet.stdout()), (String::new(), String::new()), "{command:?}");
        assert!(parsed(&with(&["-q", "--format", "json"])).is_object(), "{command:?}");
    }
}

#[test]
fn a_run_that_fails_prints_no_summary() {
    let dir = Workdir::with_sample(20);
    let ran = dir.onefold(&["run", "--format", "json", "--chaos", "fail:3:always", "--max-retries", "0"]);
    assert!(ran.expect(5).contains("error: shard 3 failed after"));
    assert_eq!(ran.stdout(), "");
}

#[test]
fn the_manual_has_a_page_for_every_command_with_its_examples() {
    let dir = Workdir::new();
    dir.onefold(&["man", "--dir", "man/man1"]).expect(0);
    let help = dir.onefold(&["--help"]).stdout();
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    let commands: Vec<&str> = commands.filter_map(|l| l.split_whitespace().next()).filter(|c| *c != "help").collect();
    assert!(commands.contains(&"run") && commands.contains(&"man"), "{commands:?}");
    for command in commands {
        let page = dir.read(&format!("man/man1/onefold-{command}.1"));
        assert!(page.contains(&format!(".TH onefold-{command} 1")) && page.contains(".SH EXAMPLES\n.nf\n"), "{page}");
        assert!(page.lines().any(|line| line.starts_with("  onefold ")), "{command} has an example");
    }
    let ran = dir.onefold(&["man"]);
    ran.expect(0);
    assert_eq!(ran.stdout(), dir.read("man/man1/onefold.1"));
    dir.write("file", "");
    assert!(dir.onefold(&["man", "--dir", "file/man1"]).expect(7).contains("cannot create `file/man1`"));
}

#[test]
fn help_is_short_or_long() {
    let dir = Workdir::new();
    let help = |args: &[&str]| dir.onefold(args).stdout();
    for command in ["run", "check", "verify", "bench", "drill", "generate", "completions", "man"] {
        let (short, long) = (help(&[command, "-h"]), help(&[command, "--help"]));
        assert!(short.len() < long.len(), "{command}");
        assert!(
            !short.contains("  onefold ") && long.contains("  onefold "),
            "{command}: examples are in the long one"
        );
        assert!(long.contains("Messages:") && long.contains("--log-format"), "{command}");
    }
    assert!(help(&["-h"]).contains("First steps: onefold\n"));
    assert!(help(&["--help"]).contains("Exit codes:"));
}
