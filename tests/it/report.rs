//! `onefold report`: the page is complete, agrees with the run's files, is safe, and is about the run in its folder.

use std::collections::BTreeMap;
use std::fs;

use onefold::manifest::{AttemptRecord, Manifest, ShardRecord, Status};
use onefold::sample::{Kind, Request, generate};
use roxmltree::{Document, Node, ParsingOptions};

use crate::browser;
use crate::workdir::Workdir;

/// A page as XML.
pub fn parsed(html: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(html, options).unwrap_or_else(|e| panic!("not well-formed: {e}"))
}

/// All text in a node, in order.
fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|n| n.text()).collect()
}

/// The cells of the tables whose caption starts with this text, line by line.
fn table(page: &Document<'_>, caption: &str) -> Vec<Vec<String>> {
    let is_it = |n: &Node<'_, '_>| {
        n.has_tag_name("table") && n.children().any(|c| c.has_tag_name("caption") && text(c).starts_with(caption))
    };
    let bodies = page.descendants().filter(is_it).flat_map(|t| t.children().filter(|c| c.has_tag_name("tbody")));
    let rows = bodies.flat_map(|body| body.children().filter(|c| c.has_tag_name("tr")));
    let cells =
        |row: Node<'_, '_>| row.children().filter(Node::is_element).map(|cell| text(cell).trim().to_owned()).collect();
    rows.map(cells).collect()
}

fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// Messy data of 3,000 customers in `sample_data`.
fn messy() -> Workdir {
    let dir = Workdir::new();
    let output = dir.path("sample_data");
    generate(&Request { customers: 3000, seed: 7, kind: Kind::Messy, output, force: false }).expect("sample data");
    dir
}

const CHAOS: [&str; 5] = ["run", "--chaos", "fail:3", "--retry-wait", "100ms"];

#[test]
fn the_page_is_well_formed_self_contained_and_without_script() {
    let dir = Workdir::with_sample(200);
    let ran = dir.onefold(&CHAOS);
    ran.expect(0);
    assert!(ran.stdout().contains("data_out/report.html       the run as a web page"), "{}", ran.stdout());
    let html = dir.read("data_out/report.html");
    let page = parsed(&html);
    let meta = |name: &str| {
        page.descendants().find(|n| n.attribute("http-equiv") == Some(name)).and_then(|n| n.attribute("content"))
    };
    assert!(meta("Content-Security-Policy").is_some_and(|policy| policy.starts_with("default-src 'none';")));
    let mut ids = Vec::new();
    let mut links = Vec::new();
    for node in page.descendants().filter(Node::is_element) {
        assert!(!["script", "img", "link", "iframe", "object", "base", "form"].contains(&node.tag_name().name()));
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on") && attribute.name() != "style", "{attribute:?}");
            assert!(attribute.name() != "src", "{attribute:?}");
        }
        ids.extend(node.attribute("id"));
        links.extend(node.attribute("href").map(|href| href.strip_prefix('#').expect("a link within the page")));
    }
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("@import"));
    let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "ids stand once");
    assert!(links.len() > 8 && links.iter().all(|link| unique.contains(link)), "{links:?}");
}

#[test]
fn the_timeline_shows_the_failed_attempt_the_wait_and_the_retry() {
    let dir = Workdir::with_sample(200);
    dir.onefold(&CHAOS).expect(0);
    let html = dir.read("data_out/report.html");
    let page = parsed(&html);
    let marks: Vec<Node<'_, '_>> = page.descendants().filter(|n| n.attribute("class") == Some("mark")).collect();
    let labels: Vec<&str> = marks.iter().filter_map(|m| m.attribute("aria-label")).collect();
    assert!(labels[0].starts_with("Shard 3, attempt 1, on worker "), "{labels:?}");
    assert!(labels[0].ends_with(": chaos: failing shard 3 on first attempt"), "{labels:?}");
    assert!(
        labels[1].starts_with("Shard 3, attempt 2, on worker ") && labels[1].contains(" after waiting 1"),
        "{labels:?}"
    );
    let manifest = dir.manifest("data_out");
    let customers = manifest.shard_runs[3].customers.expect("built");
    assert!(labels[1].ends_with(&format!(", {customers} profiles")), "{labels:?}");
    let class =
        |mark: &Node<'_, '_>, class: &str| mark.children().filter(|c| c.attribute("class") == Some(class)).count();
    // It is in the lane of the worker and in the shard's row.
    assert_eq!((class(&marks[0], "failed"), class(&marks[1], "retried"), marks.len()), (2, 2, 2));
    assert!(
        page.descendants().any(|n| n.attribute("class") == Some("wait") && n.attribute("y1").is_some_and(|y| y != "7"))
    );
    assert!(page.descendants().any(|n| n.has_tag_name("code") && n.text() == Some("fail:3")), "the drill is named");
    let attempts = table(&page, "Attempts at shards");
    assert_eq!(attempts.len(), manifest.shards + 1);
    let tries: Vec<&Vec<String>> = attempts.iter().filter(|row| row[0] == "3").collect();
    assert!(tries[0][6].starts_with("✕ failed: chaos") && tries[1][6].starts_with("✓ recovered: "), "{tries:?}");
}

#[test]
fn its_numbers_are_those_of_the_files() {
    let dir = messy();
    dir.onefold(&["run"]).expect(0);
    let html = dir.read("data_out/report.html");
    let (page, manifest) = (parsed(&html), dir.manifest("data_out"));

    for (row, (source, l)) in table(&page, "Rows by source").iter().zip(&manifest.ledger.0) {
        let left_out = [l.rows_rejected, l.rows_excluded, l.rows_filtered, l.rows_blank];
        let expected = [&[l.rows_read, l.rows_used, l.rows_superseded], &left_out[..]].concat();
        assert_eq!((&row[0], row[1..8].iter().map(|c| number(c)).collect::<Vec<_>>()), (source, expected));
        assert_eq!(number(&row[9]), manifest.customers.per_source[source]);
    }
    let bytes = dir.bytes("data_out/profiles.csv");
    let mut csv = csv::Reader::from_reader(&*bytes);
    let header = csv.headers().expect("a header").clone();
    let mut empty: BTreeMap<String, u64> = BTreeMap::new();
    let mut health: Vec<i64> = Vec::new();
    for record in csv.records().map(|r| r.expect("a record")) {
        for (column, cell) in header.iter().zip(&record) {
            *empty.entry(column.to_owned()).or_default() += u64::from(cell.is_empty());
            health.extend(cell.parse::<i64>().ok().filter(|_| column == "health_score"));
        }
    }
    let nulls: BTreeMap<String, u64> =
        table(&page, "Empty cells by column").into_iter().map(|row| (row[0].clone(), number(&row[1]))).collect();
    // An empty text in a file is null in the profile too.
    assert_eq!(nulls, empty.into_iter().filter(|(_, n)| *n > 0).collect());

    let bars = page.descendants().filter(|n| n.has_tag_name("title")).map(text).filter_map(|tip| {
        let (range, n) = tip.strip_suffix(" profiles").or(tip.strip_suffix(" profile"))?.split_once(": ")?;
        let (from, to) = range.split_once(" to ")?;
        Some((from.parse::<i64>().ok()?, to.parse::<i64>().ok()?, number(n)))
    });
    let bars: Vec<(i64, i64, u64)> = bars.collect();
    assert!(bars.len() > 5, "{bars:?}");
    for (from, to, n) in &bars {
        assert_eq!(health.iter().filter(|h| from <= h && *h <= to).count() as u64, *n, "{from} to {to}");
    }
    assert_eq!(bars.iter().map(|b| b.2).sum::<u64>(), health.len() as u64);
    for band in table(&page, "Bands of churn_risk") {
        let expected = manifest.scores["churn_risk"].get(&band[0]).and_then(serde_json::Number::as_u64);
        assert!(expected == Some(number(&band[1])) || band[0] == "unknown", "{band:?}");
    }
    let files = html.clone();
    assert!(manifest.outputs.iter().all(|o| files.contains(&o.sha256)));
    assert!(manifest.inputs.iter().all(|i| files.contains(i.digest.as_deref().expect("a digest"))));
}

#[test]
fn rejects_are_counted_with_their_first_place_and_no_data_is_shown() {
    let dir = messy();
    dir.onefold(&["run"]).expect(0);
    let html = dir.read("data_out/report.html");
    let page = parsed(&html);
    let mut expected: BTreeMap<(String, String, String), (u64, String)> = BTreeMap::new();
    let mut raw = Vec::new();
    for file in fs::read_dir(dir.path("data_out/rejects")).expect("rejects").flatten() {
        let source = file.path().file_stem().expect("a name").to_string_lossy().into_owned();
        let mut csv = csv::Reader::from_path(file.path()).expect("a file");
        for record in csv.records().map(|r| r.expect("a record")) {
            let key = (source.clone(), record[3].to_owned(), record[2].to_owned());
            let first = format!("{} line {}", &record[0], &record[1]);
            expected.entry(key).or_insert((0, first)).0 += 1;
            raw.push(record[4].to_owned());
        }
    }
    let reasons = table(&page, "Reasons for rejects").into_iter().map(|row| {
        let reason = row[1].trim_start_matches("row rejected: ").split(',').next().unwrap_or_default().to_owned();
        ((row[0].clone(), reason, row[2].clone()), (number(&row[3]), row[4].clone()))
    });
    assert_eq!(reasons.collect::<BTreeMap<_, _>>(), expected);
    let shown = text(page.root_element());
    let telling = raw.iter().filter(|raw| raw.len() > 8 && raw.contains('@'));
    assert!(telling.clone().count() > 10 && telling.clone().all(|raw| !shown.contains(raw.trim())));
}

/// A profile whose names look like markup, and a run of it: the names.
fn hostile() -> (Workdir, [&'static str; 5]) {
    let dir = Workdir::new();
    let names =
        ["<script>alert(1)</script>", "<b>x</b>", "a&amp;b \"q\" 'r'", "<img src=x onerror=alert(2)>", "it\u{202e}em"];
    let spec = format!(
        "[profile]\nname = '{}'\nkey = 'id'\n[sources.s]\nfiles = ['s*.csv']\nkeep = ['{}', {{ n = '''{}''' }}]\n\
         types = {{ n = 'int' }}\n[scores.score]\nneeds_any = ['{}']\npoints = []\nbands = [{{ label = '{}' }}]\n\
         [output]\ncolumns = ['id', '{}', '''{}''', 'score']\n",
        names[0], names[1], names[2], names[1], names[3], names[1], names[2]
    );
    dir.write("p.toml", spec);
    dir.write("sample_data/s<i>&1.csv", format!("id,{},n\n1,v,x\n2,,3\n,w,4\n", names[1]));
    dir.write(&format!("sample_data/s{}.csv", names[4]), format!("id,{},n\n3,v,1\n", names[1]));
    (dir, names)
}

#[test]
fn what_looks_like_markup_is_text() {
    let (dir, names) = hostile();
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
    let html = dir.read("data_out/report.html");
    let page = parsed(&html);
    assert!(!page.descendants().any(|n| n.has_tag_name("script") || n.has_tag_name("img") || n.has_tag_name("i")));
    let shown: Vec<String> = page.descendants().filter(Node::is_element).map(text).collect();
    for name in &names[..4] {
        assert!(shown.iter().any(|t| t.trim() == *name), "{name} stands as it is");
    }
    assert!(shown.iter().any(|t| t == "s<i>&1.csv") && shown.iter().any(|t| t == "sit\u{fffd}em.csv"));
}

#[test]
#[ignore = "needs Chromium: tests/setup, then --include-ignored"]
fn chromium_shows_what_looks_like_markup_as_text() {
    let (dir, names) = hostile();
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
    browser::sees(&dir.path("data_out/report.html"), |seen| {
        let counts = |name: &str| seen["elements"].get(name).is_some();
        assert!(!counts("script") && !counts("img") && !counts("i"), "{}", seen["elements"]);
        assert!(names[..4].iter().all(|name| seen["text"].as_str().is_some_and(|text| text.contains(name))));
        browser::is_sound(seen);
    });
}

#[test]
#[ignore = "needs Chromium: tests/setup, then --include-ignored"]
fn chromium_shows_a_chaos_run() {
    let dir = messy();
    dir.onefold(&CHAOS).expect(0);
    browser::sees(&dir.path("data_out/report.html"), |seen| {
        browser::is_sound(seen);
        let labels = seen["marks"]["labels"].as_array().expect("marks").clone();
        let label = |at: usize| labels[at].as_str().unwrap_or_default();
        assert!(
            label(0).starts_with("Shard 3, attempt 1") && label(0).contains("chaos: failing shard 3"),
            "{labels:?}"
        );
        assert!(label(1).starts_with("Shard 3, attempt 2") && label(1).contains("after waiting"), "{labels:?}");
        let steps = seen["marks"]["steps"].as_array().expect("steps");
        assert_eq!(steps.len(), labels.len(), "every mark is reached by key");
        assert!(steps.iter().all(|s| s["shown"] == "visible" && s["tip"] == s["label"]), "{steps:?}");
        let line = &seen["marks"]["line"];
        assert!(line["seen"] == true && line["text"].as_str().is_some_and(|t| t.contains("recovered")), "{line}");
        assert_eq!(seen["marks"]["hovered"], serde_json::json!([label(0)]));
        assert_ne!(seen["ground"]["light"], seen["ground"]["dark"]);
    });
}

/// Changes a manifest to one with a thousand shards, every tenth of which failed once.
fn with_thousand_shards(manifest: &mut Manifest) {
    let time = |ms: usize| format!("2026-11-24T05:33:{:02}.{:03}Z", ms / 1000, ms % 1000);
    manifest.started_at = time(0);
    manifest.finished_at = time(9000);
    manifest.shards = 1000;
    manifest.shard_runs = (0..1000)
        .map(|shard_id| {
            let retried = shard_id % 10 == 0;
            let attempt = |number: u32, from: usize| {
                let failed = retried && number == 1;
                let mut attempt = AttemptRecord::default();
                (attempt.attempt, attempt.worker) = (number, shard_id % 7);
                (attempt.started_at, attempt.ended_at) = (time(from), time(from + 40));
                attempt.outcome = if failed { Status::Failed } else { Status::Succeeded };
                attempt.error = failed.then(|| "cannot read <it>".repeat(9));
                attempt
            };
            let attempts = (1..=if retried { 2 } else { 1 }).map(|n| attempt(n, shard_id * 7 + n as usize * 100));
            let mut shard = ShardRecord::default();
            (shard.shard_id, shard.customers) = (shard_id, Some(shard_id as u64));
            shard.attempts = attempts.collect();
            shard
        })
        .collect();
}

/// The report of a run of a thousand shards and hundreds of reasons for rejects.
fn thousand_shards() -> Workdir {
    let dir = Workdir::with_sample(200);
    dir.onefold(&["run", "--no-report"]).expect(0);
    let mut manifest = dir.manifest("data_out");
    with_thousand_shards(&mut manifest);
    manifest.ledger.0["crm"].rows_rejected = 1;
    dir.write("data_out/run.json", serde_json::to_vec(&manifest).expect("JSON"));
    let rejects = (0..2000).map(|n| format!("crm.csv,{n},column_{},bad_value,x\n", n % 250));
    dir.write("data_out/rejects/crm.csv", "file,line,column,reason,raw\n".to_owned() + &rejects.collect::<String>());
    dir.onefold(&["report"]).expect(0);
    dir
}

#[test]
fn a_thousand_shards_and_hundreds_of_reasons_make_a_small_page() {
    let dir = thousand_shards();
    let html = dir.read("data_out/report.html");
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    let page = parsed(&html);
    let marks = page.descendants().filter(|n| n.attribute("class") == Some("mark"));
    assert_eq!(marks.count(), 200);
    assert_eq!((table(&page, "Reasons for rejects").len(), table(&page, "Attempts at shards").len()), (200, 500));
    assert!(html.contains("50 more reasons, of 400 rejects, are not listed."));
}

#[test]
#[ignore = "needs Chromium: tests/setup, then --include-ignored"]
fn chromium_shows_a_thousand_shards() {
    let dir = thousand_shards();
    browser::sees_large(&dir.path("data_out/report.html"), browser::is_quiet);
}

#[test]
fn a_run_writes_its_report_unless_told_not_to_and_removes_the_old_one() {
    let dir = Workdir::with_sample(100);
    dir.onefold(&["run", "--quiet"]).expect(0);
    assert!(dir.read("data_out/report.html").contains(&dir.manifest("data_out").run_id));
    assert!(dir.manifest("data_out").outputs.iter().all(|o| o.file != "report.html"), "it is no output");
    dir.onefold(&["run", "--no-report"]).expect(0);
    assert!(dir.exists("data_out/report.html"), "nothing was to be done");
    dir.onefold(&["run", "--no-report", "--fresh"]).expect(0);
    assert!(!dir.exists("data_out/report.html"), "a report is of the run that it stands beside");
    dir.onefold(&["run"]).expect(0);
    assert!(
        dir.read("data_out/report.html").contains(&dir.manifest("data_out").run_id),
        "up to date, but for the report"
    );
    dir.onefold(&["run", "--no-report", "--fresh"]).expect(0);
    let ran = dir.onefold(&["report"]);
    ran.expect(0);
    assert_eq!(ran.stdout(), "report: data_out/report.html\n");
    assert!(dir.read("data_out/report.html").contains(&dir.manifest("data_out").run_id));
    let outputs = dir.outputs("data_out");
    dir.onefold(&["run", "--fresh"]).expect(0);
    assert!(dir.outputs("data_out") == outputs, "the report changes no output");
    assert!(!dir.exists("data_out/.onefold/replace.new"));
}

#[test]
fn a_report_that_cannot_be_written_is_a_warning() {
    let dir = Workdir::with_sample(100);
    fs::create_dir_all(dir.path("data_out/.onefold/replace.new/in_the_way")).expect("a folder");
    let stderr = dir.onefold(&["run"]).expect(0);
    assert!(stderr.contains("warning: the run is published, but its report could not be written"), "{stderr}");
    dir.onefold(&["verify"]).expect(0);
    dir.onefold(&["report"]).expect(7);
    fs::create_dir_all(dir.path("data_out/report.html")).expect("a folder");
    let stderr = dir.onefold(&["run", "--fresh"]).expect(7);
    assert!(stderr.contains("`data_out/report.html` is where an output must go"), "{stderr}");
}

#[test]
fn a_failed_run_has_a_report_of_its_own() {
    let dir = Workdir::with_sample(100);
    let failing = ["run", "--chaos", "fail:2:always", "--max-retries", "1", "--retry-wait", "10ms"];
    dir.onefold(&failing).expect(5);
    let ran = dir.onefold(&["report"]);
    ran.expect(0);
    let first = ran.stdout().trim_start_matches("report: ").trim_end().to_owned();
    assert!(first.starts_with("data_out/.onefold/failed/"), "without a finished run: {first}");
    let html = dir.read(&first);
    parsed(&html);
    assert!(
        html.contains("✕ failed")
            && html.contains("Why it failed:")
            && html.contains("failing shard 2 on every attempt")
    );

    dir.onefold(&["run"]).expect(0);
    let without = Workdir::with_sample(20);
    without.onefold(&["run"]).expect(0);
    assert!(without.onefold(&["report", "--failed"]).expect(2).contains("holds no failed run"));
    let finished = dir.manifest("data_out").run_id;
    assert!(!dir.exists(&first), "a run that succeeds lets the failed ones go");
    dir.onefold(&failing).expect(5);
    let told = |args: &[&str]| {
        let ran = dir.onefold(args);
        ran.expect(0);
        ran.stdout().trim_start_matches("report: ").trim_end().to_owned()
    };
    assert_eq!(told(&["report"]), "data_out/report.html");
    let newest = told(&["report", "--failed"]);
    assert_ne!(newest, first);
    let id = newest.split('/').nth(3).expect("an id").to_owned();
    assert_eq!(told(&["report", "--run", &id]), newest);
    assert_eq!(told(&["report", "--run", &finished]), "data_out/report.html");
    let stderr = dir.onefold(&["report", "--run", "../../x"]).expect(2);
    assert!(stderr.contains("no run `../../x` in `data_out`") && stderr.contains(&id), "{stderr}");
    assert!(dir.read("data_out/report.html").contains(&finished), "the finished run's report stays");
}

#[test]
fn without_a_run_there_is_no_report() {
    let dir = Workdir::new();
    assert!(dir.onefold(&["report"]).expect(4).contains("no finished run in `data_out`"));
    assert!(!dir.exists("data_out"), "nothing is made");
    dir.write("data_out/other.txt", "");
    dir.onefold(&["report"]).expect(4);
    dir.onefold(&["report", "--failed"]).expect(4);
    assert!(!dir.exists("data_out/.onefold"), "nor in a folder of others");
    dir.write("data_out/run.json", "{}");
    assert!(dir.onefold(&["report"]).expect(4).contains("cannot read `data_out/run.json`: it is not a valid manifest"));
}

#[test]
fn missing_files_are_reported_as_missing() {
    let dir = messy();
    dir.onefold(&["run", "--no-report"]).expect(0);
    fs::remove_dir_all(dir.path("data_out/rejects")).expect("removed");
    dir.write("data_out/profiles.parquet", "another file");
    dir.onefold(&["report"]).expect(0);
    let html = dir.read("data_out/report.html");
    let page = parsed(&html);
    let shown = text(page.root_element());
    for missed in [
        "profiles.parquet is missing, so empty cells are not known",
        "rejects/crm.csv is missing.",
        "is missing or belongs to another run",
    ] {
        assert!(shown.contains(missed), "{missed}");
    }
    assert!(table(&page, "Empty cells").is_empty() && !shown.contains("Nothing was rejected"));
}

#[test]
fn an_input_in_the_reports_place_is_refused() {
    let dir = Workdir::with_sample(100);
    fs::create_dir(dir.path("data_out")).expect("a folder");
    fs::copy(dir.path("sample_data/crm.csv"), dir.path("data_out/report.html")).expect("copied");
    let stderr = dir.onefold(&["run", "--source", "crm=data_out/report.html"]).expect(7);
    assert!(stderr.contains("would overwrite its own input"), "{stderr}");
}

#[test]
fn checks_are_shown_and_a_failed_run_lists_no_outputs() {
    let dir = Workdir::with_sample(50);
    let check = "[[checks]]\nname = \"rich\"\nthat = \"mrr > 100000\"\nseverity = \"SEVERITY\"\n";
    let spec = |severity: &str| format!("{}\n{}", crate::workdir::default_text(), check.replace("SEVERITY", severity));
    dir.write("p.toml", spec("warn"));
    dir.onefold(&["run", "--profile", "p.toml"]).expect(0);
    let html = dir.read("data_out/report.html");
    assert!(html.contains("1 of 1 failed") && html.contains("rich") && html.contains("profiles.parquet"));
    dir.write("p.toml", spec("error"));
    let stderr = dir.onefold(&["run", "--profile", "p.toml"]).expect(6);
    assert_eq!(stderr.matches("check `rich` failed").count(), 1, "{stderr}");
    let ran = dir.onefold(&["report", "--failed"]);
    ran.expect(0);
    let html = dir.read(ran.stdout().trim_start_matches("report: ").trim_end());
    parsed(&html);
    assert!(html.contains("1 of 1 failed") && !html.contains("<caption>Outputs</caption>"), "{html}");
}
