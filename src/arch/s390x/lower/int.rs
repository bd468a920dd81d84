//! Integer arithmetic up to 64 bits, extensions, minimum and maximum.
//!
//! i8 and i16 are computed in 32 bits; the bits above a value's type are undefined unless
//! `zero_extends` says otherwise. Where an instruction that overwrites an operand is shorter than one with three operands,
//! it is chosen if that operand is not needed any more.

use super::super::S390x;
use super::super::rows;
use super::compare;
use super::field;
use super::operands::*;
use crate::ir::*;
use crate::lower::address::{address, sink_load};
use crate::lower::context::Unsupported;
use crate::lower::known_values::min_max_order;
use crate::lower::vocabulary::Extensions;
use crate::machine::amode::Amode;
use crate::machine::reg::VReg;
use crate::machine::size::OperandSize;
use crate::rule;

impl Extensions for S390x {
    const TRUSTS_EXTENSIONS: bool = true;

    fn zero_extends(data: &InstData, ty: Type) -> bool {
        use Opcode::*;
        match data.opcode {
            Load => matches!(ty, types::I8 | types::I16),
            Uload8 | Uload16 | Uextend | Icmp | Fcmp => true,
            Iconst => data.imm64() >> (ty.bits() - 1) == 0,
            _ => false,
        }
    }

    fn extends_if_asked(opcode: Opcode) -> bool {
        opcode == Opcode::Load
    }

    fn zero_extend(cx: &mut Cx, d: VReg, a: VReg, overwrite: bool) {
        match overwrite {
            true => rows::llgf_t(cx, d, a),
            false => rows::llgf_rr(cx, d, a),
        }
    }
}

type Result = std::result::Result<(), Unsupported>;
type OnRegisters = fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg);
type OnMemory = fn(&mut Cx<'_>, OperandSize, VReg, VReg, Amode);

/// An operation `d = a op b`: the rows of one operator.
pub struct Alu {
    two: OnRegisters,
    three: OnRegisters,
    memory: OnMemory,
    /// With 16 bits of memory, sign-extended.
    half: Option<OnMemory>,
    /// Of 64 bits with a word, sign-extended and zero-extended.
    words: [Option<(OnRegisters, OnMemory)>; 2],
}

macro_rules! alu {
    ($two:ident $three:ident $memory:ident, $($half:ident)?, [$($signed:ident $signed_memory:ident)?], [$($unsigned:ident $unsigned_memory:ident)?]) => {
        Alu {
            two: |cx, size, d, a, b| rows::$two(cx, size, d, a, b),
            three: |cx, size, d, a, b| rows::$three(cx, size, d, a, b),
            memory: |cx, size, d, a, m| rows::$memory(cx, size, d, a, m),
            half: alu!(@memory $($half)?),
            words: [alu!(@word $($signed $signed_memory)?), alu!(@word $($unsigned $unsigned_memory)?)],
        }
    };
    (@memory) => { None };
    (@memory $half:ident) => { Some(|cx, size, d, a, m| rows::$half(cx, size, d, a, m)) };
    (@word) => { None };
    (@word $registers:ident $memory:ident) => {
        Some((|cx, _, d, a, b| rows::$registers(cx, d, a, b), |cx, _, d, a, m| rows::$memory(cx, d, a, m)))
    };
}

/// Addition.
pub static ADD: Alu = alu!(a_rr a_rrr a_rm, ah_rm, [agf_rr agf_rm], [algf_rr algf_rm]);
/// Subtraction.
pub static SUB: Alu = alu!(s_rr s_rrr s_rm, sh_rm, [sgf_rr sgf_rm], [slgf_rr slgf_rm]);
static MUL: Alu = alu!(ms_rr ms_rrr ms_rm, mh_rm, [msgf_rr msgf_rm], []);
/// Addition that sets the condition code by carry.
pub static ADD_LOGICAL: Alu = alu!(al_rr al_rrr al_rm, , [], [algf_rr algf_rm]);
/// Subtraction that sets the condition code by borrow.
pub static SUB_LOGICAL: Alu = alu!(sl_rr sl_rrr sl_rm, , [], [slgf_rr slgf_rm]);
/// And.
pub static AND: Alu = alu!(n_rr n_rrr n_rm, , [], []);
/// Or.
pub static OR: Alu = alu!(o_rr o_rrr o_rm, , [], []);
/// Exclusive or.
pub static XOR: Alu = alu!(x_rr x_rrr x_rm, , [], []);

/// The second operand of an operation.
pub enum Operand {
    /// A register of its size.
    Register(VReg),
    /// Memory of its size.
    Memory(Amode),
    /// 16 bits of memory, sign-extended.
    Half(Amode),
    /// A word in a register; `true` if sign-extended.
    Word(VReg, bool),
    /// A word in memory.
    MemoryWord(Amode, bool),
}

impl Alu {
    /// What the operation can take of a value of type `ty`.
    pub fn operand(&self, cx: &mut Cx, value: Value, ty: Type) -> Operand {
        if ty.bits() >= 32
            && let Some(amode) = sink_load(cx, value, ty)
        {
            rule!(cx, "operand.load");
            return Operand::Memory(amode);
        }
        if self.half.is_some()
            && let Some(amode) = half_in_memory(cx, value, ty)
        {
            rule!(cx, "operand.load_half");
            return Operand::Half(amode);
        }
        for (signed, rows) in [(true, &self.words[0]), (false, &self.words[1])] {
            if ty != types::I64 || rows.is_none() {
                continue;
            }
            if let Some(amode) = sink_extending_load(cx, value, types::I32, signed) {
                rule!(cx, "operand.load_word");
                return Operand::MemoryWord(amode, signed);
            }
            if let Some(word) = extended_word(cx, value, signed) {
                rule!(cx, "operand.extended_word");
                return Operand::Word(cx.put(word), signed);
            }
        }
        Operand::Register(cx.put(value))
    }

    /// Pushes `d = a op b` of type `ty`; `commutes` says that the operands may be exchanged.
    pub fn lower(&self, cx: &mut Cx, ty: Type, d: VReg, (a, b): (Value, Value), commutes: bool) {
        let (overwrite, other) = (cx.dies_here(a), cx.dies_here(b));
        let second = self.operand(cx, b, ty);
        let first = cx.put(a);
        match second {
            Operand::Register(second) if commutes && other && !overwrite => {
                self.push(cx, alu_size(ty), d, second, Operand::Register(first), true);
            }
            second => self.push(cx, alu_size(ty), d, first, second, overwrite),
        }
    }

    /// Pushes `d = a op b`; `overwrite` says that `a` is not needed any more.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: Operand, overwrite: bool) {
        let words = |signed: bool| self.words[!signed as usize].expect("asked for before");
        match b {
            // Those of 64 bits are as short with three operands.
            Operand::Register(b) if overwrite && size == W => (self.two)(cx, size, d, a, b),
            Operand::Register(b) => (self.three)(cx, size, d, a, b),
            Operand::Memory(m) => (self.memory)(cx, size, d, a, m),
            Operand::Half(m) => (self.half.expect("asked for before"))(cx, size, d, a, m),
            Operand::Word(b, signed) => words(signed).0(cx, size, d, a, b),
            Operand::MemoryWord(m, signed) => words(signed).1(cx, size, d, a, m),
        }
    }
}

/// A load of 16 bits that is sign-extended, or needs no extension because `ty` has no more.
fn half_in_memory(cx: &mut Cx, value: Value, ty: Type) -> Option<Amode> {
    match ty {
        types::I16 => sink_load(cx, value, types::I16),
        types::I32 | types::I64 => sink_extending_load(cx, value, types::I16, true),
        _ => None,
    }
}

/// The operands of a commutative operation, the one that instructions take in more forms second.
fn commute(cx: &Cx, a: Value, b: Value) -> (Value, Value) {
    let (a, b) = cx.commute(a, b);
    let folds = |value: Value| {
        cx.def_inst(value).is_some_and(|inst| match cx.f.insts[inst].opcode {
            Opcode::Sextend | Opcode::Uextend | Opcode::Sload16 | Opcode::Sload32 | Opcode::Uload32 => {
                cx.unique(value).is_some() && !cx.is_used(value)
            }
            _ => false,
        })
    };
    let plain = cx.constant(b).is_none() && cx.sinkable_load(b).is_none();
    if plain && folds(a) && !folds(b) { (b, a) } else { (a, b) }
}

/// iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let adds = data.opcode == Opcode::Iadd;
    if adds {
        (a, b) = commute(cx, a, b);
    }
    let d = cx.def(inst);
    if let Some(constant) = cx.signed_constant(b)
        && let Ok(imm) = i32::try_from(if adds { constant } else { constant.wrapping_neg() })
    {
        return add_constant(cx, inst, d, a, imm);
    }
    if adds && data.ty == types::I64 && add_as_address(cx, inst, d) {
        return Ok(());
    }
    let alu = if adds { &ADD } else { &SUB };
    alu.lower(cx, data.ty, d, (a, b), adds);
    Ok(())
}

fn add_constant(cx: &mut Cx, inst: Inst, d: VReg, a: Value, imm: i32) -> Result {
    let ty = cx.f.insts[inst].ty;
    let overwrite = cx.dies_here(a);
    if ty == types::I64 {
        if add_as_address(cx, inst, d) {
            return Ok(());
        }
        let short = i16::try_from(imm).is_ok();
        if !overwrite && (is_short(imm) || !short && (INDEXED.displacement)(imm, 0, false)) {
            rule!(cx, "iadd.address_imm");
            let a = cx.put(a);
            rows::la(cx, d, Amode::base(a, imm));
            return Ok(());
        }
    }
    rule!(cx, "iadd.imm");
    let a = cx.put(a);
    push_add_constant(cx, alu_size(ty), d, a, imm, overwrite);
    Ok(())
}

/// `d = a + imm`; the condition code is that of a signed addition.
pub fn push_add_constant(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, imm: i32, overwrite: bool) {
    match (i16::try_from(imm), overwrite) {
        (Ok(_), true) => rows::ahi_ri(cx, size, d, a, imm),
        (Ok(_), false) => rows::ahi_rri(cx, size, d, a, imm),
        (Err(_), _) => rows::afi_ri(cx, size, d, a, imm),
    }
}

/// Two additions, one of them of a constant, as the address they would be.
fn add_as_address(cx: &mut Cx, inst: Inst, d: VReg) -> bool {
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    let constant = cx.signed_constant(b).or(cx.signed_constant(a));
    let fits = |constant: i64| i32::try_from(constant).is_ok_and(|imm| (INDEXED.displacement)(imm, 0, true));
    if data.opcode == Opcode::Isub || constant.is_some_and(|constant| !fits(constant)) {
        return false;
    }
    let adds = |value: Value, of_constant: bool| {
        cx.def_by(value, Opcode::Iadd).is_some_and(|inner| {
            let has_constant = cx.constant(Value(inner.a)).or(cx.constant(Value(inner.b))).is_some();
            cx.unique(value).is_some() && !cx.is_used(value) && has_constant == of_constant
        })
    };
    if !adds(a, constant.is_none()) && !adds(b, constant.is_none()) {
        return false;
    }
    let sum = cx.f.first_result(inst);
    let amode = address(cx, &INDEXED, sum, 0, 0);
    rule!(cx, "iadd.address");
    rows::la(cx, d, amode);
    true
}

/// ineg.
pub fn negate(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let a = Value(data.a);
    let d = cx.def(inst);
    match extended_word(cx, a, true) {
        Some(word) => {
            rule!(cx, "ineg.extended");
            let word = cx.put(word);
            rows::lcgf_rr(cx, d, word);
        }
        None => {
            let a = cx.put(a);
            rows::lc_rr(cx, alu_size(data.ty), d, a);
        }
    }
    Ok(())
}

/// imul up to 64 bits.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (a, b) = commute(cx, Value(data.a), Value(data.b));
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    match imm32(cx, b) {
        Some(factor) => {
            let a = cx.put(a);
            multiply_by(cx, size, d, a, factor as i64);
        }
        None => {
            let b = MUL.operand(cx, b, data.ty);
            let a = cx.put(a);
            // Both forms are of the same length.
            MUL.push(cx, size, d, a, b, false);
        }
    }
    Ok(())
}

/// `d = a * factor`.
pub fn multiply_by(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, factor: i64) {
    if factor > 0 && factor & (factor - 1) == 0 {
        rule!(cx, "imul.shift");
        rows::sll_rri(cx, size, d, a, factor.trailing_zeros() as i32);
    } else if i16::try_from(factor).is_ok() {
        rule!(cx, "imul.imm");
        rows::mhi_ri(cx, size, d, a, factor as i32);
    } else if let Ok(factor) = i32::try_from(factor) {
        rule!(cx, "imul.imm");
        rows::msfi_ri(cx, size, d, a, factor);
    } else {
        let factor = cx.constant_register(factor as u64);
        rows::ms_rrr(cx, size, d, factor, a);
    }
}

/// uextend and sextend up to 64 bits.
pub fn extend(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Sextend;
    let source = Value(data.a);
    let result = cx.f.first_result(inst);
    if is_extended(cx, source, signed) {
        rule!(cx, "extend.free");
        cx.same(result, source);
        return Ok(());
    }
    let d = cx.def(inst);
    if signed || !field::extract(cx, d, result, 2) {
        extend_into(cx, d, source, signed);
    }
    Ok(())
}

/// smin, smax, umin, umax up to 64 bits: compare and load on condition.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    let d = cx.def(inst);
    let overwritten = compare::overwritten(cx, a, b);
    // They are compared and chosen from: neither's load may be taken in by the comparison.
    for value in [a, b] {
        if cx.constant(value).is_none() {
            cx.reg(value);
        }
    }
    let test = compare::compare_ints(cx, min_max_order(data.opcode), a, b, false);
    compare::choose(cx, alu_size(data.ty), d, test, [a, b], overwritten);
    Ok(())
}

/// iabs up to 64 bits.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let value = Value(data.a);
    let d = cx.def(inst);
    match extended_word(cx, value, true) {
        Some(word) => {
            rule!(cx, "iabs.extended");
            let word = cx.put(word);
            rows::lpgf_rr(cx, d, word);
        }
        None => {
            let a = put_extended(cx, value, true);
            rows::lp_rr(cx, alu_size(data.ty), d, a);
        }
    }
    Ok(())
}
