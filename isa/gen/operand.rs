//! Parses the operands column: `name:kind.class@register=tied`, separated by spaces.
//!
//! | kind | operand |
//! |---|---|
//! | `use` | a register that is read |
//! | `late` | a register that is read and shared with no definition |
//! | `def` | a register that is written |
//! | `early`, `temp` | a register that is written while uses are still needed |
//! | `rm`, `rm!` | register or memory; with `!` the register may not be replaced by its spill slot |
//! | `mem` | memory |
//! | `imm`, `simm` | an unsigned or signed immediate; its bits follow, or are the family's, and at most 32 |
//! | `imm64` | an immediate of 64 bits |
//! | `label`, `symbol`, `cond` | a label, a symbol with an addend, a condition |
//! | `clobbers` | the number of a set of registers that a call clobbers |
//! | `code.name` | an immediate that encodes something else, in a code of the target's |
//!
//! Classes are `g` (general) with the number of bits, which is the family's or 64 by default, `x` (float or
//! vector) with the number of bits in memory, and `v` for a whole vector register. `@` fixes the register.
//! `d:def=a` ties `d` to the register of `a`.

use super::target::{Register, Size, Target};

/// An operand of a row.
pub struct Operand {
    /// Its name in the row.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether it is in the float or vector class.
    pub float: bool,
    /// The number of bits that are accessed, or that an immediate has.
    pub bits: u16,
    /// The register it must be in, if it is fixed.
    pub fixed: Option<Register>,
    /// For a tied definition, the index of the operand it is tied to.
    pub tied: Option<usize>,
}

/// The kind of an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `use`.
    Use,
    /// `late`.
    UseLate,
    /// `def`.
    Def,
    /// `early` or `temp`.
    DefEarly,
    /// `mem`.
    Mem,
    /// `rm` or `rm!`.
    RegMem {
        /// Whether the register may be replaced by its spill slot.
        spillable: bool,
    },
    /// `imm` or `simm`.
    Imm {
        /// Whether it is `simm`.
        signed: bool,
    },
    /// `imm64`.
    Imm64,
    /// `label`.
    Label,
    /// `symbol`.
    Symbol,
    /// `cond`.
    Cond,
    /// `code.name`: the index of the code among the target's.
    Code(usize),
    /// `clobbers`.
    Clobbers,
}

impl Operand {
    /// Whether it is a register.
    pub fn is_register(&self) -> bool {
        matches!(self.kind, Kind::Use | Kind::UseLate | Kind::Def | Kind::DefEarly)
    }

    /// Whether it may be in memory.
    pub fn is_memory(&self) -> bool {
        matches!(self.kind, Kind::Mem | Kind::RegMem { .. })
    }

    /// The number of data words it takes.
    pub fn words(&self) -> usize {
        match self.kind {
            _ if self.is_register() => 0,
            Kind::Cond => 0,
            Kind::Imm { .. } | Kind::Code(_) | Kind::Label | Kind::Clobbers => 1,
            _ => 2,
        }
    }
}

/// Finds a register by its name.
pub fn register(name: &str, target: &Target) -> Result<Register, String> {
    (target.register)(name).ok_or_else(|| format!("unknown register `{name}`"))
}

/// Parses the column.
pub fn parse(column: &str, size: Option<Size>, target: &Target) -> Result<Vec<Operand>, String> {
    let mut operands = Vec::new();
    let mut ties = Vec::new();
    for word in column.split_whitespace() {
        let (operand, tie) =
            parse_operand(word, size, target).map_err(|e| format!("operand `{word}`: {e}"))?;
        ties.push(tie);
        operands.push(operand);
    }
    for (i, tie) in ties.iter().enumerate() {
        let Some(tie) = tie else { continue };
        let tied =
            operands.iter().position(|o| o.name == *tie).ok_or_else(|| format!("unknown operand `{tie}`"))?;
        if operands[i].kind != Kind::Def || operands[tied].kind != Kind::Use {
            return Err("only a definition can be tied, and only to a use".to_owned());
        }
        operands[i].tied = Some(tied);
    }
    check_order(&operands)?;
    Ok(operands)
}

/// Checks the order of operands: a clobber set, registers, the memory operand, and then the others.
fn check_order(operands: &[Operand]) -> Result<(), String> {
    let rank = |o: &Operand| match o.kind {
        Kind::Clobbers => 0,
        _ if o.is_register() => 1,
        _ if o.is_memory() => 2,
        _ => 3,
    };
    if !operands.is_sorted_by_key(rank) {
        return Err("operands must be in order: clobbers, registers, memory, immediates".to_owned());
    }
    if operands.iter().filter(|o| o.is_memory()).count() > 1 {
        return Err("more than one memory operand".to_owned());
    }
    for (i, operand) in operands.iter().enumerate() {
        if operands[..i].iter().any(|o| o.name == operand.name) {
            return Err(format!("duplicate operand `{}`", operand.name));
        }
    }
    Ok(())
}

fn parse_operand<'a>(
    word: &'a str,
    size: Option<Size>,
    target: &Target,
) -> Result<(Operand, Option<&'a str>), String> {
    let (name, rest) = word.split_once(':').ok_or("expected `name:kind`")?;
    let (rest, tie) = split_off(rest, '=');
    let (rest, fixed) = split_off(rest, '@');
    let (kind, class) = split_off(rest, '.');
    if let ("code", Some(code)) = (kind, class) {
        let number = target.codes.iter().position(|known| known.0 == code);
        let kind = Kind::Code(number.ok_or_else(|| format!("unknown code `{code}`"))?);
        let bits = size.map_or(64, |s| s.bits);
        return Ok((
            Operand { name: name.to_owned(), kind, float: false, bits, fixed: None, tied: None },
            None,
        ));
    }
    let (kind, kind_bits) = parse_kind(kind)?;
    let family_bits = size.map_or(64, |s| s.bits);
    let (float, bits) = match class {
        None => (false, kind_bits.unwrap_or(family_bits)),
        Some(class) => match class.split_at_checked(1) {
            Some(("g", bits)) => (false, number(bits)?.unwrap_or(family_bits)),
            Some(("x", bits)) => (true, number(bits)?.unwrap_or(size.map_or(128, |s| s.bits))),
            Some(("v", "")) => (true, 0),
            _ => return Err(format!("unknown class `{class}`")),
        },
    };
    if matches!(kind, Kind::Imm { .. }) && !matches!(bits, 1..=32 | 64) {
        return Err("an immediate must have 1 to 32, or 64 bits".to_owned());
    }
    let fixed = fixed.map(|name| register(name, target)).transpose()?;
    Ok((Operand { name: name.to_owned(), kind, float, bits, fixed, tied: None }, tie))
}

/// Splits text at the first `mark`, if there is one.
fn split_off(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn number(text: &str) -> Result<Option<u16>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("invalid number of bits `{text}`"))
}

/// Parses a kind and the number of bits after it.
fn parse_kind(word: &str) -> Result<(Kind, Option<u16>), String> {
    let kind = match word {
        "use" => Kind::Use,
        "late" => Kind::UseLate,
        "def" => Kind::Def,
        "early" | "temp" => Kind::DefEarly,
        "rm" => Kind::RegMem { spillable: true },
        "rm!" => Kind::RegMem { spillable: false },
        "imm64" => Kind::Imm64,
        "label" => Kind::Label,
        "symbol" => Kind::Symbol,
        "cond" => Kind::Cond,
        "clobbers" => Kind::Clobbers,
        _ => {
            let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let bits = number(&word[letters.len()..])?;
            return match letters {
                "mem" => Ok((Kind::Mem, bits)),
                "imm" => Ok((Kind::Imm { signed: false }, bits)),
                "simm" => Ok((Kind::Imm { signed: true }, bits)),
                _ => Err(format!("unknown kind `{word}`")),
            };
        }
    };
    Ok((kind, None))
}
