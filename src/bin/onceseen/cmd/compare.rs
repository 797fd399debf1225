//! `onceseen compare`: the distance between two images or hashes, and why.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use onceseen::decode::{self, Limits};
use onceseen::hash::{Algorithm, Dihedral, HashValue, Hasher, ImageHash, PictureHashes};
use onceseen::list::Imported;
use onceseen::matcher::DEFAULT_QUALITY_THRESHOLD;
use serde::Serialize;

use crate::exit::Exit;
use crate::flags::Compare;
use crate::settings;

/// Fields and their order are those of the JSON line.
#[derive(Serialize)]
struct Comparison {
    algorithm: &'static str,
    distance: u32,
    /// The turned form of A that is nearest to B.
    variant: &'static str,
    variant_distance: u32,
    radius: u32,
    review_radius: u32,
    /// `near`, `possible`, `flat` (not comparable) or `different`.
    level: &'static str,
    a: Side,
    b: Side,
}

#[derive(Serialize)]
struct Side {
    hash: String,
    quality: Option<u8>,
}

impl Side {
    fn of(hash: &ImageHash) -> Self {
        Self { hash: hash.to_string(), quality: hash.quality() }
    }

    fn is_flat(&self) -> bool {
        self.quality.is_some_and(|quality| quality < DEFAULT_QUALITY_THRESHOLD)
    }
}

pub fn run(flags: &Compare) -> Result<Exit> {
    let mut out = super::output();
    for algorithm in &flags.algorithms {
        let a = hashes(&flags.a, *algorithm)?;
        let b = hashes(&flags.b, *algorithm)?;
        serde_json::to_writer(&mut out, &comparison(*algorithm, &a, &b)?)?;
        out.write_all(b"\n")?;
    }
    super::close(out)?;
    Ok(Exit::NothingKnown)
}

fn hashes(text: &str, algorithm: Algorithm) -> Result<PictureHashes> {
    let path = Path::new(text);
    if path.exists() {
        if !path.is_file() {
            // Reading a named pipe would wait for a writer, a device might never end.
            bail!("{text}: not a regular file");
        }
        let bytes = std::fs::read(path).with_context(|| text.to_owned())?;
        let picture =
            decode::decode(&bytes, &Limits::default()).with_context(|| text.to_owned())?;
        return Ok(Hasher::new(&[algorithm]).hash(&picture.pixels()));
    }
    match settings::parse_query(text, algorithm)? {
        Imported::Row(row) => {
            let wanted = row.hashes.into_iter().find(|hash| hash.algorithm() == algorithm);
            Ok(PictureHashes::from_hash(
                wanted.with_context(|| format!("'{text}' is no {algorithm} hash"))?,
            ))
        }
        Imported::Refused(row) => bail!("'{text}' is neither a file nor a hash: {}", row.reason()),
    }
}

fn comparison(algorithm: Algorithm, a: &PictureHashes, b: &PictureHashes) -> Result<Comparison> {
    let (Some(hash_a), Some(hash_b)) = (a.hashes().first(), b.hashes().first()) else {
        bail!("no {algorithm} hash to compare");
    };
    let distance = hash_a.distance(hash_b).context("hashes of two algorithms")?;
    let (variant_distance, variant) = match (hash_b.value(), a.dihedral(algorithm)) {
        (HashValue::Bits256(value), Some(turned)) => {
            let distances = turned.iter().map(|form| form.distance(value)).zip(Dihedral::ALL);
            distances.min().unwrap_or((distance, Dihedral::Original))
        }
        _ => (distance, Dihedral::Original),
    };
    let (side_a, side_b) = (Side::of(hash_a), Side::of(hash_b));
    let level = if side_a.is_flat() || side_b.is_flat() {
        "flat"
    } else if variant_distance <= algorithm.default_radius() {
        "near"
    } else if variant_distance <= algorithm.default_review_radius() {
        "possible"
    } else {
        "different"
    };
    Ok(Comparison {
        algorithm: algorithm.name(),
        distance,
        variant: variant.name(),
        variant_distance,
        radius: algorithm.default_radius(),
        review_radius: algorithm.default_review_radius(),
        level,
        a: side_a,
        b: side_b,
    })
}
