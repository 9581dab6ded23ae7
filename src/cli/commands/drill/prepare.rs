//! What the rounds share: the outputs with which every round must end, and the old ones with which it starts. Injects
//! no fault.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use onefold::spec::Delimiter;
use onefold::{Checked, CheckedFile, CheckedSource, Error, Result, manifest};
use tempfile::TempDir;

use crate::cli::commands::run::InputArgs;
use crate::cli::exit::Failure;
use crate::cli::os::process;

/// A folder for the rounds, with the outputs to compare with.
pub struct Rounds {
    folder: TempDir,
    program: PathBuf,
    args: Vec<OsString>,
    /// The input folder, for `verify`.
    pub input: PathBuf,
    /// Names of the outputs, which are compared byte by byte.
    pub outputs: Vec<String>,
}

impl Rounds {
    /// Makes the outputs of a run without faults, and old outputs: those of the same files without rows.
    pub fn prepare(input: &InputArgs, inputs: &Checked, place: Option<&Path>) -> std::result::Result<Self, Failure> {
        let (folder, program) = (process::folder(place, "onefold-drill-")?, process::program()?);
        let (args, input_folder) = (input.to_args(), input.folder().to_owned());
        let mut rounds = Self { folder, program, args, input: input_folder, outputs: Vec::new() };
        let calm = |args: Vec<OsString>, output: &str| {
            let ended = rounds.run(&args, &rounds.path(output), &[])?;
            if ended.status.success() { Ok(()) } else { Err(failure(&ended)) }
        };
        calm(rounds.args.clone(), "want")?;
        // Files that are not plain CSV may have no form without rows: then it is the spec that is another.
        let headers = if inputs.compares_with_last { None } else { Some(rounds.headers(input, inputs)?) };
        let without_rows = headers.is_some_and(|args| calm(args, "old").is_ok());
        if !without_rows {
            calm(rounds.other_spec(input)?, "old")?;
        }
        let manifest = manifest::finished(&rounds.path("want"))?;
        rounds.outputs = manifest.outputs.into_iter().map(|output| output.file).collect();
        Ok(rounds)
    }

    /// Flags of a run with another spec, so that only its Parquet file differs.
    fn other_spec(&self, input: &InputArgs) -> Result<Vec<OsString>> {
        let other = self.path("old.toml");
        let text = format!("{}\n# The spec of the old outputs.\n", input.spec()?.text());
        fs::write(&other, text).map_err(|e| Error::writing("write", &other, e))?;
        Ok(input.args(Some(&other), input.by_hand()))
    }

    /// Flags of a run with other outputs: it reads the same files without rows.
    fn headers(&self, input: &InputArgs, inputs: &Checked) -> Result<Vec<OsString>> {
        let mut headers = Vec::new();
        for (at, source) in inputs.sources.iter().enumerate() {
            for (number, file) in source.files.iter().enumerate() {
                let path = self.path(&format!("header-{at}-{number}.csv"));
                fs::write(&path, header(source, file)?).map_err(|e| Error::writing("write", &path, e))?;
                headers.push((source.name.clone(), path));
            }
        }
        let mut args = input.args(input.profile(), &headers);
        args.push("--allow-empty".into());
        Ok(args)
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes one run of the inputs into this folder, with a JSON log.
    pub fn run_into(&self, output: &Path, more: &[String]) -> Result<Output> {
        self.run(&self.args, output, more)
    }

    fn run(&self, args: &[OsString], output: &Path, more: &[String]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(["run", "--log-format", "json", "--verbose", "--retry-wait", "1ms"]).args(args).args(more);
        command.arg("--output").arg(output).env_remove("CHAOS_FAIL_SHARD").stdin(Stdio::null()).stdout(Stdio::null());
        command.output().map_err(|e| Error::Bug(format!("cannot start `{}`: {e}", self.program.display())))
    }

    /// Removes the folder, and reports if that fails.
    pub fn close(self) -> Result<()> {
        let path = self.folder.path().to_owned();
        self.folder.close().map_err(|e| Error::writing("remove", &path, e))
    }
}

/// A run's failure with its own text.
pub fn failure(ended: &Output) -> Failure {
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let events = stderr.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let told = events.filter_map(|event| event["error"].as_str().map(str::to_owned)).next();
    let code = ended.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(70);
    Failure::Run { code, told: told.unwrap_or_else(|| format!("the process ended with {}", ended.status)) }
}

/// A file of the source without rows, in UTF-8 with a byte-order mark, which takes precedence over a declared encoding.
fn header(source: &CheckedSource, file: &CheckedFile) -> Result<Vec<u8>> {
    let delimiter = file.delimiter.unwrap_or(Delimiter::Comma).byte();
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(b"\xEF\xBB\xBF".to_vec());
    csv.write_record(&source.columns).map_err(|e| Error::Bug(format!("a header: {e}")))?;
    csv.into_inner().map_err(|e| Error::Bug(format!("a header: {e}")))
}

/// A file of a run's output folder.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::writing("read back", path, e))
}
