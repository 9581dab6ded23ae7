//! Rows and rebuilt profile → explanation. Owns what is said about each kind of column, and how many rows are listed;
//! reads no file.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use serde_json::Value;

use super::FinishedRun;
use super::explanation::{At, Beaten, Explanation, Field, Lines, Origin, SourceRows, Used};
use super::rebuild::{Rebuilt, text};
use super::rows_of::{CustomerRows, SourceHits};
use super::scores::reasons;
use crate::error::{Error, Result};
use crate::spec::identity::Identity;
use crate::spec::{AS_OF, BUILT_IN, RowRule, Source};
use crate::value::{Type, type_of};

/// Most rows that are listed; the others are only counted.
const LISTED: usize = 10;

/// The explanation of the customer's profile.
pub(super) fn compose(
    run: &FinishedRun<'_>,
    customer: &str,
    found: &CustomerRows,
    rebuilt: &Rebuilt,
) -> Result<Explanation> {
    let composing = Composing { run, found, rebuilt };
    let output = run.spec.output.iter().map(|c| (c.name.clone(), true));
    let inner = run.spec.inner_columns().into_iter().map(|(name, _)| (name, false));
    let fields = output.chain(inner).map(|(column, in_output)| composing.field(column, in_output));
    let scores = run.spec.scores.iter().enumerate().map(|(at, score)| reasons(&composing, at, score));
    let sources = run.spec.sources.iter().enumerate().map(|(at, source)| composing.source(at, source));
    Ok(Explanation {
        customer: customer.to_owned(),
        profile: run.spec.name.clone(),
        run_id: run.manifest.run_id.clone(),
        as_of: run.manifest.as_of.clone(),
        fields: fields.collect::<Result<_>>()?,
        scores: scores.collect::<Result<_>>()?,
        sources: sources.filter_map(Result::transpose).collect::<Result<_>>()?,
        identity: None,
    })
}

/// What an explanation is made from.
pub(super) struct Composing<'a> {
    pub run: &'a FinishedRun<'a>,
    pub found: &'a CustomerRows,
    pub rebuilt: &'a Rebuilt,
}

impl Composing<'_> {
    /// A column that an expression uses.
    pub fn used(&self, column: &str) -> Result<Used> {
        let value = match column {
            AS_OF => self.run.manifest.as_of.clone().map_or(Value::Null, Value::String),
            name => json(self.rebuilt.column(name)?, 0)?,
        };
        Ok(Used { column: column.to_owned(), value })
    }

    fn field(&self, column: String, in_output: bool) -> Result<Field> {
        let value = json(self.rebuilt.column(&column)?, 0)?;
        Ok(Field { origin: self.origin(&column)?, column, value, in_output })
    }

    fn origin(&self, name: &str) -> Result<Origin> {
        let spec = self.run.spec;
        if name == spec.key {
            return Ok(Origin::Id);
        }
        if BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
            return Ok(Origin::BuiltIn);
        }
        let kinds = spec.identity.iter().flat_map(|identity| &identity.kinds);
        if kinds.into_iter().any(|kind| Identity::column_of(kind) == name) {
            return Ok(Origin::Identifiers);
        }
        if spec.scores.iter().any(|s| s.name == name) {
            return Ok(Origin::Score);
        }
        if let Some(field) = spec.fields.iter().find(|field| field.name == name) {
            let uses = field.from.iter().map(|from| self.used(&from.name)).collect::<Result<_>>()?;
            return Ok(Origin::OneOf { pick: field.pick.name().to_owned(), uses });
        }
        if let Some(computed) = spec.computed.iter().find(|c| c.name == name) {
            let uses = computed.value.columns.iter().map(|c| self.used(c)).collect::<Result<_>>()?;
            return Ok(Origin::Computed { expression: computed.value.sql.clone(), uses });
        }
        for (at, source) in spec.sources.iter().enumerate() {
            match &source.rows {
                RowRule::Latest(kept) => {
                    if let Some((column, _)) = kept.iter().find(|(_, kept)| kept == name) {
                        return self.of_row(at, source, *column);
                    }
                }
                RowRule::Aggregate(fields) => {
                    if let Some(field) = fields.iter().find(|f| f.name == name) {
                        let (source, expression) = (source.name.clone(), field.value.sql.clone());
                        let uses = field.value.columns.iter().cloned().collect();
                        let rows = self.found.sources[at].rows.len() - self.rebuilt.picked[at].replaced.len();
                        return Ok(Origin::Aggregate { source, expression, uses, rows });
                    }
                }
            }
        }
        Err(Error::Bug(format!("column `{name}` has no origin")))
    }

    fn of_row(&self, at: usize, source: &Source, column: usize) -> Result<Origin> {
        let found = &self.found.sources[at];
        let Some(picked) = self.picked(at) else { return Ok(Origin::NoRow { source: source.name.clone() }) };
        let beat = self.beaten(at, picked);
        let values = &self.rebuilt.rows[at][source.decides(column)];
        let fills = |row: &&usize| values.is_valid(**row) && !self.rebuilt.picked[at].replaced.contains(row);
        let filled = if source.fill && values.is_null(picked) { beat.iter().find(fills) } else { None };
        let listed = beat.iter().take(LISTED).map(|row| {
            let latest = self.latest(at, source, *row)?.unwrap_or(Value::Null);
            Ok(Beaten { at: place(found, *row), latest, value: json(&self.rebuilt.rows[at][column], *row)? })
        });
        Ok(Origin::Row {
            source: source.name.clone(),
            file_column: source.columns[column].name.clone(),
            at: place(found, picked),
            bad_value: found.rows[picked].bad[column],
            filled_from: filled.map(|row| place(found, *row)),
            beaten_rows: beat.len(),
            beat: listed.collect::<Result<_>>()?,
        })
    }

    /// The rows that the picked one replaced, the latest first.
    fn beaten(&self, at: usize, picked: usize) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.found.sources[at].rows.len()).filter(|row| *row != picked).collect();
        let order = &self.rebuilt.picked[at].order;
        rows.sort_by_key(|row| std::cmp::Reverse((order.get(*row), *row)));
        rows
    }

    /// The index among the customer's rows of the one that is in the profile.
    fn picked(&self, at: usize) -> Option<usize> {
        self.rebuilt.picked[at].rows.first().copied().flatten().map(|row| row as usize)
    }

    /// A row's `latest_by` value, if the source has one.
    fn latest(&self, at: usize, source: &Source, row: usize) -> Result<Option<Value>> {
        source.latest_by.map(|column| json(&self.rebuilt.rows[at][column], row)).transpose()
    }

    /// A source's rows of the customer; none if it has none.
    fn source(&self, at: usize, source: &Source) -> Result<Option<SourceRows>> {
        let found = &self.found.sources[at];
        if found.rows.is_empty() && found.rejected.is_empty() {
            return Ok(None);
        }
        let all_count = matches!(source.rows, RowRule::Aggregate(_));
        let latest = match self.picked(at) {
            Some(picked) if !all_count => self.latest(at, source, picked)?,
            _ => None,
        };
        let latest_by = source.latest_by.filter(|_| !all_count).map(|column| source.columns[column].name.clone());
        Ok(Some(SourceRows {
            source: source.name.clone(),
            rows: found.rows.len(),
            used: if all_count {
                found.rows.len() - self.rebuilt.picked[at].replaced.len()
            } else {
                found.rows.len().min(1)
            },
            latest_by,
            latest,
            lines: lines(found),
            first: (0..found.rows.len().min(LISTED)).map(|row| place(found, row)).collect(),
            rejected: found.rejected.clone(),
        }))
    }
}

fn place(found: &SourceHits, row: usize) -> At {
    let (file, line) = found.place(&found.rows[row]);
    At { file: file.to_owned(), line }
}

/// Where rows are, file by file; they are in order.
fn lines(found: &SourceHits) -> Vec<Lines> {
    let in_file = |rows: &[super::rows_of::CustomerRow]| {
        let (first, last) = rows.first().zip(rows.last())?;
        let (file, first_line) = found.place(first);
        Some(Lines { file: file.to_owned(), rows: rows.len(), first_line, last_line: last.line })
    };
    found.rows.chunk_by(|a, b| a.file == b.file).filter_map(in_file).collect()
}

/// A cell as JSON: numbers and bools as such, all others as their text in the CSV.
pub(super) fn json(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let as_text = || Ok(text(array, row)?.map_or(Value::Null, Value::String));
    match type_of(array.data_type()) {
        Some(Type::Int) => Ok(array.as_primitive::<Int64Type>().value(row).into()),
        Some(Type::Float) => Ok(array.as_primitive::<Float64Type>().value(row).into()),
        Some(Type::Bool) => Ok(array.as_boolean().value(row).into()),
        Some(Type::Text | Type::Date | Type::Datetime | Type::Decimal(..)) | None => as_text(),
    }
}
