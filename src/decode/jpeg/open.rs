//! Which decoder takes a JPEG, under the limits.

use std::borrow::Cow;

use image::ImageError;

use super::super::codec::{Opened, Source};
use super::super::codec_error::{convert_error, guard};
use super::super::error::DecodeError;
use super::super::format::Format;
use super::super::limits::{Limit, Limits};
use super::Survey;
use super::rare::RareJpeg;
use super::{head, kind, rare, split};

impl<'a> Opened<'a> {
    /// The same as [`Opened::new`] for a JPEG.
    pub(crate) fn jpeg_file(bytes: &'a [u8], limits: Limits) -> Result<Self, DecodeError> {
        let survey = survey(bytes, &limits)?;
        let split = split_scans(bytes, &survey, &limits)?;
        let (data, survey) = match split {
            Some(split) => {
                let survey = survey_jpeg(&split, &limits)?;
                (Cow::Owned(split), survey)
            }
            None => (Cow::Borrowed(bytes), survey),
        };
        let len = data.len();
        let amended = head::amended(&data, &survey);
        let copied_bytes = amended.as_ref().map_or(0, |copy| crate::num::to_u64(copy.len()));
        let data = amended.map_or(data, Cow::Owned);
        let decoder =
            guard(Format::Jpeg, || open(data, len, &survey, &limits))?.map_err(|error| {
                convert_error(error, bytes, Format::Jpeg, &limits, survey.is_complete)
            })?;
        let mut opened = Self::checked(bytes, decoder, Format::Jpeg, Some(&survey), limits)?;
        opened.memory_bytes = opened.memory_bytes.saturating_add(copied_bytes);
        limits.check(Limit::AllocBytes, opened.memory_bytes)?;
        Ok(opened)
    }
}

/// The structure of a JPEG, checked against the limits before its decoder sees it, of a kind that some decoder takes as
/// it is.
pub(crate) fn survey_jpeg(bytes: &[u8], limits: &Limits) -> Result<Survey, DecodeError> {
    let survey = survey(bytes, limits)?;
    match survey.misread_kind() {
        Some(kind) => Err(refused(kind)),
        None => Ok(survey),
    }
}

fn refused(kind: &'static str) -> DecodeError {
    DecodeError::unsupported_feature(Format::Jpeg).because(kind)
}

fn survey(bytes: &[u8], limits: &Limits) -> Result<Survey, DecodeError> {
    if let Some(kind) = kind::unsupported_kind(bytes) {
        return Err(refused(kind));
    }
    let survey = Survey::of(bytes);
    if let Some(frame) = &survey.frame {
        let pixels = u64::from(frame.width) * u64::from(frame.height);
        limits.check(Limit::Pixels, pixels)?;
        let is_rare = survey.is_rare() || survey.misread_kind().is_some();
        let scans = if is_rare { scan_markers(bytes) * rare::SCAN_COST } else { survey.scans };
        limits.check(Limit::ScanPixels, pixels.saturating_mul(scans))?;
        if is_rare && survey.repeats_components() {
            let why = "more scans than components";
            return Err(DecodeError::malformed(Format::Jpeg).because(why));
        }
        let samples = pixels.saturating_mul(crate::num::to_u64(frame.components()));
        if is_rare && samples > rare::MOST_SAMPLES {
            return Err(refused("of a rare coding, of more than 67 million samples"));
        }
    }
    Ok(survey)
}

/// A copy of the file with a scan for each component, where its scans are such that no decoder takes it.
fn split_scans(
    bytes: &[u8],
    survey: &Survey,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let Some(kind) = survey.misread_kind() else { return Ok(None) };
    let frame = survey.frame.as_ref().filter(|frame| frame.is_sequential_huffman);
    let frame = frame.ok_or_else(|| refused(kind))?;
    limits.check(Limit::AllocBytes, split::memory_bytes(bytes, frame))?;
    match split::split(bytes, frame) {
        Some(split) => Ok(Some(split)),
        None if survey.is_complete => Err(DecodeError::malformed(Format::Jpeg)
            .because("damaged data in a scan of several components")),
        None => Err(DecodeError::truncated(Format::Jpeg)),
    }
}

/// All start-of-scan markers: the survey ends at damage, the decoder of rare kinds goes on.
fn scan_markers(bytes: &[u8]) -> u64 {
    crate::num::to_u64(bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count())
}

/// `data` are those of a file of `file_len` bytes, with a head as decoders take it.
fn open<'a>(
    data: Cow<'a, [u8]>,
    file_len: usize,
    survey: &Survey,
    limits: &Limits,
) -> Result<Source<'a>, ImageError> {
    if let Some(frame) = survey.frame.as_ref().filter(|_| survey.is_rare()) {
        return Ok(Source::Extra(Box::new(RareJpeg::new(data, file_len, survey, frame))));
    }
    #[cfg(feature = "turbojpeg")]
    {
        Ok(Source::Extra(Box::new(super::turbo::TurboJpeg::new(data, limits)?)))
    }
    #[cfg(not(feature = "turbojpeg"))]
    {
        let _ = limits;
        Ok(Source::Jpeg(Box::new(super::zune::ZuneJpeg::new(data, file_len, survey)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(file: &[&[u8]]) -> Option<&'static str> {
        survey_jpeg(&file.concat(), &Limits::default()).map_err(|error| error.reason()).err()
    }

    #[test]
    fn a_rare_kind_of_more_samples_than_its_decoder_takes_is_refused_before_it() {
        let frame = |width: u8| {
            let head = [0xff, 0xd8, 0xff, 0xc1, 0, 11, 12, 0x20, 0, width, 1, 1, 1, 0x11, 0];
            refusal(&[&head, b"\xff\xda\0\x08\x01\x01\0\0\x3f\0data\xff\xd9"])
        };
        assert_eq!([frame(0x1f), frame(0x20)], [None, Some("unsupported feature")]);
    }

    #[test]
    fn scans_of_the_rarer_kinds_cost_more_and_those_of_a_sequential_one_are_counted() {
        let frame = |code: u8| [0xff, 0xd8, 0xff, code, 0, 11, 8, 0x10, 0, 0x10, 0, 1, 1, 0x11, 0];
        let scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0data";
        let scans = |code, count| refusal(&[&frame(code), &scan.repeat(count), b"\xff\xd9"]);
        let (too_many, malformed) = match cfg!(feature = "turbojpeg") {
            true => (None, None),
            false => (Some("too many scans"), Some("malformed")),
        };
        assert_eq!(scans(0xc2, 100), None);
        assert_eq!([scans(0xca, 10), scans(0xca, 20)], [None, too_many]);
        assert_eq!([scans(0xc9, 1), scans(0xc9, 2)], [None, malformed]);
        // The survey ends at the second picture.
        let lost = [scan, &b"\xff\xd8"[..]].concat();
        assert_eq!(refusal(&[&frame(0xca), &lost.repeat(20)]), too_many);
    }
}
