//! The stages behind the directory, which single searches and batches share.
//!
//! Owns a search's memory and its way from buckets to matches: compare next-band values, read the
//! survivors' words, compare hashes. A stage only asks for what the next one reads, so that
//! hundreds of lines are on their way at once: memory latency, not arithmetic, is what a search
//! waits for.

use std::cell::RefCell;

use crate::arch::{self, Isa, U16List};
use crate::bits::BitHash;
use crate::index::mih::join::Prices;
use crate::index::mih::plan::Targets;
use crate::index::mih::{Band, MAX_BANDS, Mih, bands};
use crate::index::{EntryId, Neighbor};
use crate::num;

/// Lines asked for in one bucket; longer ones are read in order, which the machine foresees.
const PREFETCHED_LINES: usize = 16;

const LINE: usize = 64;

/// A posting whose first two bands are near enough together.
#[derive(Clone, Copy)]
pub(super) struct Survivor {
    /// Offset of its word.
    word_at: usize,
    query: u32,
    /// What the band after the next may be away from `want`.
    limit: u32,
    want: u16,
}

/// Memory of a search, kept by each thread.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(super) targets: Targets,
    /// What each query may still spend, in the unit of the prices; at zero it is given up.
    pub(super) budgets: Vec<u64>,
    pub(super) prices: Prices,
    /// Buckets to look into; the tag is the query.
    pub(super) probes: Vec<U16List>,
    pub(super) survivors: Vec<Survivor>,
    /// Of a batch, those whose words were asked for some time ago.
    pub(super) waited: Vec<Survivor>,
    /// Query and entry.
    pub(super) candidates: Vec<(u32, u32)>,
    /// Buckets that are being asked for while `probes` are compared.
    pub(super) coming: Vec<U16List>,
    pub(super) keys: Vec<u32>,
    pub(super) limits: Vec<u8>,
    /// Where each band's probes end, of a single search.
    pub(super) ends: [usize; MAX_BANDS],
}

impl Scratch {
    /// Calls `work` with this thread's scratch memory.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => work(&mut scratch),
            Err(_) => work(&mut Self::default()),
        })
    }
}

/// What the postings of a band are compared with after the next one, by query.
pub(super) struct Third<'a> {
    wants: &'a [u16],
    reach: &'a [u8],
}

impl<'a> Third<'a> {
    pub(super) fn of<H: BitHash>(targets: &'a Targets, band: usize) -> Self {
        let third = (band + 2) % bands::<H>();
        Self { wants: targets.values(third), reach: targets.reach(third) }
    }
}

impl<H: BitHash> Mih<'_, H> {
    /// Asks for a bucket's values; gives the number of lines.
    #[inline(always)]
    pub(super) fn prefetch_bucket(&self, probe: &U16List) -> usize {
        let Some(values) = self.bands.get(probe.at..probe.at + 2 * num::index(probe.len)) else {
            return 0;
        };
        let lines = values.chunks(LINE).take(PREFETCHED_LINES);
        let count = lines.len();
        lines.for_each(|line| arch::prefetch(line, 0));
        // A list begins anywhere in a line, so the last value may stand in one more.
        arch::prefetch(values, values.len().saturating_sub(1));
        count
    }

    #[inline(always)]
    pub(super) fn probe(
        &self,
        band: &Band<'_>,
        bucket: (u32, u32),
        limit: u32,
        query: u32,
        want: u16,
    ) -> U16List {
        let at = band.postings_at + 6 * num::index(bucket.0);
        U16List { at, len: bucket.1, tag: query, limit, want }
    }

    /// Second condition: the first two bands together.
    #[inline(always)]
    pub(super) fn compare_next_bands(
        &self,
        probes: &[U16List],
        third: &Third<'_>,
        survivor_price: u64,
        budgets: &mut [u64],
        survivors: &mut Vec<Survivor>,
    ) {
        arch::filter_u16(Isa::detect(), self.bands, probes, &mut |probe, position| {
            let query = num::index(probe.tag);
            let word_at = probe.at + 2 * num::index(probe.len) + 4 * position;
            arch::prefetch(self.bands, word_at);
            let value = num::read_u16(self.bands, probe.at + 2 * position).unwrap_or(0);
            let next_distance = (value ^ probe.want).count_ones();
            survivors.push(Survivor {
                word_at,
                query: probe.tag,
                limit: probe.limit + u32::from(third.reach[query]) - next_distance,
                want: third.wants[query],
            });
            let budget = &mut budgets[query];
            *budget = budget.saturating_sub(survivor_price);
            *budget > 0
        });
    }

    /// Third condition, as far as the spare bits tell.
    pub(super) fn compare_third_bands(
        &self,
        survivors: &mut Vec<Survivor>,
        candidates: &mut Vec<(u32, u32)>,
    ) {
        let first = candidates.len();
        for survivor in survivors.drain(..) {
            let Some(word) = num::read_u32(self.bands, survivor.word_at) else { continue };
            let (id, spare) = self.ids.split(word);
            let distance = ((spare ^ survivor.want) & self.ids.spare_mask).count_ones();
            if distance <= survivor.limit {
                candidates.push((survivor.query, id));
            }
        }
        // In a loop of its own: an address whose page has to be looked up holds back what follows,
        // unless that is another such.
        for (_, id) in &candidates[first..] {
            arch::prefetch(self.column.as_bytes(), num::index(*id) * H::BYTES);
        }
    }

    /// The distance itself.
    pub(super) fn compare_hashes(
        &self,
        queries: &[H],
        radius: u32,
        candidates: &mut Vec<(u32, u32)>,
        out: &mut [Vec<Neighbor>],
    ) {
        for (query, id) in candidates.drain(..) {
            let (query, entry) = (num::index(query), EntryId(id));
            let Some(hash) = self.column.get(entry) else { continue };
            let distance = hash.distance(queries[query]);
            if distance <= radius {
                out[query].push(Neighbor { distance, entry });
            }
        }
    }
}

/// Sorts and drops what several starts of the ring found.
pub(super) fn settle(out: &mut Vec<Neighbor>) {
    out.sort_unstable();
    out.dedup();
}
