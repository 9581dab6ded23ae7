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

/// Reading gzip must cost no more than gzip and reading.
fn packed(c: &mut Criterion) {
    let sample = Sample::new(50_000);
    let (gzipped, unpack) = sample.gzipped();
    let mut group = c.benchmark_group("route/packed");
    group.throughput(Throughput::Bytes(sample.inputs.bytes()));
    for threads in [1, 2] {
        let id = |what: &str| BenchmarkId::from_parameter(format!("{what}, {threads} threads"));
        group.bench_function(id("plain"), |b| b.iter(|| sample.route(16, threads)));
        group.bench_function(id("gzip"), |b| b.iter(|| gzipped.route(16, threads)));
    }
    group.bench_function("unpacking alone", |b| b.iter(&unpack));
    group.finish();
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = route, packed }
criterion_main!(benches);
