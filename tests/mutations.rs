//! Nothing a file contains may make clifc panic or hang: files that are right are damaged in many ways,
//! and each must end in an object or in diagnostics that are not about clifc.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clifc::check;
use clifc::diag::{Severity, Source};
use clifc::driver::{self, BuildOptions, Observer};
use clifc::object::Layout;
use clifc::options::{Arch, Flags, Target};
use clifc::verify::Environment;
use rayon::prelude::*;

/// How many files are made.
const MUTATIONS: u64 = 12_000;

/// What takes longer, each time it is tried, is a hang, for files of this size.
const TOO_LONG: Duration = Duration::from_secs(10);

/// Pieces of text that are likely to matter.
const PIECES: [&str; 24] = [
    "4294967295",
    "18446744073709551615",
    "-1",
    "0x8000_0000_0000_0000",
    "v0",
    "v4294967294",
    "block0",
    "block4000000000",
    "i128",
    "i8x16",
    "f64",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\\",
    "%",
    "return",
    "function %f(i64) -> i64 {",
    "; ",
    "\n",
];

/// Numbers that look random and are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }

    /// A short part of a text.
    fn part(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(text.len());
        let longest = if self.below(4) == 0 { 200 } else { 12 };
        start..(start + 1 + self.below(longest)).min(text.len())
    }
}

/// All .clif files of the repository.
fn files() -> Vec<Vec<u8>> {
    fn collect(path: &Path, into: &mut Vec<PathBuf>) {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a directory");
            let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
            entries.sort();
            entries.iter().for_each(|entry| collect(entry, into));
        } else if path.extension().is_some_and(|extension| extension == "clif") {
            into.push(path.into());
        }
    }
    let mut paths = Vec::new();
    for dir in ["filetests", "testsuite", "examples"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), &mut paths);
    }
    paths.iter().map(|path| fs::read(path).expect("a file")).filter(|text| !text.is_empty()).collect()
}

/// Damages a text in one to four places.
fn mutate(text: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        if text.is_empty() {
            break;
        }
        let part = random.part(&text);
        let replacement = match random.below(8) {
            0 => return text[..part.start].to_vec(),
            1 => Vec::new(),
            2 => text[part.clone()].repeat(2),
            3 => vec![random.below(256) as u8],
            4 => other[random.part(other)].to_vec(),
            5 => text[random.part(&text)].to_vec(),
            6 => vec![b'0' + random.below(10) as u8],
            _ => PIECES[random.below(PIECES.len())].as_bytes().to_vec(),
        };
        text.splice(part, replacement);
    }
    text
}

/// What is wrong with what clifc does with a file.
fn complaint(text: &[u8]) -> Option<String> {
    // A busy machine may stop this process for long, but hardly three times for the same file.
    for _ in 0..3 {
        let start = Instant::now();
        let bug = bug(text);
        if bug.is_some() || start.elapsed() < TOO_LONG {
            return bug;
        }
    }
    Some("it takes too long".into())
}

/// What clifc says of itself when it compiles a text.
fn bug(text: &[u8]) -> Option<String> {
    check::file(text, Environment::ANY);
    let target = Target::of(Arch::X86_64);
    let flags = Flags::new(&target);
    let options = BuildOptions { target, flags, layout: Layout::default(), jobs: 1, time: false };
    let built = driver::build(&Source { name: "mutation", text }, &options, &Observer::NONE);
    let diagnostics = built.err().unwrap_or_default();
    let bug = diagnostics.into_iter().find(|diagnostic| diagnostic.severity == Severity::Bug)?;
    Some(bug.message)
}

#[test]
fn damaged_files_end_in_diagnostics() {
    let files = files();
    let try_one = |number: u64| {
        let mut random = Random((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = mutate(&files[random.below(files.len())], &files[random.below(files.len())], &mut random);
        let why = complaint(&text)?;
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutation{number}.clif"));
        fs::write(&path, &text).expect("a file");
        Some(format!("{}: {why}", path.display()))
    };
    let complaints: Vec<String> = (0..MUTATIONS).into_par_iter().filter_map(try_one).collect();
    assert!(complaints.is_empty(), "{} of {MUTATIONS}\n{}", complaints.len(), complaints.join("\n"));
}
