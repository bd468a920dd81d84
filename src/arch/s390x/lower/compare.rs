//! Comparisons, and everything that consumes a condition: set, select, branch, trap.
//!
//! A comparison of registers or with a small immediate is one instruction with the branch or trap on it, so `condition`
//! gives it back as a [`Test`] that is not pushed yet. What else is compared is pushed, and the condition code
//! tells the result. Constants and addresses are made without changing the condition code, so consumers may
//! still ask for operands behind a comparison.

use super::super::cond::Cond;
use super::super::rows;
use super::constant::{bit_range, only_half};
use super::int::AND;
use super::operands::*;
use super::{field, float, logic, overflow, wide};
use crate::ir::*;
use crate::lower::address::{access_as, sink_load};
use crate::lower::condition::{self, ConditionCode, TestedValue};
use crate::lower::context::Unsupported;
use crate::machine::amode::Amode;
use crate::machine::inst::Label;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// What tells whether a condition holds.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// The condition code that was set.
    Code(Cond),
    /// A comparison of registers, `signed` or not.
    #[allow(missing_docs, reason = "as in the instruction")]
    Registers { size: OperandSize, signed: bool, a: VReg, b: VReg, cond: Cond },
    /// A comparison with an immediate of eight bits.
    #[allow(missing_docs, reason = "as in the instruction")]
    Immediate { size: OperandSize, signed: bool, a: VReg, imm: i32, cond: Cond },
}

impl Test {
    /// The opposite.
    pub fn complement(mut self) -> Test {
        let (Test::Code(cond) | Test::Registers { cond, .. } | Test::Immediate { cond, .. }) = &mut self;
        *cond = cond.complement();
        self
    }

    /// Pushes the comparison if it was not yet. The condition of the code that it sets.
    pub fn code(self, cx: &mut Cx) -> Cond {
        match self {
            Test::Code(cond) => cond,
            Test::Registers { size, signed, a, b, cond } => {
                match signed {
                    true => rows::c_rr(cx, size, a, b),
                    false => rows::cl_rr(cx, size, a, b),
                }
                cond
            }
            Test::Immediate { size, signed, a, imm, cond } => {
                // Equality is the same however they are read.
                match signed || matches!(cond, Cond::E | Cond::Lh) {
                    true => rows::chi_ri(cx, size, a, imm),
                    false => rows::clfi_ri(cx, size, a, imm),
                }
                cond
            }
        }
    }
}

/// The condition after an integer comparison.
pub fn int_cond(cc: IntCc) -> Cond {
    match cc {
        IntCc::Equal => Cond::E,
        IntCc::NotEqual => Cond::Lh,
        IntCc::SignedLessThan | IntCc::UnsignedLessThan => Cond::L,
        IntCc::SignedGreaterThanOrEqual | IntCc::UnsignedGreaterThanOrEqual => Cond::Eh,
        IntCc::SignedGreaterThan | IntCc::UnsignedGreaterThan => Cond::H,
        IntCc::SignedLessThanOrEqual | IntCc::UnsignedLessThanOrEqual => Cond::El,
    }
}

/// The condition that some of the bits tested under a mask, or of a bitwise result, are 1.
const SOME: Cond = Cond::Lho;

/// Whether a comparison may read its operands as signed or as unsigned.
fn readings(cc: IntCc) -> [bool; 2] {
    let either = matches!(cc, IntCc::Equal | IntCc::NotEqual);
    [either || cc.is_signed(), either || !cc.is_signed()]
}

/// A test whether `value` (up to 64 bits, or a comparison) is not zero.
pub fn condition(cx: &mut Cx, value: Value) -> Test {
    condition_on(cx, value, true)
}

/// The same; `unique` says that nothing else uses what was looked through on the way to `value`, so that
/// loads may be folded.
pub fn condition_on(cx: &mut Cx, value: Value, unique: bool) -> Test {
    let found = condition::tested_value(cx, value, unique);
    let test = plain_condition(cx, found);
    if found.negated { test.complement() } else { test }
}

/// The condition of a value that is not looked through.
fn plain_condition(cx: &mut Cx, TestedValue { value, unique, direct, .. }: TestedValue) -> Test {
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        let (a, b) = (Value(data.a), Value(data.b));
        match data.opcode {
            Opcode::Icmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.icmp");
                return compare_ints(cx, data.int_cc(), a, b, unique);
            }
            Opcode::Fcmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.fcmp");
                return float::compare(cx, data.float_cc(), a, b, unique);
            }
            _ if unique && direct => {
                if let Some(cond) = overflow::fuse(cx, inst, value) {
                    return Test::Code(cond);
                }
            }
            _ => {}
        }
    }
    if cx.ty(value) == types::I128 {
        let (low, high) = cx.put_pair(value);
        let either = cx.tmp(RegClass::Int);
        rows::o_rrr(cx, G, either, low, high);
        return Test::Code(SOME);
    }
    compare_constant(cx, IntCc::NotEqual, value, 0, unique)
}

/// Compares two integers; `may_fold` says that loads may be taken in.
pub fn compare_ints(cx: &mut Cx, cc: IntCc, a: Value, b: Value, may_fold: bool) -> Test {
    if cx.ty(a) == types::I128 {
        return wide::compare(cx, cc, a, b);
    }
    let (cc, a, b) = condition::in_order(cx, cc, a, b, may_fold);
    if let Some(constant) = cx.signed_constant(b) {
        return compare_constant(cx, cc, a, constant, may_fold);
    }
    let ty = cx.ty(a);
    if ty.bits() >= 32 && may_fold {
        for (cc, a, b) in [(cc, a, b), (cc.swap_args(), b, a)] {
            if let Some(test) = compare_folding(cx, cc, a, b) {
                return test;
            }
        }
    }
    let signed = match readings(cc) {
        [true, true] => !cx.zero_extends(a) && sign_extends(cx, a),
        [signed, _] => signed,
    };
    let a = put_extended(cx, a, signed);
    let b = put_extended(cx, b, signed);
    Test::Registers { size: alu_size(ty), signed, a, b, cond: int_cond(cc) }
}

/// A comparison with what has an instruction of its own: memory, or an extended word.
fn compare_folding(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Option<Test> {
    let ty = cx.ty(a);
    let size = alu_size(ty);
    let [signed, unsigned] = readings(cc);
    if let Some(m) = sink_load(cx, b, ty) {
        rule!(cx, "compare.memory");
        let a = cx.put(a);
        match signed {
            true => rows::c_rm(cx, size, a, m),
            false => rows::cl_rm(cx, size, a, m),
        }
        return Some(Test::Code(int_cond(cc)));
    }
    if signed && let Some(m) = sink_extending_load(cx, b, types::I16, true) {
        rule!(cx, "compare.memory_half");
        let a = cx.put(a);
        rows::ch_rm(cx, size, a, m);
        return Some(Test::Code(int_cond(cc)));
    }
    for (allowed, sign) in [(signed, true), (unsigned, false)] {
        if !allowed || ty != types::I64 {
            continue;
        }
        if let Some(m) = sink_extending_load(cx, b, types::I32, sign) {
            rule!(cx, "compare.memory_word");
            let a = cx.put(a);
            match sign {
                true => rows::cgf_rm(cx, a, m),
                false => rows::clgf_rm(cx, a, m),
            }
            return Some(Test::Code(int_cond(cc)));
        }
        if let Some(word) = extended_word(cx, b, sign) {
            rule!(cx, "compare.extended_word");
            let (a, word) = (cx.put(a), cx.put(word));
            match sign {
                true => rows::cgf_rr(cx, a, word),
                false => rows::clgf_rr(cx, a, word),
            }
            return Some(Test::Code(int_cond(cc)));
        }
    }
    None
}

/// Compares an integer with a constant, sign-extended from its type.
fn compare_constant(cx: &mut Cx, cc: IntCc, a: Value, constant: i64, may_fold: bool) -> Test {
    let (cc, constant) = condition::with_zero(cc, constant);
    let ty = cx.ty(a);
    if may_fold && let Some(test) = compare_memory(cx, cc, a, constant) {
        return test;
    }
    if constant == 0
        && let Some(test) = compare_zero(cx, cc, a, may_fold)
    {
        return test;
    }
    let unsigned = constant as u64 & (u64::MAX >> (64 - ty.bits()));
    let signed = match readings(cc) {
        [true, true] if ty.bits() < 32 => !cx.zero_extends(a) && sign_extends(cx, a),
        [true, true] => unsigned > 0xFF && i32::try_from(constant).is_ok(),
        [signed, _] => signed,
    };
    let size = alu_size(ty);
    let cond = int_cond(cc);
    let register = put_extended(cx, a, signed);
    match signed {
        true if i8::try_from(constant).is_ok() => {
            return Test::Immediate { size, signed, a: register, imm: constant as i32, cond };
        }
        false if unsigned <= 0xFF => {
            return Test::Immediate { size, signed, a: register, imm: unsigned as i32, cond };
        }
        true if i16::try_from(constant).is_ok() => rows::chi_ri(cx, size, register, constant as i32),
        true if i32::try_from(constant).is_ok() => rows::cfi_ri(cx, size, register, constant as i32),
        false if unsigned <= u32::MAX as u64 => rows::clfi_ri(cx, size, register, unsigned as i32),
        _ => {
            let b = cx.constant_register(constant as u64);
            return Test::Registers { size, signed, a: register, b, cond };
        }
    }
    Test::Code(cond)
}

/// A comparison with zero that tests bits, or takes the condition code of the arithmetic.
fn compare_zero(cx: &mut Cx, cc: IntCc, a: Value, may_fold: bool) -> Option<Test> {
    use IntCc::*;
    let ty = cx.ty(a);
    let equality = match cc {
        Equal => Some(SOME.complement()),
        NotEqual => Some(SOME),
        _ => None,
    };
    if let Some(cond) = equality
        && may_fold
        && !cx.is_used(a)
        && let Some(band) = cx.unique(a).map(|inst| cx.f.insts[inst])
        && band.opcode == Opcode::Band
        && test_bits(cx, &band)
    {
        rule!(cx, "compare.test_band");
        return Some(Test::Code(cond));
    }
    if ty.bits() < 32 && !(may_fold && cx.sinkable_load(a).is_some()) {
        let (mask, cond) = match cc {
            SignedLessThan => (1 << (ty.bits() - 1), SOME),
            SignedGreaterThanOrEqual => (1 << (ty.bits() - 1), SOME.complement()),
            _ if cx.zero_extends(a) || sign_extends(cx, a) => return None,
            _ => ((1 << ty.bits()) - 1, equality?),
        };
        rule!(cx, "compare.test_narrow");
        let a = cx.put(a);
        rows::tmll(cx, a, mask);
        return Some(Test::Code(cond));
    }
    let inst = cx.only_ends_block(a).filter(|_| may_fold)?;
    let data = cx.f.insts[inst];
    if !matches!(ty, types::I32 | types::I64) || logic::alu(data.opcode).is_none() {
        return None;
    }
    let cond = equality?;
    rule!(cx, "compare.code_of_arithmetic");
    logic::with_code(cx, inst);
    cx.sink(inst);
    Some(Test::Code(cond))
}

/// Rows that test the bits of a halfword, counted from the right.
pub static TEST_HALF: [fn(&mut Cx<'_>, VReg, i32); 4] = [
    |cx, a, i| rows::tmll(cx, a, i),
    |cx, a, i| rows::tmlh(cx, a, i),
    |cx, a, i| rows::tmhl(cx, a, i),
    |cx, a, i| rows::tmhh(cx, a, i),
];

/// Tests whether some bits common to the operands of a `band` are 1, if that takes one instruction.
fn test_bits(cx: &mut Cx, band: &InstData) -> bool {
    let (a, b) = cx.commute(Value(band.a), Value(band.b));
    let Some(mask) = cx.constant(b) else {
        if band.ty.bits() < 32 || band.ty.bits() > 64 {
            return false;
        }
        let b = AND.operand(cx, b, band.ty);
        let a = cx.put(a);
        let common = cx.tmp(RegClass::Int);
        AND.push(cx, alu_size(band.ty), common, a, b, false);
        return true;
    };
    if test_byte(cx, a, mask) {
        return true;
    }
    let common = cx.tmp(RegClass::Int);
    if let Some((number, half)) = only_half(mask) {
        let a = cx.put(a);
        TEST_HALF[number as usize](cx, a, half as i32);
    } else if let Some((first, last)) = bit_range(mask) {
        let a = cx.put(a);
        rows::risbg_flags(cx, common, a, first as i32, last as i32 + ZERO_OTHERS, 0);
    } else {
        let b = cx.constant_register(mask);
        let a = cx.put(a);
        rows::n_rrr(cx, G, common, a, b);
    }
    true
}

/// Tests bits of a byte in memory.
fn test_byte(cx: &mut Cx, value: Value, mask: u64) -> bool {
    let byte = mask.trailing_zeros() / 8;
    let bits = mask.checked_shr(8 * byte).unwrap_or(0);
    let Some(load) = cx.sinkable_load(value).filter(|_| mask != 0 && bits <= 0xFF) else { return false };
    let data = cx.f.insts[load];
    let near = data.address().1 < i32::MAX - 16;
    if data.opcode != Opcode::Load || cx.swaps(&cx.mem_flags(&data)) || !near {
        return false;
    }
    rule!(cx, "compare.test_memory");
    cx.sink(load);
    let m = access_as(cx, &BASED, &data);
    let disp = m.disp.wrapping_add((cx.ty(value).bytes() - 1 - byte) as i32);
    rows::tm(cx, Amode { disp, ..m }, bits as i32);
    true
}

/// Compares memory with an immediate.
fn compare_memory(cx: &mut Cx, cc: IntCc, value: Value, constant: i64) -> Option<Test> {
    if cx.is_used(value) {
        return None;
    }
    let (load, memory, extended) = narrow_load(cx, value)?;
    let data = cx.f.insts[load];
    let [signed, unsigned] = readings(cc);
    let bits = memory.bits();
    let value_as_unsigned = constant as u64 & (u64::MAX >> (64 - memory.bits()));
    // A zero-extended value compares with a constant in its range in the same way signed and unsigned.
    let (signed, unsigned, constant) = match extended {
        None => (signed, unsigned, constant),
        Some(true) => (signed, false, constant),
        Some(false) if (constant as u64) >> bits == 0 => (false, true, constant),
        Some(false) => return None,
    };
    let as_signed = signed && bits > 8 && i16::try_from(constant).is_ok();
    let as_unsigned = unsigned && value_as_unsigned <= if bits == 8 { 0xFF } else { 0xFFFF };
    if !as_signed && !as_unsigned || !(is_short(data.address().1) || bits == 8) {
        return None;
    }
    rule!(cx, "compare.memory_imm");
    cx.sink(load);
    let m = access_as(cx, if bits == 8 { &BASED } else { &SHORT }, &data);
    match as_signed {
        true => rows::chsi_mi(cx, exact_size(memory), m, constant as i32),
        false => rows::cli_mi(cx, exact_size(memory), m, value_as_unsigned as i32),
    }
    Some(Test::Code(int_cond(cc)))
}

/// The load that a value is or extends, the type in memory, and whether the extension is one of the sign.
fn narrow_load(cx: &Cx, value: Value) -> Option<(Inst, Type, Option<bool>)> {
    let data = &cx.f.insts[cx.unique(value)?];
    let (load, extended) = match data.opcode {
        Opcode::Uextend | Opcode::Sextend => {
            (cx.sinkable_load(Value(data.a))?, Some(data.opcode == Opcode::Sextend))
        }
        _ => (cx.sinkable_load(value)?, None),
    };
    let data = &cx.f.insts[load];
    let memory = crate::lower::address::memory_type(cx.f, data);
    let extended = match data.opcode {
        Opcode::Load => extended,
        _ if extended.is_some() => return None,
        opcode => Some(crate::lower::address::extends_sign(opcode)),
    };
    let plain = memory.is_int() && memory.bits() <= 64 && !cx.swaps(&cx.mem_flags(data));
    plain.then_some((load, memory, extended))
}

/// icmp and fcmp as values.
pub fn compare(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    let test = match data.opcode {
        Opcode::Icmp if set_by_bit(cx, d, &data) => return Ok(()),
        Opcode::Icmp => compare_ints(cx, data.int_cc(), a, b, true),
        _ => float::compare(cx, data.float_cc(), a, b, true),
    };
    set(cx, d, test, 1);
    Ok(())
}

/// A comparison whose result is a bit of an operand: the sign, or one that a mask leaves.
fn set_by_bit(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let (value, ty) = (Value(data.a), cx.ty(Value(data.a)));
    if ty.bits() > 64 || cx.constant(Value(data.b)) != Some(0) {
        return false;
    }
    let (source, bit) = match data.int_cc() {
        IntCc::SignedLessThan => (value, ty.bits() - 1),
        IntCc::NotEqual => {
            let Some(band) = cx.unique(value).filter(|_| !cx.is_used(value)) else { return false };
            let band = cx.f.insts[band];
            if band.opcode != Opcode::Band {
                return false;
            }
            match cx.constant(Value(band.b)) {
                Some(mask) if mask.is_power_of_two() => (Value(band.a), mask.trailing_zeros()),
                _ => return false,
            }
        }
        _ => return false,
    };
    rule!(cx, "icmp.bit");
    let a = cx.put(source);
    field::push(cx, d, a, (64 - bit) % 64, 1);
    true
}

/// Sets all of `d` to `value` if a test holds, else to 0.
pub fn set(cx: &mut Cx, d: VReg, test: Test, value: i32) {
    let cond = test.code(cx);
    // Behind the comparison, so that it may be in the register of one of its operands.
    let zero = cx.constant_register(0);
    rows::lochi_ri(cx, G, d, zero, value, cond);
}

/// select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (chosen, other) = (Value(data.b), Value(data.c));
    let result = cx.f.first_result(inst);
    if !data.ty.is_int() {
        let d = cx.reg(result);
        return float::select(cx, &data, d);
    }
    let overwritten = overwritten(cx, chosen, other);
    let test = condition(cx, Value(data.a));
    if data.ty != types::I128 {
        let d = cx.reg(result);
        choose(cx, alu_size(data.ty), d, test, [chosen, other], overwritten);
        return Ok(());
    }
    let (d, chosen, other) = (cx.put_pair(result), cx.put_pair(chosen), cx.put_pair(other));
    let cond = test.code(cx);
    move_if(cx, G, d.0, cond, chosen.0, other.0);
    move_if(cx, G, d.1, cond, chosen.1, other.1);
    Ok(())
}

/// Which of two values a selection between them overwrites: one that is not needed any more, and rather a parameter of the
/// block, which in a loop becomes the result. The values must not be asked for yet.
pub fn overwritten(cx: &Cx, a: Value, b: Value) -> Value {
    let rank = |value: Value| (cx.dies_here(value), cx.def_inst(value).is_none());
    if rank(a) > rank(b) { a } else { b }
}

/// `d` = the first of two values if the test holds, else the other. One of them is overwritten if there is no form with three
/// operands.
pub fn choose(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, [a, b]: [Value; 2], overwritten: Value) {
    let cond = test.code(cx);
    if let Some(imm) = imm16(cx, a) {
        rule!(cx, "select.imm");
        let b = cx.put(b);
        rows::lochi_ri(cx, size, d, b, imm, cond);
    } else if let Some(imm) = imm16(cx, b) {
        rule!(cx, "select.imm");
        let a = cx.put(a);
        rows::lochi_ri(cx, size, d, a, imm, cond.complement());
    } else {
        let (reg_a, reg_b) = (cx.put(a), cx.put(b));
        match overwritten == a {
            true => move_if(cx, size, d, cond.complement(), reg_b, reg_a),
            false => move_if(cx, size, d, cond, reg_a, reg_b),
        }
    }
}

/// `d` = `chosen` if the condition holds, else `other`, which is overwritten if there is no form with three operands.
pub fn move_if(cx: &mut Cx, size: OperandSize, d: VReg, cond: Cond, chosen: VReg, other: VReg) {
    match cx.flags.has_mie3() {
        true => rows::sel_rrr(cx, size, d, chosen, other, cond),
        false => rows::loc_rr(cx, size, d, other, chosen, cond),
    }
}

/// Branches to `then` if a test holds, else to `other`.
pub fn branch(cx: &mut Cx, test: Test, then: Label, other: Label) {
    match test {
        Test::Code(cond) => {
            rule!(cx, "branch.code");
            rows::br_cc(cx, cond, then, other);
        }
        Test::Registers { size, signed, a, b, cond } => {
            rule!(cx, "branch.compare");
            match signed {
                true => rows::br_cr(cx, size, a, b, compared(cond), then, other),
                false => rows::br_clr(cx, size, a, b, compared(cond), then, other),
            }
        }
        Test::Immediate { size, signed, a, imm, cond } => {
            rule!(cx, "branch.compare_imm");
            match signed {
                true => rows::br_ci(cx, size, a, imm, compared(cond), then, other),
                false => rows::br_cli(cx, size, a, imm, compared(cond), then, other),
            }
        }
    }
}

/// A condition without code 3, which comparisons never set and whose bit comparing branches don't have.
fn compared(cond: Cond) -> Cond {
    Cond::from_code(cond as u16 & 14)
}

/// trapz and trapnz.
pub fn trap_if(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let mut test = condition(cx, Value(data.a));
    if data.opcode == Opcode::Trapz {
        test = test.complement();
    }
    trap_on(cx, test, data.trap_code());
    Ok(())
}

/// Traps if a test holds.
pub fn trap_on(cx: &mut Cx, test: Test, code: TrapCode) {
    match test {
        Test::Code(cond) => rows::trap_cc(cx, cond, code.0),
        Test::Registers { size, signed: true, a, b, cond } => {
            rows::trap_cr(cx, size, a, b, compared(cond), code.0);
        }
        Test::Registers { size, a, b, cond, .. } => {
            rows::trap_clr(cx, size, a, b, compared(cond), code.0);
        }
        Test::Immediate { size, signed: true, a, imm, cond } => {
            rows::trap_ci(cx, size, a, imm, compared(cond), code.0);
        }
        Test::Immediate { size, a, imm, cond, .. } => {
            rows::trap_cli(cx, size, a, imm, compared(cond), code.0);
        }
    }
}

/// Traps if a value of 64 bits, or of 32, is zero.
pub fn trap_if_zero(cx: &mut Cx, size: OperandSize, a: VReg, code: TrapCode) {
    trap_on(cx, Test::Immediate { size, signed: true, a, imm: 0, cond: Cond::E }, code);
}
