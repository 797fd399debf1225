//! Distance kernels: which one runs is decided here, once.
//!
//! [`generic`] holds each kernel as a plain loop; `x86_64` and `aarch64` compile the same loops
//! for the vector instructions that a machine may have. All `unsafe` of the search floors is in
//! this folder: calls of kernels after detection, and loads inside them. Which rows to look at,
//! and what a distance means, is [`crate::index`]'s business.
#![expect(unsafe_code, reason = "calling a kernel for detected instructions")]

use std::sync::OnceLock;

use crate::bits::BitHash;
use crate::num;

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod generic;
pub(crate) mod lanes;
#[cfg(target_arch = "x86_64")]
mod x86_64;

/// Most rows of a tile in [`Planes`]: eight planes of them fill 64 KiB, three the first cache.
pub(crate) const TILE: usize = 2048;

/// Words of [`Planes`] for each nibble that is kept: an eighth of a plane of words.
const NIBBLE_PLANE: usize = TILE / 8;

/// Planes begin at a line of the cache: a vector across two costs twice.
const PLANES_ALIGN: usize = 64;

/// A set of instructions that this machine has.
///
/// Values come only from [`Isa::detect`] and [`Isa::available`], which check the machine: that
/// makes calling a kernel through one sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Popcnt,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Isa {
    /// The best set of this machine; found out on the first call.
    pub(crate) fn detect() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self(Kind::Portable)))
    }

    /// All sets of this machine, slowest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut all = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            let levels = [
                (x86_64::popcnt::is_detected(), Kind::Popcnt),
                (x86_64::avx2::is_detected(), Kind::Avx2),
                (x86_64::avx512::is_detected(), Kind::Avx512),
            ];
            all.extend(levels.into_iter().filter(|level| level.0).map(|level| Self(level.1)));
        }
        #[cfg(target_arch = "aarch64")]
        if aarch64::neon::is_detected() {
            all.push(Self(Kind::Neon));
        }
        all
    }

    /// Whether whole vectors are counted in one instruction.
    pub(crate) const fn is_avx512(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => true,
            _ => false,
        }
    }

    /// The name for reports.
    pub(crate) const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Popcnt => "popcnt",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512-vpopcntdq",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
        }
    }
}

/// Calls a kernel in the module of the given instruction set.
macro_rules! dispatch {
    ($isa:expr, $kernel:ident $(::<$hash:ident>)? ($($argument:expr),*)) => {
        match $isa.0 {
            Kind::Portable => generic::$kernel$(::<$hash>)?($($argument),*),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the kernel needs the instructions; an `Isa` exists only after detection.
            Kind::Popcnt => unsafe { x86_64::popcnt::$kernel$(::<$hash>)?($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the kernel needs the instructions; an `Isa` exists only after detection.
            Kind::Avx2 => unsafe { x86_64::avx2::$kernel$(::<$hash>)?($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the kernel needs the instructions; an `Isa` exists only after detection.
            Kind::Avx512 => unsafe { x86_64::avx512::$kernel$(::<$hash>)?($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: the kernel needs the instructions; an `Isa` exists only after detection.
            Kind::Neon => unsafe { aarch64::neon::$kernel$(::<$hash>)?($($argument),*) },
        }
    };
}

/// Calls `found(row, distance)` for each row at most `radius` bits from `query`, in row order.
///
/// `rows` is cut into hashes of [`BitHash::BYTES`]; a ragged end is ignored.
pub(crate) fn scan<H: BitHash>(
    isa: Isa,
    rows: &[u8],
    query: H,
    radius: u32,
    found: &mut impl FnMut(usize, u32),
) {
    dispatch!(isa, scan(rows, query, radius, found));
}

/// Calls `found(row, distance)` for each row of which the number is in `some` and that is at most
/// `radius` bits from `query`, in the order of the numbers; those beyond the last row are passed over.
pub(crate) fn scan_some<H: BitHash>(
    isa: Isa,
    rows: &[u8],
    some: &[u32],
    query: H,
    radius: u32,
    found: &mut impl FnMut(u32, u32),
) {
    dispatch!(isa, scan_some(rows, some, query, radius, found));
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Lines asked for of a list.
const LINES_ASKED: usize = 16;

/// A list of little-endian 16-bit values in some bytes, and which of them are looked for.
#[derive(Clone, Copy)]
pub(crate) struct U16List {
    /// Where the first value is.
    pub(crate) at: usize,
    /// Number of values.
    pub(crate) len: u32,
    /// Names what the list is for.
    pub(crate) tag: u32,
    /// Most bits that a value may be from `want`.
    pub(crate) limit: u32,
    pub(crate) want: u16,
}

impl U16List {
    /// The values; none where the list would leave the bytes.
    #[inline(always)]
    fn values<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let len = 2 * num::index(self.len);
        bytes.get(self.at..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// Asks for the list's first lines; what is beyond is read in order, which the machine foresees.
    #[inline(always)]
    pub(crate) fn prefetch(&self, bytes: &[u8]) {
        // A list begins anywhere in a line: its last value may stand in one more.
        let last = self.at + (2 * num::index(self.len)).saturating_sub(1);
        let end = last.min(self.at + LINE * LINES_ASKED);
        for at in (self.at..=end).step_by(2 * LINE) {
            // In pairs, the second perhaps in the line of the first: a branch for each line would not
            // be foreseen.
            prefetch(bytes, at);
            prefetch(bytes, (at + LINE).min(last));
        }
    }
}

/// Lists whose lines are asked for while another is compared: some 36 lines where lists are short,
/// and they must not leave the cache again where they are long.
///
/// All at once would be more than a machine keeps in mind: what was asked for beyond that was not on
/// its way when it was needed (a third of the time of a batch over 10 million entries, Zen 3, November
/// 2026).
pub(crate) const LISTS_AHEAD: usize = 24;

/// Calls `found(list, position)` for each value at most `limit` bits from `want` in each of the first
/// `count` lists in `bytes`, in order; the rest of a list is passed over once that gives `false`.
///
/// Takes many lists at once: they are so short that a call for each would cost as much as the
/// comparison. While one is compared, the lines of the one [`LISTS_AHEAD`] further on are asked for,
/// those after the first `count` included; nobody asks for the lines of the first ones.
pub(crate) fn filter_u16(
    isa: Isa,
    bytes: &[u8],
    lists: &[U16List],
    count: usize,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    dispatch!(isa, filter_u16(bytes, lists, count, found));
}

/// Each of the first `count` lists, when those ahead of it are asked for.
#[inline(always)]
fn asking_ahead<'a>(
    bytes: &'a [u8],
    lists: &'a [U16List],
    count: usize,
) -> impl Iterator<Item = &'a U16List> {
    lists.iter().take(count).enumerate().map(move |(index, list)| {
        if let Some(coming) = lists.get(index + LISTS_AHEAD) {
            coming.prefetch(bytes);
        }
        list
    })
}

/// A tile of rows, turned so that the same bits of many rows lie side by side.
pub(crate) struct Planes {
    isa: Isa,
    memory: Vec<u32>,
    start: usize,
    /// Length of the planes.
    len: usize,
    rows: usize,
}

impl Planes {
    /// Room for a tile of rows with so many leading bits (1 to 256), or as many as are [kept](Self::kept).
    pub(crate) fn new(isa: Isa, bits: usize) -> Self {
        let len = Self::kept(isa, bits) / 4 * NIBBLE_PLANE;
        let memory = vec![0; len + PLANES_ALIGN / 4];
        let start = memory.as_ptr().align_offset(PLANES_ALIGN).min(PLANES_ALIGN / 4);
        Self { isa, memory, start, len, rows: 0 }
    }

    /// How many leading bits are compared where so many would do: whole words, or whole nibbles.
    pub(crate) const fn kept(isa: Isa, bits: usize) -> usize {
        match isa.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => bits.next_multiple_of(4),
            _ => bits.next_multiple_of(32),
        }
    }

    /// Rows of a tile.
    pub(crate) const fn tile(isa: Isa) -> usize {
        match isa.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => x86_64::NIBBLE_TILE,
            _ => TILE,
        }
    }

    /// Takes up to [`Planes::tile`] rows, in place of those before.
    pub(crate) fn fill<H: BitHash>(&mut self, rows: &[u8]) {
        let planes = &mut self.memory[self.start..][..self.len];
        self.rows = (rows.len() / H::BYTES).min(Self::tile(self.isa));
        dispatch!(self.isa, turn::<H>(rows, planes));
    }

    /// Calls `found(row)` for each row whose leading bits are at most `radius` from those in
    /// `query`, in order. At 256 bits and radius 255, also for rows 256 bits away.
    ///
    /// # Panics
    /// When `query` has fewer bits than are kept of the rows.
    pub(crate) fn filter(&self, query: &[u32], radius: u32, found: &mut impl FnMut(usize)) {
        let planes = &self.memory[self.start..][..self.len];
        let query = &query[..self.len.div_ceil(TILE)];
        dispatch!(self.isa, filter_planes(planes, query, self.rows, radius, found));
    }
}

/// Asks for the cache line of `bytes[at]`, if there is one; changes nothing but the time.
#[inline(always)]
pub(crate) fn prefetch(bytes: &[u8], at: usize) {
    let Some(byte) = bytes.get(at) else { return };
    #[cfg(target_arch = "x86_64")]
    x86_64::prefetch(byte);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = byte;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};

    /// Seeded bytes whose rows are partly alike, so that every radius has answers.
    fn bytes(len: usize) -> Vec<u8> {
        let sparse = |i: u64| num::spread(i) & num::spread(i + 1) & num::spread(i / 7);
        (0..num::to_u64(len)).map(|i| sparse(i).to_le_bytes()[0]).collect()
    }

    fn scanned<H: BitHash>(isa: Isa, rows: &[u8], query: H, radius: u32) -> Vec<(usize, u32)> {
        let mut found = Vec::new();
        scan(isa, rows, query, radius, &mut |row, distance| found.push((row, distance)));
        found
    }

    fn check_scan<H: BitHash>() {
        for rows in [0, 1, 15, 16, 17, 256, 1000] {
            let column = bytes(rows * H::BYTES);
            let query = H::from_column(&bytes(9 * H::BYTES)[8 * H::BYTES..]);
            for radius in [0, 1, 8, 16, 31, 32, 52, 63, 64, 128, 256, u32::MAX] {
                let expected: Vec<_> = column
                    .chunks_exact(H::BYTES)
                    .map(|row| H::from_column(row).distance(query))
                    .enumerate()
                    .filter(|(_, distance)| *distance <= radius)
                    .collect();
                for isa in Isa::available() {
                    let found = scanned(isa, &column, query, radius);
                    assert_eq!(found, expected, "{} {rows} rows, radius {radius}", isa.name());
                    // All rows, and some that there are not.
                    let (some, mut found) =
                        ((0..num::row(rows) + 9).collect::<Vec<_>>(), Vec::new());
                    scan_some(isa, &column, &some, query, radius, &mut |row, distance| {
                        found.push((num::index(row), distance));
                    });
                    assert_eq!(found, expected, "{} {rows} numbers, radius {radius}", isa.name());
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_scans_like_the_plain_loop() {
        check_scan::<Hash64>();
        check_scan::<Hash256>();
    }

    #[test]
    fn every_instruction_set_filters_short_values_alike() {
        let want = 0x0104u16;
        for len in (0..70).chain([127, 128, 129, 1000]) {
            let values = bytes(2 * len);
            for limit in [0, 1, 2, 3, 4, 8, 15, 16, 40] {
                let expected: Vec<_> = (0..len)
                    .filter(|i| {
                        let value = num::read_u16(&values, 2 * i).unwrap();
                        (value ^ want).count_ones() <= limit
                    })
                    .collect();
                // Around the list are values that are looked for, and that it does not have.
                let anywhere = if len <= 40 { 0..66 } else { 0..2 };
                for at in anywhere.chain([66, 94, 127, 190]) {
                    let mut section = want.to_le_bytes().repeat(len + 200);
                    section[at..at + 2 * len].copy_from_slice(&values);
                    let list = U16List { at, len: num::row(len), tag: 7, limit, want };
                    let (outside, not_yet) = (U16List { at: section.len(), ..list }, list);
                    for isa in Isa::available() {
                        let mut found = Vec::new();
                        let lists = [outside, list, not_yet];
                        filter_u16(isa, &section, &lists, 2, &mut |list, position| {
                            assert_eq!((list.tag, list.at), (7, at));
                            found.push(position);
                            true
                        });
                        let name = isa.name();
                        assert!(found == expected, "{name} {len} values at {at}, limit {limit}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_list_that_is_refused_takes_no_other_with_it() {
        // More pairs of lines than are reported at once, and the bytes around the lists.
        let values = vec![0; 2 * 2000 + 256];
        let lists: Vec<_> = (0..100)
            .map(|tag| U16List {
                at: 128 + 2 * num::index(tag),
                len: 19 * tag,
                tag,
                limit: 0,
                want: 0,
            })
            .collect();
        let most = |tag: u32| if tag.is_multiple_of(3) { tag.min(1) } else { 19 * tag };
        for isa in Isa::available() {
            let mut found = vec![0; lists.len()];
            filter_u16(isa, &values, &lists, lists.len(), &mut |list, _| {
                found[num::index(list.tag)] += 1;
                !list.tag.is_multiple_of(3)
            });
            assert_eq!(found, (0..100).map(most).collect::<Vec<_>>(), "{}", isa.name());
        }
    }

    #[test]
    fn every_instruction_set_filters_planes_alike() {
        for isa in Isa::available() {
            for rows in [0, 1, 31, 63, 64, 65, 999, Planes::tile(isa)] {
                let column = bytes(rows * Hash256::BYTES);
                let query = Hash256::from_column(&bytes(9 * Hash256::BYTES)[8 * Hash256::BYTES..]);
                let mut words = [0; 8];
                for (pair, word) in words.chunks_exact_mut(2).zip(query.words()) {
                    pair.copy_from_slice(&[num::low_u32(word), num::low_u32(word >> 32)]);
                }
                for bits in (4..=72).step_by(4).chain([92, 96, 100, 160, 244, 252, 256]) {
                    let kept = Planes::kept(isa, bits);
                    assert!(kept >= bits && kept < bits + 32);
                    let mut planes = Planes::new(isa, bits);
                    // What a tile held before must not show.
                    planes.fill::<Hash256>(&vec![0xff; Planes::tile(isa) * Hash256::BYTES]);
                    planes.fill::<Hash256>(&column);
                    for radius in [0, 4, 8, 31, 45, 64, 254, 256, u32::MAX] {
                        let distance = |row: &[u8]| -> u32 {
                            let nibble = |at: usize| {
                                let word = num::read_u32(row, at / 8 * 4).unwrap() ^ words[at / 8];
                                word >> (4 * (at % 8)) & 15
                            };
                            (0..kept / 4).map(|at| nibble(at).count_ones()).sum()
                        };
                        let rows = column.chunks_exact(Hash256::BYTES).enumerate();
                        let near = rows.filter(|(_, row)| distance(row) <= radius);
                        let expected: Vec<_> = near.map(|(row, _)| row).collect();
                        let mut found = Vec::new();
                        planes.filter(&words, radius, &mut |row| found.push(row));
                        assert_eq!(found, expected, "{} {bits} {radius}", isa.name());
                    }
                }
            }
        }
    }
}
