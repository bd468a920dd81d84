//! Executes compiled run tests, outside of clifc's own process.
//!
//! The objects of many test files are linked with a small C program, `harness.c`, by the system's compiler
//! driver. The harness calls an entry point for each tested function, which takes the address of memory that
//! begins with the arguments, and stores the results behind them. Cases run in child processes of the
//! harness, so that a trap or a hang is the result of a single case. When linking fails, the set is halved
//! until the object at fault is alone.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::{fs, io};

use super::invocation::Invocation;
use super::toolchain::Toolchain;
use crate::eval::Value;
use crate::ir::{Endianness, TrapCode, Type};
use crate::options::Arch;
use crate::temporary::Temporary;

const HARNESS: &str = include_str!("harness.c");

/// Alignment and granularity in bytes of the values in an entry point's memory.
const SLOT: usize = 16;

/// The offsets in memory of values of these types, one after another from `start`, and the offset behind the
/// last.
pub(super) fn layout(types: &[Type], start: usize) -> (Vec<usize>, usize) {
    let mut end = start;
    let offsets = types.iter().map(|ty| {
        let at = end;
        end += (ty.bytes() as usize).next_multiple_of(SLOT);
        at
    });
    (offsets.collect(), end)
}

/// The byte order of an architecture's memory.
fn order(arch: Arch) -> Endianness {
    if arch.is_big_endian() { Endianness::Big } else { Endianness::Little }
}

/// A call of an entry point.
#[derive(Debug)]
pub(super) struct Case {
    /// Index of the entry point in [`Program::entries`].
    pub(super) entry: usize,
    /// The call and its expected results.
    pub(super) invocation: Invocation,
    /// The types of its results.
    pub(super) results: Vec<Type>,
}

/// A compiled test file.
#[derive(Debug)]
pub(super) struct Program {
    /// The name of the file in messages.
    pub(super) file: String,
    /// The architecture it was compiled for.
    pub(super) arch: Arch,
    /// Whether it is position-independent.
    pub(super) pic: bool,
    /// The object file.
    pub(super) object: Vec<u8>,
    /// The symbols of its entry points.
    pub(super) entries: Vec<String>,
    /// Its cases, in order.
    pub(super) cases: Vec<Case>,
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// It returned these results.
    Returned(Vec<Value>),
    /// It was killed by this signal, at an instruction with this trap code.
    Signal(String, Option<TrapCode>),
    /// It took too long and was killed.
    Timeout,
}

/// Runs the cases of all programs, which are for the toolchain's architecture. An error concerns a whole
/// program.
pub(super) fn execute(
    toolchain: &Toolchain,
    seconds: u32,
    programs: &[&Program],
) -> Vec<Result<Vec<Ended>, String>> {
    let failed = |why: String| programs.iter().map(|_| Err(why.clone())).collect();
    match link_and_run(toolchain, seconds, programs) {
        Ok(output) => {
            let mut lines = output.lines();
            programs.iter().map(|program| read_results(program, &mut lines)).collect()
        }
        Err(Failure::Link(_)) if programs.len() > 1 => {
            let (left, right) = programs.split_at(programs.len() / 2);
            [execute(toolchain, seconds, left), execute(toolchain, seconds, right)].concat()
        }
        Err(Failure::Link(why) | Failure::Other(why)) => failed(why),
    }
}

/// Why a set of programs did not run.
enum Failure {
    /// The linker failed.
    Link(String),
    /// Another error.
    Other(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Other(error.to_string())
    }
}

fn link_and_run(toolchain: &Toolchain, seconds: u32, programs: &[&Program]) -> Result<String, Failure> {
    let dir = Scratch::new()?;
    let harness = dir.file("harness.c");
    let executable = dir.file("tests");
    fs::write(&harness, harness_source(seconds, programs))?;
    let mut link = toolchain.link();
    link.args(["-w", "-O0", "-o"]).arg(&executable).arg(&harness);
    for (number, program) in programs.iter().enumerate() {
        let object = dir.file(&format!("{number}.o"));
        fs::write(&object, &program.object)?;
        link.arg(object);
    }
    if toolchain.is_emulated() {
        // Then the emulated program needs no loader and no libraries at run time.
        link.arg("-static");
    } else if programs.iter().any(|program| !program.pic) {
        link.arg("-no-pie");
    }
    let linked = link.args(["-lm", "-Wl,--as-needed", "-latomic", "-Wl,--fatal-warnings"]).output()?;
    if !linked.status.success() {
        let why = String::from_utf8_lossy(&linked.stderr);
        return Err(Failure::Link(format!("the linker failed:\n{}", why.trim_end())));
    }
    let input = dir.file("input");
    fs::write(&input, harness_input(programs))?;
    let output = toolchain.run(&executable).stdin(Stdio::from(fs::File::open(&input)?)).output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Other(format!("the test program failed ({}): {why}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The C program: the table of entry points, followed by the harness.
fn harness_source(seconds: u32, programs: &[&Program]) -> String {
    let entries: Vec<&str> = programs.iter().flat_map(|p| &p.entries).map(String::as_str).collect();
    let mut source = String::from("#define _GNU_SOURCE\ntypedef void function(void *);\n");
    for entry in &entries {
        writeln!(source, "function {entry};").expect("writing to a string");
    }
    writeln!(source, "function *const functions[] = {{{}}};", entries.join(","))
        .expect("writing to a string");
    writeln!(source, "enum {{ FUNCTIONS = {}, SECONDS = {seconds} }};", entries.len())
        .expect("writing to a string");
    source + HARNESS
}

/// The cases, in the harness's input format.
fn harness_input(programs: &[&Program]) -> String {
    let mut input = String::new();
    let mut first_entry = 0;
    for program in programs {
        for case in &program.cases {
            let args: Vec<Type> = case.invocation.args.iter().map(Value::ty).collect();
            let (offsets, args_end) = layout(&args, 0);
            let (_, size) = layout(&case.results, args_end);
            let mut memory = vec![0; args_end];
            for (value, at) in case.invocation.args.iter().zip(offsets) {
                let bytes = value.to_memory(order(program.arch));
                memory[at..at + bytes.len()].copy_from_slice(&bytes);
            }
            let hex: String = memory.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(input, "{} {size} {hex}", first_entry + case.entry).expect("writing to a string");
        }
        input.push_str("group\n");
        first_entry += program.entries.len();
    }
    input
}

/// Reads the results of a program from the output of the harness.
fn read_results<'a>(
    program: &Program,
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<Vec<Ended>, String> {
    let read = |case: &Case| {
        let line = lines.next().ok_or("the test program ended early")?;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "timeout" => return Ok(Ended::Timeout),
            "signal" => {
                let (number, code) = rest.split_once(' ').unwrap_or((rest, "0"));
                let code = code.parse().ok().filter(|code| *code != 0).map(TrapCode);
                return Ok(Ended::Signal(signal_name(number), code));
            }
            _ => {}
        }
        let memory: Vec<u8> = rest
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let args: Vec<Type> = case.invocation.args.iter().map(Value::ty).collect();
        let (offsets, end) = layout(&case.results, layout(&args, 0).1);
        if memory.len() != end {
            return Err(format!("the test program printed `{line}`"));
        }
        let values = case.results.iter().zip(offsets);
        let values = values.map(|(&ty, at)| Value::from_memory(ty, &memory[at..], order(program.arch)));
        Ok(Ended::Returned(values.collect()))
    };
    program.cases.iter().map(read).collect()
}

fn signal_name(number: &str) -> String {
    let names = [
        ("4", "SIGILL"),
        ("5", "SIGTRAP"),
        ("6", "SIGABRT"),
        ("7", "SIGBUS"),
        ("8", "SIGFPE"),
        ("11", "SIGSEGV"),
    ];
    match names.iter().find(|(of, _)| *of == number) {
        Some((_, name)) => (*name).into(),
        None if number == "0" => "an exit".into(),
        None => format!("signal {number}"),
    }
}

/// A temporary directory, removed when dropped.
struct Scratch(Temporary);

impl Scratch {
    fn new() -> io::Result<Self> {
        Temporary::of_process("test").map(Scratch)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::values;
    use super::*;
    use crate::ir::types::{I8, I32};
    use crate::options::{Flags, Target};

    /// A program compiled from C, with one entry point.
    fn program(toolchain: &Toolchain, arch: Arch, source: &str, entry: &str, calls: &[&str]) -> Program {
        let dir = Scratch::new().expect("a directory");
        fs::write(dir.file("a.c"), source).expect("a file");
        let status = toolchain.link().args(["-c", "-o"]).arg(dir.file("a.o")).arg(dir.file("a.c")).status();
        assert!(status.expect("cc runs").success());
        let cases = calls.iter().map(|text| Case {
            entry: 0,
            invocation: Invocation::parse(1, text, &[I32], &[I8]).expect("right").expect("a call"),
            results: vec![I8],
        });
        Program {
            file: "f".into(),
            arch,
            pic: true,
            object: fs::read(dir.file("a.o")).expect("an object"),
            entries: vec![entry.into()],
            cases: cases.collect(),
        }
    }

    /// Checks the result of a trap, and that of a set with an object that does not link.
    fn check(arch: Arch) {
        let toolchain = Toolchain::of(arch);
        let program = |source, entry, calls: &[&str]| program(&toolchain, arch, source, entry, calls);
        let good = program(
            "void good(char *p) { int n = *(int *)p; if (n == 0) __builtin_trap(); p[16] = n + 1; }",
            "good",
            &["; run: %f(1) == 2", "; run: %f(0) == 1", "; run: %f(-1) == 0"],
        );
        let bad = program("void gone(void); void bad(char *p) { gone(); }", "bad", &["; run: %f(1) == 2"]);
        let results = execute(&toolchain, 10, &[&good, &bad]);
        let value = |text| Ended::Returned(vec![values::parse(text, I8).expect("a value")]);
        let [Ok(first), Err(second)] = &results[..] else { panic!("{arch}: {results:?}") };
        assert_eq!((&first[0], &first[2]), (&value("2"), &value("0")), "{arch}");
        assert!(
            matches!(&first[1], Ended::Signal(name, None) if name.starts_with("SIG")),
            "{arch}: {first:?}"
        );
        assert!(second.contains("gone"), "{arch}: {second}");
    }

    #[test]
    fn traps_are_results_and_link_errors_are_of_one_program() {
        for arch in Arch::ALL {
            let target = Target::of(arch);
            match Toolchain::of(arch).missing(&target, &Flags::new(&target)) {
                // scripts/test installs the toolchains of other architectures.
                Some(why) => println!("not tried: {why}"),
                None => check(arch),
            }
        }
    }
}
