//! The explanation as plain data: each field with its origin, each score with its reasons. Owns its form; computes
//! nothing but sums of points.

use serde::Serialize;
use serde_json::Value;

/// Why a customer's profile has its values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The customer's id.
    pub customer: String,
    /// Name of the profile spec.
    pub profile: String,
    /// The run that made the profile.
    pub run_id: String,
    /// The run's as-of date.
    pub as_of: Option<String>,
    /// The output columns in order, then the columns that are not in the output.
    pub fields: Vec<Field>,
    /// The scores in declared order.
    pub scores: Vec<Reasons>,
    /// The sources that were read, in declared order.
    pub sources: Vec<SourceRows>,
    /// Its identifiers, if customers were found by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// A customer's identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// Those that it has, in order of kind and value.
    pub identifiers: Vec<Identifier>,
    /// Those that were refused and touch it.
    pub refused: Vec<RefusedIdentifier>,
    /// The way from the one that names it to the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Identifier>>,
}

/// An identifier, and how it came to its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Identifier {
    /// Its kind.
    pub kind: String,
    /// Its text in its one form.
    pub value: String,
    /// `id`, or `merged` if a vendor has merged it into another.
    pub state: String,
    /// `self` for the one that names the customer, else `merge`, `map` or a kind.
    pub rule: String,
    /// The identifier that it hangs on, as `kind:value`.
    pub via: Option<String>,
    /// The source of the row that says so; none for a map.
    pub source: Option<String>,
    /// The file that says so.
    pub file: String,
    /// The line in it.
    pub line: u64,
}

/// An identifier that joins nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RefusedIdentifier {
    /// Its kind.
    pub kind: String,
    /// Its text.
    pub value: String,
    /// `bad`, `blocked`, `conflict` or `shared`.
    pub reason: String,
    /// Rows that have it.
    pub rows: u64,
    /// The customers that it touches.
    pub customers: Vec<String>,
    /// The file of its first row.
    pub file: String,
    /// The line of its first row.
    pub line: u64,
}

/// A column's value and its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Field {
    /// Its name.
    pub column: String,
    /// Its value: a number, a bool, null, or its text in the CSV.
    pub value: Value,
    /// Whether it is in the output.
    pub in_output: bool,
    /// Its origin.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// The customer's id.
    Id,
    /// A cell of the customer's latest row in a source.
    Row {
        /// The source.
        source: String,
        /// The column's name in the file.
        file_column: String,
        /// The row.
        #[serde(flatten)]
        at: At,
        /// Whether the cell is a bad value and therefore null.
        bad_value: bool,
        /// The row that gave the value, if the newest one has none and the source fills from older rows.
        filled_from: Option<At>,
        /// How many rows of the customer this row replaced.
        beaten_rows: usize,
        /// The newest of these.
        beat: Vec<Beaten>,
    },
    /// Nothing, because the customer is not in the source.
    NoRow {
        /// The source.
        source: String,
    },
    /// All rows of the customer in a source.
    Aggregate {
        /// The source.
        source: String,
        /// The aggregate's SQL.
        expression: String,
        /// The columns of the file that it uses.
        uses: Vec<String>,
        /// How many rows the customer has there.
        rows: usize,
    },
    /// Other columns of the profile.
    Computed {
        /// The column's SQL.
        expression: String,
        /// The columns that it uses, with their values.
        uses: Vec<Used>,
    },
    /// The customer's identifiers of a kind.
    Identifiers,
    /// One of several kept columns.
    OneOf {
        /// How it was picked.
        pick: String,
        /// The columns, with their values.
        uses: Vec<Used>,
    },
    /// A scorecard; see [`Explanation::scores`].
    Score,
    /// Nothing in the inputs: a column that is computed for every profile, such as `sources`.
    BuiltIn,
}

/// A place in the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct At {
    /// The file's name.
    pub file: String,
    /// The physical line where the record starts, from 1.
    pub line: u64,
}

/// A row that was replaced by a later one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Beaten {
    /// The row.
    #[serde(flatten)]
    pub at: At,
    /// Its `latest_by` value.
    pub latest: Value,
    /// Its value for the field.
    pub value: Value,
}

/// A column that an expression uses, and its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Used {
    /// Its name.
    pub column: String,
    /// Its value.
    pub value: Value,
}

/// Why a score has its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reasons {
    /// The score's name.
    pub score: String,
    /// Its value.
    pub value: Value,
    /// Whether it is in the output.
    pub in_output: bool,
    /// Points of every customer before any rule.
    pub base: i64,
    /// All rules, in order.
    pub rules: Vec<PointsRule>,
    /// The base plus the points of the rules that are true.
    pub sum: i64,
    /// Lowest and highest total.
    pub clamp: Option<(i64, i64)>,
    /// The sum, limited by the clamp.
    pub points: i64,
    /// The band of these points.
    pub band: Option<String>,
    /// The band's lowest points; none for the last band.
    pub band_at_least: Option<i64>,
    /// The columns in `needs_any`, at least one of which must be known.
    pub signals: Vec<Used>,
    /// Those of them that are null.
    pub unknown: Vec<String>,
}

/// A rule of a scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PointsRule {
    /// Its condition, in SQL.
    pub when: String,
    /// Points that it adds if it is true.
    pub add: i64,
    /// The reason, as a text.
    pub because: String,
    /// Whether it is true; null if it cannot be known.
    pub holds: Option<bool>,
}

/// What a source has about the customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SourceRows {
    /// The source.
    pub source: String,
    /// Rows of the customer.
    pub rows: usize,
    /// Rows that are in the profile or that an aggregate used.
    pub used: usize,
    /// The column whose greatest value decides which row is the latest.
    pub latest_by: Option<String>,
    /// Its value in the row that is in the profile; none if all rows are used.
    pub latest: Option<Value>,
    /// Where the rows are, file by file.
    pub lines: Vec<Lines>,
    /// The first rows.
    pub first: Vec<At>,
    /// Rejected rows with the customer's id: file, line and reason.
    pub rejected: Vec<String>,
}

/// Rows in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lines {
    /// The file's name.
    pub file: String,
    /// Number of rows.
    pub rows: usize,
    /// Line of the first row.
    pub first_line: u64,
    /// Line of the last row.
    pub last_line: u64,
}
