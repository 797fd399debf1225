//! What once broke stays mended: every stored input of a fuzz target is replayed, by the very code that
//! the fuzzer runs. A few inputs made here see to it that the checks reach what they check.

use std::path::{Path, PathBuf};

#[path = "../../fuzz/checks/bktree_vs_linear.rs"]
mod bktree_vs_linear;
#[path = "../../fuzz/checks/decode_and_hash.rs"]
mod decode_and_hash;
#[path = "../../fuzz/checks/import.rs"]
mod import;
#[path = "../../fuzz/checks/list_reader.rs"]
mod list_reader;
#[path = "../../fuzz/checks/mih_vs_linear.rs"]
mod mih_vs_linear;
#[path = "../../fuzz/checks/search_input.rs"]
mod search_input;

/// What a fuzz target does with its bytes: panics when an invariant does not hold.
type Check = fn(&[u8]);

/// Every fuzz target with its check.
const TARGETS: [(&str, Check); 5] = [
    ("bktree_vs_linear", bktree_vs_linear::check),
    ("decode_and_hash", decode_and_hash::check),
    ("import", import::check),
    ("list_reader", list_reader::check),
    ("mih_vs_linear", mih_vs_linear::check),
];

#[test]
fn every_stored_input_passes_its_check() {
    for (target, check) in TARGETS {
        for path in stored(target) {
            eprintln!("replaying {}", path.display());
            check(&std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn every_stored_input_belongs_to_a_target() {
    for folder in entries(&data()).into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "no target called {name}");
    }
}

#[test]
fn short_inputs_pass_every_check() {
    for (_, check) in TARGETS {
        for len in 0..80 {
            check(&vec![1; len]);
        }
    }
}

#[test]
fn a_list_damaged_in_any_part_is_refused_or_served() {
    // Bytes spread over the header, the table and every section; the mode is odd: a good list damaged.
    for place in (0_u32..200_000).step_by(997) {
        let [a, b, c, d] = place.to_le_bytes();
        for mode in [1, 3, 5, 9] {
            list_reader::check(&[mode, a, b, c, d, 0xff, 7]);
        }
    }
}

#[test]
fn clusters_and_duplicates_are_found_by_every_index() {
    let steps: Vec<u8> = (0_u32..2000).map(|step| (step * step % 251).to_le_bytes()[0]).collect();
    for (flags, width) in [(2, 8), (3, 32)] {
        let mut data = vec![flags, 30, 1, 100, 0, 0, 0, 0xff];
        data.extend(std::iter::repeat_n(0x5a, width));
        data.extend(&steps);
        bktree_vs_linear::check(&data);
        mih_vs_linear::check(&data);
    }
}

fn stored(target: &str) -> Vec<PathBuf> {
    let folder = data().join(target);
    if folder.is_dir() { entries(&folder) } else { Vec::new() }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz")
}
