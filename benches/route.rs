//! Reading, typing and routing the sources, for different numbers of shards and threads.
#![allow(clippy::expect_used, missing_docs, reason = "a bench that cannot go on says why")]

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use common::Sample;

fn route(c: &mut Criterion) {
    let customers = 50_000;
    let sample = Sample::new(customers);
    for (unit, throughput) in
        [("rows", Throughput::Elements(customers * 4)), ("bytes", Throughput::Bytes(sample.inputs.bytes()))]
    {
        let mut group = c.benchmark_group(format!("route/{unit}"));
        group.throughput(throughput);
        for (shards, threads) in [(1, 1), (16, 1), (64, 1), (64, 2)] {
            let id = BenchmarkId::from_parameter(format!("{shards} shards, {threads} threads"));
            group.bench_function(id, |b| b.iter(|| sample.route(shards, threads)));
        }
        group.finish();
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = route }
criterion_main!(benches);
