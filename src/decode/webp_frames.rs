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
        let file = crate::num::to_u64(self.bytes.len()) * 2;
        frame.max(canvas).saturating_mul(FRAME_BYTES).saturating_add(file)
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
