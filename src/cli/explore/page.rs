//! The page: one file without references to others.

use std::collections::BTreeMap;
use std::fmt::Write;

use clifc::driver::{Described, Held};
use clifc::options::{Arch, Target};

use super::{Shown, drawing, registers};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Replaces characters that HTML has a meaning for.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Returns the page of a file's functions.
pub(super) fn html(file: &str, target: &Target, functions: &[Shown]) -> String {
    let title = format!("{} for {target}", escape(file));
    let mut out = format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style>\
         <header><h1>{title}</h1><label>Function <select id='functions'>"
    );
    for (number, function) in functions.iter().enumerate() {
        write!(out, "<option value='{number}'>{}</option>", escape(&function.name)).expect("a string");
    }
    out += "</select></label></header>\
            <svg width='0' height='0'><defs><marker id='arrow' viewBox='0 0 8 8' refX='8' refY='4' \
            markerWidth='8' markerHeight='8' orient='auto'><path d='M0 0L8 4L0 8z'/></marker></defs></svg>";
    for (number, shown) in functions.iter().enumerate() {
        let hidden = if number == 0 { "" } else { " hidden" };
        write!(out, "<section id='function{number}'{hidden}>").expect("a string");
        function(&mut out, shown, target.arch());
        out += "</section>";
    }
    writeln!(out, "<script>{SCRIPT}</script></html>").expect("a string");
    out
}

fn function(out: &mut String, shown: &Shown, arch: Arch) {
    let mut columns = vec![("CLIF".to_string(), source(shown))];
    // A pass that changed nothing has no column.
    let mut before = "";
    for stage in &shown.stages {
        if stage.text != before {
            columns.push((stage.pass.clone(), lines_of(&stage.text)));
            before = &stage.text;
        }
    }
    columns.push(("machine code".into(), code(shown, arch)));
    columns.push(("control flow".into(), drawing::svg(&shown.graph)));
    out.push_str("<nav>");
    let last_stage = columns.len() - 3;
    for (number, (name, _)) in columns.iter().enumerate() {
        // At first, the text, the last passes and what comes of them are shown.
        let checked = if number == 0 || number + 1 > last_stage { " checked" } else { "" };
        write!(out, "<label><input type='checkbox'{checked}>{name}</label>").expect("a string");
    }
    out.push_str("</nav><div class='columns'>");
    for (name, contents) in &columns {
        write!(out, "<article><h2>{name}</h2>{contents}</article>").expect("a string");
    }
    out.push_str("</div>");
}

/// A line, with the number of its instruction if it has one.
fn line(out: &mut String, number: Option<u32>, text: &str) {
    match number {
        Some(number) => write!(out, "<div class='line' data-n='{number}'>{text}</div>"),
        None => write!(out, "<div class='line'>{text}</div>"),
    }
    .expect("a string");
}

fn source(shown: &Shown) -> String {
    let (lines, first) = &shown.source;
    let mut by_line = BTreeMap::new();
    for (number, line) in shown.described.lines.iter().enumerate() {
        by_line.entry(*line).or_insert(number as u32);
    }
    let mut out = String::new();
    for (at, text) in (*first..).zip(lines) {
        line(&mut out, by_line.get(&at).copied(), &format!("<i>{at:>4}</i> {}", escape(text)));
    }
    out
}

/// The lines of a function after a pass: `@0012` is the number of an instruction.
fn lines_of(text: &str) -> String {
    let mut out = String::new();
    for text in text.lines() {
        let found = text.split_whitespace().take(2).find_map(|word| word.strip_prefix('@'));
        let number = found.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        line(&mut out, number, &escape(text));
    }
    out
}

/// The number of the instruction that code at an offset is for.
fn number_at(described: &Described, offset: u64) -> Option<u32> {
    let after = described.starts.partition_point(|(start, _)| u64::from(*start) <= offset);
    let (_, number) = described.starts[after.checked_sub(1)?];
    ((number as usize) < described.lines.len()).then_some(number)
}

/// The machine code, and beside it a column for each register with the values that it holds.
fn code(shown: &Shown, arch: Arch) -> String {
    let mut columns: BTreeMap<u16, Vec<&Held>> = BTreeMap::new();
    for held in &shown.described.held {
        columns.entry(held.register).or_default().push(held);
    }
    let mut out = "<table><tr><th></th>".to_string();
    for register in columns.keys() {
        write!(out, "<th>{}</th>", escape(&registers::name(arch, *register))).expect("a string");
    }
    out += "</tr>";
    for inst in &shown.code {
        let number = number_at(&shown.described, inst.offset);
        let data = number.map_or(String::new(), |number| format!(" data-n='{number}'"));
        let text = escape(&inst.text);
        write!(out, "<tr class='line'{data}><td>{:6x}: {text}</td>", inst.offset).expect("a string");
        for held in columns.values() {
            let is_here = |held: &&&Held| (u64::from(held.start)..u64::from(held.end)).contains(&inst.offset);
            match held.iter().find(is_here) {
                Some(held) => {
                    let hue = held.value * 67 % 360;
                    write!(out, "<td class='held' style='--hue:{hue}'>v{}</td>", held.value)
                }
                None => write!(out, "<td></td>"),
            }
            .expect("a string");
        }
        out += "</tr>";
    }
    out + "</table>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_numbers_of_their_instructions() {
        let text = lines_of("block0(v0: i64):\n@000c v1 = iadd v0, v0\n   7 @001f  addq %v1, %v0");
        let numbers: Vec<&str> =
            text.split("data-n='").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
        assert_eq!((numbers, text.matches("<div").count()), (vec!["12", "31"], 3));
        assert_eq!(escape("a<b>&'\""), "a&lt;b&gt;&amp;&#39;&quot;");
    }
}
