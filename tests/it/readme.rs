//! The README stays true: every command in it runs, in order, in a folder with the sample data.

use std::fs;
use std::process::Command;

use crate::workdir::{Workdir, project};

/// Lines of the README's `sh` blocks, each with the marker of its block: `sh`, or `sh no-test: reason`.
fn commands() -> Vec<(String, String)> {
    let text = fs::read_to_string(project().join("README.md")).expect("README.md");
    let mut commands = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match (&block, line.strip_prefix("```")) {
            (None, Some(marker)) => block = Some(marker.to_owned()),
            (Some(_), Some(_)) => block = None,
            (Some(marker), None) if marker.starts_with("sh") && !line.trim().is_empty() => {
                commands.push((marker.clone(), line.to_owned()));
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn every_command_of_the_readme_runs() {
    let dir = Workdir::with_sample(200);
    let bin = project_bin();
    let mut ran = 0;
    for (marker, command) in commands() {
        // Building and testing are what runs this test; measurements at full size have their own marker and reason.
        if marker.contains("no-test") || command.starts_with("cargo test") {
            continue;
        }
        let command = command.split("  #").next().unwrap_or_default().replace("cargo run --release --", "onefold");
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &command])
            .current_dir(dir.path(""))
            .env("PATH", path)
            .output()
            .expect("bash starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{stderr}");
        ran += 1;
    }
    assert!(ran >= 8, "only {ran} commands ran");
}

#[test]
fn two_commands_suffice_from_source_and_a_wheel_comes_before_them() {
    let all: Vec<String> =
        commands().into_iter().map(|(_, c)| c.split("  #").next().unwrap_or_default().trim().to_owned()).collect();
    assert!(all[0].starts_with("pip install onefold-") && all[0].ends_with(".whl"), "{}", all[0]);
    let first: Vec<&String> = all.iter().filter(|c| c.starts_with("cargo ")).take(2).collect();
    assert_eq!(first, ["cargo run --release -- run", "cargo test --release"]);
    let ci = fs::read_to_string(project().join(".ci/run")).expect(".ci/run");
    assert!(ci.contains("cargo test --release"), "CI calls the README's test command");
}

#[test]
fn the_readme_names_every_flag_of_run_and_bench_and_every_exit_code() {
    let dir = Workdir::new();
    let text = fs::read_to_string(project().join("README.md")).expect("README.md");
    let help = ["run", "bench"].map(|command| dir.onefold(&[command, "--help"]).stdout()).concat();
    let flags = help
        .split_whitespace()
        .filter(|w| w.starts_with("--"))
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric() && c != '-'));
    for flag in flags.filter(|f| f.len() > 2) {
        assert!(text.contains(flag), "README.md lacks {flag}");
    }
    for code in ["0", "2", "3", "4", "5", "6", "7", "70", "130"] {
        assert!(text.contains(&format!("| {code} |")), "README.md lacks exit code {code}");
    }
}

#[test]
fn the_spec_in_the_readme_runs_on_the_sample() {
    let text = fs::read_to_string(project().join("README.md")).expect("README.md");
    let spec = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a toml block");
    let dir = Workdir::with_sample(200);
    dir.write("readme.toml", spec);
    dir.onefold(&["run", "--profile", "readme.toml"]).expect(0);
    dir.onefold(&["verify"]).expect(0);
    assert_eq!(dir.read("data_out/profiles.csv").lines().count(), 201);
}

fn project_bin() -> String {
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_onefold"));
    bin.parent().expect("a folder").display().to_string()
}
