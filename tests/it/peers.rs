//! The peers' benchmark runs at a small scale: onefold, Polars and DuckDB agree on every cell.

use crate::python::peers_agree;

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn on_the_default_profile() {
    peers_agree("default", "300");
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn on_events() {
    peers_agree("events", "200");
}
