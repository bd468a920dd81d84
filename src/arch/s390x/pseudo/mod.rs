//! Expands pseudo-instructions: one function for each `expand = name` in the rows, except the functions of
//! `emit::branch` that all targets share.

mod atomic_loop;
mod call;
mod float;
mod stack_switch;
mod tls;

use crate::arch::s390x::address::SCRATCH;
use crate::arch::s390x::branch::Branches;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::regs::*;
use crate::arch::s390x::{Direct, rows};
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, Expansion, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::inst::{Label, OperandForm};
use crate::machine::size::{OperandSize, Q64};
use atomic_loop::*;
use call::*;
use float::*;
use stack_switch::*;
use tls::*;

include!(concat!(env!("OUT_DIR"), "/s390x_expansions.rs"));

macro_rules! comparing_branches {
    ($($name:ident $opcode:literal $immediate:literal,)*) => {
        $(
            #[doc = concat!("Emits a compare-and-branch with two targets: `", stringify!($name), "`.")]
            pub fn $name(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
                compare_and_branch($opcode, $immediate, view, cx, buffer);
            }
        )*
    };
}

// The instruction's last byte, and whether it has an immediate.
comparing_branches! {
    branch_crj 0x76 false, branch_cgrj 0x64 false, branch_clrj 0x77 false, branch_clgrj 0x65 false,
    branch_cij 0x7E true, branch_cgij 0x7C true, branch_clij 0x7F true, branch_clgij 0x7D true,
}

/// Emits a compare-and-branch with two targets.
fn compare_and_branch(
    opcode: u8,
    immediate: bool,
    view: &InstView,
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
) {
    let (second, labels) = match immediate {
        true => (view.words[0] as u8, 1),
        false => (view.register(1), 0),
    };
    let condition = Branches::comparing(opcode, view.register(0), second, immediate, view.small);
    branch::branch::<Branches>(condition, (view.label(labels), view.label(labels + 1)), cx, buffer);
}

/// Stores a constant with its bytes reversed, by way of r0, which no address uses.
pub fn store_reversed(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let OperandForm::Mem { bits } = view.row.operands[0].kind else {
        unreachable!("its first operand is memory")
    };
    let (register, imm) = (physical(R0), view.words[2] as i32);
    let sink = &mut Direct::of(cx, buffer);
    match i16::try_from(imm) {
        Ok(imm) => rows::lhi_ri(sink, Q64, register, imm.into()),
        Err(_) => rows::lgfi(sink, register, imm),
    }
    rows::strv_mr(sink, OperandSize::from_bits(bits as u32), register, view.amode(0, 0));
}

/// Emits a jump through a table: bounds check, load of a distance, jump.
pub fn jump_table(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (count, default) = (view.words[0], view.label(1));
    let targets = &view.words[2..2 + count as usize];
    let table = buffer.jump_table(targets.iter().map(|&target| Label(target)));
    let (distance, index, base) = (view.operand(0), view.operand(1), SCRATCH);
    let sink = &mut Direct::of(cx, buffer);
    rows::clfi_ri(sink, Q64, index, count as i32);
    rows::brc_label(sink, Cond::Eh, default);
    rows::la(sink, base, Amode::at(Place::Label(table), 0));
    rows::sll_rri(sink, Q64, distance, index, 2);
    rows::lgf_rm(sink, distance, Amode::indexed(base, distance, 0, 0));
    rows::a_rr(sink, Q64, distance, distance, base);
    rows::br_r(sink, distance);
}

/// Computes the address of a label in a register.
pub fn label_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::la(&mut Direct::of(cx, buffer), view.operand(0), Amode::at(Place::Label(view.label(0)), 0));
}
