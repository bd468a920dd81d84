//! How a row's encoding is stored: what the build script writes and the encoder reads.
//!
//! This file is compiled into both, so that the layout is written down once. A [`Format`] is a shape
//! of instruction that one function of the encoder writes; everything that differs between
//! instructions of one format is in the row's parameters and fields.

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

/// Index into a row's parameters of the packed [`Flags`].
pub const FLAGS: usize = 0;
/// Index into a row's parameters of the opcode with its escapes, as [`counted`] makes it.
pub const OPCODE: usize = 1;
/// Index into a row's parameters of the legacy prefixes, mandatory ones included, likewise.
pub const PREFIXES: usize = 2;

formats! {
    /// Nothing but bytes, prefixes among them: the opcode parameter.
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

/// What is constant in an instruction besides its opcode and legacy prefixes. [`Flags::pack`] makes a row's
/// parameter [`FLAGS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
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
    /// ModRM.reg when it is no register.
    pub digit: u8,
    /// Bytes of immediate: 0, 1, 2, 4 or 8.
    pub imm_len: u8,
}

impl Flags {
    /// [`Flags::wide`] of packed ones: the place it has in a REX prefix.
    pub const WIDE: u32 = 1 << 3;
    /// [`Flags::byte_reg`] of packed ones.
    pub const BYTE_REG: u32 = 1 << 4;
    /// [`Flags::byte_rm`] of packed ones.
    pub const BYTE_RM: u32 = 1 << 5;
    /// [`Flags::cond`] of packed ones.
    pub const COND: u32 = 1 << 6;
    /// [`Flags::long_vector`] of packed ones.
    pub const LONG_VECTOR: u32 = 1 << 7;
    const MAP: u32 = 8;
    const PREFIX: u32 = 10;
    const DIGIT: u32 = 12;
    const IMM: u32 = 16;

    /// All in one word.
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

    /// [`Flags::map`] of packed ones.
    #[inline]
    pub const fn map_of(word: u32) -> u32 {
        word >> Self::MAP & 3
    }

    /// [`Flags::prefix`] of packed ones.
    #[inline]
    pub const fn prefix_of(word: u32) -> u32 {
        word >> Self::PREFIX & 3
    }

    /// [`Flags::digit`] of packed ones.
    #[inline]
    pub const fn digit_of(word: u32) -> u8 {
        (word >> Self::DIGIT & 7) as u8
    }

    /// [`Flags::imm_len`] of packed ones.
    #[inline]
    pub const fn imm_len_of(word: u32) -> u8 {
        (word >> Self::IMM & 15) as u8
    }
}

/// At most three bytes, lowest first, with their number in the top byte.
pub fn counted(bytes: &[u8]) -> u32 {
    let mut word = (bytes.len() as u32) << 24;
    for (i, byte) in bytes.iter().enumerate() {
        word |= (*byte as u32) << (8 * i);
    }
    word
}
