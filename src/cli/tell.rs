//! How a command reports what it did, to people and programs: log, progress, summary, tables, the report page,
//! telemetry. Decides nothing about a run.

pub mod draw;
mod event_words;
pub mod log;
pub mod out;
mod progress;
pub mod report;
pub mod summary;
pub mod table;
pub mod telemetry;
pub mod telemetry_flags;
pub mod words;
