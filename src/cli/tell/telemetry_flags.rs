//! `--otlp` and `--openlineage` of `onefold run`: what is sent, when and where. Fails no run: a failure is a warning.

use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use clap::Args;
use onefold::event::Event;
use onefold::manifest::{self, Manifest, Which, is_ours};
use onefold::{Error, Result, Settings};
use serde_json::Value;

use crate::cli::tell::telemetry::lineage::{self, Job};
use crate::cli::tell::telemetry::{Headers, Receiver, append, headers, requests, send};

/// Flags of telemetry.
#[derive(Debug, Args)]
#[command(next_help_heading = "Telemetry (off by default)")]
pub struct TelemetryArgs {
    /// Send the run as OpenTelemetry spans over OTLP/HTTP, for example to http://localhost:4318
    #[arg(long, value_name = "URL", value_parser = otlp_receiver)]
    otlp: Option<Receiver>,
    /// Write OpenLineage events: append them to a file or post them to a URL
    #[arg(long, value_name = "FILE|URL", value_parser = destination)]
    openlineage: Option<Destination>,
    /// Namespace of the job in these events
    #[arg(long, value_name = "NAME", default_value = "onefold", requires = "openlineage")]
    openlineage_namespace: String,
}

/// Where OpenLineage events go.
#[derive(Debug, Clone)]
enum Destination {
    File(PathBuf),
    Url(Receiver),
}

fn otlp_receiver(text: &str) -> std::result::Result<Receiver, String> {
    Receiver::new(text, "/v1/traces", true)
}

fn destination(text: &str) -> std::result::Result<Destination, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Receiver::new(text, "/api/v1/lineage", false).map(Destination::Url);
    }
    Ok(Destination::File(text.into()))
}

impl TelemetryArgs {
    /// Sends what is sent before the run.
    pub fn started(&self, settings: &Settings) -> Result<()> {
        match &self.openlineage {
            // The run replaces its outputs: events in one of them would be lost, or damage it.
            Some(Destination::File(file)) if is_ours(&settings.output, file) => {
                let message = "is one of the output files of this run: choose another file";
                return Err(Error::Usage(format!("--openlineage `{}` {message}", file.display())));
            }
            _ => {}
        }
        self.tell(settings, |job| lineage::start(job, &now()));
        Ok(())
    }

    /// Sends what is sent after the run, with any result.
    pub fn ended(&self, settings: &Settings, done: &Result<Manifest>) {
        match done {
            Ok(manifest) if manifest.run_id == run_id(settings) => {
                self.spans(manifest);
                self.tell(settings, |job| lineage::complete(job, &manifest.finished_at, manifest));
            }
            // There was nothing to do: the spans of the run that made the outputs were sent by that run.
            Ok(manifest) => self.tell(settings, |job| lineage::complete(job, &now(), manifest)),
            Err(error) if self.otlp.is_some() || self.openlineage.is_some() => {
                // A run that failed before it had a manifest has only its error.
                let record = manifest::find(&settings.output, &Which::Id(run_id(settings).to_owned())).ok();
                let record = record.map(|run| run.manifest);
                record.iter().for_each(|manifest| self.spans(manifest));
                let at = record.as_ref().map_or_else(now, |manifest| manifest.finished_at.clone());
                self.tell(settings, |job| lineage::fail(job, &at, error, record.as_ref()));
            }
            Err(_) => {}
        }
    }

    fn spans(&self, manifest: &Manifest) {
        let Some(receiver) = &self.otlp else { return };
        warn(headers_of_environment().and_then(|headers| send(receiver, &headers, &requests(manifest))));
    }

    fn tell(&self, settings: &Settings, event: impl Fn(&Job<'_>) -> Value) {
        let Some(destination) = &self.openlineage else { return };
        let [input, output] = [&settings.inputs.folder, &settings.output].map(|folder| absolute(folder));
        let (run_id, spec) = (run_id(settings), &settings.spec);
        let job = Job { namespace: &self.openlineage_namespace, run_id, spec, input: &input, output: &output };
        let event = event(&job);
        warn(match destination {
            Destination::File(file) => append(file, &event),
            Destination::Url(receiver) => send(receiver, &Headers::new(), &[event]),
        });
    }
}

/// The run's id, which the command always sets.
fn run_id(settings: &Settings) -> &str {
    settings.run_id.as_deref().unwrap_or_default()
}

fn headers_of_environment() -> Result<Headers> {
    headers(&std::env::var("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default())
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn warn(told: Result<()>) {
    if let Err(error) = told {
        Event::TelemetryFailed { error: error.to_string() }.emit();
    }
}
