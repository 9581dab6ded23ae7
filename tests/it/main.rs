//! The only integration test binary: what onefold promises, tested from outside.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why")]

mod bench;
mod browser;
mod checks;
mod cli;
mod crash;
mod diff;
mod docs;
mod doubts;
mod explain;
mod explain_faults;
mod faults;
mod fuzz;
mod hostile;
mod identity;
mod laws;
mod manners;
mod mess;
mod money;
mod oracle;
mod outputs;
mod packing;
mod peers;
mod profiles;
mod progress;
mod python;
mod report;
mod resume;
mod telemetry;
mod tidy;
mod workdir;

// Used by `mess`; the unit tests of the reader get it from another place.
use onefold::{Delimiter, Encoding};
