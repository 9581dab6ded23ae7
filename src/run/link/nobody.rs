//! Rows that are nobody's: what is kept of them until the rejects files get them, in the order of the input. Owns the bound
//! on their memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::identity::Place;
use crate::input::RAW_LIMIT;

/// A row as the rejects file shows it, at most as long as it shows one.
pub fn shown(raw: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&raw[..raw.len().min(RAW_LIMIT)])
}

/// Rows that are nobody's.
#[derive(Debug)]
pub struct Nobody {
    parts: Vec<Part>,
}

/// Those of one thread.
#[derive(Debug)]
struct Part {
    file: BufWriter<File>,
    written: u64,
    /// Place of each row, file of its source, where its text is.
    rows: Vec<(Place, u32, u64, u32)>,
}

impl Nobody {
    pub fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| Error::working("create", folder, e))?;
        let file = tempfile::tempfile_in(folder).map_err(|e| Error::working("create a file in", folder, e))?;
        Ok(Self { parts: vec![Part { file: BufWriter::new(file), written: 0, rows: Vec::new() }] })
    }

    pub fn add(&mut self, place: Place, file: u32, raw: &[u8]) -> Result<()> {
        let Some(part) = self.parts.first_mut() else { return Ok(()) };
        part.file.write_all(raw).map_err(failed)?;
        part.rows.push((place, file, part.written, raw.len() as u32));
        part.written += raw.len() as u64;
        Ok(())
    }

    /// Those of all threads.
    pub fn joined(all: Vec<Self>) -> Self {
        Self { parts: all.into_iter().flat_map(|one| one.parts).collect() }
    }

    /// Calls `take` for each row in the order of the input: its place, the file of its source, its text.
    pub fn each(self, mut take: impl FnMut(Place, u32, &[u8]) -> Result<()>) -> Result<()> {
        let mut order = Vec::new();
        let mut files = Vec::new();
        for (at, part) in self.parts.into_iter().enumerate() {
            files.push(part.file.into_inner().map_err(|e| failed(e.into_error()))?);
            order.extend(part.rows.into_iter().map(|row| (row, at)));
        }
        order.sort_unstable();
        let mut raw = Vec::new();
        for ((place, file, offset, length), at) in order {
            raw.resize(length as usize, 0);
            files[at].read_exact_at(&mut raw, offset).map_err(failed)?;
            take(place, file, &raw)?;
        }
        Ok(())
    }
}

fn failed(cause: std::io::Error) -> Error {
    Error::Io { verb: "write", path: "rejected rows".into(), side: crate::error::Side::Work, cause }
}
