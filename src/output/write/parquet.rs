//! A table as Parquet: zstd, fixed row groups, statistics and page index, sorted by its first column, with a Bloom filter for
//! its key.
//! Owns the file's properties; changes no profile.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use xxhash_rust::xxh3::xxh3_128;

use super::file::OutputFile;
use super::{SinkOptions, TableShape};
use crate::error::{Error, Result};
use crate::output::manifest::OutputRecord;
use crate::shard::parts::ROW_GROUP;
use crate::value::Cells;

/// Rows that decide a column's encoding.
const SAMPLE: usize = 4096;

/// Bytes that are collected before they are passed to the writing thread.
const HAND_OVER: usize = 1 << 20;

/// The Parquet file being written.
pub(super) struct ParquetSink {
    schema: SchemaRef,
    writer: SerializedFileWriter<Gather>,
    factory: ArrowRowGroupWriterFactory,
    row_groups: usize,
}

impl ParquetSink {
    /// Creates the file; the columns of the first row group decide how columns are encoded.
    pub fn create(folder: &Path, shape: TableShape<'_>, options: &SinkOptions, first: &[ArrayRef]) -> Result<Self> {
        let TableShape { name, schema, .. } = shape;
        let file = OutputFile::create(folder, &format!("{name}.parquet"))?;
        let file = Gather { file: Some(file), buffer: Vec::new(), failure: None };
        let root = ArrowSchemaConverter::new().schema_root(name).convert(schema).map_err(bug)?.root_schema_ptr();
        let writer = SerializedFileWriter::new(file, root, properties(shape, options, first)).map_err(bug)?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, schema.clone());
        Ok(Self { schema: schema.clone(), writer, factory, row_groups: 0 })
    }

    /// The jobs that encode the columns of the row group that comes behind `before` others, in order of column.
    pub fn jobs<'a>(
        &'a self,
        columns: &'a [ArrayRef],
        before: usize,
    ) -> Result<Vec<impl FnOnce() -> Result<ArrowColumnChunk> + Send + 'a>> {
        let writers = self.factory.create_column_writers(self.row_groups + before).map_err(bug)?;
        let jobs = writers.into_iter().zip(self.schema.fields()).zip(columns);
        Ok(jobs.map(|((writer, field), array)| move || encode(writer, field, array).map_err(bug)).collect())
    }

    /// Appends an encoded row group.
    pub fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<()> {
        let append = |writer: &mut SerializedFileWriter<Gather>| {
            let mut row_group = writer.next_row_group()?;
            chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut row_group))?;
            row_group.close().map(drop)
        };
        self.row_groups += 1;
        append(&mut self.writer).map_err(|e| self.failed(e))
    }

    /// Writes the footer and syncs the file.
    pub fn finish(mut self, rows: u64) -> Result<OutputRecord> {
        self.writer.finish().map_err(|e| self.failed(e))?;
        let gather = self.writer.inner_mut();
        gather.hand_over();
        match (gather.failure.take(), gather.file.take()) {
            (Some(failure), _) => Err(failure),
            (None, Some(file)) => file.finish(rows),
            (None, None) => Err(Error::Bug("the Parquet file was finished twice".into())),
        }
    }

    /// The cause of a failed write: the disk's error, if there is one.
    fn failed(&mut self, error: ParquetError) -> Error {
        self.writer.inner_mut().failure.take().unwrap_or_else(|| bug(error))
    }
}

fn encode(
    mut writer: ArrowColumnWriter,
    field: &FieldRef,
    array: &ArrayRef,
) -> std::result::Result<ArrowColumnChunk, ParquetError> {
    for leaf in compute_leaves(field, array)? {
        writer.write(&leaf)?;
    }
    writer.close()
}

fn properties(shape: TableShape<'_>, options: &SinkOptions, first: &[ArrayRef]) -> WriterPropertiesPtr {
    let TableShape { schema, key, .. } = shape;
    let id = ColumnPath::from(schema.field(key).name().as_str());
    let metadata = options.metadata.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_key_value_metadata(Some(metadata))
        .set_column_bloom_filter_enabled(id.clone(), true)
        .set_column_bloom_filter_max_ndv(id, ROW_GROUP as u64);
    for (field, column) in schema.fields().iter().zip(first) {
        if mostly_distinct(column) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
        }
    }
    Arc::new(properties.build())
}

/// Whether a dictionary would be useless, because most of the first rows have different values.
fn mostly_distinct(column: &ArrayRef) -> bool {
    let rows = column.len().min(SAMPLE);
    let Ok(cells) = Cells::new(column) else { return false };
    let (mut seen, mut text) = (HashSet::new(), Vec::new());
    let mut count = 0;
    for row in (0..rows).filter(|row| !cells.is_null(*row)) {
        text.clear();
        cells.write(row, &mut text);
        // Hashes, because texts may be huge.
        seen.insert(xxh3_128(&text));
        count += 1;
    }
    count > 0 && seen.len() * 4 > count * 3
}

/// Collects the writer's small writes into large ones for the writing thread.
struct Gather {
    /// None after the end.
    file: Option<OutputFile>,
    buffer: Vec<u8>,
    failure: Option<Error>,
}

impl Gather {
    fn hand_over(&mut self) {
        let part = std::mem::take(&mut self.buffer);
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.write(part)) {
            self.failure.get_or_insert(error);
        }
    }
}

impl Write for Gather {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= HAND_OVER {
            self.hand_over();
        }
        match self.failure {
            Some(_) => Err(io::Error::other("the file's writer failed")),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn bug(error: ParquetError) -> Error {
    Error::Bug(format!("parquet: {error}"))
}
