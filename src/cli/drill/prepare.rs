//! What the rounds share: the outputs that every round must end with, and the old ones that it begins with.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use onefold::manifest::Manifest;
use onefold::source::{InputFile, OpenInputs};
use onefold::spec::{CheckRule, Source};
use onefold::workspace::MANIFEST_FILE;
use onefold::{Error, Result};

use crate::cli::exit::Failure;
use crate::cli::process;
use crate::cli::run::InputArgs;

/// A folder for the rounds, with what they are compared to.
pub struct Stage {
    folder: TempDir,
    program: PathBuf,
    args: Vec<OsString>,
    /// The input folder, for `verify`.
    pub input: PathBuf,
    /// Names of the outputs, which are compared byte by byte.
    pub outputs: Vec<String>,
}

impl Stage {
    /// Makes the outputs of an undisturbed run, and old outputs: those of the same files without a row.
    pub fn prepare(input: &InputArgs, inputs: &OpenInputs, place: Option<&Path>) -> std::result::Result<Self, Failure> {
        let (folder, program) = (process::folder(place, "onefold-drill-")?, process::program()?);
        let (args, input_folder) = (input.to_args(), input.folder().to_owned());
        let mut stage = Self { folder, program, args, input: input_folder, outputs: Vec::new() };
        let calm = |args: Vec<OsString>, output: &str| {
            let ended = stage.run(&args, &stage.path(output), &[])?;
            if ended.status.success() { Ok(()) } else { Err(failure(&ended)) }
        };
        calm(stage.args.clone(), "want")?;
        calm(stage.old_args(input, inputs)?, "old")?;
        let manifest = read(&stage.path("want").join(MANIFEST_FILE))?;
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|e| Error::Bug(format!("the manifest: {e}")))?;
        stage.outputs = manifest.outputs.into_iter().map(|output| output.file).collect();
        Ok(stage)
    }

    /// Flags of a run that gives other outputs: of the same files without a row. A spec that wants as many rows as last time
    /// gets another spec, whose Parquet file says so.
    fn old_args(&self, input: &InputArgs, inputs: &OpenInputs) -> Result<Vec<OsString>> {
        let spec = input.spec()?;
        if spec.checks.iter().any(|check| matches!(check.rule, CheckRule::RowsWithin(_))) {
            let other = self.path("old.toml");
            let text = format!("{}\n# The spec of the old outputs.\n", spec.text);
            fs::write(&other, text).map_err(|e| Error::writing("write", &other, e))?;
            return Ok(input.args(Some(&other), input.by_hand()));
        }
        let mut headers = Vec::new();
        for (at, (source, files)) in spec.sources.iter().zip(&inputs.sources).enumerate() {
            for (number, file) in files.iter().enumerate() {
                let path = self.path(&format!("header-{at}-{number}.csv"));
                fs::write(&path, header(source, file)?).map_err(|e| Error::writing("write", &path, e))?;
                headers.push((source.name.clone(), path));
            }
        }
        Ok(input.args(input.profile(), &headers))
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One run on the inputs into this folder, its log as JSON.
    pub fn disturbed(&self, output: &Path, more: &[String]) -> Result<Output> {
        self.run(&self.args, output, more)
    }

    fn run(&self, args: &[OsString], output: &Path, more: &[String]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(["run", "--log-format", "json", "--verbose", "--retry-wait", "1ms"]).args(args).args(more);
        command.arg("--output").arg(output).env_remove("CHAOS_FAIL_SHARD").stdin(Stdio::null()).stdout(Stdio::null());
        command.output().map_err(|e| Error::Bug(format!("cannot start `{}`: {e}", self.program.display())))
    }

    /// Removes the folder.
    pub fn close(self) -> Result<()> {
        let path = self.folder.path().to_owned();
        self.folder.close().map_err(|e| Error::writing("remove", &path, e))
    }
}

/// A run's failure in its own words.
pub fn failure(ended: &Output) -> Failure {
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let events = stderr.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let told = events.filter_map(|event| event["error"].as_str().map(str::to_owned)).next();
    let code = ended.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(70);
    Failure::Run { code, told: told.unwrap_or_else(|| format!("the process ended with {}", ended.status)) }
}

/// A file of the source without rows, in UTF-8 with a mark, which wins over any encoding that is declared.
fn header(source: &Source, file: &InputFile) -> Result<Vec<u8>> {
    let mut csv =
        csv::WriterBuilder::new().delimiter(file.header.delimiter.byte()).from_writer(b"\xEF\xBB\xBF".to_vec());
    let names = std::iter::once(&source.key).chain(source.columns.iter().map(|column| &column.name));
    csv.write_record(names).map_err(|e| Error::Bug(format!("a header: {e}")))?;
    csv.into_inner().map_err(|e| Error::Bug(format!("a header: {e}")))
}

/// A file of a run's output folder.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::writing("read back", path, e))
}
