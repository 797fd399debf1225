//! Embedding in a backend: bytes in, verdict out, from many threads; the list reloaded while queries
//! run.
//!
//! `cargo run --example backend --no-default-features -- LIST IMAGE…`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use onceseen::list::HashList;
use onceseen::matcher::Matcher;
use onceseen::record::Record;
use onceseen::scan::Scanner;

/// What a backend keeps: the scanner in use, replaced as a whole.
struct Recogniser {
    current: RwLock<Arc<Scanner>>,
}

impl Recogniser {
    fn open(list: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self { current: RwLock::new(Self::load(list)?) })
    }

    /// `read` copies the list into memory. A backend whose lists are only ever replaced by rename
    /// uses `HashList::map` and shares the pages with every other process.
    fn load(list: &Path) -> Result<Arc<Scanner>, Box<dyn Error>> {
        let matcher = Matcher::builder().list(HashList::read(list)?).build()?;
        Ok(Arc::new(Scanner::builder().matcher(Arc::new(matcher)).build()))
    }

    /// Takes a new list into use; queries in flight finish on the old one, whose memory goes with the
    /// last of them.
    fn reload(&self, list: &Path) -> Result<(), Box<dyn Error>> {
        let scanner = Self::load(list)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = scanner;
        Ok(())
    }

    /// The verdict on one submission.
    fn verdict(&self, name: &Path, bytes: &[u8]) -> Record {
        let scanner = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        scanner.examine(name, bytes)
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
    recogniser.reload(&list)
}
