//! The explanation as plain data: each field with where it came from, each score with its reasons. Owns its form; serde
//! only.

use serde::Serialize;
use serde_json::Value;

/// Why a customer's profile is what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The customer's id.
    pub customer: String,
    /// Name of the profile spec.
    pub profile: String,
    /// The run that made the profile.
    pub run_id: String,
    /// The run's as-of date.
    pub as_of: Option<String>,
    /// The output columns in order, then the columns that stay inside.
    pub fields: Vec<Field>,
    /// The scores in declared order.
    pub scores: Vec<Reasons>,
    /// The sources that were read, in declared order.
    pub sources: Vec<SourceRows>,
}

/// A column's value and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Its name.
    pub column: String,
    /// Its value: a number, a bool, null, or the text that the CSV has.
    pub value: Value,
    /// Whether the output lists it.
    pub in_output: bool,
    /// Where it came from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a value came from.
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
        /// Whether the cell did not parse, and so is null.
        bad_value: bool,
        /// How many older rows the row beat.
        beaten_rows: usize,
        /// The newest of these.
        beat: Vec<Beaten>,
    },
    /// Nothing: the source does not know the customer.
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
        /// The columns of the file that it names.
        uses: Vec<String>,
        /// How many rows it counted.
        rows: usize,
    },
    /// Other columns of the profile.
    Computed {
        /// The column's SQL.
        expression: String,
        /// The columns that it names, with their values.
        uses: Vec<Used>,
    },
    /// A scorecard: see the explanation's scores.
    Score,
    /// The sources that know the customer.
    Sources,
    /// A fingerprint of the merged fields.
    IdempotencyKey,
}

/// A place in the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct At {
    /// The file's name.
    pub file: String,
    /// The physical line where the record starts, from 1.
    pub line: u64,
}

/// A row that a later one beat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beaten {
    /// The row.
    #[serde(flatten)]
    pub at: At,
    /// Its `latest_by` value.
    pub latest: Value,
    /// Its value of the field.
    pub value: Value,
}

/// A column that an expression names, and its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Used {
    /// Its name.
    pub column: String,
    /// Its value.
    pub value: Value,
}

/// Why a score is what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reasons {
    /// The score's name.
    pub score: String,
    /// Its value.
    pub value: Value,
    /// Whether the output lists it.
    pub in_output: bool,
    /// Points everyone starts with.
    pub base: i64,
    /// All rules, in order.
    pub rules: Vec<Rule>,
    /// The base and the points of the rules that hold.
    pub sum: i64,
    /// Lowest and highest total.
    pub clamp: Option<(i64, i64)>,
    /// The sum, clamped.
    pub points: i64,
    /// The band that the points fall into.
    pub band: Option<String>,
    /// The band's lowest points; none for the last band.
    pub band_at_least: Option<i64>,
    /// Its signals, of which one must be known.
    pub signals: Vec<Used>,
    /// Those of them that are null.
    pub unknown: Vec<String>,
}

/// A rule of a scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its condition, in SQL.
    pub when: String,
    /// Points it adds where it holds.
    pub add: i64,
    /// Why, in words.
    pub because: String,
    /// Whether it holds; null when a signal in it is unknown.
    pub holds: Option<bool>,
}

/// What a source holds of the customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceRows {
    /// The source.
    pub source: String,
    /// Rows of the customer.
    pub rows: usize,
    /// Those that the profile holds or that an aggregate counted.
    pub used: usize,
    /// The column whose greatest value decides which row is the latest.
    pub latest_by: Option<String>,
    /// Its value in the row that the profile holds; none where all rows count.
    pub latest: Option<Value>,
    /// Where the rows are, file by file.
    pub lines: Vec<Lines>,
    /// The first of them.
    pub first: Vec<At>,
    /// Rejected rows that bear the customer's id: file, line and reason.
    pub rejected: Vec<String>,
}

/// Rows in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// The file's name.
    pub file: String,
    /// How many.
    pub rows: usize,
    /// Line of the first.
    pub first_line: u64,
    /// Line of the last.
    pub last_line: u64,
}
