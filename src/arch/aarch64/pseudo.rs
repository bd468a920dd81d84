//! What expands pseudo-instructions: one function for each `expand = name` of the rows that is not of every target's.

pub mod calls;
pub mod tls;

pub use super::atomic_loop::{cas_loop, cas_wide, rmw_loop, rmw_wide};

use super::Direct;
use super::address::{self, Memory, SCRATCH, add_constant};
use super::branch::Branches;
use super::operands::{Amode, Cond, IndexExtension, OperandSize};
use super::regs::{X16, X17, XZR, number_at, number_of};
use super::rows;
use crate::emit::branch::{self, BranchTemplate};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, Places, physical};
use crate::machine::inst::Label;
use crate::machine::inst::OperandForm;

const X: OperandSize = OperandSize::Q64;

/// Whether the first operand is zero, or with `opposite` whether it is not.
fn zero(view: &InstView, opposite: bool) -> BranchTemplate {
    let wide = matches!(view.row.operands[0].kind, OperandForm::Reg { bits: 64, .. });
    Branches::on_zero(number_at(view.register(0)), wide, opposite)
}

/// Whether a bit of the first operand is zero, or with `opposite` whether it is not.
fn bit(view: &InstView, opposite: bool) -> BranchTemplate {
    Branches::on_bit(number_at(view.register(0)), view.words[0], opposite)
}

/// A branch to one of two labels on whether a register is zero.
pub fn branch_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(zero(view, false), (view.label(0), view.label(1)), cx, buffer);
}

/// A branch to one of two labels on whether a register is not zero.
pub fn branch_not_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(zero(view, true), (view.label(0), view.label(1)), cx, buffer);
}

/// A branch to one of two labels on whether a bit is zero.
pub fn branch_bit_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(bit(view, false), (view.label(1), view.label(2)), cx, buffer);
}

/// A branch to one of two labels on whether a bit is not zero.
pub fn branch_bit_not_zero(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::branch::<Branches>(bit(view, true), (view.label(1), view.label(2)), cx, buffer);
}

/// A trap if a register is zero.
pub fn trap_if_zero(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    branch::trap_on::<Branches>(zero(view, false), view, buffer);
}

/// A trap if a register is not zero.
pub fn trap_if_not_zero(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    branch::trap_on::<Branches>(zero(view, true), view, buffer);
}

/// Bounds check, load of a distance, jump.
pub fn jump_table(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (count, default) = (view.words[0], view.label(1));
    let targets = &view.words[2..2 + count as usize];
    let table = buffer.jump_table(targets.iter().map(|&target| Label(target)));
    let (base, distance, mut index) = (physical(X16), physical(X17), view.operand(0));
    let sink = &mut Direct::of(cx, buffer);
    if count < 1 << 12 {
        rows::cmp_ri(sink, OperandSize::L32, index, count as i32);
    } else {
        address::load_constant(distance, count as u64, sink);
        rows::cmp_rr(sink, OperandSize::L32, index, distance);
    }
    rows::b_cc(sink, Cond::Hs, default);
    // A table that is far away takes x17 on the way to its address, and leaves the flags alone.
    sink.buffer().branch::<Branches>(Branches::ADDRESS, number_of(base), table);
    if cx.flags.enable_table_access_spectre_mitigation() {
        // Where the branch is mispredicted, the first entry is read.
        rows::csel(sink, OperandSize::L32, distance, physical(XZR), index, Cond::Hs);
        if cx.flags.use_csdb() {
            rows::csdb(sink);
        }
        index = distance;
    }
    let entry = Amode { extension: IndexExtension::Zero32, ..Amode::indexed(base, index, 2, 0) };
    rows::ldrsw(sink, distance, entry);
    rows::add_rr(sink, X, base, base, distance);
    rows::br(sink, base);
}

/// A constant in a register.
pub fn constant(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let value = view.words[0] as u64 | (view.words[1] as u64) << 32;
    address::load_constant(view.operand(0), value, &mut Direct::of(cx, buffer));
}

/// A sum with a constant of 24 bits and a sign.
pub fn add_halves(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, size) = view.sized_operand(0);
    address::add_halves(size, d, view.operand(1), view.words[0] as i32, &mut Direct::of(cx, buffer));
}

/// The address of a memory operand in a register.
pub fn address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let d = view.operand(0);
    let sink = &mut Direct::of(cx, buffer);
    let (base, disp) = Memory::at(view, 0, 1, Places::of(cx)).reduce(d, |_| true, sink);
    if base != d || disp != 0 {
        add_constant(d, base, disp, sink);
    }
}

/// Stores a constant, in x17. An address so far away that it takes x17 too comes first.
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

/// The address of a label in a register.
pub fn label_address(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    buffer.branch::<Branches>(Branches::ADDRESS, number_at(view.register(0)) as u32, view.label(0));
}
