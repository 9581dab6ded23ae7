//! The one integration binary: what onefold promises, checked from outside.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why")]

mod bench;
mod browser;
mod checks;
mod cli;
mod crash;
mod diff;
mod explain;
mod explain_faults;
mod faults;
mod fuzz;
mod hostile;
mod laws;
mod manners;
mod oracle;
mod outputs;
mod peers;
mod profiles;
mod progress;
mod python;
mod reader;
mod readme;
mod report;
mod resume;
mod telemetry;
mod tidy;
mod workdir;
