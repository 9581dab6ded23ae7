//! Whether a run resumes an earlier one: finds checkpoints with the same inputs, spec and options. Owns what the name
//! of a set depends on; builds nothing.

use super::account::{Account, RejectsFile};
use super::read::{Reader, within_limits};
use super::settings::Settings;
use super::up_to_date::read_digests;
use crate::error::Result;
use crate::input::Inputs;
use crate::shard::checkpoint::{CheckpointKey, Checkpoints};

/// The checkpoints of an earlier run, if there are any that fit.
pub(super) fn find(reader: &Reader<'_>, account: &mut Account) -> Result<Option<Checkpoints>> {
    let root = reader.space.checkpoints();
    if reader.settings.fresh || !Checkpoints::any(&root) {
        return Ok(None);
    }
    read_digests(reader.inputs, &reader.settings.stop)?;
    let Some(checkpoints) = Checkpoints::find(&root, &key(reader)?)? else { return Ok(None) };
    store_rejects(&checkpoints, account);
    account.manifest.identity = checkpoints.linked.as_ref().map(|linked| linked.record.clone());
    for read in &reader.inputs.sources {
        let source = checkpoints.account(&read.source.name)?;
        account.source_read(read, source);
        within_limits(reader.settings, &read.source, source)?;
    }
    Ok(Some(checkpoints))
}

/// Notes where the rejects of a set's sources are.
pub(super) fn store_rejects(checkpoints: &Checkpoints, account: &mut Account) {
    let with_rejects = checkpoints.accounts.iter().filter(|(_, read)| read.rejects.is_some());
    let stored = with_rejects.map(|(source, _)| (source.clone(), RejectsFile::Stored(checkpoints.rejects(source))));
    account.rejects = stored.collect();
}

/// Everything that the shards of this run depend on. The digests of the inputs must be known.
pub(super) fn key(reader: &Reader<'_>) -> Result<CheckpointKey> {
    let Settings { spec, as_of, stop, safe_csv, inputs: Inputs { encoding, delimiter, .. }, .. } = reader.settings;
    let encoding = encoding.iter().map(|e| format!("encoding {e}"));
    let delimiter = delimiter.iter().map(|d| format!("delimiter {d}"));
    let safe = safe_csv.then(|| "safe csv".to_owned());
    let lists = reader.lists.iter().map(|file| format!("{} {}", file.name, file.sha256));
    let files = reader.rates.iter().map(|file| format!("{} {}", file.name, file.sha256));
    let input = |file: &crate::input::InputFile| {
        file.digest(stop).map(|digest| (file.source.clone(), file.name.clone(), digest.to_owned()))
    };
    Ok(CheckpointKey {
        onefold: env!("CARGO_PKG_VERSION").to_owned(),
        spec_sha256: spec.sha256(),
        shards: reader.shards,
        as_of: as_of.map(|day| day.to_string()),
        options: encoding.chain(delimiter).chain(safe).chain(files).chain(lists).collect(),
        inputs: reader.inputs.files().map(input).collect::<Result<_>>()?,
    })
}
