//! Addresses of thread-local variables, by each model of thread-local storage.

use super::inputs::*;
use crate::arch::s390x::regs::{R2, R12};
use crate::arch::s390x::{S390x, rows};
use crate::lower::call::system_convention;
use crate::lower::context::Lowered;
use crate::lower::control::{ThreadLocal, unsupported_tls_model};
use crate::machine::reg::VReg;
use crate::machine::symbol::SymbolRef;
use crate::options::TlsModel;

/// Computes the address of a thread-local variable plus an offset in `d`.
pub fn address(cx: &mut Cx, d: VReg, variable: &ThreadLocal) -> Lowered {
    let symbol = SymbolRef::Name(variable.name);
    match cx.flags.tls_model() {
        TlsModel::ElfGd => general_dynamic(cx, d, symbol, variable.offset),
        TlsModel::ElfIe => rows::tls_ie(cx, d, symbol, variable.offset),
        TlsModel::ElfLe => rows::tls_le(cx, d, symbol, variable.offset),
        _ => return Err(unsupported_tls_model(cx)),
    }
    Ok(())
}

/// The general-dynamic model. It calls a routine of the system's convention, with the global offset table in
/// r12.
fn general_dynamic(cx: &mut Cx, d: VReg, symbol: SymbolRef, offset: i32) {
    let convention = system_convention::<S390x>();
    cx.calls = true;
    cx.outgoing = cx.outgoing.max(convention.reserved);
    let mut clobbered = convention.clobbered(cx.vcode.float_width());
    clobbered.all.remove(R2);
    clobbered.all.add(R12);
    let clobbers = cx.vcode.clobber_set(clobbered);
    rows::tls_gd(cx, clobbers, d, symbol, offset, &[]);
}
