//! How far a search goes: the sets of variants that a user may ask for, and the steps they are made of.
//!
//! Owns their names and order; what a step gives is [`super::search`]'s.

use std::fmt;
use std::str::FromStr;

use super::search::{FULLY_TURNED, LAST_TILTS, SEEN_TILTS, TILTS};
use super::{collage, cover, frame};

/// How far a search goes for a picture without a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
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
#[non_exhaustive]
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
            Self::Tilted => TILTS,
            Self::Cropped => 32,
            Self::CroppedGrid => 255,
            Self::Combined => SEEN_TILTS + 3 * 64 + TILTS + 32 + 2 * 255 + LAST_TILTS,
            Self::DeepCropped => 256,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
