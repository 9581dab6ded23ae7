//! The independent witness: proves a finished run from its files alone, with the `parquet`, `arrow` and `csv` crates.
//! Never Polars, nor the rooms that read and wrote these files.

mod customers;
mod decode;
mod outputs;

use std::path::Path;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::digest::{each_block, hex, sha256_of};
use crate::error::{Error, Result};
use crate::manifest::{Manifest, Status};
use crate::spec::Spec;
use crate::words::counted;
use crate::workspace::{MANIFEST_FILE, recover};

/// Verifies the run whose outputs are in `output` against its inputs in `input`; gives what was proved, a line each.
///
/// # Errors
/// [`Error::NoRun`] without a finished run, [`Error::Verify`] for the first claim that does not hold, I/O.
pub fn verify(input: &Path, output: &Path) -> Result<Vec<String>> {
    recover(output)?;
    let manifest = read_manifest(output)?;
    let spec = Spec::parse(&manifest.spec.text, "the manifest's spec")?;
    let mut proofs = Vec::new();
    if hex(&Sha256::digest(manifest.spec.text.as_bytes())) != manifest.spec.sha256 {
        return Err(wrong("the spec's text does not have the spec's digest"));
    }
    for file in &manifest.outputs {
        check_output(&output.join(&file.file), file.bytes, &file.sha256)?;
    }
    for file in &manifest.rejects {
        check_output(&output.join(&file.file), file.bytes, &file.sha256)?;
    }
    let files = manifest.outputs.len() + manifest.rejects.len();
    proofs.push(format!("the digests of {} are the manifest's", counted(files as u64, "output file")));
    let profiles = outputs::compare(output, &manifest, &spec)?;
    proofs.push(format!("{} profiles, ids strictly increasing, none twice", profiles.len()));
    proofs.push(format!("{} cells are the same in CSV and Parquet", profiles.len() * spec.output.len()));
    manifest.ledger.balance().map_err(Error::Verify)?;
    let rows: u64 = manifest.ledger.0.values().map(|l| l.rows_read).sum();
    proofs.push(format!("the ledger accounts for all {rows} input rows"));
    for file in &manifest.inputs {
        check_input(&input.join(&file.file), &file.file, file.digest.as_deref())?;
    }
    proofs.push(format!("the digests of {} are the manifest's", counted(manifest.inputs.len() as u64, "input file")));
    let found = customers::find(input, &manifest, &spec)?;
    let counts = (found.len() as u64, profiles.len() as u64, manifest.customers.total);
    if counts.0 != counts.1 || counts.1 != counts.2 || profiles.iter().any(|id| !found.contains(id)) {
        return Err(wrong(format!(
            "{} customers in, {} profiles out, {} in the manifest, or other ids",
            counts.0, counts.1, counts.2
        )));
    }
    proofs.push(format!("the {} customers in are the {} profiles out", counts.0, counts.1));
    Ok(proofs)
}

/// The manifest of the finished run in an output folder.
///
/// # Errors
/// [`Error::NoRun`] without one, [`Error::Verify`] when it cannot be read or is of a failed run, I/O.
pub fn read_manifest(output: &Path) -> Result<Manifest> {
    let path = output.join(MANIFEST_FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(Error::NoRun(output.to_owned())),
        Err(e) => return Err(Error::reading(&path, e)),
    };
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|e| wrong(format!("`{}` is no manifest: {e}", path.display())))?;
    match manifest.status {
        Status::Succeeded => Ok(manifest),
        Status::Failed => Err(wrong("the manifest is of a failed run")),
    }
}

fn check_output(path: &Path, bytes: u64, sha256: &str) -> Result<()> {
    let found = sha256_of(path).map_err(|e| Error::reading(path, e))?;
    if found != (bytes, sha256.to_owned()) {
        return Err(wrong(format!("`{}` is not the file that the run wrote", path.display())));
    }
    Ok(())
}

fn check_input(path: &Path, name: &str, digest: Option<&str>) -> Result<()> {
    let mut hash = Xxh3::new();
    each_block(path, |block| hash.update(block)).map_err(|e| Error::reading(path, e))?;
    if digest != Some(format!("xxh3-128:{:032x}", hash.digest128()).as_str()) {
        return Err(wrong(format!("input `{name}` is not the file that the run read")));
    }
    Ok(())
}

fn wrong(message: impl Into<String>) -> Error {
    Error::Verify(message.into())
}
