//! Damaged lists: never a panic or a signal, and `verify` sees every change.

use std::panic::{AssertUnwindSafe, catch_unwind};

use onceseen::bits::{Hash64, Hash256};
use onceseen::digest::Digests;
use onceseen::hash::{Algorithm, ImageHash, PictureHashes};
use onceseen::index::IndexChoice;
use onceseen::list::{BuildIndex, HashList, ListBuilder};
use onceseen::matcher::{Matcher, Query};
use sha2::{Digest as _, Sha256};

use crate::random::Random;
use crate::testenv::TestEnv;

const PAGE: usize = 4096;

/// A list of pictures with several claims an entry, all columns and both indexes.
fn list(env: &TestEnv) -> Vec<u8> {
    env.expect(0, "list build known known evidence --source a --source b --source c --index all -a pdq,phash -o list.osl");
    env.read("list.osl")
}

/// Offset and length of every section, from the header.
fn sections(list: &[u8]) -> Vec<(usize, usize)> {
    let word = |at: usize| {
        usize::try_from(u64::from_le_bytes(list[at..at + 8].try_into().unwrap())).unwrap()
    };
    let count = word(24) & 0xffff_ffff;
    (0..count).map(|row| (word(64 + row * 64 + 8), word(64 + row * 64 + 16))).collect()
}

/// A damage that is done when it is wanted: hundreds of damaged lists at once would fill the memory.
type Damage = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// Every kind of damage.
fn damages(list: &[u8]) -> Vec<(String, Damage)> {
    let mut out: Vec<(String, Damage)> = Vec::new();
    let mut random = Random::new(7);
    let mut change = |name: String, at: usize, bytes: &[u8]| {
        let bytes = bytes[..bytes.len().min(list.len() - at)].to_vec();
        if list[at..at + bytes.len()] != bytes {
            let overwrite = move |list: &[u8]| {
                let mut copy = list.to_vec();
                copy[at..at + bytes.len()].copy_from_slice(&bytes);
                copy
            };
            out.push((name, Box::new(overwrite)));
        }
    };
    for at in (0..64).chain((64..PAGE).step_by(37)).chain(PAGE - 32..PAGE) {
        change(format!("header byte {at}"), at, &[list[at] ^ 0x81]);
    }
    for (start, len) in sections(list) {
        for at in [0, 1, len / 3, len / 2, len.saturating_sub(1)]
            .map(|at| start + at.min(len.saturating_sub(1)))
        {
            change(format!("section at {start}, byte {at}"), at, &[list[at] ^ 1]);
        }
        for _ in 0..4 {
            let at = start + random.index(len.max(1));
            let noise: Vec<u8> = (0..16).map(|_| random.next().to_le_bytes()[0]).collect();
            for (what, bytes) in [("ff", &[0xff; 16][..]), ("zeros", &[0; 16]), ("random", &noise)]
            {
                change(format!("{what} at {at}"), at, bytes);
            }
        }
    }
    let cuts = (0..60).map(|step| step * list.len() / 60);
    for len in cuts.chain([1, 7, 8, 12, 63, 64, PAGE - 1, PAGE, PAGE + 1, list.len() - 1]) {
        out.push((format!("cut to {len}"), Box::new(move |list| list[..len].to_vec())));
    }
    for more in [1, 16, PAGE] {
        out.push((format!("{more} more"), Box::new(move |list| [list, &vec![0; more]].concat())));
    }
    out.extend(swaps(list));
    out
}

/// Swaps the contents of neighbours: the table says otherwise then.
fn swaps(list: &[u8]) -> Vec<(String, Damage)> {
    let mut out: Vec<(String, Damage)> = Vec::new();
    for pair in sections(list).windows(2) {
        let ((first, first_len), (second, second_len)) = (pair[0], pair[1]);
        let len = first_len.min(second_len);
        if list[first..first + len] != list[second..second + len] {
            let swap = move |list: &[u8]| {
                let mut copy = list.to_vec();
                copy[first..first + len].copy_from_slice(&list[second..second + len]);
                copy[second..second + len].copy_from_slice(&list[first..first + len]);
                copy
            };
            out.push((format!("swapped {first} and {second}"), Box::new(swap)));
        }
    }
    out
}

#[test]
fn verify_sees_every_one_of_hundreds_of_damages_and_names_a_place() {
    let env = TestEnv::with_pictures();
    let list = list(&env);
    let damages = damages(&list);
    assert!(damages.len() > 400, "{}", damages.len());
    for (what, damage) in &damages {
        env.write("damaged.osl", damage(&list));
        let ran = env.run("list verify damaged.osl");
        assert_eq!(ran.code(), 2, "{what}: {}", ran.stderr);
        let said = ran.stderr.lines().next().unwrap_or_default();
        assert!(said.starts_with("onceseen: damaged.osl: "), "{what}: {said}");
        let words = [
            "header",
            "section",
            "manifest",
            "column",
            "claims",
            "strings",
            "labels",
            "bk-tree",
            "mih",
            "bytes",
            "empty",
            "not a compiled hash list",
            "newer",
        ];
        assert!(words.iter().any(|word| said.contains(word)), "{what}: {said}");
    }
}

/// A damaged list hides what is known: "nothing known" must not be said of it, nor may it become a whole
/// one.
#[test]
fn damaged_lists_are_refused_wherever_a_list_is_used() {
    let env = TestEnv::with_pictures();
    let list = list(&env);
    let evidence = "evidence/bytes/copy-of-00.jpg";
    for (number, (what, damage)) in damages(&list).iter().enumerate().step_by(5) {
        env.write("damaged.osl", damage(&list));
        let line = match number / 5 % 7 {
            0 => "list build damaged.osl -o new.osl",
            1 => "list merge list.osl damaged.osl -o new.osl",
            2 => "list export damaged.osl",
            3 => "list diff list.osl damaged.osl",
            4 => "match 0123456789abcdef0123456789abcdef --known damaged.osl",
            5 => &format!("scan {evidence} --known damaged.osl --preload"),
            _ => &format!("scan {evidence} --known list.osl --known damaged.osl -j 1"),
        };
        let ran = env.run(line);
        assert_eq!(ran.code(), 2, "{what}: {line}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{what}: {line}");
        assert!(ran.stderr.starts_with("onceseen: damaged.osl: "), "{what}: {}", ran.stderr);
        assert!(!env.path("new.osl").exists(), "{what}: {line}");
    }
}

/// Makes header and table agree with the sections again, so that damage gets past them.
fn repair(list: &mut [u8]) {
    let sections = sections(list);
    for (row, (start, len)) in sections.iter().enumerate() {
        let checksum = Sha256::digest(&list[*start..start + len]);
        list[64 + row * 64 + 32..64 + row * 64 + 64].copy_from_slice(&checksum);
    }
    let digest = Sha256::digest(&list[64..64 + sections.len() * 64]);
    list[32..64].copy_from_slice(&digest);
    let checksum = Sha256::digest(&list[..PAGE - 32]);
    list[PAGE - 32..PAGE].copy_from_slice(&checksum);
}

/// Looks everything up in every way; whatever comes out, nothing may panic.
fn use_everything(bytes: Vec<u8>, digests: &Digests) -> Result<(), String> {
    let list = HashList::from_bytes(bytes).map_err(|error| error.to_string())?;
    list.verify();
    let _ = format!(
        "{list:?} {:?} {} {} {}",
        list.manifest(),
        list.digest(),
        list.claim_count(),
        list.is_empty()
    );
    let mut builder = ListBuilder::new("again").map_err(|error| error.to_string())?;
    builder.index(BuildIndex::All);
    builder.push_list(&list).map_err(|error| error.to_string())?;
    builder.finish_in_memory().map_err(|error| error.to_string())?;
    let queries = [
        Query::of_picture(digests.all(), PictureHashes::default()),
        Query::of_hash(ImageHash::pdq(Algorithm::Pdq, Hash256::from_words([0; 4]), None)),
        Query::of_hash(ImageHash::pdq(
            Algorithm::Pdq,
            Hash256::from_words([u64::MAX, 0, 1, 2]),
            None,
        )),
        Query::of_hash(ImageHash::bits64(Algorithm::Phash, Hash64::from_le_bytes([0x5a; 8]))),
    ];
    let list = std::sync::Arc::new(list);
    for choice in [IndexChoice::Auto, IndexChoice::BkTree, IndexChoice::Mih, IndexChoice::Linear] {
        for radius in [0, 31, 256] {
            let mut matcher = Matcher::builder();
            matcher.list(std::sync::Arc::clone(&list)).index(choice).radius(radius);
            if let Ok(matcher) = matcher.build() {
                matcher.match_batch(&queries);
            }
        }
    }
    Ok(())
}

#[test]
fn damage_behind_valid_checksums_never_panics() {
    let env = TestEnv::with_pictures();
    let list = list(&env);
    let digests = Digests::of(&env.read("known/scene-00.jpg"));
    use_everything(list.clone(), &digests).unwrap();
    let (start, end) = (PAGE, list.len());
    let mut random = Random::new(11);
    let mut opened = 0;
    for round in 0..200 {
        let mut bytes = list.clone();
        let sections = sections(&list);
        for _ in 0..=random.index(3) {
            let (at, len) = sections[random.index(sections.len())];
            let at = at + random.index(len.max(1));
            let value = [
                [0xff; 16],
                [0; 16],
                [0x80; 16],
                random.next().to_le_bytes().repeat(2).try_into().unwrap(),
            ];
            let value = value[random.index(4)];
            let len = [1, 4, 16][random.index(3)].min(end - at.max(start));
            bytes[at..at + len].copy_from_slice(&value[..len]);
        }
        repair(&mut bytes);
        let result = catch_unwind(AssertUnwindSafe(|| use_everything(bytes, &digests)));
        opened += u32::from(result.unwrap_or_else(|_| panic!("round {round} panicked")).is_ok());
    }
    assert!(opened > 100, "only {opened} lists opened: the damage does not reach the sections");
}

#[test]
fn damage_in_a_repaired_table_never_panics() {
    let env = TestEnv::with_pictures();
    let list = list(&env);
    let digests = Digests::of(b"");
    let rows = sections(&list).len();
    let mut random = Random::new(13);
    for round in 0..200 {
        let mut bytes = list.clone();
        let at = 8 + random.index(56 + rows * 64);
        let len = [1, 4, 8][random.index(3)];
        let value = [
            [0xff; 8],
            [0; 8],
            random.next().to_le_bytes(),
            (random.index(64) as u64 * 4096).to_le_bytes(),
        ];
        bytes[at..at + len].copy_from_slice(&value[random.index(4)][..len]);
        let digest = Sha256::digest(&bytes[..PAGE - 32]);
        bytes[PAGE - 32..PAGE].copy_from_slice(&digest);
        let result = catch_unwind(AssertUnwindSafe(|| use_everything(bytes, &digests)));
        assert!(result.is_ok(), "round {round} panicked");
    }
}
