//! Merging sorted shards, for different numbers of shards.
#![allow(clippy::expect_used, missing_docs, reason = "a bench that cannot go on says why")]

mod common;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use onefold::internals::ROW_GROUP;

use common::{Sample, merge};

fn merging(c: &mut Criterion) {
    let customers = 100_000;
    let sample = Sample::new(customers);
    for (unit, throughput) in
        [("rows", Throughput::Elements(customers)), ("bytes", Throughput::Bytes(sample.inputs.bytes()))]
    {
        let mut group = c.benchmark_group(format!("merge/{unit}"));
        group.throughput(throughput);
        for shards in [1, 16, 64] {
            let parts = sample.parts(shards);
            group.bench_with_input(BenchmarkId::from_parameter(shards), &parts, |b, parts| {
                b.iter(|| {
                    let mut merge = merge(&sample, black_box(parts));
                    while merge.next(ROW_GROUP).expect("distinct ids").rows() > 0 {}
                });
            });
        }
        group.finish();
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = merging }
criterion_main!(benches);
