//! `scan` over the hostile folder, whole, through the real command.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Child;

use onceseen::decode::Limits;
use onceseen::scan::Scanner;
use serde_json::Value;

use crate::shared_data::folder;
use crate::testenv::{TestEnv, finish_watched, pictures};

/// Peak memory of this scan, in KiB: below the 1.4 GiB that the GUIDE promises for any.
const MAX_PEAK_KIB: u64 = 1 << 20;

#[test]
fn every_hostile_file_is_one_record_within_memory() {
    let Some(hostile) = folder("hostile") else { return };
    let hostile = hostile.canonicalize().unwrap();
    let env = TestEnv::with_pictures();
    env.expect(0, "list build known -o known.osl");
    let mut peak = 0;
    let mut run = |threads: &str| {
        let mut command = env.command();
        command
            .args(["scan", "--known", "known.osl", "--json-summary", "s.json", "-j", threads])
            .arg(&hostile);
        finish_watched(command, b"", |process| peak = peak_kib(process).max(peak))
    };
    let ran = run("2");
    assert_eq!(ran.code(), 3, "{}", ran.stderr);
    let files: BTreeSet<String> = walkdir::WalkDir::new(&hostile)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| entry.path().to_str().unwrap().to_owned())
        .collect();
    let mut records = ran.json();
    // Pictures inside the files come on top.
    records
        .retain(|record| ["frame", "page", "preview"].iter().all(|field| record[*field].is_null()));
    let paths: Vec<&str> = records.iter().map(|record| record["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), files.len());
    assert_eq!(paths.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>(), files);
    for record in &records {
        let is_explained = record["status"] == "unknown" || record["reason"].is_string();
        assert!(is_explained, "no reason: {record}");
        assert_ne!(record["status"], "known", "{record}");
        assert!(!record["reason"].to_string().contains("defect"), "{record}");
    }
    let summary: Value = serde_json::from_slice(&env.read("s.json")).unwrap();
    assert_eq!(summary["seen"], records.len());
    assert!(run("1").stdout == ran.stdout, "one thread gives other records");
    eprintln!("peak memory over the hostile folder: {} MiB", peak >> 10);
    assert!(peak < MAX_PEAK_KIB, "{} MiB", peak >> 10);
    assert!(peak > 0 || cfg!(not(target_os = "linux")));
}

/// The most memory that a running process has had resident, in KiB; 0 where it cannot be told.
fn peak_kib(process: &Child) -> u64 {
    let status = format!("/proc/{}/status", process.id());
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[test]
fn a_limit_of_file_bytes_may_be_the_largest_number() {
    let mut limits = Limits::default();
    limits.max_file_bytes = u64::MAX;
    let mut builder = Scanner::builder();
    builder.limits(limits);
    let scanner = builder.build();
    let picture = crate::testenv::picture();
    let records = scanner.examine_reader("a".as_ref(), &mut picture.as_slice()).unwrap();
    assert_eq!((records.len(), records[0].format), (1, Some("jpeg")));
}

#[test]
fn a_picture_beyond_a_limit_is_too_large_and_keeps_its_format() {
    let mut limits = Limits::default();
    limits.max_pixels = 1000;
    let bytes = fs::read(pictures().join("known/scene-03.png")).unwrap();
    let record = Scanner::builder().limits(limits).build().examine(Path::new("a"), &bytes);
    assert_eq!(record.format, Some("png"));
    assert_eq!(record.reason.as_deref(), Some("too large: 120000 pixels, allowed 1000"));
}
