//! Operand values of s390x: conditions.

use crate::lower::compare::Complement;
use crate::named_enum;

named_enum! {
    /// A condition, as the mask of condition codes for which it holds: 8 for code 0, down to 1 for code 3.
    /// The letters stand for the meaning of the codes after a comparison or an arithmetic operation: E for
    /// equal or zero, L for low, H for high, O for overflow or unordered.
    Cond {
        Never "0", O "1", H "2", Ho "3", L "4", Lo "5", Lh "6", Lho "7",
        E "8", Eo "9", Eh "10", Eho "11", El "12", Elo "13", Elh "14", Always "15",
    }
}

impl Complement for Cond {
    #[inline]
    fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 15)
    }
}

impl Cond {
    /// The condition to test after a comparison with exchanged operands: low and high are exchanged.
    #[inline]
    pub fn swapped(self) -> Self {
        let mask = self as u16;
        Self::from_code(mask & 9 | (mask & 4) >> 1 | (mask & 2) << 1)
    }
}
