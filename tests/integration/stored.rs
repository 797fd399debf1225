//! Lists built with windows of their pictures: what they find that hashes alone do not, and what
//! the records say of it.

use image::{Rgb, RgbImage, imageops};
use serde_json::Value;

use crate::testenv::TestEnv;

/// A known picture with the committed ones beside it.
fn lists() -> (TestEnv, RgbImage) {
    let env = TestEnv::with_pictures();
    let picture = image::open(env.path("known/scene-00.jpg")).unwrap().to_rgb8();
    let built = env.run("list build known -o hashes.osl");
    assert!(built.exit.success(), "{}", built.stderr);
    let built = env.run("list build known --variants -o windows.osl");
    assert!(built.exit.success(), "{}", built.stderr);
    (env, picture)
}

/// The matches of a changed copy against a list.
fn matches(env: &TestEnv, copy: &RgbImage, list: &str) -> Vec<Value> {
    copy.save(env.path("copy.png")).unwrap();
    let ran = env.run(&format!("scan -q copy.png --known {list} --variants all"));
    let record: Value = serde_json::from_slice(&ran.stdout).unwrap();
    record["matches"].as_array().unwrap().clone()
}

#[test]
fn a_covered_copy_is_possible_by_the_window_that_is_left() {
    let (env, picture) = lists();
    let mut copy = picture.clone();
    let cover = RgbImage::from_pixel(picture.width() / 2, picture.height() * 3 / 5, Rgb([250; 3]));
    imageops::replace(&mut copy, &cover, 5, 3);
    let found = matches(&env, &copy, "windows.osl");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["level"], "possible");
    let variant = found[0]["variant"].as_str().unwrap();
    assert!(variant.contains("+ stored-window left="), "{variant}");
    let claim = &found[0]["claims"][0];
    assert_eq!(claim["record"], "scene-00.jpg");
    assert!(variant.ends_with(claim["fields"]["stored-window"].as_str().unwrap()), "{variant}");
}

#[test]
fn a_deep_crop_is_possible_by_a_window() {
    let (env, picture) = lists();
    let (width, height) = picture.dimensions();
    let (left, top) = (width * 19 / 100, height * 17 / 100);
    let copy = imageops::crop_imm(&picture, left, top, width * 64 / 100, height * 66 / 100);
    let found = matches(&env, &copy.to_image(), "windows.osl");
    assert!(!found.is_empty());
    assert!(found.iter().all(|found| found["level"] == "possible"), "{found:?}");
    assert_eq!(found[0]["claims"][0]["record"], "scene-00.jpg");
}

#[test]
fn the_picture_itself_is_matched_as_a_whole_alone() {
    let (env, picture) = lists();
    let found = matches(&env, &picture, "windows.osl");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["level"], &found[0]["variant"]), (&"near".into(), &"original".into()));
}

#[test]
fn a_list_says_that_it_holds_windows_and_one_without_costs_no_look_up() {
    let (env, _) = lists();
    let info: Value =
        serde_json::from_slice(&env.run("list info windows.osl --json").stdout).unwrap();
    let source = &info["sources"][1];
    assert_eq!(source["name"], "stored-window");
    assert!(source["rows"].as_u64().unwrap() > 600, "{source}");
    let plain: Value =
        serde_json::from_slice(&env.run("list info hashes.osl --json").stdout).unwrap();
    assert_eq!(plain["sources"].as_array().unwrap().len(), 1);
}

#[test]
fn building_with_windows_twice_gives_the_same_bytes_and_merging_keeps_them() {
    let (env, picture) = lists();
    for line in [
        "list build known --variants --name windows -o again.osl",
        "list build windows.osl -o merged.osl",
    ] {
        let built = env.run(line);
        assert!(built.exit.success(), "{}", built.stderr);
    }
    env.write("windows.jsonl", env.expect(0, "list export windows.osl").stdout);
    env.expect(0, "list build windows.jsonl -o exported.osl");
    assert_eq!(env.read("windows.osl"), env.read("again.osl"));
    let (width, height) = picture.dimensions();
    let half = imageops::crop_imm(&picture, width / 2, 0, width - width / 2, height).to_image();
    assert!(!matches(&env, &half, "merged.osl").is_empty());
    assert!(!matches(&env, &half, "exported.osl").is_empty());
}
