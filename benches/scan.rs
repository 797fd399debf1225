//! From file to record: decode and hash of one picture, and a scan of the pictures in the repository
//! against a list of the known ones, with one thread and with all.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use onceseen::decode::{Limits, decode};
use onceseen::digest::Digests;
use onceseen::hash::{Algorithm, Hasher};
use onceseen::list::ListBuilder;
use onceseen::matcher::Matcher;
use onceseen::record::Record;
use onceseen::scan::Scanner;

fn pictures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pictures"))
}

fn one_picture(criterion: &mut Criterion) {
    let bytes = std::fs::read(pictures().join("evidence/bytes/copy-of-00.jpg")).unwrap();
    let picture = decode(&bytes, &Limits::default()).unwrap();
    let mut group = criterion.benchmark_group("one picture");
    group.throughput(Throughput::Elements(u64::from(picture.width() * picture.height())));
    group.bench_function("digests", |bencher| bencher.iter(|| Digests::of(black_box(&bytes))));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| decode(black_box(&bytes), &Limits::default()).unwrap());
    });
    for algorithms in [vec![Algorithm::Pdq], vec![Algorithm::Phash], Algorithm::ALL.to_vec()] {
        let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
        let mut hasher = Hasher::new(&algorithms);
        group.bench_function(format!("hash {}", names.join(",")), |bencher| {
            bencher.iter(|| hasher.hash(black_box(&picture.pixels())));
        });
    }
    group.finish();
}

fn directory(criterion: &mut Criterion) {
    let mut known: Vec<Record> = Vec::new();
    let scanner = Scanner::builder().build();
    scanner.scan(&[pictures().join("known")], &mut known).unwrap();
    let mut builder = ListBuilder::new("known").unwrap();
    for row in known.iter().filter_map(Record::to_row) {
        builder.push(&row, "known").unwrap();
    }
    let list = Arc::new(builder.finish_in_memory().unwrap());
    let matcher = Arc::new(Matcher::builder().list(list).build().unwrap());
    let mut group = criterion.benchmark_group("scan");
    for threads in [1, 2] {
        let mut settings = Scanner::builder();
        settings.matcher(Arc::clone(&matcher)).threads(NonZeroUsize::new(threads).unwrap());
        let scanner = settings.build();
        group.bench_function(format!("evidence, {threads} threads"), |bencher| {
            bencher.iter(|| {
                let mut records: Vec<Record> = Vec::new();
                scanner.scan(&[pictures().join("evidence")], &mut records).unwrap();
                records
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_picture, directory);
criterion_main!(benches);
