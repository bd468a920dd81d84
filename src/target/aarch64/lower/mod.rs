//! Lowering of CLIF to aarch64, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `control` | jump tables, traps, the frame |
//! | `call` | what calls are made of |
//! | `tls` | addresses of thread-local variables |

pub mod call;
pub mod control;
pub mod operands;
mod tls;

use super::rows;
use crate::ir::*;
use crate::mach::buffer::Label;
use crate::mach::call as calls;
use crate::mach::control as ends;
use crate::mach::lower::Unsupported;
use operands::*;

/// Lowers an instruction that does not end a block.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Iconst => {
            let d = cx.def(inst);
            rows::mov_imm64(cx, d, data.imm64());
        }
        Iadd => {
            let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            let d = cx.def(inst);
            rows::add_rr(cx, Q, d, a, b);
        }
        Call => return calls::call(cx, inst),
        CallIndirect => return calls::call_indirect(cx, inst),
        TlsValue
        | GetPinnedReg
        | SetPinnedReg
        | GetFramePointer
        | GetStackPointer
        | GetReturnAddress
        | GetExceptionHandlerAddress
        | Debugtrap => return ends::special(cx, inst),
        Nop | SequencePoint => {}
        _ => {
            let message = format!("{} is not supported yet on aarch64", data.opcode.name());
            return Err(cx.unsupported(message));
        }
    }
    Ok(())
}

/// Goes to the first target if a value is not zero, else to the second.
pub fn branch_on(cx: &mut Cx, value: Value, _: bool, targets: &[u32]) {
    let reg = put_extended(cx, value, false);
    rows::br_nz(cx, L, reg, Label(targets[0]), Label(targets[1]));
}
