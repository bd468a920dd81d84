//! Checks that no input makes clifc panic or hang: valid files are damaged in many ways, and each must result
//! in an object for any target, or in diagnostics that do not report a bug in clifc. Functions that are still
//! valid are interpreted too.
//!
//! `CLIFC_MUTATION_SEED` selects other mutations than the default, `CLIFC_MUTATIONS` their number, and
//! `CLIFC_MUTATION_BASES` a directory with more files to damage.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clifc::check;
use clifc::diag::{Severity, Source};
use clifc::driver::{self, BuildOptions, Observer};
use clifc::eval::Value;
use clifc::interp::{self, Program};
use clifc::ir::opcode::ALL;
use clifc::options::{Arch, Flags, Target};
use clifc::verify::Environment;
use rayon::prelude::*;

#[path = "targets/mod.rs"]
mod targets;

/// The default number of mutations for each target.
const MUTATIONS: u64 = 8_000;

/// Larger files are damaged one part at a time.
const LONGEST: usize = 20_000;

/// A file that takes longer, each time it is tried, makes clifc hang.
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

/// Numbers at the limits of something.
const EXTREMES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

const TYPES: [&str; 14] = [
    "i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128", "i8x16", "i32x4", "f64x2", "i16x2",
    "i32x4xN",
];

/// Settings to compile with; all but the first also have about half of the target's extensions.
const SETTINGS: [&[&str]; 4] = [
    &[],
    &["regalloc_algorithm=single_pass", "preserve_frame_pointers=true", "enable_pinned_reg=true"],
    &["opt_level=speed", "is_pic=false", "enable_probestack=true", "probestack_strategy=inline"],
    &["tls_model=elf_gd", "enable_multi_ret_implicit_sret=true", "enable_llvm_abi_extensions=true"],
];

/// A xorshift64* generator: the same numbers in every run.
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

/// All .clif files of the repository, and those that were requested; long ones in parts.
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
    if let Some(more) = std::env::var_os("CLIFC_MUTATION_BASES") {
        collect(Path::new(&more), &mut paths);
    }
    let texts = paths.iter().map(|path| fs::read(path).expect("a file"));
    texts.flat_map(parts).filter(|text| !text.is_empty()).collect()
}

/// Splits a text into parts of about the maximum length, each of which starts with a function.
fn parts(text: Vec<u8>) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut part: Vec<u8> = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if part.len() > LONGEST && line.starts_with(b"function") {
            parts.push(std::mem::take(&mut part));
        }
        part.extend(line);
    }
    parts.push(part);
    parts
}

/// Damages a text in one to four places.
fn mutate(text: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        if text.is_empty() {
            break;
        }
        match random.below(5) {
            0 => return text[..random.below(text.len())].to_vec(),
            1 => replace_part(&mut text, other, random),
            2 => change_lines(&mut text, other, random),
            _ => replace_word(&mut text, other, random),
        }
    }
    text
}

/// Replaces a few bytes.
fn replace_part(text: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let part = random.part(text);
    let replacement = match random.below(7) {
        0 => Vec::new(),
        1 => text[part.clone()].repeat(2),
        2 => vec![random.below(256) as u8],
        3 => other[random.part(other)].to_vec(),
        4 => text[random.part(text)].to_vec(),
        5 => vec![b'0' + random.below(10) as u8],
        _ => PIECES[random.below(PIECES.len())].as_bytes().to_vec(),
    };
    text.splice(part, replacement);
}

/// Deletes, repeats, moves or swaps lines, or inserts one from another text.
fn change_lines(text: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let mut lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let (a, b) = (random.below(lines.len()), random.below(lines.len()));
    let near = (a + 1 + random.below(4)).min(lines.len() - 1);
    let others: Vec<&[u8]> = other.split_inclusive(|&byte| byte == b'\n').collect();
    match random.below(6) {
        0 => {
            lines.remove(a);
        }
        1 => lines.insert(a, lines[a]),
        2 => lines.swap(a, b),
        3 => lines.swap(a, near),
        4 => lines.insert(a, lines[b]),
        _ => lines.insert(a, others[random.below(others.len())]),
    }
    *text = lines.concat();
}

/// Replaces a word by another of the text or of the language, or a number by a nearby one.
fn replace_word(text: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let word_at = |text: &[u8], at: usize| {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let start = text[..at].iter().rposition(|byte| !is_word(byte)).map_or(0, |end| end + 1);
        let length = text[at..].iter().position(|byte| !is_word(byte)).unwrap_or(text.len() - at);
        start..at + length
    };
    let word = word_at(text, random.below(text.len()));
    let old = &text[word.clone()];
    let digits = old.len() - old.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&old[digits..]).ok().and_then(|digits| digits.parse::<u64>().ok());
    let new = match (random.below(5), number) {
        (0 | 1, Some(number)) => {
            let near = number.wrapping_add(random.below(7) as u64).wrapping_sub(3);
            let new = if random.below(4) == 0 { EXTREMES[random.below(EXTREMES.len())] } else { near };
            [&old[..digits], new.to_string().as_bytes()].concat()
        }
        (2, _) => ALL[random.below(ALL.len())].name().into(),
        (3, _) => TYPES[random.below(TYPES.len())].into(),
        (4, _) => other[word_at(other, random.below(other.len()))].to_vec(),
        _ => text[word_at(text, random.below(text.len()))].to_vec(),
    };
    text.splice(word, new);
}

/// An error message if clifc misbehaves on a file.
fn complaint(text: &[u8], target: &Target, settings: &[&str]) -> Option<String> {
    // A busy machine may suspend this process for long, but hardly three times for the same file.
    for _ in 0..3 {
        let start = Instant::now();
        let bug = bug(text, target, settings);
        if bug.is_some() || start.elapsed() < TOO_LONG {
            return bug;
        }
    }
    Some("it takes too long".into())
}

/// An error message if clifc's result for a text is wrong.
fn bug(text: &[u8], target: &Target, settings: &[&str]) -> Option<String> {
    interpret(text);
    let mut flags = Flags::new(target);
    for setting in settings {
        flags.apply(setting).expect("a known setting");
    }
    let target = target.clone();
    let options = BuildOptions::new(target, flags);
    let built = driver::build(&Source { name: "mutation", text }, &options, &Observer::NONE);
    let diagnostics = built.err().unwrap_or_default();
    if let Some(bug) = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Bug) {
        return Some(format!("{}: {}", settings.join(" "), bug.message));
    }
    let stray = diagnostics.iter().find(|diagnostic| diagnostic.offset > text.len())?;
    Some(format!("it complains about what is behind the end: {}", stray.message))
}

/// Runs the first functions of a file that is right, with operands that are no addresses; how they end does
/// not matter.
fn interpret(text: &[u8]) {
    const FUNCTIONS: usize = 6;
    let Ok(checked) = check::whole(text, Environment::ANY) else { return };
    let Ok(program) = Program::new(checked.functions, checked.module, &checked.offsets) else { return };
    let options = interp::Options { steps: 2_000, ..interp::Options::default() };
    for (number, function) in program.functions().enumerate().take(FUNCTIONS) {
        let params = function.stencil.signature.params.iter().zip(number as u128..);
        let args: Vec<Value> =
            params.map(|(param, n)| Value::from_lanes(param.ty, |lane| n << (lane % 64))).collect();
        let _ = interp::Machine::new(&program, &options).call(number, &args);
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Settings for one compilation.
fn settings(arch: Arch, random: &mut Random) -> Vec<&'static str> {
    let usual = random.below(SETTINGS.len());
    let extensions = targets::extensions(arch).filter(|_| usual > 0 && random.below(2) == 0);
    SETTINGS[usual].iter().copied().chain(extensions).collect()
}

/// A target of the architecture; one in four has Mach-O objects, if the architecture supports these.
fn target(arch: Arch, random: &mut Random) -> Target {
    let mach_o = Target::parse(&format!("{arch}-apple-darwin")).ok();
    mach_o.filter(|_| random.below(4) == 0).unwrap_or(Target::of(arch))
}

fn check(arch: Arch) {
    let files = files();
    let (seed, count) = (number("CLIFC_MUTATION_SEED", 0), number("CLIFC_MUTATIONS", MUTATIONS));
    let try_one = |number: u64| {
        let mut random = Random((number + 1 + (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = mutate(&files[random.below(files.len())], &files[random.below(files.len())], &mut random);
        let settings = settings(arch, &mut random);
        let target = target(arch, &mut random);
        let why = std::panic::catch_unwind(|| complaint(&text, &target, &settings));
        let why = why.unwrap_or_else(|_| Some("a panic that the driver does not catch".into()))?;
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutation-{arch}-{number}.clif"));
        fs::write(&path, &text).expect("a file");
        Some(format!("{}, for {target}: {why}", path.display()))
    };
    let complaints: Vec<String> = (0..count).into_par_iter().filter_map(try_one).collect();
    assert!(complaints.is_empty(), "{} of {count}\n{}", complaints.len(), complaints.join("\n"));
}

mod damaged_files_end_in_diagnostics {
    crate::targets::for_each_target!(crate::check);
}
