//! Finds the parts that an earlier run left. Refuses, and removes, any part whose bytes do not have the digest in its
//! name or do not decode to sorted profiles.

use std::fs::{self, File};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use super::StoredPart;
use super::read::footer;
use crate::disk::{each_block, remove_folder};
use crate::error::{Error, Result};

/// Keys in a part's footer: the name of its set, its shard, and the text that was stored with it.
const KEY: &str = "onefold.key";
const SHARD: &str = "onefold.shard";
const ACCOUNT: &str = "onefold.account";

/// A complete part that an earlier run left.
#[derive(Debug, Clone)]
pub struct FoundPart {
    /// The shard, from 0.
    pub shard: usize,
    /// Its file.
    pub part: StoredPart,
    /// The text that was stored with it.
    pub account: String,
}

/// Writes set, shard and account into the footer.
pub(super) fn note<W: Write>(writer: &mut FileWriter<W>, key: &str, shard: usize, account: &str) {
    writer.write_metadata(KEY, key);
    writer.write_metadata(SHARD, shard.to_string());
    writer.write_metadata(ACCOUNT, account);
}

/// A part's file name.
pub(super) fn name(shard: usize, digest: u128) -> String {
    format!("{shard}-{digest:032x}.arrow")
}

/// The complete parts in a folder of the set with this key and of profiles with this schema: at most one per shard, in
/// order of shard. Everything else in the folder is removed.
pub fn find(folder: &Path, shards: usize, schema: &SchemaRef, key: &str) -> Result<Vec<FoundPart>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::working("list", folder, e)),
    };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let read = |name: &String| (folder.join(name), trusted(folder.join(name), name, shards, schema, key));
    let mut found: Vec<FoundPart> = Vec::new();
    for (path, part) in names.par_iter().map(read).collect::<Vec<_>>() {
        match part {
            Some(part) if found.iter().all(|f| f.shard != part.shard) => found.push(part),
            _ => remove(&path)?,
        }
    }
    found.sort_unstable_by_key(|f| f.shard);
    Ok(found)
}

impl StoredPart {
    /// Whether the file still has the bytes that were stored.
    pub fn is_whole(&self) -> bool {
        digest(&self.path).is_ok_and(|digest| digest == self.digest)
    }

    pub fn remove(&self) -> Result<()> {
        remove(&self.path)
    }
}

fn remove(path: &Path) -> Result<()> {
    remove_folder(path).map_err(|e| Error::working("remove", path, e))
}

/// The part with this name, if it can be trusted.
fn trusted(path: PathBuf, name: &str, shards: usize, schema: &SchemaRef, key: &str) -> Option<FoundPart> {
    let (shard, rest) = name.split_once('-')?;
    let shard = shard.parse().ok().filter(|shard| *shard < shards)?;
    let named = u128::from_str_radix(rest.strip_suffix(".arrow")?, 16).ok()?;
    if digest(&path).ok()? != named || self::name(shard, named) != name {
        return None;
    }
    let mut file = File::open(&path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let notes = footer(&mut file).ok()?.notes;
    let note = |wanted: &str| notes.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.clone());
    let account = note(ACCOUNT)?;
    note(SHARD).filter(|noted| *noted == shard.to_string())?;
    note(KEY).filter(|noted| *noted == key)?;
    let part = StoredPart { path, rows: 0, bytes, digest: named, ends: None };
    // The digest matches, but another program may have written the file: a part on which the reader panics is refused.
    let (rows, ends) = catch_unwind(AssertUnwindSafe(|| walk(&part, schema))).ok()??;
    Some(FoundPart { shard, part: StoredPart { rows, ends, ..part }, account })
}

/// The number of profiles, and the first and last id, if these are sorted profiles with this schema.
fn walk(part: &StoredPart, schema: &SchemaRef) -> Option<(usize, Option<(String, String)>)> {
    let (mut rows, mut ends) = (0, None::<(String, String)>);
    for batch in part.open(schema).ok()?.batches {
        let batch: RecordBatch = batch.ok()?;
        let ids = batch.column(0).as_string_opt::<i32>().filter(|ids| ids.null_count() == 0)?;
        for id in ids.iter().flatten() {
            match &mut ends {
                None => ends = Some((id.to_owned(), id.to_owned())),
                Some((_, last)) if last.as_str() < id => id.clone_into(last),
                Some(_) => return None,
            }
        }
        rows += batch.num_rows();
    }
    Some((rows, ends))
}

fn digest(path: &Path) -> io::Result<u128> {
    let mut hash = Xxh3::new();
    each_block(path, |block| hash.update(block))?;
    Ok(hash.digest128())
}
