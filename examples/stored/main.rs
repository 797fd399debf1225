//! What stored windows cost and find: a list of hashes against a list built with windows.
//!
//! ```text
//! cargo run --release --example stored -- DIRECTORY [COUNT] [FAMILY]
//! ```
//!
//! Lists up to COUNT (default 60) distinct pictures of the directory twice, once by their hashes
//! alone and once with windows, makes the harder changes of the robustness example to a 512-pixel
//! JPEG copy of each, and asks a matcher with every variant for the original. Prints bytes a picture
//! of both lists and the share found, and how many copies matched another picture.

#[path = "../robustness/copies.rs"]
#[allow(dead_code, reason = "shared with the robustness example, which uses all of it")]
mod copies;
#[path = "../robustness/pictures.rs"]
mod pictures;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, io};

use image::RgbImage;
use onceseen::hash::{Algorithm, Hasher, ImageHash, PictureHashes};
use onceseen::list::{Claim, HashList, ImportedRow, ListBuilder, STORED_WINDOW, Source};
use onceseen::matcher::{Level, Matcher, Query};
use onceseen::variant::{VariantPlane, VariantSet, stored_windows};
use pictures::{Original, view};
use rayon::prelude::*;

/// Quality of the copies: what chats and forums save with.
const JPEG_QUALITY: u8 = 80;
/// Families that stored windows are for.
const FAMILIES: [&str; 3] = ["cropped", "combined", "heavy"];

/// What became of one copy.
struct Outcome {
    near: bool,
    found: bool,
    stranger: bool,
    time: Duration,
}

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "../shared/data/images".into());
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(60);
    let wanted = arguments.next().unwrap_or_default();
    let originals = pictures::originals(Path::new(&directory), count);
    let plain = list(&originals, "hashes", false).map_err(io::Error::other)?;
    let windows = list(&originals, "windows", true).map_err(io::Error::other)?;
    let entries = windows.hash_count(Algorithm::Pdq);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} pictures; {} bytes without windows, {} with; {entries} hashes",
        originals.len(),
        plain.byte_len(),
        windows.byte_len(),
    )?;
    writeln!(
        out,
        "| family | copy | hashes: near | found | windows: near | found | stranger | ms, hashes | ms, windows |"
    )?;
    writeln!(out, "{}|", "| --- ".repeat(9))?;
    let [plain, windows] = [plain, windows].map(|list| {
        Matcher::builder().list(list).variants(VariantSet::All).build().expect("settings are right")
    });
    for (family, name, change) in copies::CHANGES {
        if !FAMILIES.contains(family) || !family.contains(&wanted) {
            continue;
        }
        let outcomes: Vec<[Outcome; 2]> = (0..originals.len())
            .into_par_iter()
            .map(|index| {
                let beside = pictures::beside(originals.len(), index);
                let others: Vec<_> = beside.iter().map(|at| &originals[*at].picture).collect();
                let own = (index, &originals[index].picture);
                let copy = copies::changed(own, &others, *change, JPEG_QUALITY);
                [&plain, &windows].map(|matcher| outcome(matcher, &copy, index))
            })
            .collect();
        writeln!(out, "| {family} | {name} | {}", row(&outcomes))?;
    }
    Ok(())
}

fn row(outcomes: &[[Outcome; 2]]) -> String {
    let count = outcomes.len().max(1);
    let share = |is: &dyn Fn(&[Outcome; 2]) -> bool| {
        format!("{} %", (outcomes.iter().filter(|pair| is(pair)).count() * 100 + count / 2) / count)
    };
    let time = |of: usize| {
        let total: Duration = outcomes.iter().map(|pair| pair[of].time).sum();
        format!(
            "{:.1}",
            total.as_secs_f64() * 1000.0 / f64::from(u32::try_from(count).unwrap_or(1))
        )
    };
    let strangers = outcomes.iter().filter(|pair| pair[1].stranger).count();
    format!(
        "{} | {} | {} | {} | {strangers} | {} | {} |",
        share(&|pair| pair[0].near),
        share(&|pair| pair[0].found),
        share(&|pair| pair[1].near),
        share(&|pair| pair[1].found),
        time(0),
        time(1),
    )
}

fn outcome(matcher: &Matcher, copy: &RgbImage, own: usize) -> Outcome {
    let start = Instant::now();
    let hashes = hashes(copy);
    let plane = VariantPlane::new(&view(copy));
    let matches = matcher.matches(&Query::of_picture(&[], hashes).plane(Some(plane)));
    let time = start.elapsed();
    let name = own.to_string();
    let is_own = |claims: &[Claim]| claims.iter().any(|claim| claim.record.as_ref() == Some(&name));
    let own = || matches.iter().filter(|found| is_own(&found.claims));
    Outcome {
        near: own().any(|found| found.level == Level::Near),
        found: own().next().is_some(),
        stranger: matches.iter().any(|found| !is_own(&found.claims)),
        time,
    }
}

fn list(
    originals: &[Original],
    name: &str,
    with_windows: bool,
) -> Result<HashList, onceseen::list::ListError> {
    let mut builder = ListBuilder::new(name)?;
    let mut source = Source { name: STORED_WINDOW.into(), ..Source::default() };
    for (at, original) in originals.iter().enumerate() {
        let claim = Claim { record: Some(at.to_string()), ..Claim::default() };
        let row = |hash, claim| {
            let hash = ImageHash::pdq(Algorithm::Pdq, hash, None);
            ImportedRow { hashes: vec![hash], digests: Vec::new(), claim }
        };
        builder.push(&row(original.hash, claim.clone()), name)?;
        let windows = with_windows.then(|| stored_windows(&original.plane, original.hash));
        for window in windows.into_iter().flatten() {
            builder.push(&row(window.hash(), claim.on_window(window.name())), name)?;
            source.rows += 1;
        }
    }
    builder.source(source);
    builder.finish_in_memory()
}

fn hashes(picture: &RgbImage) -> PictureHashes {
    Hasher::new(&[Algorithm::Pdq]).hash(&view(picture))
}
