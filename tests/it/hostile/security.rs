//! Specs and inputs cannot reach other files; no message has a customer's data; files are as private as the umask asks.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{SPEC, run, with};
use crate::workdir::Workdir;

const TEXT: &str = "id,t,n,f,d\n1,a,,,\n";

/// The message about a spec in which one text is replaced by another.
fn refused(from: &str, to: &str) -> String {
    assert!(SPEC.contains(from));
    let dir = with("", TEXT);
    dir.write("p.toml", SPEC.replace(from, to));
    let told = run(&dir, &[]).expect(3);
    assert!(!dir.exists("data_out/profiles.csv"));
    told
}

#[test]
fn a_source_cannot_lead_out_of_the_folders() {
    for name in ["../x", "..", "a/b", "/etc/x", "a\\b", ".", "a.b", "", "a b", "a\u{0}"] {
        let key = name.replace('\\', "\\\\").replace('\0', "\\u0000");
        let told = refused("[sources.s]", &format!("[sources.\"{key}\"]"));
        assert!(told.contains("is not a valid name: use letters, digits, `_` and `-`"), "{name:?}: {told}");
    }
    for pattern in ["../s.csv", "/etc/passwd", "a/../../s.csv", "a\\\\b.csv", ".."] {
        let told = refused("s*.csv", pattern);
        assert!(told.contains("leaves the input folder: a file's name is a path in it"), "{pattern}: {told}");
    }
}

#[test]
fn a_spec_reads_no_file_and_runs_nothing() {
    for (from, to) in
        [("[output]", "include = \"/etc/passwd\"\n[output]"), ("[profile]", "include = \"/etc/passwd\"\n[profile]")]
    {
        assert!(refused(from, to).contains("unknown field `include`"));
    }
    for sql in [
        "read_csv('/etc/passwd')",
        "read_text('/etc/passwd')",
        "pg_read_file('/etc/passwd')",
        "load_extension('x')",
        "system('id')",
        "getenv('HOME')",
        "(select 1)",
        "exists (select 1)",
        "t; drop table x",
        "'a' from '/etc/passwd'",
        "t || (select t from '/etc/passwd')",
        "copy t to '/tmp/x'",
    ] {
        let told = refused("[output]", &format!("[computed]\nc = \"{sql}\"\n\n[output]"));
        assert!(told.contains("profile spec `p.toml` line 11"), "{sql}: {told}");
    }
}

#[test]
fn no_data_in_messages() {
    let secret = "sekret";
    let head = "id,t,n,f,d\n";
    for (args, text) in [
        (vec![], format!("{head}{secret},\"{secret}\n")),
        (vec!["--encoding", "utf-16le"], format!("{head}{secret},a,,,\n")),
        (vec!["--delimiter", "tab"], format!("{head}{secret},a,,,\n")),
        (vec![], format!("id;t;n;f\n{secret};a;;\n")),
        (vec!["--max-rejects", "0"], format!("{head}{secret},{secret}\n{secret}\u{0},{secret},x,x,x\n")),
    ] {
        let dir = with("", text);
        for format in ["text", "json"] {
            let ran = run(&dir, &[&args[..], &["--verbose", "--log-format", format]].concat());
            ran.expect(4);
            assert!(!(ran.stderr() + &ran.stdout()).contains(secret), "{}", ran.stderr());
        }
    }
}

/// Everything in a folder, with its permissions.
fn modes(folder: &std::path::Path) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, meta) = (entry.path(), entry.metadata().expect("metadata"));
        all.push((path.display().to_string(), meta.permissions().mode() & 0o777));
        if meta.is_dir() {
            all.extend(modes(&path));
        }
    }
    all
}

#[test]
fn files_are_as_private_as_the_umask_asks() {
    for (umask, file, folder) in [("077", 0o600, 0o700), ("022", 0o644, 0o755), ("027", 0o640, 0o750)] {
        let dir: Workdir = with("", "id,t,n,f,d\n1,a,x,,\nshort\n");
        let onefold = env!("CARGO_BIN_EXE_onefold");
        let script = format!(
            "umask {umask}; {onefold} run --input in --profile p.toml --quiet; \
             {onefold} run --input in --profile p.toml --max-rejects 0 --quiet"
        );
        let ran = Command::new("bash").args(["-c", &script]).current_dir(dir.path("")).output().expect("bash starts");
        assert_eq!(ran.status.code(), Some(4), "the second run fails and keeps its rejects");
        let modes = modes(&dir.path("data_out"));
        assert!(modes.iter().any(|(name, _)| name.ends_with("rejects/s.csv") && name.contains("failed")), "{modes:?}");
        for (name, mode) in modes {
            let want = if std::path::Path::new(&name).is_dir() { folder } else { file };
            assert_eq!(mode, want, "umask {umask}: {name}");
        }
    }
}
