//! `explain` compared with the files: reasons add up to the published scores, fields are in the lines that it names,
//! and an explanation from other files than the run's is refused.

use std::collections::HashMap;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use onefold::Inputs;
use onefold::explain::{At, Explanation, Origin, explain};
use onefold::sample::{Kind, Request, generate};
use onefold::spec::Spec;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;
use serde_json::Value;
use toml::{Table, Value as Toml};

use crate::workdir::Workdir;

/// A finished run of generated data, and its profiles by id, with each cell by its column.
struct Sample {
    dir: Workdir,
    /// The spec as TOML, read without onefold's reader.
    spec: Table,
    profiles: Vec<HashMap<String, String>>,
}

impl Sample {
    fn new(kind: Kind, customers: u64, seed: u64) -> Self {
        let dir = Workdir::new();
        let request = Request { customers, seed, kind, output: dir.path("sample_data"), force: false };
        generate(&request).expect("sample data");
        let spec = match kind {
            Kind::Events => Spec::parse(&dir.read("sample_data/profile.toml"), "profile.toml").expect("a spec"),
            _ => Spec::default_profile().expect("a spec"),
        };
        Self::run(dir, spec)
    }

    fn run(dir: Workdir, spec: Spec) -> Self {
        let mut settings = dir.settings("data_out");
        settings.spec = spec;
        let spec = settings.spec.text().parse().expect("TOML");
        onefold::run(&settings).expect("a run");
        let mut reader = csv::Reader::from_path(dir.path("data_out/profiles.csv")).expect("profiles");
        let profiles = reader.deserialize().map(|r| r.expect("a record")).collect();
        Self { dir, spec, profiles }
    }

    fn explain(&self, id: &str) -> onefold::Result<Explanation> {
        let inputs = Inputs::of(self.dir.path("sample_data"));
        explain(&inputs, &self.dir.path("data_out"), id, None)
    }

    /// The published cells and the explanation of every customer.
    fn all(&self) -> impl Iterator<Item = (&HashMap<String, String>, Explanation)> {
        self.profiles.iter().map(|profile| {
            let id = &profile[self.spec["profile"]["key"].as_str().expect("a key")];
            (profile, self.explain(id).unwrap_or_else(|e| panic!("{id}: {e}")))
        })
    }
}

/// A value as in the CSV.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(n) if n.is_f64() => format!("{:?}", n.as_f64().expect("a float")),
        other => other.to_string(),
    }
}

/// The score that the reasons give.
fn add_up(name: &str, score: &Toml, explanation: &Explanation) -> String {
    let int = |value: &Toml| value.as_integer().expect("an int");
    let list = |key: &str| score.get(key).and_then(Toml::as_array).cloned().unwrap_or_default();
    let reasons = explanation.scores.iter().find(|r| r.score == name).expect("reasons");
    assert_eq!(reasons.rules.len(), list("points").len());
    let earned: i64 = reasons.rules.iter().filter(|r| r.holds == Some(true)).map(|r| r.add).sum();
    let base = score.get("base").map_or(0, int);
    let sum = base + earned;
    assert_eq!((reasons.base, reasons.sum), (base, sum));
    let unknown = reasons.signals.iter().filter(|s| s.value.is_null()).count();
    assert_eq!(reasons.unknown.len(), unknown);
    if unknown == list("needs_any").len() {
        return String::new();
    }
    let points = score.get("clamp").map_or(sum, |clamp| sum.max(int(&clamp[0])).min(int(&clamp[1])));
    match list("bands").iter().find(|band| band.get("at_least").is_none_or(|bound| points >= int(bound))) {
        Some(band) => band["label"].as_str().expect("a label").to_owned(),
        None => points.to_string(),
    }
}

#[test]
fn reasons_add_up_to_the_score_of_every_customer() {
    let samples = [(Kind::Clean, 1000, 42), (Kind::Messy, 300, 1), (Kind::Messy, 150, 2), (Kind::Events, 150, 3)];
    for (kind, customers, seed) in samples {
        let sample = Sample::new(kind, customers, seed);
        let (mut seen, mut nulls) = (0, 0);
        for (profile, explanation) in sample.all() {
            for (name, score) in sample.spec["scores"].as_table().expect("scores") {
                assert_eq!(add_up(name, score, &explanation), profile[name], "{}: {name}", explanation.customer);
                nulls += usize::from(profile[name].is_empty());
            }
            for field in explanation.fields.iter().filter(|f| f.in_output) {
                assert_eq!(text(&field.value), profile[&field.column], "{}: {}", explanation.customer, field.column);
            }
            seen += 1;
        }
        assert_eq!(seen, sample.profiles.len());
        assert!(kind != Kind::Messy || nulls > 0, "messy data has unknown scores");
    }
}

/// A file's physical lines, found without the reader under test, and its header.
struct Lines {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    header: Vec<String>,
}

impl Lines {
    fn of(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a file");
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                starts.push(at + 1);
            }
        }
        let header = record(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes));
        let header = header.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
        Self { bytes, starts, header }
    }

    /// A field of the record that starts in a line.
    fn field(&self, at: &At, column: &str) -> String {
        let start = self.starts[usize::try_from(at.line).expect("a line") - 1];
        let column = self.header.iter().position(|name| name == column).expect("a column");
        String::from_utf8(record(&self.bytes[start..])[column].to_vec()).expect("text")
    }
}

fn record(bytes: &[u8]) -> ByteRecord {
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    reader.into_byte_records().next().expect("a record").expect("bytes in memory")
}

/// A file's cell as in the profile, for the types of the sample.
fn typed(source: &Toml, column: &str, text: &str) -> String {
    let trimmed = text.trim();
    match source.get("types").and_then(|types| types.get(column)).map_or("text", |ty| ty.as_str().expect("a type")) {
        "text" => text.to_owned(),
        "int" => trimmed.parse::<i64>().map(|n| n.to_string()).unwrap_or_default(),
        // `inf` and `NaN` are numbers to Rust, not to onefold.
        "float" => trimmed.parse().ok().filter(|x: &f64| x.is_finite()).map(|x| format!("{x:?}")).unwrap_or_default(),
        "date" => chrono::NaiveDate::parse_from_str(trimmed, "%Y-%m-%d").map(|d| d.to_string()).unwrap_or_default(),
        other => panic!("{other} is not in the sample"),
    }
}

#[test]
fn fields_are_in_the_lines_that_are_named() {
    let sample = Sample::new(Kind::Messy, 400, 5);
    let mut files: HashMap<String, Lines> = HashMap::new();
    let (mut cells, mut beaten, mut bad) = (0, 0, 0);
    for (_, explanation) in sample.all() {
        let id = &explanation.customer;
        for field in &explanation.fields {
            let Origin::Row { source, file_column, at, bad_value, filled_from: None, beaten_rows, beat } =
                &field.origin
            else {
                continue;
            };
            let source = &sample.spec["sources"][source];
            let key = source.get("key").unwrap_or(&sample.spec["profile"]["key"]).as_str().expect("a key");
            let by = source["latest_by"].as_str().expect("an order");
            let mut look = |at: &At, column: &str| {
                let path = sample.dir.path("sample_data").join(&at.file);
                files.entry(at.file.clone()).or_insert_with(|| Lines::of(&path)).field(at, column)
            };
            assert_eq!(look(at, key).trim(), id, "{at:?}");
            let cell = look(at, file_column);
            assert_eq!(text(&field.value), typed(source, file_column, &cell), "{id}: {} in {at:?}", field.column);
            assert_eq!(*bad_value, !cell.is_empty() && field.value.is_null(), "{id}: {} in {at:?}", field.column);
            let latest = typed(source, by, &look(at, by));
            assert_eq!(*beaten_rows, beat.len(), "the sample has few rows a customer");
            for row in beat {
                assert_eq!(look(&row.at, key).trim(), id);
                assert_eq!(text(&row.value), typed(source, file_column, &look(&row.at, file_column)));
                let older = typed(source, by, &look(&row.at, by));
                assert_eq!(text(&row.latest), older);
                let earlier = (&row.at.file, row.at.line) < (&at.file, at.line);
                assert!(older < latest || (older == latest && earlier), "{id}: {row:?} was beaten by {at:?}");
            }
            cells += 1;
            beaten += beat.len();
            bad += usize::from(*bad_value);
        }
    }
    assert!(cells > 5000 && beaten > 500 && bad > 10, "{cells} cells, {beaten} beaten, {bad} bad");
    let superseded: u64 = sample.dir.manifest("data_out").ledger.0.values().map(|l| l.rows_superseded).sum();
    let told: usize = sample.all().flat_map(|(_, e)| e.sources).map(|s| s.rows - s.used).sum();
    assert_eq!(told as u64, superseded);
}

#[test]
fn aggregates_name_all_rows_of_the_customer() {
    let sample = Sample::new(Kind::Events, 60, 9);
    let mut rows: HashMap<(String, String), Vec<u64>> = HashMap::new();
    for source in sample.spec["sources"].as_table().expect("sources").keys() {
        let path = sample.dir.path(&format!("sample_data/{source}.csv"));
        for record in csv::Reader::from_path(path).expect("a file").records().map(|r| r.expect("a record")) {
            let line = record.position().expect("a position").line();
            let id = record.iter().find(|f| f.starts_with("acc-")).unwrap_or_default().to_owned();
            rows.entry((source.clone(), id)).or_default().push(line);
        }
    }
    let mut aggregates = 0;
    for (_, explanation) in sample.all() {
        let of =
            |source: &String| rows.get(&(source.clone(), explanation.customer.clone())).cloned().unwrap_or_default();
        for source in &explanation.sources {
            let want = of(&source.source);
            assert_eq!((source.rows, source.used), (want.len(), want.len()), "{}", source.source);
            let first: Vec<u64> = source.first.iter().map(|at| at.line).collect();
            assert_eq!(first, want[..want.len().min(10)]);
            let lines = &source.lines[0];
            assert_eq!((Some(&lines.first_line), Some(&lines.last_line)), (want.first(), want.last()));
        }
        for field in &explanation.fields {
            if let Origin::Aggregate { source, expression, rows, .. } = &field.origin {
                assert_eq!(*rows, of(source).len());
                aggregates += usize::from(expression == "count(*)" && *rows > 0);
                assert!(expression != "count(*)" || text(&field.value) == rows.to_string() || *rows == 0);
            }
        }
    }
    assert!(aggregates > 60, "{aggregates}");
}

#[test]
fn only_pages_that_may_hold_the_id_are_read() {
    let sample = Sample::new(Kind::Clean, 125_000, 4);
    let path = sample.dir.path("data_out/profiles.parquet");
    let file = std::fs::File::open(&path).expect("a file");
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&file, options).expect("metadata").metadata().clone();
    assert_eq!(metadata.num_row_groups(), 2);
    for at in [1, 60_000, 122_880, 122_881, 125_000] {
        let id = format!("cust_{at:08}");
        assert_eq!(sample.explain(&id).unwrap_or_else(|e| panic!("{id}: {e}")).customer, id);
    }
    for id in ["cust_00000000", "cust_00122880x", "cust_00125001", "a", "z"] {
        assert!(matches!(sample.explain(id), Err(onefold::Error::NoCustomer { .. })), "{id}");
    }
    // All pages but the first of every column of the first row group become garbage.
    let mut bytes = std::fs::read(&path).expect("bytes");
    let (first, second) = (metadata.row_group(0), metadata.row_group(1));
    for column in 0..first.num_columns() {
        let pages = metadata.page_index_for_row_group(0);
        for page in pages.page_locations(column).expect("pages").iter().skip(1) {
            let start = usize::try_from(page.offset).expect("an offset");
            bytes[start..start + usize::try_from(page.compressed_page_size).expect("a size")].fill(0x55);
        }
        let (start, length) = second.column(column).byte_range();
        let (start, length) = (usize::try_from(start).expect("small"), usize::try_from(length).expect("small"));
        bytes[start..start + length].fill(0x55);
    }
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(sample.explain("cust_00000001").expect("its pages are whole").customer, "cust_00000001");
    for id in ["cust_00122880", "cust_00125000"] {
        assert!(matches!(sample.explain(id), Err(onefold::Error::Verify(_))), "{id}");
    }
    // The Bloom filter shows that it is not there.
    assert!(matches!(sample.explain("cust_00100000x"), Err(onefold::Error::NoCustomer { .. })));
}
