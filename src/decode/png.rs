//! The chunks of a PNG, without decoding it (PNG, third edition, section 5.3).

/// Width and height in a PNG's header (PNG, third edition, section 11.2.1).
pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let (_, header) = chunks(bytes).next().filter(|(kind, _)| *kind == b"IHDR")?;
    let (width, rest) = header.split_first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*rest.first_chunk()?)))
}

/// Whether the chunks of a PNG lead to its end chunk.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    chunks(bytes).any(|(kind, _)| kind == b"IEND")
}

/// Whether frames are announced: an animation control stands before the data (PNG, third edition, section
/// 11.3.6.1).
pub(crate) fn has_animation(bytes: &[u8]) -> bool {
    has_before_data(bytes, b"acTL")
}

/// Whether a chunk of this kind stands before the data of the default picture.
pub(crate) fn has_before_data(bytes: &[u8], wanted: &[u8; 4]) -> bool {
    let mut before = chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT");
    before.any(|(kind, _)| kind == wanted)
}

/// Memory that a decoder without limits takes for colour profile, text and EXIF data before the pixels: a body
/// grows to up to twice its length while it is read, and the profile is inflated.
pub(super) fn metadata_bytes(bytes: &[u8]) -> u64 {
    /// Deflate makes no more of a byte (RFC 1951).
    const MOST_INFLATED: u64 = 1032;
    let before = chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT");
    before
        .map(|(kind, body)| match kind {
            b"iCCP" => crate::num::to_u64(body.len()).saturating_mul(MOST_INFLATED),
            b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" => crate::num::to_u64(body.len()) * 2,
            _ => 0,
        })
        .fold(0, u64::saturating_add)
}

/// Where the first byte behind the end chunk stands.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    const LENGTH_NAME_AND_CHECKSUM: usize = 12;
    let mut at = 8;
    for (kind, body) in chunks(bytes) {
        at += LENGTH_NAME_AND_CHECKSUM + body.len();
        if kind == b"IEND" {
            return Some(at.min(bytes.len()));
        }
    }
    None
}

/// Name and body of each chunk of a PNG (PNG, third edition, section 5.3); a body that the file cuts
/// is given as far as it goes.
pub(crate) fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, chunk) = rest.split_first_chunk::<4>()?;
        let (kind, body) = chunk.split_first_chunk::<4>()?;
        let length = crate::num::index(u32::from_be_bytes(*length));
        rest = length.checked_add(4).and_then(|skip| body.get(skip..)).unwrap_or_default();
        Some((kind, &body[..length.min(body.len())]))
    })
}
