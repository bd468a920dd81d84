//! `clifc explain`, which describes rows of the opcode table.

use clifc::diag::did_you_mean;
use clifc::ir::opcode::ALL;
use clifc::ir::{CtrlFrom, Effects, Rule, Type, TypeSet};

use super::args::Explain;
use super::{CommandError, print};

/// Explains the opcodes that are named, or lists all.
pub fn run(args: &Explain) -> Result<(), CommandError> {
    let texts: Result<Vec<_>, _> = args.opcodes.iter().map(|name| explain(name)).collect();
    let texts = texts.map_err(CommandError::Usage)?;
    print(if texts.is_empty() { summary() } else { texts.join("\n") })
}

/// Returns what an opcode does, and on which types.
fn explain(name: &str) -> Result<String, String> {
    let opcode = ALL.iter().find(|opcode| opcode.name() == name).ok_or_else(|| {
        format!("no opcode `{name}`{}", did_you_mean(name, ALL.iter().map(|opcode| opcode.name())))
    })?;
    let info = opcode.info();
    let mut out = format!("{name}: {}\n", info.doc);
    let mut add = |title: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&format!("  {title:<9} {text}\n"));
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
    add("shape", format!("{:?}", info.format));
    add("effects", effects(info.effects));
    Ok(out)
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
