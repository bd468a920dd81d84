//! The expected behaviour of a program: an evaluator of CLIF that is as simple as possible.
//!
//! Values have 128 bits, of which only those of the value's type are ever set. Addresses are fictitious: each
//! object has a base address far from all others.

use super::program::*;

/// Why a function does not return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    Trap,
    /// It runs for too long to be useful.
    TooLong,
}

struct Object {
    base: u64,
    bytes: Vec<u8>,
}

const BUFFER_BASE: u64 = 0x10_0000_0000;
const CODE_BASE: u64 = 0x70_0000_0000;
const DISTANCE: u64 = 0x10_0000_0000;
const STEPS: u32 = 100_000;

/// A machine that runs programs.
pub struct Machine<'a> {
    program: &'a [Function],
    /// Whether accesses without an explicit byte order are big-endian.
    big_endian: bool,
    objects: Vec<Object>,
    steps: u32,
}

type Outcome<T> = Result<T, Stop>;

impl<'a> Machine<'a> {
    pub fn new(program: &'a [Function], big_endian: bool, buffer: Vec<u8>) -> Self {
        let objects = vec![Object { base: BUFFER_BASE, bytes: buffer }];
        Machine { program, big_endian, objects, steps: STEPS }
    }

    /// The buffer's bytes.
    pub fn buffer(&self) -> &[u8] {
        &self.objects[0].bytes
    }

    /// Runs a function whose only argument is the buffer's address.
    pub fn run(&mut self, function: usize) -> Outcome<()> {
        self.call(function, &[u128::from(BUFFER_BASE)], 0).map(|_| ())
    }

    fn call(&mut self, mut function: usize, args: &[u128], depth: u64) -> Outcome<Vec<u128>> {
        let mut args = args.to_vec();
        loop {
            let objects = self.objects.len();
            let result = self.call_once(function, &args, depth);
            self.objects.truncate(objects);
            match result? {
                Next::Return(results) => return Ok(results),
                Next::Call(next, next_args) => (function, args) = (next, next_args),
            }
        }
    }

    fn call_once(&mut self, index: usize, args: &[u128], depth: u64) -> Outcome<Next> {
        let program = self.program;
        let function = &program[index];
        if depth > 20 {
            return Err(Stop::TooLong);
        }
        let first_slot = self.objects.len();
        for &bytes in &function.slots {
            let base = self.objects.last().expect("the buffer").base + DISTANCE;
            self.objects.push(Object { base, bytes: vec![0; bytes as usize] });
        }
        let mut values = vec![0u128; function.types.len()];
        let mut block = 0;
        let mut block_args = args.to_vec();
        loop {
            let data = &function.blocks[block];
            for (&param, arg) in data.params.iter().zip(block_args.drain(..)) {
                values[param] = arg;
            }
            for inst in &data.insts {
                self.steps = self.steps.checked_sub(1).ok_or(Stop::TooLong)?;
                let results = self.inst(function, inst, &values, first_slot, depth)?;
                for (&result, bits) in inst.results.iter().zip(results) {
                    values[result] = bits & function.types[result].mask();
                }
            }
            self.steps = self.steps.checked_sub(1).ok_or(Stop::TooLong)?;
            let get = |names: &[Value]| -> Vec<u128> { names.iter().map(|&name| values[name]).collect() };
            let mut returned = Vec::new();
            let to = match &data.end {
                Terminator::Jump(to) => to,
                Terminator::Brif(value, then, other) => {
                    if values[*value] != 0 {
                        then
                    } else {
                        other
                    }
                }
                Terminator::BrTable(value, default, table) => {
                    table.get(values[*value] as usize).unwrap_or(default)
                }
                Terminator::TryCall(callee, args, normal, _) => {
                    returned = self.call(*callee, &get(args), depth + 1)?;
                    normal
                }
                Terminator::Return(results) => return Ok(Next::Return(get(results))),
                Terminator::ReturnCall(callee, args) => return Ok(Next::Call(*callee, get(args))),
                Terminator::Trap => return Err(Stop::Trap),
            };
            let arg = |&arg: &Value| if arg >= TRY_RESULT { returned[arg - TRY_RESULT] } else { values[arg] };
            block_args = to.args.iter().map(arg).collect();
            block = to.block;
        }
    }

    fn memory(&mut self, address: u128, bytes: i64) -> Outcome<&mut [u8]> {
        let address = address as u64;
        let range = |object: &Object| {
            let start = address.checked_sub(object.base)? as usize;
            let end = start.checked_add(bytes as usize)?;
            (end <= object.bytes.len()).then_some(start..end)
        };
        let mut objects = self.objects.iter_mut();
        let found = objects.find_map(|object| range(object).map(|range| &mut object.bytes[range]));
        found.ok_or(Stop::Trap)
    }

    fn load(&mut self, address: u128, bytes: i64, big: bool) -> Outcome<u128> {
        let mut all = self.memory(address, bytes)?.to_vec();
        if big {
            all.reverse();
        }
        Ok(all.iter().rev().fold(0, |sum, &byte| sum << 8 | u128::from(byte)))
    }

    fn store(&mut self, address: u128, bytes: i64, big: bool, value: u128) -> Outcome<()> {
        let memory = self.memory(address, bytes)?;
        memory.copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
        if big {
            memory.reverse();
        }
        Ok(())
    }

    fn inst(
        &mut self,
        function: &Function,
        inst: &Inst,
        values: &[u128],
        first_slot: usize,
        depth: u64,
    ) -> Outcome<Vec<u128>> {
        let ty = inst.ty;
        let args: Vec<u128> = inst.args.iter().map(|&arg| values[arg]).collect();
        let arg = |n: usize| args.get(n).copied().unwrap_or(0);
        let (a, b) = (arg(0), arg(1));
        let from = inst.args.first().map_or(ty, |&arg| function.types[arg]);
        let big = inst.word.contains("big") || self.big_endian && !inst.word.contains("little");
        let at = |base: u128| u128::from((base as u64).wrapping_add(inst.offset as u64));
        let one = match inst.op {
            "call" => return self.call(inst.entity, &args, depth + 1),
            "call_indirect" => return self.call(inst.entity, &args[1..], depth + 1),
            "func_addr" => u128::from(CODE_BASE),
            "stack_addr" => at(self.objects[first_slot + inst.entity].base.into()),
            "symbol_value" => BUFFER_BASE.into(),
            "load" | "atomic_load" => self.load(at(a), ty.bytes(), big)?,
            "uload8" => self.load(at(a), 1, big)?,
            "sload8" => signed(self.load(at(a), 1, big)?, 8) as u128,
            "uload16" => self.load(at(a), 2, big)?,
            "sload16" => signed(self.load(at(a), 2, big)?, 16) as u128,
            "uload32" => self.load(at(a), 4, big)?,
            "sload32" => signed(self.load(at(a), 4, big)?, 32) as u128,
            "store" | "atomic_store" | "istore8" | "istore16" | "istore32" => {
                let bytes = match inst.op {
                    "istore8" => 1,
                    "istore16" => 2,
                    "istore32" => 4,
                    _ => from.bytes(),
                };
                self.store(at(b), bytes, big, a)?;
                return Ok(Vec::new());
            }
            "atomic_rmw" => {
                let old = self.load(a, ty.bytes(), self.big_endian)?;
                let new = match inst.word {
                    "xchg" => b,
                    "nand" => !(old & b),
                    "add" | "sub" => {
                        pure(&["iadd", "isub"][usize::from(inst.word == "sub")].into(), ty, ty, &[old, b])[0]
                    }
                    "and" => old & b,
                    "or" => old | b,
                    "xor" => old ^ b,
                    word => pure(&word.into(), ty, ty, &[old, b])[0],
                };
                self.store(a, ty.bytes(), self.big_endian, new)?;
                old
            }
            "atomic_cas" => {
                let old = self.load(a, ty.bytes(), self.big_endian)?;
                if old == b {
                    self.store(a, ty.bytes(), self.big_endian, arg(2))?;
                }
                old
            }
            "fence" => return Ok(Vec::new()),
            "iconst" | "f32const" | "f64const" => inst.bits,
            "icmp" => u128::from(compare_ints(inst.word, a, b, from)),
            "fcmp" => u128::from(compare_floats(inst.word, float(a, from), float(b, from))),
            "trapz" | "trapnz" => {
                return if (a == 0) == (inst.op == "trapz") { Err(Stop::Trap) } else { Ok(Vec::new()) };
            }
            "udiv" | "urem" | "sdiv" | "srem" => divide(inst.op, ty, a, b)?,
            "uadd_overflow_trap" => {
                let sum = a.wrapping_add(b);
                if sum > ty.mask() {
                    return Err(Stop::Trap);
                }
                sum
            }
            "fcvt_to_uint" | "fcvt_to_sint" => to_int(inst.op == "fcvt_to_sint", ty, float(a, from))?,
            op => return Ok(pure(&op.into(), ty, from, &args)),
        };
        Ok(vec![one])
    }
}

enum Next {
    Return(Vec<u128>),
    Call(usize, Vec<u128>),
}

/// The low `bits` as a signed number.
fn signed(value: u128, bits: u32) -> i128 {
    (value << (128 - bits)) as i128 >> (128 - bits)
}

fn float(bits: u128, ty: Ty) -> f64 {
    if ty == Ty::F32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits as u64) }
}

/// The bits of a float as type `ty`, rounded once if it is not exact.
fn unfloat(value: f64, ty: Ty) -> u128 {
    if ty == Ty::F32 { (value as f32).to_bits().into() } else { value.to_bits().into() }
}

fn compare_ints(condition: &str, a: u128, b: u128, ty: Ty) -> bool {
    let (x, y) = (signed(a, ty.bits()), signed(b, ty.bits()));
    match condition {
        "eq" => a == b,
        "ne" => a != b,
        "slt" => x < y,
        "sle" => x <= y,
        "sgt" => x > y,
        "sge" => x >= y,
        "ult" => a < b,
        "ule" => a <= b,
        "ugt" => a > b,
        "uge" => a >= b,
        _ => panic!("condition {condition}"),
    }
}

fn compare_floats(condition: &str, a: f64, b: f64) -> bool {
    let unordered = a.is_nan() || b.is_nan();
    match condition {
        "ord" => !unordered,
        "uno" => unordered,
        "eq" => a == b,
        "ne" => a != b,
        "one" => !unordered && a != b,
        "ueq" => unordered || a == b,
        "lt" => a < b,
        "le" => a <= b,
        "gt" => a > b,
        "ge" => a >= b,
        "ult" => unordered || a < b,
        "ule" => unordered || a <= b,
        "ugt" => unordered || a > b,
        "uge" => unordered || a >= b,
        _ => panic!("condition {condition}"),
    }
}

fn divide(op: &str, ty: Ty, a: u128, b: u128) -> Outcome<u128> {
    let (x, y) = (signed(a, ty.bits()), signed(b, ty.bits()));
    let least = signed(1 << (ty.bits() - 1), ty.bits());
    match op {
        _ if b == 0 => Err(Stop::Trap),
        "udiv" => Ok(a / b),
        "urem" => Ok(a % b),
        "sdiv" if x == least && y == -1 => Err(Stop::Trap),
        "sdiv" => Ok((x / y) as u128),
        _ => Ok(x.wrapping_rem(y) as u128),
    }
}

fn to_int(is_signed: bool, ty: Ty, value: f64) -> Outcome<u128> {
    let value = value.trunc();
    let bits = ty.bits() as i32;
    let (least, end) =
        if is_signed { (-(2f64.powi(bits - 1)), 2f64.powi(bits - 1)) } else { (0.0, 2f64.powi(bits)) };
    if value.is_nan() || value < least || value >= end { Err(Stop::Trap) } else { Ok(value as i128 as u128) }
}

/// The high half of the product of 128-bit numbers.
fn multiply_high(a: u128, b: u128) -> u128 {
    let low = |x: u128| x & u128::from(u64::MAX);
    let middle = (a >> 64) * low(b) + ((low(a) * low(b)) >> 64);
    let other = low(a) * (b >> 64) + low(middle);
    (a >> 64) * (b >> 64) + (middle >> 64) + (other >> 64)
}

fn overflow(op: &str, ty: Ty, a: u128, b: u128, carry: u128) -> Vec<u128> {
    let bits = ty.bits();
    let (x, y) = (signed(a, bits), signed(b, bits));
    let in_range = |value: Option<i128>| value.is_some_and(|v| signed(v as u128, bits) == v);
    let c = carry as i128;
    let (value, fits) = match op {
        "uadd_overflow" | "uadd_overflow_cin" => {
            let sum = a.checked_add(b).and_then(|sum| sum.checked_add(carry));
            (a.wrapping_add(b).wrapping_add(carry), sum.is_some_and(|sum| sum <= ty.mask()))
        }
        "usub_overflow" | "usub_overflow_bin" => {
            let difference = a.checked_sub(b).and_then(|left| left.checked_sub(carry));
            (a.wrapping_sub(b).wrapping_sub(carry), difference.is_some())
        }
        "sadd_overflow" | "sadd_overflow_cin" => {
            let (sum, first) = x.overflowing_add(y);
            let (sum, second) = sum.overflowing_add(c);
            (sum as u128, first == second && in_range(Some(sum)))
        }
        "ssub_overflow" | "ssub_overflow_bin" => {
            let (left, first) = x.overflowing_sub(y);
            let (left, second) = left.overflowing_sub(c);
            (left as u128, first == second && in_range(Some(left)))
        }
        "umul_overflow" => (a.wrapping_mul(b), a.checked_mul(b).is_some_and(|p| p <= ty.mask())),
        "smul_overflow" => (a.wrapping_mul(b), in_range(x.checked_mul(y))),
        _ => panic!("opcode {op}"),
    };
    vec![value, u128::from(!fits)]
}

/// The name of an opcode: a type of its own, so that no other text is passed to [`pure`] by mistake.
struct Op<'a>(&'a str);

impl<'a> From<&'a str> for Op<'a> {
    fn from(name: &'a str) -> Self {
        Op(name)
    }
}

/// Evaluates an instruction without side effects and traps.
fn pure(op: &Op, ty: Ty, from: Ty, args: &[u128]) -> Vec<u128> {
    let arg = |n: usize| args.get(n).copied().unwrap_or(0);
    let (a, b, c) = (arg(0), arg(1), arg(2));
    let bits = ty.bits();
    let (x, y) = (signed(a, bits), signed(b, bits));
    let shift = (b % u128::from(bits)) as u32;
    let high = |wide: u128| if bits == 128 { multiply_high(a, b) } else { wide >> bits };
    vec![match op.0 {
        "iadd" => a.wrapping_add(b),
        "isub" => a.wrapping_sub(b),
        "imul" => a.wrapping_mul(b),
        "ineg" => a.wrapping_neg(),
        "iabs" => x.unsigned_abs(),
        "band" => a & b,
        "bor" => a | b,
        "bxor" => a ^ b,
        "bnot" => !a,
        "smin" => x.min(y) as u128,
        "smax" => x.max(y) as u128,
        "umin" => a.min(b),
        "umax" => a.max(b),
        "umulhi" => high(a.wrapping_mul(b)),
        "smulhi" if bits == 128 => {
            let unsigned = multiply_high(a, b);
            unsigned.wrapping_sub(if x < 0 { b } else { 0 }).wrapping_sub(if y < 0 { a } else { 0 })
        }
        "smulhi" => ((x * y) >> bits) as u128,
        "ishl" => a << shift,
        "ushr" => a >> shift,
        "sshr" => (x >> shift) as u128,
        "rotl" | "rotr" => {
            let left = if op.0 == "rotl" { shift } else { (bits - shift) % bits };
            a << left | a.checked_shr(bits - left).unwrap_or(0)
        }
        "clz" => u128::from(a.leading_zeros() - (128 - bits)),
        "ctz" => u128::from(a.trailing_zeros().min(bits)),
        "cls" => u128::from((if x < 0 { !x } else { x }).leading_zeros() - (128 - bits) - 1),
        "popcnt" => a.count_ones().into(),
        "bitrev" => a.reverse_bits() >> (128 - bits),
        "bswap" => a.swap_bytes() >> (128 - bits),
        "bmask" => {
            if a == 0 {
                0
            } else {
                u128::MAX
            }
        }
        "bitselect" => a & b | !a & c,
        "select" | "select_spectre_guard" => {
            if a != 0 {
                b
            } else {
                c
            }
        }
        "ireduce" | "uextend" | "bitcast" => a,
        "sextend" => signed(a, from.bits()) as u128,
        "isplit" => return vec![a & (ty.mask() >> (bits / 2)), a >> (bits / 2)],
        "iconcat" => a | b << bits,
        "uadd_overflow" | "sadd_overflow" | "usub_overflow" | "ssub_overflow" | "umul_overflow"
        | "smul_overflow" => return overflow(op.0, ty, a, b, 0),
        "uadd_overflow_cin" | "sadd_overflow_cin" | "usub_overflow_bin" | "ssub_overflow_bin" => {
            return overflow(op.0, ty, a, b, c);
        }
        "fcvt_from_uint" if ty == Ty::F32 => (a as f32).to_bits().into(),
        "fcvt_from_uint" => (a as f64).to_bits().into(),
        "fcvt_from_sint" if ty == Ty::F32 => (signed(a, from.bits()) as f32).to_bits().into(),
        "fcvt_from_sint" => (signed(a, from.bits()) as f64).to_bits().into(),
        "fcvt_to_uint_sat" => (float(a, from) as u128).min(ty.mask()),
        "fcvt_to_sint_sat" => {
            let most = (ty.mask() >> 1) as i128;
            (float(a, from) as i128).clamp(-most - 1, most) as u128
        }
        _ => float_op(op.0, ty, from, a, b, c),
    }]
}

fn float_op(op: &str, ty: Ty, from: Ty, a: u128, b: u128, c: u128) -> u128 {
    let sign = 1u128 << (ty.bits() - 1);
    let (x, y) = (float(a, from), float(b, from));
    let extreme = |least: bool| {
        if x.is_nan() || y.is_nan() {
            f64::NAN
        } else if x == y {
            // Only zeros can be equal and have different bits.
            if x.is_sign_negative() == least { x } else { y }
        } else if (x < y) == least {
            x
        } else {
            y
        }
    };
    // Rounding a result to f64 and then to f32 is correct for these five: f64 has more than twice the digits.
    let value = match op {
        "fadd" => x + y,
        "fsub" => x - y,
        "fmul" => x * y,
        "fdiv" => x / y,
        "sqrt" => x.sqrt(),
        "fma" if ty == Ty::F32 => {
            let [x, y, z] = [a, b, c].map(|bits| f32::from_bits(bits as u32));
            return x.mul_add(y, z).to_bits().into();
        }
        "fma" => x.mul_add(y, float(c, from)),
        "fneg" => return a ^ sign,
        "fabs" => return a & !sign,
        "fcopysign" => return a & !sign | b & sign,
        "fmin" => extreme(true),
        "fmax" => extreme(false),
        "ceil" => x.ceil(),
        "floor" => x.floor(),
        "trunc" => x.trunc(),
        "nearest" => x.round_ties_even(),
        "fpromote" | "fdemote" => x,
        _ => panic!("opcode {op}"),
    };
    unfloat(value, ty)
}
