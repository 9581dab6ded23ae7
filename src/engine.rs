//! The engine: spec + a shard's rows → sorted profiles. Owns all use of Polars; never knows files.

mod aggregate;
pub mod attempt;
pub mod bridge;
mod columns;
mod compile;
mod distinct;
mod fault;
mod fill;
mod identities;
mod index;
mod key;
mod latest;
mod plan;
mod reduce;
mod score;
mod survive;
mod unique;

use std::sync::Arc;

use crate::value::Rates;
use plan::{as_of_column, bug, frame, ids, solid};

/// What a run gives to expressions, beside the rows.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The as-of date in days since 1970-01-01, if it is known.
    pub as_of: Option<i32>,
    /// Rates between currencies.
    pub rates: Option<Arc<Rates>>,
}

pub use identities::IDENTITIES;
pub use key::idempotency_keys;
pub use plan::{Picked, Plan, SourceTally, lost_columns, picked, plan, rows, rule_column};
pub use survive::{PLACE_BITS, PROVENANCE};

/// Polars' thread pool, which does all parallel work of a run. In a second pool our threads would only wait: Polars
/// runs every plan in its own.
pub fn pool() -> &'static rayon::ThreadPool {
    &polars_core::runtime::THREAD_POOL
}
