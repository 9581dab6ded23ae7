//! Inputs that are not regular files, unusual files, and files that change while they are read.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{profiles, rejects, run, with};
use crate::workdir::Workdir;

const TEXT: &str = "id,t,n,f,d\n1,a,,,\n";

/// Runs with something else instead of the input and gives the message.
fn instead(put: impl FnOnce(&Path)) -> String {
    let dir = with("", TEXT);
    let path = dir.path("in/s.csv");
    fs::remove_file(&path).expect("removed");
    put(&path);
    let told = run(&dir, &[]).expect(4);
    assert!(!dir.exists("data_out/profiles.csv"));
    told
}

#[test]
fn what_is_not_a_regular_file_is_refused_at_once() {
    let told = instead(|path| fs::create_dir(path).expect("a folder"));
    assert!(told.contains("source `s`: `s.csv` is a folder, not a regular file"), "{told}");
    // Nothing writes to the pipe, so opening it would wait for ever.
    let fifo = |path: &Path| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    };
    let told = instead(fifo);
    assert!(told.contains("`s.csv` is a pipe, not a regular file"), "{told}");
    let told = instead(|path| drop(std::os::unix::net::UnixListener::bind(path).expect("a socket")));
    assert!(told.contains("`s.csv` is a socket, not a regular file"), "{told}");
    let told = instead(|path| symlink("/dev/zero", path).expect("a link"));
    assert!(told.contains("`s.csv` is a device, not a regular file"), "{told}");
    let told = run(&with("", TEXT), &["--source", "s=/dev/zero"]).expect(4);
    assert!(told.contains("`/dev/zero` is a device, not a regular file"), "{told}");
}

#[test]
fn links_that_lead_nowhere_are_reported() {
    let told = instead(|path| symlink("s.csv", path).expect("a link"));
    assert!(told.contains("cannot read `in/s.csv`: Too many levels of symbolic links"), "{told}");
    let told = instead(|path| symlink("gone.csv", path).expect("a link"));
    assert!(told.contains("cannot read `in/s.csv`") && told.contains("check the path"), "{told}");
    let dir = with("", TEXT);
    symlink(dir.path("in/s.csv"), dir.path("in/s-link.csv")).expect("a link");
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n", "a link to a file is that file");
    symlink(dir.path("loop"), dir.path("loop")).expect("a link");
    let told = dir.onefold(&["run", "--input", "loop", "--profile", "p.toml"]).expect(4);
    assert!(told.contains("cannot read `loop`"), "{told}");
}

#[test]
fn an_unreadable_file_is_reported() {
    // According to its metadata a regular file, but it cannot be read from its start.
    let told = run(&with("", TEXT), &["--source", "s=/proc/self/mem"]).expect(4);
    assert!(told.contains("cannot read `/proc/") && told.contains("/mem`"), "{told}");
    // Permissions do not stop root, so the command runs as `nobody` if the tests run as root.
    let dir = with("", TEXT);
    let open_to_all = |path: &str, mode| {
        fs::set_permissions(dir.path(path), fs::Permissions::from_mode(mode)).expect("permissions");
    };
    fs::copy(env!("CARGO_BIN_EXE_onefold"), dir.path("onefold")).expect("a copy");
    open_to_all("", 0o777);
    open_to_all("onefold", 0o755);
    open_to_all("in/s.csv", 0o000);
    let mut command = Command::new(dir.path("onefold"));
    command.current_dir(dir.path("")).args(["run", "--input", "in", "--profile", "p.toml"]);
    if fs::metadata("/proc/self").expect("Linux").uid() == 0 {
        command.uid(65_534);
    }
    let ran = command.output().expect("onefold starts");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(4), "{told}");
    assert!(told.contains("cannot read `in/s.csv`: Permission denied (os error 13); check the permissions"), "{told}");
}

#[test]
fn empty_files_and_headers_alone() {
    for text in ["", "\n\r\n\r", "\u{feff}", "\u{feff}\u{feff}\n"] {
        let told = run(&with("", text), &[]).expect(4);
        assert!(told.contains("`s.csv` has no header: its first record must name the columns"), "{text:?}: {told}");
    }
    for text in ["id,t,n,f,d", "id,t,n,f,d\r\n", "\n\nid,t,n,f,d\n\n", "id,t,n,f,d\r"] {
        let dir = with("", text);
        assert_eq!(profiles(&dir, &["--allow-empty"]), "", "{text:?}: a valid file without rows");
        assert_eq!(dir.manifest("data_out").ledger.0["s"].rows_read, 0);
    }
}

#[test]
fn line_ends_of_every_kind_in_one_file() {
    let dir = with("", "id,t,n,f,d\r1,a,,,\r\n2,b,,,\n\r\r\n3,\"c\r\",,,\n4,d,x,,\r");
    assert_eq!(profiles(&dir, &[]), "1,a,,,\n2,b,,,\n3,\"c\r\",,,\n4,d,,,\n");
    assert_eq!(rejects(&dir), "s.csv,8,n,bad_value,x\n");
    for end in ["\n", "\r\n", "\r"] {
        let dir = with("", ["id,t,n,f,d", "1,a,,,", "2,b,x,,", ""].join(end));
        assert_eq!(profiles(&dir, &[]), "1,a,,,\n2,b,,,\n");
        assert_eq!(rejects(&dir), "s.csv,3,n,bad_value,x\n", "{end:?}");
    }
}

#[test]
fn nul_bytes_are_data() {
    let dir = with("", "id,t,n,f,d\na\0b,\0,\0,,\n\0c\0,,,,\n\0,x,,,\n");
    assert_eq!(profiles(&dir, &[]), "a\0b,\0,,,\nc,,,,\n");
    assert_eq!(rejects(&dir), "s.csv,2,n,bad_value,\0\ns.csv,4,,blank_id,\"\0,x,,,\"\n");
}

#[test]
fn a_quote_opened_on_line_7_and_never_closed() {
    let rows = "1,a,,,\n".repeat(5) + "7,\"x,,,\n" + &"8,a,,,\n".repeat(1000);
    let dir = with("", format!("id,t,n,f,d\n{rows}"));
    let told = run(&dir, &[]).expect(4);
    assert!(
        told.contains("`s.csv` line 7: a quote opens here and is never closed; close it, or set `quote = \"none\"`"),
        "{told}"
    );
}

#[test]
fn a_file_that_grows_while_a_run_reads_it_fails_the_run() {
    // Large enough that reading takes a while.
    let dir = Workdir::with_sample(40_000);
    dir.onefold(&["run"]).expect(0);
    let before = dir.outputs("data_out");
    let stop = AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        let mut file = File::options().append(true).open(dir.path("sample_data/support.csv")).expect("a file");
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                file.write_all(b"\n").expect("written");
            }
        });
        let ran = dir.onefold(&["run", "--safe-csv"]);
        stop.store(true, Ordering::Relaxed);
        ran
    });
    let told = ran.expect(4);
    assert!(told.contains("source `support`: `support.csv` changed while it was read: it became longer"), "{told}");
    assert!(dir.outputs("data_out") == before && !dir.exists("data_out/.onefold/staging"));
    dir.onefold(&["run"]).expect(0);
    assert!(dir.outputs("data_out") == before, "empty lines are no rows");
}
