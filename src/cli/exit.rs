//! Owns the exit codes; decides no failure's text.

use std::process::ExitCode;

use onefold::event::Event;
use onefold::{Error, Side};

use crate::cli::os::signals::INTERRUPTED;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// An error of the command itself.
    Own(Error),
    /// A run that it started as a process has failed.
    Run {
        /// The run's exit code.
        code: u8,
        /// The run's error.
        told: String,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

impl Failure {
    /// Adds to a run's failure what was going on; its exit code stays.
    pub fn during(self, what: &str) -> Self {
        match self {
            Self::Run { code, told } => Self::Run { code, told: format!("{what}: {told}") },
            own => own,
        }
    }
}

/// Logs a failure and gives its exit code.
pub fn report(failure: &Failure) -> ExitCode {
    let (code, told) = match failure {
        Failure::Own(error) => (code(error), error.to_string()),
        Failure::Run { code, told } => (*code, told.clone()),
    };
    Event::Error { error: told, exit_code: code }.emit();
    ExitCode::from(code)
}

/// The exit code of an error, which depends on the side that failed.
fn code(error: &Error) -> u8 {
    match error.side() {
        Side::Usage => 2,
        Side::Spec => 3,
        Side::Input => 4,
        Side::Shard => 5,
        Side::Proof => 6,
        Side::Output | Side::Work => 7,
        Side::Memory => 8,
        Side::Signal => INTERRUPTED,
        // Also for sides that a later version of the library adds.
        _ => 70,
    }
}
