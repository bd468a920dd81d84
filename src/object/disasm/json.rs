//! The contents of an object for programs: functions with their instructions, relocations, trap sites and
//! frames, as JSON.

use std::io;

use object::SectionKind;
use object::read::{Object as _, ObjectSection as _};
use serde::Serialize;

use super::frames::Frame;
use super::linked::Names;
use super::trap_sites::Traps;
use super::{frames, functions, malformed, parse, section_relocs, text_of, within};
use crate::object::decoder::{Syntax, decoder};

#[derive(Serialize)]
struct Contents {
    architecture: String,
    /// Whether addresses are those of a program; else they are offsets in the section.
    linked: bool,
    functions: Vec<Function>,
}

#[derive(Serialize)]
struct Function {
    /// All of its names.
    names: Vec<String>,
    section: String,
    address: u64,
    size: u64,
    instructions: Vec<Instruction>,
    relocations: Vec<Relocation>,
    traps: Vec<Trap>,
    frame: Option<Frame>,
}

/// Offsets are those in the function.
#[derive(Serialize)]
struct Instruction {
    offset: u64,
    bytes: String,
    text: String,
    /// What is at the address that it refers to, in a linked file.
    #[serde(skip_serializing_if = "Option::is_none")]
    refers_to: Option<String>,
}

#[derive(Serialize)]
struct Relocation {
    offset: u64,
    kind: String,
    symbol: String,
    addend: i64,
}

#[derive(Serialize)]
struct Trap {
    offset: u32,
    code: String,
}

/// Returns the contents of an object as JSON. An error of the kind `InvalidData` means that the object is
/// malformed.
pub fn json(bytes: &[u8]) -> io::Result<String> {
    let file = parse(bytes)?;
    let decoder = decoder(file.architecture(), Syntax::Usual).map_err(malformed)?;
    let (traps, names, frames) = (Traps::read(&file)?, Names::read(&file), frames::read(&file));
    let linked = names.is_some();
    let mut all = Vec::new();
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let relocs = section_relocs(&file, &section);
        let code = section.data().map_err(malformed)?;
        for function in functions(&file, &section, code.len() as u64)? {
            let address = section.address() + function.start;
            let code = &code[function.start as usize..function.end as usize];
            let mut references = names.as_ref().map(Names::references);
            let mut insns = decoder.disasm_iter(code, address).map_err(malformed)?;
            let mut instructions = Vec::new();
            while let Some(insn) = insns.next() {
                instructions.push(Instruction {
                    offset: insn.address() - address,
                    bytes: insn.bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
                    text: text_of(&insn),
                    refers_to: references.as_mut().and_then(|references| references.of(&insn)),
                });
            }
            let relocations = within(&relocs, &function).iter().map(|reloc| Relocation {
                offset: reloc.at - function.start,
                kind: reloc.kind.clone(),
                symbol: reloc.symbol.clone(),
                addend: reloc.addend,
            });
            let sites = traps.of(section.index(), address).iter();
            let frame = [(Some(section.index()), address), (None, address)];
            all.push(Function {
                names: function.names.iter().map(|name| (*name).to_string()).collect(),
                section: section.name().map_err(malformed)?.to_string(),
                address,
                size: code.len() as u64,
                instructions,
                relocations: relocations.collect(),
                traps: sites.map(|site| Trap { offset: site.offset, code: site.code.to_string() }).collect(),
                frame: frame.iter().find_map(|place| frames.get(place)).cloned(),
            });
        }
    }
    let architecture = format!("{:?}", file.architecture()).to_lowercase();
    let contents = Contents { architecture, linked, functions: all };
    let mut text = serde_json::to_string_pretty(&contents).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}
