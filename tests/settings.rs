//! Settings keep what they promise: each is read by the compiler, or says why it has no effect.
//!
//! The table names the settings, and a setting's accessor has its name, so the source is searched for calls
//! of accessors. What only tests, the test runner or `options/` itself calls changes no output, and doesn't
//! count. A file below a directory named after an architecture counts for that one, every other file for all.

use clifc::options::{Arch, SETTINGS, Setting};
use std::fs;
use std::path::Path;

/// Source files that may read settings: their paths in `src/`, and their code without comments and tests.
fn sources() -> Vec<(String, String)> {
    fn collect(root: &Path, directory: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            // Assembly names extensions for the assembler; that is no effect on code.
            if path.is_dir() && !["options", "filetest", "object/assembly"].contains(&name.as_str()) {
                collect(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((name, code(&fs::read_to_string(&path).expect("a source file"))));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    found
}

/// A file's code, without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The architecture a file is of; `None` if all use it.
fn arch_of(file: &str) -> Option<Arch> {
    Arch::ALL.into_iter().find(|arch| file.split('/').any(|part| part == arch.name()))
}

fn reads(code: &str, setting: &str) -> bool {
    code.contains(&format!(".{setting}()")) || code.contains(&format!("Flags::{setting}"))
}

/// What the table says of a setting that is not so.
fn untrue(setting: &Setting, sources: &[(String, String)]) -> Vec<String> {
    let readers: Vec<&str> =
        sources.iter().filter(|(_, code)| reads(code, setting.name)).map(|(file, _)| file.as_str()).collect();
    let archs = || Arch::ALL.into_iter().filter(|&arch| setting.applies_to(arch));
    let never = archs().all(|arch| setting.no_effect_on(arch).is_some());
    let mut wrong = Vec::new();
    for arch in archs() {
        // A shared file may hand the setting to code that ignores it on this architecture, but not on all.
        let own = readers.iter().find(|file| arch_of(file) == Some(arch) || never);
        let any = readers.iter().find(|file| arch_of(file).is_none_or(|other| other == arch));
        match (setting.no_effect_on(arch), own, any) {
            (None, _, None) => wrong.push(format!("{arch}: nothing reads `{}`", setting.name)),
            (Some(why), Some(file), _) => {
                wrong.push(format!("{arch}: {file} reads `{}`, but the table says: {why}", setting.name));
            }
            (None, _, Some(_)) | (Some(_), None, _) => {}
        }
    }
    wrong
}

#[test]
fn settings_are_read_or_say_why_not() {
    let sources = sources();
    let wrong: Vec<String> = SETTINGS.iter().flat_map(|setting| untrue(setting, &sources)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn settings_that_are_not_read_are_found() {
    let file = |name: &str, text: &str| (name.to_string(), code(text));
    let setting = |name: &str| SETTINGS.iter().find(|setting| setting.name == name).expect("a setting");
    let unread = "// flags.is_pic()\n#[cfg(test)]\nmod tests { fn f() { flags.is_pic(); } }\n";
    let shared = untrue(setting("is_pic"), &[file("emit.rs", unread)]);
    assert_eq!(shared.len(), Arch::ALL.len(), "{shared:?}");
    let one = untrue(setting("is_pic"), &[file("machines/s390x/emit.rs", "if flags.is_pic() {")]);
    assert_eq!(one, ["x86_64: nothing reads `is_pic`", "aarch64: nothing reads `is_pic`"]);
    assert_eq!(untrue(setting("is_pic"), &[file("emit.rs", "if flags.is_pic() {")]), [""; 0]);
    let stale = untrue(setting("machine_code_cfg_info"), &[file("a.rs", "flags.machine_code_cfg_info()")]);
    assert_eq!(stale.len(), Arch::ALL.len(), "{stale:?}");
}
