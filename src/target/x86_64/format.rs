//! How a row's encoding is stored: what the build script writes and the encoder reads.
//!
//! This file is compiled into both, so that the layout is written down once. A [`Format`] is a shape
//! of instruction that one function of the encoder writes; everything that differs between
//! instructions of one format is in the row's parameters (an [`Opcode`]) and fields.

/// Index into a row's fields of the operand in ModRM.reg (or in the opcode, or VEX.vvvv of a `/digit` form).
pub const FIELD_REG: usize = 0;
/// Index into a row's fields of the register in ModRM.rm, or of a memory operand's first register.
pub const FIELD_RM: usize = 1;
/// Index into a row's fields of the register in VEX.vvvv.
pub const FIELD_VVVV: usize = 2;
/// Index into a row's fields of the immediate, label or symbol: a word.
pub const FIELD_IMM: usize = 3;
/// Index into a row's fields of the memory operand's first word; absent if ModRM.rm is a plain register.
pub const FIELD_MEM: usize = 4;
/// The field is not there.
pub const NO_FIELD: u8 = 255;

macro_rules! formats {
    ($($(#[$attr:meta])* $name:ident,)*) => {
        /// Shapes of instruction.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Format { $($(#[$attr])* $name,)* }
        impl Format {
            /// All of them, by number.
            pub const ALL: &[Format] = &[$(Format::$name,)*];
        }
    };
}

formats! {
    /// Nothing but bytes: those of `params[0]`, lowest first, `params[1]` of them.
    Fixed,
    /// Legacy prefixes, REX, opcode, ModRM and perhaps an immediate.
    ModRm,
    /// The register is in the low bits of the opcode; perhaps an immediate.
    OpReg,
    /// The same with the 64-bit address of a symbol as immediate.
    OpRegSymbol,
    /// ModRM with an immediate in its shortest form: one sign-extended byte (opcode + 3), the accumulator's
    /// form, or full size. The eight operations that the digit selects.
    AluImm,
    /// `test` with an immediate: the accumulator's form (A8) if it is one.
    TestImm,
    /// Three-operand `imul`: one sign-extended byte (opcode + 2) or full size.
    ImulImm,
    /// Shift by an immediate: the form without it (opcode + 10h) if it is 1.
    ShiftImm,
    /// VEX prefix, opcode, ModRM and perhaps an immediate byte.
    Vex,
    /// The same for a copy between registers, whose store form (opcode + 1) has its operands exchanged: the shorter one.
    VexCopy,
    /// Relaxable unconditional branch to a label.
    Jump,
    /// Relaxable conditional branch to a label.
    JumpIf,
    /// Opcode byte and a 32-bit distance to a symbol.
    Symbol,
    /// Expands to other instructions: `params[0]` is the number of the function.
    Expand,
}

/// The constant part of an instruction, unpacked. [`Opcode::pack`] makes a row's `params[0]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Opcode {
    /// The opcode's last byte.
    pub byte: u8,
    /// What precedes it: nothing, 0F, 0F 38, 0F 3A; numbered as in VEX.
    pub map: u8,
    /// Mandatory prefix: none, 66, F3, F2; numbered as in VEX.
    pub prefix: u8,
    /// 64-bit operands (REX.W or VEX.W).
    pub wide: bool,
    /// 16-bit operands (66).
    pub narrow: bool,
    /// F0.
    pub lock: bool,
    /// ModRM.reg names a byte register.
    pub byte_reg: bool,
    /// ModRM.rm, if it is a register, names a byte register.
    pub byte_rm: bool,
    /// The condition code is added to the opcode.
    pub cond: bool,
    /// VEX.L.
    pub long_vector: bool,
    /// Memory is relative to the fs segment.
    pub segment_fs: bool,
    /// ModRM.reg when it is no register.
    pub digit: u8,
    /// Bytes of immediate: 0, 1, 2, 4 or 8.
    pub imm_bytes: u8,
}

/// Bit positions of the flags in a packed [`Opcode`].
impl Opcode {
    /// See [`Opcode::wide`].
    pub const WIDE: u32 = 1 << 12;
    /// See [`Opcode::narrow`].
    pub const NARROW: u32 = 1 << 13;
    /// See [`Opcode::lock`].
    pub const LOCK: u32 = 1 << 14;
    /// See [`Opcode::byte_reg`].
    pub const BYTE_REG: u32 = 1 << 15;
    /// See [`Opcode::byte_rm`].
    pub const BYTE_RM: u32 = 1 << 16;
    /// See [`Opcode::cond`].
    pub const COND: u32 = 1 << 17;
    /// See [`Opcode::long_vector`].
    pub const LONG_VECTOR: u32 = 1 << 18;
    /// See [`Opcode::segment_fs`].
    pub const SEGMENT_FS: u32 = 1 << 27;
    const MAP: u32 = 8;
    const PREFIX: u32 = 10;
    const DIGIT: u32 = 20;
    const IMM: u32 = 23;

    /// All in one word.
    pub fn pack(self) -> u32 {
        let flag = |set: bool, bit: u32| if set { bit } else { 0 };
        self.byte as u32
            | (self.map as u32) << Self::MAP
            | (self.prefix as u32) << Self::PREFIX
            | (self.digit as u32) << Self::DIGIT
            | (self.imm_bytes as u32) << Self::IMM
            | flag(self.wide, Self::WIDE)
            | flag(self.narrow, Self::NARROW)
            | flag(self.lock, Self::LOCK)
            | flag(self.byte_reg, Self::BYTE_REG)
            | flag(self.byte_rm, Self::BYTE_RM)
            | flag(self.cond, Self::COND)
            | flag(self.long_vector, Self::LONG_VECTOR)
            | flag(self.segment_fs, Self::SEGMENT_FS)
    }

    /// [`Opcode::map`] of a packed one.
    pub const fn map_of(word: u32) -> u8 {
        (word >> Self::MAP & 3) as u8
    }

    /// [`Opcode::prefix`] of a packed one.
    pub const fn prefix_of(word: u32) -> u8 {
        (word >> Self::PREFIX & 3) as u8
    }

    /// [`Opcode::digit`] of a packed one.
    pub const fn digit_of(word: u32) -> u8 {
        (word >> Self::DIGIT & 7) as u8
    }

    /// [`Opcode::imm_bytes`] of a packed one.
    pub const fn imm_bytes_of(word: u32) -> u8 {
        (word >> Self::IMM & 15) as u8
    }
}

/// Features that rows can need; bit `i` of a row's features is the `i`-th.
pub const FEATURES: &[&str] = &[
    "sse3",
    "ssse3",
    "sse41",
    "sse42",
    "popcnt",
    "avx",
    "avx2",
    "fma",
    "bmi1",
    "bmi2",
    "lzcnt",
    "cmpxchg16b",
];
