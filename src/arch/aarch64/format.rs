//! How a row's encoding is stored: written by the build script, read by the encoder.
//!
//! The file is compiled into both, so the layout is written down once. An instruction is one 32-bit word.
//! `params[0]` holds its constant bits. Each of a row's `fields` is a packed [`FieldSource`]: the operand
//! whose value fills that field. The fields' [`BitField`]s are packed into the other two parameters. Register
//! fields come first, because they are the most frequent and the cheapest to insert. In rows with a memory
//! operand, label or symbol, the last fields say which operand that is.

/// Index into a row's parameters of the constant bits.
pub const PATTERN: usize = 0;
/// Index into a row's fields of the memory operand's first register.
pub const FIELD_BASE: usize = 3;
/// Index into a row's fields of the first word of the memory operand, label or symbol.
pub const FIELD_WORD: usize = 4;

formats! {
    /// Up to five fields.
    Plain,
    /// Load or store of one register. The address may have a displacement, scaled or not, or an index. The
    /// register is the first operand and goes into the lowest bits.
    Access,
    /// Load or store of two registers. The address may have a scaled displacement of seven bits.
    Pair,
    /// Load or store whose address is a register alone.
    Bare,
    /// A relaxable branch to a label.
    Branch,
    /// A branch to a symbol.
    Symbol,
    /// A pseudo-instruction: `params[0]` is the number of the function that expands it.
    Expand,
}

impl Format {
    /// Number of fields that are bits of the instruction.
    pub const fn fields(self) -> usize {
        if matches!(self, Format::Plain) { 5 } else { FIELD_BASE }
    }
}

/// The operand that fills a field of the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldSource {
    /// A register operand, by its number among the registers.
    Register(u8),
    /// A data word, by its index.
    Word(u8),
    /// The instruction's condition.
    Cond,
}

impl FieldSource {
    const WORD: u8 = 0x40;
    const COND: u8 = 0x80;

    /// Packs the source into a byte. Bytes of registers are below all others, including the byte of an
    /// absent field (`NO_FIELD`).
    pub const fn pack(self) -> u8 {
        match self {
            FieldSource::Register(index) => index,
            FieldSource::Word(index) => index | Self::WORD,
            FieldSource::Cond => Self::COND,
        }
    }

    /// Unpacks a byte of a row's `fields` that is not absent.
    #[inline]
    pub const fn unpack(field: u8) -> Self {
        if Self::is_register(field) {
            FieldSource::Register(field)
        } else if field & Self::COND != 0 {
            FieldSource::Cond
        } else {
            FieldSource::Word(field & !Self::WORD)
        }
    }

    /// Whether a byte of a row's `fields` stands for a register.
    #[inline]
    pub const fn is_register(field: u8) -> bool {
        field < Self::WORD
    }
}

/// Which bits of an operand's value are in which bits of the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BitField {
    /// The field's lowest bit in the instruction.
    pub position: u8,
    /// The field's width: 1 to 16 bits.
    pub width: u8,
    /// The bit of the value that is lowest in the field: 0 to 7.
    pub from: u8,
}

/// Size in bits of a packed [`BitField`].
pub const BIT_FIELD_BITS: usize = 12;

impl BitField {
    /// Packs the bit fields of a row and a number of four bits, the [`extra`], into two parameters.
    pub fn pack(fields: &[BitField], extra: u8) -> [u32; 2] {
        let mut bits = (extra as u64) << 60;
        for (i, field) in fields.iter().enumerate() {
            let packed = field.position as u64 | (field.width as u64 - 1) << 5 | (field.from as u64) << 9;
            bits |= packed << (BIT_FIELD_BITS * i);
        }
        [bits as u32, (bits >> 32) as u32]
    }

    /// The packed bit fields of a row, given its parameters. The first field is in the lowest bits.
    #[inline]
    pub const fn all(params: &[u32; 3]) -> u64 {
        params[1] as u64 | (params[2] as u64) << 32
    }

    /// The bit field of field `index`, given the row's parameters.
    pub const fn unpack(params: &[u32; 3], index: usize) -> Self {
        Self::lowest(Self::all(params) >> (BIT_FIELD_BITS * index))
    }

    /// Unpacks the lowest of several packed bit fields.
    #[inline]
    pub const fn lowest(bits: u64) -> Self {
        BitField {
            position: Self::position(bits) as u8,
            width: (bits >> 5 & 15) as u8 + 1,
            from: (bits >> 9 & 7) as u8,
        }
    }

    /// The position of the lowest of several packed bit fields.
    #[inline]
    pub const fn position(bits: u64) -> u32 {
        (bits & 31) as u32
    }

    /// The bits of the value that the field holds.
    #[inline]
    pub const fn mask(self) -> u32 {
        ((1 << self.width) - 1) << self.from
    }

    /// The field's bits in the instruction for this value.
    #[inline]
    pub const fn put(self, value: u32) -> u32 {
        (value & self.mask()) >> self.from << self.position
    }
}

/// The number packed beside the bit fields. For [`Format::Access`] and [`Format::Pair`] it is the binary
/// logarithm of the bytes accessed per register; for [`Format::Branch`], an index into [`BRANCHES`].
#[inline]
pub const fn extra(params: &[u32; 3]) -> u8 {
    (params[2] >> 28) as u8
}

/// Width of a branch's distance field, by [`extra`].
pub const BRANCHES: [u8; 3] = [26, 19, 14];

/// Kinds of immediates that are codes, with their widths in bits: a bitmask immediate, a floating-point
/// immediate, a kind of shift, a kind of shift or rotation, a kind of extension, and for lanes of each width,
/// by how many bits less than the width they are shifted to the right.
pub const CODES: [(&str, u8); 9] = [
    ("bitmask", 13),
    ("float", 8),
    ("shift", 2),
    ("rotate", 2),
    ("extend", 3),
    ("right8", 3),
    ("right16", 4),
    ("right32", 5),
    ("right64", 6),
];

/// Features that rows can require. Bit `i` of a row's features stands for the `i`-th.
pub const FEATURES: &[&str] = &["lse", "pauth", "fp16"];
