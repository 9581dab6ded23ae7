//! A report in real Chromium, driven by `tests/browser/report.mjs`. Tests that use this are marked `ignore`; they fail
//! if `tests/setup` has not installed the packages and found the browser.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::workdir::{installed, project};

/// Opens a page and gives what a reader would see there.
pub fn sees(page: &Path, check: impl FnOnce(&Value)) {
    open(page, &[], check);
}

/// Like [`sees`], without the accessibility check, which takes a minute for thousands of elements.
pub fn sees_large(page: &Path, check: impl FnOnce(&Value)) {
    open(page, &["without axe"], check);
}

fn open(page: &Path, args: &[&str], check: impl FnOnce(&Value)) {
    let script = project().join("tests/browser/report.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(page).args(args);
    command.env("ONEFOLD_NODE_MODULES", installed("browser/node_modules"));
    command.env("ONEFOLD_CHROMIUM", installed("browser/chromium"));
    let ran = command.output().expect("Node.js starts");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {stderr}", page.display());
    check(&serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}")));
}

/// What is true for every report.
pub fn is_sound(seen: &Value) {
    is_quiet(seen);
    for theme in ["light", "dark", "phone"] {
        none(&seen["axe"][theme]["violations"], theme);
        assert!(seen["axe"][theme]["passes"].as_u64().is_some_and(|n| n > 20), "axe has looked: {}", seen["axe"]);
    }
}

/// The page logs nothing, loads nothing and fits the window.
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
