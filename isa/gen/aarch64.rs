//! Parses the encoding column of aarch64: the 32 bits of an instruction as in the diagrams of the Arm manual,
//! from the highest bit.
//!
//! Tokens are constant bits or names of operands, as in `10001011000 b 000000 a d`. A register takes five
//! bits, a condition four, and an immediate its own number of bits; `i<5:2>` and `i<5>` are bits of an
//! immediate. `m` is the base register of a memory operand, and `m:12` or `m:7` before it the displacement.
//! `t:26` is the distance to a label or symbol. Fixed registers and the uses that definitions are tied to
//! need not be encoded.

use super::aarch64_format::{BRANCHES, CODES, FIELD_BASE, FIELD_WORD, Format, PATTERN, Place, Source};
use super::operand::{Kind, Operand};
use super::row::Row;
use super::target::{Encoding, Register, Target, size};

/// The target aarch64.
pub const TARGET: Target = Target {
    name: "aarch64",
    sizes: &[
        size('b', 8),
        size('h', 16),
        size('w', 32),
        size('x', 64),
        size('s', 32),
        size('d', 64),
        size('q', 128),
    ],
    register,
    zero_register: true,
    codes: &CODES,
    encode,
};

fn register(name: &str) -> Option<Register> {
    let (class, number) = name.split_at_checked(1)?;
    let number = number.parse().ok().filter(|number| *number < 32)?;
    match class {
        "x" if number < 31 => Some(Register { constructor: "gpr", number }),
        "v" => Some(Register { constructor: "vector", number }),
        _ => None,
    }
}

/// The lowest five bits, which hold a register.
const LOWEST: Place = Place { position: 0, width: 5, from: 0 };

/// The column while it is parsed.
struct Reader<'a> {
    row: &'a Row,
    /// The number of bits parsed so far.
    bits: u32,
    pattern: u32,
    fields: Vec<(Source, Place)>,
    /// The memory operand, label or symbol, and the bits of its displacement or distance.
    address: Option<(usize, u8)>,
    /// The operands named so far.
    seen: Vec<usize>,
}

fn encode(row: &Row, encoding: &mut Encoding) -> Result<(), String> {
    let mut reader = Reader { row, bits: 0, pattern: 0, fields: vec![], address: None, seen: vec![] };
    for token in row.encoding.split_whitespace() {
        reader.token(token).map_err(|e| format!("encoding `{token}`: {e}"))?;
    }
    if reader.bits != 32 {
        return Err(format!("the encoding has {} bits, expected 32", reader.bits));
    }
    reader.check_all_are_named()?;
    let format = reader.format()?;
    reader.fields.sort_by_key(|(source, _)| !matches!(source, Source::Register(_)));
    if reader.fields.len() > format.fields() {
        return Err("too many fields".to_owned());
    }
    for (field, (source, _)) in encoding.fields.iter_mut().zip(&reader.fields) {
        *field = source.pack();
    }
    if let Some((operand, _)) = reader.address {
        encoding.fields[FIELD_BASE] = registers_before(row, operand);
        encoding.fields[FIELD_WORD] = words_before(row, operand);
    }
    let places: Vec<Place> = reader.fields.iter().map(|field| field.1).collect();
    encoding.format = format!("{format:?}");
    encoding.params[PATTERN] = reader.pattern;
    encoding.params[PATTERN + 1..].copy_from_slice(&Place::pack(&places, reader.extra(format)));
    Ok(())
}

fn registers_before(row: &Row, index: usize) -> u8 {
    row.operands[..index].iter().filter(|o| o.is_register()).count() as u8
}

fn words_before(row: &Row, index: usize) -> u8 {
    row.operands[..index].iter().map(Operand::words).sum::<usize>() as u8
}

impl Reader<'_> {
    fn token(&mut self, token: &str) -> Result<(), String> {
        if token.bytes().all(|b| matches!(b, b'0' | b'1')) {
            self.take(token.len())?;
            let bits = u32::from_str_radix(token, 2).map_err(|_| "more than 32 bits")?;
            self.pattern |= bits.checked_shl(32 - self.bits).unwrap_or(0);
            return Ok(());
        }
        let name = token.split(['<', ':']).next().expect("splitting gives at least one part");
        let index = self.row.operands.iter().position(|o| o.name == name);
        let index = index.ok_or_else(|| format!("unknown operand `{name}`"))?;
        self.seen.push(index);
        match &token[name.len()..] {
            "" => self.operand(index),
            rest if rest.starts_with('<') => self.slice(index, rest.trim_matches(['<', '>'])),
            rest => self.distance(index, rest[1..].parse().map_err(|_| "expected a number of bits")?),
        }
    }

    /// Advances by some bits and returns the position of the lowest.
    fn take(&mut self, width: usize) -> Result<u8, String> {
        self.bits += width as u32;
        32u32.checked_sub(self.bits).map(|at| at as u8).ok_or_else(|| "more than 32 bits".to_owned())
    }

    fn operand(&mut self, index: usize) -> Result<(), String> {
        let operand = &self.row.operands[index];
        match operand.kind {
            Kind::Mem => {
                self.take(5)?;
                self.address.get_or_insert((index, 0));
                Ok(())
            }
            _ if operand.is_register() => {
                self.field(Source::Register(registers_before(self.row, index)), 5, 0)
            }
            Kind::Cond => self.field(Source::Cond, 4, 0),
            Kind::Imm { .. } => self.field(self.word(index), operand.bits as u8, 0),
            Kind::Code(code) => self.field(self.word(index), CODES[code].1, 0),
            _ => Err("the number of bits is missing".to_owned()),
        }
    }

    fn word(&self, index: usize) -> Source {
        Source::Word(words_before(self.row, index))
    }

    fn slice(&mut self, index: usize, range: &str) -> Result<(), String> {
        let (high, low) = range.split_once(':').unwrap_or((range, range));
        let parse = |text: &str| text.parse::<u8>().map_err(|_| "expected bits as in `i<5:2>`");
        let (high, low) = (parse(high)?, parse(low)?);
        if !matches!(self.row.operands[index].kind, Kind::Imm { .. }) || high < low || low > 7 {
            return Err("expected bits of an immediate".to_owned());
        }
        self.field(self.word(index), high - low + 1, low)
    }

    fn field(&mut self, source: Source, width: u8, from: u8) -> Result<(), String> {
        if !(1..=16).contains(&width) {
            return Err("a field must have 1 to 16 bits".to_owned());
        }
        let position = self.take(width as usize)?;
        self.fields.push((source, Place { position, width, from }));
        Ok(())
    }

    fn distance(&mut self, index: usize, width: u8) -> Result<(), String> {
        if self.address.replace((index, width)).is_some() {
            return Err("more than one address".to_owned());
        }
        self.take(width as usize).map(|_| ())
    }

    fn format(&self) -> Result<Format, String> {
        let Some((index, width)) = self.address else { return Ok(Format::Plain) };
        match (&self.row.operands[index].kind, width) {
            (Kind::Mem, 12) if self.fields == [(Source::Register(0), LOWEST)] => Ok(Format::Access),
            (Kind::Mem, 7) => Ok(Format::Pair),
            (Kind::Mem, 0) => Ok(Format::Bare),
            (Kind::Label, width) if BRANCHES.contains(&width) => Ok(Format::Branch),
            (Kind::Symbol, 26) => Ok(Format::Symbol),
            _ => {
                Err(format!("no format has a field of {width} bits for `{}`", self.row.operands[index].name))
            }
        }
    }

    /// The number that is packed with the places: see [`super::aarch64_format::extra`].
    fn extra(&self, format: Format) -> u8 {
        match (format, self.address) {
            (Format::Access | Format::Pair, Some((index, _))) => {
                self.row.operands[index].bits.trailing_zeros() as u8 - 3
            }
            (Format::Branch, Some((_, width))) => {
                BRANCHES.iter().position(|w| *w == width).expect("the format was chosen by it") as u8
            }
            _ => 0,
        }
    }

    fn check_all_are_named(&self) -> Result<(), String> {
        for (i, operand) in self.row.operands.iter().enumerate() {
            let is_tied_source = self.row.operands.iter().any(|o| o.tied == Some(i));
            let implied = operand.fixed.is_some() || is_tied_source || operand.kind == Kind::Clobbers;
            if !implied && !self.seen.contains(&i) {
                return Err(format!("operand `{}` is not encoded", operand.name));
            }
        }
        Ok(())
    }
}
