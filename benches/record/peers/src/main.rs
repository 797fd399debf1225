//! One searcher over a file of hashes, driven line by line: what `compare_search.py` measures.
//!
//! `search-peers SEARCHER WIDTH HASHES QUERIES`: the files are packed little-endian hashes. Builds,
//! prints a JSON line about that, then answers each line `RADIUS one|batch COUNT FIRST` of its input with
//! a JSON line about `COUNT` queries from number `FIRST` on: microseconds of CPU time of the searching thread a
//! query, and for each query the number of matches and a checksum over them.
//!
//! `search-peers windows FOLDER OUT COUNT` writes hashes of windows of pictures instead.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::time::Instant;

use onceseen::bits::{BitHash, Hash64, Hash256};
use onceseen::index::bktree::{self, BkTree};
use onceseen::index::linear::Linear;
use onceseen::index::mih::{self, Mih};
use onceseen::index::planner::Planner;
use onceseen::index::{Column, Index, Neighbor};
use rustix::time::{ClockId, clock_gettime};

mod windows;

/// Entry and distance of each match of a query.
type Answer = Vec<(u32, u32)>;

/// Gives the CPU seconds of a search and its answers.
type Search<'a> = dyn FnMut(u32, bool, Range<usize>) -> (f64, Vec<Answer>) + 'a;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder, out, count] = arguments.as_slice()
        && mode == "windows"
    {
        return windows::write(folder, out, count.parse()?);
    }
    let [searcher, width, hashes, queries] = arguments.as_slice() else {
        return Err("usage: search-peers SEARCHER WIDTH HASHES QUERIES".into());
    };
    let (hashes, queries) = (fs::read(hashes)?, fs::read(queries)?);
    let start = Start::now()?;
    match (searcher.as_str(), width.as_str()) {
        ("bk-tree-crate", "64") => bk_tree_crate::<1>(&hashes, &queries, &start),
        ("bk-tree-crate", "256") => bk_tree_crate::<4>(&hashes, &queries, &start),
        ("mih-rs", "64") => mih_rs(&hashes, &queries, &start),
        (_, "64") => ours::<Hash64>(searcher, &hashes, &queries, &start),
        (_, "256") => ours::<Hash256>(searcher, &hashes, &queries, &start),
        _ => Err(format!("no searcher {searcher} of width {width}").into()),
    }
}

/// When and with how much memory a build began.
struct Start {
    wall: Instant,
    cpu_s: f64,
    resident_kib: u64,
}

impl Start {
    fn now() -> Result<Self, Box<dyn Error>> {
        let cpu_s = cpu_s(ClockId::ProcessCPUTime);
        Ok(Self { wall: Instant::now(), cpu_s, resident_kib: status("VmRSS:")? })
    }

    /// Reports a finished build; `index_bytes` where the index is one piece of known size.
    fn built(&self, index_bytes: Option<usize>) -> Result<(), Box<dyn Error>> {
        let cpu_s = cpu_s(ClockId::ProcessCPUTime) - self.cpu_s;
        let wall_s = self.wall.elapsed().as_secs_f64();
        let grown_kib = status("VmRSS:")?.saturating_sub(self.resident_kib);
        let index_bytes = index_bytes.map_or(grown_kib * 1024, |bytes| bytes as u64);
        let peak_kib = status("VmHWM:")?;
        println!(
            "{{\"build_cpu_s\":{cpu_s:.3},\"build_wall_s\":{wall_s:.3},\
             \"index_bytes\":{index_bytes},\"peak_kib\":{peak_kib}}}"
        );
        Ok(io::stdout().flush()?)
    }
}

fn cpu_s(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A line of the process's status, in KiB.
fn status(name: &str) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Answers the requests on the input until it ends.
fn serve(search: &mut Search<'_>) -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let [radius, mode, count, first] = words.as_slice() else { return Err(line.into()) };
        let (count, first): (usize, usize) = (count.parse()?, first.parse()?);
        let (seconds, answers) = search(radius.parse()?, *mode == "batch", first..first + count);
        let us = seconds * 1e6 / count as f64;
        let lens: Vec<usize> = answers.iter().map(Vec::len).collect();
        let checks: Vec<u64> = answers.iter().map(|answer| checksum(answer)).collect();
        println!("{{\"us\":{us:.3},\"matches\":{lens:?},\"checks\":{checks:?}}}");
        io::stdout().flush()?;
    }
    Ok(())
}

/// Whatever the order: each match spread over 64 bits (finalizer of splitmix64), summed.
fn checksum(answer: &[(u32, u32)]) -> u64 {
    answer.iter().fold(0, |sum: u64, (entry, distance)| {
        let seed = u64::from(*entry) << 16 | u64::from(*distance);
        sum.wrapping_add(windows::spread(seed))
    })
}

fn ours<H: BitHash>(
    searcher: &str,
    hashes: &[u8],
    queries: &[u8],
    start: &Start,
) -> Result<(), Box<dyn Error>> {
    let queries: Vec<H> = queries.chunks_exact(H::BYTES).map(H::from_column).collect();
    // A tree puts the rows into its order, as in a list; entries are translated back outside of
    // the clock.
    let with_tree = searcher == "bk-tree" || searcher == "auto";
    let (mut sorted, mut order, mut tree) = (Vec::new(), Vec::new(), Vec::new());
    if with_tree {
        let rows = hashes.chunks_exact(H::BYTES).map(H::from_column);
        let mut rows: Vec<_> = rows.zip(0u32..).collect();
        tree = bktree::build(&mut rows)?;
        rows.iter().for_each(|row| row.0.push_to(&mut sorted));
        order = rows.iter().map(|row| row.1).collect();
    }
    let column = Column::<H>::new(if with_tree { &sorted } else { hashes })?;
    let with_mih = searcher == "mih" || searcher == "auto";
    let section = if with_mih { mih::build(column) } else { Vec::new() };
    start.built(Some(tree.len() + section.len()))?;
    let linear = Linear::new(column);
    let (tree, mih) = (BkTree::from_bytes(column, &tree), Mih::from_bytes(column, &section));
    let planner = Planner::new(column, tree.ok(), mih.ok(), searcher.parse()?);
    // Directly where there is nothing to plan.
    let index: &dyn Index<H> = if searcher == "linear" { &linear } else { &planner };
    let named = |found: &Neighbor| {
        (order.get(found.entry.0 as usize).copied().unwrap_or(found.entry.0), found.distance)
    };
    // Kept from search to search, as whoever searches more than once would.
    let mut found = Vec::new();
    serve(&mut |radius, batch, some| {
        let queries = &queries[some];
        let seconds = timed(|| {
            if batch {
                return index.search_batch(queries, radius, &mut found);
            }
            found.resize_with(queries.len(), Vec::new);
            let searches = queries.iter().zip(&mut found);
            searches.for_each(|(query, found)| index.search(*query, radius, found));
        });
        (seconds, found.iter().map(|found| found.iter().map(named).collect()).collect())
    })
}

/// The CPU seconds of this thread that some work takes. Reading its clock takes 0.7 µs, a tenth of a
/// search: not to be done for each.
fn timed(work: impl FnOnce()) -> f64 {
    let before = cpu_s(ClockId::ThreadCPUTime);
    work();
    cpu_s(ClockId::ThreadCPUTime) - before
}

/// A hash in the tree of the crate `bk-tree`, with the entry it belongs to.
struct Key<const N: usize>([u64; N], u32);

/// Their Hamming distance.
struct Bits;

impl<const N: usize> bk_tree::Metric<Key<N>> for Bits {
    fn distance(&self, a: &Key<N>, b: &Key<N>) -> u32 {
        a.0.iter().zip(&b.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    fn threshold_distance(&self, a: &Key<N>, b: &Key<N>, most: u32) -> Option<u32> {
        Some(self.distance(a, b)).filter(|distance| *distance <= most)
    }
}

fn words<const N: usize>(bytes: &[u8]) -> Vec<[u64; N]> {
    let hash = |hash: &[u8]| {
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        words
    };
    bytes.chunks_exact(8 * N).map(hash).collect()
}

fn bk_tree_crate<const N: usize>(
    hashes: &[u8],
    queries: &[u8],
    start: &Start,
) -> Result<(), Box<dyn Error>> {
    let queries: Vec<Key<N>> = words(queries).into_iter().map(|hash| Key(hash, 0)).collect();
    let mut tree = bk_tree::BKTree::new(Bits);
    (0u32..).zip(words(hashes)).for_each(|(id, hash)| tree.add(Key(hash, id)));
    start.built(None)?;
    serve(&mut |radius, _, some| {
        let mut answers = Vec::new();
        let seconds = timed(|| {
            answers.extend(queries[some].iter().map(|query| {
                let found = tree.find(query, radius).map(|(distance, key)| (key.1, distance));
                found.collect::<Answer>()
            }));
        });
        (seconds, answers)
    })
}

fn mih_rs(hashes: &[u8], queries: &[u8], start: &Start) -> Result<(), Box<dyn Error>> {
    let flat = |bytes| words::<1>(bytes).into_iter().flatten().collect::<Vec<u64>>();
    let (codes, queries) = (flat(hashes), flat(queries));
    let index = mih_rs::Index::new(codes.clone()).map_err(|error| error.to_string())?;
    start.built(None)?;
    let mut searcher = index.range_searcher();
    serve(&mut |radius, _, some| {
        let queries = &queries[some];
        // Entries alone: it gives no distances.
        let mut found = Vec::new();
        let seconds = timed(|| {
            found
                .extend(queries.iter().map(|query| searcher.run(*query, radius as usize).to_vec()));
        });
        let named = |(query, found): (&u64, &Vec<_>)| {
            let distance = |id: u32| (codes[id as usize] ^ query).count_ones();
            found.iter().map(|id| (*id as u32, distance(*id as u32))).collect()
        };
        (seconds, queries.iter().zip(&found).map(named).collect())
    })
}
