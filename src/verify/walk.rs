//! Walks over blocks and instructions, and checks structure, types by the opcode table, definitions and uses.

use super::body::{Body, NO_BLOCK};
use super::{Check, Location, Scratch, Shown, advice, calls, operands};
use crate::entity::Entity;
use crate::ir::opcode::{OpInfo, sets};
use crate::ir::types::INVALID;
use crate::ir::{
    Block, CtrlFrom, DebugTag, Effects, Format, Inst, InstData, Opcode, PackedDef, Rule, Type, TypeSet, Value,
};

/// Checks the body of a function.
pub(super) fn check(mut check: Check<'_>, scratch: &mut Scratch) {
    if !structure(&mut check, &mut scratch.inst_blocks) {
        return;
    }
    entry(&mut check);
    let stencil = check.stencil;
    let mut body = Body {
        check,
        inst_blocks: &scratch.inst_blocks,
        at: Inst(0),
        block: Block(0),
        block_start: Inst(0),
        reachable: false,
    };
    for &block in &stencil.layout {
        body.block = block;
        body.block_start = Inst(stencil.blocks[block].start);
        body.reachable = body.check.analysis.order.is_reachable(block);
        body.params(block);
        for inst in stencil.block_insts(block) {
            body.at = inst;
            body.inst(&stencil.insts[inst]);
        }
    }
    body.annotations();
}

/// Checks that each block is a non-empty run of instructions whose only terminator is the last one, and
/// records the block of each instruction. Returns false after an error: the other checks rely on this.
fn structure(check: &mut Check<'_>, inst_blocks: &mut Vec<Block>) -> bool {
    let stencil = check.stencil;
    if stencil.layout.is_empty() {
        check.report(Location::Function, "the function has no blocks");
        return false;
    }
    inst_blocks.clear();
    for &block in &stencil.layout {
        let data = &stencil.blocks[block];
        let (start, end) = (data.start as usize, data.end as usize);
        if start >= end {
            check.report(Location::Block(block), format!("{block} cannot be empty"));
            check.show(Shown {
                location: Location::Block(block),
                message: format!("{block} is empty, but a block ends with a jump, a return or a trap"),
                operand: None,
                related: None,
            });
            return false;
        }
        if start < inst_blocks.len() || end > stencil.insts.len() || !data.defined {
            check.report(Location::Block(block), format!("{block} is out of place in the layout"));
            return false;
        }
        // Numbers between blocks belong to instructions that were removed.
        inst_blocks.resize(start, NO_BLOCK);
        inst_blocks.resize(end, block);
        for inst in stencil.block_insts(block) {
            let opcode = stencil.insts[inst].opcode;
            let is_last = inst.index() + 1 == end;
            if opcode.effects().has(Effects::TERMINATOR) == is_last {
                continue;
            }
            match is_last {
                true => {
                    let message = format!(
                        "{block} does not end in a terminator: its last instruction is {}",
                        opcode.name()
                    );
                    check.report(Location::Block(block), message);
                    let name = opcode.name();
                    let message = format!(
                        "{block} ends with {name}, but a block ends with a jump, a return or a trap: `jump \
                         block1` goes on with the next one"
                    );
                    let location = Location::Inst(inst);
                    check.show(Shown { location, message, operand: None, related: None });
                }
                false => {
                    let name = opcode.name();
                    let message =
                        format!("a terminator instruction was encountered before the end of {block}: {name}");
                    check.report(Location::Inst(inst), message);
                    let message = format!("nothing is executed behind {name}: begin a block here");
                    let location = Location::Inst(Inst::new(inst.index() + 1));
                    let related = Some((Location::Inst(inst), "the block ends here"));
                    check.show(Shown { location, message, operand: None, related });
                }
            }
            return false;
        }
    }
    true
}

/// Checks the entry block's parameters against the signature. Branches to it are reported at the branches.
fn entry(check: &mut Check<'_>) {
    let stencil = check.stencil;
    let block = stencil.layout[0];
    let at = Location::Block(block);
    let params = stencil.block_params(block);
    let expected = &stencil.signature.params;
    if params.len() != expected.len() {
        let (got, expected) = (params.len(), expected.len());
        let message = format!("entry block parameters ({got}) must match function signature ({expected})");
        check.report(at, message);
        let has = advice::count(got, "parameter");
        let message = format!(
            "the first block has {has}, but the function has {expected}: the parameters of the function are \
             those of its first block"
        );
        let related = Some((Location::Function, "the function"));
        check.show(Shown { location: at, message, operand: None, related });
    } else {
        for (i, (&param, expected)) in params.iter().zip(expected).enumerate() {
            let ty = check.stencil.value_types[Value(param)];
            if ty != expected.ty {
                let expected = expected.ty;
                let message = format!("entry block parameter {i} expected to have type {expected}, got {ty}");
                check.report(at, message);
                let message = format!(
                    "parameter {i} of the first block has type {ty}, but that of the function has {expected}"
                );
                let related = Some((Location::Function, "the function"));
                check.show(Shown { location: at, message, operand: None, related });
            }
        }
    }
    if stencil.blocks[block].cold {
        check.report(at, "entry block cannot be marked as cold");
    }
}

impl Body<'_> {
    /// Checks that the parameters of a block are defined by it and have types.
    fn params(&mut self, block: Block) {
        let stencil = self.check.stencil;
        for (n, &param) in stencil.block_params(block).iter().enumerate() {
            let value = Value(param);
            if stencil.value_defs.get(value) != Some(&PackedDef::param(block, n as u32)) {
                self.check.report(Location::Block(block), format!("parameter {value} is defined elsewhere"));
            } else if self.type_of(value).lane_bits() == 0 {
                self.check.report(Location::Block(block), format!("parameter {value} has no type"));
            }
        }
    }

    /// Checks the current instruction.
    fn inst(&mut self, data: &InstData) {
        let info = data.opcode.info();
        let has_type = match info.ctrl {
            CtrlFrom::None => data.ty == INVALID,
            _ => info.ctrl_set.contains(data.ty),
        };
        if !has_type {
            return self.wrong_type(data, info);
        }
        self.args(data, info);
        match info.format {
            Format::Call | Format::CallIndirect | Format::TryCall | Format::TryCallIndirect => {
                calls::call(self, data);
            }
            _ => {
                self.results(data, info);
                operands::check(self, data, info);
            }
        }
    }

    /// Checks the types of the operands that the opcode's row has rules for.
    #[inline]
    fn args(&mut self, data: &InstData, info: &OpInfo) {
        let words = [data.a, data.b, data.c];
        let args = match data.list() {
            Some(list) => self.check.stencil.pool.get(list),
            None => &words,
        };
        for (i, (&rule, &word)) in info.args.iter().zip(args).enumerate() {
            let value = Value(word);
            if self.use_value(value) {
                let ty = self.check.stencil.value_types[value];
                if !rule.allows(data.ty, ty) {
                    self.wrong_arg(data, i, value, rule);
                }
            }
        }
    }

    /// Checks the number, definitions and types of the results.
    #[inline]
    fn results(&mut self, data: &InstData, info: &OpInfo) {
        let results = self.check.stencil.inst_results(self.at);
        if results.len() != info.results.len() {
            return self.wrong_count(results.len(), info.results.len());
        }
        for (n, (&result, &rule)) in results.iter().zip(info.results).enumerate() {
            let value = Value(result);
            if self.defined_here(value, n) && !rule.allows(data.ty, self.type_of(value)) {
                self.wrong_result(n, value, &describe(rule, data.ty));
            }
        }
    }

    /// Checks debug tags and stack maps, which few instructions have.
    fn annotations(&mut self) {
        let stencil = self.check.stencil;
        let slot_bytes = |slot| {
            let data = stencil.stack_slots.get(slot).filter(|data| data.defined);
            data.map(|data| u64::from(data.size))
        };
        for (inst, tags) in &stencil.debug_tags {
            self.at = *inst;
            let opcode = stencil.insts[*inst].opcode;
            if opcode != Opcode::SequencePoint && !opcode.effects().has(Effects::CALL) {
                self.report("debug tags present on non-call, non-sequence point instruction");
            }
            for tag in tags {
                if let DebugTag::StackSlot(slot) = *tag
                    && slot_bytes(slot).is_none()
                {
                    self.report(format!("invalid stack slot {slot}"));
                }
            }
        }
        for (inst, entries) in &stencil.stack_maps {
            self.at = *inst;
            if !stencil.insts[*inst].opcode.effects().has(Effects::CALL) {
                self.report("stack map present on non-call instruction");
            }
            for entry in entries {
                let end = u64::from(entry.offset) + u64::from(entry.ty.bytes());
                match slot_bytes(entry.slot) {
                    None => self.report(format!("invalid stack slot {}", entry.slot)),
                    Some(size) if end > size => {
                        let (ty, slot, offset) = (entry.ty, entry.slot, entry.offset);
                        self.report(format!(
                            "stack map entry {ty} @ {slot}+{offset} is out of bounds: {slot} has {size} bytes"
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
    }

    #[cold]
    fn wrong_type(&mut self, data: &InstData, info: &OpInfo) {
        self.report(match info.ctrl {
            CtrlFrom::None => format!("{} takes no type", info.name),
            _ => {
                let set = describe_set(info.ctrl_set);
                format!("{} has an invalid controlling type {}: it takes {set}", info.name, data.ty)
            }
        });
    }

    #[cold]
    fn wrong_arg(&mut self, data: &InstData, i: usize, value: Value, rule: Rule) {
        let ty = self.type_of(value);
        let expected = describe(rule, data.ty);
        let name = data.opcode.name();
        let dot = if data.ty == INVALID { String::new() } else { format!(".{}", data.ty) };
        let convert = match (rule, rule.resolve(data.ty)) {
            (_, Some(wanted)) => advice::conversion(ty, wanted),
            (Rule::NarrowerInt | Rule::WiderInt, _) if ty.is_int() => advice::conversion(ty, data.ty),
            (Rule::NarrowerFloat | Rule::WiderFloat, _) if ty.is_float() => advice::conversion(ty, data.ty),
            _ => String::new(),
        };
        let wanted = match (rule, self.check.env.pointer) {
            (Rule::In(sets::INT_32_64), Some(pointer)) => format!("{pointer}, as addresses have"),
            _ => expected.clone(),
        };
        let shown = format!("this operand of {name}{dot} has type {ty}, but must have {wanted}{convert}");
        self.report(match rule.resolve(data.ty) {
            Some(_) => format!("arg {i} ({value}) has type {ty}, expected {expected} for {name}{dot}"),
            None => format!(
                "arg {i} ({value}) with type {ty} failed to satisfy type set of {name}{dot}: {expected}"
            ),
        });
        self.say(Some(value), shown);
    }
}

/// Describes a rule in words.
fn describe(rule: Rule, ctrl: Type) -> String {
    match rule {
        Rule::In(set) => describe_set(set),
        Rule::NarrowerInt => format!("an integer narrower than {ctrl}"),
        Rule::WiderInt => format!("an integer wider than {ctrl}"),
        Rule::NarrowerFloat => format!("a float narrower than {ctrl}"),
        Rule::WiderFloat => format!("a float wider than {ctrl}"),
        _ => rule.resolve(ctrl).map_or_else(|| "a type that does not exist".to_string(), |ty| ty.to_string()),
    }
}

/// Describes a set of types in words.
fn describe_set(set: TypeSet) -> String {
    let lanes = (0..16).map(Type).filter(|ty| set.lanes >> ty.0 & 1 != 0);
    let lanes: Vec<String> = lanes.map(|ty| ty.to_string()).collect();
    let shapes = [("scalar", 1u16), ("vector", 0x1fe), ("dynamic vector", 0xfe00)];
    let shapes = shapes.iter().filter(|(_, counts)| set.counts & counts != 0).map(|(name, _)| *name);
    format!("{} ({})", lanes.join(", "), shapes.collect::<Vec<_>>().join(", "))
}
