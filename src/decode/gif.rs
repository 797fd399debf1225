//! The sizes of a GIF's frames, which may be larger than its canvas.
//!
//! Source: GIF 89a, sections 18 to 26.

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

/// Pixels of the first frame; 0 when there is none. Never panics.
pub(crate) fn first_frame_pixels(bytes: &[u8]) -> u64 {
    frames(bytes).next().unwrap_or(0)
}

/// Pixels of the largest frame; 0 when there is none. Never panics.
pub(crate) fn largest_frame_pixels(bytes: &[u8]) -> u64 {
    frames(bytes).max().unwrap_or(0)
}

/// Whether it holds so many frames. Never panics.
pub(crate) fn has_frames(bytes: &[u8], count: usize) -> bool {
    frames(bytes).take(count).count() == count
}

/// Pixels of each frame.
fn frames(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let flags = bytes.get(10).copied().unwrap_or(0);
    let mut rest = bytes.get(13 + table_bytes(flags)..).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            match rest {
                [EXTENSION, _, blocks @ ..] => rest = after_blocks(blocks)?,
                [IMAGE, _, _, _, _, w0, w1, h0, h1, more @ ..] => {
                    let side = |low: &u8, high: &u8| u64::from(u16::from_le_bytes([*low, *high]));
                    rest = after_image(more).unwrap_or_default();
                    return Some(side(w0, w1) * side(h0, h1));
                }
                // What is no block is passed, as the decoder passes it.
                [_, others @ ..] => rest = others,
                [] => return None,
            }
        }
    })
}

/// Where the first byte behind the trailer stands.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.get(13 + table_bytes(*bytes.get(10)?)..)?;
    loop {
        rest = match rest {
            [TRAILER, behind @ ..] => return Some(bytes.len() - behind.len()),
            [EXTENSION, _, blocks @ ..] => after_blocks(blocks)?,
            [IMAGE, _, _, _, _, _, _, _, _, more @ ..] => after_image(more)?,
            [_, others @ ..] => others,
            [] => return None,
        };
    }
}

/// A table of 2 to 256 colours of three bytes each.
fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// What follows a frame's flags, colours, code size and data.
fn after_image(rest: &[u8]) -> Option<&[u8]> {
    let flags = *rest.first()?;
    after_blocks(rest.get(2 + table_bytes(flags)..)?)
}

/// What follows a chain of sub-blocks, each its length and that many bytes, the last empty.
fn after_blocks(mut blocks: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, rest) = blocks.split_first()?;
        if length == 0 {
            return Some(rest);
        }
        blocks = rest.get(usize::from(length)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_beyond_the_canvas_is_seen_behind_table_and_extensions() {
        let screen = b"GIF89a\x01\0\x01\0\x80\0\0rgbrgb";
        let extension = b"\x21\xf9\x04\0\0\0\0\0\x21\xfe\x02hi\x01!\0";
        let image = b"\x2c\0\0\0\0\xff\xff\x02\0\0";
        let file = [screen.as_slice(), extension, image].concat();
        assert_eq!(first_frame_pixels(&file), 65535 * 2);
        for end in 0..file.len() - 1 {
            assert_eq!(first_frame_pixels(&file[..end]), 0);
        }
        let whole = [&file[..], b"\0\x02\x01a\0;behind;"].concat();
        assert_eq!(end(&whole), Some(whole.len() - 7));
        assert_eq!(end(&whole[..whole.len() - 8]), None);
    }
}
