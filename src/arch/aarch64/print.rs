//! The spelling of operands in assembly text.

use super::format::CODES;
use super::operands::{Bitmask, Cond, Extend, FloatImmediate, Shift};
use super::{Aarch64, regs};
use crate::machine::amode::{IndexExtension, Place};
use crate::machine::reg::PReg;
use crate::text::inst::{Address, Assembly, Printer, Syntax, offset};
use std::fmt;
use std::fmt::Write;

/// The syntax of Arm's assembly language.
pub struct Arm;

impl Assembly for Aarch64 {
    type Syntax = Arm;
}

impl Syntax for Arm {
    const IMMEDIATE: &'static str = "#";
    const STACK_POINTER: &'static str = "sp";

    fn register(register: PReg, bits: u16, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{}", regs::name(register, bits))
    }

    fn condition(small: u8, out: &mut dyn Write) -> fmt::Result {
        out.write_str(Cond::from_code(small as u16 & 15).name())
    }

    fn code(code: u8, bits: u16, word: u32, out: &mut dyn Write) -> fmt::Result {
        match CODES[code as usize].0 {
            "bitmask" => write!(out, "#{:#x}", Bitmask::unpack(word).value(bits)),
            "float" => write!(out, "#{:?}", FloatImmediate::unpack(word).value()),
            "extend" => out.write_str(Extend::from_code(word as u16 & 7).name()),
            "right8" => write!(out, "#{}", 8u32.wrapping_sub(word)),
            "right16" => write!(out, "#{}", 16u32.wrapping_sub(word)),
            "right32" => write!(out, "#{}", 32u32.wrapping_sub(word)),
            "right64" => write!(out, "#{}", 64u32.wrapping_sub(word)),
            _ => out.write_str(Shift::from_code(word as u16 & 3).name()),
        }
    }

    fn memory(printer: &Printer<'_, Self>, address: &Address, out: &mut dyn Write) -> fmt::Result {
        if let Place::Got(_) = address.place {
            out.write_str(":got:")?;
        }
        if printer.named(address, out)? {
            return offset(address.amode.disp, out);
        }
        out.write_str("[")?;
        let has_base = printer.base(address, out)?;
        if let Some(index) = printer.index(address) {
            let (bits, extension) = match address.amode.extension {
                IndexExtension::None => (64, "lsl"),
                IndexExtension::Zero32 => (32, "uxtw"),
                IndexExtension::Sign32 => (32, "sxtw"),
            };
            out.write_str(if has_base { ", " } else { "" })?;
            printer.register(index, bits, out)?;
            match (bits, address.amode.scale) {
                (64, 0) => {}
                (_, 0) => write!(out, ", {extension}")?,
                (_, scale) => write!(out, ", {extension} #{scale}")?,
            }
        }
        if printer.displacement(address) != Some(0) {
            out.write_str(", #")?;
            printer.write_displacement(address, out)?;
        }
        out.write_str("]")
    }
}
