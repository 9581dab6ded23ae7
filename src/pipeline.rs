//! The story: read → route → build → merge → prove → publish. The one room that knows all the others.

mod checks;
mod events;
mod inputs;
mod record;
mod resume;
mod shards;
mod up_to_date;

use std::time::Instant;

use arrow::array::{Array, ArrayRef};
use chrono::{Datelike, NaiveDate};
use tracing::info;

use crate::checkpoint::Checkpoints;
use crate::checks::Unique;
use crate::disk;
use crate::error::{Error, Result};
use crate::executor::{Drills, catch};
use crate::manifest::{Manifest, Status};
use crate::memory::Memory;
use crate::merge::Merge;
use crate::parts::Parts;
use crate::route::default_shards;
use crate::settings::Settings;
use crate::shard::schema;
use crate::sink::{self, SinkOptions};
use crate::source::OpenInputs;
use crate::workspace::{self, MANIFEST_FILE, REJECTS_FOLDER, StagedFile, Workspace};

use inputs::Reader;
use record::Record;
use resume::{Digests, Refused, Resumed};
use shards::{AllBuilt, Built};

pub use inputs::check;

/// Runs the whole pipeline and publishes its outputs. Emits the log events of contract §7 as `tracing` events.
///
/// When the last run into the folder had the same inputs, spec and options, and its outputs are whole, there is nothing
/// to do: then its manifest comes back, with its own run id. An earlier run that did not finish is gone on with.
///
/// # Errors
/// Any [`Error`]; then nothing is published, previous outputs are as they were, and what the run knows of itself lies
/// under `.onefold/failed/<run_id>/` in the output folder.
pub fn run(settings: &Settings) -> Result<Manifest> {
    let begun = Instant::now();
    let Settings { run_id, spec, output, .. } = settings;
    info!(event = "run_start", profile = spec.name.as_str(), version = env!("CARGO_PKG_VERSION"));
    let space = Workspace::open(output, run_id).inspect_err(|_| events::run_end("failed", 0, begun.elapsed()))?;
    let mut record = Record::new(settings);
    let mut rejects = Vec::new();
    // A panic is an error like any other: what the run knows is kept, staging goes.
    let done =
        catch(|| work(settings, &space, &mut record, &mut rejects)).unwrap_or_else(|panic| Err(Error::Bug(panic)));
    match done {
        Ok(Done::UpToDate(manifest)) => {
            events::run_end("up_to_date", manifest.customers.total, begun.elapsed());
            Ok(*manifest)
        }
        Ok(Done::Published(manifest)) => {
            events::run_end("succeeded", manifest.customers.total, begun.elapsed());
            Ok(*manifest)
        }
        Err(error) => {
            let error = keep_failure(&space, record, rejects, error);
            let status = if matches!(error, Error::Interrupted) { "interrupted" } else { "failed" };
            events::run_end(status, 0, begun.elapsed());
            Err(error)
        }
    }
}

/// How a run ended well.
enum Done {
    /// The outputs were those of this run already.
    UpToDate(Box<Manifest>),
    Published(Box<Manifest>),
}

fn work(
    settings: &Settings,
    space: &Workspace,
    record: &mut Record,
    rejects: &mut Vec<(String, Refused)>,
) -> Result<Done> {
    let inputs = check(settings)?;
    let files = inputs.sources.iter().flatten().map(|f| f.path.as_path());
    workspace::refuse_overlap(&settings.output, files)?;
    inputs::report_ignored(settings, &inputs);
    record.shards = settings.shards.unwrap_or_else(|| default_shards(inputs.bytes()));
    let drills = Drills::new(&settings.drills, record.shards, events::drill)?;
    let digests = Digests::new(settings, &inputs);
    if let Some(manifest) = up_to_date::find(settings, record.shards, &digests)? {
        space.clean_up();
        return Ok(Done::UpToDate(Box::new(manifest)));
    }
    produce(settings, space, &inputs, &digests, &drills, (record, rejects))?;
    publish(settings, space, record, &drills).map(|manifest| Done::Published(Box::new(manifest)))
}

/// Everything up to complete, synced files in staging.
fn produce(
    settings: &Settings,
    space: &Workspace,
    inputs: &OpenInputs,
    digests: &Digests<'_>,
    drills: &Drills,
    (record, rejects): (&mut Record, &mut Vec<(String, Refused)>),
) -> Result<()> {
    let memory = settings.memory_limit.map_or_else(Memory::of_machine, |limit| Memory { limit });
    record.memory_limit = memory.limit;
    let reader = Reader { settings, inputs, memory, space, shards: record.shards };

    let timer = Instant::now();
    let Resumed { checkpoints, rows } = resume::begin(&reader, digests, record, rejects)?;
    let newest = checkpoints.read.iter().filter_map(|source| source.newest_day).max();
    let as_of = settings.as_of.map(|d| d.to_epoch_days()).or(newest);
    record.as_of = as_of.and_then(NaiveDate::from_epoch_days).filter(|d| d.year() > 0);
    record.stage("route", timer);
    inputs::warn(settings, &checkpoints.read, as_of);

    let AllBuilt { shards, unsynced } = shards::build_all(&reader, &checkpoints, rows, as_of, drills, record)?;
    record.account(&settings.spec, &shards);
    record.balance()?;
    let written = write(settings, space, &checkpoints, &shards, record);
    let synced = unsynced.into_iter().try_for_each(Parts::settle);
    written.and(synced)
}

/// Merges the built shards into the outputs, in staging.
fn write(
    settings: &Settings,
    space: &Workspace,
    checkpoints: &Checkpoints,
    built: &[Built],
    record: &mut Record,
) -> Result<()> {
    let timer = Instant::now();
    let customers: u64 = built.iter().map(|b| b.account.customers).sum();
    events::stage_start("write", customers);
    // A comma or line end for each cell is the least that the CSV takes.
    disk::require(&space.staging(), customers * settings.spec.output.len() as u64, "writing `profiles.csv`")?;
    let schema = schema(&settings.spec);
    let sorted = built.iter().map(|b| b.part.open(&schema)).collect::<Result<_>>()?;
    let merge = Merge::new(schema.clone(), sorted)?;
    let options =
        SinkOptions { safe_csv: settings.safe_csv, metadata: metadata(settings), stop: settings.stop.clone() };
    let mut unique = Unique::new(&settings.spec, &space.staging())?;
    let mut see = |columns: &[ArrayRef]| {
        events::written(columns.first().map_or(0, |column| column.len() as u64));
        unique.see(columns)
    };
    record.outputs = sink::write(merge, &schema, &space.staging(), &options, &mut see)?;
    record.prove_customers(built)?;
    checks::judge(settings, unique, built, record)?;
    for (at, (source, read)) in settings.spec.sources.iter().zip(&checkpoints.read).enumerate() {
        if let Some(sha256) = &read.rejects {
            let name = format!("{REJECTS_FOLDER}/{}.csv", source.name);
            let bytes = space.stage_copy(&name, &checkpoints.rejects(at))?;
            record.reject_file(name, bytes, sha256.clone());
        }
    }
    record.stage("write", timer);
    Ok(())
}

fn metadata(settings: &Settings) -> Vec<(String, String)> {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    vec![
        pair("onefold.version", env!("CARGO_PKG_VERSION").to_owned()),
        pair("onefold.spec_sha256", settings.spec.sha256()),
    ]
}

/// Replaces the outputs, manifest last.
fn publish(settings: &Settings, space: &Workspace, record: &mut Record, drills: &Drills) -> Result<Manifest> {
    // From here on it is quicker to finish than to stop.
    settings.stop.check()?;
    let manifest = record.manifest(Status::Succeeded, None);
    let json = record::to_json(&manifest)?;
    space.stage(MANIFEST_FILE, &json)?;
    let staged =
        |file: &str, bytes, sha256: &str| StagedFile { file: file.to_owned(), bytes, sha256: sha256.to_owned() };
    let outputs = manifest.outputs.iter().map(|o| staged(&o.file, o.bytes, &o.sha256));
    let rejects = manifest.rejects.iter().map(|r| staged(&r.file, r.bytes, &r.sha256));
    let last = StagedFile::of(MANIFEST_FILE, &json);
    let files = outputs.chain(rejects).chain([last]).collect();
    space.publish(files, old_rejects(settings), &|renames| drills.strike_publication(renames))?;
    for output in &manifest.outputs {
        info!(event = "publish", file = output.file.as_str(), rows = output.rows, bytes = output.bytes);
    }
    Ok(manifest)
}

/// Rejects files that are ours to remove: those of this spec's sources and of the last run.
fn old_rejects(settings: &Settings) -> Vec<String> {
    let last = up_to_date::last_run(&settings.output).into_iter().flat_map(|manifest| manifest.rejects);
    let last = last.map(|rejects| rejects.file).filter(|file| file.starts_with(REJECTS_FOLDER));
    let ours = settings.spec.sources.iter().map(|source| format!("{REJECTS_FOLDER}/{}.csv", source.name));
    let mut all: Vec<String> = last.chain(ours).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Keeps the failed run's manifest and rejects; a run failed for rejects says where they are.
fn keep_failure(space: &Workspace, record: Record, rejects: Vec<(String, Refused)>, error: Error) -> Error {
    if matches!(error, Error::Usage(_)) {
        space.remove_staging();
        return error;
    }
    let manifest = record.manifest(Status::Failed, Some(error.to_string()));
    let mut files = Vec::new();
    files.extend(record::to_json(&manifest).map(|json| (MANIFEST_FILE.to_owned(), json)));
    let kept = space.keep_failure(&files).inspect(|folder| {
        for (source, rejects) in rejects {
            // As with the rest: a full disk may well keep us from saving it.
            let _ = rejects.keep(&folder.join(format!("{REJECTS_FOLDER}/{source}.csv")));
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
