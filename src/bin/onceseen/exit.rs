//! Exit statuses: a script must be able to tell "nothing known" from "not everything was looked at".

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Finished; nothing known.
    NothingKnown,
    /// Finished; at least one known.
    Known,
    /// Could not run.
    CouldNotRun,
    /// Finished, but some files could not be examined, whether or not something was known.
    NotAllExamined,
}

/// The statuses, for `--help`.
pub const HELP: &str = "\
Exit status:
  0  finished, nothing known
  1  finished, at least one known
  2  could not run
  3  finished, but some files (or hashes) could not be examined";

impl Exit {
    /// The status of a finished run.
    pub const fn of(known: u64, unexaminable: u64) -> Self {
        if unexaminable > 0 {
            Self::NotAllExamined
        } else if known > 0 {
            Self::Known
        } else {
            Self::NothingKnown
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::NothingKnown => 0,
            Self::Known => 1,
            Self::CouldNotRun => 2,
            Self::NotAllExamined => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unexamined_files_outrank_known_ones() {
        assert_eq!(Exit::of(0, 0).code(), 0);
        assert_eq!(Exit::of(5, 0).code(), 1);
        assert_eq!(Exit::of(5, 1).code(), 3);
        assert_eq!(Exit::CouldNotRun.code(), 2);
    }
}
