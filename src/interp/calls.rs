//! Calls, returns, tail calls and exceptions.
//!
//! A frame lies in the stack as on a machine: the return address and above it nothing of the callee's; the
//! caller's frame pointer, to which the callee's points; then copies of structure arguments, and the slots.

use super::imports::{Import, Reaction};
use super::machine::{Frame, Machine, Next, Why};
use super::memory::{STACK_BYTES, STACK_TOP};
use super::program::Symbol;
use crate::eval::Value;
use crate::ir::{
    AbiParam, Effects, Endianness, ExceptionTable, Format, FuncRef, GlobalValue, GlobalValueData, Handler,
    Inst, InstData, Purpose, Signature, Stencil, TrapCode, types,
};

/// The most values of all frames: as many as take a few hundred megabytes.
const MOST_VALUES: usize = 1 << 22;

/// Bytes for the return address and the caller's frame pointer.
const RECORD: u64 = 16;

const OVERFLOW: Why = Why::Trap(TrapCode::STACK_OVERFLOW);

/// A structure among the arguments of a call.
pub(super) struct Structure {
    /// The number of the argument.
    index: usize,
    bytes: Vec<u8>,
}

fn fits(signature: &Signature, args: &[Value]) -> bool {
    let (types, got) = (signature.params.iter().map(|param| param.ty), args.iter().map(Value::ty));
    let count =
        args.len() == signature.params.len() || args.len() > signature.params.len() && signature.variadic;
    count && types.zip(got).all(|(ty, got)| ty == got)
}

impl Machine<'_> {
    /// The bytes of the structures among arguments, which a callee gets copies of: of none but those that
    /// its own signature names. They may lie in the frame that a tail call leaves.
    /// Behind its parameters, they are those that the signature of the call names.
    pub(super) fn structures(
        &self,
        function: usize,
        args: &[Value],
        caller: Option<(&Stencil, &Signature)>,
    ) -> Result<Vec<Structure>, Why> {
        let stencil = &self.program.functions[function].function.stencil;
        let mut structures = Vec::new();
        let own = stencil.signature.params.iter().map(|param| (stencil, param));
        let further = caller.into_iter().flat_map(|(stencil, signature)| {
            let further = signature.params.iter().map(move |param| (stencil, param));
            further.skip(own.len())
        });
        for (index, ((stencil, param), arg)) in own.clone().chain(further).zip(args).enumerate() {
            if let Some(size) = param.structure_size(stencil, self.most_aligned()) {
                let bytes = self.structure_at(arg.bits() as u64, size)?;
                structures.push(Structure { index, bytes });
            }
        }
        Ok(structures)
    }

    fn structure_at(&self, address: u64, size: u64) -> Result<Vec<u8>, Why> {
        if size == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.memory.read(address, size).map(<[u8]>::to_vec);
        bytes.ok_or_else(|| Why::Error(format!("no structure of {size} bytes at {address:#x}")))
    }

    /// The greatest alignment of values in structures: that of the targets with this byte order.
    fn most_aligned(&self) -> u32 {
        match self.memory.order {
            Endianness::Little => 16,
            Endianness::Big => 8,
        }
    }

    /// Begins to execute a function, above the frames there are.
    pub(super) fn enter(
        &mut self,
        function: usize,
        args: &[Value],
        structures: Vec<Structure>,
    ) -> Result<(), Why> {
        let code = &self.program.functions[function];
        let stencil = &code.function.stencil;
        let Some(&entry) = stencil.layout.first() else {
            return Err(Why::Error("a function without blocks".into()));
        };
        if !fits(&stencil.signature, args) {
            let name = &code.function.params.name;
            return Err(Why::Error(format!(
                "`{name}` is called with arguments of other types than it takes"
            )));
        }
        let values = self.values.len();
        if values + stencil.value_types.len() > MOST_VALUES {
            return Err(OVERFLOW);
        }
        let caller = self.frames.last();
        let caller_stack_pointer = caller.map_or(STACK_TOP, |frame| frame.stack_pointer);
        let record = [caller.map_or(0, |frame| frame.frame_pointer), self.address_behind_call()];
        let frame_pointer = self.lowered(caller_stack_pointer, RECORD, 16)?;
        self.values.resize(values + stencil.value_types.len(), Value::scalar(types::I8, 0));
        for (&param, arg) in stencil.block_params(entry).iter().zip(args) {
            self.values[values + param as usize] = arg.clone();
        }
        let mut stack_pointer = frame_pointer;
        let params = stencil.block_params(entry);
        let mut further = args.get(params.len()..).unwrap_or_default().to_vec();
        for Structure { index, bytes } in structures {
            stack_pointer = self.push(stack_pointer, &bytes)?;
            let address = Value::scalar(types::I64, u128::from(stack_pointer));
            match params.get(index) {
                Some(&value) => self.values[values + value as usize] = address,
                None => further[index - params.len()] = address,
            }
        }
        stack_pointer = self.push(stack_pointer, &self.argument_bytes(&further))?;
        let further_arguments = stack_pointer;
        stack_pointer = self.lowered(stack_pointer, code.slots.size, code.slots.align)?;
        self.memory.stack_pointer = stack_pointer;
        if let Some(slots) = self.memory.write(stack_pointer, code.slots.size) {
            slots.fill(0);
        }
        for (word, at) in record.into_iter().zip([frame_pointer, frame_pointer + 8]) {
            self.memory.write_word(at, word);
        }
        let inst = Inst(stencil.blocks[entry].start);
        self.frames.push(Frame {
            function,
            inst,
            values,
            stack_pointer,
            frame_pointer,
            caller_stack_pointer,
            further_arguments,
        });
        self.trace_entry();
        match code.needs_stack {
            true => self.check_stack_limit(stencil),
            false => Ok(()),
        }
    }

    /// Puts bytes below an address of the stack.
    fn push(&mut self, below: u64, bytes: &[u8]) -> Result<u64, Why> {
        let at = self.lowered(below, bytes.len() as u64, 16)?;
        self.memory.stack_pointer = at;
        if let Some(to) = self.memory.write(at, bytes.len() as u64) {
            to.copy_from_slice(bytes);
        }
        Ok(at)
    }

    /// The address that many bytes below another, aligned.
    fn lowered(&self, from: u64, bytes: u64, align: u64) -> Result<u64, Why> {
        let to = from.checked_sub(bytes).map(|to| to & !(align - 1));
        to.filter(|&to| to >= STACK_TOP - STACK_BYTES).ok_or(OVERFLOW)
    }

    /// Traps if the frame reaches below the function's stack limit.
    fn check_stack_limit(&mut self, stencil: &Stencil) -> Result<(), Why> {
        let Some(limit) = stencil.stack_limit else { return Ok(()) };
        match self.frame().stack_pointer < self.global(stencil, limit)? {
            true => Err(OVERFLOW),
            false => Ok(()),
        }
    }

    /// The value of a global value. One refers only to those before it, which the verifier sees to.
    fn global(&self, stencil: &Stencil, mut global: GlobalValue) -> Result<u64, Why> {
        // What is done to the value found, innermost last.
        let mut steps = Vec::new();
        let mut value = loop {
            match stencil.global_values[global] {
                GlobalValueData::Load { base, .. } | GlobalValueData::IaddImm { base, .. } => {
                    steps.push(global);
                    global = base;
                }
                GlobalValueData::VmContext => break self.context(stencil),
                GlobalValueData::Symbol { name, offset, .. } => {
                    let symbol = self.program.symbol(self.frame().function, name);
                    break self.program.address(symbol).unwrap_or(0).wrapping_add_signed(offset);
                }
                GlobalValueData::DynScale(_) => break 1,
                GlobalValueData::Undefined => return Err(Why::Error(format!("{global} is not declared"))),
            }
        };
        for global in steps.into_iter().rev() {
            match stencil.global_values[global] {
                GlobalValueData::IaddImm { offset, .. } => value = value.wrapping_add_signed(offset),
                GlobalValueData::Load { offset, ty, .. } => {
                    let address = value.wrapping_add_signed(i64::from(offset));
                    let bytes = self.memory.read(address, u64::from(ty.bytes()));
                    let bytes =
                        bytes.ok_or_else(|| Why::Error(format!("{global} is loaded from {address:#x}")))?;
                    value = Value::from_memory(ty, bytes, self.memory.order).bits() as u64;
                }
                GlobalValueData::Undefined
                | GlobalValueData::VmContext
                | GlobalValueData::Symbol { .. }
                | GlobalValueData::DynScale(_) => {}
            }
        }
        Ok(value)
    }

    /// The `vmctx` parameter.
    fn context(&self, stencil: &Stencil) -> u64 {
        let is_context = |param: &AbiParam| param.purpose == Purpose::VmContext;
        let param = stencil.signature.params.iter().position(is_context);
        let entry = stencil.layout.first().map_or(&[][..], |&entry| stencil.block_params(entry));
        param.and_then(|n| entry.get(n)).map_or(0, |&value| self.address(value))
    }

    /// The address that the current instruction, a call, returns to.
    fn address_behind_call(&self) -> u64 {
        match self.frames.last() {
            Some(frame) => self.program.functions[frame.function].address + u64::from(frame.inst.0) + 1,
            None => 0,
        }
    }

    /// The address that the current function returns to.
    pub(super) fn return_address(&self) -> u64 {
        self.memory.read_word(self.frame().frame_pointer + 8).unwrap_or(0)
    }

    /// A call of any kind.
    pub(super) fn call_instruction(&mut self, data: &InstData) -> Result<Next, Why> {
        let stencil = self.stencil();
        let list = data.list().map_or(&[][..], |list| stencil.pool.get(list));
        let is_indirect = matches!(data.opcode.format(), Format::CallIndirect | Format::TryCallIndirect);
        let (callee, args) = match (is_indirect, list) {
            (false, args) => (self.callee_symbol(FuncRef(data.a))?, args),
            (true, [address, args @ ..]) => (self.callee_at(self.address(*address))?, args),
            (true, []) => return Err(Why::Error("a call without a callee".into())),
        };
        let args: Vec<Value> = args.iter().map(|&arg| self.value(arg).clone()).collect();
        let signature = stencil.call_signature(data).map(|signature| stencil.sig(signature));
        let Some(signature) = signature else { return Err(Why::Error("a call without a signature".into())) };
        match callee {
            Symbol::Function(function) => {
                self.check_results(function, signature, stencil)?;
                let structures = self.structures(function, &args, Some((stencil, signature)))?;
                if data.opcode.effects().has(Effects::RETURN) {
                    self.pop();
                }
                self.enter(function, &args, structures)?;
                Ok(Next::Elsewhere)
            }
            Symbol::Import(import) => self.call_import(import, signature, &args, data),
            Symbol::Data(_) => Err(Why::Error("data is called".into())),
            Symbol::Missing => Err(Why::Error("a weak import that is missing is called".into())),
            Symbol::Unknown => Err(self.unknown_function(FuncRef(data.a))),
        }
    }

    fn callee_at(&self, address: u64) -> Result<Symbol, Why> {
        let callee = self.program.callee(address);
        callee.ok_or_else(|| Why::Error(format!("no function begins at {address:#x}, which is called")))
    }

    /// Whether a function returns what its caller expects, in the way it expects.
    fn check_results(&self, function: usize, signature: &Signature, caller: &Stencil) -> Result<(), Why> {
        let callee = &self.program.functions[function].function;
        let own = &callee.stencil.signature;
        let mut pairs = own.returns.iter().zip(&signature.returns);
        let same_types = pairs.all(|(own, other)| {
            let [own_size, size] =
                [(own, &callee.stencil), (other, caller)].map(|(result, of)| result.structure_size(of, 16));
            own.ty == other.ty && own_size == size
        });
        if same_types && own.returns.len() == signature.returns.len() && own.call_conv == signature.call_conv
        {
            return Ok(());
        }
        let name = &callee.params.name;
        Err(Why::Error(format!("`{name}` is called as if it had the signature {signature}, and has {own}")))
    }

    fn call_import(
        &mut self,
        import: &'static Import,
        signature: &Signature,
        args: &[Value],
        data: &InstData,
    ) -> Result<Next, Why> {
        let params = signature.params.iter().map(|param| param.ty);
        let results = signature.returns.iter().map(|result| result.ty);
        if !params.eq(import.params.iter().copied()) || !results.eq(import.results.iter().copied()) {
            return Err(Why::Error(format!(
                "the interpreter's `{import:?}` has not the signature {signature}"
            )));
        }
        match (import.body)(self, args)? {
            Reaction::Throw { tag, payload } => self.throw(tag, &payload),
            Reaction::Return(result) => {
                let results = result.as_slice();
                match data.opcode.effects().has(Effects::RETURN) {
                    true => self.return_values(results.to_vec(), None),
                    false => self.complete_call(results, None),
                }
            }
        }
    }

    /// Leaves the current frame.
    fn pop(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.values.truncate(frame.values);
            self.memory.stack_pointer = frame.caller_stack_pointer;
        }
    }

    /// `return`.
    pub(super) fn leave(&mut self, data: &InstData) -> Result<Next, Why> {
        let list = data.list().map_or(&[][..], |list| self.stencil().pool.get(list));
        let results: Vec<Value> = list.iter().map(|&value| self.value(value).clone()).collect();
        let stencil = self.stencil();
        let returned = stencil.signature.returns.first().zip(results.first());
        let structure = returned.and_then(|(param, address)| {
            let size = param.structure_size(stencil, self.most_aligned())?;
            Some(self.structure_at(address.bits() as u64, size))
        });
        let structure = structure.transpose()?;
        self.return_values(results, structure)
    }

    /// Returns from the current frame. A structure that is returned has been taken from its address, which
    /// is the result.
    fn return_values(&mut self, results: Vec<Value>, structure: Option<Vec<u8>>) -> Result<Next, Why> {
        self.pop();
        match self.frames.is_empty() {
            true => Ok(Next::Done(results)),
            false => self.complete_call(&results, structure),
        }
    }

    /// Goes on behind the call that is the current instruction.
    fn complete_call(&mut self, results: &[Value], structure: Option<Vec<u8>>) -> Result<Next, Why> {
        let stencil = self.stencil();
        let copied = structure.map(|bytes| self.place_result(&bytes)).transpose()?;
        let results = copied.as_ref().map_or(results, std::slice::from_ref);
        let data = &stencil.insts[self.frame().inst];
        match data.opcode.format() {
            Format::TryCall | Format::TryCallIndirect => {
                let normal = stencil.exception_tables[ExceptionTable(data.c)].normal;
                self.jump(normal, results, &[])
            }
            _ => {
                self.define(results);
                self.advance();
                Ok(Next::Elsewhere)
            }
        }
    }

    /// Copies a structure to the memory of the call that is the current instruction. Returns the address.
    fn place_result(&mut self, bytes: &[u8]) -> Result<Value, Why> {
        let frame = self.frame();
        let offset = self.code().slots.of_structure(frame.inst);
        let address = offset.map(|offset| frame.stack_pointer + offset);
        let nothing = || Why::Error("a structure is returned to a call that expects none".into());
        let address = address.ok_or_else(nothing)?;
        match self.memory.write(address, bytes.len() as u64) {
            Some(to) => to.copy_from_slice(bytes),
            None => return Err(nothing()),
        }
        Ok(Value::scalar(types::I64, u128::from(address)))
    }

    /// Leaves frames until the call in one has a handler for the tag.
    fn throw(&mut self, tag: u32, payload: &[Value]) -> Result<Next, Why> {
        while !self.frames.is_empty() {
            let stencil = self.stencil();
            let data = &stencil.insts[self.frame().inst];
            if let Format::TryCall | Format::TryCallIndirect = data.opcode.format() {
                let handlers = &stencil.exception_tables[ExceptionTable(data.c)].handlers;
                let found = handlers.iter().find_map(|handler| match *handler {
                    Handler::Tag(own, call) => (own == tag).then_some(call),
                    Handler::Default(call) => Some(call),
                    Handler::Context(_) => None,
                });
                if let Some(call) = found {
                    return self.jump(call, &[], payload);
                }
            }
            if self.frames.len() == 1 {
                break;
            }
            self.pop();
        }
        Err(Why::Thrown(tag))
    }
}
