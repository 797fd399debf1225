//! Where the time of a scan goes: what `compare_scan.py` measures inside onceseen.
//!
//! `scan-stages core WIDTH HEIGHT REPEATS`: PDQ of noise, a JSON line with the CPU milliseconds of
//! the fastest repeat for each instruction set. `scan-stages files FILE...`: each file read,
//! digested, decoded and hashed as a scan does it, a JSON line with the CPU seconds of each stage.
//! `scan-stages family FILE...`: the img_hash family one by one and together.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;

use onceseen::decode::{Decoded, Limits, decode};
use onceseen::digest::Digests;
use onceseen::hash::pdq::PdqHasher;
use onceseen::hash::{Algorithm, Hasher};
use onceseen::pixels::{PixelFormat, Pixels};
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["core", width, height, repeats] => core(width.parse()?, height.parse()?, repeats.parse()?),
        ["files", files @ ..] => stages(files),
        ["family", files @ ..] => family(files),
        _ => Err("usage: scan-stages core WIDTH HEIGHT REPEATS | files FILE... | family FILE...".into()),
    }
}

fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seeded noise: the high bits of a linear congruential generator.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn core(width: u32, height: u32, repeats: u32) -> Result<(), Box<dyn Error>> {
    let bytes = noise(width as usize * height as usize * 3);
    let pixels = Pixels::new(&bytes, width, height, PixelFormat::Rgb8)?;
    let mut hashers = PdqHasher::for_every_level();
    let mut best = vec![f64::MAX; hashers.len()];
    let mut hash = String::new();
    for _ in 0..repeats {
        for ((_, hasher), best) in hashers.iter_mut().zip(&mut best) {
            let start = cpu_s();
            hash = hasher.hash(black_box(&pixels)).hash().to_string();
            *best = best.min(cpu_s() - start);
        }
    }
    let levels: Vec<String> = hashers
        .iter()
        .zip(best)
        .map(|((level, _), best)| format!("\"{level}\":{:.4}", best * 1e3))
        .collect();
    println!("{{\"hash\":\"{hash}\",{}}}", levels.join(","));
    Ok(())
}

/// Adds the CPU time of `work` to `sum`.
fn timed<T>(sum: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = cpu_s();
    let out = work();
    *sum += cpu_s() - start;
    out
}

fn stages(files: &[&str]) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let mut hasher = Hasher::new(&[Algorithm::Pdq]);
    let [mut read, mut digests, mut pixels, mut pdq, mut free] = [0.0; 5];
    let mut bytes = Vec::new();
    for file in files {
        bytes.clear();
        timed(&mut read, || File::open(file)?.read_to_end(&mut bytes))?;
        timed(&mut digests, || black_box(Digests::of(&bytes)));
        let picture = timed(&mut pixels, || decode(&bytes, &limits))?;
        timed(&mut pdq, || black_box(hasher.hash(&picture.pixels())));
        timed(&mut free, || drop(picture));
    }
    println!(
        "{{\"read\":{read:.5},\"digests\":{digests:.5},\
         \"decode\":{pixels:.5},\"pdq\":{pdq:.5},\"free\":{free:.5}}}"
    );
    Ok(())
}

fn family(files: &[&str]) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let pictures: Vec<Decoded> = files
        .iter()
        .map(|file| Ok(decode(&std::fs::read(file)?, &limits)?))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let grey: Vec<Algorithm> = Algorithm::ALL
        .into_iter()
        .filter(|one| !one.is_pdq() && *one != Algorithm::Blockhash)
        .collect();
    let all: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|one| !one.is_pdq()).collect();
    let mut sets: Vec<(String, Vec<Algorithm>)> =
        all.iter().map(|one| (one.to_string(), vec![*one])).collect();
    sets.push(("all but blockhash".to_owned(), grey));
    sets.push(("all".to_owned(), all));
    let times: Vec<String> = sets
        .iter()
        .map(|(name, set)| {
            let mut hasher = Hasher::new(set);
            let mut sum = 0.0;
            for picture in &pictures {
                timed(&mut sum, || black_box(hasher.hash(&picture.pixels())));
            }
            format!("\"{name}\":{sum:.5}")
        })
        .collect();
    println!("{{{}}}", times.join(","));
    Ok(())
}
