//! Control-flow graphs for Graphviz.

use crate::ir::{Block, Function};
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
