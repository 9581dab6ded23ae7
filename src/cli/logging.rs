//! The log on stderr: lines for people, or one JSON object a line (contract §7). The only writer to stderr.

use std::fmt::Debug;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::progress::{Progress, Screen};
use super::{LogFormat, Talk};

/// Starts the log.
pub fn start(talk: &Talk, run_id: &'static str) {
    let Talk { log_format, quiet, verbose } = *talk;
    let screen = if quiet || log_format == LogFormat::Json { None } else { Screen::of_stderr() };
    let volume = match (quiet, verbose) {
        (true, _) => Volume::Errors,
        (_, true) => Volume::Everything,
        _ if screen.is_some() => Volume::Milestones,
        _ if std::io::stderr().is_terminal() => Volume::Progress,
        _ => Volume::Warnings,
    };
    // The bars come first: what ends a run takes them away before its line is written.
    let progress = screen.clone().map(Progress);
    let log = Log { format: log_format, volume, verbose, run_id, screen };
    tracing_subscriber::registry().with(progress).with(log).init();
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Volume {
    Errors,
    Warnings,
    /// What no bar shows.
    Milestones,
    /// What bars and the closing summary show too.
    Progress,
    Everything,
}

struct Log {
    format: LogFormat,
    volume: Volume,
    /// Whether the JSON log holds what only those want to know who look for a fault.
    verbose: bool,
    run_id: &'static str,
    screen: Option<Arc<Screen>>,
}

impl<S: Subscriber> Layer<S> for Log {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.verbose { LevelFilter::DEBUG } else { LevelFilter::INFO })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Below debug are the steps of progress: they are for bars.
        if !event.metadata().target().starts_with("onefold") || *event.metadata().level() > Level::DEBUG {
            return;
        }
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let level = *event.metadata().level();
        let line = match self.format {
            LogFormat::Json => (level <= Level::INFO || self.verbose).then(|| self.json(level, fields.0)),
            LogFormat::Text => (self.volume >= volume(level, &fields.0)).then(|| text(level, &fields.0)),
        };
        match (line, &self.screen) {
            (Some(line), Some(screen)) => screen.line(&line),
            // Nobody is left to tell when stderr is gone.
            (Some(line), None) => drop(std::io::stderr().lock().write_all(format!("{line}\n").as_bytes())),
            (None, _) => {}
        }
    }
}

impl Log {
    fn json(&self, level: Level, fields: Map<String, Value>) -> String {
        let mut object = Map::new();
        object.insert("ts".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
        object.insert("level".into(), level.as_str().to_lowercase().into());
        object.insert("event".into(), fields.get("event").cloned().unwrap_or_else(|| "message".into()));
        object.insert("run_id".into(), self.run_id.into());
        object.extend(fields.into_iter().filter(|(name, _)| name != "event"));
        Value::Object(object).to_string()
    }
}

/// From which volume on an event is shown to people.
fn volume(level: Level, fields: &Map<String, Value>) -> Volume {
    match (level, fields.get("event").and_then(Value::as_str)) {
        (Level::ERROR, Some("error")) => Volume::Errors,
        // The run's error tells of it.
        (_, Some("check_failed")) if fields.get("severity").is_some_and(|s| s == "error") => Volume::Everything,
        (Level::ERROR | Level::WARN, _) => Volume::Warnings,
        (_, Some("delimiter_found" | "resume" | "spill" | "bench_run" | "drill_round")) => Volume::Milestones,
        (_, Some("source_read" | "publish")) => Volume::Progress,
        _ => Volume::Everything,
    }
}

fn text(level: Level, fields: &Map<String, Value>) -> String {
    let get = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match get("event").as_str() {
        "error" => format!("error: {}", get("error")),
        event => match warning(event, get) {
            Some(warning) => format!("warning: {warning}"),
            None => news(event, get).unwrap_or_else(|| other(level, fields, get)),
        },
    }
}

/// What a run bears and tells.
fn warning(event: &str, get: impl Fn(&str) -> String) -> Option<String> {
    Some(match event {
        "shard_retry" => format!(
            "shard {} failed ({}); retry {} in {}",
            get("shard_id"),
            get("error"),
            get("attempt"),
            humantime::format_duration(Duration::from_millis(get("wait_ms").parse().unwrap_or(0)))
        ),
        "shard_failed" => {
            format!("shard {}: given up after {} attempt(s) ({})", get("shard_id"), get("attempts"), get("error"))
        }
        "shards_kept" => format!("{} of {} shards are built and kept for the next run", get("kept"), get("shards")),
        "checkpoint_damaged" => {
            format!("shard {}: its file is not as it was written; it is built again", get("shard_id"))
        }
        "check_failed" => format!("check `{}` failed: {}, wanted is {}", get("name"), get("measured"), get("wanted")),
        "source_absent" => format!("source `{}` has no file", get("source")),
        "as_of_unknown" => "as_of is null, as no source has a latest_by date: give one with --as-of".to_owned(),
        "many_bad_values" => format!(
            "{} of {} rows of `{}` have a bad value in column `{}`: are type and format right? see rejects/{}.csv",
            get("bad_values"),
            get("rows"),
            get("source"),
            get("column"),
            get("source")
        ),
        _ => return None,
    })
}

fn news(event: &str, get: impl Fn(&str) -> String) -> Option<String> {
    Some(match event {
        "source_read" => format!(
            "read {}: {} rows, {} bytes, {} rejected",
            get("source"),
            get("rows"),
            get("bytes"),
            get("rejected")
        ),
        "delimiter_found" => format!("{}: the delimiter is `{}`, by its header", get("file"), get("delimiter")),
        "shard_start" => format!("shard {}: attempt {}", get("shard_id"), get("attempt")),
        "shard_end" => format!("shard {}: {} profiles in {} ms", get("shard_id"), get("n"), get("elapsed_ms")),
        "resume" => format!("resumed {} of {} shards", get("reused"), get("shards")),
        "drill" => format!("drill: {}", get("drill")),
        "spill" => format!("memory limit {}: {} bytes of rows wait on disk", get("memory_limit"), get("bytes")),
        "bench_run" => bench_run(get),
        "drill_round" => format!("round {} of {}", get("round"), get("of")),
        "publish" => format!("published {}: {} rows, {} bytes", get("file"), get("rows"), get("bytes")),
        _ => return None,
    })
}

/// Any other event: its message or name, and its fields.
fn other(level: Level, fields: &Map<String, Value>, get: impl Fn(&str) -> String) -> String {
    let rest = fields.keys().filter(|k| *k != "event" && *k != "message").map(|k| format!("{k}={}", get(k)));
    let mark = if level <= Level::WARN { "warning: " } else { "" };
    let what = if fields.contains_key("message") { get("message") + ":" } else { get("event").replace('_', " ") };
    format!("{mark}{what} {}", rest.collect::<Vec<_>>().join(" ")).trim_end_matches([' ', ':']).to_owned()
}

fn bench_run(get: impl Fn(&str) -> String) -> String {
    let warm_up = if get("warm_up") == "true" { ", warm-up" } else { "" };
    format!("run {} of {}: --shards {}, {} s{warm_up}", get("run"), get("of"), get("shards"), get("seconds"))
}

/// An event's fields as JSON.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
