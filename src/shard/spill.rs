//! Routed rows on disk: Arrow IPC files with a record batch for each shard. Owns their format; keeps no file after the
//! run.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, LargeBinaryArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;

use super::buffer::{Place, Segments};
use super::shards::damaged;
use crate::disk;
use crate::error::{Error, Result};

/// One thread's spill files.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    thread: usize,
    /// Bytes of rows that the thread may hold in memory.
    pub limit: u64,
    files: Vec<SpillFile>,
}

/// One spill file: batch `n` holds rows of shard `n`.
#[derive(Debug)]
pub(super) struct SpillFile {
    path: PathBuf,
    /// Bytes of each shard's rows.
    shards: Vec<u64>,
}

impl Spill {
    pub fn new(folder: &Path, thread: usize, limit: u64) -> Self {
        Self { folder: folder.to_owned(), thread, limit, files: Vec::new() }
    }

    /// Writes the rows of every shard, from 0, to the next file; `bytes` is their size in all.
    pub fn write(&mut self, bytes: u64, shards: impl Iterator<Item = Segments>) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::working("create", &self.folder, e))?;
        disk::require(&self.folder, bytes, "storing the rows that exceed --memory-limit")?;
        let path = self.folder.join(format!("{}-{}.arrow", self.thread, self.files.len()));
        let failed = |e| Error::ipc("write", &path, e);
        let file = File::create(&path).map_err(|e| Error::working("create", &path, e))?;
        let schema = schema();
        let mut writer = FileWriter::try_new(BufWriter::with_capacity(1 << 20, file), &schema).map_err(failed)?;
        let mut sizes = Vec::new();
        for rows in shards {
            sizes.push(rows.iter().map(|(_, rows)| rows.len() as u64).sum());
            writer.write(&batch(&schema, &rows).map_err(failed)?).map_err(failed)?;
        }
        writer.finish().map_err(failed)?;
        self.files.push(SpillFile { shards: sizes, path });
        Ok(())
    }

    pub fn into_files(self) -> Vec<SpillFile> {
        self.files
    }
}

impl SpillFile {
    /// Bytes of all rows.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().sum()
    }

    pub fn bytes_of(&self, shard: usize) -> u64 {
        self.shards.get(shard).copied().unwrap_or(0)
    }

    /// The rows of a shard, by place.
    pub fn read(&self, shard: usize) -> Result<Segments> {
        if self.bytes_of(shard) == 0 {
            return Ok(Vec::new());
        }
        let failed = |e| Error::ipc("read", &self.path, e);
        let file = File::open(&self.path).map_err(|e| Error::working("open", &self.path, e))?;
        let mut reader = FileReader::try_new(file, None).map_err(failed)?;
        reader.set_index(shard).map_err(failed)?;
        let batch = reader.next().ok_or_else(damaged)?.map_err(failed)?;
        let [sources, files, blocks, rows] = batch.columns() else { return Err(damaged()) };
        let places = sources.as_primitive_opt::<UInt32Type>().zip(files.as_primitive_opt::<UInt32Type>());
        let places = places.zip(blocks.as_primitive_opt::<UInt64Type>()).zip(rows.as_binary_opt::<i64>());
        let (((sources, files), blocks), rows) = places.ok_or_else(damaged)?;
        let slice = |row: usize| {
            let (from, to) = (rows.value_offsets()[row] as usize, rows.value_offsets()[row + 1] as usize);
            rows.values().slice_with_length(from, to - from)
        };
        Ok((0..batch.num_rows()).map(|i| ((sources.value(i), files.value(i), blocks.value(i)), slice(i))).collect())
    }
}

fn schema() -> SchemaRef {
    let field = |name: &str, ty| Field::new(name, ty, false);
    Arc::new(Schema::new(vec![
        field("source", DataType::UInt32),
        field("file", DataType::UInt32),
        field("block", DataType::UInt64),
        field("rows", DataType::LargeBinary),
    ]))
}

fn batch(schema: &SchemaRef, rows: &[(Place, Buffer)]) -> std::result::Result<RecordBatch, ArrowError> {
    let mut bytes = Vec::with_capacity(rows.iter().map(|(_, rows)| rows.len()).sum());
    rows.iter().for_each(|(_, rows)| bytes.extend_from_slice(rows));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|(_, rows)| rows.len()));
    RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(place, _)| place.0))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(place, _)| place.1))),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(place, _)| place.2))),
            Arc::new(LargeBinaryArray::try_new(offsets, bytes.into(), None)?),
        ],
    )
}
