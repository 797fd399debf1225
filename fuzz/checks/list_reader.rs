//! Any bytes opened as a list, and a good list with damage behind repaired checksums: whatever opens
//! is served without a panic.
//!
//! Byte 0 says which: even, the rest is the file; odd, the rest damages a good list (bits 1 and 2 say
//! which) in patches of 6 bytes: place (u32, modulo the file's length), value, and how many more bytes
//! get it. Bit 3 asks for a copy of the list through the builder, whose temporary files take long.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use onceseen::bits::{Hash64, Hash256};
use onceseen::digest::{Digest, DigestKind};
use onceseen::hash::{Algorithm, ImageHash};
use onceseen::index::{EntryId, IndexChoice};
use onceseen::list::{BuildIndex, Claim, HashList, ImportedRow, ListBuilder};
use onceseen::matcher::{Matcher, Query};
use sha2::{Digest as _, Sha256};

/// Places in the header, from the format's page.
const HEADER_LEN: usize = 4096;
const TABLE_AT: usize = 64;
const ENTRY_LEN: usize = 64;
const CHECKSUM_AT: usize = HEADER_LEN - 32;

/// Entries and claims looked at: enough for every list that is built here, and a bound on the time
/// that a damaged one may ask for.
const LOOKED_AT: u32 = 64;

/// Panics when an invariant does not hold for these bytes.
pub(crate) fn check(data: &[u8]) {
    let Some((&mode, data)) = data.split_first() else { return };
    let bytes = if mode & 1 == 0 { data.to_vec() } else { damaged(mode, data) };
    let opened = HashList::from_bytes(bytes);
    match opened {
        Ok(list) => {
            if mode & 8 != 0 {
                copy(&list);
            }
            use_everything(list);
        }
        Err(error) => drop(error.to_string()),
    }
}

fn damaged(mode: u8, patches: &[u8]) -> Vec<u8> {
    let mut file = GOOD_LISTS[usize::from(mode >> 1) % GOOD_LISTS.len()].clone();
    for [a, b, c, d, value, count] in patches.as_chunks::<6>().0 {
        let at = u32::from_le_bytes([*a, *b, *c, *d]) as usize % file.len();
        file[at..].iter_mut().take(usize::from(*count) + 1).for_each(|byte| *byte = *value);
    }
    repair(&mut file);
    file
}

/// Makes the checksums of the manifest, the table and the header right again.
fn repair(file: &mut [u8]) {
    let field = |at: usize| {
        let bytes = file.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        usize::try_from(bytes.map_or(0, u64::from_le_bytes)).unwrap_or(usize::MAX)
    };
    let (offset, len) = (field(TABLE_AT + 8), field(TABLE_AT + 16));
    if let Some(manifest) = file.get(offset..offset.saturating_add(len)) {
        let checksum = Sha256::digest(manifest);
        file[TABLE_AT + 32..TABLE_AT + ENTRY_LEN].copy_from_slice(&checksum);
    }
    let checksum = Sha256::digest(&file[..CHECKSUM_AT]);
    file[CHECKSUM_AT..HEADER_LEN].copy_from_slice(&checksum);
}

fn use_everything(list: HashList) {
    let _ =
        (list.verify(), list.digest(), list.len(), list.format_version(), list.manifest().clone());
    for algorithm in Algorithm::ALL {
        let _ = list.index_byte_lens(algorithm);
        let count = list.hash_count(algorithm);
        for entry in (0..count.min(LOOKED_AT)).chain([count, u32::MAX]) {
            let _ = list.hash_claims(algorithm, EntryId(entry));
        }
    }
    for kind in DigestKind::ALL {
        let count = list.digest_count(kind);
        for entry in (0..count.min(LOOKED_AT)).chain([count, u32::MAX]) {
            let _ = list.digest_claims(kind, EntryId(entry));
        }
        let zero = Digest::from_bytes(kind, &vec![0; kind.byte_len()]).expect("right length");
        let _ = list.find_digest(&zero);
    }
    look_up(Arc::new(list));
}

/// Reads every claim of every entry through the builder.
fn copy(list: &HashList) {
    if list.len() < u64::from(LOOKED_AT) && list.claim_count() < LOOKED_AT as usize {
        let mut copy = ListBuilder::new("copy").expect("a temporary file");
        // Refused where entries share claims that belong to one.
        let _ = copy.push_list(list);
    }
}

fn look_up(list: Arc<HashList>) {
    for choice in IndexChoice::ALL {
        let mut builder = Matcher::builder();
        builder.list(Arc::clone(&list)).index(choice).radius(31).review_radius(64);
        let Ok(matcher) = builder.build() else { continue };
        for algorithm in list.algorithms() {
            for seed in [0, 7] {
                matcher.matches(&Query::of_hash(hash(algorithm, seed)));
            }
        }
    }
}

/// Lists of every shape that a builder makes: every algorithm and digest, groups of claims, no
/// entry at all.
static GOOD_LISTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let small = [Algorithm::Pdq];
    vec![
        build("all", BuildIndex::BkTree, 40, &Algorithm::ALL),
        build("pdq", BuildIndex::BkTree, 200, &small),
        build("empty", BuildIndex::Auto, 0, &small),
        build("mih", BuildIndex::Mih, 20, &[Algorithm::Mean]),
    ]
});

fn build(name: &str, index: BuildIndex, rows: u64, algorithms: &[Algorithm]) -> Vec<u8> {
    let mut builder = ListBuilder::new(name).expect("a temporary file");
    builder.index(index);
    for seed in 0..rows {
        let row = ImportedRow {
            // Half of the hashes come twice, so that entries with several claims exist.
            hashes: algorithms.iter().map(|algorithm| hash(*algorithm, seed / 2)).collect(),
            digests: DigestKind::ALL
                .into_iter()
                .filter_map(|kind| digest(kind, seed / 3))
                .collect(),
            claim: Claim {
                record: Some(format!("r-{seed}")),
                category: (seed % 2 == 0).then(|| "ncmec:A1".to_owned()),
                fields: vec![("note".to_owned(), seed.to_string())],
                ..Claim::default()
            },
        };
        builder.push(&row, name).expect("a temporary file");
    }
    let path = temporary_path(name);
    builder.finish(&path).expect("a temporary file");
    let bytes = std::fs::read(&path).expect("just written");
    std::fs::remove_file(&path).expect("just read");
    bytes
}

fn temporary_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("onceseen-fuzz-{}-{name}.osl", std::process::id()))
}

fn hash(algorithm: Algorithm, seed: u64) -> ImageHash {
    // Knuth's multiplier (MMIX) spreads consecutive seeds over all bits.
    let word = |salt: u64| (seed + salt).wrapping_mul(6_364_136_223_846_793_005);
    if algorithm.is_pdq() {
        ImageHash::pdq(algorithm, Hash256::from_words([1, 2, 3, 4].map(word)), None)
    } else {
        ImageHash::bits64(algorithm, Hash64::from_le_bytes(word(1).to_le_bytes()))
    }
}

fn digest(kind: DigestKind, seed: u64) -> Option<Digest> {
    Digest::from_bytes(kind, &Sha256::digest(seed.to_le_bytes())[..kind.byte_len().min(32)])
}
