//! PDQ's downscaling to 64 × 64, many rows at a time and bit for bit the reference's.
//!
//! The reference filters the whole picture four times: along rows, along columns, along rows,
//! along columns, with running sums, and then keeps 64 × 64 values. Rows do not depend on each
//! other in a row pass, nor columns in a column pass, so 16 of them run side by side without
//! touching the order of any sum. All four passes are one sweep over blocks of 16 rows and tiles
//! of 16 columns:
//!
//! ```text
//! pixels → luma, transposed → 1: 16 rows along x → transpose → 2: 16 columns along y
//!        → transpose → 3: 16 rows along x, 64 columns kept → 4: 64 columns along y, 64 rows kept
//! ```
//!
//! A running sum is a chain of additions, each of which waits for the one before. So passes 1, 2 and
//! 3 run abreast: pass 1 over one tile, pass 2 over the tile before it, pass 3 over the one before
//! that, a step of each in turn.
//!
//! Nothing of the picture's size exists: pass 2 keeps the rows of a window, each in the place of the
//! one that left, pass 4 those of 64 columns, passes 1 and 3 the columns of a window. What lies outside
//! the picture is zero in these buffers: adding or subtracting it changes no sum, so the edges need no
//! code of their own but the count they divide by. The plain transcription is in `reference`, and
//! tests hold the two together.

use super::abreast::Abreast;
use super::axis::{Axis, SIDE};
use super::keep::{Columns64, Rows64};
use super::ring::ColumnRing;
use super::sample::Source;
use crate::arch::lanes::{Divisor, LANES, Lanes, Level, Simd, Tile, Work};
use crate::hash::dct::Luma64;

/// Columns by which prefetching is ahead of loading, into the first level: 16 rows are more than the
/// machine foresees by itself. From 512 on a large picture took a fifth longer, without it half as
/// long again (Zen 3, November 2026).
const PREFETCH_AHEAD: usize = 64;

/// The scratch memory of the sweep: grown to the largest picture seen, never shrunk.
#[derive(Debug, Default)]
pub(super) struct Downscaler {
    level: Level,
    /// Input of pass 1: luma of the columns in and around its window.
    first: ColumnRing,
    /// Input of pass 3, likewise. Its columns are counted from [`BEHIND`] columns before the
    /// picture on.
    third: ColumnRing,
    /// Output of pass 1: for each tile the rows in the window of pass 2, 16 columns wide.
    history: Vec<Lanes>,
    /// Running sums of pass 2, a tile each.
    sums: Vec<Lanes>,
    /// Output of pass 3: the last rows of 64 columns, as a ring.
    rows: Vec<[f32; SIDE]>,
}

/// Tiles by which pass 3 is behind pass 1.
const TILES_BEHIND: usize = 2;
/// The same in columns.
const BEHIND: usize = TILES_BEHIND * LANES;

impl Downscaler {
    /// A downscaler that uses `level`.
    pub(super) fn with_level(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    /// The instruction set that it uses.
    pub(super) const fn level(&self) -> Level {
        self.level
    }

    /// Writes the 64 × 64 block of a picture whose sides are at least 5, row-major.
    ///
    /// A 64 × 64 picture passes unfiltered, as it does in the reference.
    pub(super) fn run(&mut self, source: &Source<'_>, out: &mut Luma64) {
        let sweep = Sweep::new(self, source, out);
        let window = sweep.plan.x.window.max(sweep.plan.y.window);
        // Longer windows take the division itself: sides of more than a million pixels.
        let level = if window <= Divisor::MAX { sweep.scratch.level } else { Level::portable() };
        level.run(sweep);
    }

    /// Zeroes what stands for the surroundings of the picture.
    fn reset(&mut self, plan: &Plan) {
        self.first.reset(3 * LANES + plan.x.window);
        self.third.reset(2 * LANES + plan.x.window);
        zeroed(&mut self.history, (plan.tiles + 2) * plan.y.window, Lanes::ZERO);
        zeroed(&mut self.sums, plan.tiles + 2, Lanes::ZERO);
        zeroed(&mut self.rows, plan.y.window + 1, [0.0; SIDE]);
    }
}

/// Makes `buffer` hold `len` times `zero`; allocates only beyond what it once held.
fn zeroed<T: Clone>(buffer: &mut Vec<T>, len: usize, zero: T) {
    buffer.clear();
    buffer.resize(len, zero);
}

/// The geometry of a picture and the sizes of the buffers.
#[derive(Clone, Copy, Debug)]
struct Plan {
    x: Axis,
    y: Axis,
    /// Tiles of 16 columns.
    tiles: usize,
    /// Blocks of 16 rows, the steps after the last row included.
    blocks: usize,
}

impl Plan {
    fn new(width: usize, height: usize) -> Self {
        let (x, y) = (Axis::new(width), Axis::new(height));
        let tiles = x.len.div_ceil(LANES);
        let blocks = (y.len + y.ahead).div_ceil(LANES);
        Self { x, y, tiles, blocks }
    }
}

/// One picture on its way through the four passes.
struct Sweep<'a> {
    scratch: &'a mut Downscaler,
    source: &'a Source<'a>,
    out: &'a mut Luma64,
    plan: Plan,
}

impl<'a> Sweep<'a> {
    fn new(scratch: &'a mut Downscaler, source: &'a Source<'a>, out: &'a mut Luma64) -> Self {
        let plan = Plan::new(source.width(), source.height());
        scratch.reset(&plan);
        Self { scratch, source, out, plan }
    }
}

impl Work for Sweep<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        if (self.plan.x.len, self.plan.y.len) == (SIDE, SIDE) {
            return self.copy(simd);
        }
        let mut third = Rows64::new(self.plan.x);
        let mut rows = Columns64::new(self.plan.y);
        for block in 0..self.plan.blocks {
            self.block(simd, block * LANES, &mut third);
            rows.block(simd, &third.kept, block * LANES, &mut self.scratch.rows, self.out);
        }
        rows.finish(&self.scratch.rows, self.out);
    }
}

impl Sweep<'_> {
    /// The luma itself, of a picture of 64 × 64.
    #[inline(always)]
    fn copy<S: Simd>(&mut self, simd: S) {
        let [mut columns, mut rows] = [[Lanes::ZERO; LANES]; 2];
        for y in (0..SIDE).step_by(LANES) {
            let band = self.source.band(y);
            for x in (0..SIDE).step_by(LANES) {
                band.columns(simd, x, &mut columns);
                simd.transpose(&columns, &mut rows);
                for (row, line) in rows.iter().enumerate() {
                    self.out[(y + row) * SIDE + x..][..LANES].copy_from_slice(&line.0);
                }
            }
        }
    }

    /// Passes 1 to 3 over the 16 rows from `y` on.
    #[inline(always)]
    fn block<S: Simd>(&mut self, simd: S, y: usize, third: &mut Rows64) {
        let (plan, band) = (self.plan, self.source.band(y));
        let vertical = Vertical::new(&plan, y);
        let mut tiles = Tiles::new(self.scratch, plan, &vertical, third);
        // Luma is loaded as far ahead as pass 1 reaches, and one tile more: what was just written
        // takes a while to come back.
        let lead = plan.x.ahead.div_ceil(LANES) + 1;
        for loaded in 0..lead + plan.tiles + TILES_BEHIND {
            if let Some(tile) = loaded.checked_sub(lead) {
                tiles.step(simd, tile);
            }
            let x = loaded * LANES;
            tiles.scratch.first.write(x, |to| band.columns(simd, x, to));
            band.prefetch(x + PREFETCH_AHEAD);
        }
        tiles.finish();
    }
}

/// Passes 1 to 3 on their way along a block.
struct Tiles<'a> {
    scratch: &'a mut Downscaler,
    plan: Plan,
    vertical: &'a Vertical,
    /// Divisor of pass 1 where windows are full.
    divisor: Divisor,
    /// Running sum of pass 1.
    first: Lanes,
    third: &'a mut Rows64,
    /// Averages of passes 1 and 2 and sums of pass 3, of the last step.
    out: [Tile; 3],
    /// Averages of pass 1 as rows, which enter pass 2 in the next step.
    rows: Tile,
}

impl<'a> Tiles<'a> {
    #[inline(always)]
    fn new(
        scratch: &'a mut Downscaler,
        plan: Plan,
        vertical: &'a Vertical,
        third: &'a mut Rows64,
    ) -> Self {
        scratch.first.clear();
        scratch.third.clear();
        third.restart();
        let out = [[Lanes::ZERO; LANES]; 3];
        let (divisor, rows) = (plan.x.divisor(), [Lanes::ZERO; LANES]);
        Self { scratch, plan, vertical, divisor, first: Lanes::ZERO, third, out, rows }
    }

    /// Pass 1 over a tile, pass 2 over the one before it, pass 3 over the one before that.
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, tile: usize) {
        if tile == 0 {
            let primed = (0..self.plan.x.ahead).map(|x| &self.scratch.first.tile(x)[0]);
            self.first = primed.fold(Lanes::ZERO, |sum, value| sum.plus(value));
        }
        let x = tile * LANES;
        let is_kept = tile >= TILES_BEHIND && self.third.stops_before(x + LANES - BEHIND);
        self.sums(simd, tile, is_kept);
        if is_kept {
            self.third.keep(&self.out[2], x - BEHIND);
        }
        simd.transpose(&self.out[0], &mut self.rows);
        // Right of the picture there is nothing, whatever the running sum says.
        if tile + 1 == self.plan.tiles {
            self.rows.iter_mut().for_each(|row| row.0[self.plan.x.len - x..].fill(0.0));
        }
        self.scratch.third.write(x + LANES, |to| simd.transpose(&self.out[1], to));
    }

    #[inline(always)]
    fn sums<S: Simd>(&mut self, simd: S, tile: usize, is_kept: bool) {
        let Self { scratch, plan, vertical, .. } = self;
        // Copies, which stay in registers.
        let (divisor, below) = (self.divisor, vertical.divisor);
        let (x, ahead) = (tile * LANES, tile * LANES + plan.x.ahead);
        let abreast = Abreast {
            first: [scratch.first.tile(ahead), scratch.first.tile_before(ahead, plan.x.window)],
            entering: &self.rows,
            rows: &mut scratch.history[tile * plan.y.window..],
            places: &vertical.places,
            window: plan.y.window,
            third: [scratch.third.tile(x), scratch.third.tile_before(x, plan.x.window)],
            out: &mut self.out,
        };
        let running = [&mut self.first, &mut scratch.sums[tile], &mut self.third.sum];
        let is_inner = plan.x.is_inner(ahead);
        match &vertical.edge {
            None if is_inner && is_kept => {
                abreast.run::<S, true>(simd, running, move |_| divisor, move |_| below);
            }
            None if is_inner => {
                abreast.run::<S, false>(simd, running, move |_| divisor, move |_| below);
            }
            edge => {
                let first = if is_inner { [divisor; LANES] } else { plan.x.divisors(ahead) };
                let second = edge.as_ref().unwrap_or(&vertical.same);
                abreast.run::<S, true>(simd, running, |step| first[step], |step| second[step]);
            }
        }
    }

    /// The steps of pass 3 after the last column.
    #[inline(always)]
    fn finish(&mut self) {
        let Self { scratch, plan, third, .. } = self;
        third.finish(plan.tiles * LANES, |step| {
            &scratch.third.tile_before(step + BEHIND, plan.x.window)[0]
        });
    }
}

/// What pass 2 does in a block of 16 rows, the same for every tile.
struct Vertical {
    /// Where the rows stand in the window, step by step.
    places: [usize; LANES],
    /// Of full windows.
    divisor: Divisor,
    /// The same for each step.
    same: [Divisor; LANES],
    /// Of each step, where not all windows are full.
    edge: Option<[Divisor; LANES]>,
}

impl Vertical {
    fn new(plan: &Plan, y: usize) -> Self {
        let axis = plan.y;
        Self {
            places: std::array::from_fn(|step| (y + step) % axis.window),
            divisor: axis.divisor(),
            same: [axis.divisor(); LANES],
            edge: (!axis.is_inner(y)).then(|| axis.divisors(y)),
        }
    }
}
