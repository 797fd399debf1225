//! What can be wrong with a list, divided by who must act.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::format;

/// Why a list could not be opened, built or verified.
#[derive(Debug)]
pub struct ListError {
    path: Option<PathBuf>,
    kind: ListErrorKind,
}

#[derive(Debug)]
pub(crate) enum ListErrorKind {
    Io { doing: &'static str, source: io::Error },
    Empty,
    NotAList,
    NewerVersion { found: u32 },
    Length { expected: u64, found: u64 },
    Damaged { section: &'static str, what: &'static str },
    TooMany { what: &'static str, limit: u64 },
}

impl ListError {
    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        ListErrorKind::Io { doing, source }.into()
    }

    /// The same error with the file it is about.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// The file it is about, where known.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the bytes are no hash list at all, so that another format may be tried.
    pub fn is_not_a_list(&self) -> bool {
        matches!(self.kind, ListErrorKind::NotAList | ListErrorKind::Empty)
    }
}

impl From<ListErrorKind> for ListError {
    fn from(kind: ListErrorKind) -> Self {
        Self { path: None, kind }
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display().to_string().escape_debug())?;
        }
        match &self.kind {
            ListErrorKind::Io { doing, .. } => write!(f, "cannot {doing}"),
            ListErrorKind::Empty => write!(f, "the file is empty, so it is no hash list"),
            ListErrorKind::NotAList => {
                write!(f, "not a compiled hash list: build one with 'onceseen list build'")
            }
            ListErrorKind::NewerVersion { found } => write!(
                f,
                "list format {found} is newer than this version reads ({}): update onceseen",
                format::VERSION
            ),
            ListErrorKind::Length { expected, found } => write!(
                f,
                "expected {expected} bytes, found {found}: the file was cut or changed, copy it again"
            ),
            ListErrorKind::Damaged { section, what } => {
                write!(f, "{section}: {what}: the file is damaged, copy or build it again")
            }
            ListErrorKind::TooMany { what, limit } => {
                write!(f, "more than {limit} {what}: split the list")
            }
        }
    }
}

impl std::error::Error for ListError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ListErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
