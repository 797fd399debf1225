//! `onceseen scan`: what of this is known?

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use onceseen::scan::Summary;

use crate::exit::Exit;
use crate::flags::Scan;
use crate::{messages, settings};

pub fn run(flags: &Scan) -> Result<Exit> {
    // Lists that are compiled on the fly take no more threads than the pictures.
    settings::limit_threads(flags.examine.work.threads)?;
    // Made first: hours of work must not end in a summary that cannot be written.
    let json_summary = flags.json_summary.as_deref().map(|path| create(path, flags)).transpose()?;
    let matcher = settings::matcher(&flags.known, Some(&flags.variants), &flags.examine.work)?;
    let known = Some(Arc::clone(&matcher));
    let scanner = settings::scanner(&flags.examine.work, known, flags.parts, flags.examine.timings);
    let summary = super::examine(&scanner, &flags.input, &flags.examine, true)?;
    sentences(&summary).iter().for_each(|sentence| messages::note(sentence));
    for cost in matcher.variant_costs() {
        let explained = flags.known.explain;
        let time = explained.then(|| format!(", {:.1} s", cost.time.as_secs_f64()));
        messages::note(&format!("{cost}{}", time.unwrap_or_default()));
    }
    if let Some((path, mut file)) = json_summary {
        let json = serde_json::to_string_pretty(&summary)?;
        file.write_all((json + "\n").as_bytes())
            .with_context(|| format!("{}: cannot write the summary", path.display()))?;
    }
    Ok(Exit::of(summary.known, summary.unexaminable))
}

fn create<'a>(path: &'a Path, flags: &Scan) -> Result<(&'a Path, File)> {
    refuse_what_is_read(path, flags)?;
    let file = File::create(path)
        .with_context(|| format!("{}: cannot write the summary", path.display()))?;
    Ok((path, file))
}

/// Nothing is written into the evidence, and no slip of the pen overwrites a list.
fn refuse_what_is_read(path: &Path, flags: &Scan) -> Result<()> {
    let directory = settings::directory_of(path).canonicalize().unwrap_or_default();
    let place = directory.join(path.file_name().unwrap_or_default());
    let real = path.canonicalize().unwrap_or_else(|_| place.clone());
    let Scan { input, known, .. } = flags;
    for read in input.paths.iter().chain(&known.known).chain(&input.files_from) {
        let Ok(held) = read.canonicalize() else { continue };
        if real.starts_with(&held) || place.starts_with(&held) {
            let (path, read) = (path.display(), read.display());
            bail!("{path}: cannot write the summary: {read} is only read, name a place outside it");
        }
    }
    Ok(())
}

fn sentences(summary: &Summary) -> Vec<String> {
    let Summary { seen, known, unknown, unexaminable, not_an_image, .. } = summary;
    let Summary { exact, near, possible, negative, partial, .. } = summary;
    let Summary { further, parts, parts_failed, .. } = summary;
    let mut sentences = vec![format!(
        "{seen} files seen: {known} known ({exact} exact, {near} near, {possible} possible), \
         {unknown} unknown, {unexaminable} unexaminable, {not_an_image} not an image"
    )];
    if *negative > 0 {
        sentences.push(format!("{negative} matched by a negative list alone"));
    }
    if *partial > 0 {
        sentences.push(format!("{partial} seen in part only: what was seen was compared"));
    }
    if *parts + *parts_failed > 0 {
        sentences.push(format!(
            "{parts} more pictures inside files examined, {parts_failed} undecodable; \
             {further} further records"
        ));
    }
    sentences
}
