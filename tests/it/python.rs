//! Independent witnesses in Python: the oracle, DuckDB, pyarrow, Polars. CI has them; elsewhere a missing one skips.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workdir::project;

/// The Python that has the packages of `.ci/run`, or the system's.
fn python() -> String {
    std::env::var("ONEFOLD_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Runs a script of the project; fails the test when the script does.
fn run(script: &Path, args: &[PathBuf]) {
    let ran = Command::new(python()).arg(script).args(args).output().expect("Python starts");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {text}", script.display());
}

/// Whether the witness can be called; in CI it must be.
fn available(is: bool, what: &str) -> bool {
    assert!(is || std::env::var_os("CI").is_none(), "CI needs {what}");
    is
}

/// The independent oracle finds no difference between these inputs and this run.
pub fn oracle_agrees(input: &Path, output: &Path) {
    let script = project().join("../shared/oracle/profiles.py");
    if available(script.exists(), "../shared/oracle") {
        run(&script, &[input.to_owned(), "--check".into(), output.to_owned()]);
    }
}

/// A script of `tests/readers`, which needs packages of PyPI, finds no difference.
pub fn reader_agrees(script: &str, args: &[PathBuf]) {
    let packages = Command::new(python()).args(["-c", "import duckdb, polars, pyarrow"]).output();
    if available(packages.is_ok_and(|o| o.status.success()), "the packages duckdb, polars and pyarrow") {
        run(&project().join("tests/readers").join(script), args);
    }
}
