//! A report in real Chromium, driven by `tests/browser/report.mjs`. CI has Chromium and the packages; elsewhere a missing
//! one skips.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::workdir::project;

/// Where the packages of `tests/browser/package.json` are.
fn modules() -> PathBuf {
    std::env::var_os("ONEFOLD_NODE_MODULES").map_or_else(|| project().join("tests/browser/node_modules"), PathBuf::from)
}

fn chromium() -> PathBuf {
    std::env::var_os("ONEFOLD_CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from)
}

/// Opens a page and hands on what a reader would meet there; skips where there is no browser, but never in CI.
pub fn sees(page: &Path, check: impl FnOnce(&Value)) {
    open(page, &[], check);
}

/// As [`sees`] without the accessibility check, which takes a minute for thousands of elements.
pub fn sees_large(page: &Path, check: impl FnOnce(&Value)) {
    open(page, &["without axe"], check);
}

fn open(page: &Path, args: &[&str], check: impl FnOnce(&Value)) {
    let is = modules().join("playwright-core").exists() && modules().join("axe-core").exists() && chromium().exists();
    assert!(is || std::env::var_os("CI").is_none(), "CI needs Chromium, playwright-core and axe-core");
    if !is {
        return;
    }
    let script = project().join("tests/browser/report.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(page).args(args).env("ONEFOLD_NODE_MODULES", modules()).env("ONEFOLD_CHROMIUM", chromium());
    let ran = command.output().expect("Node.js starts");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {stderr}", page.display());
    check(&serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}")));
}

/// What holds for every report.
pub fn is_sound(seen: &Value) {
    is_quiet(seen);
    for theme in ["light", "dark", "phone"] {
        none(&seen["axe"][theme]["violations"], theme);
        assert!(seen["axe"][theme]["passes"].as_u64().is_some_and(|n| n > 20), "axe has looked: {}", seen["axe"]);
    }
}

/// The page says nothing, asks for nothing and fits.
pub fn is_quiet(seen: &Value) {
    none(&seen["console"], "the console stays empty");
    none(&seen["errors"], "no error");
    let requests = seen["requests"].as_array().expect("requests");
    let page = |url: &Value| url.as_str().is_some_and(|u| u.starts_with("file://") && u.ends_with("/report.html"));
    assert!(!requests.is_empty() && requests.iter().all(page), "nothing but the page is asked for: {requests:?}");
    for viewport in ["desktop", "phone", "phone_unfolded"] {
        assert_eq!(seen["sideways"][viewport], 0, "{viewport}: the page does not scroll sideways");
    }
}

fn none(value: &Value, what: &str) {
    assert_eq!(value.as_array().map(Vec::len), Some(0), "{what}: {value}");
}
