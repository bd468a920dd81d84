//! Expands pseudo-instructions: one function for each `expand = name` in the rows, except the functions of
//! `emit::branch` that all targets share.

mod atomic_loop;
mod call;
mod float;
mod stack_switch;
mod tls;

use crate::arch::x86_64::branch::Branches;
use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::{Direct, rows};
use crate::emit::branch;
use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::inst_view::{EmitContext, Expansion, InstView};
use crate::machine::amode::{Amode, Place};
use crate::machine::inst::Label;
use crate::machine::size::{L32, Q64};
use atomic_loop::*;
use call::*;
use float::*;
use stack_switch::*;
use tls::*;

include!(concat!(env!("OUT_DIR"), "/x86_64_expansions.rs"));

/// Emits a jump through a table: bounds check, load of a distance, jump.
pub fn jump_table(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (count, default) = (view.words[0], Label(view.words[1]));
    let targets = &view.words[2..2 + count as usize];
    let table = buffer.jump_table(targets.iter().map(|&target| Label(target)));
    let (base, distance, index) = (view.operand(0), view.operand(1), view.operand(2));
    let sink = &mut Direct::of(cx, buffer);
    rows::cmp_mi(sink, L32, index, count as i32);
    rows::j_label(sink, Cond::Ae, default);
    rows::lea_rm(sink, Q64, base, Amode::at(Place::Label(table), 0));
    rows::movslq_rm(sink, distance, Amode::indexed(base, index, 2, 0));
    rows::add_rm(sink, Q64, distance, distance, base);
    rows::jmp_rm(sink, distance);
}

/// Copies a register if a condition holds.
pub fn int_select(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let ((d, size), (chosen, _)) = (view.sized_operand(0), view.sized_operand(2));
    let done = buffer.label();
    buffer.branch::<Branches>(Branches::complement(view.small), 0, done);
    rows::mov_rm(&mut Direct::of(cx, buffer), size, d, chosen);
    buffer.bind(done);
}

/// Computes the address of a label in a register.
pub fn label_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let at = Amode::at(Place::Label(Label(view.words[0])), 0);
    rows::lea_rm(&mut Direct::of(cx, buffer), Q64, view.operand(0), at);
}
