//! The code buffer: bytes, labels, branch relaxation, constants, relocations.
//!
//! Problem: a branch's length depends on its distance, which depends on the lengths of other branches, and
//! code is written once, front to back. Solution: a relaxable branch is written in its shortest form and put
//! on a list. When the function is complete, branches that do not reach are lengthened until all reach.
//! Lengths only grow, so this terminates, in practice after two or three rounds over the branches (`PATIENCE`
//! bounds the worst case). Then one copy makes room in the code and writes the branches, and labels,
//! relocations and other positions are mapped in the same order. Anything that refers to a label and has
//! forms of several lengths is a relaxable branch: on some targets also an address or a load of a constant.
//!
//! Invariants: everything is recorded in increasing order of position, so that mapping is one merge. A label
//! is bound once, and not inside a branch. Constants and jump tables come after the code, and their labels
//! are used like any others.

use super::landings::{Landings, PendingHandler};
use crate::entity::Span;
use crate::ir::{NO_SRCLOC, TrapCode};
use crate::machine::call_site::{Call, PatchSite, Reference, StackMapSite};
use crate::machine::compiled::{CompiledStencil, TrapSite};
use crate::machine::inst::Label;
use crate::machine::reloc::{Reloc, RelocKind};
use crate::machine::srclocs::SrcLocs;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::{Handler, LandingPad, Takes, UnwindOp};

const UNBOUND: u32 = u32::MAX;

/// Set in the position of a label in the data after the code; the other bits are the offset from the data's
/// start.
const IN_DATA: u32 = 1 << 31;

/// Number of rounds after which branches that only just reach are lengthened too, with a margin that doubles
/// in each further round. Otherwise, a chain in which each lengthened branch puts the next out of reach would
/// take as many rounds as it has branches.
const PATIENCE: i64 = 8;

/// Size of a jump table entry in bytes.
const TABLE_ENTRY: u32 = 4;

/// How a target encodes what depends on a label's position.
pub trait BranchForms {
    /// Whether the most significant byte of a word comes first.
    const BIG_ENDIAN: bool = false;
    /// The kind of an unconditional jump.
    const JUMP: u8;
    /// In functions up to this many bytes, the shortest form of every branch reaches every label.
    const SHORT: u32;
    /// Returns the kind of branch that is taken when one of kind `kind`, with the same word, is not.
    fn complement(kind: u8) -> u8;
    /// Returns the length in bytes of form `form` of a branch of kind `kind`. Forms are numbered from 0, the
    /// shortest.
    fn length(kind: u8, form: u8) -> u32;
    /// Whether form `form` reaches a label `distance` bytes from the branch's first byte. The longest form
    /// reaches every label.
    fn reaches(kind: u8, form: u8, distance: i64) -> bool;
    /// Writes the branch over `out`, which has the form's length; `word` is that given to
    /// `CodeBuffer::branch`.
    fn write(kind: u8, word: u32, form: u8, distance: i64, out: &mut [u8]);
    /// Completes a field of fixed size at the start of `field`, given the distance in bytes from there to a
    /// label.
    fn fix(kind: u8, distance: i64, field: &mut [u8]);
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    at: u32,
    label: Label,
    /// The target's own data for writing the branch, such as registers or an opcode.
    word: u32,
    kind: u8,
    form: u8,
}

/// A constant to be placed after the code: its range in `constant_bytes` and its alignment in bytes.
#[derive(Clone, Copy, Debug)]
struct PendingConstant {
    label: Label,
    start: u32,
    end: u32,
    align: u32,
}

/// Out-of-line code that traps.
#[derive(Clone, Copy, Debug)]
pub struct TrapStub {
    /// Label of the code.
    pub(crate) label: Label,
    /// Code of the trap.
    pub(crate) code: TrapCode,
    /// Source location of the branches that go there.
    pub(crate) srcloc: u32,
}

/// A relocation that fills a whole constant.
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

/// The code of one function while it is written; reused from function to function.
#[derive(Debug, Default)]
pub struct CodeBuffer {
    code: Vec<u8>,
    labels: Vec<u32>,
    branches: Vec<Branch>,
    /// Fields to complete: position, kind and label.
    fixups: Vec<(u32, u8, Label)>,
    relocs: Vec<Reloc>,
    traps: Vec<TrapSite>,
    srclocs: Vec<(u32, u32)>,
    /// Whether the result is to be without source locations.
    pub(crate) omits_locations: bool,
    unwind: Vec<(u32, UnwindOp)>,
    constants: Vec<PendingConstant>,
    constant_bytes: Vec<u8>,
    tables: Vec<JumpTable>,
    table_targets: Vec<Label>,
    trap_stubs: Vec<TrapStub>,
    /// Calls with stack maps, and the values that these name.
    stack_maps: Vec<StackMapSite>,
    references: Vec<Reference>,
    patch_sites: Vec<PatchSite>,
    /// Tail calls, and those calls that something follows or that are listed.
    pub(super) calls: Vec<Call>,
    /// Exception handlers and landing pads.
    pub(super) landings: Landings,
    /// For each branch, the bytes by which lengthening the branches before it shifts the code, and as the
    /// last entry the total; empty if no branch is lengthened.
    grown: Vec<u32>,
    /// Relocations that fill whole constants.
    constant_relocs: Vec<ConstantReloc>,
    /// Alignment of the data after the code, in bytes.
    data_align: u32,
    /// Length of the data after the code, in bytes.
    data_len: u32,
}

impl CodeBuffer {
    /// Empties the buffer, keeping its memory.
    pub(crate) fn clear(&mut self) {
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
        self.landings.clear();
        self.stack_maps.clear();
        self.references.clear();
        self.patch_sites.clear();
        self.calls.clear();
        self.constant_relocs.clear();
    }

    /// Returns the position of the next byte, with all branches so far in their shortest form.
    #[inline]
    pub(crate) fn position(&self) -> u32 {
        self.code.len() as u32
    }

    /// Appends a byte.
    #[inline]
    pub fn put1(&mut self, byte: u8) {
        self.code.push(byte);
    }

    /// Appends bytes.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    /// Appends the first `len` bytes. Copies all 16, because a copy of fixed size is faster.
    #[inline]
    pub(crate) fn put_short(&mut self, bytes: &[u8; 16], len: usize) {
        let end = self.code.len() + len;
        self.code.extend_from_slice(bytes);
        self.code.truncate(end);
    }

    /// Appends `count` zeros.
    #[inline]
    pub(crate) fn skip(&mut self, count: u32) {
        self.code.resize(self.code.len() + count as usize, 0);
    }

    /// Appends four bytes, least significant first.
    #[inline]
    pub(crate) fn put4(&mut self, word: u32) {
        self.put(&word.to_le_bytes());
    }

    /// Appends eight bytes, least significant first.
    #[inline]
    pub(crate) fn put8(&mut self, word: u64) {
        self.put(&word.to_le_bytes());
    }

    /// Returns the bytes from `position` on, to print or patch what was just written.
    pub(crate) fn bytes_from(&mut self, position: u32) -> &mut [u8] {
        &mut self.code[position as usize..]
    }

    /// Makes a new label.
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

    /// Makes `count` consecutive labels and returns the first.
    pub(crate) fn reserve_labels(&mut self, count: u32) -> Label {
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

    /// Appends a relaxable branch to `label`; `word` is passed on to [`BranchForms::write`].
    #[inline]
    pub(crate) fn branch<B: BranchForms>(&mut self, kind: u8, word: u32, label: Label) {
        self.branches.push(Branch { at: self.position(), label, word, kind, form: 0 });
        self.put_short(&[0; 16], B::length(kind, 0) as usize);
    }

    /// Records that the field at `offset` depends on `label`; [`BranchForms::fix`] completes it.
    #[inline]
    pub(crate) fn fixup(&mut self, offset: u32, kind: u8, label: Label) {
        self.fixups.push((offset, kind, label));
    }

    /// Records that the next instruction can trap.
    #[inline]
    pub(crate) fn trap(&mut self, code: TrapCode) {
        self.trap_at(self.position(), code);
    }

    /// Records that the instruction at `offset` can trap; it must come after all trap sites recorded so far.
    #[inline]
    pub(crate) fn trap_at(&mut self, offset: u32, code: TrapCode) {
        self.traps.push(TrapSite { offset, code });
    }

    /// Records a relocation of the field at `offset`.
    #[inline]
    pub(crate) fn reloc(&mut self, offset: u32, kind: RelocKind, symbol: SymbolRef, addend: i64) {
        self.relocs.push(Reloc { offset, kind, symbol, addend });
    }

    /// Records that code of a source location begins at the current position.
    #[inline]
    pub(crate) fn srcloc(&mut self, loc: u32) {
        if self.srclocs.last().is_none_or(|last| last.1 != loc) {
            self.srclocs.push((self.position(), loc));
        }
    }

    /// Records the frame change made by the instruction just written.
    #[inline]
    pub(crate) fn unwind(&mut self, op: UnwindOp) {
        self.unwind.push((self.position(), op));
    }

    /// Adds a constant to the data after the code, at a reserved label.
    pub(crate) fn constant(&mut self, label: Label, bytes: &[u8], align: u32) {
        let start = self.constant_bytes.len() as u32;
        self.constant_bytes.extend_from_slice(bytes);
        self.constants.push(PendingConstant { label, start, end: start + bytes.len() as u32, align });
    }

    /// Records a handler of the call that ends at the current position: [`PendingHandler`] describes `place`.
    pub(crate) fn handler(&mut self, takes: Takes, place: u32) {
        let return_address = self.position();
        self.landings.handlers.push(PendingHandler { return_address, takes, place });
    }

    /// Records the stack map of the call that ends at the current position.
    pub(super) fn stack_map(&mut self, references: impl Iterator<Item = Reference>) {
        let first = self.references.len();
        self.references.extend(references);
        let count = (self.references.len() - first) as u32;
        self.stack_maps.push(StackMapSite { return_offset: self.position(), count });
    }

    /// Records that the call that ends at the current position, and begins at `start`, can be patched.
    pub(super) fn patch_site(&mut self, start: u32) {
        self.patch_sites.push(PatchSite { offset: start, length: self.position() - start });
    }

    /// Notes a call that has just been emitted.
    pub(crate) fn note_call(&mut self, is_tail: bool) {
        self.calls.push(Call { end: self.position(), is_tail });
    }

    /// The number of handlers so far.
    pub(super) fn handler_count(&self) -> usize {
        self.landings.handlers.len()
    }

    /// Records that the call that ends at the current position, whose handlers are those from number `first`
    /// on, needs a landing pad.
    pub(super) fn landing_pad(&mut self, first: usize, sets_stack: bool) {
        let (return_address, labels) = (self.position(), &mut self.labels);
        self.landings.add_pad(return_address, first, sets_stack, || {
            labels.push(UNBOUND);
            Label(labels.len() as u32 - 1)
        });
    }

    /// Records a relocation that fills a constant.
    pub(crate) fn constant_reloc(&mut self, label: Label, kind: RelocKind, symbol: SymbolRef, addend: i64) {
        self.constant_relocs.push(ConstantReloc { label, kind, symbol, addend });
    }

    /// Returns the label of a new out-of-line trap with `code`. Traps are not shared, so that the address of
    /// one tells its instruction; that they are not, with or without source locations, keeps the code the
    /// same with debug information. The caller emits the stubs in the end: see
    /// [`CodeBuffer::take_trap_stubs`].
    pub(crate) fn trap_stub(&mut self, code: TrapCode) -> Label {
        let srcloc = self.srclocs.last().map_or(NO_SRCLOC, |last| last.1);
        let label = self.label();
        self.trap_stubs.push(TrapStub { label, code, srcloc });
        label
    }

    /// Number of trap stubs so far.
    pub(crate) fn trap_count(&self) -> usize {
        self.trap_stubs.len()
    }

    /// Takes the trap stubs to be emitted.
    pub(crate) fn take_trap_stubs(&mut self) -> Vec<TrapStub> {
        std::mem::take(&mut self.trap_stubs)
    }
}

/// Finishing: relaxation, data after the code, fixups.
impl CodeBuffer {
    /// Adds a jump table to the data after the code: 32-bit distances in bytes from its own start to
    /// `targets`.
    pub(crate) fn jump_table(&mut self, targets: impl Iterator<Item = Label>) -> Label {
        let label = self.label();
        let start = self.table_targets.len() as u32;
        self.table_targets.extend(targets);
        let entries = Span::from(start, self.table_targets.len());
        self.tables.push(JumpTable { label, entries });
        label
    }

    /// Lengthens branches until all reach, and computes `grown`.
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

    /// Returns a label's final position, given the branch lengths found so far.
    fn place_of(&self, label: Label) -> i64 {
        let at = self.labels[label.0 as usize];
        debug_assert_ne!(at, UNBOUND, "every label that is used is bound");
        match at & IN_DATA {
            0 => self.place(at) as i64,
            _ => (self.data_start() + (at & !IN_DATA)) as i64,
        }
    }

    /// Returns the final position of the data after the code.
    fn data_start(&self) -> u32 {
        (self.position() + self.growth()).next_multiple_of(self.data_align)
    }

    /// Returns the number of bytes that lengthening branches adds to the code.
    fn growth(&self) -> u32 {
        self.grown.last().copied().unwrap_or(0)
    }

    /// Maps a position to its final one, given the branch lengths found so far.
    pub(super) fn place(&self, at: u32) -> u32 {
        if self.grown.is_empty() {
            return at;
        }
        at + self.grown[self.branches.partition_point(|branch| branch.at < at)]
    }

    /// The final positions of all up to this one, which is in or behind the code.
    pub(super) fn final_places(&self, end: u32) -> FinalPlaces {
        let mut places = Vec::new();
        if !self.grown.is_empty() {
            places.reserve(end as usize + 1);
            for (branch, grown) in self.branches.iter().zip(&self.grown) {
                places.extend((places.len() as u32..end.min(branch.at) + 1).map(|at| at + grown));
            }
            let grown = self.growth();
            places.extend((places.len() as u32..end + 1).map(|at| at + grown));
        }
        FinalPlaces(places)
    }

    /// Finishes the function: relaxes branches, appends constants and jump tables, completes fixups and maps
    /// positions.
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
        let srclocs = match self.omits_locations {
            true => SrcLocs::default(),
            false => self.srclocs.iter().map(|&(at, loc)| (map.next(at), loc)).collect(),
        };
        map.restart();
        let unwind = self.unwind.iter().map(|&(at, op)| (map.next(at), op)).collect();
        map.restart();
        let handlers = self.landings.handlers.iter().map(|handler| Handler {
            return_offset: map.next(handler.return_address),
            takes: handler.takes,
            offset: match handler.takes {
                Takes::Tag(_) | Takes::All => self.place_of(Label(handler.place)) as u32,
                Takes::Context => handler.place,
            },
        });
        let handlers = handlers.collect();
        map.restart();
        let landing_pads = self.landings.pads.iter().map(|pad| LandingPad {
            return_offset: map.next(pad.return_address),
            offset: self.place_of(pad.label) as u32,
        });
        let landing_pads = landing_pads.collect();
        map.restart();
        let stack_maps = self.stack_maps.iter();
        let stack_maps =
            stack_maps.map(|site| StackMapSite { return_offset: map.next(site.return_offset), ..*site });
        let stack_maps = stack_maps.collect();
        map.restart();
        let patch_sites = self.patch_sites.iter();
        let patch_sites = patch_sites.map(|site| PatchSite { offset: map.next(site.offset), ..*site });
        let patch_sites = patch_sites.collect();
        CompiledStencil {
            code,
            text_len,
            align: self.data_align,
            handlers,
            landing_pads,
            stack_maps,
            references: std::mem::take(&mut self.references),
            patch_sites,
            relocs,
            traps,
            srclocs,
            unwind,
            ..Default::default()
        }
    }

    /// Copies the code, with the branches in their final forms.
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

    /// Binds the labels of constants, those of greatest alignment first, and then of jump tables.
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

    /// Appends constants and jump tables to the code.
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

/// Maps positions to their final ones, in any order. There is nothing in it if they are the same.
pub(super) struct FinalPlaces(Vec<u32>);

impl FinalPlaces {
    /// The final position.
    pub(super) fn of(&self, at: u32) -> u32 {
        self.0.get(at as usize).copied().unwrap_or(at)
    }
}

/// Maps increasing positions to their final ones, in one merge with the branches.
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
