//! The one table of exit codes.

use std::io;
use std::process::ExitCode;

use onefold::Error;
use onefold::error::Side;

use super::signals::INTERRUPTED;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// It failed itself.
    Own(Error),
    /// A run that it started as a process failed.
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
    /// A run's failure with what was going on; its exit code stays.
    pub fn during(self, what: &str) -> Self {
        match self {
            Self::Run { code, told } => Self::Run { code, told: format!("{what}: {told}") },
            own => own,
        }
    }
}

/// Tells a failure through the log and gives its exit code.
pub fn report(failure: &Failure) -> ExitCode {
    let (code, told) = match failure {
        Failure::Own(error) => (code(error), error.to_string()),
        Failure::Run { code, told } => (*code, told.clone()),
    };
    tracing::error!(event = "error", error = told, exit_code = code);
    ExitCode::from(code)
}

/// Contract §7.
fn code(error: &Error) -> u8 {
    match error {
        Error::Usage(_) => 2,
        Error::Spec { .. } => 3,
        Error::Input { .. } | Error::RejectLimit(_) | Error::NoRun(_) | Error::Io { side: Side::Input, .. } => 4,
        // A full or read-only disk is the folder's trouble, whichever shard met it first.
        Error::ShardFailed { cause, .. } if is_folder_trouble(cause) => 7,
        Error::ShardFailed { .. } | Error::Chaos(_) | Error::Panic(_) | Error::Build(_) => 5,
        Error::Verify(_) => 6,
        Error::Output(_) | Error::Io { side: Side::Output, .. } => 7,
        Error::Interrupted => INTERRUPTED,
        // Bugs, and whatever a later version of the library adds before this table knows it.
        _ => 70,
    }
}

fn is_folder_trouble(error: &Error) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error, Error::Io { side: Side::Output, cause, .. }
        if matches!(cause.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull))
}
