//! The command: parse, dispatch, map to an exit status.

#![allow(missing_docs, reason = "a program has no public interface in Rust")]
#![allow(unreachable_pub, reason = "the modules of a program are its own")]

mod cmd;
mod exit;
mod flags;
mod listing;
mod messages;
mod output;
mod progress;
mod settings;

use std::any::Any;
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser;

use exit::Exit;
use flags::{Flags, List, Mode};

fn main() -> ExitCode {
    // A decoder that panics costs one record, which says so; the panic's own text would only tear
    // the progress bar.
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(|| match Flags::try_parse() {
        Ok(flags) => run(&flags),
        Err(explained) => cmd::meta::usage(&explained),
    });
    let result = result.unwrap_or_else(|panic| Err(defect(&*panic)));
    match result {
        Ok(exit) => exit.into(),
        // The reader of our output went away: nobody is left to tell, but the run is not complete.
        Err(_) if output::is_closed() => Exit::CouldNotRun.into(),
        Err(error) => {
            messages::error(&error);
            Exit::CouldNotRun.into()
        }
    }
}

fn run(flags: &Flags) -> anyhow::Result<Exit> {
    messages::set_quiet(flags.quiet);
    match &flags.mode {
        Mode::Scan(flags) => cmd::scan::run(flags),
        Mode::Match(flags) => cmd::match_::run(flags),
        Mode::Hash(flags) => cmd::hash::run(flags),
        Mode::Compare(flags) => cmd::compare::run(flags),
        Mode::List(List::Build(flags)) => cmd::list::build(flags),
        Mode::List(List::Info { list, json }) => cmd::list::info(list, *json),
        Mode::List(List::Merge(flags)) => cmd::list::merge(flags),
        Mode::List(List::Diff { old, new, entries }) => cmd::list_ops::diff(old, new, *entries),
        Mode::List(List::Export { list, format }) => cmd::list_ops::export(list, *format),
        Mode::List(List::Verify { lists }) => cmd::list::verify(lists),
        Mode::Completions { shell } => cmd::meta::completions(*shell),
        Mode::Man { command } => cmd::meta::man(command),
    }
}

/// A panic that is no decoder's: the silent hook must not make the whole command end without a word.
fn defect(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
    anyhow::anyhow!("stopped by a defect of onceseen, report it: {text}")
}
