//! Completions and the manual page, from the flags' definitions.

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::exit::Exit;
use crate::flags::Flags;

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
