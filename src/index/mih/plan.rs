//! What a search looks for: the balls around a query's band values and how far they reach.
//!
//! Owns the division of a radius among the bands and the order in which the values near another
//! are visited. Why a division is right is shown in [`super`].

use std::sync::LazyLock;

use crate::bits::BitHash;
use crate::index::mih::{BAND_BITS, MAX_BANDS, Mih, Permutation, bands};
use crate::num;

/// All 16-bit numbers by the number of their ones, then by value: differences of band values.
static DIFFERENCES: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut all: Vec<u16> = (0..=u16::MAX).collect();
    all.sort_by_key(|difference| difference.count_ones());
    all
});

/// Numbers of 16 bits with fewer than `n` ones: rows of Pascal's triangle, summed.
const BALL_LENS: [usize; MAX_REACH + 1] = [
    0, 1, 17, 137, 697, 2_517, 6_885, 14_893, 26_333, 39_203, 50_643, 58_651, 63_019, 64_839,
    65_399, 65_519, 65_535, 65_536,
];

/// A reach of 17 is a whole band: the values 0 to 16 away.
const MAX_REACH: usize = BAND_BITS + 1;

/// The values nearer than a reach, grouped by what they change in the upper byte.
pub(super) struct Ball {
    pub(super) groups: Vec<Group>,
}

/// The members of a ball with the same difference in the upper byte.
pub(super) struct Group {
    pub(super) upper: u8,
    /// Distance in the upper byte of each, the difference of the lower bytes in the lower one.
    pub(super) lower: Vec<u16>,
}

impl Ball {
    /// The ball of this reach; each is made when it is first asked for.
    pub(super) fn of(reach: u8) -> &'static Self {
        static BALLS: [LazyLock<Ball>; MAX_REACH + 1] = {
            macro_rules! balls {
                ($($reach:literal)*) => { [$(LazyLock::new(|| Ball::new($reach))),*] };
            }
            balls![0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17]
        };
        &BALLS[usize::from(reach).min(MAX_REACH)]
    }

    fn new(reach: u32) -> Self {
        let lower_of = |upper: u8| {
            let distance = move |lower: u8| upper.count_ones() + lower.count_ones();
            (0..=u8::MAX).filter(move |lower| distance(*lower) < reach).map(move |lower| {
                u16::from(num::small(num::index(distance(lower)))) << 8 | u16::from(lower)
            })
        };
        let groups = (0..=u8::MAX).map(|upper| Group { upper, lower: lower_of(upper).collect() });
        Self { groups: groups.filter(|group| !group.lower.is_empty()).collect() }
    }
}

/// Calls `visit(value, distance)` for each value nearer to `centre` than `reach`, near ones first.
#[inline(always)]
pub(super) fn each_near(centre: u16, reach: u8, mut visit: impl FnMut(u16, u8)) {
    for distance in 0..reach.min(17) {
        let shell = BALL_LENS[usize::from(distance)]..BALL_LENS[usize::from(distance) + 1];
        for difference in &DIFFERENCES[shell] {
            visit(centre ^ difference, distance);
        }
    }
}

/// Values nearer than a reach.
pub(super) fn ball_len(reach: usize) -> usize {
    BALL_LENS[reach.min(MAX_REACH)]
}

/// What a block of queries looks for, band by band.
#[derive(Default)]
pub(super) struct Targets {
    count: usize,
    values: Vec<u16>,
    reach: Vec<u8>,
    /// Size of each query's own bucket.
    own: Vec<u32>,
}

impl Targets {
    /// The band's value of each query.
    #[inline(always)]
    pub(super) fn values(&self, band: usize) -> &[u16] {
        &self.values[band * self.count..][..self.count]
    }

    /// `t_i + 1` of each query: a start must be *less* than this away. Over the bands they sum to
    /// the radius + 1.
    #[inline(always)]
    pub(super) fn reach(&self, band: usize) -> &[u8] {
        &self.reach[band * self.count..][..self.count]
    }

    /// Plans a search of this radius for each query.
    pub(super) fn plan<H: BitHash>(&mut self, mih: &Mih<'_, H>, queries: &[H], radius: u32) {
        self.count = queries.len();
        self.values.resize(bands::<H>() * self.count, 0);
        let permutation = Permutation::of::<H>();
        for (query, hash) in queries.iter().enumerate() {
            let values = permutation.bands(*hash);
            for (band, value) in values.iter().take(bands::<H>()).enumerate() {
                self.values[band * queries.len() + query] = *value;
            }
        }
        self.allot(mih, radius.min(H::BITS));
    }

    /// Divides the radius + 1 among the bands: evenly, what is left over going to the bands whose
    /// own bucket is smallest.
    fn allot<H: BitHash>(&mut self, mih: &Mih<'_, H>, radius: u32) {
        let whole = num::index(radius) + 1;
        let (even, rest) = (num::small(whole / bands::<H>()), whole % bands::<H>());
        self.reach.clear();
        self.reach.resize(self.values.len(), even);
        if rest == 0 {
            return;
        }
        self.measure_own_buckets(mih);
        for query in 0..self.count {
            let mut order = [u64::MAX; MAX_BANDS];
            for (band, key) in order.iter_mut().take(bands::<H>()).enumerate() {
                let own = self.own[band * self.count + query];
                *key = u64::from(own) << 8 | num::to_u64(band);
            }
            order.sort_unstable();
            for key in &order[..rest] {
                self.reach[usize::from(num::low_u16(key & 0xff)) * self.count + query] += 1;
            }
        }
    }

    fn measure_own_buckets<H: BitHash>(&mut self, mih: &Mih<'_, H>) {
        self.own.clear();
        // Of one query, all lines are asked for before the first is waited for.
        for band in (0..bands::<H>()).filter(|_| self.count == 1) {
            mih.band(band).prefetch(self.values[band]);
        }
        for (band, values) in self.values.chunks(self.count.max(1)).enumerate() {
            let band = mih.band(band);
            self.own.extend(values.iter().map(|value| band.bucket(*value).1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ball_holds_the_values_that_are_visited() {
        for reach in [0, 1, 2, 3, 9, 16, 17] {
            let mut visited = Vec::new();
            each_near(0x1234, reach, |value, distance| visited.push((value, distance)));
            let ball = Ball::of(reach).groups.iter().flat_map(|group| {
                let value = |lower: &u16| u16::from_be_bytes([group.upper, lower.to_le_bytes()[0]]);
                group.lower.iter().map(move |lower| (0x1234 ^ value(lower), lower.to_le_bytes()[1]))
            });
            let mut ball: Vec<_> = ball.collect();
            assert_eq!(visited.len(), ball_len(usize::from(reach)));
            assert!(
                visited
                    .iter()
                    .all(|(value, distance)| (0x1234 ^ value).count_ones() == u32::from(*distance))
            );
            visited.sort_unstable();
            ball.sort_unstable();
            assert_eq!(visited, ball);
        }
    }
}
