//! One round: old outputs, runs with faults, runs without. Owns what must be true after each run.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Output;

use onefold::manifest::{MANIFEST_FILE, Manifest, REJECTS_FOLDER, WORK_FOLDER};
use onefold::{Error, Result};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use serde_json::Value;

use super::prepare::{Rounds, failure, read};
use crate::cli::exit::Failure;

/// Most runs without faults that a round may need: one to complete what a crash left, one that finds it up to date.
const CALM_RUNS: usize = 2;

/// The results of all rounds.
#[derive(Debug, Default, Serialize)]
pub struct Results {
    pub rounds: usize,
    /// Rounds that ended with the same outputs as a run without faults, proved by `verify`.
    pub healed: usize,
    /// Faults that took effect, by kind.
    pub faults: BTreeMap<String, usize>,
    pub runs: usize,
    /// Runs that succeeded, with or without faults.
    pub succeeded: usize,
    /// Runs that were ended by an injected crash.
    pub killed: usize,
    /// Runs that failed with a documented exit code and complete outputs.
    pub failed_cleanly: usize,
    /// Attempts that failed and were retried.
    pub retried: usize,
    /// Shards that were reused from the run before.
    pub resumed: usize,
    /// Customers that the outputs of a round lack.
    pub lost: usize,
    /// Customers that the outputs of a round have and a run without faults has not.
    pub invented: usize,
    /// The damage, as texts.
    pub harm: Vec<String>,
}

impl Rounds {
    /// Makes one round.
    pub fn round(&self, seed: u64, tally: &mut Results) -> std::result::Result<(), Failure> {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut throw = |sides: u64| dice.next_u64() % sides;
        let output = self.path("out");
        self.lay_out_old(&output)?;
        tally.rounds += 1;
        let shards = [1, 4, 16, 33][throw(4) as usize];
        let how = [format!("--shards={shards}"), format!("--threads={}", 1 + throw(2))];
        let limit = (throw(4) == 0).then(|| "--memory-limit=1".to_owned());
        let how: Vec<String> = how.into_iter().chain(limit).collect();
        let mut done = false;
        for _ in 0..1 + throw(3) {
            let chaos = format!("--chaos=random:{}:{}", throw(u64::MAX), 1 + throw(4));
            done = self.one(&output, &[&how[..], &[chaos]].concat(), seed, tally)?;
            if done {
                break;
            }
        }
        for _ in 0..CALM_RUNS {
            done = done || self.one(&output, &how, seed, tally)?;
        }
        if !done {
            tally.harm.push(format!("seed {seed}: no run without faults succeeded"));
        }
        self.judge(&output, seed, tally)?;
        fs::remove_dir_all(&output).map_err(|e| Error::writing("remove", &output, e))?;
        Ok(())
    }

    /// Makes one run; true if it succeeded.
    fn one(
        &self,
        output: &Path,
        args: &[String],
        seed: u64,
        tally: &mut Results,
    ) -> std::result::Result<bool, Failure> {
        let ended = self.run_into(output, args)?;
        tally.runs += 1;
        let crashed = tally.note(&ended);
        if let Some(problem) = self.problem(output)? {
            tally.harm.push(format!("seed {seed}: {problem} after a run that ended with {}", ended.status));
        }
        match ended.status.code() {
            Some(0) => tally.succeeded += 1,
            // After a crash between renames the run may have completed that publication before it failed.
            Some(5 | 7) => tally.failed_cleanly += 1,
            None if crashed => tally.killed += 1,
            None => tally.harm.push(format!("seed {seed}: a run ended with {} without a drill for that", ended.status)),
            Some(_) => return Err(failure(&ended)),
        }
        Ok(ended.status.success())
    }

    fn lay_out_old(&self, output: &Path) -> Result<()> {
        fs::create_dir_all(output).map_err(|e| Error::writing("create", output, e))?;
        for name in self.outputs.iter().map(String::as_str).chain([MANIFEST_FILE]) {
            let to = output.join(name);
            fs::copy(self.path("old").join(name), &to).map_err(|e| Error::writing("write", &to, e))?;
        }
        Ok(())
    }

    /// What is wrong with the outputs in a folder: they must be complete and all old or all new. An interrupted
    /// publication may leave both, but then there must be a journal.
    fn problem(&self, output: &Path) -> Result<Option<String>> {
        let (mut old, mut new) = (true, true);
        for name in &self.outputs {
            let bytes = read(&output.join(name))?;
            let (is_old, is_new) =
                (bytes == read(&self.path("old").join(name))?, bytes == read(&self.path("want").join(name))?);
            if !is_old && !is_new {
                return Ok(Some(format!("`{name}` is neither the old file nor the new one")));
            }
            (old, new) = (old && is_old, new && is_new);
        }
        if !old && !new && !output.join(WORK_FOLDER).join("journal.json").exists() {
            return Ok(Some("old and new outputs are mixed".into()));
        }
        let whole = serde_json::from_slice::<Manifest>(&read(&output.join(MANIFEST_FILE))?).is_ok();
        Ok((!whole).then(|| format!("`{MANIFEST_FILE}` is not complete")))
    }

    /// The proof at the end of a round.
    fn judge(&self, output: &Path, seed: u64, tally: &mut Results) -> Result<()> {
        let same = |name: &String| Ok(read(&output.join(name))? == read(&self.path("want").join(name))?);
        let mut same = self.outputs.iter().map(same).collect::<Result<Vec<bool>>>()?;
        same.push(rejects(output)? == rejects(&self.path("want"))?);
        let verified = onefold::verify(&self.input, output);
        if !same.contains(&false) && verified.is_ok() {
            tally.healed += 1;
            return Ok(());
        }
        let csv = self.outputs.iter().find(|name| name.ends_with(".csv"));
        let csv = csv.ok_or_else(|| Error::Bug("a run wrote no CSV".into()))?;
        let (want, got) = (ids(&self.path("want").join(csv))?, ids(&output.join(csv))?);
        tally.lost += want.difference(&got).count();
        tally.invented += got.difference(&want).count();
        let told = verified.err().map_or_else(|| "other outputs".to_owned(), |error| error.to_string());
        tally.harm.push(format!("seed {seed}: {told}"));
        Ok(())
    }
}

impl Results {
    /// Counts what is in the run's log; true if a drill ended the process.
    fn note(&mut self, ended: &Output) -> bool {
        let mut crashed = false;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        for event in stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            match event["event"].as_str() {
                Some("drill") => {
                    let drill = event["drill"].as_str().unwrap_or_default();
                    let publish = drill.starts_with("kill:publish");
                    let kind = if publish { "kill:publish" } else { drill.split(':').next().unwrap_or_default() };
                    crashed |= kind.starts_with("kill");
                    *self.faults.entry(kind.to_owned()).or_default() += 1;
                }
                Some("shard_retry") => self.retried += 1,
                Some("resume") => self.resumed += usize::try_from(event["reused"].as_u64().unwrap_or(0)).unwrap_or(0),
                _ => {}
            }
        }
        crashed
    }
}

/// The rejects files of an output folder, by name.
fn rejects(output: &Path) -> Result<BTreeMap<OsString, Vec<u8>>> {
    let folder = output.join(REJECTS_FOLDER);
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    entries.map(|entry| Ok((entry.file_name(), read(&entry.path())?))).collect()
}

/// The ids of a CSV output.
fn ids(path: &Path) -> Result<BTreeSet<Vec<u8>>> {
    let bytes = read(path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let records = reader.byte_records().map(|record| record.map(|r| r.get(0).unwrap_or_default().to_vec()));
    records.collect::<std::result::Result<_, _>>().map_err(|e| Error::Verify(format!("`{}`: {e}", path.display())))
}
