//! Filters of short values for x86-64: lists of 16-bit values, each in a few lines of the cache.
//!
//! Loads are whole lines, cut afterwards: a load across two lines waits for both, even where nothing
//! of the second counts, and nobody asked for that one.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_setr_epi8, _mm256_add_epi8, _mm256_add_epi16, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_cmpeq_epi16, _mm256_cmpgt_epi16, _mm256_loadu_si256,
    _mm256_maddubs_epi16, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_xor_si256, _mm512_mask_cmple_epu16_mask, _mm512_maskz_loadu_epi16, _mm512_popcnt_epi16,
    _mm512_set1_epi16, _mm512_xor_si512, _pext_u64,
};

use crate::arch::{LINE, U16List, asking_ahead, generic};
use crate::num;

const NONE: U16List = U16List { at: 0, len: 0, tag: 0, limit: 0, want: 0 };

/// Two lines in which some values are near enough.
#[derive(Clone, Copy)]
struct NearLines<'a> {
    list: &'a U16List,
    /// The position of the first lane; before the list's first value it wraps around.
    start: usize,
    lanes: u64,
}

/// Pairs of lines that are reported together: calls between comparisons would drive their registers
/// into memory.
struct Near<'a> {
    pairs: [NearLines<'a>; 12],
    count: usize,
}

impl<'a> Near<'a> {
    fn new() -> Self {
        Self { pairs: [NearLines { list: &NONE, start: 0, lanes: 0 }; 12], count: 0 }
    }

    /// Keeps a pair for a report; `false` when no more of its list is wanted.
    #[inline(always)]
    fn keep(
        &mut self,
        pair: NearLines<'a>,
        found: &mut impl FnMut(&U16List, usize) -> bool,
    ) -> bool {
        if self.count == self.pairs.len() {
            self.count = 0;
            if report(&self.pairs, found).is_some_and(|refused| std::ptr::eq(refused, pair.list)) {
                return false;
            }
        }
        self.pairs[self.count] = pair;
        self.count += 1;
        true
    }

    fn report(&self, found: &mut impl FnMut(&U16List, usize) -> bool) {
        report(&self.pairs[..self.count], found);
    }
}

/// Reports pairs; gives the last list of which no more is wanted.
#[cold]
#[inline(never)]
fn report<'a>(
    near: &[NearLines<'a>],
    found: &mut impl FnMut(&U16List, usize) -> bool,
) -> Option<&'a U16List> {
    let mut refused: Option<&U16List> = None;
    for line in near {
        let mut lanes = line.lanes;
        while lanes != 0 && !refused.is_some_and(|list| std::ptr::eq(list, line.list)) {
            let lane = num::index(lanes.trailing_zeros());
            if !found(line.list, line.start.wrapping_add(lane)) {
                refused = Some(line.list);
            }
            lanes &= lanes - 1;
        }
    }
    refused
}

/// [`generic::filter_u16`] with masks: a list shorter than a line, as many are, is one load, one
/// count and one comparison, and the survivors are the bits of a register.
///
/// Loads are whole lines of the cache, cut by the mask. A load across two lines waits for both,
/// even where the mask leaves nothing of the second: nobody asked for that one, and a search took
/// up to twice the time (Zen 4, November 2026).
#[target_feature(enable = "avx512f,avx512bw,avx512bitalg")]
#[inline]
pub(super) fn masked_filter_u16(
    bytes: &[u8],
    lists: &[U16List],
    count: usize,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    let mut near = Near::new();
    for list in asking_ahead(bytes, lists, count) {
        let values = list.values(bytes);
        let into_line = values.as_ptr().addr() % LINE;
        if into_line.is_multiple_of(2) {
            filter_lines(list, values, into_line, &mut near, found);
        } else {
            generic::filter_list(list, values, found);
        }
    }
    near.report(found);
}

#[target_feature(enable = "avx512f,avx512bw,avx512bitalg")]
#[inline]
fn filter_lines<'a>(
    list: &'a U16List,
    values: &[u8],
    into_line: usize,
    near: &mut Near<'a>,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    const LANES: usize = LINE / 2;
    let want = _mm512_set1_epi16(list.want.cast_signed());
    let limit = _mm512_set1_epi16(i16::try_from(list.limit).unwrap_or(i16::MAX));
    let compare = |line: *const u8, lanes: u32| {
        // SAFETY: the mask has a bit only for values of the list; lanes without one are not read.
        let loaded: __m512i = unsafe { _mm512_maskz_loadu_epi16(lanes, line.cast()) };
        let distances = _mm512_popcnt_epi16(_mm512_xor_si512(loaded, want));
        u64::from(_mm512_mask_cmple_epu16_mask(lanes, distances, limit))
    };
    let (first, end) = (into_line / 2, into_line / 2 + values.len() / 2);
    let mut line = values.as_ptr().wrapping_sub(into_line);
    let mut lanes = u32::MAX << first;
    let mut start = 0;
    while start < end {
        if end - start < LANES {
            lanes &= (1 << (end - start)) - 1;
        }
        let mut survivors = compare(line, lanes);
        let mut width = LANES;
        if end - start >= 2 * LANES {
            survivors |= compare(line.wrapping_add(LINE), u32::MAX) << LANES;
            width = 2 * LANES;
        }
        if survivors != 0 {
            let pair = NearLines { list, start: start.wrapping_sub(first), lanes: survivors };
            if !near.keep(pair, found) {
                return;
            }
        }
        line = line.wrapping_add(2 * width);
        lanes = u32::MAX;
        start += width;
    }
}

/// The limit from which on bits are counted; below it they are cleared one by one. Searches of 64 bits mix
/// limits of 3 to 5, and a branch between them costs more than the few instructions that it saves (a
/// twelfth of a batch, Zen 3, November 2026).
const COUNTED: u32 = 3;

/// Bytes of a vector: half a line.
const HALF: usize = LINE / 2;

/// Values that two vectors hold. Of a million entries a bucket has 15: as one pair of vectors, not of lines,
/// batches took 0.86 to 0.91 and single searches 0.91 to 0.93 of the time (Zen 3, November 2026).
const SHORT: u32 = 32;

/// [`generic::filter_u16`] by pairs of lines, or of vectors where these hold a list.
///
/// Few values are near enough: the loop only finds out whether any of a pair is, and which ones is
/// looked up apart.
#[target_feature(enable = "popcnt,avx2,bmi1,bmi2,lzcnt")]
#[inline]
pub(super) fn paired_filter_u16(
    bytes: &[u8],
    lists: &[U16List],
    count: usize,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    let mut near = Near::new();
    for list in asking_ahead(bytes, lists, count) {
        if list.len <= SHORT {
            match (short_of(bytes, list), list.limit) {
                (None, _) => generic::filter_list(list, list.values(bytes), found),
                (Some(short), 0) => filter_short::<0>(list, short, &mut near, found),
                (Some(short), 1) => filter_short::<1>(list, short, &mut near, found),
                (Some(short), 2) => filter_short::<2>(list, short, &mut near, found),
                (Some(short), _) => filter_short::<COUNTED>(list, short, &mut near, found),
            }
            continue;
        }
        match (lines_of(bytes, list), list.limit) {
            (None, _) => generic::filter_list(list, list.values(bytes), found),
            (Some(lines), 0) => filter_pairs::<0>(list, lines, &mut near, found),
            (Some(lines), 1) => filter_pairs::<1>(list, lines, &mut near, found),
            (Some(lines), 2) => filter_pairs::<2>(list, lines, &mut near, found),
            (Some(lines), _) => filter_pairs::<COUNTED>(list, lines, &mut near, found),
        }
    }
    near.report(found);
}

/// Where the two vectors of a short list are loaded from; none where they would leave the bytes.
///
/// Neither touches a line that holds nothing of the list: nobody asked for that one.
#[inline(always)]
fn short_of<'a>(bytes: &'a [u8], list: &U16List) -> Option<([&'a [u8; HALF]; 2], usize)> {
    let base = bytes.as_ptr().addr();
    let end = list.at + 2 * num::index(list.len);
    let line_end =
        (base.wrapping_add(end).wrapping_sub(1) | (LINE - 1)).wrapping_sub(base).wrapping_add(1);
    let first = list.at.min(line_end.checked_sub(HALF)?);
    let second = first.max(end.saturating_sub(HALF));
    let half = |at: usize| bytes.get(at..)?.first_chunk::<HALF>();
    (base.wrapping_add(list.at).is_multiple_of(2)).then_some(())?;
    Some(([half(first)?, half(second)?], first))
}

/// Where both vectors hold a value, it is in the same lane of the report.
#[target_feature(enable = "popcnt,avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn filter_short<'a, const LIMIT: u32>(
    list: &'a U16List,
    ([first, second], at): ([&[u8; HALF]; 2], usize),
    near: &mut Near<'a>,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    let want = _mm256_set1_epi16(list.want.cast_signed());
    let a = near_half::<LIMIT>(first, want, list.limit);
    let b = near_half::<LIMIT>(second, want, list.limit);
    if _mm256_movemask_epi8(_mm256_or_si256(a, b)) != 0 {
        let apart = second.as_ptr().addr().wrapping_sub(first.as_ptr().addr()) / 2;
        let lanes = lanes_of(a, b);
        let lanes = lanes & 0xffff | lanes >> 16 << apart;
        let start = (at.wrapping_sub(list.at).cast_signed() / 2).cast_unsigned();
        keep_cut(NearLines { list, start, lanes }, near, found);
    }
}

/// The lines that a list is in, and where in the first it begins; none where they are not all in the
/// bytes.
#[inline(always)]
fn lines_of<'a>(bytes: &'a [u8], list: &U16List) -> Option<(&'a [[u8; LINE]], usize)> {
    let into_line = bytes.as_ptr().addr().wrapping_add(list.at) % LINE;
    let start = list.at.checked_sub(into_line)?;
    let len = (into_line + 2 * num::index(list.len)).next_multiple_of(LINE);
    let lines = bytes.get(start..)?.get(..len)?;
    (into_line.is_multiple_of(2)).then_some((lines.as_chunks().0, into_line))
}

#[target_feature(enable = "popcnt,avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn filter_pairs<'a, const LIMIT: u32>(
    list: &'a U16List,
    (lines, into_line): (&[[u8; LINE]], usize),
    near: &mut Near<'a>,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    let want = _mm256_set1_epi16(list.want.cast_signed());
    for (index, pair) in lines.chunks(2).enumerate() {
        // Of an odd number of lines the last one twice: cheaper than a branch that nobody foresees.
        let (first, second) = (&pair[0], pair.get(1).unwrap_or(&pair[0]));
        let [a, b] = near_lanes::<LIMIT>(first, want, list.limit);
        let [c, d] = near_lanes::<LIMIT>(second, want, list.limit);
        let any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
        if _mm256_movemask_epi8(any) != 0 {
            let start = (index * 2 * LINE / 2).wrapping_sub(into_line / 2);
            let lanes = lanes_of(a, b) | lanes_of(c, d) << 32;
            if !keep_cut(NearLines { list, start, lanes }, near, found) {
                return;
            }
        }
    }
}

/// A bit for each of the 32 values of a line.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn lanes_of(a: __m256i, b: __m256i) -> u64 {
    let mask = |lanes| u64::from(_mm256_movemask_epi8(lanes).cast_unsigned());
    _pext_u64(mask(a) | mask(b) << 32, 0x5555_5555_5555_5555)
}

/// Which values of a line are near, all bits of each or none.
#[target_feature(enable = "avx2")]
#[inline]
fn near_lanes<const LIMIT: u32>(line: &[u8; LINE], want: __m256i, limit: u32) -> [__m256i; 2] {
    let (halves, _) = line.as_chunks::<HALF>();
    [&halves[0], &halves[1]].map(|half| near_half::<LIMIT>(half, want, limit))
}

#[target_feature(enable = "avx2")]
#[inline]
fn near_half<const LIMIT: u32>(half: &[u8; HALF], want: __m256i, limit: u32) -> __m256i {
    // SAFETY: the load reads the 32 bytes of half a line.
    let values = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
    let mut differing = _mm256_xor_si256(values, want);
    if LIMIT == COUNTED {
        let limit = _mm256_set1_epi16(i16::try_from(limit).unwrap_or(i16::MAX));
        let far = _mm256_cmpgt_epi16(count_ones(differing), limit);
        return _mm256_cmpeq_epi16(far, _mm256_setzero_si256());
    }
    for _ in 0..LIMIT {
        let less = _mm256_add_epi16(differing, _mm256_set1_epi16(-1));
        differing = _mm256_and_si256(differing, less);
    }
    _mm256_cmpeq_epi16(differing, _mm256_setzero_si256())
}

#[target_feature(enable = "avx2")]
#[inline]
fn count_ones(values: __m256i) -> __m256i {
    let counts = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    let (counts, low) = (_mm256_broadcastsi128_si256(counts), _mm256_set1_epi8(15));
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(values), low);
    let halves = _mm256_add_epi8(
        _mm256_shuffle_epi8(counts, _mm256_and_si256(values, low)),
        _mm256_shuffle_epi8(counts, upper),
    );
    _mm256_maddubs_epi16(halves, _mm256_set1_epi8(1))
}

/// Cuts a pair to its list and keeps it; `false` when no more of the list is wanted.
#[cold]
#[inline(never)]
fn keep_cut<'a>(
    mut pair: NearLines<'a>,
    near: &mut Near<'a>,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) -> bool {
    let (before, left) =
        (0usize.wrapping_sub(pair.start), num::index(pair.list.len).wrapping_sub(pair.start));
    if before < LINE / 2 {
        pair.lanes &= u64::MAX << before;
    }
    if left < LINE {
        pair.lanes &= (1 << left) - 1;
    }
    pair.lanes == 0 || near.keep(pair, found)
}
