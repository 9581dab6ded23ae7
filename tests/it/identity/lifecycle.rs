//! Identity runs end as plain ones do: the same bytes whatever the settings, after drills, crashes and shuffles.

use std::path::Path;
use std::process::Command;

use super::{A, B, Case, SPEC, case};
use crate::workdir::{Workdir, project};

/// A thousand customers in four sources.
fn large() -> Case {
    let dir = Workdir::new();
    dir.write("p.toml", SPEC.replace("IDENTITY", "").replace("MAPS", ""));
    let rows =
        |head: &str, row: &dyn Fn(usize) -> String| format!("{head}\n") + &(0..1000).map(row).collect::<String>();
    dir.write("in/accounts.csv", rows(super::header("accounts"), &|i| format!("001A{i:07}Vm9r,u{i}@x.io,,,n{i}\n")));
    dir.write("in/contacts.csv", rows(super::header("contacts"), &|i| format!(",u{}@x.io\n", i % 700)));
    dir.write(
        "in/hubspot.csv",
        rows(super::header("hubspot"), &|i| {
            format!("{},u{i}@x.io,{}\n", 1000 + i, if i % 9 == 0 { 5000 + i } else { 0 })
        }),
    );
    dir.write("in/stripe.csv", rows(super::header("stripe"), &|i| format!("cus_{i},u{}@x.io\n", i / 2)));
    Case { dir }
}

const FILES: [&str; 6] =
    ["profiles.csv", "profiles.parquet", "identities.csv", "identities.parquet", "refused.csv", "refused.parquet"];

fn bytes(all: &Case, output: &str) -> Vec<Vec<u8>> {
    FILES.iter().map(|file| all.dir.bytes(&format!("{output}/{file}"))).collect()
}

fn run(all: &Case, output: &str, args: &[&str]) -> crate::workdir::Ran {
    let own = ["run", "--profile", "p.toml", "--input", "in", "--output", output, "--retry-wait", "0s"];
    all.dir.onefold(&[&own[..], args].concat())
}

#[test]
fn the_same_bytes_whatever_the_settings() {
    let all = large();
    run(&all, "want", &["--quiet"]).expect(0);
    all.dir.onefold(&["verify", "--input", "in", "--output", "want"]).expect(0);
    let want = bytes(&all, "want");
    for args in [
        &["--shards", "1", "--threads", "1"][..],
        &["--shards", "97", "--threads", "3"],
        &["--memory-limit", "1kB"],
        &["--chaos", "fail:3", "--chaos", "panic:5"],
        &["--chaos", "corrupt:2", "--chaos", "truncate:4"],
    ] {
        run(&all, "out", &[&["--fresh", "--quiet"], args].concat()).expect(0);
        assert!(bytes(&all, "out") == want, "{args:?}");
    }
    // Only the manifest says that there was nothing to do.
    assert!(run(&all, "out", &["--chaos", "fail:1"]).stdout().contains("recovered by a retry"));
    assert!(run(&all, "want", &[]).stdout().contains("up to date"));
    // A plain run into the folder takes the tables of identifiers away.
    all.dir.write("plain.toml", "[profile]\nname = \"q\"\nkey = \"id\"\n[sources.stripe]\nfiles = [\"stripe.csv\"]\nkeep = [\"Email\"]\n[output]\ncolumns = [\"id\", \"Email\"]\n");
    all.dir.onefold(&["run", "--profile", "plain.toml", "--input", "in", "--output", "out", "--quiet"]).expect(0);
    assert!(
        all.dir.exists("out/profiles.csv")
            && !all.dir.exists("out/identities.csv")
            && !all.dir.exists("out/refused.parquet")
    );
}

#[test]
fn an_unfinished_run_is_resumed() {
    let all = large();
    run(&all, "want", &["--quiet"]).expect(0);
    run(&all, "out", &["--max-retries", "0", "--threads", "1", "--chaos", "fail:9"]).expect(5);
    let ran = run(&all, "out", &[]);
    ran.expect(0);
    assert!(ran.stdout().contains("resumed 9 of 16 shards"), "{}", ran.stdout());
    assert!(bytes(&all, "out") == bytes(&all, "want"));
    all.dir.onefold(&["verify", "--input", "in", "--output", "out"]).expect(0);
    // Another list is another run.
    run(&all, "out", &["--max-retries", "0", "--threads", "1", "--fresh", "--chaos", "fail:9"]).expect(5);
    all.dir.write("erase.csv", "kind,value\nstripe,cus_1\n");
    let ran = run(&all, "out", &["--erase", "erase.csv"]);
    ran.expect(0);
    assert!(!ran.stdout().contains("resumed"), "{}", ran.stdout());
}

#[test]
fn killed_at_random_moments_it_gives_the_same_bytes() {
    let dir = Workdir::new();
    let script = project().join("tests/kill-loop.sh");
    let done = Command::new("bash")
        .arg(script)
        .args([env!("CARGO_BIN_EXE_onefold"), "20000", "5", "identity"])
        .current_dir(dir.path(""))
        .output()
        .expect("bash starts");
    let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && told.contains("5 kills: the same bytes each time"), "{told}");
}

/// A list is no identifier, as it is no id.
#[test]
fn a_json_list_is_nobodys_identifier() {
    let all = case(&[]);
    all.dir
        .write("in/stripe.jsonl", "{\"id\": \"cus_1\", \"Email\": []}\n{\"id\": \"cus_2\", \"Email\": \"a@x.io\"}\n");
    let spec = all.dir.read("p.toml").replace("stripe*.csv", "stripe*");
    all.dir.write("p.toml", spec);
    let got = all.outcome();
    assert_eq!((got.customers(), got.manifest.ledger.0["stripe"].rows_rejected), (vec!["stripe:cus_2"], 1));
}

/// The same rows as JSON lines, packed, in another encoding.
#[test]
fn the_form_of_files_changes_no_customer() {
    let all = case(&[("accounts", &[&format!("{A},a@x.io;b@x.io"), B]), ("stripe", &["cus_1,a@x.io", ",b@x.io"])]);
    let want = all.outcome().members();
    let json = "{\"id\": \"cus_1\", \"Email\": \"a@x.io\"}\n{\"id\": null, \"Email\": \"b@x.io\"}\n";
    std::fs::remove_file(all.dir.path("in/stripe.csv")).expect("removed");
    all.dir.write("in/stripe.jsonl", json);
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(all.dir.read("in/accounts.csv").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    all.dir.write("in/accounts.csv", utf16);
    let spec = all.dir.read("p.toml").replace("stripe*.csv", "stripe*");
    all.dir.write("p.toml", spec);
    assert_eq!(all.outcome().members(), want);
}

#[test]
fn a_library_run_is_the_same_run() {
    let all = large();
    run(&all, "want", &["--quiet"]).expect(0);
    let spec = onefold::spec::Spec::parse(&all.dir.read("p.toml"), "p.toml").expect("a spec");
    let settings = onefold::Settings::new(spec, all.dir.path("in"), all.dir.path("out"));
    let manifest = onefold::run(&settings).expect("a run");
    assert_eq!(manifest.identity, all.dir.manifest("want").identity);
    assert!(bytes(&all, "out") == bytes(&all, "want"));
    assert!(Path::new(&all.dir.path("out/identities.csv")).exists());
}
