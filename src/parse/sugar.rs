//! Rewrites older spellings ([`super::older`]) to those that replaced them.
//!
//! If a spelling takes several instructions, the values between them get numbers above all value numbers in
//! the function's text.

use super::body::Line;
use super::context::{Failed, Parse};
use super::older::Sugar;
use super::parser::Parser;
use crate::ir::Extension::Sign;
use crate::ir::*;

/// The most steps from a symbol or the context pointer to a `global_value`. More, or a circle, is an error.
const MAX_GLOBAL_STEPS: usize = 32;

/// The type of addresses on all targets.
const POINTER: Type = types::I64;

impl Parser<'_> {
    /// Parses the rest of an older spelling, and appends the instructions that it stands for.
    pub fn desugar(&mut self, sugar: Sugar, line: Line) -> Parse<()> {
        let given = if self.cur.peek() == b'.' { Some(self.given_type()?) } else { None };
        self.cur.space();
        match sugar {
            Sugar::Renamed(opcode) => self.desugar_renamed(opcode, given, line),
            Sugar::FirstResult(opcode) => {
                let fresh = self.fresh()?;
                self.cx.scratch.results.push(fresh.0);
                self.desugar_renamed(opcode, given, line)
            }
            Sugar::Immediate(opcode, extension) => {
                let (ty, a, b) = self.value_and_constant(given, extension, &line)?;
                self.push_inst(InstData { a, b, ..InstData::new(opcode, ty) }, line).map(drop)
            }
            Sugar::ReversedImmediate(opcode) => {
                let (ty, b, a) = self.value_and_constant(given, Sign, &line)?;
                self.push_inst(InstData { a, b, ..InstData::new(opcode, ty) }, line).map(drop)
            }
            Sugar::IcmpImmediate => {
                let cond = self.int_condition()?;
                let (ty, a, b) = self.value_and_constant(given, Sign, &line)?;
                let data = InstData { aux: cond as u16, a, b, ..InstData::new(Opcode::Icmp, ty) };
                self.push_inst(data, line).map(drop)
            }
            Sugar::SecondNot(opcode) => self.desugar_second_not(opcode, given, line),
            Sugar::SlotLoad(address) => self.desugar_slot_load(address, given, line),
            Sugar::SlotStore(address) => self.desugar_slot_store(address, given, line),
            Sugar::GlobalValue => self.desugar_global_value(given, line),
            Sugar::ResumableTrap => self.desugar_resumable_trap(line),
            Sugar::Branch(if_not_zero) => self.desugar_branch(if_not_zero, given, line),
            Sugar::ConvertLow => self.desugar_convert_low(given, line),
        }
    }

    fn desugar_second_not(&mut self, opcode: Opcode, given: Option<Type>, line: Line) -> Parse<()> {
        let [x, y] = self.values()?;
        let ty = self.type_of_operand(x, given, &line)?;
        let not = self.insert(InstData { a: y, ..InstData::new(Opcode::Bnot, ty) }, &line)?;
        let data = InstData { a: x, b: not, ..InstData::new(opcode, ty) };
        self.push_inst(data, line).map(drop)
    }

    fn desugar_slot_load(&mut self, address: Opcode, given: Option<Type>, line: Line) -> Parse<()> {
        let Some(ty) = given else {
            return Err(self.error_at(line.opcode_at, "the load needs a type, as in `.i32`"));
        };
        let a = self.insert_slot_addr(address, &line)?;
        let data = InstData { aux: self.no_trap()?, a, ..InstData::new(Opcode::Load, ty) };
        self.push_inst(data, line).map(drop)
    }

    fn desugar_slot_store(&mut self, address: Opcode, given: Option<Type>, line: Line) -> Parse<()> {
        let a = self.value()?;
        self.expect(b',')?;
        let ty = self.type_of_operand(a, given, &line)?;
        let b = self.insert_slot_addr(address, &line)?;
        let data = InstData { aux: self.no_trap()?, a, b, ..InstData::new(Opcode::Store, ty) };
        self.push_inst(data, line).map(drop)
    }

    /// Rewrites `resumable_trap user1` to a `trapnz` on a constant.
    fn desugar_resumable_trap(&mut self, line: Line) -> Parse<()> {
        let aux = self.trap_code()?;
        let one = self.insert(InstData { a: 1, ..InstData::new(Opcode::Iconst, types::I8) }, &line)?;
        let data = InstData { aux, a: one, ..InstData::new(Opcode::Trapnz, types::I8) };
        self.push_inst(data, line).map(drop)
    }

    fn desugar_convert_low(&mut self, given: Option<Type>, line: Line) -> Parse<()> {
        let x = self.value()?;
        let from = self.type_of_operand(x, None, &line)?;
        let Some(ty) = given else {
            return Err(self.error_at(line.opcode_at, "the conversion needs a type, as in `.f64x2`"));
        };
        let wide = self.insert(InstData { a: x, ..InstData::new(Opcode::SwidenLow, from) }, &line)?;
        let data = InstData { a: wide, ..InstData::new(Opcode::FcvtFromSint, ty) };
        self.push_inst(data, line).map(drop)
    }

    fn desugar_renamed(&mut self, opcode: Opcode, given: Option<Type>, line: Line) -> Parse<()> {
        let mut data = InstData::new(opcode, types::INVALID);
        self.operands(opcode.format(), &mut data)?;
        let from = if opcode.info().ctrl == CtrlFrom::Arg(1) { data.b } else { data.a };
        data.ty = self.type_of_operand(from, given, &line)?;
        self.push_inst(data, line).map(drop)
    }

    /// The controlling type: the one given, or else the type of an operand.
    fn type_of_operand(&mut self, value: u32, given: Option<Type>, line: &Line) -> Parse<Type> {
        let known = self.func.stencil.value_types.get(Value(value)).copied();
        match given.or(known).filter(|&ty| ty != types::INVALID) {
            Some(ty) => Ok(ty),
            None => {
                let value = self.spelled_value(Value(value));
                if self.is_never_defined(&value.to_string()) {
                    return Err(Failed);
                }
                let message = format!("the opcode needs a type, as in `.i32`: {value} is not yet defined");
                Err(self.error_at(line.opcode_at, message))
            }
        }
    }

    /// A value with a new number, above all those of the text.
    fn fresh(&mut self) -> Parse<Value> {
        if self.cx.scratch.next_fresh == 0 {
            let first = self.unused_value()?;
            self.cx.scratch.next_fresh = first;
            if let Some(map) = &mut self.map {
                map.first_unwritten = Some(first);
            }
        }
        self.cx.scratch.next_fresh += 1;
        Ok(Value(self.cx.scratch.next_fresh - 1))
    }

    /// Appends an instruction before that of the line, and returns its result.
    fn insert(&mut self, data: InstData, line: &Line) -> Parse<u32> {
        let fresh = self.fresh()?;
        let results = std::mem::replace(&mut self.cx.scratch.results, vec![fresh.0]);
        let tags = std::mem::take(&mut self.cx.scratch.tags);
        let done = self.push_inst(data, *line);
        self.cx.scratch.results = results;
        self.cx.scratch.tags = tags;
        done.map(|_| fresh.0)
    }

    /// Parses `x, imm` and makes a constant of the immediate. Returns the type of both, `x` and the constant.
    fn value_and_constant(
        &mut self,
        given: Option<Type>,
        extension: Extension,
        line: &Line,
    ) -> Parse<(Type, u32, u32)> {
        let x = self.value()?;
        self.expect(b',')?;
        let at = self.cur.pos;
        let Some(imm) = self.integer("an integer")?.to_i64() else {
            return Err(self.error_at(at, "number out of range: an immediate must fit in 64 bits"));
        };
        let ty = self.type_of_operand(x, given, line)?;
        if !ty.lane().is_int() {
            return Err(self.error_at(at, format!("an immediate needs an integer type, found {ty}")));
        }
        let narrow = if ty.lane() == types::I128 { types::I64 } else { ty.lane() };
        let bits = imm as u64 & (u64::MAX >> (64 - narrow.bits()));
        let data =
            InstData { a: bits as u32, b: (bits >> 32) as u32, ..InstData::new(Opcode::Iconst, narrow) };
        let constant = self.insert(data, line)?;
        if ty.lane() != types::I128 {
            return Ok((ty, x, constant));
        }
        let extend = if extension == Sign { Opcode::Sextend } else { Opcode::Uextend };
        let extended = self.insert(InstData { a: constant, ..InstData::new(extend, types::I128) }, line)?;
        Ok((ty, x, extended))
    }

    /// Parses a stack slot, and appends its address. `opcode` is one of the two that compute it.
    fn insert_slot_addr(&mut self, opcode: Opcode, line: &Line) -> Parse<u32> {
        let mut addr = InstData::new(opcode, POINTER);
        self.operands(opcode.format(), &mut addr)?;
        self.insert(addr, line)
    }

    /// The memory flags of an access that cannot trap.
    fn no_trap(&mut self) -> Parse<u16> {
        self.flags_operand(MemFlags { trap: None, ..MemFlags::default() })
    }

    /// Parses the rest of `brz v0, block1`, and the `jump block2` after it.
    fn desugar_branch(&mut self, if_not_zero: bool, given: Option<Type>, line: Line) -> Parse<()> {
        let a = self.value()?;
        self.expect(b',')?;
        let taken = self.block_call()?.0;
        let ty = self.type_of_operand(a, given, &line)?;
        if !self.cur.eat_word(b"jump") {
            return Err(self.expected("`jump` after a brz or brnz"));
        }
        let other = self.block_call()?.0;
        let (b, c) = if if_not_zero { (taken, other) } else { (other, taken) };
        self.push_inst(InstData { a, b, c, ..InstData::new(Opcode::Brif, ty) }, line).map(drop)
    }

    /// Parses a global value, and appends the instructions that compute it from a symbol or the context
    /// pointer.
    fn desugar_global_value(&mut self, given: Option<Type>, line: Line) -> Parse<()> {
        let at = self.cur.pos;
        let mut global: GlobalValue = self.entity(b"gv", "a global value")?;
        let mut steps = Vec::new();
        loop {
            match self.func.stencil.global_values.get(global) {
                Some(step @ (GlobalValueData::Load { base, .. } | GlobalValueData::IaddImm { base, .. }))
                    if steps.len() < MAX_GLOBAL_STEPS =>
                {
                    steps.push(*step);
                    global = *base;
                }
                Some(GlobalValueData::VmContext) => {
                    let context = self.context_param(at)?;
                    return self.global_steps(&steps, context, line);
                }
                Some(GlobalValueData::Symbol { tls, .. }) => {
                    let opcode = if *tls { Opcode::TlsValue } else { Opcode::SymbolValue };
                    let data = InstData { a: global.0, ..InstData::new(opcode, given.unwrap_or(POINTER)) };
                    if steps.is_empty() {
                        return self.push_inst(data, line).map(drop);
                    }
                    let address = Value(self.insert(data, &line)?);
                    return self.global_steps(&steps, address, line);
                }
                _ => {
                    let message = format!(
                        "{global} must lead to a symbol or `vmctx` in at most {MAX_GLOBAL_STEPS} steps"
                    );
                    return Err(self.error_at(at, message));
                }
            }
        }
    }

    /// Appends the instructions that lead from `base` to a global value. The last step is first in `steps`.
    fn global_steps(&mut self, steps: &[GlobalValueData], mut base: Value, line: Line) -> Parse<()> {
        let Some((last, before)) = steps.split_first() else {
            return self.alias_result(base, line.at);
        };
        for step in before.iter().rev() {
            let data = self.global_step(*step, base.0, &line)?;
            base = Value(self.insert(data, &line)?);
        }
        let data = self.global_step(*last, base.0, &line)?;
        self.push_inst(data, line).map(drop)
    }

    /// The instruction for one step from `base`.
    fn global_step(&mut self, step: GlobalValueData, base: u32, line: &Line) -> Parse<InstData> {
        match step {
            GlobalValueData::Load { offset, ty, flags, .. } => Ok(InstData {
                aux: flags.0 as u16,
                a: base,
                b: offset as u32,
                ..InstData::new(Opcode::Load, ty)
            }),
            GlobalValueData::IaddImm { offset, ty, .. } => {
                let (a, b) = (offset as u32, (offset >> 32) as u32);
                let offset = self.insert(InstData { a, b, ..InstData::new(Opcode::Iconst, ty) }, line)?;
                Ok(InstData { a: base, b: offset, ..InstData::new(Opcode::Iadd, ty) })
            }
            GlobalValueData::Undefined
            | GlobalValueData::VmContext
            | GlobalValueData::Symbol { .. }
            | GlobalValueData::DynScale(_) => unreachable!("steps are loads and additions"),
        }
    }

    /// The parameter of the entry block that is the context pointer.
    fn context_param(&mut self, at: usize) -> Parse<Value> {
        let stencil = &self.func.stencil;
        let n = stencil.signature.params.iter().position(|param| param.purpose == Purpose::VmContext);
        let entry = stencil.layout.first();
        let value = n.zip(entry).and_then(|(n, &entry)| stencil.block_params(entry).get(n).copied());
        let message = "the global value needs a `vmctx` parameter, which the function does not have";
        value.map(Value).ok_or_else(|| self.error_at(at, message))
    }
}
