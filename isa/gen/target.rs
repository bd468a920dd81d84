//! What a target tells the reader of rows, and what its rows come to.

use super::operand;
use super::row::Row;

/// A target of the build script.
pub struct Target {
    /// Name of its directory in `isa` and of the file written for it.
    pub name: &'static str,
    /// Letters of operand sizes in names of families.
    pub sizes: &'static [Size],
    /// A register by name.
    pub register: fn(&str) -> Option<Register>,
    /// Whether a register that is read may be one that is always 0: `reading` makes the operand.
    pub zero_register: bool,
    /// Immediates that stand for something else, and their bits.
    pub codes: &'static [(&'static str, u8)],
    /// Reads the encoding column; properties have been read, and `expand` is not left to it.
    pub encode: fn(&Row, &mut Encoding) -> Result<(), String>,
}

/// A member of a family of sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The letter in the name.
    pub letter: char,
    /// Bits of an operand.
    pub bits: u16,
    /// Its number in `OperandSize`.
    pub index: usize,
}

/// A size letter.
pub const fn size(letter: char, bits: u16) -> Size {
    Size { letter, bits, index: bits.trailing_zeros() as usize - 3 }
}

/// A physical register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// What makes it of its number in the target's `regs`.
    pub constructor: &'static str,
    /// Its number in its class.
    pub number: u8,
}

/// An operand that fills none of a format's fields.
pub const NO_FIELD: u8 = 255;

/// What the columns of a row come to.
pub struct Encoding {
    /// Name of its format: a variant of the target's `Format`.
    pub format: String,
    /// The format's parameters.
    pub params: [u32; 3],
    /// Where the operands are.
    pub fields: [u8; 5],
    /// The function that expands it.
    pub expand: Option<String>,
    /// Registers written besides the operands.
    pub clobbers: Vec<Register>,
    /// Names of `Props` constants.
    pub props: Vec<&'static str>,
    /// Whether the constructor takes a trap code.
    pub takes_trap: bool,
}

impl Target {
    /// Reads the encoding and properties columns of a row.
    pub fn encoding(&self, row: &Row) -> Result<Encoding, String> {
        let mut encoding = Encoding {
            format: String::new(),
            params: [0; 3],
            fields: [NO_FIELD; 5],
            expand: None,
            clobbers: Vec::new(),
            props: Vec::new(),
            takes_trap: false,
        };
        self.read_properties(row, &mut encoding)?;
        match row.encoding.strip_prefix("expand = ") {
            Some(function) => {
                encoding.format = "Expand".to_owned();
                encoding.expand = Some(function.trim().to_owned());
                encoding.props.push("PSEUDO");
            }
            None => (self.encode)(row, &mut encoding)?,
        }
        if !encoding.clobbers.is_empty() || encoding.props.contains(&"CALL") {
            encoding.props.push("CLOBBERS");
        }
        Ok(encoding)
    }

    fn read_properties(&self, row: &Row, encoding: &mut Encoding) -> Result<(), String> {
        for word in &row.properties {
            match word.as_str() {
                "flags" => encoding.props.push("DEFS_FLAGS"),
                "uses_flags" => encoding.props.push("USES_FLAGS"),
                "branch" => encoding.props.push("BRANCH"),
                "return" => encoding.props.push("RETURN"),
                "stop" => encoding.props.push("STOP"),
                "indirect" => encoding.props.push("INDIRECT"),
                "call" => encoding.props.push("CALL"),
                "trap" => encoding.takes_trap = true,
                _ => match word.split_once('=') {
                    Some(("clobber", registers)) => {
                        for name in registers.split(',') {
                            encoding.clobbers.push(operand::register(name, self)?);
                        }
                    }
                    _ => return Err(format!("unknown property `{word}`")),
                },
            }
        }
        Ok(())
    }
}
