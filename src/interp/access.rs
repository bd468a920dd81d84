//! Accesses to memory: loads and stores, with extensions, and atomic ones, which are the same with one
//! thread.

use super::machine::{Machine, Next, Why};
use crate::eval::{self, Immediate, Value};
use crate::ir::types::{self, Type};
use crate::ir::{AtomicRmwOp, Endianness, InstData, MemFlags, Opcode};

/// The type in memory of what a load or store of type `ty` accesses.
fn type_in_memory(opcode: Opcode, ty: Type) -> Result<Type, Why> {
    use Opcode::*;
    let lanes = |lane: Type, log2| lane.vector(log2).unwrap_or(lane);
    Ok(match opcode {
        Load | Store => ty,
        Uload8 | Sload8 | Istore8 => types::I8,
        Uload16 | Sload16 | Istore16 => types::I16,
        Uload32 | Sload32 | Istore32 => types::I32,
        Uload8x8 | Sload8x8 => lanes(types::I8, 3),
        Uload16x4 | Sload16x4 => lanes(types::I16, 2),
        Uload32x2 | Sload32x2 => lanes(types::I32, 1),
        other => return Err(Why::Error(format!("the interpreter does not know `{}`", other.name()))),
    })
}

fn extends_sign(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(opcode, Sload8 | Sload16 | Sload32 | Sload8x8 | Sload16x4 | Sload32x2)
}

impl Machine<'_> {
    fn flags(&self, data: &InstData) -> MemFlags {
        self.stencil().mem_flags[data.mem_flags()]
    }

    fn order(&self, flags: &MemFlags) -> Endianness {
        flags.endianness.unwrap_or(self.memory.order)
    }

    /// Why an access to `size` bytes at `address` can't be.
    #[cold]
    fn outside(&self, flags: &MemFlags, address: u64, size: u64) -> Why {
        match flags.trap {
            Some(code) => Why::Trap(code),
            None => Why::Error(format!(
                "{size} bytes at {address:#x} are not there to be accessed so, and the access is `notrap`"
            )),
        }
    }

    /// The address of an access, which must be a multiple of its size if the flags say so or it is atomic.
    fn checked_address(&self, data: &InstData, flags: &MemFlags, align: u64) -> Result<u64, Why> {
        let (base, offset) = data.address();
        let address = self.address(base.0).wrapping_add_signed(i64::from(offset));
        if address % align != 0 {
            let what = if flags.aligned { "is `aligned`" } else { "is atomic" };
            let message = format!("{address:#x} is no multiple of {align}, and the access {what}");
            return Err(Why::Error(message));
        }
        Ok(address)
    }

    fn read(&self, flags: &MemFlags, address: u64, ty: Type) -> Result<Value, Why> {
        let size = u64::from(ty.bytes());
        match self.memory.read(address, size) {
            Some(bytes) => Ok(Value::from_memory(ty, bytes, self.order(flags))),
            None => Err(self.outside(flags, address, size)),
        }
    }

    fn write_value(&mut self, flags: &MemFlags, address: u64, value: &Value) -> Result<(), Why> {
        let bytes = value.to_memory(self.order(flags));
        match self.memory.write(address, bytes.len() as u64) {
            Some(to) => to.copy_from_slice(&bytes),
            None => return Err(self.outside(flags, address, bytes.len() as u64)),
        }
        Ok(())
    }

    pub(super) fn load(&mut self, data: &InstData) -> Result<Next, Why> {
        let flags = self.flags(data);
        let ty = data.opcode.result_type(data.ty);
        let in_memory = type_in_memory(data.opcode, ty)?;
        let align = if flags.aligned { u64::from(in_memory.bytes()) } else { 1 };
        let address = self.checked_address(data, &flags, align)?;
        let value = self.read(&flags, address, in_memory)?;
        if in_memory == ty {
            return self.define_one(value);
        }
        let unused = 128 - in_memory.lane_bits();
        let extended = Value::from_lanes(ty, |n| match extends_sign(data.opcode) {
            true => ((value.lane(n) << unused) as i128 >> unused) as u128,
            false => value.lane(n),
        });
        self.define_one(extended)
    }

    pub(super) fn store(&mut self, data: &InstData) -> Result<Next, Why> {
        let flags = self.flags(data);
        let value = self.value(data.a).clone();
        let in_memory = type_in_memory(data.opcode, value.ty())?;
        let align = if flags.aligned { u64::from(in_memory.bytes()) } else { 1 };
        let address = self.checked_address(data, &flags, align)?;
        let value = if in_memory == value.ty() { value } else { Value::scalar(in_memory, value.bits()) };
        self.write_value(&flags, address, &value)?;
        Ok(Next::Following)
    }

    pub(super) fn atomic_load(&mut self, data: &InstData) -> Result<Next, Why> {
        let flags = self.flags(data);
        let address = self.checked_address(data, &flags, u64::from(data.ty.bytes()))?;
        let value = self.read(&flags, address, data.ty)?;
        self.define_one(value)
    }

    pub(super) fn atomic_store(&mut self, data: &InstData) -> Result<Next, Why> {
        let flags = self.flags(data);
        let value = self.value(data.a).clone();
        let address = self.checked_address(data, &flags, u64::from(value.ty().bytes()))?;
        self.write_value(&flags, address, &value)?;
        Ok(Next::Following)
    }

    pub(super) fn atomic_cas(&mut self, data: &InstData) -> Result<Next, Why> {
        let flags = self.flags(data);
        let address = self.checked_address(data, &flags, u64::from(data.ty.bytes()))?;
        let old = self.read(&flags, address, data.ty)?;
        if old == *self.value(data.b) {
            let new = self.value(data.c).clone();
            self.write_value(&flags, address, &new)?;
        }
        self.define_one(old)
    }

    pub(super) fn atomic_rmw(&mut self, data: &InstData) -> Result<Next, Why> {
        let flags = self.flags(data);
        let address = self.checked_address(data, &flags, u64::from(data.ty.bytes()))?;
        let old = self.read(&flags, address, data.ty)?;
        let new = combined(AtomicRmwOp::from_code(data.c as u16), &old, self.value(data.b))?;
        self.write_value(&flags, address, &new)?;
        self.define_one(old)
    }
}

/// What an `atomic_rmw` stores.
fn combined(op: AtomicRmwOp, old: &Value, operand: &Value) -> Result<Value, Why> {
    let of = |opcode, args: &[Value]| {
        let results = eval::pure(opcode, old.ty(), Immediate::None, args).ok();
        let value = results.and_then(|results| results.as_slice().first().cloned());
        value.ok_or_else(|| Why::Error(format!("`atomic_rmw {op}` failed")))
    };
    let both = [old.clone(), operand.clone()];
    match op {
        AtomicRmwOp::Add => of(Opcode::Iadd, &both),
        AtomicRmwOp::Sub => of(Opcode::Isub, &both),
        AtomicRmwOp::And => of(Opcode::Band, &both),
        AtomicRmwOp::Nand => of(Opcode::Bnot, &[of(Opcode::Band, &both)?]),
        AtomicRmwOp::Or => of(Opcode::Bor, &both),
        AtomicRmwOp::Xor => of(Opcode::Bxor, &both),
        AtomicRmwOp::Xchg => Ok(operand.clone()),
        AtomicRmwOp::Umin => of(Opcode::Umin, &both),
        AtomicRmwOp::Umax => of(Opcode::Umax, &both),
        AtomicRmwOp::Smin => of(Opcode::Smin, &both),
        AtomicRmwOp::Smax => of(Opcode::Smax, &both),
    }
}
