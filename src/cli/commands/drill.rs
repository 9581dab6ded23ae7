//! `onefold drill`: rounds of runs with random faults, and the proof that none does damage. Every run is a separate
//! process in a temporary folder, never in this one.

mod prepare;
mod round;
mod table;

use std::path::PathBuf;

use clap::Args;
use onefold::event::Event;
use onefold::{Error, Result, Stop};

use crate::cli::commands::run::{InputArgs, at_least_one};
use crate::cli::exit::Failure;
use crate::cli::os::signals::{self, INTERRUPTED};
use crate::cli::tell::out::OutputFormat;
use crate::cli::{Verbosity, help};

use prepare::Rounds;
use round::Results;

/// Flags of `onefold drill`.
#[derive(Debug, Args)]
#[command(after_long_help = help::DRILL)]
pub struct DrillArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Number of rounds
    #[arg(long, value_name = "N", default_value = "20", value_parser = at_least_one)]
    rounds: usize,
    /// Seed of the random faults; the same seed gives the same faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder for the runs' outputs; they are removed afterwards [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    #[command(flatten)]
    format: OutputFormat,
}

impl DrillArgs {
    pub fn run(&self, verbosity: &Verbosity) -> std::result::Result<(), Failure> {
        // Whatever would stop every run is found before the first one.
        let inputs = onefold::check(&self.input.settings(std::path::Path::new(""))?)?;
        let rounds = Rounds::prepare(&self.input, &inputs, self.work_dir.as_deref())?;
        let mut tally = Results::default();
        let stop = Stop::default();
        signals::watch(&stop)?;
        for round in 1..=self.rounds {
            // A signal to the whole process group ended the last run too; the folder is removed in any case.
            stop.check()
                .map_err(|_| Failure::Run { code: INTERRUPTED, told: format!("interrupted in round {round}") })?;
            let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(round as u64);
            rounds.round(seed, &mut tally).map_err(|f| f.during(&format!("round {round} of {}", self.rounds)))?;
            Event::DrillRound { round, of: self.rounds, harm: tally.harm.len() }.emit();
        }
        rounds.close()?;
        self.format.say(verbosity, || table::of(&tally), &tally)?;
        Ok(no_harm(&tally)?)
    }
}

fn no_harm(tally: &Results) -> Result<()> {
    match tally.harm.first() {
        None => Ok(()),
        Some(first) => {
            let more = tally.harm.len() - 1;
            Err(Error::Verify(format!("faults did damage: {first}; {more} more; please report it with the seed")))
        }
    }
}
