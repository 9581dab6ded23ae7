//! The profile spec: what a profile is. Parsed and checked here into plain values; pure, no files but the spec's text.
//!
//! The format is contract §4: sources with their columns and row rule, computed columns, scorecards, output columns.

mod aggregates;
mod cast;
mod check;
mod checks;
mod format;
mod functions;
mod operators;
mod raw;
mod score;
mod sql;
mod workings;

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use crate::cell::{CellType, Type};
use crate::error::Result;

pub use aggregates::{How, Reduction};
pub use checks::{Check, CheckRule, Percent, Severity};
pub use format::{Delimiter, Encoding};
pub use score::{Band, Points, Score};
pub use sql::Typed;
pub use workings::rule_column;

pub(crate) use operators::OUT_OF_RANGE;

/// The default profile's spec, compiled in.
pub const DEFAULT_TEXT: &str = include_str!("spec/default.toml");

/// Name of the built-in column that lists the sources that know a customer.
pub const SOURCES: &str = "sources";
/// Name of the built-in column with the profile's idempotency key.
pub const IDEMPOTENCY_KEY: &str = "idempotency_key";
/// Name under which expressions see the run's as-of date.
pub const AS_OF: &str = "as_of";

/// A checked profile spec.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The profile's name.
    pub name: String,
    /// Output name of the id column.
    pub key: String,
    /// Which customers get a profile.
    pub population: Population,
    /// Sources in declared order.
    pub sources: Vec<Source>,
    /// Computed columns in declared order.
    pub computed: Vec<Named>,
    /// Scores in declared order.
    pub scores: Vec<Score>,
    /// Output columns, in order.
    pub output: Vec<OutputColumn>,
    /// What the profiles must satisfy, in declared order.
    pub checks: Vec<Check>,
    /// Whether any expression uses `as_of`.
    pub uses_as_of: bool,
    /// What names the spec in errors: its file, or `default`.
    pub origin: String,
    /// The spec's text, as read.
    pub text: String,
}

/// Which customers get a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Population {
    /// All that any source knows.
    Any,
    /// Those that one of these sources (by index) knows.
    KnownBy(Vec<usize>),
}

/// One source.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// File name patterns, `*` allowed.
    pub files: Vec<String>,
    /// Whether at least one file must exist.
    pub required: bool,
    /// Name of the id column in its files.
    pub key: String,
    /// Encoding of its files, where the spec says.
    pub encoding: Option<Encoding>,
    /// Delimiter in its files, where the spec says.
    pub delimiter: Option<Delimiter>,
    /// Columns that are decoded, id column excluded.
    pub columns: Vec<Column>,
    /// Index into `columns` of the column that orders its rows.
    pub latest_by: Option<usize>,
    /// How its rows become one per customer.
    pub rows: RowRule,
}

/// A decoded column of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Header name.
    pub name: String,
    /// How its text is read.
    pub cell: CellType,
}

/// How a source's rows become one per customer.
#[derive(Debug, Clone)]
pub enum RowRule {
    /// The latest row wins; these of its columns (index, profile name) are kept.
    Latest(Vec<(usize, String)>),
    /// All rows count, through these aggregates.
    Aggregate(Vec<Named>),
}

/// A named, compiled expression.
#[derive(Debug, Clone)]
pub struct Named {
    /// Column name in the profile.
    pub name: String,
    /// The expression and its type.
    pub value: Typed,
}

/// An output column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it is a merged field, which the idempotency key covers: neither a score nor a built-in.
    pub merged: bool,
}

impl Spec {
    /// Parses and checks a spec; `origin` names it in errors.
    ///
    /// # Errors
    /// [`crate::Error::Spec`] with the spec's line for anything contract §4 forbids.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        check::check(text, origin).map_err(|problem| problem.at(text, origin))
    }

    /// The compiled-in default profile.
    ///
    /// # Errors
    /// Never for a released onefold: a test parses it.
    pub fn default_profile() -> Result<Self> {
        Self::parse(DEFAULT_TEXT, "default")
    }

    /// SHA-256 of the spec's text, in hex.
    pub fn sha256(&self) -> String {
        crate::digest::hex(&Sha256::digest(self.text.as_bytes()))
    }

    /// Type of an output column.
    pub fn output_type(&self, name: &str) -> Option<Type> {
        self.output.iter().find(|c| c.name == name).map(|c| c.ty)
    }
}

/// The columns an expression may name, with their types.
pub type Scope = IndexMap<String, Type>;

/// A problem in the spec: where it is, as a byte offset, and what it is.
#[derive(Debug)]
pub(crate) struct Problem {
    offset: Option<usize>,
    message: String,
}

impl Problem {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset: Some(offset), message: message.into() }
    }

    fn at(self, text: &str, origin: &str) -> crate::Error {
        let line = self.offset.map(|o| 1 + text.bytes().take(o).filter(|b| *b == b'\n').count());
        crate::Error::Spec { origin: origin.to_owned(), line, message: self.message }
    }
}

/// `; did you mean ...?` when a known name is close to an unknown one, else nothing.
pub(crate) fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let unknown = unknown.to_lowercase();
    let likeness = |k: &str| strsim::jaro_winkler(&unknown, &k.to_lowercase());
    let closest = known.into_iter().map(|k| (likeness(k), k)).max_by(|a, b| a.0.total_cmp(&b.0));
    match closest {
        Some((likeness, name)) if likeness > 0.8 => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
