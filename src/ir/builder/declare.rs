//! The builder's methods for names, signatures and the declarations of the preamble.

use super::FunctionBuilder;
use crate::ir::fingerprint;
use crate::ir::*;

impl FunctionBuilder<'_> {
    /// Sets the function's name.
    pub fn set_name(&mut self, name: Name) {
        self.params.name = name;
    }

    /// Sets the function's signature.
    pub fn set_signature(&mut self, signature: Signature) {
        self.params.fingerprint = signature.fingerprint();
        self.stencil.signature = signature;
    }

    /// Makes the function check on entry that the stack pointer stays above a limit.
    pub fn set_stack_limit(&mut self, limit: GlobalValue) {
        self.stencil.stack_limit = Some(limit);
    }

    /// Declares a signature.
    pub fn signature(&mut self, signature: Signature) -> SigRef {
        self.stencil.signatures.push(Some(signature))
    }

    /// Declares a function.
    pub fn function(&mut self, name: Name, signature: SigRef, colocated: bool) -> FuncRef {
        let name = self.params.names.push(name);
        let fingerprint = self.stencil.sig(signature).fingerprint();
        self.params.imports.ensure(name, fingerprint::UNKNOWN);
        self.params.imports[name] = fingerprint;
        self.stencil.functions.push(Some(ExtFunc { name, signature, colocated, patchable: false }))
    }

    /// Declares a stack slot. `align_shift` is the base-2 logarithm of its alignment.
    pub fn stack_slot(&mut self, size: u32, align_shift: u8) -> StackSlot {
        self.stencil.stack_slots.push(StackSlotData { size, align_shift, key: None, defined: true })
    }

    /// Declares a global value.
    pub fn global(&mut self, data: GlobalValueData) -> GlobalValue {
        self.stencil.global_values.push(data)
    }

    /// Declares a global value that is the address of a symbol plus an offset.
    pub fn symbol(&mut self, name: Name, offset: i64, colocated: bool, tls: bool) -> GlobalValue {
        let name = self.params.names.push(name);
        self.global(GlobalValueData::Symbol { name, offset, colocated, tls })
    }

    /// Declares a constant by its bytes in little-endian order.
    pub fn constant(&mut self, bytes: &[u8]) -> Constant {
        self.add_constant(bytes.into())
    }

    /// Interns memory flags, for instructions to refer to.
    pub fn mem_flags(&mut self, flags: MemFlags) -> MemFlagsRef {
        self.intern_flags(flags)
    }
}
