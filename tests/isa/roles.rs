//! Rows' operands against an independent disassembler: one that says less than the instruction does would be given
//! registers that are in use.

use crate::driver::{Random, Subject, Variant, make_variant, real_rows, test_frame};
use capstone::{Capstone, RegId};
use clifc::machine::inst::{OperandForm, Props, Role};
use clifc::machine::reg::PReg;
use std::collections::BTreeSet;

/// What a target tells of its registers.
pub trait Disassembled: Subject {
    /// Rows that are right although they say something else than the disassembler, and why; with `*`, all rows whose
    /// names begin so.
    const DIFFERENT: &'static [(&'static str, &'static [&'static str])];
    /// Registers that are not allocated.
    const IGNORED: &'static [&'static str];
    /// The condition flags.
    const FLAGS: &'static str;

    /// The disassembler, with details.
    fn decoder() -> Capstone;

    /// The name of a whole register.
    fn name(register: PReg) -> String;

    /// The whole register that a name is a part of.
    fn whole(name: &str) -> String;
}

/// Registers by the names of the whole ones, and the flags.
type Registers = BTreeSet<String>;

/// What the allocator is told that an instruction reads and writes.
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

/// What the disassembler says that it reads and writes.
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
            // A tied source may be there for a part of the destination that the instruction leaves alone.
            let kept = tied_sources::<S>(&variant);
            if !reads.is_superset(&read) || !reads.is_subset(&(&read | &kept)) || writes != written {
                wrong.push(format!(
                    "{}: {}\n  told  reads {reads:?} writes {writes:?}\n  found reads {read:?} writes {written:?}",
                    row.name,
                    variant.text.lines().next().unwrap_or_default(),
                ));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The test that every target with a disassembler has; its [`Subject`] is `Rows`.
macro_rules! tests {
    () => {
        #[test]
        fn roles_agree_with_a_disassembler() {
            $crate::roles::check_roles::<Rows>();
        }
    };
}
pub(crate) use tests;
