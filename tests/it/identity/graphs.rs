//! Random graphs, compared with the oracle in `tests/oracle`, which was written from the rules alone.

use std::process::Command;

use crate::workdir::project;

/// Runs the comparison over so many cases: shards, threads and memory limits vary, every third is run shuffled too.
fn agrees(args: &[&str]) {
    let done = Command::new("python3")
        .arg("-B")
        .arg(project().join("tests/oracle/agree.py"))
        .arg(env!("CARGO_BIN_EXE_onefold"))
        .args(args)
        .output()
        .expect("python starts");
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}{}", String::from_utf8_lossy(&done.stderr));
    assert!(told.contains("\"differ\": 0"), "{told}");
}

#[test]
fn a_thousand_random_graphs() {
    agrees(&["--count", "1000"]);
}
