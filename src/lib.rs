//! # onefold
//!
//! Many exports in, one trusted profile per customer out.

pub mod build;
pub mod cell;
pub mod digest;
pub mod error;
pub mod executor;
pub mod generate;
pub mod interop;
pub mod manifest;
pub mod merge;
pub mod pipeline;
pub mod read;
pub mod render;
pub mod route;
pub mod settings;
pub mod shard;
pub mod sink;
pub mod source;
pub mod spec;
pub mod verify;
pub mod workspace;

pub use error::{Error, Result};
pub use pipeline::{check, run};
pub use verify::verify;
