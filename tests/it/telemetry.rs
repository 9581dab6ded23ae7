//! `--otlp` and `--openlineage`: what local receivers get, and that no fault of a receiver fails a run.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::workdir::{Ran, Workdir};

/// A request that was received.
#[derive(Debug, Clone)]
struct Request {
    line: String,
    headers: Vec<String>,
    body: Value,
}

/// A receiver on this machine.
struct Receiver {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    /// A receiver that answers with this status; without a status it never answers.
    fn answering(status: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().flatten() {
                match status {
                    Some(status) => answer(stream, status, &seen),
                    None => held.push(stream),
                }
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }
}

fn answer(mut stream: TcpStream, status: u16, seen: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body).expect("a body");
    let body = serde_json::from_slice(&body).expect("JSON");
    let request = Request { line: lines.remove(0), headers: lines, body };
    seen.lock().expect("no panic").push(request);
    let text = format!("HTTP/1.1 {status} Told\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
    stream.write_all(text.as_bytes()).expect("answered");
}

/// A run with these flags, without a proxy that the machine may use.
fn run(dir: &Workdir, flags: &[&str], env: &[(&str, &str)]) -> Ran {
    let args: Vec<&str> = ["run", "--shards", "4"].iter().chain(flags).copied().collect();
    let env: Vec<(&str, &str)> = env.iter().copied().chain([("NO_PROXY", "127.0.0.1")]).collect();
    dir.onefold_with(&args, &env)
}

fn spans(request: &Request) -> Vec<Value> {
    let spans = &request.body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    spans.as_array().expect("spans").clone()
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|s| s["name"] == name).collect()
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let found = span["attributes"].as_array().expect("attributes").iter().find(|a| a["key"] == key);
    &found.unwrap_or_else(|| panic!("{key}: {span}"))["value"]
}

#[test]
fn spans_are_of_run_stages_shards_and_attempts() {
    let (dir, receiver) = (Workdir::with_sample(60), Receiver::answering(Some(200)));
    let flags = ["--otlp", &receiver.url, "--chaos", "fail:3", "--retry-wait", "20ms"];
    run(&dir, &flags, &[("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b")]).expect(0);
    let manifest = dir.manifest("data_out");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].line, "POST /v1/traces HTTP/1.1");
    let has = |header: &str| requests[0].headers.iter().any(|h| h.eq_ignore_ascii_case(header));
    assert!(has("content-type: application/json") && has("x-key: a b"), "{:?}", requests[0].headers);

    let spans = spans(&requests[0]);
    let trace =
        Sha256::digest(manifest.run_id.as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect::<String>();
    assert!(spans.iter().all(|s| s["traceId"] == trace.as_str()));
    let id = |span: &Value| span["spanId"].as_str().expect("an id").to_owned();
    let ids: std::collections::BTreeSet<String> = spans.iter().map(id).collect();
    assert!(ids.len() == spans.len() && ids.iter().all(|id| id.len() == 16));

    let parent = |span: &Value| spans.iter().find(|s| s["spanId"] == span["parentSpanId"]);
    let root = named(&spans, "run");
    assert!(root.len() == 1 && parent(root[0]).is_none() && root[0]["parentSpanId"] == "");
    assert_eq!(attribute(root[0], "onefold.customers"), &serde_json::json!({"intValue": "60"}));
    for stage in &manifest.stages {
        assert_eq!(parent(named(&spans, &stage.stage)[0]).expect("a parent")["name"], "run");
    }
    let shards = named(&spans, "shard");
    assert!(shards.len() == 4 && shards.iter().all(|s| parent(s).is_some_and(|p| p["name"] == "build")), "{shards:?}");
    let attempts = named(&spans, "attempt");
    assert_eq!(attempts.len(), manifest.shard_runs.iter().map(|r| r.attempts.len()).sum::<usize>());
    let failed: Vec<_> = attempts.iter().filter(|a| a["status"]["code"] == 2).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["status"]["message"], "chaos: failing shard 3 on first attempt");
    let shard = parent(failed[0]).expect("a parent");
    assert_eq!(
        (attribute(shard, "onefold.shard.id"), &shard["status"]["code"]),
        (&serde_json::json!({"intValue": "3"}), &1.into())
    );
    for span in &spans {
        let time = |name: &str| span[name].as_str().and_then(|t| t.parse::<u64>().ok()).expect("a time");
        assert!(
            time("startTimeUnixNano") <= time("endTimeUnixNano")
                && time("startTimeUnixNano") > 1_700_000_000_000_000_000
        );
    }
}

#[test]
fn many_spans_go_in_several_requests() {
    let (dir, receiver) = (Workdir::with_sample(60), Receiver::answering(Some(200)));
    let args = ["run", "--shards", "700", "--otlp", &receiver.url];
    dir.onefold_with(&args, &[("NO_PROXY", "127.0.0.1")]).expect(0);
    let counts: Vec<usize> = receiver.requests().iter().map(|r| spans(r).len()).collect();
    assert_eq!(counts, [1000, 1 + 3 + 2 * 700 - 1000]);
}

#[test]
fn a_failed_run_is_sent_from_its_manifest() {
    let (dir, receiver) = (Workdir::with_sample(60), Receiver::answering(Some(202)));
    let flags = ["--otlp", &receiver.url, "--openlineage", "told/events.jsonl"];
    let drill = ["--chaos", "fail:1:always", "--max-retries", "1", "--retry-wait", "10ms"];
    run(&dir, &[&flags[..], &drill].concat(), &[]).expect(5);
    let spans = spans(&receiver.requests()[0]);
    let root = named(&spans, "run")[0];
    assert!(root["status"]["message"].as_str().is_some_and(|m| m.starts_with("shard 1 failed after 2 attempts")));
    assert_eq!(named(&spans, "attempt").iter().filter(|a| a["status"]["code"] == 2).count(), 2);

    let events = events(&dir, "told/events.jsonl");
    assert_eq!(events.iter().map(|e| e["eventType"].clone()).collect::<Vec<_>>(), ["START", "FAIL"]);
    let message = &events[1]["run"]["facets"]["errorMessage"];
    assert!(message["message"].as_str().is_some_and(|m| m.contains("chaos: failing shard 1")), "{message}");
    assert_eq!(
        (events[1]["inputs"].as_array().map(Vec::len), events[1]["outputs"].as_array().map(Vec::len)),
        (Some(4), Some(0))
    );
}

#[test]
fn a_run_that_did_not_begin_is_sent_as_failed() {
    let dir = Workdir::new();
    run(&dir, &["--openlineage", "events.jsonl"], &[]).expect(4);
    let events = events(&dir, "events.jsonl");
    assert_eq!(events.iter().map(|e| e["eventType"].clone()).collect::<Vec<_>>(), ["START", "FAIL"]);
}

fn events(dir: &Workdir, file: &str) -> Vec<Value> {
    dir.read(file).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn lineage_names_job_run_and_datasets() {
    let dir = Workdir::with_sample(60);
    run(&dir, &["--openlineage", "events.jsonl", "--openlineage-namespace", "sales"], &[]).expect(0);
    let events = events(&dir, "events.jsonl");
    let [start, complete] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&start["eventType"], &complete["eventType"]), (&"START".into(), &"COMPLETE".into()));
    let manifest = dir.manifest("data_out");
    assert_eq!(complete["eventTime"], manifest.finished_at.as_str());
    for event in &events {
        assert_eq!((&event["job"]["namespace"], &event["job"]["name"]), (&"sales".into(), &"default".into()));
        let id = event["run"]["runId"].as_str().expect("an id");
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert!(parts == [8, 4, 4, 4, 12] && id.as_bytes()[14] == b'8' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_eq!(
            (&event["run"]["runId"], &event["run"]["facets"]["onefold_run"]["runId"]),
            (&start["run"]["runId"], &manifest.run_id.as_str().into())
        );
        assert!(event["producer"].is_string() && event["schemaURL"].as_str().is_some_and(|u| u.ends_with("RunEvent")));
    }
    let rows = |dataset: &Value, facets: &str, facet: &str| dataset[facets][facet]["rowCount"].as_u64();
    let inputs = complete["inputs"].as_array().expect("inputs");
    assert_eq!(inputs.len(), 4);
    assert!(inputs.iter().all(|i| rows(i, "inputFacets", "inputStatistics") == Some(60)), "{inputs:?}");
    let outputs = complete["outputs"].as_array().expect("outputs");
    assert_eq!(outputs.len(), 2);
    for output in outputs {
        let name = output["name"].as_str().expect("a name");
        assert!(name.starts_with('/') && std::path::Path::new(name).exists(), "{name}");
        assert_eq!(output["facets"]["dataSource"]["uri"], format!("file://{name}"));
        assert_eq!(rows(output, "outputFacets", "outputStatistics"), Some(60));
        let fields = output["facets"]["schema"]["fields"].as_array().expect("fields");
        let header = dir.read("data_out/profiles.csv").lines().next().expect("a header").to_owned();
        assert_eq!(fields.iter().filter_map(|f| f["name"].as_str()).collect::<Vec<_>>().join(","), header);
        assert!(fields.iter().any(|f| f["name"] == "health_score" && f["type"] == "int"));
    }
    // Up to date: the run is sent, but the spans of the run that did the work are not sent again.
    let receiver = Receiver::answering(Some(200));
    run(&dir, &["--openlineage", "events.jsonl", "--otlp", &receiver.url], &[]).expect(0);
    let events = self::events(&dir, "events.jsonl");
    assert_eq!((events.len(), &events[3]["eventType"]), (4, &"COMPLETE".into()), "lines are appended");
    assert!(events[3]["run"]["runId"] != events[1]["run"]["runId"] && receiver.requests().is_empty());
}

#[test]
fn lineage_is_posted_to_a_url() {
    let (dir, receiver) = (Workdir::with_sample(60), Receiver::answering(Some(201)));
    run(&dir, &["--openlineage", &receiver.url], &[]).expect(0);
    let requests = receiver.requests();
    assert!(requests.iter().all(|r| r.line == "POST /api/v1/lineage HTTP/1.1"));
    assert_eq!(requests.iter().map(|r| r.body["eventType"].clone()).collect::<Vec<_>>(), ["START", "COMPLETE"]);
}

#[test]
fn a_receiver_that_fails_is_a_warning() {
    let absent =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map(|a| format!("http://{a}")).expect("a port");
    let (angry, silent) = (Receiver::answering(Some(500)), Receiver::answering(None));
    let cases = [(&absent, "onnection"), (&angry.url, "500"), (&silent.url, "timeout")];
    for (url, cause) in cases {
        let dir = Workdir::with_sample(60);
        let stderr = run(&dir, &["--otlp", url], &[]).expect(0);
        let warning = stderr.lines().find(|l| l.starts_with("warning: ")).unwrap_or_else(|| panic!("{url}: {stderr}"));
        assert!(warning.contains(&format!("cannot post to `{url}/v1/traces`")) && warning.contains(cause), "{warning}");
        dir.onefold(&["verify"]).expect(0);
    }
    let dir = Workdir::with_sample(60);
    let stderr = run(&dir, &["--openlineage", &angry.url], &[]).expect(0);
    assert_eq!(stderr.matches("/api/v1/lineage`: it answered 500").count(), 2, "{stderr}");
    let stderr = run(&dir, &["--openlineage", "sample_data/crm.csv"], &[]).expect(0);
    assert!(stderr.contains("something else than lines of JSON"), "{stderr}");
    assert!(dir.read("sample_data/crm.csv").starts_with("customer_id,"));
}

#[test]
fn nothing_is_sent_unless_asked_for() {
    let (dir, receiver) = (Workdir::with_sample(60), Receiver::answering(Some(200)));
    let names = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OPENLINEAGE_URL"];
    let env: Vec<(&str, &str)> = names.iter().map(|name| (*name, receiver.url.as_str())).collect();
    run(&dir, &[], &env).expect(0);
    dir.onefold_with(&["report"], &env).expect(0);
    assert!(receiver.requests().is_empty());
}

#[test]
fn a_wrong_receiver_is_wrong_usage() {
    let dir = Workdir::with_sample(60);
    assert!(run(&dir, &["--otlp", "localhost:4318"], &[]).expect(2).contains("use http://HOST:PORT or https://HOST"));
    assert!(run(&dir, &["--openlineage-namespace", "x"], &[]).expect(2).contains("--openlineage <FILE|URL>"));
    for file in ["data_out/run.json", "data_out/.onefold/x", "./data_out/../data_out/profiles.csv"] {
        for _ in 0..2 {
            let stderr = run(&dir, &["--openlineage", file], &[]).expect(2);
            assert!(stderr.contains("is one of the output files of this run: choose another file"), "{stderr}");
            // With and without the folder.
            std::fs::create_dir_all(dir.path("data_out")).expect("a folder");
        }
    }
}
