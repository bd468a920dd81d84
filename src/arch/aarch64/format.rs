//! How a row's encoding is stored: what the build script writes and the encoder reads.
//!
//! This file is compiled into both, so that the layout is written down once. An instruction is a word: `params[0]` is
//! its constant bits, and each of `fields` is the [`Source`] of some of the others, whose [`Place`]s are packed in the
//! other two parameters: registers first, which are most of all and take less to put in. In rows with a memory operand,
//! label or symbol the last fields say where that is.

/// Index into a row's parameters of the constant bits.
pub const PATTERN: usize = 0;
/// Index into a row's fields of the memory operand's first register.
pub const FIELD_BASE: usize = 3;
/// Index into a row's fields of the first word of the memory operand, label or symbol.
pub const FIELD_WORD: usize = 4;

formats! {
    /// Up to five fields.
    Plain,
    /// Load or store of a register, whose address can have a displacement, scaled or not, or an index. The register is the
    /// first, in the lowest bits.
    Access,
    /// Load or store of two registers: the address can have a scaled displacement of seven bits.
    Pair,
    /// The address is in a register.
    Bare,
    /// Relaxable branch to a label.
    Branch,
    /// Branch to a symbol.
    Symbol,
    /// Expands to other instructions: `params[0]` is the number of the function.
    Expand,
}

impl Format {
    /// Fields that are bits of the instruction.
    pub const fn fields(self) -> usize {
        if matches!(self, Format::Plain) { 5 } else { FIELD_BASE }
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A register operand, by its number among them.
    Register(u8),
    /// A word.
    Word(u8),
    /// The condition.
    Cond,
}

impl Source {
    const WORD: u8 = 0x40;
    const COND: u8 = 0x80;

    /// As one of a row's fields. Those of registers are below all others, `NO_FIELD` included.
    pub const fn pack(self) -> u8 {
        match self {
            Source::Register(index) => index,
            Source::Word(index) => index | Self::WORD,
            Source::Cond => Self::COND,
        }
    }

    /// From one of a row's fields, which is there.
    #[inline]
    pub const fn unpack(field: u8) -> Self {
        if Self::is_register(field) {
            Source::Register(field)
        } else if field & Self::COND != 0 {
            Source::Cond
        } else {
            Source::Word(field & !Self::WORD)
        }
    }

    /// Whether one of a row's fields is a register.
    #[inline]
    pub const fn is_register(field: u8) -> bool {
        field < Self::WORD
    }
}

/// Which bits of a value are in which of the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The lowest bit in the instruction.
    pub position: u8,
    /// Number of bits: 1 to 16.
    pub width: u8,
    /// The lowest bit of the value: 0 to 7.
    pub from: u8,
}

/// Bits of a packed [`Place`].
pub const PLACE_BITS: usize = 12;

impl Place {
    /// Packs the places of fields, and a number of four bits: the [`extra`].
    pub fn pack(places: &[Place], extra: u8) -> [u32; 2] {
        let mut bits = (extra as u64) << 60;
        for (i, place) in places.iter().enumerate() {
            let packed = place.position as u64 | (place.width as u64 - 1) << 5 | (place.from as u64) << 9;
            bits |= packed << (PLACE_BITS * i);
        }
        [bits as u32, (bits >> 32) as u32]
    }

    /// The places in the parameters of a row, that of the first field lowest.
    #[inline]
    pub const fn all(params: &[u32; 3]) -> u64 {
        params[1] as u64 | (params[2] as u64) << 32
    }

    /// The place of field `index`, given the parameters of its row.
    pub const fn unpack(params: &[u32; 3], index: usize) -> Self {
        Self::lowest(Self::all(params) >> (PLACE_BITS * index))
    }

    /// The lowest of several places.
    #[inline]
    pub const fn lowest(bits: u64) -> Self {
        Place {
            position: Self::position(bits) as u8,
            width: (bits >> 5 & 15) as u8 + 1,
            from: (bits >> 9 & 7) as u8,
        }
    }

    /// The lowest bit in the instruction, of the lowest of several places.
    #[inline]
    pub const fn position(bits: u64) -> u32 {
        (bits & 31) as u32
    }

    /// The bits of the value that it has.
    #[inline]
    pub const fn mask(self) -> u32 {
        ((1 << self.width) - 1) << self.from
    }

    /// `value` in the instruction.
    #[inline]
    pub const fn put(self, value: u32) -> u32 {
        (value & self.mask()) >> self.from << self.position
    }
}

/// The number packed beside the places: for [`Format::Access`] and [`Format::Pair`] the access's bytes of one register as
/// a power of two, for [`Format::Branch`] the bits of its distance ([`BRANCHES`]).
#[inline]
pub const fn extra(params: &[u32; 3]) -> u8 {
    (params[2] >> 28) as u8
}

/// Bits of a branch's distance by [`extra`].
pub const BRANCHES: [u8; 3] = [26, 19, 14];

/// Immediates that stand for something else, and their bits: a mask of repeated ones, a floating-point number,
/// a kind of shift, the same or rotation, a kind of extension.
pub const CODES: [(&str, u8); 5] =
    [("bitmask", 13), ("float", 8), ("shift", 2), ("rotate", 2), ("extend", 3)];
