//! The one integration binary: what onefold promises, checked from outside.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why")]

mod bench;
mod cli;
mod crash;
mod faults;
mod fuzz;
mod hostile;
mod laws;
mod oracle;
mod outputs;
mod peers;
mod profiles;
mod python;
mod reader;
mod readme;
mod resume;
mod tidy;
mod workdir;
