//! Checks that every opcode compiles for every target on every scalar type that it allows, or is not
//! supported yet.
//!
//! Functions are generated from the opcode table: one for each opcode, controlling type and choice of the
//! types that do not follow from these. Each takes the operands as parameters and returns the results.

use clifc::arch::coverage_on;
use clifc::diag::{Diagnostic, Severity, Source};
use clifc::driver::{self, BuildOptions, Observer, Session};
use clifc::ir::opcode::{ALL, CtrlFrom, Format, Rule};
use clifc::ir::{AtomicRmwOp, FloatCc, IntCc, Opcode, Shape, Type, types};
use clifc::lower::families::Coverage;
use clifc::options::{Arch, Flags, Target};
use std::fmt::Write;

#[path = "catalogue/mod.rs"]
mod catalogue;
#[path = "targets/mod.rs"]
mod targets;

use catalogue::signatures;

const SCALARS: [Type; 9] = [
    types::I8,
    types::I16,
    types::I32,
    types::I64,
    types::I128,
    types::F16,
    types::F32,
    types::F64,
    types::F128,
];

/// Opcodes with operands other than values, which other tests cover.
fn is_covered_elsewhere(opcode: Opcode) -> bool {
    use Format::*;
    matches!(
        opcode.format(),
        Jump | Brif | BrTable | Call | CallIndirect | TryCall | TryCallIndirect | Multiary | Trap
    ) || matches!(
        opcode.format(),
        HandlerAddr | TakeStructure | DynamicStackAddr | Const | TernaryImm8 | BinaryImm8 | Shuffle
    )
}

/// The scalar types that a rule allows.
fn choices(rule: Rule, ctrl: Type) -> Vec<Type> {
    SCALARS.into_iter().filter(|&ty| rule.allows(ctrl, ty)).collect()
}

/// The text of the operands for each variant of the instruction.
fn operands(opcode: Opcode, ctrl: Type) -> Vec<String> {
    use Format::*;
    let text = match opcode.format() {
        Nullary => "",
        Unary => "v0",
        Imm => "-1",
        ImmF16 => "0x1.8p1",
        ImmF32 | ImmF64 => "0x1.8p1",
        Binary => "v0, v1",
        Ternary => "v0, v1, v2",
        CondTrap => "v0, user3",
        AddTrap => "v0, v1, user3",
        FuncAddr => "fn0",
        GlobalValue => "gv0",
        StackAddr => "ss0+8",
        Load => "v0+16",
        LoadNoOffset if opcode == Opcode::Bitcast && ctrl.bits() >= 8 => "v0",
        Store => "v0, v1+16",
        StoreNoOffset => "v0, v1",
        AtomicCas => "v0, v1, v2",
        LoadNoOffset => return ["v0", "big v0"].map(str::to_owned).to_vec(),
        AtomicRmw => {
            let both = |op: &AtomicRmwOp| [format!("{op} v0, v1"), format!("big {op} v0, v1")];
            return AtomicRmwOp::ALL.iter().flat_map(both).collect();
        }
        IntCompare => return IntCc::ALL.iter().map(|cc| format!("{cc} v0, v1")).collect(),
        FloatCompare => return FloatCc::ALL.iter().map(|cc| format!("{cc} v0, v1")).collect(),
        format => panic!("no operands known for {format:?}"),
    };
    vec![text.to_owned()]
}

fn list(types: &[Type], number: impl Fn(usize) -> String) -> String {
    types
        .iter()
        .enumerate()
        .map(|(i, ty)| number(i).replace("TY", &ty.to_string()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Adds a function for each variant of an opcode on a controlling type.
fn add_functions(text: &mut String, count: &mut usize, opcode: Opcode, ctrl: Type) {
    let info = opcode.info();
    for args in signatures(opcode, ctrl, &SCALARS) {
        // A 64-bit target has 64-bit addresses; a bitcast keeps the size.
        let pointers = info.args.iter().zip(&args).filter(|(rule, _)| is_address(opcode, **rule));
        if pointers.into_iter().any(|(_, &ty)| ty == types::I32)
            || opcode == Opcode::Bitcast && args[0].bits() != ctrl.bits()
        {
            continue;
        }
        let results: Vec<Type> = info.results.iter().flat_map(|&rule| choices(rule, ctrl)).collect();
        if results.len() != info.results.len() {
            // These are vectors.
            continue;
        }
        let suffix = if info.ctrl == CtrlFrom::None { String::new() } else { format!(".{ctrl}") };
        let returned = if results.is_empty() {
            String::new()
        } else {
            " -> ".to_owned() + &list(&results, |_| "TY".into())
        };
        for operands in operands(opcode, ctrl) {
            let defined = list(&results, |i| format!("v{}", i + 10));
            let equals = if results.is_empty() { "" } else { " = " };
            let params = list(&args, |_| "TY".into());
            let block = list(&args, |i| format!("v{i}: TY"));
            let (more, convention) =
                if opcode == Opcode::VaStart { (", ...", "system_v") } else { ("", "fast") };
            let block = if args.is_empty() { block } else { format!("({block})") };
            writeln!(
                text,
                "function %f{count}({params}{more}){returned} {convention} {{\n    \
                 ss0 = explicit_slot 16\n    gv0 = symbol {}%g\n    fn0 = %h() fast\n\
                 block0{block}:\n    {defined}{equals}{}{suffix} {operands}\n    return {defined}\n}}",
                if opcode == Opcode::TlsValue { "tls " } else { "" },
                opcode.name(),
            )
            .expect("writing to a string");
            *count += 1;
        }
    }
}

fn is_address(opcode: Opcode, rule: Rule) -> bool {
    let memory = matches!(
        opcode.format(),
        Format::Load
            | Format::Store
            | Format::AtomicRmw
            | Format::AtomicCas
            | Format::LoadNoOffset
            | Format::StoreNoOffset
    );
    memory && opcode != Opcode::Bitcast && rule != Rule::Ctrl
}

/// Whether a pointer-sized result or operand is required, which must be i64.
fn is_pointer_sized(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(
        opcode,
        StackAddr
            | FuncAddr
            | SymbolValue
            | TlsValue
            | GetPinnedReg
            | SetPinnedReg
            | GetFramePointer
            | GetStackPointer
            | GetReturnAddress
            | StackSwitch
    )
}

fn module() -> (String, usize) {
    let (mut text, mut count) = (String::new(), 0);
    for &opcode in ALL.iter().filter(|&&opcode| !is_covered_elsewhere(opcode)) {
        let info = opcode.info();
        if info.ctrl == CtrlFrom::None {
            add_functions(&mut text, &mut count, opcode, types::INVALID);
            continue;
        }
        for ctrl in SCALARS {
            if info.ctrl_set.contains(ctrl) && (ctrl == types::I64 || !is_pointer_sized(opcode)) {
                add_functions(&mut text, &mut count, opcode, ctrl);
            }
        }
    }
    (text, count)
}

fn check(arch: Arch, settings: &[&str]) {
    let (text, count) = module();
    assert!(count > 1000, "only {count} functions");
    let target = Target::of(arch);
    let mut flags = Flags::new(&target);
    for setting in settings {
        flags.apply(setting).expect("a known setting");
    }
    let options = BuildOptions::new(target, flags);
    let source = Source { name: "legal.clif", text: text.as_bytes() };
    let Err(diagnostics) = driver::build_in(&Session::new(0), &source, &options, &Observer::NONE) else {
        return;
    };
    let wrong: Vec<String> = diagnostics
        .into_iter()
        .map(|diagnostic| (text[diagnostic.offset..].lines().next().unwrap_or_default(), diagnostic))
        .filter(|(line, diagnostic)| !may_lack(line, diagnostic))
        .map(|(line, diagnostic)| format!("{}: {}", line.trim(), diagnostic.message))
        .collect();
    assert!(wrong.is_empty(), "{} functions:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a diagnostic is an acceptable reason for rejecting an instruction. Scalar integers are complete.
fn may_lack(line: &str, diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Unsupported && !integers_only(line)
}

/// Whether a line's opcode has only integers.
fn integers_only(line: &str) -> bool {
    let name =
        line.trim().rsplit(" = ").next().unwrap_or_default().split(['.', ' ']).next().unwrap_or_default();
    let integer = |rule: &Rule| match rule {
        Rule::Is(ty) => ty.is_int(),
        Rule::In(set) => !set.contains(types::F64),
        _ => true,
    };
    ALL.iter().find(|opcode| opcode.name() == name).is_some_and(|opcode| {
        let info = opcode.info();
        let scalar = info.ctrl_set.contains(types::I64) && !info.ctrl_set.contains(types::F64);
        scalar && *opcode != Opcode::StackSwitch && info.args.iter().chain(info.results).all(integer)
    })
}

const REQUIRED: [&str; 3] = ["preserve_frame_pointers", "enable_pinned_reg", "tls_model=elf_gd"];

mod every_scalar_opcode_is_lowered_or_refused {
    use super::*;
    targets::for_each_target!(|arch| check(arch, &REQUIRED));
}

mod with_all_features_too {
    use super::*;
    targets::for_each_target!(|arch| {
        let settings: Vec<&str> = REQUIRED.into_iter().chain(targets::extensions(arch)).collect();
        check(arch, &settings);
    });
}

/// Whatever types the opcode table admits, lowering has a cell for them.
#[test]
fn every_instruction_of_the_language_has_a_cell() {
    let all: Vec<Type> = (1..=u8::MAX).map(Type).filter(|&ty| Shape::of(ty) != Shape::None).collect();
    let mut wrong = Vec::new();
    for &opcode in ALL {
        let info = opcode.info();
        let controlling: Vec<Type> = match info.ctrl {
            CtrlFrom::None => vec![types::INVALID],
            CtrlFrom::Arg(_) | CtrlFrom::Given => {
                all.iter().copied().filter(|&ty| info.ctrl_set.contains(ty)).collect()
            }
        };
        for ctrl in controlling {
            let first: Vec<Type> = match info.args.first() {
                Some(rule) => all.iter().copied().filter(|&ty| rule.allows(ctrl, ty)).collect(),
                None => vec![types::INVALID],
            };
            for arg in first {
                let shape = Shape::of(ctrl).max(Shape::of(arg));
                for arch in Arch::ALL {
                    if coverage_on(arch, opcode.family(), shape) == Coverage::Absent {
                        wrong.push(format!("{arch}: {}.{ctrl} of {arg}", opcode.name()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} without a cell:\n{}", wrong.len(), wrong.join("\n"));
}
