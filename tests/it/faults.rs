//! Every documented failure: its message, its exit code, nothing published, previous outputs unchanged.

use std::fs;

use crate::workdir::{Ran, Workdir};

/// A folder with a finished run, and the bytes of its outputs, which must not change.
fn finished() -> (Workdir, (Vec<u8>, Vec<u8>), Vec<u8>) {
    let dir = Workdir::with_sample(50);
    dir.onefold(&["run"]).expect(0);
    let outputs = dir.outputs("data_out");
    let manifest = dir.bytes("data_out/run.json");
    (dir, outputs, manifest)
}

/// Breaks something, runs, and checks message, code and that the outputs did not change.
fn fails(break_it: impl FnOnce(&Workdir), args: &[&str], code: i32, wants: &[&str]) {
    let (dir, outputs, manifest) = finished();
    break_it(&dir);
    let ran = dir.onefold(args);
    let stderr = ran.expect(code);
    for want in wants {
        assert!(stderr.contains(want), "{want:?} is not in {stderr}");
    }
    assert!(dir.outputs("data_out") == outputs && dir.bytes("data_out/run.json") == manifest);
    assert!(!dir.exists("data_out/.onefold/staging"), "staging is removed");
}

#[test]
fn a_missing_file_with_a_hint_on_case() {
    let rename =
        |d: &Workdir| fs::rename(d.path("sample_data/crm.csv"), d.path("sample_data/CRM.csv")).expect("renamed");
    fails(rename, &["run"], 4, &["source `crm`", "no file `crm.csv`", "`CRM.csv` differs only in case"]);
    fails(
        |d| fs::remove_file(d.path("sample_data/billing.csv")).expect("removed"),
        &["run"],
        4,
        &["--source billing=FILE"],
    );
    fails(|_| {}, &["run", "--input", "nowhere"], 4, &["cannot read `nowhere`", "check the path"]);
}

#[test]
fn a_folder_in_a_files_place() {
    let folder = |d: &Workdir| {
        fs::remove_file(d.path("sample_data/crm.csv")).expect("removed");
        fs::create_dir(d.path("sample_data/crm.csv")).expect("a folder");
    };
    fails(folder, &["run"], 4, &["`crm.csv` is a folder, not a regular file"]);
}

#[test]
fn headers_that_cannot_be_used() {
    let crm = |text: &'static str| move |d: &Workdir| d.write("sample_data/crm.csv", text);
    fails(crm(""), &["run"], 4, &["`crm.csv` has no header"]);
    fails(crm("\n\r\n"), &["run"], 4, &["`crm.csv` has no header"]);
    fails(
        crm("customer_id,e_mail\n"),
        &["run"],
        4,
        &["column `email` is missing in the header of `crm.csv`", "did you mean `e_mail`?"],
    );
    let twice =
        "customer_id,email,company_name,industry,employee_count,deal_stage,deal_value,sales_owner,last_contact,email\n";
    fails(crm(twice), &["run"], 4, &["the header of `crm.csv` has the column `email` twice"]);
    fails(crm("\"customer_id,email\n"), &["check"], 4, &["`crm.csv` line 1: a quote opens here and is never closed"]);
}

#[test]
fn a_quote_never_closed_names_its_line() {
    let open = |d: &Workdir| {
        let text = d.read("sample_data/support.csv");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[6] = lines[6].replacen(',', ",\"", 1);
        d.write("sample_data/support.csv", lines.join("\n"));
    };
    fails(open, &["run"], 4, &["source `support`", "`support.csv` line 7: a quote opens here and is never closed"]);
}

#[test]
fn too_many_rejects_fail_the_run_and_are_kept() {
    let (dir, outputs, _) = finished();
    let header = dir.read("sample_data/billing.csv").lines().next().expect("a header").to_owned();
    dir.write("sample_data/billing.csv", header + "\n" + &"x\n".repeat(10) + ",a,,,,,\n");
    let stderr = dir.onefold(&["run"]).expect(4);
    assert!(stderr.contains("source `billing`: 11 of 11 rows were rejected"), "{stderr}");
    assert!(
        stderr.contains(
            "billing.csv line 2: field_count; billing.csv line 3: field_count; billing.csv line 4: field_count"
        ),
        "{stderr}"
    );
    let folder = stderr.split("all are in `").nth(1).and_then(|s| s.split('`').next()).expect("a folder");
    assert!(dir.read(&format!("{folder}/rejects/billing.csv")).ends_with("billing.csv,12,,blank_id,\",a,,,,,\"\n"));
    let manifest = dir.read(&format!("{folder}/run.json"));
    assert!(manifest.contains("\"status\": \"failed\"") && manifest.contains("\"rows_rejected\": 11"), "{manifest}");
    assert!(dir.outputs("data_out") == outputs);

    dir.onefold(&["run", "--max-rejects", "11"]).expect(0);
    assert!(dir.exists("data_out/rejects/billing.csv"));
    dir.onefold(&["run", "--max-rejects", "99%"]).expect(4);
    dir.write("sample_data/billing.csv", dir.read("sample_data/billing.csv").lines().next().expect("a header"));
    dir.onefold(&["run"]).expect(0);
    assert!(!dir.exists("data_out/rejects"), "a run without rejects removes the old ones");
}

#[test]
fn a_wrong_spec_is_found_before_data_is_read() {
    let spec = |from: &'static str, to: &'static str| {
        move |d: &Workdir| {
            let text = crate::workdir::default_text();
            assert!(text.contains(from));
            d.write("p.toml", text.replacen(from, to, 1));
        }
    };
    let run = ["run", "--profile", "p.toml"];
    fails(spec("usage_pct >= 80", "usage_pct >= 'x'"), &run, 3, &["profile spec `p.toml` line 5", "mix int and text"]);
    fails(spec("\"plan\",", "\"plan\", \"plan\","), &run, 3, &["the name `plan` is used twice"]);
    fails(spec("[profile]", "[profile"), &run, 3, &["profile spec `p.toml` line"]);
    fails(|_| {}, &["run", "--profile", "none.toml"], 3, &["profile spec `none.toml`: cannot be read"]);
    fails(
        spec("nps_score <= 5", "nps_scor <= 5"),
        &["check", "--profile", "p.toml"],
        3,
        &["did you mean `nps_score`?"],
    );
}

#[test]
fn a_shard_that_fails_every_attempt_ends_the_run() {
    fails(|_| {}, &["run", "--chaos", "fail:3:always", "--retry-wait", "1ms"], 5, &["shard 3 failed after 4 attempts"]);
    fails(
        |_| {},
        &["run", "--chaos", "panic:0", "--max-retries", "0"],
        5,
        &["shard 0 failed after 1 attempt: panic: chaos"],
    );
}

#[test]
fn wrong_usage() {
    fails(|_| {}, &["run", "--chaos", "fail:16"], 2, &["a drill is for shard 16, but this run has shards 0 to 15"]);
    fails(|_| {}, &["run", "--source", "crn=x.csv"], 2, &["`crn`; did you mean `crm`?"]);
    for flag in [
        ["--shards", "0"],
        ["--threads", "x"],
        ["--max-rejects", "101%"],
        ["--as-of", "2026-02-30"],
        ["--memory-limit", "much"],
        ["--retry-wait", "2"],
        ["--chaos", "nap:1"],
    ] {
        fails(|_| {}, &["run", flag[0], flag[1]], 2, &[flag[0]]);
    }
    fails(|_| {}, &["generate", "--customers", "10"], 2, &["exists: add --force"]);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let (dir, ..) = finished();
    let args = ["run", "--source", "crm=sample_data/crm.csv", "--source", "crm=./sample_data/../sample_data/crm.csv"];
    let told = dir.onefold(&[&args[..], &["--output", "twice"]].concat()).expect(0);
    assert!(told.contains("sample_data/crm.csv` is the same as `") && told.contains("not read again"), "{told}");
    assert!(dir.outputs("twice") == dir.outputs("data_out"));
}

#[test]
fn a_first_row_that_is_not_a_header_is_not_quoted() {
    let headerless =
        |d: &Workdir| d.write("sample_data/crm.csv", "customer_no_7,a@b.c,ACME\ncustomer_no_8,c@d.e,Ltd\n");
    let (dir, ..) = finished();
    headerless(&dir);
    let stderr = dir.onefold(&["run"]).expect(4);
    assert!(stderr.contains("is the first record a header?") && !stderr.contains("customer_no_7"), "{stderr}");
}

#[test]
fn an_empty_variable_is_not_a_drill() {
    let dir = Workdir::with_sample(10);
    dir.onefold_with(&["run"], &[("CHAOS_FAIL_SHARD", "")]).expect(0);
    let stderr = dir.onefold_with(&["run"], &[("CHAOS_FAIL_SHARD", "three")]).expect(2);
    assert!(stderr.contains("CHAOS_FAIL_SHARD is `three`"), "{stderr}");
}

#[test]
fn an_input_is_never_overwritten() {
    let (dir, ..) = finished();
    dir.write("in/profiles.csv", dir.bytes("sample_data/crm.csv"));
    let args = ["run", "--output", "in", "--source", "crm=in/profiles.csv"];
    assert!(dir.onefold(&args).expect(7).contains("would overwrite its own input"));
    assert_eq!(dir.bytes("in/profiles.csv"), dir.bytes("sample_data/crm.csv"));
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let dir = Workdir::with_sample(10);
    dir.write("file", "x");
    assert!(dir.onefold(&["run", "--output", "file"]).expect(7).contains("cannot create `file/.onefold`"));
    assert!(dir.onefold(&["run", "--output", "/proc/onefold"]).expect(7).contains("/proc/onefold"));
}

#[test]
fn something_else_in_an_outputs_place_is_found_before_anything_is_replaced() {
    let (dir, outputs, _) = finished();
    fs::remove_file(dir.path("data_out/profiles.parquet")).expect("removed");
    fs::create_dir(dir.path("data_out/profiles.parquet")).expect("a folder");
    let stderr = dir.onefold(&["run", "--safe-csv"]).expect(7);
    assert!(stderr.contains("`data_out/profiles.parquet` is where an output must go"), "{stderr}");
    assert!(dir.bytes("data_out/profiles.csv") == outputs.0 && !dir.exists("data_out/.onefold/journal.json"));
    fs::remove_dir(dir.path("data_out/profiles.parquet")).expect("removed");
    dir.write("data_out/rejects", "not a folder");
    dir.write("sample_data/crm.csv", dir.read("sample_data/crm.csv") + "x\n");
    assert!(dir.onefold(&["run"]).expect(7).contains("`data_out/rejects` is where an output must go"));
}

#[test]
fn two_runs_on_one_folder() {
    let dir = Workdir::with_sample(10);
    dir.write("data_out/.onefold/lock", "process 1 (run first, since 2026-01-01T00:00:00Z)");
    let lock = fs::File::options().write(true).open(dir.path("data_out/.onefold/lock")).expect("the lock");
    lock.lock().expect("locked");
    let stderr = dir.onefold(&["run"]).expect(7);
    assert!(stderr.contains("(run first, since 20"), "{stderr}");
    drop(lock);
    dir.onefold(&["run"]).expect(0);
}

#[test]
fn a_sum_that_exceeds_64_bits_is_an_error_and_says_no_value() {
    let dir = Workdir::new();
    dir.write("in/s.csv", "id,n\na,9223372036854775807\na,1\n");
    dir.write("p.toml", "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\ntypes = { n = \"int\" }\naggregates = { total = \"sum(n)\" }\n[output]\ncolumns = [\"id\", \"total\"]\n");
    let stderr = dir.onefold(&["run", "--input", "in", "--profile", "p.toml"]).expect(5);
    assert!(
        stderr.contains("an integer exceeded 64 bits in `sum`") && !stderr.contains("9223372036854775807"),
        "{stderr}"
    );
    assert!(!dir.exists("data_out/profiles.csv"));
}

#[test]
fn verify_finds_what_is_not_as_the_run_left_it() {
    let broken = |break_it: &dyn Fn(&Workdir), code: i32, want: &str| {
        let (dir, ..) = finished();
        break_it(&dir);
        let stderr = dir.onefold(&["verify"]).expect(code);
        assert!(stderr.contains(want), "{stderr}");
    };
    let replace = |name: &'static str, from: &'static str, to: &'static str| {
        move |d: &Workdir| {
            let text = d.read(name);
            assert!(text.contains(from), "{name}");
            d.write(name, text.replacen(from, to, 1));
        }
    };
    broken(
        &replace("data_out/profiles.csv", "cust_00000002", "cust_00000003"),
        6,
        "has changed since the run wrote it",
    );
    broken(&replace("data_out/run.json", "\"rows_used\": 50", "\"rows_used\": 49"), 6, "does not balance");
    broken(
        &replace("sample_data/crm.csv", "cust_00000002", "cust_00000099"),
        6,
        "input `crm.csv` has changed since the run read it",
    );
    broken(
        &|d: &Workdir| fs::remove_file(d.path("data_out/run.json")).expect("removed"),
        4,
        "no finished run in `data_out`",
    );
    broken(
        &|d: &Workdir| fs::remove_file(d.path("sample_data/crm.csv")).expect("removed"),
        4,
        "cannot read `sample_data/crm.csv`",
    );
    broken(&|d: &Workdir| d.write("data_out/run.json", "{"), 6, "is not a valid manifest");
    for output in ["profiles.csv", "profiles.parquet"] {
        let path = format!("data_out/{output}");
        broken(&|d: &Workdir| fs::remove_file(d.path(&path)).expect("removed"), 6, "is missing, but the run wrote it");
    }
}

#[test]
fn each_run_has_an_id_of_its_own() {
    let dir = Workdir::with_sample(10);
    let mut settings = dir.settings("data_out");
    settings.fresh = true;
    let ids = [(); 2].map(|()| onefold::run(&settings).expect("a run").run_id);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn no_data_in_logs_and_errors() {
    let dir = Workdir::with_sample(20);
    let text = dir.read("sample_data/crm.csv") + "secret-id,secret@mail,ACME,x,many,x,1,o,2026-99-99\nsecret,short\n";
    dir.write("sample_data/crm.csv", text);
    let ran: Ran = dir.onefold(&["run", "--log-format", "json", "--chaos", "panic:2", "--retry-wait", "1ms"]);
    ran.expect(0);
    assert!(ran.events().len() > 30);
    for secret in ["secret", "cust_", "ACME", "2026-99-99", "many"] {
        assert!(!ran.stderr().contains(secret) && !ran.stdout().contains(secret), "{secret}");
    }
}
