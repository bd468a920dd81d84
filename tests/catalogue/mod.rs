//! Every pure opcode with every choice of types that the opcode table allows, and operands for it as text.
//!
//! Generators of tests share it: of filetests, of functions for fuzzing.

#![allow(dead_code, reason = "not every test needs all of it")]

pub mod functions;
pub mod random;

use clifc::eval;
use clifc::ir::opcode::{ALL, sets};
use clifc::ir::{CtrlFrom, FloatCc, FloatFormat, Format, IntCc, Opcode, Rule, Type, types};
use random::Random;

/// Opcodes that leave open which NaN they give.
pub const NAN_MAKERS: [&str; 16] = [
    "fadd",
    "fsub",
    "fmul",
    "fdiv",
    "sqrt",
    "fma",
    "fmin",
    "fmax",
    "ceil",
    "floor",
    "trunc",
    "nearest",
    "fpromote",
    "fdemote",
    "fvdemote",
    "fvpromote_low",
];

/// The types that there are tests for: all scalars, vectors of up to 128 bits, and some of more.
pub fn all_types() -> Vec<Type> {
    let names = [
        "i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128", "i8x16", "i16x8", "i32x4", "i64x2",
        "f16x8", "f32x4", "f64x2", "i8x8", "i16x4", "i32x2", "f32x2", "i8x4", "i16x2", "i8x2", "f16x4",
        "f16x2", "i8x32", "i16x16", "i32x8", "i64x8", "f32x8", "f64x4",
    ];
    names.map(|name| Type::parse(name.as_bytes()).expect("a type")).to_vec()
}

/// An opcode with a choice of types.
#[derive(Clone, Debug)]
pub struct Case {
    pub opcode: Opcode,
    /// The controlling type, or `INVALID`.
    pub ctrl: Type,
    pub args: Vec<Type>,
    pub results: Vec<Type>,
}

impl Case {
    /// All types of operands and results.
    pub fn types(&self) -> impl Iterator<Item = Type> {
        self.args.iter().chain(&self.results).copied()
    }

    /// The mnemonic, with the controlling type if there is one.
    pub fn mnemonic(&self) -> String {
        match self.opcode.info().ctrl {
            CtrlFrom::None => self.opcode.name().to_owned(),
            CtrlFrom::Arg(_) | CtrlFrom::Given => format!("{}.{}", self.opcode.name(), self.ctrl),
        }
    }

    /// Whether back ends refuse these types, although they have the opcode on types of these shapes: lanes of
    /// f16, and of different widths in some conversions.
    pub fn is_refused(&self) -> bool {
        use Opcode::*;
        let (Some(&from), to) = (self.args.first(), self.ctrl) else { return false };
        let small = |ty: Type| ty.is_vector() && ty.bits() < 128;
        match self.opcode {
            FcvtFromUint | FcvtFromSint => {
                (small(from) || small(to)) && (to.lane_bits() < 32 || from.lane_bits() > to.lane_bits())
            }
            FcvtToUintSat | FcvtToSintSat => (small(from) || small(to)) && from.lane_bits() < 32,
            X86Cvtt2dq => from.lane_bits() != to.lane_bits() || from.lane_bits() < 32,
            _ => false,
        }
    }

    /// Whether the bits of its results are open if they are NaNs.
    pub fn makes_nans(&self) -> bool {
        NAN_MAKERS.contains(&self.opcode.name())
    }

    /// The operands as text, one spelling for each variant of the instruction, with a suffix for names.
    /// Values are `v0` and on.
    pub fn operands(&self, random: &mut Random) -> Vec<(String, String)> {
        let one = |text: &str| vec![(String::new(), text.to_owned())];
        let lanes = |ty: Type| [0, ty.lanes() - 1].map(|lane| (format!("_{lane}"), lane));
        let ctrl = self.ctrl;
        match self.opcode.format() {
            Format::Unary => one("v0"),
            Format::Binary => one("v0, v1"),
            Format::Ternary => one("v0, v1, v2"),
            Format::AddTrap => one("v0, v1, user1"),
            Format::Imm => one(&random.value(ctrl).to_string()),
            Format::ImmF16 | Format::ImmF32 | Format::ImmF64 => one("-0x1.8p1"),
            Format::Const if self.opcode == Opcode::F128const => one("-0x1.8p1"),
            Format::Const => one(&constant(ctrl, random)),
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
            Format::LoadNoOffset if self.args[0].lanes() == ctrl.lanes() => one("v0"),
            Format::LoadNoOffset => {
                ["little", "big"].map(|order| (format!("_{order}"), format!("{order} v0"))).to_vec()
            }
            format => panic!("no operands known for {format:?}"),
        }
    }
}

/// A vector constant as text.
pub fn constant(ctrl: Type, random: &mut Random) -> String {
    let value = random.value(ctrl);
    let lane = |bits| match ctrl.lane().is_float() {
        true => FloatFormat::new(ctrl.lane_bits()).print(bits),
        false => format!("{bits:#x}"),
    };
    format!("[{}]", value.lanes().map(lane).collect::<Vec<_>>().join(" "))
}

/// All cases of pure opcodes with results.
pub fn pure_cases() -> Vec<Case> {
    let types = all_types();
    let mut cases = Vec::new();
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
            let results: Option<Vec<Type>> = info.results.iter().map(|rule| rule.resolve(ctrl)).collect();
            let results = results.unwrap_or_else(|| panic!("{opcode:?} has results of one type"));
            let all = signatures(opcode, ctrl, &types);
            let fitting = all.into_iter().filter(|args| fits(opcode, ctrl, args));
            cases.extend(fitting.map(|args| Case { opcode, ctrl, args, results: results.clone() }));
        }
    }
    cases
}

/// All combinations of some types of the operands.
pub fn signatures(opcode: Opcode, ctrl: Type, types: &[Type]) -> Vec<Vec<Type>> {
    let mut all = vec![Vec::new()];
    for &rule in opcode.info().args {
        let choices: Vec<Type> = match rule {
            // Amounts and conditions of any width are tested with scalars.
            Rule::In(set) if ctrl.is_vector() && set == sets::INT_SCALAR => vec![types::I8],
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
