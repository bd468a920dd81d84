//! What is fuzzed (`fuzz/`), each for a second with fixed seeds; and many generated programs on request.
//!
//! `CLIFC_FUZZ_SEED` selects other programs than the default ones, and `CLIFC_FUZZ_PROGRAMS` how many are
//! run on each target.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;

#[path = "catalogue/mod.rs"]
mod catalogue;
#[path = "../fuzz/src/generate.rs"]
mod generate;
#[path = "../fuzz/src/properties.rs"]
mod properties;
#[path = "targets/mod.rs"]
mod targets;

use catalogue::random::Random;

/// How long each property is tried.
const TIME: Duration = Duration::from_secs(1);

/// Texts to begin with: those of test files, damaged.
fn texts() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut paths = Vec::new();
    for directory in ["parser", "call", "int", "float", "verifier", "regalloc"] {
        let entries = fs::read_dir(root.join(directory)).expect("a directory");
        paths.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).filter(|text| text.len() < 20_000).collect()
}

/// Replaces a few bytes of a text by others of it.
fn damaged(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..random.below(4) {
        let (from, to, length) = (random.below(text.len()), random.below(text.len()), 1 + random.below(16));
        let piece = text[from..(from + length).min(text.len())].to_vec();
        text.splice(to..(to + random.below(16)).min(text.len()), piece);
    }
    text
}

fn try_for_a_second(name: &str, inputs: impl Fn(&mut Random) -> Vec<u8>) {
    let (_, property) = properties::ALL.iter().find(|(known, _)| *known == name).expect("a property");
    let start = Instant::now();
    let mut tried = 0;
    while start.elapsed() < TIME || tried < 2 {
        let mut random = Random::new(&format!("{name}{tried}"));
        property(&inputs(&mut random));
        tried += 1;
    }
    println!("{name}: {tried} inputs");
}

fn some_bytes(random: &mut Random) -> Vec<u8> {
    (0..2000).map(|_| random.below(256) as u8).collect()
}

#[test]
fn every_text_is_right_or_has_diagnostics() {
    let texts = texts();
    try_for_a_second("parse", |random| damaged(&texts[random.below(texts.len())], random));
}

#[test]
fn what_is_printed_means_the_same() {
    let texts = texts();
    try_for_a_second("print", |random| damaged(&texts[random.below(texts.len())], random));
}

#[test]
fn allocations_pass_the_checker() {
    try_for_a_second("allocate", some_bytes);
}

#[test]
fn one_key_stands_for_one_code() {
    try_for_a_second("cache_key", some_bytes);
}

#[test]
fn compiled_code_does_what_the_interpreter_says() {
    try_for_a_second("compile", some_bytes);
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

mod generated_programs_do_what_the_interpreter_says {
    use super::*;

    /// Functions of each program.
    const FUNCTIONS: usize = 60;

    targets::for_each_target!(|arch| {
        let first = number("CLIFC_FUZZ_SEED", 0);
        let seeds = first..first + number("CLIFC_FUZZ_PROGRAMS", 4);
        let count = seeds.end - seeds.start;
        let run = |seed| {
            let mut random = Random::new(&format!("{arch} {seed}"));
            let (file, runs) = properties::run_test(arch, FUNCTIONS, &mut random);
            properties::run(&file, arch);
            runs as u64
        };
        let runs: u64 = seeds.into_par_iter().map(run).sum();
        println!("{arch}: {runs} runs of {count} programs");
        assert!(runs >= 60 * count, "only {runs} runs of {count} programs");
    });
}
