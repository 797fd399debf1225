//! How long a fresh process needs to its first answer from a list, whatever the list's size.
//!
//! `open_speed LIST [RADIUS]` maps the list and prints the microseconds of opening it, of the first
//! answer (which faults in the pages it touches) and of one more.

#![allow(clippy::print_stdout, reason = "a program that prints what it measured")]

#[path = "../tests/support/random.rs"]
mod random;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use onceseen::bits::Hash256;
use onceseen::hash::{Algorithm, ImageHash};
use onceseen::list::HashList;
use onceseen::matcher::{Matcher, Query};
use random::Random;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let path = words.first().ok_or("usage: open_speed LIST [RADIUS]")?;
    let radius = words.get(1).map_or(Ok(31), |radius| radius.parse())?;
    let start = Instant::now();
    // SAFETY: whoever measures does not change the file meanwhile.
    #[allow(unsafe_code, reason = "mapping is what is measured")]
    let list = unsafe { HashList::map(Path::new(path)) }?;
    let opened = start.elapsed();
    let mut builder = Matcher::builder();
    builder.radius(radius).review_radius(radius).list(list);
    let matcher = builder.build()?;
    let first = answer(&matcher, 1);
    println!(
        "opened in {} µs, first answer {first} µs, another {} µs",
        opened.as_micros(),
        answer(&matcher, 2)
    );
    Ok(())
}

/// Microseconds of looking a made-up hash up.
fn answer(matcher: &Matcher, seed: u64) -> u128 {
    let words = Hash256::from_words(Random::new(seed * 4).words());
    let hash = ImageHash::pdq(Algorithm::Pdq, words, Some(100));
    let start = Instant::now();
    let found = matcher.matches(&Query::of_hash(hash));
    let elapsed = start.elapsed().as_micros();
    assert!(found.len() < 1000, "random hashes are not alike");
    elapsed
}
