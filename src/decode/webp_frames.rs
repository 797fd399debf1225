//! The frames of an animated WebP, each drawn over those before it.
//!
//! Each is decoded as a picture of its own and put on the canvas here: the decoder (image-webp 0.2.4) does not clear
//! what a frame leaves to be cleared, blends on another ground than libwebp, and panics over some damaged
//! animations. Sources: the WebP container specification; where it leaves a choice (the ground, the colours of what is
//! transparent, the precision of a blend), libwebp's animation decoder, which browsers use.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::{ColorType, Frame, ImageDecoder, ImageError, RgbaImage};

use super::codec::{Extra, decoder_limits};
use super::codec_error::damaged;
use super::webp;
use super::webp_partitions::data_bytes;

const NAME: &str = "WebP";
const BYTES_PER_PIXEL: usize = 4;
/// Flags of the extended header: there is an animation, and transparency.
const ANIMATION: u8 = 0x02;
const ALPHA: u8 = 0x10;
/// Flags of a frame: its place is cleared before the next one, and it replaces what it is put on.
const CLEARS: u8 = 0x01;
const REPLACES: u8 = 0x02;
/// Place, size, duration and flags of a frame, before its own chunks.
const FRAME_HEADER_BYTES: usize = 16;

/// Where a frame stands on the canvas, and what is done with it.
#[derive(Clone, Copy)]
struct Placed {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    flags: u8,
    /// Whether nothing before it is seen.
    is_key: bool,
}

impl Placed {
    fn contains(&self, x: usize, y: usize) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }

    const fn clears(&self) -> bool {
        self.flags & CLEARS != 0
    }
}

/// An animation: the canvas in RGBA after the last frame.
pub(crate) struct WebpFrames<'a> {
    frames: Vec<&'a [u8]>,
    next: usize,
    width: u32,
    height: u32,
    canvas: Vec<u8>,
    previous: Option<Placed>,
    max_alloc_bytes: u64,
}

impl<'a> WebpFrames<'a> {
    /// Reads the size of the canvas and where the frames are; `None` when nothing is animated.
    pub(crate) fn new(bytes: &'a [u8], max_alloc_bytes: u64) -> Option<Self> {
        let (width, height) = size(bytes)?;
        let frames = webp::chunks(bytes).filter(|(name, _)| name == b"ANMF");
        let frames = frames.map(|(_, body)| body).collect();
        let canvas = Vec::new();
        Some(Self { frames, next: 0, width, height, canvas, previous: None, max_alloc_bytes })
    }

    fn draw(&mut self, frame: &[u8]) -> Result<(), ImageError> {
        let short = || ImageError::IoError(std::io::ErrorKind::UnexpectedEof.into());
        let (head, body) = frame.split_at_checked(FRAME_HEADER_BYTES).ok_or_else(short)?;
        let number = |at: usize| crate::num::index(three_bytes(&head[at..]));
        let (canvas_width, canvas_height) = self.sides();
        let mut placed = Placed {
            x: number(0) * 2,
            y: number(3) * 2,
            width: number(6) + 1,
            height: number(9) + 1,
            flags: head[15],
            is_key: false,
        };
        if placed.x + placed.width > canvas_width || placed.y + placed.height > canvas_height {
            return Err(damaged(NAME, "a frame lies outside its canvas"));
        }
        let (pixels, has_alpha) = self.decode(body, &placed)?;
        if self.canvas.is_empty() {
            self.canvas = vec![0; canvas_width * canvas_height * BYTES_PER_PIXEL];
        }
        placed.is_key = self.is_key(&placed, has_alpha);
        let cleared = self.previous.filter(Placed::clears);
        if placed.is_key {
            self.canvas.fill(0);
        } else if let Some(cleared) = cleared {
            for y in cleared.y..cleared.y + cleared.height {
                self.row(cleared.x, y, cleared.width).fill([0; BYTES_PER_PIXEL]);
            }
        }
        let replaces = placed.is_key || placed.flags & REPLACES != 0;
        let (pixels, _) = pixels.as_chunks::<BYTES_PER_PIXEL>();
        for (y, line) in (placed.y..).zip(pixels.chunks_exact(placed.width)) {
            let row = self.row(placed.x, y, placed.width);
            for (x, (below, above)) in (placed.x..).zip(row.iter_mut().zip(line)) {
                let is_cleared = cleared.is_some_and(|cleared| cleared.contains(x, y));
                let is_opaque = above[3] == u8::MAX;
                *below = if replaces || is_opaque || is_cleared {
                    *above
                } else {
                    blend(*above, *below)
                };
            }
        }
        self.previous = Some(placed);
        Ok(())
    }

    fn sides(&self) -> (usize, usize) {
        (crate::num::index(self.width), crate::num::index(self.height))
    }

    /// A piece of a line of the canvas.
    fn row(&mut self, x: usize, y: usize, width: usize) -> &mut [[u8; BYTES_PER_PIXEL]] {
        let start = y * self.sides().0 + x;
        &mut self.canvas.as_chunks_mut().0[start..start + width]
    }

    fn is_key(&self, placed: &Placed, has_alpha: bool) -> bool {
        let is_full = |it: &Placed| (it.width, it.height) == self.sides();
        let Some(previous) = self.previous else { return true };
        (is_full(placed) && (!has_alpha || placed.flags & REPLACES != 0))
            || (previous.clears() && (is_full(&previous) || previous.is_key))
    }

    /// The pixels of a frame in RGBA, and whether it is transparent anywhere.
    fn decode(&self, body: &[u8], placed: &Placed) -> Result<(Vec<u8>, bool), ImageError> {
        let file = file_around(body, placed)?;
        let mut decoder = WebPDecoder::new(Cursor::new(&file))?;
        decoder.set_limits(decoder_limits(self.max_alloc_bytes))?;
        let (width, height) = decoder.dimensions();
        if (crate::num::index(width), crate::num::index(height)) != (placed.width, placed.height) {
            return Err(damaged(NAME, "a frame has another size than its header"));
        }
        let color = decoder.color_type();
        let mut data = vec![0; placed.width * placed.height * usize::from(color.bytes_per_pixel())];
        decoder.read_image(&mut data)?;
        if color == ColorType::Rgba8 {
            return Ok((data, true));
        }
        let (pixels, _) = data.as_chunks::<3>();
        Ok((pixels.iter().flat_map(|[r, g, b]| [*r, *g, *b, u8::MAX]).collect(), false))
    }
}

impl Iterator for WebpFrames<'_> {
    type Item = Result<Frame, ImageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = *self.frames.get(self.next)?;
        self.next += 1;
        let (width, height) = (self.width, self.height);
        Some(self.draw(frame).and_then(|()| {
            let image = RgbaImage::from_raw(width, height, self.canvas.clone());
            image.map(Frame::new).ok_or_else(|| damaged(NAME, "canvas of no size"))
        }))
    }
}

/// The first frame of an animation.
pub(crate) struct FirstFrame<'a> {
    frames: WebpFrames<'a>,
    bytes: &'a [u8],
}

impl<'a> FirstFrame<'a> {
    /// `None` when nothing is animated.
    pub(crate) fn new(bytes: &'a [u8], max_alloc_bytes: u64) -> Option<Self> {
        Some(Self { frames: WebpFrames::new(bytes, max_alloc_bytes)?, bytes })
    }
}

impl Extra for FirstFrame<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.frames.width, self.frames.height)
    }

    fn color_type(&self) -> ColorType {
        ColorType::Rgba8
    }

    fn memory_bytes(&self) -> u64 {
        // The frame: what its decoder takes (as of a still picture), its pixels, and those in RGBA.
        const FRAME_BYTES: u64 = 16;
        let frame = webp::largest_frame_pixels(self.bytes);
        let canvas = u64::from(self.frames.width) * u64::from(self.frames.height);
        frame.max(canvas).saturating_mul(FRAME_BYTES).saturating_add(data_bytes(self.bytes))
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let mut frames = self.frames;
        let first = frames.frames.first().copied();
        frames.draw(first.ok_or_else(|| damaged(NAME, "an animation without a frame"))?)?;
        Ok(frames.canvas)
    }
}

/// Size of the canvas of an animation.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = webp::chunk(bytes, *b"VP8X")?;
    let is_animated = header.first()? & ANIMATION != 0;
    let side = |at: usize| Some(three_bytes(header.get(at..at + 3)?) + 1);
    is_animated.then_some((side(4)?, side(7)?))
}

fn three_bytes(bytes: &[u8]) -> u32 {
    bytes.iter().take(3).rev().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// A file whose only picture is the frame.
fn file_around(body: &[u8], placed: &Placed) -> Result<Vec<u8>, ImageError> {
    let part = |name: &[u8; 4]| webp::chunks_in(body).find(|(kind, _)| kind == name);
    let picture = part(b"VP8L").or_else(|| part(b"VP8 "));
    let (kind, picture) = picture.ok_or_else(|| damaged(NAME, "a frame without a picture"))?;
    let alpha = part(b"ALPH").filter(|_| &kind == b"VP8 ");
    let mut chunks = Vec::new();
    if let Some((name, alpha)) = alpha {
        let side = |side: usize| u32::try_from(side - 1).unwrap_or(u32::MAX).to_le_bytes();
        let (width, height) = (side(placed.width), side(placed.height));
        append(&mut chunks, *b"VP8X", &[&[ALPHA, 0, 0, 0], &width[..3], &height[..3]].concat());
        append(&mut chunks, name, alpha);
    }
    append(&mut chunks, kind, picture);
    let mut file = Vec::new();
    append(&mut file, *b"RIFF", &[b"WEBP", &chunks[..]].concat());
    Ok(file)
}

fn append(file: &mut Vec<u8>, name: [u8; 4], body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    file.extend_from_slice(&name);
    file.extend_from_slice(&length);
    file.extend_from_slice(body);
    file.extend((body.len() % 2 == 1).then_some(0));
}

/// A pixel over another, with the precision of libwebp.
fn blend(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    let [alpha, under] = [above[3], below[3]].map(u32::from);
    if alpha == 0 {
        return below;
    }
    let under = (under * (256 - alpha)) >> 8;
    let scale = (1 << 24) / (alpha + under);
    let mut blended = [0; 4];
    for (place, (above, below)) in blended.iter_mut().zip(above.iter().zip(&below)).take(3) {
        let sum = u32::from(*above) * alpha + u32::from(*below) * under;
        *place = u8::try_from((sum * scale) >> 24).unwrap_or(u8::MAX);
    }
    blended[3] = u8::try_from(alpha + under).unwrap_or(u8::MAX);
    blended
}

#[cfg(test)]
mod tests {
    use image::ExtendedColorType;
    use image::codecs::webp::WebPEncoder;

    use super::*;

    /// A frame of one colour, with its flags.
    fn frame(place: [u8; 4], color: [u8; 4], flags: u8) -> Vec<u8> {
        let [x, y, width, height] = place;
        let pixels = color.repeat(usize::from(width) * usize::from(height));
        let mut file = Vec::new();
        let encoder = WebPEncoder::new_lossless(&mut file);
        let (w, h) = (u32::from(width), u32::from(height));
        encoder.encode(&pixels, w, h, ExtendedColorType::Rgba8).unwrap();
        let head = [x / 2, 0, 0, y / 2, 0, 0, width - 1, 0, 0, height - 1, 0, 0, 9, 0, 0, flags];
        [&head[..], &file[12..]].concat()
    }

    /// An animation of 8 × 4 pixels on a red ground.
    fn animation(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut chunks = Vec::new();
        append(&mut chunks, *b"VP8X", &[ANIMATION | ALPHA, 0, 0, 0, 7, 0, 0, 3, 0, 0]);
        append(&mut chunks, *b"ANIM", &[0, 0, 255, 255, 0, 0]);
        for frame in frames {
            append(&mut chunks, *b"ANMF", frame);
        }
        let mut file = Vec::new();
        append(&mut file, *b"RIFF", &[b"WEBP", &chunks[..]].concat());
        file
    }

    /// Pixels of the upper line of each frame at columns 0 and 4.
    fn drawn(file: &[u8]) -> Vec<[[u8; 4]; 2]> {
        let frames = WebpFrames::new(file, 1 << 20).unwrap();
        let pixels = |frame: Frame| [0, 4].map(|x| frame.buffer().get_pixel(x, 0).0);
        frames.map(|frame| pixels(frame.unwrap())).collect()
    }

    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const NOTHING: [u8; 4] = [0; 4];

    #[test]
    fn frames_are_put_over_each_other_and_cleared_to_nothing() {
        let green = [0, 255, 0, 255];
        let glass = [9, 8, 7, 0];
        let right = [4, 0, 4, 4];
        let file = animation(&[
            frame([0, 0, 8, 4], BLUE, 0),
            frame(right, green, CLEARS),
            frame(right, glass, 0),
            frame(right, [200, 0, 0, 128], 0),
            frame([0, 0, 8, 4], glass, REPLACES),
        ]);
        let half = [200, 0, 0, 128];
        let expected = [[BLUE; 2], [BLUE, green], [BLUE, glass], [BLUE, half], [glass; 2]];
        let [.., last] = expected;
        let found = drawn(&file);
        assert_eq!(found[..3], expected[..3]);
        // Over what is transparent the colours stay, but for the last digit.
        assert_eq!((found[3][0], found[3][1][3]), (BLUE, 128));
        assert!(found[3][1][0].abs_diff(200) <= 1);
        assert_eq!(found[4], last);
        let first = Box::new(FirstFrame::new(&file, 1 << 20).unwrap());
        assert_eq!((first.dimensions(), first.read().unwrap()), ((8, 4), BLUE.repeat(32)));
    }

    #[test]
    fn the_first_frame_keeps_the_colours_of_what_is_transparent_and_stands_on_nothing() {
        let file = animation(&[frame([0, 0, 4, 4], [9, 8, 7, 0], 0)]);
        assert_eq!(drawn(&file), [[[9, 8, 7, 0], NOTHING]]);
    }

    #[test]
    fn a_blend_of_halves() {
        assert_eq!(blend([255, 0, 0, 128], [0, 0, 255, 255]), [127, 0, 126, 255]);
        assert_eq!(blend([1, 2, 3, 0], [4, 5, 6, 7]), [4, 5, 6, 7]);
        assert_eq!(blend([100, 50, 0, 1], [0; 4]), [100, 50, 0, 1]);
    }

    #[test]
    fn damaged_animations_end_in_a_reason_without_panic() {
        let beyond = animation(&[frame([2, 0, 8, 4], BLUE, 0)]);
        let mut other_size = frame([0, 0, 4, 4], BLUE, 0);
        other_size[6] = 7;
        for file in [&beyond, &animation(&[other_size]), &animation(&[vec![0; 9]])] {
            let mut frames = WebpFrames::new(file, 1 << 20).unwrap();
            assert!(frames.next().unwrap().is_err() && frames.next().is_none());
        }
        let none = animation(&[]);
        assert!(Box::new(FirstFrame::new(&none, 1 << 20).unwrap()).read().is_err());
        let whole = animation(&[frame([0, 0, 8, 4], BLUE, CLEARS), frame([4, 0, 4, 4], BLUE, 0)]);
        for at in 12..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            for file in [&changed, &whole[..at]] {
                let _ = WebpFrames::new(file, 1 << 20).map(|frames| frames.count());
            }
        }
    }
}
