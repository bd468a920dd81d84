//! Addresses of thread-local variables, by each model of thread-local storage.

use super::super::X86_64;
use super::super::amode::{Amode, OperandSize};
use super::super::rows;
use super::operands::*;
use crate::mach::call::system_convention;
use crate::mach::compiled::SymbolRef;
use crate::mach::control::{ThreadLocal, unsupported_tls_model};
use crate::mach::lower::Unsupported;
use crate::options::TlsModel;
use regalloc2::{RegClass, VReg};

/// The address of a thread-local variable, plus an offset.
pub fn address(cx: &mut Cx, d: VReg, variable: &ThreadLocal) -> Result<(), Unsupported> {
    let symbol = SymbolRef::Name(variable.name);
    if cx.flags.tls_model() == TlsModel::ElfLe {
        rows::tls_le(cx, d, symbol, variable.offset);
        return Ok(());
    }
    let base = if variable.offset == 0 { d } else { cx.tmp(RegClass::Int) };
    match cx.flags.tls_model() {
        TlsModel::ElfGd => general_dynamic(cx, base, symbol),
        TlsModel::ElfIe => rows::tls_ie(cx, base, symbol, 0),
        _ => return Err(unsupported_tls_model(cx)),
    }
    if variable.offset != 0 {
        rows::lea_rm(cx, OperandSize::Q64, d, Amode::base(base, variable.offset));
    }
    Ok(())
}

fn general_dynamic(cx: &mut Cx, d: VReg, symbol: SymbolRef) {
    let convention = system_convention::<X86_64>();
    cx.calls = true;
    let mut clobbered = convention.clobbered();
    clobbered.remove(convention.int_returns[0]);
    debug_assert!(clobbered.contains(convention.int_args[0]), "the sequence uses it");
    let clobbers = cx.vcode.clobber_set(clobbered);
    rows::tls_gd(cx, clobbers, d, symbol, 0, &[]);
}
