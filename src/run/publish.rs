//! From built shards to published files: merges, writes, proves, then replaces the old files. Refuses to replace
//! anything before all proofs and checks have passed.

use std::time::Instant;

use arrow::array::{Array, ArrayRef};

use super::account::Account;
use super::build::BuiltShard;
use super::erase::Shown;
use super::read::Reader;
use super::rules::Judge;
use super::settings::Settings;
use super::tables;
use crate::disk;
use crate::error::{Error, Result};
use crate::event::{Event, Stage};
use crate::output::folder::{StagedFile, Workspace};
use crate::output::manifest::{Manifest, Status};
use crate::output::names::{MANIFEST_FILE, REJECTS_FOLDER, is_our_name};
use crate::output::runs;
use crate::shard::Drills;
use crate::shard::checkpoint::Checkpoints;

/// Merges the built shards into the outputs in staging; proves and checks them.
pub(super) fn write(
    reader: &Reader<'_>,
    checkpoints: &Checkpoints,
    built: &[BuiltShard],
    account: &mut Account,
) -> Result<()> {
    let timer = Instant::now();
    let Reader { settings, space, shards, .. } = *reader;
    let customers: u64 = built.iter().map(|b| b.account.customers).sum();
    Event::StageStart { stage: Stage::Write, total: customers, shards }.emit();
    // The CSV file has at least a comma or line end for each cell.
    disk::require(&space.staging(), customers * settings.spec.output.len() as u64, "writing `profiles.csv`")?;
    let erased = match &checkpoints.linked {
        Some(linked) => reader.erased(&linked.erased)?,
        None => None,
    };
    let mut shown = Shown::new(&settings.spec, erased.as_ref());
    let mut judge = Judge::new(&settings.spec, &space.staging())?;
    let mut see = |columns: &[ArrayRef]| {
        Event::Progress { bytes: 0, rows: columns.first().map_or(0, |column| column.len() as u64) }.emit();
        shown.see(columns);
        judge.see(columns)
    };
    let in_provenance = tables::write(reader, checkpoints, built, account, erased.as_ref(), &mut see)?;
    if customers == 0 && !settings.allow_empty {
        let message = "no customer is left, so there is no profile to publish: look at the sources' rows, `where` and `population`, or allow it with --allow-empty";
        return Err(Error::NoProfile(message.to_owned()));
    }
    shown.refuse()?;
    super::erase::refuse_provenance(in_provenance)?;
    account.manifest.checks = judge.verdicts(settings, built)?;
    account.warn(super::warn::of_checks(&account.manifest.checks));
    super::rules::refuse(&account.manifest.checks)?;
    account.refuse_doubt(settings)?;
    for (source, read) in &checkpoints.accounts {
        if let Some(sha256) = &read.rejects {
            let name = format!("{REJECTS_FOLDER}/{source}.csv");
            let bytes = space.stage_copy(&name, &checkpoints.rejects(source))?;
            account.reject_file(name, bytes, sha256.clone());
        }
    }
    account.stage("write", timer);
    Ok(())
}

/// Replaces the outputs, the manifest last.
pub(super) fn publish(
    settings: &Settings,
    space: &Workspace,
    account: &mut Account,
    drills: &Drills,
) -> Result<Manifest> {
    // From here on, finishing is quicker than stopping.
    settings.stop.check()?;
    let json = account.close(Status::Succeeded, None)?;
    let manifest = account.manifest.clone();
    space.stage(MANIFEST_FILE, &json)?;
    let staged =
        |file: &str, bytes, sha256: &str| StagedFile { file: file.to_owned(), bytes, sha256: sha256.to_owned() };
    let outputs = manifest.outputs.iter().map(|o| staged(&o.file, o.bytes, &o.sha256));
    let rejects = manifest.rejects.iter().map(|r| staged(&r.file, r.bytes, &r.sha256));
    let last = StagedFile::of(MANIFEST_FILE, &json);
    let files = outputs.chain(rejects).chain([last]).collect();
    space.publish(files, old_files(settings), &|renames| drills.strike_publication(renames))?;
    for output in &manifest.outputs {
        Event::Publish { file: output.file.clone(), rows: output.rows, bytes: output.bytes }.emit();
    }
    Ok(manifest)
}

/// Old files that may be removed: outputs and rejects of the last run, and rejects of this spec's sources.
fn old_files(settings: &Settings) -> Vec<String> {
    let last = runs::last(&settings.output);
    let rejects = last.iter().flat_map(|manifest| &manifest.rejects).map(|rejects| &rejects.file);
    let rejects = rejects.filter(|file| file.starts_with(REJECTS_FOLDER));
    let outputs = last.iter().flat_map(|manifest| &manifest.outputs).map(|output| &output.file);
    let last = rejects.chain(outputs.filter(|file| is_our_name(file))).cloned();
    let ours = settings.spec.sources.iter().map(|source| format!("{REJECTS_FOLDER}/{}.csv", source.name));
    let mut all: Vec<String> = last.chain(ours).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Keeps the failed run's manifest and rejects; if it failed because of rejects, the error says where they are.
pub(super) fn keep_failure(space: &Workspace, mut account: Account, error: Error) -> Error {
    if matches!(error, Error::Usage(_)) {
        space.remove_staging();
        return error;
    }
    if account.hides_rejects {
        // Built shards and counts hold what is to be erased. What cannot be removed the next run removes.
        let _ = crate::shard::checkpoint::remove(&space.checkpoints());
    }
    let mut files = Vec::new();
    files.extend(account.close(Status::Failed, Some(error.to_string())).map(|json| (MANIFEST_FILE.to_owned(), json)));
    let kept = space.keep_failure(&files).inspect(|folder| {
        for (source, rejects) in account.rejects.into_iter().filter(|_| !account.hides_rejects) {
            // This may fail too, as on a full disk.
            let _ = rejects.keep(&folder.join(format!("{REJECTS_FOLDER}/{source}.csv")));
        }
    });
    match (kept, error) {
        (Ok(folder), Error::RejectLimit(message)) if !account.hides_rejects => {
            Error::RejectLimit(format!("{message}; all are in `{}`", folder.display()))
        }
        // The first failure is the one to report; keeping its files may fail too, as on a full disk.
        (_, error) => error,
    }
}
