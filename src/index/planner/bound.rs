//! What a search may waste is bounded for every list: the steps are counted and priced.

use proptest::prelude::*;

use super::cost::Rates;
use super::*;
use crate::bits::{Hash64, Hash256};
use crate::index::mih::{self, JOINED_FROM};
use crate::index::work::{Step, counted};

/// Seeded random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        num::spread(self.0)
    }

    fn hash<H: BitHash>(&mut self) -> H {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.next().to_le_bytes()).collect();
        H::from_column(&bytes[..H::BYTES])
    }

    /// `hash` with `least` to `most` bits flipped, the same perhaps twice.
    fn near<H: BitHash>(&mut self, hash: H, least: u64, most: u64) -> H {
        let mut bytes = Vec::new();
        hash.push_to(&mut bytes);
        for _ in 0..least + self.next() % (most - least + 1) {
            let bit = num::below(self.next(), 8 * H::BYTES);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        H::from_column(&bytes)
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Random,
    Clustered,
    /// One of so many is within so many bits of the query, and no nearer than so many.
    Flood(u64, u64, u64),
    /// No bucket holds much more than its share, but what a query's buckets hold survives.
    Crafted(u64),
}

fn list<H: BitHash>(kind: Kind, len: u64, query: H, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut centre = query;
    for row in 0..len {
        let hash = match kind {
            Kind::Clustered if row % 2 == 0 => {
                if row % 128 == 0 {
                    centre = random.near(query, 0, 64);
                }
                random.near(centre, 0, u64::from(H::BITS / 16))
            }
            Kind::Flood(one_of, least, most) if row % one_of == 0 => {
                random.near(query, least, most)
            }
            Kind::Crafted(one_of) if row % one_of == 0 => {
                // Two bands like the query's but for a bit or two, the rest far away.
                let mut bands = mih::bands_of(query);
                let first = num::below(random.next(), bands.len());
                let next = (first + 1) % bands.len();
                for (band, value) in bands.iter_mut().enumerate() {
                    let flips = num::low_u16(random.next());
                    let is_kept = band == first || band == next;
                    *value ^= if is_kept { 1 << (flips % 16) } else { flips | 0x0ff0 };
                }
                mih::hash_of(&bands)
            }
            _ => random.hash(),
        };
        hash.push_to(&mut bytes);
    }
    bytes
}

/// Nanoseconds that the counted steps through the index take by the planner's prices.
fn index_ns(steps: &impl Fn(Step) -> u64, rates: &Rates) -> f64 {
    rates.entry * num::to_f64(steps(Step::Directory))
        + (rates.bucket - rates.entry) * num::to_f64(steps(Step::Bucket))
        + rates.posting * num::to_f64(steps(Step::Posting))
        + rates.crowded * num::to_f64(steps(Step::Survivor))
}

fn check<H: BitHash>(kind: Kind, len: u64, radius: u32) {
    let mut random = Random(len << 8 | u64::from(radius));
    let query: H = random.hash();
    let bytes = list(kind, len, query, &mut random);
    let column = Column::<H>::new(&bytes).unwrap();
    let section = mih::build(column);
    let mih = Mih::from_bytes(column, &section).unwrap();
    let planner = Planner::new(column, None, Some(mih), IndexChoice::Auto);
    let near = u64::from(radius / 4 + 1);
    let queries: Vec<H> = (0..JOINED_FROM)
        .map(|i| {
            if i % 4 == 3 {
                random.hash()
            } else {
                random.near(query, 0, near * num::to_u64(i % 3))
            }
        })
        .collect();
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for batch in [1, 2, 20, JOINED_FROM] {
        for queries in queries[..batch.max(20)].chunks(batch) {
            counted::reset();
            if batch == 1 {
                planner.search(queries[0], radius, &mut one);
            } else {
                planner.search_batch(queries, radius, &mut many);
            }
            let steps = counted::take();
            let given_up = steps(Step::Row) / len;
            let answered = num::to_u64(queries.len()) - given_up;
            let scan_ns = planner.scan_ns(radius, batch);
            let allowed =
                scan_ns * (WASTE * num::to_f64(given_up) + (1.0 + WASTE) * num::to_f64(answered));
            let index_ns = index_ns(&steps, rates(batch));
            assert!(
                index_ns <= allowed + 1.0,
                "{kind:?}, {len} of {} bits, radius {radius}, batch of {batch}: {index_ns:.0} ns in \
                 the index, {given_up} searches given up, a scan takes {scan_ns:.0} ns",
                H::BITS,
            );
        }
    }
}

const KINDS: [Kind; 12] = [
    Kind::Random,
    Kind::Clustered,
    Kind::Flood(1, 0, 0),
    Kind::Flood(1, 0, 8),
    Kind::Flood(2, 0, 8),
    Kind::Flood(30, 0, 8),
    Kind::Flood(300, 0, 8),
    Kind::Flood(3000, 0, 8),
    Kind::Flood(1, 32, 48),
    Kind::Flood(10, 16, 24),
    Kind::Crafted(1),
    Kind::Crafted(20),
];

#[test]
fn what_is_worth_while_is_not_given_up() {
    // Even data, and a member's cluster of 256: all answered by the index, singly and in batches.
    for (kind, len, radius) in [
        (Kind::Random, 100_000, 31),
        (Kind::Random, 800_000, 40),
        (Kind::Flood(400, 0, 16), 100_000, 31),
    ] {
        let mut random = Random(len);
        let query: Hash256 = random.hash();
        let bytes = list(kind, len, query, &mut random);
        let column = Column::<Hash256>::new(&bytes).unwrap();
        let section = mih::build(column);
        let mih = Mih::from_bytes(column, &section).unwrap();
        let planner = Planner::new(column, None, Some(mih), IndexChoice::Auto);
        let queries: Vec<Hash256> = (0..JOINED_FROM).map(|_| random.near(query, 0, 8)).collect();
        counted::reset();
        planner.search(query, radius, &mut Vec::new());
        if !matches!(kind, Kind::Flood(..)) {
            planner.search_batch(&queries[..8], radius, &mut Vec::new());
            planner.search_batch(&queries, radius, &mut Vec::new());
        }
        let steps = counted::take();
        assert_eq!(steps(Step::Row), 0, "{kind:?}, {len} entries, radius {radius}");
        assert!(steps(Step::Bucket) > 0);
    }
}

#[test]
fn no_list_makes_a_search_waste_more_than_its_share_of_a_scan() {
    for kind in KINDS {
        for len in [3_000, 60_000, 150_000] {
            for radius in [0, 8, 31] {
                check::<Hash256>(kind, len, radius);
            }
            for radius in [4, 10] {
                check::<Hash64>(kind, len, radius);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_random_flood_does_either(
        len in 1_000u64..80_000,
        radius in 0u32..48,
        one_of in 1u64..5_000,
        least in 0u64..40,
        spread in 0u64..24,
    ) {
        let kind = Kind::Flood(one_of, least, least + spread);
        check::<Hash256>(kind, len, radius);
        check::<Hash64>(kind, len, radius.min(16));
        check::<Hash256>(Kind::Crafted(one_of.min(100)), len, radius);
    }
}
