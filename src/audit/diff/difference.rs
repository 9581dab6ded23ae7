//! The difference as plain data. Owns its form; computes nothing.

use indexmap::IndexMap;
use serde::Serialize;

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// A customer that only the new side has.
    Added {
        /// Its id.
        customer: &'a str,
    },
    /// A customer that only the old side has.
    Gone {
        /// Its id.
        customer: &'a str,
    },
    /// A cell that differs; null counts as the empty text.
    Changed {
        /// The customer's id.
        customer: &'a str,
        /// The column.
        column: &'a str,
        /// The old side's text, as in the CSV.
        old: &'a [u8],
        /// The new side's text, as in the CSV.
        new: &'a [u8],
    },
}

/// What changed between two outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// The old side.
    pub old: SideRecord,
    /// The new side.
    pub new: SideRecord,
    /// Name of the id column.
    pub id: String,
    /// How many customers were added, removed and changed.
    pub customers: Customers,
    /// Which columns were added, removed and changed in type.
    pub columns: ColumnChanges,
    /// For how many customers the value changed, for each column of both sides in the new one's order.
    pub changes: IndexMap<String, u64>,
    /// The scores that both sides have.
    pub scores: Vec<ScoreChanges>,
    /// Which customers became one, fell apart or have another name, if both sides have identifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityChanges>,
}

/// Customers of both sides, by the identifiers that both have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IdentityChanges {
    /// New customers with identifiers of several old ones.
    pub merged: Vec<Regrouped>,
    /// Old customers with identifiers in several new ones.
    pub split: Vec<Regrouped>,
    /// Customers with the same identifiers and another id.
    pub renamed: Vec<Regrouped>,
}

/// Ids of customers before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Regrouped {
    /// On the old side.
    pub old: Vec<String>,
    /// On the new side.
    pub new: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SideRecord {
    /// The folder or file as given.
    pub path: String,
    /// The run that made it, if its manifest is there.
    pub run_id: Option<String>,
    /// Number of profiles.
    pub customers: u64,
}

/// How many customers were added, removed and changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Customers {
    /// Customers that only the new side has.
    pub added: u64,
    /// Customers that only the old side has.
    pub gone: u64,
    /// Customers with at least one value that differs.
    pub changed: u64,
    /// Customers without a difference.
    pub same: u64,
}

/// Which columns were added, removed and changed in type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ColumnChanges {
    /// Columns that only the new side has.
    pub added: Vec<String>,
    /// Columns that only the old side has.
    pub removed: Vec<String>,
    /// Columns whose type differs, so that their values are compared as text.
    pub retyped: Vec<Retyped>,
    /// Columns that both sides have but that are not compared.
    pub not_compared: Vec<String>,
}

/// A column whose type differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Retyped {
    /// Its name.
    pub column: String,
    /// Its type on the old side.
    pub old: String,
    /// Its type on the new side.
    pub new: String,
}

/// How a score changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScoreChanges {
    /// Its name.
    pub score: String,
    /// How it changed.
    #[serde(flatten)]
    pub moves: ScoreMoves,
}

/// How a score changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ScoreMoves {
    /// A score in points.
    Points {
        /// Customers whose score went up.
        raised: u64,
        /// Customers whose score went down.
        lowered: u64,
        /// Customers whose score was null and is not any more.
        appeared: u64,
        /// Customers whose score is null and was not before.
        vanished: u64,
        /// The customers whose score changed most, the greatest change first; equal ones in order of id.
        movers: Vec<Mover>,
    },
    /// A score in bands.
    Bands {
        /// The changes from band to band, those of most customers first.
        moves: Vec<Move>,
    },
}

/// A customer whose score changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mover {
    /// Its id.
    pub customer: String,
    /// The old score.
    pub old: i64,
    /// The new score.
    pub new: i64,
}

/// A change from band to band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Move {
    /// The old band; none for null.
    pub from: Option<String>,
    /// The new band; none for null.
    pub to: Option<String>,
    /// Number of customers.
    pub customers: u64,
}
