//! Every way a command can fail: verb, thing, cause and cure. Owns which causes are transient; knows no exit codes.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

/// The library's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What failed. `Display` gives the whole message, cause and cure included.
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
        /// 1-based line in the spec, where one is known.
        line: Option<usize>,
        /// Cause and cure.
        message: String,
    },
    /// An input file, or a source as a whole, is unusable.
    #[error("cannot use source `{source_name}`: {message}")]
    Input {
        /// The source's name in the spec.
        source_name: String,
        /// File, line or column, cause and cure.
        message: String,
    },
    /// More rows were rejected than the run allows.
    #[error("{0}")]
    RejectLimit(String),
    /// Reading or writing failed in the operating system.
    #[error("cannot {verb} `{}`: {cause}{}", path.display(), cure(cause))]
    Io {
        /// What was tried: `read`, `write`, `rename`.
        verb: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// Whose file it is; decides the exit code.
        side: Side,
        /// The system's answer.
        cause: io::Error,
    },
    /// The output folder cannot be used: busy, or it would overwrite an input.
    #[error("{0}")]
    Output(String),
    /// A drill's injected fault.
    #[error("chaos: {0}")]
    Chaos(String),
    /// A shard's code panicked; the panic became this error.
    #[error("panic: {0}")]
    Panic(String),
    /// The plan of a shard failed on its data.
    #[error("cannot build the profiles: {0}")]
    Build(String),
    /// A shard used up its attempts.
    #[error("shard {shard_id} failed for good after {attempts} attempt{}: {cause}; nothing was published, previous outputs are as they were", if *attempts == 1 { "" } else { "s" })]
    ShardFailed {
        /// The shard, from 0.
        shard_id: usize,
        /// How many attempts it had.
        attempts: u32,
        /// The last attempt's error.
        cause: Box<Error>,
    },
    /// There is no finished run to work on.
    #[error("no finished run in `{}`: `run.json` is missing; run `onefold run` first", .0.display())]
    NoRun(PathBuf),
    /// The profiles do not satisfy a check of the spec.
    #[error("{0}; nothing was published, previous outputs are as they were")]
    Check(String),
    /// The customer has no profile.
    #[error("no customer `{customer}` in `{}`{hint}", output.display())]
    NoCustomer {
        /// The id that was asked for.
        customer: String,
        /// The run's output folder.
        output: PathBuf,
        /// What is known of the id all the same, after a separator; or nothing.
        hint: String,
    },
    /// A finished run does not hold what it claims.
    #[error("verification failed: {0}")]
    Verify(String),
    /// Telemetry could not be told; the run is as it is.
    #[error("{0}")]
    Telemetry(String),
    /// Somebody asked the run to stop.
    #[error(
        "interrupted: nothing was published, previous outputs are as they were; the same command goes on from the shards that were finished"
    )]
    Interrupted,
    /// Our own proof failed: a bug in onefold, never the user's data.
    #[error("internal error, please report it: {0}")]
    Bug(String),
}

/// Whose file an [`Error::Io`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The user's input.
    Input,
    /// The output folder or the working folder in it.
    Output,
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

    /// A failure on an Arrow IPC file in the working folder: of the system, or one that no file of ours can cause.
    pub fn ipc(verb: &'static str, path: &Path, error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, cause) => Self::writing(verb, path, cause),
            other => Self::Bug(format!("`{}`: {other}", path.display())),
        }
    }

    /// An unusable input.
    pub fn input(source: &str, message: impl Into<String>) -> Self {
        Self::Input { source_name: source.to_owned(), message: message.into() }
    }

    /// Whether the same attempt may succeed when it is made again: injected faults, panics and most I/O may;
    /// a wrong spec, a full disk or a read-only folder will not.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Chaos(_) | Self::Panic(_) => true,
            Self::Io { cause, .. } => !matches!(
                cause.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::NotFound
            ),
            _ => false,
        }
    }
}

/// What the user can do about an I/O error, when there is something to say.
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
}
