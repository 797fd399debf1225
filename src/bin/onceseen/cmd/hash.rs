//! `onceseen hash`: the hashes of images, one line each.

use anyhow::Result;

use crate::exit::Exit;
use crate::flags::Hash;
use crate::{messages, settings};

pub fn run(flags: &Hash) -> Result<Exit> {
    let scanner = settings::scanner(&flags.examine, None, flags.parts);
    let summary = super::examine(&scanner, &flags.input, &flags.examine, false)?;
    if summary.hashed != summary.seen {
        messages::note(&format!(
            "{} files seen: {} hashed, {} unexaminable, {} not an image",
            summary.seen, summary.hashed, summary.unexaminable, summary.not_an_image
        ));
    }
    Ok(Exit::of(0, summary.unexaminable))
}
