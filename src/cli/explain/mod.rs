//! `clifc explain`, which describes opcodes by their rows in the table, and the other words of CLIF.

mod features;
mod reference;
mod words;

use clifc::diag::did_you_mean;
use clifc::ir::opcode::ALL;
use clifc::ir::{CtrlFrom, Effects, Opcode, Rule, Type, TypeSet};
use clifc::parse::{example, older_spelling};

use super::args::Explain;
use super::{CommandError, print};

/// Explains the words that are named, or lists all opcodes.
pub fn run(args: &Explain) -> Result<(), CommandError> {
    if args.reference {
        return print(reference::text());
    }
    let texts: Result<Vec<_>, _> = args.words.iter().map(|word| explain(word)).collect();
    let texts = texts.map_err(CommandError::Usage)?;
    print(if texts.is_empty() { summary() } else { texts.join("\n") })
}

/// Returns what a word means. Some words have several meanings.
fn explain(word: &str) -> Result<String, String> {
    let opcode = ALL.iter().find(|opcode| opcode.name() == word).map(|opcode| explain_opcode(*opcode));
    let other = words::find(word).map(|(noun, text)| format!("{word}: {noun}: {text}\n"));
    let older = older_spelling(word).map(|meaning| format!("{word}: {meaning}\n"));
    let meanings: Vec<String> = opcode.into_iter().chain(other).chain(older).collect();
    match meanings.is_empty() {
        false => Ok(meanings.join("\n")),
        true => {
            let known = ALL.iter().map(|opcode| opcode.name()).chain(words::all());
            Err(format!("no opcode or other word `{word}`{}", did_you_mean(word, known)))
        }
    }
}

/// Returns what an opcode does, on which types, and an example.
fn explain_opcode(opcode: Opcode) -> String {
    let name = opcode.name();
    let mut out = format!("{name}: {}\n", opcode.info().doc);
    for (title, text) in facts(opcode) {
        out.push_str(&format!("  {title:<9} {text}\n"));
    }
    let example = example(opcode).lines().map(|line| match line.is_empty() {
        true => "\n".to_string(),
        false => format!("    {line}\n"),
    });
    out + "\n" + &example.collect::<String>()
}

/// What the row of an opcode says, with titles.
fn facts(opcode: Opcode) -> Vec<(&'static str, String)> {
    let name = opcode.name();
    let info = opcode.info();
    let mut found = Vec::new();
    let mut add = |title: &'static str, text: String| {
        if !text.is_empty() {
            found.push((title, text));
        }
    };
    let list = |rules: &[Rule]| rules.iter().map(|&rule| describe(rule)).collect::<Vec<_>>().join(", ");
    add("operands", list(info.args));
    add("results", list(info.results));
    add(
        "T",
        match info.ctrl {
            CtrlFrom::None => String::new(),
            CtrlFrom::Given => format!("{}; written {name}.T", type_set(info.ctrl_set)),
            CtrlFrom::Arg(n) => format!("{}; the type of operand {}", type_set(info.ctrl_set), n + 1),
        },
    );
    add("effects", effects(info.effects));
    add("features", features::text(opcode));
    found
}

/// Returns a list of all opcodes, one per line with the first sentence of its description.
fn summary() -> String {
    let mut names: Vec<_> = ALL.iter().map(|opcode| opcode.info()).collect();
    names.sort_by_key(|info| info.name);
    names.iter().map(|info| format!("{:<22} {}\n", info.name, info.summary())).collect()
}

fn describe(rule: Rule) -> String {
    match rule {
        Rule::Ctrl => "T".into(),
        Rule::Lane => "lane of T".into(),
        Rule::Truthy => "T's truth type".into(),
        Rule::Half => "T with half the width".into(),
        Rule::Double => "T with twice the width".into(),
        Rule::SplitLanes => "T with twice the lanes, half as wide".into(),
        Rule::MergeLanes => "T with half the lanes, twice as wide".into(),
        Rule::DynamicToFixed => "T's fixed type".into(),
        Rule::Is(ty) => ty.to_string(),
        Rule::In(set) => type_set(set),
        Rule::NarrowerInt => "integer narrower than T".into(),
        Rule::WiderInt => "integer wider than T".into(),
        Rule::NarrowerFloat => "float narrower than T".into(),
        Rule::WiderFloat => "float wider than T".into(),
    }
}

fn type_set(set: TypeSet) -> String {
    let lanes: Vec<String> =
        (1..16).map(Type).filter(|ty| set.lanes >> ty.0 & 1 != 0).map(|ty| ty.to_string()).collect();
    let shapes = [(1, "scalar"), (0x1fe, "vector"), (0xfe00, "dynamic vector")];
    let shapes: Vec<&str> =
        shapes.iter().filter(|(mask, _)| set.counts & mask != 0).map(|(_, name)| *name).collect();
    format!("{} ({})", lanes.join(" "), shapes.join(", "))
}

fn effects(effects: Effects) -> String {
    let names = [
        (Effects::LOAD, "reads memory"),
        (Effects::STORE, "writes memory"),
        (Effects::TRAP, "may trap"),
        (Effects::CALL, "calls"),
        (Effects::TERMINATOR, "ends the block"),
        (Effects::BRANCH, "has successors"),
        (Effects::RETURN, "leaves the function"),
        (Effects::OTHER, "is never moved or removed"),
    ];
    names.iter().filter(|(bit, _)| effects.has(*bit)).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}
