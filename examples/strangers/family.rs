//! The 64-bit algorithms: how near unrelated pictures come.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use onceseen::decode::{Limits, decode};
use onceseen::hash::{Algorithm, HashValue, Hasher, PictureHashes};
use rayon::prelude::*;

use crate::measure::halves;

/// Distances printed: the default radii, and what lies around them.
const RADII: [u32; 8] = [0, 2, 4, 6, 8, 10, 12, 16];
/// Pairs within PDQ's radius show the same picture, or as good as.
const SAME_PDQ: u32 = 31;

pub(crate) fn family(directory: &Path, every: usize) -> io::Result<()> {
    let (list, queries) = halves(directory);
    let hash = |paths: &[std::path::PathBuf]| -> Vec<PictureHashes> {
        paths.par_iter().step_by(every.max(1)).filter_map(|path| hashes(path)).collect()
    };
    let (list, queries) = (hash(&list), hash(&queries));
    let mut out = io::stdout().lock();
    writeln!(out, "{} queries, {} entries", queries.len(), list.len())?;
    writeln!(
        out,
        "| distance | {} |",
        Algorithm::ALL[2..].iter().map(|a| a.name()).collect::<Vec<_>>().join(" | ")
    )?;
    let mut counts = [[0_u64; RADII.len()]; 7];
    let mut pairs = 0_u64;
    for query in &queries {
        for entry in &list {
            let distances: Vec<u32> = query
                .hashes()
                .iter()
                .zip(entry.hashes())
                .filter_map(|(a, b)| a.distance(b))
                .collect();
            if distances.first().is_none_or(|pdq| *pdq <= SAME_PDQ) {
                continue;
            }
            pairs += 1;
            for (counts, distance) in counts.iter_mut().zip(&distances[1..]) {
                for (count, radius) in counts.iter_mut().zip(RADII) {
                    *count += u64::from(*distance <= radius);
                }
            }
        }
    }
    writeln!(out, "{pairs} pairs")?;
    for (at, radius) in RADII.iter().enumerate() {
        let cells: Vec<String> = counts.iter().map(|counts| counts[at].to_string()).collect();
        writeln!(out, "| {radius} | {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// PDQ first, then the seven of 64 bits; none for icons and flat pictures.
fn hashes(path: &Path) -> Option<PictureHashes> {
    let decoded = decode(&fs::read(path).ok()?, &Limits::default()).ok()?;
    let pixels = decoded.pixels();
    if pixels.width().min(pixels.height()) < 64 || pixels.width() > 2048 || pixels.height() > 2048 {
        return None;
    }
    let algorithms: Vec<Algorithm> =
        Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Pdq512).collect();
    let hashes = Hasher::new(&algorithms).hash(&pixels);
    let is_whole =
        hashes.hashes().first().is_some_and(|pdq| matches!(pdq.value(), HashValue::Bits256(_)));
    (is_whole && hashes.quality() >= Some(50)).then_some(hashes)
}
