//! A function that rules are applied to: values without control flow, numbered by what they compute.

use clifc::eval::{self, Immediate};
use clifc::ir::types::I32;
use clifc::ir::{CtrlFrom, FloatCc, Format, InstData, IntCc, Opcode, Type, Value};
use clifc::opt::rules::{self, Replacement};
use std::collections::BTreeSet;

/// How often a value may be simplified, far above what rules need.
const MOST_STEPS: usize = 100;

/// A function without control flow.
#[derive(Clone, Default)]
pub struct Subject {
    pub types: Vec<Type>,
    /// The instruction of each value; `None` for a parameter.
    pub insts: Vec<Option<InstData>>,
    pub fired: BTreeSet<&'static str>,
    /// Whether instructions are simplified as they are made.
    pub simplifies: bool,
}

impl rules::Subject for Subject {
    fn definition(&self, value: Value) -> Option<InstData> {
        self.insts[value.0 as usize]
    }

    fn value_type(&self, value: Value) -> Type {
        self.types[value.0 as usize]
    }

    fn make(&mut self, data: InstData) -> Value {
        match self.simplifies {
            true => self.simplified(data),
            false => self.number(data),
        }
    }

    fn fired(&mut self, rule: &'static str) {
        self.fired.insert(rule);
    }
}

/// An instruction of a shape that has only values and a condition.
pub fn inst(opcode: Opcode, ty: Type, aux: u16, args: &[Value]) -> InstData {
    let word = |n: usize| args.get(n).map_or(0, |value| value.0);
    InstData { opcode, ty, aux, a: word(0), b: word(1), c: word(2) }
}

impl Subject {
    pub fn param(&mut self, ty: Type) -> Value {
        self.types.push(ty);
        self.insts.push(None);
        Value(self.insts.len() as u32 - 1)
    }

    pub fn constant(&mut self, ty: Type, bits: u64) -> Value {
        let (a, b) = (bits as u32, (bits >> 32) as u32);
        self.number(InstData { opcode: Opcode::Iconst, ty, aux: 0, a, b, c: 0 })
    }

    /// The value of an instruction: an earlier one if there is one like it.
    pub fn number(&mut self, data: InstData) -> Value {
        if let Some(at) = self.insts.iter().position(|known| *known == Some(data)) {
            return Value(at as u32);
        }
        let rule = data.opcode.info().results[0];
        let ty = rule.resolve(data.ty).expect("the type of the result is known");
        check(self, &data);
        self.types.push(ty);
        self.insts.push(Some(data));
        Value(self.insts.len() as u32 - 1)
    }

    /// The value of an instruction, simplified and folded as far as possible.
    pub fn simplified(&mut self, mut data: InstData) -> Value {
        for _ in 0..MOST_STEPS {
            if let Some(value) = self.folded(&data) {
                return value;
            }
            match rules::simplify(self, &data) {
                None => return self.number(data),
                Some(Replacement::Value(value)) => return value,
                Some(Replacement::Inst(simpler)) => data = simpler,
            }
        }
        panic!("the rules do not come to an end: {data:?}");
    }

    /// The constant that an instruction of scalar constants computes.
    fn folded(&mut self, data: &InstData) -> Option<Value> {
        let is_small = |ty: Type| ty.is_int() && ty.bits() <= 64;
        let rule = data.opcode.info().results[0].resolve(data.ty)?;
        if data.opcode == Opcode::Iconst || !is_small(rule) {
            return None;
        }
        let mut args = Vec::new();
        for value in self.args(data) {
            let constant = self.insts[value.0 as usize].filter(|data| data.opcode == Opcode::Iconst)?;
            args.push(eval::Value::scalar(constant.ty, constant.imm64().into()));
        }
        let results = eval::pure(data.opcode, data.ty, immediate(data), &args).ok()?;
        Some(self.constant(rule, results.as_slice()[0].bits() as u64))
    }

    /// The value operands of an instruction.
    pub fn args(&self, data: &InstData) -> Vec<Value> {
        let count = match data.opcode.format() {
            Format::Imm => 0,
            _ => data.opcode.info().args.len(),
        };
        [data.a, data.b, data.c][..count].iter().copied().map(Value).collect()
    }

    /// The values of all instructions, given the bits of the parameters in order; `None` for those that trap.
    pub fn run(&self, params: &[u128]) -> Vec<Option<eval::Value>> {
        let mut params = params.iter();
        let mut values: Vec<Option<eval::Value>> = Vec::new();
        for (data, &ty) in self.insts.iter().zip(&self.types) {
            let value = match data {
                None => Some(eval::Value::scalar(ty, *params.next().expect("a value for each parameter"))),
                Some(data) => {
                    let args = self.args(data).into_iter().map(|arg| values[arg.0 as usize].clone());
                    let args: Option<Vec<_>> = args.collect();
                    args.and_then(|args| {
                        let results = eval::pure(data.opcode, data.ty, immediate(data), &args).ok()?;
                        Some(results.as_slice()[0].clone())
                    })
                }
            };
            values.push(value);
        }
        values
    }
}

fn immediate(data: &InstData) -> Immediate<'static> {
    match data.opcode {
        Opcode::Iconst => Immediate::Bits(data.imm64()),
        Opcode::Icmp => Immediate::IntCc(IntCc::from_code(data.aux)),
        Opcode::Fcmp => Immediate::FloatCc(FloatCc::from_code(data.aux)),
        Opcode::Bitcast => Immediate::Order(None),
        _ => Immediate::None,
    }
}

/// Checks that an instruction is valid, as the verifier would.
fn check(subject: &Subject, data: &InstData) {
    let info = data.opcode.info();
    assert!(info.ctrl_set.contains(data.ty), "{} has no type {}", info.name, data.ty);
    for (n, value) in subject.args(data).into_iter().enumerate() {
        let ty = subject.types[value.0 as usize];
        assert!(info.args[n].allows(data.ty, ty), "operand {n} of {}.{} is {ty}", info.name, data.ty);
        if info.ctrl == CtrlFrom::Arg(n as u8) {
            assert_eq!(ty, data.ty, "the controlling type of {}", info.name);
        }
    }
}

/// The type of a test's result.
pub const TESTED: Type = I32;
