//! The sizes of a GIF's frames, which may be larger than its canvas, and the colour of what is clear in them.
//!
//! Source: GIF 89a, sections 18 to 26.

const EXTENSION: u8 = 0x21;
const GRAPHIC_CONTROL: u8 = 0xf9;
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

/// The colour that the first frame has where it is clear, by its table of colours; `None` where it is nowhere clear.
/// Never panics.
pub(crate) fn clear_color(bytes: &[u8]) -> Option<[u8; 3]> {
    let (global, mut rest) = bytes.get(13..)?.split_at_checked(table_bytes(bytes[10]))?;
    let mut clear = None;
    loop {
        rest = match rest {
            [EXTENSION, GRAPHIC_CONTROL, 4, flags, _, _, number, 0, others @ ..] => {
                clear = (flags & 1 == 1).then_some(usize::from(*number));
                others
            }
            [EXTENSION, _, blocks @ ..] => after_blocks(blocks)?,
            [IMAGE, _, _, _, _, _, _, _, _, flags, more @ ..] => {
                let own = more.get(..table_bytes(*flags))?;
                let colors = if own.is_empty() { global } else { own };
                return colors.as_chunks().0.get(clear?).copied();
            }
            [_, others @ ..] => others,
            [] => return None,
        };
    }
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
        assert_eq!(clear_color(&file), None);
        let clear = |number| {
            let control = [0x21, 0xf9, 4, 1, 0, 0, number, 0];
            [screen.as_slice(), &control, image].concat()
        };
        assert_eq!(
            [0, 1, 2].map(|number| clear_color(&clear(number))),
            [Some(*b"rgb"), Some(*b"rgb"), None]
        );
        (0..file.len()).for_each(|end| assert_eq!(clear_color(&clear(1)[..end.min(18)]), None));
        let whole = [&file[..], b"\0\x02\x01a\0;behind;"].concat();
        assert_eq!(end(&whole), Some(whole.len() - 7));
        assert_eq!(end(&whole[..whole.len() - 8]), None);
    }
}
