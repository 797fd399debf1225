//! PDQ's downscaling to 64 × 64, many rows at a time and bit for bit the reference's.
//!
//! The reference filters the whole picture four times: along rows, along columns, along rows,
//! along columns, with running sums, and then keeps 64 × 64 values. Rows do not depend on each
//! other in a row pass, nor columns in a column pass, so 16 of them run side by side without
//! touching the order of any sum. All four passes are one sweep over blocks of 16 rows and tiles
//! of 16 columns:
//!
//! ```text
//! pixels → luma → transpose → 1: 16 rows along x → transpose → 2: 16 columns along y
//!        → transpose → 3: 16 rows along x, 64 columns kept → 4: 64 columns along y, 64 rows kept
//! ```
//!
//! Nothing of the picture's size exists: pass 2 keeps the last `window + 16` rows, pass 4 those of
//! 64 columns, passes 1 and 3 a stretch of their 16 rows. What lies outside the picture is zero in
//! these buffers: adding or subtracting it changes no sum, so the edges need no code of their own
//! but the count they divide by. The plain transcription is in `reference`, and tests hold the two
//! together.

use super::axis::{Axis, Divisors, SIDE, running, to_f32};
use super::sample::Source;
use crate::arch::lanes::{LANES, Lanes, Level, Simd, Tile, Work};
use crate::hash::dct::Luma64;

/// Shortest stretch of columns converted to luma at once: 1024 columns of 16 rows are 64 KiB, which
/// with the input of passes 1 and 3 stay in a second-level cache. Against 256, which would stay in
/// the first level, that saved 2 to 7 % at every size: fewer starts, longer runs of each row.
const MIN_STRETCH: usize = 1024;

/// Pixels from which on prefetching pays: at 1 megapixel it cost 5 %, at 2 it won 5 % (measured on
/// Zen 4, whose second-level cache holds 1 MiB).
const MIN_PREFETCHED: usize = 1_500_000;

/// The scratch memory of the sweep: grown to the largest picture seen, never shrunk.
#[derive(Debug, Default)]
pub(super) struct Downscaler {
    level: Level,
    /// Luma of 16 rows, row-major, a stretch wide.
    luma: Vec<f32>,
    /// Input of pass 1: a stretch of columns of 16 rows, and what the window needs before it.
    first: Vec<Lanes>,
    /// Output of pass 2, likewise.
    third: Vec<Lanes>,
    /// Output of pass 1: for each tile the last rows, 16 columns wide, as a ring.
    history: Vec<Lanes>,
    /// Running sums of pass 2, a tile each.
    sums: Vec<Lanes>,
    /// Output of pass 3: the last rows of 64 columns, as a ring.
    rows: Vec<[f32; SIDE]>,
}

impl Downscaler {
    /// A downscaler that uses `level`.
    pub(super) fn with_level(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    /// Writes the 64 × 64 block of a picture whose sides are at least 5, row-major.
    ///
    /// A 64 × 64 picture passes unfiltered, as it does in the reference.
    pub(super) fn run(&mut self, source: &Source<'_>, out: &mut Luma64) {
        let level = self.level;
        level.run(Sweep::new(self, source, out));
    }
}

/// One picture on its way through the four passes.
struct Sweep<'a> {
    scratch: &'a mut Downscaler,
    source: &'a Source<'a>,
    out: &'a mut Luma64,
    x: Axis,
    y: Axis,
    plan: Plan,
}

/// Sizes of the buffers, in columns or rows: multiples of 16, `blocks` aside.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Width, rounded up.
    columns: usize,
    /// Columns converted at once.
    stretch: usize,
    /// Columns kept before a stretch: the window.
    before: usize,
    /// Columns converted beyond a stretch: what the window reaches ahead.
    beyond: usize,
    /// Blocks of 16 rows, the steps after the last row included.
    blocks: usize,
    /// Rows in the ring of pass 2.
    ring: usize,
}

impl Plan {
    fn new(x: Axis, y: Axis) -> Self {
        let columns = x.len.next_multiple_of(LANES);
        let before = x.window.next_multiple_of(LANES);
        let blocks = (y.len + y.ahead).div_ceil(LANES);
        Self {
            columns,
            // Twice the window at least, so that moving the window along stays cheap.
            stretch: columns.min(MIN_STRETCH.max(2 * before)),
            before,
            beyond: x.ahead.next_multiple_of(LANES),
            blocks,
            ring: y.window.next_multiple_of(LANES) + LANES,
        }
    }

    /// Where the ring of the tile at column `x` starts. A picture of one block needs no earlier
    /// rows, so that all its tiles share one ring: a picture of 5 rows may be millions wide.
    #[inline(always)]
    const fn ring_start(&self, x: usize) -> usize {
        if self.blocks == 1 { 0 } else { x / LANES * self.ring }
    }
}

impl<'a> Sweep<'a> {
    fn new(scratch: &'a mut Downscaler, source: &'a Source<'a>, out: &'a mut Luma64) -> Self {
        let (x, y) = (Axis::new(source.width()), Axis::new(source.height()));
        let plan = Plan::new(x, y);
        scratch.reset(&plan, y);
        Self { scratch, source, out, x, y, plan }
    }
}

impl Downscaler {
    /// Zeroes what stands for the surroundings of the picture.
    fn reset(&mut self, plan: &Plan, y: Axis) {
        let width = plan.stretch + plan.beyond;
        zeroed(&mut self.luma, LANES * (width + LANES), 0.0);
        zeroed(&mut self.first, plan.before + width, Lanes::ZERO);
        zeroed(&mut self.third, plan.before + plan.stretch, Lanes::ZERO);
        let last_tile = plan.ring_start(plan.columns - LANES);
        zeroed(&mut self.history, last_tile + plan.ring, Lanes::ZERO);
        zeroed(&mut self.sums, plan.columns / LANES, Lanes::ZERO);
        zeroed(&mut self.rows, y.window + 1, [0.0; SIDE]);
    }
}

/// Makes `buffer` hold `len` times `zero`; allocates only beyond what it once held.
fn zeroed<T: Clone>(buffer: &mut Vec<T>, len: usize, zero: T) {
    buffer.clear();
    buffer.resize(len, zero);
}

impl Work for Sweep<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        if (self.x.len, self.y.len) == (SIDE, SIDE) {
            for (y, row) in self.out.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                self.source.luma(simd, y, 0, row);
            }
            return;
        }
        let mut rows = Columns64::new(self.y);
        for block in 0..self.plan.blocks {
            let kept = self.block(simd, block * LANES);
            rows.block(simd, &kept, block * LANES, &mut self.scratch.rows, self.out);
        }
        rows.finish(&self.scratch.rows, self.out);
    }
}

impl Sweep<'_> {
    /// Passes 1 to 3 over the 16 rows from `y` on: what pass 3 keeps, 64 columns of 16 rows.
    #[inline(always)]
    fn block<S: Simd>(&mut self, simd: S, y: usize) -> [Lanes; SIDE] {
        self.scratch.first[..self.plan.before].fill(Lanes::ZERO);
        self.scratch.third[..self.plan.before].fill(Lanes::ZERO);
        let vertical = Vertical::new(self.y, &self.plan, y);
        let mut first = Lanes::ZERO;
        let mut third = Rows64::new(self.x);
        for x in (0..self.plan.columns).step_by(self.plan.stretch) {
            self.advance(simd, x, y);
            if x == 0 {
                let primed = &self.scratch.first[self.plan.before..][..self.x.ahead];
                first = primed.iter().fold(first, |sum, value| sum.plus(value));
            }
            let width = self.plan.stretch.min(self.plan.columns - x);
            for at in (0..width).step_by(LANES) {
                self.prefetch(x + at, y);
                let filtered = self.first_pass(&mut first, x, at);
                let filtered = self.second_pass(simd, &vertical, x + at, &filtered);
                let place = self.plan.before + at;
                simd.transpose(&filtered, tile_mut(&mut self.scratch.third, place));
                third.tile(&self.scratch.third, place, x + at);
            }
            if x + self.plan.stretch >= self.plan.columns {
                third.finish(&self.scratch.third, self.plan.before + width, x + width);
            }
        }
        third.kept
    }

    /// Makes the stretch from column `x` on, of the rows from `y` on, the input of pass 1.
    #[inline(always)]
    fn advance<S: Simd>(&mut self, simd: S, x: usize, y: usize) {
        let Plan { stretch, before, beyond, columns, .. } = self.plan;
        let width = stretch.min(columns - x);
        if x == 0 {
            self.load(simd, 0, y, before, width + beyond);
        } else {
            self.scratch.first.copy_within(stretch.., 0);
            self.scratch.third.copy_within(stretch.., 0);
            self.load(simd, x + beyond, y, before + beyond, width);
        }
    }

    /// Luma of `width` columns from (`x`, `y`) on, 16 rows side by side, to `place` of pass 1's
    /// input; zero outside the picture.
    #[inline(always)]
    fn load<S: Simd>(&mut self, simd: S, x: usize, y: usize, place: usize, width: usize) {
        // A pitch that is no power of two spreads the 16 rows over the cache's sets.
        let pitch = self.plan.stretch + self.plan.beyond + LANES;
        let inside = self.x.len.saturating_sub(x).min(width);
        for (row, line) in self.scratch.luma.chunks_exact_mut(pitch).enumerate() {
            let inside = if y + row < self.y.len { inside } else { 0 };
            if inside > 0 {
                self.source.luma(simd, y + row, x, &mut line[..inside]);
            }
            line[inside..width].fill(0.0);
        }
        for at in (0..width).step_by(LANES) {
            let mut tile = [Lanes::ZERO; LANES];
            for (row, line) in tile.iter_mut().zip(self.scratch.luma.chunks_exact(pitch)) {
                row.0.copy_from_slice(&line[at..at + LANES]);
            }
            simd.transpose(&tile, tile_mut(&mut self.scratch.first, place + at));
        }
    }

    /// Asks for the pixels of a tile that is loaded with the stretch after the one of (`x`, `y`):
    /// 16 rows are more than the machine foresees by itself.
    #[inline(always)]
    fn prefetch(&self, x: usize, y: usize) {
        if self.x.len * self.y.len < MIN_PREFETCHED {
            return;
        }
        let next = x + self.plan.stretch + self.plan.beyond;
        let (x, y) = if next < self.x.len { (next, y) } else { (next - self.x.len, y + LANES) };
        self.source.prefetch(y, x);
    }

    /// Pass 1, along the rows: 16 columns, `at` columns into the stretch that starts at `x`.
    #[inline(always)]
    fn first_pass(&mut self, sum: &mut Lanes, x: usize, at: usize) -> Tile {
        let enters = self.plan.before + at + self.x.ahead;
        let entering = tile(&self.scratch.first, enters);
        let leaving = tile(&self.scratch.first, enters - self.x.window);
        let divisors = self.x.divisors(x + at + self.x.ahead);
        let mut out = divisors.averages(sum, entering, |step| &leaving[step]);
        // Right of the picture there is nothing, whatever the running sum says.
        if x + at + LANES > self.x.len {
            out[self.x.len - (x + at)..].fill(Lanes::ZERO);
        }
        out
    }

    /// Pass 2, along the columns: 16 rows of the tile at column `x`, from pass 1's columns.
    #[inline(always)]
    fn second_pass<S: Simd>(
        &mut self,
        simd: S,
        vertical: &Vertical,
        x: usize,
        columns: &Tile,
    ) -> Tile {
        let ring = &mut self.scratch.history[self.plan.ring_start(x)..][..self.plan.ring];
        simd.transpose(columns, tile_mut(ring, vertical.slot));
        let ring = &*ring;
        let leaving = |step: usize| &ring[vertical.leaving[step]];
        let mut sum = self.scratch.sums[x / LANES];
        let out = vertical.divisors.averages(&mut sum, tile(ring, vertical.slot), leaving);
        self.scratch.sums[x / LANES] = sum;
        out
    }
}

/// What pass 2 does in a block of 16 rows, the same for every tile.
struct Vertical {
    /// Where the block's rows stand in the ring.
    slot: usize,
    /// Where the rows stand that leave the window, step by step.
    leaving: [usize; LANES],
    divisors: Divisors,
}

impl Vertical {
    fn new(axis: Axis, plan: &Plan, y: usize) -> Self {
        let ring = plan.ring;
        Self {
            slot: y % ring,
            leaving: std::array::from_fn(|step| (y + step + ring - axis.window) % ring),
            divisors: axis.divisors(y),
        }
    }
}

/// Pass 3: 16 rows along x, of which 64 columns are kept.
struct Rows64 {
    axis: Axis,
    stops: [usize; SIDE],
    next: usize,
    sum: Lanes,
    kept: [Lanes; SIDE],
}

impl Rows64 {
    #[inline(always)]
    fn new(axis: Axis) -> Self {
        Self { axis, stops: axis.stops(), next: 0, sum: Lanes::ZERO, kept: [Lanes::ZERO; SIDE] }
    }

    /// The 16 columns from `x` on, which stand at `place` of `input`.
    #[inline(always)]
    fn tile(&mut self, input: &[Lanes], place: usize, x: usize) {
        let leaving = tile(input, place - self.axis.window);
        if self.next == SIDE || self.stops[self.next] >= x + LANES {
            // Most tiles of a large picture: nothing is kept.
            for (enters, leaves) in tile(input, place).iter().zip(leaving) {
                self.sum = self.sum.plus(enters).minus(leaves);
            }
            return;
        }
        let sums = running(&mut self.sum, tile(input, place), |step| &leaving[step], |sum, _| sum);
        while self.next < SIDE && self.stops[self.next] < x + LANES {
            self.keep(&sums[self.stops[self.next] - x]);
        }
    }

    /// The steps after the last column `x`, whose window only shrinks.
    #[inline(always)]
    fn finish(&mut self, input: &[Lanes], place: usize, x: usize) {
        let mut step = x;
        while self.next < SIDE {
            while step <= self.stops[self.next] {
                self.sum = self.sum.minus(&input[place + step - x - self.axis.window]);
                step += 1;
            }
            let sum = self.sum;
            self.keep(&sum);
        }
    }

    /// Writes the next column from the running sum at its stop.
    #[inline(always)]
    fn keep(&mut self, sum: &Lanes) {
        let count = self.axis.count(self.stops[self.next]);
        self.kept[self.next] = sum.over(to_f32(count));
        self.next += 1;
    }
}

/// Pass 4: 64 columns along y, of which 64 rows are kept.
struct Columns64 {
    axis: Axis,
    stops: [usize; SIDE],
    next: usize,
    sum: [f32; SIDE],
}

impl Columns64 {
    fn new(axis: Axis) -> Self {
        Self { axis, stops: axis.stops(), next: 0, sum: [0.0; SIDE] }
    }

    /// The 16 steps of pass 2 from step `y` on; rows outside the picture are left out.
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        kept: &[Lanes; SIDE],
        y: usize,
        ring: &mut [[f32; SIDE]],
        out: &mut Luma64,
    ) {
        let mut rows = [[0.0; SIDE]; LANES];
        for (group, columns) in kept.as_chunks::<LANES>().0.iter().enumerate() {
            let mut parts = [Lanes::ZERO; LANES];
            simd.transpose(columns, &mut parts);
            for (row, part) in rows.iter_mut().zip(&parts) {
                row[group * LANES..(group + 1) * LANES].copy_from_slice(&part.0);
            }
        }
        for (step, row) in rows.iter().enumerate() {
            let Some(y) = (y + step).checked_sub(self.axis.ahead) else { continue };
            if y < self.axis.len {
                add(&mut self.sum, row);
                self.shrink(y, ring, out);
                ring[y % ring.len()] = *row;
            }
        }
    }

    /// The steps after the last row.
    #[inline(always)]
    fn finish(&mut self, ring: &[[f32; SIDE]], out: &mut Luma64) {
        for y in self.axis.len..self.axis.len + self.axis.ahead {
            self.shrink(y, ring, out);
        }
    }

    /// Takes the row that leaves at step `y` away and writes the rows that are complete.
    #[inline(always)]
    fn shrink(&mut self, y: usize, ring: &[[f32; SIDE]], out: &mut Luma64) {
        // The ring holds one row more than the window, so the row that leaves is the next one.
        for (sum, value) in self.sum.iter_mut().zip(&ring[(y + 1) % ring.len()]) {
            *sum -= value;
        }
        while self.next < SIDE && self.stops[self.next] == y {
            let count = to_f32(self.axis.count(y));
            let line = &mut out[self.next * SIDE..][..SIDE];
            for (value, sum) in line.iter_mut().zip(&self.sum) {
                *value = sum / count;
            }
            self.next += 1;
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32; SIDE], row: &[f32; SIDE]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// 16 columns (or rows) of a buffer.
#[inline(always)]
fn tile(buffer: &[Lanes], at: usize) -> &Tile {
    buffer[at..at + LANES].first_chunk().expect("the slice has 16 elements")
}

/// 16 columns (or rows) of a buffer, to be written.
#[inline(always)]
fn tile_mut(buffer: &mut [Lanes], at: usize) -> &mut Tile {
    buffer[at..at + LANES].first_chunk_mut().expect("the slice has 16 elements")
}
