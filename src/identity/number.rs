//! The same identifiers get the same number. Owns the texts of all identifiers; knows no rows and joins nothing.
//!
//! Equal texts are found part by part, so that the table of a part fits in a cache; they are compared byte by byte, so that
//! no hash decides who is one customer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

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
const LINKING: usize = 48;

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
}

/// The identifiers of a part.
#[derive(Debug, Default)]
struct Part {
    kinds: Vec<u8>,
    texts: String,
    /// Where each text starts, and the end of the last.
    starts: Vec<u32>,
}

/// Numbers the identifiers of all threads; gives the rows in the order of the input, and the numbers of those that the last
/// collector took, which has no rows.
pub fn number(collectors: Vec<Collector>) -> Result<(Rows, Vec<u32>, Identifiers)> {
    let numbers: Vec<Vec<AtomicU32>> =
        collectors.iter().map(|c| std::iter::repeat_with(|| AtomicU32::new(0)).take(c.count).collect()).collect();
    let (shapes, found): (Vec<_>, Vec<_>) = collectors.into_iter().map(|c| (c.shapes, c.found.split())).unzip();
    // Of each part the records of all threads.
    let mut by_part: Vec<Vec<Partition>> = Vec::new();
    for of_thread in found {
        by_part.resize_with(of_thread.len(), Vec::new);
        by_part.iter_mut().zip(of_thread).for_each(|(part, of_thread)| part.push(of_thread));
    }
    let of_part = |(at, records): (usize, Vec<Partition>)| number_part(at as u32, records, &numbers);
    let parts: Vec<Part> = by_part.into_par_iter().enumerate().map(of_part).collect::<Result<_>>()?;
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
    let kinds = parts.iter().flat_map(|part| &part.kinds).copied().collect();
    Ok((Rows::new(shapes.into_iter().zip(numbers).collect()), listed, Identifiers { kinds, first, parts }))
}

fn number_part(at: u32, records: Vec<Partition>, numbers: &[Vec<AtomicU32>]) -> Result<Part> {
    let pieces = records.into_iter().map(|records| records.read().map_err(spooling)).collect::<Result<Vec<_>>>()?;
    // The hash only finds equal identifiers; no order or output depends on it.
    let bytes: usize = pieces.iter().flatten().map(Vec::len).sum();
    let mut seen: HashMap<&[u8], u32, FixedState> =
        HashMap::with_capacity_and_hasher(bytes / RECORD, FixedState::with_seed(0));
    let mut part = Part { starts: vec![0], ..Part::default() };
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
                        let number = part.push(key)?;
                        seen.insert(key, number);
                        number
                    }
                };
                let place = numbers[thread].get(of_thread).ok_or_else(|| damaged("of no row"))?;
                place.store(at << BITS | number, Ordering::Relaxed);
            }
        }
    }
    Ok(part)
}

impl Part {
    fn push(&mut self, key: &[u8]) -> Result<u32> {
        let number = u32::try_from(self.kinds.len()).ok().filter(|n| *n < 1 << BITS).ok_or_else(too_many)?;
        let (kind, text) = key.split_first().ok_or_else(|| damaged("without a kind"))?;
        self.kinds.push(*kind);
        self.texts.push_str(std::str::from_utf8(text).map_err(|_| damaged("no text"))?);
        self.starts.push(u32::try_from(self.texts.len()).map_err(|_| too_many())?);
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
        let texts: usize = self.parts.iter().map(|part| part.texts.len()).sum();
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
    pub fn text(&self, number: u32) -> &str {
        let at = self.first.partition_point(|first| *first <= number) - 1;
        let (part, within) = (&self.parts[at], (number - self.first[at]) as usize);
        let (from, to) = (part.starts[within] as usize, part.starts[within + 1] as usize);
        &part.texts[from..to]
    }

    /// What decides which of several is least: shortest, then smallest bytes.
    pub fn least(&self, number: u32) -> (usize, &str) {
        let text = self.text(number);
        (text.len(), text)
    }

    /// For each whether it joins nothing because of its text.
    pub fn blocked(&self, kinds: &Kinds) -> Vec<bool> {
        let of_part = |part: &Part| {
            let text = |at: usize| &part.texts[part.starts[at] as usize..part.starts[at + 1] as usize];
            let blocks = |(at, kind): (usize, &u8)| kind & BAD == 0 && kinds.blocks(usize::from(*kind), text(at));
            part.kinds.iter().enumerate().map(blocks).collect::<Vec<bool>>()
        };
        self.parts.par_iter().map(of_part).collect::<Vec<_>>().concat()
    }
}
