//! Every index gives exactly the answer of a plain loop over the column.
//!
//! One table of columns (random, clustered, flat, equidistant, flooded) and radii for both widths;
//! random columns and radii besides; and damaged sections, which may hide entries but never invent
//! one, repeat one or panic.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a failed helper fails its test; random bytes are cut from random words"
)]

use onceseen::bits::{BitHash, Hash64, Hash256};
use onceseen::index::bktree::{self, BkTree};
use onceseen::index::linear::Linear;
use onceseen::index::mih::{self, Mih};
use onceseen::index::planner::Planner;
use onceseen::index::{Column, EntryId, Index, IndexChoice, Neighbor};
use proptest::prelude::*;

use crate::random::Random;

const RADII: [u32; 13] = [0, 1, 2, 7, 8, 16, 31, 32, 52, 63, 64, 128, 256];

/// A hash of either width from 256 bits; the narrow one takes the first 64.
trait FromWords: BitHash {
    fn from_words(words: [u64; 4]) -> Self;
}

impl FromWords for Hash256 {
    fn from_words(words: [u64; 4]) -> Self {
        Hash256::from_words(words)
    }
}

impl FromWords for Hash64 {
    fn from_words(words: [u64; 4]) -> Self {
        Hash64::from_le_bytes(words[0].to_le_bytes())
    }
}

/// A column in tree order with all its indexes.
struct Built {
    column: Vec<u8>,
    tree: Vec<u8>,
    mih: Vec<u8>,
}

impl Built {
    fn new<H: BitHash>(hashes: impl IntoIterator<Item = H>) -> Self {
        let mut rows: Vec<_> = hashes.into_iter().map(|hash| (hash, 0)).collect();
        rows.sort_unstable();
        rows.dedup();
        let tree = bktree::build(&mut rows).unwrap();
        let mut column = Vec::new();
        rows.iter().for_each(|row| row.0.push_to(&mut column));
        let mih = mih::build(Column::<H>::new(&column).unwrap());
        Self { column, tree, mih }
    }

    /// The answer of a plain loop.
    fn expected<H: BitHash>(&self, query: H, radius: u32) -> Vec<Neighbor> {
        let mut all: Vec<_> = (0..)
            .zip(self.column.chunks_exact(H::BYTES))
            .map(|(row, bytes)| Neighbor {
                distance: H::from_column(bytes).distance(query),
                entry: EntryId(row),
            })
            .filter(|neighbor| neighbor.distance <= radius)
            .collect();
        all.sort_unstable();
        all
    }

    /// Compares every index, one query at a time and as a batch.
    fn check<H: BitHash>(&self, queries: &[H], radius: u32) {
        let column = Column::new(&self.column).unwrap();
        let tree = BkTree::from_bytes(column, &self.tree).unwrap();
        let mih = Mih::from_bytes(column, &self.mih).unwrap();
        let linear = Linear::new(column);
        let auto = Planner::new(column, Some(tree), Some(mih), IndexChoice::Auto);
        let small = Planner::new(column, Some(tree), None, IndexChoice::Auto);
        let indexes: [(&str, &dyn Index<H>); 5] = [
            ("linear", &linear),
            ("bk-tree", &tree),
            ("mih", &mih),
            ("auto", &auto),
            ("auto without mih", &small),
        ];
        let expected: Vec<_> = queries.iter().map(|query| self.expected(*query, radius)).collect();
        for (name, index) in indexes {
            let context = format!("{name}, {} entries, radius {radius}", column.len());
            let mut out = vec![Neighbor { distance: 9, entry: EntryId(9) }];
            for (query, expected) in queries.iter().zip(&expected) {
                index.search(*query, radius, &mut out);
                assert_eq!(out, *expected, "{context}");
            }
            let mut answers = vec![out; 1];
            index.search_batch(queries, radius, &mut answers);
            assert_eq!(answers, expected, "{context}, batch");
            if name == "mih" && radius > WIDEST_LONG_BATCH {
                continue;
            }
            let long: Vec<H> = queries.iter().copied().cycle().take(LONG_BATCH).collect();
            index.search_batch(&long, radius, &mut answers);
            assert!(
                answers.iter().eq(expected.iter().cycle().take(LONG_BATCH)),
                "{context}, long batch"
            );
        }
    }
}

/// Queries that a multi-index joins, because they are many.
const LONG_BATCH: usize = 70;

/// Beyond this radius a multi-index by itself visits every value of every band for each query of a long
/// batch, which takes a second and goes through no other code than at this radius.
const WIDEST_LONG_BATCH: u32 = 64;

/// Queries that matter for a column: members, near-members, strangers, the corners.
fn queries<H: FromWords>(words: &[[u64; 4]], random: &mut Random) -> Vec<H> {
    let mut all = vec![[0; 4], [u64::MAX; 4], random.words()];
    for step in 0..4 {
        let Some(member) = words.get(words.len() * step / 4) else { break };
        all.push(*member);
        all.push(random.near(*member, 40));
    }
    all.into_iter().map(H::from_words).collect()
}

fn check_words(words: &[[u64; 4]], radii: &[u32]) {
    let mut random = Random::new(words.len() as u64);
    let wide = Built::new(words.iter().copied().map(Hash256::from_words));
    let narrow = Built::new(words.iter().map(|words| <Hash64 as FromWords>::from_words(*words)));
    for radius in radii {
        wide.check(&queries::<Hash256>(words, &mut random), *radius);
        narrow.check(&queries::<Hash64>(words, &mut random), *radius);
    }
}

/// Rows of a Hadamard matrix: 256 words, every two exactly 128 bits apart.
fn hadamard() -> Vec<[u64; 4]> {
    let bit = |row: u64, column: u64| u64::from((row & column).count_ones() % 2 == 1);
    let word = |row, index: u64| (0..64).map(|k| bit(row, index * 64 + k) << k).sum();
    (0..256).map(|row| std::array::from_fn(|index| word(row, index as u64))).collect()
}

#[test]
fn small_and_odd_sizes_of_random_columns() {
    for len in [0, 1, 2, 255, 256, 257] {
        let mut random = Random::new(len);
        let words: Vec<_> = (0..len).map(|_| random.words()).collect();
        check_words(&words, &RADII);
    }
}

#[test]
fn a_larger_random_column() {
    let mut random = Random::new(5);
    let words: Vec<_> = (0..5000).map(|_| random.words()).collect();
    check_words(&words, &[0, 1, 8, 16, 31, 32, 52, 64, 256]);
}

#[test]
fn clusters_and_their_corners() {
    let mut random = Random::new(6);
    let centres: Vec<_> = (0..40).map(|_| random.words()).collect();
    let mut words: Vec<_> =
        (0..4000).map(|i| random.near(centres[i % centres.len()], 12)).collect();
    words.extend([[0; 4], [u64::MAX; 4], [1, 0, 0, 0], [u64::MAX, u64::MAX, u64::MAX, 1]]);
    check_words(&words, &[0, 1, 8, 16, 31, 52, 128]);
}

#[test]
fn equidistant_rows_defeat_every_pivot() {
    let words = hadamard();
    check_words(&words, &RADII);
}

#[test]
fn a_flood_around_one_hash() {
    let mut random = Random::new(7);
    let centre = random.words();
    // All pairs and singles of bits: everything is within four bits of everything.
    let mut words = vec![centre];
    for first in 0..90 {
        for second in 0..first {
            let mut near = centre;
            near[first / 64] ^= 1 << (first % 64);
            near[second / 64] ^= 1 << (second % 64);
            words.push(near);
        }
    }
    words.extend((0..200).map(|_| random.words()));
    check_words(&words, &[0, 1, 2, 4, 16, 31, 64]);
}

#[test]
fn a_flood_that_shares_most_bands_is_no_match_and_no_burden() {
    let mut random = Random::new(8);
    let centre = random.words();
    let words: Vec<_> = (0..20_000)
        .map(|_| {
            let mut far = centre;
            far[3] = random.next();
            far
        })
        .collect();
    check_words(&words, &[8, 20, 31, 40]);
}

#[test]
fn large_batches_are_answered_in_blocks() {
    let mut random = Random::new(9);
    let words: Vec<_> = (0..300).map(|_| random.words()).collect();
    let built = Built::new(words.iter().copied().map(Hash256::from_words));
    let queries: Vec<_> =
        (0..3000).map(|i| Hash256::from_words(random.near(words[i % words.len()], 60))).collect();
    built.check(&queries, 60);
}

#[test]
fn searches_from_many_threads_agree() {
    let mut random = Random::new(10);
    let words: Vec<_> = (0..5000).map(|_| random.words()).collect();
    let built = Built::new(words.iter().copied().map(Hash256::from_words));
    let query = Hash256::from_words(random.near(words[17], 20));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| built.check(&[query], 31));
        }
    });
}

#[test]
fn damaged_multi_index_sections_never_invent_entries() {
    let mut random = Random::new(11);
    let words: Vec<_> = (0..300).map(|_| random.words()).collect();
    let built = Built::new(words.iter().map(|words| <Hash64 as FromWords>::from_words(*words)));
    let column = Column::<Hash64>::new(&built.column).unwrap();
    let query = column.get(EntryId(5)).unwrap();
    let all = built.expected(query, 20);
    let (header, tail) = (64, built.mih.len() - 1900);
    let anywhere: Vec<_> = (0..3000).map(|_| random.next() as usize % built.mih.len()).collect();
    for at in (0..header).chain(tail..built.mih.len()).chain(anywhere) {
        let mut damaged = built.mih.clone();
        let end = (at + 8).min(damaged.len());
        damaged[at..end].iter_mut().for_each(|byte| *byte = random.next() as u8);
        let Ok(mih) = Mih::from_bytes(column, &damaged) else { continue };
        let mut out = Vec::new();
        mih.search(query, 20, &mut out);
        assert!(out.iter().all(|found| all.binary_search(found).is_ok()));
        assert!(out.windows(2).all(|pair| pair[0] < pair[1]), "an entry came twice");
    }
}

#[test]
fn sections_of_noise_are_served_without_harm() {
    let mut random = Random::new(12);
    let words: Vec<_> = (0..300).map(|_| random.words()).collect();
    let built = Built::new(words.iter().copied().map(Hash256::from_words));
    let column = Column::<Hash256>::new(&built.column).unwrap();
    let query = column.get(EntryId(5)).unwrap();
    let noise = |section: &[u8], header: usize, random: &mut Random| {
        let mut noise = section.to_vec();
        noise[header..].iter_mut().for_each(|byte| *byte = random.next() as u8);
        noise
    };
    let (tree, mih) = (noise(&built.tree, 16, &mut random), noise(&built.mih, 64, &mut random));
    let tree = BkTree::from_bytes(column, &tree).unwrap();
    let mih = Mih::from_bytes(column, &mih).unwrap();
    let auto = Planner::new(column, Some(tree), Some(mih), IndexChoice::Auto);
    for radius in RADII {
        let all = built.expected(query, radius);
        let mut out = Vec::new();
        let indexes: [&dyn Index<Hash256>; 3] = [&tree, &mih, &auto];
        for index in indexes {
            index.search(query, radius, &mut out);
            assert!(out.iter().all(|found| all.binary_search(found).is_ok()));
        }
    }
}

#[test]
fn truncated_sections_are_refused() {
    let mut random = Random::new(13);
    let words: Vec<_> = (0..300).map(|_| random.words()).collect();
    let built = Built::new(words.iter().copied().map(Hash256::from_words));
    let column = Column::<Hash256>::new(&built.column).unwrap();
    for cut in 0..built.tree.len() {
        assert!(BkTree::from_bytes(column, &built.tree[..cut]).is_err());
    }
    for cut in (0..200).chain(built.mih.len() - 200..built.mih.len()) {
        assert!(Mih::from_bytes(column, &built.mih[..cut]).is_err());
    }
    let longer = [&built.mih[..], &[0]].concat();
    assert!(Mih::from_bytes(column, &longer).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_column_and_any_radius(
        seed: u64,
        len in 0usize..700,
        spread in 0u64..300,
        radius in 0u32..=256,
    ) {
        let mut random = Random::new(seed);
        let centre = random.words();
        let words: Vec<_> = (0..len).map(|_| random.near(centre, spread)).collect();
        check_words(&words, &[radius]);
    }
}
