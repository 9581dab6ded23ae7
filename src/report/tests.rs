use crate::manifest::{Customers, Ledger, Manifest, Options, SpecRecord, Status};

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
        options: Options { safe_csv: false, max_rejects: "1%".into() },
        as_of: None,
        shards: 1,
        threads: 1,
        memory_limit: 1,
        spilled_bytes: 0,
        drills: Vec::new(),
        resumed_shards: 0,
        inputs: Vec::new(),
        ledger: Ledger::default(),
        customers: Customers::default(),
        shard_runs: Vec::new(),
        stages: Vec::new(),
        peak_memory_bytes: None,
        outputs: Vec::new(),
        scores: indexmap::IndexMap::new(),
    }
}
