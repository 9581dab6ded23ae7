//! The house in order: what each room may import, how long functions and files may be, that each file says what it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workdir::project;

/// Hard caps; the aims are 300 and 40.
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 60;

/// Room → words that must not stand in its imports and paths. ARCHITECTURE.md gives the reasons.
const NEVER: &[(&str, &[&str])] = &[
    ("main.rs", &["polars", "rayon", "std::fs", "arrow", "parquet"]),
    (
        "cli",
        &[
            "polars",
            "rayon",
            "arrow",
            "parquet",
            "onefold::build",
            "onefold::route",
            "onefold::merge",
            "onefold::sink",
            "onefold::shard",
        ],
    ),
    ("cli/bench", &["onefold::run", "onefold::pipeline"]),
    ("cli/progress", &["onefold::", "std::fs"]),
    ("cli/drill", &["onefold::run", "onefold::pipeline"]),
    ("settings.rs", &["clap", "std::env", "polars"]),
    ("error.rs", &["crate::", "polars", "clap"]),
    ("cell.rs", &["crate::", "polars", "arrow", "std::fs"]),
    ("digest.rs", &["crate::", "polars"]),
    ("words.rs", &["crate::", "polars", "arrow", "std::fs", "clap", "Utc::now"]),
    ("stop.rs", &["polars", "arrow", "std::fs", "clap", "signal_hook"]),
    (
        "checkpoint.rs",
        &["polars", "arrow", "crate::spec", "crate::build", "crate::shard", "crate::source", "clap", "tracing"],
    ),
    (
        "spec",
        &[
            "std::fs",
            "std::io",
            "Utc::now",
            "rayon",
            "tracing",
            "clap",
            "crate::source",
            "crate::build",
            "crate::route",
        ],
    ),
    ("source", &["crate::route", "crate::build", "crate::shard", "crate::executor", "polars", "clap", "tracing"]),
    ("route", &["polars", "crate::spec", "crate::build", "crate::executor", "clap", "tracing"]),
    ("read", &["polars", "crate::build", "crate::shard", "crate::executor", "clap"]),
    (
        "build",
        &[
            ".collect()?",
            "std::fs",
            "std::io",
            "Utc::now",
            "Instant",
            "rayon",
            "tracing",
            "crate::executor",
            "crate::source",
            "crate::sink",
            "clap",
        ],
    ),
    ("render.rs", &["polars", "crate::spec", "std::fs"]),
    (
        "executor",
        &[
            "crate::spec",
            "crate::build",
            "crate::shard",
            "crate::route",
            "crate::source",
            "crate::sink",
            "arrow",
            "clap",
            "tracing",
        ],
    ),
    ("disk.rs", &["polars", "arrow", "std::fs", "clap"]),
    ("ids.rs", &["crate::", "polars", "arrow", "std::fs", "clap"]),
    ("memory.rs", &["crate::", "polars", "arrow", "std::fs", "clap"]),
    ("merge", &["polars", "crate::spec", "crate::build", "std::fs", "clap", "tracing"]),
    ("parts", &["polars", "crate::spec", "crate::build", "crate::route", "clap", "tracing"]),
    ("sink", &["polars::", "crate::build", "crate::source", "crate::executor", "clap", "tracing"]),
    ("draw", &["crate::manifest", "polars", "arrow", "std::fs", "clap", "tracing"]),
    ("runs.rs", &["polars", "arrow", "crate::spec", "fs::write", "File::create", "clap", "tracing"]),
    (
        "report",
        &[
            "polars",
            "crate::spec",
            "crate::source",
            "crate::build",
            "crate::route",
            "crate::executor",
            "fs::write",
            "File::create",
            "Utc::now",
            "clap",
            "tracing",
        ],
    ),
    ("telemetry", &["polars", "arrow", "crate::pipeline", "std::env", "Utc::now", "clap", "tracing"]),
    ("manifest", &["std::fs", "Utc::now", "polars", "arrow", "crate::"]),
    ("workspace", &["polars", "arrow", "crate::spec", "crate::build", "crate::source", "clap", "tracing"]),
    (
        "verify",
        &[
            "polars",
            "crate::source",
            "crate::build",
            "crate::route",
            "crate::render",
            "crate::merge",
            "crate::shard",
            "clap",
        ],
    ),
    ("generate", &["polars", "crate::spec", "crate::source", "crate::build", "clap", "SystemTime"]),
    ("pipeline", &["polars", "clap", "crate::cli"]),
    ("checks", &["polars", "crate::build", "crate::source", "crate::manifest", "clap", "tracing"]),
    ("explain", &["polars::", "crate::pipeline", "crate::merge", "clap", "tracing"]),
    ("diff", &["polars", "crate::build", "crate::source", "crate::route", "crate::shard", "clap", "tracing"]),
];

/// The one file that may reach for the network, and only when it is asked to.
const NETWORK: &str = "telemetry/post.rs";

/// The rooms that may hold `unsafe`, and why is said in them.
const UNSAFE: &[&str] = &["interop.rs", "cli/threads.rs"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Every Rust file of a folder: path within it, text.
fn read_all(folder: &str) -> Vec<(String, String)> {
    let root = project().join(folder);
    let name = |p: &Path| p.strip_prefix(&root).expect("inside").display().to_string();
    sources(&root).iter().map(|p| (name(p), fs::read_to_string(p).expect("text"))).collect()
}

/// A file's product code: up to its unit tests, comments left out.
fn product(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether a file is the room, its opening file or one in its folder.
fn is_in(file: &str, room: &str) -> bool {
    file == room || file.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut wrong = Vec::new();
    for (file, text) in read_all("src") {
        let code = product(&text);
        for (name, never) in NEVER.iter().filter(|(room, _)| is_in(&file, room)) {
            wrong.extend(never.iter().filter(|w| code.contains(**w)).map(|w| format!("{file} ({name}): {w}")));
        }
        if code.contains("unsafe ") && !UNSAFE.contains(&file.as_str()) {
            wrong.push(format!("{file}: unsafe"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_file_has_the_network() {
    for (file, text) in read_all("src") {
        let reaches = ["ureq", "std::net", "TcpStream", "UdpSocket"].iter().any(|word| product(&text).contains(word));
        assert_eq!(reaches, file == NETWORK, "{file}");
    }
}

#[test]
fn every_room_has_its_rule() {
    let free = ["lib.rs", "interop.rs", "shard.rs"];
    for (file, _) in read_all("src") {
        let known = free.contains(&file.as_str()) || NEVER.iter().any(|(room, _)| is_in(&file, room));
        assert!(known, "{file} is in no room of the tidy test and of ARCHITECTURE.md");
    }
}

#[test]
fn only_generate_knows_the_default_profile() {
    for (file, text) in read_all("src") {
        if file.starts_with("generate") || file.ends_with("tests.rs") {
            continue;
        }
        let code = product(&text);
        for name in ["customer_id", "\"crm", "\"billing", "\"support", "churn_risk", "usage_pct", "last_contact"] {
            assert!(!code.contains(name), "{file} names {name}");
        }
    }
}

#[test]
fn files_and_functions_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for (file, text) in read_all(folder) {
            let lines = text.lines().count();
            if lines > FILE_LINES {
                wrong.push(format!("{folder}/{file}: {lines} lines"));
            }
            let is_unit_test = file.ends_with("tests.rs");
            if !text.starts_with("//!") && !is_unit_test {
                wrong.push(format!("{folder}/{file}: no opening `//!` line"));
            }
            wrong.extend(long_functions(&text).into_iter().map(|f| format!("{folder}/{file}: {f}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Functions over the cap. The code is formatted: a function ends at the first `}` indented like its `fn`.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let is_function = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn "].iter().any(|f| body.starts_with(f));
        let signature_ends = lines[start..].iter().find(|l| l.ends_with(['{', ';', '}']));
        if !is_function || signature_ends.is_some_and(|l| l.ends_with(';')) {
            continue;
        }
        let close = " ".repeat(line.len() - body.len()) + "}";
        let length = lines[start..].iter().position(|l| *l == close).unwrap_or(0) + 1;
        if length > FUNCTION_LINES {
            long.push(format!("line {}: a function of {length} lines", start + 1));
        }
    }
    long
}

#[test]
fn the_house_is_documented() {
    let text = fs::read_to_string(project().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for (name, _) in NEVER {
        assert!(
            text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}.rs`")),
            "ARCHITECTURE.md lacks `{name}`"
        );
    }
}
