//! The spelling of operands in assembly text: AT&T syntax.

use super::operands::Cond;
use super::{X86_64, regs};
use crate::machine::amode::Place;
use crate::machine::reg::PReg;
use crate::text::inst::{Address, Assembly, Printer, Syntax, offset};
use std::fmt;
use std::fmt::Write;

/// AT&T syntax.
pub struct Att;

impl Assembly for X86_64 {
    type Syntax = Att;
}

impl Syntax for Att {
    const IMMEDIATE: &'static str = "$";
    const STACK_POINTER: &'static str = "%rsp";

    fn register(register: PReg, bits: u16, out: &mut dyn Write) -> fmt::Result {
        write!(out, "%{}", regs::name(register, bits))
    }

    fn condition(small: u8, out: &mut dyn Write) -> fmt::Result {
        out.write_str(Cond::from_code(small as u16 & 15).name())
    }

    fn memory(printer: &Printer<'_, Self>, address: &Address, out: &mut dyn Write) -> fmt::Result {
        if printer.named(address, out)? {
            if matches!(address.place, Place::Got(_)) {
                out.write_str("@GOTPCREL")?;
            }
            offset(address.amode.disp, out)?;
            return out.write_str("(%rip)");
        }
        printer.write_displacement(address, out)?;
        let index = printer.index(address);
        if address.place == Place::Registers && !address.amode.has_base && index.is_none() {
            return Ok(());
        }
        out.write_str("(")?;
        printer.base(address, out)?;
        if let Some(index) = index {
            out.write_str(",")?;
            printer.register(index, 64, out)?;
            write!(out, ",{}", 1 << address.amode.scale)?;
        }
        out.write_str(")")
    }
}
