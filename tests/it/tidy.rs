//! The house in order: which floor may know which, what may come from outside, how long functions and files may be, that
//! each file says what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::workdir::project;

/// Hard caps; the aims are 300 and 40.
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 60;

/// The floors of the library from the ground up. A file knows its own floor and those before it.
const FLOORS: &[&str] = &[
    "words", "error", "stop", "event", "disk", "value", "spec", "input", "identity", "shard", "engine", "output",
    "sample", "run", "audit", "lib",
];

/// The floors of the command. Below them all lies the library's front door.
const COMMAND_FLOORS: &[&str] = &["cli/os", "cli/tell", "cli/commands", "cli", "main"];

/// Floor → what it may not take from outside: crates by the name in Cargo.toml, or paths of the standard library. A crate's
/// family goes with it: `polars` is `polars-core` too.
const NEVER: &[(&str, &[&str])] = &[
    ("words", &["std::fs", "tracing"]),
    ("error", &["polars", "tracing"]),
    ("stop", &["arrow", "std::fs", "tracing"]),
    ("event", &["arrow", "std::fs"]),
    ("disk", &["arrow", "parquet", "tracing"]),
    ("value", &["std::fs", "std::net", "tracing"]),
    ("spec", &["std::fs", "std::io", "std::net", "arrow", "parquet", "rayon", "tracing"]),
    ("input", &["tracing"]),
    ("shard", &["tracing", "parquet"]),
    ("engine", &["std::fs", "std::net", "std::time", "tracing", "parquet"]),
    ("output", &["tracing"]),
    ("sample", &["std::time", "arrow", "tracing"]),
    ("run", &["parquet"]),
    ("audit", &["tracing"]),
    ("main", &["rayon", "arrow", "parquet", "std::fs"]),
    ("cli/tell", &["rayon"]),
];

/// The one floor with Polars.
const POLARS: &str = "engine";

/// The one file that may reach for the network, and only when it is asked to.
const NETWORK: &str = "cli/tell/telemetry/post.rs";

/// The rooms that may hold `unsafe`, and why is said in them.
const UNSAFE: &[&str] = &["engine/bridge.rs", "cli/os/threads.rs"];

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

/// The floor of a file.
fn floor(file: &str) -> &str {
    let module = file.trim_end_matches(".rs");
    let command = COMMAND_FLOORS.iter().find(|floor| module == **floor || module.starts_with(&format!("{floor}/")));
    command.copied().unwrap_or_else(|| module.split('/').next().unwrap_or_default())
}

/// Code as words: names, `::`, and every other character alone; without comments and texts.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A text, raw or not, holds no path. `'"'` is a character, a lone `'` a lifetime.
            '\'' if chars.peek() == Some(&'"') => drop(chars.nth(1)),
            '"' => {
                while let Some(inner) = chars.next().filter(|c| *c != '"') {
                    if inner == '\\' {
                        chars.next();
                    }
                }
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(next);
                }
                words.push(word);
            }
            ':' if chars.next_if_eq(&':').is_some() => words.push("::".into()),
            c if c.is_whitespace() => {}
            c => words.push(c.to_string()),
        }
    }
    words
}

/// The paths that begin with `root`, as far as names go: `crate::a::{b, c::d}` gives `a::b` and `a::c::d`.
fn paths(words: &[String], root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let begins = at == 0 || words[at - 1] != "::";
        if word == root && begins && words.get(at + 1).is_some_and(|w| w == "::") {
            follow(words, at + 2, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Follows a path from here; gives where it ends.
fn follow(words: &[String], mut at: usize, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = path.len();
    if words.get(at).is_some_and(|w| w == "{") {
        at += 1;
        while words.get(at).is_some_and(|w| w != "}") {
            at = follow(words, at, path, found);
            at += usize::from(words.get(at).is_some_and(|w| w == ","));
        }
        return at + 1;
    }
    path.extend(words.get(at).cloned());
    at += 1;
    if words.get(at).is_some_and(|w| w == "::") && words.get(at + 1).is_some_and(|w| w != "<") {
        at = follow(words, at + 1, path, found);
    } else {
        found.push(path.clone());
        // A renamed import is still of where it comes from.
        while words.get(at).is_some_and(|w| w == "as") {
            at += 2;
        }
    }
    path.truncate(depth);
    at
}

/// The floors that a file of the library names: by `crate::…`, by a name that the front door hands on, or by a `super` that
/// climbs out of its floor.
fn named_floors(file: &str, code: &str, front_door: &BTreeMap<String, String>) -> BTreeSet<String> {
    let words = words(code);
    let mut named = BTreeSet::new();
    let mut add = |first: &str| {
        let floor = if FLOORS.contains(&first) { Some(first.to_owned()) } else { front_door.get(first).cloned() };
        named.insert(floor.unwrap_or_else(|| format!("{first}, which is no floor")));
    };
    for path in paths(&words, "crate") {
        add(&path[0]);
    }
    // A module is one level down for each part of its path; `super` once more is the crate's root.
    let depth = file.trim_end_matches(".rs").split('/').count();
    for path in paths(&words, "super") {
        let climbs = 1 + path.iter().take_while(|part| *part == "super").count();
        if climbs >= depth && path.len() >= climbs {
            add(&path[climbs - 1]);
        }
    }
    named
}

/// What the front door hands on: name → floor.
fn front_door() -> BTreeMap<String, String> {
    let text = fs::read_to_string(project().join("src/lib.rs")).expect("src/lib.rs");
    let code = product(&text).split("pub mod internals").next().unwrap_or_default().to_owned();
    let words = words(&code);
    let mut names = BTreeMap::new();
    for floor in FLOORS {
        for path in paths(&words, floor) {
            names.insert(
                path.last().expect("a name").replace("self", &path[path.len().saturating_sub(2)]),
                (*floor).into(),
            );
        }
    }
    names
}

#[test]
fn a_floor_knows_only_those_below() {
    let (mut wrong, door) = (Vec::new(), front_door());
    let level = |floors: &[&str], floor: &str| floors.iter().position(|known| *known == floor);
    for (file, text) in read_all("src") {
        let (floor, code) = (floor(&file), product(&text));
        if let Some(own) = level(COMMAND_FLOORS, floor) {
            for path in paths(&words(&code), "crate").into_iter().filter(|path| path[0] == "cli") {
                let named = format!("cli/{}", path.get(1).map_or("", String::as_str));
                let above = level(COMMAND_FLOORS, &named).is_some_and(|named| named > own);
                wrong.extend(above.then(|| format!("{file}: {}", path.join("::"))));
            }
            continue;
        }
        let Some(own) = level(FLOORS, floor) else {
            wrong.push(format!("{file} is on no floor"));
            continue;
        };
        for named in named_floors(&file, &code, &door) {
            match level(FLOORS, &named) {
                Some(named) if named <= own => {}
                _ => wrong.push(format!("{file} names {named}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_comes_from_outside_that_may_not() {
    let cargo: toml::Table = fs::read_to_string(project().join("Cargo.toml")).expect("text").parse().expect("TOML");
    let crates: Vec<&String> = cargo["dependencies"].as_table().expect("dependencies").keys().collect();
    let of_cli = cargo["features"]["cli"].as_array().expect("a list").iter().filter_map(|feature| feature.as_str());
    let of_cli: Vec<&str> = of_cli.filter_map(|feature| feature.strip_prefix("dep:")).collect();
    assert!(of_cli.contains(&"clap") && crates.iter().any(|name| *name == "polars-core"));
    let is_family = |name: &str, family: &str| name == family || name.starts_with(&format!("{family}-"));
    let mut wrong = Vec::new();
    for (file, text) in read_all("src") {
        let (floor, code) = (floor(&file), product(&text));
        let words = words(&code);
        let uses = |name: &str| !paths(&words, &name.replace('-', "_")).is_empty();
        let is_command = COMMAND_FLOORS.contains(&floor);
        let never = NEVER.iter().filter(|(named, _)| *named == floor).flat_map(|(_, never)| never.iter());
        let never: Vec<&str> = never.copied().collect();
        for name in crates.iter().filter(|name| uses(name)) {
            let polars = is_family(name, "polars") && floor != POLARS;
            let cli = of_cli.contains(&name.as_str()) && !is_command;
            if polars || cli || never.iter().any(|family| is_family(name, family)) {
                wrong.push(format!("{file}: {name}"));
            }
        }
        let of_std = paths(&words, "std").into_iter().map(|path| format!("std::{}", path[0]));
        wrong.extend(of_std.filter(|path| never.contains(&path.as_str())).map(|path| format!("{file}: {path}")));
        if words.iter().any(|word| word == "unsafe") && !UNSAFE.contains(&file.as_str()) {
            wrong.push(format!("{file}: unsafe"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// One room collects lazy frames: elsewhere on the floor a result of `collect()` is of an iterator, and has its type named.
#[test]
fn one_room_collects() {
    for (file, text) in read_all("src/engine").into_iter().filter(|(file, _)| file != "attempt.rs") {
        for after in product(&text).split(".collect()").skip(1) {
            let result = after.trim_start();
            assert!(
                !result.starts_with('?') && !result.starts_with(".map_err"),
                "engine/{file} collects: {result:.60}"
            );
        }
    }
}

#[test]
fn one_file_has_the_network() {
    for (file, text) in read_all("src") {
        let reaches = ["ureq", "std::net", "TcpStream", "UdpSocket"].iter().any(|word| product(&text).contains(word));
        assert_eq!(reaches, file == NETWORK, "{file}");
    }
}

#[test]
fn only_sample_knows_the_default_profile() {
    for (file, text) in read_all("src") {
        if file.starts_with("sample") || file.ends_with("tests.rs") {
            continue;
        }
        let code = product(&text);
        for name in ["customer_id", "\"crm", "\"billing", "\"support", "churn_risk", "usage_pct", "last_contact"] {
            // The id of a customer has this name where a spec gives it none.
            let is_its_own = (file.as_str(), name) == ("spec/identity.rs", "customer_id");
            assert!(is_its_own || !code.contains(name), "{file} names {name}");
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
    for floor in FLOORS.iter().chain(COMMAND_FLOORS) {
        assert!(text.contains(&format!("`{floor}`")), "ARCHITECTURE.md lacks `{floor}`");
    }
}

#[test]
fn the_tidy_test_sees_what_it_should() {
    let floors = |file: &str, code: &str| {
        named_floors(file, code, &BTreeMap::from([("Error".to_owned(), "error".to_owned())]))
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(floors("input/csv.rs", "use crate::{spec::Spec, run::{a, b}};"), ["run", "spec"]);
    assert_eq!(floors("input/csv.rs", "let x = crate::output::merge::Merge::new(\"crate::audit\");"), ["output"]);
    assert_eq!(floors("input.rs", "fn f() -> Result<(), crate::Error> { super::shard::x() }"), ["error", "shard"]);
    assert_eq!(floors("input/csv.rs", "use super::text::Text;"), [""; 0]);
    assert_eq!(floors("input/csv.rs", "use super::super::run::x as y;"), ["run"]);
    assert_eq!(floors("input/csv/a.rs", "use super::super::text;"), [""; 0]);
    let sees = |code: &str, name: &str| !paths(&words(code), name).is_empty();
    assert!(sees("use ::polars_core::x;", "polars_core") || sees("use polars_core::x;", "polars_core"));
    assert!(!sees("use polars_core::x;", "polars"));
}
