//! `onceseen scan`: what of this is known?

use std::fs;

use anyhow::{Context, Result};
use onceseen::scan::Summary;

use crate::exit::Exit;
use crate::flags::Scan;
use crate::{messages, settings};

pub fn run(flags: &Scan) -> Result<Exit> {
    let matcher = settings::matcher(&flags.known, &flags.examine.work)?;
    let scanner = settings::scanner(&flags.examine.work, Some(matcher));
    let summary = super::examine(&scanner, &flags.input, &flags.examine, true)?;
    messages::note(&sentence(&summary));
    if let Some(path) = &flags.json_summary {
        let json = serde_json::to_string_pretty(&summary)?;
        fs::write(path, json + "\n").with_context(|| format!("{}", path.display()))?;
    }
    Ok(Exit::of(summary.known, summary.unexaminable))
}

fn sentence(summary: &Summary) -> String {
    let Summary { seen, known, unknown, unexaminable, not_an_image, .. } = summary;
    let Summary { exact, near, possible, negative, partial, .. } = summary;
    let mut text = format!(
        "{seen} files seen: {known} known ({exact} exact, {near} near, {possible} possible), \
         {unknown} unknown, {unexaminable} unexaminable, {not_an_image} not an image"
    );
    if *negative > 0 {
        text += &format!("\n{negative} matched by a negative list alone");
    }
    if *partial > 0 {
        text += &format!("\n{partial} truncated: what they hold was compared");
    }
    text
}
