//! Renders `tests/data/pictures/`: known pictures, and an evidence directory with copies of them.
//!
//! ```text
//! cargo run --release --example render_pictures [DIRECTORY]
//! ```

#[path = "../tests/support/pictures.rs"]
mod pictures;

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| "tests/data/pictures".into(), PathBuf::from);
    for (path, bytes) in pictures::files() {
        let path = root.join(path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
