//! Reads a part back, batch by batch. Holds no open file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, MetadataVersion, root_as_footer};

use super::StoredPart;
use crate::error::{Error, Result};

impl StoredPart {
    /// Its profiles, batch by batch. Fails for a damaged file.
    pub fn open(&self, schema: &SchemaRef) -> Result<Sorted<PartReader>> {
        let mut file = File::open(&self.path).map_err(|e| Error::working("open", &self.path, e))?;
        let blocks = footer(&mut file).map_err(|e| Error::ipc("read", &self.path, e))?.blocks.into_iter();
        let decoder = FileDecoder::new(schema.clone(), MetadataVersion::V5);
        let batches = PartReader { path: self.path.clone(), decoder, blocks };
        Ok(Sorted { ends: self.ends.clone(), batches })
    }
}

/// A shard's profiles, sorted by id in the first column.
#[derive(Debug)]
pub struct Sorted<I> {
    /// First and last id; none if there are no profiles.
    pub ends: Option<(String, String)>,
    pub batches: I,
}

/// Reads a part's batches in order. It holds no open file, because there may be more parts than a process may open.
#[derive(Debug)]
pub struct PartReader {
    path: PathBuf,
    decoder: FileDecoder,
    blocks: std::vec::IntoIter<Block>,
}

impl Iterator for PartReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.blocks.next()?;
        Some(self.read(&block).map_err(|e| Error::ipc("read", &self.path, e)))
    }
}

impl PartReader {
    fn read(&self, block: &Block) -> std::result::Result<RecordBatch, ArrowError> {
        let damaged = || ArrowError::IpcError("a batch is cut short".into());
        let length = block.bodyLength().checked_add(block.metaDataLength().into()).ok_or_else(damaged)?;
        let (offset, length) =
            u64::try_from(block.offset()).ok().zip(u64::try_from(length).ok()).ok_or_else(damaged)?;
        let mut file = File::open(&self.path)?;
        // A damaged footer must not lead to allocating more memory than a file of this size can need.
        if offset.checked_add(length).is_none_or(|end| file.metadata().is_ok_and(|m| m.len() < end)) {
            return Err(damaged());
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        bytes.reserve_exact(usize::try_from(length).map_err(|_| damaged())?);
        file.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(damaged());
        }
        self.decoder.read_record_batch(block, &Buffer::from_vec(bytes))?.ok_or_else(damaged)
    }
}

/// What is at the end of a part.
pub(super) struct Footer {
    /// Where its batches are.
    pub blocks: Vec<Block>,
    /// Keys and texts that were stored in it.
    pub notes: Vec<(String, String)>,
}

pub(super) fn footer(file: &mut File) -> std::result::Result<Footer, ArrowError> {
    let damaged = || ArrowError::IpcError("the footer is damaged".into());
    let mut end = [0; 10];
    file.seek(SeekFrom::End(-10))?;
    file.read_exact(&mut end)?;
    let length = read_footer_length(end)?;
    file.seek(SeekFrom::End(-10 - i64::try_from(length).map_err(|_| damaged())?))?;
    let mut footer = Vec::new();
    file.take(length as u64).read_to_end(&mut footer)?;
    let footer = root_as_footer(&footer).map_err(|_| damaged())?;
    let blocks = footer.recordBatches().ok_or_else(damaged)?.iter().copied().collect();
    let notes = footer.custom_metadata().into_iter().flatten();
    let notes = notes.filter_map(|note| Some((note.key()?.to_owned(), note.value()?.to_owned())));
    Ok(Footer { blocks, notes: notes.collect() })
}
