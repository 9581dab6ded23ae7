//! Reads every source once, into the shards that are wanted. Refuses more rejects than the limit allows, and inputs
//! that have changed when they are read again.

mod in_order;
mod source;

use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;

use super::account::{Account, RejectsFile};
use super::link::{Outcome, Pens};
use super::resume;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::event::{Event, Stage};
use crate::identity::{Erased, ErasedIds, Kinds, ListFile, resolve};
use crate::input::{OpenInputs, RatesFile, Reason, RowCounts, SourceAccount, SourceFiles};
use crate::output::folder::Workspace;
use crate::shard::budget::Memory;
use crate::shard::checkpoint::{Accounts, Checkpoints, LinkedAccount};
use crate::shard::{Layout, ShardBuffers, Shards, SpillTo};
use crate::spec::identity::Identity;
use crate::spec::{Source, Spec};

pub use source::{BlockSink, Reading, SourceRead, read_source};

/// What reading needs.
pub(super) struct Reader<'a> {
    pub settings: &'a Settings,
    pub inputs: &'a OpenInputs,
    pub rates: Option<&'a RatesFile>,
    pub lists: &'a [ListFile],
    pub memory: Memory,
    pub space: &'a Workspace,
    pub shards: usize,
}

impl Reader<'_> {
    /// Reads all sources for all shards for the first time, and starts a set of checkpoints.
    pub fn read_all(&self, account: &mut Account) -> Result<(Shards, Checkpoints)> {
        let (timer, mut accounts) = (Instant::now(), Accounts::new());
        let (rows, outcome) = self.read(vec![true; self.shards], |read, gave| {
            account.source_read(read, &gave.account);
            let source = read.source.name.clone();
            account.rejects.insert(source.clone(), RejectsFile::Growing(Box::new(gave.rejects)));
            within_limits(self.settings, &read.source, &gave.account)?;
            accounts.insert(source, gave.account);
            Ok(())
        })?;
        let linking = outcome.as_ref().map(|outcome| outcome.begun);
        account.stage_until("route", timer, linking.unwrap_or_else(Instant::now));
        let linked = outcome.map(|outcome| self.settle(outcome, &mut accounts, account)).transpose()?;
        account.manifest.spilled_bytes = rows.spilled_bytes();
        let save = |source: &str, path: &std::path::Path| {
            account.rejects.shift_remove(source).map_or(Ok(false), |rejects| rejects.keep(path))
        };
        let key = resume::key(self)?;
        let checkpoints = Checkpoints::begin(&self.space.checkpoints(), &key, accounts, linked, save)?;
        resume::store_rejects(&checkpoints, account);
        if let Some(begun) = linking {
            account.stage("link", begun);
        }
        Ok((rows, checkpoints))
    }

    /// Reads again, for these shards only, and compares with what was read before.
    pub fn read_again(&self, wanted: Vec<bool>, checkpoints: &Checkpoints) -> Result<Shards> {
        let (rows, _) = self.read(wanted, |read, gave| {
            let before = checkpoints.account(&read.source.name)?;
            let same = |file| before.files.contains(file);
            match gave.account.files.iter().find(|file| !same(file)) {
                None => Ok(()),
                Some(changed) => {
                    let message = format!("`{}` changed while the run read it", changed.file);
                    Err(Error::input(&read.source.name, message + ": run again when nothing writes to it"))
                }
            }
        })?;
        Ok(rows)
    }

    /// Reads every source and routes the rows of these shards; `done` gets the counts and rejects of each source.
    fn read(
        &self,
        wanted: Vec<bool>,
        mut done: impl FnMut(&SourceFiles, SourceRead) -> Result<()>,
    ) -> Result<(Shards, Option<Outcome>)> {
        let Self { settings, inputs, memory, space, shards, .. } = self;
        Event::StageStart { stage: Stage::Route, total: inputs.bytes(), shards: *shards }.emit();
        let part = wanted.iter().filter(|wanted| **wanted).count() as u64;
        let expected = inputs.bytes() / *shards as u64 * part;
        let limit = memory.routing_budget(expected, (*shards).min(part as usize), settings.threads);
        let spill = SpillTo { folder: space.spill(), limit, expected };
        let spec = &settings.spec;
        let (routed, outcome) = match &spec.identity {
            None => {
                let mut buffers = ShardBuffers::new(layouts(spec), wanted, settings.threads, Some(&spill));
                self.read_into(buffers.threads(), &mut done)?;
                (buffers.into_shards(), None)
            }
            Some(identity) => self.read_linked(identity, wanted, &spill, &mut done)?,
        };
        if routed.spilled_bytes() > 0 {
            Event::Spill { memory_limit: memory.limit, bytes: routed.spilled_bytes() }.emit();
        }
        Ok((routed, outcome))
    }

    /// Reads every source; gives for each the file and first line of its blocks.
    fn read_into<S: BlockSink>(
        &self,
        threads: &mut [S],
        done: &mut dyn FnMut(&SourceFiles, SourceRead) -> Result<()>,
    ) -> Result<Vec<Vec<(u32, u64)>>> {
        let scratch = self.space.staging();
        let Settings { block_size, safe_csv, ref stop, .. } = *self.settings;
        let reading = Reading { block_size, scratch: &scratch, safe: safe_csv, stop };
        let mut starts = Vec::new();
        for read in &self.inputs.sources {
            let mut gave = read_source(read, reading, threads)?;
            starts.push(std::mem::take(&mut gave.starts));
            let (source, bytes) = (read.source.name.clone(), read.bytes());
            let RowCounts { rows, rejected, .. } = gave.account.counts;
            Event::SourceRead { source, rows, bytes, rejected }.emit();
            done(read, gave)?;
        }
        Ok(starts)
    }

    /// The same for sources that share no id: rows wait in pens until customers are found.
    fn read_linked(
        &self,
        identity: &Arc<Identity>,
        wanted: Vec<bool>,
        spill: &SpillTo,
        done: &mut dyn FnMut(&SourceFiles, SourceRead) -> Result<()>,
    ) -> Result<(Shards, Option<Outcome>)> {
        let Settings { spec, threads, .. } = self.settings;
        // Linking needs about half as many bytes as there are to read. Half of the rest is for rows that wait in pens, half for
        // those that have gone on.
        let rest = spill.limit.saturating_sub(self.inputs.bytes() / 2).max(self.memory.limit / 8);
        let spill = SpillTo { limit: rest / 2, ..spill.clone() };
        let in_pens = SpillTo { folder: spill.folder.join("pens"), ..spill.clone() };
        let mut pens = Pens::new(spec, identity, self.lists, self.shards, *threads, &in_pens)?;
        let mut rows = 0;
        let mut counted = |read: &SourceFiles, gave: SourceRead| {
            rows += gave.account.counts.rows;
            done(read, gave)
        };
        let starts = self.read_into(&mut pens.threads(), &mut counted)?;
        Event::StageStart { stage: Stage::Link, total: rows, shards: self.shards }.emit();
        let with_place = |layout: Layout| if spec.provenance { layout.with_place() } else { layout };
        let layouts =
            layouts(spec).into_iter().map(with_place).chain([Layout::of_identities(identity.kinds.len())]).collect();
        let mut buffers = ShardBuffers::new(layouts, wanted, *threads, Some(&spill));
        let outcome = pens.link(starts, &mut buffers, &in_pens, self)?;
        Ok((buffers.into_shards(), Some(outcome)))
    }

    /// Adds what linking has found to the counts and rejects of the sources.
    fn settle(&self, outcome: Outcome, accounts: &mut Accounts, account: &mut Account) -> Result<LinkedAccount> {
        let Outcome { begun: _, counts, nobody, refused, record, erased, void, apart_merged, starts } = outcome;
        for (read, counts) in self.inputs.sources.iter().zip(counts) {
            if let Some(of_source) = accounts.get_mut(&read.source.name) {
                of_source.linked = counts;
                account.linked(&read.source.name, counts);
            }
        }
        let sources = &self.inputs.sources;
        nobody.each(|place, file, raw| {
            let read = &sources[place.source as usize];
            let Some(RejectsFile::Growing(rejects)) = account.rejects.get_mut(&read.source.name) else { return Ok(()) };
            let (.., line) = resolve(place, &starts);
            rejects.add_row(&read.files[file as usize].name, line, Reason::NoIdentifier, raw)
        })?;
        if let Some(search) = self.erased(&erased)? {
            for rejects in account.rejects.values_mut() {
                if let RejectsFile::Growing(growing) = rejects {
                    growing.erase(&|raw| search.may_be_in(raw))?;
                }
            }
        }
        account.manifest.identity = Some(record.clone());
        Ok(LinkedAccount { record, refused, erased, void, apart_merged })
    }

    /// What no output may show; none if nothing is erased.
    pub fn erased(&self, ids: &ErasedIds) -> Result<Option<Erased>> {
        let Some(identity) = self.settings.spec.identity.as_ref().filter(|_| !ids.is_empty()) else { return Ok(None) };
        let kinds = Arc::new(Kinds::new(identity, &[]));
        Erased::new(identity, &kinds, ids).map(Some)
    }
}

/// What is in the routed rows of each source.
pub(super) fn layouts(spec: &Spec) -> Vec<Layout> {
    spec.sources.iter().map(|source| Layout::of(source)).collect()
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
