//! Which files a scan sees, in path order.
//!
//! Directories are walked without following links; everything that is no regular file is seen and
//! named, so that the counts add up. Order is that of path components, compared as bytes: it does
//! not depend on the file system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::open;

/// One thing that the walk met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A regular file.
    File(PathBuf),
    /// A link to a regular file, which the user named.
    LinkedFile(PathBuf),
    /// Something that cannot be examined, with the reason.
    Refused { path: PathBuf, reason: String },
    /// A link to something that the scan sees under its own path.
    LinkInside(PathBuf),
}

impl Item {
    pub(super) fn path(&self) -> &Path {
        let (Self::File(path)
        | Self::LinkedFile(path)
        | Self::Refused { path, .. }
        | Self::LinkInside(path)) = self;
        path
    }
}

/// Everything under `roots`. A root inside another one is seen once; a link to a file that is seen
/// under another name is named all the same.
pub(super) fn walk(roots: &[PathBuf]) -> impl Iterator<Item = Item> + Send + use<> {
    let roots = distinct(roots);
    let real_roots: Arc<[PathBuf]> = real_roots(&roots).into();
    roots.into_iter().flat_map(move |root| {
        let real_roots = Arc::clone(&real_roots);
        let (walked, link) = match root {
            Root::Walked { path, .. } => (Some(WalkDir::new(path).sort_by_file_name()), None),
            Root::LinkInside(path) => (None, Some(Item::LinkInside(path))),
        };
        let walked = walked.into_iter().flatten();
        walked.filter_map(move |entry| item(entry, &real_roots)).chain(link)
    })
}

/// A path that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    /// A file or directory, and where it really stands, if that can be told.
    Walked { path: PathBuf, real: Option<PathBuf> },
    /// A link to a file that another root holds.
    LinkInside(PathBuf),
}

impl Root {
    fn path(&self) -> &Path {
        let (Self::Walked { path, .. } | Self::LinkInside(path)) = self;
        path
    }
}

/// Sorted roots without those below another one. Compared by real path, so that `a`, `./a` and
/// `a/b/..` are one; of several names the one that is no link is kept.
fn distinct(roots: &[PathBuf]) -> Vec<Root> {
    let mut found: Vec<(PathBuf, bool, PathBuf)> = Vec::new();
    let mut others: Vec<Root> = Vec::new();
    for root in roots {
        let is_link = fs::symlink_metadata(root).is_ok_and(|meta| meta.is_symlink());
        match fs::canonicalize(root) {
            Ok(real) => found.push((real, is_link, root.clone())),
            Err(_) => others.push(Root::Walked { path: root.clone(), real: None }),
        }
    }
    found.sort();
    let mut kept: Vec<(PathBuf, PathBuf)> = Vec::new();
    for (real, is_link, root) in found {
        // A parent sorts right before everything below it, so the last one kept is the only candidate:
        // a hundred thousand names from a file must not be compared with each other.
        if !kept.last().is_some_and(|(outer, _)| real.starts_with(outer)) {
            kept.push((real, root));
        } else if is_link && real.is_file() {
            others.push(Root::LinkInside(root));
        }
    }
    let real_roots: Vec<PathBuf> = kept.iter().map(|(real, _)| real.clone()).collect();
    others.retain(|other| !is_walked(other.path(), &real_roots));
    let walked = kept.into_iter().map(|(real, path)| Root::Walked { path, real: Some(real) });
    let mut roots: Vec<Root> = others.into_iter().chain(walked).collect();
    roots.sort_by(|a, b| a.path().cmp(b.path()));
    roots.dedup();
    roots
}

/// Where the walked roots really stand, sorted.
fn real_roots(roots: &[Root]) -> Vec<PathBuf> {
    let real = |root: &Root| match root {
        Root::Walked { real, .. } => real.clone(),
        Root::LinkInside(_) => None,
    };
    let mut real: Vec<PathBuf> = roots.iter().filter_map(real).collect();
    real.sort();
    real
}

/// Whether the walk of `real_roots` meets this very name, whatever it leads to.
fn is_walked(path: &Path, real_roots: &[PathBuf]) -> bool {
    let is_there = fs::symlink_metadata(path).is_ok();
    is_there && own_place(path).is_some_and(|place| is_inside(&place, real_roots))
}

/// Where a link itself stands.
fn own_place(link: &Path) -> Option<PathBuf> {
    let parent = link.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
    Some(parent.join(link.file_name()?))
}

fn item(entry: Result<DirEntry, walkdir::Error>, real_roots: &[PathBuf]) -> Option<Item> {
    match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) if entry.file_type().is_file() => Some(Item::File(entry.into_path())),
        Ok(entry) if entry.path_is_symlink() && entry.depth() > 0 => {
            Some(link(entry.into_path(), real_roots))
        }
        Ok(entry) => root_link_or_special(entry),
        Err(error) => Some(Item::Refused {
            path: error.path().map(Path::to_owned).unwrap_or_default(),
            reason: refusal(error),
        }),
    }
}

fn refusal(error: walkdir::Error) -> String {
    let is_root = error.depth() == 0;
    match error.into_io_error() {
        // A name from a list: by now the file may be gone.
        Some(source) if is_root && source.kind() == io::ErrorKind::NotFound => {
            format!("cannot be read: {}", open::explain(&source))
        }
        Some(source) => format!("cannot be listed: {}", open::explain(&source)),
        None => "cannot be listed: a loop of links".to_owned(),
    }
}

/// A root that is a link was named by the user, so it is followed: to a file here, into a directory by
/// the walk, which gives the link itself first.
fn root_link_or_special(entry: DirEntry) -> Option<Item> {
    let target = fs::metadata(entry.path()).ok().filter(|_| entry.depth() == 0);
    if target.as_ref().is_some_and(fs::Metadata::is_dir) {
        return None;
    }
    if target.as_ref().is_some_and(fs::Metadata::is_file) {
        return Some(Item::LinkedFile(entry.into_path()));
    }
    let kind = target.map_or(entry.file_type(), |target| target.file_type());
    let reason = format!("not a regular file ({})", special_name(kind));
    Some(Item::Refused { path: entry.into_path(), reason })
}

fn link(path: PathBuf, real_roots: &[PathBuf]) -> Item {
    match fs::canonicalize(&path) {
        Ok(target) if is_inside(&target, real_roots) => Item::LinkInside(path),
        Ok(_) => Item::Refused { path, reason: "symbolic link out of the scanned tree".to_owned() },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Item::Refused {
            path,
            reason: format!("symbolic link that cannot be followed: {error}"),
        },
        Err(_) => Item::Refused { path, reason: "symbolic link that leads nowhere".to_owned() },
    }
}

/// Whether one of the sorted `real_roots`, none of which lies below another, holds `target`.
fn is_inside(target: &Path, real_roots: &[PathBuf]) -> bool {
    let after = real_roots.partition_point(|root| root.as_path() <= target);
    real_roots[..after].last().is_some_and(|root| target.starts_with(root))
}

#[cfg(unix)]
fn special_name(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "named pipe"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "device"
    } else {
        "of unknown kind"
    }
}

#[cfg(not(unix))]
fn special_name(_: fs::FileType) -> &'static str {
    "of unknown kind"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_inside_another_are_seen_once_and_order_is_by_component() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("a")).unwrap();
        for name in ["a/x", "a.jpg", "b"] {
            fs::write(root.join(name), name).unwrap();
        }
        let items: Vec<Item> =
            walk(&[root.join("a"), root.to_owned(), root.join("a/../b")]).collect();
        let files = ["a/x", "a.jpg", "b"].map(|name| Item::File(root.join(name)));
        assert_eq!(items, files);
    }
}
