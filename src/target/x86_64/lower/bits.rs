//! stub
use super::operands::Cx;
use crate::ir::*;
use crate::mach::lower::Unsupported;

/// stub
pub fn lower(cx: &mut Cx, _inst: Inst) -> Result<(), Unsupported> {
    Err(cx.unsupported("not supported yet on x86_64"))
}
