//! Assembly text for macOS: LLVM's assembler makes the same object of it.
//!
//! It resolves branches and distances within what a symbol begins, for which clifc leaves relocations, so
//! these are resolved in both objects first, and refers to some places by their section.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use object::macho;
use object::read::macho::{MachOFile64, Nlist as _, Section as _};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags};
use object::{RelocationTarget, SymbolIndex, SymbolSection};

use super::{files, llvm_mcs, run};
use crate::scratch::Scratch;

type File<'a> = MachOFile64<'a, Endianness>;

/// A section: its flags, alignment, bytes and relocations.
#[derive(PartialEq, Eq, Debug)]
struct Section {
    flags: u32,
    align: u64,
    bytes: Vec<u8>,
    relocs: Vec<(u64, String)>,
}

/// Returns the sections that are not empty, and the symbols.
fn form(data: &[u8]) -> (BTreeMap<String, Section>, Vec<String>) {
    let file = File::parse(data).expect("an object");
    let mut sections = BTreeMap::new();
    for section in file.sections().filter(|section| section.size() > 0) {
        // Assemblers set it where they write instructions.
        let flags = section.macho_section().flags(Endianness::Little).0 & !macho::S_ATTR_SOME_INSTRUCTIONS.0;
        let mut bytes = section.data().expect("bytes").to_vec();
        let mut relocs = Vec::new();
        for (at, reloc) in section.relocations() {
            if !resolve(&file, section.index().0, at, &reloc, &mut bytes) {
                relocs.push((at, shown(&file, at, &reloc, &mut bytes)));
            }
        }
        relocs.sort();
        let name = section.segment_name().expect("text").unwrap_or_default().to_string();
        let name = name + "," + section.name().expect("text");
        sections.insert(name, Section { flags, align: section.align(), bytes, relocs });
    }
    let symbol = |symbol: object::read::macho::MachOSymbol64<'_, '_>| {
        let section = symbol.section_index().map(|index| {
            let section = file.section_by_index(index).expect("a section");
            (section.name().expect("text").to_string(), symbol.address() - section.address())
        });
        let (name, entry) = (plain(&symbol), symbol.macho_symbol());
        let description = entry.n_desc(Endianness::Little);
        format!("{name} {section:?} {:?} {description:?}", entry.n_type())
    };
    // LLVM's own symbols at the beginnings of sections.
    let is_own = |symbol: &object::read::macho::MachOSymbol64<'_, '_>| {
        symbol.name().is_ok_and(|name| name.starts_with("ltmp"))
    };
    let mut symbols: Vec<String> = file.symbols().filter(|symbol| !is_own(symbol)).map(symbol).collect();
    symbols.sort();
    (sections, symbols)
}

/// The name of a symbol, if it is local without the number that distinguishes it from others of its name.
fn plain(symbol: &object::read::macho::MachOSymbol64<'_, '_>) -> String {
    let name = symbol.name().expect("text");
    let is_number = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once('.').filter(|(_, number)| symbol.is_local() && is_number(number)) {
        Some((name, _)) => name.to_string(),
        None => name.to_string(),
    }
}

/// A relocation as text. An address within the object becomes an offset in its section: for some sections,
/// LLVM refers to those rather than to symbols.
fn shown(file: &File, at: u64, reloc: &object::Relocation, bytes: &mut [u8]) -> String {
    let name = |index: SymbolIndex| plain(&file.symbol_by_index(index).expect("a symbol"));
    let is_address =
        matches!(reloc.flags(), RelocationFlags::MachO { r_type, r_length: 3, .. } if r_type.0 == 0);
    if is_address && reloc.subtractor().is_none() {
        let field: &mut [u8; 8] = bytes[at as usize..].first_chunk_mut().expect("a field");
        let (section, base) = match reloc.target() {
            RelocationTarget::Section(index) => (Some(index), 0),
            RelocationTarget::Symbol(index) => {
                let symbol = file.symbol_by_index(index).expect("a symbol");
                (symbol.section_index(), symbol.address())
            }
            _ => (None, 0),
        };
        if let Some(section) = section.map(|index| file.section_by_index(index).expect("a section")) {
            let address = base.wrapping_add(u64::from_le_bytes(*field)) - section.address();
            *field = [0; 8];
            return format!("{} {address:#x}", section.name().expect("text"));
        }
    }
    // LLVM fills these fields, which linkers do not read.
    if let RelocationFlags::MachO { r_type: macho::ARM64_RELOC_POINTER_TO_GOT, .. } = reloc.flags()
        && file.architecture() == object::Architecture::Aarch64
    {
        bytes[at as usize..at as usize + 4].fill(0);
    }
    let target = match reloc.target() {
        RelocationTarget::Symbol(index) => name(index),
        other => format!("{other:?}"),
    };
    let (flags, addend) = usual(file.architecture(), reloc.flags(), reloc.addend());
    format!("{flags:?} {target} {:?} {addend}", reloc.subtractor().map(name))
}

/// The number and addend of a distance before the last bytes of an instruction, as of one at its end. They
/// mean the same: such a number only says that linkers count from a later byte and add as many to the addend.
fn usual(arch: object::Architecture, flags: RelocationFlags, addend: i64) -> (RelocationFlags, i64) {
    let RelocationFlags::MachO { r_type, r_pcrel, r_length } = flags else { return (flags, addend) };
    let more = match r_type {
        macho::X86_64_RELOC_SIGNED_1 => 1,
        macho::X86_64_RELOC_SIGNED_2 => 2,
        macho::X86_64_RELOC_SIGNED_4 => 4,
        _ => 0,
    };
    match arch {
        object::Architecture::X86_64 if more > 0 => {
            (RelocationFlags::MachO { r_type: macho::X86_64_RELOC_SIGNED, r_pcrel, r_length }, addend + more)
        }
        _ => (flags, addend),
    }
}

/// Resolves a distance within what a symbol begins, and returns whether it is one.
fn resolve(file: &File, section: usize, at: u64, reloc: &object::Relocation, bytes: &mut [u8]) -> bool {
    let RelocationTarget::Symbol(target) = reloc.target() else { return false };
    let target = file.symbol_by_index(target).expect("a symbol");
    let is_here = |symbol: &object::read::macho::MachOSymbol64<'_, '_>| {
        symbol.section() == SymbolSection::Section(object::SectionIndex(section))
    };
    if !is_here(&target) {
        return false;
    }
    let start = file.section_by_index(object::SectionIndex(section)).expect("a section").address();
    let beginnings = file.symbols().filter(is_here).map(|symbol| symbol.address() - start);
    let begins = target.address() - start;
    if beginnings.filter(|place| *place <= at).max() != Some(begins) {
        return false;
    }
    let field: &mut [u8; 4] = bytes[at as usize..].first_chunk_mut().expect("a field");
    match (file.architecture(), reloc.flags()) {
        (
            object::Architecture::Aarch64,
            RelocationFlags::MachO { r_type: macho::ARM64_RELOC_BRANCH26, .. },
        ) => {
            let distance = (begins.wrapping_sub(at) as u32) >> 2 & 0x3FF_FFFF;
            *field = (u32::from_le_bytes(*field) & !0x3FF_FFFF | distance).to_le_bytes();
        }
        (
            object::Architecture::X86_64,
            RelocationFlags::MachO {
                r_type:
                    macho::X86_64_RELOC_BRANCH
                    | macho::X86_64_RELOC_SIGNED
                    | macho::X86_64_RELOC_SIGNED_1
                    | macho::X86_64_RELOC_SIGNED_2
                    | macho::X86_64_RELOC_SIGNED_4,
                ..
            },
        ) => {
            *field =
                (begins.wrapping_sub(at + 4) as u32).wrapping_add(u32::from_le_bytes(*field)).to_le_bytes();
        }
        _ => return false,
    }
    true
}

/// Compares what the assembler makes of a text with an object.
fn compare(assembler: &str, triple: &str, text: &Path, object: &Path) -> Result<(), String> {
    let assembled = text.with_extension("as.o");
    let mut assembler = Command::new(assembler);
    run(assembler.args(["-filetype=obj", "-triple", triple]).arg(text).arg("-o").arg(&assembled))?;
    let read = |path: &Path| std::fs::read(path).expect("an object");
    let (theirs, ours) = (read(&assembled), read(object));
    let ((their_sections, their_symbols), (our_sections, our_symbols)) = (form(&theirs), form(&ours));
    for (name, ours) in &our_sections {
        match their_sections.get(name) {
            Some(theirs) if theirs == ours => {}
            Some(theirs) => return Err(format!("{name} differs: {}", difference(ours, theirs))),
            None => return Err(format!("{name} is missing")),
        }
    }
    if let Some(name) = their_sections.keys().find(|name| !our_sections.contains_key(*name)) {
        return Err(format!("{name} is new"));
    }
    match our_symbols.iter().zip(&their_symbols).find(|(ours, theirs)| ours != theirs) {
        Some((ours, theirs)) => Err(format!("symbols differ: {ours}, {theirs}")),
        None if our_symbols.len() != their_symbols.len() => Err("another number of symbols".into()),
        None => Ok(()),
    }
}

fn difference(ours: &Section, theirs: &Section) -> String {
    let bytes = ours.bytes.iter().zip(&theirs.bytes).position(|(a, b)| a != b);
    let relocs = ours.relocs.iter().zip(&theirs.relocs).find(|(a, b)| a != b);
    let size = (ours.bytes.len(), theirs.bytes.len());
    let rest = (ours.flags, theirs.flags, ours.align, theirs.align, ours.relocs.len(), theirs.relocs.len());
    format!("at {bytes:x?} of {size:x?}, {relocs:?}, {rest:x?}")
}

fn check(target: &str, triple: &str, options: &[&str]) {
    let dir = Scratch::new(format!("assembly/{target}{}", options.len()));
    let assemblers = llvm_mcs();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for file in files() {
        let mut clifc = Command::new(env!("CARGO_BIN_EXE_clifc"));
        clifc.args(["build", "-w", "--emit=obj,asm", "--target", target]).args(options);
        // Not every test file is for macOS.
        if run(clifc.arg("--out-dir").arg(&*dir).arg(&file)).is_err() {
            continue;
        }
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (object, text) = (dir.join(format!("{stem}.o")), dir.join(format!("{stem}.s")));
        for assembler in &assemblers {
            if let Err(why) = compare(assembler, triple, &text, &object) {
                wrong.push(format!("{} by {assembler}: {why}", file.display()));
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 100, "only {compared} were compared");
}

/// Assemblers would give these sections other types or attributes.
#[test]
fn sections_that_assemblers_decide_are_refused() {
    let dir = Scratch::new("assembly/decided");
    let file = dir.join("f.clif");
    let build = |text: &str| {
        std::fs::write(&file, text).expect("a file");
        let mut clifc = Command::new(env!("CARGO_BIN_EXE_clifc"));
        clifc.args(["build", "--target", "aarch64-apple-darwin", "--emit=obj,asm", "--out-dir"]);
        run(clifc.arg(&*dir).arg(&file))
    };
    for (text, place, section) in [
        ("\n  data %text section \"__TEXT,__cstring\" = \"text\\0\"\n", "2:3", "__TEXT,__cstring"),
        ("data %eight section \"__TEXT,__literal8\" = i64 1\n", "1:1", "__TEXT,__literal8"),
        (
            "data %own section \"__DATA,__own\" = i64 1\n\
             function %plain() system_v {\nblock0:\n    return\n}\n\
             function %collects(i64) -> i64 system_v {\n\
             ss0 = explicit_slot 8\n    fn0 = %plain() system_v\n\
             block0(v0: i64):\n    stack_store v0, ss0\n    call fn0(), stack_map=[i64 @ ss0+0]\n\
             v1 = stack_load.i64 ss0\n    return v1\n}\n",
            "6:1",
            "__LLVM_STACKMAPS,__llvm_stackmaps",
        ),
    ] {
        let refused = build(text).expect_err("assembly cannot have it");
        let message =
            format!("f.clif:{place}: error: assembly cannot have section {section} as it is in objects");
        assert!(refused.contains(&message), "{refused}");
    }
    build("data %own section \"__DATA,__own\" = i64 1\n").expect("assembly can have it");
    let triple = "arm64-apple-macos11";
    for assembler in llvm_mcs() {
        compare(&assembler, triple, &dir.join("f.s"), &dir.join("f.o")).expect("the same object");
    }
}

#[test]
fn aarch64_assembles_for_macos() {
    check("aarch64-apple-darwin", "arm64-apple-macos11", &[]);
    check("aarch64-apple-darwin", "arm64-apple-macos11", &["-O2", "--function-sections"]);
}

#[test]
fn x86_64_assembles_for_macos() {
    check("x86_64-apple-darwin", "x86_64-apple-macos11", &[]);
    check("x86_64-apple-darwin", "x86_64-apple-macos11", &["-O2", "-masm=intel"]);
}
