//! Failures of decoders: their errors, in the words of `image`, become ours, and so does a panic.

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::ImageError;
use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};

use super::error::DecodeError;
use super::format::Format;
use super::limits::{Limit, Limits};
use super::{gif, png};

/// Runs a decoder; a panic becomes an error and costs one file.
pub(crate) fn guard<T>(format: Format, work: impl FnOnce() -> T) -> Result<T, DecodeError> {
    // What the closure held is dropped with it, so no broken state is seen afterwards.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        DecodeError::panicked(format, message.unwrap_or_default())
    })
}

pub(crate) fn convert_error(
    error: ImageError,
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    is_complete: bool,
) -> DecodeError {
    match &error {
        ImageError::Limits(_) => {
            DecodeError::limit(Limit::AllocBytes, None, limits.max_alloc_bytes)
        }
        ImageError::Unsupported(unsupported) => match unsupported.kind() {
            UnsupportedErrorKind::Format(_) => DecodeError::unsupported_format(format),
            _ => DecodeError::unsupported_feature(format),
        },
        ImageError::IoError(error) if is_pixel_refusal(error) => {
            DecodeError::limit(Limit::Pixels, None, limits.max_pixels)
        }
        _ if !is_complete || ends_early(&error) || is_cut(bytes, format) => {
            DecodeError::truncated(format)
        }
        _ => DecodeError::malformed(format),
    }
    .because(Cause(error))
}

/// An error of `image`, without the words in which it names the format once more.
#[derive(Debug)]
pub(crate) struct Cause(pub(crate) ImageError);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ImageError::Unsupported(unsupported) => match unsupported.kind() {
                UnsupportedErrorKind::GenericFeature(what) => f.write_str(&what),
                UnsupportedErrorKind::Color(color) => write!(f, "colours of the kind {color:?}"),
                _ => write!(f, "{}", self.0),
            },
            ImageError::Decoding(error) => match error.source() {
                Some(behind) => write!(f, "{behind}"),
                None => write!(f, "{error}"),
            },
            error => write!(f, "{error}"),
        }
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            ImageError::Decoding(error) => error.source().and_then(Error::source),
            _ => None,
        }
    }
}

/// A decoder's error in plain words, which a reason quotes, before its own.
#[derive(Debug)]
struct Worded {
    words: &'static str,
    error: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Worded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }
}

impl Error for Worded {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}

/// A refusal by [`Limits::max_pixels`] that only the decoder could make: it knows what the pictures
/// that a file is composed of really hold.
#[cfg(any(feature = "heic", feature = "avif", feature = "jpeg2000"))]
pub(crate) fn too_many_pixels() -> ImageError {
    ImageError::IoError(io::ErrorKind::FileTooLarge.into())
}

fn is_pixel_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

/// A refusal of an [`Extra`](super::codec::Extra) decoder, as `image` words it.
pub(crate) fn unsupported(name: &str, what: &str) -> ImageError {
    let kind = UnsupportedErrorKind::GenericFeature(what.to_owned());
    let hint = ImageFormatHint::Name(name.to_owned());
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(hint, kind))
}

/// Damage that an [`Extra`](super::codec::Extra) decoder met, as `image` words it.
pub(crate) fn damaged(name: &str, why: impl Into<Box<dyn Error + Send + Sync>>) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormatHint::Name(name.to_owned()), why))
}

/// The same in words of ours, where the decoder's are for those that wrote it; these stay behind them.
pub(crate) fn damaged_in_words(
    name: &str,
    words: &'static str,
    error: impl Into<Box<dyn Error + Send + Sync>>,
) -> ImageError {
    damaged(name, Worded { words, error: error.into() })
}

/// Whether an error comes from the end of the file, at any depth.
fn ends_early(error: &ImageError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = error.source();
    }
    matches!(error, ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

/// Whether the container says that it is longer than the file.
fn is_cut(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::WebP => crate::num::read_u32(bytes, 4)
            .is_some_and(|size| u64::from(size) + 8 > crate::num::to_u64(bytes.len())),
        Format::Png => !png::has_end(bytes),
        Format::Gif => gif::end(bytes).is_none(),
        Format::Heif | Format::Avif => !boxes_fit(bytes),
        _ => false,
    }
}

/// Whether the boxes of an ISO media file end where it does (ISO/IEC 14496-12, section 4.2).
fn boxes_fit(mut bytes: &[u8]) -> bool {
    while let [a, b, c, d, _, _, _, _, rest @ ..] = bytes {
        let size = match (u32::from_be_bytes([*a, *b, *c, *d]), rest.first_chunk::<8>()) {
            // To the end of the file.
            (0, _) => return true,
            (1, Some(large)) => u64::from_be_bytes(*large),
            (small, _) => u64::from(small),
        };
        let Some(next) = crate::num::to_usize(size.max(8)).and_then(|size| bytes.get(size..))
        else {
            return false;
        };
        bytes = next;
    }
    bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_decoder_s_own_and_a_cut_gif_is_called_so() {
        let limits = Limits::default();
        let reason = |error: ImageError, bytes: &[u8]| {
            let error = convert_error(error, bytes, Format::Gif, &limits, true);
            format!("{error} ({})", error.source().unwrap())
        };
        let whole = b"GIF89a\x01\0\x01\0\0\0\0;";
        assert_eq!(
            reason(damaged("GIF", "a code of nothing"), whole),
            "malformed gif (a code of nothing)"
        );
        assert_eq!(reason(damaged("GIF", "no data"), &whole[..13]), "truncated gif (no data)");
        let kind = "gif of a kind that this build does not decode (colours of none)";
        assert_eq!(reason(unsupported("GIF", "colours of none"), whole), kind);
    }

    #[test]
    fn a_panicking_decoder_becomes_an_error_with_its_message() {
        let error = guard(Format::Gif, || panic!("index {}\n", 7)).map(|(): ()| ()).unwrap_err();
        assert_eq!(error.reason(), "decoder failed");
        assert_eq!(error.to_string(), "the gif decoder failed: index 7\\n");
    }
}
