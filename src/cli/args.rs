//! The definition of the command line, with the texts of `--help`.

mod cache;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clifc::driver::Shard;
use clifc::filetest;
use clifc::ir::Name;
use clifc::object::PAGE;
use clifc::options::{Arch, Target};
use clifc::pipeline;

use super::spellings::{self, split_words};
pub use cache::{CacheArgs, CacheCommand, CacheVerb, parse_size};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// What `--version` prints after the name.
pub const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("CLIFC_COMMIT"), ")\nhost: ", env!("CLIFC_HOST"),);

/// Compiles CLIF, the text form of Cranelift's intermediate representation, to object files.
#[derive(Parser, Debug)]
#[command(
    name = "clifc",
    version,
    long_version = LONG_VERSION,
    styles = STYLES,
    args_override_self = true,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  clifc build hello.clif -o hello.o && cc hello.o -o hello
  clifc build -O speed --cpu native --time *.clif
  clifc build -S hello.clif -o -           Show the assembly
  clifc check < generated.clif             Report what is wrong with a file
  clifc explain iadd                       Explain an opcode
  clifc run --call '%f(1, 2)' a.clif       Run a function in the interpreter
  clifc test filetests                     Run test files

`-` stands for standard input or output. `@FILE` is replaced by the arguments in FILE.
Exit codes: 0 success; 1 the input is wrong; 2 the command line is wrong; 70 a bug in clifc."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Colour in messages: auto, always or never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        display_order = 900
    )]
    pub color: Colour,
    /// Form of messages: human or json, a line for each message.
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        default_value = "human",
        hide_possible_values = true,
        display_order = 901
    )]
    pub error_format: ErrorFormat,
}

/// The form of messages.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorFormat {
    /// Text with the line at fault.
    Human,
    /// A line of JSON for each message.
    Json,
}

/// When to use colour.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR or CLICOLOR=0 says otherwise; elsewhere if CLICOLOR_FORCE is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Compile files to objects.
    Build(Box<Build>),
    /// Report what is wrong with files, as build does, and write nothing.
    Check(Check),
    /// Print files back as clifc reads them.
    Cat(Cat),
    /// Print control-flow graphs for Graphviz.
    Cfg(CfgArgs),
    /// Disassemble objects, with relocations and trap sites.
    Disasm(Disasm),
    /// Explain opcodes and other words of the language.
    Explain(Explain),
    /// Show how functions are compiled, in a page for a browser.
    Explore(Explore),
    /// Inspect, shrink, check or clear the cache of compiled functions.
    Cache(CacheCommand),
    /// List targets, and the CPUs that `--cpu` takes.
    Targets(Targets),
    /// List the settings of a target, with their values and those that have no effect.
    Settings(Settings),
    /// Make a file smaller while it still shows a defect.
    Reduce(Reduce),
    /// Run a function in the interpreter, without compiling it.
    Run(Run),
    /// Run test files.
    Test(Test),
    /// Print completions for a shell.
    Completions(Completions),
    /// Print a manual page, or write all of them to a directory.
    Man(Man),
}

/// `clifc completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  clifc completions bash > ~/.local/share/bash-completion/completions/clifc")]
pub struct Completions {
    /// bash, elvish, fish, powershell or zsh.
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: clap_complete::Shell,
}

/// `clifc man`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  clifc man | man -l -
  clifc man --out-dir /usr/share/man/man1")]
pub struct Man {
    /// Write clifc.1 and a page for each command to this directory.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
}

/// `clifc targets`.
#[derive(Args, Debug)]
pub struct Targets {
    /// Print as JSON.
    #[arg(long, conflicts_with = "matrix")]
    pub json: bool,
    /// Print which families of opcodes each target compiles, by shape of type.
    #[arg(long)]
    pub matrix: bool,
}

/// Input files.
#[derive(Args, Debug)]
pub struct Inputs {
    /// CLIF files; `-` for standard input, as when there are none.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The machine and the settings to compile for.
#[derive(Args, Debug)]
pub struct TargetArgs {
    /// Target triple, or x86_64, aarch64, s390x for short [default: this machine].
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<String>,
    /// CPU whose instructions to use; `native` is this machine's.
    #[arg(long, value_name = "NAME")]
    pub cpu: Option<String>,
    /// Change a setting (see `clifc settings`).
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// Optimisation level: none, speed or size; also 0 to 3, g, s and z. `-O` alone is `-O speed`.
    #[arg(short = 'O', long = "opt-level", value_name = "LEVEL", hide_possible_values = true)]
    pub opt: Option<OptArg>,
}

/// Options about messages.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Show at most N errors and warnings, and count the rest; 0 shows all [default: 20].
    #[arg(long, value_name = "N")]
    pub error_limit: Option<usize>,
    /// Take warnings for errors (also -Werror).
    #[arg(long, overrides_with = "no_warnings_as_errors")]
    pub warnings_as_errors: bool,
    /// Undo --warnings-as-errors.
    #[arg(long, hide = true)]
    pub no_warnings_as_errors: bool,
    /// Show no warnings.
    #[arg(short = 'w', long)]
    pub no_warnings: bool,
}

/// Optimisation levels, as spelled after `-O`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptArg {
    /// Compile fast.
    #[value(aliases = ["0", "g"])]
    None,
    /// Make fast code.
    #[value(aliases = ["1", "2", "3"])]
    Speed,
    /// Make fast code that is small.
    #[value(aliases = ["s", "z", "speed_and_size"])]
    Size,
}

impl OptArg {
    /// The value of the setting `opt_level`.
    pub fn setting(self) -> &'static str {
        match self {
            OptArg::None => "none",
            OptArg::Speed => "speed",
            OptArg::Size => "speed_and_size",
        }
    }
}

/// What the help of `clifc build` ends with.
fn build_help() -> String {
    let examples = "\
Target and settings are those of the file's `target` and `set` lines, where the command line says nothing.

Examples:
  clifc build a.clif                       Writes a.o
  clifc build a.clif -o - | clifc disasm -
  clifc build -O2 --cpu x86-64-v3 --target x86_64 a.clif
  clifc build --set preserve_frame_pointers=true --dump regalloc,main a.clif
  clifc build --out-dir build *.clif

";
    examples.to_string() + &spellings::help()
}

/// `clifc build`.
#[derive(Args, Debug)]
#[command(after_help = build_help())]
pub struct Build {
    /// Input files and target.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Output file, or with a slash at its end, directory for outputs [default: the input's name with another
    /// suffix, in the current directory].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write outputs to this directory, named after the inputs.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// The machine and the settings to compile for.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Kinds of output: obj, asm, image (code and data placed at an address; its map is beside it), map,
    /// listing (code beside its offsets), json, clif (as it goes into lowering) or vcode (before register
    /// allocation).
    #[arg(
        long,
        value_name = "KIND,…",
        default_value = "obj",
        hide_possible_values = true,
        value_delimiter = ',',
        overrides_with_all = ["assembly", "object"]
    )]
    pub emit: Vec<Emit>,
    /// The address of an image, a multiple of 0x1000.
    #[arg(long, value_name = "ADDRESS", value_parser = base)]
    pub base: Option<u64>,
    /// Write assembly, for GNU as or clang: the same as --emit asm.
    #[arg(short = 'S', long, overrides_with_all = ["emit", "object"])]
    pub assembly: bool,
    /// Syntax of assembly for x86_64: att or intel (also -masm=) [default: att].
    #[arg(long, value_name = "SYNTAX", hide_possible_values = true)]
    pub asm_syntax: Option<AsmSyntax>,
    /// Write an object: the same as --emit obj.
    #[arg(short = 'c', long, overrides_with_all = ["emit", "assembly"])]
    pub object: bool,
    /// Threads [default: what make's jobserver allows, or one per processor].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Compile the Kth of N parts of the functions; the objects of all parts link to what one object would
    /// be. The default output is named FILE.K.o.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Write debug information: lines, functions and variables of the CLIF, or of what its loc lines refer
    /// to.
    #[arg(short = 'g', long, overrides_with_all = ["debug_lines", "no_debug"])]
    pub debug: bool,
    /// Write debug information of lines only (also -gline-tables-only).
    #[arg(long = "gline-tables-only", overrides_with_all = ["debug", "no_debug"])]
    pub debug_lines: bool,
    /// With -g, write .debug_frame as well as .eh_frame.
    #[arg(long)]
    pub debug_frame: bool,
    /// Undo -g.
    #[arg(long, hide = true, overrides_with_all = ["debug", "debug_lines"])]
    pub no_debug: bool,
    /// In debug information, replace OLD at the beginning of paths by NEW.
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_mapping)]
    pub debug_prefix_map: Vec<(String, String)>,
    /// Put each function in a section of its own.
    #[arg(long, overrides_with = "no_function_sections")]
    pub function_sections: bool,
    /// Undo --function-sections.
    #[arg(long, hide = true)]
    pub no_function_sections: bool,
    /// Put each data object in a section of its own.
    #[arg(long, overrides_with = "no_data_sections")]
    pub data_sections: bool,
    /// Undo --data-sections.
    #[arg(long, hide = true)]
    pub no_data_sections: bool,
    /// Take linker names from `; symbol NAME` comments at the beginning of functions, in all inputs.
    #[arg(long)]
    pub symbol_comments: bool,
    /// Print version, inputs, outputs, target and settings to stderr.
    #[arg(short, long)]
    pub verbose: bool,
    /// Print functions, or the one named, after this pass to stderr.
    #[arg(long, value_name = "PASS[,FUNCTION]", value_parser = DumpArg::parse)]
    pub dump: Vec<DumpArg>,
    /// Print the time of each phase to stderr.
    #[arg(long)]
    pub time: bool,
    /// Print how often each rule of the optimiser and of lowering was used to stderr.
    #[arg(long)]
    pub trace_rules: bool,
    /// Write which calls were inlined to this file, and why others were not, as JSON.
    #[arg(long, value_name = "FILE")]
    pub inline_report: Option<PathBuf>,
    /// Do not verify the input.
    #[arg(long)]
    pub no_verify: bool,
    /// Switch a pass off or on, whatever the settings say.
    #[arg(long = "pass", value_name = "NAME=off|on")]
    pub passes: Vec<String>,
    /// Check the result of each pass.
    #[arg(long)]
    pub check_passes: bool,
    /// Write a rule for make beside the output (also -MD).
    #[arg(long)]
    pub depend: bool,
    /// Write the rule to FILE (also -MF).
    #[arg(long, value_name = "FILE")]
    pub depend_file: Option<PathBuf>,
    /// Target of the rule, as it is to stand there [default: the output] (also -MT).
    #[arg(long, value_name = "TARGET")]
    pub depend_target: Vec<OsString>,
    /// Target of the rule, quoted for make (also -MQ).
    #[arg(long, value_name = "TARGET")]
    pub depend_quoted_target: Vec<OsString>,
    /// Add a rule without prerequisites for the input, so that make goes on after it was removed (also -MP).
    #[arg(long)]
    pub depend_phony: bool,
    /// Which messages are shown.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// Whether and where compiled functions are kept.
    #[command(flatten)]
    pub cache: CacheArgs,
}

/// An argument of `--dump`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DumpArg {
    /// The pass after which to dump.
    pub pass: String,
    /// The function to dump; all if `None`.
    pub function: Option<String>,
}

impl DumpArg {
    fn parse(text: &str) -> Result<Self, String> {
        let (pass, function) = match text.split_once(',') {
            Some((pass, function)) => (pass, Some(function.to_string())),
            None => (text, None),
        };
        let names: Vec<&str> = pipeline::pass_names().collect();
        match names.contains(&pass) {
            true => Ok(DumpArg { pass: pass.into(), function }),
            false => Err(format!("unknown pass `{pass}`: expected one of {}", names.join(", "))),
        }
    }

    /// Whether to dump the function with this name after a pass.
    pub fn matches(&self, pass: &str, name: &Name) -> bool {
        self.pass == pass && self.is_for(&name.to_string())
    }

    /// Whether to dump the function with this name, as CLIF spells it.
    pub fn is_for(&self, name: &str) -> bool {
        let same = |wanted: &String| wanted == name || name.strip_prefix('%') == Some(wanted);
        self.function.as_ref().is_none_or(same)
    }
}

/// Syntaxes of assembly for x86_64.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AsmSyntax {
    /// AT&T's.
    Att,
    /// Intel's.
    Intel,
}

/// Reads the address of an image.
fn base(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let number = number.map_err(|_| "expected an address, such as 0x10000".to_string())?;
    match number.is_multiple_of(PAGE) {
        true => Ok(number),
        false => Err(format!("expected a multiple of {PAGE:#x}, the size of a page")),
    }
}

/// Kinds of output of `clifc build`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Emit {
    /// An object file.
    Obj,
    /// Assembly text.
    Asm,
    /// Code and data placed at an address.
    Image,
    /// What is where in an image.
    Map,
    /// Instructions with their offsets, relocations and trap sites.
    Listing,
    /// Functions, relocations, trap sites and frames, as JSON.
    Json,
    /// CLIF, as it goes into lowering.
    Clif,
    /// Machine instructions before register allocation.
    Vcode,
}

/// `clifc check`.
#[derive(Args, Debug)]
pub struct Check {
    /// Input files.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Which messages are shown.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// The machine and the settings to compile for.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `clifc cat`.
#[derive(Args, Debug)]
pub struct Cat {
    /// Input files.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Rewrite older dialects in the current one.
    #[arg(long)]
    pub upgrade: bool,
    /// Output file [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `clifc cfg`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  clifc cfg a.clif | dot -Tsvg > a.svg      A file of one function
  clifc cfg a.clif --function '%f' | dot -Tpdf > f.pdf
  clifc cfg a.clif -o graphs/               Writes graphs/NAME.dot for each function")]
pub struct CfgArgs {
    /// Input files.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Only of the function with this name.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Output file, or with a slash at its end, directory for a file for each function [default: standard
    /// output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `clifc disasm`.
#[derive(Args, Debug)]
pub struct Disasm {
    /// Object files or linked ones; `-` for standard input.
    #[arg(value_name = "OBJECT", required = true)]
    pub files: Vec<PathBuf>,
    /// Print functions, relocations, trap sites and frames as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `clifc explore`.
#[derive(Args, Debug)]
#[command(after_help = "\
The page has the CLIF, each function after each pass, machine code with what registers hold, and the \
control-flow graph. What comes from the same line is marked when the mouse is over any of it.

Example:
  clifc explore -O2 a.clif -o page.html")]
pub struct Explore {
    /// CLIF file; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Output file [default: the input's name with `.html`; standard output for standard input].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The machine and the settings to compile for.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `clifc explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// Opcodes, types, conditions, calling conventions, trap codes, memory flags, older spellings [default:
    /// all opcodes, in a line each].
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Print all of it in Markdown.
    #[arg(long, conflicts_with = "words")]
    pub reference: bool,
}

/// `clifc settings`.
#[derive(Args, Debug)]
pub struct Settings {
    /// The same as --target.
    #[arg(value_name = "TARGET", conflicts_with = "target")]
    pub name: Option<String>,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
    /// The target, and changes to its settings.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `clifc run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Without --call, `%main` is called, which must have no parameters, and its result is the exit code. Traps, \
accesses outside of memory and too many steps are reported with their positions. A file may import some \
functions of the C library: puts, putchar, exit, abort, malloc, calloc, free, memcpy, memmove, memset, \
memcmp, strlen, ceil, floor, trunc, nearbyint, sqrt, fma.

Examples:
  clifc run examples/hello.clif
  clifc run --call '%f(1, 2)' --call '%f(3, 4)' a.clif
  clifc run --target s390x --call '%load([1 2 3 4])' a.clif    Use the byte order of s390x")]
pub struct Run {
    /// The file; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Call this function and print its results.
    #[arg(long, value_name = "CALL")]
    pub call: Vec<String>,
    /// Stop after this many instructions [default: no limit].
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Print each function that is entered, and each value that is defined.
    #[arg(long)]
    pub trace: bool,
    /// The target whose byte order and settings apply.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// What the help of `clifc test` ends with.
fn test_help() -> String {
    let commands: Vec<String> = filetest::commands().map(|name| format!("`test {name}`")).collect();
    format!(
        "\
A test file begins with lines like `test run` and `target x86_64`; one without a `target` line is for \
all targets. Commands: {}. Comments say what is expected:

  ; run: %f(1, 2) == 3           also `!=`, `== [1, 2]` for several, `traps int_divz`
  ; print: %f(1)                 shows the result
  ; check: REGEX                 also sameln, nextln, unordered, not, regex
  ; error: TEXT                  in `test verifier`: on the line of the error
  ; dominates: block1            in `test domtree`

The last line of output is `N passed, N failed, N skipped`; the exit code is 1 if any failed. \
docs/commands.md has more on each.

Code of `test run` for another machine is linked by a cross compiler driver (such as aarch64-linux-gnu-gcc) \
and run under QEMU, if they are installed.

Examples:
  clifc test filetests
  clifc test --filter 'divide.*run s390x' filetests
  clifc test --target s390x --runner 's390x=qemu-s390x -cpu max' filetests/run
  clifc test --bless filetests/x86_64/wide.clif     Write the output into the file
  clifc test --junit report.xml filetests",
        commands.join(", ")
    )
}

/// `clifc reduce`.
#[derive(Args, Debug)]
#[command(after_help = "\
Commands are run by the shell in an empty directory. `{}` in a command stands for the file that is tried, \
and without it the file is the last argument. Functions, blocks, instructions, parameters, types and data \
go as long as the check succeeds.

Examples:
  clifc reduce big.clif --check 'clifc build -S -o - {} | grep -q idiv' -o small.clif
  clifc reduce big.clif --crash -O2 --target aarch64
  clifc reduce big.clif --wrong -O2
  clifc reduce big.clif --differ 'clifc run {}' './other-compiler-and-run {}'")]
#[group(id = "what", required = true, args = ["check", "crash", "wrong", "differ"])]
pub struct Reduce {
    /// The file; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Keep what makes this command succeed.
    #[arg(long, value_name = "COMMAND")]
    pub check: Option<String>,
    /// Keep what makes clifc crash, report a bug of its own, or take too long.
    #[arg(long)]
    pub crash: bool,
    /// Keep what the compiled code of a call in a `run:` or `print:` comment computes otherwise than the
    /// interpreter.
    #[arg(long)]
    pub wrong: bool,
    /// Keep what makes two commands print different things, or exit with different codes.
    #[arg(long, num_args = 2, value_names = ["COMMAND", "COMMAND"])]
    pub differ: Vec<String>,
    /// Output file [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Seconds that a command may take [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86400))]
    pub timeout: Option<u32>,
    /// The target, and changes to its settings.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `clifc test`.
#[derive(Args, Debug)]
#[command(after_help = test_help())]
pub struct Test {
    /// Test files, and directories of them.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Only for this target.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    /// Change a setting in all tests whose target has it, on top of the files' own.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// Run programs for TARGET by this command [default for other machines: qemu-TARGET-static -cpu max].
    #[arg(long = "runner", value_name = "TARGET=COMMAND", value_parser = Tool::parse)]
    pub runners: Vec<Tool>,
    /// Link programs for TARGET by this compiler driver [default: cc; for other machines
    /// TARGET-linux-gnu-gcc].
    #[arg(long = "linker", value_name = "TARGET=COMMAND", value_parser = Tool::parse_program)]
    pub linkers: Vec<Tool>,
    /// Write the actual output into files that expect exact output.
    #[arg(long)]
    pub bless: bool,
    /// Fail if a test is skipped.
    #[arg(long)]
    pub fail_on_skip: bool,
    /// Run only tests with a match for this regular expression in `FILE: TEST`, as `--verbose` shows them.
    #[arg(long, value_name = "REGEX")]
    pub filter: Option<String>,
    /// Seconds that a call in a `test run` may take [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86400))]
    pub timeout: Option<u32>,
    /// Also write the results to FILE, one line of JSON per test.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also write the results to FILE as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Threads [default: one per processor].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// List tests that pass or are skipped as well.
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub verbose: bool,
}

/// A command to use for an architecture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tool {
    /// The architecture.
    pub arch: Arch,
    /// Words of the command.
    pub command: Vec<String>,
}

impl Tool {
    fn parse(text: &str) -> Result<Self, String> {
        let (target, command) = text.split_once('=').ok_or("expected TARGET=COMMAND")?;
        let target = Target::parse(target).map_err(|error| error.to_string())?;
        Ok(Tool { arch: target.arch(), command: split_words(command) })
    }

    /// Parses a tool whose command cannot be empty.
    fn parse_program(text: &str) -> Result<Self, String> {
        let tool = Self::parse(text)?;
        if tool.command.is_empty() { Err("the command is missing".into()) } else { Ok(tool) }
    }
}

/// Parses `OLD=NEW`.
fn parse_mapping(text: &str) -> Result<(String, String), String> {
    let (old, new) = text.split_once('=').ok_or("expected OLD=NEW")?;
    Ok((old.into(), new.into()))
}

/// Parses a number of seconds, which can have decimals.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.001..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected a number of seconds, up to 3600".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn levels_have_several_spellings() {
        for (text, level) in [("-O2", OptArg::Speed), ("-Os", OptArg::Size), ("-O0", OptArg::None)] {
            let cli = Cli::try_parse_from(["clifc", "build", text, "a.clif"]).expect("right");
            assert!(matches!(cli.command, Command::Build(build) if build.target.opt == Some(level)));
        }
    }
}
