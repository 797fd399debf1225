//! Building a list from the library: a hash file and our own claims, then looking one of them up.
//!
//! `cargo run --example build_list -- OUT.osl [HASHFILE]`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;

use onceseen::hash::{Algorithm, ImageHash};
use onceseen::list::{
    Claim, HashList, ImportSettings, Imported, ImportedRow, Importer, ListBuilder, Source,
};
use onceseen::matcher::{Matcher, Query};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("usage: build_list OUT.osl [HASHFILE]")?;
    let mut builder = ListBuilder::new("example")?;

    if let Some(path) = arguments.next() {
        let mut source = Source { name: "partner".into(), ..Source::default() };
        for item in Importer::open(&path, ImportSettings::default())? {
            match item? {
                Imported::Row(row) => {
                    builder.push(&row, &source.name)?;
                    source.rows += 1;
                }
                Imported::Refused(row) => {
                    eprintln!("{}: {row}", path.display());
                    source.refuse(row.line(), row.to_string());
                }
            }
        }
        builder.source(source);
    }

    let hash = ImageHash::parse(Algorithm::Pdq, &"0f1e2d3c4b5a6978".repeat(4))?;
    let claim = Claim {
        record: Some("case-17/1".into()),
        category: Some("ncmec:A1".into()),
        ..Claim::default()
    };
    builder.push(&ImportedRow { hashes: vec![hash], claim, ..ImportedRow::default() }, "us")?;
    builder.finish(&out)?;

    let matcher = Matcher::builder().list(HashList::read(&out)?).build()?;
    for found in matcher.matches(&Query::of_hash(hash)) {
        println!("distance {}: {:?}", found.distance, found.claims);
    }
    Ok(())
}
