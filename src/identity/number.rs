//! The same identifiers get the same number. Owns the texts of all identifiers; knows no rows and joins nothing.
//!
//! Equal texts are found part by part, so that the table of a part fits in a cache; they are compared byte by byte, so that
//! no hash decides who is one customer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::bytes::{take, take_u32};
use super::collect::{BAD, Collector, spooling};
use super::kinds::Kinds;
use super::rows::Rows;
use crate::disk::Partition;
use crate::error::{Error, Result};

/// About as many bytes of records as a new identifier comes with.
const RECORD: usize = 64;

/// Bytes that linking holds for each identifier: its group, its name, counts, marks.
const LINKING: usize = 32;

/// Bits of a number within its part.
const BITS: u32 = 26;

/// All identifiers, each once, by number.
#[derive(Debug)]
pub struct Identifiers {
    /// Kind, with [`BAD`] for a text that is not of it.
    kinds: Vec<u8>,
    /// For each part the number of its first.
    first: Vec<u32>,
    parts: Vec<Part>,
    store: Store,
}

/// The identifiers of a part.
#[derive(Debug, Default)]
struct Part {
    kinds: Vec<u8>,
    texts: Texts,
    /// Where each text starts, and the end of the last.
    starts: Vec<u32>,
    /// For each whether it joins nothing because of its text.
    blocked: Vec<bool>,
}

/// Texts one after the other.
#[derive(Debug)]
enum Texts {
    Held(String),
    /// In the file of the store, from this byte on.
    Stored(u64),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Held(String::new())
    }
}

/// Where texts are that do not stay in memory: an unnamed file.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Bytes of texts that may stay in memory.
    most: u64,
    held: AtomicU64,
    file: OnceLock<File>,
    written: AtomicU64,
    /// Why a text could not be read.
    failed: OnceLock<String>,
}

impl Store {
    /// More than `most` bytes go to `folder`.
    pub fn new(folder: &Path, most: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            most,
            held: AtomicU64::new(0),
            file: OnceLock::new(),
            written: AtomicU64::new(0),
            failed: OnceLock::new(),
        }
    }

    /// Keeps the texts of a part, in memory if they fit.
    fn keep(&self, texts: String) -> Result<Texts> {
        let bytes = texts.len() as u64;
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.most {
            return Ok(Texts::Held(texts));
        }
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        let file = match self.file.get() {
            Some(file) => file,
            None => {
                let new = tempfile::tempfile_in(&self.folder).map_err(spooling)?;
                self.file.get_or_init(|| new)
            }
        };
        let at = self.written.fetch_add(bytes, Ordering::Relaxed);
        file.write_all_at(texts.as_bytes(), at).map_err(spooling)?;
        Ok(Texts::Stored(at))
    }

    /// A stored text. A fault is noted, for [`Identifiers::check`].
    fn read(&self, at: u64, length: usize) -> String {
        let mut bytes = vec![0; length];
        let read = match self.file.get() {
            Some(file) => file.read_exact_at(&mut bytes, at),
            None => Err(std::io::Error::other("it is gone")),
        };
        let text = read.map_err(|e| e.to_string()).and_then(|()| String::from_utf8(bytes).map_err(|e| e.to_string()));
        text.unwrap_or_else(|why| {
            let _ = self.failed.set(why);
            String::new()
        })
    }
}

/// Numbers the identifiers of all threads; gives the rows in the order of the input, and the numbers of those that the last
/// collector took, which has no rows.
pub fn number(collectors: Vec<Collector>, kinds: &Kinds, store: Store) -> Result<(Rows, Vec<u32>, Identifiers)> {
    let numbers: Vec<Vec<AtomicU32>> =
        collectors.iter().map(|c| std::iter::repeat_with(|| AtomicU32::new(0)).take(c.count).collect()).collect();
    let (shapes, found): (Vec<_>, Vec<_>) = collectors.into_iter().map(|c| (c.shapes, c.found.split())).unzip();
    // Of each part the records of all threads.
    let mut by_part: Vec<Vec<Partition>> = Vec::new();
    for of_thread in found {
        by_part.resize_with(of_thread.len(), Vec::new);
        by_part.iter_mut().zip(of_thread).for_each(|(part, of_thread)| part.push(of_thread));
    }
    let of_part = |(at, records): (usize, Vec<Partition>)| number_part(at as u32, records, &numbers, kinds, &store);
    let mut parts: Vec<Part> = by_part.into_par_iter().enumerate().map(of_part).collect::<Result<_>>()?;
    let mut first = Vec::with_capacity(parts.len());
    let mut count = 0u32;
    for part in &parts {
        first.push(count);
        count = u32::try_from(part.kinds.len()).ok().and_then(|n| count.checked_add(n)).ok_or_else(too_many)?;
    }
    let dense = |number: AtomicU32| {
        let number = number.into_inner();
        first[(number >> BITS) as usize] + (number & ((1 << BITS) - 1))
    };
    let mut numbers: Vec<Vec<u32>> = numbers.into_iter().map(|all| all.into_iter().map(dense).collect()).collect();
    let listed = numbers.pop().unwrap_or_default();
    let kinds = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.kinds)).collect();
    Ok((Rows::new(shapes.into_iter().zip(numbers).collect()), listed, Identifiers { kinds, first, parts, store }))
}

fn number_part(
    at: u32,
    records: Vec<Partition>,
    numbers: &[Vec<AtomicU32>],
    kinds: &Kinds,
    store: &Store,
) -> Result<Part> {
    let pieces = records.into_iter().map(|records| records.read().map_err(spooling)).collect::<Result<Vec<_>>>()?;
    // The hash only finds equal identifiers; no order or output depends on it.
    let bytes: usize = pieces.iter().flatten().map(Vec::len).sum();
    let mut seen: HashMap<&[u8], u32, FixedState> =
        HashMap::with_capacity_and_hasher(bytes / RECORD, FixedState::with_seed(0));
    let (mut part, mut texts) = (Part { starts: vec![0], ..Part::default() }, String::new());
    for (thread, pieces) in pieces.iter().enumerate() {
        for piece in pieces {
            let mut rest = piece.as_slice();
            while !rest.is_empty() {
                let of_thread = take_u32(&mut rest) as usize;
                let length = take(&mut rest) as usize;
                // The kind and the text.
                let (key, after) = rest.split_at_checked(length + 1).ok_or_else(|| damaged("cut short"))?;
                rest = after;
                let number = match seen.get(key) {
                    Some(number) => *number,
                    None => {
                        let number = part.push(key, &mut texts)?;
                        seen.insert(key, number);
                        number
                    }
                };
                let place = numbers[thread].get(of_thread).ok_or_else(|| damaged("of no row"))?;
                place.store(at << BITS | number, Ordering::Relaxed);
            }
        }
    }
    drop(seen);
    drop(pieces);
    part.blocked = part.blocked(&texts, kinds);
    part.texts = store.keep(texts)?;
    Ok(part)
}

impl Part {
    fn blocked(&self, texts: &str, kinds: &Kinds) -> Vec<bool> {
        let text = |at: usize| &texts[self.starts[at] as usize..self.starts[at + 1] as usize];
        let blocks = |(at, kind): (usize, &u8)| kind & BAD == 0 && kinds.blocks(usize::from(*kind), text(at));
        self.kinds.iter().enumerate().map(blocks).collect()
    }

    fn push(&mut self, key: &[u8], texts: &mut String) -> Result<u32> {
        let number = u32::try_from(self.kinds.len()).ok().filter(|n| *n < 1 << BITS).ok_or_else(too_many)?;
        let (kind, text) = key.split_first().ok_or_else(|| damaged("without a kind"))?;
        self.kinds.push(*kind);
        texts.push_str(std::str::from_utf8(text).map_err(|_| damaged("no text"))?);
        self.starts.push(u32::try_from(texts.len()).map_err(|_| too_many())?);
        Ok(number)
    }
}

fn too_many() -> Error {
    Error::Memory("there are more identifiers than one run can number".into())
}

fn damaged(how: &str) -> Error {
    Error::Work(format!("a record of an identifier is {how}: run again when nothing else writes to the working folder"))
}

impl Identifiers {
    /// Bytes that linking needs for them, with what rows say of them.
    pub fn need(&self, rows: &Rows) -> u64 {
        let texts = self.store.held.load(Ordering::Relaxed) as usize;
        (texts + self.count() * LINKING + rows.bytes()) as u64
    }

    pub fn count(&self) -> usize {
        self.kinds.len()
    }

    /// The index of an identifier's kind.
    #[inline]
    pub fn kind(&self, number: u32) -> usize {
        usize::from(self.kinds[number as usize] & !BAD)
    }

    /// Whether its text is not of its kind.
    #[inline]
    pub fn is_bad(&self, number: u32) -> bool {
        self.kinds[number as usize] & BAD > 0
    }

    /// Its text, in its one form.
    #[inline]
    pub fn text(&self, number: u32) -> Cow<'_, str> {
        let (part, from, to) = self.place(number);
        match &part.texts {
            Texts::Held(texts) => Cow::Borrowed(&texts[from..to]),
            Texts::Stored(at) => Cow::Owned(self.store.read(at + from as u64, to - from)),
        }
    }

    /// Its part, and where its text is there.
    #[inline]
    fn place(&self, number: u32) -> (&Part, usize, usize) {
        let at = self.first.partition_point(|first| *first <= number) - 1;
        let (part, within) = (&self.parts[at], (number - self.first[at]) as usize);
        (part, part.starts[within] as usize, part.starts[within + 1] as usize)
    }

    /// What decides which of several is least: shortest, then smallest bytes.
    pub fn least(&self, number: u32) -> (usize, Cow<'_, str>) {
        let text = self.text(number);
        (text.len(), text)
    }

    /// Whether one is less than another.
    pub fn is_less(&self, one: u32, other: u32) -> bool {
        let length = |number: u32| {
            let (_, from, to) = self.place(number);
            to - from
        };
        let (a, b) = (length(one), length(other));
        a < b || (a == b && self.text(one) < self.text(other))
    }

    /// For each whether it joins nothing because of its text.
    pub fn blocked(&self) -> impl Iterator<Item = bool> {
        self.parts.iter().flat_map(|part| part.blocked.iter().copied())
    }

    /// Fails if a text could not be read back.
    pub fn check(&self) -> Result<()> {
        match self.store.failed.get() {
            Some(why) => Err(Error::Work(format!("the identifiers in the working folder cannot be read back: {why}"))),
            None => Ok(()),
        }
    }
}
