//! `diff` gives the same as an independent comparison of both `profiles.csv` with the `csv` crate, for messy data in
//! which customers are added, removed and changed, and for specs with other columns.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};
use onefold::diff::{Diff, ScoreMoves, diff};
use onefold::sample::{Kind, Request, generate};
use onefold::spec::Spec;
use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::workdir::{Workdir, default_text};

/// Writes a folder's exports again, without some customers and with some cells changed.
fn rewrite(dir: &Workdir, from: &str, to: &str, seed: u64) {
    fs::create_dir_all(dir.path(to)).expect("a folder");
    for entry in fs::read_dir(dir.path(from)).expect("a folder").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "csv") {
            continue;
        }
        let mut reader = ReaderBuilder::new().flexible(true).has_headers(false).from_path(&path).expect("a file");
        let mut writer =
            WriterBuilder::new().flexible(true).from_path(dir.path(to).join(entry.file_name())).expect("a file");
        let (mut header, mut last) = (ByteRecord::new(), ByteRecord::new());
        for (row, record) in reader.byte_records().map(|r| r.expect("a record")).enumerate() {
            if row == 0 {
                header = record.clone();
            }
            let id = header.iter().position(|name| name == b"customer_id").and_then(|at| record.get(at));
            let chance = |of: &[u8]| xxh3_64_with_seed(of, seed) % 100;
            if row > 0 && chance(id.unwrap_or_default()) < 7 {
                continue;
            }
            let changes = row > 1 && chance(&row.to_le_bytes()) < 20 && record.len() == last.len();
            // A cell of the row before, of any column except the id.
            let at = usize::try_from(chance(&[row as u8]) % 7).expect("small") + 1;
            let is_id = |at: usize| header.get(at) == Some(b"customer_id");
            let cell = |(i, cell): (usize, &[u8])| {
                if changes && i == at && !is_id(i) { last[i].to_vec() } else { cell.to_vec() }
            };
            let record: Vec<Vec<u8>> = record.iter().enumerate().map(cell).collect();
            writer.write_record(&record).expect("written");
            last = record.into_iter().collect();
        }
        writer.flush().expect("written");
    }
}

fn run(dir: &Workdir, input: &str, output: &str, spec: &str) {
    let mut settings = dir.settings(output);
    settings.inputs.folder = dir.path(input);
    settings.spec = Spec::parse(spec, "test.toml").expect("a spec");
    settings.reject_limit = "100%".parse().expect("a limit");
    onefold::run(&settings).unwrap_or_else(|e| panic!("{output}: {e}"));
}

/// The columns of a `profiles.csv`, and each customer's cells.
struct Profiles {
    columns: Vec<String>,
    rows: HashMap<String, HashMap<String, String>>,
}

impl Profiles {
    fn read(dir: &Workdir, output: &str) -> Self {
        let mut reader = csv::Reader::from_path(dir.path(&format!("{output}/profiles.csv"))).expect("profiles");
        let columns = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let rows = reader.deserialize::<HashMap<String, String>>().map(|r| r.expect("a record"));
        Self { columns, rows: rows.map(|r| (r["customer_id"].clone(), r)).collect() }
    }
}

/// The changes, as `--csv` prints them, and how many customers changed.
fn by_hand(old: &Profiles, new: &Profiles) -> (Vec<[String; 5]>, u64) {
    let ids: BTreeSet<&String> = old.rows.keys().chain(new.rows.keys()).collect();
    let both = new.columns.iter().filter(|c| old.columns.contains(c) && **c != "idempotency_key");
    let both: Vec<&String> = both.collect();
    let (mut lines, mut changed) = (Vec::new(), 0);
    let line = |cells: [&str; 5]| cells.map(str::to_owned);
    for id in ids {
        match (old.rows.get(id), new.rows.get(id)) {
            (Some(a), Some(b)) => {
                let before = lines.len();
                let differ = both.iter().filter(|c| a[**c] != b[**c]);
                lines.extend(differ.map(|c| line([id, "changed", c, &a[*c], &b[*c]])));
                changed += u64::from(lines.len() > before);
            }
            (Some(_), None) => lines.push(line([id, "gone", "", "", ""])),
            _ => lines.push(line([id, "added", "", "", ""])),
        }
    }
    (lines, changed)
}

fn check(dir: &Workdir, found: &Diff) -> Result<(), TestCaseError> {
    let (old, new) = (Profiles::read(dir, "old"), Profiles::read(dir, "new"));
    let (lines, changed) = by_hand(&old, &new);
    let count = |what: &str| lines.iter().filter(|l| l[1] == what).count() as u64;
    prop_assert_eq!(found.customers.added, count("added"));
    prop_assert_eq!(found.customers.gone, count("gone"));
    prop_assert_eq!(found.customers.changed, changed);
    prop_assert_eq!(found.customers.same + changed + count("gone"), old.rows.len() as u64);
    for (column, n) in &found.changes {
        prop_assert_eq!(*n, lines.iter().filter(|l| l[2] == *column).count() as u64, "{}", column);
    }
    let printed = dir.onefold(&["diff", "old", "new", "--csv"]);
    printed.expect(0);
    let mut reader = csv::Reader::from_reader(printed.0.stdout.as_slice());
    prop_assert_eq!(reader.headers().expect("a header"), vec!["customer_id", "change", "column", "old", "new"]);
    let printed: Vec<[String; 5]> = reader.deserialize().map(|r| r.expect("a record")).collect();
    prop_assert_eq!(printed, lines.clone());
    for score in &found.scores {
        let moves = lines.iter().filter(|l| l[2] == score.score);
        match &score.moves {
            ScoreMoves::Points { raised, lowered, appeared, vanished, movers } => {
                let values = moves.map(|l| (l[0].as_str(), l[3].parse::<i64>().ok(), l[4].parse::<i64>().ok()));
                let values: Vec<_> = values.collect();
                let mut moved: Vec<(i64, &str)> =
                    values.iter().filter_map(|(id, a, b)| Some((-((*b)? - (*a)?).abs(), *id))).collect();
                moved.sort_unstable();
                let want: Vec<&str> = moved.iter().take(5).map(|m| m.1).collect();
                prop_assert_eq!(movers.iter().map(|m| m.customer.as_str()).collect::<Vec<_>>(), want);
                prop_assert_eq!(
                    (raised + lowered, appeared + vanished),
                    (moved.len() as u64, (values.len() - moved.len()) as u64)
                );
                prop_assert!(movers.iter().all(|m| values.contains(&(&m.customer, Some(m.old), Some(m.new)))));
            }
            ScoreMoves::Bands { moves: found } => {
                let mut want: BTreeMap<(String, String), u64> = BTreeMap::new();
                moves.for_each(|l| *want.entry((l[3].clone(), l[4].clone())).or_default() += 1);
                let band = |band: &Option<String>| band.clone().unwrap_or_default();
                let got = found.iter().map(|m| ((band(&m.from), band(&m.to)), m.customers)).collect();
                prop_assert_eq!(want, got);
                prop_assert!(found.is_sorted_by(|a, b| a.customers >= b.customers));
            }
        }
    }
    prop_assert_eq!(found.scores.len(), 3);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_an_independent_comparison(seed in 0u64..10_000, other_columns in any::<bool>()) {
        let dir = Workdir::new();
        let output = dir.path("messy");
        generate(&Request { customers: 250, seed, kind: Kind::Messy, output, force: false }).expect("sample data");
        rewrite(&dir, "messy", "a", seed);
        rewrite(&dir, "messy", "b", seed + 1);
        run(&dir, "a", "old", &default_text());
        // `mrr` becomes a float, `industry` is removed, `stage` is added.
        let other = default_text().replace("mrr = \"int\"", "mrr = \"float\"").replace("\"company_name\", \"industry\", \"employee_count\", \"deal_stage\", \"deal_value\", \"sales_owner\", \"last_contact\",\n  \"plan\"", "\"company_name\", \"employee_count\", \"deal_stage\", \"deal_value\", \"sales_owner\", \"last_contact\", \"stage\",\n  \"plan\"");
        let default = default_text();
        prop_assert_ne!(&other, &default);
        run(&dir, "b", "new", if other_columns { &other } else { &default });
        let found = diff(&dir.path("old"), &dir.path("new"), 5).expect("a difference");
        prop_assert!(found.customers.added > 0 && found.customers.gone > 0 && found.customers.changed > 10, "{:?}", found.customers);
        if other_columns {
            prop_assert_eq!((&found.columns.added, &found.columns.removed), (&vec!["stage".to_owned()], &vec!["industry".to_owned()]));
            prop_assert_eq!((found.columns.retyped[0].old.as_str(), found.columns.retyped[0].new.as_str()), ("int", "float"));
        }
        check(&dir, &found)?;
    }
}

#[test]
fn an_output_is_the_same_as_itself_and_the_other_of_nothing() {
    let dir = Workdir::with_sample(300);
    dir.onefold(&["run"]).expect(0);
    let ran = dir.onefold(&["diff", "data_out", "data_out/profiles.parquet", "--json"]);
    ran.expect(0);
    let same: serde_json::Value = serde_json::from_str(&ran.stdout()).expect("json");
    assert_eq!(same["customers"], serde_json::json!({"added": 0, "gone": 0, "changed": 0, "same": 300}));
    assert_eq!((&same["id"], &same["columns"]["not_compared"][0]), (&"customer_id".into(), &"idempotency_key".into()));
    for name in ["crm", "billing", "product", "support"] {
        let header = dir.read(&format!("sample_data/{name}.csv")).lines().next().expect("a header").to_owned();
        dir.write(&format!("none/{name}.csv"), header);
    }
    dir.onefold(&["run", "--input", "none", "--output", "empty", "--allow-empty"]).expect(0);
    let gone = diff(&dir.path("data_out"), &dir.path("empty"), 3).expect("a difference");
    let added = diff(&dir.path("empty"), &dir.path("data_out"), 3).expect("a difference");
    assert_eq!((gone.customers.gone, gone.customers.added, added.customers.added), (300, 0, 300));
    let lines = dir.onefold(&["diff", "data_out", "empty", "--csv"]).stdout();
    assert_eq!((lines.lines().count(), lines.lines().nth(1)), (301, Some("cust_00000001,gone,,,")));
}

#[test]
fn a_null_and_an_empty_text_are_the_same() {
    let dir = Workdir::new();
    let spec = |value: &str| {
        format!(
            "[profile]\nname = \"x\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nkeep = [\"t\", \"u\"]\n[computed]\nc = \"{value}\"\n[output]\ncolumns = [\"id\", \"c\", \"u\"]\n"
        )
    };
    dir.write("in/s.csv", "id,t,u\na,,1\nb,x,2\n");
    dir.write("old.toml", spec("t"));
    dir.write("new.toml", spec("coalesce(t, '')"));
    dir.onefold(&["run", "--input", "in", "--output", "old", "--profile", "old.toml"]).expect(0);
    dir.onefold(&["run", "--input", "in", "--output", "new", "--profile", "new.toml"]).expect(0);
    let found = diff(&dir.path("old"), &dir.path("new"), 3).expect("a difference");
    assert_eq!((found.customers.changed, found.customers.same), (0, 2));
}

#[test]
fn what_is_not_an_output_is_refused() {
    let dir = Workdir::with_sample(20);
    dir.onefold(&["run"]).expect(0);
    for (old, new, code, why) in [
        ("none", "data_out", 4, "no finished run in `none`"),
        ("data_out", "sample_data", 4, "no finished run in `sample_data`"),
        ("data_out", "data_out/profiles.csv", 6, "`data_out/profiles.csv` cannot be read"),
    ] {
        let stderr = dir.onefold(&["diff", old, new]).expect(code);
        assert!(stderr.contains(why), "{why}: {stderr}");
    }
    let bytes = dir.bytes("data_out/profiles.parquet");
    // A page in the middle is damaged, which is found while the batches are read.
    let mut broken = bytes.clone();
    broken[4..bytes.len() / 2].fill(0x55);
    dir.write("broken/profiles.parquet", broken);
    dir.onefold(&["diff", "data_out", "broken/profiles.parquet"]).expect(6);
    let text = default_text()
        .replace("key = \"customer_id\"", "key = \"who\"")
        .replace("\"customer_id\", \"email\",\n", "\"who\", \"email\",\n");
    dir.write("who.toml", text.replace("required = true", "required = true\nkey = \"customer_id\""));
    dir.onefold(&["run", "--profile", "who.toml", "--output", "who"]).expect(0);
    let stderr = dir.onefold(&["diff", "data_out", "who"]).expect(2);
    assert!(stderr.contains("the id column is `customer_id` in the old output and `who` in the new"), "{stderr}");
}

#[test]
fn a_reader_that_has_enough_ends_it() {
    let dir = Workdir::with_sample(3000);
    dir.onefold(&["run"]).expect(0);
    dir.onefold(&["generate", "--customers", "3000", "--seed", "9", "--output", "b"]).expect(0);
    dir.onefold(&["run", "--input", "b", "--output", "new"]).expect(0);
    let bin = env!("CARGO_BIN_EXE_onefold");
    let script = format!("set -o pipefail; '{bin}' diff data_out new --csv | head -2; echo ${{PIPESTATUS[0]}}");
    let ran =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(dir.path("")).output().expect("bash");
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(out.starts_with("customer_id,change,column,old,new\ncust_00000001,") && out.ends_with("\n0\n"), "{out}");
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
}
