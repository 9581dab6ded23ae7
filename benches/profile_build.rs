//! The busiest code of a run: one shard's rows → plan → profiles with their keys, for three sizes of shards.
#![allow(clippy::expect_used, missing_docs, reason = "a bench that cannot go on says why")]

mod common;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use onefold::internals::{Given, build};

use common::Sample;

fn profile_build(c: &mut Criterion) {
    let mut rows = c.benchmark_group("profile_build/rows");
    for customers in [1_000, 10_000, 100_000u64] {
        let sample = Sample::new(customers);
        let input = sample.shards(1).remove(0);
        rows.throughput(Throughput::Elements(customers * 4));
        rows.bench_with_input(BenchmarkId::from_parameter(customers), &input, |b, input| {
            b.iter(|| build(&sample.spec, black_box(input), &Given::default()).expect("a built shard"));
        });
    }
    rows.finish();
    let mut bytes = c.benchmark_group("profile_build/bytes");
    let sample = Sample::new(10_000);
    let input = sample.shards(1).remove(0);
    bytes.throughput(Throughput::Bytes(sample.inputs.bytes()));
    bytes.bench_function("10000", |b| {
        b.iter(|| build(&sample.spec, black_box(&input), &Given::default()).expect("a built shard"));
    });
    bytes.finish();
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = profile_build }
criterion_main!(benches);
