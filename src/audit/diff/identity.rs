//! Which customers became one, fell apart or have another name, by the identifiers that both sides have. Owns what these
//! words mean; reads both tables of identifiers once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch, StringArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use xxhash_rust::xxh3::xxh3_128;

use super::difference::{IdentityChanges, Regrouped};
use crate::error::{Error, Result};

/// What changed between two tables of identifiers; none if a side has no such table.
pub(super) fn changes(old: &Path, new: &Path) -> Result<Option<IdentityChanges>> {
    if !old.exists() || !new.exists() {
        return Ok(None);
    }
    let mut before = Before::default();
    each(old, &mut |customer, identifier| before.add(customer, identifier))?;
    let mut changes = IdentityChanges::default();
    // Of the new customer at hand the old ones, by number.
    let (mut name, mut olds) = (String::new(), BTreeSet::new());
    each(new, &mut |customer, identifier| {
        if customer != name {
            before.end(&name, &olds, &mut changes);
            olds.clear();
            customer.clone_into(&mut name);
        }
        olds.extend(before.of.get(&identifier));
    })?;
    before.end(&name, &olds, &mut changes);
    let merged: BTreeSet<&String> = changes.merged.iter().flat_map(|merged| &merged.new).collect();
    let (mut split, mut renamed) = (Vec::new(), Vec::new());
    for (old, news) in &before.news {
        let (old, new) = (&before.names[*old as usize], news.iter().cloned().collect::<Vec<_>>());
        match &new[..] {
            [only] if only == old || merged.contains(only) => {}
            [_] => renamed.push(Regrouped { old: vec![old.clone()], new }),
            _ => split.push(Regrouped { old: vec![old.clone()], new }),
        }
    }
    (changes.split, changes.renamed) = (split, renamed);
    Ok(Some(changes))
}

/// The customers of the old side.
#[derive(Default)]
struct Before {
    names: Vec<String>,
    /// The customer of each identifier, by a fingerprint of kind and value.
    of: HashMap<u128, u32>,
    /// The new customers of each old one.
    news: BTreeMap<u32, BTreeSet<String>>,
}

impl Before {
    fn add(&mut self, customer: &str, identifier: u128) {
        if self.names.last().is_none_or(|last| last != customer) {
            self.names.push(customer.to_owned());
        }
        self.of.insert(identifier, self.names.len() as u32 - 1);
    }

    /// Takes a new customer with the old ones of its identifiers.
    fn end(&mut self, name: &str, olds: &BTreeSet<u32>, changes: &mut IdentityChanges) {
        if olds.len() > 1 {
            let old = olds.iter().map(|old| self.names[*old as usize].clone()).collect();
            changes.merged.push(Regrouped { old, new: vec![name.to_owned()] });
        }
        for old in olds {
            self.news.entry(*old).or_default().insert(name.to_owned());
        }
    }
}

/// Calls `see` for each row: the customer, a fingerprint of the identifier.
fn each(path: &Path, see: &mut dyn FnMut(&str, u128)) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::reading(path, e))?;
    let unreadable = |e: &dyn std::fmt::Display| Error::Verify(format!("`{}` cannot be read: {e}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(&e))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), [0, 1, 2]);
    let batches = builder.with_projection(mask).build().map_err(|e| unreadable(&e))?;
    for batch in batches {
        let batch: RecordBatch = batch.map_err(|e| unreadable(&e))?;
        let columns: Option<Vec<&StringArray>> = batch.columns().iter().map(|c| c.as_string_opt::<i32>()).collect();
        let columns = columns.filter(|c| c.len() == 3).ok_or_else(|| unreadable(&"its columns are not texts"))?;
        for row in 0..batch.num_rows() {
            let identifier = [columns[1].value(row), columns[2].value(row)].join(":");
            see(columns[0].value(row), xxh3_128(identifier.as_bytes()));
        }
    }
    Ok(())
}
