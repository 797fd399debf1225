//! Embedding in a backend: bytes in, verdict out, from many threads; the list reloaded while queries
//! run.
//!
//! `cargo run --example backend --no-default-features -- LIST IMAGE…`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onceseen::list::HashList;
use onceseen::matcher::{LiveMatcher, Matcher, Pending};
use onceseen::record::Record;
use onceseen::scan::Scanner;

/// What a backend keeps: the scanner, and the matcher behind it that may change.
struct Recogniser {
    known: Arc<LiveMatcher>,
    scanner: Scanner,
}

impl Recogniser {
    fn open(list: &Path) -> Result<Self, Box<dyn Error>> {
        let mut settings = Matcher::builder();
        // `read` copies the list into memory. A backend whose lists are only ever replaced by rename
        // uses `HashList::map` and shares the pages with every other process.
        settings.list(HashList::read(list)?);
        let known = Arc::new(LiveMatcher::new(settings)?);
        let scanner = Scanner::builder().live_matcher(Arc::clone(&known)).build();
        Ok(Self { known, scanner })
    }

    /// Takes a new list into use; queries in flight finish on the old one, whose memory goes with the
    /// last of them.
    fn reload(&self, list: &Path) -> Result<(), Box<dyn Error>> {
        self.known.reload(vec![Arc::new(HashList::read(list)?)], Pending::Keep)?;
        Ok(())
    }

    /// The verdict on one submission.
    fn verdict(&self, name: &Path, bytes: &[u8]) -> Record {
        self.scanner.examine(name, bytes)
    }

    /// An analyst decided: from now on this picture is known.
    fn learn(&self, seen: &Record) -> Result<(), Box<dyn Error>> {
        if let Some(row) = seen.to_row() {
            self.known.add(&[row], "our own analysts")?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let list = arguments.next().ok_or("usage: backend LIST IMAGE…")?;
    let recogniser = Recogniser::open(&list)?;
    let images: Vec<PathBuf> = arguments.collect();
    std::thread::scope(|scope| {
        for image in &images {
            let recogniser = &recogniser;
            scope.spawn(move || match std::fs::read(image) {
                Ok(bytes) => {
                    let record = recogniser.verdict(image, &bytes);
                    let matches = record.matches.map_or(0, |matches| matches.len());
                    println!("{}: {}, {matches} matches", record.path, record.status.name());
                }
                Err(error) => println!("{}: {error}", image.display()),
            });
        }
    });
    if let Some(image) = images.first() {
        recogniser.learn(&recogniser.verdict(image, &std::fs::read(image)?))?;
        let again = recogniser.verdict(image, &std::fs::read(image)?);
        println!("{}: {} once learned", again.path, again.status.name());
    }
    recogniser.reload(&list)
}
