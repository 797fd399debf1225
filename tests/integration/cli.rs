//! The command's contract: exit statuses, records, formats, messages.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::testenv::{Ran, TestEnv, finish, wait};

const EXACT: [&str; 3] = ["copy-of-00.jpg", "copy-of-03.png", "notes.txt"];
const NEAR: [(&str, &str); 6] = [
    ("recompressed-01.jpg", "scene-01.jpg"),
    ("resized-02.jpg", "scene-02.jpg"),
    ("mirrored-04.jpg", "scene-04.jpg"),
    ("turned-05.jpg", "scene-05.jpg"),
    ("brighter-06.jpg", "scene-06.jpg"),
    ("captioned-10.jpg", "scene-10.jpg"),
];

fn levels(record: &Value) -> Vec<&str> {
    record["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["level"].as_str().unwrap())
        .collect()
}

fn built() -> TestEnv {
    let env = TestEnv::with_pictures();
    env.expect(0, "list build known --source partner-a -o known.osl");
    env
}

#[test]
fn scan_finds_every_copy_and_no_stranger() {
    let env = built();
    let ran = env.expect(3, "scan evidence --known known.osl");
    for name in EXACT {
        let record = ran.record(name);
        assert_eq!(record["status"], "known");
        assert_eq!(levels(&record)[0], "exact", "{name}");
        assert_eq!(record["matches"][0]["distance"], 0);
    }
    for (name, original) in NEAR {
        let record = ran.record(name);
        assert_eq!(levels(&record)[0], "near", "{name}");
        assert_eq!(record["matches"][0]["claims"][0]["record"], original);
        assert_eq!(record["matches"][0]["claims"][0]["source"], "partner-a");
    }
    assert_eq!(levels(&ran.record("cropped-09.jpg")), ["possible"]);
    for record in ran.json().iter().filter(|r| r["path"].as_str().unwrap().contains("phone")) {
        assert_eq!(
            (&record["status"], &record["matches"]),
            (&"unknown".into(), &Value::Array(vec![]))
        );
    }
    assert_eq!(ran.record("odd/flat.png")["status"], "unknown");
    let reason = ran.record("odd/flat.png")["reason"].to_string();
    assert!(reason.contains("quality 0") && reason.contains("digest only"), "{reason}");
    assert_eq!(ran.record("odd/truncated.jpg")["status"], "unexaminable");
    assert_eq!(ran.record("odd/truncated.jpg")["partial"], true);
    assert_eq!(ran.record("odd/text.jpg")["status"], "not-an-image");
    assert_eq!(ran.record("odd/empty.jpg")["status"], "not-an-image");
}

#[test]
fn records_are_the_same_for_one_and_two_threads_and_in_path_order() {
    let env = built();
    for format in ["jsonl", "csv"] {
        let one = env.run(&format!("scan evidence known --known known.osl -j 1 --format {format}"));
        let two = env.run(&format!("scan known evidence --known known.osl -j 2 --format {format}"));
        assert_eq!(one.text(), two.text());
        assert_eq!(one.stderr, two.stderr);
    }
    let one = env.run("scan evidence known --known known.osl -j 1");
    let paths: Vec<std::path::PathBuf> =
        one.json().iter().map(|record| record["path"].as_str().unwrap().into()).collect();
    assert!(paths.is_sorted(), "{paths:?}");
}

#[test]
fn counts_add_up_on_standard_error_and_in_the_json_summary() {
    let env = built();
    let ran = env.expect(3, "scan evidence --known known.osl --json-summary summary.json");
    let summary: Value = serde_json::from_slice(&env.read("summary.json")).unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap();
    let sum: u64 = ["known", "unknown", "unexaminable", "not_an_image"].map(count).iter().sum();
    assert_eq!(count("seen"), sum);
    assert_eq!(count("seen"), ran.json().len() as u64);
    for status in ["known", "unknown", "unexaminable", "not-an-image"] {
        let lines = ran.json().iter().filter(|record| record["status"] == status).count() as u64;
        assert_eq!(count(&status.replace('-', "_")), lines, "{status}");
    }
    assert_eq!(count("known"), count("exact") + count("near") + count("possible"));
    ran.says(&[&format!("{} files seen: {} known", count("seen"), count("known"))]);
    assert_eq!(summary["onceseen"], env!("CARGO_PKG_VERSION"));
    let info = env.expect(0, "list info known.osl --json");
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    let expected = json!([{"path": "known.osl", "name": info["name"], "digest": info["digest"]}]);
    assert_eq!(summary["lists"], expected);
}

#[test]
fn exit_statuses_tell_known_unknown_failed_and_unexamined_apart() {
    let env = built();
    env.expect(0, "scan evidence/phone --known known.osl");
    env.expect(1, "scan evidence/bytes --known known.osl");
    env.expect(1, "scan evidence/bytes evidence/phone --known known.osl");
    env.expect(3, "scan evidence/odd/truncated.jpg --known known.osl");
    env.expect(3, "scan evidence/odd/truncated.jpg evidence/bytes --known known.osl");
    env.expect(0, "scan evidence/odd/text.jpg --known known.osl");
    env.expect(2, "scan evidence");
    env.expect(2, "scan evidence --known nowhere.osl").says(&["nowhere.osl"]);
    env.expect(2, "scan nowhere --known known.osl").says(&["nowhere"]);
    env.expect(2, "scan evidence --known known.osl --no-such-flag");
    env.expect(0, "hash known");
    env.expect(3, "hash evidence/odd");
    env.expect(0, "compare known/scene-00.jpg known/scene-01.jpg");
    env.expect(2, "compare known/scene-00.jpg nowhere.jpg").says(&["nowhere.jpg"]);
    env.expect(0, "list info known.osl");
    env.expect(0, "list verify known.osl");
    env.expect(2, "list info known").says(&["known"]);
    env.expect(0, "completions bash");
    env.expect(0, "man");
    env.expect(0, "--help").text().find("3  finished").unwrap();
    env.expect(0, "scan --help").text().find("3  finished").unwrap();
    env.expect(0, "--version");
}

#[test]
fn match_answers_one_line_a_query_and_its_status_says_whether_one_is_known() {
    let env = built();
    let hashes = env.expect(0, "hash known/scene-01.jpg");
    let hash = hashes.json()[0]["hashes"]["pdq"].as_str().unwrap().to_owned();
    let md5 = hashes.json()[0]["digests"]["md5"].as_str().unwrap().to_owned();
    let ran = env.expect(1, &format!("match {hash} {md5} --known known.osl"));
    let answers = ran.json();
    assert_eq!(answers.len(), 2);
    assert_eq!((&answers[0]["query"], &answers[0]["algorithm"]), (&hash.into(), &"pdq".into()));
    assert_eq!(levels(&answers[0]), ["near"]);
    assert_eq!(levels(&answers[1]), ["exact"]);
    env.expect(0, &format!("match {} --known known.osl", "0123456789abcdef".repeat(2)));
    env.expect(2, "match 00ff --known known.osl").says(&["'00ff' is neither a file nor a hash"]);
    env.expect(2, "match 00ff --known nowhere.osl");
}

#[test]
fn output_of_hash_is_accepted_everywhere() {
    let env = built();
    env.write("known.jsonl", env.expect(0, "hash known").stdout);
    env.write("known.csv", env.expect(0, "hash known --format csv").stdout);
    let expected = statuses(&env.run("scan evidence --known known.osl"));
    for name in ["known.jsonl", "known.csv"] {
        assert_eq!(
            statuses(&env.run(&format!("scan evidence --known {name}"))),
            expected,
            "{name}"
        );
        env.expect(0, &format!("list build {name} -o again.osl")).says(&[" 0 refused"]);
        assert_eq!(statuses(&env.run("scan evidence --known again.osl")), expected, "{name}");
        let ran = env.expect(1, &format!("match {name} --known known.osl"));
        // A PDQ hash and three digests of each of the twelve.
        assert_eq!(ran.json().len(), 48, "{name}");
        assert!(ran.json().iter().all(|answer| !levels(answer).is_empty()), "{name}");
        let input = env.read(name);
        let piped = env.run_with("match - --known known.osl", &input);
        assert_eq!(piped.text(), ran.text(), "{name}");
    }
}

/// Path, status, and of every match level, distance, variant and record.
fn statuses(ran: &Ran) -> Vec<String> {
    let line = |record: &Value| {
        let matches: Vec<String> = record["matches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| {
                let record = found["claims"][0]["record"].as_str().unwrap();
                let record = record.rsplit('/').next().unwrap();
                format!("{} {} {} {record}", found["level"], found["distance"], found["variant"])
            })
            .collect();
        format!("{} {} {matches:?}", record["path"], record["status"])
    };
    ran.json().iter().map(line).collect()
}

#[test]
fn a_list_a_hash_file_and_a_directory_give_the_same_matches() {
    let env = built();
    let text: String = env
        .expect(0, "hash known")
        .json()
        .iter()
        .map(|r| {
            format!("{},{}\n", r["hashes"]["pdq"].as_str().unwrap(), r["path"].as_str().unwrap())
        })
        .collect();
    env.write("known.txt", text);
    let near = |known: &str| {
        let ran = env.run(&format!("scan evidence/chat evidence/web --known {known}"));
        statuses(&ran)
    };
    let expected = near("known.osl");
    assert_eq!(near("known"), expected);
    assert_eq!(near("known.txt"), expected);
    let whole = statuses(&env.run("scan evidence --known known.osl"));
    assert_eq!(statuses(&env.run("scan evidence --known known")), whole);
}

#[test]
fn every_index_and_variant_flag_gives_the_promised_matches() {
    let env = TestEnv::with_pictures();
    env.expect(0, "list build known -o known.osl --index all");
    let auto = env.run("scan evidence --known known.osl").text();
    for index in ["bk-tree", "mih", "linear"] {
        let ran = env.run(&format!("scan evidence --known known.osl --index {index}"));
        assert_eq!(ran.text(), auto, "{index}");
    }
    let auto = env.run("scan evidence --known known").text();
    let ran = env.run("scan evidence --known known --index mih");
    assert_eq!(ran.text(), auto, "compiled on the fly");
    let ran = env.run("scan evidence/chat --known known.osl --variants none");
    assert_eq!(ran.record("mirrored-04.jpg")["status"], "unknown");
    assert_eq!(ran.record("recompressed-01.jpg")["status"], "known");
    env.expect(0, "list build known -o tree.osl --index bk-tree");
    env.expect(2, "scan evidence --known tree.osl --index mih").says(&["mih", "--index all"]);
}

#[test]
fn radius_and_review_radius_are_inclusive_and_checked() {
    let env = built();
    let at = |flags: &str| {
        let ran = env.run(&format!("scan evidence/web/cropped-09.jpg --known known.osl {flags}"));
        ran.json()[0]["matches"][0].clone()
    };
    let distance = at("")["distance"].as_u64().unwrap();
    assert_eq!(at(&format!("--radius {distance}"))["level"], "near");
    assert_eq!(at(&format!("--radius {}", distance - 1))["level"], "possible");
    assert_eq!(at(&format!("--review-radius {distance}"))["level"], "possible");
    assert_eq!(at(&format!("--review-radius {}", distance - 1)), Value::Null);
    env.expect(2, "scan evidence --known known.osl --radius 40 --review-radius 39")
        .says(&["40", "39"]);
    env.expect(2, "scan evidence --known known.osl --radius 257").says(&["257"]);
    env.expect(2, "scan evidence --known known.osl --radius -1");
    env.expect(2, "scan evidence --known known.osl --quality 101");
    let all = env.run("scan evidence/phone --known known.osl --radius 256");
    assert!(all.json().iter().all(|record| levels(record).len() == 12));
}

#[test]
fn names_come_from_a_file_or_standard_input_with_newlines_or_nul() {
    let env = built();
    let names = ["evidence/bytes/copy-of-00.jpg", "evidence/chat/resized-02.jpg"];
    let direct = env.run(&format!("scan {} --known known.osl", names.join(" ")));
    let text = "--known known.osl --files-from";
    env.write("names.txt", names.join("\n") + "\n");
    env.write("names0.txt", names.join("\0"));
    assert_eq!(env.run(&format!("scan {text} names.txt")).text(), direct.text());
    assert_eq!(env.run(&format!("scan {text} names0.txt -0")).text(), direct.text());
    let ran = env.run_with(&format!("scan {text} -"), names.join("\r\n").as_bytes());
    assert_eq!(ran.text(), direct.text());
    let gone = format!("{}\nevidence/gone.jpg\nevidence/gone.jpg\n", names.join("\n"));
    let ran = env.run_with(&format!("scan {text} - evidence/gone.jpg"), gone.as_bytes());
    assert_eq!(ran.code(), 2, "a path of the command line must exist: {}", ran.stderr);
    let ran = env.run_with(&format!("scan {text} -"), gone.as_bytes());
    assert_eq!((ran.code(), ran.json().len()), (3, 3), "{}", ran.stderr);
    let record = ran.record("gone.jpg");
    assert_eq!(record["status"], "unexaminable");
    assert!(record["reason"].as_str().unwrap().starts_with("cannot be read: "), "{record}");
    env.expect(2, "scan -0 evidence --known known.osl");
    env.expect(2, "scan --files-from nowhere.txt --known known.osl").says(&["nowhere.txt"]);
}

#[test]
fn one_image_on_standard_input_is_examined_like_a_file() {
    let env = built();
    let bytes = env.read("evidence/bytes/copy-of-00.jpg");
    let ran = env.run_with("scan - --known known.osl", &bytes);
    assert_eq!(ran.code(), 1);
    let (from_pipe, from_file) =
        (ran.json(), env.run("scan evidence/bytes/copy-of-00.jpg --known known.osl").json());
    assert_eq!(from_pipe[0]["path"], "-");
    assert_eq!(from_pipe[0]["matches"], from_file[0]["matches"]);
    assert_eq!(from_pipe[0]["bytes"], from_file[0]["bytes"]);
}

#[test]
fn csv_has_the_documented_columns() {
    let env = built();
    let ran = env.run("scan evidence --known known.osl --format csv -a pdq,phash");
    let mut reader = csv::Reader::from_reader(&ran.stdout[..]);
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        header.join(" "),
        "path path_bytes status reason partial bytes format width height md5 \
        sha1 sha256 pdq phash quality matches level list entry matched distance variant chance negative \
        conflict claims frame page preview parts parts_matched"
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), env.run("scan evidence --known known.osl").json().len());
    let row = rows.iter().find(|row| row[0].ends_with("copy-of-00.jpg")).unwrap();
    assert_eq!((&row[2], &row[16], &row[25]), ("known", "exact", "partner-a | scene-00.jpg"));
}

#[test]
fn a_negative_list_makes_no_file_known() {
    let env = built();
    env.expect(0, "list build known -o harmless.osl --negative");
    let ran = env.expect(0, "scan evidence/bytes --known harmless.osl");
    assert_eq!(ran.json()[0]["matches"][0]["negative"], true);
    assert_eq!(ran.json()[0]["status"], "unknown");
    ran.says(&["3 matched by a negative list alone"]);
    env.expect(1, "scan evidence/bytes --known harmless.osl --known known.osl");
}

#[test]
fn flat_pictures_are_matched_by_digest_only() {
    let env = TestEnv::with_pictures();
    env.write("flat/a.png", env.read("evidence/odd/flat.png"));
    let ran = env.expect(1, "scan evidence/odd/flat.png --known flat");
    assert_eq!(levels(&ran.json()[0]), ["exact"]);
    assert_eq!(ran.json()[0]["quality"], 0);
    let near = env.expect(1, "scan evidence/odd/flat.png --known flat --quality 0");
    // Flat pictures are no good as known ones either: the list keeps their digests alone.
    assert_eq!(levels(&near.json()[0]), ["exact"]);
}

#[test]
fn an_overlong_or_repeated_root_is_seen_once() {
    let env = built();
    let once = env.run("scan evidence --known known.osl").text();
    let twice = env.run("scan evidence evidence evidence/bytes ./evidence/chat --known known.osl");
    assert_eq!(twice.text(), once);
    let slash = env.run("scan evidence/ --known known.osl");
    assert_eq!(slash.text(), once);
    let absolute = format!("scan {} --known known.osl", env.path("evidence").display());
    assert_eq!(env.run(&absolute).json().len(), once.lines().count());
}

#[test]
fn thousands_of_named_files_cost_no_quadratic_time() {
    let env = TestEnv::new();
    let mut names = String::new();
    for number in 0..20_000 {
        names += &format!("many/{number:05}\n");
    }
    std::fs::create_dir(env.path("many")).unwrap();
    names.lines().for_each(|name| File::create(env.path(name)).map(drop).unwrap());
    env.write("names.txt", names);
    env.write("known.txt", format!("{}\n", "0123456789abcdef".repeat(2)));
    let start = std::time::Instant::now();
    let ran = env.expect(0, "scan --files-from names.txt --known known.txt");
    assert_eq!(ran.json().len(), 20_000);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn every_page_that_a_manual_page_names_is_printed_with_its_flags() {
    let env = TestEnv::new();
    let mut pages = vec![Vec::<String>::new()];
    let mut at = 0;
    while let Some(words) = pages.get(at).cloned() {
        at += 1;
        let line = format!("man {}", words.join(" "));
        let text = env.expect(0, &line).text().replace("\\-", "-");
        let name = [vec!["onceseen".to_owned()], words.clone()].concat().join("-");
        assert!(text.contains(&format!(".TH {name} 1")), "{line}: {text}");
        for below in text.lines().filter_map(|line| line.strip_suffix("(1)")) {
            let word = below.strip_prefix(&format!("{name}-")).unwrap();
            if word != "help" {
                pages.push([words.clone(), vec![word.to_owned()]].concat());
            }
        }
    }
    assert!(pages.len() > 12, "{pages:?}");
    assert!(env.run("man scan").text().contains("review\\-radius"));
    env.expect(2, "man list nothing").says(&["'list nothing'"]);
}

#[test]
fn a_closed_output_pipe_ends_quietly_but_not_as_success() {
    let env = built();
    // More answers than the output's buffer holds, so that the error comes in their midst.
    let queries = env.run("list export known.osl --format text").text().repeat(40);
    env.write("queries.txt", queries);
    for line in [
        "hash known known -j 1 -q --format jsonl",
        "hash known known -j 1 -q --format csv",
        "scan known -q --known known.osl",
        "scan known -q --known known.osl --format csv",
        "match queries.txt --known known.osl",
        "match queries.txt --known known.osl --format csv",
        "list export known.osl",
        "list export known.osl --format csv",
        "list diff known.osl known.osl",
        "list info known.osl",
        "man",
        "--help",
    ] {
        let mut command = env.command();
        let (reader, writer) = std::io::pipe().unwrap();
        // Closed before the command starts: the quickest would be done before it is.
        drop(reader);
        command.args(line.split(' ')).stdout(writer).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let exit = wait(&mut child, Duration::from_secs(60));
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((exit.code(), said.as_str()), (Some(2), ""), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn records_that_nobody_gets_are_an_error_that_says_so() {
    let env = built();
    let run = |line: &str| {
        let mut command = Command::new("sh");
        command.current_dir(env.root()).args(["-c", "exec \"$0\" \"$@\" >&-"]);
        command.arg(env!("CARGO_BIN_EXE_onceseen")).args(line.split(' ')).output().unwrap()
    };
    for line in ["scan known --known known.osl", "hash known --format csv", "--version"] {
        let output = run(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("standard output: it is closed"), "{line}: {said}");
    }
    // What writes nothing needs nobody.
    assert_eq!(run("list build known -o again.osl -q").status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_that_is_changed_while_it_is_searched_is_an_error() {
    let env = built();
    let mut command = env.command();
    command.args(["scan", "-", "--known", "known.osl", "-q"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let maps = format!("/proc/{}/maps", child.id());
    let is_mapped = || std::fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("known.osl"));
    while !is_mapped() {
        assert!(child.try_wait().unwrap().is_none(), "ended before its input did");
        std::thread::sleep(Duration::from_millis(1));
    }
    File::options().append(true).open(env.path("known.osl")).unwrap().write_all(b"x").unwrap();
    child.stdin.take().unwrap().write_all(&env.read("known/scene-00.jpg")).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("known.osl: the list was changed while it was searched"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error_that_says_so() {
    let env = built();
    for line in [
        "scan evidence --known known.osl",
        "scan evidence --known known.osl --format csv",
        "hash evidence",
        "match 0123456789abcdef0123456789abcdef --known known.osl",
        "compare known/scene-00.jpg known/scene-01.jpg",
        "list info known.osl",
        "list verify known.osl",
        "man",
        "completions fish",
        "--version",
        "--help",
        "list build --help",
    ] {
        let mut command = env.command();
        command.args(line.split(' ')).stderr(Stdio::piped());
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("standard output: No space left"), "{line}: {said}");
    }
    env.expect(2, "scan evidence --known known.osl --json-summary /dev/full").says(&["/dev/full"]);
}

#[cfg(target_os = "linux")]
#[test]
fn messages_that_nobody_can_read_change_no_exit_status() {
    let env = built();
    for (status, line) in
        [(3, "hash evidence"), (2, "hash nowhere"), (2, "hash"), (0, "list verify known.osl")]
    {
        let mut command = env.command();
        command.args(line.split(' ')).stdout(Stdio::null());
        command.stderr(File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(command.status().unwrap().code(), Some(status), "{line}");
    }
}

#[test]
fn a_summary_that_cannot_be_written_is_found_before_the_work() {
    let env = built();
    let ran = env.expect(2, "scan evidence --known known.osl --json-summary nowhere/summary.json");
    ran.says(&["nowhere/summary.json"]);
    assert!(ran.stdout.is_empty(), "records came before the error");
}

#[test]
fn a_summary_is_not_written_into_the_evidence_nor_over_a_list() {
    let env = built();
    let list = env.read("known.osl");
    env.write("names.txt", "evidence/odd/text.jpg\n");
    for place in [
        "known.osl",
        "./known/../known.osl",
        "evidence/new.json",
        "evidence/odd/text.jpg",
        "names.txt",
    ] {
        let line = "scan evidence --files-from names.txt --known known.osl --json-summary";
        env.expect(2, &format!("{line} {place}")).says(&[place, "only read"]);
    }
    assert!(env.read("known.osl") == list);
    assert_eq!(env.read("names.txt"), b"evidence/odd/text.jpg\n");
    assert!(!env.path("evidence/new.json").exists());
    env.expect(3, "scan evidence --known known.osl --json-summary evidence-summary.json");
}

#[test]
fn quiet_prints_errors_alone() {
    let env = built();
    assert_eq!(env.run("-q scan evidence --known known.osl").stderr, "");
    assert_eq!(env.run("scan evidence --known known.osl -q").stderr, "");
    env.expect(2, "-q scan evidence --known nowhere.osl").says(&["nowhere.osl"]);
}

#[test]
fn compare_says_distance_variant_and_level() {
    let env = built();
    let of = |b: &str| env.expect(0, &format!("compare known/scene-04.jpg {b}")).json().remove(0);
    assert_eq!(of("known/scene-04.jpg")["distance"], 0);
    let mirrored = of("evidence/chat/mirrored-04.jpg");
    assert_eq!(mirrored["level"], "near");
    assert!(mirrored["variant_distance"].as_u64() < Some(16), "{mirrored}");
    assert!(mirrored["distance"].as_u64() > Some(100), "{mirrored}");
    assert_eq!(of("known/scene-05.jpg")["level"], "different");
    assert_eq!(of("evidence/odd/flat.png")["level"], "flat");
}

#[test]
fn a_newline_in_a_name_forges_no_message() {
    let env = built();
    let ran = env.run_words(&["scan", "no\nonceseen: all fine", "--known", "known.osl"], b"");
    assert_eq!(ran.code(), 2);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let ran = env.run_words(&["scan", "evidence", "--known", "no\nonceseen: all fine"], b"");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn an_absurd_number_of_threads_is_refused_or_works() {
    let env = built();
    let ran = env.run("scan evidence/phone --known known.osl -j 1000000000");
    assert!([0, 2].contains(&ran.code()), "{}", ran.stderr);
    assert!(ran.code() == 0 || !ran.stderr.is_empty());
    env.expect(2, "scan evidence --known known.osl -j 0");
}

#[test]
fn memory_for_decoding_is_as_much_as_is_said() {
    let env = TestEnv::with_pictures();
    // 320 × 420 pixels in RGB, and what the decoder keeps besides.
    let picture = "known/scene-02.jpg";
    let ran = env.expect(3, &format!("hash {picture} --memory 200kB"));
    let reason = ran.record(picture)["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("too large: ") && reason.contains("bytes of memory"), "{reason}");
    env.expect(0, &format!("hash {picture} --memory 8MiB"));
    env.expect(2, &format!("hash {picture} --memory much")).says(&["--memory", "512MiB"]);
}

#[test]
fn standard_input_beyond_the_limit_is_refused_with_its_length() {
    let env = built();
    let mut command = env.command();
    command.args(["scan", "-", "--known", "known.osl"]);
    let length = (256 << 20) + 10;
    let ran = finish(command, &vec![0; length]);
    assert_eq!(ran.code(), 3, "{}", ran.stderr);
    let record = &ran.json()[0];
    assert_eq!(record["bytes"], length, "{record}");
    assert!(record["reason"].as_str().unwrap().contains("too large"));
    assert!(record["digests"]["md5"].is_string());
}
