//! PDQ, every instruction set of this machine against the plain transcription.
//!
//! `cargo bench --bench pdq`. Pictures are noise of 0.3, 2.2 and 12 megapixels in RGB, decoded
//! already: the time is that of hashing alone, luma conversion included.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use onceseen::hash::pdq::PdqHasher;
use onceseen::pixels::{PixelFormat, Pixels};

#[path = "../src/hash/pdq/reference.rs"]
mod reference;

/// Width and height: a thumbnail, a photo sent in a chat, a photo of a telephone.
const SIZES: [(u32, u32); 3] = [(640, 480), (1600, 1375), (4032, 3024)];

/// Seeded noise: the high bits of a linear congruential generator.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn transcription(bytes: &[u8], width: u32, height: u32) -> Vec<f32> {
    let luma = bytes.as_chunks::<3>().0.iter().map(|rgb| reference::luma(*rgb)).collect();
    reference::luma64(luma, width as usize, height as usize)
}

fn pdq(criterion: &mut Criterion) {
    for (width, height) in SIZES {
        let bytes = noise(width as usize * height as usize * 3);
        let pixels = Pixels::new(&bytes, width, height, PixelFormat::Rgb8).expect("enough bytes");
        let mut group = criterion.benchmark_group(format!("pdq/{width}x{height}"));
        group.sample_size(20).throughput(Throughput::Elements(u64::from(width * height)));
        for (level, mut hasher) in PdqHasher::for_every_level() {
            group.bench_function(BenchmarkId::new("full", level), |bencher| {
                bencher.iter(|| hasher.hash(black_box(&pixels)));
            });
            group.bench_function(BenchmarkId::new("resized", level), |bencher| {
                bencher.iter(|| hasher.hash_512(black_box(&pixels)));
            });
        }
        group.bench_function("transcription", |bencher| {
            bencher.iter(|| transcription(black_box(&bytes), width, height));
        });
        group.finish();
    }
}

criterion_group!(benches, pdq);
criterion_main!(benches);
