//! Independent checks in Python: the oracle, which needs no package; DuckDB, pyarrow and Polars; a terminal emulator.
//! Tests that need packages are marked `ignore`; they fail if `tests/setup` has not installed them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workdir::{installed, project};

/// The Python that has the packages of `tests/requirements.txt`.
fn with_packages() -> PathBuf {
    installed("python/bin/python")
}

/// Runs a script of the project and gives what it printed; fails the test if the script fails.
fn run(python: &Path, script: &str, args: &[PathBuf]) -> String {
    let ran = Command::new(python).arg(project().join(script)).args(args).output().expect("python3 is installed");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{script}: {text}");
    text
}

/// The oracle finds no difference between these inputs and this run.
pub fn oracle_agrees(input: &Path, output: &Path) {
    let args = [input.to_owned(), "--check".into(), output.to_owned()];
    let said = run(Path::new("python3"), "tests/oracle/profiles.py", &args);
    assert!(said.contains("no difference"), "{said}");
}

/// The oracle of cells finds no difference, from this seed on.
pub fn cells_agree(first: &str, seeds: &str) {
    let args = ["--onefold", env!("CARGO_BIN_EXE_onefold"), "--seeds", first, seeds].map(PathBuf::from);
    let said = run(Path::new("python3"), "tests/oracle/cells.py", &args);
    assert!(said.contains("no difference"), "{said}");
}

/// DuckDB finds no difference in expressions over random values, from this seed on.
pub fn functions_agree(first: &str, seeds: &str) {
    let args = ["--onefold", env!("CARGO_BIN_EXE_onefold"), "--seeds", first, seeds].map(PathBuf::from);
    let said = run(&with_packages(), "tests/readers/functions.py", &args);
    assert!(said.contains("no difference"), "{said}");
}

/// onefold and its peers agree on every cell of a workload of the peers' benchmark, with this size; no peer is left
/// out.
pub fn peers_agree(workload: &str, customers: &str) {
    let work = tempfile::tempdir().expect("a folder");
    let args = ["--customers", customers, "--rounds", "1", "--onefold", env!("CARGO_BIN_EXE_onefold"), "--work"];
    let args = [workload].into_iter().chain(args).map(PathBuf::from).chain([work.path().to_owned()]);
    let said = run(&with_packages(), "benches/peers/peers.py", &args.collect::<Vec<_>>());
    assert!(said.contains("DuckDB") && said.contains("Polars") && !said.contains("skipped"), "{said}");
}

/// A script of `tests/readers` finds no difference.
pub fn reader_agrees(script: &str, args: &[PathBuf]) {
    run(&with_packages(), &format!("tests/readers/{script}"), args);
}

/// What a command shows on a terminal with this many columns, according to `tests/readers/screen.py`.
pub fn on_terminal(folder: &Path, columns: u16, args: &[&str], env: &[(&str, &str)]) -> serde_json::Value {
    let mut command = Command::new(with_packages());
    command.arg(project().join("tests/readers/screen.py")).arg(columns.to_string());
    command.arg(env!("CARGO_BIN_EXE_onefold")).args(args);
    // Python would give its children another locale than it was given.
    command
        .current_dir(folder)
        .env_remove("CHAOS_FAIL_SHARD")
        .env("PYTHONCOERCECLOCALE", "0")
        .envs(env.iter().copied());
    let ran = command.output().expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

/// The picture that `docs/capture.py` makes of a run with this many customers.
pub fn capture(folder: &Path, customers: &str) -> String {
    let file = folder.join("run.svg");
    let args = [env!("CARGO_BIN_EXE_onefold").into(), file.clone(), customers.into()];
    run(&with_packages(), "docs/capture.py", &args);
    std::fs::read_to_string(file).expect("a picture")
}
