//! Help, completions and the manual page, from the flags' definitions.

use std::io::{Write, stdout};

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::exit::Exit;
use crate::flags::Flags;
use crate::output::{check_open, named};

/// Help or the version on standard output; what is wrong with the flags on standard error.
pub fn usage(explained: &clap::Error) -> Result<Exit> {
    if explained.use_stderr() {
        // Where nobody can be told, the exit status still says it.
        let _ = explained.print();
        return Ok(Exit::CouldNotRun);
    }
    check_open()?;
    explained.print().and_then(|()| stdout().flush()).map_err(|error| named(&error))?;
    Ok(Exit::NothingKnown)
}

pub fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut out = super::output();
    clap_complete::generate(shell, &mut Flags::command(), "onceseen", &mut out);
    super::close(out)?;
    Ok(Exit::NothingKnown)
}

/// The page of the command that `words` name; of the whole without any.
pub fn man(words: &[String]) -> Result<Exit> {
    let mut command = Flags::command();
    // Gives every command the name that the pages refer to it by.
    command.build();
    for word in words {
        let found = command.find_subcommand(word).cloned();
        command = found.with_context(|| format!("there is no command '{}'", words.join(" ")))?;
    }
    let mut out = super::output();
    clap_mangen::Man::new(command).render(&mut out)?;
    super::close(out)?;
    Ok(Exit::NothingKnown)
}
