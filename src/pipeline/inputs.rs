//! Reading for a run: which sources, into which shards, with what limit of rejects. Owns that inputs read twice are the
//! same inputs.

use tracing::{info, warn};

use super::{events, shards};
use crate::checkpoint::SourceAccount;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::read::{Reading, SourceRead, layout, read_source};
use crate::route::{ShardBuffers, Shards, SpillTo};
use crate::settings::Settings;
use crate::source::{self, InputFile, OpenInputs};
use crate::spec::Source;
use crate::workspace::Workspace;

/// Checks the spec and the headers of all inputs, reads no data.
///
/// # Errors
/// As [`super::run`] before it reads data.
pub fn check(settings: &Settings) -> Result<OpenInputs> {
    shards::dry_run(&settings.spec)?;
    source::open(&settings.spec, &settings.inputs)
}

/// What reading needs to know.
pub(super) struct Reader<'a> {
    pub settings: &'a Settings,
    pub inputs: &'a OpenInputs,
    pub memory: Memory,
    pub space: &'a Workspace,
    pub shards: usize,
}

impl Reader<'_> {
    /// Reads every source and routes the rows of these shards; `done` takes what each source gave besides.
    pub fn read(
        &self,
        wanted: Vec<bool>,
        mut done: impl FnMut(&Source, &[InputFile], SourceRead) -> Result<()>,
    ) -> Result<Shards> {
        let Self { settings, inputs, memory, space, shards } = self;
        events::stage_start("route", inputs.bytes());
        let layouts = settings.spec.sources.iter().map(layout).collect();
        let part = wanted.iter().filter(|wanted| **wanted).count() as u64;
        let expected = inputs.bytes() / *shards as u64 * part;
        let limit = memory.routed(expected, (*shards).min(part as usize), settings.threads);
        let spill = SpillTo { folder: space.spill(), limit, expected };
        let mut buffers = ShardBuffers::new(layouts, wanted, settings.threads, Some(&spill));
        let scratch = space.staging();
        let reading = Reading { block_size: settings.block_size, scratch: &scratch, stop: &settings.stop };
        for (at, (source, files)) in settings.spec.sources.iter().zip(&inputs.sources).enumerate() {
            let read = read_source(source, at, files, reading, buffers.threads())?;
            let bytes: u64 = files.iter().map(|f| f.bytes).sum();
            let (name, rows, rejected) = (source.name.as_str(), read.rows, read.rejected);
            info!(event = "source_read", source = name, rows, bytes, rejected);
            done(source, files, read)?;
        }
        let routed = buffers.into_shards();
        if routed.spilled_bytes() > 0 {
            info!(event = "spill", memory_limit = memory.limit, bytes = routed.spilled_bytes());
        }
        Ok(routed)
    }

    /// Reads again, for these shards alone; what was read before tells whether the inputs are still the same.
    pub fn read_again(&self, wanted: Vec<bool>, before: &[SourceAccount]) -> Result<Shards> {
        let mut before = before.iter();
        self.read(wanted, |source, files, read| {
            let before = before.next().ok_or_else(|| Error::Bug("a source has no account".into()))?;
            for (file, (then, now)) in files.iter().zip(before.files.iter().zip(&read.files)) {
                if then != now {
                    return Err(changed(source, file));
                }
            }
            Ok(())
        })
    }
}

fn changed(source: &Source, file: &InputFile) -> Error {
    let message = format!("`{}` changed while the run read it: run again when nothing writes to it", file.name);
    Error::input(&source.name, message)
}

/// Fails when a source has more rejected rows than the run allows.
pub(super) fn within_limit(settings: &Settings, source: &Source, read: &SourceAccount) -> Result<()> {
    let SourceAccount { rows, rejected, .. } = read;
    let limit = settings.reject_limit;
    if limit.allows(*rejected, *rows) {
        return Ok(());
    }
    let first = read.first_rejects.join("; ");
    Err(Error::RejectLimit(format!(
        "source `{}`: {rejected} of {rows} rows are rejected, more than {limit} allows; the first: {first}; mend them or raise --max-rejects",
        source.name
    )))
}

/// Tells which files and columns a run does not use.
pub(super) fn report_ignored(settings: &Settings, inputs: &OpenInputs) {
    events::delimiters_found(&settings.spec, inputs);
    for file in &inputs.unmatched {
        warn!(event = "file_ignored", file = file.as_str(), "the file matches no source");
    }
    for (source, files) in settings.spec.sources.iter().zip(&inputs.sources) {
        if files.is_empty() {
            warn!(event = "source_absent", source = source.name.as_str());
        }
        let mut columns: Vec<&str> = files.iter().flat_map(|f| &f.header.undeclared).map(String::as_str).collect();
        columns.sort_unstable();
        columns.dedup();
        if !columns.is_empty() {
            info!(event = "columns_ignored", source = source.name.as_str(), columns = columns.join(", "));
        }
    }
}

/// A column of which more of a hundred values than this cannot be read has most likely another format than the spec says.
const MANY_PERCENT: u64 = 10;

/// Warns of what a run bears and its user may not mean.
pub(super) fn warn(settings: &Settings, read: &[SourceAccount], as_of: Option<i32>) {
    if settings.spec.uses_as_of && as_of.is_none() {
        warn!(event = "as_of_unknown");
    }
    for (source, account) in settings.spec.sources.iter().zip(read) {
        let accepted = account.rows - account.rejected;
        for (column, bad) in source.columns.iter().zip(&account.bad_values) {
            if *bad > 10 && bad * 100 > accepted * MANY_PERCENT {
                let (source, column, bad_values) = (source.name.as_str(), column.name.as_str(), *bad);
                warn!(event = "many_bad_values", source, column, bad_values, rows = accepted);
            }
        }
    }
}
