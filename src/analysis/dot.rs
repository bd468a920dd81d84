//! The control-flow graph in the language of graphviz: what `clifc cfg` and `test print-cfg` show.

use super::Cfg;
use crate::ir::{Block, Inst, Stencil};
use std::fmt::Write;

/// How the parts of a function are written, which its printer knows.
pub struct Labels<'a> {
    /// The function's name.
    pub name: &'a str,
    /// The header of a block.
    pub header: &'a dyn Fn(Block) -> String,
    /// An instruction.
    pub inst: &'a dyn Fn(Inst) -> String,
}

/// A graph with a node per block, which has its header and last instruction, and an edge per branch
/// target.
pub fn text(stencil: &Stencil, cfg: &Cfg, labels: &Labels) -> String {
    let mut out = String::new();
    write(stencil, cfg, labels, &mut out).expect("writing to a string");
    out
}

fn write(stencil: &Stencil, cfg: &Cfg, labels: &Labels, out: &mut String) -> std::fmt::Result {
    writeln!(out, "digraph \"{}\" {{", labels.name.replace('"', "\\\""))?;
    if let Some(entry) = stencil.layout.first() {
        writeln!(out, "    {{rank=min; {entry}}}")?;
    }
    for &block in &stencil.layout {
        writeln!(out, "    {block} [shape=record, label=\"{{{}", escaped((labels.header)(block).trim()))?;
        if let Some(last) = stencil.terminator(block) {
            writeln!(out, " | <{last}>{}", escaped((labels.inst)(last).trim()))?;
        }
        writeln!(out, "}}\"]")?;
    }
    for &block in &stencil.layout {
        let branches = cfg.preds(block).iter().filter_map(|&from| Some((from, stencil.terminator(from)?)));
        for (from, branch) in branches {
            writeln!(out, "    {from}:{branch} -> {block}")?;
        }
    }
    writeln!(out, "}}")
}

/// Text for the label of a record, in which some characters have a meaning.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '<' | '>' | '{' | '}' | '|' | '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
