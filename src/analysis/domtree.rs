//! The dominator tree as text, and its comparison with the annotations of a test.

use super::Analysis;
use super::cfg::block_of;
use crate::entity::Map;
use crate::ir::{Block, Inst, Stencil};
use std::fmt::Write;

/// The postorder, and the tree in preorder, with a line for each block and its children.
pub(crate) fn text(stencil: &Stencil, analysis: &Analysis) -> String {
    let mut out = String::from("cfg_postorder:");
    let rpo = analysis.order.rpo();
    for block in rpo.iter().rev() {
        write!(out, " {block}").expect("writing to a string");
    }
    out.push_str("\ndomtree_preorder {\n");
    let mut children: Map<Block, Vec<Block>> = Map::new();
    children.resize(stencil.blocks.len(), Vec::new());
    for &block in rpo {
        if let Some(idom) = analysis.dominators.idom(block) {
            children[idom].push(block);
        }
    }
    let mut stack: Vec<Block> = rpo.first().copied().into_iter().collect();
    while let Some(block) = stack.pop() {
        write!(out, "    {block}:").expect("writing to a string");
        for child in &children[block] {
            write!(out, " {child}").expect("writing to a string");
        }
        out.push('\n');
        stack.extend(children[block].iter().rev());
    }
    out.push_str("}\n");
    out
}

/// Checks `dominates:` annotations. Each is an instruction and the names of the blocks that its block
/// immediately dominates. Together they must cover all reachable blocks except the entry.
pub(crate) fn check<'a>(
    stencil: &Stencil,
    analysis: &Analysis,
    annotations: impl IntoIterator<Item = (Inst, &'a str)>,
) -> Result<(), String> {
    let mut said: Map<Block, bool> = Map::new();
    said.resize(stencil.blocks.len(), false);
    for (inst, names) in annotations {
        let dominator = block_of(stencil, inst);
        for name in names.split_whitespace() {
            let block = parse_block(stencil, name).ok_or_else(|| format!("no such block: {name}"))?;
            if std::mem::replace(&mut said[block], true) {
                return Err(format!("{block} has two annotations"));
            }
            expect_idom(analysis, block, Some(dominator))?;
        }
    }
    let unsaid = stencil.layout.iter().skip(1).filter(|&&block| !said[block]);
    unsaid.copied().try_for_each(|block| expect_idom(analysis, block, None))
}

fn parse_block(stencil: &Stencil, name: &str) -> Option<Block> {
    let block = Block(name.strip_prefix("block")?.parse().ok()?);
    stencil.blocks.get(block).filter(|data| data.defined)?;
    Some(block)
}

fn expect_idom(analysis: &Analysis, block: Block, expected: Option<Block>) -> Result<(), String> {
    let idom = analysis.dominators.idom(block);
    if idom == expected {
        return Ok(());
    }
    let show = |idom: Option<Block>| idom.map_or("none (unreachable)".to_string(), |at| at.to_string());
    Err(format!("the immediate dominator of {block} is {}, not {}", show(idom), show(expected)))
}
