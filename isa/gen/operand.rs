//! The operands column: `name:kind.class@register=tied`, separated by spaces.
//!
//! Kinds: `use`, `late` (a use that shares no register with a definition), `def`, `early` (a definition written while uses
//! are still needed), `temp`; `rm`, `rm!` (register or memory; with `!` the register is not replaced by its spill
//! slot), `mem`; `imm` and `simm` (an immediate, unsigned or signed, of the bits that follow or else the family's, at
//! most 32), `imm64`; `label`, `symbol`, `cond`, `clobbers` (the number of a clobber set); `code.name` (an immediate that
//! stands for something else, in a code of the target's). Classes: `g` with bits (or the
//! family's, or 64), `x` with the bits that memory holds, `v` for a whole vector register. `d:def=a` puts `d` in the register of `a`.

use super::target::{Register, Size, Target};

/// An operand of a row.
pub struct Operand {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it is of the float class.
    pub float: bool,
    /// Bits accessed or named.
    pub bits: u16,
    /// The one register it must be in.
    pub fixed: Option<Register>,
    /// For a tied definition, the operand it is tied to.
    pub tied: Option<usize>,
}

/// Kinds of operand.
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
        /// The register may be replaced by its spill slot.
        spillable: bool,
    },
    /// `imm` or `simm`.
    Imm {
        /// It is `simm`.
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
    /// `code.name`: the number of the target's code of that name.
    Code(usize),
    /// `clobbers`.
    Clobbers,
}

impl Operand {
    /// Whether it is one register.
    pub fn is_register(&self) -> bool {
        matches!(self.kind, Kind::Use | Kind::UseLate | Kind::Def | Kind::DefEarly)
    }

    /// Whether it takes registers and words.
    pub fn is_memory(&self) -> bool {
        matches!(self.kind, Kind::Mem | Kind::RegMem { .. })
    }

    /// Data words it takes.
    pub fn words(&self) -> usize {
        match self.kind {
            _ if self.is_register() => 0,
            Kind::Cond => 0,
            Kind::Imm { .. } | Kind::Code(_) | Kind::Label | Kind::Clobbers => 1,
            _ => 2,
        }
    }
}

/// A register by name.
pub fn register(name: &str, target: &Target) -> Result<Register, String> {
    (target.register)(name).ok_or_else(|| format!("no register is called `{name}`"))
}

/// Reads the column.
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
        let tied = operands
            .iter()
            .position(|o| o.name == *tie)
            .ok_or_else(|| format!("no operand is called `{tie}`"))?;
        if operands[i].kind != Kind::Def || operands[tied].kind != Kind::Use {
            return Err("a definition is tied to a use".to_owned());
        }
        operands[i].tied = Some(tied);
    }
    check_order(&operands)?;
    Ok(operands)
}

/// Plain registers come first, then the memory operand, then the rest; only a clobber set stands before.
fn check_order(operands: &[Operand]) -> Result<(), String> {
    let rank = |o: &Operand| match o.kind {
        Kind::Clobbers => 0,
        _ if o.is_register() => 1,
        _ if o.is_memory() => 2,
        _ => 3,
    };
    if !operands.is_sorted_by_key(rank) {
        return Err("operands are in order: registers, register-or-memory, immediates".to_owned());
    }
    if operands.iter().filter(|o| o.is_memory()).count() > 1 {
        return Err("more than one memory operand".to_owned());
    }
    for (i, operand) in operands.iter().enumerate() {
        if operands[..i].iter().any(|o| o.name == operand.name) {
            return Err(format!("two operands are called `{}`", operand.name));
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
        let kind = Kind::Code(number.ok_or_else(|| format!("no code is called `{code}`"))?);
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
        return Err("an immediate has 1 to 32, or 64 bits".to_owned());
    }
    let fixed = fixed.map(|name| register(name, target)).transpose()?;
    Ok((Operand { name: name.to_owned(), kind, float, bits, fixed, tied: None }, tie))
}

/// `a=b` gives `a` and `b`; text without the mark is all of it.
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
    text.parse().map(Some).map_err(|_| format!("`{text}` is no number of bits"))
}

/// The kind that a word spells, and the bits after it.
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
