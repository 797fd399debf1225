//! What was undone to get a variant, and how records name it.

use std::fmt;

use super::collage::Place;
use super::cover::Cover;
use super::window::Rect;
use crate::hash::Dihedral;

/// What was undone to get a variant. Its text stands in records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VariantKind {
    pub(super) tile: Option<Place>,
    pub(super) frame: Option<Rect>,
    pub(super) degrees: i8,
    pub(super) missing: Option<[f32; 4]>,
    pub(super) cover: Option<Cover>,
    pub(super) dihedral: Dihedral,
}

impl VariantKind {
    pub(super) const PLAIN: Self = Self {
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
pub(super) fn percents([left, top, right, bottom]: [f32; 4]) -> String {
    let percent = |share: f32| format!("{:.1}%", (share * 100.0).max(0.0));
    format!(
        "left={} top={} right={} bottom={}",
        percent(left),
        percent(top),
        percent(right),
        percent(bottom)
    )
}
