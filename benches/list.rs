//! Opening a list of a million hashes, looking a digest up, and matching a query.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use onceseen::bits::Hash256;
use onceseen::digest::Digests;
use onceseen::hash::{Algorithm, ImageHash};
use onceseen::list::{BuildIndex, HashList, ImportedRow, ListBuilder};
use onceseen::matcher::{Matcher, Query};

#[path = "../tests/support/random.rs"]
mod random;

use random::Random;

/// Entries of the list.
const ENTRIES: u64 = 1_000_000;

/// A hash with well mixed bits.
fn hash(number: u64) -> ImageHash {
    let words = Random::new(number).words();
    ImageHash::pdq(Algorithm::Pdq, Hash256::from_words(words), Some(100))
}

fn list(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list.osl");
    let mut builder = ListBuilder::new("bench").unwrap();
    builder.index(BuildIndex::All);
    for number in 0..ENTRIES {
        let digests = if number % 10 == 0 {
            Digests::of(&number.to_le_bytes()).all().to_vec()
        } else {
            Vec::new()
        };
        let row = ImportedRow { hashes: vec![hash(number * 4)], digests, ..ImportedRow::default() };
        builder.push(&row, "bench").unwrap();
    }
    builder.finish(&path).unwrap();

    criterion.bench_function("list/open mapped, 1 M", |bencher| {
        // SAFETY: nobody changes the file in the temporary directory.
        #[allow(unsafe_code, reason = "measures the mapping")]
        bencher.iter(|| unsafe { HashList::map(black_box(&path)) }.unwrap().len());
    });
    let list = HashList::read(&path).unwrap();
    let digest = Digests::of(&500_u64.to_le_bytes()).all()[0];
    criterion.bench_function("list/digest lookup", |bencher| {
        bencher.iter(|| list.find_digest(black_box(&digest)));
    });
    let mut strict = Matcher::builder();
    strict.review_radius(31);
    let matcher = strict.list(list).build().unwrap();
    let query = Query::of_hash(hash(2_000_004));
    criterion.bench_function("list/match one hash at 31 bits, 1 M", |bencher| {
        bencher.iter(|| matcher.matches(black_box(&query)));
    });
}

criterion_group!(benches, list);
criterion_main!(benches);
