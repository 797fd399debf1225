//! Variants of a query: what to look up besides the picture itself, cheapest first.
//!
//! A framed, cropped, tilted or collaged copy has another PDQ hash than its original. The modules
//! below undo such changes on a small luma plane: each guess costs microseconds, so that ordinary
//! lists of PDQ hashes find such copies. Owns the order of the steps and the names of what was
//! undone; the eight dihedral forms of the exact hash are [`crate::hash`]'s, the look-ups the
//! matcher's.

mod collage;
mod cover;
mod crop;
mod frame;
mod lines;
mod plane;
mod rotate;
mod stored;
mod window;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::bits::Hash256;
use crate::hash::pdq::bits;
use crate::hash::{Dihedral, dct::Dct16};
use collage::Place;
use cover::Cover;
use window::{WholePlanes, Windows, real, window_quality};

pub use plane::VariantPlane;
pub(crate) use stored::MEETING_MOST;
pub use stored::{StoredWindow, stored_windows};
pub use window::Rect;

/// How far a search goes for a picture without a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum VariantSet {
    /// The picture itself alone.
    None,
    /// Also its dihedral forms.
    Turned,
    /// Also what may be a picture in a frame.
    #[default]
    Framed,
    /// Also tiles of collages, tilted, cropped and combined copies.
    All,
}

impl VariantSet {
    /// All sets, smallest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Turned, Self::Framed, Self::All];

    /// The name in flags and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Turned => "turned",
            Self::Framed => "framed",
            Self::All => "all",
        }
    }

    /// The steps after the exact hash and its dihedral forms, in order.
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::None | Self::Turned => &[],
            Self::Framed => &[Step::Framed],
            Self::All => &Step::ALL,
        }
    }
}

impl fmt::Display for VariantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for VariantSet {
    type Err = UnknownVariantSet;

    fn from_str(name: &str) -> Result<Self, UnknownVariantSet> {
        let known = Self::ALL.into_iter().find(|set| set.name() == name);
        known.ok_or_else(|| UnknownVariantSet(name.to_owned()))
    }
}

/// A name that is no set of variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariantSet(String);

impl fmt::Display for UnknownVariantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.escape_default();
        write!(f, "unknown variants '{name}', expected none, turned, framed or all")
    }
}

impl std::error::Error for UnknownVariantSet {}

/// A batch of variants to look up together, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Inner rectangles, upright and mirrored, the likeliest also turned.
    Framed,
    /// Tiles of collages.
    Tiled,
    /// Letters, logos and stickers painted over.
    Uncovered,
    /// Turned back by up to 6°.
    Tilted,
    /// Even, one-sided and two-sided crops.
    Cropped,
    /// Every crop of a grid up to 9 % a side.
    CroppedGrid,
    /// Crops and tilts within a frame, mirrored too.
    Combined,
    /// Every crop of a coarser grid up to 20 % a side.
    DeepCropped,
}

impl Step {
    /// All steps, in the order they are taken.
    pub const ALL: [Self; 8] = [
        Self::Framed,
        Self::Tiled,
        Self::Uncovered,
        Self::Tilted,
        Self::Cropped,
        Self::CroppedGrid,
        Self::Combined,
        Self::DeepCropped,
    ];

    /// The name in summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Framed => "framed",
            Self::Tiled => "tiled",
            Self::Uncovered => "uncovered",
            Self::Tilted => "tilted",
            Self::Cropped => "cropped",
            Self::CroppedGrid => "cropped-grid",
            Self::Combined => "combined",
            Self::DeepCropped => "deep-cropped",
        }
    }
}

impl Step {
    /// Most variants that the step gives for one picture: what a budget of look-ups counts with.
    pub const fn most(self) -> usize {
        match self {
            Self::Framed => 8 * FULLY_TURNED + 2 * (frame::MOST - FULLY_TURNED),
            Self::Tiled => collage::MOST,
            Self::Uncovered => 2 * cover::MOST_COVERS,
            Self::Tilted => 48,
            Self::Cropped => 32,
            Self::CroppedGrid => 255,
            Self::Combined => 3 * 64 + 48 + 32 + 2 * 255,
            Self::DeepCropped => 256,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What was undone to get a variant. Its text stands in records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VariantKind {
    tile: Option<Place>,
    frame: Option<Rect>,
    degrees: i8,
    missing: Option<[f32; 4]>,
    cover: Option<Cover>,
    dihedral: Dihedral,
}

impl VariantKind {
    const PLAIN: Self = Self {
        tile: None,
        frame: None,
        degrees: 0,
        missing: None,
        cover: None,
        dihedral: Dihedral::Original,
    };

    /// The kind of an exact dihedral hash.
    pub const fn turned(dihedral: Dihedral) -> Self {
        Self { dihedral, ..Self::PLAIN }
    }

    /// Whether nothing of the original is guessed: a frame removed, a tile, a dihedral form. Only
    /// then may a match be near; one by a supposed crop or tilt is possible at best.
    pub const fn is_exact_geometry(&self) -> bool {
        self.degrees == 0 && self.missing.is_none() && self.cover.is_none()
    }
}

impl fmt::Display for VariantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(Place::Grid([columns, rows, column, row])) = self.tile {
            parts.push(format!("tile {columns}x{rows}:{column},{row}"));
        } else if let Some(Place::Cut(rect)) = self.tile {
            parts.push(format!("tile {}", percents(sides(&rect))));
        } else if let Some(frame) = self.frame {
            parts.push(format!("frame-removed {}", percents(sides(&frame))));
        }
        parts.extend(self.cover.map(described));
        if self.degrees != 0 {
            parts.push(format!("rotated {}°", self.degrees));
        }
        parts.extend(self.missing.map(|sides| format!("crop-compensated {}", percents(sides))));
        if self.dihedral != Dihedral::Original || parts.is_empty() {
            parts.push(self.dihedral.name().to_owned());
        }
        f.write_str(&parts.join(" + "))
    }
}

/// What was painted over.
fn described(cover: Cover) -> String {
    match cover {
        Cover::Light => "text-removed light".into(),
        Cover::Dark => "text-removed dark".into(),
        Cover::Letters => "text-removed".into(),
        Cover::Patch(patch) => format!("cover-removed {}", percents(sides(&patch))),
        Cover::Patches => "covers-removed".into(),
    }
}

/// What lies beside a rectangle: left, top, right, bottom.
fn sides(rect: &Rect) -> [f32; 4] {
    [rect.left, rect.top, 1.0 - rect.right, 1.0 - rect.bottom]
}

/// Four sides in whole tenths of a percent.
fn percents([left, top, right, bottom]: [f32; 4]) -> String {
    let percent = |share: f32| format!("{:.1}%", (share * 100.0).max(0.0));
    format!(
        "left={} top={} right={} bottom={}",
        percent(left),
        percent(top),
        percent(right),
        percent(bottom)
    )
}

/// A hash to look up in place of the picture's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// What was undone.
    pub kind: VariantKind,
    /// The hash of what remains, within a few bits of PDQ's.
    pub hash: Hash256,
    /// Its quality, estimated on the plane: 0 to 100.
    pub quality: u8,
}

/// The variants of one picture; what a step finds out serves the later ones.
#[derive(Debug)]
pub struct VariantSearch<'a> {
    plane: &'a VariantPlane,
    windows: Windows<'a>,
    sheet: Option<lines::Sheet<'a>>,
    frames: Option<Vec<(Rect, u8)>>,
    quality: Option<u8>,
    halved: Option<VariantPlane>,
    /// Most variants that the step being taken may still make.
    limit: usize,
}

/// Rectangles that are looked up in all eight forms; the others upright and mirrored.
const FULLY_TURNED: usize = 3;
/// Frames within which crops and tilts are tried.
const COMBINED_FRAMES: usize = 3;
/// Rungs of [`crop::simple`] that are tried within frames and mirrored before tilts within a frame: the
/// two smallest even ones, then those of one side; and those that are tried after them.
const FIRST_CROPS: [Range<usize>; 3] = [0..1, 1..2, 6..14];
const LAST_CROPS: [Range<usize>; 2] = [2..6, 14..32];
/// Rungs of the grid that are tried within a frame before as many are tried mirrored.
const GRID_CHUNK: usize = 16;

impl<'a> VariantSearch<'a> {
    /// Nothing is computed before the first step.
    pub const fn new(plane: &'a VariantPlane) -> Self {
        Self {
            plane,
            windows: Windows::new(plane),
            sheet: None,
            frames: None,
            quality: None,
            halved: None,
            limit: usize::MAX,
        }
    }

    /// Appends the variants of `step` to `out`, in a fixed order.
    ///
    /// At most [`Step::most`] of them. A picture with a side under 16 pixels has none.
    pub fn step(&mut self, step: Step, out: &mut Vec<Variant>) {
        self.step_within(step, usize::MAX, out);
    }

    /// The first `most` variants of `step`: the later ones of crops and tilts are not even made.
    pub(crate) fn step_within(&mut self, step: Step, most: usize, out: &mut Vec<Variant>) {
        self.limit = out.len().saturating_add(most);
        self.take(step, out);
        out.truncate(self.limit);
    }

    fn take(&mut self, step: Step, out: &mut Vec<Variant>) {
        if self.plane.columns().min(self.plane.rows()) < 16 {
            return;
        }
        match step {
            Step::Framed => self.framed(out),
            Step::Tiled => self.tiled(out),
            Step::Tilted => self.tilted(&VariantKind::PLAIN, &Rect::WHOLE, &UPRIGHT, out),
            Step::Cropped => self.cropped(&crop::simple(), None, &UPRIGHT, out),
            Step::CroppedGrid => self.cropped(&crop::grid(), None, &UPRIGHT, out),
            Step::Combined => self.combined(out),
            Step::Uncovered => self.uncovered(out),
            Step::DeepCropped => self.cropped(&crop::deep(), None, &UPRIGHT, out),
        }
    }

    /// The plane's own hash of the whole picture: a few bits from the exact one. For tests of the
    /// drift.
    #[doc(hidden)]
    pub fn whole(&mut self) -> Hash256 {
        bits(&self.windows.block(&Rect::WHOLE, &Rect::WHOLE))
    }

    fn sheet(&mut self) -> &lines::Sheet<'a> {
        let plane = self.plane;
        self.sheet.get_or_insert_with(|| lines::Sheet::new(plane))
    }

    fn frames(&mut self) -> Vec<(Rect, u8)> {
        if self.frames.is_none() {
            let rects = frame::rectangles(self.sheet());
            let rated = rects.into_iter().map(|rect| (rect, self.rate(&rect))).collect();
            self.frames = Some(rated);
        }
        self.frames.clone().unwrap_or_default()
    }

    fn rate(&self, rect: &Rect) -> u8 {
        window_quality(self.plane, rect, rect)
    }

    fn whole_quality(&mut self) -> u8 {
        let rated = self.quality.unwrap_or_else(|| self.rate(&Rect::WHOLE));
        *self.quality.insert(rated)
    }

    /// Upright ones first, mirrored ones after them, then the other forms of the likeliest.
    fn framed(&mut self, out: &mut Vec<Variant>) {
        let frames = self.frames();
        let mut blocks = Vec::new();
        for (rect, quality) in frames {
            let kind = VariantKind { frame: Some(rect), ..VariantKind::PLAIN };
            blocks.push((kind, self.windows.block(&rect, &rect), quality));
        }
        for form in MIRRORED {
            for (kind, block, quality) in &blocks {
                push(kind, block, *quality, &[form], out);
            }
        }
        for (kind, block, quality) in blocks.iter().take(FULLY_TURNED) {
            let is_left = |form: &Dihedral| !MIRRORED.contains(form);
            let left: Vec<Dihedral> = Dihedral::ALL.into_iter().filter(is_left).collect();
            push(kind, block, *quality, &left, out);
        }
    }

    fn tiled(&mut self, out: &mut Vec<Variant>) {
        let frames: Vec<Rect> = self.frames().into_iter().map(|(rect, _)| rect).collect();
        for (place, rect) in collage::tiles(self.sheet(), &frames) {
            let kind = VariantKind { tile: Some(place), ..VariantKind::PLAIN };
            let quality = self.rate(&rect);
            push(&kind, &self.windows.block(&rect, &rect), quality, &UPRIGHT, out);
        }
    }

    fn tilted(
        &mut self,
        kind: &VariantKind,
        rect: &Rect,
        forms: &[Dihedral],
        out: &mut Vec<Variant>,
    ) {
        let (width, height) = self.plane.source_size();
        let size = (rect.width() * pixels(width), rect.height() * pixels(height));
        let quality = self.rate(rect);
        let whole = WholePlanes::new(rotate::SIDE);
        let source = self.plane;
        let halved = self.halved.get_or_insert_with(|| source.halved());
        for turn in rotate::turns(size.0, size.1) {
            if out.len() >= self.limit {
                return;
            }
            let plane = rotate::turned_back(halved, rect, size, &turn);
            let block = whole.block(&plane);
            push(&VariantKind { degrees: turn.degrees, ..*kind }, &block, quality, forms, out);
        }
    }

    /// Upright ones first: a budget may not reach the mirrored ones.
    fn uncovered(&mut self, out: &mut Vec<Variant>) {
        let hashed = |(cover, plane): &(Cover, VariantPlane)| {
            let kind = VariantKind { cover: Some(*cover), ..VariantKind::PLAIN };
            let quality = window_quality(plane, &Rect::WHOLE, &Rect::WHOLE);
            (kind, Windows::new(plane).block(&Rect::WHOLE, &Rect::WHOLE), quality)
        };
        let blocks: Vec<_> = cover::uncovered(self.plane).iter().map(hashed).collect();
        for form in MIRRORED {
            for (kind, block, quality) in &blocks {
                push(kind, block, *quality, &[form], out);
            }
        }
    }

    fn cropped(
        &mut self,
        ladder: &[crop::Missing],
        frame: Option<(Rect, u8)>,
        forms: &[Dihedral],
        out: &mut Vec<Variant>,
    ) {
        let (bounds, quality) = frame.unwrap_or((Rect::WHOLE, self.whole_quality()));
        for missing in ladder {
            if out.len() >= self.limit {
                return;
            }
            let window = bounds.place(&crop::window(missing));
            let kind = VariantKind {
                frame: frame.map(|(rect, _)| rect),
                missing: Some(*missing),
                ..VariantKind::PLAIN
            };
            push(&kind, &self.windows.block(&window, &bounds), quality, forms, out);
        }
    }

    /// From what finds most to what finds least: small crops within frames and mirrored ones, tilts
    /// within the first frame, the grids, crops of mirrored pictures within frames.
    fn combined(&mut self, out: &mut Vec<Variant>) {
        let mut frames = self.frames();
        frames.truncate(COMBINED_FRAMES);
        let simple = crop::simple();
        for rungs in FIRST_CROPS {
            self.cropped_within(&frames, &simple[rungs], out);
        }
        if let Some(&(rect, _)) = frames.first() {
            let kind = VariantKind { frame: Some(rect), ..VariantKind::PLAIN };
            self.tilted(&kind, &rect, &UPRIGHT, out);
        }
        for rungs in LAST_CROPS {
            self.cropped_within(&frames, &simple[rungs], out);
        }
        let grid = crop::grid();
        for rungs in grid.chunks(GRID_CHUNK) {
            if let Some(&first) = frames.first() {
                self.cropped(rungs, Some(first), &UPRIGHT, out);
            }
            self.cropped(rungs, None, &MIRRORED[1..], out);
        }
        for frame in frames {
            self.cropped(&simple, Some(frame), &MIRRORED[1..], out);
        }
    }

    /// Crops within each of the frames, upright, and of the whole picture, mirrored.
    fn cropped_within(
        &mut self,
        frames: &[(Rect, u8)],
        rungs: &[crop::Missing],
        out: &mut Vec<Variant>,
    ) {
        for frame in frames {
            self.cropped(rungs, Some(*frame), &UPRIGHT, out);
        }
        self.cropped(rungs, None, &MIRRORED[1..], out);
    }
}

const UPRIGHT: [Dihedral; 1] = [Dihedral::Original];
const MIRRORED: [Dihedral; 2] = [Dihedral::Original, Dihedral::FlipY];

/// The hashes of one block in the forms asked for.
fn push(
    kind: &VariantKind,
    block: &Dct16,
    quality: u8,
    forms: &[Dihedral],
    out: &mut Vec<Variant>,
) {
    for &dihedral in forms {
        let hash = bits(&dihedral.apply(block));
        out.push(Variant { kind: VariantKind { dihedral, ..*kind }, hash, quality });
    }
}

/// A side in pixels.
fn pixels(side: u32) -> f32 {
    real(crate::num::index(side))
}
