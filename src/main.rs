//! The `onefold` command: parse → threads and log → command → exit code.

mod cli;

use std::process::ExitCode;

use cli::{Cli, exit, logging, threads};
use onefold::executor::{catch, quiet_panics};

/// Faster than the system's allocator on many small buffers from many threads; measured in ARCHITECTURE.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(told) => return told,
    };
    threads::limit(cli.threads());
    quiet_panics();
    logging::start(&cli.talk, cli.run_id());
    match catch(|| cli.run()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => exit::report(&error),
        Err(panic) => exit::report(&onefold::Error::Bug(panic).into()),
    }
}
