//! Why a file gave no pixels, divided by who must act.

use std::error::Error;
use std::fmt;

use super::format::Format;
use super::limits::Limit;

/// A file gave no pixels.
#[derive(Debug)]
pub struct DecodeError {
    kind: Kind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    // Nobody: there is no picture.
    Empty,
    NotAnImage,
    SignatureAlone(Format),
    Vector(Format),
    // Whoever builds onceseen, or another tool.
    UnsupportedFormat(Format),
    UnsupportedFeature(Format),
    // Whoever sets the limits.
    Limit { limit: Limit, value: Option<u64>, allowed: u64 },
    // Whoever made or copied the file.
    Truncated(Format),
    Malformed(Format),
    // Whoever maintains the decoder.
    Panicked { format: Format, message: String },
}

impl DecodeError {
    /// A short word for records; stable between versions.
    ///
    /// One of `empty file`, `not an image`, `vector drawing`, `unsupported format`,
    /// `unsupported feature`, `too large`, `too many scans`, `truncated`, `malformed`,
    /// `decoder failed`.
    pub const fn reason(&self) -> &'static str {
        match self.kind {
            Kind::Empty => "empty file",
            Kind::NotAnImage | Kind::SignatureAlone(_) => "not an image",
            Kind::Vector(_) => "vector drawing",
            Kind::UnsupportedFormat(_) => "unsupported format",
            Kind::UnsupportedFeature(_) => "unsupported feature",
            Kind::Limit { limit: Limit::ScanPixels, .. } => "too many scans",
            Kind::Limit { .. } => "too large",
            Kind::Truncated(_) => "truncated",
            Kind::Malformed(_) => "malformed",
            Kind::Panicked { .. } => "decoder failed",
        }
    }

    /// Whether the file holds no picture at all: empty, of another kind, a signature with nothing
    /// behind it, or a drawing without pixels. Otherwise it is a picture that could not be examined.
    pub const fn is_not_an_image(&self) -> bool {
        matches!(
            self.kind,
            Kind::Empty | Kind::NotAnImage | Kind::SignatureAlone(_) | Kind::Vector(_)
        )
    }

    /// The format by content, when the bytes show one.
    pub const fn format(&self) -> Option<Format> {
        match self.kind {
            Kind::Empty | Kind::NotAnImage | Kind::Limit { .. } => None,
            Kind::SignatureAlone(format)
            | Kind::Vector(format)
            | Kind::UnsupportedFormat(format)
            | Kind::UnsupportedFeature(format)
            | Kind::Truncated(format)
            | Kind::Malformed(format)
            | Kind::Panicked { format, .. } => Some(format),
        }
    }

    /// The limit that refused the file.
    pub const fn limit_exceeded(&self) -> Option<Limit> {
        match self.kind {
            Kind::Limit { limit, .. } => Some(limit),
            _ => None,
        }
    }

    pub(crate) fn empty() -> Self {
        Kind::Empty.into()
    }

    pub(crate) fn not_an_image() -> Self {
        Kind::NotAnImage.into()
    }

    pub(crate) fn signature_alone(format: Format) -> Self {
        Kind::SignatureAlone(format).into()
    }

    pub(crate) fn vector(format: Format) -> Self {
        Kind::Vector(format).into()
    }

    pub(crate) fn unsupported_format(format: Format) -> Self {
        Kind::UnsupportedFormat(format).into()
    }

    pub(crate) fn unsupported_feature(format: Format) -> Self {
        Kind::UnsupportedFeature(format).into()
    }

    /// A refusal by `limit`; `value` is `None` when only the decoder knows it.
    pub(crate) fn limit(limit: Limit, value: Option<u64>, allowed: u64) -> Self {
        Kind::Limit { limit, value, allowed }.into()
    }

    pub(crate) fn truncated(format: Format) -> Self {
        Kind::Truncated(format).into()
    }

    pub(crate) fn malformed(format: Format) -> Self {
        Kind::Malformed(format).into()
    }

    pub(crate) fn panicked(format: Format, message: String) -> Self {
        Kind::Panicked { format, message }.into()
    }

    /// The same of a file of another format, in which the picture lies.
    pub(crate) fn within(self, format: Format) -> Self {
        let kind = match self.kind {
            Kind::UnsupportedFeature(_) => Kind::UnsupportedFeature(format),
            Kind::Truncated(_) => Kind::Truncated(format),
            Kind::Malformed(_) => Kind::Malformed(format),
            Kind::Panicked { message, .. } => Kind::Panicked { format, message },
            kind => kind,
        };
        Self { kind, ..self }
    }

    pub(crate) fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

impl From<Kind> for DecodeError {
    fn from(kind: Kind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Empty => f.write_str("empty file"),
            Kind::NotAnImage => f.write_str("not an image"),
            Kind::SignatureAlone(format) => write!(f, "{format} signature with nothing behind it"),
            Kind::Vector(format) => write!(f, "{format} drawing without pixels"),
            Kind::UnsupportedFormat(format) => write!(f, "this build does not decode {format}"),
            Kind::UnsupportedFeature(format) => {
                write!(f, "{format} of a kind that this build does not decode")
            }
            Kind::Limit { limit, value: Some(value), allowed } => {
                write!(f, "{value} {limit}, allowed {allowed}")
            }
            Kind::Limit { limit, value: None, allowed } => {
                write!(f, "more {limit} than the {allowed} allowed")
            }
            Kind::Truncated(format) => write!(f, "truncated {format}"),
            Kind::Malformed(format) => write!(f, "malformed {format}"),
            Kind::Panicked { format, message } => {
                write!(f, "the {format} decoder failed: {}", message.escape_default())
            }
        }
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
