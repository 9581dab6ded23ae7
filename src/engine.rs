//! The engine: spec + a shard's rows → sorted profiles. Owns all use of Polars; never knows files.

mod aggregate;
pub mod attempt;
pub mod bridge;
mod columns;
mod compile;
mod distinct;
mod index;
mod key;
mod latest;
mod plan;
mod reduce;
mod score;
mod unique;

use plan::{as_of_column, bug, frame, ids};

pub use key::idempotency_keys;
pub use plan::{Plan, SourceTally, picked, plan, rows, rule_column};

/// Polars' thread pool, which does all parallel work of a run. In a second pool our threads would only wait: Polars
/// runs every plan in its own.
pub fn pool() -> &'static rayon::ThreadPool {
    &polars_core::runtime::THREAD_POOL
}
