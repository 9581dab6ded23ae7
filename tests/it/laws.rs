//! Laws: no number of shards or threads, no block size, no retry, drill or resumed run, no split of a source and no
//! order of its columns changes a byte of the outputs; the ledger balances; `verify` agrees.

use std::fmt::Write;

use onefold::manifest::Manifest;
use onefold::{Drill, Settings};
use proptest::prelude::*;

use crate::packing::{FORMS, Table, form, zip};
use crate::workdir::{Workdir, default_text};

/// One messy row of a source, before it is written.
#[derive(Debug, Clone)]
struct Row {
    id: String,
    date: String,
    number: String,
    text: String,
    ragged: bool,
}

fn row() -> impl Strategy<Value = Row> {
    let id = prop_oneof![12 => "c[0-9]", 3 => " c[0-9]\t", 2 => "00[0-9]", 1 => Just(String::new()), 1 => Just(" ".into()), 1 => Just("\u{fc}\"x".into())];
    let date = prop_oneof![5 => "2026-0[1-9]-0[1-3]", 2 => Just(String::new()), 1 => Just("2026-02-30".into()), 1 => Just(" ".into())];
    let number =
        prop_oneof![5 => "-?[0-9]{1,2}", 1 => Just(" 007 ".into()), 1 => Just("4.5".into()), 2 => Just(String::new())];
    let text = prop_oneof![5 => "[a-z]{0,6}", 2 => "[a-z,\"\n]{0,6}", 1 => Just("Past Due".into()), 1 => Just(" ACTIVE ".into()), 1 => Just("5\" pipe".into())];
    (id, date, number, text, prop::bool::weighted(0.04)).prop_map(|(id, date, number, text, ragged)| Row {
        id,
        date,
        number,
        text,
        ragged,
    })
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Columns of each default source, and how a messy row fills them.
const SOURCES: [(&str, &[&str]); 4] = [
    (
        "crm",
        &[
            "customer_id",
            "email",
            "company_name",
            "industry",
            "employee_count",
            "deal_stage",
            "deal_value",
            "sales_owner",
            "last_contact",
        ],
    ),
    ("billing", &["customer_id", "email", "plan", "mrr", "payment_status", "subscription_start", "last_payment"]),
    (
        "product",
        &[
            "customer_id",
            "email",
            "signup_date",
            "last_active",
            "total_sessions",
            "features_used",
            "usage_pct",
            "account_status",
        ],
    ),
    (
        "support",
        &[
            "customer_id",
            "email",
            "total_tickets",
            "open_tickets",
            "avg_resolution_hrs",
            "last_ticket_date",
            "nps_score",
            "csat_score",
        ],
    ),
];

fn cell(row: &Row, column: &str) -> String {
    match column {
        "customer_id" => row.id.clone(),
        "last_contact" | "last_payment" | "last_active" | "last_ticket_date" | "signup_date" | "subscription_start" => {
            row.date.clone()
        }
        "email" | "company_name" | "industry" | "deal_stage" | "sales_owner" | "plan" | "payment_status"
        | "account_status" => row.text.clone(),
        _ => row.number.clone(),
    }
}

/// A source's text; `turn` shifts the order of its columns.
fn csv(columns: &[&str], rows: &[Row], turn: usize, crlf: bool) -> String {
    let end = if crlf { "\r\n" } else { "\n" };
    let mut order: Vec<&str> = columns.to_vec();
    order.rotate_left(turn % columns.len());
    let mut text = order.join(",") + end;
    for row in rows {
        let fields: Vec<String> = order.iter().map(|c| quoted(&cell(row, c))).collect();
        let _ = write!(text, "{}{}{end}", fields.join(","), if row.ragged { ",more" } else { "" });
    }
    text
}

fn settings(dir: &Workdir, input: &str, output: &str) -> Settings {
    let mut settings = dir.settings(output);
    settings.inputs.folder = dir.path(input);
    settings.reject_limit = "100%".parse().expect("a limit");
    settings.shards = Some(4);
    settings
}

fn run(dir: &Workdir, input: &str, output: &str, change: impl FnOnce(&mut Settings)) -> Manifest {
    let mut settings = settings(dir, input, output);
    change(&mut settings);
    onefold::run(&settings).unwrap_or_else(|e| panic!("{output}: {e}"))
}

fn drill(text: &str) -> Drill {
    text.parse().expect("a drill")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_but_the_rows_changes_the_outputs(
        rows in prop::array::uniform4(prop::collection::vec(row(), 0..40)),
        (shards, threads, block_size) in (1usize..40, 1usize..4, 1usize..200),
        (cut, turn, crlf) in (0usize..40, 1usize..8, any::<bool>()),
    ) {
        let dir = Workdir::new();
        for ((name, columns), rows) in SOURCES.iter().zip(&rows) {
            dir.write(&format!("whole/{name}.csv"), csv(columns, rows, 0, false));
            let (head, tail) = rows.split_at(cut.min(rows.len()));
            dir.write(&format!("split/{name}-1.csv"), format!("\u{feff}{}", csv(columns, head, turn, crlf)));
            dir.write(&format!("split/{name}-2.csv"), csv(columns, tail, turn + 1, false));
        }
        let plain = run(&dir, "whole", "plain", |_| {});
        let want = dir.outputs("plain");
        prop_assert_eq!(plain.ledger.balance(), Ok(()));
        onefold::verify(&dir.path("whole"), &dir.path("plain")).expect("verified");

        run(&dir, "whole", "cut", |s| (s.shards, s.threads, s.block_size) = (Some(shards), threads, block_size));
        prop_assert!(dir.outputs("cut") == want, "shards {shards}, threads {threads}, block size {block_size}");
        let limit = |s: &mut Settings| (s.memory_limit, s.shards, s.block_size) = (Some(1), Some(shards), block_size);
        let spilled = run(&dir, "whole", "spilled", limit);
        prop_assert!(dir.outputs("spilled") == want, "spilled, shards {shards}, block size {block_size}");
        let used = spilled.ledger.0.values().any(|l| l.rows_used > 0);
        prop_assert_eq!(spilled.spilled_bytes > 0, used, "every row waits on disk");
        let drills = vec![drill("fail:0"), drill("panic:1"), drill("slow:2:1ms"), drill("fail:3")];
        let healed = run(&dir, "whole", "healed", |s| s.drills = drills);
        prop_assert!(dir.outputs("healed") == want, "drills");
        prop_assert_eq!(healed.shard_runs.iter().map(|r| r.attempts.len()).collect::<Vec<_>>(), [2, 2, 1, 2]);
        let full = format!("enospc:{}", cut % 4);
        let damaged = vec![drill(&full), drill(&format!("corrupt:{}", turn % 4)), drill(&format!("truncate:{}", shards % 4))];
        let mut unfinished = settings(&dir, "whole", "resumed");
        (unfinished.drills, unfinished.threads) = (damaged, threads);
        onefold::run(&unfinished).expect_err("the disk is full");
        let resumed = run(&dir, "whole", "resumed", |s| s.block_size = block_size);
        prop_assert!(dir.outputs("resumed") == want, "resumed after {full}");
        prop_assert_eq!((&resumed.ledger, &resumed.rejects), (&plain.ledger, &plain.rejects));
        prop_assert!(resumed.resumed_shards < 4);
        let split = run(&dir, "split", "split_out", |s| s.block_size = block_size);
        prop_assert!(dir.outputs("split_out") == want, "split at {cut}, turned by {turn}");
        prop_assert_eq!(&split.ledger, &plain.ledger);
        for name in SOURCES.map(|(name, _)| format!("rejects/{name}.csv")) {
            prop_assert_eq!(dir.exists(&format!("plain/{name}")), dir.exists(&format!("cut/{name}")));
            if dir.exists(&format!("plain/{name}")) {
                prop_assert_eq!(dir.read(&format!("plain/{name}")), dir.read(&format!("cut/{name}")), "rejects");
            }
        }
    }
}

/// A source as a table of texts. Cells that only CSV can hold are left out, and records that are too long.
fn table(columns: &[&str], rows: &[Row], turn: usize) -> Table {
    let mut order: Vec<&str> = columns.to_vec();
    order.rotate_left(turn % columns.len());
    let rows = rows.iter().map(|row| order.iter().map(|column| cell(row, column)).collect());
    (order.iter().map(|name| (*name).to_owned()).collect(), rows.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_a_file_changes_the_outputs(
        rows in prop::array::uniform4(prop::collection::vec(row(), 1..30)),
        (first, block_size, cut) in (0usize..FORMS.len(), 1usize..200, 0usize..30),
    ) {
        let dir = Workdir::new();
        let (mut packed, mut split) = (Vec::new(), Vec::new());
        for (at, ((name, columns), rows)) in SOURCES.iter().zip(&rows).enumerate() {
            let of = |rows: &[Row], turn| table(columns, rows, turn);
            dir.write(&format!("plain/{name}.csv"), form("csv", &of(rows, 0)));
            // Whatever its name says.
            dir.write(&format!("forms/{name}.csv"), form(FORMS[(first + at) % FORMS.len()], &of(rows, at)));
            let (head, tail) = rows.split_at(cut.min(rows.len()));
            for (part, rows) in [head, tail].into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
                let bytes = form(FORMS[(first + at + part) % FORMS.len()], &of(rows, part));
                let path = format!("{name}-{part}");
                match at % 2 {
                    0 => dir.write(&format!("split/{path}.csv"), bytes),
                    _ => packed.push((path, bytes)),
                }
            }
            split.push(format!("\"{name}-*.csv\", \"all.zip!{name}-*\""));
        }
        // A form that is an archive itself cannot lie in one.
        let members: Vec<(&str, &[u8])> = packed.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let fit = packed.iter().all(|(_, bytes)| !bytes.starts_with(b"PK") || bytes.windows(11).any(|part| part == b"xl/workbook"));
        run(&dir, "plain", "want", |_| {});
        let want = dir.outputs("want");
        let formed = run(&dir, "forms", "formed", |s| s.block_size = block_size);
        prop_assert!(dir.outputs("formed") == want, "forms from {first}, block size {block_size}");
        onefold::verify(&dir.path("forms"), &dir.path("formed")).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let mut unfinished = settings(&dir, "forms", "resumed");
        unfinished.drills = vec![drill("enospc:2")];
        onefold::run(&unfinished).expect_err("the disk is full");
        let resumed = run(&dir, "forms", "resumed", |s| (s.block_size, s.memory_limit) = (block_size + 1, Some(1)));
        prop_assert!(dir.outputs("resumed") == want, "resumed, with a memory limit");
        prop_assert_eq!(&resumed.ledger, &formed.ledger);
        if fit {
            dir.write("split/all.zip", zip(&members));
            let mut text = default_text();
            for ((name, _), files) in SOURCES.iter().zip(split) {
                text = text.replace(&format!("\"{name}-*.csv\""), &files);
            }
            let spec = onefold::spec::Spec::parse(&text, "split.toml").expect("a spec");
            run(&dir, "split", "split_out", |s| (s.spec, s.block_size) = (spec, block_size));
            prop_assert!(dir.bytes("split_out/profiles.csv") == want.0, "split at {cut}, forms from {first}");
            onefold::verify(&dir.path("split"), &dir.path("split_out")).map_err(|e| TestCaseError::fail(e.to_string()))?;
        }
    }
}

#[test]
fn the_command_gives_the_same_bytes_for_any_shards_and_threads() {
    let dir = Workdir::with_sample(1000);
    dir.onefold(&["run", "--output", "want"]).expect(0);
    for (shards, threads) in [("1", "1"), ("3", "2"), ("16", "1"), ("64", "2")] {
        dir.onefold(&["run", "--shards", shards, "--threads", threads]).expect(0);
        assert!(dir.outputs("data_out") == dir.outputs("want"), "{shards} shards, {threads} threads");
    }
}

#[test]
fn a_memory_limit_changes_no_byte() {
    let dir = Workdir::with_sample(1000);
    for (profile, input) in [("default", "sample_data"), ("events", "events")] {
        let mut args = vec!["run", "--input", input];
        if profile == "events" {
            dir.onefold(&["generate", "--profile", profile, "--customers", "300", "--output", input]).expect(0);
            args.extend(["--profile", "events/profile.toml"]);
        }
        dir.onefold(&[&args[..], &["--output", "want"]].concat()).expect(0);
        let unlimited: Manifest = serde_json::from_str(&dir.read("want/run.json")).expect("a manifest");
        assert_eq!(unlimited.spilled_bytes, 0);
        for (limit, shards) in [("1", "1"), ("1", "64"), ("100KB", "16")] {
            let more = ["--output", "limited", "--memory-limit", limit, "--shards", shards, "--chaos", "fail:0"];
            dir.onefold(&[&args[..], &more, &["--retry-wait", "1ms"]].concat()).expect(0);
            assert!(dir.outputs("limited") == dir.outputs("want"), "{profile}: {limit}, {shards} shards");
            let limited: Manifest = serde_json::from_str(&dir.read("limited/run.json")).expect("a manifest");
            assert!(limited.spilled_bytes > 10_000, "{profile}: {limit}, {shards} shards");
            assert!(!dir.exists("limited/.onefold/staging"), "nothing is left of the spill");
        }
    }
}
