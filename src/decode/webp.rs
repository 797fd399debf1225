//! The frames that a WebP really holds, by their own headers.
//!
//! The decoder checks the canvas against its limits, but allocates for the size in each lossy
//! frame's header before it compares the two: a canvas of one pixel can hide a frame of 268
//! million. Sources: the WebP container specification, and RFC 6386, section 9.1.

/// A chunk's name and length.
const CHUNK_HEADER_BYTES: usize = 8;
/// Place, size, duration and flags of an animation frame, before the frame's own chunks.
const FRAME_HEADER_BYTES: usize = 16;

/// Pixels of the largest lossy frame in the file; 0 when there is none. Never panics.
pub(crate) fn largest_frame_pixels(bytes: &[u8]) -> u64 {
    let chunks = chunks(bytes).flat_map(|(name, body)| frame_chunks(name, body));
    let lossy = chunks.filter(|(name, _)| name == b"VP8 ");
    lossy.filter_map(|(_, body)| frame_pixels(body)).max().unwrap_or(0)
}

/// A chunk of the file, or those in it where it is an animation frame. Frames do not nest.
pub(crate) fn frame_chunks(name: [u8; 4], body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let is_frame = &name == b"ANMF";
    let parts = body.get(FRAME_HEADER_BYTES..).filter(|_| is_frame).unwrap_or_default();
    (!is_frame).then_some((name, body)).into_iter().chain(chunks_in(parts))
}

/// Name and body of each chunk of the file; a body that the file cuts ends with it.
pub(crate) fn chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    chunks_in(bytes.get(12..).unwrap_or_default())
}

/// The same of chunks one after the other.
pub(crate) fn chunks_in(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let name = *rest.first_chunk::<4>()?;
        let length = crate::num::index(crate::num::read_u32(rest, 4)?);
        let body = rest.get(CHUNK_HEADER_BYTES..)?;
        // Chunks are padded to an even length.
        let step = length.checked_add(length % 2);
        rest = step.and_then(|step| body.get(step..)).unwrap_or_default();
        Some((name, body.get(..length).unwrap_or(body)))
    })
}

/// Where the first byte behind the container stands.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    let length = crate::num::index(crate::num::read_u32(bytes, 4)?);
    length.checked_add(CHUNK_HEADER_BYTES + length % 2)
}

/// The body of the first chunk of a name; `None` when there is none. Never panics.
pub(crate) fn chunk(bytes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    chunks(bytes).find(|(kind, _)| *kind == name).map(|(_, body)| body)
}

/// Width × height of a key frame: 14 bits each, after the frame tag and the start code.
fn frame_pixels(frame: &[u8]) -> Option<u64> {
    let side = |at| crate::num::read_u16(frame, at).map(|side| u64::from(side & 0x3fff));
    Some(side(6)? * side(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        let pad: &[u8] = if body.len() % 2 == 1 { &[0] } else { &[] };
        [name, &length, body, pad].concat()
    }

    #[test]
    fn a_large_frame_behind_a_small_canvas_is_seen() {
        let lossy = chunk(b"VP8 ", b"\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f data");
        let head = [b"RIFF\0\0\0\0WEBP".as_slice(), &chunk(b"VP8X", &[0; 10])].concat();
        let still = [head.clone(), chunk(b"ALPH", &[0; 3]), lossy.clone()].concat();
        assert_eq!(largest_frame_pixels(&still), 16383 * 16383);
        let frame = chunk(b"ANMF", &[vec![0; 16], chunk(b"ALPH", &[0; 3]), lossy].concat());
        let animation = [head, frame].concat();
        assert_eq!(largest_frame_pixels(&animation), 16383 * 16383);
        for end in 0..animation.len() {
            let _ = largest_frame_pixels(&animation[..end]);
        }
    }
}
