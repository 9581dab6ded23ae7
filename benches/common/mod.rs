//! What the benches share: sample data of the default profile, routed in memory.
#![allow(dead_code, reason = "each bench uses its part")]

use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use onefold::internals::{
    DEFAULT_BLOCK_SIZE, Given, Merge, OpenInputs, Part, Reading, ShardBuffers, ShardInput, Sorted, build, layouts,
    open, read_source, schema,
};
use onefold::sample::{Kind, Request, generate};
use onefold::spec::Spec;
use onefold::{Inputs, Stop};
use tempfile::TempDir;

/// The default profile and sample data of this many customers.
pub struct Sample {
    pub spec: Spec,
    pub inputs: OpenInputs,
    folder: TempDir,
}

impl Sample {
    pub fn new(customers: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let request =
            Request { customers, seed: 42, kind: Kind::Clean, output: folder.path().to_owned(), force: false };
        generate(&request).expect("sample data");
        let spec = Spec::default_profile().expect("the default spec");
        let inputs = Inputs::of(folder.path());
        let inputs = open(&spec, &inputs).expect("readable inputs");
        Self { spec, inputs, folder }
    }

    /// The same data, each file gzipped; beside it the time that unpacking alone takes.
    pub fn gzipped(&self) -> (Self, impl Fn() -> u64 + use<>) {
        let folder = TempDir::new().expect("a folder");
        let mut packed = Vec::new();
        for file in self.inputs.files() {
            let text = std::fs::read(&file.path).expect("a file");
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            gz.write_all(&text).expect("packed");
            let bytes = gz.finish().expect("packed");
            std::fs::write(folder.path().join(&file.name), &bytes).expect("written");
            packed.push(bytes);
        }
        let unpack = move || {
            let unpack = |bytes: &Vec<u8>| {
                let mut gz = flate2::bufread::MultiGzDecoder::new(bytes.as_slice());
                std::io::copy(&mut gz, &mut std::io::sink()).expect("unpacked")
            };
            packed.iter().map(unpack).sum()
        };
        let inputs = open(&self.spec, &Inputs::of(folder.path())).expect("readable inputs");
        (Self { spec: self.spec.clone(), inputs, folder }, unpack)
    }

    /// Reads and routes all rows.
    pub fn route(&self, shards: usize, threads: usize) -> ShardBuffers {
        let mut buffers = ShardBuffers::new(layouts(&self.spec), vec![true; shards], threads, None);
        for read in &self.inputs.sources {
            let stop = Stop::default();
            let reading =
                Reading { block_size: DEFAULT_BLOCK_SIZE, scratch: self.folder.path(), safe: false, stop: &stop };
            read_source(read, reading, buffers.threads()).expect("readable inputs");
        }
        buffers
    }

    /// The rows of each shard.
    pub fn shards(&self, shards: usize) -> Vec<ShardInput> {
        let routed = self.route(shards, 2).into_shards();
        (0..shards).map(|shard| routed.load(shard).expect("rows")).collect()
    }

    /// All shards, built.
    pub fn parts(&self, shards: usize) -> Vec<Part> {
        let build = |input: &ShardInput| build(&self.spec, input, &Given::default()).expect("a built shard");
        self.shards(shards).iter().map(build).collect()
    }
}

/// Batches of a shard, as the merge reads them.
pub type Batches = std::vec::IntoIter<onefold::Result<RecordBatch>>;

/// A merge of built shards in memory; shares their columns.
pub fn merge(sample: &Sample, parts: &[Part]) -> Merge<Batches> {
    let sorted = |part: &Part| {
        let ids = part.profiles.column(0).as_string::<i32>();
        let ends = (!ids.is_empty()).then(|| (ids.value(0).to_owned(), ids.value(ids.len() - 1).to_owned()));
        Sorted { ends, batches: vec![Ok(part.profiles.clone())].into_iter() }
    };
    Merge::new(schema(&sample.spec), parts.iter().map(sorted).collect()).expect("sorted shards")
}
