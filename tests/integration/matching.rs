//! The matcher: every index gives what the plain loop gives, from any number of threads.

use std::sync::Arc;
use std::thread;

use onceseen::bits::{Hash64, Hash256};
use onceseen::digest::{Digest, DigestKind, Digests};
use onceseen::hash::{Algorithm, ImageHash, PictureHashes};
use onceseen::index::IndexChoice;
use onceseen::list::{BuildIndex, Claim, HashList, ImportedRow, ListBuilder};
use onceseen::matcher::{Level, Match, Matcher, Query};
use proptest::prelude::*;

const RADII: [u32; 7] = [0, 8, 16, 31, 32, 52, 256];

fn pdq(words: [u64; 4]) -> ImageHash {
    ImageHash::pdq(Algorithm::Pdq, Hash256::from_words(words), None)
}

fn phash(word: u64) -> ImageHash {
    ImageHash::bits64(Algorithm::Phash, Hash64::from_le_bytes(word.to_le_bytes()))
}

fn row(hashes: Vec<ImageHash>, digests: Vec<Digest>, record: &str) -> ImportedRow {
    let claim = Claim { record: Some(record.to_owned()), ..Claim::default() };
    ImportedRow { hashes, digests, claim }
}

/// A list whose row `n` has the record `n`.
fn list(name: &str, rows: &[Vec<ImageHash>]) -> Arc<HashList> {
    let mut builder = ListBuilder::new(name).unwrap();
    builder.index(BuildIndex::All);
    for (number, hashes) in rows.iter().enumerate() {
        builder.push(&row(hashes.clone(), vec![], &number.to_string()), name).unwrap();
    }
    Arc::new(builder.finish_in_memory().unwrap())
}

fn matcher(lists: &[Arc<HashList>], index: IndexChoice, radius: u32, review: u32) -> Matcher {
    let mut builder = Matcher::builder();
    builder.index(index).radius(radius).review_radius(review.max(radius));
    lists.iter().for_each(|list| {
        builder.list(Arc::clone(list));
    });
    builder.build().unwrap()
}

/// What a loop over the rows finds: distance and record of every claim.
fn plain(rows: &[Vec<ImageHash>], query: &ImageHash, radius: u32) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = rows
        .iter()
        .enumerate()
        .flat_map(|(number, hashes)| hashes.iter().map(move |hash| (number, hash)))
        .filter_map(|(number, hash)| Some((query.distance(hash)?, number.to_string())))
        .filter(|(distance, _)| *distance <= radius)
        .collect();
    found.sort();
    found.dedup();
    found
}

fn flat(matches: &[Match]) -> Vec<(u32, String)> {
    let claims = |found: &Match| {
        let distance = found.distance;
        found.claims.clone().into_iter().map(move |claim| (distance, claim.record.unwrap()))
    };
    let mut out: Vec<(u32, String)> = matches.iter().flat_map(claims).collect();
    out.sort();
    out
}

/// Hashes near few centres, so that every radius has neighbours and duplicates occur.
fn hashes() -> impl Strategy<Value = Vec<Vec<ImageHash>>> {
    let one = (0..3_usize, prop::collection::vec(0..256_u32, 0..60)).prop_map(|(centre, flips)| {
        let mut words = [[0; 4], [u64::MAX; 4], [0x0123_4567_89ab_cdef; 4]][centre];
        for bit in flips {
            words[bit as usize / 64] ^= 1 << (bit % 64);
        }
        vec![pdq(words), phash(words[0])]
    });
    prop_oneof![prop::collection::vec(one.clone(), 0..3), prop::collection::vec(one, 0..120)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn every_index_gives_what_the_plain_loop_gives(rows in hashes(), queries in hashes()) {
        let lists = [list("a", &rows)];
        let queries: Vec<ImageHash> =
            queries.concat().into_iter().chain([pdq([0; 4]), phash(0)]).take(24).collect();
        let asked: Vec<Query> = queries.iter().map(|hash| Query::of_hash(*hash)).collect();
        for radius in RADII {
            let linear = matcher(&lists, IndexChoice::Linear, radius, radius).match_batch(&asked);
            for (query, found) in queries.iter().zip(&linear) {
                prop_assert_eq!(flat(found), plain(&rows, query, radius));
            }
            for index in [IndexChoice::BkTree, IndexChoice::Mih, IndexChoice::Auto] {
                let found = matcher(&lists, index, radius, radius).match_batch(&asked);
                prop_assert!(found == linear, "{} at {}", index, radius);
            }
        }
    }
}

#[test]
fn lists_of_no_one_and_two_entries_answer() {
    for count in 0..3_u64 {
        let rows: Vec<Vec<ImageHash>> = (0..count).map(|n| vec![pdq([n, 0, 0, 0])]).collect();
        for index in IndexChoice::ALL {
            for radius in RADII {
                let matcher = matcher(&[list("n", &rows)], index, radius, radius);
                let found = matcher.matches(&Query::of_hash(pdq([0; 4])));
                assert_eq!(
                    flat(&found),
                    plain(&rows, &pdq([0; 4]), radius),
                    "{index} {radius} {count}"
                );
            }
        }
    }
}

#[test]
fn a_duplicate_is_one_entry_with_all_its_claims_in_order() {
    let rows = vec![vec![pdq([5; 4])]; 300];
    for index in IndexChoice::ALL {
        let found = matcher(&[list("d", &rows)], index, 0, 0).matches(&Query::of_hash(pdq([5; 4])));
        assert_eq!(found.len(), 1);
        let records: Vec<String> =
            found[0].claims.iter().map(|c| c.record.clone().unwrap()).collect();
        assert_eq!(records, (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn levels_follow_the_two_radii_and_the_surest_come_first() {
    let near = |bits: u32| pdq([(1_u64 << bits) - 1, 0, 0, 0]);
    let rows = vec![vec![near(40)], vec![near(41)], vec![near(10)], vec![near(11)], vec![near(0)]];
    let matcher = matcher(&[list("l", &rows)], IndexChoice::Auto, 10, 40);
    let found = matcher.matches(&Query::of_hash(pdq([0; 4])));
    let said: Vec<(Level, u32)> = found.iter().map(|found| (found.level, found.distance)).collect();
    let expected =
        [(Level::Near, 0), (Level::Near, 10), (Level::Possible, 11), (Level::Possible, 40)];
    assert_eq!(said, expected);
}

#[test]
fn batches_keep_the_order_of_their_queries() {
    let rows: Vec<Vec<ImageHash>> =
        (0..500).map(|n: u64| vec![pdq([n.wrapping_mul(0x9e37_79b9_7f4a_7c15); 4])]).collect();
    let matcher = matcher(&[list("b", &rows)], IndexChoice::Auto, 0, 0);
    let queries: Vec<Query> = rows.iter().map(|row| Query::of_hash(row[0])).collect();
    for (number, found) in matcher.match_batch(&queries).iter().enumerate() {
        assert_eq!(flat(found), [(0, number.to_string())]);
    }
}

#[test]
fn a_long_batch_gives_what_its_queries_give() {
    let rows: Vec<Vec<ImageHash>> = (0..700_u64)
        .map(|n| vec![pdq([n / 3, n % 7, 0, n * n]), phash(n.wrapping_mul(0x0101_0101))])
        .collect();
    let lists = [list("a", &rows[..400]), list("b", &rows[300..])];
    let mut queries: Vec<Query> = rows.concat().into_iter().map(Query::of_hash).collect();
    queries.insert(500, Query::default());
    queries.insert(77, queries[600].clone());
    // On one thread as many are looked up together as can be.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for index in IndexChoice::ALL {
        let matcher = matcher(&lists, index, 4, 9);
        let one_by_one: Vec<_> = queries.iter().map(|query| matcher.matches(query)).collect();
        assert!(one_by_one.iter().any(|found| found.len() > 20));
        assert!(pool.install(|| matcher.match_batch(&queries)) == one_by_one, "{index}");
    }
}

#[test]
fn one_matcher_serves_many_threads() {
    fn shareable<T: Send + Sync + 'static>(_: &T) {}
    let rows: Vec<Vec<ImageHash>> = (0..2000).map(|n| vec![pdq([n; 4])]).collect();
    let matcher = Arc::new(matcher(&[list("t", &rows)], IndexChoice::Auto, 31, 52));
    shareable(&matcher);
    let alone = matcher.matches(&Query::of_hash(pdq([3; 4])));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let matcher = Arc::clone(&matcher);
            thread::spawn(move || {
                (0..20).map(|_| matcher.matches(&Query::of_hash(pdq([3; 4])))).collect::<Vec<_>>()
            })
        })
        .collect();
    for found in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
        assert!(found == alone);
    }
}

#[test]
fn lists_answer_in_the_order_added_and_a_flat_query_not_at_all() {
    let lists = [list("first", &[vec![pdq([1; 4])]]), list("second", &[vec![pdq([1; 4])]])];
    let matcher = matcher(&lists, IndexChoice::Auto, 31, 52);
    let flat = ImageHash::pdq(Algorithm::Pdq, Hash256::from_words([1; 4]), Some(49));
    assert!(matcher.matches(&Query::of_hash(flat)).is_empty());
    let sharp = ImageHash::pdq(Algorithm::Pdq, Hash256::from_words([1; 4]), Some(50));
    let names: Vec<String> = matcher
        .matches(&Query::of_hash(sharp))
        .iter()
        .map(|found| found.list.to_string())
        .collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn each_digest_is_found_alone_and_a_weaker_one_that_adds_nothing_is_not_repeated() {
    let digests = Digests::of(b"a picture");
    let mut builder = ListBuilder::new("d").unwrap();
    builder.push(&row(vec![], digests.all().to_vec(), "r-1"), "d").unwrap();
    builder.push(&row(vec![], vec![digests.get(DigestKind::Md5)], "r-2"), "d").unwrap();
    let matcher =
        matcher(&[Arc::new(builder.finish_in_memory().unwrap())], IndexChoice::Auto, 0, 0);
    for kind in DigestKind::ALL {
        let found = matcher.matches(&Query::of_digest(digests.get(kind)));
        assert_eq!(
            (found.len(), found[0].algorithm, found[0].level),
            (1, kind.name(), Level::Exact)
        );
    }
    let whole = matcher.matches(&Query::of_picture(digests.all(), PictureHashes::default()));
    let said: Vec<(&str, usize)> = whole.iter().map(|m| (m.algorithm, m.claims.len())).collect();
    assert_eq!(said, [("sha256", 1), ("md5", 2)]);
}

fn one_hash() -> onceseen::list::HashList {
    let hash = ImageHash::pdq(Algorithm::Pdq, Hash256::from_words([7; 4]), None);
    let mut builder = ListBuilder::new("one").unwrap();
    builder.push(&ImportedRow { hashes: vec![hash], ..ImportedRow::default() }, "s").unwrap();
    builder.finish_in_memory().unwrap()
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let built = |set: fn(&mut onceseen::matcher::MatcherBuilder)| {
        let mut builder = Matcher::builder();
        set(&mut builder);
        builder.build().map(drop).map_err(|error| error.to_string())
    };
    assert!(
        built(|builder| {
            builder.list(one_hash()).radius(9).review_radius(8);
        })
        .unwrap_err()
        .contains("below the radius 9")
    );
    assert!(
        built(|builder| {
            builder.list(one_hash()).review_radius(30);
        })
        .unwrap_err()
        .contains("below the radius 31")
    );
    assert!(
        built(|builder| {
            builder.quality(101);
        })
        .unwrap_err()
        .contains("101")
    );
    assert!(built(|_| {}).is_ok());
}
