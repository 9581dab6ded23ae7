//! The `onefold` command: parse → threads and log → command → exit code. Owns this order; does no work itself.

mod cli;

use std::process::ExitCode;

use onefold::{catch, quiet_panics};

use cli::os::threads;
use cli::tell::log;
use cli::{Cli, exit};

/// Faster than the system's allocator for many small buffers from many threads; ARCHITECTURE.md has the measurements.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(told) => return told,
    };
    threads::limit(cli.threads());
    quiet_panics();
    log::start(&cli.verbosity, cli.run_id());
    match catch(|| cli.run()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => exit::report(&error),
        Err(panic) => exit::report(&onefold::Error::Bug(panic).into()),
    }
}
