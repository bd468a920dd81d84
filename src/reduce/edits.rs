//! Simplifies functions as IR: branches become jumps or traps, instructions disappear, and results become
//! operands or zeros.

use std::ops::Range;

use super::{State, in_chunks};
use crate::entity::Entity;
use crate::ir::{
    Block, BlockArg, EditBuffers, Editor, Effects, Function, FunctionBuilder, Inst, InstData, Linkage,
    Opcode, Origins, Placement, Stencil, TrapCode, Type, Value, types,
};
use crate::parse::{self, FunctionText, ParseContext};

/// A change of an instruction.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// A terminator becomes a trap.
    Trap(Inst),
    /// A terminator becomes a jump to its destination of this number.
    Jump(Inst, usize),
    /// An instruction disappears if nothing uses its results.
    Remove(Inst),
    /// The results become the first operand of the same type.
    Operand(Inst),
    /// The results become zero.
    Zero(Inst),
}

/// Makes the changes of a kind for an instruction.
type Kind = fn(&Stencil, Inst) -> Vec<Edit>;

const KINDS: [Kind; 5] = [
    |stencil, inst| if is_terminator(stencil, inst) { vec![Edit::Trap(inst)] } else { Vec::new() },
    |stencil, inst| (0..destinations(stencil, inst).len()).map(|number| Edit::Jump(inst, number)).collect(),
    |stencil, inst| if is_terminator(stencil, inst) { Vec::new() } else { vec![Edit::Remove(inst)] },
    |stencil, inst| if has_results(stencil, inst) { vec![Edit::Operand(inst)] } else { Vec::new() },
    |stencil, inst| if has_results(stencil, inst) { vec![Edit::Zero(inst)] } else { Vec::new() },
];

fn is_terminator(stencil: &Stencil, inst: Inst) -> bool {
    stencil.insts[inst].opcode.info().effects.has(Effects::TERMINATOR)
}

fn has_results(stencil: &Stencil, inst: Inst) -> bool {
    !is_terminator(stencil, inst) && !stencil.inst_results(inst).is_empty()
}

/// The destinations of a terminator that is not a jump, with their arguments; none if an argument is known to
/// the terminator only.
fn destinations(stencil: &Stencil, inst: Inst) -> Vec<(Block, Vec<Value>)> {
    let data = &stencil.insts[inst];
    let mut all = Vec::new();
    if data.opcode == Opcode::Jump {
        return all;
    }
    stencil.visit_block_calls(data, |call| {
        let call = &stencil.block_calls[call];
        let args = stencil.pool.get(call.args).iter().map(|&word| match BlockArg::unpack(word) {
            BlockArg::Value(value) => Some(value),
            BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => None,
        });
        if let Some(args) = args.collect::<Option<Vec<_>>>() {
            all.push((call.block, args));
        }
    });
    all
}

/// Simplifies each function of the file.
pub(super) fn simplify(state: &mut State<'_>) {
    let count = parse::split(&state.text, &mut Vec::new()).functions.len();
    for number in (0..count).rev() {
        for kind in KINDS {
            let edits = |state: &State<'_>| {
                let (_, function) = read(&state.text, number)?;
                let stencil = &function.stencil;
                // The last instructions first, since they use the others.
                let insts = stencil.layout.iter().rev().flat_map(|&block| stencil.block_insts(block).rev());
                let edits: Vec<Edit> = insts.flat_map(|inst| kind(stencil, inst)).collect();
                Some((function, edits))
            };
            in_chunks(
                state,
                |state| edits(state).map_or(0, |(_, edits)| edits.len()),
                |state, range: Range<usize>| {
                    let Some((function, edits)) = edits(state) else { return false };
                    let candidate = apply(&state.text, number, function, &edits[range]);
                    candidate.is_some_and(|candidate| state.take(candidate))
                },
            );
        }
    }
}

/// Parses a function of a file.
fn read(text: &[u8], number: usize) -> Option<(FunctionText, Function)> {
    let item = parse::split(text, &mut Vec::new()).functions.get(number)?.clone();
    let mut function = Function::default();
    let bytes = &text[item.text.clone()];
    parse::function(bytes, item.text.start, &mut ParseContext::new(), &mut function).ok()?;
    Some((item, function))
}

/// Changes a function, and returns the file with it.
fn apply(text: &[u8], number: usize, mut function: Function, edits: &[Edit]) -> Option<Vec<u8>> {
    let (item, _) = read(text, number)?;
    let mut buffers = EditBuffers::default();
    let mut editor = Editor::new(&mut function, &mut buffers);
    let mut uses = uses(editor.stencil());
    for edit in edits {
        change(&mut editor, *edit, &mut uses);
    }
    editor.finish(&mut Origins::default());
    remove_unreachable(&mut function, &mut buffers);
    let placement = Placement { linkage: Linkage::Export, ..item.placement() };
    let printed = function.placed(placement).to_string();
    Some([&text[..item.text.start], printed.trim_end().as_bytes(), &text[item.text.end..]].concat())
}

/// How often each value is used.
fn uses(stencil: &Stencil) -> Vec<usize> {
    let mut uses = vec![0; stencil.value_types.len()];
    for &block in stencil.layout.iter() {
        for inst in stencil.block_insts(block) {
            visit_uses(stencil, &stencil.insts[inst], |value| uses[value.index()] += 1);
        }
    }
    uses
}

/// Visits the operands of an instruction and the arguments of its destinations.
fn visit_uses(stencil: &Stencil, data: &InstData, mut visit: impl FnMut(Value)) {
    stencil.visit_args(data, &mut visit);
    stencil.visit_block_calls(data, |call| {
        for &word in stencil.pool.get(stencil.block_calls[call].args) {
            if let BlockArg::Value(value) = BlockArg::unpack(word) {
                visit(value);
            }
        }
    });
}

/// Makes one change, if it is possible after those before it.
fn change(editor: &mut Editor<'_>, edit: Edit, uses: &mut [usize]) {
    match edit {
        Edit::Trap(inst) => {
            end_block(editor, inst, |builder| builder.trap(TrapCode(1)));
        }
        Edit::Jump(inst, number) => {
            let Some((block, args)) = destinations(editor.stencil(), inst).into_iter().nth(number) else {
                return;
            };
            end_block(editor, inst, |builder| builder.jump(block, &args));
        }
        Edit::Remove(inst) => {
            let stencil = editor.stencil();
            if stencil.inst_results(inst).iter().any(|&result| uses[result as usize] > 0) {
                return;
            }
            stencil.visit_args(&stencil.insts[inst], |value| uses[value.index()] -= 1);
            editor.remove(inst);
        }
        Edit::Operand(inst) => use_operands(editor, inst),
        Edit::Zero(inst) => use_zeros(editor, inst),
    }
}

/// Replaces the results of an instruction by its first operands of their types, if it has such.
fn use_operands(editor: &mut Editor<'_>, inst: Inst) {
    let stencil = editor.stencil();
    let mut operands = Vec::new();
    stencil.visit_args(&stencil.insts[inst], |value| operands.push(value));
    let results: Vec<Value> = stencil.inst_results(inst).iter().map(|&result| Value(result)).collect();
    let same = |result: &Value| {
        let ty = stencil.value_types[*result];
        operands.iter().copied().find(|operand| stencil.value_types[*operand] == ty)
    };
    let Some(replacements) = results.iter().map(same).collect::<Option<Vec<_>>>() else { return };
    results.iter().zip(replacements).for_each(|(&old, new)| editor.replace_value(old, new));
    editor.remove(inst);
}

/// Replaces the results of an instruction by zeros.
fn use_zeros(editor: &mut Editor<'_>, inst: Inst) {
    if is_zero(editor.stencil(), inst) {
        return;
    }
    let results = editor.stencil().inst_results(inst).iter().map(|&result| Value(result));
    let results: Vec<Value> = results.collect();
    for result in results {
        let ty = editor.stencil().value_types[result];
        let zero = editor.insert_before(inst, |builder| zero(builder, ty));
        editor.replace_value(result, zero);
    }
    editor.remove(inst);
}

/// Makes a zero.
fn zero(builder: &mut FunctionBuilder<'_>, ty: Type) -> Value {
    match ty {
        types::I128 => {
            let low = builder.iconst(types::I64, 0);
            builder.typed_op(Opcode::Uextend, ty, &[low])
        }
        types::F16 | types::F32 | types::F64 => builder.float_const(ty, 0),
        ty if ty.is_int() => builder.iconst(ty, 0),
        ty => {
            let constant = builder.add_constant(vec![0; ty.bytes() as usize].into());
            builder.pool_const(ty, constant)
        }
    }
}

/// Whether an instruction is a constant that [`zero`] would make or that is as good.
fn is_zero(stencil: &Stencil, inst: Inst) -> bool {
    let data = &stencil.insts[inst];
    match data.opcode {
        Opcode::Iconst => data.imm64() == 0,
        Opcode::F16const | Opcode::F32const | Opcode::F64const | Opcode::F128const | Opcode::Vconst => true,
        Opcode::Uextend => data.ty == types::I128,
        _ => false,
    }
}

/// Replaces a terminator.
fn end_block(editor: &mut Editor<'_>, old: Inst, make: impl FnOnce(&mut FunctionBuilder<'_>) -> Inst) {
    editor.insert_before(old, make);
    editor.remove(old);
}

/// Removes the blocks that can't be reached.
fn remove_unreachable(function: &mut Function, buffers: &mut EditBuffers) {
    let mut editor = Editor::new(function, buffers);
    let stencil = editor.stencil();
    let mut reached = vec![false; stencil.blocks.len()];
    let mut stack: Vec<Block> = stencil.layout.first().copied().into_iter().collect();
    while let Some(block) = stack.pop() {
        if std::mem::replace(&mut reached[block.index()], true) {
            continue;
        }
        if let Some(end) = stencil.terminator(block) {
            stencil
                .visit_block_calls(&stencil.insts[end], |call| stack.push(stencil.block_calls[call].block));
        }
    }
    let gone = stencil.layout.iter().copied().filter(|block| !reached[block.index()]);
    let gone: Vec<Block> = gone.collect();
    gone.into_iter().for_each(|block| editor.remove_block(block));
    editor.finish(&mut Origins::default());
}
