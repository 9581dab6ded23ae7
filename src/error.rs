//! Every way in which a command can fail: what was tried on what, the cause and the cure. Owns which side failed and
//! which causes are transient; knows no exit codes.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

pub(crate) use crate::words::counted;

/// The library's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What failed. `Display` gives the message with cause and cure; `source` gives the cause as a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request itself is wrong: an unknown drill, a shard that does not exist.
    #[error("{0}")]
    Usage(String),
    /// The profile spec cannot be read or is invalid.
    #[error("profile spec `{origin}`{}: {message}", line.map(|l| format!(" line {l}")).unwrap_or_default())]
    Spec {
        /// The spec's file, or `default`.
        origin: String,
        /// Line in the spec, from 1, if it is known.
        line: Option<usize>,
        /// Cause and cure.
        message: String,
    },
    /// An input file, or a source as a whole, is unusable.
    #[error("cannot use source `{source_name}`: {message}")]
    Input {
        /// The source's name in the spec.
        source_name: String,
        /// File, line or column, with cause and cure.
        message: String,
    },
    /// More rows were rejected than the run allows.
    #[error("{0}")]
    RejectLimit(String),
    /// There are warnings, and the run is strict.
    #[error("{0}; nothing was published, and the previous outputs are unchanged")]
    Doubt(String),
    /// The file with rates between currencies cannot be used, or lacks one.
    #[error("rates {0}")]
    Rates(String),
    /// A list that the spec names, such as a map of identifiers, cannot be used.
    #[error("{0}")]
    List(String),
    /// No customer is left, so that the run would replace profiles by none.
    #[error("{0}")]
    NoProfile(String),
    /// Reading or writing failed in the operating system.
    #[error("cannot {verb} `{}`: {cause}{}", path.display(), cure(cause))]
    Io {
        /// What was tried: `read`, `write`, `rename`.
        verb: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// The side of the run that the file or folder belongs to.
        side: Side,
        /// The system's error.
        #[source]
        cause: io::Error,
    },
    /// The output folder cannot be used: another run uses it, its disk is too small, or an output would overwrite an
    /// input.
    #[error("{0}")]
    Output(String),
    /// A file in the working folder is not as it was written.
    #[error("{0}")]
    Work(String),
    /// The system gave less memory than the run needs.
    #[error("{0}")]
    Memory(String),
    /// A fault that was injected by a drill.
    #[error("chaos: {0}")]
    Chaos(String),
    /// Building a shard panicked.
    #[error("panic: {0}")]
    Panic(String),
    /// Building a shard failed because of its data.
    #[error("cannot build the profiles: {0}")]
    Build(String),
    /// A shard used up its attempts.
    #[error(
        "shard {shard_id} failed after {}: {cause}; nothing was published, and the previous outputs are unchanged",
        counted((*attempts).into(), "attempt")
    )]
    ShardFailed {
        /// The shard, from 0.
        shard_id: usize,
        /// How many attempts it had.
        attempts: u32,
        /// The last attempt's error.
        #[source]
        cause: Box<Error>,
    },
    /// There is no finished run in the folder.
    #[error("no finished run in `{}`: `run.json` is missing; run `onefold run` first", .0.display())]
    NoRun(PathBuf),
    /// The profiles do not satisfy a check of the spec.
    #[error("{0}; nothing was published, and the previous outputs are unchanged")]
    Check(String),
    /// The customer has no profile.
    #[error("no customer `{customer}` in `{}`{hint}", output.display())]
    NoCustomer {
        /// The id that was asked for.
        customer: String,
        /// The run's output folder.
        output: PathBuf,
        /// What else is known about the id, after a separator; or nothing.
        hint: String,
    },
    /// The outputs of a finished run are not what its manifest says.
    #[error("verification failed: {0}")]
    Verify(String),
    /// Telemetry could not be sent; the run is not affected.
    #[error("{0}")]
    Telemetry(String),
    /// The run was asked to stop.
    #[error(
        "interrupted: nothing was published, and the previous outputs are unchanged; run the same command again to resume"
    )]
    Interrupted,
    /// A check of onefold itself failed: a bug in onefold, not in the data.
    #[error("internal error, please report it: {0}")]
    Bug(String),
}

/// The side of a run that an [`Error`] is on, which tells where to look for the cure. It decides the command's exit
/// code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The request.
    Usage,
    /// The profile spec.
    Spec,
    /// The input files, or a run that does not exist.
    Input,
    /// A shard, because of its data or a fault that did not go away.
    Shard,
    /// A check of a finished or nearly finished run.
    Proof,
    /// The output folder.
    Output,
    /// The working folder in the output folder.
    Work,
    /// Memory.
    Memory,
    /// A signal from outside.
    Signal,
    /// A bug in onefold.
    Bug,
}

impl Error {
    /// An I/O failure on an input.
    pub fn reading(path: &Path, cause: io::Error) -> Self {
        Self::Io { verb: "read", path: path.to_owned(), side: Side::Input, cause }
    }

    /// An I/O failure in the output folder.
    pub fn writing(verb: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io { verb, path: path.to_owned(), side: Side::Output, cause }
    }

    /// An I/O failure in the working folder.
    pub fn working(verb: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io { verb, path: path.to_owned(), side: Side::Work, cause }
    }

    /// A failure on an Arrow IPC file in the working folder: an I/O failure, or else a bug.
    pub(crate) fn ipc(verb: &'static str, path: &Path, error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, cause) => Self::working(verb, path, cause),
            other => Self::Bug(format!("`{}`: {other}", path.display())),
        }
    }

    /// An unusable input.
    pub(crate) fn input(source: &str, message: impl Into<String>) -> Self {
        Self::Input { source_name: source.to_owned(), message: message.into() }
    }

    /// Which side of the run failed.
    pub fn side(&self) -> Side {
        match self {
            Self::Usage(_) => Side::Usage,
            Self::Spec { .. } => Side::Spec,
            Self::Input { .. }
            | Self::RejectLimit(_)
            | Self::Doubt(_)
            | Self::Rates(_)
            | Self::List(_)
            | Self::NoProfile(_)
            | Self::NoRun(_)
            | Self::NoCustomer { .. } => Side::Input,
            Self::Io { side, .. } => *side,
            Self::Chaos(_) | Self::Panic(_) | Self::Build(_) => Side::Shard,
            // A full or read-only disk is a problem of the folder, whichever shard has met it first.
            Self::ShardFailed { cause, .. }
                if cause.is_folder_problem() || matches!(cause.side(), Side::Memory | Side::Input) =>
            {
                cause.side()
            }
            Self::ShardFailed { .. } => Side::Shard,
            Self::Check(_) | Self::Verify(_) => Side::Proof,
            Self::Output(_) => Side::Output,
            Self::Work(_) => Side::Work,
            Self::Memory(_) => Side::Memory,
            Self::Interrupted => Side::Signal,
            Self::Telemetry(_) | Self::Bug(_) => Side::Bug,
        }
    }

    /// Whether another attempt may succeed: after an injected fault, a panic and most I/O failures it may, but not with
    /// a wrong spec, a full disk or a read-only folder.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Chaos(_) | Self::Panic(_) => true,
            Self::Io { cause, .. } => !(is_lasting(cause) || cause.kind() == io::ErrorKind::NotFound),
            _ => false,
        }
    }

    fn is_folder_problem(&self) -> bool {
        matches!(self, Self::Io { side: Side::Output | Side::Work, cause, .. } if is_lasting(cause))
    }
}

/// Whether a folder is full or cannot be written to, which waiting does not change.
fn is_lasting(cause: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(cause.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// What the user can do about an I/O error, or nothing.
fn cure(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space or choose another folder with --output"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; choose another folder with --output",
        io::ErrorKind::PermissionDenied => "; check the permissions",
        io::ErrorKind::NotFound => "; check the path",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_full_disk_is_permanent_and_an_interrupted_read_is_transient() {
        let full = Error::writing("write", Path::new("x"), io::ErrorKind::StorageFull.into());
        assert!(!full.is_transient());
        assert!(full.to_string().contains("free some space"));
        assert!(Error::reading(Path::new("x"), io::ErrorKind::Interrupted.into()).is_transient());
        assert!(Error::Panic("x".into()).is_transient());
        assert!(!Error::Build("x".into()).is_transient());
    }

    #[test]
    fn a_shard_fails_on_the_side_of_its_cause_where_that_lasts() {
        let failed = |cause: Error| Error::ShardFailed { shard_id: 1, attempts: 4, cause: Box::new(cause) };
        let io = |kind: io::ErrorKind| failed(Error::working("write", Path::new("x"), kind.into()));
        assert_eq!(io(io::ErrorKind::StorageFull).side(), Side::Work);
        assert_eq!(io(io::ErrorKind::BrokenPipe).side(), Side::Shard);
        assert_eq!(failed(Error::Memory("none".into())).side(), Side::Memory);
        assert_eq!(failed(Error::Chaos("x".into())).side(), Side::Shard);
    }

    #[test]
    fn causes_are_values() {
        let io = Error::working("write", Path::new("x"), io::ErrorKind::BrokenPipe.into());
        assert!(io.source().is_some_and(<dyn std::error::Error>::is::<io::Error>));
        let failed = Error::ShardFailed { shard_id: 1, attempts: 4, cause: Box::new(io) };
        assert!(failed.source().and_then(|cause| cause.source()).is_some_and(<dyn std::error::Error>::is::<io::Error>));
    }
}
