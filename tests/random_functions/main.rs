//! Compares the behaviour of random functions with an evaluator of CLIF.
//!
//! For each target, programs of many random functions are compiled with several settings and linked with a C
//! program that calls each of them on a buffer of random bytes. The contents of the buffer afterwards are
//! compared with those that the evaluator computes, and so are those of clifc's interpreter.
//! `CLIFC_RANDOM_SEED` and `CLIFC_RANDOM_PROGRAMS` select other programs than the default ones.

mod evaluate;
mod generate;
mod interpreter;
mod program;
#[path = "../scratch/mod.rs"]
mod scratch;
#[path = "../targets/mod.rs"]
mod targets;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use clifc::diag::{Severity, Source};
use clifc::driver::{self, BuildOptions, Observer};
use clifc::filetest::Toolchain;
use clifc::options::{Arch, Flags, Target};
use evaluate::{Machine, Stop};
use generate::Random;
use program::{BUFFER, BUFFER_BYTES, Function};
use scratch::Scratch;

/// The number of functions in a program, of which the last half are run.
const FUNCTIONS: usize = 240;

/// How often each function is run.
const RUNS: u64 = 3;

/// Settings to compile with; the last ones are combined with some of the processor's extensions.
const SETTINGS: [&[&str]; 4] = [
    &["regalloc_checker=true"],
    &["regalloc_algorithm=single_pass", "opt_level=speed", "regalloc_checker=true"],
    &["opt_level=speed", "preserve_frame_pointers=true", "is_pic=false", "enable_nan_canonicalization=true"],
    &["regalloc_algorithm=single_pass", "unwind_info=false"],
];

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Settings for the processor's extensions: for most programs all of them, for others a random choice.
fn extensions(arch: Arch, seed: u64) -> Vec<&'static str> {
    let mut random = Random::new(seed);
    let target = Target::of(arch);
    let all = random.below(3) > 0;
    let is_there = |name: &str| {
        let mut flags = Flags::new(&target);
        flags.enable(name).expect("a setting of the target");
        Toolchain::of(arch).missing(&target, &flags).is_none()
    };
    targets::extensions(arch).filter(|name| is_there(name) && (all || random.below(2) == 0)).collect()
}

/// The buffer before a run.
fn filled(function: usize, run: u64) -> Vec<u8> {
    let mut random = Random::new((function as u64) << 8 | run);
    (0..BUFFER_BYTES / 8)
        .flat_map(|_| {
            // Words that are small or have long runs of equal bits are more likely to matter.
            let word = random.next();
            let word = match word >> 61 {
                0 => 0,
                1 => u64::MAX,
                2 => word & 0xff,
                3 => (word & 0xff).wrapping_neg(),
                4 => 1 << (word & 63),
                5 => 0x3ff0_0000_0000_0000 | word >> 12,
                _ => word,
            };
            word.to_le_bytes()
        })
        .collect()
}

/// The expected result of each run, one on each line. Runs that take too long have none.
fn expected(program: &[Function], arch: Arch) -> Vec<(usize, u64, String)> {
    let mut lines = Vec::new();
    for function in FUNCTIONS / 2..FUNCTIONS {
        for run in 0..RUNS {
            let mut machine = Machine::new(program, arch.is_big_endian(), filled(function, run));
            let end = match machine.run(function) {
                Ok(()) => "returns",
                Err(Stop::Trap) => "traps",
                Err(Stop::TooLong) => break,
            };
            let bytes = machine.buffer().iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").expect("writing to a string");
                text
            });
            lines.push((function, run, format!("{function} {run} {end} {bytes}")));
        }
    }
    lines
}

/// The text of the C program that performs the runs.
fn driver(runs: &[(usize, u64, String)]) -> String {
    let mut functions: Vec<usize> = runs.iter().map(|run| run.0).collect();
    functions.dedup();
    let declarations: Vec<String> = functions.iter().map(|n| format!("void f{n}(void *);")).collect();
    let calls: Vec<String> = runs
        .iter()
        .map(|(n, run, _)| {
            let bytes: Vec<String> = filled(*n, *run).iter().map(u8::to_string).collect();
            format!(
                "    {{ static const unsigned char start[] = {{{}}}; run(f{n}, {n}, {run}, start); }}",
                bytes.join(",")
            )
        })
        .collect();
    format!(
        "#include <setjmp.h>\n#include <signal.h>\n#include <stdio.h>\n#include <string.h>\n\
         unsigned char {BUFFER}[{BUFFER_BYTES}] __attribute__((aligned(64)));\n\
         static sigjmp_buf back;\n\
         static void trapped(int signal) {{ siglongjmp(back, signal); }}\n\
         {}\n\
         static void run(void (*function)(void *), int number, int time, const unsigned char *start) {{\n\
             memcpy({BUFFER}, start, {BUFFER_BYTES});\n\
             const char *end = \"traps\";\n\
             if (!sigsetjmp(back, 1)) {{ function({BUFFER}); end = \"returns\"; }}\n\
             printf(\"%d %d %s \", number, time, end);\n\
             for (int i = 0; i < {BUFFER_BYTES}; i++) printf(\"%02x\", {BUFFER}[i]);\n\
             puts(\"\");\n\
         }}\n\
         int main(void) {{\n\
             signal(SIGILL, trapped); signal(SIGFPE, trapped);\n\
             signal(SIGSEGV, trapped); signal(SIGBUS, trapped);\n\
         {}\n    return 0;\n}}\n",
        declarations.join("\n"),
        calls.join("\n"),
    )
}

/// Compiles a program's text.
fn compile(text: &str, arch: Arch, settings: &[&str]) -> Result<Vec<u8>, String> {
    let target = Target::of(arch);
    let mut flags = Flags::new(&target);
    for setting in settings {
        flags.apply(setting).expect("a known setting");
    }
    let options = BuildOptions::new(target, flags);
    let source = Source { name: "random.clif", text: text.as_bytes() };
    let built = driver::build(&source, &options, &Observer::NONE).map_err(|diagnostics| {
        let serious = diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Warning);
        let lines = serious.map(|diagnostic| {
            let line = text[diagnostic.offset..].lines().next().unwrap_or_default();
            format!("{}: {}\n", line.trim(), diagnostic.message)
        });
        lines.take(20).collect::<String>()
    })?;
    Ok(built.object)
}

fn run_command(command: &mut Command) -> String {
    let output = command.output().expect("a program to run");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An error message if the program of a seed misbehaves.
fn complaints(arch: Arch, seed: u64, work: &Path) -> Vec<String> {
    let toolchain = Toolchain::of(arch);
    let program = generate::program(seed, FUNCTIONS);
    let text = program::text(&program, 0..program.len());
    let file = |name: &str| work.join(format!("{seed}{name}"));
    fs::write(file(".clif"), &text).expect("a file");
    let expected = expected(&program, arch);
    fs::write(file(".c"), driver(&expected)).expect("a file");
    run_command(toolchain.link().args(["-O0", "-c", "-o"]).arg(file(".main.o")).arg(file(".c")));
    let mut complaints = Vec::new();
    for (number, settings) in SETTINGS.iter().enumerate() {
        let mut settings = settings.to_vec();
        if number + 2 >= SETTINGS.len() {
            settings.extend(extensions(arch, seed + number as u64));
        }
        if seed % 2 == number as u64 % 2 {
            settings.retain(|setting| !setting.starts_with("regalloc_checker"));
        }
        let object = match compile(&text, arch, &settings) {
            Ok(object) => object,
            Err(errors) => {
                complaints.push(format!("seed {seed}, {}: {errors}", settings.join(" ")));
                continue;
            }
        };
        fs::write(file(".o"), object).expect("a file");
        let kind = match toolchain.is_emulated() {
            true => Some("-static"),
            false => settings.contains(&"is_pic=false").then_some("-no-pie"),
        };
        run_command(
            toolchain
                .link()
                .args(kind)
                .arg("-o")
                .arg(file(""))
                .args([file(".main.o"), file(".o")])
                .arg("-lm"),
        );
        let output = toolchain.run(&file("")).output().expect("a program to run");
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = output.lines();
        for (function, run, expected) in &expected {
            let line = lines.next().unwrap_or("nothing");
            if line != expected {
                let size: usize = program[*function].blocks.iter().map(|block| block.insts.len()).sum();
                complaints.push(format!(
                    "seed {seed}, {}: function %f{function} ({size} instructions), run {run}: {}",
                    settings.join(" "),
                    difference(line, expected),
                ));
            }
        }
    }
    if complaints.is_empty() {
        for name in [".clif", ".c", ".main.o", ".o", ""] {
            fs::remove_file(file(name)).expect("a file just written");
        }
    }
    complaints
}

fn difference(found: &str, expected: &str) -> String {
    let found: Vec<&str> = found.split(' ').collect();
    let expected: Vec<&str> = expected.split(' ').collect();
    let [_, _, end, bytes] = found[..] else { return format!("it prints {}", found.join(" ")) };
    let at = (0..BUFFER_BYTES).find(|i| bytes.get(i * 2..i * 2 + 2) != expected[3].get(i * 2..i * 2 + 2));
    let place = at.map_or("same bytes".to_string(), |at| {
        let part = at * 2..(at * 2 + 32).min(bytes.len());
        format!("from byte {at}: {} for {}", &bytes[part.clone()], &expected[3][part])
    });
    format!("{end} for {}, {place}", expected[2])
}

fn check(arch: Arch) {
    let work = Scratch::new(format!("random_functions-{arch}"));
    let first = number("CLIFC_RANDOM_SEED", 1);
    let programs = number("CLIFC_RANDOM_PROGRAMS", 10);
    let all: Vec<String> = (first..first + programs).flat_map(|seed| complaints(arch, seed, &work)).collect();
    let shown: Vec<&str> = all.iter().take(40).map(String::as_str).collect();
    assert!(all.is_empty(), "{} in {}\n{}", all.len(), work.display(), shown.join("\n"));
}

mod random_functions_do_what_they_mean {
    crate::targets::for_each_target!(crate::check);
}
