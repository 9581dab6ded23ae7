//! A separate folder for each test, and the ways to run onefold in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use onefold::Settings;
use onefold::manifest::Manifest;
use onefold::sample::{Kind, Request, generate};
use onefold::spec::Spec;
use tempfile::TempDir;

/// A test's folder, which is removed when the test ends.
pub struct Workdir(TempDir);

impl Workdir {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// With sample data of this many customers in `sample_data`.
    pub fn with_sample(customers: u64) -> Self {
        let dir = Self::new();
        let request = Request { customers, seed: 42, kind: Kind::Clean, output: dir.path("sample_data"), force: false };
        generate(&request).expect("sample data");
        dir
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.bytes(name)).into_owned()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Settings of an in-process run of the default profile from `sample_data`, without waits.
    pub fn settings(&self, output: &str) -> Settings {
        let mut settings =
            Settings::new(Spec::default_profile().expect("a spec"), self.path("sample_data"), self.path(output));
        settings.retry.first_wait = Duration::ZERO;
        settings
    }

    /// The two outputs' bytes.
    pub fn outputs(&self, output: &str) -> (Vec<u8>, Vec<u8>) {
        (self.bytes(&format!("{output}/profiles.csv")), self.bytes(&format!("{output}/profiles.parquet")))
    }

    pub fn manifest(&self, output: &str) -> Manifest {
        serde_json::from_slice(&self.bytes(&format!("{output}/run.json"))).expect("a manifest")
    }

    /// Runs the command here.
    pub fn onefold(&self, args: &[&str]) -> Ran {
        self.onefold_with(args, &[])
    }

    /// Runs the command here with environment variables.
    pub fn onefold_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        Ran(self.command(args).envs(env.iter().copied()).output().expect("onefold starts"))
    }

    /// Starts the command here without waiting for it; its output is kept.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("onefold starts")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onefold"));
        command.current_dir(self.0.path()).args(args).env_remove("CHAOS_FAIL_SHARD");
        command
    }
}

/// A command that has ended.
pub struct Ran(pub Output);

impl Ran {
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Fails the test unless the command ended with this code; gives its stderr.
    pub fn expect(&self, code: i32) -> String {
        assert_eq!(self.code(), code, "stdout: {}\nstderr: {}", self.stdout(), self.stderr());
        self.stderr()
    }

    /// The log's JSON lines; fails the test if stderr has anything else.
    pub fn events(&self) -> Vec<serde_json::Value> {
        self.stderr().lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    }
}

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `tests/setup` has installed: in `onefold-tests` in cargo's target folder, or in `ONEFOLD_TESTS`.
pub fn installed(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let folder = std::env::var_os("ONEFOLD_TESTS").map_or_else(|| target.join("onefold-tests"), PathBuf::from);
    let path = project().join(folder).join(name);
    assert!(path.exists(), "there is no `{}`: run tests/setup", path.display());
    path
}

/// The default profile's spec.
pub fn default_text() -> String {
    Spec::default_profile().expect("the default spec").text().to_owned()
}
