//! Bitwise operations on integers of up to 64 bits: bitmask immediates, complements, bit fields.

use super::chain;
use super::inputs::*;
use crate::arch::aarch64::operands::Bitmask;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::VReg;
use crate::machine::size::alu_size;
use crate::rule;

/// Lowers band, bor and bxor of up to 64 bits.
pub fn logic(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if data.ty == types::I8 && chain::join(cx, inst) {
        return Ok(());
    }
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    if cx.constant(a).is_some() || cx.constant(b).is_none() && better_second(cx, a) && !better_second(cx, b) {
        (a, b) = (b, a);
    }
    if let Some(bits) = cx.constant(b)
        && logic_constant(cx, &data, d, a, bits)
    {
        return Ok(());
    }
    if let Some(complement) = complement_of(cx, b) {
        rule!(cx, "logic.complement");
        let a = cx.put(a);
        let b = logic_operand(cx, complement, data.ty);
        let rows = match data.opcode {
            Opcode::Band => BIC,
            Opcode::Bor => ORN,
            Opcode::Bxor => EON,
            other => unexpected(other),
        };
        rows.to(cx, size, d, a, b);
        return Ok(());
    }
    let a = cx.put(a);
    let b = logic_operand(cx, b, data.ty);
    rows_of(data.opcode).to(cx, size, d, a, b);
    Ok(())
}

/// The rows of band, bor or bxor.
pub fn rows_of(opcode: Opcode) -> AluRows {
    match opcode {
        Opcode::Band => AND,
        Opcode::Bor => ORR,
        Opcode::Bxor => EOR,
        other => unexpected(other),
    }
}

/// Whether a value is a complement or shift that can be folded as the second operand.
fn better_second(cx: &Cx, value: Value) -> bool {
    use Opcode::*;
    !cx.is_used(value)
        && cx.unique(value).is_some_and(|inst| {
            let data = &cx.f.insts[inst];
            match data.opcode {
                Ishl | Ushr | Sshr | Rotl | Rotr => cx.constant_amount(Value(data.b)).is_some(),
                Bnot => true,
                _ => false,
            }
        })
}

/// The operand of a complement that nothing else uses.
fn complement_of(cx: &Cx, value: Value) -> Option<Value> {
    let data = &cx.f.insts[cx.unique(value)?];
    (data.opcode == Opcode::Bnot && !cx.is_used(value)).then_some(Value(data.a))
}

/// Lowers a logical operation with a constant that is a bitmask immediate, perhaps after changing bits above
/// the type. Returns whether it is one.
fn logic_constant(cx: &mut Cx, data: &InstData, d: VReg, a: Value, bits: u64) -> bool {
    let size = alu_size(data.ty);
    if data.opcode == Opcode::Band && bit_field(cx, data, d, a, bits) {
        return true;
    }
    if data.opcode == Opcode::Bxor && bits == u64::MAX >> (64 - data.ty.bits()) {
        rule!(cx, "bxor.complement");
        let a = cx.put(a);
        MVN.unary(cx, size, d, a);
        return true;
    }
    let Some(mask) = Bitmask::new(bits, size) else { return false };
    rule!(cx, "logic.mask");
    let a = cx.put(a);
    rows_of(data.opcode).to(cx, size, d, a, Input::Mask(mask));
    true
}

/// Lowers `(x >> n) & mask` to the extraction of a bit field. Returns whether it is one.
fn bit_field(cx: &mut Cx, data: &InstData, d: VReg, a: Value, mask: u64) -> bool {
    if mask == 0 || mask == u64::MAX || !(mask + 1).is_power_of_two() || cx.is_used(a) {
        return false;
    }
    let Some(inst) = cx.unique(a) else { return false };
    let shift = cx.f.insts[inst];
    if !matches!(shift.opcode, Opcode::Ushr | Opcode::Sshr) {
        return false;
    }
    let Some(amount) = cx.constant_amount(Value(shift.b)) else { return false };
    let bits = data.ty.bits() as u64;
    let amount = amount & (bits - 1);
    let width = mask.count_ones() as u64;
    if amount + width > bits {
        return false;
    }
    rule!(cx, "band.bit_field");
    let source = cx.put(Value(shift.a));
    rows::ubfm(cx, alu_size(data.ty), d, source, amount as i32, (amount + width - 1) as i32);
    true
}

/// Lowers bnot of up to 64 bits.
pub fn complement(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = logic_operand(cx, Value(data.a), data.ty);
    MVN.unary(cx, alu_size(data.ty), d, a);
    Ok(())
}
