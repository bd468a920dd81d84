//! The builder's methods for instructions, one for each format of operands.
//!
//! A method takes a controlling type only if it does not follow from an operand. A method for a single opcode
//! has its name.

use super::FunctionBuilder;
use crate::entity::List;
use crate::ir::*;

impl FunctionBuilder<'_> {
    /// Appends an instruction whose operands are all values, and returns its result.
    pub fn op(&mut self, opcode: Opcode, args: &[Value]) -> Value {
        let inst = self.op_inst(opcode, None, args);
        self.stencil.first_result(inst)
    }

    /// Like [`op`](Self::op), with a controlling type.
    pub fn typed_op(&mut self, opcode: Opcode, ty: Type, args: &[Value]) -> Value {
        let inst = self.op_inst(opcode, Some(ty), args);
        self.stencil.first_result(inst)
    }

    /// Like [`op`](Self::op), for any number of results. `ty` must be given if the controlling type does not
    /// follow from an operand.
    pub fn op_inst(&mut self, opcode: Opcode, ty: Option<Type>, args: &[Value]) -> Inst {
        let data = self.data_of(opcode, ty, args);
        let count = data.fixed_args();
        assert!(
            matches!(opcode.format(), Format::Nullary | Format::Unary | Format::Binary | Format::Ternary)
                && args.len() == count,
            "the operands of {} are not {} values",
            opcode.name(),
            args.len()
        );
        self.inst(data)
    }

    /// Appends an integer constant: `value` modulo the type's width.
    pub fn iconst(&mut self, ty: Type, value: i64) -> Value {
        let bits = value as u64 & (u64::MAX >> (64 - ty.bits()));
        let (a, b) = (bits as u32, (bits >> 32) as u32);
        self.value(InstData { a, b, ..InstData::new(Opcode::Iconst, ty) })
    }

    /// Appends a float constant of up to 64 bits, given as its bits.
    pub fn float_const(&mut self, ty: Type, bits: u64) -> Value {
        let opcode = match ty {
            types::F16 => Opcode::F16const,
            types::F32 => Opcode::F32const,
            types::F64 => Opcode::F64const,
            ty => panic!("{ty} is not a float of up to 64 bits"),
        };
        let (a, b) = (bits as u32, (bits >> 32) as u32);
        self.value(InstData { a, b, ..InstData::new(opcode, types::INVALID) })
    }

    /// Appends an `f128const` or `vconst`, by its entry in the constant pool.
    pub fn pool_const(&mut self, ty: Type, constant: Constant) -> Value {
        let (opcode, ty) = match ty {
            types::F128 => (Opcode::F128const, types::INVALID),
            ty => (Opcode::Vconst, ty),
        };
        self.value(InstData { a: constant.0, ..InstData::new(opcode, ty) })
    }

    /// Appends an `icmp`.
    pub fn icmp(&mut self, cond: IntCc, x: Value, y: Value) -> Value {
        let data = self.data_of(Opcode::Icmp, None, &[x, y]);
        self.value(InstData { aux: cond as u16, ..data })
    }

    /// Appends an `fcmp`.
    pub fn fcmp(&mut self, cond: FloatCc, x: Value, y: Value) -> Value {
        let data = self.data_of(Opcode::Fcmp, None, &[x, y]);
        self.value(InstData { aux: cond as u16, ..data })
    }

    /// Appends an instruction that names a lane: `extractlane`, `insertlane`, `extract_vector`.
    pub fn lane_op(&mut self, opcode: Opcode, args: &[Value], lane: u8) -> Value {
        let data = self.data_of(opcode, None, args);
        self.value(InstData { aux: lane.into(), ..data })
    }

    /// Appends a `shuffle`.
    pub fn shuffle(&mut self, x: Value, y: Value, mask: &[u8; 16]) -> Value {
        let mask = self.add_constant(mask.as_slice().into());
        let data = self.data_of(Opcode::Shuffle, None, &[x, y]);
        self.value(InstData { c: mask.0, ..data })
    }

    /// Appends a load of any kind. `ty` is the controlling type, and is ignored for opcodes without one.
    pub fn load(&mut self, opcode: Opcode, ty: Type, flags: MemFlags, address: Value, offset: i32) -> Value {
        let ty = if opcode.info().ctrl == CtrlFrom::None { types::INVALID } else { ty };
        let mut data = self.data_of(opcode, Some(ty), &[address]);
        match opcode.format() {
            Format::Load => data.b = offset as u32,
            format => assert!(format == Format::LoadNoOffset && offset == 0, "{} of {offset}", opcode.name()),
        }
        data.aux = self.flags_word(flags);
        self.value(data)
    }

    /// Appends a store of any kind.
    pub fn store(&mut self, opcode: Opcode, flags: MemFlags, x: Value, address: Value, offset: i32) -> Inst {
        let mut data = self.data_of(opcode, None, &[x, address]);
        match opcode.format() {
            Format::Store => data.c = offset as u32,
            format => {
                assert!(format == Format::StoreNoOffset && offset == 0, "{} of {offset}", opcode.name())
            }
        }
        data.aux = self.flags_word(flags);
        self.inst(data)
    }

    /// Appends a `bitcast`. The flags must give the byte order if the number of lanes changes.
    pub fn bitcast(&mut self, ty: Type, flags: MemFlags, x: Value) -> Value {
        self.load(Opcode::Bitcast, ty, flags, x, 0)
    }

    /// Appends an `atomic_rmw`.
    pub fn atomic_rmw(&mut self, flags: MemFlags, op: AtomicRmwOp, address: Value, x: Value) -> Value {
        let mut data = self.data_of(Opcode::AtomicRmw, Some(self.type_of(x)), &[address, x]);
        data.aux = self.flags_word(flags);
        data.c = op as u32;
        self.value(data)
    }

    /// Appends an `atomic_cas`.
    pub fn atomic_cas(&mut self, flags: MemFlags, address: Value, expected: Value, new: Value) -> Value {
        let mut data = self.data_of(Opcode::AtomicCas, None, &[address, expected, new]);
        data.aux = self.flags_word(flags);
        self.value(data)
    }

    /// Appends a `trap`.
    pub fn trap(&mut self, code: TrapCode) -> Inst {
        self.inst(InstData { aux: code.0.into(), ..InstData::new(Opcode::Trap, types::INVALID) })
    }

    /// Appends a `trapz` or `trapnz`.
    pub fn trap_if(&mut self, opcode: Opcode, x: Value, code: TrapCode) -> Inst {
        let data = self.data_of(opcode, None, &[x]);
        self.inst(InstData { aux: code.0.into(), ..data })
    }

    /// Appends a `uadd_overflow_trap`.
    pub fn uadd_overflow_trap(&mut self, x: Value, y: Value, code: TrapCode) -> Value {
        let data = self.data_of(Opcode::UaddOverflowTrap, None, &[x, y]);
        self.value(InstData { aux: code.0.into(), ..data })
    }

    /// Appends a `func_addr`.
    pub fn func_addr(&mut self, ty: Type, function: FuncRef) -> Value {
        self.value(InstData { a: function.0, ..InstData::new(Opcode::FuncAddr, ty) })
    }

    /// Appends a `symbol_value` or `tls_value`.
    pub fn symbol_value(&mut self, opcode: Opcode, ty: Type, global: GlobalValue) -> Value {
        self.value(InstData { a: global.0, ..InstData::new(opcode, ty) })
    }

    /// Appends a `stack_addr`.
    pub fn stack_addr(&mut self, ty: Type, slot: StackSlot, offset: i32) -> Value {
        self.value(InstData { a: slot.0, b: offset as u32, ..InstData::new(Opcode::StackAddr, ty) })
    }

    /// Appends a `dynamic_stack_addr`.
    pub fn dynamic_stack_addr(&mut self, ty: Type, slot: DynamicStackSlot) -> Value {
        self.value(InstData { a: slot.0, ..InstData::new(Opcode::DynamicStackAddr, ty) })
    }

    /// Appends a `get_exception_handler_address`: of handler `index` of the try_call that ends `block`.
    pub fn handler_addr(&mut self, ty: Type, block: Block, index: u32) -> Value {
        let data = InstData::new(Opcode::GetExceptionHandlerAddress, ty);
        self.value(InstData { a: block.0, b: index, ..data })
    }

    /// Appends a `jump`.
    pub fn jump(&mut self, block: Block, args: &[Value]) -> Inst {
        let call = self.block_call(block, args);
        self.inst(InstData::jump(call))
    }

    /// Appends a `brif`.
    pub fn brif(&mut self, x: Value, then: BlockCallRef, otherwise: BlockCallRef) -> Inst {
        let data = self.data_of(Opcode::Brif, None, &[x]);
        self.inst(InstData { b: then.0, c: otherwise.0, ..data })
    }

    /// Appends a `br_table`.
    pub fn br_table(&mut self, index: Value, default: BlockCallRef, entries: &[BlockCallRef]) -> Inst {
        let table = self.stencil.jump_tables.push(JumpTableData { entries: entries.into(), default });
        let data = self.data_of(Opcode::BrTable, None, &[index]);
        self.inst(InstData { b: table.0, ..data })
    }

    /// Makes a branch destination with values as arguments.
    pub fn block_call(&mut self, block: Block, args: &[Value]) -> BlockCallRef {
        self.block_call_with(block, args.iter().map(|&value| BlockArg::Value(value)))
    }

    /// Makes a branch destination with arguments of any kind.
    pub fn block_call_with(
        &mut self,
        block: Block,
        args: impl IntoIterator<Item = BlockArg>,
    ) -> BlockCallRef {
        let args = self.list(args.into_iter().map(BlockArg::pack));
        self.stencil.block_calls.push(BlockCall { block, args })
    }

    /// Appends a `return`.
    pub fn return_values(&mut self, values: &[Value]) -> Inst {
        let list = self.list(values.iter().map(|value| value.0));
        self.inst(InstData { a: list.0, ..InstData::new(Opcode::Return, types::INVALID) })
    }

    /// Appends a `call` or `return_call`.
    pub fn call(&mut self, opcode: Opcode, function: FuncRef, args: &[Value]) -> Inst {
        let list = self.list(args.iter().map(|value| value.0));
        self.inst(InstData { a: function.0, b: list.0, ..InstData::new(opcode, types::INVALID) })
    }

    /// Appends a `call_indirect` or `return_call_indirect`.
    pub fn call_indirect(&mut self, opcode: Opcode, sig: SigRef, callee: Value, args: &[Value]) -> Inst {
        let list = self.list([callee].iter().chain(args).map(|value| value.0));
        let ty = self.type_of(callee);
        self.inst(InstData { a: sig.0, b: list.0, ..InstData::new(opcode, ty) })
    }

    /// Appends a `try_call`.
    pub fn try_call(&mut self, function: FuncRef, args: &[Value], table: ExceptionTableData) -> Inst {
        let list = self.list(args.iter().map(|value| value.0));
        let table = self.stencil.exception_tables.push(table);
        let data = InstData::new(Opcode::TryCall, types::INVALID);
        self.inst(InstData { a: function.0, b: list.0, c: table.0, ..data })
    }

    /// Appends a `try_call_indirect`.
    pub fn try_call_indirect(&mut self, callee: Value, args: &[Value], table: ExceptionTableData) -> Inst {
        let list = self.list([callee].iter().chain(args).map(|value| value.0));
        let table = self.stencil.exception_tables.push(table);
        let data = InstData::new(Opcode::TryCallIndirect, self.type_of(callee));
        self.inst(InstData { b: list.0, c: table.0, ..data })
    }

    /// Appends an instruction with another list of operands than it has.
    pub(crate) fn with_list(&mut self, data: InstData, list: &[u32]) -> Inst {
        let list = self.list(list.iter().copied());
        self.inst(data.with_list(list))
    }

    /// An instruction with values in `a`, `b` and `c`. Its controlling type is `ty` or follows from them.
    fn data_of(&self, opcode: Opcode, ty: Option<Type>, args: &[Value]) -> InstData {
        let ty = match (ty, opcode.info().ctrl) {
            (Some(ty), _) => ty,
            (None, CtrlFrom::Arg(n)) => self.type_of(args[n as usize]),
            (None, CtrlFrom::None) => types::INVALID,
            (None, CtrlFrom::Given) => panic!("{} needs a type", opcode.name()),
        };
        let word = |n: usize| args.get(n).map_or(0, |value| value.0);
        InstData { a: word(0), b: word(1), c: word(2), ..InstData::new(opcode, ty) }
    }

    /// Appends an instruction and returns its result.
    fn value(&mut self, data: InstData) -> Value {
        let inst = self.inst(data);
        self.stencil.first_result(inst)
    }

    /// Interns memory flags, for the small operand of an instruction.
    fn flags_word(&mut self, flags: MemFlags) -> u16 {
        let flags = self.intern_flags(flags);
        u16::try_from(flags.0).expect("at most 65536 different combinations of memory flags")
    }

    /// Stores words as a list.
    pub(crate) fn list(&mut self, words: impl Iterator<Item = u32>) -> List {
        self.stencil.pool.collect(words)
    }
}
