//! Many exports in, one trusted profile per customer out.
//!
//! This is the library behind the `onefold` command: the same pipeline in a few lines of Rust. It reads CSV exports of
//! any size once, routes their rows to shards by a stable hash of the customer's id, builds one profile per customer
//! with a Polars lazy plan per shard, and publishes `profiles.csv`, `profiles.parquet` and the manifest `run.json`: all
//! of them or none.
//!
//! # Example
//!
//! ```
//! use onefold::sample::{Kind, Request, generate};
//! use onefold::Settings;
//! use onefold::spec::Spec;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (input, output) = (folder.path().join("exports"), folder.path().join("profiles"));
//!
//! // Exports to work on: here a hundred customers, with bad values and repeated rows as in real exports.
//! generate(&Request { customers: 100, seed: 7, kind: Kind::Messy, output: input.clone(), force: false })?;
//!
//! // The run: a profile spec, where the exports are, where the profiles go.
//! let mut settings = Settings::new(Spec::default_profile()?, &input, &output);
//! settings.shards = Some(32); // does not change the outputs
//! let manifest = onefold::run(&settings)?;
//!
//! assert_eq!(manifest.customers.total, 100);
//! assert!(manifest.ledger.balance().is_ok());
//! assert!(output.join("profiles.parquet").exists());
//!
//! // Proves the outputs from the files alone, without Polars.
//! let proofs = onefold::verify(&input, &output)?;
//! assert_eq!(proofs.profiles, 100);
//! # Ok(())
//! # }
//! ```
//!
//! # Shapes and types
//!
//! The outputs have one row per customer, sorted by the bytes of the id, and the columns that the spec's `[output]`
//! lists, in that order. A column's [`Type`] decides how it is written:
//!
//! | type | Parquet | CSV |
//! |---|---|---|
//! | `text` | `BYTE_ARRAY`, UTF8 | unchanged, quoted only where necessary |
//! | `int` | `INT64` | digits |
//! | `float` | `DOUBLE` | shortest text that reads back the same |
//! | `decimal(p,s)` | `DECIMAL(p,s)` | with `s` digits after the point |
//! | `bool` | `BOOLEAN` | `true`, `false` |
//! | `date` | `DATE`: days since 1970-01-01 | `YYYY-MM-DD` |
//! | `datetime` | `TIMESTAMP`: microseconds, UTC | `YYYY-MM-DDTHH:MM:SS[.ffffff]Z` |
//!
//! Null and empty text are both an empty field in CSV. Sizes are in bytes, and times in seconds, unless a name says
//! otherwise.
//!
//! # Errors
//!
//! Every function that can fail gives an [`Error`], whose text says what failed, where, why and what to do. After an
//! error of [`run`] nothing is published and the previous outputs are unchanged. A panic while a shard is built becomes
//! an error of that shard. Errors name files, lines and columns, but contain no other customer data.
//!
//! # Threads
//!
//! Shards run in Polars' own thread pool, whose size `POLARS_MAX_THREADS` sets before its first use;
//! [`Settings::threads`] limits how many shards are built at the same time. Progress is emitted as `tracing` events,
//! which [`event`] lists.

// The benches use internal functions: their signatures have private types, and they are not part of the documentation.
#![cfg_attr(feature = "internals", allow(private_interfaces, missing_docs))]

mod audit;
mod disk;
mod engine;
mod error;
pub mod event;
mod identity;
mod input;
mod output;
mod run;
pub mod sample;
mod shard;
pub mod spec;
mod stop;
mod value;
pub mod words;

pub use audit::diff::{self, diff};
pub use audit::explain::{self, explain};
pub use audit::verify::{Proofs, verify};
pub use error::{Error, Result, Side};
pub use input::Inputs;
pub use output::manifest;
pub use run::settings::{Settings, new_run_id};
pub use run::{Checked, CheckedFile, CheckedSource, check, run};
pub use shard::{Drill, RetryPolicy, catch, default_shards, quiet_panics};
pub use spec::{Delimiter, Encoding, Limit};
pub use stop::Stop;
pub use value::Type;

/// What the benches use. It may change at any time.
#[cfg(feature = "internals")]
#[doc(hidden)]
#[allow(missing_docs, reason = "it is not part of the public surface")]
pub mod internals {
    pub use crate::engine::Given;
    pub use crate::engine::attempt::{Part, build, schema};
    pub use crate::input::{DEFAULT_BLOCK_SIZE, OpenInputs, open};
    pub use crate::output::merge::Merge;
    pub use crate::output::write::{SinkOptions, TableShape, write};
    pub use crate::run::read::{Reading, read_source};
    pub use crate::shard::parts::{ROW_GROUP, Sorted};
    pub use crate::shard::{Layout, ShardBuffers, ShardInput};
    pub use crate::spec::Spec;

    /// The layouts of the routed rows of a spec's sources.
    pub fn layouts(spec: &Spec) -> Vec<Layout> {
        spec.sources.iter().map(|source| Layout::of(source)).collect()
    }
}
