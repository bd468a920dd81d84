//! The code buffer: bytes, labels, branches of the shortest form, constants, relocations.
//!
//! Problem: a branch's length depends on its distance, which depends on other branches' lengths, and code is
//! written once, front to back. Solution: a relaxable branch is written in its shortest form and put on a
//! list. When the function is complete, every branch that does not reach is lengthened, until all reach
//! (lengths only grow, so this ends, in practice after two or three rounds over the branches, and see
//! `PATIENCE`); then one copy moves the code apart and writes the branches. Labels, relocations and the other
//! positions are mapped in the same order. Whatever refers to a label and has forms of several lengths is
//! such a branch: on some targets an address or a load of a constant, too.
//!
//! Invariants: everything is recorded in increasing order of place, so that mapping is one merge. A label is
//! bound once, and not inside a branch. Constants and jump tables come after the code; their labels are used
//! like any other.

use crate::entity::Span;
use crate::ir::{NO_SRCLOC, TrapCode};
use crate::machine::compiled::{CompiledStencil, TrapSite};
use crate::machine::inst::Label;
use crate::machine::reloc::{Reloc, RelocKind};
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::{Handler, UnwindOp};

const UNBOUND: u32 = u32::MAX;

/// In what a label is bound to: it is in the data behind the code, this far from their start.
const IN_DATA: u32 = 1 << 31;

/// Rounds over the branches after which one is lengthened although it just reaches, more and more generously:
/// a chain in which each lengthened branch puts the next out of reach would take as many rounds as it is
/// long.
const PATIENCE: i64 = 8;

/// Bytes of a jump table's entry.
const TABLE_ENTRY: u32 = 4;

/// What functions are aligned to at least.
const MINIMUM_ALIGNMENT: u32 = 16;

/// How a target writes what depends on where a label is.
pub trait BranchForms {
    /// Whether the most significant byte of a word comes first.
    const BIG_ENDIAN: bool = false;
    /// The kind of an unconditional jump.
    const JUMP: u8;
    /// So many bytes that the first form of every branch reaches any label in a function no longer than that.
    const SHORT: u32;
    /// The kind of a branch that is taken when one of kind `kind`, with the same word, is not.
    fn complement(kind: u8) -> u8;
    /// Length in bytes of form `form` of a branch of kind `kind`. Forms go from short to long.
    fn length(kind: u8, form: u8) -> u32;
    /// Whether form `form` reaches a label `distance` bytes from the branch's first byte. The longest form
    /// always does.
    fn reaches(kind: u8, form: u8, distance: i64) -> bool;
    /// Writes the branch over `out`, whose length is that of the form; `word` is what it was begun with.
    fn write(kind: u8, word: u32, form: u8, distance: i64, out: &mut [u8]);
    /// Completes a field of fixed size, at the start of `field`, that depends on the distance of a label from
    /// there.
    fn fix(kind: u8, distance: i64, field: &mut [u8]);
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    at: u32,
    label: Label,
    /// What the target needs to write it besides its kind: registers, opcode.
    word: u32,
    kind: u8,
    form: u8,
}

/// A constant to be placed: its range in `constant_bytes`.
#[derive(Clone, Copy, Debug)]
struct PendingConstant {
    label: Label,
    start: u32,
    end: u32,
    align: u32,
}

/// Code out of line that traps.
#[derive(Clone, Copy, Debug)]
pub struct TrapStub {
    /// Where it is to be.
    pub label: Label,
    /// What it traps with.
    pub code: TrapCode,
    /// The source location of the branches that go there.
    pub srcloc: u32,
}

/// A relocation of a whole constant.
#[derive(Clone, Copy, Debug)]
struct ConstantReloc {
    label: Label,
    kind: RelocKind,
    symbol: SymbolRef,
    addend: i64,
}

/// A jump table: its label and the range of its destinations in `table_targets`.
#[derive(Clone, Copy, Debug)]
struct JumpTable {
    label: Label,
    entries: Span,
}

/// Code of one function while it is written. Reused across functions.
#[derive(Debug, Default)]
pub struct CodeBuffer {
    code: Vec<u8>,
    labels: Vec<u32>,
    branches: Vec<Branch>,
    /// Place, kind and label.
    fixups: Vec<(u32, u8, Label)>,
    relocs: Vec<Reloc>,
    traps: Vec<TrapSite>,
    srclocs: Vec<(u32, u32)>,
    unwind: Vec<(u32, UnwindOp)>,
    constants: Vec<PendingConstant>,
    constant_bytes: Vec<u8>,
    tables: Vec<JumpTable>,
    table_targets: Vec<Label>,
    trap_stubs: Vec<TrapStub>,
    /// Exception handlers: place behind the call, tag, and where the handler is.
    handlers: Vec<(u32, Option<u32>, Label)>,
    grown: Vec<u32>,
    /// Relocations of whole constants.
    constant_relocs: Vec<ConstantReloc>,
    /// Alignment of the data behind the code.
    data_align: u32,
    /// Length of the data behind the code.
    data_len: u32,
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
        self.tables.clear();
        self.table_targets.clear();
        self.trap_stubs.clear();
        self.handlers.clear();
        self.constant_relocs.clear();
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

    /// Appends the first `len` bytes: a copy of fixed size is faster than one of any.
    #[inline]
    pub fn put_short(&mut self, bytes: &[u8; 16], len: usize) {
        let end = self.code.len() + len;
        self.code.extend_from_slice(bytes);
        self.code.truncate(end);
    }

    /// Appends `count` zeros.
    #[inline]
    pub fn skip(&mut self, count: u32) {
        self.code.resize(self.code.len() + count as usize, 0);
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

    /// A new label bound to the current position.
    pub fn label_here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Makes `count` labels in a row and returns the first.
    pub fn reserve_labels(&mut self, count: u32) -> Label {
        let first = self.labels.len() as u32;
        self.labels.resize((first + count) as usize, UNBOUND);
        Label(first)
    }

    /// Binds a label to the current position.
    #[inline]
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND, "a label is bound once");
        self.labels[label.0 as usize] = self.position();
    }

    /// Appends a relaxable branch to `label`; see [`BranchForms::write`] for `word`.
    #[inline]
    pub fn branch<B: BranchForms>(&mut self, kind: u8, word: u32, label: Label) {
        self.branches.push(Branch { at: self.position(), label, word, kind, form: 0 });
        self.put_short(&[0; 16], B::length(kind, 0) as usize);
    }

    /// Says that the field at `offset` depends on `label`: [`BranchForms::fix`] knows how.
    #[inline]
    pub fn fixup(&mut self, offset: u32, kind: u8, label: Label) {
        self.fixups.push((offset, kind, label));
    }

    /// Says that the next instruction can trap.
    #[inline]
    pub fn trap(&mut self, code: TrapCode) {
        self.trap_at(self.position(), code);
    }

    /// Says that the instruction at `offset`, behind all those that were said to trap, can trap.
    #[inline]
    pub fn trap_at(&mut self, offset: u32, code: TrapCode) {
        self.traps.push(TrapSite { offset, code });
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

    /// Places a constant after the code, at a label that has been reserved.
    pub fn constant(&mut self, label: Label, bytes: &[u8], align: u32) {
        let start = self.constant_bytes.len() as u32;
        self.constant_bytes.extend_from_slice(bytes);
        self.constants.push(PendingConstant { label, start, end: start + bytes.len() as u32, align });
    }

    /// Says that an exception thrown by the call that ends here goes to `handler`; without a tag, any.
    pub fn handler(&mut self, tag: Option<u32>, handler: Label) {
        self.handlers.push((self.position(), tag, handler));
    }

    /// Says that a constant has a relocation.
    pub fn constant_reloc(&mut self, label: Label, kind: RelocKind, symbol: SymbolRef, addend: i64) {
        self.constant_relocs.push(ConstantReloc { label, kind, symbol, addend });
    }

    /// The label of code out of line that traps with `code`; [`CodeBuffer::take_trap_stubs`] says which are
    /// to be written. Branches of one source location and code share one.
    pub fn trap_stub(&mut self, code: TrapCode) -> Label {
        let srcloc = self.srclocs.last().map_or(NO_SRCLOC, |last| last.1);
        let shared = self
            .trap_stubs
            .iter()
            .rev()
            .take_while(|stub| stub.srcloc == srcloc)
            .find(|stub| stub.code == code);
        if let Some(stub) = shared {
            return stub.label;
        }
        let label = self.label();
        self.trap_stubs.push(TrapStub { label, code, srcloc });
        label
    }

    /// The trap stubs that were asked for.
    pub fn take_trap_stubs(&mut self) -> Vec<TrapStub> {
        std::mem::take(&mut self.trap_stubs)
    }
}

/// Finishing: relaxation, data after the code, fixups.
impl CodeBuffer {
    /// A table after the code of 32-bit distances from its own start to `targets`.
    pub fn jump_table(&mut self, targets: impl Iterator<Item = Label>) -> Label {
        let label = self.label();
        let start = self.table_targets.len() as u32;
        self.table_targets.extend(targets);
        let entries = Span::from(start, self.table_targets.len());
        self.tables.push(JumpTable { label, entries });
        label
    }

    /// Lengthens branches until all reach. Afterwards `grown[i]` is what the branches before the
    /// i-th add, and the last entry what all add; or it is empty if none adds anything.
    fn relax<B: BranchForms>(&mut self) {
        self.grown.clear();
        if self.position() + self.data_align + self.data_len <= B::SHORT {
            return;
        }
        let count = self.branches.len();
        self.grown.resize(count + 1, 0);
        for round in 0.. {
            let slack = (1 << i64::min(30, i64::max(0, round - PATIENCE))) - 1;
            let mut changed = false;
            for i in 0..count {
                let branch = self.branches[i];
                let distance = self.place_of(branch.label) - (branch.at + self.grown[i]) as i64;
                let distance = if distance < 0 { distance - slack } else { distance + slack };
                let mut form = branch.form;
                while !B::reaches(branch.kind, form, distance) {
                    form += 1;
                }
                changed |= form != branch.form;
                self.branches[i].form = form;
            }
            if !changed {
                return;
            }
            let mut sum = 0;
            for (i, branch) in self.branches.iter().enumerate() {
                self.grown[i] = sum;
                sum += B::length(branch.kind, branch.form) - B::length(branch.kind, 0);
            }
            self.grown[count] = sum;
        }
    }

    /// Where a label is, given the branch lengths found so far.
    fn place_of(&self, label: Label) -> i64 {
        let at = self.labels[label.0 as usize];
        debug_assert_ne!(at, UNBOUND, "every label that is used is bound");
        match at & IN_DATA {
            0 => self.place(at) as i64,
            _ => (self.data_start() + (at & !IN_DATA)) as i64,
        }
    }

    /// Where the data behind the code begin.
    fn data_start(&self) -> u32 {
        (self.position() + self.growth()).next_multiple_of(self.data_align)
    }

    /// What all branches add.
    fn growth(&self) -> u32 {
        self.grown.last().copied().unwrap_or(0)
    }

    /// Where a position ends up, given the branch lengths found so far.
    fn place(&self, at: u32) -> u32 {
        if self.grown.is_empty() {
            return at;
        }
        at + self.grown[self.branches.partition_point(|branch| branch.at < at)]
    }

    /// Makes the finished function: branches relaxed, constants and tables behind the code, fixups written.
    pub fn finish<B: BranchForms>(&mut self) -> CompiledStencil {
        self.place_data();
        self.relax::<B>();
        let mut code = self.spread::<B>();
        let text_len = code.len() as u32;
        self.write_data::<B>(&mut code);
        for &(offset, kind, label) in &self.fixups {
            let field = self.place(offset);
            B::fix(kind, self.place_of(label) - field as i64, &mut code[field as usize..]);
        }
        let mut map = Mapper::new(&self.branches, &self.grown);
        let mut relocs: Vec<Reloc> =
            self.relocs.iter().map(|r| Reloc { offset: map.next(r.offset), ..*r }).collect();
        relocs.extend(self.constant_relocs.iter().map(|constant| Reloc {
            offset: self.place_of(constant.label) as u32,
            kind: constant.kind,
            symbol: constant.symbol,
            addend: constant.addend,
        }));
        relocs[self.relocs.len()..].sort_unstable_by_key(|reloc| reloc.offset);
        map.restart();
        let traps = self.traps.iter().map(|t| TrapSite { offset: map.next(t.offset), ..*t }).collect();
        map.restart();
        let srclocs = self.srclocs.iter().map(|&(at, loc)| (map.next(at), loc)).collect();
        map.restart();
        let unwind = self.unwind.iter().map(|&(at, op)| (map.next(at), op)).collect();
        map.restart();
        let handlers = self.handlers.iter().map(|&(at, tag, label)| Handler {
            return_offset: map.next(at),
            tag,
            offset: self.place_of(label) as u32,
        });
        let handlers = handlers.collect();
        let align = self.data_align.max(MINIMUM_ALIGNMENT);
        CompiledStencil {
            code,
            text_len,
            align,
            handlers,
            relocs,
            traps,
            srclocs,
            unwind,
            ..Default::default()
        }
    }

    /// Copies the code with room for the branches' final forms, and writes them.
    fn spread<B: BranchForms>(&mut self) -> Vec<u8> {
        let data = (self.data_len + self.data_align) as usize;
        let mut out = Vec::with_capacity(self.code.len() + self.growth() as usize + data);
        if self.grown.is_empty() {
            out.extend_from_slice(&self.code);
            for branch in &self.branches {
                let field = &mut out[branch.at as usize..][..B::length(branch.kind, branch.form) as usize];
                let distance = self.place_of(branch.label) - branch.at as i64;
                B::write(branch.kind, branch.word, branch.form, distance, field);
            }
            return out;
        }
        let mut from = 0;
        for (i, branch) in self.branches.iter().enumerate() {
            out.extend_from_slice(&self.code[from..branch.at as usize]);
            let start = out.len();
            let distance = self.place_of(branch.label) - (branch.at + self.grown[i]) as i64;
            out.resize(start + B::length(branch.kind, branch.form) as usize, 0);
            B::write(branch.kind, branch.word, branch.form, distance, &mut out[start..]);
            from = branch.at as usize + B::length(branch.kind, 0) as usize;
        }
        out.extend_from_slice(&self.code[from..]);
        out
    }

    /// Binds the labels of constants, the most aligned first, and then of jump tables.
    fn place_data(&mut self) {
        self.constants.sort_by_key(|constant| std::cmp::Reverse(constant.align));
        self.data_align = self.constants.first().map_or(1, |constant| constant.align);
        let mut at = 0u32;
        for constant in &self.constants {
            at = at.next_multiple_of(constant.align);
            self.labels[constant.label.0 as usize] = at | IN_DATA;
            at += constant.end - constant.start;
        }
        if !self.tables.is_empty() {
            self.data_align = self.data_align.max(TABLE_ENTRY);
            at = at.next_multiple_of(TABLE_ENTRY);
        }
        for table in &self.tables {
            self.labels[table.label.0 as usize] = at | IN_DATA;
            at += table.entries.len() * TABLE_ENTRY;
        }
        self.data_len = at;
    }

    /// Writes constants and jump tables behind the code.
    fn write_data<B: BranchForms>(&self, code: &mut Vec<u8>) {
        for constant in &self.constants {
            code.resize(self.place_of(constant.label) as usize, 0);
            code.extend_from_slice(&self.constant_bytes[constant.start as usize..constant.end as usize]);
        }
        for table in &self.tables {
            let base = self.place_of(table.label);
            code.resize(base as usize, 0);
            for &target in table.entries.of(&self.table_targets) {
                let distance = (self.place_of(target) - base) as i32;
                let bytes = if B::BIG_ENDIAN { distance.to_be_bytes() } else { distance.to_le_bytes() };
                code.extend_from_slice(&bytes);
            }
        }
    }
}

/// Maps increasing positions to where they end up, one merge over the branches.
struct Mapper<'a> {
    branches: &'a [Branch],
    grown: &'a [u32],
    passed: usize,
}

impl<'a> Mapper<'a> {
    fn new(branches: &'a [Branch], grown: &'a [u32]) -> Self {
        Mapper { branches, grown, passed: 0 }
    }

    fn restart(&mut self) {
        self.passed = 0;
    }

    fn next(&mut self, at: u32) -> u32 {
        if self.grown.is_empty() {
            return at;
        }
        while self.passed < self.branches.len() && self.branches[self.passed].at < at {
            self.passed += 1;
        }
        at + self.grown[self.passed]
    }
}
