//! A run as OpenTelemetry spans, in OTLP's JSON form: run → stage → shard → attempt. Sends nothing.

use chrono::DateTime;
use onefold::manifest::{AttemptRecord, Manifest, ShardRecord, Status};
use serde_json::{Value, json};

use super::ids;

/// Most spans of a request: receivers limit the size of a body, and this is below half a megabyte.
const SPANS: usize = 1000;

const INTERNAL: u8 = 1;
const OK: u8 = 1;
const ERROR: u8 = 2;

/// When a span starts and ends, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Time {
    from: i64,
    to: i64,
}

/// Bodies of the requests with all spans of the run, in order.
pub fn requests(manifest: &Manifest) -> Vec<Value> {
    let spans = spans(manifest);
    spans.chunks(SPANS).map(|spans| request(manifest, spans)).collect()
}

fn request(manifest: &Manifest, spans: &[Value]) -> Value {
    let resource = [("service.name", json!("onefold")), ("service.version", json!(manifest.onefold))];
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(resource)},
        "scopeSpans": [{"scope": {"name": "onefold", "version": manifest.onefold}, "spans": spans}],
    }]})
}

fn spans(manifest: &Manifest) -> Vec<Value> {
    let run = Time { from: nanos(&manifest.started_at), to: nanos(&manifest.finished_at) };
    let mut spans = vec![run_span(manifest, run)];
    let stages = stages(manifest, run.from);
    for (at, (name, time)) in stages.iter().enumerate() {
        let names = Names { path: stage_path(at), parent: "run".to_owned(), name };
        spans.push(span(manifest, &names, *time, (OK, ""), []));
    }
    for shard in &manifest.shard_runs {
        spans.extend(shard_spans(manifest, shard, &stages));
    }
    spans
}

/// A span's path in the run and its name; the name says what kind of thing it is, attributes say which one.
struct Names<'a> {
    path: String,
    parent: String,
    name: &'a str,
}

fn span<const N: usize>(
    manifest: &Manifest,
    names: &Names<'_>,
    time: Time,
    (code, message): (u8, &str),
    about: [(&str, Value); N],
) -> Value {
    let parent = if names.parent.is_empty() { String::new() } else { ids::span(&manifest.run_id, &names.parent) };
    let status = if message.is_empty() { json!({"code": code}) } else { json!({"code": code, "message": message}) };
    json!({
        "traceId": ids::trace(&manifest.run_id),
        "spanId": ids::span(&manifest.run_id, &names.path),
        "parentSpanId": parent,
        "name": names.name,
        "kind": INTERNAL,
        "startTimeUnixNano": time.from.to_string(),
        "endTimeUnixNano": time.to.max(time.from).to_string(),
        "attributes": attributes(about),
        "status": status,
    })
}

fn run_span(manifest: &Manifest, time: Time) -> Value {
    let sum = |of: fn(&onefold::manifest::SourceLedger) -> u64| manifest.ledger.0.values().map(of).sum::<u64>();
    let about = [
        ("onefold.run_id", json!(manifest.run_id)),
        ("onefold.profile", json!(manifest.spec.name)),
        ("onefold.shards", json!(manifest.shards)),
        ("onefold.threads", json!(manifest.threads)),
        ("onefold.resumed_shards", json!(manifest.resumed_shards)),
        ("onefold.drills", json!(manifest.drills.join(" "))),
        ("onefold.rows_read", json!(sum(|l| l.rows_read))),
        ("onefold.rows_rejected", json!(sum(|l| l.rows_rejected))),
        ("onefold.customers", json!(manifest.customers.total)),
        ("onefold.peak_memory_bytes", json!(manifest.peak_memory_bytes.unwrap_or_default())),
    ];
    let names = Names { path: "run".to_owned(), parent: String::new(), name: "run" };
    let status = (code(manifest.status), manifest.error.as_deref().unwrap_or_default());
    span(manifest, &names, time, status, about)
}

/// The stages; a stage without a start began when the one before it ended.
fn stages(manifest: &Manifest, mut ended: i64) -> Vec<(String, Time)> {
    let mut stages = Vec::new();
    for stage in &manifest.stages {
        let from = stage.started_at.as_deref().map_or(ended, nanos);
        ended = from.saturating_add((stage.seconds * 1e9) as i64);
        stages.push((stage.stage.clone(), Time { from, to: ended }));
    }
    stages
}

fn stage_path(at: usize) -> String {
    format!("stage/{at}")
}

/// A shard's span and those of its attempts; none if this run made no attempt.
fn shard_spans(manifest: &Manifest, shard: &ShardRecord, stages: &[(String, Time)]) -> Vec<Value> {
    let (Some(first), Some(last)) = (shard.attempts.first(), shard.attempts.last()) else { return Vec::new() };
    let time = Time { from: nanos(&first.started_at), to: nanos(&last.ended_at) };
    // The stage at that time; a run that failed may have no record of it.
    let stage = stages.iter().rposition(|(_, stage)| stage.from <= time.from && time.from <= stage.to);
    let path = format!("shard/{}", shard.shard_id);
    let parent = stage.map_or_else(|| "run".to_owned(), stage_path);
    let about = [
        ("onefold.shard.id", json!(shard.shard_id)),
        ("onefold.shard.attempts", json!(shard.attempts.len())),
        ("onefold.shard.customers", json!(shard.customers.unwrap_or_default())),
    ];
    let status = (code(last.outcome), last.error.as_deref().unwrap_or_default());
    let names = Names { path: path.clone(), parent, name: "shard" };
    let mut spans = vec![span(manifest, &names, time, status, about)];
    spans.extend(shard.attempts.iter().map(|attempt| attempt_span(manifest, shard, attempt, &path)));
    spans
}

fn attempt_span(manifest: &Manifest, shard: &ShardRecord, attempt: &AttemptRecord, parent: &str) -> Value {
    let AttemptRecord { attempt, worker, started_at, ended_at, outcome, error, .. } = attempt;
    let about = [
        ("onefold.shard.id", json!(shard.shard_id)),
        ("onefold.attempt", json!(attempt)),
        ("onefold.worker", json!(worker)),
    ];
    let names = Names { path: format!("{parent}/attempt/{attempt}"), parent: parent.to_owned(), name: "attempt" };
    let time = Time { from: nanos(started_at), to: nanos(ended_at) };
    span(manifest, &names, time, (code(*outcome), error.as_deref().unwrap_or_default()), about)
}

fn code(status: Status) -> u8 {
    match status {
        Status::Succeeded => OK,
        Status::Failed => ERROR,
    }
}

/// Attributes in OTLP's form, in which whole numbers are texts.
fn attributes<const N: usize>(pairs: [(&str, Value); N]) -> Vec<Value> {
    let value = |value: Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other}),
    };
    pairs.into_iter().map(|(key, v)| json!({"key": key, "value": value(v)})).collect()
}

/// A manifest's time; 1970 if it cannot be read.
fn nanos(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).ok().and_then(|time| time.timestamp_nanos_opt()).unwrap_or_default()
}
