//! The code buffer: bytes, labels, branches of the shortest form, constants, relocations.
//!
//! Problem: a branch's length depends on its distance, which depends on other branches' lengths, and
//! code is written once, front to back. Solution: a relaxable branch is written in its shortest form and
//! put on a list. When the function is complete, every branch that does not reach is lengthened,
//! until all reach (lengths only grow, so this ends, in practice after two or three rounds over the
//! branches); then one copy moves the code apart and writes the branches. Labels, relocations and the
//! other positions are mapped in the same order.
//!
//! Invariants: everything is recorded in increasing order of place, so that mapping is one merge. A
//! label is bound once, and not inside a branch. Constants come after the code; a fixup may refer to them
//! like to any label.

use super::compiled::{CompiledStencil, Reloc, RelocKind, SymbolRef, TrapSite, UnwindOp};
use crate::ir::TrapCode;

/// A place in the code, bound now or later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(pub u32);

const UNBOUND: u32 = u32::MAX;

/// How a target writes relaxable branches: forms from short to long.
pub trait BranchForms {
    /// Length in bytes of form `form` of a branch of kind `kind`.
    fn length(kind: u8, form: u8) -> u32;
    /// Whether form `form` reaches a label `distance` bytes from the branch's first byte. The longest form
    /// always does.
    fn reaches(kind: u8, form: u8, distance: i64) -> bool;
    /// Writes the branch over `out`, whose length is that of the form.
    fn write(kind: u8, form: u8, distance: i64, out: &mut [u8]);
}

/// A field that depends on where a label is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fixup {
    /// 32-bit little-endian: what stands in the field plus the distance from the field's first byte.
    Pc32,
    /// 32-bit little-endian: distance from another label (the base of a jump table).
    From(Label),
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    at: u32,
    label: Label,
    kind: u8,
    form: u8,
}

/// Code of one function while it is written. Reused across functions.
#[derive(Debug, Default)]
pub struct CodeBuffer {
    code: Vec<u8>,
    labels: Vec<u32>,
    branches: Vec<Branch>,
    fixups: Vec<(u32, Fixup, Label)>,
    relocs: Vec<Reloc>,
    traps: Vec<TrapSite>,
    srclocs: Vec<(u32, u32)>,
    unwind: Vec<(u32, UnwindOp)>,
    /// Constants to be placed: label, range in `constant_bytes`, alignment.
    constants: Vec<(Label, u32, u32, u32)>,
    constant_bytes: Vec<u8>,
    text_len: u32,
}

impl CodeBuffer {
    /// Empties the buffer, keeping its memory.
    pub fn clear(&mut self) {
        self.code.clear();
        self.labels.clear();
        self.branches.clear();
        self.fixups.clear();
        self.relocs.clear();
        self.traps.clear();
        self.srclocs.clear();
        self.unwind.clear();
        self.constants.clear();
        self.constant_bytes.clear();
    }

    /// Where the next byte goes, with all branches so far in their shortest form.
    #[inline]
    pub fn position(&self) -> u32 {
        self.code.len() as u32
    }

    /// Appends a byte.
    #[inline]
    pub fn put1(&mut self, byte: u8) {
        self.code.push(byte);
    }

    /// Appends bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    /// Appends four bytes, least significant first.
    #[inline]
    pub fn put4(&mut self, word: u32) {
        self.put(&word.to_le_bytes());
    }

    /// Appends eight bytes, least significant first.
    #[inline]
    pub fn put8(&mut self, word: u64) {
        self.put(&word.to_le_bytes());
    }

    /// The bytes from `position` on, to print or patch what was just written.
    pub fn bytes_from(&mut self, position: u32) -> &mut [u8] {
        &mut self.code[position as usize..]
    }

    /// A new label.
    #[inline]
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Makes `count` labels in a row and returns the first.
    pub fn reserve_labels(&mut self, count: u32) -> Label {
        let first = self.labels.len() as u32;
        self.labels.resize((first + count) as usize, UNBOUND);
        Label(first)
    }

    /// Binds a label to the current place.
    #[inline]
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND, "a label is bound once");
        self.labels[label.0 as usize] = self.position();
    }

    /// Appends a relaxable branch to `label`.
    #[inline]
    pub fn branch<B: BranchForms>(&mut self, kind: u8, label: Label) {
        self.branches.push(Branch { at: self.position(), label, kind, form: 0 });
        let len = self.code.len() + B::length(kind, 0) as usize;
        self.code.resize(len, 0);
    }

    /// Says that the field at `offset` depends on `label`.
    #[inline]
    pub fn fixup(&mut self, offset: u32, fixup: Fixup, label: Label) {
        self.fixups.push((offset, fixup, label));
    }

    /// Says that the next instruction can trap.
    #[inline]
    pub fn trap(&mut self, code: TrapCode) {
        self.traps.push(TrapSite { offset: self.position(), code });
    }

    /// Records a relocation of the field at `offset`.
    #[inline]
    pub fn reloc(&mut self, offset: u32, kind: RelocKind, symbol: SymbolRef, addend: i64) {
        self.relocs.push(Reloc { offset, kind, symbol, addend });
    }

    /// Says that code of a source location begins here.
    #[inline]
    pub fn srcloc(&mut self, loc: u32) {
        if self.srclocs.last().is_none_or(|last| last.1 != loc) {
            self.srclocs.push((self.position(), loc));
        }
    }

    /// Records a change of the frame by the instruction just written.
    #[inline]
    pub fn unwind(&mut self, op: UnwindOp) {
        self.unwind.push((self.position(), op));
    }

    /// A constant to be placed after the code; equal ones share a place.
    pub fn constant(&mut self, bytes: &[u8], align: u32) -> Label {
        for &(label, start, len, old_align) in &self.constants {
            if old_align >= align && self.constant_bytes[start as usize..(start + len) as usize] == *bytes {
                return label;
            }
        }
        let label = self.label();
        self.constants.push((label, self.constant_bytes.len() as u32, bytes.len() as u32, align));
        self.constant_bytes.extend_from_slice(bytes);
        label
    }
}

/// Finishing.
impl CodeBuffer {
    /// Ends the instructions: what is written after it is data. Pending constants are placed here.
    pub fn end_text(&mut self) {
        self.text_len = self.position();
        let constants = std::mem::take(&mut self.constants);
        for &(label, start, len, align) in &constants {
            // Branches before it may still grow, so alignment is met after relaxation: see `place`.
            self.constants.push((label, start, len, align));
        }
    }

    /// Lengthens branches until all reach; returns how many bytes that adds.
    fn relax<B: BranchForms>(&mut self) -> u32 {
        // grown[i] is what the branches before the i-th add.
        let mut grown: Vec<u32> = vec![0; self.branches.len() + 1];
        loop {
            let mut changed = false;
            for i in 0..self.branches.len() {
                let branch = self.branches[i];
                let target = self.labels[branch.label.0 as usize];
                let before = self.branches.partition_point(|b| b.at < target);
                let distance = (target + grown[before]) as i64 - (branch.at + grown[i]) as i64;
                let mut form = branch.form;
                while !B::reaches(branch.kind, form, distance) {
                    form += 1;
                }
                changed |= form != branch.form;
                self.branches[i].form = form;
            }
            if !changed {
                return grown[self.branches.len()];
            }
            let mut sum = 0;
            for (i, branch) in self.branches.iter().enumerate() {
                grown[i] = sum;
                sum += B::length(branch.kind, branch.form) - B::length(branch.kind, 0);
            }
            grown[self.branches.len()] = sum;
        }
    }
}
