//! `onceseen scan`: what of this is known?

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use onceseen::list::HashList;
use onceseen::matcher::Matcher;
use onceseen::scan::Summary;
use serde::Serialize;

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
    let scanner = settings::scanner(&flags.examine, known, flags.parts);
    let summary = super::examine(&scanner, &flags.input, &flags.examine, true)?;
    settings::refuse_changed_lists(&matcher, &flags.known)?;
    sentences(&summary).iter().for_each(|sentence| messages::note(sentence));
    for cost in matcher.variant_costs() {
        let explained = flags.known.explain;
        let time = explained.then(|| format!(", {:.1} s", cost.time.as_secs_f64()));
        messages::note(&format!("{cost}{}", time.unwrap_or_default()));
    }
    if let Some((path, mut file)) = json_summary {
        let json = serde_json::to_string_pretty(&Report::of(&summary, &matcher, flags))?;
        file.write_all((json + "\n").as_bytes())
            .with_context(|| format!("{}: cannot write the summary", path.display()))?;
    }
    Ok(Exit::of(summary.known, summary.unexaminable))
}

/// What a finished scan says of itself: its counts, and what they depend on.
#[derive(Serialize)]
struct Report<'a> {
    onceseen: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
    lists: Vec<List<'a>>,
}

/// A list that was searched. The digest is that of `list info`.
#[derive(Serialize)]
struct List<'a> {
    path: Cow<'a, str>,
    name: &'a str,
    digest: String,
}

impl<'a> Report<'a> {
    fn of(summary: &'a Summary, matcher: &'a Matcher, flags: &'a Scan) -> Self {
        let list = |(path, list): (&'a PathBuf, &'a Arc<HashList>)| List {
            path: path.to_string_lossy(),
            name: &list.manifest().name,
            digest: list.digest(),
        };
        let lists = flags.known.known.iter().zip(matcher.lists()).map(list).collect();
        Self { onceseen: env!("CARGO_PKG_VERSION"), summary, lists }
    }
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
