//! Hashes as real lists hold them: of many windows of some pictures.
//!
//! Natural bands of such hashes are far from evenly filled, as random ones are, and a search that
//! trusts in that takes longer. Owns the choice of the windows, which the pictures' order and the
//! seed decide alone.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use onceseen::bits::BitHash;
use onceseen::decode::{self, Limits};
use onceseen::hash::{Algorithm, Hasher};
use onceseen::pixels::{PixelFormat, Pixels};

/// Sides of a window in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 64..=320;

/// A window below this quality is no picture of anything; PDQ's authors advise to leave those out.
const LEAST_QUALITY: u8 = 50;

/// Windows tried in a picture for each that is kept.
const TRIES: u64 = 32;

/// Writes `count` hashes of 256 bits: of windows of all pictures in `folder`, each in all eight
/// orientations.
pub fn write(folder: &str, out: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    paths.retain(|path| luma(path).is_some());
    paths.sort();
    let share = count.div_ceil(8 * paths.len().max(1));
    let (next, parts) = (AtomicUsize::new(0), Mutex::new(vec![Vec::new(); paths.len()]));
    let work = || {
        let mut hasher = Hasher::new(&[Algorithm::Pdq]);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(number) else { return };
            let hashes = of_picture(path, number as u64, share, &mut hasher);
            parts.lock().expect("no thread panics")[number] = hashes;
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let mut bytes = parts.into_inner()?.concat();
    if bytes.len() < 32 * count {
        return Err(format!("the pictures give only {} hashes", bytes.len() / 32).into());
    }
    bytes.truncate(32 * count);
    Ok(fs::write(out, bytes)?)
}

/// Hashes of a picture's windows; none where it cannot be read.
fn of_picture(path: &Path, number: u64, share: usize, hasher: &mut Hasher) -> Vec<u8> {
    let mut hashes = Vec::new();
    let Some((luma, width, height)) = luma(path) else { return hashes };
    let mut random = (0..).map(|i: u64| spread(number << 32 | i));
    let mut below = |most: u32| (random.next().unwrap_or(0) % u64::from(most.max(1))) as u32;
    for _ in 0..TRIES * share as u64 {
        if hashes.len() >= 8 * 32 * share {
            break;
        }
        let mut side =
            |most: u32| (SIDES.start() + below(SIDES.end() - SIDES.start() + 1)).min(most);
        let (wide, high) = (side(width), side(height));
        let (x, y) = (below(width - wide + 1) as usize, below(height - high + 1) as usize);
        let (stride, from) = (width as usize, y * width as usize + x);
        let window = Pixels::with_stride(&luma[from..], wide, high, stride, PixelFormat::Luma8);
        let Ok(window) = window else { continue };
        let found = hasher.hash(&window);
        let forms =
            found.dihedral(Algorithm::Pdq).filter(|_| found.quality() >= Some(LEAST_QUALITY));
        forms.into_iter().flatten().for_each(|hash| hash.push_to(&mut hashes));
    }
    hashes
}

/// A picture's grey plane, row by row.
fn luma(path: &Path) -> Option<(Vec<u8>, u32, u32)> {
    let picture = decode::decode(&fs::read(path).ok()?, &Limits::default()).ok()?;
    let (pixels, mut luma) = (picture.pixels(), Vec::new());
    let (step, is_grey) = (pixels.format().bytes_per_pixel(), pixels.format().is_grey());
    for y in 0..pixels.height() {
        luma.extend(pixels.row(y).chunks_exact(step).map(|pixel| match pixel {
            [grey, ..] if is_grey => *grey,
            [red, green, blue, ..] => {
                ((u32::from(*red) + 2 * u32::from(*green) + u32::from(*blue)) / 4) as u8
            }
            _ => 0,
        }));
    }
    Some((luma, pixels.width(), pixels.height()))
}

/// The finalizer of splitmix64.
pub fn spread(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
