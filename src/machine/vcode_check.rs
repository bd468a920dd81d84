//! Checks of VCode's invariants after lowering, for `--check-passes`.

use super::inst::{Props, Row};
use super::reg::{OperandKind, VBlock};
use super::vcode::{Origin, VCode};

/// Checks the invariants that [`vcode`](super::vcode) states; the error says which is violated, and where.
pub fn check(vcode: &VCode, rows: &[Row]) -> Result<(), String> {
    for block in vcode.block_indices() {
        let at = |message: String| format!("block{}: {message}", block.index());
        check_instructions(vcode, rows, block).map_err(at)?;
        check_edges(vcode, block).map_err(at)?;
    }
    check_definitions(vcode)
}

/// Checks that a block ends with its only branch, return or stop.
fn check_instructions(vcode: &VCode, rows: &[Row], block: VBlock) -> Result<(), String> {
    let insts = vcode.block(block).insts;
    let ends = |at: u32| {
        let row = &rows[vcode.insts[at as usize].row.0 as usize];
        row.props.any(Props::BRANCH.or(Props::RETURN).or(Props::STOP))
    };
    match insts.iter().find(|&at| ends(at)) {
        None => Err("it has no terminator".to_string()),
        Some(at) if at + 1 != insts.end => Err(format!("instruction {at} is a terminator, but not the last")),
        Some(_) => Ok(()),
    }
}

/// Checks that edges pass as many arguments as there are parameters, are known at both ends, and aren't
/// critical.
fn check_edges(vcode: &VCode, block: VBlock) -> Result<(), String> {
    let data = vcode.block(block);
    let edges = data.edges.of(&vcode.edges);
    for (edge, &to) in edges.iter().zip(vcode.successors(block)) {
        let params = vcode.block(to).params.len();
        if edge.to != to || !vcode.predecessors(to).contains(&block) {
            return Err(format!("its edge to block{} is not recorded at both ends", to.index()));
        }
        if edge.args.len() != params {
            return Err(format!(
                "it passes {} arguments to the {params} parameters of block{}",
                edge.args.len(),
                to.index()
            ));
        }
        if edges.len() > 1 && vcode.predecessors(to).len() > 1 {
            return Err(format!("its edge to block{} is critical", to.index()));
        }
    }
    match data.origin {
        Origin::Blocks { .. } if block.index() == 0 && !data.params.is_empty() => {
            Err("the entry has parameters".to_string())
        }
        Origin::Blocks { .. } | Origin::Second(_) | Origin::Edge(_) => Ok(()),
    }
}

/// Checks that every virtual register is defined once.
fn check_definitions(vcode: &VCode) -> Result<(), String> {
    let mut defined = vec![false; vcode.vreg_count()];
    let mut define = |number: usize| match defined.get_mut(number) {
        Some(defined) => match std::mem::replace(defined, true) {
            false => Ok(()),
            true => Err(format!("%{number} is defined twice")),
        },
        None => Err(format!("%{number} is out of range")),
    };
    for param in &vcode.params {
        define(param.vreg())?;
    }
    for inst in &vcode.insts {
        for operand in vcode.inst_operands(inst) {
            if operand.kind() == OperandKind::Def && operand.as_fixed_nonallocatable().is_none() {
                define(operand.vreg().vreg())?;
            }
        }
    }
    Ok(())
}
