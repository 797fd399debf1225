//! A temporary tree, the real command run in it, and what it said.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// No run of these tests takes a fiftieth of this on a quiet machine; a hang must fail, not block.
const TIME_OUT: Duration = Duration::from_secs(300);

/// A tree that vanishes when dropped.
pub(crate) struct TestEnv {
    directory: tempfile::TempDir,
}

/// What a run said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A tree with the committed pictures as `known/` and `evidence/`.
    pub(crate) fn with_pictures() -> Self {
        let env = Self::new();
        for name in ["known", "evidence"] {
            copy_tree(&pictures().join(name), &env.path(name));
        }
        env
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file and the folders above it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs the command with words separated by spaces, in the tree.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>(), b"")
    }

    /// Runs the command with these bytes on its standard input.
    pub(crate) fn run_with(&self, line: &str, input: &[u8]) -> Ran {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>(), input)
    }

    pub(crate) fn run_words(&self, words: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command();
        command.args(words);
        finish(command, input)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onceseen"));
        command.current_dir(self.root());
        command
    }

    /// Runs and demands an exit status.
    pub(crate) fn expect(&self, exit: i32, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code(), exit, "onceseen {line}\n{}\n{}", ran.stderr, ran.text());
        ran
    }
}

impl Ran {
    /// The exit status; a signal fails the test.
    pub(crate) fn code(&self) -> i32 {
        self.exit.code().unwrap_or_else(|| panic!("died: {}\n{}", self.exit, self.stderr))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// Every line of output as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The record of the path that ends with `suffix`.
    pub(crate) fn record(&self, suffix: &str) -> Value {
        let mut found = self.json();
        found.retain(|record| record["path"].as_str().unwrap().ends_with(suffix));
        assert_eq!(found.len(), 1, "{suffix}: {found:?}\n{}", self.stderr);
        found.remove(0)
    }

    /// Demands that standard error holds every one of `words`.
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stderr.contains(word), "should say '{word}': {}", self.stderr);
        }
        self
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: Command, input: &[u8]) -> Ran {
    finish_watched(command, input, |_| {})
}

/// The same; `watch` is called with the process again and again while it runs.
pub(crate) fn finish_watched(
    mut command: Command,
    input: &[u8],
    mut watch: impl FnMut(&Child),
) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // A command that does not read its input closes the pipe, which is no failure.
    let feed = thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let exit = wait_watched(&mut child, TIME_OUT, &mut watch);
    feed.join().unwrap();
    let stderr = String::from_utf8(stderr.join().unwrap()).unwrap();
    Ran { exit, stdout: stdout.join().unwrap(), stderr }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

pub(crate) fn wait(child: &mut Child, time_out: Duration) -> ExitStatus {
    wait_watched(child, time_out, &mut |_| {})
}

fn wait_watched(
    child: &mut Child,
    time_out: Duration,
    watch: &mut dyn FnMut(&Child),
) -> ExitStatus {
    let start = Instant::now();
    loop {
        watch(child);
        if let Some(exit) = child.try_wait().unwrap() {
            return exit;
        }
        if start.elapsed() > time_out {
            child.kill().unwrap();
            panic!("still running after {time_out:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The committed pictures.
pub(crate) fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures")
}

/// A small picture with enough structure to be matched.
pub(crate) fn picture() -> Vec<u8> {
    fs::read(pictures().join("known/scene-00.jpg")).unwrap()
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
