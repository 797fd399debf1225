//! The floors of the library: who may use whom, read from the sources themselves.
//!
//! A module uses modules of lower floors and its own folder. Also here: where `unsafe` may stand,
//! that every file says what it owns, and how many names the crate's root gives away.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the ground up; a module may use every floor before its own.
const FLOORS: [&[&str]; 10] = [
    &["hex", "num"],
    &["bits", "pixels"],
    &["arch", "scatter", "spill"],
    &["decode", "digest", "hash"],
    // Variants are hashed by PDQ's own transform and named by its dihedral forms.
    &["variant"],
    &["index"],
    &["list"],
    &["matcher"],
    &["record"],
    &["report", "scan"],
];

/// Where `unsafe` may stand: kernels, the memory map, its public entry point, and of the command the one place
/// that maps a list and the one that looks at standard output before Rust's runtime does.
const UNSAFE_FILES: [&str; 4] = [
    "src/list/map.rs",
    "src/list/mod.rs",
    "src/bin/onceseen/listing.rs",
    "src/bin/onceseen/output/start.rs",
];

/// Names that the crate's root may give away: more than fit on a page are not an overview.
const MAX_ROOT_NAMES: usize = 25;

#[test]
fn modules_use_lower_floors_and_their_own_folder_only() {
    assert_none(upward_uses);
}

#[test]
fn unsafe_stands_only_where_it_is_argued() {
    assert_none(misplaced_unsafe);
}

#[test]
fn every_file_says_what_it_owns() {
    assert_none(missing_doc);
}

#[test]
fn the_command_is_built_on_the_public_interface() {
    assert_none(private_uses);
}

#[test]
fn the_crates_root_gives_away_few_names() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let names = root_names(&text);
    assert!(names.len() <= MAX_ROOT_NAMES, "{} names: {names:?}", names.len());
}

#[test]
fn made_up_violations_are_seen() {
    let seen = |found: Vec<String>| assert_eq!(found.len(), 1, "{found:?}");
    seen(upward_uses("src/hash/mod.rs", "use crate::list::HashList;\n"));
    seen(upward_uses(
        "src/digest/mod.rs",
        "use crate::{\n    hex,\n    hash::{Algorithm, pdq},\n};\n",
    ));
    seen(upward_uses("src/scan/walk.rs", "fn f() { crate::report::escape::text(); }\n"));
    seen(upward_uses("src/matcher/mod.rs", "use crate::record::Record;\n"));
    seen(upward_uses("src/new.rs", "//! A module without a floor.\n"));
    seen(misplaced_unsafe("src/scan/walk.rs", "fn f() { unsafe { g() } }\n"));
    seen(misplaced_unsafe("src/list/mod.rs", "unsafe fn other() {}\n"));
    seen(misplaced_unsafe("src/bin/onceseen/cmd/scan.rs", "unsafe { map() }\n"));
    seen(missing_doc("src/bits.rs", "use std::fmt;\n"));
    seen(private_uses("src/bin/onceseen/main.rs", "#[path = \"../../num.rs\"]\nmod num;\n"));
    let names =
        root_names("pub mod bits;\npub(crate) mod num;\npub use list::{HashList, Claim as C};\n");
    assert_eq!(names, ["bits", "HashList", "C"]);
}

#[test]
fn allowed_uses_pass() {
    let passes = |found: Vec<String>| assert_eq!(found, [""; 0]);
    passes(upward_uses("src/record.rs", "use crate::matcher::Match;\nuse crate::hex;\n"));
    passes(upward_uses(
        "src/hash/pdq/mod.rs",
        "use crate::hash::dct;\n/// [`crate::list`]\nuse crate::arch;\n",
    ));
    passes(upward_uses("src/bin/onceseen/main.rs", "use crate::flags;\n"));
    passes(misplaced_unsafe("src/arch/x86_64.rs", "unsafe { load() }\n"));
    passes(misplaced_unsafe("src/bits.rs", "// unsafe is not needed\n#![deny(unsafe_code)]\n"));
}

/// Fails with everything that `check` finds in any source file.
fn assert_none(check: impl Fn(&str, &str) -> Vec<String>) {
    let sources = sources();
    assert!(sources.len() > 40, "only {} source files found", sources.len());
    let found: Vec<String> = sources.iter().flat_map(|(file, text)| check(file, text)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Uses of a module on the same floor or a higher one.
fn upward_uses(file: &str, text: &str) -> Vec<String> {
    let Some(module) = module_of(file) else { return Vec::new() };
    let Some(floor) = floor_of(module) else {
        return vec![format!("{file}: module {module} stands on no floor: add it to the table")];
    };
    let is_allowed = |used: &&str| *used == module || floor_of(used).is_none_or(|of| of < floor);
    let mut used = used_modules(&code_of(text));
    used.sort_unstable();
    used.dedup();
    let upward = used.iter().map(String::as_str).filter(|used| !is_allowed(used));
    upward.map(|used| format!("{file}: {module} may not use {used}")).collect()
}

fn misplaced_unsafe(file: &str, text: &str) -> Vec<String> {
    let is_unsafe = |line: &&str| words(line).any(|word| word == "unsafe");
    let is_allowed = |line: &str| match file {
        // Only the public entry point, which hands the map's contract on.
        "src/list/mod.rs" => {
            line.contains("unsafe fn map(") || line.contains("unsafe { ListBytes::map(")
        }
        _ => file.starts_with("src/arch/") || UNSAFE_FILES.contains(&file),
    };
    let code = code_of(text);
    let lines = code.lines().filter(is_unsafe).filter(|line| !is_allowed(line));
    lines.map(|line| format!("{file}: {}", line.trim())).collect()
}

fn missing_doc(file: &str, text: &str) -> Vec<String> {
    let is_missing = !text.starts_with("//!");
    is_missing.then(|| format!("{file}: does not begin with a module doc")).into_iter().collect()
}

/// Ways around the crate's public interface that the compiler would let pass.
fn private_uses(file: &str, text: &str) -> Vec<String> {
    if !file.starts_with("src/bin/") {
        return Vec::new();
    }
    let is_way_around = |line: &&str| line.contains("#[path") || line.contains("include!(");
    let code = code_of(text);
    code.lines().filter(is_way_around).map(|line| format!("{file}: {line}")).collect()
}

/// Public modules and re-exports of the crate's root.
fn root_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for item in code_of(text).split(';') {
        let item = item.trim();
        if let Some((_, module)) = item.rsplit_once("pub mod ") {
            names.push(module.to_owned());
        } else if let Some((_, uses)) = item.rsplit_once("pub use ") {
            let uses = uses.rsplit_once('{').map_or(uses, |(_, list)| list.trim_end_matches('}'));
            let last = |name: &str| words(name).last().map(str::to_owned);
            names.extend(uses.split(',').filter_map(last));
        }
    }
    names
}

/// The module that a file belongs to; `None` for the crate's root and for the command.
fn module_of(file: &str) -> Option<&str> {
    let inner = file.strip_prefix("src/")?;
    if inner == "lib.rs" || inner.starts_with("bin/") {
        return None;
    }
    inner.split(['/', '.']).next()
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// First segments of every path that begins with `crate::`, groups in braces included.
fn used_modules(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, marker) in code.match_indices("crate::") {
        let rest = &code[at + marker.len()..];
        match rest.strip_prefix('{') {
            Some(group) => used.extend(first_segments(group)),
            None => used.extend(words(rest).next().map(str::to_owned)),
        }
    }
    used
}

/// First segments of the items of a group whose opening brace is already behind.
fn first_segments(group: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut items = vec![String::new()];
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(character);
        }
    }
    items.iter().filter_map(|item| words(item).next().map(str::to_owned)).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_edge = |character: char| !(character.is_alphanumeric() || character == '_');
    text.split(is_edge).filter(|word| !word.is_empty())
}

/// The text without its comments.
fn code_of(text: &str) -> String {
    let code = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    code.flat_map(|line| [line, "\n"]).collect()
}

/// Every file below `src`, as a path with `/` and its text.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    files.sort();
    let named = files.into_iter().map(|path| {
        let inner = path.strip_prefix(root()).unwrap();
        let name = inner.to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/");
        (name, fs::read_to_string(&path).unwrap())
    });
    named.collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
