//! Computes the low half of an i128 alone, where nobody needs the high one.
//!
//! A front end multiplies and adds in 128 bits, and then stores 64. The low half of a sum, a product and the
//! like depends on the low halves of the operands only, so that such a computation can be one of 64 bits:
//!
//! ```text
//!     v3 = imul.i128 v1, v2             v10 = imul.i64 low(v1), low(v2)
//!     v4 = isub.i128 v0, v3             v11 = isub.i64 low(v0), v10
//!     v5 = ireduce.i64 v4               v5 is v11
//! ```
//!
//! The search goes backwards: a high half is needed if it is an operand of anything but a reduction or one of
//! these operations, or of one of these whose own high half is needed. Whatever remains is computed from low
//! halves, which cost nothing: they are a register of a pair, or what was extended.

use super::finish;
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::types::{I64, I128};
use crate::ir::*;

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct Narrow {
    /// The operations of 128 bits that can be narrowed, in the order of execution.
    operations: Vec<Inst>,
    /// Whether the high half of a value is needed.
    needed: Map<Value, bool>,
    /// Needed values whose definitions are still to be looked at.
    pending: Vec<Value>,
    /// The low halves that are values.
    low: Map<Value, Option<Value>>,
}

impl Narrow {
    /// Runs the pass on a function, whose blocks stay as they are. Returns whether the function changed.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) -> bool {
        let stencil = &func.stencil;
        self.operations.clear();
        for &block in analysis.order.rpo() {
            let narrows = |&inst: &Inst| is_narrowed(&stencil.insts[inst]);
            self.operations.extend(stencil.block_insts(block).filter(narrows));
        }
        if self.operations.is_empty() {
            return false;
        }
        self.find_needed(stencil, analysis);
        self.operations.retain(|&inst| !self.needed[stencil.first_result(inst)]);
        if self.operations.is_empty() {
            return false;
        }
        self.low.clear();
        self.low.resize(stencil.value_types.len(), None);
        finish(func, buffers, origins, |editor| {
            for n in 0..self.operations.len() {
                self.narrow(editor, self.operations[n]);
            }
            for &block in analysis.order.rpo() {
                editor.stencil().block_insts(block).for_each(|inst| self.reduce(editor, inst));
            }
        })
    }

    fn find_needed(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.needed.clear();
        self.needed.resize(stencil.value_types.len(), false);
        for &block in analysis.order.rpo() {
            for inst in stencil.block_insts(block) {
                let data = &stencil.insts[inst];
                if !is_narrowed(data) && data.opcode != Opcode::Ireduce {
                    stencil.visit_values(data, |value| self.need(value));
                }
            }
        }
        while let Some(value) = self.pending.pop() {
            if let ValueDef::Result(inst, _) = stencil.value_defs[value].get()
                && is_narrowed(&stencil.insts[inst])
            {
                stencil.visit_values(&stencil.insts[inst], |operand| self.need(operand));
            }
        }
    }

    fn need(&mut self, value: Value) {
        if !std::mem::replace(&mut self.needed[value], true) {
            self.pending.push(value);
        }
    }

    /// Computes the low half of an operation's result.
    fn narrow(&mut self, editor: &mut Editor, inst: Inst) {
        let data = editor.stencil().insts[inst];
        let operands = [data.a, data.b];
        let operands = &operands[..data.fixed_args()];
        let low: Vec<Value> = operands.iter().map(|&word| self.low_half(editor, inst, Value(word))).collect();
        let result = editor.stencil().first_result(inst);
        self.low[result] = Some(editor.insert_before(inst, |builder| builder.op(data.opcode, &low)));
    }

    /// The low half of a value, for use at an instruction.
    fn low_half(&mut self, editor: &mut Editor, at: Inst, value: Value) -> Value {
        if let Some(low) = self.low[value] {
            return low;
        }
        if let ValueDef::Result(inst, _) = editor.stencil().value_defs[value].get() {
            let data = editor.stencil().insts[inst];
            let is_low = match data.opcode {
                Opcode::Uextend | Opcode::Sextend => editor.stencil().value_types[Value(data.a)] == I64,
                Opcode::Iconcat => true,
                _ => false,
            };
            if is_low {
                return Value(data.a);
            }
        }
        editor.insert_before(at, |builder| builder.typed_op(Opcode::Ireduce, I64, &[value]))
    }

    /// Lets a reduction take a low half.
    fn reduce(&mut self, editor: &mut Editor, inst: Inst) {
        let data = editor.stencil().insts[inst];
        if data.opcode != Opcode::Ireduce {
            return;
        }
        let Some(low) = self.low[Value(data.a)] else { return };
        if data.ty == I64 {
            let result = editor.stencil().first_result(inst);
            editor.replace_value(result, low);
            editor.remove(inst);
        } else {
            editor.rewrite(inst, InstData { a: low.0, ..data });
        }
    }
}

/// Whether this is an operation of 128 bits whose low half depends on low halves only.
fn is_narrowed(data: &InstData) -> bool {
    use Opcode::*;
    data.ty == I128 && matches!(data.opcode, Iadd | Isub | Imul | Ineg | Band | Bor | Bxor | Bnot)
}
