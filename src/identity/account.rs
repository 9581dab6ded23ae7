//! What linking has counted: for the ledger and for the manifest. Plain data, stored with a run's checkpoints.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The identifiers of a run, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IdentityRecord {
    /// Distinct identifiers that take part.
    pub identifiers: u64,
    /// Lines of `refused`, by reason.
    pub refused: RefusedRecord,
    /// What vendors have merged.
    pub merges: MergesRecord,
    /// What was erased.
    pub erased: ErasedRecord,
    /// Most survivors that a published customer has.
    pub largest: u64,
    /// Published customers by the number of their identifiers: 1, 2, 3, 4, then to 10, 100 and beyond.
    pub sizes: IndexMap<String, u64>,
    /// Identifiers of published customers by the rule by which they came to them.
    pub rules: IndexMap<String, u64>,
}

/// How many identifiers were refused, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedRecord {
    /// They are not of their kind.
    pub bad: u64,
    /// The spec says so, or they are words for nothing.
    pub blocked: u64,
    /// They are in rows of too many customers.
    pub shared: u64,
    /// What hangs on them would be a customer that holds too much.
    pub conflict: u64,
}

/// What vendors have merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MergesRecord {
    /// Ids that lost.
    pub losers: u64,
    /// Sets of merged ids of which every one lost to another.
    pub cycles: u64,
    /// Survivors without a row in a source that tells merges.
    pub winners_missing: u64,
}

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErasedRecord {
    /// Distinct values of the lists.
    pub values: u64,
    /// Customers that lost a row because of their key or first identifier.
    pub customers: u64,
}
