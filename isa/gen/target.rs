//! What a target supplies to the parser of rows, and the result of parsing a row's encoding and properties.

use super::operand;
use super::row::Row;

/// A target, as the build script knows it.
pub struct Target {
    /// The name of its directory in `isa/`, and of its generated file.
    pub name: &'static str,
    /// The letters of operand sizes in names of families.
    pub sizes: &'static [Size],
    /// Finds a register by its name.
    pub register: fn(&str) -> Option<Register>,
    /// Whether there is a register that always reads as 0. Then the function `reading` makes operands that
    /// are read.
    pub zero_register: bool,
    /// Codes of immediates that encode something else: names and numbers of bits.
    pub codes: &'static [(&'static str, u8)],
    /// Parses the encoding column, after the properties. Rows with `expand` are not passed to it.
    pub encode: fn(&Row, &mut Encoding) -> Result<(), String>,
}

/// A member of a family of sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The letter in the name.
    pub letter: char,
    /// The number of bits of an operand.
    pub bits: u16,
    /// Its index in `OperandSize`.
    pub index: usize,
}

/// The size with a letter and a number of bits.
pub const fn size(letter: char, bits: u16) -> Size {
    Size { letter, bits, index: bits.trailing_zeros() as usize - 3 }
}

/// A physical register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// The function in the target's `regs` that makes it, given its number.
    pub constructor: &'static str,
    /// Its number within its class.
    pub number: u8,
}

/// The value of a field that no operand fills.
pub const NO_FIELD: u8 = 255;

/// The encoding and properties of a row.
pub struct Encoding {
    /// The name of its format, a variant of the target's `Format`.
    pub format: String,
    /// The format's parameters.
    pub params: [u32; 3],
    /// The format's fields: which operand fills each.
    pub fields: [u8; 5],
    /// The function that expands it, if it is a pseudo-instruction.
    pub expand: Option<String>,
    /// Registers that are written besides the operands.
    pub clobbers: Vec<Register>,
    /// Its properties: names of constants of `Props`.
    pub props: Vec<&'static str>,
    /// Whether the constructor takes a trap code.
    pub takes_trap: bool,
}

impl Target {
    /// Parses the encoding and properties columns of a row.
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
