//! An operand taken apart, once and without branches.

use crate::machine::reg::{CONSTRAINT, Operand, PReg, REGISTER, RegClass, VReg};

/// An operand's bits: a virtual register's number, its class, position, kind and constraint.
#[derive(Clone, Copy)]
pub(super) struct Parts(u64);

const CLASS: u32 = 32;
const LATE: u64 = 1 << 34;
const USE: u64 = 1 << 35;

/// Constraints, as far as their bits matter one by one.
const ANY: u64 = 0;
const TIED: u64 = 1 << 5;
const FIXED: u64 = 1 << 6;

impl Parts {
    #[inline]
    pub(super) fn of(operand: Operand) -> Self {
        Parts(operand.bits())
    }

    #[inline]
    pub(super) fn vreg(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(super) fn class(self) -> RegClass {
        const CLASSES: [RegClass; 4] = [RegClass::Int, RegClass::Float, RegClass::Vector, RegClass::Vector];
        CLASSES[(self.0 >> CLASS) as usize % CLASSES.len()]
    }

    #[inline]
    pub(super) fn is_use(self) -> bool {
        self.0 & USE != 0
    }

    #[inline]
    pub(super) fn is_late(self) -> bool {
        self.0 & LATE != 0
    }

    /// Whether the spill slot will do.
    #[inline]
    pub(super) fn is_any(self) -> bool {
        self.constraint() == ANY
    }

    #[inline]
    fn constraint(self) -> u64 {
        self.0 >> CONSTRAINT
    }

    /// For a definition, the operand whose register it takes.
    #[inline]
    pub(super) fn tied_to(self) -> Option<u32> {
        let constraint = self.constraint();
        (constraint & (FIXED | TIED) == TIED).then_some((constraint & (TIED - 1)) as u32)
    }

    /// The register that it must be in.
    #[inline]
    pub(super) fn fixed(self) -> Option<PReg> {
        let constraint = self.constraint();
        let number = (constraint & (FIXED - 1)) as usize;
        (constraint & FIXED != 0).then(|| PReg::new(number, self.class()))
    }

    /// Whether it names a register that is not allocated, and no value.
    #[inline]
    pub(super) fn names_register(self) -> bool {
        self.vreg() == VReg::MAX as u32
    }

    /// Whether the allocator knows what it asks for.
    #[inline]
    pub(super) fn is_known(self) -> bool {
        self.constraint() <= REGISTER || self.constraint() & (TIED | FIXED) != 0
    }
}

/// The uses of an instruction that definitions are tied to.
pub(super) struct Ties<'a> {
    operands: &'a [Operand],
    /// Their indices, as far as they fit.
    mask: u32,
    /// The last of them, and the definition that is tied to it.
    last: (u32, Parts),
}

impl<'a> Ties<'a> {
    /// Finds them, or the first operand that the allocator does not know.
    #[inline]
    pub(super) fn of(operands: &'a [Operand]) -> Option<Self> {
        let mut ties = Ties { operands, mask: 0, last: (u32::MAX, Parts(0)) };
        for &operand in operands {
            let parts = Parts::of(operand);
            if !parts.is_known() {
                return None;
            }
            if let Some(to) = parts.tied_to() {
                ties.mask |= 1 << to;
                ties.last = (to, parts);
            }
        }
        Some(ties)
    }

    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.mask == 0
    }

    #[inline]
    fn is_single(&self) -> bool {
        self.mask & self.mask.wrapping_sub(1) == 0
    }

    /// The virtual register of the definition that is tied to the operand with an index.
    #[inline]
    pub(super) fn definition(&self, index: usize) -> Option<u32> {
        if self.is_single() {
            return (self.last.0 as usize == index).then_some(self.last.1.vreg());
        }
        let mut all = self.operands.iter().map(|&operand| Parts::of(operand));
        all.find(|parts| parts.tied_to() == Some(index as u32)).map(Parts::vreg)
    }

    /// The virtual register of a definition that is tied to a use of `vreg`.
    #[inline]
    pub(super) fn definition_by_use_of(&self, vreg: u32) -> Option<u32> {
        let used = |to: u32| self.operands.get(to as usize).map(|&operand| Parts::of(operand).vreg());
        if self.is_single() {
            return (used(self.last.0) == Some(vreg)).then_some(self.last.1.vreg());
        }
        let mut all = self.operands.iter().map(|&operand| Parts::of(operand));
        all.find(|parts| parts.tied_to().is_some_and(|to| used(to) == Some(vreg))).map(Parts::vreg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::reg::{OperandConstraint, OperandKind, OperandPos, is_constrained};

    /// The bits are where regalloc2's own functions say.
    #[test]
    fn parts_are_those_of_the_operand() {
        let reg = PReg::new(13, RegClass::Float);
        let constraints = [
            OperandConstraint::Any,
            OperandConstraint::Reg,
            OperandConstraint::Reuse(3),
            OperandConstraint::FixedReg(reg),
        ];
        let vreg = VReg::new(1_000_007, RegClass::Float);
        for constraint in constraints {
            for kind in [OperandKind::Use, OperandKind::Def] {
                for pos in [OperandPos::Early, OperandPos::Late] {
                    let operand = Operand::new(vreg, constraint, kind, pos);
                    let parts = Parts::of(operand);
                    assert_eq!(parts.vreg(), 1_000_007);
                    assert_eq!(parts.class(), RegClass::Float);
                    assert_eq!(parts.is_use(), kind == OperandKind::Use);
                    assert_eq!(parts.is_late(), pos == OperandPos::Late);
                    assert_eq!(parts.is_any(), constraint == OperandConstraint::Any);
                    let is_plain = matches!(constraint, OperandConstraint::Any | OperandConstraint::Reg);
                    assert_eq!(is_constrained(operand.bits()), !is_plain);
                    assert_eq!(parts.tied_to(), (constraint == OperandConstraint::Reuse(3)).then_some(3));
                    let fixed = constraint == OperandConstraint::FixedReg(reg);
                    assert_eq!(parts.fixed(), fixed.then_some(reg));
                    assert!(parts.is_known() && !parts.names_register());
                }
            }
        }
        assert!(
            !Parts::of(Operand::new(vreg, OperandConstraint::Stack, OperandKind::Use, OperandPos::Early))
                .is_known()
        );
        assert!(Parts::of(Operand::fixed_nonallocatable(reg)).names_register());
    }
}
