//! The committed pictures are what our generator renders, to the byte, and nothing else.

#[path = "../support/pictures.rs"]
mod generator;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a clone should cost at most.
const MOST_BYTES: usize = 1_500_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures")
}

#[test]
fn committed_pictures_are_what_the_generator_renders_and_no_others() {
    let files = generator::files();
    for (path, bytes) in &files {
        let committed =
            fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(committed == *bytes, "{path} differs: run the example render_pictures");
    }
    assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < MOST_BYTES);
    let rendered: BTreeSet<PathBuf> = files.iter().map(|(path, _)| root().join(path)).collect();
    let committed: BTreeSet<PathBuf> = walkdir::WalkDir::new(root())
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    assert_eq!(committed, rendered);
}
