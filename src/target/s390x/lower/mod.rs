//! Lowering of CLIF to s390x, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands`, `constant` | what rows take, constants |
//! | `control`, `tls` | ends of blocks, the frame, thread-local addresses |
//! | `call` | calls, parameters, returns |

pub mod call;
pub mod constant;
pub mod control;
pub mod operands;
pub mod tls;

use crate::ir::*;
use crate::mach::lower::Unsupported;
use crate::mach::{call as calls, control as ends};
use operands::Cx;

/// Comparisons.
pub mod compare {
    use super::super::cond::Cond;
    use super::super::rows;
    use super::operands::*;
    use crate::ir::*;
    use crate::mach::buffer::Label;

    /// Goes to the first target if a value is not zero, else to the second.
    pub fn branch_on(cx: &mut Cx, value: Value, _: bool, targets: &[u32]) {
        let size = alu_size(cx.ty(value));
        let register = put_extended(cx, value, false);
        rows::br_ci(cx, size, register, 0, Cond::Lh, Label(targets[0]), Label(targets[1]));
    }
}

/// Memory and addresses.
pub mod mem {
    use super::constant;
    use super::operands::*;
    use crate::ir::*;
    use crate::mach::isa::Remaking;
    use regalloc2::VReg;

    /// Makes a constant or address in `d`.
    pub fn rematerialize(cx: &mut Cx, data: &InstData, d: VReg) {
        constant::constant(cx, d, data.imm64());
    }

    /// Whether constants and addresses are made where they are used.
    pub fn remaking(_: &Stencil, data: &InstData) -> Remaking {
        match data.opcode {
            Opcode::Iconst => Remaking::EachUse,
            _ => Remaking::No,
        }
    }
}

/// Whether values of a type are supported.
pub fn supported(ty: Type) -> bool {
    !ty.is_vector() && !matches!(ty, types::F16 | types::F128)
}

/// Lowers an instruction that does not end a block.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Call => calls::call(cx, inst),
        CallIndirect => calls::call_indirect(cx, inst),
        TlsValue
        | GetPinnedReg
        | SetPinnedReg
        | GetFramePointer
        | GetStackPointer
        | GetReturnAddress
        | GetExceptionHandlerAddress
        | Debugtrap => ends::special(cx, inst),
        Nop | SequencePoint => Ok(()),
        _ => Err(cx.unsupported(format!("{} is not supported yet on s390x", data.opcode.name()))),
    }
}
