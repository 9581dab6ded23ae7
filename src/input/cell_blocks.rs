//! Rows of sheets and tables as blocks of cells. Owns the thread that decodes them, so that a decoder's panic is a fault of
//! the file; decodes nothing itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::InputFile;
use super::cells::{Cell, Writer};
use super::format::Format;
use super::text_blocks::MAX_RECORD;
use super::{parquet, xlsx};
use crate::error::{Error, Result};

/// Blocks that may wait for a reading thread.
const WAITING: usize = 2;

/// Reads one file of cells block by block.
pub struct CellBlocks {
    input: InputFile,
    blocks: Receiver<Result<Vec<u8>>>,
}

impl CellBlocks {
    /// Starts behind the file's header. Fails if the file has changed since its header was read.
    pub fn open(input: &InputFile, block_size: usize) -> Result<Self> {
        input.reopen()?;
        let (sender, blocks) = sync_channel(WAITING);
        let of = input.clone();
        // It ends when it is done or nobody takes its blocks any more.
        let decode = move || decode(&of, block_size, &sender);
        std::thread::Builder::new()
            .name("cells".to_owned())
            .spawn(decode)
            .map_err(|cause| Error::Memory(format!("no thread to read `{}` ({cause})", input.name)))?;
        Ok(Self { input: input.clone(), blocks })
    }

    /// The next block, or none at the end.
    pub fn next_block(&mut self, _spare: Vec<u8>) -> Result<Option<Vec<u8>>> {
        match self.blocks.recv() {
            Ok(Ok(block)) => Ok(Some(block)),
            // Of a changing file the change is reported, not the fault that the change caused.
            Ok(Err(error)) => {
                self.input.reopen()?;
                Err(error)
            }
            Err(_) => self.input.reopen().map(|_| None),
        }
    }
}

fn decode(input: &InputFile, block_size: usize, to: &SyncSender<Result<Vec<u8>>>) {
    let mut rows = Rows { input, line: input.header.data_line, block_size, writer: Writer::default(), to };
    let read = || match &input.format {
        Format::Xlsx { sheet, comment } => {
            xlsx::each_row(input, sheet, comment.as_deref(), |line, cells| rows.add(line, cells))
        }
        Format::Parquet { columns } => parquet::each_row(input, columns, |line, cells| rows.add(line, cells)),
        Format::Csv(_) | Format::Json { .. } => Ok(()),
    };
    // A decoder that panics has met bytes that it did not expect.
    let read = catch_unwind(AssertUnwindSafe(read));
    match read.unwrap_or_else(|_| Err(input.damaged("its decoder gave up"))) {
        Ok(()) => drop(rows.send()),
        Err(error) => drop(to.send(Err(error))),
    }
}

/// Rows that become blocks.
struct Rows<'a> {
    input: &'a InputFile,
    /// Line at which the block begins.
    line: u64,
    block_size: usize,
    writer: Writer,
    to: &'a SyncSender<Result<Vec<u8>>>,
}

impl Rows<'_> {
    /// Adds a row; false when nobody wants more.
    fn add(&mut self, line: u64, cells: &mut dyn Iterator<Item = Cell<'_>>) -> bool {
        self.writer.begin(line - self.line);
        cells.for_each(|cell| self.writer.put(cell));
        self.writer.end();
        if self.writer.last() > MAX_RECORD {
            let limit = format!("row {line}: it is longer than {} MiB", MAX_RECORD >> 20);
            // Whether anybody takes it or not, nothing follows.
            let _ = self.to.send(Err(self.input.damaged(limit)));
            self.writer = Writer::default();
            return false;
        }
        if self.writer.block.len() < self.block_size {
            return true;
        }
        self.line = line + 1;
        self.send()
    }

    fn send(&mut self) -> bool {
        let block = std::mem::take(&mut self.writer).block;
        block.is_empty() || self.to.send(Ok(block)).is_ok()
    }
}

impl InputFile {
    /// The error for a file whose decoder says that it is not what it should be.
    pub fn damaged(&self, cause: impl std::fmt::Display) -> Error {
        let (name, format, cause) = (&self.name, self.format.name(), cause.to_string());
        // So the parquet crate calls what it was compiled without.
        let message = if cause.contains("Disabled feature") {
            format!("`{name}` is packed by a codec that is not read: write it with snappy, gzip, lz4 or zstd ({cause})")
        } else {
            format!("`{name}` is damaged: it cannot be read as {format} ({cause})")
        };
        Error::input(&self.source, message)
    }
}
