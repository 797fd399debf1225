//! How the samples of a TIFF lie in its file, where `image` does not take them from its decoder, or takes them wrongly.
//!
//! Samples of other than 8 or 16 bits, and luma and chroma of different resolution, are read as bytes: other values of
//! the tags show the decoder a grey picture of 8 bits whose rows are as many bytes. Channels that are not shown are
//! read like the others, and left out afterwards: the decoder (`tiff` 0.11.3) undoes a predictor across the gaps of
//! those it left out, and writes beyond the last tile of a row.
//!
//! Source: TIFF 6.0, sections 4, 5, 14 (predictor), 16 (CMYK), 18 (extra samples), 19 (sample format) and 21 (YCbCr).

use super::super::overlay::Edits;
use super::edit;
use super::lab::Lab;
use super::piece::{are_planes, channels, dimensions};
use super::tag::compression::JPEG;
use super::tag::photometric::{BLACK_IS_ZERO, CIE_LAB, CMYK, ICC_LAB, RGB, WHITE_IS_ZERO, YCBCR};
use super::tag::{
    BITS_PER_SAMPLE, COMPRESSION, HEIGHT, PHOTOMETRIC, PREDICTOR, ROWS_PER_STRIP, SAMPLE_FORMAT,
    SAMPLES_PER_PIXEL, TILE_LENGTH, TILE_WIDTH, Tiff, WIDTH,
};

pub(super) const EXTRA_SAMPLES: u16 = 338;
pub(super) const SUBSAMPLING: u16 = 530;

const UNSIGNED: u64 = 1;
const FLOAT: u64 = 3;
/// Compressions of rows of single bits, whose decoders count columns.
const FAX: [u64; 3] = [2, 3, 4];
/// Extra samples that are alpha: of colours multiplied by it, and of others.
const ALPHA: [u64; 2] = [1, 2];
/// Channels that are looked at; spot colours and masks are fewer.
const MOST_CHANNELS: u64 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Integers of so many bits without gaps, rows padded to bytes.
    Packed(u8),
    /// The same, which are numbers in a palette.
    Numbers(u8),
    /// Integers of so many bits, 8 or 16, as the decoder gives them.
    Whole(u8),
    /// Floating-point numbers of so many bits.
    Float(u8),
    /// Luma of as many columns and rows with one pair of chroma.
    Units(u8, u8),
}

/// What is shown of the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The first, or an alpha behind it too.
    Grey { has_alpha: bool },
    /// The first three, or an alpha behind them too.
    Rgb { has_alpha: bool },
    /// Four inks.
    Cmyk,
}

/// The layout of one directory's picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) dimensions: (u32, u32),
    pub(crate) form: Form,
    pub(crate) shown: Shown,
    pub(crate) channels: u8,
    /// What the colours are where they are no RGB.
    pub(crate) lab: Option<Lab>,
    /// Whether 0 is white.
    pub(crate) is_inverted: bool,
    /// Whether the decoder must know how many columns there are.
    is_fax: bool,
}

impl Layout {
    /// That of the directory at `start`; `None` for what `image` reads, or nobody.
    pub(crate) fn of(tiff: &Tiff<'_>, start: u64, has_palette: bool) -> Option<Self> {
        let number = |tag| tiff.numbers(start, tag).next();
        let photometric = number(PHOTOMETRIC)?;
        let shown = shown(tiff, start, photometric, has_palette)?;
        let form = form(tiff, start, photometric, has_palette, shown)?;
        let is_bytes = !matches!(form, Form::Whole(_) | Form::Float(_));
        let is_plain = number(PREDICTOR).unwrap_or(1) == 1 && !are_planes(tiff, start);
        let is_fax = number(COMPRESSION).is_some_and(|kind| FAX.contains(&kind));
        if number(COMPRESSION) == Some(JPEG)
            || (is_bytes && !is_plain)
            || (is_fax && form != Form::Numbers(1))
        {
            return None;
        }
        let layout = Self {
            dimensions: dimensions(tiff, start)?,
            form,
            shown,
            channels: u8::try_from(channels(tiff, start)).ok()?,
            lab: match photometric {
                CIE_LAB => Some(Lab::Cie),
                ICC_LAB => Some(Lab::Icc),
                _ => None,
            },
            is_inverted: photometric == WHITE_IS_ZERO,
            is_fax,
        };
        layout.is_aligned(tiff, start).then_some(layout)
    }

    /// Whether each piece but the last holds whole bytes in a row, and whole units.
    fn is_aligned(&self, tiff: &Tiff<'_>, start: u64) -> bool {
        let number = |tag| tiff.numbers(start, tag).next();
        let tile_width = number(TILE_WIDTH);
        match self.form {
            Form::Packed(bits) | Form::Numbers(bits) => {
                let bits = u64::from(bits) * u64::from(self.channels);
                tile_width.is_none_or(|width| width.saturating_mul(bits).is_multiple_of(8))
            }
            Form::Units(across, down) => {
                let [across, down] = [across, down].map(u64::from);
                let height = u64::from(self.dimensions.1);
                let strip = number(ROWS_PER_STRIP).filter(|rows| *rows < height);
                let rows = tile_width.map_or(strip, |_| number(TILE_LENGTH));
                tile_width.is_none_or(|width| width.is_multiple_of(across))
                    && rows.is_none_or(|rows| rows.is_multiple_of(down))
            }
            Form::Whole(_) | Form::Float(_) => true,
        }
    }

    /// Columns and rows of luma with one pair of chroma.
    pub(crate) const fn unit(&self) -> Option<[u8; 2]> {
        match self.form {
            Form::Units(across, down) => Some([across, down]),
            _ => None,
        }
    }

    /// Bytes of so many samples of each row.
    pub(crate) fn row_bytes(&self, width: u64) -> Option<u64> {
        let bits = match self.form {
            Form::Packed(bits) | Form::Numbers(bits) | Form::Whole(bits) | Form::Float(bits) => {
                bits
            }
            Form::Units(across, down) => {
                return width.div_ceil(across.into()).checked_mul(u64::from(across * down + 2));
            }
        };
        let samples = width.checked_mul(self.channels.into())?;
        Some(samples.checked_mul(bits.into())?.div_ceil(8))
    }

    /// Rows of bytes that hold so many of the picture.
    fn rows(&self, height: u64) -> u64 {
        match self.form {
            Form::Units(_, down) => height.div_ceil(down.into()),
            _ => height,
        }
    }

    /// Bytes of so many columns and rows.
    pub(crate) fn bytes(&self, width: u64, height: u64) -> Option<u64> {
        self.row_bytes(width)?.checked_mul(self.rows(height))
    }

    /// Bytes of all samples as the file has them.
    pub(crate) fn all_bytes(&self) -> u64 {
        let (width, height) = self.dimensions;
        self.bytes(width.into(), height.into()).unwrap_or(u64::MAX)
    }

    /// The tags that make the decoder give the samples as they are; `None` where it cannot.
    pub(crate) fn edits(&self, tiff: &Tiff<'_>, start: u64) -> Option<Edits> {
        let number = |tag| tiff.numbers(start, tag).next();
        let mut values = match self.form {
            Form::Float(_) => Vec::new(),
            _ => vec![(PHOTOMETRIC, BLACK_IS_ZERO)],
        };
        if !self.is_fax && !matches!(self.form, Form::Whole(_) | Form::Float(_)) {
            values.extend([(BITS_PER_SAMPLE, 8), (SAMPLES_PER_PIXEL, 1)]);
            for tag in [WIDTH, TILE_WIDTH] {
                values.extend(number(tag).and_then(|width| Some((tag, self.row_bytes(width)?))));
            }
        }
        if let Form::Units(..) = self.form {
            let height = number(HEIGHT)?;
            let rows = |tag| number(tag).map(|rows| (tag, self.rows(rows.min(height))));
            values.extend([HEIGHT, ROWS_PER_STRIP].into_iter().filter_map(rows));
            values.extend(number(TILE_LENGTH).map(|rows| (TILE_LENGTH, self.rows(rows))));
        }
        let mut edits = Edits::new();
        if values.contains(&(SAMPLES_PER_PIXEL, 1)) {
            edits.extend(edit::hidden(tiff, start, EXTRA_SAMPLES));
        }
        for (tag, value) in values {
            if tiff.find(start, tag).is_some() {
                edits.extend(edit::number(tiff, start, tag, value)?);
            }
        }
        Some(edits)
    }
}

/// Whether the colours of the directory's picture are multiplied by the alpha behind them.
pub(super) fn is_multiplied(tiff: &Tiff<'_>, start: u64) -> bool {
    tiff.numbers(start, PHOTOMETRIC).next() == Some(RGB)
        && tiff.numbers(start, EXTRA_SAMPLES).next() == Some(ALPHA[0])
}

/// What is shown of a picture's channels; `None` when that is not known.
fn shown(tiff: &Tiff<'_>, start: u64, photometric: u64, has_palette: bool) -> Option<Shown> {
    let channels = channels(tiff, start);
    if !(1..=MOST_CHANNELS).contains(&channels) {
        return None;
    }
    let first_extra = tiff.numbers(start, EXTRA_SAMPLES).next();
    let extras = tiff.numbers(start, EXTRA_SAMPLES).take(crate::num::usize_or_zero(channels));
    let colours = channels - crate::num::to_u64(extras.count());
    let has_alpha = first_extra.is_some_and(|kind| ALPHA.contains(&kind));
    match (photometric, colours) {
        _ if has_palette => match channels {
            1 => Some(Shown::Grey { has_alpha: false }),
            2 => Some(Shown::Grey { has_alpha }),
            _ => None,
        },
        // Of two channels the second is none of grey, said or not.
        (WHITE_IS_ZERO | BLACK_IS_ZERO, _) if colours == 1 || channels == 2 => {
            Some(Shown::Grey { has_alpha })
        }
        (RGB, 3) => Some(Shown::Rgb { has_alpha }),
        // As `image` has it, too.
        (RGB, 4) => Some(Shown::Rgb { has_alpha: true }),
        // An alpha behind inks is left out, as libtiff has it.
        (CMYK, 4) => Some(Shown::Cmyk),
        (CIE_LAB | ICC_LAB, 3) => Some(Shown::Rgb { has_alpha }),
        (YCBCR, 3) if channels == 3 => Some(Shown::Rgb { has_alpha: false }),
        _ => None,
    }
}

/// How samples lie; `None` for what `image` reads, or nobody.
fn form(
    tiff: &Tiff<'_>,
    start: u64,
    photometric: u64,
    has_palette: bool,
    shown: Shown,
) -> Option<Form> {
    let number = |tag| tiff.numbers(start, tag).next();
    let all_are = |tag, value| tiff.numbers(start, tag).all(|other| other == value);
    let bits = number(BITS_PER_SAMPLE).unwrap_or(1);
    let format = number(SAMPLE_FORMAT).unwrap_or(UNSIGNED);
    if !all_are(BITS_PER_SAMPLE, bits) || !all_are(SAMPLE_FORMAT, format) {
        return None;
    }
    let channels = channels(tiff, start);
    let has_more = channels > shown.samples();
    let is_grey = matches!(shown, Shown::Grey { .. });
    let width = u8::try_from(bits).ok()?;
    match (format, bits) {
        (UNSIGNED, 8) if photometric == YCBCR => {
            let mut factors = tiff.numbers(start, SUBSAMPLING);
            let [across, down] = [factors.next().unwrap_or(2), factors.next().unwrap_or(2)];
            let is_known = |factor: u64| matches!(factor, 1 | 2 | 4);
            (is_known(across) && is_known(down)).then_some(())?;
            Some(Form::Units(u8::try_from(across).ok()?, u8::try_from(down).ok()?))
        }
        _ if photometric == YCBCR => None,
        (UNSIGNED, 1 | 2 | 4) if has_palette => Some(Form::Numbers(width)),
        (UNSIGNED, 8) if has_palette => (channels == 2).then_some(Form::Whole(width)),
        _ if has_palette => None,
        _ if matches!(photometric, CIE_LAB | ICC_LAB) => {
            (format == UNSIGNED && matches!(bits, 8 | 16)).then_some(Form::Whole(width))
        }
        (UNSIGNED, 8 | 16) => (has_more || (is_grey && channels > 1)).then_some(Form::Whole(width)),
        // Grey of one bit is `image`'s.
        (UNSIGNED, 1..=15) => (bits > 1 || channels > 1).then_some(Form::Packed(width)),
        (FLOAT, 16 | 32 | 64) => {
            let is_taken = match shown {
                Shown::Grey { .. } => channels == 1,
                Shown::Rgb { .. } => channels == 3 && bits != 32,
                Shown::Cmyk => false,
            };
            is_taken.then_some(Form::Float(width))
        }
        _ => None,
    }
}

impl Shown {
    /// Channels that are shown.
    pub(crate) const fn samples(self) -> u64 {
        match self {
            Self::Grey { has_alpha } => 1 + has_alpha as u64,
            Self::Rgb { has_alpha } => 3 + has_alpha as u64,
            Self::Cmyk => 4,
        }
    }
}
