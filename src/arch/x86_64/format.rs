//! How a row's encoding is stored: written by the build script, read by the encoder.
//!
//! The file is compiled into both, so the layout is written down once. A [`Format`] is a shape of instruction
//! that one function of the encoder writes. All differences between instructions of one format are in the
//! row's parameters and fields.

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

/// Index into a row's parameters of the packed [`EncodingFlags`].
pub const FLAGS: usize = 0;
/// Index into a row's parameters of the opcode with its escapes, as [`counted`] makes it.
pub const OPCODE: usize = 1;
/// Index into a row's parameters of the legacy prefixes, mandatory ones included, as [`counted`] makes it.
pub const PREFIXES: usize = 2;

formats! {
    /// Constant bytes, prefixes included: the opcode parameter.
    Fixed,
    /// Legacy prefixes, REX, opcode, ModRM and perhaps an immediate.
    ModRm,
    /// Like [`Format::ModRm`], without an immediate, for an operation that has a load form (opcode + 2) and a
    /// store form, which exchanges the operands. Between registers both would do, and the store form is
    /// written, as assemblers do.
    LoadOrStore,
    /// The register is in the low bits of the opcode; perhaps an immediate.
    OpReg,
    /// Like [`Format::OpReg`] with the 64-bit address of a symbol as immediate.
    OpRegSymbol,
    /// One of the eight operations that the digit selects, with an immediate in its shortest form: one
    /// sign-extended byte (opcode + 3), the accumulator's form, or full size.
    AluImm,
    /// `test` with an immediate. The accumulator has a form of its own (A8).
    TestImm,
    /// Three-operand `imul` with an immediate of one sign-extended byte (opcode + 2) or full size.
    ImulImm,
    /// Shift by an immediate. A shift by 1 has a form without immediate (opcode + 10h).
    ShiftImm,
    /// VEX prefix, opcode, ModRM and perhaps an immediate byte.
    Vex,
    /// Like [`Format::Vex`], with a register in the high bits of the immediate byte.
    VexRegister,
    /// Like [`Format::Vex`], for a copy between registers. Its store form (opcode + 1) exchanges the
    /// operands;
    /// the shorter of the two is written.
    VexCopy,
    /// EVEX prefix, opcode, ModRM and perhaps an immediate byte. A memory operand has 16 bytes.
    Evex,
    /// A relaxable unconditional branch to a label.
    Jump,
    /// A relaxable conditional branch to a label.
    JumpIf,
    /// An opcode byte and a 32-bit distance to a symbol.
    Symbol,
    /// A pseudo-instruction: `params[0]` is the number of the function that expands it.
    Expand,
}

/// The constant properties of an instruction besides its opcode and legacy prefixes. [`EncodingFlags::pack`]
/// makes a row's parameter [`FLAGS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EncodingFlags {
    /// 64-bit operands (REX.W or VEX.W).
    pub wide: bool,
    /// ModRM.reg names a byte register.
    pub byte_reg: bool,
    /// ModRM.rm, if it is a register, names a byte register.
    pub byte_rm: bool,
    /// The condition code is added to the opcode.
    pub cond: bool,
    /// VEX.L.
    pub long_vector: bool,
    /// VEX.mmmmm: 1 to 3 for 0F, 0F 38, 0F 3A.
    pub map: u8,
    /// VEX.pp: 0 to 3 for none, 66, F3, F2.
    pub prefix: u8,
    /// ModRM.reg if it is part of the opcode.
    pub digit: u8,
    /// Size of the immediate in bytes: 0, 1, 2, 4 or 8.
    pub imm_len: u8,
}

impl EncodingFlags {
    /// The bit of [`EncodingFlags::wide`] in a packed word: its position in a REX prefix.
    pub const WIDE: u32 = 1 << 3;
    /// The bit of [`EncodingFlags::byte_reg`] in a packed word.
    pub const BYTE_REG: u32 = 1 << 4;
    /// The bit of [`EncodingFlags::byte_rm`] in a packed word.
    pub const BYTE_RM: u32 = 1 << 5;
    /// The bit of [`EncodingFlags::cond`] in a packed word.
    pub const COND: u32 = 1 << 6;
    /// The bit of [`EncodingFlags::long_vector`] in a packed word.
    pub const LONG_VECTOR: u32 = 1 << 7;
    const MAP: u32 = 8;
    const PREFIX: u32 = 10;
    const DIGIT: u32 = 12;
    const IMM: u32 = 16;

    /// Packs the flags into a word.
    pub fn pack(self) -> u32 {
        let flag = |set: bool, bit: u32| if set { bit } else { 0 };
        flag(self.wide, Self::WIDE)
            | flag(self.byte_reg, Self::BYTE_REG)
            | flag(self.byte_rm, Self::BYTE_RM)
            | flag(self.cond, Self::COND)
            | flag(self.long_vector, Self::LONG_VECTOR)
            | (self.map as u32) << Self::MAP
            | (self.prefix as u32) << Self::PREFIX
            | (self.digit as u32) << Self::DIGIT
            | (self.imm_len as u32) << Self::IMM
    }

    /// [`EncodingFlags::map`] of a packed word.
    #[inline]
    pub const fn map_of(word: u32) -> u32 {
        word >> Self::MAP & 3
    }

    /// [`EncodingFlags::prefix`] of a packed word.
    #[inline]
    pub const fn prefix_of(word: u32) -> u32 {
        word >> Self::PREFIX & 3
    }

    /// [`EncodingFlags::digit`] of a packed word.
    #[inline]
    pub const fn digit_of(word: u32) -> u8 {
        (word >> Self::DIGIT & 7) as u8
    }

    /// [`EncodingFlags::imm_len`] of a packed word.
    #[inline]
    pub const fn imm_len_of(word: u32) -> u8 {
        (word >> Self::IMM & 15) as u8
    }
}

/// Packs at most three bytes, the first one lowest, and their number in the top byte.
pub fn counted(bytes: &[u8]) -> u32 {
    let mut word = (bytes.len() as u32) << 24;
    for (i, byte) in bytes.iter().enumerate() {
        word |= (*byte as u32) << (8 * i);
    }
    word
}

/// Features that rows can require. Bit `i` of a row's features stands for the `i`-th.
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
