//! The profile spec: sources with their columns and row rule, computed columns, scorecards, output columns, checks.
//! Parses and checks its text into plain values; reads no files.

mod cells;
mod check;
mod eval;
pub(crate) mod expr;
pub(crate) mod fields;
pub(crate) mod form;
mod format;
pub(crate) mod identity;
mod ids;
mod limit;
mod raw;
mod rules;
mod score;
mod source;
mod sql;
mod workings;

use std::sync::Arc;

use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::error::Result;
use crate::value::{CellType, IdRule, Type};
use fields::Field;
use form::FileForm;
use identity::{Identity, Links};

pub use format::{Delimiter, Encoding, FileFormat};
pub use limit::Limit;
pub use rules::Severity;
pub(crate) use rules::{Percent, Rule, RuleKind};
pub(crate) use score::{Points, Score};
pub(crate) use sql::{SqlError, Typed};
pub(crate) use workings::points_column;

/// The default profile's spec, compiled in.
pub(crate) const DEFAULT_TEXT: &str = include_str!("spec/default.toml");

/// Name of the built-in column that lists the sources with rows of a customer.
pub(crate) const SOURCES: &str = "sources";
/// Name of the built-in column with the profile's idempotency key.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency_key";
/// The columns that every profile can have without being declared, with their types.
pub(crate) const BUILT_IN: [(&str, Type); 2] = [(SOURCES, Type::Text), (IDEMPOTENCY_KEY, Type::Text)];
/// Name of the run's as-of date in expressions.
pub(crate) const AS_OF: &str = "as_of";

/// A checked profile spec.
#[derive(Debug, Clone)]
pub struct Spec {
    pub(crate) name: String,
    /// Output name of the id column.
    pub(crate) key: String,
    /// Which customers get a profile.
    pub(crate) population: Population,
    /// Whether a warning fails the run.
    pub(crate) strict: bool,
    /// How customers are found when exports share no id.
    pub(crate) identity: Option<Arc<Identity>>,
    /// The file with rates between currencies, in the input folder.
    pub(crate) rates: Option<String>,
    /// Sources in declared order.
    pub(crate) sources: Vec<Arc<Source>>,
    /// Columns that take the value of one of several kept ones, in declared order.
    pub(crate) fields: Vec<Field>,
    /// Whether a table tells where the values of fields come from.
    pub(crate) provenance: bool,
    /// Computed columns in declared order.
    pub(crate) computed: Vec<Named>,
    /// Scores in declared order.
    pub(crate) scores: Vec<Score>,
    /// Output columns, in order.
    pub(crate) output: Vec<OutputColumn>,
    /// The data checks, in declared order.
    pub(crate) rules: Vec<Rule>,
    /// Whether any expression uses `as_of`.
    pub(crate) uses_as_of: bool,
    /// The spec's name in errors: its file, or `default`.
    pub(crate) origin: String,
    /// The spec's text, as read.
    pub(crate) text: String,
}

/// Which customers get a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Population {
    /// Those with rows in any source.
    Any,
    /// Those with rows in at least one of these sources, given by index.
    KnownBy(Vec<usize>),
}

/// A source: its files and what is read from them.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub name: String,
    /// File name patterns, `*` allowed.
    pub files: Vec<String>,
    /// Whether at least one file must exist.
    pub required: bool,
    /// The id column; the first of those with identifiers if the spec has `[identity]`.
    pub key: Column,
    /// The further columns of an id that has several parts.
    pub more_keys: Vec<Column>,
    /// How its ids are read.
    pub id: IdRule,
    /// Where its identifiers are, if the spec has `[identity]`.
    pub links: Option<Links>,
    /// How its files are written.
    pub form: FileForm,
    /// Columns that are decoded, id column excluded.
    pub columns: Vec<Column>,
    /// What its rows must satisfy to count at all.
    pub filter: Option<Filter>,
    /// Index into `columns` of the column that orders its rows.
    pub latest_by: Option<usize>,
    /// Index of the time of day that orders rows of the same `latest_by` day.
    pub latest_time: Option<usize>,
    /// Indexes into `columns` of those whose values a customer has once: of rows with the same ones the last counts.
    pub unique_by: Vec<usize>,
    /// For each of `columns` that is an amount of money, the index of the one with its currency.
    pub money: Vec<(usize, usize)>,
    /// How many bad values a column may have, by its index; no limit for those that are not named.
    pub max_bad: Vec<(usize, Limit)>,
    /// Whether a null in the latest row is filled from the newest older row that has a value.
    pub fill: bool,
    /// How its rows become one per customer.
    pub rows: RowRule,
}

impl Source {
    /// The column whose values decide from which row one is filled: of a currency its amount, if that is kept.
    pub fn decides(&self, column: usize) -> usize {
        let RowRule::Latest(kept) = &self.rows else { return column };
        let amount = self.money.iter().find(|(_, currency)| *currency == column).map(|(amount, _)| *amount);
        amount.filter(|amount| kept.iter().any(|(at, _)| at == amount)).unwrap_or(column)
    }

    /// The type of its newest `latest_by`, if that is a day or has one.
    pub fn newest_is_day(&self) -> Option<Type> {
        Some(self.columns[self.latest_by?].cell.ty).filter(|ty| matches!(ty, Type::Date | Type::Datetime))
    }

    /// The columns that are read: the id's, the declared ones, those of the filter, which can be there twice.
    pub fn all_columns(&self) -> impl Iterator<Item = &Column> {
        let filter = self.filter.iter().flat_map(|filter| &filter.columns);
        let links = self.links.iter().flat_map(|links| &links.columns);
        std::iter::once(&self.key).chain(&self.more_keys).chain(links).chain(&self.columns).chain(filter)
    }

    /// The same, each once.
    pub fn used_columns(&self) -> Vec<&Column> {
        let mut used: Vec<&Column> = Vec::new();
        for column in self.all_columns() {
            if used.iter().all(|known| known.name != column.name) {
                used.push(column);
            }
        }
        used
    }
}

/// A column of a source that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name in the spec.
    pub name: String,
    /// The names that it may have in a file's header, of which a file has one.
    pub headers: Vec<String>,
    /// Whether a file may lack it: then it is null.
    pub optional: bool,
    /// How its text is read.
    pub cell: CellType,
}

/// What a source's rows must satisfy to count.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// The condition, a bool.
    pub condition: Typed,
    /// The columns of the file that it names.
    pub columns: Vec<Column>,
    /// The texts in it that are read as values.
    pub casts: Vec<expr::Expr>,
}

/// How a source's rows become one per customer.
#[derive(Debug, Clone)]
pub(crate) enum RowRule {
    /// The latest row is used; of its columns these are kept, as index and name in the profile.
    Latest(Vec<(usize, String)>),
    /// All rows are used, by these aggregates.
    Aggregate(Vec<Named>),
}

/// A named, compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Named {
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
    /// Whether the idempotency key covers it: true unless it is a score or a built-in column.
    pub merged: bool,
}

impl Spec {
    /// Parses and checks a spec; `origin` names it in errors.
    ///
    /// # Errors
    /// [`crate::Error::Spec`], with the line, when the text is not TOML or not a valid spec: an unknown or repeated
    /// name, a wrong type, an expression that is not allowed.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        check::check(text, origin).map_err(|problem| problem.at(text, origin))
    }

    /// The built-in default profile.
    ///
    /// # Errors
    /// [`crate::Error::Spec`] as [`Self::parse`]; never in a released version, because a test parses this spec.
    pub fn default_profile() -> Result<Self> {
        Self::parse(DEFAULT_TEXT, "default")
    }

    /// The profile's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The spec's text, as read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The output columns, in order.
    pub fn output(&self) -> &[OutputColumn] {
        &self.output
    }

    /// The columns that a source's files must have, the id column first; none if the spec has no such source.
    pub fn columns_of(&self, source: &str) -> Option<Vec<(&str, Type)>> {
        let source = self.sources.iter().find(|known| known.name == source)?;
        let columns = source.columns.iter().map(|column| (column.name.as_str(), column.cell.ty));
        Some(std::iter::once((source.key.name.as_str(), Type::Text)).chain(columns).collect())
    }

    /// The texts that expressions with one value per row read as values, with the expressions' names: those of aggregates are
    /// elsewhere.
    pub(crate) fn casts(&self) -> Vec<(String, Vec<expr::Expr>)> {
        let computed = self.computed.iter().map(|c| (format!("computed.{}", c.name), c.value.expr.casts()));
        let scores = self.scores.iter().map(|s| {
            let casts = s.points.iter().flat_map(|points| points.when.expr.casts()).collect();
            (format!("scores.{}", s.name), casts)
        });
        let rules = self.rules.iter().map(|rule| {
            let casts = rule.kind.condition().map(|condition| condition.expr.casts()).unwrap_or_default();
            (format!("checks.{}", rule.name), casts)
        });
        computed.chain(scores).chain(rules).filter(|(_, casts): &(_, Vec<_>)| !casts.is_empty()).collect()
    }

    /// SHA-256 of the spec's text, in hex.
    pub fn sha256(&self) -> String {
        crate::disk::hex(&Sha256::digest(self.text.as_bytes()))
    }

    /// The type of an output column; none if the output has no such column.
    pub fn output_type(&self, name: &str) -> Option<Type> {
        self.output.iter().find(|c| c.name == name).map(|c| c.ty)
    }
}

/// What an expression may use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Columns with their types.
    pub types: IndexMap<String, Type>,
    /// Those of them that are text because nothing else is said, with the line that would say it.
    pub undeclared: IndexMap<String, String>,
    /// Those of them that are amounts of money, with the column of their currency.
    pub money: IndexMap<String, String>,
    /// Whether the run is given rates between currencies.
    pub has_rates: bool,
}

/// A fault in the spec, and where it is as a byte offset.
#[derive(Debug)]
pub(crate) struct Problem {
    offset: Option<usize>,
    /// Lines from the offset, where an expression begins, down to the fault in it.
    lines_down: u64,
    message: String,
}

impl Problem {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset: Some(offset), lines_down: 0, message: message.into() }
    }

    /// A fault of an expression, on the line where it is.
    fn in_sql(name: &str, sql: &Spanned<String>, error: &SqlError) -> Self {
        let lines_down = error.place.map_or(0, |(line, _)| line.saturating_sub(1));
        Self { lines_down, ..Self::new(sql.span().start, format!("`{name}`: {}", error.fault)) }
    }

    fn at(self, text: &str, origin: &str) -> crate::Error {
        let line = self.offset.map(|offset| {
            let before = text.bytes().take(offset).filter(|b| *b == b'\n').count();
            let quotes = text.get(offset..).unwrap_or_default();
            let long = [r#"""""#, "'''"].iter().find_map(|quote| quotes.strip_prefix(quote));
            // Only a string in three quotes has several lines, and an empty first line does not belong to it.
            let down = long.map_or(0, |rest| self.lines_down as usize + usize::from(rest.starts_with(['\n', '\r'])));
            1 + before + down
        });
        crate::Error::Spec { origin: origin.to_owned(), line, message: self.message }
    }
}

/// `; did you mean ...?` when a known name is similar to the unknown one, else nothing.
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
