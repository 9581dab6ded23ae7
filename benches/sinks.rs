//! Writing merged profiles as CSV and Parquet, synced.
#![allow(clippy::expect_used, missing_docs, reason = "a bench that cannot go on says why")]

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use onefold::Stop;
use onefold::internals::{SinkOptions, TableShape, schema, write};

use common::{Sample, merge};

fn sinks(c: &mut Criterion) {
    let sample = Sample::new(100_000);
    let parts = sample.parts(16);
    let schema = schema(&sample.spec);
    let options = SinkOptions { safe_csv: false, csv_bom: false, metadata: Vec::new(), stop: Stop::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let shape = TableShape { name: "profiles", schema: &schema, key: 0 };
    let run =
        || write(&mut merge(&sample, &parts), shape, &[], folder.path(), &options, &mut |_| Ok(())).expect("written");
    let written = run();
    let bytes = written.iter().map(|w| w.bytes).sum();
    for (unit, throughput) in [("rows", Throughput::Elements(100_000)), ("bytes", Throughput::Bytes(bytes))] {
        let mut group = c.benchmark_group(format!("sinks/{unit}"));
        group.throughput(throughput);
        group.bench_function("csv and parquet", |b| b.iter(run));
        group.finish();
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = sinks }
criterion_main!(benches);
