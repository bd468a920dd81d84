//! Comparisons, and the instructions that set or trap by them.
//!
//! A comparison of registers or with a small immediate can be one instruction with the branch or trap, so
//! such a [`Test`] is not pushed yet. Other comparisons are pushed, and the condition code has the result.
//! Constants and addresses do not change the condition code, so operands may still be asked for after a
//! comparison.

use super::field;
use super::field::{bit_range, only_half};
use super::inputs::*;
use super::logic::with_code;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access_as, extends_sign, memory_type, sink_load};
use crate::lower::compare::{Comparisons, Complement, in_order, with_zero};
use crate::lower::condition;
use crate::lower::context::Lowered;
use crate::lower::float::memory_operand;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// What branches and traps can test.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// A condition on the condition code, which is set.
    Code(Cond),
    /// A comparison of registers, `signed` or not.
    #[allow(missing_docs, reason = "the fields are the instruction's operands")]
    Registers { size: OperandSize, signed: bool, a: VReg, b: VReg, cond: Cond },
    /// A comparison with an immediate of eight bits.
    #[allow(missing_docs, reason = "the fields are the instruction's operands")]
    Immediate { size: OperandSize, signed: bool, a: VReg, imm: i32, cond: Cond },
}

impl Complement for Test {
    fn complement(mut self) -> Self {
        let (Test::Code(cond) | Test::Registers { cond, .. } | Test::Immediate { cond, .. }) = &mut self;
        *cond = cond.complement();
        self
    }
}

impl Test {
    /// Turns the test into a condition on the condition code; pushes the comparison if it is not pushed yet.
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
                // Equality is the same for signed and unsigned operands.
                match signed || matches!(cond, Cond::E | Cond::Lh) {
                    true => rows::chi_ri(cx, size, a, imm),
                    false => rows::clfi_ri(cx, size, a, imm),
                }
                cond
            }
        }
    }
}

/// The condition to test after an integer comparison.
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

/// The condition to test after a comparison of floats, which sets code 3 if they are unordered.
pub fn float_cond(cc: FloatCc) -> Cond {
    use FloatCc::*;
    match cc {
        Ordered => Cond::Elh,
        Unordered => Cond::O,
        Equal => Cond::E,
        NotEqual => Cond::Lho,
        OrderedNotEqual => Cond::Lh,
        UnorderedOrEqual => Cond::Eo,
        LessThan => Cond::L,
        UnorderedOrGreaterThanOrEqual => Cond::Eho,
        LessThanOrEqual => Cond::El,
        UnorderedOrGreaterThan => Cond::Ho,
        GreaterThan => Cond::H,
        UnorderedOrLessThanOrEqual => Cond::Elo,
        GreaterThanOrEqual => Cond::Eh,
        UnorderedOrLessThan => Cond::Lo,
    }
}

/// The condition that some bit is 1, after a test under mask or a bitwise operation.
const SOME: Cond = Cond::Lho;

/// Whether a comparison may take its operands as `[signed, unsigned]`.
fn readings(cc: IntCc) -> [bool; 2] {
    let either = matches!(cc, IntCc::Equal | IntCc::NotEqual);
    [either || cc.is_signed(), either || !cc.is_signed()]
}

impl Comparisons for S390x {
    type Test = Test;

    fn compare_ints(cx: &mut Cx, cc: IntCc, a: Value, b: Value, may_fold: bool) -> Test {
        let (cc, a, b) = in_order(cx, cc, a, b, may_fold);
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
        let a = put_extended_to_32(cx, a, signed);
        let b = put_extended_to_32(cx, b, signed);
        Test::Registers { size: alu_size(ty), signed, a, b, cond: int_cond(cc) }
    }

    fn compare_floats(cx: &mut Cx, cc: FloatCc, a: Value, b: Value, may_fold: bool) -> Test {
        let size = exact_size(cx.ty(a));
        for (cc, a, b) in [(cc, a, b), (cc.swap_args(), b, a)] {
            if let Some(b) = memory_operand(cx, b, may_fold) {
                let a = cx.put(a);
                rows::fcmp_rm(cx, size, a, b);
                return Test::Code(float_cond(cc));
            }
        }
        let (a, b) = (cx.put(a), cx.put(b));
        rows::fcmp_rr(cx, size, a, b);
        Test::Code(float_cond(cc))
    }

    fn compare_quads(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        rows::qcmp(cx, a, b);
        Test::Code(float_cond(cc))
    }

    fn compare_word(_: &mut Cx, cc: IntCc, a: VReg) -> Test {
        Test::Immediate { size: L32, signed: true, a, imm: 0, cond: int_cond(cc) }
    }

    fn is_not_zero(cx: &mut Cx, value: Value, may_fold: bool) -> Test {
        if cx.ty(value) == types::I128 {
            let (low, high) = cx.put_pair(value);
            let either = cx.tmp(RegClass::Int);
            rows::o_rrr(cx, Q64, either, low, high);
            return Test::Code(SOME);
        }
        compare_constant(cx, IntCc::NotEqual, value, 0, may_fold)
    }

    fn set(cx: &mut Cx, d: VReg, test: Test) {
        set_to(cx, d, test, 1);
    }

    fn trap_on(cx: &mut Cx, test: Test, code: TrapCode) {
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
}

/// Compares with memory or an extended word, if `b` can be folded as such.
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
    let (cc, constant) = with_zero(cc, constant);
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
    let register = put_extended_to_32(cx, a, signed);
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

/// Compares with zero by testing bits, or by the condition code of the arithmetic that computes `a`.
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
    if !matches!(ty, types::I32 | types::I64) || alu(data.opcode).is_none() {
        return None;
    }
    let cond = equality?;
    rule!(cx, "compare.code_of_arithmetic");
    with_code(cx, inst);
    cx.sink(inst);
    Some(Test::Code(cond))
}

/// Rows that test bits of a halfword of a register, by its number from the right.
pub static TEST_HALF: [fn(&mut Cx<'_>, VReg, i32); 4] = [
    |cx, a, i| rows::tmll(cx, a, i),
    |cx, a, i| rows::tmlh(cx, a, i),
    |cx, a, i| rows::tmhl(cx, a, i),
    |cx, a, i| rows::tmhh(cx, a, i),
];

/// Tests whether a `band` of up to 64 bits is not zero, without computing it.
fn test_bits(cx: &mut Cx, band: &InstData) -> bool {
    let (a, b) = cx.commute(Value(band.a), Value(band.b));
    let Some(mask) = cx.constant(b) else {
        if band.ty.bits() < 32 || band.ty.bits() > 64 {
            return false;
        }
        let b = AND.input(cx, b, band.ty);
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
        rows::n_rrr(cx, Q64, common, a, b);
    }
    true
}

/// Tests bits of a byte in memory, if the value is a load that can be folded and `mask` is in one byte.
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

/// Compares memory with an immediate, if the value is a load that can be folded.
fn compare_memory(cx: &mut Cx, cc: IntCc, value: Value, constant: i64) -> Option<Test> {
    if cx.is_used(value) {
        return None;
    }
    let (load, memory, extended) = narrow_load(cx, value)?;
    let data = cx.f.insts[load];
    let [signed, unsigned] = readings(cc);
    let bits = memory.bits();
    let value_as_unsigned = constant as u64 & (u64::MAX >> (64 - memory.bits()));
    // With a constant in its range, a zero-extended value compares alike as signed and as unsigned.
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

/// The load that a value is or extends, the type in memory, and whether the extension is signed.
fn narrow_load(cx: &Cx, value: Value) -> Option<(Inst, Type, Option<bool>)> {
    let data = &cx.f.insts[cx.unique(value)?];
    let (load, extended) = match data.opcode {
        Opcode::Uextend | Opcode::Sextend => {
            (cx.sinkable_load(Value(data.a))?, Some(data.opcode == Opcode::Sextend))
        }
        _ => (cx.sinkable_load(value)?, None),
    };
    let data = &cx.f.insts[load];
    let memory = memory_type(cx.f, data);
    let extended = match data.opcode {
        Opcode::Load => extended,
        _ if extended.is_some() => return None,
        opcode => Some(extends_sign(opcode)),
    };
    let plain = memory.is_int() && memory.bits() <= 64 && !cx.swaps(&cx.mem_flags(data));
    plain.then_some((load, memory, extended))
}

/// Lowers a comparison whose result is a bit of an operand: the sign, or the only bit of a mask.
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

/// A condition without code 3, which comparisons never set and compare-and-branch instructions cannot test.
pub fn compared(cond: Cond) -> Cond {
    Cond::from_code(cond as u16 & 14)
}

/// Lowers icmp and fcmp.
pub fn compare(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    let test = match data.opcode {
        Opcode::Icmp if set_by_bit(cx, d, &data) => return Ok(()),
        Opcode::Icmp => condition::compare_ints(cx, data.int_cc(), a, b, true),
        Opcode::Fcmp => S390x::compare_floats(cx, data.float_cc(), a, b, true),
        other => unexpected(other),
    };
    set_to(cx, d, test, 1);
    Ok(())
}

/// Sets all of `d` to `value` if a test holds, else to 0.
pub fn set_to(cx: &mut Cx, d: VReg, test: Test, value: i32) {
    let cond = test.code(cx);
    // The zero comes after the comparison, so that it may reuse the register of an operand.
    let zero = cx.constant_register(0);
    rows::lochi_ri(cx, Q64, d, zero, value, cond);
}
