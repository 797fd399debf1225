//! Names and file kinds that other systems mangle: one record each, no hang, no forged line.
#![cfg(unix)]

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::testenv::{Ran, TestEnv, copy_tree, finish, picture};

/// A tree with a list of one picture.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.write("known/p.jpg", picture());
    env.expect(0, "list build known -o known.osl");
    fs::create_dir(env.path("e")).unwrap();
    env
}

fn scan(env: &TestEnv) -> Ran {
    let one = env.run("scan e --known known.osl -j 1");
    let two = env.run("scan e --known known.osl -j 2");
    assert_eq!(one.text(), two.text());
    assert_eq!(one.stderr.lines().count(), 1, "{}", one.stderr);
    one
}

fn names() -> Vec<OsString> {
    let text = [
        " leading and trailing ",
        "tab\there",
        "new\nline",
        "return\rhere",
        "bell\x07",
        "esc\x1b[31m red",
        "-rf.jpg",
        ".hidden",
        "..jpg",
        ".jpg",
        "none",
        "quote'\".jpg",
        "back\\slash",
        "$(x)",
        "*",
        "?",
        "[a]",
        "%41",
        "%s",
        "&;|",
        "a,b",
        "=1+1",
        "+a",
        "@a",
        "ca\u{e9}",
        "cae\u{301}",
        "rtl\u{202e}gpj.exe",
        "zero\u{200b}width",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "Case",
        "case",
        "CON.jpg",
        "a.jpg.",
        "a.jpg ",
        "{\"path\":1}",
        "-",
        "--known",
    ];
    let mut names: Vec<OsString> = text.iter().map(OsString::from).collect();
    names.extend(
        [&b"\xff\xfe"[..], b"\xc3\x28", b"\x80.jpg"]
            .map(|bytes| OsString::from_vec(bytes.to_vec())),
    );
    names.push("n".repeat(255).into());
    names
}

/// Base64 of RFC 4648, the plain way.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits =
        bytes.chunks(3).flat_map(|chunk| {
            let byte = |at: usize| usize::from(chunk.get(at).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            (0..4).map(move |at| {
                if at <= chunk.len() { DIGITS[bits >> (18 - 6 * at) & 63].into() } else { '=' }
            })
        });
    digits.collect()
}

#[test]
fn every_name_is_one_known_record_with_its_exact_bytes() {
    let env = env();
    let names = names();
    names.iter().for_each(|name| fs::write(env.path("e").join(name), picture()).unwrap());
    let ran = scan(&env);
    assert_eq!(ran.code(), 1);
    let records = ran.json();
    assert_eq!(records.len(), names.len());
    for name in &names {
        let path = Path::new("e").join(name);
        let is_this = |record: &&serde_json::Value| match path.to_str() {
            Some(text) => record["path"] == text && record.get("path_bytes").is_none(),
            None => record["path_bytes"] == base64(path.as_os_str().as_bytes()),
        };
        let found: Vec<_> = records.iter().filter(is_this).collect();
        assert_eq!(found.len(), 1, "{name:?}");
        assert_eq!(found[0]["status"], "known");
    }
}

#[test]
fn csv_of_every_name_reads_back_without_formulas() {
    let env = env();
    let names = names();
    names.iter().for_each(|name| fs::write(env.path("e").join(name), picture()).unwrap());
    std::os::unix::fs::symlink(env.path("e"), env.path("=link")).unwrap();
    let ran = env.run("scan =link --known known.osl --format csv");
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(&ran.stdout[..]).records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), names.len());
    assert!(
        rows.iter().flat_map(|row| row.iter()).all(|cell| !cell.starts_with(['=', '+', '-', '@']))
    );
}

#[test]
fn names_from_a_list_may_be_any_bytes_and_a_dash_is_a_file() {
    let env = env();
    let names = names();
    names.iter().for_each(|name| fs::write(env.path(name), picture()).unwrap());
    let input = names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>().join(&0);
    let ran = env.run_with("scan --files-from - -0 --known known.osl", &input);
    assert_eq!(ran.code(), 1, "{}", ran.stderr);
    assert_eq!(ran.json().len(), names.len());
}

#[test]
fn a_list_of_hostile_names_keeps_a_record_for_each() {
    let env = env();
    let root = OsStr::from_bytes(b"ro\xffot");
    let names = names();
    fs::create_dir_all(env.path(root).join("in")).unwrap();
    names
        .iter()
        .for_each(|name| fs::write(env.path(root).join("in").join(name), picture()).unwrap());
    let mut command = env.command();
    command.args(["list", "build", "-o", "l.osl"]).arg(root);
    assert_eq!(finish(command, b"").code(), 0);
    let ran = env.run("scan known/p.jpg --known l.osl");
    let claims = ran.json()[0]["matches"][0]["claims"].as_array().unwrap().clone();
    assert_eq!(claims.len(), names.len());
    assert!(
        claims.iter().all(|claim| claim["record"].as_str().unwrap().starts_with("in/")),
        "{claims:?}"
    );
}

#[test]
fn links_are_named_and_never_followed_out_or_round() {
    let env = env();
    env.write("outside.jpg", picture());
    env.write("e/p.jpg", picture());
    env.write("e/sub/q.jpg", picture());
    fs::hard_link(env.path("e/p.jpg"), env.path("e/hard.jpg")).unwrap();
    for (target, name) in [
        ("p.jpg", "inside"),
        ("self", "self"),
        ("pong", "ping"),
        ("ping", "pong"),
        ("..", "parent"),
        (".", "sub/loop"),
        ("nowhere", "dangling"),
        ("/dev/zero", "zero"),
        ("../outside.jpg", "out"),
        ("../known", "out-folder"),
        ("../e-sibling", "sibling"),
    ] {
        symlink(target, env.path("e").join(name)).unwrap();
    }
    env.write("e-sibling/r.jpg", picture());
    let ran = scan(&env);
    assert_eq!((ran.code(), ran.json().len()), (3, 14));
    for (name, status, word) in [
        ("e/inside", "not-an-image", "tree"),
        ("e/self", "unexaminable", "nowhere"),
        ("e/ping", "unexaminable", "nowhere"),
        ("e/parent", "unexaminable", "out of"),
        ("e/sub/loop", "not-an-image", "tree"),
        ("e/dangling", "unexaminable", "nowhere"),
        ("e/zero", "unexaminable", "out of"),
        ("e/out", "unexaminable", "out of"),
        ("e/out-folder", "unexaminable", "out of"),
        ("e/sibling", "unexaminable", "out of"),
    ] {
        let record = ran.record(name);
        assert_eq!(record["status"], status, "{name}");
        assert!(record["reason"].as_str().unwrap().contains(word), "{record}");
    }
    for name in ["e/p.jpg", "e/hard.jpg", "e/sub/q.jpg"] {
        assert_eq!(ran.record(name)["status"], "known");
    }
}

#[test]
fn roots_that_are_links_are_followed_once() {
    let env = env();
    env.write("e/p.jpg", picture());
    symlink("e", env.path("link")).unwrap();
    symlink("e/p.jpg", env.path("file-link")).unwrap();
    symlink("nowhere", env.path("dangling")).unwrap();
    assert_eq!(env.expect(1, "scan link --known known.osl").json()[0]["path"], "link/p.jpg");
    assert_eq!(env.expect(1, "scan file-link --known known.osl").json()[0]["path"], "file-link");
    assert_eq!(env.expect(1, "scan link e --known known.osl").json().len(), 1);
    assert_eq!(env.expect(3, "scan dangling --known known.osl").json().len(), 1);
}

#[test]
fn a_named_link_to_a_file_that_is_seen_under_another_name_has_a_record() {
    let env = env();
    env.write("e/p.jpg", picture());
    for (target, name) in [("p.jpg", "e/a-link"), ("p.jpg", "e/z-link"), ("nowhere", "e/dangling")]
    {
        symlink(target, env.path(name)).unwrap();
    }
    let paths = |line: &str, input: &str| {
        let ran = env.run_with(&format!("scan {line} --known known.osl"), input.as_bytes());
        let said = |record: &serde_json::Value| format!("{} {}", record["path"], record["status"]);
        ran.json().iter().map(said).collect::<Vec<_>>().join(", ").replace('"', "")
    };
    let named = "e/z-link\ne/p.jpg\ne/a-link\ne/p.jpg\ne/a-link\n";
    let expected = "e/a-link not-an-image, e/p.jpg known, e/z-link not-an-image";
    assert_eq!(paths("--files-from -", named), expected);
    let all = paths("e", "");
    assert_eq!(all.matches(", ").count(), 3, "{all}");
    assert_eq!(paths("e e/a-link e/dangling ./e/z-link", ""), all);
}

#[test]
fn pipes_sockets_folders_and_devices_do_not_block() {
    let env = env();
    let fifo = env.path("e/fifo.jpg");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _socket = UnixListener::bind(env.path("e/socket.jpg")).unwrap();
    fs::create_dir(env.path("e/folder.jpg")).unwrap();
    let ran = scan(&env);
    assert_eq!((ran.code(), ran.json().len()), (3, 2));
    for (name, kind) in [("fifo.jpg", "named pipe"), ("socket.jpg", "socket")] {
        assert!(ran.record(name)["reason"].as_str().unwrap().contains(kind));
    }
    let ran = env.expect(3, "scan e/fifo.jpg /dev/zero --known known.osl");
    assert_eq!(ran.json().len(), 2);
    env.expect(3, "hash e/fifo.jpg");
    assert_eq!(env.run("compare e/fifo.jpg known/p.jpg").code(), 2);
}

#[test]
fn what_may_not_be_read_is_unexaminable() {
    let env = env();
    for (name, mode) in [("e/file.jpg", 0o000), ("e/ok.jpg", 0o644)] {
        env.write(name, picture());
        fs::set_permissions(env.path(name), Permissions::from_mode(mode)).unwrap();
    }
    env.write("e/no-list/a.jpg", picture());
    env.write("e/no-search/a.jpg", picture());
    symlink("no-search/a.jpg", env.path("e/link")).unwrap();
    let set = |name: &str, mode| {
        fs::set_permissions(env.path(name), Permissions::from_mode(mode)).unwrap()
    };
    set("e/no-list", 0o300);
    set("e/no-search", 0o600);
    set(".", 0o755);
    let program = env.path("onceseen");
    // Copied by another process: a child that a test beside this one starts would inherit the open
    // file, and a program that is open for writing cannot be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_onceseen")).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(program);
    command.args(["scan", "e", "--known", "known.osl"]).current_dir(env.root());
    if File::open(env.path("e/file.jpg")).is_ok() {
        // Root reads everything, so the command runs as nobody, who owns none of this.
        command.uid(65_534).gid(65_534);
        set("e/no-list", 0o711);
        set("e/no-search", 0o744);
    }
    let ran = finish(command, b"");
    for name in ["e/no-list", "e/no-search"] {
        set(name, 0o755);
    }
    assert_eq!((ran.code(), ran.json().len()), (3, 5), "{}{}", ran.text(), ran.stderr);
    for (name, word) in [
        ("e/file.jpg", "cannot be read"),
        ("e/no-list", "cannot be listed"),
        ("e/link", "cannot be followed"),
    ] {
        let record = ran.record(name);
        assert_eq!(record["status"], "unexaminable");
        assert!(record["reason"].as_str().unwrap().contains(word), "{record}");
    }
    assert_eq!(ran.record("no-search/a.jpg")["status"], "unexaminable");
    assert_eq!(ran.record("e/ok.jpg")["status"], "known");
}

#[test]
fn a_sparse_terabyte_is_refused_without_reading_it() {
    let env = env();
    let file = File::create(env.path("e/x.png")).unwrap();
    if file.set_len(1 << 40).is_err() {
        eprintln!("SKIPPED: the file system takes no sparse terabyte");
        return;
    }
    let ran = env.expect(3, "scan e --known known.osl");
    let record = ran.record("x.png");
    assert_eq!(record["bytes"], 1_u64 << 40);
    assert!(record["reason"].as_str().unwrap().contains("too large"), "{record}");
    env.run("compare e/x.png known/p.jpg").says(&["x.png"]);
}

#[test]
fn a_thousand_nested_folders_are_walked() {
    let env = env();
    let script = "for i in $(seq 1000); do mkdir d && cd d || exit 1; done; cp \"$0\" p.jpg";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(env.path("known/p.jpg")).current_dir(env.path("e"));
    assert!(shell.status().unwrap().success());
    let ran = env.run("scan e --known known.osl");
    assert_eq!(ran.json().len(), 1);
    assert_eq!(ran.json()[0]["status"], "known");
}

#[test]
fn five_thousand_empty_files_are_five_thousand_records() {
    let env = env();
    for number in 0..5000 {
        File::create(env.path(format!("e/{number}"))).unwrap();
    }
    let ran = scan(&env);
    assert_eq!((ran.code(), ran.json().len()), (0, 5000));
    ran.says(&["5000 files seen", "5000 not an image"]);
}

#[test]
fn files_that_vanish_grow_and_shrink_during_a_scan_cost_no_record_and_no_hang() {
    let env = env();
    for number in 0..300 {
        env.write(format!("e/{number:03}.jpg"), picture());
    }
    let mut command = env.command();
    command.args(["scan", "e", "--known", "known.osl", "-j", "2"]);
    let folder = env.path("e");
    let changing = std::thread::spawn(move || {
        for number in (0..300).rev() {
            let path = folder.join(format!("{number:03}.jpg"));
            drop(match number % 3 {
                0 => fs::remove_file(&path),
                1 => fs::write(&path, [7; 100_000]),
                _ => fs::write(&path, b""),
            });
        }
    });
    let ran = finish(command, b"");
    changing.join().unwrap();
    assert!([0, 1, 3].contains(&ran.code()), "{}", ran.stderr);
    assert!(ran.json().len() <= 300);
    copy_tree(&env.path("known"), &env.path("e"));
}
