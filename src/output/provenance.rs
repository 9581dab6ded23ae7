//! `provenance`: for each value that a field of a profile might have taken, where it comes from and whether it won. Owns its
//! columns; decides nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanBuilder, Int64Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::identities::Names;
use crate::error::{Error, Result};
use crate::identity::Of;
use crate::spec::Spec;
use crate::spec::identity::CUSTOMER;

/// The name of the table.
pub const PROVENANCE: &str = "provenance";

/// The index of its column with values.
pub const VALUE: usize = 2;

/// Its columns.
pub fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let texts = [CUSTOMER, "field", "value", "source", "file"].map(text).into_iter();
    let rest = [Field::new("line", DataType::Int64, false), text("at"), Field::new("won", DataType::Boolean, false)];
    Arc::new(Schema::new(texts.chain(rest).collect::<Vec<_>>()))
}

/// One value of a field, as a shard has told it.
struct Told<'a> {
    field: usize,
    won: bool,
    source: u32,
    file: u32,
    line: u64,
    at: &'a str,
    value: &'a str,
}

/// Takes the first value off a text; none at its end.
fn next<'a>(rest: &mut &'a str) -> Option<Told<'a>> {
    let mut number = || {
        let (number, after) = rest.split_once(' ')?;
        *rest = after;
        number.parse::<u64>().ok()
    };
    let (field, _, won, source) = (number()?, number()?, number()?, number()?);
    let (file, line, at, value) = (number()?, number()?, number()? as usize, number()? as usize);
    let told = Told {
        field: field as usize,
        won: won == 1,
        source: source as u32,
        file: file as u32,
        line,
        at: rest.get(..at)?,
        value: rest.get(at..at + value)?,
    };
    *rest = &rest[at + value..];
    Some(told)
}

/// The rows for customers and what was told of their fields.
pub fn provenance(names: &Names, spec: &Spec, ids: &ArrayRef, told: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let mut texts: Vec<StringBuilder> = std::iter::repeat_with(StringBuilder::new).take(6).collect();
    let (mut lines, mut wins) = (Int64Builder::new(), BooleanBuilder::new());
    for (id, told) in ids.as_string::<i32>().iter().zip(told.as_string::<i32>()) {
        let mut rest = told.unwrap_or_default();
        while let Some(Told { field, won, source, file, line, at, value }) = next(&mut rest) {
            let lost = || Error::Bug("a field's value is of no file".into());
            let (source, file) = names.place(Of::Source(source), file).ok_or_else(lost)?;
            let field = spec.fields.get(field).ok_or_else(lost)?;
            let cells = [id.unwrap_or_default(), &field.name, value, source, file, at];
            for (column, text) in texts.iter_mut().zip(cells) {
                column.append_option((!text.is_empty()).then_some(text));
            }
            lines.append_value(line as i64);
            wins.append_value(won);
        }
    }
    let mut columns: Vec<ArrayRef> = texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    columns.insert(5, Arc::new(lines.finish()));
    columns.push(Arc::new(wins.finish()));
    Ok(columns)
}
