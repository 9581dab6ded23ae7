//! `onefold drill`: random faults, round after round, each run a process of its own, and the proof that none did harm.

mod prepare;
mod round;
mod table;

use std::path::PathBuf;

use clap::Args;
use tracing::info;

use onefold::{Error, Result};

use super::exit::Failure;
use super::run::{InputArgs, at_least_one};
use super::{Talk, out::say};

use prepare::Stage;
use round::Tally;

/// Flags of `onefold drill`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct DrillArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Rounds
    #[arg(long, value_name = "N", default_value = "20", value_parser = at_least_one)]
    rounds: usize,
    /// Seed of all that is random; the same seed asks for the same faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder for the runs' outputs; what is put there is removed [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Each round starts with old outputs and up to three runs with random faults: failing, panicking and slow shards,
crashes as a shard ends or between two renames, files cut short or changed on disk, a full disk. Then it runs without
faults until a run succeeds. After every run the outputs must be the old ones or the new ones, whole; after the last
they must be the bytes of an undisturbed run, and `verify` must prove them. Exit code 6: they were not.

Examples:
  onefold drill                                 20 rounds on sample_data
  onefold drill --rounds 1000 --seed 7          many, other ones
  onefold drill --input exports --profile my.toml --rounds 5";

impl DrillArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> std::result::Result<(), Failure> {
        // What stops every run stops the drill before the first.
        let inputs = onefold::check(&self.input.settings(std::path::Path::new(""))?)?;
        let stage = Stage::prepare(&self.input, &inputs, self.work_dir.as_deref())?;
        let mut tally = Tally::default();
        for round in 1..=self.rounds {
            let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(round as u64);
            stage.round(seed, &mut tally).map_err(|f| f.during(&format!("round {round} of {}", self.rounds)))?;
            info!(event = "drill_round", round, of = self.rounds, harm = tally.harm.len());
        }
        stage.close()?;
        if !talk.quiet {
            say(&table::of(&tally))?;
        }
        Ok(no_harm(&tally)?)
    }
}

fn no_harm(tally: &Tally) -> Result<()> {
    match tally.harm.first() {
        None => Ok(()),
        Some(first) => {
            let more = tally.harm.len() - 1;
            Err(Error::Verify(format!("faults did harm: {first}; {more} more; please report it with the seed")))
        }
    }
}
