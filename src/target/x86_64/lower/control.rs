//! Ends of blocks: branches, jump tables, traps, returns.

use super::super::amode::OperandSize;
use super::super::rows;
use super::call;
use super::compare::{self, Test};
use super::operands::*;
use crate::ir::*;
use crate::mach::buffer::Label;
use crate::mach::condition::ConditionCode;
use crate::mach::inst::InstSink;
use crate::mach::lower::Unsupported;
use crate::rule;
use regalloc2::{Operand, RegClass};

type Result = std::result::Result<(), Unsupported>;

/// Lowers the last instruction of a block.
pub fn lower(cx: &mut Cx, inst: Inst, targets: &[u32]) -> Result {
    let data = cx.f.insts[inst];
    match data.opcode {
        Opcode::Jump => rows::jump(cx, Label(targets[0])),
        Opcode::Brif => branch_on(cx, Value(data.a), true, targets),
        Opcode::BrTable => table(cx, Value(data.a), targets),
        Opcode::Trap => rows::ud2(cx, data.trap_code().0),
        Opcode::Return => call::return_(cx, &data),
        Opcode::TryCall | Opcode::TryCallIndirect => return call::try_call(cx, &data, targets),
        Opcode::ReturnCall => return call::tail_call(cx, &data),
        Opcode::ReturnCallIndirect => return call::tail_call_indirect(cx, &data),
        _ => {
            return Err(cx.unsupported(format!("{} is not supported yet on x86_64", data.opcode.name())));
        }
    }
    Ok(())
}

/// Goes to the first target if a value is not zero, else to the second.
pub fn branch_on(cx: &mut Cx, value: Value, may_fold: bool, targets: &[u32]) {
    let test = compare::condition_on(cx, value, may_fold);
    branch(cx, test, Label(targets[0]), Label(targets[1]));
}

fn branch(cx: &mut Cx, test: Test, then: Label, other: Label) {
    match test {
        Test::One(cond) => {
            rule!(cx, "branch.one");
            rows::br_cc(cx, cond, then, other);
        }
        Test::Either(a, b) => {
            rule!(cx, "branch.either");
            rows::br_either(cx, a, b as i32, then, other);
        }
        Test::Both(a, b) => {
            rule!(cx, "branch.both");
            rows::br_either(cx, a.complement(), b.complement() as i32, other, then);
        }
    }
}

/// br_table: the default comes first in `targets`.
fn table(cx: &mut Cx, index: Value, targets: &[u32]) {
    let extended = if cx.zero_extends(index) {
        cx.put(index)
    } else {
        let source = cx.put(index);
        let extended = cx.tmp(RegClass::Int);
        rows::mov_rm(cx, OperandSize::L32, extended, source);
        extended
    };
    if let [default] = targets {
        rows::jump(cx, Label(*default));
        return;
    }
    let (base, distance) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    cx.push_operand(Operand::reg_def_at_start(base));
    cx.push_operand(Operand::reg_def_at_start(distance));
    cx.push_operand(Operand::reg_use(extended));
    cx.push_word(targets.len() as u32 - 1);
    cx.push_word(targets[0]);
    for &target in &targets[1..] {
        cx.push_word(target);
    }
    cx.finish(rows::BR_TABLE, 0, 0);
}
