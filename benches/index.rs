//! The three indexes by radius and size: one query at a time and batches of 2,000.
//!
//! Seeded data. `ONCESEEN_BENCH_ENTRIES` (default 1000000) sets the size of the largest column;
//! `cargo bench --bench index -- mih` runs a part.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use onceseen::bits::{BitHash, Hash64, Hash256};
use onceseen::index::bktree::{self, BkTree};
use onceseen::index::linear::Linear;
use onceseen::index::mih::{self, Mih};
use onceseen::index::{Column, EntryId, Index};

#[path = "../tests/support/random.rs"]
mod random;

use random::Random;

/// Queries of a batch.
const BATCH: usize = 2000;

/// A random hash, or every second time a member of the column with up to `radius` bits flipped.
fn query<H: BitHash>(random: &mut Random, column: Column<'_, H>, radius: u32) -> H {
    let mut bytes: Vec<u8> = (0..4).flat_map(|_| random.next().to_le_bytes()).collect();
    let row = random.next() % u64::from(column.len());
    if let (0, Some(member)) = (random.next() % 2, column.get(EntryId(row.try_into().unwrap()))) {
        bytes.clear();
        member.push_to(&mut bytes);
        for _ in 0..random.next() % (u64::from(radius) + 1) {
            let bit = random.next() % u64::from(H::BITS);
            bytes[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
        }
    }
    H::from_column(&bytes[..H::BYTES])
}

fn bench_width<H: BitHash>(criterion: &mut Criterion, entries: usize, radii: &[u32]) {
    let mut random = Random::new(1);
    let hash = |random: &mut Random| {
        let bytes: Vec<u8> = (0..4).flat_map(|_| random.next().to_le_bytes()).collect();
        H::from_column(&bytes[..H::BYTES])
    };
    let mut rows: Vec<_> = (0..entries).map(|_| (hash(&mut random), 0)).collect();
    let tree = bktree::build(&mut rows).unwrap();
    let mut bytes = Vec::with_capacity(entries * H::BYTES);
    rows.iter().for_each(|row| row.0.push_to(&mut bytes));
    let column = Column::<H>::new(&bytes).unwrap();
    let section = mih::build(column);
    let linear = Linear::new(column);
    let tree = BkTree::from_bytes(column, &tree).unwrap();
    let mih = Mih::from_bytes(column, &section).unwrap();
    let indexes: [(&str, &dyn Index<H>); 3] =
        [("linear", &linear), ("bk-tree", &tree), ("mih", &mih)];
    for radius in radii {
        let queries: Vec<H> = (0..BATCH).map(|_| query(&mut random, column, *radius)).collect();
        for (name, index) in indexes {
            bench_index(
                criterion,
                &format!("{}/{entries}/{name}", H::BITS),
                index,
                *radius,
                &queries,
            );
        }
    }
}

fn bench_index<H: BitHash>(
    criterion: &mut Criterion,
    name: &str,
    index: &dyn Index<H>,
    radius: u32,
    queries: &[H],
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    let (mut out, mut answers) = (Vec::new(), Vec::new());
    let mut next = queries.iter().cycle();
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new("one", radius), |bencher| {
        bencher.iter(|| index.search(*next.next().unwrap(), radius, &mut out));
    });
    group.throughput(Throughput::Elements(queries.len() as u64));
    if !name.ends_with("bk-tree") {
        group.bench_function(BenchmarkId::new("batch", radius), |bencher| {
            bencher.iter(|| index.search_batch(queries, radius, &mut answers));
        });
    }
    group.finish();
}

fn bench_all(criterion: &mut Criterion) {
    let largest = std::env::var("ONCESEEN_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok());
    for entries in [10_000, largest.unwrap_or(1_000_000)] {
        bench_width::<Hash256>(criterion, entries, &[0, 8, 31]);
        bench_width::<Hash64>(criterion, entries, &[4, 8, 10]);
    }
}

criterion_group!(benches, bench_all);
criterion_main!(benches);
