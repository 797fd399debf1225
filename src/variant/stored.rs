//! Windows of known pictures that a list stores, and the windows of a query that meet them.
//!
//! A crop of more than a tenth a side, or a picture with a large sticker, shares too little with
//! the whole original. It shares a window with it, though: the list holds hashes of windows of the
//! original ([`stored_windows`]), the query is looked up window by window too ([`VariantSearch::meeting`]).
//! Nothing is padded on either side, so both hashes are of what is really there. Owns which windows
//! these are; both sides must come from this file to meet.

use super::kind::{VariantKind, percents};
use super::plane::VariantPlane;
use super::search::{MIRRORED, Variant, VariantSearch, push};
use super::window::{Rect, Windows, luma64};
use crate::bits::Hash256;
use crate::hash::pdq::{bits, quality};

/// How far the sides of a stored crop are moved in. A copy cropped by up to 25 % a side still holds
/// one of these windows, and has to lose less than 12.5 % of the original to become it.
const EDGES: [f32; 3] = [0.0, 0.125, 0.25];
/// How far the sides of a query are moved in, of its own size: 625 combinations. 0.14 reaches from
/// 15 to 25 % of the original. Measured on 40 pictures in November 2026: with steps of 4 % and
/// three edges, or 3 % to 12 %, crops of 15 % a side fell from 100 to 15 %.
const INSETS: [f32; 5] = [0.0, 0.035, 0.07, 0.105, 0.14];
/// Depths of the strips along each side: what a sticker leaves. One over 30 % of the area is 0.55
/// of a side long, so one strip of 0.22 at least is free of it.
const STRIPS: [f32; 3] = [0.5, 0.33, 0.22];
/// A window nearer than this to one stored already finds nothing more: the plane alone drifts so
/// far (docs/robustness.md).
const SAME: u32 = 8;
/// Windows flatter than this match strangers and are not stored: PDQ's advice for pictures.
const LEAST_QUALITY: u8 = 50;

/// Most windows of a query that may meet stored ones.
pub(crate) const MEETING_MOST: usize = 1280;

/// A window of a known picture, for a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoredWindow {
    rect: Rect,
    hash: Hash256,
}

impl StoredWindow {
    /// Its PDQ hash, within a few bits.
    pub const fn hash(&self) -> Hash256 {
        self.hash
    }

    /// What was cut off: `left=12.5% top=0.0% right=25.0% bottom=0.0%`.
    pub fn name(&self) -> String {
        percents([self.rect.left, self.rect.top, 1.0 - self.rect.right, 1.0 - self.rect.bottom])
    }
}

/// The windows to store of the picture on `plane`, whose exact hash is `whole`: at most 96.
///
/// Flat windows, and those within a few bits of the picture or of each other, are left out. A
/// picture with a side under 16 pixels has none. Costs some milliseconds.
pub fn stored_windows(plane: &VariantPlane, whole: Hash256) -> Vec<StoredWindow> {
    let mut out: Vec<StoredWindow> = Vec::new();
    if plane.columns().min(plane.rows()) < 16 {
        return out;
    }
    let mut windows = Windows::new(plane);
    for rect in crops(&EDGES).into_iter().chain(parts()) {
        let hash = bits(&windows.block(&rect, &rect));
        let seen = out.iter().map(StoredWindow::hash).chain([whole]);
        let is_new = seen.into_iter().all(|seen| seen.distance(hash) > SAME);
        if is_new && quality(&luma64(plane, &rect, &rect)) >= LEAST_QUALITY {
            out.push(StoredWindow { rect, hash });
        }
    }
    out
}

impl VariantSearch<'_> {
    /// Appends the windows of the query that may meet stored ones: parts first, then crops, upright
    /// and mirrored, [`MEETING_MOST`] at most.
    pub fn meeting(&mut self, out: &mut Vec<Variant>) {
        if self.plane.columns().min(self.plane.rows()) < 16 {
            return;
        }
        for rect in parts() {
            let quality = self.rate(&rect);
            self.window(rect, quality, out);
        }
        // A quality of its own would cost ten times the hash, and 14 % a side change it little.
        let quality = self.whole_quality();
        for rect in crops(&INSETS) {
            self.window(rect, quality, out);
        }
    }

    fn window(&mut self, rect: Rect, quality: u8, out: &mut Vec<Variant>) {
        let kind = VariantKind { frame: Some(rect), ..VariantKind::PLAIN };
        push(&kind, &self.windows.block(&rect, &rect), quality, &MIRRORED, out);
    }
}

/// Every combination of `edges` on the four sides but the whole picture.
fn crops(edges: &[f32]) -> Vec<Rect> {
    let mut out = Vec::new();
    for left in edges {
        for top in edges {
            for right in edges {
                out.extend(edges.iter().map(|bottom| Rect {
                    left: *left,
                    top: *top,
                    right: 1.0 - right,
                    bottom: 1.0 - bottom,
                }));
            }
        }
    }
    out.retain(|rect| *rect != Rect::WHOLE);
    out
}

/// Strips along each side and the four quarters.
fn parts() -> Vec<Rect> {
    let mut out = Vec::new();
    for depth in STRIPS {
        out.push(Rect { right: depth, ..Rect::WHOLE });
        out.push(Rect { left: 1.0 - depth, ..Rect::WHOLE });
        out.push(Rect { bottom: depth, ..Rect::WHOLE });
        out.push(Rect { top: 1.0 - depth, ..Rect::WHOLE });
    }
    for (left, top) in [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)] {
        out.push(Rect { left, top, right: left + 0.5, bottom: top + 0.5 });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{PixelFormat, Pixels};

    /// Blobs of many sizes, not alike anywhere.
    fn plane(width: u32, height: u32) -> VariantPlane {
        let value = |x: u32, y: u32| {
            let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let wave = |a: f64, b: f64, c: f64| ((x * a + y * b + c).sin() + 1.0) * 42.0;
            wave(31.0, 7.0, 0.3) + wave(5.0, 23.0, x * 9.0) + wave(-17.0, 13.0, y * 21.0)
        };
        let bytes: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| format!("{:.0}", value(x, y)).parse().unwrap_or(255))
            .collect();
        VariantPlane::new(&Pixels::new(&bytes, width, height, PixelFormat::Luma8).unwrap())
    }

    #[test]
    fn windows_are_counted() {
        assert_eq!((crops(&EDGES).len(), parts().len(), crops(&INSETS).len()), (80, 16, 624));
        let mut out = Vec::new();
        VariantSearch::new(&plane(300, 200)).meeting(&mut out);
        assert_eq!(out.len(), 1280);
    }

    #[test]
    fn a_part_of_the_query_meets_the_stored_part() {
        let plane = plane(300, 200);
        let stored = stored_windows(&plane, Hash256::from_words([0; 4]));
        assert!(stored.len() > 60 && stored.len() <= 96, "{}", stored.len());
        let mut met = Vec::new();
        VariantSearch::new(&plane).meeting(&mut met);
        let part = stored.iter().find(|window| window.name().starts_with("left=50.0% top=0.0%"));
        let hash = part.expect("the right half is not flat").hash();
        assert!(met.iter().any(|variant| variant.hash == hash));
    }

    #[test]
    fn near_identical_and_flat_windows_are_not_stored() {
        let stored = stored_windows(&plane(300, 200), Hash256::from_words([0; 4]));
        for (at, window) in stored.iter().enumerate() {
            assert!(stored[..at].iter().all(|seen| seen.hash.distance(window.hash) > SAME));
        }
        let grey = vec![99; 100 * 100];
        let flat = VariantPlane::new(&Pixels::new(&grey, 100, 100, PixelFormat::Luma8).unwrap());
        assert_eq!(stored_windows(&flat, Hash256::from_words([0; 4])), []);
    }

    #[test]
    fn a_window_is_named_by_what_was_cut_off() {
        let rect = Rect { left: 0.125, top: 0.0, right: 0.75, bottom: 1.0 };
        let window = StoredWindow { rect, hash: Hash256::from_words([0; 4]) };
        assert_eq!(window.name(), "left=12.5% top=0.0% right=25.0% bottom=0.0%");
    }
}
