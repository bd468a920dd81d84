//! A run: frames, values, and one instruction after the other.

use super::memory::Memory;
use super::program::{Code, Program, Symbol};
use crate::eval::{self, Fault, Immediate, Results, Value};
use crate::ir::{
    Block, BlockArg, BlockCallRef, DynamicStackSlot, Endianness, ExceptionTable, Family, Format, FuncRef,
    GlobalValueData, Handler, Inst, InstData, JumpTable, Opcode, StackSlot, Stencil, TrapCode, types,
};

/// How to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// The byte order of accesses that name none.
    pub order: Endianness,
    /// How many instructions a run may execute.
    pub steps: u64,
    /// Whether the output has a line for each function that is entered and each value that is defined.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { order: Endianness::Little, steps: 1 << 26, trace: false }
    }
}

/// An instruction of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgramPoint {
    /// The function's number.
    pub function: usize,
    /// The instruction.
    pub inst: Inst,
}

/// Why a run ended before the function returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// It trapped.
    Trap(TrapCode),
    /// It executed as many instructions as it might.
    TooLong,
    /// It called `exit`.
    Exit(u8),
    /// It threw an exception with this tag that nothing handles.
    Thrown(u32),
    /// It did what no program may do, or what the interpreter can't.
    Error(String),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Trap(code) => write!(f, "trap: {code}"),
            Why::TooLong => f.write_str("stopped after as many instructions as were allowed"),
            Why::Exit(code) => write!(f, "exit with code {code}"),
            Why::Thrown(tag) => write!(f, "an exception with tag {tag} is not handled"),
            Why::Error(message) => f.write_str(message),
        }
    }
}

/// How a run ended before the function returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// Why.
    pub why: Why,
    /// At which instruction, if one was reached.
    pub at: Option<ProgramPoint>,
}

/// A function being executed.
pub(super) struct Frame {
    pub function: usize,
    /// The instruction being executed.
    pub inst: Inst,
    /// Where its values begin.
    pub values: usize,
    /// The lowest address of its slots.
    pub stack_pointer: u64,
    /// Where the caller's frame pointer and the return address lie.
    pub frame_pointer: u64,
    /// The stack pointer of the caller.
    pub caller_stack_pointer: u64,
    /// The address of the arguments behind the parameters.
    pub further_arguments: u64,
}

/// What comes after an instruction.
pub(super) enum Next {
    /// The one behind it.
    Following,
    /// What has been set already.
    Elsewhere,
    /// The end of the run.
    Done(Vec<Value>),
}

/// The most bytes a run may write.
const MOST_OUTPUT: usize = 1 << 24;

/// A run of a program, or several in the same memory.
pub struct Machine<'p> {
    pub(super) program: &'p Program,
    pub(super) memory: Memory,
    pub(super) frames: Vec<Frame>,
    /// The values of all frames.
    pub(super) values: Vec<Value>,
    steps: u64,
    trace: bool,
    pinned: Value,
    /// The arguments of a block on their way there.
    block_args: Vec<Value>,
    output: Vec<u8>,
}

impl<'p> Machine<'p> {
    /// A machine whose memory is as the file says.
    pub fn new(program: &'p Program, options: &Options) -> Self {
        Machine {
            program,
            memory: program.memory(options.order),
            frames: Vec::new(),
            values: Vec::new(),
            steps: options.steps,
            trace: options.trace,
            pinned: Value::scalar(types::I64, 0),
            block_args: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Calls a function.
    pub fn call(&mut self, function: usize, args: &[Value]) -> Result<Vec<Value>, Stop> {
        self.frames.clear();
        self.values.clear();
        let structures = self.structures(function, args, None);
        let ended = structures.and_then(|structures| self.enter(function, args, structures));
        let ended = ended.and_then(|()| self.run());
        ended.map_err(|why| Stop { why, at: self.place() })
    }

    /// The bytes at an address, if there are that many.
    pub fn bytes(&self, address: u64, size: u64) -> Option<&[u8]> {
        self.memory.read(address, size)
    }

    /// The bytes at an address, to be changed, if there are that many and they may be.
    pub fn bytes_mut(&mut self, address: u64, size: u64) -> Option<&mut [u8]> {
        self.memory.write(address, size)
    }

    /// What has been written since this was last asked for.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Why> {
        if self.output.len() + bytes.len() > MOST_OUTPUT {
            return Err(Why::Error("too much was written".into()));
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn place(&self) -> Option<ProgramPoint> {
        self.frames.last().map(|frame| ProgramPoint { function: frame.function, inst: frame.inst })
    }

    fn run(&mut self) -> Result<Vec<Value>, Why> {
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(Why::TooLong)?;
            match self.step()? {
                Next::Following => self.advance(),
                Next::Elsewhere => {}
                Next::Done(results) => return Ok(results),
            }
        }
    }

    pub(super) fn advance(&mut self) {
        let frame = self.frame_mut();
        frame.inst = Inst(frame.inst.0 + 1);
    }

    pub(super) fn frame(&self) -> &Frame {
        self.frames.last().expect("a function is being executed")
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a function is being executed")
    }

    /// The function being executed.
    pub(super) fn code(&self) -> &'p Code {
        &self.program.functions[self.frame().function]
    }

    pub(super) fn stencil(&self) -> &'p Stencil {
        &self.code().function.stencil
    }

    pub(super) fn value(&self, value: u32) -> &Value {
        &self.values[self.frame().values + value as usize]
    }

    /// The bits of an operand that is an address.
    pub(super) fn address(&self, value: u32) -> u64 {
        self.value(value).bits() as u64
    }

    fn set(&mut self, value: u32, to: Value) {
        if self.trace {
            self.trace_value(value, &to);
        }
        let at = self.frame().values + value as usize;
        self.values[at] = to;
    }

    /// Adds a line to the output, further to the right for each function that is being executed.
    fn trace_line(&mut self, line: std::fmt::Arguments<'_>) {
        let indent = 2 * self.frames.len();
        let line = format!("{:indent$}{line}\n", "");
        // A run that writes too much ends where it writes more.
        let _ = self.write(line.as_bytes());
    }

    #[cold]
    fn trace_value(&mut self, value: u32, to: &Value) {
        self.trace_line(format_args!("v{value} = {to}"));
    }

    /// Adds lines for the function that has been entered and its parameters.
    pub(super) fn trace_entry(&mut self) {
        if !self.trace {
            return;
        }
        let code = self.code();
        self.trace_line(format_args!("{}", code.function.params.name));
        let stencil = self.stencil();
        let entry = stencil.layout.first().map_or(&[][..], |&entry| stencil.block_params(entry));
        for &param in entry {
            let value = self.value(param).clone();
            self.trace_value(param, &value);
        }
    }

    /// Defines the results of the current instruction.
    pub(super) fn define(&mut self, results: &[Value]) {
        let stencil = self.stencil();
        for (&name, value) in stencil.inst_results(self.frame().inst).iter().zip(results) {
            self.set(name, value.clone());
        }
    }

    /// Defines the only result of the current instruction.
    pub(super) fn define_one(&mut self, value: Value) -> Result<Next, Why> {
        self.define(std::slice::from_ref(&value));
        Ok(Next::Following)
    }

    fn define_address(&mut self, data: &InstData, address: u64) -> Result<Next, Why> {
        self.define_one(Value::scalar(data.ty, u128::from(address)))
    }

    fn step(&mut self) -> Result<Next, Why> {
        let stencil = self.stencil();
        let data = &stencil.insts[self.frame().inst];
        match data.opcode.format() {
            Format::Jump => self.jump(BlockCallRef(data.a), &[], &[]),
            Format::Brif => {
                let to = if self.value(data.a).is_zero() { data.c } else { data.b };
                self.jump(BlockCallRef(to), &[], &[])
            }
            Format::BrTable => {
                let table = &stencil.jump_tables[JumpTable(data.b)];
                let to = table.entries.get(self.value(data.a).bits() as usize);
                self.jump(to.copied().unwrap_or(table.default), &[], &[])
            }
            Format::Multiary => self.leave(data),
            Format::Call | Format::CallIndirect | Format::TryCall | Format::TryCallIndirect => {
                self.call_instruction(data)
            }
            Format::Trap => Err(Why::Trap(data.trap_code())),
            Format::FuncAddr => self.function_address(data),
            Format::GlobalValue => self.symbol_address(data),
            Format::StackAddr => {
                self.slot_address(data, self.code().slots.of(StackSlot(data.a)), data.b as i32)
            }
            Format::DynamicStackAddr => {
                self.slot_address(data, self.code().slots.of_dynamic(DynamicStackSlot(data.a)), 0)
            }
            Format::HandlerAddr => self.handler_address(data),
            Format::Load => self.load(data),
            Format::Store => self.store(data),
            Format::StoreNoOffset => self.atomic_store(data),
            Format::AtomicRmw => self.atomic_rmw(data),
            Format::AtomicCas => self.atomic_cas(data),
            Format::LoadNoOffset if data.opcode == Opcode::AtomicLoad => self.atomic_load(data),
            Format::Nullary if data.opcode != Opcode::Nop => self.machine_state(data),
            Format::Unary | Format::Binary | Format::TakeStructure
                if data.opcode.family() == Family::ArgumentList =>
            {
                self.argument_list(data)
            }
            Format::Unary if data.opcode == Opcode::SetPinnedReg => {
                self.pinned = self.value(data.a).clone();
                Ok(Next::Following)
            }
            Format::Ternary if data.opcode == Opcode::StackSwitch => {
                Err(Why::Error("the interpreter has one stack, which `stack_switch` can't leave".into()))
            }
            Format::LoadNoOffset
            | Format::Nullary
            | Format::Unary
            | Format::Imm
            | Format::ImmF16
            | Format::ImmF32
            | Format::ImmF64
            | Format::Const
            | Format::Binary
            | Format::BinaryImm8
            | Format::Ternary
            | Format::TernaryImm8
            | Format::Shuffle
            | Format::IntCompare
            | Format::FloatCompare
            | Format::CondTrap
            | Format::AddTrap
            | Format::TakeStructure => self.pure(stencil, data),
        }
    }

    fn pure(&mut self, stencil: &Stencil, data: &InstData) -> Result<Next, Why> {
        let immediate = Immediate::of(stencil, data);
        let words = [data.a, data.b, data.c];
        let results = match data.fixed_args() {
            0 => eval::pure(data.opcode, data.ty, immediate, &[]),
            1 => eval::pure(data.opcode, data.ty, immediate, std::slice::from_ref(self.value(data.a))),
            2 => {
                let args = [data.a, data.b].map(|word| self.value(word).clone());
                eval::pure(data.opcode, data.ty, immediate, &args)
            }
            _ => eval::pure(data.opcode, data.ty, immediate, &words.map(|word| self.value(word).clone())),
        };
        match results {
            Ok(Results::One(value)) => return self.define_one(value),
            Ok(results) => self.define(results.as_slice()),
            Err(Fault::Trap(code)) => return Err(Why::Trap(code)),
            Err(Fault::NoSuchPart) => {
                return Err(Why::Error(
                    "the scale of dynamic vectors is 1 here: there is no such part".into(),
                ));
            }
            Err(Fault::Impure) => {
                return Err(Why::Error(format!("the interpreter does not know `{}`", data.opcode.name())));
            }
        }
        Ok(Next::Following)
    }

    /// Opcodes that ask for, or act on, the state of the machine.
    fn machine_state(&mut self, data: &InstData) -> Result<Next, Why> {
        let frame = self.frame();
        let value = match data.opcode {
            Opcode::GetFramePointer => frame.frame_pointer,
            Opcode::GetStackPointer => frame.stack_pointer,
            Opcode::GetReturnAddress => self.return_address(),
            Opcode::GetPinnedReg => self.pinned.bits() as u64,
            Opcode::Debugtrap | Opcode::Fence | Opcode::SequencePoint => return Ok(Next::Following),
            other => return Err(Why::Error(format!("the interpreter does not know `{}`", other.name()))),
        };
        self.define_address(data, value)
    }

    fn slot_address(&mut self, data: &InstData, slot: Option<u64>, offset: i32) -> Result<Next, Why> {
        let Some(slot) = slot else { return Err(Why::Error("there is no such stack slot".into())) };
        let address = self.frame().stack_pointer + slot;
        self.define_address(data, address.wrapping_add_signed(i64::from(offset)))
    }

    fn function_address(&mut self, data: &InstData) -> Result<Next, Why> {
        let symbol = self.callee_symbol(FuncRef(data.a))?;
        match self.program.address(symbol) {
            Some(address) => self.define_address(data, address),
            None => Err(self.unknown_function(FuncRef(data.a))),
        }
    }

    fn symbol_address(&mut self, data: &InstData) -> Result<Next, Why> {
        let global = &self.stencil().global_values[crate::ir::GlobalValue(data.a)];
        let &GlobalValueData::Symbol { name, offset, .. } = global else {
            return Err(Why::Error("a global value that is no symbol".into()));
        };
        let symbol = self.program.symbol(self.frame().function, name);
        match self.program.address(symbol) {
            Some(address) => self.define_address(data, address.wrapping_add_signed(offset)),
            None => {
                let name = &self.code().function.params.names[name];
                Err(Why::Error(format!("`{name}` is neither in this file nor known to the interpreter")))
            }
        }
    }

    /// The address of a handler: that of its block's first instruction.
    fn handler_address(&mut self, data: &InstData) -> Result<Next, Why> {
        let stencil = self.stencil();
        let table = stencil.terminator(Block(data.a)).map(|inst| ExceptionTable(stencil.insts[inst].c));
        let handlers = table.map_or(&[][..], |table| &stencil.exception_tables[table].handlers);
        let mut targets = handlers.iter().filter_map(|handler| match *handler {
            Handler::Tag(_, call) | Handler::Default(call) => Some(stencil.block_calls[call].block),
            Handler::Context(_) => None,
        });
        match targets.nth(data.b as usize) {
            Some(block) => {
                let address = self.code().address + u64::from(stencil.blocks[block].start);
                self.define_address(data, address)
            }
            None => Err(Why::Error("there is no such handler".into())),
        }
    }

    /// Goes to a block. `returned` and `thrown` are what a call returned or an exception carries.
    pub(super) fn jump(
        &mut self,
        call: BlockCallRef,
        returned: &[Value],
        thrown: &[Value],
    ) -> Result<Next, Why> {
        let stencil = self.stencil();
        let call = &stencil.block_calls[call];
        let block = &stencil.blocks[call.block];
        let words = stencil.pool.get(call.args);
        let mut args = std::mem::take(&mut self.block_args);
        for &word in words {
            let arg = match BlockArg::unpack(word) {
                BlockArg::Value(value) => Some(self.value(value.0)),
                BlockArg::TryCallRet(n) => returned.get(n as usize),
                BlockArg::TryCallExn(n) => thrown.get(n as usize),
            };
            args.push(arg.ok_or_else(|| Why::Error("a block wants more than a call gives".into()))?.clone());
        }
        for (&param, arg) in stencil.block_params(call.block).iter().zip(args.drain(..)) {
            self.set(param, arg);
        }
        self.block_args = args;
        self.frame_mut().inst = Inst(block.start);
        Ok(Next::Elsewhere)
    }

    /// What a declared function is.
    pub(super) fn callee_symbol(&self, function: FuncRef) -> Result<Symbol, Why> {
        match self.stencil().functions[function] {
            Some(external) => Ok(self.program.symbol(self.frame().function, external.name)),
            None => Err(Why::Error(format!("{function} is not declared"))),
        }
    }

    #[cold]
    pub(super) fn unknown_function(&self, function: FuncRef) -> Why {
        let code = self.code();
        match code.function.stencil.functions[function] {
            Some(external) => {
                let name = &code.function.params.names[external.name];
                Why::Error(format!("`{name}` is neither in this file nor known to the interpreter"))
            }
            None => Why::Error(format!("{function} is not declared")),
        }
    }
}
