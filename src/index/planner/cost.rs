//! What each index is expected to cost, and from what.
//!
//! Owns the rates and the arithmetic; what is chosen by them is [`super`]'s.

use crate::arch::{Isa, Planes};
use crate::bits::BitHash;
use crate::index::linear::prefix_bits;
use crate::index::mih::{Effort, Mih, Prices};
use crate::num;

use super::Planner;

/// What the steps of a search through the multi-index take, in nanoseconds.
pub(super) struct Rates {
    /// Each entry of the directory read.
    pub(super) entry: f64,
    /// Each bucket looked up: its directory entry and the first line of its postings.
    pub(super) bucket: f64,
    /// Each posting compared.
    pub(super) posting: f64,
    /// Each posting that survives the comparison, where few do: two lines of memory.
    pub(super) survivor: f64,
    /// Each where most do: their words are read in order, and the same hash is compared once.
    pub(super) crowded: f64,
}

/// One query at a time. Fitted within a third to 1 and 10 million random entries of 256 and 64
/// bits; single thread, Zen 4 (AVX-512), shared machine, November 2026. On Zen 3 (AVX2) searches took 1.1
/// to 1.6 times these, and the scan of one query twice its own: the comparison of both errs for the scan.
const SINGLE: Rates =
    Rates { entry: 6.0, bucket: 20.0, posting: 0.35, survivor: 15.0, crowded: 8.0 };
/// A batch of 2,000, whose look-ups are in the order of the directory.
const BATCH: Rates = Rates { entry: 4.0, bucket: 15.0, posting: 0.3, survivor: 10.0, crowded: 6.0 };

/// Of random postings, the share that survives: two bands within 3 of 32 bits, one within 1.
const SURVIVING_SHARE: f64 = 0.003;

/// Share of a scan's cost that may be spent in vain: with what the prices are off, it stays below
/// the 0.2 that an index may lose against the scan.
pub(super) const WASTE: f64 = 0.15;

/// Share of a scan's cost from which on an index is not tried: estimates are no better.
const WORTH_TRYING: f64 = 0.8;

/// Units of the prices in a nanosecond.
const UNITS_PER_NS: f64 = 16.0;

/// Nanoseconds for each row of 256 bits that a BK-tree visits (one million, November 2026).
const NS_PER_TREE_ROW: f64 = 2.4;

/// Queries from which on a batch is read in tiles.
const TILED_FROM: usize = 4;

/// What the tiled scan takes for each entry and leading 32 bits, in nanoseconds: to compare it with a
/// query, and to turn it into a plane once a batch.
struct TileRates {
    compared: f64,
    turned: f64,
}

/// Zen 4, November 2026; the turning is estimated.
const TILES_AVX512: TileRates = TileRates { compared: 0.032, turned: 0.4 };
/// Zen 3 (AVX2), ten million entries, batches of 12 to 2,000 and 1 to 5 words, November 2026.
const TILES: TileRates = TileRates { compared: 0.085, turned: 1.0 };

/// Share of the rows that a BK-tree visits, in parts per ten thousand, by radius: one million
/// random 256-bit hashes, November 2026.
const VISITED_256: [(u32, f64); 7] =
    [(0, 1.0), (1, 8.0), (2, 34.0), (4, 190.0), (8, 1260.0), (16, 5860.0), (31, 9820.0)];

/// The same for 64-bit hashes.
const VISITED_64: [(u32, f64); 6] =
    [(0, 1.0), (2, 130.0), (4, 800.0), (8, 5700.0), (10, 7800.0), (16, 10_000.0)];

impl<H: BitHash> Planner<'_, H> {
    /// Nanoseconds of the scan for each query: reading the column, from memory once it is larger
    /// than a cache (Zen 4, November 2026), or comparing leading bits of a tile that is already there.
    pub(super) fn scan_ns(&self, radius: u32, batch: usize) -> f64 {
        if batch >= TILED_FROM {
            let rates = if Isa::detect().is_avx512() { &TILES_AVX512 } else { &TILES };
            return self.tiled_ns(radius, batch, rates);
        }
        let in_cache = self.column.as_bytes().len() < 12 << 20;
        let ns_per_entry = match (H::BITS, in_cache) {
            (64, true) => 0.15,
            (64, false) => 0.2,
            (_, true) => 0.6,
            (_, false) => 1.0,
        };
        f64::from(self.column.len()) * ns_per_entry
    }

    fn tiled_ns(&self, radius: u32, batch: usize, rates: &TileRates) -> f64 {
        let bits = Planes::kept(Isa::detect(), prefix_bits::<H>(radius));
        let words = f64::from(num::row(bits)) / 32.0;
        let turned = rates.turned / num::to_f64(num::to_u64(batch));
        f64::from(self.column.len()) * (0.015 + (rates.compared + turned) * words)
    }

    /// Nanoseconds of the BK-tree: rows visited, each dearer than in a plain scan because leaves
    /// are short and pivots far apart.
    pub(super) fn tree_ns(&self, radius: u32) -> f64 {
        let table: &[(u32, f64)] = if H::BITS == 64 { &VISITED_64 } else { &VISITED_256 };
        let share = table.iter().find(|(most, _)| radius <= *most).map_or(1e4, |(_, share)| *share);
        800.0 + f64::from(self.column.len()) * share / 1e4 * ns_per_tree_row::<H>()
    }

    /// Expected nanoseconds of the multi-index where buckets are evenly filled.
    pub(super) fn typical_ns(&self, radius: u32, rates: &Rates) -> f64 {
        self.mih_ns(self.even_effort(radius), rates)
    }

    fn even_effort(&self, radius: u32) -> Effort {
        let buckets = Mih::<H>::bucket_count(radius);
        Effort { buckets, postings: buckets * u64::from(self.column.len()) / (1 << 16) }
    }

    /// Postings expected to survive. What a query's buckets hold beyond the even share are mostly
    /// hashes near the query in many bands, and those survive (a cluster of 256 gives some 2,500).
    fn expected_survivors(&self, effort: Effort) -> f64 {
        let even = effort.buckets * u64::from(self.column.len()) / (1 << 16);
        let excess = effort.postings.saturating_sub(even);
        SURVIVING_SHARE * num::to_f64(effort.postings) + num::to_f64(excess)
    }

    /// Expected nanoseconds of a look-up.
    pub(super) fn mih_ns(&self, effort: Effort, rates: &Rates) -> f64 {
        rates.bucket * num::to_f64(effort.buckets)
            + rates.posting * num::to_f64(effort.postings)
            + rates.survivor * self.expected_survivors(effort)
    }

    /// Nanoseconds for reading all of a query's directory entries, those that the radius is divided
    /// by included.
    fn directory_ns(radius: u32, rates: &Rates) -> f64 {
        rates.entry * num::to_f64(Mih::<H>::bucket_count(radius) + u64::from(H::BITS / 16))
    }

    /// Prices of a search that may have to give way to the scan, and pays so much for a bucket.
    pub(super) fn prices(&self, radius: u32, batch: usize, bucket_ns: f64) -> Prices {
        let (scan_ns, rates) = (self.scan_ns(radius, batch), rates(batch));
        let directory_ns = Self::directory_ns(radius, rates);
        let units = |ns: f64| num::saturating_u32((UNITS_PER_NS * ns).ceil());
        Prices {
            bucket: units(bucket_ns),
            posting: units(rates.posting),
            survivor: units(rates.crowded),
            patience: units(WASTE * scan_ns - directory_ns).into(),
            most: units((1.0 + WASTE) * scan_ns - directory_ns).into(),
        }
    }

    /// Whether the multi-index is worth trying where buckets are evenly filled: the scan that may have
    /// to follow dwarfs the reading of the directory, and a search either ends before its patience
    /// does or is certain to pay by then.
    pub(super) fn may_pay(&self, radius: u32, batch: usize) -> bool {
        let (scan_ns, rates) = (self.scan_ns(radius, batch), rates(batch));
        let expected_ns = self.typical_ns(radius, rates);
        let prices = self.prices(radius, batch, rates.bucket);
        let patience = num::to_f64(prices.patience);
        let done = (patience / (UNITS_PER_NS * expected_ns)).min(1.0);
        // A batch counts the whole of the band that it is in.
        let share = (1.0 - done + 16.0 / f64::from(H::BITS)).min(1.0);
        let ahead = share * num::to_f64(prices.at_worst(self.even_effort(radius)));
        expected_ns < WORTH_TRYING * scan_ns
            && Self::directory_ns(radius, rates) < WASTE * scan_ns
            && (done >= 1.0 || patience + ahead <= num::to_f64(prices.most))
    }
}

pub(super) fn rates(batch: usize) -> &'static Rates {
    if batch >= TILED_FROM { &BATCH } else { &SINGLE }
}

/// Nanoseconds for each row that a BK-tree visits.
pub(super) fn ns_per_tree_row<H: BitHash>() -> f64 {
    NS_PER_TREE_ROW * f64::from(H::BITS) / 256.0
}
