//! Assembly for x86_64, in both of its syntaxes.

use object::{RelocationFlags, elf, macho};

use super::{Dialect, Field, Inst, Label};
use crate::object::decoder::Syntax;
use crate::options::Flags;

pub(super) const DIALECT: Dialect =
    Dialect { comment: "#", begin, length: |_| 1, destination, lines, data, label: ".L", marks_data: false };

pub(super) const MACH_O: Dialect =
    Dialect { lines: mach_o_lines, data: mach_o_data, label: "L", marks_data: true, ..DIALECT };

fn begin(_: &Flags, syntax: Syntax) -> String {
    match syntax {
        Syntax::Usual => String::new(),
        Syntax::Intel => "\t.intel_syntax noprefix\n".to_string(),
    }
}

/// Words that Intel syntax does not take for symbols, besides names of registers.
const RESERVED: [&str; 33] = [
    "and", "byte", "dword", "eq", "far", "flat", "fword", "ge", "gt", "le", "length", "lt", "mmword", "mod",
    "ne", "near", "not", "offset", "or", "oword", "ptr", "qword", "shl", "short", "shr", "size", "tbyte",
    "type", "word", "xmmword", "xor", "ymmword", "zmmword",
];

/// Names of registers, without their numbers.
const REGISTERS: [&str; 17] =
    ["bnd", "cr", "db", "dr", "k", "mm", "r", "st", "tmm", "tr", "xmm", "ymm", "zmm", "ax", "bx", "cx", "dx"];

/// Other names of registers, with their prefixes and suffixes left out.
const NAMED: [&str; 20] = [
    "al", "ah", "bl", "bh", "cl", "ch", "dl", "dh", "si", "sil", "di", "dil", "bp", "bpl", "sp", "spl", "ip",
    "iz", "cs", "ds",
];

/// Whether a name means something else in Intel syntax.
pub(super) fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.trim_end_matches(['b', 'w', 'd']).trim_end_matches(|c: char| c.is_ascii_digit());
    let short = name.strip_prefix(['r', 'e']).unwrap_or(&name);
    RESERVED.contains(&name.as_str())
        || REGISTERS.contains(&stem)
        || REGISTERS.contains(&short)
        || NAMED.contains(&short)
        || matches!(name.as_str(), "es" | "fs" | "gs" | "ss")
}

/// Whether the operand of an instruction is an address to go to.
fn is_direct_branch(inst: &Inst) -> bool {
    let is_branch = inst.mnemonic.starts_with('j') || inst.mnemonic.starts_with("call");
    is_branch && inst.operands.starts_with(|c: char| c.is_ascii_digit())
}

/// The place of the displacement in an operand relative to rip, if there is one: its text is replaced.
fn relative_place(inst: &Inst) -> Option<std::ops::Range<usize>> {
    if let Some(end) = inst.operands.find("(%rip)") {
        let start = inst.operands[..end].rfind([' ', ',', '*']).map_or(0, |at| at + 1);
        return Some(start..end);
    }
    let start = inst.operands.find("[rip")? + "[rip".len();
    Some(start..start + inst.operands[start..].find(']')?)
}

fn destination(inst: &Inst) -> Option<u64> {
    if is_direct_branch(inst) {
        return number(&inst.operands);
    }
    let place = relative_place(inst)?;
    let distance = match inst.operands[place].replace(' ', "").as_str() {
        "" => 0,
        text => match text.strip_prefix('-') {
            Some(text) => number(text)?.wrapping_neg(),
            None => number(text.trim_start_matches('+'))?,
        },
    };
    Some(inst.end().wrapping_add(distance))
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The suffix of a symbol in an instruction, and whether the field is a distance.
fn suffix(kind: elf::RelocationType) -> Option<(&'static str, bool)> {
    Some(match kind {
        elf::R_X86_64_PC32 => ("", true),
        elf::R_X86_64_PLT32 => ("@PLT", true),
        elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX => ("@GOTPCREL", true),
        elf::R_X86_64_TLSGD => ("@TLSGD", true),
        elf::R_X86_64_GOTTPOFF => ("@GOTTPOFF", true),
        elf::R_X86_64_TPOFF32 => ("@TPOFF", false),
        elf::R_X86_64_64 => ("", false),
        _ => return None,
    })
}

fn lines(inst: &Inst, fields: &[Field], label: Option<Label>) -> Result<Vec<String>, String> {
    let Some(field) = fields.first() else {
        return Ok(vec![match label {
            Some(label) => labelled(inst, &label),
            None => forced(inst),
        }]);
    };
    let (suffix, is_distance) = field.elf().and_then(suffix).ok_or_else(|| field.unknown())?;
    let more = if is_distance { inst.end() - field.at } else { 0 };
    let expression = field.expression(suffix, field.addend + more as i64);
    let mut lines = redundant_prefixes(inst, field);
    lines.push(with_symbol(inst, field, is_distance, &expression)?);
    Ok(lines)
}

/// The line with a symbol in place of the field.
fn with_symbol(inst: &Inst, field: &Field, is_distance: bool, expression: &str) -> Result<String, String> {
    Ok(match is_distance {
        // Assemblers shorten a jump to a symbol of the same file.
        true if is_direct_branch(inst) && field.is_defined && inst.mnemonic.starts_with('j') => {
            format!("{{disp32}} {} {expression}", inst.mnemonic)
        }
        true if is_direct_branch(inst) => format!("{} {expression}", inst.mnemonic),
        true => with_displacement(inst, expression).ok_or("a distance without a place")?,
        false => with_number(inst, expression),
    })
}

/// The suffix of a symbol in an instruction, in Mach-O, and whether the field is a distance.
fn mach_o_suffix(kind: macho::RelocationType) -> Option<(&'static str, bool)> {
    Some(match kind {
        macho::X86_64_RELOC_UNSIGNED => ("", false),
        macho::X86_64_RELOC_GOT | macho::X86_64_RELOC_GOT_LOAD => ("@GOTPCREL", true),
        macho::X86_64_RELOC_TLV => ("@TLVP", true),
        macho::X86_64_RELOC_SIGNED
        | macho::X86_64_RELOC_SIGNED_1
        | macho::X86_64_RELOC_SIGNED_2
        | macho::X86_64_RELOC_SIGNED_4
        | macho::X86_64_RELOC_BRANCH => ("", true),
        _ => return None,
    })
}

/// The lines of an instruction of Mach-O, whose fields hold distances from their ends.
fn mach_o_lines(inst: &Inst, fields: &[Field], label: Option<Label>) -> Result<Vec<String>, String> {
    let Some(field) = fields.first() else { return lines(inst, fields, label) };
    let (suffix, is_distance) = field.macho().and_then(mach_o_suffix).ok_or_else(|| field.unknown())?;
    let behind = if is_distance { inst.end() - field.at - 4 } else { 0 };
    let expression = field.expression(suffix, field.addend + behind as i64);
    Ok(vec![with_symbol(inst, field, is_distance, &expression)?])
}

fn mach_o_data(kind: RelocationFlags) -> Option<(&'static str, u64, bool)> {
    Some(match kind {
        RelocationFlags::MachO { r_type: macho::X86_64_RELOC_UNSIGNED, r_length, .. } => {
            ("", 1 << r_length, false)
        }
        RelocationFlags::MachO { r_type: macho::X86_64_RELOC_GOT, .. } => ("@GOTPCREL", 4, false),
        _ => return None,
    })
}

/// The line with a symbol or label in place of the displacement from rip.
fn with_displacement(inst: &Inst, expression: &str) -> Option<String> {
    let place = relative_place(inst)?;
    let sign = if inst.operands[..place.start].ends_with("[rip") { " + " } else { "" };
    let (before, after) = (&inst.operands[..place.start], &inst.operands[place.end..]);
    Some(format!("{} {before}{sign}{expression}{after}", inst.mnemonic))
}

/// The line with a symbol in place of the immediate 0 or the displacement 0.
fn with_number(inst: &Inst, expression: &str) -> String {
    let Inst { mnemonic, operands, .. } = inst;
    if let Some(rest) = operands.strip_prefix("$0,") {
        return format!("{mnemonic} ${expression},{rest}");
    }
    if let Some(before) = operands.strip_suffix(", 0") {
        return format!("{mnemonic} {before}, offset {expression}");
    }
    match (operands.find('('), operands.find(']')) {
        (Some(at), _) => format!("{mnemonic} {}{expression}{}", &operands[..at], &operands[at..]),
        (None, Some(at)) => format!("{mnemonic} {} + {expression}{}", &operands[..at], &operands[at..]),
        (None, None) => format!("{mnemonic} {operands}"),
    }
}

/// The bytes before an instruction of the general-dynamic TLS model that pad it to the length that linkers
/// expect. Assemblers don't write them by themselves.
fn redundant_prefixes(inst: &Inst, field: &Field) -> Vec<String> {
    let opcode = inst.bytes.iter().position(|byte| *byte == 0xE8);
    let count = match (field.elf(), opcode) {
        (Some(elf::R_X86_64_TLSGD), _) => usize::from(inst.bytes[0] == 0x66),
        (Some(elf::R_X86_64_PLT32), Some(at)) => at,
        (Some(elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX), _) if inst.mnemonic.starts_with("call") => {
            inst.bytes.iter().position(|byte| *byte == 0xFF).unwrap_or(0)
        }
        _ => 0,
    };
    let bytes: Vec<String> = inst.bytes[..count].iter().map(|byte| format!("{byte:#x}")).collect();
    if bytes.is_empty() { Vec::new() } else { vec![format!(".byte {}", bytes.join(", "))] }
}

/// The line of an instruction that refers to a label. A long branch that would reach as a short one is
/// marked.
fn labelled(inst: &Inst, label: &Label) -> String {
    if !is_direct_branch(inst) {
        return with_displacement(inst, &label.name).unwrap_or_else(|| inst.line());
    }
    const SHORT: i64 = 2;
    let is_short = inst.bytes.len() as i64 == SHORT;
    let from = if label.at > inst.at { inst.end() as i64 } else { inst.at as i64 + SHORT };
    let reaches = i8::try_from(label.at as i64 - from).is_ok();
    let can_be_short = !inst.mnemonic.starts_with("call");
    let prefix = if !is_short && reaches && can_be_short { "{disp32} " } else { "" };
    format!("{prefix}{} {}", inst.mnemonic, label.name)
}

/// The line of an instruction without distances. LLVM exchanges the sources of an operation to use the short
/// VEX prefix.
fn forced(inst: &Inst) -> String {
    match inst.bytes[..] {
        [0xC4, second, third, _, modrm, ..]
            if second & 0x5F == 0x41 && third & 0x80 == 0 && modrm >= 0xC0 =>
        {
            format!("{{vex3}} {}", inst.line())
        }
        _ => inst.line(),
    }
}

fn data(kind: RelocationFlags) -> Option<(&'static str, u64, bool)> {
    let RelocationFlags::Elf { r_type } = kind else { return None };
    Some(match r_type {
        elf::R_X86_64_64 => ("", 8, false),
        elf::R_X86_64_32 => ("", 4, false),
        elf::R_X86_64_PC32 => ("", 4, true),
        elf::R_X86_64_DTPOFF64 => ("@DTPOFF", 8, false),
        _ => return None,
    })
}
