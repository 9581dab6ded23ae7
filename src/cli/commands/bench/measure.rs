//! Measures one `onefold run` as a separate process: how long it took, its manifest, the digests of its outputs. Keeps
//! none of its files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use indexmap::IndexMap;
use onefold::manifest::{self, Manifest, sha256_of};
use onefold::{Error, Result};

use super::machine::children_cpu;
use crate::cli::exit::Failure;
use crate::cli::os::process::program;

/// The measurements of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Wall time, from before its process starts to after it has ended.
    pub seconds: f64,
    /// User and system time of all its threads.
    pub cpu_seconds: Option<f64>,
    /// Seconds of each stage, from its manifest.
    pub stages: IndexMap<String, f64>,
    /// Peak resident memory.
    pub peak_memory_bytes: Option<u64>,
    /// Input rows.
    pub rows: u64,
    /// Input bytes.
    pub bytes: u64,
    pub threads: usize,
    /// SHA-256 of each output file.
    pub digests: IndexMap<String, String>,
}

/// What all runs have in common.
pub struct Runs<'a> {
    program: PathBuf,
    args: Vec<OsString>,
    folder: &'a Path,
}

impl<'a> Runs<'a> {
    /// Runs of this program with these flags, in this folder.
    pub fn new(args: Vec<OsString>, folder: &'a Path) -> Result<Self> {
        Ok(Self { program: program()?, args, folder })
    }

    /// Makes one run. Its outputs are read, then removed.
    pub fn run(&self, shards: usize) -> std::result::Result<Sample, Failure> {
        let output = self.folder.join("out");
        let mut command = Command::new(&self.program);
        command.args(["run", "--quiet", "--log-format", "text"]).args(&self.args);
        command.arg("--shards").arg(shards.to_string()).arg("--output").arg(&output);
        // A drill from the environment must not be measured.
        command.env_remove("CHAOS_FAIL_SHARD").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());

        let (before, begun) = (children_cpu(), Instant::now());
        let ended = command.output();
        let (seconds, after) = (begun.elapsed().as_secs_f64(), children_cpu());

        let ended = ended.map_err(|e| Error::Bug(format!("cannot start `{}`: {e}", self.program.display())))?;
        if !ended.status.success() {
            return Err(self.failure(&ended));
        }
        let cpu_seconds = before.zip(after).map(|(before, after)| rounded(after - before));
        let sample = Sample { seconds: rounded(seconds), cpu_seconds, ..read(&output)? };
        fs::remove_dir_all(&output).map_err(|e| Error::writing("remove", &output, e))?;
        Ok(sample)
    }

    /// The run's error with its own text and exit code.
    fn failure(&self, ended: &Output) -> Failure {
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let told = stderr.trim();
        let told = told.strip_prefix("error: ").unwrap_or(told);
        match ended.status.code().map(u8::try_from) {
            Some(Ok(code)) if told.contains(&*self.folder.to_string_lossy()) => {
                let told =
                    format!("{told} (`onefold bench` removes the files of its runs; use `onefold run` to see them)");
                Failure::Run { code, told }
            }
            Some(Ok(code)) if !told.is_empty() => Failure::Run { code, told: told.to_owned() },
            _ => Failure::Run { code: 70, told: format!("the process ended with {}", ended.status) },
        }
    }
}

/// Reads the run's manifest and outputs.
fn read(output: &Path) -> Result<Sample> {
    let Manifest { stages, peak_memory_bytes, inputs, threads, outputs, .. } = manifest::finished(output)?;
    let mut sample = Sample {
        peak_memory_bytes,
        rows: inputs.iter().map(|i| i.rows).sum(),
        bytes: inputs.iter().map(|i| i.bytes).sum(),
        threads,
        ..Sample::default()
    };
    for stage in stages {
        *sample.stages.entry(stage.stage).or_default() += stage.seconds;
    }
    for file in outputs {
        let path = output.join(&file.file);
        let (_, digest) = sha256_of(&path).map_err(|e| Error::writing("read back", &path, e))?;
        sample.digests.insert(file.file, digest);
    }
    Ok(sample)
}

/// Seconds rounded to microseconds.
pub fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
