//! Conditions of s390x.

use crate::lower::compare::Complement;
use crate::named_enum;

named_enum! {
    /// A condition, as the mask of condition codes for which it holds: 8 for code 0, down to 1 for code 3. The
    /// letters are of what the codes mean after a comparison or an arithmetic operation: equal or zero, low,
    /// high, overflow or unordered.
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
    /// The condition of a comparison whose operands are exchanged: low and high are.
    #[inline]
    pub fn swapped(self) -> Self {
        let mask = self as u16;
        Self::from_code(mask & 9 | (mask & 4) >> 1 | (mask & 2) << 1)
    }
}
