//! Sample data for the default profile: four clean exports of any size, the same bytes for the same seed anywhere.
//! The one room that knows the default profile's sources by name.

mod dice;
mod rows;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::{Error, Result};

use dice::Dice;
use rows::{FILES, append_customer};

/// Customers written by one task; each batch has random numbers of its own, so that tasks need not wait for each other.
const BATCH: u64 = 8192;

/// Batches in memory at a time.
const BATCHES_AT_A_TIME: u64 = 16;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Request {
    /// Number of customers.
    pub customers: u64,
    /// Seed of all that is random.
    pub seed: u64,
    /// Folder to write to.
    pub output: PathBuf,
    /// Whether existing files are replaced.
    pub force: bool,
}

/// Writes the sample data; gives the files.
///
/// # Errors
/// [`Error::Usage`] when a file exists and `force` is not set; I/O.
pub fn generate(request: &Request) -> Result<Vec<PathBuf>> {
    let Request { customers, seed, output, force } = request;
    std::fs::create_dir_all(output).map_err(|e| Error::writing("create", output, e))?;
    let paths: Vec<PathBuf> = FILES.iter().map(|f| output.join(f.name)).collect();
    if let Some(old) = paths.iter().find(|p| p.exists() && !force) {
        return Err(Error::Usage(format!(
            "`{}` exists: add --force to overwrite it, or choose another --output",
            old.display()
        )));
    }
    let mut files = paths.iter().zip(&FILES).map(|(p, f)| Beside::create(p, f.header)).collect::<Result<Vec<_>>>()?;
    let batches = customers.div_ceil(BATCH);
    for first in (0..batches).step_by(BATCHES_AT_A_TIME as usize) {
        let here = first..(first + BATCHES_AT_A_TIME).min(batches);
        let texts: Vec<[Vec<u8>; 4]> = here.into_par_iter().map(|b| batch(*seed, b, *customers)).collect();
        for text in texts {
            files.iter_mut().zip(&text).try_for_each(|(file, part)| file.write(part))?;
        }
    }
    files.into_iter().try_for_each(Beside::finish)?;
    Ok(paths)
}

fn batch(seed: u64, batch: u64, customers: u64) -> [Vec<u8>; 4] {
    let mut dice = Dice::new(seed, batch);
    let mut texts = [const { Vec::new() }; 4];
    for customer in batch * BATCH + 1..=((batch + 1) * BATCH).min(customers) {
        append_customer(customer, &mut dice, &mut texts);
    }
    texts
}

/// A file written beside its final name, then renamed.
struct Beside {
    to: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
}

impl Beside {
    fn create(to: &Path, header: &str) -> Result<Self> {
        let mut beside = to.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let file = File::create(&beside).map_err(|e| Error::writing("create", &beside, e))?;
        let mut file = Self { to: to.to_owned(), beside, file: BufWriter::new(file) };
        file.write(header.as_bytes())?;
        file.write(b"\n")?;
        Ok(file)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::writing("write", &self.beside, e))
    }

    fn finish(mut self) -> Result<()> {
        self.file.flush().map_err(|e| Error::writing("write", &self.beside, e))?;
        std::fs::rename(&self.beside, &self.to).map_err(|e| Error::writing("rename to", &self.to, e))
    }
}
