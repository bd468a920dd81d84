//! Parses the operands of an instruction, by the opcode's [`Format`], into the words of [`InstData`].

use super::context::{Failed, Parse};
use super::cursor::Cursor;
use super::hints::Kind;
use super::number::out_of_range;
use super::older;
use super::parser::Parser;
use crate::entity::List;
use crate::ir::formats::with_formats;
use crate::ir::*;

/// Parses a piece of the operands.
#[rustfmt::skip]
macro_rules! read_piece {
    ($p:ident, $d:ident, ,) => { $p.expect(b',')? };
    ($p:ident, $d:ident, (value $w:ident)) => { $d.$w = $p.value()? };
    ($p:ident, $d:ident, (list values $w:ident)) => { $d.$w = $p.return_values()?.0 };
    ($p:ident, $d:ident, (list arguments $w:ident)) => { $d.$w = $p.call_args(None)?.0 };
    ($p:ident, $d:ident, (list callee_arguments $w:ident)) => {{
        let callee = $p.value()?;
        $d.$w = $p.call_args(Some(callee))?.0;
    }};
    ($p:ident, $d:ident, (call $w:ident)) => { $d.$w = $p.block_call()?.0 };
    ($p:ident, $d:ident, (jump_table $w:ident)) => { $d.$w = $p.jump_table()?.0 };
    ($p:ident, $d:ident, (exception_table $w:ident)) => { $d.$w = $p.exception_table()?.0 };
    ($p:ident, $d:ident, {integer a b}) => { $p.immediate($d)? };
    ($p:ident, $d:ident, {f16 $w:ident}) => { $d.$w = $p.float(16)? as u32 };
    ($p:ident, $d:ident, {f32 $w:ident}) => { $d.$w = $p.float(32)? as u32 };
    ($p:ident, $d:ident, {f64 $low:ident $high:ident}) => {{
        let bits = $p.float(64)? as u64;
        ($d.$low, $d.$high) = (bits as u32, (bits >> 32) as u32);
    }};
    ($p:ident, $d:ident, {constant $w:ident}) => { $d.$w = $p.constant_operand($d)?.0 };
    ($p:ident, $d:ident, {mask $w:ident}) => { $d.$w = $p.mask()?.0 };
    ($p:ident, $d:ident, {global $w:ident}) => { $d.$w = $p.global_operand()?.0 };
    ($p:ident, $d:ident, {function $w:ident}) => { $d.$w = $p.function_operand()?.0 };
    ($p:ident, $d:ident, {callee $w:ident}) => { $d.$w = $p.function_operand()?.0 };
    ($p:ident, $d:ident, {signature $w:ident}) => { $d.$w = $p.signature_ref()?.0 };
    ($p:ident, $d:ident, {slot $w:ident}) => { $d.$w = $p.stack_slot_ref()?.0 };
    ($p:ident, $d:ident, {dynamic_slot $w:ident}) => { $d.$w = $p.dynamic_slot_operand()?.0 };
    ($p:ident, $d:ident, {handler $block:ident $index:ident}) => { ($d.$block, $d.$index) = $p.handler()? };
    ($p:ident, $d:ident, {structure $w:ident}) => { $d.$w = $p.structure_ref()?.0 };
    ($p:ident, $d:ident, {lane $w:ident}) => { $d.$w = $p.lane()? };
    ($p:ident, $d:ident, {int_cc $w:ident}) => {
        $d.$w = $p.int_condition()? as u16
    };
    ($p:ident, $d:ident, {float_cc $w:ident}) => {
        let what = "a float condition such as `eq` or `lt`";
        $d.$w = $p.keyword(FloatCc::parse, what, Kind::FloatCondition)? as u16
    };
    ($p:ident, $d:ident, {rmw $w:ident}) => {
        let what = "an atomic operation such as `add`";
        $d.$w = $p.keyword(AtomicRmwOp::parse, what, Kind::AtomicOperation)? as u32
    };
    ($p:ident, $d:ident, {trap $w:ident}) => { $d.$w = $p.trap_code()? };
    ($p:ident, $d:ident, {flags $w:ident}) => { $d.$w = $p.mem_flags_operand()? };
    ($p:ident, $d:ident, {offset $w:ident}) => { $d.$w = $p.offset32()? as u32 };
}

impl Parser<'_> {
    /// Parses the operands of an instruction. Its opcode, and its type if one is given, are in `data`.
    pub fn operands(&mut self, format: Format, data: &mut InstData) -> Parse<()> {
        macro_rules! read_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match format { $(Format::$format => { $(read_piece!(self, data, $piece);)* })* }
            };
        }
        with_formats!(read_all);
        Ok(())
    }

    /// Parses `N` values, `v1, v2, v3`.
    #[inline(always)]
    pub fn values<const N: usize>(&mut self) -> Parse<[u32; N]> {
        let mut values = [0; N];
        for (n, value) in values.iter_mut().enumerate() {
            if n > 0 {
                self.expect(b',')?;
            }
            *value = self.value()?;
        }
        Ok(values)
    }

    /// Parses an integer of the controlling type.
    fn immediate(&mut self, data: &mut InstData) -> Parse<()> {
        let bits = data.ty.bits();
        if !data.opcode.info().ctrl_set.contains(data.ty) {
            // Reported with the controlling type.
            self.integer("an integer")?;
            return Ok(());
        }
        let at = self.cur.pos;
        match self.integer("an integer")?.to_bits(bits) {
            Some(value) => (data.a, data.b) = (value as u32, (value >> 32) as u32),
            None => return Err(self.out_of_range(at, data.ty)),
        }
        Ok(())
    }

    /// Reports that an integer is out of range for `ty`, which has up to 64 bits or is a lane of a vector.
    #[cold]
    fn out_of_range(&mut self, at: usize, ty: Type) -> Failed {
        self.error_at(at, out_of_range(ty))
    }

    fn float(&mut self, bits: u32) -> Parse<u128> {
        let at = self.cur.pos;
        match self.cur.float(FloatFormat::new(bits)) {
            Ok(bits) => Ok(bits),
            Err(FloatFormat::EXPECTED) => Err(self.expected("a float such as `0x1.8p0` or `-Inf`")),
            Err(message) => Err(self.error_at(at, message)),
        }
    }

    /// Parses `const0` or a literal.
    fn constant_operand(&mut self, data: &InstData) -> Parse<Constant> {
        let at = self.cur.pos;
        if self.cur.at_entity(b"const") {
            let constant = self.entity(b"const", "a constant")?;
            return match self.func.stencil.constants.get(constant) {
                Some(Some(_)) => Ok(constant),
                _ => Err(self.not_declared(at, constant)),
            };
        }
        let bytes = match data.opcode {
            Opcode::F128const => Box::from(self.float(128)?.to_le_bytes()),
            _ => self.vector_literal(data.ty)?,
        };
        Ok(self.func.add_constant(bytes))
    }

    /// Parses the mask of a shuffle, and adds it to the constant pool.
    fn mask(&mut self) -> Parse<Constant> {
        let mask = self.vector_literal(types::I8X16)?;
        Ok(self.func.add_constant(mask))
    }

    /// Parses a block and the index of a handler of its try_call.
    fn handler(&mut self) -> Parse<(u32, u32)> {
        let block = self.block_ref()?;
        self.expect(b',')?;
        let at = self.cur.pos;
        match self.integer("the index of a handler")?.to_i32() {
            Some(index) => Ok((block.0, index as u32)),
            None => Err(self.error_at(at, "number out of range: the index of a handler must fit in 32 bits")),
        }
    }

    /// Parses a vector of type `ty`: `[1 2 3 4]`, a number for each lane, or one hexadecimal number.
    pub fn vector_literal(&mut self, ty: Type) -> Parse<Box<[u8]>> {
        let size = ty.bytes() as usize;
        if self.cur.peek() != b'[' {
            let at = self.cur.pos;
            let mut bytes = self.hex_bytes()?.into_vec();
            if bytes.len() > size {
                return Err(self.error_at(at, format!("constant too long: {ty} has only {size} bytes")));
            }
            bytes.resize(size, 0);
            return Ok(bytes.into());
        }
        if !ty.is_vector() {
            let message = format!("{ty} is not a vector type: expected `0x` and hexadecimal digits");
            return Err(self.error(message));
        }
        self.cur.pos += 1;
        let bits = ty.lane_bits();
        let mut bytes = Vec::new();
        for _ in 0..ty.lanes() {
            self.cur.space();
            let at = self.cur.pos;
            let lane = if ty.lane().is_float() {
                self.float(bits)?
            } else {
                match self.integer("a number for each lane")?.to_bits(bits) {
                    Some(lane) => lane,
                    None => return Err(self.out_of_range(at, ty.lane())),
                }
            };
            bytes.extend_from_slice(&lane.to_le_bytes()[..bits as usize / 8]);
        }
        self.expect(b']')?;
        Ok(bytes.into())
    }

    /// Parses a hexadecimal number of up to 32 digits as bytes, the least significant first.
    pub fn hex_bytes(&mut self) -> Parse<Box<[u8]>> {
        let at = self.cur.pos;
        let word = self.cur.word();
        let digits = word.strip_prefix(b"0x").unwrap_or_default();
        let count = digits.iter().filter(|&&b| b != b'_').count();
        match Cursor::new(word).integer() {
            Some(value) if count.is_multiple_of(2) && (1..=32).contains(&count) => {
                Ok(Box::from(&value.magnitude.to_le_bytes()[..count / 2]))
            }
            _ => {
                self.cur.pos = at;
                Err(self.expected("`0x` and an even number of hexadecimal digits, at most 32"))
            }
        }
    }

    fn global_operand(&mut self) -> Parse<GlobalValue> {
        let at = self.cur.pos;
        let global = self.entity(b"gv", "a global value")?;
        match self.func.stencil.global_values.get(global) {
            Some(data) if *data != GlobalValueData::Undefined => Ok(global),
            _ => Err(self.not_declared(at, global)),
        }
    }

    fn function_operand(&mut self) -> Parse<FuncRef> {
        let at = self.cur.pos;
        let function = self.entity(b"fn", "a function")?;
        match self.func.stencil.functions.get(function) {
            Some(Some(_)) => Ok(function),
            _ => Err(self.not_declared(at, function)),
        }
    }

    /// Parses a reference to a declared stack slot.
    pub fn stack_slot_ref(&mut self) -> Parse<StackSlot> {
        let at = self.cur.pos;
        let slot = self.entity(b"ss", "a stack slot")?;
        match self.func.stencil.stack_slots.get(slot) {
            Some(data) if data.defined => Ok(slot),
            _ => Err(self.not_declared(at, slot)),
        }
    }

    /// Parses a reference to a declared dynamic stack slot.
    pub fn dynamic_slot_operand(&mut self) -> Parse<DynamicStackSlot> {
        let at = self.cur.pos;
        let slot = self.entity(b"dss", "a dynamic stack slot")?;
        match self.func.stencil.dynamic_stack_slots.get(slot) {
            Some(Some(_)) => Ok(slot),
            _ => Err(self.not_declared(at, slot)),
        }
    }

    /// Parses the number of a lane, or of a part of a dynamic vector.
    fn lane(&mut self) -> Parse<u16> {
        let at = self.cur.pos;
        match self.uint32("a lane number")? {
            lane if lane < 256 => Ok(lane as u16),
            _ => Err(self.error_at(at, "number out of range: a lane number must be below 256")),
        }
    }

    /// Parses a word by `parse`, and the white space after it. Messages call it `what`.
    #[inline]
    pub fn keyword<T>(&mut self, parse: fn(&[u8]) -> Option<T>, what: &str, kind: Kind) -> Parse<T> {
        match parse(self.cur.peek_word()) {
            Some(value) => {
                self.cur.word();
                self.cur.space();
                Ok(value)
            }
            None => Err(self.expected_kind(what, kind)),
        }
    }

    /// Parses the condition of an integer comparison.
    #[inline]
    pub fn int_condition(&mut self) -> Parse<IntCc> {
        self.keyword(IntCc::parse, "an integer condition such as `eq` or `slt`", Kind::IntCondition)
    }

    /// Parses a trap code.
    pub fn trap_code(&mut self) -> Parse<u16> {
        let parse = |word: &[u8]| TrapCode::parse(word).or_else(|| older::trap_code(word));
        self.keyword(parse, "a trap code such as `user1` or `heap_oob`", Kind::Trap).map(|code| code.0 as u16)
    }

    /// Parses an offset, which must have a sign; zero if there is none.
    #[inline(always)]
    pub fn offset32(&mut self) -> Parse<i32> {
        // An offset mostly follows the address without white space.
        if !matches!(self.cur.peek(), b'+' | b'-') {
            self.cur.space();
        }
        if !matches!(self.cur.peek(), b'+' | b'-') {
            return Ok(0);
        }
        let at = self.cur.pos;
        match self.integer("an offset")?.to_i32() {
            Some(offset) => Ok(offset),
            None => Err(self.error_at(at, "number out of range: an offset must fit in 32 bits, signed")),
        }
    }

    /// Parses memory flags, for the small operand of an instruction.
    #[inline]
    fn mem_flags_operand(&mut self) -> Parse<u16> {
        let flags = self.mem_flags()?;
        self.flags_operand(flags)
    }

    /// Interns memory flags, for the small operand of an instruction.
    pub fn flags_operand(&mut self, flags: MemFlags) -> Parse<u16> {
        match u16::try_from(self.func.intern_flags(flags).0) {
            Ok(flags) => Ok(flags),
            Err(_) => Err(self.error("too many combinations of memory flags: at most 65536 can differ")),
        }
    }

    /// Parses any number of memory flags, and the white space after them.
    pub fn mem_flags(&mut self) -> Parse<MemFlags> {
        let mut flags = MemFlags::default();
        loop {
            // The flags as they are printed are tested for first; everything else is looked up by word.
            let cur = &mut self.cur;
            match cur.peek() {
                b'v' if cur.peek_at(1).is_ascii_digit() => return Ok(flags),
                b'n' if cur.eat_bytes(b"notrap ") => flags.trap = None,
                b'a' if cur.eat_bytes(b"aligned ") => flags.aligned = true,
                b'r' if cur.eat_bytes(b"readonly ") => flags.readonly = true,
                b'c' if cur.eat_bytes(b"can_move ") => flags.can_move = true,
                b'r' if cur.at_entity(b"region") => self.region_flag(&mut flags)?,
                b'l' if flags.endianness.is_none() && cur.eat_bytes(b"little ") => {
                    flags.endianness = Some(Endianness::Little);
                }
                _ => {
                    if !self.mem_flag(&mut flags)? {
                        return Ok(flags);
                    }
                }
            }
        }
    }

    /// Parses a memory flag of any spelling; returns false if there is none.
    #[inline(never)]
    fn mem_flag(&mut self, flags: &mut MemFlags) -> Parse<bool> {
        self.cur.space();
        match self.cur.peek_word() {
            b"notrap" => flags.trap = None,
            b"aligned" => flags.aligned = true,
            b"readonly" => flags.readonly = true,
            b"can_move" => flags.can_move = true,
            b"little" if flags.endianness != Some(Endianness::Big) => {
                flags.endianness = Some(Endianness::Little);
            }
            b"big" if flags.endianness != Some(Endianness::Little) => {
                flags.endianness = Some(Endianness::Big);
            }
            b"little" | b"big" => return Err(self.error("memory flags cannot have both `little` and `big`")),
            word => match TrapCode::parse(word).or_else(|| older::trap_code(word)) {
                Some(code) => flags.trap = Some(code),
                None if older::is_dropped_flag(word) => {}
                None => return Ok(false),
            },
        }
        self.cur.word();
        self.cur.space();
        Ok(true)
    }

    /// Parses the alias region of a memory access, and the white space after it.
    #[inline]
    fn region_flag(&mut self, flags: &mut MemFlags) -> Parse<()> {
        let at = self.cur.pos;
        let region = self.region_ref()?;
        self.cur.space();
        match flags.region.replace(region) {
            None => Ok(()),
            Some(_) => Err(self.error_at(at, "memory flags can have only one alias region")),
        }
    }

    #[inline]
    fn region_ref(&mut self) -> Parse<Region> {
        let at = self.cur.pos;
        let region = self.entity(b"region", "an alias region")?;
        if let Some(Some(_)) = self.func.stencil.regions.get(region) {
            return Ok(region);
        }
        match self.in_failed_text(&region.to_string()) {
            true => Err(Failed),
            false => Err(self.error_at(at, format!("undefined alias region {region}"))),
        }
    }

    /// Parses the values of a `return`, if any.
    fn return_values(&mut self) -> Parse<List> {
        self.cx.scratch.words.clear();
        if self.cur.peek() == b'v' && self.cur.peek_at(1).is_ascii_digit() {
            loop {
                let value = self.value()?;
                self.cx.scratch.words.push(value);
                if !self.cur.eat(b',') {
                    break;
                }
            }
        }
        Ok(self.func.stencil.pool.add(&self.cx.scratch.words))
    }

    /// Parses `(v1, v2)` as a list, which begins with the callee if that is a value.
    fn call_args(&mut self, callee: Option<u32>) -> Parse<List> {
        self.cx.scratch.words.clear();
        self.cx.scratch.words.extend(callee);
        self.expect(b'(')?;
        while self.cur.peek() != b')' {
            let value = self.value()?;
            self.cx.scratch.words.push(value);
            if !self.cur.eat(b',') {
                break;
            }
        }
        self.expect(b')')?;
        Ok(self.func.stencil.pool.add(&self.cx.scratch.words))
    }

    /// Parses a branch destination: `block1`, `block1(v2, ret0, exn1)`.
    #[inline]
    pub fn block_call(&mut self) -> Parse<BlockCallRef> {
        let block = self.block_ref()?;
        self.cur.space();
        if self.cur.peek() != b'(' {
            return Ok(self.func.stencil.block_calls.push(BlockCall { block, args: List::default() }));
        }
        self.cx.scratch.words.clear();
        self.expect(b'(')?;
        while self.cur.peek() != b')' {
            let arg = match self.cur.peek() {
                b'r' => BlockArg::TryCallRet(self.number(b"ret", "a result")?),
                b'e' => BlockArg::TryCallExn(self.number(b"exn", "a payload word")?),
                _ => BlockArg::Value(Value(self.value()?)),
            };
            self.cx.scratch.words.push(arg.pack());
            if !self.cur.eat(b',') {
                break;
            }
        }
        self.expect(b')')?;
        let args = self.func.stencil.pool.add(&self.cx.scratch.words);
        Ok(self.func.stencil.block_calls.push(BlockCall { block, args }))
    }

    /// Parses the default destination and the table, `block0, [block1, block2]`.
    fn jump_table(&mut self) -> Parse<JumpTable> {
        let default = self.block_call()?;
        self.expect(b',')?;
        self.expect(b'[')?;
        let mut entries = Vec::new();
        while self.cur.peek() != b']' {
            entries.push(self.block_call()?);
            if !self.cur.eat(b',') {
                break;
            }
        }
        self.expect(b']')?;
        Ok(self.func.stencil.jump_tables.push(JumpTableData { entries, default }))
    }

    /// Parses `sig0, block1(ret0), [ tag1: block2(exn0), default: block3, context v1 ]`.
    fn exception_table(&mut self) -> Parse<ExceptionTable> {
        let signature = self.signature_ref()?;
        self.expect(b',')?;
        let normal = self.block_call()?;
        self.expect(b',')?;
        self.expect(b'[')?;
        let mut handlers = Vec::new();
        while self.cur.peek() != b']' {
            handlers.push(if self.cur.eat_word(b"default") {
                self.expect(b':')?;
                Handler::Default(self.block_call()?)
            } else if self.cur.eat_word(b"context") {
                Handler::Context(Value(self.value()?))
            } else {
                let Some(tag) = self.cur.entity(b"tag") else {
                    return Err(self.expected("a tag such as `tag0`, `default` or `context`"));
                };
                self.expect(b':')?;
                Handler::Tag(tag, self.block_call()?)
            });
            if !self.cur.eat(b',') {
                break;
            }
        }
        self.expect(b']')?;
        Ok(self.func.stencil.exception_tables.push(ExceptionTableData { signature, normal, handlers }))
    }
}
