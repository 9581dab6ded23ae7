//! The log on stderr: lines for people, or one JSON object per line. Nothing else writes to stderr.

use std::fmt::Debug;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use chrono::{SecondsFormat, Utc};
use onefold::event::Event;
use serde_json::{Map, Value};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::event_words::{Volume, line, volume};
use super::progress::{Progress, Screen};
use crate::cli::{LogFormat, Verbosity};

/// Starts the log; called once in a process.
pub fn start(verbosity: &Verbosity, run_id: &'static str) {
    let Verbosity { log_format, quiet, verbose } = *verbosity;
    let screen = if quiet || log_format == LogFormat::Json { None } else { Screen::of_stderr() };
    let volume = match (quiet, verbose) {
        (true, _) => Volume::Errors,
        (_, true) => Volume::Everything,
        _ if screen.is_some() => Volume::Milestones,
        _ if std::io::stderr().is_terminal() => Volume::Progress,
        _ => Volume::Warnings,
    };
    // The bars come first, so that the end of a run removes them before its line is written.
    let progress = screen.clone().map(Progress);
    let log = Log { format: log_format, volume, verbose, run_id, screen };
    tracing_subscriber::registry().with(progress).with(log).init();
}

struct Log {
    format: LogFormat,
    volume: Volume,
    /// Whether the JSON log has debug events too.
    verbose: bool,
    run_id: &'static str,
    screen: Option<Arc<Screen>>,
}

impl<S: Subscriber> Layer<S> for Log {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.verbose { LevelFilter::DEBUG } else { LevelFilter::INFO })
    }

    fn on_event(&self, told: &tracing::Event<'_>, _: Context<'_, S>) {
        let Some(event) = read(told) else { return };
        // Trace events are steps of progress, which are for the bars.
        let most = if self.verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
        let is_seen = match self.format {
            // With --quiet only what failed.
            LogFormat::Json if self.volume == Volume::Errors => volume(&event) == Volume::Errors,
            LogFormat::Json => event.level() <= most,
            LogFormat::Text => event.level() <= LevelFilter::DEBUG && self.volume >= volume(&event),
        };
        let line = match self.format {
            _ if !is_seen => return,
            LogFormat::Json => self.json(&event),
            LogFormat::Text => line(&event),
        };
        match &self.screen {
            Some(screen) => screen.line(&line),
            // If stderr is closed, there is no place to report it.
            None => drop(std::io::stderr().lock().write_all(format!("{line}\n").as_bytes())),
        }
    }
}

impl Log {
    fn json(&self, event: &Event) -> String {
        let fields = serde_json::to_value(event).unwrap_or_default();
        let mut object = Map::new();
        object.insert("ts".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
        object.insert("level".into(), event.level().as_str().to_lowercase().into());
        object.insert("event".into(), fields.get("event").cloned().unwrap_or_default());
        object.insert("run_id".into(), self.run_id.into());
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        object.extend(fields.into_iter().filter(|(name, _)| name != "event"));
        Value::Object(object).to_string()
    }
}

/// The event that was emitted; none for events of other crates.
pub fn read(told: &tracing::Event<'_>) -> Option<Event> {
    if !told.metadata().target().starts_with("onefold") {
        return None;
    }
    let mut fields = Fields::default();
    told.record(&mut fields);
    Event::read(&fields.event, &fields.data)
}

/// The two fields of an emitted event.
#[derive(Default)]
struct Fields {
    event: String,
    data: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => value.clone_into(&mut self.event),
            "data" => value.clone_into(&mut self.data),
            _ => {}
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
