//! Parses the encoding column of x86_64, in the notation of Intel's manual without its `+`: `REX.W 03 /r`.
//!
//! | token | what |
//! |---|---|
//! | `64 66 F2 F3 F0 REX.W` | prefixes |
//! | `osz` | the prefix that the family's operand size needs |
//! | `03` | an opcode byte |
//! | `03+r`, `03+cc` | the last opcode byte, with a register or a condition in its low bits |
//! | `03+w` | the last opcode byte, plus one unless the operand is a byte |
//! | `VEX.66.0F38.W1` | a VEX prefix with the manual's fields; L is 0 unless `256` is among them |
//! | `EVEX.66.0F38.W1` | likewise an EVEX prefix, of 128 bits |
//! | `/r`, `/digit` | ModRM |
//! | `ib iw id iq` | an immediate |
//! | `is4=x` | an immediate with a register in its high bits |
//! | `im`, `it`, `i1` | an immediate in the shortest form: of `80 /digit`, of `test`, of shifts |
//! | `store` | between registers, the store form (opcode - 2) is used, as assemblers do |
//! | `swap` | the store form of a VEX copy is used where it is shorter |
//! | `rel` | the distance to a label or symbol |
//!
//! The memory operand is ModRM.rm. Of the other registers, those that are neither fixed nor tied to a
//! definition fill ModRM.reg, VEX.vvvv and ModRM.rm in that order; `reg=x`, `rm=x` and `v=x` override this.

use super::operand::{self, Kind};
use super::row::Row;
use super::target::{Encoding, NO_FIELD, Register, Target, size};
use super::x86_64_format::{
    EncodingFlags, FIELD_IMM, FIELD_MEM, FIELD_REG, FIELD_RM, FIELD_VVVV, FLAGS, Format, OPCODE, PREFIXES,
    counted,
};

/// The target x86_64.
pub const TARGET: Target = Target {
    name: "x86_64",
    sizes: &[size('b', 8), size('w', 16), size('l', 32), size('q', 64), size('s', 32), size('d', 64)],
    register,
    zero_register: false,
    codes: &[],
    encode,
};

const GENERAL: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

fn register(name: &str) -> Option<Register> {
    if let Some(number) = name.strip_prefix("xmm") {
        let number = number.parse().ok().filter(|number| *number < 16)?;
        return Some(Register { constructor: "xmm", number });
    }
    let number = GENERAL.iter().position(|known| *known == name)?;
    Some(Register { constructor: "gpr", number: number as u8 })
}

/// The column while it is parsed.
#[derive(Default)]
struct Reader {
    flags: EncodingFlags,
    prefixes: Vec<u8>,
    bytes: Vec<u8>,
    vex: bool,
    modrm: bool,
    digit: bool,
    in_opcode: bool,
    relative: bool,
    choice: Option<Format>,
    overrides: Vec<(usize, String)>,
}

fn encode(row: &Row, encoding: &mut Encoding) -> Result<(), String> {
    let mut reader = Reader::default();
    for token in row.encoding.split_whitespace() {
        reader.token(token, row).map_err(|e| format!("encoding `{token}`: {e}"))?;
    }
    place_operands(row, &reader, &mut encoding.fields)?;
    reader.finish(row, encoding)
}

impl Reader {
    fn token(&mut self, token: &str, row: &Row) -> Result<(), String> {
        let flags = &mut self.flags;
        match token {
            "osz" => match row.size.ok_or("the row is not one of a family")?.letter {
                'w' => self.prefixes.push(0x66),
                'q' => flags.wide = true,
                _ => {}
            },
            "REX.W" => flags.wide = true,
            "64" | "66" | "F0" | "F2" | "F3" if self.bytes.is_empty() && !self.vex => {
                self.prefixes.push(u8::from_str_radix(token, 16).expect("these are numbers"));
            }
            "/r" => self.modrm = true,
            "ib" => flags.imm_len = 1,
            "iw" => flags.imm_len = 2,
            "id" => flags.imm_len = 4,
            "iq" => flags.imm_len = 8,
            "im" if self.bytes == [0x69] => self.choice = Some(Format::ImulImm),
            "im" => self.choice = Some(Format::AluImm),
            "it" => self.choice = Some(Format::TestImm),
            "i1" => (self.choice, flags.imm_len) = (Some(Format::ShiftImm), 1),
            "store" => self.choice = Some(Format::LoadOrStore),
            "swap" => self.choice = Some(Format::VexCopy),
            "rel" => self.relative = true,
            _ if token.starts_with("is4=") => {
                (self.choice, flags.imm_len) = (Some(Format::VexRegister), 1);
                self.overrides.push((FIELD_IMM, token[4..].to_owned()));
            }
            _ if token.starts_with("VEX.") => self.vex_fields(token)?,
            _ if token.starts_with("EVEX.") => {
                self.choice = Some(Format::Evex);
                self.vex_fields(token)?;
            }
            _ if token.contains('=') => self.override_field(token)?,
            _ if token.starts_with('/') => {
                self.modrm = true;
                self.digit = true;
                flags.digit = token[1..].parse().ok().filter(|d| *d < 8).ok_or("a digit is 0 to 7")?;
            }
            _ => self.opcode_byte(token, row)?,
        }
        Ok(())
    }

    fn opcode_byte(&mut self, token: &str, row: &Row) -> Result<(), String> {
        let (byte, suffix) = token.split_once('+').unwrap_or((token, ""));
        let mut byte = u8::from_str_radix(byte, 16).map_err(|_| "not understood")?;
        match suffix {
            "" => {}
            "r" => self.in_opcode = true,
            "cc" => self.flags.cond = true,
            "w" => byte += (row.size.ok_or("the row is not one of a family")?.bits != 8) as u8,
            _ => return Err("expected +r, +cc or +w".to_owned()),
        }
        self.bytes.push(byte);
        Ok(())
    }

    fn vex_fields(&mut self, token: &str) -> Result<(), String> {
        self.vex = true;
        for field in token.split('.').skip(1) {
            let flags = &mut self.flags;
            match field {
                "66" => flags.prefix = 1,
                "F3" => flags.prefix = 2,
                "F2" => flags.prefix = 3,
                "0F" => flags.map = 1,
                "0F38" => flags.map = 2,
                "0F3A" => flags.map = 3,
                "W1" => flags.wide = true,
                "256" => flags.long_vector = true,
                "128" | "LIG" | "LZ" | "W0" | "WIG" => {}
                _ => return Err(format!("unknown field `{field}`")),
            }
        }
        Ok(())
    }

    fn override_field(&mut self, token: &str) -> Result<(), String> {
        let (field, name) = token.split_once('=').expect("the caller saw the sign");
        let field = match field {
            "reg" => FIELD_REG,
            "rm" => FIELD_RM,
            "v" => FIELD_VVVV,
            _ => return Err("unknown field: expected reg, rm or v".to_owned()),
        };
        self.overrides.push((field, name.to_owned()));
        Ok(())
    }

    /// Packs the format's parameters.
    fn finish(mut self, row: &Row, encoding: &mut Encoding) -> Result<(), String> {
        let format = self.format(row);
        encoding.format = format!("{format:?}");
        if format == Format::Fixed {
            return self.finish_fixed(row, encoding);
        }
        if !matches!(self.bytes.as_slice(), [_] | [0x0F, _] | [0x0F, 0x38 | 0x3A, _]) {
            return Err("expected one opcode byte, optionally after 0F, 0F 38 or 0F 3A".to_owned());
        }
        if format == Format::LoadOrStore {
            let last = self.bytes.last_mut().expect("checked above");
            *last = last.checked_sub(2).ok_or("the opcode has no store form")?;
        }
        self.mark_byte_registers(row, &encoding.fields);
        if matches!(format, Format::AluImm | Format::TestImm | Format::ImulImm) {
            let bits = row.size.ok_or("the row is not one of a family")?.bits;
            self.flags.imm_len = (bits / 8).min(4) as u8;
        }
        if (self.flags.imm_len != 0 || self.relative) != (encoding.fields[FIELD_IMM] != NO_FIELD) {
            return Err("an immediate requires both an operand and bytes in the encoding".to_owned());
        }
        if self.flags.cond != row.operands.iter().any(|o| o.kind == Kind::Cond) {
            return Err("a condition requires both an operand and `+cc` in the encoding".to_owned());
        }
        // Assemblers write prefixes in this order; REX follows.
        self.prefixes.sort_by_key(|prefix| [0x64, 0x66, 0xF0, 0xF3, 0xF2].iter().position(|p| p == prefix));
        encoding.params[FLAGS] = self.flags.pack();
        encoding.params[OPCODE] = counted(&self.bytes);
        encoding.params[PREFIXES] = counted(&self.prefixes);
        Ok(())
    }

    fn format(&self, row: &Row) -> Format {
        let has = |kind: Kind| row.operands.iter().any(|o| o.kind == kind);
        let has_immediate = row.operands.iter().any(|o| matches!(o.kind, Kind::Imm { .. }));
        match self.choice {
            Some(format) => format,
            None if self.vex => Format::Vex,
            None if self.relative && has(Kind::Label) && self.flags.cond => Format::JumpIf,
            None if self.relative && has(Kind::Label) => Format::Jump,
            None if self.relative => Format::Symbol,
            None if self.modrm => Format::ModRm,
            None if self.in_opcode && has(Kind::Symbol) => Format::OpRegSymbol,
            None if self.in_opcode || has_immediate => Format::OpReg,
            None => Format::Fixed,
        }
    }

    fn finish_fixed(&self, row: &Row, encoding: &mut Encoding) -> Result<(), String> {
        let mut bytes = self.prefixes.clone();
        bytes.extend(self.flags.wide.then_some(0x48));
        bytes.extend(&self.bytes);
        if bytes.len() > 3 {
            return Err(format!("`{}` has more than three bytes", row.name));
        }
        encoding.params[OPCODE] = counted(&bytes);
        Ok(())
    }

    /// Marks byte registers: as such, registers 4 to 7 need a REX prefix.
    fn mark_byte_registers(&mut self, row: &Row, fields: &[u8; 5]) {
        let registers = row.operands.iter().filter(|o| o.is_register() || o.is_memory());
        for (index, operand) in (0..).zip(registers) {
            let byte = operand.bits == 8 && !operand.float;
            self.flags.byte_reg |= byte && fields[FIELD_REG] == index;
            self.flags.byte_rm |= byte && fields[FIELD_RM] == index;
        }
    }
}

/// The indices of the register operands that fill ModRM.reg, ModRM.rm, VEX.vvvv and an immediate.
fn placement(row: &Row, reader: &Reader) -> Result<[Option<usize>; 4], String> {
    let registers: Vec<&operand::Operand> = row.operands.iter().filter(|o| o.is_register()).collect();
    let is_tied_source = |i: usize| {
        row.operands.iter().any(|o| o.tied.is_some_and(|t| std::ptr::eq(&row.operands[t], registers[i])))
    };
    let mut left: Vec<usize> = (0..registers.len()).collect();
    left.retain(|&i| registers[i].fixed.is_none() && !is_tied_source(i));
    let mut placed = [None; 4];
    for (field, name) in &reader.overrides {
        let index =
            registers.iter().position(|o| o.name == *name).ok_or_else(|| format!("no register `{name}`"))?;
        placed[*field] = Some(index);
        left.retain(|i| *i != index);
    }
    let has_memory = row.operands.iter().any(|o| o.is_memory());
    let mut order = Vec::new();
    if !reader.digit || reader.in_opcode {
        order.push(FIELD_REG);
    }
    if reader.vex && (left.len() + reader.overrides.len() + has_memory as usize + reader.digit as usize) > 2 {
        order.push(FIELD_VVVV);
    }
    if !has_memory && reader.modrm {
        order.push(FIELD_RM);
    }
    let mut left = left.into_iter();
    for field in order {
        if placed[field].is_none() {
            placed[field] = left.next();
        }
    }
    match left.next() {
        Some(i) => Err(format!("operand `{}` is not encoded", registers[i].name)),
        None => Ok(placed),
    }
}

/// Assigns operands to the row's fields.
fn place_operands(row: &Row, reader: &Reader, fields: &mut [u8; 5]) -> Result<(), String> {
    for (field, index) in placement(row, reader)?.iter().enumerate() {
        if let Some(index) = index {
            fields[field] = *index as u8;
        }
    }
    let mut registers = 0;
    let mut words = 0;
    for operand in &row.operands {
        if operand.is_memory() {
            fields[FIELD_RM] = registers;
            fields[FIELD_MEM] = words;
        } else if operand.is_register() {
            registers += 1;
        } else if !matches!(operand.kind, Kind::Cond | Kind::Clobbers) {
            if fields[FIELD_IMM] != NO_FIELD {
                return Err("more than one immediate".to_owned());
            }
            fields[FIELD_IMM] = words;
        }
        words += operand.words() as u8;
    }
    if reader.modrm && fields[FIELD_RM] == NO_FIELD {
        return Err("no operand for ModRM.rm".to_owned());
    }
    if reader.modrm && !reader.digit && fields[FIELD_REG] == NO_FIELD {
        return Err("no operand for ModRM.reg".to_owned());
    }
    Ok(())
}
