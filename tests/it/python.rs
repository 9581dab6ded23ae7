//! Independent witnesses in Python: the oracle, DuckDB, pyarrow, Polars. CI has them; elsewhere a missing one skips.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workdir::project;

/// The Python that has the packages of `.ci/run`, or the system's.
fn python() -> String {
    std::env::var("ONEFOLD_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Runs a script of the project and gives what it said; fails the test when the script does.
fn run(script: &Path, args: &[PathBuf]) -> String {
    let ran = Command::new(python()).arg(script).args(args).output().expect("Python starts");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {text}", script.display());
    text
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

/// onefold and its peers agree on every cell of a workload of the peers' benchmark, at this size.
pub fn peers_agree(workload: &str, customers: &str) {
    let scripts = project().join("../shared/peers");
    if !available(has_packages() && scripts.exists(), "../shared/peers and the packages duckdb, polars and pyarrow") {
        return;
    }
    let work = tempfile::tempdir().expect("a folder");
    let args = ["--customers", customers, "--rounds", "1", "--onefold", env!("CARGO_BIN_EXE_onefold"), "--work"];
    let args = [workload].into_iter().chain(args).map(PathBuf::from).chain([work.path().to_owned()]);
    let table = run(&project().join("benches/peers/peers.py"), &args.collect::<Vec<_>>());
    assert!(table.contains("DuckDB") && table.contains("Polars"), "{table}");
}

fn has_packages() -> bool {
    let packages = Command::new(python()).args(["-c", "import duckdb, polars, pyarrow"]).output();
    packages.is_ok_and(|o| o.status.success())
}

/// A script of `tests/readers`, which needs packages of PyPI, finds no difference.
pub fn reader_agrees(script: &str, args: &[PathBuf]) {
    if available(has_packages(), "the packages duckdb, polars and pyarrow") {
        run(&project().join("tests/readers").join(script), args);
    }
}

/// What a command shows on a terminal of so many columns, as `tests/readers/screen.py` tells; none where Python lacks pyte.
pub fn on_terminal(folder: &Path, columns: u16, args: &[&str], env: &[(&str, &str)]) -> Option<serde_json::Value> {
    if !has_terminal() {
        return None;
    }
    let script = project().join("tests/readers/screen.py");
    let mut command = Command::new(python());
    command.arg(script).arg(columns.to_string()).arg(env!("CARGO_BIN_EXE_onefold")).args(args);
    // Python would tell its children of another locale than it was told of.
    command
        .current_dir(folder)
        .env_remove("CHAOS_FAIL_SHARD")
        .env("PYTHONCOERCECLOCALE", "0")
        .envs(env.iter().copied());
    let ran = command.output().expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(serde_json::from_slice(&ran.stdout).expect("JSON"))
}

/// The picture of a run that `docs/capture.py` makes, of so many customers; none where Python lacks pyte.
pub fn capture(folder: &Path, customers: &str) -> Option<String> {
    if !has_terminal() {
        return None;
    }
    let file = folder.join("run.svg");
    let args = [env!("CARGO_BIN_EXE_onefold").into(), file.clone(), customers.into()];
    run(&project().join("docs/capture.py"), &args);
    Some(std::fs::read_to_string(file).expect("a picture"))
}

fn has_terminal() -> bool {
    let pyte = Command::new(python()).args(["-c", "import pyte"]).output();
    available(pyte.is_ok_and(|o| o.status.success()), "the package pyte")
}
