//! The difference as plain data. Owns its form; serde only.

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
    /// A cell that differs; null is the empty text.
    Changed {
        /// The customer's id.
        customer: &'a str,
        /// The column.
        column: &'a str,
        /// The old side's text, as the CSV has it.
        old: &'a [u8],
        /// The new side's.
        new: &'a [u8],
    },
}

/// What changed between two outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The old side.
    pub old: SideRecord,
    /// The new side.
    pub new: SideRecord,
    /// Name of the id column.
    pub id: String,
    /// Customers by what happened to them.
    pub customers: Customers,
    /// Columns by what happened to them.
    pub columns: ColumnChanges,
    /// Per column of both sides, in the new one's order, how many customers' values changed.
    pub changes: IndexMap<String, u64>,
    /// The scores that both sides have.
    pub scores: Vec<ScoreChanges>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideRecord {
    /// Folder or file, as it was given.
    pub path: String,
    /// The run that made it, when its manifest is there.
    pub run_id: Option<String>,
    /// Its profiles.
    pub customers: u64,
}

/// Customers by what happened to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Customers {
    /// Only the new side has them.
    pub added: u64,
    /// Only the old side has them.
    pub gone: u64,
    /// A value of theirs differs.
    pub changed: u64,
    /// None does.
    pub same: u64,
}

/// Columns by what happened to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ColumnChanges {
    /// Only the new side has them.
    pub added: Vec<String>,
    /// Only the old side has them.
    pub removed: Vec<String>,
    /// Their type differs: their values are compared as text.
    pub retyped: Vec<Retyped>,
    /// Both sides have them, and they are left out.
    pub not_compared: Vec<String>,
}

/// A column whose type differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retyped {
    /// Its name.
    pub column: String,
    /// Its type on the old side.
    pub old: String,
    /// Its type on the new side.
    pub new: String,
}

/// What happened to a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoreChanges {
    /// Its name.
    pub score: String,
    /// Its moves.
    #[serde(flatten)]
    pub moves: ScoreMoves,
}

/// How a score moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ScoreMoves {
    /// A score of points.
    Points {
        /// Customers whose score went up.
        raised: u64,
        /// Customers whose score went down.
        lowered: u64,
        /// Customers whose score was null.
        appeared: u64,
        /// Customers whose score is null now.
        vanished: u64,
        /// Those that moved most, the greatest move first; of equal ones in order of id.
        movers: Vec<Mover>,
    },
    /// A score of bands: the moves that most customers made first.
    Bands {
        /// From band to band.
        moves: Vec<Move>,
    },
}

/// A customer whose score moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mover {
    /// Its id.
    pub customer: String,
    /// The old score.
    pub old: i64,
    /// The new score.
    pub new: i64,
}

/// A move from band to band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The old band; none for null.
    pub from: Option<String>,
    /// The new band; none for null.
    pub to: Option<String>,
    /// Customers that made it.
    pub customers: u64,
}
