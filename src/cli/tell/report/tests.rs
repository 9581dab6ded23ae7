use onefold::manifest::{Manifest, ShardRecord, Status};
use roxmltree::{Document, ParsingOptions};

use super::page;

/// A run of which only the name is known.
pub(super) fn manifest() -> Manifest {
    let mut manifest = Manifest::default();
    manifest.onefold = "0.1.0".into();
    manifest.run_id = "r1".into();
    manifest.status = Status::Succeeded;
    manifest.started_at = "2026-11-24T05:33:12.000Z".into();
    manifest.finished_at = "2026-11-24T05:33:13.000Z".into();
    (manifest.shards, manifest.threads, manifest.memory_limit) = (1, 1, 1);
    manifest
}

/// The page of a run without files, which must be well-formed.
fn page_of(manifest: &Manifest) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let html = page(manifest, folder.path()).expect("a page");
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(&html, options).expect("well-formed");
    html
}

#[test]
fn a_run_that_ended_at_once_has_a_page() {
    let mut failed = manifest();
    failed.error = Some("cannot read `x`".to_owned());
    (failed.status, failed.started_at) = (Status::Failed, "once".into());
    let html = page_of(&failed);
    for told in
        ["cannot read `x`", "none of them built", "No source was read", "No shard was built", "No profile was built"]
    {
        assert!(html.contains(told), "{told}: {html}");
    }
}

#[test]
fn reused_shards_are_shown_as_such() {
    let mut resumed = manifest();
    resumed.resumed_shards = 1;
    for shard_id in 0..2 {
        let mut shard = ShardRecord::default();
        (shard.shard_id, shard.customers, shard.resumed) = (shard_id, Some(5), shard_id == 1);
        resumed.shard_runs.push(shard);
    }
    let html = page_of(&resumed);
    assert!(html.contains("1 shard reused from an earlier, unfinished run"), "{html}");
    assert!(html.contains("class=\"resumed\"") && html.contains("Shard 1: 5 profiles, reused from an earlier run"));
}
