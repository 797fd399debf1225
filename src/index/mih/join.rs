//! Joining a batch of many queries with a multi-index section.
//!
//! Owns the order of a batch's work: band by band, and within a band by the upper byte of the
//! buckets' values. What lies between two upper bytes is small enough for a cache, so a directory
//! and its buckets come from memory once, however many queries visit them. Each part is asked for
//! a little before it is read: the directory's next group, a bucket's first line when it is looked up,
//! its others while the buckets before it are compared.

use crate::arch::{self, LISTS_AHEAD};
use crate::bits::BitHash;
use crate::index::Neighbor;
use crate::index::mih::plan::{Ball, Targets, ball_len};
use crate::index::mih::stage::{Probes, Third};
use crate::index::mih::{Band, Mih, Prices, Scratch, bands};
use crate::index::work::{Step, count};
use crate::num;

/// Queries from which on a batch is joined whatever its radius: the directory is read once for all, which for
/// fewer takes longer than each query's own look-ups, as long as these are few (radius 8 and 31 over 1 and 10
/// million entries of 256 bits, 1 million of 64, Zen 3, November 2026).
pub(crate) const JOINED_FROM: usize = 64;

/// Buckets of all queries from which on fewer are joined, too: those of as many queries at radius 31. Wide look-ups
/// meet in the same buckets: at 46 and 52 over 10 million entries batches of 10 to 40 took two to three times as
/// long one by one.
const JOINED_BUCKETS: u64 = 64 * 272;

/// Look-ups of one band that are sorted together; bounds the memory of a batch to 4 MiB.
const MAX_KEYS: usize = 1 << 20;

/// Lines of a group's directory: of a group with fewer look-ups, these alone are asked for.
const GROUP_LINES: usize = 16;

/// Buckets that are compared at once.
const PROBES_AT_ONCE: usize = 256;

/// Survivors, and candidates, that are looked at together.
const RESOLVED_AT_ONCE: usize = 256;

/// A key has the distance of its bucket in bits 8 to 12, the bucket's lower byte below them and the
/// query above.
const QUERY_SHIFT: u32 = 13;

impl<H: BitHash> Mih<'_, H> {
    /// Whether so many queries are joined, and not searched one by one.
    pub(crate) fn is_joined(queries: usize, radius: u32) -> bool {
        let buckets = num::to_u64(queries).saturating_mul(Self::bucket_count(radius));
        queries >= JOINED_FROM || (queries > 1 && buckets >= JOINED_BUCKETS)
    }

    /// Answers a batch; gives the numbers of the queries whose budget did not suffice.
    pub(crate) fn join(
        &self,
        queries: &[H],
        radius: u32,
        prices: Prices,
        out: &mut [Vec<Neighbor>],
    ) -> Vec<usize> {
        out.iter_mut().for_each(Vec::clear);
        let reach = num::index(radius.min(H::BITS)) / bands::<H>() + 1;
        let block = (MAX_KEYS / ball_len(reach)).max(16);
        let mut left = Vec::new();
        let blocks = queries.chunks(block).zip(out.chunks_mut(block));
        for (index, (queries, out)) in blocks.enumerate() {
            Scratch::with(|scratch| {
                self.join_block(queries, radius, &prices, scratch, out);
                let answers = queries.iter().zip(out).zip(&scratch.budgets).enumerate();
                for (number, ((query, out), budget)) in answers {
                    if *budget == 0 {
                        left.push(index * block + number);
                    } else {
                        self.settle(*query, radius, &mut scratch.marks, out);
                    }
                }
            });
        }
        left
    }

    fn join_block(
        &self,
        queries: &[H],
        radius: u32,
        prices: &Prices,
        scratch: &mut Scratch,
        out: &mut [Vec<Neighbor>],
    ) {
        scratch.targets.plan(self, queries, radius);
        scratch.budgets.clear();
        scratch.budgets.resize(queries.len(), prices.patience.max(1));
        scratch.survivors.clear();
        scratch.waited.clear();
        scratch.candidates.clear();
        for band in 0..bands::<H>() {
            self.join_band(band, queries, radius, prices, scratch, out);
        }
        self.compare_third_bands(&mut scratch.waited, &mut scratch.candidates);
        self.compare_third_bands(&mut scratch.survivors, &mut scratch.candidates);
        self.compare_hashes(queries, radius, &mut scratch.candidates, out);
    }

    fn join_band(
        &self,
        number: usize,
        queries: &[H],
        radius: u32,
        prices: &Prices,
        scratch: &mut Scratch,
        out: &mut [Vec<Neighbor>],
    ) {
        let ends = sort_keys(&scratch.targets, number, &scratch.budgets, &mut scratch.keys);
        let band = self.band(number);
        let next = (number + 1) % bands::<H>();
        chain_limits(&scratch.targets, number, next, &mut scratch.limits);
        let (wants, third) =
            (scratch.targets.values(next), Third::of::<H>(&scratch.targets, number));
        let (targets, budgets) = (&scratch.targets, &mut scratch.budgets);
        let reconsider =
            |query: usize, left: u64| prices.reconsider(left, self.ahead(targets, query, number));
        let (survivors, waited) = (&mut scratch.survivors, &mut scratch.waited);
        let mut compare = |probes: &mut Vec<_>, count: usize, budgets: &mut Vec<_>| {
            let (price, spent) = (prices.survivor, |query| reconsider(num::index(query), 0));
            let some = Probes { lists: probes, count };
            self.compare_next_bands(some, &third, price, budgets, survivors, &spent);
            probes.drain(..count);
            if survivors.len() >= RESOLVED_AT_ONCE {
                self.compare_third_bands(waited, &mut scratch.candidates);
                std::mem::swap(waited, survivors);
            }
            if scratch.candidates.len() >= RESOLVED_AT_ONCE {
                self.compare_hashes(queries, radius, &mut scratch.candidates, out);
            }
        };
        let probes = &mut scratch.probes;
        probes.clear();
        let mut start = 0;
        for (upper, end) in (0..).zip(ends) {
            ask_for_group(&band, &scratch.keys, &ends, usize::from(upper) + 1);
            for key in &scratch.keys[start..end] {
                let query = num::index(key >> QUERY_SHIFT);
                let budget = &mut budgets[query];
                if *budget == 0 {
                    continue;
                }
                let bucket = band.bucket(upper << 8 | num::low_u16(u64::from(*key) & 0xff));
                let (cost, if_all_survive) =
                    (prices.of_bucket(bucket.1), u64::from(prices.survivor) * u64::from(bucket.1));
                if *budget <= cost + if_all_survive {
                    *budget = reconsider(query, *budget);
                    if *budget == 0 {
                        continue;
                    }
                }
                *budget -= cost;
                if bucket.1 == 0 {
                    continue;
                }
                let limit = u32::from(scratch.limits[query]) - (key >> 8 & 31);
                let probe = self.probe(&band, bucket, limit, key >> QUERY_SHIFT, wants[query]);
                count(Step::Bucket, 1);
                count(Step::Posting, bucket.1.into());
                // Its page is looked up now: between comparisons it would hold them back.
                arch::prefetch(self.bands, probe.at);
                probes.push(probe);
                if probes.len() == PROBES_AT_ONCE {
                    compare(probes, PROBES_AT_ONCE - LISTS_AHEAD, budgets);
                }
            }
            start = end;
        }
        compare(probes, probes.len(), budgets);
    }
}

/// Asks for the directory's entries of a group's look-ups; nothing beyond the last group.
fn ask_for_group(band: &Band<'_>, keys: &[u32], ends: &[usize; 256], upper: usize) {
    let Some(end) = ends.get(upper) else { return };
    let keys = &keys[ends[upper - 1]..*end];
    if keys.len() >= GROUP_LINES {
        return band.prefetch_group(upper);
    }
    let first = num::low_u16(num::to_u64(upper << 8));
    keys.iter().for_each(|key| band.prefetch(first | num::low_u16(u64::from(*key) & 0xff)));
}

/// For each query, how far the band and the next one may be away together.
fn chain_limits(targets: &Targets, band: usize, next: usize, limits: &mut Vec<u8>) {
    limits.clear();
    let both = targets.reach(band).iter().zip(targets.reach(next));
    limits.extend(both.map(|(first, second)| (first + second).saturating_sub(1)));
}

/// The look-ups of a band, grouped by the upper byte of their buckets' values; gives the end of each
/// group.
fn sort_keys(targets: &Targets, band: usize, budgets: &[u64], keys: &mut Vec<u32>) -> [usize; 256] {
    let (values, reach) = (targets.values(band), targets.reach(band));
    let alive = || {
        let queries = (0u32..).zip(values.iter().zip(reach)).zip(budgets);
        queries
            .filter(|(_, budget)| **budget > 0)
            .map(|((query, (value, reach)), _)| (query, *value, *reach))
    };
    let mut cursors = [0; 256];
    for (_, value, reach) in alive() {
        for group in &Ball::of(reach).groups {
            cursors[usize::from(value >> 8) ^ usize::from(group.upper)] += group.lower.len();
        }
    }
    let mut total = 0;
    for cursor in &mut cursors {
        let count = std::mem::replace(cursor, total);
        total += count;
    }
    keys.resize(total, 0);
    for (query, value, reach) in alive() {
        let key = query << QUERY_SHIFT | u32::from(value & 0xff);
        for group in &Ball::of(reach).groups {
            let cursor = &mut cursors[usize::from(value >> 8) ^ usize::from(group.upper)];
            let slots = &mut keys[*cursor..*cursor + group.lower.len()];
            for (slot, lower) in slots.iter_mut().zip(&group.lower) {
                *slot = key ^ u32::from(*lower);
            }
            *cursor += group.lower.len();
        }
    }
    cursors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;

    #[test]
    fn few_queries_are_joined_where_each_visits_many_buckets() {
        for (queries, radius, is_joined) in [
            (1, 256, false),
            (63, 31, false),
            (64, 0, true),
            (8, 46, false),
            (9, 46, true),
            (4, 52, true),
        ] {
            assert_eq!(
                Mih::<Hash256>::is_joined(queries, radius),
                is_joined,
                "{queries}, {radius}"
            );
        }
    }
}
