//! The head of the page and the section about the run: status, key numbers, drills, settings, stages, memory, the spec.
//! Reads only the manifest.

use onefold::Result;
use onefold::manifest::{Manifest, Status};
use serde::Serialize;

use super::bars::{self, About, Bar};
use crate::cli::tell::draw::Safe;
use crate::cli::tell::words::{bytes, counted, cut, grouped, millis, moment, percent, seconds, share};

/// Most warnings that are shown.
const MOST_WARNINGS: usize = 20;

/// Most characters of a spec that are shown.
const MOST_SPEC: usize = 60_000;

const STAGES: About<'_> = About { caption: "Time by stage", columns: ["stage", "time", "share"], lines: "stages" };
const MEMORY: About<'_> =
    About { caption: "Resident memory", columns: ["resident", "size", "of the limit"], lines: "sizes" };

/// The values of the head's template.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    title: String,
    succeeded: bool,
    headline: String,
    profile: String,
    when: String,
    run_id: String,
    version: String,
    error: Option<String>,
    figures: Vec<Figure>,
    drills: Vec<String>,
    /// What may be a mistake.
    warnings: Vec<String>,
    /// How many of them are not shown.
    more_warnings: usize,
}

/// A key number.
#[derive(Debug, Serialize)]
struct Figure {
    name: &'static str,
    value: String,
    note: String,
}

/// The values of the template for the run's facts.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    stages: Safe,
    settings: Vec<(&'static str, String)>,
    memory: Option<Safe>,
    spec: String,
    spec_sha256: String,
}

/// The page's head.
pub(super) fn head(manifest: &Manifest) -> Head {
    let Manifest { status, customers, ledger, spec, error, .. } = manifest;
    let succeeded = *status == Status::Succeeded;
    let sources = counted(ledger.0.len() as u64, "source");
    let headline = match status {
        Status::Succeeded => format!("{} from {sources}", counted(customers.total, "customer")),
        Status::Failed => "The run failed; nothing was published".to_owned(),
    };
    let state = if succeeded { "succeeded" } else { "failed" };
    Head {
        title: format!("onefold: profile {}, run {} {state}", spec.name, manifest.run_id),
        succeeded,
        headline,
        profile: spec.name.clone(),
        when: moment(&manifest.started_at),
        run_id: manifest.run_id.clone(),
        version: manifest.onefold.clone(),
        error: error.as_ref().map(|error| cut(error, 4000)),
        figures: figures(manifest),
        drills: manifest.drills.clone(),
        warnings: manifest.warnings.iter().take(MOST_WARNINGS).map(|warning| cut(&warning.message, 1000)).collect(),
        more_warnings: manifest.warnings.len().saturating_sub(MOST_WARNINGS),
    }
}

fn figures(manifest: &Manifest) -> Vec<Figure> {
    let sum = |of: fn(&onefold::manifest::SourceLedger) -> u64| manifest.ledger.0.values().map(of).sum::<u64>();
    let (read, rejected) = (sum(|l| l.rows_read), sum(|l| l.rows_rejected));
    let bad_values = sum(|l| l.bad_values.values().sum());
    let attempts = || manifest.shard_runs.iter().flat_map(|run| &run.attempts);
    let failed = attempts().filter(|a| a.outcome == Status::Failed).count() as u64;
    let healed = manifest.shard_runs.iter().filter(|r| r.attempts.len() > 1 && r.customers.is_some()).count() as u64;
    let size = manifest.inputs.iter().map(|i| i.bytes).sum();
    let took = took(manifest);
    let figure = |name, value, note| Figure { name, value, note };
    let mut figures = vec![
        figure("rows read", grouped(read), bytes(size)),
        figure("rows rejected", grouped(rejected), share(rejected, read)),
        figure("bad values", grouped(bad_values), "became null".to_owned()),
        figure("shards", grouped(manifest.shards as u64), counted(manifest.threads as u64, "worker")),
        figure("failed attempts", grouped(failed), format!("{} recovered", counted(healed, "shard"))),
        figure("time", seconds(took), format!("{} rows/s", grouped((read as f64 / took.max(0.001)) as u64))),
    ];
    if let Some(peak) = manifest.peak_memory_bytes {
        figures.push(figure("peak memory", bytes(peak), format!("limit {}", bytes(manifest.memory_limit))));
    }
    figures
}

/// Seconds of the whole run.
fn took(manifest: &Manifest) -> f64 {
    let whole = millis(&manifest.finished_at).zip(millis(&manifest.started_at));
    whole.map_or(0.0, |(end, start)| ((end - start) / 1e3).max(0.0))
}

/// The run's facts.
pub(super) fn facts(manifest: &Manifest) -> Result<Facts> {
    let Manifest { options, as_of, spilled_bytes, parts_bytes, memory_limit, .. } = manifest;
    let mut settings = vec![
        ("as of", as_of.clone().unwrap_or_else(|| "not known".to_owned())),
        ("rejected rows allowed", format!("{} per source", options.max_rejects)),
        ("CSV", if options.safe_csv { "safe for spreadsheets" } else { "unchanged texts" }.to_owned()),
        ("memory limit", bytes(*memory_limit)),
        ("rows that waited on disk", if *spilled_bytes == 0 { "none".to_owned() } else { bytes(*spilled_bytes) }),
        ("built shards on disk", bytes(*parts_bytes)),
    ];
    if manifest.resumed_shards > 0 {
        settings.push(("shards reused from an earlier run", grouped(manifest.resumed_shards as u64)));
    }
    let spec = cut(&manifest.spec.text, MOST_SPEC);
    Ok(Facts {
        stages: bars::table(STAGES, &stages(manifest))?,
        settings,
        memory: manifest.peak_memory_bytes.map(|peak| memory(peak, *memory_limit)).transpose()?,
        spec,
        spec_sha256: manifest.spec.sha256.clone(),
    })
}

fn memory(peak: u64, limit: u64) -> Result<Safe> {
    let bar = Bar::new("peak", "done", (bytes(peak), share(peak, limit)), percent(peak, limit));
    bars::table(MEMORY, &[bar])
}

/// Seconds per stage, and the rest.
fn stages(manifest: &Manifest) -> Vec<Bar> {
    let sum: f64 = manifest.stages.iter().map(|s| s.seconds).sum();
    let whole = took(manifest).max(sum).max(f64::MIN_POSITIVE);
    let bar = |name: &str, class, took: f64| {
        let part = took / whole * 100.0;
        Bar::new(name, class, (seconds(took), format!("{part:.0} %")), part)
    };
    let rest = bar("start, publishing", "unknown", whole - sum);
    manifest.stages.iter().map(|s| bar(&s.stage, "done", s.seconds)).chain([rest]).collect()
}
