use roxmltree::{Document, ParsingOptions};

use super::page;
use crate::manifest::{Customers, Ledger, Manifest, Options, ShardRecord, SpecRecord, Status};

/// A run of which nothing is known but its name.
pub(super) fn manifest() -> Manifest {
    Manifest {
        onefold: "0.1.0".into(),
        run_id: "r1".into(),
        status: Status::Succeeded,
        error: None,
        started_at: "2026-11-24T05:33:12.000Z".into(),
        finished_at: "2026-11-24T05:33:13.000Z".into(),
        spec: SpecRecord { name: "p".into(), sha256: "0".into(), text: String::new() },
        options: Options { safe_csv: false, max_rejects: "1%".into(), as_of: None, encoding: None, delimiter: None },
        as_of: None,
        shards: 1,
        threads: 1,
        memory_limit: 1,
        spilled_bytes: 0,
        parts_bytes: 0,
        drills: Vec::new(),
        resumed_shards: 0,
        inputs: Vec::new(),
        ledger: Ledger::default(),
        customers: Customers::default(),
        shard_runs: Vec::new(),
        stages: Vec::new(),
        peak_memory_bytes: None,
        outputs: Vec::new(),
        rejects: Vec::new(),
        checks: Vec::new(),
        scores: indexmap::IndexMap::new(),
    }
}

/// The page of a run without files; it is well-formed.
fn page_of(manifest: &Manifest) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let html = page(manifest, folder.path()).expect("a page");
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(&html, options).expect("well-formed");
    html
}

#[test]
fn a_run_that_ended_at_once_has_a_page() {
    let error = Some("cannot read `x`".to_owned());
    let html = page_of(&Manifest { status: Status::Failed, error, started_at: "once".into(), ..manifest() });
    for told in
        ["cannot read `x`", "none of them tried", "No source was read", "No shard was built", "No profile was built"]
    {
        assert!(html.contains(told), "{told}: {html}");
    }
}

#[test]
fn shards_that_were_taken_over_are_told_apart() {
    let shard = |shard_id| ShardRecord { shard_id, customers: Some(5), resumed: shard_id == 1, attempts: Vec::new() };
    let html = page_of(&Manifest { resumed_shards: 1, shard_runs: vec![shard(0), shard(1)], ..manifest() });
    assert!(html.contains("1 shard had been built by an earlier, unfinished run"), "{html}");
    assert!(html.contains("class=\"resumed\"") && html.contains("Shard 1: 5 profiles, taken over from an earlier run"));
}
