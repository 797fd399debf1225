//! Answering from a multi-index section.
//!
//! Owns the plan of a query, the stages of a search and the join of a batch with the buckets. A
//! search works in stages, each over everything at hand: read the directory and ask for the
//! buckets' cache lines; compare next-band values; read the survivors' ids; compare hashes. A
//! stage only asks for what the next one reads, so that hundreds of lines are on their way at
//! once: memory latency, not arithmetic, is what a search waits for.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use crate::arch::{self, Isa, U16List};
use crate::bits::BitHash;
use crate::index::linear::Linear;
use crate::index::mih::{Bands, Effort, MAX_BANDS, Mih, Permutation, bands};
use crate::index::{EntryId, Index, Neighbor};
use crate::num;

/// All 16-bit numbers by the number of their ones, then by value: differences of band values.
static DIFFERENCES: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut all: Vec<u16> = (0..=u16::MAX).collect();
    all.sort_by_key(|difference| difference.count_ones());
    all
});

/// Numbers of 16 bits with fewer than `n` ones: rows of Pascal's triangle, summed.
const BALL_LENS: [usize; 18] = [
    0, 1, 17, 137, 697, 2_517, 6_885, 14_893, 26_333, 39_203, 50_643, 58_651, 63_019, 64_839,
    65_399, 65_519, 65_535, 65_536,
];

/// Lines asked for in one bucket; longer ones are read in order, which the machine foresees.
const PREFETCHED_LINES: usize = 16;

/// Bucket look-ups of a batch that pass the stages together.
const PROBES_IN_FLIGHT: usize = 2048;

/// How many look-ups of a batch before its turn a bucket is asked for: comparing one bucket and
/// waiting for others then overlap.
const PROBES_AHEAD: usize = 48;

/// Look-ups of one band that are sorted together; bounds the memory of a batch to 16 MiB.
const MAX_KEYS: usize = 1 << 20;

/// What a query looks for in each band.
#[derive(Clone, Copy)]
struct Plan {
    bands: Bands,
    /// `t_i + 1` for each band: a start must be *less* than this away. They sum to the radius + 1.
    reach: [u8; MAX_BANDS],
}

/// A bucket to look into.
#[derive(Clone, Copy)]
struct Probe {
    /// Offset of the bucket's first value.
    at: usize,
    len: u32,
    query: u32,
    band: u8,
    /// How far the bucket's band value is from the query's.
    distance: u8,
}

/// Memory of a search, kept by each thread.
#[derive(Default)]
pub(crate) struct Scratch {
    plans: Vec<Plan>,
    /// Survivors that each query may still look at; at zero it is given up.
    budgets: Vec<u32>,
    probes: Vec<Probe>,
    /// Probe and position in its bucket.
    survivors: Vec<(u32, u32)>,
    /// Query and entry.
    candidates: Vec<(u32, u32)>,
    keys: Vec<u64>,
    sorted_keys: Vec<u64>,
}

impl Scratch {
    /// Gives the prepared query up once more survivors than this have been looked at.
    pub(crate) fn limit_survivors(&mut self, most: u32) {
        self.budgets.fill(most);
    }

    /// Calls `work` with this thread's scratch memory.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::default());
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => work(&mut scratch),
            Err(_) => work(&mut Self::default()),
        })
    }
}

impl<H: BitHash> Mih<'_, H> {
    /// Buckets that a search of this radius looks up, whatever the query.
    pub fn bucket_count(radius: u32) -> u64 {
        let (whole, count) = (num::index(radius.min(H::BITS)) + 1, bands::<H>());
        let (reach, rest) = (whole / count, whole % count);
        num::to_u64((count - rest) * BALL_LENS[reach] + rest * BALL_LENS[(reach + 1).min(17)])
    }

    /// What looking up a query costs, from the directory alone.
    fn effort(&self, plan: &Plan) -> Effort {
        for band in 0..bands::<H>() {
            self.buckets_of(plan, band, |value, _| {
                arch::prefetch(self.bands, self.directory_at(band, value));
            });
        }
        let mut effort = Effort::default();
        for band in 0..bands::<H>() {
            self.buckets_of(plan, band, |value, _| {
                effort.buckets += 1;
                effort.postings += u64::from(self.bucket(band, value).1);
            });
        }
        effort
    }

    fn plan(&self, query: H, radius: u32) -> Plan {
        let bands_of_query = Permutation::of::<H>().bands(query);
        let reach = self.allot(&bands_of_query, radius.min(H::BITS));
        Plan { bands: bands_of_query, reach }
    }

    /// Divides the radius + 1 among the bands: evenly, what is left over going to the bands whose
    /// own bucket is smallest.
    fn allot(&self, values: &Bands, radius: u32) -> [u8; MAX_BANDS] {
        let count = bands::<H>();
        let whole = num::index(radius) + 1;
        let mut reach = [0; MAX_BANDS];
        reach[..count].fill(num::small(whole / count));
        let rest = whole % count;
        if rest > 0 {
            let mut order: [usize; MAX_BANDS] = std::array::from_fn(|band| band);
            order[..count].sort_by_key(|band| self.bucket(*band, values[*band]).1);
            order[..rest].iter().for_each(|band| reach[*band] += 1);
        }
        reach
    }

    /// Calls `visit(value, distance)` for each bucket that a plan visits in a band.
    #[inline]
    fn buckets_of(&self, plan: &Plan, band: usize, mut visit: impl FnMut(u16, u8)) {
        for distance in 0..plan.reach[band] {
            let shell = BALL_LENS[usize::from(distance).min(17)]
                ..BALL_LENS[usize::from(distance + 1).min(17)];
            for difference in &DIFFERENCES[shell] {
                visit(plan.bands[band] ^ difference, distance);
            }
        }
    }

    /// First half of a search: reads the directory, touches no posting.
    pub(crate) fn prepare(&self, query: H, radius: u32, scratch: &mut Scratch) -> Effort {
        let plan = self.plan(query, radius);
        scratch.plans.clear();
        scratch.plans.push(plan);
        scratch.budgets.clear();
        scratch.budgets.push(u32::MAX);
        scratch.probes.clear();
        for band in 0..bands::<H>() {
            self.buckets_of(&plan, band, |value, _| {
                arch::prefetch(self.bands, self.directory_at(band, value));
            });
        }
        let mut effort = Effort::default();
        for band in 0..bands::<H>() {
            self.buckets_of(&plan, band, |value, distance| {
                effort.buckets += 1;
                if let Some(probe) = self.probe(0, band, value, distance) {
                    effort.postings += u64::from(probe.len);
                    scratch.probes.push(probe);
                }
            });
        }
        effort
    }

    /// Second half: `false` when the plan's budget did not suffice and `out` is no answer.
    pub(crate) fn finish(
        &self,
        query: H,
        radius: u32,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        out.clear();
        // All at once: measured faster for the few hundred buckets of one query.
        self.run(&[query], radius, usize::MAX, scratch, std::slice::from_mut(out));
        let done = scratch.budgets[0] > 0;
        scratch.probes.clear();
        settle(out);
        done
    }

    #[inline]
    fn probe(&self, query: u32, band: usize, value: u16, distance: u8) -> Option<Probe> {
        let (start, len) = self.bucket(band, value);
        let at = num::index(start) * 6 + band * self.band_len + super::DIRECTORY_BYTES;
        (len > 0).then_some(Probe { at, len, query, band: num::small(band), distance })
    }

    #[inline]
    fn prefetch_bucket(&self, probe: &Probe) {
        let lines = (2 * num::index(probe.len)).div_ceil(64).min(PREFETCHED_LINES);
        (0..=lines).for_each(|line| arch::prefetch(self.bands, probe.at + 64 * line));
    }

    /// The stages behind the directory, for all probes in `scratch`; their buckets are asked for
    /// so many probes `ahead`.
    fn run(
        &self,
        queries: &[H],
        radius: u32,
        ahead: usize,
        scratch: &mut Scratch,
        out: &mut [Vec<Neighbor>],
    ) {
        scratch.survivors.clear();
        scratch.candidates.clear();
        let Scratch { plans, budgets, probes, survivors, candidates, .. } = scratch;
        self.compare_next_bands(plans, budgets, probes, ahead, survivors);
        for (number, position) in survivors.iter() {
            let probe = &probes[num::index(*number)];
            let plan = &plans[num::index(probe.query)];
            if let Some(id) = self.compare_third_band(probe, *position, plan) {
                arch::prefetch(self.column.as_bytes(), num::index(id) * H::BYTES);
                candidates.push((probe.query, id));
            }
        }
        for (query, id) in candidates.iter() {
            let (query, entry) = (num::index(*query), EntryId(*id));
            let Some(hash) = self.column.get(entry) else { continue };
            let distance = hash.distance(queries[query]);
            if distance <= radius {
                out[query].push(Neighbor { distance, entry });
            }
        }
    }

    /// Second condition: the first two bands together.
    fn compare_next_bands(
        &self,
        plans: &[Plan],
        budgets: &mut [u32],
        probes: &[Probe],
        ahead: usize,
        survivors: &mut Vec<(u32, u32)>,
    ) {
        probes.iter().take(ahead).for_each(|probe| self.prefetch_bucket(probe));
        let mut coming = probes.iter().skip(ahead);
        let budgets = Cell::from_mut(budgets).as_slice_of_cells();
        let lists = (0..).zip(probes).filter_map(|(tag, probe)| {
            if let Some(probe) = coming.next() {
                self.prefetch_bucket(probe);
            }
            let query = num::index(probe.query);
            let (next, limit) = plans[query].chain::<H>(probe);
            let values = self.bands.get(probe.at..probe.at + 2 * num::index(probe.len))?;
            let list = U16List { tag, values, want: plans[query].bands[next], limit };
            (budgets[query].get() > 0).then_some(list)
        });
        arch::filter_u16(Isa::detect(), lists, &mut |tag, position| {
            let probe = &probes[num::index(tag)];
            let word_at = probe.at + 2 * num::index(probe.len) + 4 * position;
            arch::prefetch(self.bands, word_at);
            survivors.push((tag, num::row(position)));
            let budget = &budgets[num::index(probe.query)];
            budget.set(budget.get().saturating_sub(1));
            budget.get() > 0
        });
    }

    /// Third condition, as far as the spare bits tell: the candidate's id if it holds.
    #[inline]
    fn compare_third_band(&self, probe: &Probe, position: u32, plan: &Plan) -> Option<u32> {
        let (next, limit) = plan.chain::<H>(probe);
        let third = (next + 1) % bands::<H>();
        let position = num::index(position);
        let value = num::read_u16(self.bands, probe.at + 2 * position)?;
        let word_at = probe.at + 2 * num::index(probe.len) + 4 * position;
        let (id, spare) = self.ids.split(num::read_u32(self.bands, word_at)?);
        let next_distance = (value ^ plan.bands[next]).count_ones();
        let third_distance = ((spare ^ plan.bands[third]) & self.ids.spare_mask).count_ones();
        let limit = limit + u32::from(plan.reach[third]);
        (next_distance + third_distance <= limit).then_some(id)
    }

    /// Joins a block of planned queries with the buckets, band by band, in the order of the
    /// buckets: each band is read once from front to back however many queries there are.
    fn join(&self, queries: &[H], radius: u32, scratch: &mut Scratch, out: &mut [Vec<Neighbor>]) {
        for band in 0..bands::<H>() {
            self.collect_keys(band, scratch);
            sort_by_bucket(&mut scratch.keys, &mut scratch.sorted_keys);
            let keys = std::mem::take(&mut scratch.keys);
            for some in keys.chunks(PROBES_IN_FLIGHT) {
                scratch.probes.clear();
                for key in some {
                    let (query, value) = (num::low_u32(*key), num::low_u16(*key >> 32));
                    let distance = num::small(usize::from(num::low_u16(*key >> 48)));
                    scratch.probes.extend(self.probe(query, band, value, distance));
                }
                self.run(queries, radius, PROBES_AHEAD, scratch, out);
            }
            scratch.keys = keys;
        }
    }

    /// Distance, bucket and query of each look-up in a band, packed into 16, 16 and 32 bits.
    fn collect_keys(&self, band: usize, scratch: &mut Scratch) {
        let Scratch { plans, budgets, keys, .. } = scratch;
        keys.clear();
        for ((query, plan), budget) in (0u64..).zip(plans.iter()).zip(budgets) {
            if *budget == 0 {
                continue;
            }
            self.buckets_of(plan, band, |value, distance| {
                keys.push(u64::from(distance) << 48 | u64::from(value) << 32 | query);
            });
        }
    }

    /// Answers all queries to which `admit` gives a budget of survivors; gives the numbers of the
    /// others and of those whose budget did not suffice.
    pub(crate) fn search_admitted(
        &self,
        queries: &[H],
        radius: u32,
        admit: impl Fn(Effort) -> u32,
        out: &mut [Vec<Neighbor>],
    ) -> Vec<usize> {
        out.iter_mut().for_each(Vec::clear);
        let reach = num::index(radius.min(H::BITS)) / bands::<H>() + 1;
        let block = (MAX_KEYS / BALL_LENS[reach.min(17)]).max(16);
        let mut left = Vec::new();
        let blocks = queries.chunks(block).zip(out.chunks_mut(block));
        for (index, (queries, out)) in blocks.enumerate() {
            Scratch::with(|scratch| {
                scratch.plans.clear();
                scratch.plans.extend(queries.iter().map(|query| self.plan(*query, radius)));
                let budgets = scratch.plans.iter().map(|plan| admit(self.effort(plan)));
                scratch.budgets.clear();
                scratch.budgets.extend(budgets);
                self.join(queries, radius, scratch, out);
                let given_up = scratch.budgets.iter().enumerate().filter(|(_, left)| **left == 0);
                left.extend(given_up.map(|(query, _)| index * block + query));
            });
            out.iter_mut().for_each(settle);
        }
        left
    }
}

impl Plan {
    /// The band after the probe's, and how far it may be from the query's.
    #[inline]
    fn chain<H: BitHash>(&self, probe: &Probe) -> (usize, u32) {
        let first = usize::from(probe.band);
        let next = (first + 1) % bands::<H>();
        let reach = u32::from(self.reach[first]) + u32::from(self.reach[next]);
        (next, reach.saturating_sub(1 + u32::from(probe.distance)))
    }
}

/// Sorts and drops what several starts of the ring found.
fn settle(out: &mut Vec<Neighbor>) {
    out.sort_unstable();
    out.dedup();
}

/// Sorts keys by bucket (bits 32 to 47) in two passes of eight bits.
fn sort_by_bucket(keys: &mut Vec<u64>, spare: &mut Vec<u64>) {
    spare.clear();
    spare.resize(keys.len(), 0);
    for shift in [32, 40] {
        let digit = |key: &u64| usize::from(key.to_le_bytes()[shift / 8]);
        let mut cursors = [0; 257];
        keys.iter().for_each(|key| cursors[digit(key) + 1] += 1);
        for value in 1..cursors.len() {
            cursors[value] += cursors[value - 1];
        }
        for key in keys.iter() {
            let cursor = &mut cursors[digit(key)];
            spare[*cursor] = *key;
            *cursor += 1;
        }
        std::mem::swap(keys, spare);
    }
}

impl<H: BitHash> Index<H> for Mih<'_, H> {
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>) {
        // No undamaged index has more: each bucket of a band is visited once.
        let most = num::to_u64(bands::<H>()) * u64::from(self.column.len());
        let done = Scratch::with(|scratch| {
            self.prepare(query, radius, scratch).postings <= most
                && self.finish(query, radius, scratch, out)
        });
        if !done {
            Linear::new(self.column).search(query, radius, out);
        }
    }

    fn search_batch(&self, queries: &[H], radius: u32, out: &mut Vec<Vec<Neighbor>>) {
        out.resize_with(queries.len(), Vec::new);
        let most = num::to_u64(bands::<H>()) * u64::from(self.column.len());
        let admit = |effort: Effort| if effort.postings <= most { u32::MAX } else { 0 };
        let left = self.search_admitted(queries, radius, admit, out);
        left.into_iter().for_each(|query| self.search(queries[query], radius, &mut out[query]));
    }
}
