//! Reads every source once, into the shards that are wanted. Refuses more rejects than the limit allows, and inputs
//! that have changed when they are read again.

mod in_order;
mod source;

use indexmap::IndexMap;

use super::account::{Account, RejectsFile};
use super::resume;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::event::{Event, Stage};
use crate::input::{OpenInputs, RatesFile, RowCounts, SourceAccount, SourceFiles};
use crate::output::folder::Workspace;
use crate::shard::budget::Memory;
use crate::shard::checkpoint::{Accounts, Checkpoints};
use crate::shard::{Layout, ShardBuffers, Shards, SpillTo};
use crate::spec::Source;

pub use source::{Reading, SourceRead, read_source};

/// What reading needs.
pub(super) struct Reader<'a> {
    pub settings: &'a Settings,
    pub inputs: &'a OpenInputs,
    pub rates: Option<&'a RatesFile>,
    pub memory: Memory,
    pub space: &'a Workspace,
    pub shards: usize,
}

impl Reader<'_> {
    /// Reads all sources for all shards for the first time, and starts a set of checkpoints.
    pub fn read_all(&self, account: &mut Account) -> Result<(Shards, Checkpoints)> {
        let mut accounts = Accounts::new();
        let rows = self.read(vec![true; self.shards], |read, gave| {
            account.source_read(read, &gave.account);
            let source = read.source.name.clone();
            account.rejects.insert(source.clone(), RejectsFile::Growing(Box::new(gave.rejects)));
            within_limits(self.settings, &read.source, &gave.account)?;
            accounts.insert(source, gave.account);
            Ok(())
        })?;
        account.manifest.spilled_bytes = rows.spilled_bytes();
        let save = |source: &str, path: &std::path::Path| {
            account.rejects.shift_remove(source).map_or(Ok(false), |rejects| rejects.keep(path))
        };
        let key = resume::key(self)?;
        let checkpoints = Checkpoints::begin(&self.space.checkpoints(), &key, accounts, save)?;
        resume::store_rejects(&checkpoints, account);
        Ok((rows, checkpoints))
    }

    /// Reads again, for these shards only, and compares with what was read before.
    pub fn read_again(&self, wanted: Vec<bool>, checkpoints: &Checkpoints) -> Result<Shards> {
        self.read(wanted, |read, gave| {
            let before = checkpoints.account(&read.source.name)?;
            let same = |file| before.files.contains(file);
            match gave.account.files.iter().find(|file| !same(file)) {
                None => Ok(()),
                Some(changed) => {
                    let message = format!("`{}` changed while the run read it", changed.file);
                    Err(Error::input(&read.source.name, message + ": run again when nothing writes to it"))
                }
            }
        })
    }

    /// Reads every source and routes the rows of these shards; `done` gets the counts and rejects of each source.
    fn read(&self, wanted: Vec<bool>, mut done: impl FnMut(&SourceFiles, SourceRead) -> Result<()>) -> Result<Shards> {
        let Self { settings, inputs, rates: _, memory, space, shards } = self;
        Event::StageStart { stage: Stage::Route, total: inputs.bytes(), shards: *shards }.emit();
        let layouts = settings.spec.sources.iter().map(|source| Layout::of(source)).collect();
        let part = wanted.iter().filter(|wanted| **wanted).count() as u64;
        let expected = inputs.bytes() / *shards as u64 * part;
        let limit = memory.routing_budget(expected, (*shards).min(part as usize), settings.threads);
        let spill = SpillTo { folder: space.spill(), limit, expected };
        let mut buffers = ShardBuffers::new(layouts, wanted, settings.threads, Some(&spill));
        let scratch = space.staging();
        let Settings { block_size, safe_csv, ref stop, .. } = **settings;
        let reading = Reading { block_size, scratch: &scratch, safe: safe_csv, stop };
        for read in &inputs.sources {
            let gave = read_source(read, reading, buffers.threads())?;
            let (source, bytes) = (read.source.name.clone(), read.bytes());
            let RowCounts { rows, rejected, .. } = gave.account.counts;
            Event::SourceRead { source, rows, bytes, rejected }.emit();
            done(read, gave)?;
        }
        let routed = buffers.into_shards();
        if routed.spilled_bytes() > 0 {
            Event::Spill { memory_limit: memory.limit, bytes: routed.spilled_bytes() }.emit();
        }
        Ok(routed)
    }
}

/// Fails if a source has more rejected rows, or a column of it more bad values, than the run allows.
pub(super) fn within_limits(settings: &Settings, source: &Source, read: &SourceAccount) -> Result<()> {
    within_limit(settings, &source.name, read)?;
    for (at, column) in source.columns.iter().enumerate() {
        let of_column = source.max_bad.iter().filter(|(of, _)| *of == at).map(|(_, limit)| *limit);
        let count = |counts: &IndexMap<String, u64>| counts.get(&column.name).copied().unwrap_or_default();
        let (bad, filled) = (count(&read.bad_values), count(&read.filled));
        if let Some(limit) = of_column.chain(settings.bad_limit).find(|limit| !limit.allows(bad, filled)) {
            let first = read.first_bad.get(&column.name).map(|first| first.join("; ")).unwrap_or_default();
            let (source, column) = (&source.name, &column.name);
            return Err(Error::RejectLimit(format!(
                "column `{column}` of source `{source}`: {bad} of {filled} values are bad, and the limit is {limit}; the first are: {first}; fix its type and format in the spec, or raise the limit"
            )));
        }
    }
    Ok(())
}

fn within_limit(settings: &Settings, source: &str, read: &SourceAccount) -> Result<()> {
    let SourceAccount { counts: RowCounts { rows, rejected, undecodable, .. }, first_rejects, .. } = read;
    let limit = settings.reject_limit;
    if limit.allows(*rejected, *rows) {
        return Ok(());
    }
    let first = first_rejects.join("; ");
    let has = |reason: &str| first_rejects.iter().any(|first| first.ends_with(reason));
    // To allow all of them would leave nobody.
    let raise = if rejected < rows { " or raise --max-rejects" } else { "" };
    let cure = match undecodable {
        0 if has(": quote") => format!(
            "fix them{raise}; if quotes are part of the texts set `quote = \"none\"` or `escape = \"backslash\"`"
        ),
        0 if has(": field_count") => format!(
            "fix them{raise}; if rows lack cells at their end set `pad = true`, if something else separates the fields set `delimiter`"
        ),
        0 => format!("fix them{raise}"),
        n => format!(
            "{n} of them have bytes that mean nothing in the file's encoding: if most names with accents are among them set `encoding = \"windows-1252\"`, or what it is, for the source, else fix them or raise --max-rejects"
        ),
    };
    Err(Error::RejectLimit(format!(
        "source `{source}`: {rejected} of {rows} rows were rejected, and the limit is {limit}; the first are: {first}; {cure}"
    )))
}
