//! Instructions on large vectors as instructions on their parts.

use super::parts::{PART_BITS, Parts, part_type};
use super::{Refusal, is_large};
use crate::analysis::Analysis;
use crate::diag::unexpected;
use crate::entity::Map;
use crate::ir::*;

/// How an instruction that has large vectors is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Method {
    /// By the same instruction on each part; operands that are not large vectors are the same for all.
    Each,
    /// A conversion: on each part if lanes keep their width, otherwise lane by lane.
    Convert,
    /// By a load or store of each part.
    Memory,
    /// By a constant for each part.
    Constant,
    /// By the same vector for all parts.
    Splat,
    /// The operand becomes lane 0 of the first part; the others are zero.
    First,
    /// By the same instruction on the part that has the lane.
    Lane,
    /// Tests of lanes: by tests of the parts, which are combined.
    Test,
    /// Each pair of parts, those of the first operand before those of the second, gives a part.
    Pairs,
    /// Each part of one half of the operand gives two parts.
    Widen,
    /// The list of arguments has the parts.
    List,
}

/// How to replace an instruction with this opcode; `None` if it can't be.
fn method(opcode: Opcode) -> Option<Method> {
    use Opcode::*;
    Some(match opcode {
        Smin | Umin | Smax | Umax | AvgRound | UaddSat | SaddSat | UsubSat | SsubSat | Select
        | SelectSpectreGuard | Bitselect | Blendv | Icmp | Fcmp | Iadd | Isub | Ineg | Iabs | Imul
        | Umulhi | Smulhi | SqmulRoundSat | X86Pmulhrsw | Band | Bor | Bxor | Bnot | Rotl | Rotr | Ishl
        | Ushr | Sshr | Popcnt | Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fneg | Fabs | Fcopysign | Fmin
        | Fmax | Ceil | Floor | Trunc | Nearest | Bitcast => Method::Each,
        FcvtToUintSat | FcvtToSintSat | X86Cvtt2dq | FcvtFromUint | FcvtFromSint => Method::Convert,
        Load | Store => Method::Memory,
        Vconst => Method::Constant,
        Splat => Method::Splat,
        ScalarToVector => Method::First,
        Insertlane | Extractlane => Method::Lane,
        VanyTrue | VallTrue | VhighBits => Method::Test,
        Snarrow | Unarrow | Uunarrow | IaddPairwise => Method::Pairs,
        SwidenLow | SwidenHigh | UwidenLow | UwidenHigh => Method::Widen,
        Call | CallIndirect | ReturnCall | ReturnCallIndirect | TryCall | TryCallIndirect | Return => {
            Method::List
        }
        _ => return None,
    })
}

/// Whether an operand or result of an instruction is a large vector.
fn concerns(stencil: &Stencil, inst: Inst) -> bool {
    let is_large = |value: Value| is_large(stencil.value_types[value]);
    let mut found = stencil.inst_results(inst).iter().any(|&result| is_large(Value(result)));
    stencil.visit_args(&stencil.insts[inst], |arg| found |= is_large(arg));
    found
}

/// Makes sure that all instructions can be replaced.
pub(super) fn check(stencil: &Stencil, analysis: &Analysis) -> Result<(), Refusal> {
    for &block in analysis.order.rpo() {
        for inst in stencil.block_insts(block) {
            let data = &stencil.insts[inst];
            let name = data.opcode.name();
            if concerns(stencil, inst) && method(data.opcode).is_none() {
                let message = format!("{name} on vectors of more than {PART_BITS} bits is not supported yet");
                return Err(Refusal { inst, message });
            }
            let mut has_large_context = false;
            stencil.visit_contexts(data, |value| has_large_context |= is_large(stencil.value_types[value]));
            if has_large_context {
                let message = format!("a context of more than {PART_BITS} bits is not supported yet");
                return Err(Refusal { inst, message });
            }
            // Unreachable blocks are removed.
            if data.opcode.format() == Format::HandlerAddr && !analysis.order.is_reachable(Block(data.a)) {
                return Err(Refusal { inst, message: format!("{name} of an unreachable block") });
            }
        }
    }
    Ok(())
}

/// The pass over a function that has large vectors.
pub(super) struct Large<'a, 'b> {
    pub(super) editor: &'a mut Editor<'b>,
    pub(super) parts: Parts,
    /// The types that the functions of a signature returned before.
    pub(super) returned: Map<SigRef, Vec<Type>>,
    pub(super) calls: Vec<BlockCallRef>,
}

impl<'a, 'b> Large<'a, 'b> {
    pub(super) fn new(editor: &'a mut Editor<'b>) -> Self {
        Large { editor, parts: Parts::default(), returned: Map::new(), calls: Vec::new() }
    }

    /// Replaces all large vectors. Unreachable blocks are removed.
    pub(super) fn run(mut self, analysis: &Analysis) {
        self.split_signatures();
        for n in 0..self.editor.stencil().layout.len() {
            let block = self.editor.stencil().layout[n];
            if analysis.order.is_reachable(block) {
                self.split_params(block);
            } else {
                self.editor.remove_block(block);
            }
        }
        for &block in analysis.order.rpo() {
            for inst in self.editor.stencil().block_insts(block) {
                if concerns(self.editor.stencil(), inst) || self.has_large_list(inst) {
                    self.replace(inst);
                }
            }
            self.split_branch_args(block);
        }
    }

    pub(super) fn is_large(&self, value: Value) -> bool {
        is_large(self.editor.stencil().value_types[value])
    }

    fn type_of(&self, value: Value) -> Type {
        self.editor.stencil().value_types[value]
    }

    fn replace(&mut self, inst: Inst) {
        let data = self.editor.stencil().insts[inst];
        let made = match method(data.opcode).expect("all instructions have been checked") {
            Method::List => return self.split_list(inst),
            Method::Each => self.each(inst, &data),
            Method::Convert if self.keeps_width(&data) => self.each(inst, &data),
            Method::Convert => self.convert_lanes(inst, &data),
            Method::Memory => self.memory(inst, &data),
            Method::Constant => self.constant(inst, &data),
            Method::Splat => self.splat(inst, &data),
            Method::First => self.first(inst, &data),
            Method::Lane => self.lane(inst, &data),
            Method::Test => self.test(inst, &data),
            Method::Pairs => self.pairs(inst, &data),
            Method::Widen => self.widen(inst, &data),
        };
        if let &[result] = self.editor.stencil().inst_results(inst) {
            let result = Value(result);
            match (self.is_large(result), &made[..]) {
                (true, _) => self.parts.set(result, made),
                (false, &[new]) => self.editor.replace_value(result, new),
                (false, _) => unreachable!("a scalar or small vector is one value"),
            }
        }
        self.editor.remove(inst);
    }

    fn each(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        // The controlling type is that of an operand or of the result, which have the same size.
        let count = (data.ty.bits() / PART_BITS) as usize;
        let data = InstData { ty: part_type(data.ty), ..*data };
        let part_of = |value, n| self.parts.of(value).get(n).copied().unwrap_or(value);
        let parts: Vec<InstData> =
            (0..count).map(|n| data.map_fixed_args(|value| part_of(value, n))).collect();
        self.editor.insert_before(inst, |b| parts.into_iter().map(|data| result_of(b, data)).collect())
    }

    fn keeps_width(&self, data: &InstData) -> bool {
        self.type_of(Value(data.a)).lane_bits() == data.ty.lane_bits()
    }

    fn memory(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let is_store = data.opcode == Opcode::Store;
        let stored = if is_store { self.parts.of(Value(data.a)).to_vec() } else { Vec::new() };
        let (address, offset) = data.address();
        let flags = self.editor.stencil().mem_flags[data.mem_flags()];
        let count = if is_store { stored.len() } else { (data.ty.bits() / PART_BITS) as usize };
        let ty = part_type(data.ty);
        self.editor.insert_before(inst, |b| {
            let bytes = (PART_BITS / 8) as i32;
            let last = offset.checked_add(bytes * (count as i32 - 1));
            let (address, offset) = match last {
                Some(_) => (address, offset),
                None => {
                    let ty = b.type_of(address);
                    let offset = b.iconst(ty, offset.into());
                    (b.op(Opcode::Iadd, &[address, offset]), 0)
                }
            };
            let offsets = (0..count as i32).map(|n| offset + bytes * n);
            if is_store {
                for (part, offset) in stored.into_iter().zip(offsets) {
                    b.store(Opcode::Store, flags, part, address, offset);
                }
                return Vec::new();
            }
            offsets.map(|offset| b.load(Opcode::Load, ty, flags, address, offset)).collect()
        })
    }

    fn constant(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let bytes = self.editor.stencil().constants[Constant(data.a)].clone().unwrap_or_default();
        let ty = part_type(data.ty);
        self.editor.insert_before(inst, |b| {
            let parts = bytes.chunks((PART_BITS / 8) as usize);
            parts.map(|part| vector_const(b, ty, part)).collect()
        })
    }

    fn splat(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let ty = part_type(data.ty);
        let part = self.editor.insert_before(inst, |b| b.typed_op(Opcode::Splat, ty, &[Value(data.a)]));
        vec![part; (data.ty.bits() / PART_BITS) as usize]
    }

    fn first(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let ty = part_type(data.ty);
        let count = (data.ty.bits() / PART_BITS) as usize;
        self.editor.insert_before(inst, |b| {
            let mut parts = vec![b.typed_op(Opcode::ScalarToVector, ty, &[Value(data.a)])];
            let zero = vector_const(b, ty, &[0; (PART_BITS / 8) as usize]);
            parts.resize(count, zero);
            parts
        })
    }

    fn lane(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let lanes = part_type(data.ty).lanes();
        let (at, lane) = (u32::from(data.aux) / lanes, u32::from(data.aux) % lanes);
        let mut parts = self.parts.of(Value(data.a)).to_vec();
        let part = parts[at as usize];
        let insert = data.opcode == Opcode::Insertlane;
        let operands = [part, Value(data.b)];
        let operands = if insert { &operands[..] } else { &operands[..1] };
        let made = self.editor.insert_before(inst, |b| b.lane_op(data.opcode, operands, lane as u8));
        if !insert {
            return vec![made];
        }
        parts[at as usize] = made;
        parts
    }

    fn test(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let parts = self.parts.of(Value(data.a)).to_vec();
        let lanes = part_type(self.type_of(Value(data.a))).lanes();
        let made = self.editor.insert_before(inst, |b| match data.opcode {
            Opcode::VanyTrue => {
                let joined = reduce(b, &parts, |b, x, y| b.op(Opcode::Bor, &[x, y]));
                b.op(Opcode::VanyTrue, &[joined])
            }
            Opcode::VallTrue => {
                let tests: Vec<Value> = parts.iter().map(|&part| b.op(Opcode::VallTrue, &[part])).collect();
                reduce(b, &tests, |b, x, y| b.op(Opcode::Band, &[x, y]))
            }
            Opcode::VhighBits => high_bits(b, data.ty, &parts, lanes),
            other => unexpected(other),
        });
        vec![made]
    }

    fn pairs(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let parts = [data.a, data.b].map(|word| self.parts.of(Value(word)).to_vec()).concat();
        self.editor.insert_before(inst, |b| parts.chunks(2).map(|pair| b.op(data.opcode, pair)).collect())
    }

    fn widen(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        use Opcode::*;
        let (both, is_high) = match data.opcode {
            SwidenLow => ([SwidenLow, SwidenHigh], false),
            SwidenHigh => ([SwidenLow, SwidenHigh], true),
            UwidenLow => ([UwidenLow, UwidenHigh], false),
            UwidenHigh => ([UwidenLow, UwidenHigh], true),
            other => unexpected(other),
        };
        let parts = self.parts.of(Value(data.a));
        let (low, high) = parts.split_at(parts.len() / 2);
        let chosen = if is_high { high.to_vec() } else { low.to_vec() };
        self.editor.insert_before(inst, |b| {
            chosen.iter().flat_map(|&part| both.map(|opcode| b.op(opcode, &[part]))).collect()
        })
    }

    /// Converts each lane as a scalar.
    fn convert_lanes(&mut self, inst: Inst, data: &InstData) -> Vec<Value> {
        let from = self.parts.or_whole(Value(data.a));
        let lanes = data.ty.lanes();
        let to = if is_large(data.ty) { part_type(data.ty) } else { data.ty };
        self.editor.insert_before(inst, |b| {
            let in_part = b.type_of(from[0]).lanes();
            let mut parts: Vec<Value> = Vec::new();
            for lane in 0..lanes {
                let part = from[(lane / in_part) as usize];
                let operand = b.lane_op(Opcode::Extractlane, &[part], (lane % in_part) as u8);
                let scalar = convert_lane(b, data.opcode, data.ty.lane(), operand);
                match (lane % to.lanes(), parts.last_mut()) {
                    (0, _) | (_, None) => parts.push(b.typed_op(Opcode::ScalarToVector, to, &[scalar])),
                    (at, Some(last)) => *last = b.lane_op(Opcode::Insertlane, &[*last, scalar], at as u8),
                }
            }
            parts
        })
    }
}

/// Converts a scalar. `x86_cvtt2dq` gives the lowest integer for what is too large and for a NaN.
fn convert_lane(b: &mut FunctionBuilder, opcode: Opcode, to: Type, operand: Value) -> Value {
    if opcode != Opcode::X86Cvtt2dq {
        return b.typed_op(opcode, to, &[operand]);
    }
    let from = b.type_of(operand);
    let saturated = b.typed_op(Opcode::FcvtToSintSat, to, &[operand]);
    let lowest = b.iconst(to, i64::MIN >> (64 - to.bits()));
    // A power of two, or infinity, which is the next f16 that is too large for an i32.
    let limit = FloatFormat::new(from.bits()).power_of_two(to.bits() - 1);
    let limit = b.float_const(from, limit as u64);
    let fits = b.fcmp(FloatCc::LessThan, operand, limit);
    b.op(Opcode::Select, &[fits, saturated, lowest])
}

/// Appends an instruction and returns its result.
fn result_of(b: &mut FunctionBuilder, data: InstData) -> Value {
    let inst = b.inst(data);
    b.stencil().first_result(inst)
}

/// The constant with these bytes.
fn vector_const(b: &mut FunctionBuilder, ty: Type, bytes: &[u8]) -> Value {
    let constant = b.constant(bytes);
    b.pool_const(ty, constant)
}

/// Combines all values, pair by pair.
fn reduce(
    b: &mut FunctionBuilder,
    values: &[Value],
    mut combine: impl FnMut(&mut FunctionBuilder, Value, Value) -> Value,
) -> Value {
    let mut values = values.to_vec();
    while values.len() > 1 {
        // There is a power of two of them.
        values = values.chunks(2).map(|pair| combine(b, pair[0], pair[1])).collect();
    }
    values[0]
}

/// The top bits of the parts' lanes, as far as the result has room for them.
fn high_bits(b: &mut FunctionBuilder, ty: Type, parts: &[Value], lanes: u32) -> Value {
    let mut all = None;
    for (amount, &part) in (0..ty.bits()).step_by(lanes as usize).zip(parts) {
        let bits = b.typed_op(Opcode::VhighBits, ty, &[part]);
        all = Some(match all {
            None => bits,
            Some(others) => {
                let amount = b.iconst(types::I32, amount.into());
                let placed = b.op(Opcode::Ishl, &[bits, amount]);
                b.op(Opcode::Bor, &[others, placed])
            }
        });
    }
    all.expect("a vector has parts")
}
