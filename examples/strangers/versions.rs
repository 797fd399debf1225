//! Versions of the same picture, which are no strangers: of those joined by judged pairs one is used.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// Groups of pictures, and which of them have been used.
#[derive(Default)]
pub(crate) struct Versions {
    groups: HashMap<PathBuf, usize>,
    used: HashSet<usize>,
}

impl Versions {
    /// Pairs of a table: the first two tab-separated columns are paths.
    pub(crate) fn read(pairs: &Path) -> io::Result<Self> {
        let mut versions = Self::default();
        for line in std::fs::read_to_string(pairs)?.lines() {
            let mut cells = line.split('\t').map(PathBuf::from);
            if let (Some(first), Some(second)) = (cells.next(), cells.next()) {
                versions.join(first, second);
            }
        }
        Ok(versions)
    }

    fn join(&mut self, first: PathBuf, second: PathBuf) {
        let next = self.groups.len();
        let to = *self.groups.entry(first).or_insert(next);
        let next = self.groups.len();
        let from = *self.groups.entry(second).or_insert(next);
        for group in self.groups.values_mut().filter(|group| **group == from) {
            *group = to;
        }
    }

    /// The pictures that are in no pair, and the first of each group of which none was used before.
    pub(crate) fn first_of_each(&mut self, mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
        paths.retain(|path| self.groups.get(path).is_none_or(|group| self.used.insert(*group)));
        paths
    }
}
