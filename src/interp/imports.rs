//! The functions that the interpreter has for files that import them: a row each. Any other import is an
//! error where it is called.
//!
//! | name | what it does |
//! |---|---|
//! | `ceil`, `floor`, `trunc`, `nearbyint`, `sqrt`, `fma`, and with `f` for f32 | as the opcodes |
//! | `CeilF32` and so on | the same, as CLIF calls some of them |
//! | `memcpy`, `memmove`, `memset`, `memcmp`, `strlen` | as in C |
//! | `malloc`, `calloc`, `free` | a heap, whose blocks have bounds |
//! | `puts`, `putchar` | write to what becomes the output of the run |
//! | `exit`, `abort` | end the run |
//! | `__cranelift_throw` | throws: tag and two payload words are its last operands |

use super::machine::{Machine, Why};
use crate::eval::{self, Immediate, Value};
use crate::ir::types::{F32, F64, I32, I64};
use crate::ir::{Opcode, TrapCode, Type};

/// What an import does once it is called.
pub(super) enum Reaction {
    /// Returns this, if anything.
    Return(Option<Value>),
    /// Leaves frames until one has a handler for the tag.
    Throw { tag: u32, payload: [Value; 2] },
}

type Outcome = Result<Reaction, Why>;
type Body = fn(&mut Machine, &[Value]) -> Outcome;

/// A function of the interpreter's.
pub(super) struct Import {
    /// Its name for linkers.
    name: &'static str,
    /// How CLIF spells it too, if it does.
    clif_name: &'static str,
    pub params: &'static [Type],
    pub results: &'static [Type],
    pub body: Body,
}

impl PartialEq for Import {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Import {}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn row(
    name: &'static str,
    clif_name: &'static str,
    params: &'static [Type],
    results: &'static [Type],
    body: Body,
) -> Import {
    Import { name, clif_name, params, results, body }
}

static IMPORTS: [Import; 25] = [
    row("ceilf", "CeilF32", &[F32], &[F32], |_, args| float(Opcode::Ceil, args)),
    row("ceil", "CeilF64", &[F64], &[F64], |_, args| float(Opcode::Ceil, args)),
    row("floorf", "FloorF32", &[F32], &[F32], |_, args| float(Opcode::Floor, args)),
    row("floor", "FloorF64", &[F64], &[F64], |_, args| float(Opcode::Floor, args)),
    row("truncf", "TruncF32", &[F32], &[F32], |_, args| float(Opcode::Trunc, args)),
    row("trunc", "TruncF64", &[F64], &[F64], |_, args| float(Opcode::Trunc, args)),
    row("nearbyintf", "NearestF32", &[F32], &[F32], |_, args| float(Opcode::Nearest, args)),
    row("nearbyint", "NearestF64", &[F64], &[F64], |_, args| float(Opcode::Nearest, args)),
    row("sqrtf", "", &[F32], &[F32], |_, args| float(Opcode::Sqrt, args)),
    row("sqrt", "", &[F64], &[F64], |_, args| float(Opcode::Sqrt, args)),
    row("fmaf", "FmaF32", &[F32, F32, F32], &[F32], |_, args| float(Opcode::Fma, args)),
    row("fma", "FmaF64", &[F64, F64, F64], &[F64], |_, args| float(Opcode::Fma, args)),
    row("memcpy", "Memcpy", &[I64, I64, I64], &[I64], copy),
    row("memmove", "Memmove", &[I64, I64, I64], &[I64], copy),
    row("memset", "Memset", &[I64, I32, I64], &[I64], fill),
    row("memcmp", "Memcmp", &[I64, I64, I64], &[I32], compare),
    row("strlen", "", &[I64], &[I64], length),
    row("malloc", "", &[I64], &[I64], |machine, args| allocate(machine, args[0].bits())),
    row("calloc", "", &[I64, I64], &[I64], |machine, args| {
        allocate(machine, args[0].bits() * args[1].bits())
    }),
    row("free", "", &[I64], &[], free),
    row("puts", "", &[I64], &[I32], puts),
    row("putchar", "", &[I32], &[I32], putchar),
    row("exit", "", &[I32], &[], |_, args| Err(Why::Exit(args[0].bits() as u8))),
    row("abort", "", &[], &[], |_, _| Err(Why::Error("`abort` was called".into()))),
    row("__cranelift_throw", "", &[I64, I64, I64, I32, I64, I64], &[], |_, args| {
        let payload = [args[4].clone(), args[5].clone()];
        Ok(Reaction::Throw { tag: args[3].bits() as u32, payload })
    }),
];

/// Distance between the addresses of imports.
const DISTANCE: u64 = 16;

/// Bytes of the addresses of all imports.
pub(super) const CODE_BYTES: u64 = IMPORTS.len() as u64 * DISTANCE;

/// The import of this name.
pub(super) fn named(name: &str) -> Option<&'static Import> {
    IMPORTS.iter().find(|import| import.name == name || import.clif_name == name && !name.is_empty())
}

/// Distance of an import's address from that of the first.
pub(super) fn offset(import: &Import) -> u64 {
    let n = IMPORTS.iter().position(|other| other == import);
    n.map_or(0, |n| n as u64 * DISTANCE)
}

/// The import at a distance from the first one's address.
pub(super) fn at(offset: u64) -> Option<&'static Import> {
    let n = usize::try_from(offset / DISTANCE).ok().filter(|_| offset.is_multiple_of(DISTANCE))?;
    IMPORTS.get(n)
}

fn float(opcode: Opcode, args: &[Value]) -> Outcome {
    let results = eval::pure(opcode, args[0].ty(), Immediate::None, args);
    match results {
        Ok(results) => Ok(Reaction::Return(results.as_slice().first().cloned())),
        Err(_) => Err(Why::Error(format!("`{}` of floats failed", opcode.name()))),
    }
}

fn returned(ty: Type, bits: u128) -> Outcome {
    Ok(Reaction::Return(Some(Value::scalar(ty, bits))))
}

fn address(value: &Value) -> u64 {
    value.bits() as u64
}

/// The trap of an access that leaves memory.
fn outside() -> Why {
    Why::Trap(TrapCode::HEAP_OUT_OF_BOUNDS)
}

fn bytes<'m>(machine: &'m Machine, at: &Value, size: u64) -> Result<&'m [u8], Why> {
    if size == 0 {
        return Ok(&[]);
    }
    machine.memory.read(address(at), size).ok_or_else(outside)
}

fn copy(machine: &mut Machine, args: &[Value]) -> Outcome {
    let from = bytes(machine, &args[1], address(&args[2]))?.to_vec();
    if !from.is_empty() {
        let to = machine.memory.write(address(&args[0]), from.len() as u64);
        to.ok_or_else(outside)?.copy_from_slice(&from);
    }
    Ok(Reaction::Return(Some(args[0].clone())))
}

fn fill(machine: &mut Machine, args: &[Value]) -> Outcome {
    let size = address(&args[2]);
    if size > 0 {
        let to = machine.memory.write(address(&args[0]), size);
        to.ok_or_else(outside)?.fill(args[1].bits() as u8);
    }
    Ok(Reaction::Return(Some(args[0].clone())))
}

fn compare(machine: &mut Machine, args: &[Value]) -> Outcome {
    let size = address(&args[2]);
    let order = bytes(machine, &args[0], size)?.cmp(bytes(machine, &args[1], size)?);
    returned(I32, order as i128 as u128)
}

fn string<'m>(machine: &'m Machine, at: &Value) -> Result<&'m [u8], Why> {
    let bytes = machine.memory.read_to_end(address(at)).ok_or_else(outside)?;
    let end = memchr::memchr(0, bytes).ok_or_else(outside)?;
    Ok(&bytes[..end])
}

fn length(machine: &mut Machine, args: &[Value]) -> Outcome {
    returned(I64, string(machine, &args[0])?.len() as u128)
}

fn allocate(machine: &mut Machine, size: u128) -> Outcome {
    let block = u64::try_from(size).ok().and_then(|size| machine.memory.allocate(size));
    returned(I64, u128::from(block.unwrap_or(0)))
}

fn free(machine: &mut Machine, args: &[Value]) -> Outcome {
    let block = address(&args[0]);
    match block == 0 || machine.memory.free(block) {
        true => Ok(Reaction::Return(None)),
        false => Err(Why::Error(format!("`free` of {block:#x}, where no block of the heap begins"))),
    }
}

fn puts(machine: &mut Machine, args: &[Value]) -> Outcome {
    let text = string(machine, &args[0])?.to_vec();
    machine.write(&text)?;
    machine.write(b"\n")?;
    returned(I32, 0)
}

fn putchar(machine: &mut Machine, args: &[Value]) -> Outcome {
    machine.write(&[args[0].bits() as u8])?;
    Ok(Reaction::Return(Some(args[0].clone())))
}
