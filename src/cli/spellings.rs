//! Arguments before clap sees them: response files, and spellings of other compilers.
//!
//! Makefiles pass options as gcc, clang and llc spell them. [`SPELLINGS`] has a row for each that clifc takes
//! in addition to its own, which are the only ones that clap knows. The help lists the rows.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::ValueEnum;

use super::args::OptArg;

/// What follows the spelling of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value {
    /// Nothing.
    None,
    /// The value, in the same argument.
    Joined,
    /// The value, in the same argument or the next.
    JoinedOrNext,
    /// The value, in the next argument.
    Next,
}

/// A spelling of another compiler.
#[derive(Clone, Copy, Debug)]
struct Spelling {
    text: &'static str,
    value: Value,
    /// The option of clifc.
    means: &'static str,
}

const fn flag(text: &'static str, means: &'static str) -> Spelling {
    Spelling { text, value: Value::None, means }
}

/// The spellings of other compilers.
const SPELLINGS: &[Spelling] = &[
    flag("-fPIC", "--set=is_pic=true"),
    flag("-fpic", "--set=is_pic=true"),
    flag("-fPIE", "--set=is_pic=true"),
    flag("-fpie", "--set=is_pic=true"),
    flag("-fno-PIC", "--set=is_pic=false"),
    flag("-fno-pic", "--set=is_pic=false"),
    flag("-fno-PIE", "--set=is_pic=false"),
    flag("-fno-pie", "--set=is_pic=false"),
    flag("-fno-omit-frame-pointer", "--set=preserve_frame_pointers=true"),
    flag("-fomit-frame-pointer", "--set=preserve_frame_pointers=false"),
    flag("-fasynchronous-unwind-tables", "--set=unwind_info=true"),
    flag("-fno-asynchronous-unwind-tables", "--set=unwind_info=false"),
    flag("-ffunction-sections", "--function-sections"),
    flag("-fno-function-sections", "--no-function-sections"),
    flag("-fdata-sections", "--data-sections"),
    flag("-fno-data-sections", "--no-data-sections"),
    // For llc, `-march` is the machine, for gcc and clang the CPU.
    flag("-march=x86_64", "--target=x86_64"),
    flag("-march=aarch64", "--target=aarch64"),
    flag("-march=arm64", "--target=aarch64"),
    flag("-march=systemz", "--target=s390x"),
    Spelling { text: "-mcpu=", value: Value::Joined, means: "--cpu" },
    Spelling { text: "-march=", value: Value::Joined, means: "--cpu" },
    Spelling { text: "-mtriple=", value: Value::Joined, means: "--target" },
    Spelling { text: "-target", value: Value::Next, means: "--target" },
    flag("-relocation-model=pic", "--set=is_pic=true"),
    flag("-relocation-model=static", "--set=is_pic=false"),
    flag("-filetype=obj", "--object"),
    flag("-filetype=asm", "--assembly"),
    flag("-g0", "--no-debug"),
    flag("-g1", "--gline-tables-only"),
    flag("-g2", "--debug"),
    flag("-g3", "--debug"),
    flag("-ggdb", "--debug"),
    flag("-gdwarf", "--debug"),
    flag("-gdwarf-5", "--debug"),
    Spelling { text: "-masm=", value: Value::Joined, means: "--asm-syntax" },
    Spelling { text: "-x86-asm-syntax=", value: Value::Joined, means: "--asm-syntax" },
    flag("-MD", "--depend"),
    flag("-MMD", "--depend"),
    Spelling { text: "-MF", value: Value::JoinedOrNext, means: "--depend-file" },
    Spelling { text: "-MT", value: Value::JoinedOrNext, means: "--depend-target" },
    Spelling { text: "-MQ", value: Value::JoinedOrNext, means: "--depend-quoted-target" },
    flag("-MP", "--depend-phony"),
    flag("-gline-tables-only", "--gline-tables-only"),
    Spelling { text: "-fdebug-prefix-map=", value: Value::Joined, means: "--debug-prefix-map" },
    Spelling { text: "-ferror-limit=", value: Value::Joined, means: "--error-limit" },
    Spelling { text: "-fmax-errors=", value: Value::Joined, means: "--error-limit" },
    Spelling { text: "-fdiagnostics-color=", value: Value::Joined, means: "--color" },
    flag("-fdiagnostics-color", "--color=always"),
    flag("-fcolor-diagnostics", "--color=always"),
    flag("-fno-diagnostics-color", "--color=never"),
    flag("-fno-color-diagnostics", "--color=never"),
    flag("-Werror", "--warnings-as-errors"),
    flag("-Wno-error", "--no-warnings-as-errors"),
];

/// Options of LLVM's tools, which take them with one dash or two, and the value in the same argument or the
/// next.
const LLVM: [&str; 6] = ["-mcpu", "-march", "-mtriple", "-filetype", "-relocation-model", "-x86-asm-syntax"];

/// Whether a word can be the argument after `-O`.
fn is_level(word: &OsString) -> bool {
    let levels = OptArg::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    word.to_str().is_some_and(|word| levels.into_iter().any(|level| level.matches(word, false)))
}

/// Returns the table for the help of `clifc build`.
pub fn help() -> String {
    let mut lines = vec!["Also taken, as other compilers spell them:".to_string()];
    let mut meanings: Vec<&str> = Vec::new();
    for spelling in SPELLINGS {
        if !meanings.contains(&spelling.means) {
            meanings.push(spelling.means);
        }
    }
    for means in meanings {
        let same = SPELLINGS.iter().filter(|spelling| spelling.means == means);
        let texts: Vec<&str> = same.map(|spelling| spelling.text).collect();
        lines.push(format!("  {:<38} {means}", texts.join(" ")));
    }
    lines.join("\n")
}

/// Returns the arguments of this process, with `@FILE` replaced by the arguments in the file, and spellings
/// of other compilers by clifc's.
pub fn arguments() -> Result<Vec<OsString>, String> {
    let mut all = Vec::new();
    for arg in std::env::args_os() {
        expand_into(&mut all, arg, 0)?;
    }
    Ok(translate(all))
}

fn expand_into(all: &mut Vec<OsString>, arg: OsString, depth: usize) -> Result<(), String> {
    const DEEPEST: usize = 8;
    let path = arg.to_str().and_then(|arg| arg.strip_prefix('@'));
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        all.push(arg);
        return Ok(());
    };
    if depth == DEEPEST {
        return Err(format!("@{path}: response files are nested more than {DEEPEST} levels deep"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("@{path}: {error}"))?;
    split_words(&text).into_iter().try_for_each(|word| expand_into(all, word.into(), depth + 1))
}

/// Replaces spellings of other compilers, up to an argument `--`.
fn translate(args: Vec<OsString>) -> Vec<OsString> {
    let mut out = Vec::with_capacity(args.len());
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.push(arg);
            out.extend(args);
            return out;
        }
        let arg = as_one_word(arg, &mut args);
        match arg.as_bytes() {
            b"-O" => {
                let level = args.next_if(is_level).unwrap_or_else(|| "speed".into());
                out.push(with_value("--opt-level", &level));
            }
            [b'-', b'O', level @ ..] => out.push(with_value("--opt-level", OsStr::from_bytes(level))),
            bytes => match SPELLINGS.iter().find(|spelling| spelling.matches(bytes)) {
                None => out.push(arg),
                Some(spelling) => {
                    let joined = &bytes[spelling.text.len()..];
                    match spelling.value {
                        Value::None => out.push(spelling.means.into()),
                        Value::JoinedOrNext | Value::Next if joined.is_empty() => {
                            out.push(spelling.means.into());
                            out.extend(args.next());
                        }
                        Value::Joined | Value::JoinedOrNext | Value::Next => {
                            out.push(with_value(spelling.means, OsStr::from_bytes(joined)));
                        }
                    }
                }
            },
        }
    }
    out
}

/// Brings an option of LLVM's tools to the form with one dash, and joins it with its value.
fn as_one_word(arg: OsString, rest: &mut impl Iterator<Item = OsString>) -> OsString {
    let bytes = arg.as_bytes();
    let single = if bytes.starts_with(b"--") { &bytes[1..] } else { bytes };
    let name = single.split(|byte| *byte == b'=').next().unwrap_or_default();
    match LLVM.iter().find(|option| option.as_bytes() == name) {
        None => arg,
        Some(_) if name.len() < single.len() => OsString::from_vec(single.to_vec()),
        Some(option) => rest.next().map_or_else(|| arg.clone(), |value| with_value(option, &value)),
    }
}

impl Spelling {
    fn matches(&self, arg: &[u8]) -> bool {
        match self.value {
            Value::None | Value::Next => arg == self.text.as_bytes(),
            Value::Joined | Value::JoinedOrNext => arg.starts_with(self.text.as_bytes()),
        }
    }
}

fn with_value(option: &str, value: &OsStr) -> OsString {
    OsString::from_vec([option.as_bytes(), b"=", value.as_bytes()].concat())
}

/// Splits text at white space outside of quotes; a backslash escapes the next character.
pub fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_files_are_split_like_shell_words() {
        assert_eq!(split_words("a  'b c'\n\"d \\\" e\" f\\ g ''"), ["a", "b c", "d \" e", "f g", ""]);
    }

    #[test]
    fn other_spellings_are_replaced() {
        let translated = |line: &str| {
            let words = split_words(line).into_iter().map(OsString::from).collect();
            translate(words)
                .into_iter()
                .map(|arg| arg.into_string().expect("text"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            translated("build -O a.clif -Os -mcpu=z15 -MF d -MFe"),
            "build --opt-level=speed a.clif --opt-level=s --cpu=z15 --depend-file d --depend-file=e"
        );
        assert_eq!(translated("-O speed -O x"), "--opt-level=speed --opt-level=speed x");
        assert_eq!(translated("-fPIC -fno-pic"), "--set=is_pic=true --set=is_pic=false");
        assert_eq!(translated("-- -MD -O"), "-- -MD -O");
        assert_eq!(translated("-MDx -Werror"), "-MDx --warnings-as-errors");
        assert_eq!(translated("-target arm64 -targetx"), "--target arm64 -targetx");
        assert_eq!(translated("-O z -O g -O x"), "--opt-level=z --opt-level=g --opt-level=speed x");
        assert_eq!(translated("-mcpu z15 --mcpu=z16 -mcpu"), "--cpu=z15 --cpu=z16 -mcpu");
        assert_eq!(translated("--march=aarch64 -march z15"), "--target=aarch64 --cpu=z15");
        assert_eq!(translated("--filetype=asm --relocation-model pic"), "--assembly --set=is_pic=true");
        assert_eq!(translated("-g0 -g3 -gx"), "--no-debug --debug -gx");
    }
}
