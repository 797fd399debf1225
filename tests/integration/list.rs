//! `onceseen list`: what goes in comes out, whole, and nothing is dropped in silence.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::testenv::{TestEnv, copy_tree, finish, pictures};

const PDQ: &str = "d8f8f0cee0f4a84f06370a22038f67f0b36e2ed596621e1d33e6339c4e9c9b22";
const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";

/// The claims of the first match of [`PDQ`].
fn claims(env: &TestEnv, flags: &str) -> Vec<Value> {
    let ran = env.expect(1, &format!("match {PDQ} {flags}"));
    ran.json()[0]["matches"][0]["claims"].as_array().unwrap().clone()
}

#[test]
fn a_list_of_pictures_names_source_and_relative_path() {
    let env = TestEnv::new();
    copy_tree(&pictures().join("known"), &env.path("partner/a/b"));
    env.expect(0, "list build partner -o default.osl");
    env.expect(0, "list build partner/ --source 'X -o named.osl");
    for (list, source) in [("default.osl", "partner"), ("named.osl", "'X")] {
        let ran = env.expect(1, &format!("scan partner/a/b/scene-03.png --known {list}"));
        let found = &ran.json()[0]["matches"][0];
        assert_eq!(found["level"], "exact");
        assert_eq!(found["claims"][0]["source"], source);
        assert_eq!(found["claims"][0]["record"], "a/b/scene-03.png");
    }
}

#[test]
fn every_claim_of_every_source_is_kept_and_disagreement_is_a_conflict() {
    let env = TestEnv::new();
    env.write("a.csv", format!("pdq,record,category\n{PDQ},r-1,ncmec:A1\n{PDQ},r-2,uk:B\n"));
    env.write("b.csv", format!("pdq,record,category\n{PDQ},r-3,ncmec:A1\n"));
    env.write("c.csv", format!("pdq,record,category\n{PDQ},r-4,ncmec:B2\n"));
    env.expect(0, "list build a.csv b.csv --source A --source B -o ab.osl");
    env.expect(0, "list build ab.osl c.csv -o abc.osl");
    let said = |claims: &[Value]| -> Vec<String> {
        let word = |claim: &Value, name: &str| claim[name].as_str().unwrap().to_owned();
        let line = |claim| {
            format!(
                "{} {} {}",
                word(claim, "source"),
                word(claim, "record"),
                word(claim, "category")
            )
        };
        claims.iter().map(line).collect()
    };
    let both = ["A r-1 ncmec:A1", "A r-2 uk:B", "B r-3 ncmec:A1"];
    assert_eq!(said(&claims(&env, "--known ab.osl")), both);
    let all = said(&claims(&env, "--known abc.osl"));
    assert_eq!(all[..3], both);
    assert_eq!(all[3], "c r-4 ncmec:B2");
    let conflict = |list: &str| {
        env.run(&format!("match {PDQ} --known {list}")).json()[0]["matches"][0]["conflict"].clone()
    };
    assert_eq!((conflict("ab.osl"), conflict("abc.osl")), (false.into(), true.into()));
}

#[test]
fn refused_rows_are_named_by_file_and_line_and_fatal_when_strict() {
    let env = TestEnv::new();
    env.write("rows.csv", format!("pdq,record\n{PDQ},ok\nxyz,bad\n{PDQ},ok-2\n"));
    env.expect(0, "list build rows.csv -o list.osl").says(&["rows.csv", "line 3", "1 refused"]);
    let info = env.expect(0, "list info list.osl --json");
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(
        (&info["sources"][0]["rows"], &info["sources"][0]["refused"]),
        (&2.into(), &1.into())
    );
    assert_eq!(info["sources"][0]["refusals"][0][0], 3);
    env.expect(2, "list build rows.csv -o strict.osl --strict").says(&["line 3", "--strict"]);
    assert!(!env.path("strict.osl").exists());
    env.write("none.csv", "pdq\nxyz\n");
    env.expect(2, "list build none.csv -o none.osl").says(&["none.osl"]);
    assert!(!env.path("none.osl").exists());
}

#[test]
fn a_failed_build_leaves_the_old_list_and_no_scraps() {
    let env = TestEnv::with_pictures();
    env.expect(0, "list build known -o list.osl");
    let old = env.read("list.osl");
    env.write("bad.csv", "pdq\nxyz\n");
    for line in [
        "list build nowhere -o list.osl",
        "list build bad.csv -o list.osl",
        "list build known bad.csv -o list.osl --strict",
        "list build known -o nowhere/list.osl",
        "list build known -o known",
        "list build known evidence known --source a --source b -o list.osl",
    ] {
        let ran = env.expect(2, line);
        assert!(ran.stderr.starts_with("onceseen: "), "{line}: {}", ran.stderr);
        assert!(env.read("list.osl") == old, "{line} changed the list");
    }
    let names: Vec<_> = fs::read_dir(env.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("tmp")), "{names:?}");
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_the_threads() {
    let env = TestEnv::with_pictures();
    env.write("rows.csv", format!("pdq,record\n{PDQ},r\n"));
    for (name, threads) in [("one", 1), ("two", 2), ("again", 2)] {
        let line = format!(
            "list build known rows.csv evidence -a pdq,phash -o {name}.osl --name n -j {threads}"
        );
        env.expect(0, &line);
    }
    assert!(env.read("one.osl") == env.read("two.osl"));
    assert!(env.read("two.osl") == env.read("again.osl"));
}

#[test]
fn a_list_built_over_itself_keeps_everything() {
    let env = TestEnv::with_pictures();
    env.write("rows.csv", format!("pdq,md5,record\n{PDQ},{MD5},r\n"));
    env.expect(0, "list build known -o list.osl");
    env.expect(0, "list build list.osl rows.csv -o list.osl");
    env.expect(1, "scan evidence/bytes --known list.osl");
    assert_eq!(claims(&env, "--known list.osl")[0]["record"], "r");
}

#[test]
fn info_and_verify_describe_a_whole_list() {
    let env = TestEnv::with_pictures();
    env.expect(
        0,
        "list build known -o list.osl --name partner-x --negative --index all -a pdq,phash",
    );
    let text = env.expect(0, "list info list.osl").text();
    for word in ["partner-x (negative)", "pdq", "phash", "md5", "sha256", "source"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let info: Value =
        serde_json::from_slice(&env.expect(0, "list info list.osl --json").stdout).unwrap();
    assert_eq!((&info["name"], &info["negative"]), (&"partner-x".into(), &true.into()));
    assert_eq!(info["bytes"], env.read("list.osl").len());
    assert_eq!((&info["digests"]["sha256"], &info["claims"]), (&12.into(), &12.into()));
    assert_eq!(info["hashes"][0]["entries"], 12);
    assert!(info["hashes"][0]["index_bytes"]["mih"].is_u64());
    let verified = env.expect(0, "list verify list.osl").text();
    assert!(verified.contains("whole") && verified.contains(info["digest"].as_str().unwrap()));
}

#[test]
fn missing_empty_foreign_and_newer_lists_get_their_own_message() {
    let env = TestEnv::with_pictures();
    env.expect(0, "list build known -o list.osl");
    let bytes = env.read("list.osl");
    env.write("empty.osl", "");
    env.write("cut.osl", &bytes[..bytes.len() - 1]);
    let mut newer = bytes.clone();
    newer[12] = 9;
    env.write("newer.osl", newer);
    env.write("picture.osl", env.read("known/scene-00.jpg"));
    env.write("text.osl", "hello\n");
    for (name, words) in [
        ("missing.osl", &["No such file"][..]),
        ("empty.osl", &["empty"]),
        ("cut.osl", &["bytes", "cut or changed"]),
        ("newer.osl", &["format 9", "newer", "update onceseen"]),
    ] {
        for line in [
            format!("scan evidence --known {name}"),
            format!("list info {name}"),
            format!("list verify {name}"),
        ] {
            // An empty file may also be a hash file that ends at once.
            if name == "empty.osl" && line.starts_with("scan") {
                continue;
            }
            let ran = env.expect(2, &line);
            ran.says(words).says(&[name]);
            assert!(ran.stdout.is_empty());
        }
    }
    env.run("scan evidence --known empty.osl").says(&["empty.osl", "empty"]);
    for name in ["picture.osl", "text.osl", "known"] {
        env.expect(2, &format!("list info {name}")).says(&[name]);
        env.expect(2, &format!("list verify {name}")).says(&[name]);
    }
    env.expect(2, "scan evidence --known text.osl").says(&["text.osl"]);
}

#[test]
fn an_empty_list_is_built_opened_and_warned_about() {
    let env = TestEnv::with_pictures();
    fs::create_dir(env.path("nothing")).unwrap();
    env.expect(0, "list build nothing -o empty.osl");
    env.expect(0, "list verify empty.osl");
    env.expect(0, "list info empty.osl --json");
    env.expect(0, "scan evidence/phone --known empty.osl")
        .says(&["empty.osl", "nothing can match"]);
    env.expect(0, "scan evidence/phone --known nothing").says(&["nothing", "empty"]);
}

#[test]
fn flat_and_broken_pictures_are_listed_by_digest_and_counted() {
    let env = TestEnv::with_pictures();
    let ran = env.expect(0, "list build evidence/odd -o odd.osl");
    ran.says(&["flat.png: quality 0", "truncated.jpg"]);
    let info: Value =
        serde_json::from_slice(&env.expect(0, "list info odd.osl --json").stdout).unwrap();
    assert_eq!(info["sources"][0]["refused"], 2);
    // The bytes of a truncated known picture are known all the same.
    let ran =
        env.expect(1, "scan evidence/odd/flat.png evidence/odd/truncated.jpg --known odd.osl");
    assert!(ran.json().iter().all(|record| record["matches"][0]["level"] == "exact"));
}

#[cfg(unix)]
#[test]
fn a_pipe_as_a_list_is_refused_instead_of_losing_its_first_rows() {
    let env = TestEnv::with_pictures();
    let fifo = env.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for line in [
        "scan evidence --known fifo",
        "list build fifo -o list.osl",
        "list build known -o fifo",
        "list info fifo",
        "list verify fifo",
        "scan evidence --known /dev/null",
        "list verify /dev/zero",
    ] {
        env.expect(2, line).says(&["not a regular file"]);
    }
}

#[test]
fn claims_survive_a_list_of_lists_byte_for_byte() {
    let env = TestEnv::new();
    let rows = format!(
        "pdq,md5,record,category,series,victim id\n{PDQ},{MD5},r é,ncmec:A1,s\u{202e}1,v;2\n"
    );
    env.write("rows.csv", rows);
    env.expect(0, "list build rows.csv --source S -o one.osl");
    env.expect(0, "list build one.osl -o two.osl");
    let (one, two) = (claims(&env, "--known one.osl"), claims(&env, "--known two.osl"));
    assert_eq!(one, two);
    let text = serde_json::to_string(&one[0]).unwrap();
    let expected = "{\"category\":\"ncmec:A1\",\"fields\":{\"series\":\"s\u{202e}1\",\"victim id\":\"v;2\"},\
        \"record\":\"r é\",\"source\":\"S\"}";
    assert_eq!(text, expected);
}

/// Rows of hashes and claims, some of which repeat.
fn rows(count: u64) -> String {
    let mut text = String::from("pdq,record,category\n");
    for number in 0..count {
        let picture = number % (count / 2);
        let mut hash = String::new();
        for word in 0..4 {
            let mixed = (4 * picture + word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            write!(hash, "{:016x}", mixed ^ (mixed >> 29)).unwrap();
        }
        writeln!(text, "{hash},r-{},uk:{}", number % 9_000, number % 3).unwrap();
    }
    text
}

#[test]
fn a_memory_budget_changes_no_byte_and_leaves_no_file() {
    let env = TestEnv::new();
    env.write("rows.csv", rows(20_000));
    env.expect(0, "list build rows.csv -o roomy.osl --name n --index all");
    for (memory, threads) in [("64KiB", 1), ("1MB", 3)] {
        let line = format!(
            "list build rows.csv -o tight.osl --name n --index all --memory {memory} -j {threads}"
        );
        env.expect(0, &line);
        assert!(env.read("tight.osl") == env.read("roomy.osl"), "{memory}");
    }
    env.expect(0, "list verify tight.osl");
    let names = names(&env);
    assert_eq!(names, ["roomy.osl", "rows.csv", "tight.osl"]);
    env.expect(2, "list build rows.csv -o tight.osl --memory lots").says(&["--memory", "2GiB"]);
}

/// Names of everything in the tree, hidden files too.
fn names(env: &TestEnv) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = fs::read_dir(env.root())
        .unwrap()
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn a_killed_build_leaves_the_old_list_and_a_scrap_that_the_next_build_removes() {
    let env = TestEnv::new();
    env.write("few.csv", rows(10));
    env.write("rows.csv", rows(60_000));
    env.expect(0, "list build few.csv -o list.osl");
    let old = env.read("list.osl");
    for wait_ms in [20, 60, 120, 200, 300, 450] {
        let mut command = env.command();
        command.args("list build rows.csv -o list.osl --name n --memory 64KiB".split(' '));
        let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        env.expect(0, "list verify list.osl");
        let is_old = env.read("list.osl") == old;
        let new = env.expect(0, "list info list.osl").text();
        assert!(is_old || new.contains("30000 entries"), "{new}");
        let scraps = scraps(&env);
        assert!(scraps.len() <= 1, "{scraps:?}");
        assert!(scraps.iter().all(|name| name.starts_with(".onceseen-") && name.ends_with(".tmp")));
    }
    env.write(".onceseen-killed.tmp", "half a list");
    env.expect(0, "list build few.csv -o other.osl");
    assert_eq!(scraps(&env), ["other.osl"]);
}

/// Names that are neither sources nor the list.
fn scraps(env: &TestEnv) -> Vec<String> {
    let mut names = names(env);
    names.retain(|name| !name.ends_with("csv") && name != "list.osl");
    names
}

#[test]
fn the_same_claim_is_stored_once_however_often_it_is_merged() {
    let env = TestEnv::with_pictures();
    env.write("rows.csv", rows(100) + &rows(100)[20..]);
    env.expect(0, "list build known rows.csv -o once.osl --name n --source s");
    env.expect(0, "list build once.osl -o copy.osl --name n");
    env.expect(0, "list build once.osl copy.osl once.osl -o many.osl --name n");
    assert!(env.read("many.osl") == env.read("copy.osl"));
    env.expect(0, "list build known known rows.csv rows.csv -o twice.osl --name n --source s");
    let claims = |list: &str| {
        let info = env.expect(0, &format!("list info {list} --json"));
        serde_json::from_slice::<Value>(&info.stdout).unwrap()["claims"].clone()
    };
    assert_eq!(claims("once.osl"), claims("twice.osl"));
    assert_eq!(claims("once.osl"), claims("many.osl"));
}

#[test]
fn an_exported_list_is_built_again_with_every_entry_and_claim() {
    let env = TestEnv::with_pictures();
    let claim = "r é\u{202e},ncmec:A1,s;1,\"a, b\"";
    env.write(
        "rows.csv",
        format!("pdq,md5,record,category,md5 note,field.sha1\n{PDQ},{MD5},{claim}\n"),
    );
    env.expect(0, "list build known rows.csv evidence -a pdq,phash -o one.osl --name n");
    env.write("one.jsonl", env.expect(0, "list export one.osl").stdout);
    env.expect(0, "list build one.jsonl -o two.osl --name n");
    assert_eq!(env.expect(0, "list diff one.osl two.osl").text(), "same entries and claims\n");
    let fields = &claims(&env, "--known two.osl")[0]["fields"];
    assert_eq!((&fields["md5 note"], &fields["sha1"]), (&"s;1".into(), &"a, b".into()));
    let text = env.expect(0, "list export one.osl --format text").text();
    assert!(text.contains(&format!("pdq:{PDQ}\n")) && text.contains(&format!("md5:{MD5}\n")));
    let rows = env.expect(0, "list export one.osl --format csv").text();
    assert!(rows.starts_with("algorithm,hash,source,record,category,fields\n"), "{rows}");
    assert!(rows.contains(&format!("pdq,{PDQ},rows,r é")), "{rows}");
}

#[test]
fn diff_counts_what_was_added_removed_and_claimed_otherwise() {
    let env = TestEnv::new();
    let other = PDQ.replace('d', "e");
    env.write("a.csv", format!("pdq,md5,record\n{PDQ},{MD5},r-1\n"));
    env.write("b.csv", format!("pdq,record\n{PDQ},r-1\n{PDQ},r-2\n{other},r-3\n"));
    env.expect(0, "list build a.csv --source s -o a.osl");
    env.expect(0, "list build b.csv --source s -o b.osl");
    let text = env.expect(0, "list diff a.osl b.osl").text();
    let lines: Vec<_> = text.lines().collect();
    let md5 =
        "md5       entries: 0 added, 1 removed, 0 with other claims; claims: 0 added, 1 removed";
    let pdq =
        "pdq       entries: 1 added, 0 removed, 1 with other claims; claims: 2 added, 0 removed";
    assert_eq!(lines, [md5, pdq]);
    let entries = env.expect(0, "list diff a.osl b.osl --entries").json();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["value"], PDQ);
    assert_eq!(entries[0]["claims_added"][0]["record"], "r-2");
    assert_eq!((&entries[2]["old"], &entries[2]["new"]), (&false.into(), &true.into()));
}

#[test]
fn merged_lists_hold_both_and_a_negative_list_is_not_mixed_in() {
    let env = TestEnv::new();
    env.write("a.csv", format!("pdq,record\n{PDQ},r-1\n"));
    env.write("b.csv", format!("pdq,md5,record\n{PDQ},{MD5},r-2\n"));
    env.expect(0, "list build a.csv -o a.osl");
    env.expect(0, "list build b.csv -o b.osl");
    env.expect(0, "list build b.csv -o bad.osl --negative");
    env.expect(0, "list merge a.osl b.osl a.osl -o both.osl -j 1 --memory 1MiB");
    assert_eq!(claims(&env, "--known both.osl").len(), 2);
    env.expect(2, "list merge a.osl bad.osl -o mixed.osl").says(&["negative"]);
    assert!(!env.path("mixed.osl").exists());
    env.expect(0, "list merge bad.osl bad.osl -o still.osl");
    assert!(env.expect(0, "list info still.osl").text().contains("(negative)"));
    env.expect(2, "list merge a.csv -o both.osl").says(&["a.csv", "not a compiled hash list"]);
    env.expect(2, "list build a.csv bad.osl -o mixed.osl").says(&["bad.osl", "--negative"]);
    assert!(!env.path("mixed.osl").exists());
    env.expect(0, "list build a.csv bad.osl -o harmless.osl --negative");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_list_and_no_scraps() {
    let env = TestEnv::new();
    env.write("list.osl", "the old one");
    let mut rows = String::new();
    for number in 0..20_000_u64 {
        let word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(rows, "{word:016x}{:016x}{word:016x}{:016x}", !word, word >> 7).unwrap();
    }
    env.write("rows.txt", rows);
    // Stands for a full disk: no file grows beyond these blocks, and the signal that says so is
    // ignored. The first is met by temporary files, the second by the list alone.
    for (blocks, memory, says) in [(256, "64KiB", "temporary file"), (2048, "1GiB", "the list")] {
        let mut command = std::process::Command::new("sh");
        let line = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec '{}' list build rows.txt -o list.osl --memory {memory}",
            env!("CARGO_BIN_EXE_onceseen")
        );
        command.args(["-c", &line]).current_dir(env.root());
        let ran = finish(command, b"");
        assert_eq!(ran.code(), 2, "{}", ran.stderr);
        ran.says(&["cannot write", says]);
        assert_eq!(env.read("list.osl"), b"the old one");
        assert_eq!(fs::read_dir(env.root()).unwrap().count(), 2, "{blocks} blocks");
    }
}

#[test]
fn answers_of_match_as_csv_have_one_row_a_query() {
    let env = TestEnv::new();
    env.write("rows.csv", format!("pdq,md5,record,category\n{PDQ},{MD5},=r,uk:B\n"));
    env.expect(0, "list build rows.csv --source S -o list.osl");
    let line = format!("match {PDQ} {MD5} {} --known list.osl --format csv -j 1", "11".repeat(16));
    let text = env.expect(1, &line).text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("query,algorithm,matches,level,list,entry,"), "{text}");
    assert!(lines[1].starts_with(&format!("{PDQ},pdq,1,near,list,0,pdq,0,original,")), "{text}");
    assert!(lines[1].ends_with("S | =r | uk:B"), "{text}");
    assert!(lines[2].starts_with(&format!("{MD5},md5,1,exact,list,0,md5,0,")), "{text}");
    assert_eq!(lines[3], format!("{},md5,0,,,,,,,,,,", "11".repeat(16)));
    assert_eq!(lines.len(), 4, "{text}");
}
