//! The steps of a search: from a picture's plane to hashes to look up.
//!
//! Owns the order of what a step gives, likeliest first; where frames, tiles, covers, crops and tilts are
//! supposed is said by the modules beside this one.

use std::ops::Range;

use super::kind::VariantKind;
use super::set::Step;
use super::window::{Rect, WholePlanes, Windows, real, window_quality};
use super::{VariantPlane, collage, cover, crop, frame, lines, rotate, wedge};
use crate::bits::Hash256;
use crate::hash::pdq::bits;
use crate::hash::{Dihedral, dct::Dct16};

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
    pub(super) plane: &'a VariantPlane,
    pub(super) windows: Windows<'a>,
    sheet: Option<lines::Sheet<'a>>,
    frames: Option<Vec<(Rect, u8)>>,
    quality: Option<u8>,
    halved: Option<VariantPlane>,
    /// Most variants that the step being taken may still make.
    limit: usize,
}

/// Rectangles that are looked up in all eight forms; the others upright and mirrored.
pub(super) const FULLY_TURNED: usize = 3;
/// Frames within which crops and tilts are tried.
const COMBINED_FRAMES: usize = 3;
/// Frames beside the first within which every tilt is tried, last of all: the right frame was among the
/// first six for 52 of 60 tilted copies (42 wallpapers, November 2026).
const TILTED_FRAMES: usize = 5;
/// Tilts of a rectangle.
pub(super) const TILTS: usize = 48;
/// As many variants are the tilts within those frames, at the end of [`Step::Combined`].
pub(crate) const LAST_TILTS: usize = TILTED_FRAMES * TILTS;
/// Tilts tried first because blank wedges speak for them.
pub(crate) const SEEN_TILTS: usize = 4;
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

    pub(super) fn rate(&self, rect: &Rect) -> u8 {
        window_quality(self.plane, rect, rect)
    }

    pub(super) fn whole_quality(&mut self) -> u8 {
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
        let size = self.size(rect);
        let quality = self.rate(rect);
        let whole = WholePlanes::new(rotate::SIDE);
        for turn in rotate::turns(size.0, size.1) {
            if out.len() >= self.limit {
                return;
            }
            let block = whole.block(&self.turned_back(rect, &turn));
            push(&VariantKind { degrees: turn.degrees, ..*kind }, &block, quality, forms, out);
        }
    }

    /// Tilts that blank wedges within a frame speak for.
    fn seen_tilts(&mut self, frames: &[(Rect, u8)], out: &mut Vec<Variant>) {
        let rects: Vec<Rect> = frames.iter().map(|(rect, _)| *rect).collect();
        let turns = wedge::seen_turns(self.plane, &rects, SEEN_TILTS);
        let whole = WholePlanes::new(rotate::SIDE);
        for (place, turn) in turns {
            let (rect, quality) = frames[place];
            let kind =
                VariantKind { frame: Some(rect), degrees: turn.degrees, ..VariantKind::PLAIN };
            let block = whole.block(&self.turned_back(&rect, &turn));
            push(&kind, &block, quality, &UPRIGHT, out);
        }
    }

    /// The part `rect` of the picture, turned back.
    fn turned_back(&mut self, rect: &Rect, turn: &rotate::Turn) -> VariantPlane {
        let size = self.size(rect);
        let source = self.plane;
        let halved = self.halved.get_or_insert_with(|| source.halved());
        rotate::turned_back(halved, rect, size, turn)
    }

    /// Width and height of a part of the picture, in pixels.
    fn size(&self, rect: &Rect) -> (f32, f32) {
        let (width, height) = self.plane.source_size();
        (rect.width() * pixels(width), rect.height() * pixels(height))
    }

    /// Upright ones first: a budget may not reach the mirrored ones.
    fn uncovered(&mut self, out: &mut Vec<Variant>) {
        let hashed = |(cover, plane): &(cover::Cover, VariantPlane)| {
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

    /// From what finds most to what finds least: tilts that blank wedges speak for, small crops within
    /// frames and mirrored ones, tilts within the first frame, the grids, crops of mirrored pictures
    /// within frames, tilts within the other frames.
    fn combined(&mut self, out: &mut Vec<Variant>) {
        let mut frames = self.frames();
        let tiltable: Vec<(Rect, u8)> =
            frames.iter().skip(1).take(TILTED_FRAMES).copied().collect();
        self.seen_tilts(&frames, out);
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
        for (rect, _) in tiltable {
            let kind = VariantKind { frame: Some(rect), ..VariantKind::PLAIN };
            self.tilted(&kind, &rect, &UPRIGHT, out);
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
pub(super) const MIRRORED: [Dihedral; 2] = [Dihedral::Original, Dihedral::FlipY];

/// The hashes of one block in the forms asked for.
pub(super) fn push(
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
pub(super) fn pixels(side: u32) -> f32 {
    real(crate::num::index(side))
}
