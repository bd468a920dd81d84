//! Expands pseudo-instructions: one function for each `expand = name` in the rows, except the functions of
//! `emit::branch` that all targets share.

mod atomic_loop;
mod call;
mod stack_switch;
mod tls;

use crate::arch::aarch64::address::{Memory, SCRATCH, add_constant};
use crate::arch::aarch64::branch::Branches;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::regs::{X16, X17, XZR, number_at, number_of};
use crate::arch::aarch64::{Direct, address, rows};
use crate::emit::branch;
use crate::emit::branch::RelaxableBranch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, Expansion, InstView, Places, physical};
use crate::machine::amode::{Amode, IndexExtension};
use crate::machine::inst::{Label, OperandForm};
use crate::machine::size::{L32, OperandSize, Q64};
use atomic_loop::*;
use call::*;
use stack_switch::*;
use tls::*;

include!(concat!(env!("OUT_DIR"), "/aarch64_expansions.rs"));

/// A branch that is taken if the first operand is zero or, with `opposite`, if it is not.
fn on_zero(view: &InstView, opposite: bool) -> RelaxableBranch {
    let wide = matches!(view.row.operands[0].kind, OperandForm::Reg { bits: 64, .. });
    Branches::on_zero(number_at(view.register(0)), wide, opposite)
}

/// A branch that is taken if a bit of the first operand is zero or, with `opposite`, if it is not.
fn on_bit(view: &InstView, opposite: bool) -> RelaxableBranch {
    Branches::on_bit(number_at(view.register(0)), view.words[0], opposite)
}

/// Emits a branch to the first label if a register is zero, to the second if it is not.
pub fn branch_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(on_zero(view, false), (view.label(0), view.label(1)), cx, buffer);
}

/// Emits a branch to the first label if a register is not zero, to the second if it is.
pub fn branch_not_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(on_zero(view, true), (view.label(0), view.label(1)), cx, buffer);
}

/// Emits a branch to the first label if a bit is zero, to the second if it is not.
pub fn branch_bit_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(on_bit(view, false), (view.label(1), view.label(2)), cx, buffer);
}

/// Emits a branch to the first label if a bit is not zero, to the second if it is.
pub fn branch_bit_not_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(on_bit(view, true), (view.label(1), view.label(2)), cx, buffer);
}

/// Emits a trap that is taken if a register is zero.
pub fn trap_if_zero(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    branch::trap_on::<Branches>(on_zero(view, false), view, buffer);
}

/// Emits a trap that is taken if a register is not zero.
pub fn trap_if_not_zero(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    branch::trap_on::<Branches>(on_zero(view, true), view, buffer);
}

/// Emits a jump through a table: bounds check, load of a distance, jump.
pub fn jump_table(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (count, default) = (view.words[0], view.label(1));
    let targets = &view.words[2..2 + count as usize];
    let table = buffer.jump_table(targets.iter().map(|&target| Label(target)));
    let (base, distance, mut index) = (physical(X16), physical(X17), view.operand(0));
    let sink = &mut Direct::of(cx, buffer);
    if count < 1 << 12 {
        rows::cmp_ri(sink, L32, index, count as i32);
    } else {
        address::load_constant(distance, count as u64, sink);
        rows::cmp_rr(sink, L32, index, distance);
    }
    rows::b_cc(sink, Cond::Hs, default);
    // If the table is far away, its address takes x17. That leaves the flags alone.
    sink.buffer().branch::<Branches>(Branches::ADDRESS, number_of(base), table);
    if cx.flags.enable_table_access_spectre_mitigation() {
        // If the branch is mispredicted, the first entry is read.
        rows::csel(sink, L32, distance, physical(XZR), index, Cond::Hs);
        if cx.flags.use_csdb() {
            rows::csdb(sink);
        }
        index = distance;
    }
    let entry = Amode { extension: IndexExtension::Zero32, ..Amode::indexed(base, index, 2, 0) };
    rows::ldrsw(sink, distance, entry);
    rows::add_rr(sink, Q64, base, base, distance);
    rows::br(sink, base);
}

/// Materialises a constant in a register.
pub fn constant(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let value = view.words[0] as u64 | (view.words[1] as u64) << 32;
    address::load_constant(view.operand(0), value, &mut Direct::of(cx, buffer));
}

/// Adds a constant of 24 bits and a sign.
pub fn add_halves(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, size) = view.sized_operand(0);
    address::add_halves(size, d, view.operand(1), view.words[0] as i32, &mut Direct::of(cx, buffer));
}

/// Computes the address of a memory operand in a register.
pub fn address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let d = view.operand(0);
    let sink = &mut Direct::of(cx, buffer);
    let (base, disp) = Memory::at(view, 0, 1, Places::of(cx)).reduce(d, |_| true, sink);
    if base != d || disp != 0 {
        add_constant(d, base, disp, sink);
    }
}

/// Stores a constant by way of x17. An address so far away that it takes x17 as well is computed first.
pub fn store_constant(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let size = OperandSize::from_bits(view.words[4]);
    let memory = Memory::at(view, 0, 0, Places::of(cx));
    let sink = &mut Direct::of(cx, buffer);
    let amode = match memory.disp.unsigned_abs() < 1 << 24 {
        true => view.amode(0, 0),
        false => Amode::base(memory.reduce(SCRATCH, |disp| disp == 0, sink).0, 0).with_trap(view.trap),
    };
    address::load_constant(physical(X17), view.words[2] as u64 | (view.words[3] as u64) << 32, sink);
    rows::str(sink, size, physical(X17), amode);
}

/// Emits a breakpoint for debuggers.
pub fn debug_trap(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::brk(&mut Direct::of(cx, buffer), 0, 0);
}

/// Computes the address of a label in a register.
pub fn label_address(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    buffer.branch::<Branches>(Branches::ADDRESS, number_at(view.register(0)) as u32, view.label(0));
}
