//! The allocatable registers, numbered densely by class, so that a set of them is a `u32`.
//!
//! Those that calls clobber come first: the lowest free register is then one that costs nothing to use.

use crate::machine::reg::{ClassFile, PReg, PRegSet, RegClass, RegisterFile};

/// How many classes of registers there are.
pub(super) const CLASSES: usize = 3;

/// No register.
pub(super) const NONE: u8 = u8::MAX;

/// Registers of one class: bit or index `n` stands for the class's `n`th register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bank {
    /// The registers by dense number.
    pub(super) regs: [PReg; 32],
    /// All of them.
    pub(super) all: u32,
    /// Those that must be saved before they are used.
    pub(super) preserved: u32,
}

impl Default for Bank {
    fn default() -> Self {
        Bank { regs: [PReg::invalid(); 32], all: 0, preserved: 0 }
    }
}

/// The registers of a function.
#[derive(Debug)]
pub(super) struct Registers {
    pub(super) banks: [Bank; CLASSES],
    /// The dense number of each register; [`NONE`] if it is not allocatable.
    dense: [u8; PReg::NUM_INDEX],
    /// What they were numbered from.
    sets: Option<[PRegSet; 4]>,
}

impl Default for Registers {
    fn default() -> Self {
        Registers { banks: [Bank::default(); CLASSES], dense: [NONE; PReg::NUM_INDEX], sets: None }
    }
}

impl Registers {
    /// Numbers the registers of `file`, unless that was done for the function before.
    pub(super) fn set_up(&mut self, file: &RegisterFile) -> Result<(), String> {
        let sets = [file.ints.preferred, file.ints.others, file.floats.preferred, file.floats.others];
        if self.sets == Some(sets) {
            return Ok(());
        }
        self.sets = None;
        self.dense = [NONE; PReg::NUM_INDEX];
        self.number(RegClass::Int, &file.ints)?;
        self.number(RegClass::Float, &file.floats)?;
        self.sets = Some(sets);
        Ok(())
    }

    fn number(&mut self, class: RegClass, file: &ClassFile) -> Result<(), String> {
        let mut bank = Bank::default();
        let mut count = 0;
        for (preserved, set) in [(false, file.preferred), (true, file.others)] {
            for reg in set {
                if count == bank.regs.len() {
                    return Err("more than 32 registers in a class".to_string());
                }
                bank.regs[count] = reg;
                bank.all |= 1 << count;
                bank.preserved |= u32::from(preserved) << count;
                self.dense[reg.index()] = count as u8;
                count += 1;
            }
        }
        self.banks[class as usize] = bank;
        Ok(())
    }

    /// The dense number of a register in its class, if it is allocatable.
    #[inline]
    pub(super) fn dense(&self, reg: PReg) -> Option<u8> {
        let dense = self.dense[reg.index()];
        (dense != NONE).then_some(dense)
    }

    /// The register with a dense number.
    #[inline]
    pub(super) fn preg(&self, class: RegClass, dense: u8) -> PReg {
        self.banks[class as usize].regs[usize::from(dense)]
    }

    /// The allocatable registers of a set, by class.
    pub(super) fn masks(&self, set: PRegSet) -> [u32; CLASSES] {
        let mut masks = [0; CLASSES];
        for reg in set {
            if let Some(dense) = self.dense(reg) {
                masks[reg.class() as usize] |= 1 << dense;
            }
        }
        masks
    }
}
