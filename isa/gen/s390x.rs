//! Parses the encoding column of s390x, in the terms of the Principles of Operation.
//!
//! It begins with a format and an opcode, as in `RRF_a b9e8`. Operands fill the format's fields in the
//! assembler's order. Fixed registers and the uses that definitions are tied to fill no field unless `r2=a`
//! assigns one; `m4=5` assigns a constant. The memory operand, label or symbol fills the format's address.
//! `y=e358` and `rl=c4d` are the opcodes of the same instruction with a displacement of 20 bits, and with an
//! address relative to itself: the encoder chooses the shortest that suffices, and the printer appends `y` or
//! `rl` to the mnemonic. The target of a branch with `middle` is the middle of the branch itself.

use super::operand::{Kind, Operand};
use super::row::Row;
use super::s390x_format::{
    Address, AddressAt, DISTANCE, Field, Format, HIGH, LOW, Layout, OTHERS, Others, Source,
};
use super::target::{Encoding, Register, Target, size};

/// The target s390x.
pub const TARGET: Target = Target {
    name: "s390x",
    sizes: &[size('b', 8), size('h', 16), size('w', 32), size('g', 64), size('s', 32), size('d', 64)],
    register,
    zero_register: false,
    codes: &[],
    encode,
};

fn register(name: &str) -> Option<Register> {
    let (class, number) = name.split_at_checked(1)?;
    let number = number.parse().ok().filter(|number| *number < 16)?;
    match class {
        "r" => Some(Register { constructor: "gpr", number }),
        "f" => Some(Register { constructor: "fpr", number }),
        _ => None,
    }
}

fn encode(row: &Row, encoding: &mut Encoding) -> Result<(), String> {
    let mut tokens = row.encoding.split_whitespace();
    let name = tokens.next().ok_or("expected a format")?;
    let number = Format::LAYOUTS.iter().position(|layout| layout.name == name);
    let number = number.ok_or_else(|| format!("unknown format `{name}`"))?;
    let layout = &Format::LAYOUTS[number];
    encoding.format = Format::VARIANTS[number].to_owned();
    let mut bits = layout.place_opcode(opcode(layout, tokens.next().ok_or("expected an opcode")?)?);
    let mut others = Others::default();
    let mut sources = vec![None; layout.fields.len()];
    let mut into_middle = false;
    for token in tokens {
        if token == "middle" && layout.address == Address::Near {
            into_middle = true;
            bits |= DISTANCE.place(1);
            continue;
        }
        let (name, value) =
            token.split_once('=').ok_or_else(|| format!("expected name=value, found `{token}`"))?;
        match name {
            "y" => others.long = other_opcode(long_form(layout)?, value)?,
            "rl" => others.relative = other_opcode(layout_called("RIL_b"), value)?,
            _ => {
                let at = layout.fields.iter().position(|field| field.name == name);
                let at = at.ok_or_else(|| format!("the format has no field `{name}`"))?;
                sources[at] = Some(assigned(row, &layout.fields[at], value, &mut bits)?);
            }
        }
    }
    place_operands(row, layout, &mut sources)?;
    for (field, source) in encoding.fields.iter_mut().zip(&sources) {
        *field = source.expect("all fields have been filled").pack();
    }
    if sources.iter().skip(encoding.fields.len()).any(|source| *source != Some(Source::Constant)) {
        return Err("fields after the fifth must be constant".to_owned());
    }
    encoding.params[HIGH] = (bits >> 32) as u32;
    let address = if into_middle { AddressAt::MIDDLE } else { address(row, layout)? };
    encoding.params[LOW] = bits as u32 | address.pack();
    encoding.params[OTHERS] = others.pack();
    Ok(())
}

fn opcode(layout: &Layout, digits: &str) -> Result<u64, String> {
    let value = u64::from_str_radix(digits, 16).map_err(|_| format!("invalid opcode `{digits}`"))?;
    match digits.len() == layout.opcode_digits() {
        true => Ok(value),
        false => Err(format!("an opcode of {} must have {} digits", layout.name, layout.opcode_digits())),
    }
}

fn other_opcode(layout: &Layout, digits: &str) -> Result<u16, String> {
    opcode(layout, digits).map(|value| value as u16)
}

fn layout_called(name: &str) -> &'static Layout {
    Format::LAYOUTS.iter().find(|layout| layout.name == name).expect("a format of the table")
}

/// The format with a displacement of 20 bits that corresponds to one with 12 bits.
fn long_form(layout: &Layout) -> Result<&'static Layout, String> {
    match layout.name {
        "RX_a" => Ok(layout_called("RXY_a")),
        "RS_a" => Ok(layout_called("RSY_a")),
        "SI" => Ok(layout_called("SIY")),
        _ => Err("this format has no long form".to_owned()),
    }
}

/// The source of a field to which the column assigns `value`: an operand, or a number, which is added to
/// `bits`.
fn assigned(row: &Row, field: &Field, value: &str, bits: &mut u64) -> Result<Source, String> {
    if let Ok(number) = value.parse::<u32>() {
        if number >> field.bits != 0 {
            return Err(format!("`{}` has {} bits", field.name, field.bits));
        }
        *bits |= field.place(number);
        return Ok(Source::Constant);
    }
    let at = row.operands.iter().position(|operand| operand.name == value);
    source(row, at.ok_or_else(|| format!("unknown operand `{value}`"))?)
}

/// The source of a field that an operand fills.
fn source(row: &Row, index: usize) -> Result<Source, String> {
    let before = &row.operands[..index];
    match row.operands[index].kind {
        _ if row.operands[index].is_register() => {
            Ok(Source::Register(before.iter().filter(|o| o.is_register()).count() as u8))
        }
        Kind::Imm { .. } => Ok(Source::Word(before.iter().map(Operand::words).sum::<usize>() as u8)),
        Kind::Cond => Ok(Source::Cond),
        _ => Err(format!("operand `{}` cannot fill a field", row.operands[index].name)),
    }
}

/// Assigns the remaining operands to the remaining fields.
fn place_operands(row: &Row, layout: &Layout, sources: &mut [Option<Source>]) -> Result<(), String> {
    let is_tied_source = |index: usize| row.operands.iter().any(|o| o.tied == Some(index));
    for (index, operand) in row.operands.iter().enumerate() {
        let fills = operand.is_register() || matches!(operand.kind, Kind::Imm { .. } | Kind::Cond);
        if !fills || operand.fixed.is_some() || is_tied_source(index) {
            continue;
        }
        let source = source(row, index)?;
        if sources.contains(&Some(source)) {
            continue;
        }
        let free = sources.iter_mut().find(|source| source.is_none());
        *free.ok_or_else(|| format!("no field is left for `{}`", operand.name))? = Some(source);
    }
    for (source, field) in sources.iter_mut().zip(layout.fields) {
        // The fields of an address that may be a shift count may stay empty; omitted masks are 0.
        let optional = field.name.starts_with(['b', 'd', 'm']);
        match source {
            None if optional => *source = Some(Source::Constant),
            None => return Err(format!("nothing fills `{}`", field.name)),
            Some(_) => {}
        }
    }
    Ok(())
}

/// The position of the operand that fills the format's address.
fn address(row: &Row, layout: &Layout) -> Result<AddressAt, String> {
    let mut at = AddressAt { register: 0, word: 0 };
    for operand in &row.operands {
        let fits = match operand.kind {
            Kind::Mem => matches!(layout.address, Address::Memory { .. }),
            Kind::Label => layout.address == Address::Near,
            Kind::Symbol => layout.address == Address::Far,
            Kind::RegMem { .. } | Kind::Imm64 => false,
            _ => {
                at.register += operand.is_register() as u8;
                continue;
            }
        };
        if !fits {
            return Err(format!("format {} has no address field for `{}`", layout.name, operand.name));
        }
        let before = row.operands.iter().take_while(|o| o.name != operand.name);
        at.word = before.map(Operand::words).sum::<usize>() as u8;
        return Ok(at);
    }
    match layout.address {
        Address::Near | Address::Far => Err("expected a label or symbol".to_owned()),
        _ => Ok(AddressAt::NOWHERE),
    }
}
