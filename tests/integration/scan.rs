//! `scan` over the hostile folder, whole, through the real command.

use std::collections::BTreeSet;
use std::path::Path;

use onceseen::decode::Limits;
use onceseen::scan::Scanner;
use serde_json::Value;

use crate::shared_data::folder;
use crate::testenv::{TestEnv, finish, pictures};

/// Peak memory of a scan, in KiB: 1 GiB is what the GUIDE promises.
#[cfg(target_os = "linux")]
const MAX_PEAK_KIB: u64 = 1 << 20;

#[test]
fn every_hostile_file_is_one_record_within_memory() {
    let Some(hostile) = folder("hostile") else { return };
    let hostile = hostile.canonicalize().unwrap();
    let env = TestEnv::with_pictures();
    env.expect(0, "list build known -o known.osl");
    let run = |threads: &str| {
        let mut command = env.command();
        command
            .args(["scan", "--known", "known.osl", "--json-summary", "s.json", "-j", threads])
            .arg(&hostile);
        finish(command, b"")
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
}

/// The command's peak is read from a shell that runs it under its own limit of address space: a
/// decoder that asks for more than the promise fails, and the record says so.
#[cfg(target_os = "linux")]
#[test]
fn peak_memory_over_the_hostile_folder_stays_under_the_promise() {
    use std::time::Duration;
    let Some(hostile) = folder("hostile") else { return };
    let env = TestEnv::with_pictures();
    let mut command = env.command();
    command.args(["scan", "--known", "known", "-j", "2"]).arg(hostile.canonicalize().unwrap());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    eprintln!("peak memory over the hostile folder: {} MiB", peak >> 10);
    assert!(peak > 0 && peak < MAX_PEAK_KIB, "{} MiB", peak >> 10);
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
    let bytes = std::fs::read(pictures().join("known/scene-03.png")).unwrap();
    let record = Scanner::builder().limits(limits).build().examine(Path::new("a"), &bytes);
    assert_eq!(record.format, Some("png"));
    assert_eq!(record.reason.as_deref(), Some("too large: 120000 pixels, allowed 1000"));
}
