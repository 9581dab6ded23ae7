//! One round: old outputs, runs with faults, runs without, and what is to be proved after each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Output;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use onefold::manifest::Manifest;
use onefold::workspace::MANIFEST_FILE;
use onefold::{Error, Result};

use super::prepare::{Stage, failure, read};
use crate::cli::exit::Failure;

/// Most runs without a fault that a round may need: one to complete what a crash left, one to find it up to date.
const CALM_RUNS: usize = 2;

/// What all rounds gave.
#[derive(Debug, Default)]
pub struct Tally {
    pub rounds: usize,
    /// Rounds that ended with the bytes of an undisturbed run, proved by `verify`.
    pub healed: usize,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<String, usize>,
    pub runs: usize,
    /// Runs that succeeded, faults or not.
    pub succeeded: usize,
    /// Runs that a drill's crash ended.
    pub killed: usize,
    /// Runs that ended with a documented exit code and left the outputs whole.
    pub failed_cleanly: usize,
    /// Attempts that failed and were made again.
    pub retried: usize,
    /// Shards taken over from a run before.
    pub resumed: usize,
    /// Customers of the undisturbed run that a round's outputs lack.
    pub lost: usize,
    /// Customers of a round's outputs that the undisturbed run lacks.
    pub invented: usize,
    /// What went wrong, in words.
    pub harm: Vec<String>,
}

impl Stage {
    /// One round.
    pub fn round(&self, seed: u64, tally: &mut Tally) -> std::result::Result<(), Failure> {
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

    /// One run; whether it succeeded.
    fn one(&self, output: &Path, args: &[String], seed: u64, tally: &mut Tally) -> std::result::Result<bool, Failure> {
        let ended = self.disturbed(output, args)?;
        tally.runs += 1;
        tally.note(&ended);
        if let Some(problem) = self.problem(output)? {
            tally.harm.push(format!("seed {seed}: {problem} after a run that ended with {}", ended.status));
        }
        match ended.status.code() {
            Some(0) => tally.succeeded += 1,
            // A crash between renames may come before: then the run completed that publication, and failed.
            Some(5 | 7) => tally.failed_cleanly += 1,
            None => tally.killed += 1,
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

    /// What is wrong with the outputs in a folder: each must be an old or a new one, whole.
    fn problem(&self, output: &Path) -> Result<Option<String>> {
        for name in &self.outputs {
            let bytes = read(&output.join(name))?;
            if bytes != read(&self.path("old").join(name))? && bytes != read(&self.path("want").join(name))? {
                return Ok(Some(format!("`{name}` is neither the old nor the new one")));
            }
        }
        let whole = serde_json::from_slice::<Manifest>(&read(&output.join(MANIFEST_FILE))?).is_ok();
        Ok((!whole).then(|| format!("`{MANIFEST_FILE}` is not whole")))
    }

    /// The last proof of a round.
    fn judge(&self, output: &Path, seed: u64, tally: &mut Tally) -> Result<()> {
        let same = |name: &String| Ok(read(&output.join(name))? == read(&self.path("want").join(name))?);
        let same = self.outputs.iter().map(same).collect::<Result<Vec<bool>>>()?;
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
        let told = verified.err().map_or_else(|| "other bytes".to_owned(), |error| error.to_string());
        tally.harm.push(format!("seed {seed}: {told}"));
        Ok(())
    }
}

impl Tally {
    /// Counts what the run's log tells.
    fn note(&mut self, ended: &Output) {
        let stderr = String::from_utf8_lossy(&ended.stderr);
        for event in stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            match event["event"].as_str() {
                Some("drill") => {
                    let drill = event["drill"].as_str().unwrap_or_default();
                    let kind =
                        if drill == "kill:publish" { drill } else { drill.split(':').next().unwrap_or_default() };
                    *self.faults.entry(kind.to_owned()).or_default() += 1;
                }
                Some("shard_retry") => self.retried += 1,
                Some("resume") => self.resumed += usize::try_from(event["reused"].as_u64().unwrap_or(0)).unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// The ids of a CSV output.
fn ids(path: &Path) -> Result<BTreeSet<Vec<u8>>> {
    let bytes = read(path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let records = reader.byte_records().map(|record| record.map(|r| r.get(0).unwrap_or_default().to_vec()));
    records.collect::<std::result::Result<_, _>>().map_err(|e| Error::Verify(format!("`{}`: {e}", path.display())))
}
