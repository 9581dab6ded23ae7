//! The commands, one file each: flags → library → result. Each owns its flags and its texts; none computes a result.

pub mod bench;
pub mod check;
pub mod completions;
pub mod diff;
pub mod drill;
pub mod explain;
pub mod generate;
pub mod man;
pub mod report;
pub mod run;
pub mod verify;
