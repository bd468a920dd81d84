//! Examples of opcodes, for messages and `clifc explain`: functions of docs/opcodes.clif, a test file.

use super::mnemonic;
use super::older::{self, Sugar};
use crate::ir::Opcode;

const EXAMPLES: &str = include_str!("../../docs/opcodes.clif");

/// The example of an opcode: a function of its name, and the calls that test it.
pub fn example(opcode: Opcode) -> &'static str {
    let start = EXAMPLES.find(&format!("function %{}(", opcode.name())).unwrap_or(EXAMPLES.len());
    let rest = &EXAMPLES[start..];
    rest[..rest.find("\n\nfunction ").unwrap_or(rest.len())].trim_end()
}

/// An instruction with an opcode, which can be an older spelling.
#[cold]
pub(super) fn instruction(name: &str) -> Option<String> {
    if let Some(opcode) = mnemonic::named(name.as_bytes()) {
        let has_opcode = |line: &&str| line.split([' ', '.']).any(|word| word == name);
        let mut lines = example(opcode).lines().skip(1).map(str::trim);
        return lines.find(has_opcode).map(str::to_string);
    }
    Some(match older::lookup(name.as_bytes())? {
        Sugar::Immediate(..) | Sugar::ReversedImmediate(_) => format!("v1 = {name} v0, 5"),
        Sugar::IcmpImmediate => format!("v1 = {name} slt v0, 5"),
        Sugar::SlotLoad(Opcode::StackAddr) => format!("v0 = {name}.i64 ss0+8"),
        Sugar::SlotStore(Opcode::StackAddr) => format!("{name} v0, ss0+8"),
        Sugar::Branch(_) => format!("{name} v0, block1` and `jump block2"),
        Sugar::SecondNot(_) => format!("v2 = {name} v0, v1"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::opcode::ALL;

    #[test]
    fn every_opcode_has_an_instruction() {
        for opcode in ALL {
            assert!(instruction(opcode.name()).is_some(), "{opcode:?}");
        }
        assert_eq!(instruction("iadd").as_deref(), Some("v2 = iadd v0, v1"));
        assert_eq!(instruction("return").as_deref(), Some("return v1, v0"));
        assert_eq!(instruction("frobnicate"), None);
    }
}
