//! Lists of a variadic function's arguments. Here a list is the address of the next argument, and each
//! argument takes 16 bytes.

use super::machine::{Machine, Next, Why};
use crate::eval::Value;
use crate::ir::{InstData, Opcode, types};

/// Bytes from an argument to the next one.
const DISTANCE: u64 = 16;

impl Machine<'_> {
    /// Arguments as they lie in memory.
    pub(super) fn argument_bytes(&self, args: &[Value]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(args.len() * DISTANCE as usize);
        for arg in args {
            bytes.extend(arg.to_memory(self.memory.order));
            bytes.resize(bytes.len().next_multiple_of(DISTANCE as usize), 0);
        }
        bytes
    }

    /// `va_start`, `va_arg`, `va_copy` and `va_end`.
    pub(super) fn argument_list(&mut self, data: &InstData) -> Result<Next, Why> {
        let list = self.address(data.a);
        match data.opcode {
            Opcode::VaStart => self.set_list(list, self.frame().further_arguments)?,
            Opcode::VaCopy => self.set_list(list, self.next_in_list(self.address(data.b))?)?,
            Opcode::VaArg | Opcode::VaArgStruct => {
                // Of a structure, the list has the address of the copy.
                let ty = if data.opcode == Opcode::VaArgStruct { types::I64 } else { data.ty };
                let next = self.next_in_list(list)?;
                let bytes = self.memory.read(next, u64::from(ty.bytes()));
                let bytes = bytes.ok_or_else(|| Why::Error(format!("no argument at {next:#x}")))?;
                let value = Value::from_memory(ty, bytes, self.memory.order);
                self.set_list(list, next.wrapping_add(DISTANCE))?;
                return self.define_one(value);
            }
            _ => {}
        }
        Ok(Next::Following)
    }

    fn next_in_list(&self, list: u64) -> Result<u64, Why> {
        self.memory.read_word(list).ok_or_else(|| no_list(list))
    }

    fn set_list(&mut self, list: u64, next: u64) -> Result<(), Why> {
        if self.memory.write(list, 8).is_none() {
            return Err(no_list(list));
        }
        self.memory.write_word(list, next);
        Ok(())
    }
}

fn no_list(at: u64) -> Why {
    Why::Error(format!("no room for a list of arguments at {at:#x}"))
}
