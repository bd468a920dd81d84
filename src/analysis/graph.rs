//! Control-flow graphs for Graphviz.

use crate::entity::Map;
use crate::ir::{Block, Format, Function, Stencil};
use std::fmt::Write;

use super::Cfg;

/// The graph of a function: a node for each block, labelled with its header and its last instruction.
pub fn text(function: &Function) -> String {
    let stencil = &function.stencil;
    let mut out = format!("digraph \"{}\" {{\n", label(&function.params.name.to_string()));
    if let Some(entry) = stencil.layout.first() {
        writeln!(out, "    {{rank=min; {entry}}}").expect("writing to a string");
    }
    for &block in &stencil.layout {
        let header = label(&function.display_header(block).to_string());
        writeln!(out, "    {block} [shape=record, label=\"{{{header}").expect("writing to a string");
        if let Some(inst) = stencil.terminator(block) {
            let text = label(&function.display_inst(block, inst).to_string());
            writeln!(out, " | <{inst}>{text}").expect("writing to a string");
        }
        out.push_str("}\"]\n");
    }
    let mut cfg = Cfg::default();
    cfg.compute(stencil);
    let edge = |out: &mut String, from: Block, to: Block| {
        let inst = stencil.terminator(from).expect("a block with successors ends in a branch");
        writeln!(out, "    {from}:{inst} -> {to}").expect("writing to a string");
    };
    for &block in &stencil.layout {
        cfg.succs(block).iter().for_each(|&to| edge(&mut out, block, to));
    }
    out.push_str("}\n");
    out
}

/// A block, to be drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// The header and the instructions.
    pub lines: Vec<String>,
    /// The places in the layout of the blocks that come next, and what each edge is taken for.
    pub edges: Vec<(usize, String)>,
}

/// The blocks of a function, in the order of its layout.
pub fn nodes(function: &Function) -> Vec<Node> {
    let stencil = &function.stencil;
    let mut places: Map<Block, Option<usize>> = Map::new();
    for (place, &block) in stencil.layout.iter().enumerate() {
        places.ensure(block, None);
        places[block] = Some(place);
    }
    let node = |&block: &Block| {
        let insts = stencil.block_insts(block);
        let insts = insts.map(|inst| function.display_inst(block, inst).to_string().trim().to_string());
        let edges = edges(stencil, block).into_iter();
        Node {
            lines: [function.display_header(block).to_string()].into_iter().chain(insts).collect(),
            edges: edges.filter_map(|(to, name)| Some(((*places.get(to)?)?, name))).collect(),
        }
    };
    stencil.layout.iter().map(node).collect()
}

/// The graph of a function with all its instructions, and what each edge is taken for.
pub fn drawing(function: &Function) -> String {
    let stencil = &function.stencil;
    let mut out = format!("digraph \"{}\" {{\n", label(&function.params.name.to_string()));
    out.push_str("    node [shape=box, fontname=monospace]\n    edge [fontname=monospace]\n");
    for &block in &stencil.layout {
        let mut lines = format!("{}\\l", quoted(&function.display_header(block).to_string()));
        for inst in stencil.block_insts(block) {
            let text = function.display_inst(block, inst).to_string();
            lines += &format!("    {}\\l", quoted(text.trim()));
        }
        writeln!(out, "    {block} [label=\"{lines}\"]").expect("writing to a string");
    }
    for &block in &stencil.layout {
        for (to, name) in edges(stencil, block) {
            writeln!(out, "    {block} -> {to} [label=\"{name}\"]").expect("writing to a string");
        }
    }
    out.push_str("}\n");
    out
}

/// The destinations of a block's terminator, and what each is taken for.
fn edges(stencil: &Stencil, block: Block) -> Vec<(Block, String)> {
    let Some(end) = stencil.terminator(block) else { return Vec::new() };
    let data = &stencil.insts[end];
    let mut destinations = Vec::new();
    stencil.visit_block_calls(data, |call| destinations.push(stencil.block_calls[call].block));
    let name = |number: usize| match (data.opcode.format(), number) {
        (Format::Brif, 0) => "not 0".to_string(),
        (Format::Brif, _) => "0".to_string(),
        (Format::BrTable, 0) => "default".to_string(),
        (Format::BrTable, number) => (number - 1).to_string(),
        (Format::TryCall | Format::TryCallIndirect, 0) => "returns".to_string(),
        (Format::TryCall | Format::TryCallIndirect, _) => "throws".to_string(),
        _ => String::new(),
    };
    destinations.into_iter().enumerate().map(|(number, to)| (to, name(number))).collect()
}

/// Escapes text for a quoted label that is no record.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Escapes text for a record's label or for quotes.
fn label(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '{' | '}' | '|' | '<' | '>') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
