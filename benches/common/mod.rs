//! What the benches share: sample data of the default profile, routed in memory.
#![allow(dead_code, reason = "each bench uses its part")]

use onefold::generate::{Kind, Request, generate};
use onefold::read::{Reading, column_types, read_source};
use onefold::route::{ShardBuffers, ShardInput};
use onefold::shard::{self, Part};
use onefold::source::{self, DEFAULT_BLOCK_SIZE, Inputs, OpenInputs};
use onefold::spec::Spec;
use tempfile::TempDir;

/// The default profile and the sample data of so many customers.
pub struct Sample {
    pub spec: Spec,
    pub inputs: OpenInputs,
    _folder: TempDir,
}

impl Sample {
    pub fn new(customers: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let request =
            Request { customers, seed: 42, kind: Kind::Clean, output: folder.path().to_owned(), force: false };
        generate(&request).expect("sample data");
        let spec = Spec::default_profile().expect("the default spec");
        let inputs = Inputs { folder: folder.path().to_owned(), overrides: Vec::new() };
        let inputs = source::open(&spec, &inputs).expect("readable inputs");
        Self { spec, inputs, _folder: folder }
    }

    /// Reads and routes everything.
    pub fn route(&self, shards: usize, threads: usize) -> ShardBuffers {
        let types: Vec<_> = self.spec.sources.iter().map(column_types).collect();
        let mut buffers = ShardBuffers::new(&types, shards);
        let how = Reading { threads, block_size: DEFAULT_BLOCK_SIZE, shards };
        for (at, (source, files)) in self.spec.sources.iter().zip(&self.inputs.sources).enumerate() {
            read_source(source, at, files, how, &mut buffers).expect("readable inputs");
        }
        buffers
    }

    /// The rows of each shard.
    pub fn shards(&self, shards: usize) -> Vec<ShardInput> {
        self.route(shards, 2).into_shards().collect()
    }

    /// All shards, built.
    pub fn parts(&self, shards: usize) -> Vec<Part> {
        let build = |input: &ShardInput| shard::build(&self.spec, input, None).expect("a built shard");
        self.shards(shards).iter().map(build).collect()
    }
}
