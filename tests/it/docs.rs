//! The documents stay true: their commands run, in order, each document in its own folder, and print what is shown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workdir::{Workdir, project};

/// The README must be short; the rest belongs in `docs/`.
const README_WORDS: usize = 1500;

/// Commands whose flags `docs/commands.md` names.
const COMMANDS: [&str; 11] =
    ["run", "check", "verify", "explain", "diff", "report", "bench", "drill", "generate", "completions", "man"];

/// A fenced block: what is after its fence, and the text inside.
struct Block {
    marker: String,
    text: String,
}

/// The documents whose commands run: the README and those in `docs/`.
fn manual() -> Vec<PathBuf> {
    let folder = fs::read_dir(project().join("docs")).expect("docs").flatten().map(|entry| entry.path());
    let mut documents: Vec<PathBuf> = folder.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    documents.sort();
    documents.insert(0, project().join("README.md"));
    documents
}

fn read(document: &Path) -> String {
    fs::read_to_string(document).unwrap_or_else(|e| panic!("{}: {e}", document.display()))
}

/// The fenced blocks of a document, and its lines outside of them.
fn blocks_and_prose(text: &str) -> (Vec<Block>, Vec<&str>) {
    let (mut blocks, mut prose) = (Vec::new(), Vec::new());
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(marker)) => open = Some(Block { marker: marker.to_owned(), text: String::new() }),
            (Some(block), Some(_)) => blocks.push(block),
            (Some(block), None) => open = Some(Block { text: block.text + line + "\n", ..block }),
            (None, None) => prose.push(line),
        }
    }
    assert!(open.is_none(), "a block is not closed");
    (blocks, prose)
}

/// Runs a document's blocks in order in a folder with sample data: an `sh` block is one script, unless it says
/// `sh no-test: reason`; `toml FILE` is saved as that file; `text output` is the end of what the last script printed.
/// Gives the folder and how many scripts ran.
fn run(document: &Path) -> (Workdir, usize) {
    let dir = Workdir::with_sample(200);
    let (mut ran, mut stdout) = (0, String::new());
    for Block { marker, text } in blocks_and_prose(&read(document)).0 {
        match marker.split_once(' ').unwrap_or((&marker, "")) {
            ("sh", "") => {
                stdout = script(&dir, document, &text);
                ran += 1;
            }
            ("sh", why) => {
                let reason = why.strip_prefix("no-test:").map(str::trim).unwrap_or_default();
                assert!(!reason.is_empty(), "{}: `{marker}` gives no reason", document.display());
            }
            ("toml", file) if !file.is_empty() => dir.write(file, &text),
            ("text", "output") => assert!(
                format!("\n{stdout}").ends_with(&format!("\n{text}")),
                "{}: it shows\n{text}\nbut this was printed:\n{stdout}",
                document.display()
            ),
            _ => {}
        }
    }
    (dir, ran)
}

/// Runs a block as one bash script that ends at its first failure; gives what it printed.
fn script(dir: &Workdir, document: &Path, block: &str) -> String {
    // The commands that build and test are left out: they run this test.
    let lines = block.lines().filter(|line| !line.starts_with("cargo test"));
    let script: String = lines.map(|line| line.replace("cargo run --release --", "onefold") + "\n").collect();
    let bin = Path::new(env!("CARGO_BIN_EXE_onefold")).parent().expect("a folder").display();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
    let ended = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(dir.path(""))
        .env("PATH", path)
        .env_remove("CHAOS_FAIL_SHARD")
        .output()
        .expect("bash starts");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}:\n{script}\n{stderr}", document.display());
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

#[test]
fn every_command_of_the_documents_runs() {
    for document in manual() {
        let (_, ran) = run(&document);
        assert!(ran > 0, "{} has no command that runs", document.display());
    }
}

#[test]
fn the_readme_is_short() {
    let words = read(&project().join("README.md")).split_whitespace().count();
    assert!(words <= README_WORDS, "README.md has {words} words");
}

#[test]
fn two_commands_suffice_from_source_and_a_wheel_comes_before_them() {
    let (blocks, _) = blocks_and_prose(&read(&project().join("README.md")));
    let scripts = blocks.iter().filter(|block| block.marker.split(' ').next() == Some("sh"));
    let lines = scripts.flat_map(|block| block.text.lines()).filter(|line| !line.trim().is_empty());
    let all: Vec<&str> = lines.map(|line| line.split("  #").next().unwrap_or_default().trim()).collect();
    assert!(all[0].starts_with("pip install onefold-") && all[0].ends_with(".whl"), "{}", all[0]);
    let first: Vec<&str> = all.iter().filter(|line| line.starts_with("cargo ")).take(2).copied().collect();
    assert_eq!(first, ["cargo run --release -- run", "cargo test --release"]);
    let ci = fs::read_to_string(project().join(".ci/run")).expect(".ci/run");
    assert!(ci.contains("cargo test --release"), "CI calls the README's test command");
}

#[test]
fn the_documents_name_every_flag_and_every_exit_code() {
    let dir = Workdir::new();
    let text = read(&project().join("docs/commands.md"));
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    for command in COMMANDS {
        let help = dir.onefold(&[command, "--help"]).stdout();
        let flags = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| word.starts_with("--"));
        let lacking: Vec<&str> = flags.filter(|flag| flag.len() > 2 && !words.contains(flag)).collect();
        assert!(lacking.is_empty(), "docs/commands.md lacks flags of `onefold {command}`: {lacking:?}");
    }
    for code in ["0", "2", "3", "4", "5", "6", "7", "8", "70", "130"] {
        assert!(text.contains(&format!("| {code} |")), "docs/commands.md lacks exit code {code}");
    }
}

/// The complete specs of `docs/spec.md` are for the files that its first commands put into `shop`.
#[test]
fn every_whole_spec_of_the_documents_fits_its_files() {
    let document = project().join("docs/spec.md");
    let (dir, _) = run(&document);
    let (blocks, _) = blocks_and_prose(&read(&document));
    let specs = blocks.iter().filter(|b| b.marker.starts_with("toml") && b.text.starts_with("[profile]"));
    let mut checked = 0;
    for Block { text, .. } in specs {
        dir.write("whole.toml", text);
        dir.onefold(&["check", "--input", "shop", "--profile", "whole.toml"]).expect(0);
        checked += 1;
    }
    assert!(checked >= 3, "only {checked} whole specs");
}

/// The rows of the tables with this heading: an expression, and its result as in the CSV.
fn results(prose: &[&str], heading: &str) -> Vec<(String, String)> {
    let head = format!("| {heading} | result |");
    let (mut inside, mut rows) = (false, Vec::new());
    for line in prose {
        inside = *line == head || inside && line.starts_with('|');
        if let Some(row) = line.strip_prefix("| `").filter(|_| inside) {
            let (expression, result) = row.split_once("` | ").unwrap_or_else(|| panic!("two cells: {line}"));
            let result = result.trim_end_matches(" |").trim_matches('`');
            let result = if result == "null" { "" } else { result };
            rows.push((expression.replace("\\|", "|"), result.to_owned()));
        }
    }
    assert!(rows.len() > 10, "only {} rows under `{heading}`", rows.len());
    rows
}

#[test]
fn every_expression_of_the_documents_gives_its_result() {
    let document = project().join("docs/spec.md");
    let (dir, _) = run(&document);
    let text = read(&document);
    let (_, prose) = blocks_and_prose(&text);
    for heading in ["expression", "aggregate"] {
        let rows = results(&prose, heading);
        let columns: String = (0..rows.len()).map(|at| format!(", \"x{at}\"")).collect();
        let values: Vec<String> = rows.iter().enumerate().map(|(at, (sql, _))| format!("x{at} = {sql:?}")).collect();
        let spec = dir.read(&format!("{heading}s.toml"));
        let spec = match heading {
            "expression" => format!("{spec}\n[computed]\n{}\n", values.join("\n")),
            _ => spec.replace("orders = \"count(*)\"", &values.join(", ")).replace(", \"orders\"]", "]"),
        };
        let spec = spec.replace("columns = [\"customer_id\"", &format!("columns = [\"customer_id\"{columns}"));
        dir.write("all.toml", spec);
        dir.onefold(&["run", "--input", "shop", "--profile", "all.toml", "--output", heading]).expect(0);
        let csv = dir.read(&format!("{heading}/profiles.csv"));
        let customer = csv.lines().find(|line| line.starts_with("1,")).expect("customer 1");
        let got: Vec<&str> = customer.split(',').skip(1).collect();
        for ((sql, want), got) in rows.iter().zip(&got) {
            assert_eq!(got, want, "{sql}");
        }
        assert_eq!(got.len(), rows.len());
    }
}

/// Conditions that are true where the expression has this result; which of them has the right types `where` knows.
fn conditions(sql: &str, result: &str) -> Vec<String> {
    if result.is_empty() {
        return vec![format!("({sql}) is null")];
    }
    let quoted = result.replace('\'', "''");
    let literals =
        [format!("'{quoted}'"), result.to_owned(), format!("date '{quoted}'"), format!("timestamp '{quoted}'")];
    literals.into_iter().map(|literal| format!("({sql}) = {literal}")).collect()
}

/// `where` is evaluated row by row without an engine: it must mean the same.
#[test]
fn every_expression_means_the_same_in_where() {
    let document = project().join("docs/spec.md");
    let (dir, _) = run(&document);
    let text = read(&document);
    let rows = results(&blocks_and_prose(&text).1, "expression");
    let spec = dir.read("expressions.toml");
    let mut compared = 0;
    for (sql, want) in
        rows.iter().filter(|(sql, _)| !["as_of", "sources"].iter().any(|of_profiles| sql.contains(of_profiles)))
    {
        for condition in conditions(sql, want) {
            let filter = format!("latest_by = \"updated\"\nwhere = {condition:?}");
            dir.write("where.toml", spec.replacen("latest_by = \"updated\"", &filter, 1));
            let args = ["--input", "shop", "--profile", "where.toml", "--output", "kept", "--allow-empty"];
            let ran = dir.onefold(&[&["run"], &args[..]].concat());
            // The result is of another type than this literal.
            if ran.code() == 3 {
                continue;
            }
            ran.expect(0);
            assert!(dir.read("kept/profiles.csv").lines().any(|line| line == "1"), "{condition}");
            compared += 1;
            break;
        }
    }
    assert!(compared * 10 > rows.len() * 8, "only {compared} of {}", rows.len());
}

/// The names by which a link can refer to the headings of a document.
fn anchors(text: &str) -> BTreeSet<String> {
    let (_, prose) = blocks_and_prose(text);
    let headings = prose.into_iter().filter_map(|line| line.strip_prefix('#'));
    let plain = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let name = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().chars().filter(plain).collect();
    headings.map(name).map(|name: String| name.replace(' ', "-")).collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let more = ["ARCHITECTURE.md", "CHANGELOG.md", "benches/peers/README.md"].map(|name| project().join(name));
    for document in manual().into_iter().chain(more) {
        let text = read(&document);
        assert!(!text.contains("../shared"), "{} names what is not in this repository", document.display());
        let prose = blocks_and_prose(&text).1.join("\n");
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = document.parent().expect("a folder");
            let target = if file.is_empty() { document.clone() } else { folder.join(file) };
            assert!(target.exists(), "{}: `{link}` leads nowhere", document.display());
            let known = anchor.is_empty() || anchors(&read(&target)).contains(anchor);
            assert!(known, "{}: `{link}` leads to no heading", document.display());
        }
    }
}
