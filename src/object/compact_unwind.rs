//! Compact unwind information of Mach-O: a word for each function whose frame has one of a few usual shapes.
//!
//! The word holds for the body of the function, between prologue and epilogue. Linkers put these words in a
//! table that the system's unwinder searches first. A function without one has its entry in `__eh_frame`
//! only: those with exception handlers, whose entry leads to their table, and those with other frames.

use object::write::SymbolId;
use object::{SectionFlags, macho};

use super::exceptions::Exceptions;
use super::table::Table;
use super::{FunctionDef, Writer};
use crate::machine::compiled::CompiledStencil;
use crate::machine::unwind::UnwindOp;
use crate::options::Arch;

/// Bytes of an entry: address, length, the word, and the addresses of a personality and of a table.
const ENTRY: usize = 32;

impl<'a> Writer<'a> {
    /// Writes the section, which linkers take apart by entry.
    pub(super) fn write_compact_unwind(
        &mut self,
        defs: &[FunctionDef<'a>],
        exceptions: &Exceptions,
        defined: &[SymbolId],
    ) {
        let mut table = Table::default();
        for (number, def) in defs.iter().enumerate() {
            let Some(word) = encode(self.arch, def.code) else { continue };
            if exceptions.table(number).is_some() {
                continue;
            }
            table.relocs.push((table.bytes.len() as u64, number));
            let end = table.bytes.len() + ENTRY;
            table.bytes.extend_from_slice(&[0; 8]);
            table.bytes.extend_from_slice(&(def.code.code.len() as u32).to_le_bytes());
            table.bytes.extend_from_slice(&word.to_le_bytes());
            table.bytes.resize(end, 0);
        }
        if !table.bytes.is_empty() {
            let flags = SectionFlags::MachO { flags: macho::S_ATTR_DEBUG, reserved2: 0 };
            let section = self.add_list_section("__LD,__compact_unwind", flags);
            self.add_atoms_at(section, table, &[], defined);
        }
    }
}

/// A frame after the prologue.
#[derive(Default)]
struct BodyFrame {
    /// The DWARF number of the register that the canonical frame address is computed from.
    base: u16,
    /// Bytes from it up to the canonical frame address.
    offset: i64,
    /// Saved registers, with the distance of each below the canonical frame address, the nearest first.
    saved: Vec<(i64, u16)>,
}

impl BodyFrame {
    /// The frame that a function's changes lead to; `None` if they say more than where registers are saved.
    fn of(arch: Arch, code: &CompiledStencil) -> Option<Self> {
        let (base, offset) = match arch {
            Arch::X86_64 => (7, 8),
            Arch::Aarch64 => (31, 0),
            Arch::S390x => return None,
        };
        let mut frame = BodyFrame { base, offset, saved: Vec::new() };
        for (_, op) in &code.unwind {
            match *op {
                // Prologues set up a frame pointer at most once, and epilogues go back to the stack pointer.
                UnwindOp::DefCfa { register, offset } if frame.base == base && register != base => {
                    (frame.base, frame.offset) = (register, offset.into());
                }
                UnwindOp::CfaOffset(offset) if i64::from(offset) >= frame.offset => {
                    frame.offset = offset.into();
                }
                // The epilogue.
                UnwindOp::DefCfa { .. }
                | UnwindOp::CfaOffset(_)
                | UnwindOp::RestoreRegister(_)
                | UnwindOp::RememberState
                | UnwindOp::RestoreState => break,
                UnwindOp::SaveRegister { register, offset } => {
                    frame.saved.push((-i64::from(offset), register))
                }
                UnwindOp::IsOffset { .. } | UnwindOp::NegateReturnAddressState => return None,
            }
        }
        frame.saved.sort_unstable();
        Some(frame)
    }

    /// The registers that are saved one below the other, from this many bytes below the canonical frame
    /// address on, in words; `None` if others are elsewhere.
    fn saved_from(&self, first: i64) -> Option<Vec<u16>> {
        let wanted = (0..).map(|n| first + 8 * n);
        let rest = self.saved.iter().filter(|(distance, _)| *distance >= first);
        rest.zip(wanted).map(|(&(at, register), wanted)| (at == wanted).then_some(register)).collect()
    }
}

/// The word for a function, if its frame has one.
fn encode(arch: Arch, code: &CompiledStencil) -> Option<u32> {
    let frame = BodyFrame::of(arch, code)?;
    match arch {
        Arch::X86_64 => x86_64(&frame),
        Arch::Aarch64 => aarch64(&frame),
        Arch::S390x => None,
    }
}

fn x86_64(frame: &BodyFrame) -> Option<u32> {
    const FRAME_POINTER: u32 = 0x0100_0000;
    const NO_FRAME_POINTER: u32 = 0x0200_0000;
    const RBP: u16 = 6;
    // rbx, r12 to r15 and rbp are 1 to 6.
    let number = |register: u16| match register {
        3 => Some(1),
        12..=15 => Some(u32::from(register) - 10),
        RBP => Some(6),
        _ => None,
    };
    if frame.base == RBP {
        if frame.offset != 16 || frame.saved.first() != Some(&(16, RBP)) {
            return None;
        }
        let registers: Vec<u32> = frame.saved_from(24)?.into_iter().map(number).collect::<Option<_>>()?;
        if registers.len() > 5 || registers.contains(&6) {
            return None;
        }
        let fields = registers.iter().rev().zip(0..).map(|(register, at)| register << (3 * at));
        return Some(FRAME_POINTER | (registers.len() as u32) << 16 | fields.sum::<u32>());
    }
    let words = u32::try_from(frame.offset / 8).ok().filter(|words| *words < 256)?;
    let mut registers: Vec<u32> = frame.saved_from(16)?.into_iter().map(number).collect::<Option<_>>()?;
    if frame.saved.len() != registers.len() || registers.len() > 6 {
        return None;
    }
    registers.reverse();
    Some(NO_FRAME_POINTER | words << 16 | (registers.len() as u32) << 10 | permutation(&registers))
}

/// The number of an order of registers, which are numbered 1 to 6: each counts among those that are not
/// before it.
fn permutation(registers: &[u32]) -> u32 {
    let mut number = 0;
    for (at, &register) in registers.iter().enumerate() {
        // With all six, the last one is known, and so has no digit.
        if at == 5 {
            break;
        }
        let before = registers[..at].iter().filter(|&&other| other < register).count() as u32;
        number = number * (6 - at as u32) + register - before - 1;
    }
    number
}

fn aarch64(frame: &BodyFrame) -> Option<u32> {
    const FRAME_POINTER: u32 = 0x0400_0000;
    const NO_FRAME_POINTER: u32 = 0x0200_0000;
    const FP: u16 = 29;
    const LR: u16 = 30;
    /// x19, with x20 the first pair.
    const FIRST: u16 = 19;
    /// d8, with d9 the first pair.
    const FIRST_FLOAT: u16 = 72;
    if frame.base != FP {
        let units =
            u32::try_from(frame.offset).ok().filter(|size| size % 16 == 0 && size / 16 < 1 << 12)? / 16;
        return frame.saved.is_empty().then_some(NO_FRAME_POINTER | units << 12);
    }
    if frame.offset != 16 || frame.saved.get(..2) != Some(&[(8, LR), (16, FP)]) {
        return None;
    }
    let registers = frame.saved_from(24)?;
    let mut word = FRAME_POINTER;
    let mut last = 0;
    for pair in registers.chunks(2) {
        let bit = match pair[0] {
            x @ FIRST..FP if (x - FIRST).is_multiple_of(2) => 1 << ((x - FIRST) / 2),
            d @ FIRST_FLOAT..80 if (d - FIRST_FLOAT).is_multiple_of(2) => 0x100 << ((d - FIRST_FLOAT) / 2),
            _ => return None,
        };
        if pair.get(1) != Some(&(pair[0] + 1)) || bit <= last {
            return None;
        }
        last = bit;
        word |= bit;
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(arch: Arch, ops: &[UnwindOp]) -> Option<u32> {
        let unwind = ops.iter().map(|op| (0, *op)).collect();
        encode(arch, &CompiledStencil { unwind, ..CompiledStencil::default() })
    }

    /// Saves registers below the canonical frame address.
    fn saves(registers: &[(u16, i32)]) -> Vec<UnwindOp> {
        registers.iter().map(|&(register, offset)| UnwindOp::SaveRegister { register, offset }).collect()
    }

    #[test]
    fn words_are_those_of_clang() {
        use UnwindOp::{CfaOffset, DefCfa};
        let x86 = |ops: &[UnwindOp]| word(Arch::X86_64, ops);
        // A leaf; pushq %rax; pushq %rbx; pushq %r14, pushq %rbx, pushq %rax.
        assert_eq!(x86(&[]), Some(0x0201_0000));
        assert_eq!(x86(&[CfaOffset(16)]), Some(0x0202_0000));
        let rbx = [&[CfaOffset(16)][..], &saves(&[(3, -16)])].concat();
        assert_eq!(x86(&rbx), Some(0x0202_0400));
        let three = [&[CfaOffset(32)][..], &saves(&[(14, -16), (3, -24)])].concat();
        assert_eq!(x86(&three), Some(0x0204_0802));
        // pushq %rbp; movq %rsp, %rbp; pushq %r14; pushq %rbx.
        let mut framed = vec![CfaOffset(16), saves(&[(6, -16)])[0], DefCfa { register: 6, offset: 16 }];
        assert_eq!(x86(&framed), Some(0x0100_0000));
        framed.extend(saves(&[(14, -24), (3, -32)]));
        assert_eq!(x86(&framed), Some(0x0102_0021));
        // A register that is elsewhere.
        framed.extend(saves(&[(12, -48)]));
        assert_eq!(x86(&framed), None);
    }

    #[test]
    fn pairs_are_in_their_order() {
        use UnwindOp::DefCfa;
        let record = [&saves(&[(30, -8), (29, -16)])[..], &[DefCfa { register: 29, offset: 16 }]].concat();
        let arm = |more: &[(u16, i32)]| word(Arch::Aarch64, &[&record[..], &saves(more)].concat());
        assert_eq!(word(Arch::Aarch64, &[]), Some(0x0200_0000));
        assert_eq!(word(Arch::Aarch64, &[UnwindOp::CfaOffset(32)]), Some(0x0200_2000));
        assert_eq!(arm(&[]), Some(0x0400_0000));
        let pairs = [(19, -24), (20, -32), (72, -40), (73, -48)];
        assert_eq!(arm(&pairs), Some(0x0400_0101));
        assert_eq!(arm(&[(20, -24), (19, -32)]), None);
        assert_eq!(arm(&pairs[..1]), None);
        assert_eq!(word(Arch::Aarch64, &[UnwindOp::NegateReturnAddressState]), None);
    }

    #[test]
    fn six_registers_have_720_orders() {
        // The greatest digits: 5, 4, 3, 2, 1.
        assert_eq!(permutation(&[6, 5, 4, 3, 2, 1]), 719);
        assert_eq!(permutation(&[1, 2, 3, 4, 5, 6]), 0);
        assert_eq!(permutation(&[1, 5]), 3);
    }
}
