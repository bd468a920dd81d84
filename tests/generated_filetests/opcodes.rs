//! Every pure opcode on every type: a function for each choice of types, with operands as parameters.
//!
//! What the back ends can't compile yet is in files for the interpreter: [`Shape::header`] says which.

use crate::operands::Random;
use crate::writer::{File, NAN_MAKERS};
use clifc::eval;
use clifc::ir::opcode::ALL;
use clifc::ir::{CtrlFrom, FloatCc, FloatFormat, Format, IntCc, Opcode, Rule, Type, types};

/// The types that there are tests for: all scalars, and vectors of 128 bits and some of 64.
fn all_types() -> Vec<Type> {
    let names = [
        "i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128", "i8x16", "i16x8", "i32x4", "i64x2",
        "f16x8", "f32x4", "f64x2", "i8x8", "i16x4", "i32x2", "f32x2",
    ];
    names.map(|name| Type::parse(name.as_bytes()).expect("a type")).to_vec()
}

/// What decides where an opcode's functions go: the most demanding of its types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Int,
    Float,
    HalfOrQuad,
    Vector,
    SmallVector,
}

impl Shape {
    const ALL: [Shape; 5] = [Shape::Int, Shape::Float, Shape::HalfOrQuad, Shape::Vector, Shape::SmallVector];

    fn of(ty: Type) -> Shape {
        match (ty.is_vector(), ty.bits()) {
            (true, 128) => Shape::Vector,
            (true, _) => Shape::SmallVector,
            (false, 32 | 64) if ty.is_float() => Shape::Float,
            (false, _) if ty.is_float() => Shape::HalfOrQuad,
            (false, _) => Shape::Int,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Shape::Int => "opcodes/int.clif",
            Shape::Float => "opcodes/float.clif",
            Shape::HalfOrQuad => "opcodes/half_and_quad.clif",
            Shape::Vector => "opcodes/vector.clif",
            Shape::SmallVector => "opcodes/small_vector.clif",
        }
    }

    fn header(self) -> &'static str {
        match self {
            Shape::Int | Shape::Float => {
                "test interpret\ntest run\nset enable_llvm_abi_extensions=true\nset \
                 enable_multi_ret_implicit_sret=true"
            }
            // To be run when the back ends have them.
            Shape::HalfOrQuad | Shape::Vector | Shape::SmallVector => "test interpret",
        }
    }
}

pub fn add(files: &mut Vec<File>) {
    let types = all_types();
    let about = "Every pure opcode on every type of this shape.";
    let mut made: Vec<File> = Shape::ALL.map(|shape| File::new(shape.path(), about, shape.header())).into();
    for &opcode in ALL.iter().filter(|&&opcode| eval::is_pure(opcode)) {
        let info = opcode.info();
        if info.results.is_empty() {
            continue;
        }
        let ctrls = match info.ctrl {
            CtrlFrom::None => vec![types::INVALID],
            CtrlFrom::Arg(_) | CtrlFrom::Given => {
                types.iter().copied().filter(|&ty| info.ctrl_set.contains(ty)).collect()
            }
        };
        for ctrl in ctrls {
            for args in signatures(opcode, ctrl, &types) {
                if fits(opcode, ctrl, &args) {
                    add_functions(&mut made, opcode, ctrl, &args);
                }
            }
        }
    }
    files.extend(made);
}

/// All combinations of types of the operands.
fn signatures(opcode: Opcode, ctrl: Type, types: &[Type]) -> Vec<Vec<Type>> {
    let mut all = vec![Vec::new()];
    for &rule in opcode.info().args {
        let choices: Vec<Type> = match rule {
            // Amounts and conditions of any width are tested with scalars.
            Rule::In(set) if ctrl.is_vector() && set == clifc::ir::opcode::sets::INT_SCALAR => {
                vec![types::I8]
            }
            _ => types.iter().copied().filter(|&ty| rule.allows(ctrl, ty)).collect(),
        };
        all = all.iter().flat_map(|start| choices.iter().map(|&ty| [&start[..], &[ty]].concat())).collect();
    }
    all
}

/// What the table can't say of types.
fn fits(opcode: Opcode, ctrl: Type, args: &[Type]) -> bool {
    use Opcode::*;
    match opcode {
        Bitcast => args[0].bits() == ctrl.bits() && args[0] != ctrl,
        FcvtToUintSat | FcvtToSintSat | FcvtFromUint | FcvtFromSint => args[0].lanes() == ctrl.lanes(),
        // An instruction for vectors.
        X86Cvtt2dq => args[0].lanes() == ctrl.lanes() && ctrl.is_vector(),
        VhighBits => args[0].lanes() <= ctrl.bits(),
        _ => true,
    }
}

/// The operands as text, one spelling for each variant of the instruction, with a suffix for the name.
fn operands(opcode: Opcode, ctrl: Type, args: &[Type], random: &mut Random) -> Vec<(String, String)> {
    let one = |text: &str| vec![(String::new(), text.to_owned())];
    let lanes = |ty: Type| [0, ty.lanes() - 1].map(|lane| (format!("_{lane}"), lane));
    match opcode.format() {
        Format::Unary => one("v0"),
        Format::Binary => one("v0, v1"),
        Format::Ternary => one("v0, v1, v2"),
        Format::AddTrap => one("v0, v1, user1"),
        Format::Imm => one(&random.value(ctrl).to_string()),
        Format::ImmF16 | Format::ImmF32 | Format::ImmF64 => one("-0x1.8p1"),
        Format::Const => one(&constant(opcode, ctrl, random)),
        Format::Shuffle => {
            let mask: Vec<String> = (0..16).map(|_| random.below(32).to_string()).collect();
            vec![(String::new(), format!("v0, v1, [{}]", mask.join(" ")))]
        }
        Format::BinaryImm8 => lanes(ctrl).map(|(name, lane)| (name, format!("v0, {lane}"))).to_vec(),
        Format::TernaryImm8 => lanes(ctrl).map(|(name, lane)| (name, format!("v0, v1, {lane}"))).to_vec(),
        Format::IntCompare => {
            IntCc::ALL.iter().map(|cc| (format!("_{cc}"), format!("{cc} v0, v1"))).collect()
        }
        Format::FloatCompare => {
            FloatCc::ALL.iter().map(|cc| (format!("_{cc}"), format!("{cc} v0, v1"))).collect()
        }
        Format::LoadNoOffset if args[0].lanes() == ctrl.lanes() => one("v0"),
        Format::LoadNoOffset => {
            ["little", "big"].map(|order| (format!("_{order}"), format!("{order} v0"))).to_vec()
        }
        format => panic!("no operands known for {format:?}"),
    }
}

fn constant(opcode: Opcode, ctrl: Type, random: &mut Random) -> String {
    if opcode == Opcode::F128const {
        return "-0x1.8p1".into();
    }
    let value = random.value(ctrl);
    let lane = |bits| match ctrl.lane().is_float() {
        true => FloatFormat::new(ctrl.lane_bits()).print(bits),
        false => format!("{bits:#x}"),
    };
    format!("[{}]", value.lanes().map(lane).collect::<Vec<_>>().join(" "))
}

fn list(types: &[Type]) -> String {
    types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ")
}

/// Adds a function for each variant of an opcode on these types.
fn add_functions(files: &mut [File], opcode: Opcode, ctrl: Type, args: &[Type]) {
    let info = opcode.info();
    let results: Option<Vec<Type>> = info.results.iter().map(|rule| rule.resolve(ctrl)).collect();
    let results = results.unwrap_or_else(|| panic!("{opcode:?} has results of one type"));
    let shape = args.iter().chain(&results).map(|&ty| Shape::of(ty)).max().expect("a type");
    let file = &mut files[shape as usize];
    let suffix = if info.ctrl == CtrlFrom::None { String::new() } else { format!(".{ctrl}") };
    let distinct: Vec<String> = args.iter().filter(|&&ty| ty != ctrl).map(Type::to_string).collect();
    let name = [vec![opcode.name().to_owned()], vec![suffix.replace('.', "")], distinct].concat();
    let name = name.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("_");
    let mut random = Random::new(&name);
    let defined = ["v10", "v11"][..results.len()].join(", ");
    for (variant, operands) in operands(opcode, ctrl, args, &mut random) {
        let code = format!("{defined} = {}{suffix} {operands};", opcode.name());
        let name = format!("{name}{variant}");
        let signature = |results: &str| format!("{} -> {results}", list(args));
        file.add(&name, &signature(&list(&results)), &format!("{code} return {defined}"), 2);
        if NAN_MAKERS.contains(&opcode.name()) && !results[0].is_vector() {
            let body = format!("{code} v12 = fcmp uno v10, v10; return v12");
            file.add(&format!("{name}_nan"), &signature("i8"), &body, 2);
        }
    }
}
