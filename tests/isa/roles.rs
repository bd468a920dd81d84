//! Compares rows' operands with an independent disassembler. If a row omitted a register that its instruction
//! writes, the allocator could have that register in use.

use crate::driver::{Random, Subject, Variant, make_variant, real_rows, test_frame};
use capstone::{Capstone, RegId};
use clifc::machine::inst::{OperandForm, Props, Role};
use clifc::machine::reg::PReg;
use std::collections::BTreeSet;

/// The registers of a target.
pub trait Disassembled: Subject {
    /// Rows that are correct although the disassembler disagrees, and the reasons. A `*` stands for the rest
    /// of a name.
    const DIFFERENT: &'static [(&'static str, &'static [&'static str])];
    /// Registers that are not allocatable.
    const IGNORED: &'static [&'static str];
    /// The condition flags.
    const FLAGS: &'static str;

    /// The disassembler, with details enabled.
    fn decoder() -> Capstone;

    /// The name of a whole register.
    fn name(register: PReg) -> String;

    /// The whole register that a register is part of.
    fn whole(name: &str) -> String;
}

/// A set of registers, by the names of whole registers, and the flags.
type Registers = BTreeSet<String>;

/// The registers that an instruction reads and writes according to its row.
fn told<S: Disassembled>(variant: &Variant) -> (Registers, Registers) {
    let (mut reads, mut writes) = (Registers::new(), Registers::new());
    let row = variant.row;
    let plain = row.operands.iter().filter(|o| matches!(o.kind, OperandForm::Reg { .. }));
    for (operand, alloc) in plain.clone().zip(&variant.parts.allocs) {
        let OperandForm::Reg { role, .. } = operand.kind else { unreachable!("filtered above") };
        let register = alloc.as_reg().expect("plain operands are in registers");
        if matches!(role, Role::Use | Role::UseLate) { &mut reads } else { &mut writes }
            .insert(S::name(register));
    }
    let memory = variant.parts.allocs.iter().skip(plain.count());
    reads.extend(memory.filter_map(|alloc| alloc.as_reg()).map(S::name));
    writes.extend(row.clobbers.into_iter().map(S::name));
    for (prop, set) in [(Props::USES_FLAGS, &mut reads), (Props::DEFS_FLAGS, &mut writes)] {
        if row.props.any(prop) {
            set.insert(S::FLAGS.to_owned());
        }
    }
    for set in [&mut reads, &mut writes] {
        set.retain(|name| !S::IGNORED.contains(&name.as_str()));
    }
    (reads, writes)
}

/// The registers that definitions are tied to.
fn tied_sources<S: Disassembled>(variant: &Variant) -> Registers {
    let tied = variant.row.operands.iter().filter_map(|operand| match operand.kind {
        OperandForm::Reg { role: Role::Tied(to), .. } => variant.parts.allocs[to as usize].as_reg(),
        _ => None,
    });
    tied.map(S::name).collect()
}

/// The registers that it reads and writes according to the disassembler.
fn found<S: Disassembled>(decoder: &Capstone, variant: &Variant) -> (Registers, Registers) {
    let instructions = decoder.disasm_count(&variant.compiled.code, 0, 1).expect("the bytes decode");
    let instruction = instructions.first().expect("one instruction");
    let detail = decoder.insn_detail(instruction).expect("asked for");
    let names = |registers: &[RegId]| {
        let names = registers.iter().filter_map(|register| decoder.reg_name(*register));
        names.map(|name| S::whole(&name)).filter(|name| !S::IGNORED.contains(&name.as_str())).collect()
    };
    (names(detail.regs_read()), names(detail.regs_write()))
}

fn is_called(row: &str, name: &str) -> bool {
    name.strip_suffix('*').map_or(row == name, |stem| row.starts_with(stem))
}

/// Fails unless rows and disassembler agree.
pub fn check_roles<S: Disassembled>() {
    let decoder = S::decoder();
    let frame = test_frame();
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let mut wrong = Vec::new();
    for (id, row) in real_rows::<S>() {
        let excepted =
            S::DIFFERENT.iter().any(|(_, names)| names.iter().any(|name| is_called(row.name, name)));
        if row.props.any(Props::PSEUDO) || excepted {
            continue;
        }
        for _ in 0..8 {
            let variant = make_variant::<S>(&mut random, 0, id, &frame);
            let (reads, writes) = told::<S>(&variant);
            let (read, written) = found::<S>(&decoder, &variant);
            // A tied use may stand for the part of the destination that the instruction does not change.
            let kept = tied_sources::<S>(&variant);
            if !reads.is_superset(&read) || !reads.is_subset(&(&read | &kept)) || writes != written {
                wrong.push(format!(
                    "{}: {}\n  row          reads {reads:?} writes {writes:?}\n  \
                     disassembler reads {read:?} writes {written:?}",
                    row.name,
                    variant.text.lines().next().unwrap_or_default(),
                ));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The test of every target with a disassembler, whose [`Subject`] is `Rows`.
macro_rules! tests {
    () => {
        #[test]
        fn roles_agree_with_a_disassembler() {
            $crate::roles::check_roles::<Rows>();
        }
    };
}
pub(crate) use tests;
