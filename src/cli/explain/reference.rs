//! The reference of the language, docs/reference.md: every opcode and every other word.

use clifc::ir::opcode::ALL;
use clifc::parse::{example, older_spellings};

use super::{facts, words};

/// The beginning of the reference.
const HEAD: &str = "\
# Reference

All opcodes and other words of CLIF, as `clifc explain` has them. [language.md](language.md) is the
introduction. This file is printed by `clifc explain --reference`. The examples are those of
[opcodes.clif](opcodes.clif), a test file. `clifc targets --matrix` says what each target compiles.

In the tables, T is the type after the dot, as in `iadd.i32`, or that of the operand that determines it. No
opcode needs a CPU feature that a target does not always have; `features` are the settings that change the
code of the example.
";

/// Returns the reference in Markdown.
pub fn text() -> String {
    let mut out = HEAD.to_string();
    for group in words::GROUPS {
        out += &format!("\n## {}\n\n| | |\n|---|---|\n", group.title);
        for (word, text) in group.words {
            out += &format!("| `{word}` | {text} |\n");
        }
    }
    out += "\n## Older spellings\n\n| | |\n|---|---|\n";
    for (word, meaning) in older_spellings() {
        out += &format!("| `{word}` | {meaning} |\n");
    }
    out += "\n## Opcodes\n";
    let mut opcodes = ALL.to_vec();
    opcodes.sort_by_key(|opcode| opcode.name());
    for opcode in opcodes {
        let name = opcode.name();
        out += &format!("\n### {name}\n\n{}\n\n| | |\n|---|---|\n", wrap(opcode.info().doc));
        for (title, text) in facts(opcode) {
            out += &format!("| {title} | {text} |\n");
        }
        out += &format!("\n```\n{}\n```\n", example(opcode));
    }
    out
}

/// Breaks a text into lines that are not too long.
fn wrap(text: &str) -> String {
    const WIDTH: usize = 110;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}
