//! Completions and the manual page, from the flags' definitions.

use anyhow::Result;
use clap::CommandFactory;

use crate::exit::Exit;
use crate::flags::Flags;

pub fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut out = super::output();
    clap_complete::generate(shell, &mut Flags::command(), "onceseen", &mut out);
    super::close(out)?;
    Ok(Exit::NothingKnown)
}

pub fn man() -> Result<Exit> {
    let mut out = super::output();
    clap_mangen::Man::new(Flags::command()).render(&mut out)?;
    super::close(out)?;
    Ok(Exit::NothingKnown)
}
