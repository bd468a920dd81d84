//! Assembly for aarch64.

use object::{RelocationFlags, elf, macho};

use super::{Dialect, Field, Inst, Label};
use crate::object::decoder::Syntax;
use crate::options::Flags;

pub(super) const DIALECT: Dialect =
    Dialect { comment: "//", begin, length: |_| 4, destination, lines, data, label: ".L", marks_data: false };

pub(super) const MACH_O: Dialect =
    Dialect { lines: mach_o_lines, data: mach_o_data, label: "L", marks_data: true, ..DIALECT };

/// Allows all instructions that clifc knows. Objects don't say for which processor they are.
fn begin(_: &Flags, _: Syntax) -> String {
    "\t.arch armv8.5-a+lse+pauth+fp16+i8mm\n".to_string()
}

/// Sign-extends the `bits` bits of a word from bit `from`, and multiplies by 4.
fn distance(word: u32, from: u32, bits: u32) -> i64 {
    i64::from((word << (32 - from - bits)) as i32 >> (32 - bits)) * 4
}

fn destination(inst: &Inst) -> Option<u64> {
    let word = u32::from_le_bytes(inst.bytes[..].try_into().ok()?);
    let distance = if word & 0x7C00_0000 == 0x1400_0000 {
        distance(word, 0, 26)
    } else if word & 0xFF00_0010 == 0x5400_0000
        || word & 0x7E00_0000 == 0x3400_0000
        || word & 0x3B00_0000 == 0x1800_0000
    {
        distance(word, 5, 19)
    } else if word & 0x7E00_0000 == 0x3600_0000 {
        distance(word, 5, 14)
    } else if word & 0x9F00_0000 == 0x1000_0000 {
        distance(word, 5, 19) | i64::from(word >> 29 & 3)
    } else {
        return None;
    };
    Some(inst.at.wrapping_add_signed(distance))
}

/// What a symbol is preceded by in the operand of an instruction.
fn modifier(kind: elf::RelocationType) -> Option<&'static str> {
    Some(match kind {
        elf::R_AARCH64_CALL26 | elf::R_AARCH64_JUMP26 | elf::R_AARCH64_ADR_PREL_PG_HI21 => "",
        elf::R_AARCH64_ADD_ABS_LO12_NC
        | elf::R_AARCH64_LDST8_ABS_LO12_NC
        | elf::R_AARCH64_LDST16_ABS_LO12_NC
        | elf::R_AARCH64_LDST32_ABS_LO12_NC
        | elf::R_AARCH64_LDST64_ABS_LO12_NC
        | elf::R_AARCH64_LDST128_ABS_LO12_NC => ":lo12:",
        elf::R_AARCH64_ADR_GOT_PAGE => ":got:",
        elf::R_AARCH64_LD64_GOT_LO12_NC => ":got_lo12:",
        elf::R_AARCH64_TLSDESC_ADR_PAGE21 => ":tlsdesc:",
        elf::R_AARCH64_TLSDESC_LD64_LO12 | elf::R_AARCH64_TLSDESC_ADD_LO12 => ":tlsdesc_lo12:",
        elf::R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21 => ":gottprel:",
        elf::R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC => ":gottprel_lo12:",
        elf::R_AARCH64_TLSLE_ADD_TPREL_HI12 => ":tprel_hi12:",
        elf::R_AARCH64_TLSLE_ADD_TPREL_LO12_NC => ":tprel_lo12_nc:",
        _ => return None,
    })
}

fn lines(inst: &Inst, fields: &[Field], label: Option<Label>) -> Result<Vec<String>, String> {
    let Some(field) = fields.first() else {
        return Ok(vec![label.map_or_else(|| inst.line(), |label| inst.with_last(&label.name))]);
    };
    let kind = field.elf().ok_or_else(|| field.unknown())?;
    if kind == elf::R_AARCH64_TLSDESC_CALL {
        return Ok(vec![format!(".tlsdesccall {}", field.symbol), inst.line()]);
    }
    let modifier = modifier(kind).ok_or_else(|| field.unknown())?;
    // With a shift, LLVM insists on the sign of immediates.
    let sign = if kind == elf::R_AARCH64_TLSLE_ADD_TPREL_HI12 { "#" } else { "" };
    let expression = format!("{sign}{modifier}{}", field.expression("", field.addend));
    Ok(vec![with_expression(inst, &expression)])
}

/// The line with a symbol in place of the immediate or the distance.
fn with_expression(inst: &Inst, expression: &str) -> String {
    let Inst { mnemonic, operands, .. } = inst;
    if let Some(before) = operands.strip_suffix(']') {
        format!("{mnemonic} {before}, {expression}]")
    } else if let Some((before, after)) = operands.split_once("#0").filter(|_| mnemonic == "add") {
        format!("{mnemonic} {before}{expression}{after}")
    } else {
        inst.with_last(expression)
    }
}

/// What follows a symbol in the operand of an instruction, in Mach-O.
fn suffix(kind: macho::RelocationType) -> Option<&'static str> {
    Some(match kind {
        macho::ARM64_RELOC_BRANCH26 => "",
        macho::ARM64_RELOC_PAGE21 => "@PAGE",
        macho::ARM64_RELOC_PAGEOFF12 => "@PAGEOFF",
        macho::ARM64_RELOC_GOT_LOAD_PAGE21 => "@GOTPAGE",
        macho::ARM64_RELOC_GOT_LOAD_PAGEOFF12 => "@GOTPAGEOFF",
        macho::ARM64_RELOC_TLVP_LOAD_PAGE21 => "@TLVPPAGE",
        macho::ARM64_RELOC_TLVP_LOAD_PAGEOFF12 => "@TLVPPAGEOFF",
        _ => return None,
    })
}

fn mach_o_lines(inst: &Inst, fields: &[Field], label: Option<Label>) -> Result<Vec<String>, String> {
    let Some(field) = fields.first() else { return lines(inst, fields, label) };
    let suffix = field.macho().and_then(suffix).ok_or_else(|| field.unknown())?;
    Ok(vec![with_expression(inst, &field.expression(suffix, field.addend))])
}

fn mach_o_data(kind: RelocationFlags) -> Option<(&'static str, u64, bool)> {
    Some(match kind {
        RelocationFlags::MachO { r_type: macho::ARM64_RELOC_UNSIGNED, r_length, .. } => {
            ("", 1 << r_length, false)
        }
        RelocationFlags::MachO { r_type: macho::ARM64_RELOC_POINTER_TO_GOT, .. } => ("@GOT", 4, true),
        _ => return None,
    })
}

fn data(kind: RelocationFlags) -> Option<(&'static str, u64, bool)> {
    let RelocationFlags::Elf { r_type } = kind else { return None };
    Some(match r_type {
        elf::R_AARCH64_ABS64 => ("", 8, false),
        elf::R_AARCH64_ABS32 => ("", 4, false),
        elf::R_AARCH64_PREL32 => ("", 4, true),
        _ => return None,
    })
}
