//! What is no file to read, what a file can be without being one, and files that change while they are read.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use onefold::source::{BlockReader, InputFile, Inputs, open};
use onefold::spec::Spec;

use super::{SPEC, profiles, rejects, run, with};
use crate::workdir::Workdir;

const TEXT: &str = "id,t,n,f,d\n1,a,,,\n";

/// Runs with something else in the input's place; gives what is told.
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
fn what_is_no_regular_file_is_refused_at_once() {
    let told = instead(|path| fs::create_dir(path).expect("a folder"));
    assert!(told.contains("source `s`: `s.csv` is not a regular file but a folder"), "{told}");
    // Nobody writes to the pipe: to open it would be to wait for ever.
    let fifo = |path: &Path| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    };
    let told = instead(fifo);
    assert!(told.contains("`s.csv` is not a regular file but a pipe"), "{told}");
    let told = instead(|path| drop(std::os::unix::net::UnixListener::bind(path).expect("a socket")));
    assert!(told.contains("`s.csv` is not a regular file but a socket"), "{told}");
    let told = instead(|path| symlink("/dev/zero", path).expect("a link"));
    assert!(told.contains("`s.csv` is not a regular file but a device"), "{told}");
    let told = run(&with("", TEXT), &["--source", "s=/dev/zero"]).expect(4);
    assert!(told.contains("`/dev/zero` is not a regular file but a device"), "{told}");
}

#[test]
fn links_that_lead_nowhere_are_told() {
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
fn an_unreadable_file_is_told() {
    // A regular file, for all that its metadata say, that cannot be read from its start.
    let told = run(&with("", TEXT), &["--source", "s=/proc/self/mem"]).expect(4);
    assert!(told.contains("cannot read `/proc/") && told.contains("/mem`"), "{told}");
    // Permissions stop everybody but root: the command runs as nobody where the tests run as root.
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
        assert_eq!(profiles(&dir, &[]), "", "{text:?}: a valid file without rows");
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
    let dir = with("", "id,t,n,f,d\na\0b,\0,\0,,\n\0,,,,\n");
    assert_eq!(profiles(&dir, &[]), "\0,,,,\na\0b,\0,,,\n");
    assert_eq!(rejects(&dir), "s.csv,2,n,bad_value,\0\n");
}

#[test]
fn a_quote_opened_on_line_7_and_never_closed() {
    let rows = "1,a,,,\n".repeat(5) + "7,\"x,,,\n" + &"8,a,,,\n".repeat(1000);
    let dir = with("", format!("id,t,n,f,d\n{rows}"));
    let told = run(&dir, &[]).expect(4);
    assert!(told.contains("`s.csv` line 7: a quote opens here and is never closed; close it, or double it"), "{told}");
}

/// The opened input, and a reader of it that has read the first of several blocks.
fn half_read(dir: &Workdir) -> (InputFile, BlockReader) {
    dir.write("in/s.csv", format!("id,t,n,f,d\n{}", "1,a,,,\n".repeat(1000)));
    let spec = Spec::parse(SPEC, "p.toml").expect("a spec");
    let file = open(&spec, &Inputs::of(dir.path("in"))).expect("inputs").sources.remove(0).remove(0);
    let mut reader = BlockReader::open(&file, 1000).expect("opened");
    assert!(reader.next_block(Vec::new()).expect("a block").is_some());
    (file, reader)
}

#[test]
fn a_file_that_changes_between_header_and_rows_or_among_them_is_found() {
    let dir = Workdir::new();
    let path = dir.path("in/s.csv");
    let change = |write: fn(&Path)| {
        let (file, mut reader) = half_read(&dir);
        write(&path);
        let among = loop {
            match reader.next_block(Vec::new()) {
                Ok(block) => assert!(block.is_some(), "the change is not noticed"),
                Err(error) => break error.to_string(),
            }
        };
        let between = BlockReader::open(&file, 1000).err().expect("the change is not noticed").to_string();
        assert_eq!(among, between);
        among
    };
    let told = change(|path| File::options().write(true).open(path).expect("open").set_len(3000).expect("cut"));
    assert!(told.starts_with("cannot use source `s`: `s.csv` changed while it was read: it became shorter"), "{told}");
    let told = change(|path| File::options().append(true).open(path).expect("open").write_all(b"x\n").expect("longer"));
    assert!(told.contains("it became longer; run again when nothing writes to it"), "{told}");
    // A quote that is only open because the rest is gone is not what to tell.
    let told = change(|path| fs::write(path, "id,t,n,f,d\n1,\"a").expect("written"));
    assert!(told.contains("it became shorter"), "{told}");
    let told = change(|path| {
        fs::write(path.with_extension("new"), fs::read(path).expect("bytes")).expect("written");
        fs::rename(path.with_extension("new"), path).expect("renamed");
    });
    assert!(told.contains("another file took its place"), "{told}");
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
