//! A file as blocks of whole records, whatever its format: a block can be read by any thread.

use super::InputFile;
use super::cell_blocks::CellBlocks;
use super::format::Format;
use super::text_blocks::{Doubts, TextBlocks};
use crate::error::Result;

/// Bytes of a block: large enough that passing it between threads costs little, small enough to stay near the caches.
pub const DEFAULT_BLOCK_SIZE: usize = 8 << 20;

/// Reads one file block by block.
pub enum BlockReader {
    Text(Box<TextBlocks>),
    Cells(Box<CellBlocks>),
}

impl BlockReader {
    /// Starts behind the file's header. Fails if the file has changed since its header was read.
    pub fn open(input: &InputFile, block_size: usize) -> Result<Self> {
        Ok(match input.format {
            Format::Csv(_) | Format::Json { .. } => Self::Text(Box::new(TextBlocks::open(input, block_size)?)),
            Format::Xlsx { .. } | Format::Parquet { .. } => Self::Cells(Box::new(CellBlocks::open(input, block_size)?)),
        })
    }

    /// The next block, or none at the end. The block is put into `spare`, an old block or an empty buffer: fresh memory
    /// for each would cost more than reading. Fails for records that cannot be told apart and for a file that has changed.
    pub fn next_block(&mut self, spare: Vec<u8>) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Text(blocks) => blocks.next_block(spare),
            Self::Cells(blocks) => blocks.next_block(spare),
        }
    }

    /// What the file's bytes make doubtful, once [`Self::next_block`] has returned none.
    pub fn doubts(&self) -> Doubts {
        match self {
            Self::Text(blocks) => blocks.doubts(),
            Self::Cells(_) => Doubts::default(),
        }
    }

    /// XXH3-128 over all bytes of the input, once [`Self::next_block`] has returned none; none when they were not read
    /// from the first to the last.
    pub fn digest(&self) -> Option<String> {
        match self {
            Self::Text(blocks) => Some(blocks.digest()),
            Self::Cells(_) => None,
        }
    }
}
