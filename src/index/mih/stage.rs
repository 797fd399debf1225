//! The stages behind the directory, which single searches and batches share.
//!
//! Owns a search's memory and its way from buckets to matches: compare next-band values, read the
//! survivors' words, compare hashes. A stage only asks for what the next one reads, so that
//! hundreds of lines are on their way at once: memory latency, not arithmetic, is what a search
//! waits for.

use std::cell::RefCell;

use crate::arch::{self, Isa, U16List};
use crate::bits::BitHash;
use crate::index::linear;
use crate::index::mih::plan::Targets;
use crate::index::mih::{Band, MAX_BANDS, Mih, bands};
use crate::index::work::{Step, count};
use crate::index::{EntryId, Neighbor};
use crate::num;

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

/// Buckets to compare, and behind those the ones that are asked for meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Probes<'a> {
    pub(super) lists: &'a [U16List],
    /// How many are compared.
    pub(super) count: usize,
}

/// Memory of a search, kept by each thread.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(super) targets: Targets,
    /// What each query of a batch may still spend, in the unit of the prices; at zero it is given up.
    pub(super) budgets: Vec<u64>,
    /// Buckets to look into; the tag is the query.
    pub(super) probes: Vec<U16List>,
    pub(super) survivors: Vec<Survivor>,
    /// Of a batch, those whose words were asked for some time ago.
    pub(super) waited: Vec<Survivor>,
    /// Query and entry.
    pub(super) candidates: Vec<(u32, u32)>,
    pub(super) keys: Vec<u32>,
    pub(super) limits: Vec<u8>,
    /// Where each band's probes end, of a single search.
    pub(super) ends: [usize; MAX_BANDS],
    pub(super) marks: Marks,
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

/// Entries as bits: each is verified once, however many starts of the ring find it, and the answer
/// comes in the order of the column. In a flood, sorting what was found took most of the time.
#[derive(Default)]
pub(super) struct Marks {
    bits: Vec<u64>,
    count: u32,
}

impl Marks {
    /// Marks from which on clearing and reading the bits costs less than sorting.
    pub(super) fn worth_for(entries: u32) -> usize {
        256 + num::index(entries / 4096)
    }

    pub(super) fn clear(&mut self, entries: u32) {
        self.bits.clear();
        self.bits.resize(num::index(entries.div_ceil(64)), 0);
        self.count = 0;
    }

    #[inline(always)]
    fn mark(&mut self, id: u32) {
        // An id of a damaged section may be any.
        let Some(word) = self.bits.get_mut(num::index(id / 64)) else { return };
        let bit = 1 << (id % 64);
        self.count += u32::from(*word & bit == 0);
        *word |= bit;
    }

    fn each(&self, mut visit: impl FnMut(u32)) {
        for (start, word) in (0u32..).step_by(64).zip(&self.bits) {
            let mut word = *word;
            while word != 0 {
                visit(start + word.trailing_zeros());
                word &= word - 1;
            }
        }
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

    /// Calls `found(bucket, position)` for each posting whose next band is near enough, as long as that
    /// gives `true` for its bucket.
    #[inline(always)]
    fn filter(&self, probes: Probes<'_>, found: &mut impl FnMut(&U16List, usize) -> bool) {
        arch::filter_u16(Isa::detect(), self.bands, probes.lists, probes.count, found);
    }

    /// Second condition: the first two bands together. `reconsider` gives the budget of a query that
    /// has spent its own.
    #[inline(always)]
    pub(super) fn compare_next_bands(
        &self,
        probes: Probes<'_>,
        third: &Third<'_>,
        survivor_price: u32,
        budgets: &mut [u64],
        survivors: &mut Vec<Survivor>,
        reconsider: &impl Fn(u32) -> u64,
    ) {
        let price = u64::from(survivor_price);
        self.filter(probes, &mut |probe, position| {
            let query = num::index(probe.tag);
            let budget = &mut budgets[query];
            if *budget <= price {
                if *budget > 0 {
                    *budget = reconsider(probe.tag);
                }
                if *budget == 0 {
                    return false;
                }
            }
            *budget -= price;
            count(Step::Survivor, 1);
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
            true
        });
    }

    /// Third condition, as far as the spare bits tell.
    #[inline(always)]
    fn third_band_is_near(&self, survivor: &Survivor) -> Option<u32> {
        let (id, spare) = self.ids.split(num::read_u32(self.bands, survivor.word_at)?);
        let distance = ((spare ^ survivor.want) & self.ids.spare_mask).count_ones();
        (distance <= survivor.limit).then_some(id)
    }

    pub(super) fn compare_third_bands(
        &self,
        survivors: &mut Vec<Survivor>,
        candidates: &mut Vec<(u32, u32)>,
    ) {
        let first = candidates.len();
        let near = |survivor: Survivor| Some((survivor.query, self.third_band_is_near(&survivor)?));
        candidates.extend(survivors.drain(..).filter_map(near));
        // In a loop of its own: an address whose page has to be looked up holds back what follows,
        // unless that is another such.
        for (_, id) in &candidates[first..] {
            arch::prefetch(self.column.as_bytes(), num::index(*id) * H::BYTES);
        }
    }

    /// Third condition of a search that turns out to have many survivors.
    pub(super) fn mark_third_bands(&self, survivors: &mut Vec<Survivor>, marks: &mut Marks) {
        for survivor in survivors.drain(..) {
            if let Some(id) = self.third_band_is_near(&survivor) {
                marks.mark(id);
            }
        }
    }

    /// Second and third condition at once, for a single search that is certain to go on and marks
    /// what it finds. `false` when that is every entry there is, and no more can come.
    pub(super) fn mark_next_bands(
        &self,
        probes: Probes<'_>,
        third: &Third<'_>,
        marks: &mut Marks,
    ) -> bool {
        let (want, reach) = (third.wants[0], u32::from(third.reach[0]));
        self.filter(probes, &mut |probe, position| {
            count(Step::Survivor, 1);
            let value = num::read_u16(self.bands, probe.at + 2 * position).unwrap_or(0);
            let limit = probe.limit + reach - (value ^ probe.want).count_ones();
            let word_at = probe.at + 2 * num::index(probe.len) + 4 * position;
            let survivor = Survivor { word_at, query: 0, limit, want };
            if let Some(id) = self.third_band_is_near(&survivor) {
                marks.mark(id);
            }
            true
        });
        marks.count < self.column.len()
    }

    /// The distance itself.
    pub(super) fn compare_hashes(
        &self,
        queries: &[H],
        radius: u32,
        candidates: &mut Vec<(u32, u32)>,
        out: &mut [Vec<Neighbor>],
    ) {
        count(Step::Candidate, num::to_u64(candidates.len()));
        for (query, id) in candidates.drain(..) {
            let (query, entry) = (num::index(query), EntryId(id));
            let Some(hash) = self.column.get(entry) else { continue };
            let distance = hash.distance(queries[query]);
            if distance <= radius {
                out[query].push(Neighbor { distance, entry });
            }
        }
    }

    /// The marked entries within the radius, in order.
    pub(super) fn compare_marked(
        &self,
        query: H,
        radius: u32,
        marks: &Marks,
        out: &mut Vec<Neighbor>,
    ) {
        count(Step::Candidate, marks.count.into());
        out.clear();
        marks.each(|id| {
            let entry = EntryId(id);
            let Some(hash) = self.column.get(entry) else { return };
            let distance = hash.distance(query);
            if distance <= radius {
                out.push(Neighbor { distance, entry });
            }
        });
        linear::order(out);
    }

    /// Sorts an answer and drops what several starts of the ring found.
    pub(super) fn settle(&self, query: H, radius: u32, marks: &mut Marks, out: &mut Vec<Neighbor>) {
        if out.len() < Marks::worth_for(self.column.len()) {
            out.sort_unstable();
            return out.dedup();
        }
        marks.clear(self.column.len());
        out.iter().for_each(|neighbor| marks.mark(neighbor.entry.0));
        self.compare_marked(query, radius, marks, out);
    }
}
