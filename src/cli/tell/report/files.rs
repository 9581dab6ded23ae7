//! The section of input and output files with their digests. Opens none of them.

use onefold::manifest::{InputRecord, Manifest, OutputRecord, RejectsRecord, Status};
use serde::Serialize;

use crate::cli::tell::words::{bytes, grouped};

/// Most input files that are listed.
const MOST: usize = 500;

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct Files {
    inputs: Vec<FileLine>,
    inputs_left_out: Option<String>,
    outputs: Vec<FileLine>,
}

#[derive(Debug, Serialize)]
struct FileLine {
    source: String,
    file: String,
    rows: String,
    bytes: String,
    digest: String,
}

/// The files of a run.
pub(super) fn files(manifest: &Manifest) -> Files {
    let left_out = manifest.inputs.len().saturating_sub(MOST) as u64;
    Files {
        inputs: manifest.inputs.iter().take(MOST).map(input).collect(),
        inputs_left_out: (left_out > 0).then(|| grouped(left_out)),
        // A failed run has published nothing.
        outputs: if manifest.status == Status::Succeeded { published(manifest) } else { Vec::new() },
    }
}

fn published(manifest: &Manifest) -> Vec<FileLine> {
    manifest.outputs.iter().map(output).chain(manifest.rejects.iter().map(rejects)).collect()
}

fn input(record: &InputRecord) -> FileLine {
    let InputRecord { source, file, bytes: size, digest, rows, .. } = record;
    let digest = digest.clone().unwrap_or_else(|| "not read to its end".to_owned());
    FileLine { source: source.clone(), file: file.clone(), rows: grouped(*rows), bytes: bytes(*size), digest }
}

fn output(record: &OutputRecord) -> FileLine {
    let OutputRecord { file, rows, bytes: size, sha256, .. } = record;
    let digest = format!("sha256:{sha256}");
    FileLine { source: String::new(), file: file.clone(), rows: grouped(*rows), bytes: bytes(*size), digest }
}

fn rejects(record: &RejectsRecord) -> FileLine {
    let RejectsRecord { file, bytes: size, sha256, .. } = record;
    let digest = format!("sha256:{sha256}");
    FileLine { source: String::new(), file: file.clone(), rows: String::new(), bytes: bytes(*size), digest }
}
