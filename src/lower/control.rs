//! Lowering of terminators and of instructions that access the frame: the part that all targets share.

use crate::ir::*;
use crate::lower::call::{CallLowering, system_convention};
use crate::lower::context::{Lower, Lowered, Unsupported};
use crate::machine::inst::{InstSink, RowId};
use crate::machine::reg::{Clobbered, Operand, PReg, RegClass, VBlock, VReg};
use crate::options::StackSwitchModel;

/// A target's pseudo-instructions for control flow and the frame.
pub struct ControlRows {
    /// A jump through a table; [`jump_table`] describes its words and operands.
    pub(crate) jump_table: RowId,
    /// Copies the stack pointer to the only operand.
    pub(crate) stack_pointer: RowId,
    /// Copies the frame pointer to the only operand.
    pub(crate) frame_pointer: RowId,
    /// Copies the return address to the only operand.
    pub(crate) return_address: RowId,
    /// Copies the pinned register to the only operand.
    pub(crate) pinned: RowId,
    /// Sets the pinned register to the only operand.
    pub(crate) set_pinned: RowId,
    /// Materialises the address of the label in the only word.
    pub(crate) label_address: RowId,
    /// Stops in a debugger.
    pub(crate) debug_trap: RowId,
}

/// How a target lowers control flow.
pub trait ControlLowering: CallLowering {
    /// Pseudo-instructions for control flow and the frame.
    const CONTROL_ROWS: ControlRows;

    /// Lowers a branch to the first of two blocks if `value` is nonzero, else to the second. `may_fold` says
    /// whether loads that the condition depends on may be folded into it.
    fn branch_on(cx: &mut Lower<'_, Self>, value: Value, may_fold: bool, successors: &[VBlock]);

    /// Whether a branch on both or either of two comparisons is better lowered as one branch than as two.
    fn one_branch(_: &Stencil, _: [Value; 2]) -> bool {
        false
    }

    /// Number of temporary registers that a jump through a table needs.
    const TABLE_TEMPORARIES: usize;

    /// Returns a register with a jump table's index, zero-extended from its type to at least 32 bits.
    fn table_index(cx: &mut Lower<'_, Self>, index: Value) -> VReg;

    /// Pushes a trap.
    fn trap(cx: &mut Lower<'_, Self>, code: TrapCode);

    /// The register that `stack_switch` passes its payload in: that of the first argument of C.
    const SWITCH_PAYLOAD: PReg;

    /// Pushes a switch of stacks: saves the context at the first address, goes on in that at the second, and
    /// passes the payload. `d` is what is passed when this stack goes on.
    fn switch_stacks(cx: &mut Lower<'_, Self>, clobbers: u32, d: VReg, operands: [VReg; 3]);

    /// Pushes `d` = a thread-local address.
    fn tls_address(cx: &mut Lower<'_, Self>, d: VReg, symbol: &ThreadLocal) -> Lowered;
}

/// A thread-local address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadLocal {
    /// The symbol.
    pub(crate) name: NameRef,
    /// Offset from the symbol, in bytes.
    pub(crate) offset: i32,
    /// Whether the symbol is defined in the same linked image.
    pub(crate) colocated: bool,
}

/// Lowers `jump`.
pub(crate) fn jump<I: ControlLowering>(cx: &mut Lower<'_, I>, _: Inst) -> Lowered {
    cx.jump(cx.successors()[0]);
    Ok(())
}

/// Lowers `brif`.
pub(crate) fn branch<I: ControlLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    I::branch_on(cx, Value(cx.f.insts[inst].a), true, cx.successors());
    Ok(())
}

/// Lowers `trap`.
pub(crate) fn trap<I: ControlLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    I::trap(cx, cx.f.insts[inst].trap_code());
    Ok(())
}

/// Lowers `br_table`, whose first successor is the default. The words of the row are the number of entries,
/// the default and the entries; the operands are temporaries and the index.
pub(crate) fn jump_table<I: ControlLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let successors = cx.successors();
    if let [default] = successors {
        cx.jump(*default);
        return Ok(());
    }
    let index = Value(cx.f.insts[inst].a);
    let index = I::table_index(cx, index);
    for _ in 0..I::TABLE_TEMPORARIES {
        let temporary = cx.tmp(RegClass::Int);
        cx.push_operand(Operand::reg_def_at_start(temporary));
    }
    cx.push_operand(Operand::reg_use(index));
    cx.push_word(successors.len() as u32 - 1);
    successors.iter().for_each(|&block| cx.push_block(block));
    cx.finish(I::CONTROL_ROWS.jump_table, 0, 0);
    Ok(())
}

/// Lowers instructions that access the stack, the frame, the pinned register or a thread-local address.
pub(crate) fn special<I: ControlLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let rows = I::CONTROL_ROWS;
    let row = match data.opcode {
        Opcode::Debugtrap => {
            cx.finish(rows.debug_trap, 0, 0);
            return Ok(());
        }
        Opcode::TlsValue => return tls_value(cx, inst),
        Opcode::SetPinnedReg => {
            check_pinned(cx)?;
            let a = cx.put(Value(data.a));
            cx.push_operand(Operand::reg_use(a));
            cx.finish(rows.set_pinned, 0, 0);
            return Ok(());
        }
        Opcode::GetPinnedReg => {
            check_pinned(cx)?;
            rows.pinned
        }
        Opcode::GetStackPointer => rows.stack_pointer,
        Opcode::GetFramePointer => {
            cx.needs_frame_pointer |= I::LINKED_BY_REGISTER;
            rows.frame_pointer
        }
        Opcode::GetReturnAddress => rows.return_address,
        Opcode::GetExceptionHandlerAddress => {
            let target = cx.handler_block(Block(data.a), data.b as usize);
            let target = target.ok_or_else(|| cx.unsupported("this block has no such handler"))?;
            cx.push_block(target);
            rows.label_address
        }
        _ => {
            let message = format!("{} is not supported yet on {}", data.opcode.name(), I::NAME);
            return Err(cx.unsupported(message));
        }
    };
    let d = cx.def(inst);
    cx.push_operand(Operand::reg_def(d));
    cx.finish(row, 0, 0);
    Ok(())
}

/// Lowers `stack_switch`. The other stack can change all registers but those that contexts have, and the
/// pinned register, which is not of a stack but of its thread.
pub(crate) fn stack_switch<I: ControlLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    if cx.flags.stack_switch_model() != StackSwitchModel::Basic {
        return Err(cx.unsupported("stack_switch needs the setting `stack_switch_model=basic`"));
    }
    let data = cx.f.insts[inst];
    let operands = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    let d = cx.def(inst);
    cx.calls = true;
    let mut clobbered = Clobbered::whole(system_convention::<I>().all);
    clobbered.all.remove(I::SWITCH_PAYLOAD);
    clobbered.all.remove(I::FRAME_POINTER);
    if cx.flags.enable_pinned_reg() {
        clobbered.all.remove(I::PINNED);
    }
    let clobbers = cx.vcode.clobber_set(clobbered);
    I::switch_stacks(cx, clobbers, d, operands);
    Ok(())
}

fn check_pinned<I: ControlLowering>(cx: &Lower<'_, I>) -> Lowered {
    match cx.flags.enable_pinned_reg() {
        true => Ok(()),
        false => Err(cx.unsupported("the pinned register needs the setting enable_pinned_reg")),
    }
}

/// Makes the error that a target does not support the TLS model of the settings.
pub(crate) fn unsupported_tls_model<I: ControlLowering>(cx: &Lower<'_, I>) -> Unsupported {
    let model = cx.flags.show("tls_model").expect("every target has this setting");
    cx.unsupported(format!("tls_value is not supported with tls_model={model} on {}", I::NAME))
}

fn tls_value<I: ControlLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let GlobalValueData::Symbol { name, offset, colocated, .. } = cx.f.global_values[GlobalValue(data.a)]
    else {
        return Err(cx.unsupported("tls_value needs a symbol"));
    };
    let offset = i32::try_from(offset)
        .map_err(|_| cx.unsupported("the offset from a thread-local symbol is too large"))?;
    let d = cx.def(inst);
    I::tls_address(cx, d, &ThreadLocal { name, offset, colocated })
}
