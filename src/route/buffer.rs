//! Rows waiting for their shard: typed arrow columns, in input order. Owns how they are grown, kept and handed over.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    RecordBatch, RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::hash::shard_of;
use crate::cell::{Type, Value};
use crate::error::{Error, Result};
use crate::source::RowSink;

/// Text of one column that is put into one array: its offsets are 32-bit.
const TEXT_PER_ARRAY: usize = 1 << 30;

/// The rows that one thread routed from a source, by shard, with the cuts between its blocks.
///
/// They grow over all blocks of the thread, in few large pieces: a finished shard then gives back whole pieces of
/// memory, where small ones of many shards would share pages and keep each other alive.
#[derive(Debug)]
pub struct Routed<P> {
    schema: SchemaRef,
    shards: Vec<ShardRows<P>>,
    /// The shard of the row that is being put.
    current: usize,
}

/// Growing rows of one shard: the id first, then the declared columns.
#[derive(Debug)]
struct ShardRows<P> {
    columns: Vec<Builder>,
    /// Place of each block in the source, and the rows up to its end.
    cuts: Vec<(P, usize)>,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Datetime(TimestampMicrosecondBuilder),
}

impl<P: Ord + Copy> Routed<P> {
    /// Empty, for columns of these types; `rows` is a guess of how many will come.
    pub fn new(types: &[Type], shards: usize, rows: usize) -> Self {
        let rows = rows / shards + 8;
        let schema = schema(types);
        let columns = || schema.fields().iter().map(|f| Builder::new(f.data_type(), rows)).collect();
        let shards = (0..shards).map(|_| ShardRows { columns: columns(), cuts: Vec::new() }).collect();
        Self { shards, schema, current: 0 }
    }

    /// Ends a block that stands at this place in the source.
    pub fn end_block(&mut self, place: P) {
        for shard in &mut self.shards {
            let rows = shard.columns[0].len();
            if shard.cuts.last().map_or(0, |cut| cut.1) < rows {
                shard.cuts.push((place, rows));
            }
        }
    }
}

impl<P: Ord + Copy> ShardRows<P> {
    /// The rows, block by block, with each block's place.
    fn finish(self, schema: &SchemaRef) -> Result<Vec<(P, RecordBatch)>> {
        let columns = self.columns.into_iter().map(Builder::finish).collect();
        let rows = RecordBatch::try_new(schema.clone(), columns).map_err(bug)?;
        let starts = std::iter::once(0).chain(self.cuts.iter().map(|cut| cut.1));
        Ok(starts.zip(&self.cuts).map(|(start, (place, end))| (*place, rows.slice(start, end - start))).collect())
    }
}

impl<P> RowSink for Routed<P> {
    fn begin(&mut self, id: &str) {
        self.current = shard_of(id, self.shards.len());
        self.shards[self.current].columns[0].put(Value::Text(id));
    }

    fn put(&mut self, column: usize, value: Value<'_>) {
        self.shards[self.current].columns[column + 1].put(value);
    }
}

impl Builder {
    fn new(ty: &DataType, rows: usize) -> Self {
        match ty {
            DataType::Int64 => Self::Int(Int64Builder::with_capacity(rows)),
            DataType::Float64 => Self::Float(Float64Builder::with_capacity(rows)),
            DataType::Decimal128(..) => {
                Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(ty.clone()))
            }
            DataType::Boolean => Self::Bool(BooleanBuilder::with_capacity(rows)),
            DataType::Date32 => Self::Date(Date32Builder::with_capacity(rows)),
            DataType::Timestamp(..) => Self::Datetime(TimestampMicrosecondBuilder::with_capacity(rows)),
            // 12 bytes: most texts of an export are words, ids and names.
            _ => Self::Text(StringBuilder::with_capacity(rows, rows * 12)),
        }
    }

    fn put(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(b), Value::Text(v)) => b.append_value(v),
            (Self::Int(b), Value::Int(v)) => b.append_value(v),
            (Self::Float(b), Value::Float(v)) => b.append_value(v),
            (Self::Decimal(b), Value::Decimal(v)) => b.append_value(v),
            (Self::Bool(b), Value::Bool(v)) => b.append_value(v),
            (Self::Date(b), Value::Date(v)) => b.append_value(v),
            (Self::Datetime(b), Value::Datetime(v)) => b.append_value(v),
            (Self::Text(b), _) => b.append_null(),
            (Self::Int(b), _) => b.append_null(),
            (Self::Float(b), _) => b.append_null(),
            (Self::Decimal(b), _) => b.append_null(),
            (Self::Bool(b), _) => b.append_null(),
            (Self::Date(b), _) => b.append_null(),
            (Self::Datetime(b), _) => b.append_null(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(b) => b.len(),
            Self::Int(b) => b.len(),
            Self::Float(b) => b.len(),
            Self::Decimal(b) => b.len(),
            Self::Bool(b) => b.len(),
            Self::Date(b) => b.len(),
            Self::Datetime(b) => b.len(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut b) => ArrayBuilder::finish(&mut b),
            Self::Int(mut b) => ArrayBuilder::finish(&mut b),
            Self::Float(mut b) => ArrayBuilder::finish(&mut b),
            Self::Decimal(mut b) => ArrayBuilder::finish(&mut b),
            Self::Bool(mut b) => ArrayBuilder::finish(&mut b),
            Self::Date(mut b) => ArrayBuilder::finish(&mut b),
            Self::Datetime(mut b) => ArrayBuilder::finish(&mut b),
        }
    }
}

fn schema(types: &[Type]) -> SchemaRef {
    let fields = std::iter::once(Type::Text).chain(types.iter().copied()).enumerate();
    Arc::new(Schema::new(fields.map(|(i, ty)| Field::new(i.to_string(), buffer_type(ty), true)).collect::<Vec<_>>()))
}

/// The arrow type of a waiting column: the profile's, but datetimes without a zone.
fn buffer_type(ty: Type) -> DataType {
    match crate::interop::arrow_type(ty) {
        DataType::Timestamp(unit, _) => DataType::Timestamp(unit, None),
        other => other,
    }
}

/// All routed rows, by shard and source, in input order.
#[derive(Debug)]
pub struct ShardBuffers {
    schemas: Vec<SchemaRef>,
    shards: Vec<Vec<Vec<RecordBatch>>>,
}

/// One shard's rows: per source a batch, or several where one array could not hold the text.
#[derive(Debug, Clone)]
pub struct ShardInput {
    /// Per source, its rows in input order; column 0 is the id.
    pub sources: Vec<Vec<RecordBatch>>,
}

impl ShardBuffers {
    /// Empty, for sources with columns of these types.
    pub fn new(sources: &[Vec<Type>], shards: usize) -> Self {
        let schemas = sources.iter().map(|types| schema(types)).collect();
        Self { schemas, shards: vec![vec![Vec::new(); sources.len()]; shards] }
    }

    /// Takes all rows of a source, from however many threads; the blocks' places put them in input order.
    ///
    /// # Errors
    /// [`Error::Bug`] when columns differ in length.
    pub fn add<P: Ord + Copy>(&mut self, source: usize, routed: Vec<Routed<P>>) -> Result<()> {
        let mut threads: Vec<_> = routed.into_iter().map(|r| (r.schema, r.shards.into_iter())).collect();
        for shard in &mut self.shards {
            let mut blocks = Vec::new();
            for (schema, shards) in &mut threads {
                if let Some(rows) = shards.next() {
                    blocks.extend(rows.finish(schema)?);
                }
            }
            blocks.sort_by_key(|(place, _)| *place);
            shard[source].extend(blocks.into_iter().map(|(_, rows)| rows));
        }
        Ok(())
    }

    /// The shards, from 0.
    pub fn into_shards(self) -> impl Iterator<Item = ShardInput> {
        let schemas = self.schemas;
        self.shards.into_iter().map(move |mut sources| {
            for (batches, schema) in sources.iter_mut().zip(&schemas) {
                if batches.is_empty() {
                    let options = RecordBatchOptions::new().with_row_count(Some(0));
                    let empty = schema.fields().iter().map(|f| arrow::array::new_empty_array(f.data_type())).collect();
                    batches.extend(RecordBatch::try_new_with_options(schema.clone(), empty, &options));
                }
            }
            ShardInput { sources }
        })
    }
}

impl ShardInput {
    /// The same rows in as few batches as can hold them.
    ///
    /// # Errors
    /// [`Error::Bug`] when batches of one source differ in type.
    pub fn contiguous(&self) -> Result<Self> {
        let sources = self.sources.iter().map(|batches| {
            let mut groups: Vec<RecordBatch> = Vec::new();
            let mut from = 0;
            let mut bytes = 0;
            for (i, batch) in batches.iter().enumerate() {
                let size = text_bytes(batch);
                if bytes + size > TEXT_PER_ARRAY && i > from {
                    groups.push(concat_batches(&batch.schema(), &batches[from..i]).map_err(bug)?);
                    (from, bytes) = (i, 0);
                }
                bytes += size;
            }
            if let Some(first) = batches.first() {
                groups.push(concat_batches(&first.schema(), &batches[from..]).map_err(bug)?);
            }
            Ok(groups)
        });
        Ok(Self { sources: sources.collect::<Result<_>>()? })
    }
}

/// Bytes of the text columns of a batch.
fn text_bytes(batch: &RecordBatch) -> usize {
    let texts = batch.columns().iter().filter_map(|c| c.as_string_opt::<i32>());
    texts
        .map(|t| {
            t.value_offsets().last().zip(t.value_offsets().first()).map_or(0, |(end, start)| (end - start) as usize)
        })
        .sum()
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::Bug(format!("shard buffers: {error}"))
}
