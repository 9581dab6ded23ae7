//! Every hostile input in the table of `docs/reliability.md`, with the outcome that is given there.

mod cells;
mod delimiters;
mod encodings;
mod files;
mod forms;
mod packed;
mod security;
mod sizes;
mod values;
mod written;

use crate::workdir::{Ran, Workdir};

/// A profile of one source `s` with files `s*.csv`: a text, an int, a float and a date. The last row wins.
const SPEC: &str = "\
[profile]
name = \"p\"
key = \"id\"

[sources.s]
files = [\"s*.csv\"]
keep = [\"t\", \"n\", \"f\", \"d\"]
types = { n = \"int\", f = \"float\", d = \"date\" }

[output]
columns = [\"id\", \"t\", \"n\", \"f\", \"d\"]
";

/// A folder with this profile, `more` in its source, and one input file.
fn with(more: &str, file: impl AsRef<[u8]>) -> Workdir {
    let dir = Workdir::new();
    dir.write("p.toml", SPEC.replace("keep =", &format!("{more}\nkeep =")));
    dir.write("in/s.csv", file);
    dir
}

/// Runs the profile there with more flags.
fn run(dir: &Workdir, args: &[&str]) -> Ran {
    dir.onefold(&[&["run", "--input", "in", "--profile", "p.toml"], args].concat())
}

/// Runs it, checks it with `verify`, and gives the profiles without their header.
fn profiles(dir: &Workdir, args: &[&str]) -> String {
    run(dir, args).expect(0);
    dir.onefold(&["verify", "--input", "in"]).expect(0);
    let csv = dir.read("data_out/profiles.csv");
    csv.split_once('\n').expect("a header").1.to_owned()
}

/// The rejects file without its header; empty if there is none.
fn rejects(dir: &Workdir) -> String {
    let name = "data_out/rejects/s.csv";
    if !dir.exists(name) {
        return String::new();
    }
    dir.read(name).split_once('\n').expect("a header").1.to_owned()
}
