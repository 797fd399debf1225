//! The figures as tables, and as a plot by family.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use onceseen::variant::Step;

use crate::{Outcome, Row, STRANGER};

/// PDQ's radius, a middle one, and the review radius.
const RADII: [u32; 3] = [31, 40, 52];

/// What a column counts as found.
type Column = (&'static str, fn(&Outcome) -> bool);

const COLUMNS: [Column; 5] = [
    ("plain 31", |outcome| outcome.plain <= RADII[0]),
    ("dihedral 31", |outcome| outcome.dihedral <= RADII[0]),
    ("ours 31", |outcome| nearest(outcome) <= RADII[0]),
    ("40", |outcome| nearest(outcome) <= RADII[1]),
    ("52", |outcome| nearest(outcome) <= RADII[2]),
];

fn nearest(outcome: &Outcome) -> u32 {
    outcome.steps.iter().copied().min().unwrap_or(256)
}

fn percent(count: usize, of: usize) -> f64 {
    let real = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    real(count) * 100.0 / real(of.max(1))
}

fn share<'a>(outcomes: impl Iterator<Item = &'a Outcome>, is_found: fn(&Outcome) -> bool) -> f64 {
    let (mut found, mut of) = (0, 0);
    for outcome in outcomes {
        found += usize::from(is_found(outcome));
        of += 1;
    }
    percent(found, of)
}

/// Share found by the search within its budget.
fn listed<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    let found: Vec<bool> = outcomes.filter_map(|outcome| outcome.listed).collect();
    if found.is_empty() {
        return "-".to_owned();
    }
    format!("{:.1} %", percent(found.iter().filter(|is| **is).count(), found.len()))
}

pub(crate) fn head(out: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.0).collect();
    writeln!(
        out,
        "| family | copy | {} | in lists | nearest stranger | found first at 52 by |\n|{}",
        names.join(" | "),
        " --- |".repeat(COLUMNS.len() + 5)
    )
}

/// One change.
pub(crate) fn row(row: &Row, out: &mut impl Write) -> io::Result<()> {
    let mut cells = vec![row.family.to_owned(), row.name.to_owned()];
    let shares = COLUMNS.map(|(_, is_found)| share(row.outcomes.iter(), is_found));
    cells.extend(shares.map(|share| format!("{share:.0} %")));
    cells.push(listed(row.outcomes.iter()));
    let stranger = row.outcomes.iter().map(|outcome| outcome.stranger).min().unwrap_or(256);
    cells.push(stranger.to_string());
    let mut by = vec![0_usize; Step::ALL.len() + 1];
    for outcome in &row.outcomes {
        if let Some(step) = outcome.steps.iter().position(|distance| *distance <= RADII[2]) {
            by[step] += 1;
        }
    }
    let by: Vec<String> = by.iter().map(usize::to_string).collect();
    cells.push(by.join(" "));
    writeln!(out, "| {} |", cells.join(" | "))?;
    out.flush()
}

/// Rows of one family, in the order of the changes.
fn by_family(rows: &[Row]) -> Vec<(&'static str, Vec<&Row>)> {
    let mut out: Vec<(&'static str, Vec<&Row>)> = Vec::new();
    for row in rows {
        match out.last_mut() {
            Some((family, rows)) if *family == row.family => rows.push(row),
            _ => out.push((row.family, vec![row])),
        }
    }
    out
}

fn family_shares(rows: &[&Row]) -> [f64; COLUMNS.len()] {
    COLUMNS.map(|(_, is_found)| share(rows.iter().flat_map(|row| &row.outcomes), is_found))
}

/// Families, every copy counted once, and strangers over all copies.
pub(crate) fn families(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.0).collect();
    writeln!(
        out,
        "\n| family | copies | {} | in lists |\n|{}",
        names.join(" | "),
        " --- |".repeat(COLUMNS.len() + 3)
    )?;
    for (family, rows) in by_family(rows) {
        let copies: usize = rows.iter().map(|row| row.outcomes.len()).sum();
        let shares = family_shares(&rows).map(|share| format!("{share:.1} %"));
        let listed = listed(rows.iter().flat_map(|row| &row.outcomes));
        writeln!(out, "| {family} | {copies} | {} | {listed} |", shares.join(" | "))?;
    }
    let all = || rows.iter().flat_map(|row| &row.outcomes);
    let nearest = all().map(|outcome| outcome.stranger).min().unwrap_or(256);
    write!(out, "\nStrangers: nearest {nearest} bits;")?;
    for (place, radius) in STRANGER.iter().enumerate() {
        let count: usize = all().map(|outcome| outcome.strangers[place]).sum();
        write!(out, " {count} within {radius};")?;
    }
    writeln!(out, " over {} copies.\n", all().count())
}

/// Look-ups and time of each step.
pub(crate) fn costs(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let outcomes: Vec<&Outcome> = rows.iter().flat_map(|row| &row.outcomes).collect();
    writeln!(
        out,
        "| step | look-ups, mean | most | ms, mean | found first at {} |\n|{}",
        GAINS.map(|radius| radius.to_string()).join(" | "),
        " --- |".repeat(4 + GAINS.len())
    )?;
    let names = ["plane"].into_iter().chain(Step::ALL.map(Step::name));
    for (index, name) in names.enumerate() {
        let lookups = outcomes.iter().map(|outcome| outcome.lookups[index]);
        let total: Duration = outcomes.iter().map(|outcome| outcome.times[index]).sum();
        let count = outcomes.len().max(1);
        writeln!(
            out,
            "| {name} | {} | {} | {:.3} | {} |",
            lookups.clone().sum::<usize>() / count,
            lookups.max().unwrap_or(0),
            total.as_secs_f64() * 1000.0 / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
            GAINS.map(|radius| first_at(&outcomes, index, radius).to_string()).join(" | "),
        )?;
    }
    Ok(())
}

/// Radii of the gains of each step.
const GAINS: [u32; 5] = [31, 36, 40, 46, 52];

/// Copies that a step finds within `radius` and none before it: the picture itself is looked up at the
/// review radius always, frames and tiles never beyond 40.
fn first_at(outcomes: &[&Outcome], step: usize, radius: u32) -> usize {
    let within = |step: usize| match step {
        0 => RADII[2],
        1 | 2 => radius.min(RADII[1]),
        _ => radius,
    };
    let is_first = |outcome: &&&Outcome| {
        let mut distances = outcome.steps.iter().enumerate();
        distances.position(|(step, distance)| *distance <= within(step)) == Some(step)
    };
    outcomes.iter().filter(is_first).count()
}

/// Radii of the guessed steps, and of the cropped grid and the combined step.
const CAPS: [[u32; 2]; 4] = [[52, 52], [52, 46], [52, 40], [40, 40]];

/// Whether the search finds a copy with these radii; the picture itself at 52, frames and tiles at 40.
fn is_within(outcome: &Outcome, [guessed, grids]: [u32; 2]) -> bool {
    let radius = |step: usize| match step {
        0 => RADII[2],
        1 | 2 => RADII[1],
        6 | 7 => grids,
        _ => guessed,
    };
    outcome.steps.iter().enumerate().any(|(step, distance)| *distance <= radius(step))
}

/// What narrower radii of the guessed steps would lose.
pub(crate) fn caps(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let name = |[guessed, grids]: [u32; 2]| format!("{guessed}, grids {grids}");
    writeln!(
        out,
        "\n| family | copies | {} |\n|{}",
        CAPS.map(name).join(" | "),
        " --- |".repeat(6)
    )?;
    for (family, rows) in by_family(rows) {
        let outcomes: Vec<&Outcome> = rows.iter().flat_map(|row| &row.outcomes).collect();
        let found = CAPS.map(|caps| outcomes.iter().filter(|out| is_within(out, caps)).count());
        let found = found.map(|count| format!("{count}"));
        writeln!(out, "| {family} | {} | {} |", outcomes.len(), found.join(" | "))?;
    }
    Ok(())
}

/// Three bars a family: plain, dihedral, all variants at the review radius.
pub(crate) fn plot(rows: &[Row]) -> String {
    let families = by_family(rows);
    let height = 60 + 54 * families.len();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"720\" height=\"{height}\" \
         fill=\"#ffffff\"/>\n"
    );
    let series = [
        (0, "#b8c0c8", "plain, 31"),
        (1, "#7a8a99", "dihedral, 31"),
        (4, "#1f6f4a", "all variants, 52"),
    ];
    for (place, (_, color, name)) in series.iter().enumerate() {
        let x = 170 + 170 * place;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"14\" width=\"12\" height=\"12\" fill=\"{color}\"/>\
             <text x=\"{}\" y=\"25\">{name}</text>",
            x + 18
        );
    }
    for (place, (family, rows)) in families.iter().enumerate() {
        let y = 44 + 54 * place;
        let _ =
            writeln!(out, "<text x=\"160\" y=\"{}\" text-anchor=\"end\">{family}</text>", y + 26);
        let shares = family_shares(rows);
        for (bar, (column, color, _)) in series.iter().enumerate() {
            let (share, y) = (shares[*column], y + 14 * bar);
            let _ = writeln!(
                out,
                "<rect x=\"170\" y=\"{y}\" width=\"{:.1}\" height=\"12\" fill=\"{color}\"/>\
                 <text x=\"{:.1}\" y=\"{}\" font-size=\"11\">{share:.0} %</text>",
                share * 4.8,
                175.0 + share * 4.8,
                y + 10
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
