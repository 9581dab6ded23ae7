//! The section of identifiers: how large customers are, by which rules identifiers came to them, what was refused, the largest
//! customers. Shows no identifier but the ids of the largest customers.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray};
use onefold::manifest::{IdentityRecord, Manifest};
use onefold::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use super::bars::{self, About, Bar};
use crate::cli::tell::draw::Safe;
use crate::cli::tell::words::grouped;

/// Largest customers that are listed.
const LARGEST: usize = 5;

/// The table of identifiers.
const FILE: &str = "identities.parquet";

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct IdentityView {
    sizes: Safe,
    rules: Safe,
    refused: Option<Safe>,
    /// Counts with what they are.
    figures: Vec<(&'static str, String)>,
    /// The largest customers with the number of their identifiers.
    largest: Vec<(String, String)>,
}

/// The section; none if customers have ids of their own.
pub(super) fn identity(manifest: &Manifest, folder: &Path) -> Result<Option<IdentityView>> {
    let Some(record) = &manifest.identity else { return Ok(None) };
    let IdentityRecord { identifiers, refused, merges, erased, sizes, rules, .. } = record;
    let bars = |counts: &mut dyn Iterator<Item = (&str, u64)>, class| -> Vec<Bar> {
        let counts: Vec<(&str, u64)> = counts.filter(|(_, n)| *n > 0).collect();
        let whole = counts.iter().map(|(_, n)| n).sum();
        counts.into_iter().map(|(name, n)| Bar::of(name, class, n, whole)).collect()
    };
    let table = |caption, name, lines, bars: &[Bar]| {
        bars::table(About { caption, columns: [name, "count", "share"], lines }, bars)
    };
    let all = [
        ("bad", refused.bad),
        ("blocked", refused.blocked),
        ("conflict", refused.conflict),
        ("shared", refused.shared),
    ];
    let reasons = bars(&mut all.into_iter(), "empty");
    let named = |counts: &indexmap::IndexMap<String, u64>| -> Vec<(String, u64)> {
        counts.iter().map(|(name, n)| (name.clone(), *n)).collect()
    };
    let (sizes, rules) = (named(sizes), named(rules));
    let sizes = bars(&mut sizes.iter().map(|(name, n)| (name.as_str(), *n)), "done");
    let rules = bars(&mut rules.iter().map(|(name, n)| (name.as_str(), *n)), "done");
    Ok(Some(IdentityView {
        sizes: table("Customers by number of identifiers", "identifiers", "sizes", &sizes)?,
        rules: table("Identifiers by rule", "rule", "rules", &rules)?,
        refused: if reasons.is_empty() {
            None
        } else {
            Some(table("Refused identifiers by reason", "reason", "reasons", &reasons)?)
        },
        figures: vec![
            ("identifiers", grouped(*identifiers)),
            ("merged by vendors", grouped(merges.losers)),
            ("customers erased", grouped(erased.customers)),
        ],
        largest: largest(manifest, folder)?,
    }))
}

/// The customers with most identifiers; none if the table is missing.
fn largest(manifest: &Manifest, folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join(FILE);
    if !manifest.outputs.iter().any(|output| output.file == FILE) || !path.exists() {
        return Ok(Vec::new());
    }
    let file = File::open(&path).map_err(|e| Error::reading(&path, e))?;
    let unreadable = |e: parquet::errors::ParquetError| Error::reading(&path, std::io::Error::other(e.to_string()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), [0]);
    let batches = builder.with_projection(mask).with_batch_size(1 << 16).build().map_err(unreadable)?;
    let (mut largest, mut now) = (Vec::new(), (String::new(), 0u64));
    for batch in batches {
        let batch = batch.map_err(|e| Error::reading(&path, std::io::Error::other(e.to_string())))?;
        let Some(ids) = batch.column(0).as_string_opt::<i32>() else { return Ok(Vec::new()) };
        for at in 0..ids.len() {
            if ids.value(at) != now.0 {
                keep(&mut largest, &now);
                ids.value(at).clone_into(&mut now.0);
                now.1 = 0;
            }
            now.1 += 1;
        }
    }
    keep(&mut largest, &now);
    Ok(largest.into_iter().map(|(count, id)| (id, grouped(count))).collect())
}

/// Keeps a customer if it is one of the largest so far: of equal ones the first.
fn keep(largest: &mut Vec<(u64, String)>, (id, count): &(String, u64)) {
    if *count > 0 && (largest.len() < LARGEST || largest.last().is_some_and(|(least, _)| count > least)) {
        let at = largest.partition_point(|(known, _)| known >= count);
        largest.insert(at, (*count, id.clone()));
        largest.truncate(LARGEST);
    }
}
