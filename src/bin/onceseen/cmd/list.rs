//! `onceseen list`: build, merge, inspect and verify lists. Comparing and exporting: `list_ops`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use onceseen::digest::DigestKind;
use onceseen::index::IndexChoice;
use onceseen::list::{self, HashList, ImportSettings, ListBuilder};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::flags::{Build, BuildIndex, Merge};
use crate::listing::{self, InputKind, Listed};
use crate::{messages, settings};

pub fn build(flags: &Build) -> Result<Exit> {
    settings::limit_threads(flags.work.threads)?;
    let sources = sources(flags)?;
    let name = flags.name.clone().unwrap_or_else(|| output_name(&flags.output));
    let mut builder = ListBuilder::new(&name)?;
    builder.negative(flags.negative).index(flags.index.into());
    builder.memory(flags.memory.0).temporary_directory(settings::directory_of(&flags.output));
    let listed = if flags.variants { Listed::Windows } else { Listed::Whole };
    let (mut rows, mut refused) = (0, 0_u64);
    for (input, source) in flags.inputs.iter().zip(&sources) {
        let mut problem = |text: &str| {
            refused += 1;
            if flags.strict {
                bail!("{text}; nothing was written (--strict)");
            }
            messages::warn(text);
            Ok(())
        };
        if !flags.negative && is_negative_list(input)? {
            bail!(
                "{}: a negative list (known harmless): name it in a list of its own, with --negative",
                input.display()
            );
        }
        let settings = import_settings(flags)?;
        let work = (&flags.work, listed);
        rows += listing::add_input(&mut builder, input, source, work, settings, &mut problem)?;
    }
    if rows == 0 && refused > 0 {
        bail!("every row was refused; {} was not written", flags.output.display());
    }
    finish(builder, &flags.output, &format!("{rows} rows, {refused} refused"))
}

/// Whether an input is a list of what is known to be harmless: built into another list, it would make
/// that known.
fn is_negative_list(input: &Path) -> Result<bool> {
    let is_list = matches!(listing::input_kind(input)?, InputKind::List);
    Ok(is_list && listing::open_list(input)?.manifest().is_negative)
}

/// Writes the list and says what became of `input`.
fn finish(builder: ListBuilder, output: &Path, input: &str) -> Result<Exit> {
    let built = builder.finish(output)?;
    let list = listing::open_list(output)?;
    let temporary = match built.temporary_bytes >> 20 {
        0 => String::new(),
        mebibytes => format!(", {mebibytes} MiB of temporary files"),
    };
    messages::note(&format!(
        "{}: {} entries, {} claims from {input}, {} bytes{temporary}, digest {}",
        output.display(),
        list.len(),
        list.claim_count(),
        list.byte_len(),
        list.digest()
    ));
    Ok(Exit::NothingKnown)
}

impl From<BuildIndex> for list::BuildIndex {
    fn from(choice: BuildIndex) -> Self {
        match choice {
            BuildIndex::Auto => Self::Auto,
            BuildIndex::BkTree => Self::BkTree,
            BuildIndex::Mih => Self::Mih,
            BuildIndex::All => Self::All,
        }
    }
}

pub fn merge(flags: &Merge) -> Result<Exit> {
    settings::limit_threads(flags.threads)?;
    let name = flags.name.clone().unwrap_or_else(|| output_name(&flags.output));
    let mut builder = ListBuilder::new(&name)?;
    builder.memory(flags.memory.0).temporary_directory(settings::directory_of(&flags.output));
    let mut negative = 0;
    for path in &flags.lists {
        let list = listing::open_whole_list(path)?;
        negative += usize::from(list.manifest().is_negative);
        builder.push_list(&list)?;
    }
    if !flags.negative && negative > 0 && negative < flags.lists.len() {
        bail!(
            "{negative} of the lists are negative (known harmless): merge only lists of one kind"
        );
    }
    builder.negative(flags.negative || negative > 0).index(flags.index.into());
    finish(builder, &flags.output, &format!("{} lists", flags.lists.len()))
}

/// The source of each input.
fn sources(flags: &Build) -> Result<Vec<String>> {
    match flags.source.len() {
        0 => Ok(flags.inputs.iter().map(|input| listing::input_name(input)).collect()),
        1 => Ok(vec![flags.source[0].clone(); flags.inputs.len()]),
        named if named == flags.inputs.len() => Ok(flags.source.clone()),
        named => bail!(
            "{named} times --source for {} inputs: give it once for all, or once for each",
            flags.inputs.len()
        ),
    }
}

fn output_name(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn import_settings(flags: &Build) -> Result<ImportSettings> {
    let mut builder = ImportSettings::builder();
    builder.algorithm(listing::bare_algorithm(&flags.work));
    if let Some(columns) = &flags.columns {
        builder.columns(columns.clone());
    }
    if let Some(format) = flags.input_format {
        builder.format(format);
    }
    if let Some(delimiter) = flags.delimiter {
        let Ok(delimiter) = u8::try_from(delimiter) else {
            bail!("--delimiter takes one ASCII character")
        };
        builder.delimiter(delimiter);
    }
    Ok(builder.build()?)
}

pub fn info(path: &Path, as_json: bool) -> Result<Exit> {
    let list = listing::open_list(path)?;
    let mut out = super::output();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&info_json(&list))?)?;
    } else {
        write!(out, "{}", onceseen_text(&list))?;
    }
    super::close(out)?;
    Ok(Exit::NothingKnown)
}

fn info_json(list: &HashList) -> Value {
    let manifest = list.manifest();
    let hashes: Vec<Value> = list
        .algorithms()
        .map(|algorithm| {
            let (bk_tree, mih) = list.index_byte_lens(algorithm);
            let bytes = |len: usize| if len == 0 { Value::Null } else { json!(len) };
            json!({
                "algorithm": algorithm.name(),
                "entries": list.hash_count(algorithm),
                "search": list.explain(algorithm, algorithm.default_radius(), IndexChoice::Auto)
                    .map(|plan| plan.to_string()),
                "index_bytes": { "bk-tree": bytes(bk_tree), "mih": bytes(mih) },
            })
        })
        .collect();
    let digests: serde_json::Map<String, Value> = DigestKind::ALL
        .into_iter()
        .map(|kind| (kind.name().to_owned(), json!(list.digest_count(kind))))
        .collect();
    json!({
        "name": manifest.name,
        "digest": list.digest(),
        "format_version": list.format_version(),
        "tool": manifest.tool,
        "negative": manifest.is_negative,
        "bytes": list.byte_len(),
        "entries": list.len(),
        "claims": list.claim_count(),
        "hashes": hashes,
        "digests": digests,
        "sources": manifest.sources,
    })
}

fn onceseen_text(list: &HashList) -> String {
    use onceseen::report::escape::terminal;
    let manifest = list.manifest();
    let mut lines = vec![
        format!(
            "name      {}{}",
            terminal(&manifest.name),
            if manifest.is_negative { " (negative)" } else { "" }
        ),
        format!("digest    {}", list.digest()),
        format!("written   by {}, format {}", terminal(&manifest.tool), list.format_version()),
        format!(
            "size      {} bytes, {} entries, {} claims",
            list.byte_len(),
            list.len(),
            list.claim_count()
        ),
    ];
    for algorithm in list.algorithms() {
        let (bk_tree, mih) = list.index_byte_lens(algorithm);
        lines.push(format!(
            "{algorithm:<9} {} entries; index bytes: bk-tree {bk_tree}, mih {mih}",
            list.hash_count(algorithm)
        ));
        for radius in [algorithm.default_radius(), algorithm.default_review_radius()] {
            if let Some(plan) = list.explain(algorithm, radius, IndexChoice::Auto) {
                lines.push(format!("          search {plan}"));
            }
        }
    }
    for kind in DigestKind::ALL {
        if list.digest_count(kind) > 0 {
            lines.push(format!("{kind:<9} {} entries", list.digest_count(kind)));
        }
    }
    for source in &manifest.sources {
        lines.push(format!(
            "source    {}: {} rows from {}, {} refused",
            terminal(&source.name),
            source.rows,
            terminal(&source.input),
            source.refused
        ));
        let refusals =
            source.refusals.iter().map(|(_, reason)| format!("  refused {}", terminal(reason)));
        lines.extend(refusals);
    }
    lines.join("\n") + "\n"
}

pub fn verify(paths: &[PathBuf]) -> Result<Exit> {
    let mut damaged = 0;
    let mut out = super::output();
    for path in paths {
        match listing::open_list(path) {
            Ok(list) => {
                let problems = list.verify();
                for problem in &problems {
                    messages::error(&anyhow::anyhow!("{}: {problem}", path.display()));
                }
                if problems.is_empty() {
                    writeln!(
                        out,
                        "{}: whole, digest {}",
                        onceseen::report::escape::terminal(&path.display().to_string()),
                        list.digest()
                    )?;
                } else {
                    damaged += 1;
                }
            }
            Err(error) => {
                damaged += 1;
                messages::error(&error);
            }
        }
    }
    super::close(out)?;
    if damaged > 0 {
        bail!("{damaged} of {} lists cannot be trusted", paths.len());
    }
    Ok(Exit::NothingKnown)
}
