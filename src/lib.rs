//! Many exports in, one trusted profile per customer out.
//!
//! This is the library behind the `onefold` command: the same pipeline in a few lines of Rust. It reads CSV exports of
//! any size once, routes their rows to shards by a stable hash of the customer's id, builds one profile per customer with
//! a Polars lazy plan per shard, and publishes `profiles.csv`, `profiles.parquet` and the manifest `run.json`, all or
//! nothing.
//!
//! # Example
//!
//! ```
//! use onefold::generate::{Kind, Request, generate};
//! use onefold::settings::Settings;
//! use onefold::spec::Spec;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (input, output) = (folder.path().join("exports"), folder.path().join("profiles"));
//!
//! // Exports to work on: here a hundred customers as real exports have them, dirt and doubles included.
//! generate(&Request { customers: 100, seed: 7, kind: Kind::Messy, output: input.clone(), force: false })?;
//!
//! // The run: a profile spec, where the exports are, where the profiles go.
//! let mut settings = Settings::new(Spec::default_profile()?, &input, &output);
//! settings.shards = Some(32); // changes no byte of the outputs
//! let manifest = onefold::run(&settings)?;
//!
//! assert_eq!(manifest.customers.total, 100);
//! assert!(manifest.ledger.balance().is_ok());
//! assert!(output.join("profiles.parquet").exists());
//!
//! // The proof, from the files alone and without Polars.
//! for proof in onefold::verify(&input, &output)? {
//!     println!("{proof}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Shapes and types
//!
//! The outputs have one row per customer, sorted by the bytes of the id, and the columns that the spec's `[output]` lists,
//! in that order. A column's [`cell::Type`] decides how it is written:
//!
//! | type | Parquet | CSV |
//! |---|---|---|
//! | `text` | `BYTE_ARRAY`, UTF8 | verbatim, quoted only where it must be |
//! | `int` | `INT64` | digits |
//! | `float` | `DOUBLE` | shortest text that reads back the same |
//! | `decimal(p,s)` | `DECIMAL(p,s)` | with `s` digits after the point |
//! | `bool` | `BOOLEAN` | `true`, `false` |
//! | `date` | `DATE`: days since 1970-01-01 | `YYYY-MM-DD` |
//! | `datetime` | `TIMESTAMP`: microseconds, UTC | `YYYY-MM-DDTHH:MM:SS[.ffffff]Z` |
//!
//! Null and empty text are both the empty CSV field. Sizes are in bytes, times in seconds unless a name says otherwise.
//!
//! # Errors
//!
//! Every fallible function gives an [`Error`], whose text names what failed, where, why and what to do. An error of [`run`]
//! means that nothing was published and that previous outputs are as they were. A panic inside a shard becomes that
//! shard's error. No error quotes customer data beyond file, line and column.
//!
//! # Threads
//!
//! Shards run in Polars' own thread pool, whose size `POLARS_MAX_THREADS` sets before its first use;
//! [`settings::Settings::threads`] limits how many shards are at work at a time. Progress is told as `tracing` events.
//!
//! # Layout
//!
//! [`pipeline`] is the story: [`read`] drives [`source`] (files → typed rows) and [`route`] (rows → shards), [`executor`]
//! runs [`shard`] (rows → [`build`] → profiles) with retries, [`merge`] proves and orders, [`sink`] writes, [`workspace`]
//! publishes, [`manifest`] accounts. [`spec`] says what a profile is, [`checks`] whether the profiles are fit to publish;
//! [`verify`](mod@verify) is the independent witness, [`explain`](mod@explain) says why a profile is what it is,
//! [`diff`](mod@diff) what changed between two outputs.

pub mod build;
pub mod cell;
pub mod checkpoint;
pub mod checks;
pub mod diff;
pub mod digest;
pub mod disk;
pub mod draw;
pub mod error;
pub mod executor;
pub mod explain;
pub mod generate;
pub mod ids;
pub mod interop;
pub mod manifest;
pub mod memory;
pub mod merge;
pub mod parts;
pub mod pipeline;
pub mod read;
pub mod render;
pub mod report;
pub mod route;
pub mod runs;
pub mod settings;
pub mod shard;
pub mod sink;
pub mod source;
pub mod spec;
pub mod stop;
pub mod telemetry;
pub mod verify;
pub mod words;
pub mod workspace;

pub use diff::diff;
pub use error::{Error, Result};
pub use explain::explain;
pub use pipeline::{check, run};
pub use route::default_shards;
pub use verify::verify;
