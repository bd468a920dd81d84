//! What must hold whatever the bytes are: a function for each property. A violation is a panic.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use clifc::arch::coverage_on;
use clifc::cache::key::CompileEnvironment;
use clifc::check;
use clifc::diag::{Diagnostic, Severity, Source};
use clifc::driver::{self, BuildOptions, Observer};
use clifc::eval::Value;
use clifc::filetest::{self, Status, Toolchain};
use clifc::interp::{Machine, Options, Program, Why};
use clifc::ir::{Endianness, Function, Shape};
use clifc::lower::families::Coverage;
use clifc::options::{Arch, Flags, Kind, SETTINGS, Target};
use clifc::parse::{self, ParseContext};
use clifc::verify::Environment;

use crate::catalogue::Case;
use crate::catalogue::random::Random;
use crate::generate::{self, Language};

/// A function that panics if the property does not hold of the bytes.
type Property = fn(&[u8]);

/// Every property, by name.
pub const ALL: [(&str, Property); 5] = [
    ("parse", parse_or_complain),
    ("print", print_and_parse_again),
    ("allocate", allocate_under_the_checker),
    ("compile", compile_and_compare),
    ("cache_key", one_key_one_code),
];

/// Any bytes are either a file without errors, or have diagnostics inside of them.
pub fn parse_or_complain(bytes: &[u8]) {
    let Err(diagnostics) = check::whole(bytes, Environment::ANY) else { return };
    for diagnostic in diagnostics {
        assert!(diagnostic.offset <= bytes.len(), "{diagnostic:?} is behind the end");
        assert!(diagnostic.severity != Severity::Bug, "{diagnostic:?}");
    }
}

fn printed(checked: &check::Checked) -> String {
    let functions = checked.functions.iter().map(|function| format!("{function}\n"));
    let types = checked.module.types.items().iter().map(|item| format!("{item}\n"));
    types.chain(functions).collect()
}

/// What is printed of a file without errors can be parsed, and is then printed alike.
pub fn print_and_parse_again(bytes: &[u8]) {
    let Ok(checked) = check::whole(bytes, Environment::ANY) else { return };
    let first = printed(&checked);
    let again = check::whole(first.as_bytes(), Environment::ANY);
    let again = again.unwrap_or_else(|diagnostics| panic!("{}\n{first}", diagnostics[0].message));
    assert_eq!(first, printed(&again));
}

/// Whether a target compiles an opcode on these types.
fn compiles(arch: Arch, case: &Case) -> bool {
    let types = [case.ctrl].into_iter().chain(case.types());
    let shape = types.map(Shape::of).max().unwrap_or(Shape::None);
    let first = case.args.first().map_or(Shape::None, |&ty| Shape::of(ty)).max(Shape::of(case.ctrl));
    let on = |shape| coverage_on(arch, case.opcode.family(), shape) == Coverage::Compiles;
    !case.is_refused()
        && on(first)
        && (shape == first || coverage_on(arch, clifc::ir::Family::Load, shape) == Coverage::Compiles)
}

/// The part of the language that a target compiles.
fn language(arch: Arch) -> &'static Language {
    static LANGUAGES: LazyLock<[Language; 3]> =
        LazyLock::new(|| Arch::ALL.map(|arch| Language::new(|case| compiles(arch, case))));
    &LANGUAGES[Arch::ALL.iter().position(|&other| other == arch).expect("one of all")]
}

/// Settings for a generated program: register allocators, levels, and extensions that this machine can run.
fn settings(arch: Arch, random: &mut Random) -> Vec<&'static str> {
    let mut settings = vec!["regalloc_checker=true", "enable_multi_ret_implicit_sret=true"];
    settings.push(random.choose(&[
        "regalloc_algorithm=priority",
        "regalloc_algorithm=backtracking",
        "regalloc_algorithm=single_pass",
    ]));
    settings.push(random.choose(&["opt_level=none", "opt_level=speed", "opt_level=speed_and_size"]));
    settings.push(random.choose(&["is_pic=true", "is_pic=false", "preserve_frame_pointers=true"]));
    let some = random.below(3);
    for setting in SETTINGS.iter().filter(|setting| setting.arch == Some(arch) && setting.kind == Kind::Bool)
    {
        let chosen = some == 1 || some == 2 && random.chance(50);
        if chosen && is_runnable(arch, setting.name) {
            settings.push(setting.name);
        }
    }
    settings
}

fn flags(arch: Arch, settings: &[&str]) -> Flags {
    let mut flags = Flags::new(&Target::of(arch));
    for setting in settings {
        flags.apply(setting).expect("a setting of the target");
    }
    flags
}

/// Whether programs that need an extension can run here.
fn is_runnable(arch: Arch, extension: &str) -> bool {
    Toolchain::of(arch).missing(&Target::of(arch), &flags(arch, &[extension])).is_none()
}

fn build(text: &str, arch: Arch, settings: &[&str]) -> Result<(), Vec<Diagnostic>> {
    let options = BuildOptions::new(Target::of(arch), flags(arch, settings));
    let source = Source { name: "generated.clif", text: text.as_bytes() };
    driver::build(&source, &options, &Observer::NONE).map(|_| ())
}

fn texts(functions: &[generate::Function]) -> String {
    functions.iter().map(|function| function.text.as_str()).collect()
}

fn complaint(text: &str, diagnostics: &[Diagnostic]) -> String {
    let show = |diagnostic: &Diagnostic| {
        let line = text[diagnostic.offset..].lines().next().unwrap_or_default();
        format!("{}: {}\n", line.trim(), diagnostic.message)
    };
    diagnostics.iter().take(5).map(show).collect()
}

/// Every generated program compiles, and regalloc2's checker agrees with the allocation.
pub fn allocate_under_the_checker(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let arch = random.choose(&Arch::ALL);
    let settings = settings(arch, &mut random);
    let text = texts(&generate::program(language(arch), &mut random, 6));
    if let Err(diagnostics) = build(&text, arch, &settings) {
        panic!("{arch}, {}: {}\n{text}", settings.join(" "), complaint(&text, &diagnostics));
    }
}

/// What the interpreter says of calls of a function, as lines of a run test.
struct Answers {
    lines: String,
    /// How many calls returned.
    count: usize,
}

/// How often each function is called.
const RUNS: usize = 4;

/// Most instructions of one call.
const STEPS: u64 = 100_000;

/// Calls a function of a program in the interpreter.
fn answers(
    program: &Program,
    number: usize,
    function: &generate::Function,
    order: Endianness,
    random: &mut Random,
) -> Answers {
    let mut answers = Answers { lines: String::new(), count: 0 };
    for _ in 0..RUNS {
        let args: Vec<Value> = function.params.iter().map(|&ty| random.value(ty)).collect();
        match Machine::new(program, &Options { order, steps: STEPS, trace: false }).call(number, &args) {
            Ok(results) => {
                let (args, results) = (filetest::show_list(&args), filetest::show_list(&results));
                let results = if function.results.len() == 1 { results } else { format!("[{results}]") };
                writeln!(answers.lines, "; run: %f{number}({args}) == {results}")
                    .expect("writing to a string");
                answers.count += 1;
            }
            Err(stop) => assert!(
                matches!(stop.why, Why::Trap(_) | Why::TooLong),
                "the interpreter stops: {}\n{}",
                stop.why,
                function.text
            ),
        }
    }
    answers
}

/// A generated program with calls and what they give, as a run test for an architecture; and their number.
pub fn run_test(arch: Arch, count: usize, random: &mut Random) -> (String, usize) {
    let settings = settings(arch, random);
    let functions = generate::program(language(arch), random, count);
    let text = texts(&functions);
    let checked = check::whole(text.as_bytes(), Environment::new(&flags(arch, &[])));
    let checked = checked.unwrap_or_else(|diagnostics| panic!("{}\n{text}", complaint(&text, &diagnostics)));
    let program = Program::new(checked.functions, checked.module, &checked.offsets).expect("a program");
    let order = if arch.is_big_endian() { Endianness::Big } else { Endianness::Little };
    let (general, of_arch): (Vec<&str>, Vec<&str>) =
        settings.iter().partition(|setting| setting.contains('='));
    let mut file = String::from("test run\n");
    for setting in general {
        writeln!(file, "set {setting}").expect("writing to a string");
    }
    writeln!(file, "target {arch} {}\n", of_arch.join(" ")).expect("writing to a string");
    let mut runs = 0;
    for (number, function) in functions.iter().enumerate() {
        let answers = answers(&program, number, function, order, random);
        file += &function.text;
        file += &answers.lines;
        file.push('\n');
        runs += answers.count;
    }
    (file, runs)
}

/// Runs a test file, which is kept if it fails.
pub fn run(file: &str, arch: Arch) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("clifc-fuzz-{}-{arch}-{number}.clif", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(Path::new(&name));
    fs::write(&path, file).expect("a file");
    let options = filetest::Options { paths: vec![path.clone()], ..filetest::Options::default() };
    let outcomes = filetest::run(&options, &filetest::Observer::NONE).expect("a file that was just written");
    for outcome in outcomes {
        match outcome.status {
            Status::Passed => {}
            Status::Failed(why) | Status::Skipped(why) => panic!("{}: {why}", path.display()),
        }
    }
    fs::remove_file(&path).expect("a file that was just written");
}

/// Compiled programs do what the interpreter says.
pub fn compile_and_compare(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let arch = random.choose(&Arch::ALL);
    let (file, _) = run_test(arch, 8, &mut random);
    run(&file, arch);
}

fn parsed(text: &str) -> Option<Function> {
    let mut function = Function::default();
    parse::function(text.as_bytes(), 0, &mut ParseContext::new(), &mut function).ok().map(|()| function)
}

/// What is printed and parsed again has the same key in the cache; a function with another value for an
/// operand has another, unless the stencils are the same.
pub fn one_key_one_code(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let arch = random.choose(&Arch::ALL);
    let settings = settings(arch, &mut random);
    let environment = CompileEnvironment::new(&Target::of(arch), &flags(arch, &settings));
    for function in generate::program(language(arch), &mut random, 3) {
        let original = parsed(&function.text).expect("a right function");
        let key = environment.stencil(&original.stencil);
        let again = parsed(&original.to_string()).expect("what is printed can be parsed");
        assert!(
            environment.stencil(&again.stencil) == key,
            "another key when it is printed:\n{}",
            function.text
        );
        let operands: Vec<(usize, &str)> = function.text.match_indices(" v").collect();
        let (at, _) = random.choose(&operands);
        let end =
            function.text[at + 2..].find(|c: char| !c.is_ascii_digit()).map_or(0, |length| at + 2 + length);
        let other = format!("{} v{}{}", &function.text[..at], random.below(20), &function.text[end..]);
        let Some(changed) = parsed(&other) else { continue };
        let same = format!("{:?}", changed.stencil) == format!("{:?}", original.stencil);
        assert!(same == (environment.stencil(&changed.stencil) == key), "{}\n{other}", function.text);
    }
}
