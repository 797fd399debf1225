//! The frames of the image sequences in a HEIF or AVIF.
//!
//! They are decoded one after the other. Where that would take too much memory for HEVC, the sync samples alone are
//! decoded, each as the one picture of a file made around it; the others are said to be unseen.

use std::ops::Range;

use super::super::Decoded;
use super::super::codec::Picture;
use super::super::iso::{Pictures, Track, has_sequence, tracks};
use super::{DecodeError, Format, PartKind, Stop, Walk};

/// Gives every distinct frame but the main picture.
pub(super) fn walk(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    if !has_sequence(bytes) {
        return Ok(());
    }
    let Some(tracks) = tracks(bytes) else {
        return Err(unseen(format, "the frames of its image sequence").into());
    };
    let (mut first, mut walked) = (1, Ok(()));
    for track in &tracks {
        match frames(bytes, format, track, first, walk) {
            Err(Stop::Asked) => return Err(Stop::Asked),
            result => walked = walked.and(result),
        }
        first += u32::try_from(track.samples.len()).unwrap_or(u32::MAX - first);
    }
    walked
}

/// Gives the frames of one track, numbered from `first` on.
fn frames(
    bytes: &[u8],
    format: Format,
    track: &Track,
    first: u32,
    walk: &mut Walk<'_>,
) -> Result<(), Stop> {
    match track.coding {
        #[cfg(feature = "avif")]
        Some([b'a', b'v', b'0', b'1']) => av1::walk(bytes, format, track, first, walk)?,
        #[cfg(feature = "heic")]
        Some([b'h', b'v', b'c', b'1'] | [b'h', b'e', b'v', b'1']) => {
            hevc::walk(bytes, format, track, first, walk)?;
        }
        Some(coding) => {
            let what =
                format!("the frames of its image sequence, coded as {}", coding.escape_ascii());
            return Err(unseen(format, what).into());
        }
        None => return Err(unseen(format, "the frames of its image sequence").into()),
    }
    if track.is_whole {
        return Ok(());
    }
    Err(DecodeError::truncated(format)
        .because("its image sequence lists fewer frames than it has")
        .into())
}

/// Place of the main picture: the primary item, which most often is the first frame itself; or, without
/// one, that frame.
fn main(bytes: &[u8], track: &Track) -> Option<Range<usize>> {
    match Pictures::of(bytes) {
        Some(pictures) => pictures.primary_place(bytes),
        None => {
            track.samples.iter().find(|sample| sample.is_sync).map(|sample| sample.place.clone())
        }
    }
}

/// Gives a frame that adds to what was given, and is not the main picture.
fn give_new(
    walk: &mut Walk<'_>,
    kind: PartKind,
    frame: Picture,
    format: Format,
    is_main: bool,
) -> Result<(), Stop> {
    if walk.is_new(&frame) && !is_main {
        walk.give(kind, Ok(Decoded::new(frame, format)))?;
    }
    Ok(())
}

fn unseen(
    format: Format,
    what: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> DecodeError {
    DecodeError::unsupported_feature(format).because(what)
}

#[cfg(feature = "avif")]
mod av1 {
    use super::super::super::avif_frames::AvifFrames;
    use super::super::super::iso::Track;
    use super::super::{Format, PartKind, Stop, Walk};
    use super::{give_new, main, unseen};

    pub(super) fn walk(
        bytes: &[u8],
        format: Format,
        track: &Track,
        first: u32,
        walk: &mut Walk<'_>,
    ) -> Result<(), Stop> {
        let mut frames = AvifFrames::new(bytes, track, walk.limits)?;
        walk.visitor.reserve(frames.memory_bytes());
        let main = main(bytes, track);
        let mut waits_for_sync = false;
        for (number, sample) in (first..).zip(&track.samples) {
            let kind = PartKind::Frame(number);
            if waits_for_sync && !sample.is_sync {
                walk.spend(0)?;
                let why = "predicted from a frame that could not be decoded";
                walk.give(kind, Err(unseen(format, why)))?;
                continue;
            }
            walk.spend(frames.pixels().saturating_mul(frames.cost(sample)))?;
            let pictures = frames.decode(sample);
            waits_for_sync = pictures.is_err();
            let pictures = match pictures {
                Ok(pictures) => pictures,
                Err(error) => {
                    walk.give(kind, Err(error))?;
                    continue;
                }
            };
            let is_main = main.as_ref() == Some(&sample.place);
            for picture in pictures {
                give_new(walk, kind, picture, format, is_main)?;
            }
        }
        Ok(())
    }
}

#[cfg(feature = "heic")]
mod hevc {
    use super::super::super::codec::{Opened, Picture};
    use super::super::super::heif_frame::file_around;
    use super::super::super::hevc_frames::HevcFrames;
    use super::super::super::iso::{Sample, Track};
    use super::super::{DecodeError, Format, PartKind, Stop, Walk};
    use super::{give_new, main, unseen};

    pub(super) fn walk(
        bytes: &[u8],
        format: Format,
        track: &Track,
        first: u32,
        walk: &mut Walk<'_>,
    ) -> Result<(), Stop> {
        let Some(mut frames) = HevcFrames::new(bytes, track, walk.limits)? else {
            return sync_frames(bytes, format, track, first, walk);
        };
        walk.visitor.reserve(frames.memory_bytes());
        let main = main(bytes, track);
        for (number, sample) in (first..).zip(&track.samples) {
            let kind = PartKind::Frame(number);
            walk.spend(frames.pixels())?;
            match frames.decode(sample) {
                Ok(pictures) => {
                    let is_main = main.as_ref() == Some(&sample.place);
                    for picture in pictures {
                        give_new(walk, kind, picture, format, is_main)?;
                    }
                }
                Err(error) => walk.give(kind, Err(error))?,
            }
        }
        Ok(())
    }

    /// Gives the frames that need no other, of a track that would take too much memory.
    fn sync_frames(
        bytes: &[u8],
        format: Format,
        track: &Track,
        first: u32,
        walk: &mut Walk<'_>,
    ) -> Result<(), Stop> {
        let main = main(bytes, track);
        let mut predicted = 0_usize;
        for (number, sample) in (first..).zip(&track.samples) {
            if !sample.is_sync {
                predicted += 1;
                continue;
            }
            let kind = PartKind::Frame(number);
            match decode(bytes, track, sample, walk)? {
                Ok(picture) => {
                    let is_main = main.as_ref() == Some(&sample.place);
                    give_new(walk, kind, picture, format, is_main)?;
                }
                Err(error) => {
                    walk.spend(0)?;
                    walk.give(kind, Err(error))?;
                }
            }
        }
        if predicted == 0 {
            return Ok(());
        }
        let what = format!(
            "{predicted} frames of its image sequence, predicted from more than memory may hold"
        );
        Err(unseen(format, what).into())
    }

    /// The sample as the one picture of a file, or why there is none; a limit ends the walk.
    fn decode(
        bytes: &[u8],
        track: &Track,
        sample: &Sample,
        walk: &mut Walk<'_>,
    ) -> Result<Result<Picture, DecodeError>, Stop> {
        let file = match file_around(bytes, track, sample) {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        walk.beside = crate::num::to_u64(file.len());
        let picture = match Opened::new(&file, Format::Heif, walk.limits) {
            Ok(opened) => {
                walk.spend(opened.pixels())?;
                walk.visitor.reserve(opened.memory_bytes().saturating_add(walk.beside));
                opened.read(&file)
            }
            Err(error) => Err(error),
        };
        walk.beside = 0;
        Ok(picture)
    }
}
