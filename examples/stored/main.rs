//! What stored windows cost and find: a list of hashes against a list built with windows.
//!
//! ```text
//! cargo run --release --example stored -- DIRECTORY [COUNT] [FAMILY]
//! ```
//!
//! Lists up to COUNT (default 60) distinct pictures of the directory twice, once by their hashes
//! alone and once with windows, makes the changes of the robustness example (those of FAMILY: a part
//! of the name of a family or copy) to a 512-pixel JPEG copy of each, and asks a matcher with every
//! variant for the original. Prints bytes a picture of both lists, the share found by copy and by
//! family, and how many copies matched a picture that is not in them. `MISSED=FILE` asks for the
//! copies that the list with windows missed.

#[path = "../robustness/copies.rs"]
#[allow(dead_code, reason = "shared with the robustness example, which uses all of it")]
mod copies;
#[path = "../robustness/pictures.rs"]
#[allow(dead_code, reason = "shared with the robustness example, which uses all of it")]
mod pictures;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use image::RgbImage;
use onceseen::hash::{Algorithm, Hasher, ImageHash, PictureHashes};
use onceseen::list::{Claim, HashList, ImportedRow, ListBuilder, STORED_WINDOW, Source};
use onceseen::matcher::{Level, Matcher, Query};
use onceseen::variant::{VariantPlane, VariantSet, stored_windows};
use pictures::{Original, view};
use rayon::prelude::*;

/// Quality of the copies: what chats and forums save with.
const JPEG_QUALITY: copies::Quality = copies::Quality::Fixed(80);
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
    let mut missed = String::new();
    let mut families: Vec<(&str, Vec<[Outcome; 2]>)> = Vec::new();
    let is_wanted = |text: &str| text.contains(&wanted);
    for (family, name, change) in copies::CHANGES {
        if !is_wanted(family) && !is_wanted(name) {
            continue;
        }
        let outcomes: Vec<[Outcome; 2]> = (0..originals.len())
            .into_par_iter()
            .map(|index| {
                let beside = pictures::beside(originals.len(), index);
                let others: Vec<_> = beside.iter().map(|at| &originals[*at].picture).collect();
                let own = (index, &originals[index].picture);
                let copy = copies::changed(own, &others, *change, JPEG_QUALITY);
                [&plain, &windows].map(|matcher| outcome(matcher, &copy, index, &beside))
            })
            .collect();
        writeln!(out, "| {family} | {name} | {}", row(&outcomes))?;
        for (original, pair) in originals.iter().zip(&outcomes) {
            if !pair[1].found {
                missed += &format!("{family}\t{name}\t{}\n", original.path.display());
            }
        }
        match families.last_mut().filter(|(last, _)| last == family) {
            Some((_, all)) => all.extend(outcomes),
            None => families.push((family, outcomes)),
        }
    }
    for (family, outcomes) in families {
        writeln!(out, "| {family} | {} copies | {}", outcomes.len(), row(&outcomes))?;
    }
    match env::var("MISSED") {
        Ok(path) => fs::write(path, missed),
        Err(_) => Ok(()),
    }
}

fn row(outcomes: &[[Outcome; 2]]) -> String {
    let count = outcomes.len().max(1);
    let share = |is: &dyn Fn(&[Outcome; 2]) -> bool| {
        let tenths = (outcomes.iter().filter(|pair| is(pair)).count() * 1000 + count / 2) / count;
        format!("{}.{} %", tenths / 10, tenths % 10)
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

fn outcome(matcher: &Matcher, copy: &RgbImage, own: usize, beside: &[usize]) -> Outcome {
    let start = Instant::now();
    let hashes = hashes(copy);
    let plane = VariantPlane::new(&view(copy));
    let matches = matcher.matches(&Query::of_picture(&[], hashes).plane(Some(plane)));
    let time = start.elapsed();
    let names = |claims: &[Claim], of: &[usize]| {
        let named = |claim: &Claim| claim.record.as_deref().and_then(|record| record.parse().ok());
        claims.iter().filter_map(named).any(|at: usize| of.contains(&at))
    };
    let owned = || matches.iter().filter(|found| names(&found.claims, &[own]));
    let is_there = |claims: &[Claim]| names(claims, &[own]) || names(claims, beside);
    Outcome {
        near: owned().any(|found| found.level == Level::Near),
        found: owned().next().is_some(),
        stranger: matches.iter().any(|found| !is_there(&found.claims)),
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
