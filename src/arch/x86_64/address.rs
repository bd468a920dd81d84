//! The operand in ModRM.rm: a register, or memory addressed by base, index and displacement, in its shortest
//! encoding.

use super::format::{FIELD_MEM, FIELD_RM};
use crate::emit::frame::{Frame, frame_offset};
use crate::emit::inst_view::{InstView, Places};
use crate::machine::amode::{PackedAmode, Place};
use crate::machine::inst::NO_FIELD;

/// The operand of an instruction that ModRM.rm encodes.
#[inline(always)]
pub fn rm_of(view: &InstView, places: Places) -> RegMem {
    let first = view.row.fields[FIELD_RM] as usize;
    let word = view.row.fields[FIELD_MEM] as usize;
    if word == NO_FIELD as usize {
        return RegMem::register(view.register(first));
    }
    if PackedAmode::is_register(view.words[word]) {
        return match view.allocs[first].as_stack() {
            None => RegMem::register(view.register(first)),
            Some(slot) => RegMem::frame(places.frame, Place::Spill(slot.index() as u32)),
        };
    }
    memory(view, places, first, PackedAmode::unpack(view.words[word], view.words[word + 1]))
}

/// The encoding of a memory operand.
fn memory(view: &InstView, places: Places, first: usize, amode: PackedAmode) -> RegMem {
    let place = amode.place.expect("it is a memory operand");
    let index = first + amode.has_base as usize;
    let index = if amode.has_index { view.register(index) } else { NO_REGISTER };
    if place == Place::Registers {
        let base = if amode.has_base { view.register(first) } else { NO_REGISTER };
        return RegMem::memory(base, index, amode.scale, amode.disp);
    }
    match frame_offset(places.frame, place) {
        Some(at) => RegMem::memory(RSP, index, amode.scale, amode.disp.wrapping_add(at as i32)),
        None => RegMem { modrm: 5, modrm_len: 1, disp_len: 4, relative: true, ..RegMem::register(0) },
    }
}

const RSP: u8 = 4;
const NO_REGISTER: u8 = 0xFF;

/// The encoding of a register or memory operand in ModRM.rm.
#[derive(Clone, Copy)]
pub struct RegMem {
    /// ModRM without its reg field, followed by SIB.
    pub modrm: u16,
    /// Length of ModRM and SIB in bytes.
    pub modrm_len: u8,
    /// Bits X and B of the REX or VEX prefix.
    pub high: u8,
    /// The displacement.
    pub disp: u32,
    /// Length of the displacement in bytes.
    pub disp_len: u8,
    /// Whether it is a register whose low byte can only be named with a REX prefix.
    pub unnamed_byte: bool,
    /// Whether the displacement counts from rip, and is not known yet.
    pub relative: bool,
}

/// Whether a register's low byte is spl, bpl, sil or dil, which need a REX prefix to be named.
#[inline]
pub fn is_unnamed_byte(register: u8) -> bool {
    register & !3 == 4
}

impl RegMem {
    /// A register operand.
    #[inline]
    pub fn register(register: u8) -> Self {
        RegMem {
            modrm: 0xC0 | register as u16 & 7,
            modrm_len: 1,
            high: register >> 3,
            disp: 0,
            disp_len: 0,
            unnamed_byte: is_unnamed_byte(register),
            relative: false,
        }
    }

    /// The number of the register, if it is one.
    #[inline]
    pub fn as_register(&self) -> Option<u8> {
        (self.modrm & 0xC0 == 0xC0).then_some(self.modrm as u8 & 7 | (self.high & 1) << 3)
    }

    /// The memory at a place in the frame.
    #[inline]
    pub fn frame(frame: &Frame, place: Place) -> Self {
        let offset = frame_offset(frame, place).expect("the place is in the frame");
        Self::memory(RSP, NO_REGISTER, 0, offset as i32)
    }

    /// The operand with its displacement as EVEX has it, where one of one byte counts units of so many bytes.
    pub fn in_units(self, unit: i32) -> Self {
        const ONE_BYTE: u16 = 0x40;
        const FOUR_BYTES: u16 = 0x80;
        if !matches!(self.modrm & 0xC0, ONE_BYTE | FOUR_BYTES) {
            return self;
        }
        let disp = self.disp as i32;
        let modrm = self.modrm & !0xC0;
        match disp % unit == 0 && (-128..=127).contains(&(disp / unit)) {
            true => RegMem { modrm: modrm | ONE_BYTE, disp: (disp / unit) as u32, disp_len: 1, ..self },
            false => RegMem { modrm: modrm | FOUR_BYTES, disp_len: 4, ..self },
        }
    }

    /// Whether it is register 0: rax or xmm0.
    #[inline]
    pub fn is_accumulator(&self) -> bool {
        self.modrm == 0xC0 && self.high == 0
    }

    /// The memory at a base, an index and a displacement.
    #[inline]
    fn memory(base: u8, index: u8, scale: u8, disp: i32) -> Self {
        let sib = |base: u8| (scale << 6 | (index & 7) << 3 | base & 7) as u16;
        let (modrm, disp_len) = match disp {
            _ if base == NO_REGISTER => (4, 4),
            0 if base & 7 != 5 => (0, 0),
            -128..=127 => (0x40, 1),
            _ => (0x80, 4),
        };
        let common = RegMem { disp: disp as u32, disp_len, ..RegMem::register(0) };
        match (base, index) {
            (NO_REGISTER, NO_REGISTER) => RegMem { modrm: 0x2504, modrm_len: 2, ..common },
            (NO_REGISTER, _) => {
                RegMem { modrm: modrm | sib(5) << 8, modrm_len: 2, high: index >> 3 << 1, ..common }
            }
            (_, NO_REGISTER) if base & 7 == RSP => {
                RegMem { modrm: modrm | 0x2404, modrm_len: 2, high: base >> 3, ..common }
            }
            (_, NO_REGISTER) => RegMem { modrm: modrm | base as u16 & 7, high: base >> 3, ..common },
            _ => {
                let high = index >> 3 << 1 | base >> 3;
                RegMem { modrm: modrm | 4 | sib(base) << 8, modrm_len: 2, high, ..common }
            }
        }
    }
}
