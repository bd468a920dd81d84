//! Addresses of thread-local variables, by each model of thread-local storage.

use super::inputs::*;
use crate::arch::x86_64::regs::{R8, R9, R10, R11, RAX, RCX, RDI, RDX, RSI};
use crate::arch::x86_64::{X86_64, rows};
use crate::lower::call::system_convention;
use crate::lower::context::Lowered;
use crate::lower::control::{ThreadLocal, unsupported_tls_model};
use crate::machine::amode::Amode;
use crate::machine::reg::{Clobbered, RegClass, VReg};
use crate::machine::size::Q64;
use crate::machine::symbol::SymbolRef;
use crate::options::TlsModel;

/// Computes the address of a thread-local variable plus an offset in `d`.
pub fn address(cx: &mut Cx, d: VReg, variable: &ThreadLocal) -> Lowered {
    let symbol = SymbolRef::Name(variable.name);
    if cx.flags.tls_model() == TlsModel::ElfLe {
        rows::tls_le(cx, d, symbol, variable.offset);
        return Ok(());
    }
    let base = if variable.offset == 0 { d } else { cx.tmp(RegClass::Int) };
    match cx.flags.tls_model() {
        TlsModel::ElfGd => general_dynamic(cx, base, symbol),
        TlsModel::Macho => macho(cx, base, symbol),
        TlsModel::ElfIe => rows::tls_ie(cx, base, symbol, 0),
        _ => return Err(unsupported_tls_model(cx)),
    }
    if variable.offset != 0 {
        rows::lea_rm(cx, Q64, d, Amode::base(base, variable.offset));
    }
    Ok(())
}

/// The general-dynamic model.
fn general_dynamic(cx: &mut Cx, d: VReg, symbol: SymbolRef) {
    let clobbered = system_convention::<X86_64>().clobbered(cx.vcode.float_width());
    let clobbers = called(cx, clobbered);
    rows::tls_gd(cx, clobbers, d, symbol, 0, &[]);
}

/// The model of Mach-O. A descriptor's function preserves all general-purpose registers but those of its
/// argument and result.
fn macho(cx: &mut Cx, d: VReg, symbol: SymbolRef) {
    let mut clobbered = system_convention::<X86_64>().clobbered(cx.vcode.float_width());
    for register in [RCX, RDX, RSI, R8, R9, R10, R11] {
        clobbered.all.remove(register);
    }
    let clobbers = called(cx, clobbered);
    rows::tls_macho(cx, clobbers, d, symbol, 0, &[]);
}

/// Records a call with its result in rax. Returns the number of the set of other registers that it clobbers.
fn called(cx: &mut Cx, mut clobbered: Clobbered) -> u32 {
    cx.calls = true;
    clobbered.all.remove(RAX);
    debug_assert!(clobbered.all.contains(RDI), "the argument is in rdi");
    cx.vcode.clobber_set(clobbered)
}
