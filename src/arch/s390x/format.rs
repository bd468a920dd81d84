//! Instruction formats of s390x, as the Principles of Operation draws them: what the build script writes and
//! the encoder reads.
//!
//! This file is compiled into both, so that the layout is written down once. A [`Layout`] says how long an instruction is,
//! where its opcode, its fields and its address are. Bits are counted from the left, as the manual does. The
//! build script puts opcode and constant fields together; a row's parameters are
//!
//! - [`HIGH`] and the upper half of [`LOW`]: the first four and the last two bytes, without what operands fill in;
//! - the lower half of [`LOW`]: [`AddressAt`], where the memory operand, label or symbol is;
//! - [`OTHERS`]: opcodes of the long-displacement and relative forms of the same instruction ([`Others`]).
//!
//! and `fields[i]` is the [`Source`] of the format's `i`-th field.

/// Index into a row's parameters of the instruction's first four bytes.
pub const HIGH: usize = 0;
/// Index into a row's parameters of its last two bytes and the packed [`AddressAt`].
pub const LOW: usize = 1;
/// Index into a row's parameters of the packed [`Others`].
pub const OTHERS: usize = 2;

/// A field of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name in the manual, in lower case.
    pub name: &'static str,
    /// Its first bit.
    pub at: u8,
    /// Its number of bits.
    pub bits: u8,
    /// The bits to the right of it in a word of 64.
    shift: u8,
    /// As many ones as it has bits.
    mask: u32,
}

/// Where a format has its opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opcode {
    /// In the first byte.
    Byte,
    /// In the first two bytes.
    Word,
    /// In the first byte and bits 12 to 15.
    Nibble,
    /// In the first byte and the sixth.
    Ends,
    /// There is none: the format belongs to pseudo-instructions.
    None,
}

/// What a format has besides its fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    /// Nothing.
    None,
    /// Base in bits 16 to 19, displacement of 12 bits behind it, and perhaps an index in bits 12 to 15.
    Memory {
        /// Whether there is an index.
        index: bool,
        /// Whether the displacement has 20 bits: the upper eight are bits 32 to 39.
        long: bool,
    },
    /// A distance of 16 bits from bit 16 on, in halfwords.
    Near,
    /// A distance of 32 bits from bit 16 on, in halfwords.
    Far,
}

/// The layout of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The format's name in the manual, with `_` for its hyphen.
    pub name: &'static str,
    /// Bytes.
    pub length: u8,
    /// Where the opcode is.
    pub opcode: Opcode,
    /// Where the address is.
    pub address: Address,
    /// Fields, in the order of the assembler's operands. Those past the fifth are constant in all rows.
    pub fields: &'static [Field],
}

macro_rules! formats {
    ($($variant:ident $name:literal $length:literal $opcode:ident $address:expr, [$($field:ident $at:literal $bits:literal),*];)*) => {
        /// Formats; what they look like is in [`Format::LAYOUTS`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Format { $(#[doc = $name] $variant,)* }

        impl Format {
            /// Layouts by number of the format.
            pub const LAYOUTS: &[Layout] = &[$(Layout {
                name: $name,
                length: $length,
                opcode: Opcode::$opcode,
                address: $address,
                fields: &[$(Field::new(stringify!($field), $at, $bits)),*],
            },)*];
            /// Names of the variants by number.
            pub const VARIANTS: &[&str] = &[$(stringify!($variant),)*];
        }
    };
}

const NONE: Address = Address::None;
const NEAR: Address = Address::Near;
const FAR: Address = Address::Far;
const DXB: Address = Address::Memory { index: true, long: false };
const DXB_LONG: Address = Address::Memory { index: true, long: true };
const DB: Address = Address::Memory { index: false, long: false };
const DB_LONG: Address = Address::Memory { index: false, long: true };

/// The index of an address.
pub const INDEX: Field = Field::new("x", 12, 4);
/// The base of an address.
pub const BASE: Field = Field::new("b", 16, 4);
/// The low twelve bits of a displacement.
pub const DISPLACEMENT: Field = Field::new("d", 20, 12);
/// The upper eight bits of one that has 20.
pub const DISPLACEMENT_HIGH: Field = Field::new("dh", 32, 8);
/// A near distance.
pub const DISTANCE: Field = Field::new("ri", 16, 16);

// An immediate `d2` is a shift count or an element's number, so that eight bits of it are enough.
formats! {
    Expand "expand" 0 None NONE, [];
    E "E" 2 Word NONE, [];
    Rr "RR" 2 Byte NONE, [r1 8 4, r2 12 4];
    Rrd "RRD" 4 Word NONE, [r1 16 4, r3 24 4, r2 28 4];
    Rre "RRE" 4 Word NONE, [r1 24 4, r2 28 4];
    RrfA "RRF_a" 4 Word NONE, [r1 24 4, r2 28 4, r3 16 4, m4 20 4];
    RrfB "RRF_b" 4 Word NONE, [r1 24 4, r3 16 4, r2 28 4, m4 20 4];
    RrfC "RRF_c" 4 Word NONE, [r1 24 4, r2 28 4, m3 16 4];
    RrfE "RRF_e" 4 Word NONE, [r1 24 4, m3 16 4, r2 28 4, m4 20 4];
    RiA "RI_a" 4 Nibble NONE, [r1 8 4, i2 16 16];
    RiC "RI_c" 4 Nibble NEAR, [m1 8 4];
    RilA "RIL_a" 6 Nibble NONE, [r1 8 4, i2 16 32];
    RilB "RIL_b" 6 Nibble FAR, [r1 8 4];
    RilC "RIL_c" 6 Nibble FAR, [m1 8 4];
    RieB "RIE_b" 6 Ends NEAR, [r1 8 4, r2 12 4, m3 32 4];
    RieC "RIE_c" 6 Ends NEAR, [r1 8 4, i2 32 8, m3 12 4];
    RieD "RIE_d" 6 Ends NONE, [r1 8 4, r3 12 4, i2 16 16];
    RieF "RIE_f" 6 Ends NONE, [r1 8 4, r2 12 4, i3 16 8, i4 24 8, i5 32 8];
    RieG "RIE_g" 6 Ends NONE, [r1 8 4, i2 16 16, m3 12 4];
    Rx "RX_a" 4 Byte DXB, [r1 8 4];
    Rxe "RXE" 6 Ends DXB, [r1 8 4, m3 32 4];
    Rxf "RXF" 6 Ends DXB, [r1 32 4, r3 8 4];
    Rxy "RXY_a" 6 Ends DXB_LONG, [r1 8 4];
    Rs "RS_a" 4 Byte DB, [r1 8 4, r3 12 4, d2 24 8, b2 16 4];
    Rsy "RSY_a" 6 Ends DB_LONG, [r1 8 4, r3 12 4, d2 24 8, b2 16 4];
    RsyB "RSY_b" 6 Ends DB_LONG, [r1 8 4, m3 12 4];
    Si "SI" 4 Byte DB, [i2 8 8];
    Siy "SIY" 6 Ends DB_LONG, [i2 8 8];
    Sil "SIL" 6 Word DB, [i2 32 16];
    VriA "VRI_a" 6 Ends NONE, [v1 8 4, i2 16 16, m3 32 4];
    VriB "VRI_b" 6 Ends NONE, [v1 8 4, i2 16 8, i3 24 8, m4 32 4];
    VriE "VRI_e" 6 Ends NONE, [v1 8 4, v2 12 4, i3 16 12, m4 32 4, m5 28 4];
    VrrA "VRR_a" 6 Ends NONE, [v1 8 4, v2 12 4, m3 32 4, m4 28 4, m5 24 4];
    VrrC "VRR_c" 6 Ends NONE, [v1 8 4, v2 12 4, v3 16 4, m4 32 4, m5 28 4, m6 24 4];
    VrrE "VRR_e" 6 Ends NONE, [v1 8 4, v2 12 4, v3 16 4, v4 32 4, m5 28 4, m6 20 4];
    VrrF "VRR_f" 6 Ends NONE, [v1 8 4, r2 12 4, r3 16 4];
    VrsB "VRS_b" 6 Ends NONE, [v1 8 4, r3 12 4, d2 24 8, b2 16 4, m4 32 4];
    VrsC "VRS_c" 6 Ends NONE, [r1 8 4, v3 12 4, d2 24 8, b2 16 4, m4 32 4];
    Vrx "VRX" 6 Ends DXB, [v1 8 4, m3 32 4];
}

impl Layout {
    /// Puts an opcode in place: the instruction in the upper six bytes.
    pub const fn place_opcode(&self, opcode: u64) -> u64 {
        match self.opcode {
            Opcode::Byte => opcode << 56,
            Opcode::Word => opcode << 48,
            Opcode::Nibble => opcode >> 4 << 56 | (opcode & 15) << 48,
            Opcode::Ends => opcode >> 8 << 56 | (opcode & 0xFF) << 16,
            Opcode::None => 0,
        }
    }

    /// Hexadecimal digits of its opcodes.
    pub fn opcode_digits(&self) -> usize {
        match self.opcode {
            Opcode::Byte => 2,
            Opcode::Word | Opcode::Ends => 4,
            Opcode::Nibble => 3,
            Opcode::None => 0,
        }
    }
}

impl Field {
    const fn new(name: &'static str, at: u8, bits: u8) -> Self {
        Field { name, at, bits, shift: 64 - at - bits, mask: u32::MAX >> (32 - bits) }
    }

    /// Puts a value in place, in an instruction in the upper six bytes.
    #[inline]
    pub const fn place(&self, value: u32) -> u64 {
        ((value & self.mask) as u64) << self.shift
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The opcode has it.
    Constant,
    /// A register operand, by its number.
    Register(u8),
    /// A data word, by its number.
    Word(u8),
    /// The instruction's condition.
    Cond,
}

impl Source {
    /// In one byte.
    pub fn pack(self) -> u8 {
        match self {
            Source::Register(number) => number,
            Source::Word(number) => 0x40 | number,
            Source::Cond => 0x80,
            Source::Constant => 0xFF,
        }
    }

    /// From a byte made by [`Source::pack`].
    #[inline]
    pub fn unpack(byte: u8) -> Self {
        match byte >> 6 {
            0 => Source::Register(byte),
            1 => Source::Word(byte & 0x3F),
            2 => Source::Cond,
            _ => Source::Constant,
        }
    }
}

/// Where a row's memory operand, label or symbol is among its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressAt {
    /// Number of the first register operand.
    pub register: u8,
    /// Number of the first word.
    pub word: u8,
}

impl AddressAt {
    /// Of a row that has none.
    pub const NOWHERE: AddressAt = AddressAt { register: 15, word: 15 };
    /// Of a branch into its own middle.
    pub const MIDDLE: AddressAt = AddressAt { register: 15, word: 14 };

    /// In 16 bits.
    pub fn pack(self) -> u32 {
        self.register as u32 | (self.word as u32) << 4
    }

    /// From the low bits of a word.
    #[inline]
    pub fn unpack(word: u32) -> Self {
        AddressAt { register: (word & 15) as u8, word: (word >> 4 & 15) as u8 }
    }
}

/// Other forms of an instruction with a memory operand; 0 if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Others {
    /// Opcode of the form with a displacement of 20 bits: of format RXY, RSY or SIY, as the row's is RX, RS or SI.
    pub long: u16,
    /// Opcode of the form relative to the instruction: of format RIL-b.
    pub relative: u16,
}

impl Others {
    /// In one word.
    pub fn pack(self) -> u32 {
        self.long as u32 | (self.relative as u32) << 16
    }

    /// From a word made by [`Others::pack`].
    #[inline]
    pub fn unpack(word: u32) -> Self {
        Others { long: word as u16, relative: (word >> 16) as u16 }
    }
}
