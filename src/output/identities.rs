//! `identities` and `refused`: which identifiers a customer has and how each came to it, and which join nothing. Owns their
//! columns; decides nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::identity::{Line, Lines, Of, RefusedLine, State, rule_names};
use crate::spec::identity::{CUSTOMER, Identity};

/// The name of the table of identifiers.
pub const IDENTITIES: &str = "identities";
/// The name of the table of refused identifiers.
pub const REFUSED: &str = "refused";

/// What the numbers in lines mean.
#[derive(Debug)]
pub struct Names {
    kinds: Vec<String>,
    rules: Vec<String>,
    maps: Vec<String>,
    /// Each source with its files.
    sources: Vec<(String, Vec<String>)>,
}

impl Names {
    pub fn new(identity: &Identity, sources: Vec<(String, Vec<String>)>) -> Self {
        Self {
            kinds: identity.kinds.iter().map(|kind| kind.name.clone()).collect(),
            rules: rule_names(identity),
            maps: identity.maps.iter().map(|map| map.file.clone()).collect(),
            sources,
        }
    }

    /// Source and file of a place; a map has no source.
    pub fn place(&self, of: Of, file: u32) -> Option<(&str, &str)> {
        match of {
            Of::Map(map) => self.maps.get(map as usize).map(|file| ("", file.as_str())),
            Of::Source(source) => {
                let (name, files) = self.sources.get(source as usize)?;
                Some((name.as_str(), files.get(file as usize)?.as_str()))
            }
        }
    }
}

/// The columns of `identities`.
pub fn identities_schema() -> SchemaRef {
    schema(&[CUSTOMER, "kind", "value", "state", "rule", "via", "source", "file"], &["line"])
}

/// The columns of `refused`.
pub fn refused_schema() -> SchemaRef {
    let texts = |names: &[&str]| names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>();
    let rows = Field::new("rows", DataType::Int64, false);
    let line = Field::new("line", DataType::Int64, false);
    let rest = texts(&["customers", "source", "file"]);
    let all = texts(&["kind", "value", "reason"]).into_iter().chain([rows]).chain(rest).chain([line]);
    Arc::new(Schema::new(all.collect::<Vec<_>>()))
}

fn schema(texts: &[&str], numbers: &[&str]) -> SchemaRef {
    let texts = texts.iter().map(|name| Field::new(*name, DataType::Utf8, true));
    let numbers = numbers.iter().map(|name| Field::new(*name, DataType::Int64, false));
    Arc::new(Schema::new(texts.chain(numbers).collect::<Vec<_>>()))
}

/// Rows while they are collected.
#[derive(Default)]
struct Draft {
    texts: Vec<StringBuilder>,
    numbers: Vec<Int64Builder>,
}

impl Draft {
    fn new(texts: usize, numbers: usize) -> Self {
        Self {
            texts: std::iter::repeat_with(StringBuilder::new).take(texts).collect(),
            numbers: std::iter::repeat_with(Int64Builder::new).take(numbers).collect(),
        }
    }

    fn push(&mut self, texts: &[&str], numbers: &[u64]) {
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option((!text.is_empty()).then_some(text));
        }
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.append_value(*number as i64);
        }
    }
}

/// The rows of `identities` for customers and how their identifiers came to them.
pub fn identities(names: &Names, ids: &ArrayRef, lines: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let mut draft = Draft::new(8, 1);
    let mut via = String::new();
    for (id, lines) in ids.as_string::<i32>().iter().zip(lines.as_string::<i32>()) {
        for line in Lines(lines.unwrap_or_default()) {
            let Line { kind, value, state, rule, of, file, line: number, .. } = line;
            via.clear();
            if let Some((kind, value)) = line.via {
                via.extend([names.kinds[kind].as_str(), ":", value]);
            }
            let rule = &names.rules[rule.map_or(0, |rule| usize::from(rule) + 1)];
            let state = match state {
                State::Id => "id",
                State::Merged => "merged",
            };
            let (source, file) = names.place(of, file).ok_or_else(|| Error::Bug("a line is of no file".into()))?;
            let texts = [id.unwrap_or_default(), &names.kinds[kind], value, state, rule, &via, source, file];
            draft.push(&texts, &[number]);
        }
    }
    let texts = draft.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
    let numbers = draft.numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
    Ok(texts.chain(numbers).collect())
}

/// The rows of `refused`.
pub fn refused(names: &Names, lines: &[RefusedLine]) -> Result<Vec<ArrayRef>> {
    let mut draft = Draft::new(6, 2);
    for line in lines {
        let RefusedLine { kind, value, reason, rows, customers, source, file, line } = line;
        let (source, file) =
            names.place(Of::Source(*source), *file).ok_or_else(|| Error::Bug("a line is of no file".into()))?;
        draft.push(&[kind, value, reason.name(), customers, source, file], &[*rows, *line]);
    }
    let mut columns: Vec<ArrayRef> =
        draft.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    let mut numbers = draft.numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
    columns.splice(3..3, numbers.next());
    columns.extend(numbers);
    Ok(columns)
}
