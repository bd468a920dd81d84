//! stub
use super::operands::Cx;
use crate::ir::*;
use crate::mach::lower::Unsupported;

/// stub
pub fn lower(cx: &mut Cx, _inst: Inst) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
use super::super::amode::Amode;
use regalloc2::VReg;
/// stub
pub fn compare(_cx: &mut Cx, _cc: FloatCc, _a: Value, _b: Value, _u: bool) -> super::compare::Test {
    unimplemented!()
}
/// stub
pub fn select(cx: &mut Cx, _d: &InstData, _r: VReg) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
/// stub
pub fn constant(_cx: &mut Cx, _d: VReg, _data: &InstData) {
    unimplemented!()
}
/// stub
pub fn load(cx: &mut Cx, _d: VReg, _a: Amode, _t: Type, _s: bool) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
/// stub
pub fn store(cx: &mut Cx, _d: VReg, _a: Amode, _t: Type, _s: bool) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
/// stub
pub fn stored(cx: &mut Cx, _v: Value) -> Result<VReg, Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
/// stub
pub fn bitwise(cx: &mut Cx, _inst: Inst) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
/// stub
pub fn bit_select(cx: &mut Cx, _inst: Inst) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
