//! Assembly for s390x.

use object::{RelocationFlags, elf};

use super::{Dialect, Field, Inst, Label};
use crate::object::decoder::Syntax;
use crate::options::Flags;

pub(super) const DIALECT: Dialect =
    Dialect { comment: "#", begin, length, destination, lines, data, label: ".L", marks_data: false };

/// Names the oldest machine that has the instructions.
fn begin(flags: &Flags, _: Syntax) -> String {
    let machine = if flags.has_mie4() || flags.has_vxrs_ext3() {
        "z17"
    } else if flags.has_mie3() || flags.has_vxrs_ext2() {
        "z15"
    } else {
        "z14"
    };
    format!("\t.machine {machine}\n")
}

/// The first two bits of an instruction tell its length.
fn length(bytes: &[u8]) -> usize {
    match bytes[0] >> 6 {
        0 => 2,
        1 | 2 => 4,
        _ => 6,
    }
}

/// The distance that an instruction holds, in halfwords. Its formats with a distance have it behind the first
/// two bytes.
fn destination(inst: &Inst) -> Option<u64> {
    let bytes = &inst.bytes[..];
    let low = bytes.get(1)? & 15;
    let is_long = match bytes[0] {
        0xA7 => (4..=7).contains(&low).then_some(false),
        0x84 | 0x85 => Some(false),
        0xEC => {
            matches!(bytes.last()?, 0x44 | 0x45 | 0x64 | 0x65 | 0x76 | 0x77 | 0x7C..=0x7F).then_some(false)
        }
        0xC0 => matches!(low, 0 | 4 | 5).then_some(true),
        0xC4 | 0xC6 => Some(true),
        0xCC => (low == 6).then_some(true),
        _ => None,
    }?;
    let distance = match is_long {
        true => i32::from_be_bytes(bytes.get(2..6)?.try_into().ok()?),
        false => i16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
    };
    Some(inst.at.wrapping_add_signed(i64::from(distance) * 2))
}

fn lines(inst: &Inst, fields: &[Field], label: Option<Label>) -> Result<Vec<String>, String> {
    // A call of the general-dynamic TLS model has two relocations, of which one only marks it.
    let (marks, fields): (Vec<&Field>, Vec<&Field>) =
        fields.iter().partition(|field| field.elf() == Some(elf::R_390_TLS_GDCALL));
    let Some(field) = fields.first() else {
        return Ok(vec![label.map_or_else(|| inst.line(), |label| inst.with_last(&label.name))]);
    };
    let suffix = match field.elf() {
        Some(elf::R_390_PC32DBL | elf::R_390_GOTPCDBL) => "",
        Some(elf::R_390_PLT32DBL) => "@PLT",
        Some(elf::R_390_GOTENT) => "@GOT",
        Some(elf::R_390_TLS_IEENT) => "@INDNTPOFF",
        _ => return Err(field.unknown()),
    };
    let expression = field.expression(suffix, field.addend - (field.at - inst.at) as i64);
    let mark = marks.first().map_or(String::new(), |mark| format!(":tls_gdcall:{}", mark.symbol));
    Ok(vec![inst.with_last(&(expression + &mark))])
}

fn data(kind: RelocationFlags) -> Option<(&'static str, u64, bool)> {
    let RelocationFlags::Elf { r_type } = kind else { return None };
    Some(match r_type {
        elf::R_390_64 => ("", 8, false),
        elf::R_390_32 => ("", 4, false),
        elf::R_390_PC32 => ("", 4, true),
        elf::R_390_TLS_GD64 => ("@TLSGD", 8, false),
        elf::R_390_TLS_LE64 => ("@NTPOFF", 8, false),
        _ => return None,
    })
}
