//! Proves a finished run from its files alone, with the `parquet`, `arrow` and `csv` crates. Never uses Polars or the
//! code that read the inputs and wrote the outputs.

mod customers;
mod decode;
mod forms;
mod identities;
mod linking;
mod outputs;
mod records;
mod unpacked;

use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::disk::{hex, sha256_of};
use crate::error::{Error, Result, Side};
use crate::output::folder::recover;
use crate::output::manifest::InputRecord;
use crate::output::runs::finished;
use crate::spec::Spec;

use linking::Witness;
use unpacked::Packed;

/// What was proved about a finished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Proofs {
    /// Output and rejects files whose digests match the manifest.
    pub output_files: u64,
    /// Profiles, whose ids are in order and there only once.
    pub profiles: u64,
    /// Cells that are the same in CSV and Parquet.
    pub cells: u64,
    /// Input rows in the ledger, which balances.
    pub input_rows: u64,
    /// Input files whose digests match the manifest.
    pub input_files: u64,
    /// Customers in the inputs, which are exactly those of the profiles.
    pub customers: u64,
}

/// Verifies the run whose outputs are in `output` against its inputs in `input`.
///
/// # Errors
/// [`Error::NoRun`] without a finished run; [`Error::Verify`] for the first thing that is not as the manifest says;
/// [`Error::Spec`] if this version does not accept the manifest's spec; [`Error::Io`] for a file that cannot be read;
/// those of [`crate::manifest::recover`].
pub fn verify(input: &Path, output: &Path) -> Result<Proofs> {
    recover(output)?;
    let manifest = finished(output)?;
    let spec = Spec::parse(&manifest.spec.text, "the manifest's spec")?;
    if hex(&Sha256::digest(manifest.spec.text.as_bytes())) != manifest.spec.sha256 {
        return Err(wrong("the spec in the manifest does not have the digest in the manifest"));
    }
    for file in &manifest.outputs {
        check_output(&output.join(&file.file), file.bytes, &file.sha256)?;
    }
    for file in &manifest.rejects {
        check_output(&output.join(&file.file), file.bytes, &file.sha256)?;
    }
    let profiles = outputs::compare(output, &manifest, &spec)?;
    manifest.ledger.balance().map_err(Error::Verify)?;
    for file in &manifest.inputs {
        check_input(input, file)?;
    }
    for file in &manifest.spec_files {
        // A list that was given by hand need not be in the input folder.
        let is_by_hand = manifest.options.erase.as_ref() == Some(&file.file);
        let path = if is_by_hand { file.file.clone().into() } else { input.join(&file.file) };
        if sha256_of(&path).map_err(|e| Error::reading(&path, e))?.1 != file.sha256 {
            return Err(wrong(format!("`{}` has changed since the run read it", path.display())));
        }
    }
    let mut witness = match &spec.identity {
        Some(identity) => Some(Witness::new(&spec, identity, input, &manifest)?),
        None => None,
    };
    let found = customers::find(input, &manifest, &spec, witness.as_mut())?;
    let found = match &witness {
        Some(witness) => identities::prove(output, &manifest, &spec, &witness.find())?,
        None => found,
    };
    let counts = (found.len() as u64, profiles.len() as u64, manifest.customers.total);
    if counts.0 != counts.1 || counts.1 != counts.2 || profiles.iter().any(|id| !found.contains(id)) {
        return Err(wrong(format!(
            "the inputs have {} customers, the outputs {}, the manifest says {}, or the ids differ",
            counts.0, counts.1, counts.2
        )));
    }
    Ok(Proofs {
        output_files: (manifest.outputs.len() + manifest.rejects.len()) as u64,
        profiles: counts.1,
        cells: counts.1 * spec.output.len() as u64,
        input_rows: manifest.ledger.0.values().map(|l| l.rows_read).sum(),
        input_files: manifest.inputs.len() as u64,
        customers: counts.0,
    })
}

fn check_output(path: &Path, bytes: u64, sha256: &str) -> Result<()> {
    let found = sha256_of(path).map_err(|e| published(path, e))?;
    if found != (bytes, sha256.to_owned()) {
        return Err(wrong(format!("`{}` has changed since the run wrote it", path.display())));
    }
    Ok(())
}

fn check_input(input: &Path, file: &InputRecord) -> Result<()> {
    let path = input.join(file.file_name());
    let changed = || wrong(format!("input `{}` has changed since the run read it", file.file));
    let mut bytes =
        Packed { path: &path, member: file.member.as_deref() }.bytes().map_err(|e| match e.raw_os_error() {
            Some(_) => Error::reading(&path, e),
            None => changed(),
        })?;
    let (mut hash, mut block) = (Xxh3::new(), vec![0; 1 << 20]);
    loop {
        match bytes.read(&mut block) {
            Ok(0) => break,
            Ok(read) => hash.update(&block[..read]),
            Err(e) if e.raw_os_error().is_some() => return Err(Error::reading(&path, e)),
            // What was packed soundly when the run read it is not any more.
            Err(_) => return Err(changed()),
        }
    }
    match file.digest.as_deref() == Some(format!("xxh3-128:{:032x}", hash.digest128()).as_str()) {
        true => Ok(()),
        false => Err(changed()),
    }
}

/// The error for a published file that cannot be read; a missing one fails the verification.
fn published(path: &Path, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::NotFound => wrong(format!("`{}` is missing, but the run wrote it", path.display())),
        _ => Error::Io { verb: "read", path: path.to_owned(), side: Side::Output, cause },
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::Verify(message.into())
}
