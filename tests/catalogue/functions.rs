//! A function for every opcode with every choice of types: it takes the operands as parameters and returns
//! the results.

use super::signatures;
use clifc::ir::opcode::{ALL, CtrlFrom, Format, Rule};
use clifc::ir::{AtomicRmwOp, FloatCc, IntCc, Opcode, Type, types};
use std::fmt::Write;

/// What a generated function has.
#[derive(Clone, Debug)]
pub struct Generated {
    pub opcode: Opcode,
    /// The controlling type, or `INVALID`.
    pub ctrl: Type,
    /// The types of the operands.
    pub args: Vec<Type>,
    /// Where its text begins.
    pub at: usize,
}

/// Opcodes with operands other than values, which functions of their own have.
pub fn has_template(opcode: Opcode) -> bool {
    use Format::*;
    matches!(
        opcode.format(),
        Jump | Brif
            | BrTable
            | Call
            | CallIndirect
            | TryCall
            | TryCallIndirect
            | Multiary
            | Trap
            | HandlerAddr
            | TakeStructure
            | DynamicStackAddr
    )
}

/// The types that a rule allows.
fn choices(rule: Rule, ctrl: Type, types: &[Type]) -> Vec<Type> {
    types.iter().copied().filter(|&ty| rule.allows(ctrl, ty)).collect()
}

/// The text of the operands for each variant of the instruction.
fn operands(opcode: Opcode, ctrl: Type, args: &[Type]) -> Vec<String> {
    use Format::*;
    let text = match opcode.format() {
        Nullary => "",
        Unary => "v0",
        Imm => "-1",
        ImmF16 | ImmF32 | ImmF64 => "0x1.8p1",
        Const if opcode == Opcode::F128const => "0x1.8p1",
        Const => {
            let zero = if ctrl.lane().is_float() { "0.0" } else { "0" };
            return vec![format!("[{}]", vec![zero; ctrl.lanes() as usize].join(" "))];
        }
        Binary => "v0, v1",
        Ternary => "v0, v1, v2",
        BinaryImm8 => "v0, 0",
        TernaryImm8 => "v0, v1, 0",
        Shuffle => "v0, v1, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]",
        CondTrap => "v0, user3",
        AddTrap => "v0, v1, user3",
        FuncAddr => "fn0",
        GlobalValue => "gv0",
        StackAddr => "ss0+8",
        Load => "v0+16",
        LoadNoOffset if opcode == Opcode::Bitcast && args[0].lanes() != ctrl.lanes() => {
            return ["little v0", "big v0"].map(str::to_owned).to_vec();
        }
        LoadNoOffset if opcode == Opcode::Bitcast => "v0",
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

/// Whether the language has an opcode on these types, as far as its rules don't say.
fn fits(opcode: Opcode, ctrl: Type, args: &[Type]) -> bool {
    use Opcode::*;
    let info = opcode.info();
    // A 64-bit target has 64-bit addresses.
    let addresses = info.args.iter().zip(args).filter(|(rule, _)| is_address(opcode, **rule));
    let lanes = || args[0].lanes() == ctrl.lanes() && args[0].0 >> 4 == ctrl.0 >> 4;
    addresses.into_iter().all(|(_, &ty)| ty != types::I32)
        && match opcode {
            Bitcast => args[0].bits() == ctrl.bits() && args[0].0 >> 4 <= 8 && ctrl.0 >> 4 <= 8,
            FcvtToUintSat | FcvtToSintSat | FcvtFromUint | FcvtFromSint | X86Cvtt2dq => lanes(),
            VhighBits => args[0].lanes() <= ctrl.bits(),
            _ => true,
        }
}

/// Adds a function for each variant of an opcode on a controlling type.
fn add_functions(text: &mut String, all: &mut Vec<Generated>, opcode: Opcode, ctrl: Type, types: &[Type]) {
    let info = opcode.info();
    for args in signatures(opcode, ctrl, types) {
        if !fits(opcode, ctrl, &args) {
            continue;
        }
        let results: Vec<Type> = info.results.iter().flat_map(|&rule| choices(rule, ctrl, types)).collect();
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
        for operands in operands(opcode, ctrl, &args) {
            let defined = list(&results, |i| format!("v{}", i + 10));
            let equals = if results.is_empty() { "" } else { " = " };
            let params = list(&args, |_| "TY".into());
            let block = list(&args, |i| format!("v{i}: TY"));
            let (more, convention) =
                if opcode == Opcode::VaStart { (", ...", "system_v") } else { ("", "fast") };
            let block = if args.is_empty() { block } else { format!("({block})") };
            all.push(Generated { opcode, ctrl, args: args.clone(), at: text.len() });
            writeln!(
                text,
                "function %f{}({params}{more}){returned} {convention} {{\n    \
                 ss0 = explicit_slot 16\n    gv0 = symbol {}%g\n    fn0 = %h() fast\n\
                 block0{block}:\n    {defined}{equals}{}{suffix} {operands}\n    return {defined}\n}}",
                all.len(),
                if opcode == Opcode::TlsValue { "tls " } else { "" },
                opcode.name(),
            )
            .expect("writing to a string");
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

/// A file with a function for every variant of every opcode on the types, except for opcodes that
/// [have templates](has_template).
pub fn module(types: &[Type]) -> (String, Vec<Generated>) {
    let (mut text, mut all) = (String::new(), Vec::new());
    for &opcode in ALL.iter().filter(|&&opcode| !has_template(opcode)) {
        let info = opcode.info();
        if info.ctrl == CtrlFrom::None {
            add_functions(&mut text, &mut all, opcode, types::INVALID, types);
            continue;
        }
        for &ctrl in types {
            if info.ctrl_set.contains(ctrl) && (ctrl == types::I64 || !is_pointer_sized(opcode)) {
                add_functions(&mut text, &mut all, opcode, ctrl, types);
            }
        }
    }
    (text, all)
}
