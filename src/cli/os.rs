//! The process and its system: signals, threads, child processes. Knows no command.

pub mod process;
pub mod signals;
pub mod threads;
