//! Generates random programs that are valid, terminate, and do not depend on what CLIF leaves unspecified.
//!
//! The bits of a NaN that results from arithmetic are unspecified. The generator tracks the floats whose bits
//! are known, and makes others canonical before their bits can be observed. Addresses are kept apart from
//! other values, together with their range, so that accesses stay inside their objects (except for those to
//! addresses that are null on purpose).

use super::program::*;

/// Random numbers, the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let x = self.0 ^ self.0 >> 32;
        x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ x >> 29
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    /// True with a probability of `n` percent.
    fn chance(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

/// An address in an object of `size` bytes, `low` to `high` bytes from its start.
#[derive(Clone, Copy)]
struct Address {
    value: Value,
    low: i64,
    high: i64,
    size: i64,
    /// Whether it may be null.
    nullable: bool,
}

/// The shape of a program's functions.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The approximate number of instructions.
    pub size: usize,
    /// The nesting depth of control flow.
    pub depth: usize,
    /// The percentage of operands that are new constants.
    pub constants: usize,
    /// The percentage of operands that are recent values.
    pub recent: usize,
    /// The percentage of instructions that access memory.
    pub memory: usize,
    /// The percentage of instructions that may trap.
    pub traps: usize,
}

impl Shape {
    fn any(random: &mut Random) -> Self {
        Shape {
            size: random.pick(&[3, 6, 10, 20, 40, 80, 200]),
            depth: random.pick(&[0, 0, 1, 2, 3]),
            constants: random.pick(&[2, 8, 25]),
            recent: random.pick(&[20, 60, 90]),
            memory: random.pick(&[5, 20, 50]),
            traps: random.pick(&[0, 0, 1, 5]),
        }
    }
}

struct Generator<'a> {
    random: &'a mut Random,
    program: &'a [Function],
    shape: Shape,
    f: Function,
    /// Whether all bits of a value are known, by value.
    exact: Vec<bool>,
    /// Values and addresses that dominate the current position.
    scope: Vec<Value>,
    addresses: Vec<Address>,
    block: usize,
    left: usize,
    /// A constant that is used often.
    favourite: u128,
}

const INT_BINARY: [&str; 12] =
    ["iadd", "isub", "imul", "band", "bor", "bxor", "smin", "smax", "umin", "umax", "umulhi", "smulhi"];
const INT_UNARY: [&str; 8] = ["ineg", "iabs", "bnot", "bitrev", "clz", "ctz", "cls", "popcnt"];
const SHIFTS: [&str; 5] = ["ishl", "ushr", "sshr", "rotl", "rotr"];
const INT_CONDITIONS: [&str; 10] = ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"];
const FLOAT_CONDITIONS: [&str; 14] =
    ["ord", "uno", "eq", "ne", "one", "ueq", "lt", "le", "gt", "ge", "ult", "ule", "ugt", "uge"];
const OVERFLOWS: [&str; 6] =
    ["uadd_overflow", "sadd_overflow", "usub_overflow", "ssub_overflow", "umul_overflow", "smul_overflow"];
const CARRIES: [&str; 4] =
    ["uadd_overflow_cin", "sadd_overflow_cin", "usub_overflow_bin", "ssub_overflow_bin"];
const RMW: [&str; 11] = ["add", "sub", "and", "nand", "or", "xor", "xchg", "umin", "umax", "smin", "smax"];

/// Makes a program of `count` functions. The only parameter of the last half of them is the buffer's address.
pub fn program(seed: u64, count: usize) -> Vec<Function> {
    let mut random = Random::new(seed);
    let mut program = Vec::new();
    for index in 0..count {
        let shape = Shape::any(&mut random);
        let function = Generator::function(&mut random, &program, shape, index < count / 2);
        program.push(function);
    }
    program
}

impl<'a> Generator<'a> {
    fn function(random: &'a mut Random, program: &'a [Function], shape: Shape, callee: bool) -> Function {
        let f = Function {
            convention: "system_v",
            params: vec![Ty::I64],
            returns: Vec::new(),
            blocks: Vec::new(),
            types: Vec::new(),
            slots: vec![64; random.pick(&[0, 0, 1, 2])],
        };
        let (scope, addresses, exact) = Default::default();
        let (block, left, favourite) = (0, shape.size, u128::from(random.next()) * 0xffff_ffff_ffff_ffef);
        let mut this =
            Generator { random, program, shape, f, exact, scope, addresses, block, left, favourite };
        if callee {
            this.f.convention = this.random.pick(&["fast", "tail", "system_v"]);
            for _ in 0..this.random.below(9) {
                let ty = this.random.pick(&Ty::ALL);
                this.f.params.push(ty);
            }
            let most = if this.f.convention == "system_v" { 2 } else { 6 };
            for _ in 0..this.random.below(most) {
                let ty = this.random.pick(&Ty::ALL);
                this.f.returns.push(ty);
            }
        }
        this.entry();
        let depth = shape.depth;
        this.sequence(depth);
        this.observe();
        this.finish();
        this.f
    }

    fn entry(&mut self) {
        self.new_block();
        let buffer = self.value(Ty::I64);
        self.exact[buffer] = false;
        self.f.blocks[0].params.push(buffer);
        self.addresses.push(Address { value: buffer, low: 0, high: 0, size: 256, nullable: false });
        for i in 1..self.f.params.len() {
            let ty = self.f.params[i];
            let param = self.value(ty);
            self.f.blocks[0].params.push(param);
            self.exact[param] = ty.is_int();
            self.scope.push(param);
        }
        for slot in 0..self.f.slots.len() {
            self.fill(slot);
        }
        for _ in 0..self.random.pick(&[1, 3, 6, 12, 30]) {
            let ty = self.random.pick(&Ty::ALL);
            let at = self.address(ty.bytes());
            self.load("load", ty, "", at);
        }
    }

    /// Stores zeros in all of a slot.
    fn fill(&mut self, entity: usize) {
        let zero = self.constant(Ty::I64, 0);
        for offset in (0..64).step_by(8) {
            let address = self.emit("stack_addr", Ty::I64, vec![], Inst { entity, ..NONE }, &[Ty::I64])[0];
            self.emit("store", Ty::I64, vec![zero, address], Inst { offset, ..NONE }, &[]);
        }
    }

    fn new_block(&mut self) -> usize {
        self.f.blocks.push(Block { params: Vec::new(), insts: Vec::new(), end: Terminator::Trap });
        self.f.blocks.len() - 1
    }

    fn value(&mut self, ty: Ty) -> Value {
        self.f.types.push(ty);
        self.exact.push(true);
        self.f.types.len() - 1
    }

    /// Adds an instruction; `with` has its other fields.
    fn emit(&mut self, op: &'static str, ty: Ty, args: Vec<Value>, with: Inst, results: &[Ty]) -> Vec<Value> {
        let results: Vec<Value> = results.iter().map(|&ty| self.value(ty)).collect();
        let inst = Inst { op, ty, args, results: results.clone(), ..with };
        self.f.blocks[self.block].insts.push(inst);
        results
    }

    /// Adds an instruction with one result, which others may use.
    fn add(&mut self, op: &'static str, ty: Ty, args: Vec<Value>, result: Ty) -> Value {
        let value = self.emit(op, ty, args, NONE, &[result])[0];
        self.scope.push(value);
        value
    }

    /// Bits that are likely to matter in a `ty`.
    fn bits(&mut self, ty: Ty) -> u128 {
        let width = ty.bits() as usize;
        let bits = match ty {
            Ty::F32 => self.float_bits(23, 8),
            Ty::F64 => self.float_bits(52, 11),
            _ => match self.random.below(9) {
                8 => self.favourite,
                0 => 0,
                1 => 1,
                2 => u128::MAX,
                3 => 1 << self.random.below(width),
                4 => (1 << self.random.below(width)) - 1,
                5 => !(1 << self.random.below(width)),
                6 => (self.random.below(256) as i128 - 128) as u128,
                _ => u128::from(self.random.next()) << 64 | u128::from(self.random.next()),
            },
        };
        bits & ty.mask()
    }

    fn float_bits(&mut self, mantissa: u32, exponent: u32) -> u128 {
        let bias = (1u64 << (exponent - 1)) - 1;
        let one = bias << mantissa;
        let power = |n: u64| (bias + n) << mantissa;
        let sign = (self.random.below(2) as u64) << (mantissa + exponent);
        let magnitude = match self.random.below(12) {
            0 => 0,
            1 => one,
            2 => (2 * bias + 1) << mantissa,
            3 => (2 * bias + 1) << mantissa | 1 << (mantissa - 1),
            4 => self.random.next() & ((1 << mantissa) - 1),
            5 => self.random.next() & ((1 << (mantissa + exponent)) - 1),
            6 => self.random.pick(&[power(7), power(8), power(15), power(16), power(31), power(32)]),
            7 => self.random.pick(&[power(63), power(64)]) - self.random.below(2) as u64,
            8 => self.random.pick(&[power(31), power(30), power(62), power(7)]) - self.random.below(2) as u64,
            9 => one - (1 << mantissa),
            _ => power(self.random.below(20) as u64) | self.random.next() & ((1 << mantissa) - 1),
        };
        // Avoid signaling NaNs: whether they stay signaling is unspecified.
        let quiet = if magnitude > (2 * bias + 1) << mantissa { 1 << (mantissa - 1) } else { 0 };
        u128::from(sign | magnitude | quiet)
    }

    fn constant(&mut self, ty: Ty, bits: u128) -> Value {
        let with = |bits| Inst { bits, ..NONE };
        match ty {
            Ty::F32 => self.emit("f32const", ty, vec![], with(bits), &[ty])[0],
            Ty::F64 => self.emit("f64const", ty, vec![], with(bits), &[ty])[0],
            Ty::I128 => {
                let low = self.constant(Ty::I64, bits & Ty::I64.mask());
                match bits >> 64 {
                    0 => self.emit("uextend", ty, vec![low], NONE, &[ty])[0],
                    _ if (bits as i128) >> 63 == -1 => self.emit("sextend", ty, vec![low], NONE, &[ty])[0],
                    high => {
                        let high = self.constant(Ty::I64, high);
                        self.emit("iconcat", Ty::I64, vec![low, high], NONE, &[ty])[0]
                    }
                }
            }
            _ => self.emit("iconst", ty, vec![], with(bits), &[ty])[0],
        }
    }

    fn any_constant(&mut self, ty: Ty) -> Value {
        let bits = self.bits(ty);
        let value = self.constant(ty, bits);
        if self.random.chance(50) {
            self.scope.push(value);
        }
        value
    }

    /// A value of a type: a recent value, any value, or a new constant.
    fn operand(&mut self, ty: Ty) -> Value {
        if self.random.chance(self.shape.constants) {
            return self.any_constant(ty);
        }
        let fitting: Vec<Value> =
            self.scope.iter().copied().filter(|&value| self.f.types[value] == ty).collect();
        if fitting.is_empty() {
            return self.any_constant(ty);
        }
        if self.random.chance(self.shape.recent) {
            let from = fitting.len().saturating_sub(3);
            return self.random.pick(&fitting[from..]);
        }
        self.random.pick(&fitting)
    }

    fn int(&mut self) -> Ty {
        self.random.pick(&[Ty::I8, Ty::I16, Ty::I32, Ty::I32, Ty::I64, Ty::I64, Ty::I128])
    }

    /// A condition for a branch or select.
    fn condition(&mut self) -> Value {
        match self.random.below(10) {
            0 => {
                let ty = self.int();
                self.operand(ty)
            }
            9 => self.result_against_zero(),
            8 => {
                let (a, b) = (self.condition(), self.condition());
                if self.f.types[a] != self.f.types[b] {
                    return a;
                }
                let ty = self.f.types[a];
                let op = self.random.pick(&["band", "bor", "bxor"]);
                self.add(op, ty, vec![a, b], ty)
            }
            7 => {
                let value = self.condition();
                let ty = self.f.types[value];
                let zero = self.constant(ty, 0);
                let with = Inst { word: self.random.pick(&["eq", "ne", "eq", "ugt"]), ..NONE };
                self.emit("icmp", ty, vec![value, zero], with, &[Ty::I8])[0]
            }
            1 => {
                let ty = self.random.pick(&Ty::FLOATS);
                self.compare(ty)
            }
            2 => {
                let ty = self.int();
                let (a, b) = (self.operand(ty), self.operand(ty));
                self.add("band", ty, vec![a, b], ty)
            }
            _ => {
                let ty = self.int();
                self.compare(ty)
            }
        }
    }

    /// A condition that arithmetic leaves in the flags.
    fn result_against_zero(&mut self) -> Value {
        let ty = self.int();
        let (a, b) = (self.operand(ty), self.operand(ty));
        let op = self.random.pick(&["iadd", "isub", "band", "bor", "bxor", "ishl", "ushr", "sshr", "imul"]);
        let value = self.add(op, ty, vec![a, b], ty);
        if self.random.chance(20) {
            self.instruction();
        }
        if self.random.chance(30) {
            return value;
        }
        let zero = self.constant(ty, 0);
        let with = Inst { word: self.random.pick(&INT_CONDITIONS), ..NONE };
        let args = if self.random.chance(80) { vec![value, zero] } else { vec![zero, value] };
        self.emit("icmp", ty, args, with, &[Ty::I8])[0]
    }

    fn compare(&mut self, ty: Ty) -> Value {
        let (a, b) = (self.operand(ty), self.operand(ty));
        let (op, word) = match ty.is_int() {
            true => ("icmp", self.random.pick(&INT_CONDITIONS)),
            false => ("fcmp", self.random.pick(&FLOAT_CONDITIONS)),
        };
        let value = self.emit(op, ty, vec![a, b], Inst { word, ..NONE }, &[Ty::I8])[0];
        self.scope.push(value);
        value
    }

    /// A carry: 0 or 1.
    fn carry(&mut self) -> Value {
        if self.random.chance(60)
            && let Some(inst) = self.f.blocks[self.block].insts.last()
            && inst.op.contains("overflow")
            && inst.results.len() == 2
        {
            return inst.results[1];
        }
        match self.random.below(4) {
            0 => {
                let bits = self.random.below(2) as u128;
                self.constant(Ty::I8, bits)
            }
            _ => {
                let ty = self.int();
                self.compare(ty)
            }
        }
    }

    /// A float with known bits, which equals the given one unless that is a NaN.
    fn exact(&mut self, value: Value) -> Value {
        let ty = self.f.types[value];
        if self.exact[value] {
            return value;
        }
        let bits = if ty == Ty::F32 { 0x7fc0_0000 } else { 0x7ff8 << 48 };
        let nan = self.constant(ty, bits);
        let with = Inst { word: "uno", ..NONE };
        let is_nan = self.emit("fcmp", ty, vec![value, value], with, &[Ty::I8])[0];
        self.emit("select", ty, vec![is_nan, nan, value], NONE, &[ty])[0]
    }

    fn instruction(&mut self) {
        if self.random.chance(self.shape.memory) {
            self.memory();
        } else if self.random.chance(self.shape.traps) {
            self.trapping();
        } else {
            match self.random.below(20) {
                0..7 => self.integer(),
                7 | 8 => self.conversion(),
                9 | 10 => self.float(),
                11 => self.float_conversion(),
                12 => self.overflow(),
                13 => {
                    let ty = self.random.pick(&Ty::ALL);
                    self.compare(ty);
                }
                14 | 15 => self.select(),
                16 => self.shift(),
                17 => self.division(),
                18 if self.random.chance(50) => self.call(),
                _ => self.idiom(),
            }
        }
    }

    fn integer(&mut self) {
        let ty = self.int();
        let a = self.operand(ty);
        if self.random.chance(20) {
            let op = self.random.pick(&INT_UNARY);
            let op = if ty != Ty::I8 && self.random.chance(15) { "bswap" } else { op };
            self.add(op, ty, vec![a], ty);
            return;
        }
        let b = self.operand(ty);
        if self.random.chance(5) {
            let c = self.operand(ty);
            self.add("bitselect", ty, vec![a, b, c], ty);
            return;
        }
        let few = if self.random.chance(60) { 6 } else { INT_BINARY.len() };
        let op = self.random.pick(&INT_BINARY[..few]);
        self.add(op, ty, vec![a, b], ty);
    }

    fn shift(&mut self) {
        let ty = self.int();
        let amount = self.int();
        let a = self.operand(ty);
        let b = match self.random.below(3) {
            0 => {
                let bits = self.random.below(140) as u128 & amount.mask();
                self.constant(amount, bits)
            }
            _ => self.operand(amount),
        };
        let op = self.random.pick(&SHIFTS);
        self.add(op, ty, vec![a, b], ty);
    }

    /// Division by a value that is not zero.
    fn division(&mut self) {
        let ty = self.int();
        let op = self.random.pick(&["udiv", "urem", "sdiv", "srem"]);
        let a = self.operand(ty);
        let divisor = match self.random.below(3) {
            0 => {
                let odd = self.operand(ty);
                let one = self.constant(ty, 1);
                self.add("bor", ty, vec![odd, one], ty)
            }
            _ => {
                let bits = self.bits(ty).max(1);
                self.constant(ty, bits)
            }
        };
        self.add(op, ty, vec![a, divisor], ty);
    }

    fn conversion(&mut self) {
        let (a, b) = (self.int(), self.int());
        let (narrow, wide) = if a.bits() < b.bits() { (a, b) } else { (b, a) };
        match self.random.below(6) {
            0 if wide != Ty::I8 => {
                let value = self.operand(wide);
                let half = Ty::INTS[Ty::INTS.iter().position(|&ty| ty == wide).expect("an integer") - 1];
                let halves = self.emit("isplit", wide, vec![value], NONE, &[half, half]);
                self.scope.extend(halves);
            }
            1 if narrow != Ty::I128 => {
                let double = Ty::INTS[Ty::INTS.iter().position(|&ty| ty == narrow).expect("an integer") + 1];
                let (low, high) = (self.operand(narrow), self.operand(narrow));
                self.add("iconcat", narrow, vec![low, high], double);
            }
            2 => {
                let value = self.operand(a);
                self.add("bmask", b, vec![value], b);
            }
            _ if narrow == wide => {}
            3 => {
                let value = self.operand(wide);
                self.add("ireduce", narrow, vec![value], narrow);
            }
            _ => {
                let value = self.operand(narrow);
                let op = self.random.pick(&["uextend", "sextend"]);
                self.add(op, wide, vec![value], wide);
            }
        }
    }

    fn float(&mut self) {
        let ty = self.random.pick(&Ty::FLOATS);
        let (a, b) = (self.operand(ty), self.operand(ty));
        match self.random.below(8) {
            0 => {
                let op = self.random.pick(&["fneg", "fabs"]);
                let value = self.add(op, ty, vec![a], ty);
                self.exact[value] = self.exact[a];
            }
            1 => {
                let b = self.exact(b);
                let value = self.add("fcopysign", ty, vec![a, b], ty);
                self.exact[value] = self.exact[a];
            }
            2 => {
                let op = self.random.pick(&["sqrt", "ceil", "floor", "trunc", "nearest"]);
                let value = self.add(op, ty, vec![a], ty);
                self.exact[value] = false;
            }
            3 if self.random.chance(30) => {
                let c = self.operand(ty);
                let value = self.add("fma", ty, vec![a, b, c], ty);
                self.exact[value] = false;
            }
            4 => {
                let (a, b) = (self.exact(a), self.exact(b));
                let op = self.random.pick(&["band", "bor", "bxor"]);
                let value = self.add(op, ty, vec![a, b], ty);
                self.quiet(value);
            }
            _ => {
                let op = self.random.pick(&["fadd", "fsub", "fmul", "fdiv", "fmin", "fmax"]);
                let value = self.add(op, ty, vec![a, b], ty);
                self.exact[value] = false;
            }
        }
    }

    /// Replaces a float that was made from bits by a canonical one, since it may be a signaling NaN.
    fn quiet(&mut self, value: Value) {
        self.exact[value] = false;
        let canonical = self.exact(value);
        self.scope.retain(|&other| other != value);
        self.scope.push(canonical);
    }

    fn float_conversion(&mut self) {
        let (ty, int) = (self.random.pick(&Ty::FLOATS), self.random.pick(&Ty::TO_64));
        match self.random.below(6) {
            0 => {
                let value = self.operand(int);
                let op = self.random.pick(&["fcvt_from_uint", "fcvt_from_sint"]);
                self.add(op, ty, vec![value], ty);
            }
            1 | 2 => {
                let value = self.operand(ty);
                let op = self.random.pick(&["fcvt_to_uint_sat", "fcvt_to_sint_sat"]);
                self.add(op, int, vec![value], int);
            }
            3 => {
                let value = self.operand(ty);
                let value = self.exact(value);
                let int = if ty == Ty::F32 { Ty::I32 } else { Ty::I64 };
                self.add("bitcast", int, vec![value], int);
            }
            4 => {
                let int = if ty == Ty::F32 { Ty::I32 } else { Ty::I64 };
                let value = self.operand(int);
                let value = self.add("bitcast", ty, vec![value], ty);
                self.quiet(value);
            }
            _ => {
                let value = self.operand(ty);
                let (op, to) = if ty == Ty::F32 { ("fpromote", Ty::F64) } else { ("fdemote", Ty::F32) };
                let value = self.add(op, to, vec![value], to);
                self.exact[value] = false;
            }
        }
    }

    fn overflow(&mut self) {
        let ty = self.int();
        let mut args = vec![self.operand(ty), self.operand(ty)];
        let op = if self.random.chance(40) {
            args.push(self.carry());
            self.random.pick(&CARRIES)
        } else {
            self.random.pick(&OVERFLOWS[..if ty == Ty::I128 { 4 } else { 6 }])
        };
        let results = self.emit(op, ty, args, NONE, &[ty, Ty::I8]);
        self.scope.extend(results);
    }

    fn select(&mut self) {
        let ty = self.random.pick(&Ty::ALL);
        let mut args = vec![self.operand(ty), self.operand(ty)];
        args.insert(0, self.condition());
        let exact = self.exact[args[1]] && self.exact[args[2]];
        let op = self.random.pick(&["select", "select", "select_spectre_guard"]);
        let value = self.add(op, ty, args, ty);
        self.exact[value] = exact;
    }

    /// An instruction that may trap, but usually does not.
    fn trapping(&mut self) {
        match self.random.below(5) {
            0 => {
                let condition = self.condition();
                let op = self.random.pick(&["trapz", "trapnz"]);
                self.emit(op, Ty::I8, vec![condition], NONE, &[]);
            }
            1 => {
                let (ty, int) = (self.random.pick(&Ty::FLOATS), self.random.pick(&Ty::TO_64));
                let value = self.operand(ty);
                let op = self.random.pick(&["fcvt_to_uint", "fcvt_to_sint"]);
                self.add(op, int, vec![value], int);
            }
            2 => {
                let ty = self.random.pick(&[Ty::I32, Ty::I64]);
                let (a, b) = (self.operand(ty), self.operand(ty));
                self.add("uadd_overflow_trap", ty, vec![a, b], ty);
            }
            3 => {
                let ty = self.int();
                let (a, b) = (self.operand(ty), self.operand(ty));
                let op = self.random.pick(&["udiv", "urem", "sdiv", "srem"]);
                self.add(op, ty, vec![a, b], ty);
            }
            _ => {
                let at = self.random.pick(&self.addresses.clone());
                let condition = self.condition();
                let null = self.constant(Ty::I64, 0);
                let args = vec![condition, at.value, null];
                let value = self.emit("select", Ty::I64, args, NONE, &[Ty::I64])[0];
                // Accesses near address 0 always trap; others need not.
                if at.low > -4096 && at.high < 4096 {
                    self.addresses.push(Address { value, nullable: true, ..at });
                }
            }
        }
    }

    /// A condition from a load that is used several times: folding the load into one use must not affect the
    /// others.
    fn loaded_condition(&mut self) {
        let ty = self.int();
        let flags = self.random.pick(&["", "notrap", "big"]);
        let at = self.address(ty.bytes());
        let loaded = self.load("load", ty, flags, at);
        let other = self.operand(ty);
        let (value, ty) = match self.random.below(6) {
            0 => (loaded, ty),
            1 if ty != Ty::I128 => (self.add("uextend", Ty::I128, vec![loaded], Ty::I128), Ty::I128),
            2 if ty.bits() < 64 => (self.add("sextend", Ty::I64, vec![loaded], Ty::I64), Ty::I64),
            3 if ty != Ty::I128 => {
                let double = Ty::INTS[Ty::INTS.iter().position(|&one| one == ty).expect("an integer") + 1];
                (self.add("iconcat", ty, vec![loaded, other], double), double)
            }
            4 if ty != Ty::I8 => (self.add("ireduce", Ty::I8, vec![loaded], Ty::I8), Ty::I8),
            _ => {
                let mask = if self.random.chance(60) { self.any_constant(ty) } else { other };
                let op = self.random.pick(&["band", "band", "iadd", "bxor"]);
                (self.add(op, ty, vec![loaded, mask], ty), ty)
            }
        };
        let limit = if self.random.chance(50) { self.constant(ty, 0) } else { self.operand(ty) };
        let with = Inst { word: self.random.pick(&INT_CONDITIONS), ..NONE };
        let mut test = self.emit("icmp", ty, vec![value, limit], with, &[Ty::I8])[0];
        self.scope.push(test);
        if self.random.chance(30) {
            test = self.add("uextend", Ty::I64, vec![test], Ty::I64);
        }
        for _ in 0..self.random.below(3) {
            let ty = self.random.pick(&Ty::ALL);
            let (a, b) = (self.operand(ty), self.operand(ty));
            let exact = self.exact[a] && self.exact[b];
            let chosen = self.add("select", ty, vec![test, a, b], ty);
            self.exact[chosen] = exact;
        }
    }

    /// Sequences that lowering recognises.
    fn idiom(&mut self) {
        let ty = self.int();
        let a = self.operand(ty);
        match self.random.below(8) {
            6 | 7 => self.loaded_condition(),
            0 => {
                let zero = self.constant(ty, 0);
                let compared = self.compare(ty);
                let wide = self.add("uextend", Ty::I32, vec![compared], Ty::I32);
                let zero32 = self.constant(Ty::I32, 0);
                let word = self.random.pick(&["eq", "ne"]);
                let not = self.emit("icmp", Ty::I32, vec![wide, zero32], Inst { word, ..NONE }, &[Ty::I8])[0];
                let b = self.operand(ty);
                let b = if self.random.chance(50) { b } else { zero };
                self.add("select", ty, vec![not, a, b], ty);
            }
            1 => {
                // A rotation by shifts, a sum like an address, or a bit test.
                let one = self.constant(ty, 1);
                let amount = self.operand(Ty::I32);
                let bit = self.add("ishl", ty, vec![one, amount], ty);
                let op = self.random.pick(&["band", "bor", "bxor"]);
                let value = self.add(op, ty, vec![a, bit], ty);
                if self.random.chance(50) {
                    let not = self.add("bnot", ty, vec![bit], ty);
                    self.add("band", ty, vec![value, not], ty);
                }
            }
            2 => {
                let minus = self.add("ineg", ty, vec![a], ty);
                self.add("band", ty, vec![a, minus], ty);
            }
            3 => {
                let one = self.constant(ty, 1);
                let less = self.add("isub", ty, vec![a, one], ty);
                let op = self.random.pick(&["band", "bxor"]);
                self.add(op, ty, vec![a, less], ty);
            }
            4 => {
                let b = self.operand(ty);
                let not = self.add("bnot", ty, vec![b], ty);
                let op = self.random.pick(&["band", "bor", "bxor"]);
                self.add(op, ty, vec![a, not], ty);
            }
            _ => {
                let b = self.operand(ty);
                let difference = self.add("isub", ty, vec![a, b], ty);
                let word = self.random.pick(&INT_CONDITIONS);
                let zero = self.constant(ty, 0);
                let other = if self.random.chance(50) { (a, b) } else { (difference, zero) };
                let test = self.emit("icmp", ty, vec![other.0, other.1], Inst { word, ..NONE }, &[Ty::I8])[0];
                self.scope.push(test);
            }
        }
    }
}

/// An instruction with no fields set.
const NONE: Inst = Inst {
    op: "",
    ty: Ty::I32,
    word: "",
    args: Vec::new(),
    results: Vec::new(),
    bits: 0,
    offset: 0,
    entity: 0,
};

mod flow;
mod memory;
