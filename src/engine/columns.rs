//! Routed rows → columns: the picked row of each customer, or all rows of a source. Does not decide which row is
//! picked.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, NullBufferBuilder,
    StringArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::OffsetBuffer;

use crate::error::{Error, Result};
use crate::shard::{Layout, RowReader, damaged};
use crate::spec::Source;
use crate::value::{Type, arrow_type};

/// The kept columns of a source, by their name in the profile: for each customer the picked row's values, or nulls if
/// the source has no row of the customer.
pub(super) fn gather(
    source: &Source,
    kept: &[(usize, String)],
    layout: &Layout,
    cells: &[RowReader<'_>],
    picked: &[Option<u32>],
) -> Result<HashMap<String, ArrayRef>> {
    let mut columns = Columns::new(layout, |column| kept.iter().any(|(i, _)| *i == column), picked.len());
    for row in picked {
        match row {
            Some(row) => columns.push(cells[*row as usize])?,
            None => columns.push_nulls(),
        }
    }
    let arrays = columns.finish(source)?;
    let array = |column: &usize| arrays.get(column).cloned().ok_or_else(|| Error::Bug("a kept column is lost".into()));
    kept.iter().map(|(column, name)| Ok((name.clone(), array(column)?))).collect()
}

/// Some columns of a source, filled row by row.
pub(super) struct Columns {
    /// For each declared column up to the last that is wanted: its values, or its type, to skip it.
    steps: Vec<Step>,
}

enum Step {
    Keep(Values),
    Skip(Type),
}

impl Columns {
    pub fn new(layout: &Layout, wanted: impl Fn(usize) -> bool, rows: usize) -> Self {
        let end = (0..layout.types.len()).rev().find(|i| wanted(*i)).map_or(0, |last| last + 1);
        let step = |(i, ty)| if wanted(i) { Step::Keep(Values::new(ty, rows)) } else { Step::Skip(ty) };
        Self { steps: layout.types[..end].iter().copied().enumerate().map(step).collect() }
    }

    /// Adds a row, read from its first declared column on.
    #[inline]
    pub fn push(&mut self, mut row: RowReader<'_>) -> Result<()> {
        let mut step = |step: &mut Step| match step {
            Step::Keep(values) => values.push(&mut row),
            Step::Skip(ty) => row.skip(*ty),
        };
        self.steps.iter_mut().try_for_each(&mut step).ok_or_else(damaged)
    }

    pub fn push_nulls(&mut self) {
        for step in &mut self.steps {
            if let Step::Keep(values) = step {
                values.push_null();
            }
        }
    }

    /// Bytes of text in the column that has most.
    pub fn most_text(&self) -> usize {
        let text = |step: &Step| match step {
            Step::Keep(Values::Text(texts)) => texts.bytes.len(),
            _ => 0,
        };
        self.steps.iter().map(text).max().unwrap_or(0)
    }

    /// The columns, by their index among the declared ones.
    pub fn finish(self, source: &Source) -> Result<HashMap<usize, ArrayRef>> {
        let mut arrays = HashMap::new();
        for (at, step) in self.steps.into_iter().enumerate() {
            if let Step::Keep(values) = step {
                let column = source.columns.get(at).map_or("", |column| column.name.as_str());
                let source = &source.name;
                let array = values.finish().map_err(|e| e.of(&format!("column `{column}` of source `{source}`")));
                arrays.insert(at, array?);
            }
        }
        Ok(arrays)
    }
}

/// Why values cannot become a column.
#[derive(Debug)]
pub(super) enum Unfit {
    Long,
    Damaged,
}

impl Unfit {
    pub fn of(&self, column: &str) -> Error {
        match self {
            Self::Long => {
                Error::Build(format!("{column} holds more than 2 GiB of text in one shard: use more --shards"))
            }
            Self::Damaged => damaged(),
        }
    }
}

enum Values {
    Text(Texts),
    Int(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Datetime(TimestampMicrosecondBuilder),
}

/// Texts as bytes, which are checked for UTF-8 once, at the end.
pub(super) struct Texts {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
    valid: NullBufferBuilder,
}

impl Values {
    fn new(ty: Type, rows: usize) -> Self {
        match ty {
            Type::Int => Self::Int(Int64Builder::with_capacity(rows)),
            Type::Float => Self::Float(Float64Builder::with_capacity(rows)),
            Type::Decimal(..) => Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(arrow_type(ty))),
            Type::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            Type::Date => Self::Date(Date32Builder::with_capacity(rows)),
            Type::Datetime => {
                Self::Datetime(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(arrow_type(ty)))
            }
            Type::Text => Self::Text(Texts::new(rows)),
        }
    }

    #[inline]
    fn push(&mut self, row: &mut RowReader<'_>) -> Option<()> {
        match self {
            Self::Text(texts) => texts.push(row.text()?),
            Self::Int(values) => values.append_option(row.int()?),
            Self::Float(values) => values.append_option(row.float()?),
            Self::Decimal(values) => values.append_option(row.decimal()?),
            Self::Bool(values) => values.append_option(row.bool()?),
            // Dates have years 1 to 9999.
            Self::Date(values) => values.append_option(row.int()?.map(|days| days as i32)),
            Self::Datetime(values) => values.append_option(row.int()?),
        }
        Some(())
    }

    fn push_null(&mut self) {
        match self {
            Self::Text(texts) => texts.push(None),
            Self::Int(values) => values.append_null(),
            Self::Float(values) => values.append_null(),
            Self::Decimal(values) => values.append_null(),
            Self::Bool(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Datetime(values) => values.append_null(),
        }
    }

    fn finish(self) -> std::result::Result<ArrayRef, Unfit> {
        Ok(match self {
            Self::Text(texts) => return texts.finish(),
            Self::Int(mut values) => Arc::new(values.finish()),
            Self::Float(mut values) => Arc::new(values.finish()),
            Self::Decimal(mut values) => Arc::new(values.finish()),
            Self::Bool(mut values) => Arc::new(values.finish()),
            Self::Date(mut values) => Arc::new(values.finish()),
            Self::Datetime(mut values) => Arc::new(values.finish()),
        })
    }
}

impl Texts {
    pub fn new(rows: usize) -> Self {
        // 12 bytes per text: most texts of an export are words, ids and names.
        let (bytes, lengths) = (Vec::with_capacity(rows * 12), Vec::with_capacity(rows));
        Self { bytes, lengths, valid: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub fn push(&mut self, text: Option<&[u8]>) {
        self.valid.append(text.is_some());
        let text = text.unwrap_or_default();
        self.bytes.extend_from_slice(text);
        self.lengths.push(text.len());
    }

    pub fn finish(mut self) -> std::result::Result<ArrayRef, Unfit> {
        i32::try_from(self.bytes.len()).map_err(|_| Unfit::Long)?;
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        let texts = StringArray::try_new(offsets, self.bytes.into(), self.valid.finish());
        Ok(Arc::new(texts.map_err(|_| Unfit::Damaged)?))
    }
}
