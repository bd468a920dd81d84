//! Rules for make, as `-MD` writes them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::args::Build;
use super::plan::Plan;

/// Returns the rule that says that the outputs depend on the input. Standard input is no prerequisite.
pub fn rule(args: &Build, plan: &Plan, input: &Path) -> Vec<u8> {
    let quoted = args.depend_quoted_target.iter().map(|target| quote(target));
    let mut targets: Vec<Vec<u8>> =
        args.depend_target.iter().map(|target| target.as_bytes().to_vec()).collect();
    targets.extend(quoted);
    if targets.is_empty() {
        let files = plan.outputs.iter().filter(|(_, path)| path != Path::new("-"));
        targets.extend(files.map(|(_, path)| quote(path.as_os_str())));
    }
    let mut rule = targets.join(&b' ');
    rule.push(b':');
    if input == Path::new("-") {
        rule.push(b'\n');
        return rule;
    }
    let input = quote(input.as_os_str());
    rule.push(b' ');
    rule.extend(&input);
    rule.push(b'\n');
    if args.depend_phony {
        rule.push(b'\n');
        rule.extend(input);
        rule.extend(b":\n");
    }
    rule
}

/// Returns a file's name as make reads it back: `$` is doubled, and white space, `#` and `:` are escaped,
/// together with the backslashes before them.
fn quote(name: &OsStr) -> Vec<u8> {
    let mut out = Vec::new();
    let mut backslashes = 0;
    for &byte in name.as_bytes() {
        match byte {
            b'$' => out.push(b'$'),
            b' ' | b'\t' | b'#' | b':' => out.extend(std::iter::repeat_n(b'\\', backslashes + 1)),
            _ => {}
        }
        backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_reads_names_back() {
        let quoted = |name: &[u8]| quote(OsStr::from_bytes(name));
        assert_eq!(quoted(b"a b$c#d"), b"a\\ b$$c\\#d");
        assert_eq!(quoted(b"a\\ b\\c"), b"a\\\\\\ b\\c");
        assert_eq!(quoted(b"a\\#b:c"), b"a\\\\\\#b\\:c");
        assert_eq!(quoted(b"\xff"), b"\xff");
    }
}
