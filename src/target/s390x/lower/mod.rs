//! Lowering of CLIF to s390x, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands`, `constant` | what rows take, constants |
//! | `mem`, `atomic` | loads, stores, addresses; atomic accesses and fences |
//! | `control`, `tls` | ends of blocks, the frame, thread-local addresses |
//! | `call` | calls, parameters, returns |

pub mod atomic;
pub mod call;
pub mod constant;
pub mod control;
pub mod mem;
pub mod operands;
pub mod tls;

use crate::ir::*;
use crate::mach::isa::Remaking;
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

/// Whether values of a type are supported.
pub fn supported(ty: Type) -> bool {
    !ty.is_vector() && !matches!(ty, types::F16 | types::F128)
}

/// Lowers an instruction that does not end a block.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Iconst | F32const | F64const | StackAddr | FuncAddr | SymbolValue => constant_in_register(cx, inst),
        Load | Uload8 | Sload8 | Uload16 | Sload16 | Uload32 | Sload32 => mem::load(cx, inst),
        Store | Istore8 | Istore16 | Istore32 => mem::store(cx, inst),
        AtomicRmw | AtomicCas | AtomicLoad | AtomicStore | Fence => atomic::lower(cx, inst),
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

/// A constant or address that was asked for in its own register.
fn constant_in_register(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    let result = cx.f.first_result(inst);
    if mem::remaking(cx.f, &cx.f.insts[inst]) == Remaking::No {
        return Err(cx.unsupported("this symbol is thread-local: use tls_value"));
    }
    let reg = cx.put(result);
    cx.define_as(result, reg);
    Ok(())
}
