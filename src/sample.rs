//! Sample data of any size, the same bytes for the same seed on any machine: clean or messy exports of the default
//! profile, and accounts with many events. Only this module knows sources and columns of these profiles by name.

mod dice;
mod events;
mod messy;
mod rows;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::{Error, Result};

use dice::Dice;
use messy::{Batch, Expected, Layout, PARTS, Texts};
use rows::{FILES, append_customer};

/// Customers written by one task. Each batch has its own random numbers, so that tasks need not wait for each other.
const BATCH: u64 = 8192;

/// Most batches in memory.
const BATCHES_AT_A_TIME: u64 = 16;

/// Name of the file that says what a correct run over messy data must report.
const EXPECTED_FILE: &str = "expected.json";

/// Name of the spec that is written beside data for another profile than the default.
const SPEC_FILE: &str = "profile.toml";

/// What to generate.
#[derive(Debug, Clone)]
pub struct Request {
    /// Number of customers.
    pub customers: u64,
    /// Seed of all random choices.
    pub seed: u64,
    /// Which data.
    pub kind: Kind,
    /// Folder to write to.
    pub output: PathBuf,
    /// Whether existing files are replaced.
    pub force: bool,
}

/// Which sample data to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Four exports of the default profile, one clean row per customer in each.
    Clean,
    /// The same with the faults of real exports, and `expected.json` with the ledger that a correct run must report.
    Messy,
    /// Accounts, invoices, usage events and tickets, many rows per customer, with their profile spec.
    Events,
}

/// Writes the sample data and gives the paths of its files.
///
/// # Errors
/// [`Error::Usage`] if a file exists and `force` is not set; [`Error::Io`] if a file or folder cannot be written.
pub fn generate(request: &Request) -> Result<Vec<PathBuf>> {
    match request.kind {
        Kind::Clean => clean(request),
        Kind::Messy => messy(request),
        Kind::Events => events(request),
    }
}

fn clean(request: &Request) -> Result<Vec<PathBuf>> {
    let files = FILES.iter().map(|f| (f.name.to_owned(), format!("{}\n", f.header).into_bytes()));
    let mut files = Files::create(request, files.collect())?;
    in_batches(
        request.customers,
        |batch, customers| {
            let mut dice = Dice::new(request.seed, batch);
            let mut texts = [const { Vec::new() }; 4];
            customers.for_each(|customer| append_customer(customer, &mut dice, &mut texts));
            texts
        },
        |texts| files.append(texts.iter()),
    )?;
    files.finish()
}

fn messy(request: &Request) -> Result<Vec<PathBuf>> {
    // Batches are numbered from 0; the layout uses a stream of random numbers that none of them uses.
    let layout = Layout::new(Dice::new(request.seed, u64::MAX));
    let parts = (0..FILES.len()).flat_map(|source| (0..PARTS).map(move |part| (source, part)));
    let files = parts.map(|(source, part)| (Layout::name(source, part), layout.header(source, part)));
    let mut files = Files::create(request, files.chain([(EXPECTED_FILE.to_owned(), Vec::new())]).collect())?;
    let mut expected = Expected::new();
    in_batches(
        request.customers,
        |batch, customers| {
            let mut rows = Batch::new(&layout, Dice::new(request.seed, batch));
            customers.for_each(|customer| rows.customer(customer));
            rows.finish()
        },
        |(texts, of_batch): (Texts, Expected)| {
            expected.add(of_batch);
            files.append(texts.iter().flatten())
        },
    )?;
    let mut json = serde_json::to_vec_pretty(&expected).map_err(|e| Error::Bug(format!("{EXPECTED_FILE}: {e}")))?;
    json.push(b'\n');
    files.append_last(&json)?;
    files.finish()
}

fn events(request: &Request) -> Result<Vec<PathBuf>> {
    let files = events::FILES.iter().map(|f| (f.name.to_owned(), format!("{}\n", f.header).into_bytes()));
    let spec = (SPEC_FILE.to_owned(), events::SPEC.as_bytes().to_vec());
    let mut files = Files::create(request, files.chain([spec]).collect())?;
    in_batches(
        request.customers,
        |batch, customers| {
            let mut dice = Dice::new(request.seed, batch);
            let mut texts = [const { Vec::new() }; events::FILES.len()];
            customers.for_each(|customer| events::append_account(customer, &mut dice, &mut texts));
            texts
        },
        |texts| files.append(texts.iter()),
    )?;
    files.finish()
}

/// Makes batches of customers in parallel and passes them on in order.
fn in_batches<T: Send>(
    customers: u64,
    make: impl Fn(u64, Range<u64>) -> T + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let batches = customers.div_ceil(BATCH);
    for first in (0..batches).step_by(BATCHES_AT_A_TIME as usize) {
        let here = first..(first + BATCHES_AT_A_TIME).min(batches);
        let of_batch = |batch: u64| batch * BATCH + 1..((batch + 1) * BATCH).min(customers) + 1;
        let made: Vec<T> = here.into_par_iter().map(|batch| make(batch, of_batch(batch))).collect();
        made.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// The files of one request.
struct Files(Vec<Beside>);

impl Files {
    /// Opens the files, each with its first bytes.
    fn create(request: &Request, files: Vec<(String, Vec<u8>)>) -> Result<Self> {
        let Request { output, force, .. } = request;
        std::fs::create_dir_all(output).map_err(|e| Error::writing("create", output, e))?;
        let paths: Vec<PathBuf> = files.iter().map(|(name, _)| output.join(name)).collect();
        if let Some(old) = paths.iter().find(|p| p.exists() && !force) {
            let message =
                format!("`{}` exists: add --force to overwrite it, or choose another --output", old.display());
            return Err(Error::Usage(message));
        }
        paths.iter().zip(&files).map(|(path, (_, first))| Beside::create(path, first)).collect::<Result<_>>().map(Self)
    }

    /// Appends a text to each of the first files, in order.
    fn append<'a>(&mut self, texts: impl Iterator<Item = &'a Vec<u8>>) -> Result<()> {
        self.0.iter_mut().zip(texts).try_for_each(|(file, text)| file.write(text))
    }

    fn append_last(&mut self, text: &[u8]) -> Result<()> {
        self.0.last_mut().map_or(Ok(()), |file| file.write(text))
    }

    /// Puts all files in place; gives their paths.
    fn finish(self) -> Result<Vec<PathBuf>> {
        self.0.into_iter().map(Beside::finish).collect()
    }
}

/// A file written beside its final name, then renamed.
struct Beside {
    to: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
}

impl Beside {
    fn create(to: &Path, first: &[u8]) -> Result<Self> {
        let mut beside = to.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let file = File::create(&beside).map_err(|e| Error::writing("create", &beside, e))?;
        let mut file = Self { to: to.to_owned(), beside, file: BufWriter::new(file) };
        file.write(first)?;
        Ok(file)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::writing("write", &self.beside, e))
    }

    fn finish(mut self) -> Result<PathBuf> {
        self.file.flush().map_err(|e| Error::writing("write", &self.beside, e))?;
        std::fs::rename(&self.beside, &self.to).map_err(|e| Error::writing("rename to", &self.to, e))?;
        Ok(self.to)
    }
}
