//! A run from start to end: open → read → build → prove → publish. Owns the order of these steps; does none of them
//! itself.

mod account;
mod apart;
mod build;
mod check;
mod erase;
mod fingerprints;
mod link;
mod publish;
pub(crate) mod read;
mod resume;
mod rules;
pub mod settings;
mod tables;
mod up_to_date;
mod warn;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{Datelike, NaiveDate};

use crate::engine::Given;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::identity::ListFile;
use crate::input::{self, Inputs, OpenInputs};
use crate::output::folder::{self, Workspace};
use crate::output::manifest::Manifest;
use crate::output::names::{MANIFEST_FILE, REPORT_FILE, WORK_FOLDER};
use crate::output::runs;
use crate::shard::budget::Memory;
use crate::shard::parts::Parts;
use crate::shard::{Drills, catch, default_shards};

use account::Account;
use build::{AllBuilt, Builder};
use read::Reader;
use settings::Settings;

pub use check::{Checked, CheckedFile, CheckedSource, check};

/// Runs the whole pipeline and publishes its outputs. What happens on the way is emitted as [`Event`]s.
///
/// If the last run into the folder had the same inputs, spec and options, and its outputs are complete, there is
/// nothing to do: its manifest is returned, with its own run id. An unfinished earlier run is resumed.
///
/// # Errors
/// Nothing is published then, the previous outputs are unchanged, and the run's manifest and rejects are in
/// `.onefold/failed/<run_id>/` in the output folder, unless the run failed before it opened that folder.
///
/// - [`Error::Usage`]: a drill or an input file is for a shard or source that does not exist.
/// - [`Error::Spec`]: the spec has an expression that the engine cannot compile.
/// - [`Error::Input`]: a source has no file or one that is not valid, or a file changed during the run.
/// - [`Error::RejectLimit`]: more rows were rejected than the settings allow.
/// - [`Error::Check`]: the profiles do not satisfy a check of the spec.
/// - [`Error::NoProfile`]: no customer is left, and the settings do not allow that.
/// - [`Error::ShardFailed`]: a shard used up its attempts.
/// - [`Error::Output`]: another run uses the output folder, an output would overwrite an input or a file that no run wrote,
///   or the disk is too small.
/// - [`Error::Work`]: a file in the working folder is not as it was written.
/// - [`Error::Memory`]: the system gave less memory than the run needs.
/// - [`Error::Io`]: a file or folder cannot be read or written.
/// - [`Error::Interrupted`]: [`Settings::stop`] was set.
/// - [`Error::Bug`]: a bug in onefold.
pub fn run(settings: &Settings) -> Result<Manifest> {
    let begun = Instant::now();
    let mut account = Account::new(settings);
    let profile = settings.spec.name.clone();
    Event::RunStart { profile, version: env!("CARGO_PKG_VERSION").to_owned() }.emit();
    let space = Workspace::open(&settings.output, &account.manifest.run_id)
        .inspect_err(|_| run_end("failed", 0, begun.elapsed()))?;
    // A panic is an error like any other: manifest and rejects are kept, staging is removed.
    let done = catch(|| work(settings, &space, &mut account)).unwrap_or_else(|panic| Err(Error::Bug(panic)));
    match done {
        Ok(Done { manifest, how }) => {
            run_end(how, manifest.customers.total, begun.elapsed());
            Ok(manifest)
        }
        Err(error) => {
            let error = publish::keep_failure(&space, account, error);
            let status = if matches!(error, Error::Interrupted) { "interrupted" } else { "failed" };
            run_end(status, 0, begun.elapsed());
            Err(error)
        }
    }
}

/// A run that succeeded.
struct Done {
    manifest: Manifest,
    /// The status in its last event.
    how: &'static str,
}

fn work(settings: &Settings, space: &Workspace, account: &mut Account) -> Result<Done> {
    let mut inputs = open(settings)?;
    inputs.drop_duplicates(&settings.stop)?;
    let lists = read_lists(settings)?;
    let read = inputs.files().map(|f| f.path.as_path()).chain(lists.iter().map(|list| list.path.as_path()));
    folder::refuse_overlap(&settings.output, read)?;
    if !settings.force {
        folder::refuse_foreign(&settings.output, settings.spec.identity.is_some())?;
    }
    let rates = input::read_rates(&settings.spec, &settings.inputs)?;
    account.spec_files(rates.as_ref(), &lists);
    account.hides_rejects = lists.iter().any(ListFile::erases);
    account.warn(warn::of_output(&settings.spec));
    account.warn(warn::of_inputs(&inputs));
    account.refuse_doubt(settings)?;
    let shards = settings.shards.unwrap_or_else(|| default_shards(inputs.bytes()));
    account.manifest.shards = shards;
    let drills = Drills::new(&settings.drills, shards, |drill| Event::Drill { drill: drill.to_string() }.emit())?;
    if let Some(manifest) = up_to_date::find(settings, shards, &inputs, &account.manifest.spec_files)? {
        space.clean_up();
        return Ok(Done { manifest, how: "up_to_date" });
    }
    let memory = settings.memory_limit.map_or_else(Memory::of_machine, |limit| Memory { limit });
    account.manifest.memory_limit = memory.limit;
    let reader = Reader { settings, inputs: &inputs, rates: rates.as_ref(), lists: &lists, memory, space, shards };
    produce(&reader, &drills, account)?;
    publish::publish(settings, space, account, &drills).map(|manifest| Done { manifest, how: "succeeded" })
}

/// The lists that `[identity]` names, and the one of values to erase that was given by hand.
fn read_lists(settings: &Settings) -> Result<Vec<ListFile>> {
    match (&settings.spec.identity, &settings.erase) {
        (Some(identity), erase) => {
            let erase = erase.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
            ListFile::read_all(identity, &settings.inputs.folder, erase.as_deref())
        }
        (None, Some(_)) => Err(Error::Usage(
            "--erase is for profiles with `[identity]`: this one has none, so that nobody knows which rows are meant"
                .into(),
        )),
        (None, None) => Ok(Vec::new()),
    }
}

/// Everything up to complete, synced files in staging.
fn produce(reader: &Reader<'_>, drills: &Drills, account: &mut Account) -> Result<()> {
    let timer = Instant::now();
    let (rows, checkpoints) = match resume::find(reader, account)? {
        Some(checkpoints) => {
            account.stage("route", timer);
            (None, checkpoints)
        }
        None => reader.read_all(account).map(|(rows, checkpoints)| (Some(rows), checkpoints))?,
    };
    let newest = checkpoints.accounts.values().filter_map(|source| source.newest_day).max();
    let as_of = reader.settings.as_of.map(|d| d.to_epoch_days()).or(newest);
    let known = as_of.and_then(NaiveDate::from_epoch_days).filter(|d| d.year() > 0);
    account.manifest.as_of = known.map(|day| day.to_string());
    account.warn(warn::of_reading(reader.settings, reader.inputs, &checkpoints.accounts, as_of));
    account.warn(warn::of_linking(checkpoints.linked.as_ref(), &checkpoints.accounts));
    account.refuse_doubt(reader.settings)?;

    let given = Given { as_of, rates: reader.rates.map(|file| file.rates.clone()) };
    let builder = Builder { reader, checkpoints: &checkpoints, given, drills };
    let AllBuilt { shards, unsynced } = builder.build_all(rows, account)?;
    account.settle(&reader.settings.spec, &shards)?;
    account.warn(warn::of_building(&reader.settings.spec, account));
    account.warn(apart::find(reader, &shards)?);
    let written = publish::write(reader, &checkpoints, &shards, account);
    let synced = unsynced.into_iter().try_for_each(Parts::settle);
    written.and(synced)
}

/// Checks the spec and opens all inputs, without reading data.
fn open(settings: &Settings) -> Result<OpenInputs> {
    build::dry_run(&settings.spec)?;
    let inputs = &settings.inputs;
    // A run whose profiles were among its inputs would read its own results.
    let mut outputs = Vec::new();
    let deep = settings
        .spec
        .sources
        .iter()
        .flat_map(|source| &source.files)
        .any(|pattern| pattern.contains('/') || pattern.contains("**"));
    outputs_below(&inputs.folder, "", deep, &mut outputs);
    input::open(&settings.spec, &Inputs { outputs, ..inputs.clone() })
}

/// Adds the names of what runs have written in a folder, and in those below it if they are searched.
fn outputs_below(folder: &Path, before: &str, deep: bool, outputs: &mut Vec<String>) {
    outputs.push(format!("{before}{WORK_FOLDER}"));
    if let Some(last) = runs::last(folder) {
        let files = last.outputs.iter().map(|output| &output.file).chain(last.rejects.iter().map(|file| &file.file));
        let own = [MANIFEST_FILE, REPORT_FILE].map(str::to_owned);
        outputs.extend(files.cloned().chain(own).map(|file| format!("{before}{file}")));
    }
    // A folder that cannot be read is told when its files are looked for.
    let Some(entries) = fs::read_dir(folder).ok().filter(|_| deep) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if let Ok(name) = entry.file_name().into_string() {
            let below = format!("{before}{name}/");
            if !outputs.contains(&format!("{before}{name}")) {
                outputs_below(&entry.path(), &below, deep, outputs);
            }
        }
    }
}

fn run_end(status: &str, customers: u64, elapsed: Duration) {
    Event::RunEnd { status: status.to_owned(), customers, elapsed_ms: millis(elapsed) }.emit();
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
