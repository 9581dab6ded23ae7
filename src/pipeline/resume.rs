//! Where a run begins: at the checkpoints of an earlier one with the same inputs, spec and options, or at reading.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::inputs::{Reader, within_limit};
use super::record::Record;
use crate::checkpoint::{Checkpoints, Makings, SourceAccount};
use crate::error::Result;
use crate::read::SourceRead;
use crate::route::Shards;
use crate::settings::Settings;
use crate::source::{self, InputFile, Inputs, OpenInputs, Rejects};
use crate::workspace::copy_file;

/// Where a run stands after its begin.
pub(super) struct Resumed {
    pub checkpoints: Checkpoints,
    /// The rows of all shards; none when an earlier run had read them.
    pub rows: Option<Shards>,
}

/// A source's rejects, for a failed run to keep.
#[derive(Debug)]
pub(super) enum Refused {
    /// Being gathered.
    Growing(Box<Rejects>),
    /// In their file.
    Stored(PathBuf),
}

impl Refused {
    /// Writes the rejects file to this path; false when there are no rejects.
    pub fn keep(self, path: &Path) -> Result<bool> {
        match self {
            Self::Growing(rejects) => rejects.save(path),
            Self::Stored(file) => copy_file(&file, path).map(|_| true),
        }
    }
}

/// Digests of the inputs, by source and file, made when they are first asked for.
pub(super) struct Digests<'a> {
    settings: &'a Settings,
    inputs: &'a OpenInputs,
    made: OnceCell<Vec<Vec<String>>>,
}

impl<'a> Digests<'a> {
    pub fn new(settings: &'a Settings, inputs: &'a OpenInputs) -> Self {
        Self { settings, inputs, made: OnceCell::new() }
    }

    pub fn inputs(&self) -> &OpenInputs {
        self.inputs
    }

    pub fn get(&self) -> Result<&[Vec<String>]> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let stop = &self.settings.stop;
        let of_source = |files: &Vec<InputFile>| files.par_iter().map(|file| source::digest(file, stop)).collect();
        let all = self.inputs.sources.par_iter().map(of_source).collect::<Result<Vec<_>>>()?;
        Ok(self.made.get_or_init(|| all))
    }
}

/// Takes over the checkpoints of an earlier run, or reads all inputs and begins a set.
pub(super) fn begin(
    reader: &Reader<'_>,
    digests: &Digests<'_>,
    record: &mut Record,
    rejects: &mut Vec<(String, Refused)>,
) -> Result<Resumed> {
    let root = reader.space.checkpoints();
    let sources = || reader.settings.spec.sources.iter().zip(&reader.inputs.sources);
    if !reader.settings.fresh && Checkpoints::any(&root) {
        let makings = makings(reader, digests.get()?);
        if let Some(checkpoints) = Checkpoints::find(&root, &makings)? {
            rejects.extend(stored(reader, &checkpoints));
            for ((source, files), read) in sources().zip(&checkpoints.read) {
                record.source_read(source, files, read);
                within_limit(reader.settings, source, read)?;
            }
            return Ok(Resumed { checkpoints, rows: None });
        }
    }
    let mut accounts = Vec::new();
    let rows = reader.read(vec![true; reader.shards], |source, files, read| {
        let (account, refused) = account(read);
        record.source_read(source, files, &account);
        rejects.push((source.name.clone(), Refused::Growing(Box::new(refused))));
        within_limit(reader.settings, source, &account)?;
        accounts.push(account);
        Ok(())
    })?;
    record.spilled_bytes = rows.spilled_bytes();
    let digests: Vec<Vec<String>> =
        accounts.iter().map(|a| a.files.iter().map(|(_, digest)| digest.clone()).collect()).collect();
    let mut refused = rejects.drain(..);
    let save = |path: &Path| refused.next().map_or(Ok(false), |(_, refused)| refused.keep(path));
    let checkpoints = Checkpoints::begin(&root, &makings(reader, &digests), accounts, save)?;
    drop(refused);
    rejects.extend(stored(reader, &checkpoints));
    Ok(Resumed { checkpoints, rows: Some(rows) })
}

fn stored(reader: &Reader<'_>, checkpoints: &Checkpoints) -> Vec<(String, Refused)> {
    let sources = reader.settings.spec.sources.iter().zip(&checkpoints.read).enumerate();
    sources
        .filter(|(_, (_, read))| read.rejects.is_some())
        .map(|(at, (source, _))| (source.name.clone(), Refused::Stored(checkpoints.rejects(at))))
        .collect()
}

fn account(read: SourceRead) -> (SourceAccount, Rejects) {
    let SourceRead { rows, rejected, bad_values, newest_day, rejects, files } = read;
    let first_rejects = rejects.first_three().to_vec();
    (SourceAccount { rows, rejected, bad_values, newest_day, first_rejects, files, rejects: None }, rejects)
}

fn makings<'a>(reader: &'a Reader<'_>, digests: &'a [Vec<String>]) -> Makings<'a> {
    let Settings { spec, as_of, inputs: Inputs { encoding, delimiter, .. }, .. } = reader.settings;
    let encoding = encoding.iter().map(|e| format!("encoding {e}"));
    let delimiter = delimiter.iter().map(|d| format!("delimiter {d}"));
    let sources = spec.sources.iter().zip(&reader.inputs.sources).zip(digests);
    let inputs = sources.flat_map(|((source, files), digests)| {
        files.iter().zip(digests).map(|(file, digest)| (source.name.as_str(), file.name.as_str(), digest.as_str()))
    });
    Makings {
        onefold: env!("CARGO_PKG_VERSION"),
        spec_sha256: spec.sha256(),
        shards: reader.shards,
        as_of: as_of.map(|day| day.to_string()),
        options: encoding.chain(delimiter).collect(),
        inputs: inputs.collect(),
    }
}
