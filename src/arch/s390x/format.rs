//! Instruction formats as the Principles of Operation draws them: used by the build script and the encoder.
//!
//! The file is compiled into both, so the layout is written down once. A [`FormatLayout`] gives an
//! instruction's length and where its opcode, its fields and its address are. Bits are counted from the left,
//! as in the manual. The build script puts opcode and constant fields together. A row's parameters are
//!
//! - [`HIGH`] and the upper half of [`LOW`]: the first four and the last two bytes, without the operands'
//!   bits;
//! - the lower half of [`LOW`]: the [`AddressOperand`], which says where the memory operand, label or symbol
//!   is;
//! - [`OTHERS`]: opcodes of the long-displacement and relative forms of the instruction ([`OtherForms`]).
//!
//! `fields[i]` is the [`FieldSource`] of the format's `i`-th field.

/// Index into a row's parameters of the instruction's first four bytes.
pub const HIGH: usize = 0;
/// Index into a row's parameters of the instruction's last two bytes and the packed [`AddressOperand`].
pub const LOW: usize = 1;
/// Index into a row's parameters of the packed [`OtherForms`].
pub const OTHERS: usize = 2;

/// A field of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// The field's name in the manual, in lower case.
    pub name: &'static str,
    /// The field's first bit.
    pub at: u8,
    /// The field's width in bits.
    pub bits: u8,
    /// Number of bits to the right of the field in a 64-bit word.
    shift: u8,
    /// A mask as wide as the field.
    mask: u32,
}

/// Which bits of an instruction are its opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpcodeBits {
    /// The first byte.
    Byte,
    /// The first two bytes.
    Word,
    /// The first byte and bits 12 to 15.
    Nibble,
    /// The first and the sixth byte.
    Ends,
    /// No bits: the format belongs to pseudo-instructions.
    None,
}

/// The address or distance that a format has besides its fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressField {
    /// Neither.
    None,
    /// A base in bits 16 to 19, followed by a displacement; perhaps an index in bits 12 to 15.
    Memory {
        /// Whether there is an index.
        index: bool,
        /// Whether the displacement has 20 bits instead of 12. The upper eight are bits 32 to 39.
        long: bool,
    },
    /// A distance in halfwords: 16 bits from bit 16 on.
    Near,
    /// A distance in halfwords: 32 bits from bit 16 on.
    Far,
}

/// The layout of an instruction format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormatLayout {
    /// The format's name in the manual, with `_` for its hyphen.
    pub name: &'static str,
    /// The instruction's length in bytes.
    pub length: u8,
    /// Which bits are the opcode.
    pub opcode: OpcodeBits,
    /// The kind of address or distance.
    pub address: AddressField,
    /// The fields, in the order of the assembler's operands. Those past the fifth are constant in all rows.
    pub fields: &'static [Field],
}

macro_rules! formats {
    ($(
        $variant:ident $name:literal $length:literal $opcode:ident $address:expr,
        [$($field:ident $at:literal $bits:literal),*];
    )*) => {
        /// Instruction formats. [`Format::LAYOUTS`] has their layouts.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Format { $(#[doc = $name] $variant,)* }

        impl Format {
            /// Layouts by the format's number.
            pub const LAYOUTS: &[FormatLayout] = &[$(FormatLayout {
                name: $name,
                length: $length,
                opcode: OpcodeBits::$opcode,
                address: $address,
                fields: &[$(Field::new(stringify!($field), $at, $bits)),*],
            },)*];
            /// Names of the variants by the format's number.
            pub const VARIANTS: &[&str] = &[$(stringify!($variant),)*];
        }
    };
}

const NONE: AddressField = AddressField::None;
const NEAR: AddressField = AddressField::Near;
const FAR: AddressField = AddressField::Far;
const DXB: AddressField = AddressField::Memory { index: true, long: false };
const DXB_LONG: AddressField = AddressField::Memory { index: true, long: true };
const DB: AddressField = AddressField::Memory { index: false, long: false };
const DB_LONG: AddressField = AddressField::Memory { index: false, long: true };

/// The field of an address's index register.
pub const INDEX: Field = Field::new("x", 12, 4);
/// The field of an address's base register.
pub const BASE: Field = Field::new("b", 16, 4);
/// The field of a displacement's low twelve bits.
pub const DISPLACEMENT: Field = Field::new("d", 20, 12);
/// The field of the upper eight bits of a 20-bit displacement.
pub const DISPLACEMENT_HIGH: Field = Field::new("dh", 32, 8);
/// The field of a near distance.
pub const DISTANCE: Field = Field::new("ri", 16, 16);

// An immediate `d2` is a shift count or an element index, so eight bits suffice.
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
    VriC "VRI_c" 6 Ends NONE, [v1 8 4, v3 12 4, i2 16 16, m4 32 4];
    VriB "VRI_b" 6 Ends NONE, [v1 8 4, i2 16 8, i3 24 8, m4 32 4];
    VriD "VRI_d" 6 Ends NONE, [v1 8 4, v2 12 4, v3 16 4, i4 24 8, m5 32 4];
    VriE "VRI_e" 6 Ends NONE, [v1 8 4, v2 12 4, i3 16 12, m4 32 4, m5 28 4];
    VrrA "VRR_a" 6 Ends NONE, [v1 8 4, v2 12 4, m3 32 4, m4 28 4, m5 24 4];
    VrrC "VRR_c" 6 Ends NONE, [v1 8 4, v2 12 4, v3 16 4, m4 32 4, m5 28 4, m6 24 4];
    VrrD "VRR_d" 6 Ends NONE, [v1 8 4, v2 12 4, v3 16 4, v4 32 4, m5 20 4, m6 24 4];
    VrrE "VRR_e" 6 Ends NONE, [v1 8 4, v2 12 4, v3 16 4, v4 32 4, m5 28 4, m6 20 4];
    VrrF "VRR_f" 6 Ends NONE, [v1 8 4, r2 12 4, r3 16 4];
    VrsA "VRS_a" 6 Ends NONE, [v1 8 4, v3 12 4, d2 24 8, b2 16 4, m4 32 4];
    VrsB "VRS_b" 6 Ends NONE, [v1 8 4, r3 12 4, d2 24 8, b2 16 4, m4 32 4];
    VrsC "VRS_c" 6 Ends NONE, [r1 8 4, v3 12 4, d2 24 8, b2 16 4, m4 32 4];
    Vrx "VRX" 6 Ends DXB, [v1 8 4, m3 32 4];
}

impl FormatLayout {
    /// The opcode's bits in the instruction, which occupies the upper six bytes.
    pub const fn place_opcode(&self, opcode: u64) -> u64 {
        match self.opcode {
            OpcodeBits::Byte => opcode << 56,
            OpcodeBits::Word => opcode << 48,
            OpcodeBits::Nibble => opcode >> 4 << 56 | (opcode & 15) << 48,
            OpcodeBits::Ends => opcode >> 8 << 56 | (opcode & 0xFF) << 16,
            OpcodeBits::None => 0,
        }
    }

    /// Number of hexadecimal digits in the format's opcodes.
    pub fn opcode_digits(&self) -> usize {
        match self.opcode {
            OpcodeBits::Byte => 2,
            OpcodeBits::Word | OpcodeBits::Ends => 4,
            OpcodeBits::Nibble => 3,
            OpcodeBits::None => 0,
        }
    }
}

impl Field {
    const fn new(name: &'static str, at: u8, bits: u8) -> Self {
        Field { name, at, bits, shift: 64 - at - bits, mask: u32::MAX >> (32 - bits) }
    }

    /// The field's bits for a value, in an instruction that occupies the upper six bytes.
    #[inline]
    pub const fn place(&self, value: u32) -> u64 {
        ((value & self.mask) as u64) << self.shift
    }

    /// The field's bits for a register's number. A vector register's fifth bit is in bits 36 to 39, which
    /// belong to the fields at 8, 12, 16 and 32 in this order.
    #[inline]
    pub const fn place_register(&self, number: u8) -> u64 {
        let fifth = match self.at {
            _ if number < 16 => 0,
            8 => 8,
            12 => 4,
            16 => 2,
            _ => 1,
        };
        self.place(number as u32 & 15) | fifth << 24
    }
}

/// The operand that fills a field of the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldSource {
    /// None: the field is constant and part of the row's opcode.
    Constant,
    /// A register operand, by its number among the registers.
    Register(u8),
    /// A data word, by its index.
    Word(u8),
    /// The instruction's condition.
    Cond,
}

impl FieldSource {
    /// Packs the source into a byte.
    pub fn pack(self) -> u8 {
        match self {
            FieldSource::Register(number) => number,
            FieldSource::Word(number) => 0x40 | number,
            FieldSource::Cond => 0x80,
            FieldSource::Constant => 0xFF,
        }
    }

    /// Unpacks a byte made by [`FieldSource::pack`].
    #[inline]
    pub fn unpack(byte: u8) -> Self {
        match byte >> 6 {
            0 => FieldSource::Register(byte),
            1 => FieldSource::Word(byte & 0x3F),
            2 => FieldSource::Cond,
            _ => FieldSource::Constant,
        }
    }
}

/// Where a row's memory operand, label or symbol is among its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressOperand {
    /// Number of the first register operand.
    pub register: u8,
    /// Number of the first word.
    pub word: u8,
}

impl AddressOperand {
    /// For rows without memory operand, label and symbol.
    pub const NOWHERE: AddressOperand = AddressOperand { register: 15, word: 15 };
    /// For the branch into its own middle, which traps.
    pub const MIDDLE: AddressOperand = AddressOperand { register: 15, word: 14 };

    /// Packs both numbers into 8 bits.
    pub fn pack(self) -> u32 {
        self.register as u32 | (self.word as u32) << 4
    }

    /// Unpacks the low bits of a word.
    #[inline]
    pub fn unpack(word: u32) -> Self {
        AddressOperand { register: (word & 15) as u8, word: (word >> 4 & 15) as u8 }
    }
}

/// Opcodes of other forms of an instruction with a memory operand; 0 if there is no such form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OtherForms {
    /// Opcode of the form with a displacement of 20 bits. Its format is RXY, RSY or SIY if the row's is RX,
    /// RS
    /// or SI.
    pub long: u16,
    /// Opcode of the form relative to the instruction, whose format is RIL-b.
    pub relative: u16,
}

impl OtherForms {
    /// Packs both opcodes into a word.
    pub fn pack(self) -> u32 {
        self.long as u32 | (self.relative as u32) << 16
    }

    /// Unpacks a word made by [`OtherForms::pack`].
    #[inline]
    pub fn unpack(word: u32) -> Self {
        OtherForms { long: word as u16, relative: (word >> 16) as u16 }
    }
}

/// Features that rows can require. Bit `i` of a row's features stands for the `i`-th.
pub const FEATURES: &[&str] = &["mie3", "vxrs_ext2", "mie4", "vxrs_ext3"];
