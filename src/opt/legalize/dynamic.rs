//! Dynamic vectors as fixed ones: each type that stands for a dynamic vector is replaced in place.

use super::Refusal;
use crate::ir::*;

/// Replaces all dynamic types, and the instructions that deal with them only.
pub(super) fn run(stencil: &mut Stencil) -> Result<(), Refusal> {
    stencil.value_types.values_mut().for_each(replace);
    replace_in(&mut stencil.signature);
    stencil.signatures.values_mut().flatten().for_each(replace_in);
    let slots = fixed_slots(stencil);
    for n in 0..stencil.insts.len() {
        let inst = Inst(n as u32);
        let data = &mut stencil.insts[inst];
        replace(&mut data.ty);
        match data.opcode {
            Opcode::DynamicStackAddr => {
                let slot = slots[data.a as usize].expect("a verified slot is declared");
                *data = InstData { a: slot.0, ..InstData::new(Opcode::StackAddr, data.ty) };
            }
            // The only part is the whole vector.
            Opcode::ExtractVector if data.aux == 0 => {
                let flags = no_flags(stencil);
                let InstData { a, ty, .. } = stencil.insts[inst];
                stencil.insts[inst] = InstData { a, aux: flags, ..InstData::new(Opcode::Bitcast, ty) };
            }
            Opcode::ExtractVector => {
                let message = format!("extract_vector of part {}: the scale of {} is 1", data.aux, data.ty);
                return Err(Refusal { inst, message });
            }
            _ => {}
        }
    }
    Ok(())
}

fn replace(ty: &mut Type) {
    if let Some(fixed) = ty.dynamic_to_fixed() {
        *ty = fixed;
    }
}

fn replace_in(signature: &mut Signature) {
    signature.params.iter_mut().chain(&mut signature.returns).for_each(|param| replace(&mut param.ty));
}

/// Adds a stack slot for each dynamic one.
fn fixed_slots(stencil: &mut Stencil) -> Vec<Option<StackSlot>> {
    let Stencil { dynamic_stack_slots, dynamic_types, stack_slots, .. } = stencil;
    let slots = dynamic_stack_slots.values().map(|ty| {
        let base = dynamic_types.get((*ty)?).copied().flatten()?.base;
        let align_shift = base.bytes().trailing_zeros().min(4) as u8;
        let slot = StackSlotData { size: base.bytes(), align_shift, key: None, defined: true };
        Some(stack_slots.push(slot))
    });
    slots.collect()
}

/// The reference to memory flags without any, as an operand.
fn no_flags(stencil: &mut Stencil) -> u16 {
    let known = stencil.mem_flags.iter().find(|(_, flags)| **flags == MemFlags::default());
    let known = known.map(|(flags, _)| flags);
    known.unwrap_or_else(|| stencil.mem_flags.push(MemFlags::default())).0 as u16
}
