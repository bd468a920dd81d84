//! Operands: what an instruction can take besides a register.
//!
//! The last operand of an addition or of a logical operation can be an immediate, or a register that is
//! shifted or extended. An operation is folded into an operand only if its result has no other use; otherwise
//! its own operand would be kept alive for nothing.

use crate::arch::aarch64::encode::fits_access;
use crate::arch::aarch64::operands::{Bitmask, Extend, Shift};
use crate::arch::aarch64::regs::{ZERO, reading};
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::wide::{Half, Pair, halves, in_register};
use crate::machine::amode::AddressForms;
use crate::machine::inst::{InstSink, RowId};
use crate::machine::reg::{Operand, OperandPos, RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64};
use crate::rule;
use rows::*;

/// The lowering context of aarch64.
pub type Cx<'a> = Lower<'a, Aarch64>;

/// The address forms of loads and stores. An address is a base with a displacement that is scaled by the
/// access's size or has nine bits; a base with an index, which may be extended, and shifted by the access's
/// size; or a near symbol, if it is a multiple of that size. An access of 16 bytes is one of two registers or
/// of a vector register.
pub const ADDRESS_FORMS: AddressForms = AddressForms {
    displacement: |disp, bytes, indexed| match (indexed, bytes) {
        (true, _) => disp == 0,
        (false, 16) => disp % 8 == 0 && (-512..=504).contains(&disp),
        (false, _) => fits_access(disp.into(), bytes.trailing_zeros() as u8),
    },
    index: |shift, bytes| bytes < 16 && (shift == 0 || 1 << shift == bytes),
    extended_index: true,
    indexed_slot: true,
    sums: true,
    far: |disp, bytes| {
        let low = i64::from(disp & 0xFFF);
        bytes < 16 && disp.unsigned_abs() < 1 << 24 && fits_access(low, bytes.trailing_zeros() as u8)
    },
    symbol: |symbol| {
        let in_place = symbol.aligned && symbol.disp % symbol.bytes as i32 == 0 && symbol.bytes < 16;
        in_place && !symbol.in_register
    },
};

/// The bits of a register of `size` that holds `value`.
pub fn register_bits(value: i64, size: OperandSize) -> u64 {
    if size == L32 { value as u32 as u64 } else { value as u64 }
}

/// The immediate of an addition, subtraction or comparison: twelve bits, and whether they are shifted left by
/// twelve.
pub fn imm12(value: u64) -> Option<(i32, bool)> {
    match value {
        0..=0xFFF => Some((value as i32, false)),
        _ if value & 0xFFF == 0 && value >> 24 == 0 => Some((value as i32 >> 12, true)),
        _ => None,
    }
}

/// The last operand of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A register.
    Reg(VReg),
    /// Twelve bits, and whether they are shifted left by twelve.
    Imm(i32, bool),
    /// A signed immediate whose magnitude has 24 bits.
    Imm24(i32),
    /// A bitmask immediate.
    Mask(Bitmask),
    /// A register shifted by a constant.
    Shifted(VReg, Shift, i32),
    /// The low bits of a register, extended, then shifted left by up to 3.
    Extended(VReg, Extend, i32),
}

/// The rows of an operation by kind of last operand. These are the rows of 32 bits; those of 64 bits follow
/// them.
#[derive(Clone, Copy, Debug)]
pub struct AluRows {
    /// A register.
    plain: RowId,
    /// Twelve bits or a bitmask immediate.
    immediate: RowId,
    /// Twelve bits, shifted left.
    immediate12: RowId,
    /// A signed immediate of 24 bits.
    immediate24: RowId,
    /// A shifted register.
    shifted: RowId,
    /// An extended register.
    extended: RowId,
}

/// A form that the operation does not have.
const NONE: RowId = RowId(u16::MAX);

macro_rules! operations {
    ($(
        $(#[$attr:meta])* $name:ident:
        $plain:ident $immediate:ident $immediate12:ident $immediate24:ident $shifted:ident $extended:ident;
    )*) => {
        $($(#[$attr])* pub const $name: AluRows = AluRows {
            plain: $plain,
            immediate: $immediate,
            immediate12: $immediate12,
            immediate24: $immediate24,
            shifted: $shifted,
            extended: $extended,
        };)*
    };
}

operations! {
    /// Addition.
    ADD: ADDW_RR ADDW_RI ADDW_RI12 ADDW_RI24 ADDW_RS ADDW_RX;
    /// Subtraction.
    SUB: SUBW_RR SUBW_RI SUBW_RI12 NONE SUBW_RS SUBW_RX;
    /// Addition that sets the flags.
    ADDS: ADDSW_RR ADDSW_RI ADDSW_RI12 NONE ADDSW_RS ADDSW_RX;
    /// Subtraction that sets the flags.
    SUBS: SUBSW_RR SUBSW_RI SUBSW_RI12 NONE SUBSW_RS SUBSW_RX;
    /// Comparison: subtraction that only sets the flags.
    CMP: CMPW_RR CMPW_RI CMPW_RI12 NONE CMPW_RS CMPW_RX;
    /// Comparison with the negation: addition that only sets the flags.
    CMN: CMNW_RR CMNW_RI CMNW_RI12 NONE CMNW_RS CMNW_RX;
    /// Addition with the carry flag that sets the flags.
    ADCS: ADCSW_RR NONE NONE NONE NONE NONE;
    /// Subtraction with borrow, the complement of the carry flag, that sets the flags.
    SBCS: SBCSW_RR NONE NONE NONE NONE NONE;
    /// Bitwise and.
    AND: ANDW_RR ANDW_RB NONE NONE ANDW_RS NONE;
    /// Bitwise or.
    ORR: ORRW_RR ORRW_RB NONE NONE ORRW_RS NONE;
    /// Exclusive or.
    EOR: EORW_RR EORW_RB NONE NONE EORW_RS NONE;
    /// Bitwise and with the complement.
    BIC: BICW_RR NONE NONE NONE BICW_RS NONE;
    /// Bitwise or with the complement.
    ORN: ORNW_RR NONE NONE NONE ORNW_RS NONE;
    /// Exclusive or with the complement.
    EON: EONW_RR NONE NONE NONE EONW_RS NONE;
    /// Bitwise and that only sets the flags.
    TST: TSTW_RR TSTW_RB NONE NONE TSTW_RS NONE;
    /// Complement, which has no first operand.
    MVN: MVNW_R NONE NONE NONE MVNW_S NONE;
    /// Negation, which has no first operand.
    NEG: NEGW_R NONE NONE NONE NEGW_S NONE;
}

impl AluRows {
    /// Pushes `d = a op b`. Some operations have no `d` or no `a`.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: Option<VReg>, a: Option<VReg>, b: Input) {
        let takes_stack_pointer = matches!(b, Input::Imm(..) | Input::Imm24(_) | Input::Extended(..));
        debug_assert!(
            a != Some(ZERO) || !takes_stack_pointer,
            "in this form, the zero register's number means the stack pointer"
        );
        if let Some(d) = d {
            cx.push_operand(Operand::reg_def(d));
        }
        if let Some(a) = a {
            cx.push_operand(reading(a, OperandPos::Early));
        }
        let mut source = |register| cx.push_operand(reading(register, OperandPos::Early));
        let row = match b {
            Input::Reg(b) => {
                source(b);
                self.plain
            }
            Input::Imm(imm, high) => {
                cx.push_word(imm as u32);
                if high { self.immediate12 } else { self.immediate }
            }
            Input::Imm24(imm) => {
                cx.push_word(imm as u32);
                self.immediate24
            }
            Input::Mask(mask) => {
                cx.push_word(mask.into());
                self.immediate
            }
            Input::Shifted(b, shift, amount) => {
                source(b);
                cx.push_word(shift.into());
                cx.push_word(amount as u32);
                self.shifted
            }
            Input::Extended(b, extend, amount) => {
                source(b);
                cx.push_word(extend.into());
                cx.push_word(amount as u32);
                self.extended
            }
        };
        debug_assert!(row != NONE, "the operation has no such form");
        cx.finish(size.row(row.0, L32 as u8, 2), 0, 0);
    }

    /// Pushes `d = a op b`.
    pub fn to(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: impl Into<Input>) {
        self.push(cx, size, Some(d), Some(a), b.into());
    }

    /// Pushes `a op b` with its result in a new register.
    pub fn in_new(&self, cx: &mut Cx, size: OperandSize, a: VReg, b: impl Into<Input>) -> VReg {
        let d = cx.tmp(RegClass::Int);
        self.to(cx, size, d, a, b);
        d
    }

    /// Pushes `a op b`, of which only the flags are needed.
    pub fn flags(&self, cx: &mut Cx, size: OperandSize, a: VReg, b: impl Into<Input>) {
        self.push(cx, size, None, Some(a), b.into());
    }

    /// Pushes `d = op b`.
    pub fn unary(&self, cx: &mut Cx, size: OperandSize, d: VReg, b: impl Into<Input>) {
        self.push(cx, size, Some(d), None, b.into());
    }
}

impl From<VReg> for Input {
    fn from(register: VReg) -> Self {
        Input::Reg(register)
    }
}

impl From<i32> for Input {
    /// An immediate of twelve bits.
    fn from(imm: i32) -> Self {
        debug_assert!((0..4096).contains(&imm), "the immediate has twelve bits");
        Input::Imm(imm, false)
    }
}

/// The bitmask immediate for `value`, which must have one.
pub fn mask(value: u64, size: OperandSize) -> Input {
    Input::Mask(Bitmask::new(value, size).expect("the value is a repeated run of ones"))
}

/// The extension from a type of less than 64 bits.
pub fn extension(ty: Type, signed: bool) -> Extend {
    match (ty.bits(), signed) {
        (8, false) => Extend::Uxtb,
        (16, false) => Extend::Uxth,
        (32, false) => Extend::Uxtw,
        (8, true) => Extend::Sxtb,
        (16, true) => Extend::Sxth,
        (32, true) => Extend::Sxtw,
        (other, _) => unexpected(other),
    }
}

/// The last operand of an addition or subtraction of type `ty`, other than an immediate.
pub fn sum_operand(cx: &mut Cx, value: Value, ty: Type) -> Input {
    if let Some(source) = extended_operand(cx, value) {
        rule!(cx, "operand.extended");
        return source;
    }
    negated_operand(cx, value, ty)
}

/// The last operand of a subtraction from zero, other than an immediate. It cannot be extended: in that form,
/// the zero register's number means the stack pointer.
pub fn negated_operand(cx: &mut Cx, value: Value, ty: Type) -> Input {
    match shifted_operand(cx, value, ty) {
        Some((_, Shift::Ror, _)) | None => Input::Reg(put_or_zero(cx, value)),
        Some((inner, shift, amount)) => shifted(cx, inner, shift, amount),
    }
}

/// The last operand of a logical operation of type `ty`, other than an immediate.
pub fn logic_operand(cx: &mut Cx, value: Value, ty: Type) -> Input {
    match shifted_operand(cx, value, ty) {
        Some((inner, shift, amount)) => shifted(cx, inner, shift, amount),
        None => Input::Reg(put_or_zero(cx, value)),
    }
}

/// A shifted value as an operand.
fn shifted(cx: &mut Cx, inner: Value, shift: Shift, amount: i32) -> Input {
    rule!(cx, "operand.shifted");
    Input::Shifted(cx.put(inner), shift, amount)
}

/// Asks for a value in a register, or in the zero register if it is zero.
pub fn put_or_zero(cx: &mut Cx, value: Value) -> VReg {
    match cx.constant(value) {
        Some(0) => ZERO,
        _ => cx.put(value),
    }
}

/// The operand, kind and amount of a shift of type `ty` that can be folded. For narrow types, only left
/// shifts compute the low bits correctly.
fn shifted_operand(cx: &Cx, value: Value, ty: Type) -> Option<(Value, Shift, i32)> {
    let data = &cx.f.insts[cx.unique(value)?];
    let shift = match data.opcode {
        Opcode::Ishl => Shift::Lsl,
        Opcode::Ushr => Shift::Lsr,
        Opcode::Sshr => Shift::Asr,
        Opcode::Rotr | Opcode::Rotl => Shift::Ror,
        Opcode::Imul => {
            let factor = cx.constant(Value(data.b)).filter(|factor| factor.is_power_of_two())?;
            return Some((Value(data.a), Shift::Lsl, factor.trailing_zeros() as i32));
        }
        _ => return None,
    };
    if ty.bits() < 32 && shift != Shift::Lsl || cx.is_used(value) {
        return None;
    }
    let bits = ty.bits() as i32;
    let amount = cx.constant_amount(Value(data.b))? as i32 & (bits - 1);
    let amount = if data.opcode == Opcode::Rotl { (bits - amount) & (bits - 1) } else { amount };
    Some((Value(data.a), shift, amount))
}

/// An extension, perhaps shifted left, that can be folded.
fn extended_operand(cx: &mut Cx, value: Value) -> Option<Input> {
    let (mut extended, mut amount) = (value, 0);
    if let Some(inst) = cx.unique(value)
        && cx.f.insts[inst].opcode == Opcode::Ishl
    {
        let data = &cx.f.insts[inst];
        amount = cx.constant_amount(Value(data.b)).filter(|amount| *amount <= 3)?;
        extended = Value(data.a);
    }
    let data = cx.f.insts[cx.unique(extended)?];
    if cx.is_used(value) || cx.is_used(extended) {
        return None;
    }
    let (inner, extend) = match data.opcode {
        Opcode::Uextend | Opcode::Sextend => {
            let signed = data.opcode == Opcode::Sextend;
            let inner = Value(data.a);
            // A value that is already extended can be a plain operand, and loads extend their result.
            if !signed && cx.zero_extends(inner) && amount == 0 || signed && cx.sinkable_load(inner).is_some()
            {
                return None;
            }
            (inner, extension(cx.ty(inner), signed))
        }
        Opcode::Band => {
            let extend = match cx.constant(Value(data.b))? {
                0xFF => Extend::Uxtb,
                0xFFFF => Extend::Uxth,
                0xFFFF_FFFF => Extend::Uxtw,
                _ => return None,
            };
            (Value(data.a), extend)
        }
        _ => return None,
    };
    Some(Input::Extended(cx.put(inner), extend, amount as i32))
}

/// Asks for a value in a register, extended from its type to at least 32 bits.
pub fn put_extended_to_32(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    if let Some(bits) = cx.constant(value).filter(|_| signed && cx.ty(value).bits() < 32) {
        let unused = 32 - cx.ty(value).bits();
        return cx.kept_constant((((bits as i32) << unused) >> unused) as u32 as u64);
    }
    let source = cx.put(value);
    if cx.ty(value).bits() >= 32 || !signed && cx.zero_extends(value) {
        return source;
    }
    let extended = cx.tmp(RegClass::Int);
    extend_register(cx, L32, extended, source, cx.ty(value), signed);
    extended
}

/// Asks for a value in a register, extended from its type to 64 bits.
pub fn put_extended_to_64(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    let ty = cx.ty(value);
    let source = cx.put(value);
    if ty == types::I64 || !signed && cx.zero_extends(value) {
        return source;
    }
    let extended = cx.tmp(RegClass::Int);
    extend_register(cx, Q64, extended, source, ty, signed);
    extended
}

/// Pushes `d = source`, extended from type `from` to `to`.
pub fn extend_register(cx: &mut Cx, to: OperandSize, d: VReg, source: VReg, from: Type, signed: bool) {
    match (from.bits(), signed) {
        (8, false) => rows::uxtb(cx, d, source),
        (16, false) => rows::uxth(cx, d, source),
        (8, true) => rows::sxtb(cx, to, d, source),
        (16, true) => rows::sxth(cx, to, d, source),
        (32, true) if to == Q64 => rows::sxtw(cx, d, source),
        (32, _) => rows::mov_r(cx, L32, d, source),
        (64, _) => rows::mov_r(cx, Q64, d, source),
        (other, _) => unexpected(other),
    }
}

/// Puts a half in a register, or in the zero register if it is zero.
pub fn half_register(cx: &mut Cx, half: Half) -> VReg {
    match half {
        Half::Constant(0) => ZERO,
        Half::Constant(bits) => cx.kept_constant(bits as u64),
        half => in_register(cx, half),
    }
}

/// A half as the last operand of a logical operation.
pub fn half_input(cx: &mut Cx, half: Half) -> Input {
    if let Half::Constant(bits) = half
        && let Some(mask) = Bitmask::new(bits as u64, Q64)
    {
        return Input::Mask(mask);
    }
    Input::Reg(half_register(cx, half))
}

/// The registers of an i128 operand that is only read.
pub fn half_registers(cx: &mut Cx, value: Value) -> Pair {
    let (low, high) = halves(cx, value, false);
    (half_register(cx, low), half_register(cx, high))
}
