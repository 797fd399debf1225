//! The compression function of MD5 (RFC 1321), written for the length of its chain.
//!
//! Every step waits for the one before, so that MD5 takes as long as its longest path: four
//! operations a step in rounds 2 and 3, five in rounds 1 and 4, which is 4.5 cycles a byte. Two things
//! keep it that short. The constants are added to the message's words before the chain needs them, and
//! where the compiler does not see them: it would add them last, an operation more in each step. And
//! round 2 adds the halves of its choice one by one, so that the older half is in the sum before the
//! newer is there.

use std::hint::black_box;

/// What MD5 starts from.
pub(super) const START: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The four words that a block changes.
pub(super) type State = [u32; 4];

/// The absolute sines that each step adds, times 2³².
#[rustfmt::skip]
const SINES: [[u32; 16]; 4] = [
    [
        0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
        0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    ],
    [
        0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
        0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    ],
    [
        0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
        0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    ],
    [
        0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
        0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
    ],
];

/// The word of the message that a step takes: for each round the first one, and how far to the next.
const ORDER: [(usize, usize); 4] = [(0, 1), (1, 5), (5, 3), (0, 7)];

/// The sines in the order of the message's words, not of the steps: one addition of vectors for four
/// of them.
static ADDENDS: [[u32; 16]; 4] = {
    let mut addends = [[0; 16]; 4];
    let mut k = 0;
    while k < 64 {
        let (round, step) = (k / 16, k % 16);
        addends[round][word_of(round, step)] = SINES[round][step];
        k += 1;
    }
    addends
};

const fn word_of(round: usize, step: usize) -> usize {
    (ORDER[round].0 + ORDER[round].1 * step) % 16
}

/// A block's words, the constant of each round added.
#[derive(Clone, Default)]
pub(super) struct Words([[u32; 16]; 4]);

impl Words {
    /// Takes the words of the next block.
    #[inline(always)]
    pub(super) fn set(&mut self, block: &[u8; 64]) {
        let (words, _) = block.as_chunks::<4>();
        for (sums, addends) in self.0.iter_mut().zip(&ADDENDS) {
            for ((sum, word), addend) in sums.iter_mut().zip(words).zip(addends) {
                *sum = u32::from_le_bytes(*word).wrapping_add(*addend);
            }
        }
        // From here on they come from memory.
        black_box(self);
    }
}

/// One of the four rounds, of sixteen steps. The first starts from the state; the caller adds what
/// the last gives to it.
#[inline(always)]
pub(super) fn round<const ROUND: usize>(state: State, words: &Words) -> State {
    match ROUND {
        0 => steps::<0>(state, words, [7, 12, 17, 22], |sum, b, c, d| {
            sum.wrapping_add(((c ^ d) & b) ^ d)
        }),
        1 => steps::<1>(state, words, [5, 9, 14, 20], |sum, b, c, d| {
            sum.wrapping_add(c & !d).wrapping_add(b & d)
        }),
        2 => {
            steps::<2>(state, words, [4, 11, 16, 23], |sum, b, c, d| sum.wrapping_add((c ^ d) ^ b))
        }
        _ => {
            steps::<3>(state, words, [6, 10, 15, 21], |sum, b, c, d| sum.wrapping_add((b | !d) ^ c))
        }
    }
}

#[inline(always)]
fn steps<const ROUND: usize>(
    state: State,
    words: &Words,
    turns: [u32; 4],
    mix: impl Fn(u32, u32, u32, u32) -> u32,
) -> State {
    let [mut a, mut b, mut c, mut d] = state;
    let word = |step| words.0[ROUND][word_of(ROUND, step)];
    for k in (0..16).step_by(4) {
        a = mix(a.wrapping_add(word(k)), b, c, d).rotate_left(turns[0]).wrapping_add(b);
        d = mix(d.wrapping_add(word(k + 1)), a, b, c).rotate_left(turns[1]).wrapping_add(a);
        c = mix(c.wrapping_add(word(k + 2)), d, a, b).rotate_left(turns[2]).wrapping_add(d);
        b = mix(b.wrapping_add(word(k + 3)), c, d, a).rotate_left(turns[3]).wrapping_add(c);
    }
    [a, b, c, d]
}
