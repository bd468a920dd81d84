//! Where `clifc build` writes its outputs: decided before anything is compiled, so that no output replaces an
//! input or another output.

use std::collections::HashMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use clifc::driver::Shard;

use super::CommandError;
use super::args::{Build, Emit};

/// The outputs of an input.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// The kind and the path of each output.
    pub outputs: Vec<(Emit, PathBuf)>,
    /// The file with the rule for make, if one is wanted.
    pub rule: Option<PathBuf>,
    /// The file with the report of `--inline-report`.
    pub report: Option<PathBuf>,
}

impl Plan {
    /// All files that are written.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.outputs.iter().map(|(_, path)| path).chain(&self.rule).chain(&self.report)
    }
}

/// Standard input or output.
fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether a path names a device, a pipe or a directory.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// The kinds of output that are wanted, in order and each once.
fn kinds(args: &Build) -> Vec<Emit> {
    match (args.assembly, args.object) {
        (true, _) => vec![Emit::Asm],
        (_, true) => vec![Emit::Obj],
        (false, false) => {
            let mut kinds = Vec::new();
            args.emit.iter().for_each(|kind| {
                if !kinds.contains(kind) {
                    kinds.push(*kind);
                }
            });
            kinds
        }
    }
}

/// Plans the outputs of all inputs.
pub fn of(args: &Build, files: &[PathBuf]) -> Result<Vec<Plan>, CommandError> {
    let usage = |why: &str| CommandError::Usage(why.into());
    let kinds = kinds(args);
    refuse_for_images(args, &kinds, files.len())?;
    let directory = directory(args)?;
    let single = args.output.as_deref().filter(|_| directory.is_none());
    if single.is_some() && files.len() > 1 {
        return Err(usage("`-o` takes one output, but there are several inputs: use --out-dir"));
    }
    if single.is_some() && kinds.len() > 1 {
        return Err(usage("`-o` takes one output, but there are several kinds: use --out-dir"));
    }
    if args.depend_file.is_some() && files.len() > 1 {
        return Err(usage("`-MF` takes one file, but there are several inputs"));
    }
    if args.inline_report.is_some() && files.len() > 1 {
        return Err(usage("`--inline-report` takes one file, but there are several inputs"));
    }
    let wants_rule = args.depend || args.depend_file.is_some();
    if !wants_rule && (args.depend_phony || has_rule_target(args)) {
        return Err(usage("-MT, -MQ and -MP change the rule of -MD, which is missing"));
    }
    let plan = |file: &PathBuf| {
        let path = |kind| match (single, directory) {
            (Some(path), _) => path.to_path_buf(),
            (None, directory) => default_output(file, kind, args.shard, directory),
        };
        let mut outputs: Vec<_> = kinds.iter().map(|&kind| (kind, path(kind))).collect();
        outputs.extend(map_beside(&outputs));
        let rule = match (&args.depend_file, outputs.first()) {
            _ if !wants_rule => None,
            (Some(path), _) => Some(path.clone()),
            (None, Some((_, output))) if !is_stream(output) && !is_special(output) => {
                Some(output.with_extension("d"))
            }
            (None, _) => {
                return Err(usage("-MD: the rule has no name, as the output is no file: use -MF"));
            }
        };
        if rule.is_some() && outputs.iter().all(|(_, path)| is_stream(path)) && !has_rule_target(args) {
            return Err(usage("-MD: the rule has no target, as the output is standard output: use -MT"));
        }
        if rule.is_some() && file.as_os_str().as_bytes().contains(&b'\n') {
            return Err(usage("-MD: make has no names with line ends, such as the input's"));
        }
        Ok(Plan { outputs, rule, report: args.inline_report.clone() })
    };
    let plans = files.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
    refuse_overwriting(files, &plans)?;
    refuse_terminal(&plans)?;
    Ok(plans)
}

/// The map that is written beside an image.
fn map_beside(outputs: &[(Emit, PathBuf)]) -> Option<(Emit, PathBuf)> {
    let has_map = outputs.iter().any(|(kind, _)| *kind == Emit::Map);
    let (_, image) = outputs.iter().find(|(kind, path)| *kind == Emit::Image && !is_stream(path))?;
    (!has_map).then(|| (Emit::Map, image.with_extension("map")))
}

/// Refuses what has no meaning for images, and an address without an image.
fn refuse_for_images(args: &Build, kinds: &[Emit], files: usize) -> Result<(), CommandError> {
    let is_image = kinds.iter().any(|kind| matches!(kind, Emit::Image | Emit::Map));
    let why = match (is_image, args.base) {
        (true, None) => "an image needs an address: --base 0x…",
        (false, Some(_)) => "--base is the address of an image: use it with --emit image",
        (true, _) if files > 1 => "an image is made of one file: join the files before",
        (true, _) if args.shard.is_some_and(|shard| !shard.is_whole()) => {
            "an image has all functions of a file: leave out --shard"
        }
        _ => return Ok(()),
    };
    Err(CommandError::Usage(why.into()))
}

fn has_rule_target(args: &Build) -> bool {
    !args.depend_target.is_empty() || !args.depend_quoted_target.is_empty()
}

/// The directory for outputs: --out-dir, or `-o` with a slash at its end or for a directory.
fn directory(args: &Build) -> Result<Option<&Path>, CommandError> {
    if let Some(directory) = &args.out_dir {
        if args.output.is_some() {
            return Err(CommandError::Usage("-o and --out-dir exclude each other".into()));
        }
        create(directory)?;
        return Ok(Some(directory));
    }
    let Some(output) = args.output.as_deref() else { return Ok(None) };
    if output.as_os_str().as_bytes().ends_with(b"/") {
        create(output)?;
        return Ok(Some(output));
    }
    Ok(Some(output).filter(|output| output.is_dir()))
}

fn create(directory: &Path) -> Result<(), CommandError> {
    let created = fs::create_dir_all(directory);
    created.map_err(|error| CommandError::System(format!("{}: {error}", directory.display())))
}

/// Returns the default output: the input's name with another suffix, in the directory; standard output for
/// standard input. That of a part of a file also has the part's number.
fn default_output(input: &Path, kind: Emit, shard: Option<Shard>, directory: Option<&Path>) -> PathBuf {
    let suffix = match kind {
        Emit::Obj => "o",
        Emit::Asm => "s",
        Emit::Image => "bin",
        Emit::Map => "map",
        Emit::Listing => "lst",
        Emit::Json => "json",
        Emit::Clif => "out.clif",
        Emit::Vcode => "vcode",
    };
    let number = shard.filter(|shard| !shard.is_whole()).map(|shard| format!("{}.", shard.number()));
    let suffix = number.unwrap_or_default() + suffix;
    let name = match input.file_name() {
        Some(name) if !is_stream(input) => Path::new(name).with_extension(&suffix),
        _ if directory.is_some() => Path::new("stdin").with_extension(&suffix),
        _ => return PathBuf::from("-"),
    };
    directory.map_or(name.clone(), |directory| directory.join(&name))
}

/// What identifies a file that exists, whatever path names it; else its path, in a directory that exists.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Existing(u64, u64),
    Path(PathBuf),
}

fn identity(path: &Path) -> Identity {
    if let Ok(found) = fs::metadata(path) {
        return Identity::Existing(found.dev(), found.ino());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = fs::canonicalize(parent).unwrap_or_else(|_| parent.to_path_buf());
    Identity::Path(path.file_name().map_or(parent.clone(), |name| parent.join(name)))
}

/// Refuses an output that is its input.
pub fn refuse_replacing(input: &Path, output: &Path) -> Result<(), CommandError> {
    match !is_stream(output) && identity(input) == identity(output) {
        true => Err(replaces(output, input)),
        false => Ok(()),
    }
}

fn replaces(output: &Path, input: &Path) -> CommandError {
    let (output, input) = (output.display(), input.display());
    CommandError::Usage(format!("the output {output} would replace the input {input}"))
}

/// Refuses outputs that would replace inputs or each other. Devices and pipes can have several.
fn refuse_overwriting(files: &[PathBuf], plans: &[Plan]) -> Result<(), CommandError> {
    let inputs = files.iter().filter(|file| !is_stream(file) && !is_special(file));
    let inputs: HashMap<_, _> = inputs.map(|file| (identity(file), file)).collect();
    let mut outputs: HashMap<Identity, (&Path, &Path)> = HashMap::new();
    for (file, plan) in files.iter().zip(plans) {
        for path in plan.paths().filter(|path| !is_stream(path) && !is_special(path)) {
            if let Some(input) = inputs.get(&identity(path)) {
                return Err(replaces(path, input));
            }
            if let Some((_, other)) = outputs.insert(identity(path), (path, file)) {
                let (path, other, file) = (path.display(), other.display(), file.display());
                return Err(CommandError::Usage(match other.to_string() == file.to_string() {
                    true => format!("{path} would be two outputs of {file}"),
                    false => format!("{path} would be the output of both {other} and {file}"),
                }));
            }
        }
    }
    Ok(())
}

fn refuse_terminal(plans: &[Plan]) -> Result<(), CommandError> {
    let mut outputs = plans.iter().flat_map(|plan| &plan.outputs);
    let is_binary = |kind: &Emit| matches!(kind, Emit::Obj | Emit::Image);
    match outputs.any(|(kind, path)| is_binary(kind) && is_terminal(path)) {
        true => Err(CommandError::Usage("this output is not for a terminal: name a file with -o".into())),
        false => Ok(()),
    }
}

/// Whether a path names a terminal: `-`, or a device such as /dev/stdout.
fn is_terminal(path: &Path) -> bool {
    let is_device = |found: fs::Metadata| found.file_type().is_char_device();
    match is_stream(path) {
        true => io::stdout().is_terminal(),
        false => {
            fs::metadata(path).is_ok_and(is_device)
                && fs::File::open(path).is_ok_and(|file| file.is_terminal())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_after_inputs() {
        let of = |input: &str, kind, directory: Option<&str>| {
            default_output(Path::new(input), kind, None, directory.map(Path::new)).display().to_string()
        };
        assert_eq!(of("a/b.clif", Emit::Obj, None), "b.o");
        assert_eq!(of("a/b.clif", Emit::Asm, Some("out")), "out/b.s");
        assert_eq!(of("-", Emit::Asm, None), "-");
        assert_eq!(of("-", Emit::Asm, Some("out")), "out/stdin.s");
        let part = |part: &str| default_output(Path::new("a.b.clif"), Emit::Obj, part.parse().ok(), None);
        assert_eq!([part("2/3"), part("1/1")], ["a.b.2.o", "a.b.o"].map(PathBuf::from));
    }
}
