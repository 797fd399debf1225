//! Progress on a terminal: files, images a second, known so far, time left.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use onceseen::scan::{Progress, count_files};

use crate::messages;

/// Redrawing more often shows nothing more and costs time.
const REDRAW: Duration = Duration::from_millis(200);

/// A bar that is drawn by its own thread until dropped. Draws nothing where standard error is no
/// terminal, or with `-q`.
pub struct Bar {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts watching.
    pub fn start(progress: Arc<Progress>, paths: &[PathBuf]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        if messages::is_quiet() || !stderr().is_terminal() {
            return Self { is_over, thread: None };
        }
        let (stop, paths) = (Arc::clone(&is_over), paths.to_vec());
        let thread = thread::spawn(move || draw(&progress, &paths, &stop));
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A drawing thread that died has nothing to say about the scan.
            let _ = thread.join();
        }
    }
}

fn draw(progress: &Progress, paths: &[PathBuf], is_over: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = "{bar:24} {pos}/{len} files · {per_sec} · {msg} · {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    // Counting names is quick beside decoding, but may still take seconds on a network drive.
    if let Some(total) = count_files(paths, is_over) {
        bar.set_length(total);
    }
    while !is_over.load(Ordering::Relaxed) {
        let (files, bytes, known) = progress.counts();
        bar.set_position(files);
        bar.set_message(format!("{} MB · {known} known", bytes / 1_000_000));
        thread::sleep(REDRAW);
    }
    bar.finish_and_clear();
}
