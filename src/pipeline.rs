//! The story: read → route → build → merge → prove → publish. The one room that knows all the others.

mod events;
mod record;
mod shards;

use std::time::Instant;

use chrono::{Datelike, NaiveDate};
use tracing::{info, warn};

use crate::disk;
use crate::error::{Error, Result};
use crate::executor::Drills;
use crate::manifest::{Manifest, Status};
use crate::memory::Memory;
use crate::merge::Merge;
use crate::parts::Parts;
use crate::read::{Reading, SourceRead, layout, read_source};
use crate::route::{ShardBuffers, Shards, SpillTo, default_shards};
use crate::settings::Settings;
use crate::shard::schema;
use crate::sink::{self, SinkOptions};
use crate::source::{self, OpenInputs, Rejects};
use crate::workspace::{self, MANIFEST_FILE, REJECTS_FOLDER, Workspace};

use record::Record;

/// Runs the whole pipeline and publishes its outputs. Emits the log events of contract §7 as `tracing` events.
///
/// # Errors
/// Any [`Error`]; then nothing is published, previous outputs are as they were, and what the run knows of itself lies
/// under `.onefold/failed/<run_id>/` in the output folder.
pub fn run(settings: &Settings) -> Result<Manifest> {
    let begun = Instant::now();
    let Settings { run_id, spec, output, .. } = settings;
    info!(event = "run_start", profile = spec.name.as_str(), version = env!("CARGO_PKG_VERSION"));
    let space = Workspace::open(output, run_id)?;
    let mut record = Record::new(settings);
    let mut rejects = Vec::new();
    let done = produce(settings, &space, &mut record, &mut rejects);
    let done = done.and_then(|()| publish(&space, &mut record));
    match done {
        Ok(manifest) => {
            events::run_end("succeeded", manifest.customers.total, begun.elapsed());
            Ok(manifest)
        }
        Err(error) => {
            let error = keep_failure(&space, record, rejects, error);
            events::run_end("failed", 0, begun.elapsed());
            Err(error)
        }
    }
}

/// Checks the spec and the headers of all inputs, reads no data.
///
/// # Errors
/// As [`run`] before it reads data.
pub fn check(settings: &Settings) -> Result<OpenInputs> {
    shards::dry_run(&settings.spec)?;
    source::open(&settings.spec, &settings.inputs)
}

/// Everything up to complete, synced files in staging.
fn produce(
    settings: &Settings,
    space: &Workspace,
    record: &mut Record,
    rejects: &mut Vec<(String, Rejects)>,
) -> Result<()> {
    let inputs = check(settings)?;
    let files = inputs.sources.iter().flatten().map(|f| f.path.as_path());
    workspace::refuse_overlap(&settings.output, files)?;
    report_ignored(settings, &inputs);
    record.shards = settings.shards.unwrap_or_else(|| default_shards(inputs.bytes()));
    let memory = settings.memory_limit.map_or_else(Memory::of_machine, |limit| Memory { limit });
    record.memory_limit = memory.limit;
    let drills = Drills::new(settings.drills.clone(), record.shards)?;

    let timer = Instant::now();
    let (shards, newest) = read(settings, &inputs, memory, space, record, rejects)?;
    let as_of = settings.as_of.map(|d| d.to_epoch_days()).or(newest);
    record.as_of = as_of.and_then(NaiveDate::from_epoch_days).filter(|d| d.year() > 0);
    record.stage("route", timer);

    let timer = Instant::now();
    let parts = Parts::create(&space.parts(), record.shards)?;
    let (runs, failure) = shards::build(settings, memory, &shards, &parts, as_of, &drills);
    drop(shards);
    // In any case: nothing may write to staging any more when it is removed.
    let settled = parts.settle();
    let built = record.shard_runs(runs);
    if let Some(failure) = failure {
        return Err(failure);
    }
    settled?;
    space.remove_spill()?;
    record.account(&settings.spec, &built);
    record.balance()?;
    record.stage("build", timer);

    let timer = Instant::now();
    let customers: u64 = built.iter().map(|b| b.account.customers).sum();
    // A comma or line end for each cell is the least that the CSV takes.
    disk::require(&space.staging(), customers * settings.spec.output.len() as u64, "writing `profiles.csv`")?;
    let schema = schema(&settings.spec);
    let sorted = built.iter().map(|b| b.part.open(&schema)).collect::<Result<_>>()?;
    let merge = Merge::new(schema.clone(), sorted)?;
    let options = SinkOptions { safe_csv: settings.safe_csv, metadata: metadata(settings) };
    record.outputs = sink::write(merge, &schema, &space.staging(), &options)?;
    record.prove_customers(&built)?;
    for (source, rejects) in rejects.drain(..) {
        let name = format!("{REJECTS_FOLDER}/{source}.csv");
        if rejects.save(&space.staging().join(&name))? {
            record.reject_files.push(name);
        }
    }
    record.stage("write", timer);
    Ok(())
}

/// Reads every source; gives the routed rows with the newest `latest_by` day.
fn read(
    settings: &Settings,
    inputs: &OpenInputs,
    memory: Memory,
    space: &Workspace,
    record: &mut Record,
    rejects: &mut Vec<(String, Rejects)>,
) -> Result<(Shards, Option<i32>)> {
    let layouts = settings.spec.sources.iter().map(layout).collect();
    let limit = memory.routed(inputs.bytes(), record.shards, settings.threads);
    let spill = SpillTo { folder: space.spill(), limit, expected: inputs.bytes() };
    let mut buffers = ShardBuffers::new(layouts, record.shards, settings.threads, Some(&spill));
    let staging = space.staging();
    let reading = Reading { block_size: settings.block_size, scratch: &staging };
    let mut newest = None;
    for (at, (source, files)) in settings.spec.sources.iter().zip(&inputs.sources).enumerate() {
        let read = read_source(source, at, files, reading, buffers.threads())?;
        record.source_read(source, files, &read);
        let bytes: u64 = files.iter().map(|f| f.bytes).sum();
        info!(event = "source_read", source = source.name.as_str(), rows = read.rows, bytes, rejected = read.rejected);
        let SourceRead { rows, rejected, newest_day, rejects: of_source, .. } = read;
        newest = newest.max(newest_day);
        let within = settings.reject_limit.allows(rejected, rows);
        let first = of_source.first_three().join("; ");
        rejects.push((source.name.clone(), of_source));
        if !within {
            let limit = settings.reject_limit;
            return Err(Error::RejectLimit(format!(
                "source `{}`: {rejected} of {rows} rows are rejected, more than {limit} allows; the first: {first}; mend them or raise --max-rejects",
                source.name
            )));
        }
    }
    let shards = buffers.into_shards();
    record.spilled_bytes = shards.spilled_bytes();
    if record.spilled_bytes > 0 {
        info!(event = "spill", memory_limit = memory.limit, bytes = record.spilled_bytes);
    }
    Ok((shards, newest))
}

fn report_ignored(settings: &Settings, inputs: &OpenInputs) {
    events::delimiters_found(&settings.spec, inputs);
    for file in &inputs.unmatched {
        warn!(event = "file_ignored", file = file.as_str(), "the file matches no source");
    }
    for (source, files) in settings.spec.sources.iter().zip(&inputs.sources) {
        let mut columns: Vec<&str> = files.iter().flat_map(|f| &f.header.undeclared).map(String::as_str).collect();
        columns.sort_unstable();
        columns.dedup();
        if !columns.is_empty() {
            info!(event = "columns_ignored", source = source.name.as_str(), columns = columns.join(", "));
        }
    }
}

fn metadata(settings: &Settings) -> Vec<(String, String)> {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    vec![
        pair("onefold.version", env!("CARGO_PKG_VERSION").to_owned()),
        pair("onefold.spec_sha256", settings.spec.sha256()),
    ]
}

/// Replaces the outputs, manifest last.
fn publish(space: &Workspace, record: &mut Record) -> Result<Manifest> {
    let manifest = record.manifest(Status::Succeeded, None);
    space.stage(MANIFEST_FILE, &record::to_json(&manifest)?)?;
    let mut names: Vec<String> = record.outputs.iter().map(|o| o.file.clone()).collect();
    names.append(&mut record.reject_files);
    names.push(MANIFEST_FILE.to_owned());
    space.publish(&names)?;
    for output in &manifest.outputs {
        info!(event = "publish", file = output.file.as_str(), rows = output.rows, bytes = output.bytes);
    }
    Ok(manifest)
}

/// Keeps the failed run's manifest and rejects; a run failed for rejects says where they are.
fn keep_failure(space: &Workspace, record: Record, rejects: Vec<(String, Rejects)>, error: Error) -> Error {
    let manifest = record.manifest(Status::Failed, Some(error.to_string()));
    let mut files = Vec::new();
    files.extend(record::to_json(&manifest).map(|json| (MANIFEST_FILE.to_owned(), json)));
    let kept = space.keep_failure(&files).inspect(|folder| {
        for (source, rejects) in rejects {
            // As with the rest: a full disk may well keep us from saving it.
            let _ = rejects.save(&folder.join(format!("{REJECTS_FOLDER}/{source}.csv")));
        }
    });
    match (kept, error) {
        (Ok(folder), Error::RejectLimit(message)) => {
            Error::RejectLimit(format!("{message}; all are in `{}`", folder.display()))
        }
        // The first failure is the one to tell; a full disk may well keep us from saving anything about it.
        (_, error) => error,
    }
}
