//! Addresses of thread-local variables, by each model of thread-local storage.

use super::inputs::*;
use crate::arch::aarch64::regs::X1;
use crate::arch::aarch64::rows;
use crate::lower::context::Lowered;
use crate::lower::control::{ThreadLocal, unsupported_tls_model};
use crate::machine::amode::Amode;
use crate::machine::convention::register_set;
use crate::machine::reg::{Clobbered, PReg, RegClass, VReg};
use crate::machine::symbol::SymbolRef;
use crate::options::TlsModel;

/// Computes the address of a thread-local variable plus an offset in `d`.
pub fn address(cx: &mut Cx, d: VReg, variable: &ThreadLocal) -> Lowered {
    let symbol = SymbolRef::Name(variable.name);
    if cx.flags.tls_model() == TlsModel::ElfLe {
        rows::tls_local(cx, d, symbol, variable.offset);
        return Ok(());
    }
    let base = if variable.offset == 0 { d } else { cx.tmp(RegClass::Int) };
    match cx.flags.tls_model() {
        TlsModel::ElfIe => rows::tls_initial(cx, base, symbol, 0),
        TlsModel::ElfGd => {
            let clobbers = changed_by_call(cx, &[X1]);
            rows::tls_descriptor(cx, clobbers, base, symbol, 0, &[]);
        }
        TlsModel::Macho => {
            let clobbers = changed_by_call(cx, &[X1]);
            rows::tls_macho(cx, clobbers, base, symbol, 0, &[]);
        }
        _ => return Err(unsupported_tls_model(cx)),
    }
    if variable.offset != 0 {
        rows::address(cx, d, Amode::base(base, variable.offset));
    }
    Ok(())
}

/// Records a call that clobbers only these registers and the one with the result.
fn changed_by_call(cx: &mut Cx, changed: &[PReg]) -> u32 {
    cx.calls = true;
    cx.vcode.clobber_set(Clobbered::whole(register_set(changed)))
}
