//! Assembly text: GNU as and LLVM's assembler take it, and make the same object of it.
//!
//! Sections, bytes, relocations and symbols are compared. Assemblers may refer to a local symbol by its
//! section, and compute a distance within a section rather than leave it to the linker, so both objects are
//! brought to that form first. Unwind tables are compared by what they mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod macho;
#[path = "../scratch/mod.rs"]
mod scratch;

use object::read::elf::{ElfFile64, SectionHeader as _};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, elf};
use object::{SectionIndex, SymbolSection};
use scratch::Scratch;

/// A target, and the assemblers for it.
struct Target {
    name: &'static str,
    cpu: &'static [&'static str],
    gnu: &'static str,
    triple: &'static str,
}

const TARGETS: [Target; 3] = [
    Target { name: "x86_64", cpu: &["--cpu", "x86-64-v3"], gnu: "as", triple: "x86_64-linux-gnu" },
    Target {
        name: "aarch64",
        cpu: &["--set", "has_lse=true", "--set", "sign_return_address=true", "--set", "use_bti=true"],
        gnu: "aarch64-linux-gnu-as",
        triple: "aarch64-linux-gnu",
    },
    Target { name: "s390x", cpu: &["--cpu", "z15"], gnu: "s390x-linux-gnu-as", triple: "s390x-linux-gnu" },
];

/// The oldest and the newest of LLVM's assemblers that are installed.
fn llvm_mcs() -> Vec<String> {
    let names = (14..30).map(|version| format!("llvm-mc-{version}"));
    let is_there = |name: &String| Command::new(name).arg("--version").output().is_ok();
    let found: Vec<String> = names.filter(is_there).collect();
    match &found[..] {
        [] => vec!["llvm-mc".into()],
        [oldest, .., newest] => vec![oldest.clone(), newest.clone()],
        [_] => found,
    }
}

/// What a relocation refers to, in a form that does not depend on the assembler.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug, Clone)]
enum Referent {
    Symbol(String, i64),
    Place(String, i64),
}

/// A section, in a form that does not depend on the assembler.
#[derive(PartialEq, Eq, Debug)]
struct Section {
    flags: u64,
    kind: u32,
    align: u64,
    bytes: Vec<u8>,
    relocs: Vec<(u64, u32, Referent)>,
}

/// An object, in a form that does not depend on the assembler.
#[derive(PartialEq, Eq, Debug)]
struct Form {
    sections: BTreeMap<String, Section>,
    symbols: Vec<String>,
}

/// The kinds of distances that assemblers may compute: size of the field, bits to shift and mask.
fn distance(arch: object::Architecture, kind: u32) -> Option<(usize, u32, u32)> {
    match (arch, elf::RelocationType(kind)) {
        (object::Architecture::X86_64, elf::R_X86_64_PC32 | elf::R_X86_64_PLT32) => Some((4, 0, u32::MAX)),
        (object::Architecture::Aarch64, elf::R_AARCH64_CALL26 | elf::R_AARCH64_JUMP26) => {
            Some((4, 2, 0x3FF_FFFF))
        }
        (object::Architecture::Aarch64, elf::R_AARCH64_PREL32)
        | (object::Architecture::S390x, elf::R_390_PC32) => Some((4, 0, u32::MAX)),
        (object::Architecture::S390x, elf::R_390_PC32DBL | elf::R_390_PLT32DBL) => Some((4, 1, u32::MAX)),
        _ => None,
    }
}

/// The kind that assemblers write, of those that mean the same: of distances to the global offset table.
fn usual(arch: object::Architecture, kind: elf::RelocationType) -> elf::RelocationType {
    match (arch, kind) {
        (object::Architecture::X86_64, elf::R_X86_64_GOTPC32) => elf::R_X86_64_PC32,
        (object::Architecture::S390x, elf::R_390_GOTPCDBL) => elf::R_390_PC32DBL,
        _ => kind,
    }
}

/// The name of a section, with a number if it is not the first of its name.
fn names(file: &ElfFile64) -> BTreeMap<usize, String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let name = |section: object::read::elf::ElfSection64<'_, '_>| {
        let name = section.name().expect("a name").to_string();
        let number = seen.entry(name.clone()).or_default();
        *number += 1;
        (section.index().0, if *number == 1 { name } else { format!("{name}#{number}") })
    };
    file.sections().map(name).collect()
}

/// What a relocation refers to; for a local symbol, its place.
fn referent(file: &ElfFile64, names: &BTreeMap<usize, String>, reloc: &object::Relocation) -> Referent {
    let RelocationTarget::Symbol(index) = reloc.target() else {
        return Referent::Symbol(String::new(), reloc.addend());
    };
    let symbol = file.symbol_by_index(index).expect("a symbol");
    match symbol.section() {
        SymbolSection::Section(section) if symbol.is_local() => {
            Referent::Place(names[&section.0].clone(), symbol.address() as i64 + reloc.addend())
        }
        _ => {
            let name = symbol.name().expect("a name");
            // A local symbol has another name where the text needs one.
            Referent::Symbol(name.trim_end_matches(".local").to_string(), reloc.addend())
        }
    }
}

fn section_form(file: &ElfFile64, names: &BTreeMap<usize, String>, index: usize) -> Section {
    let section = file.section_by_index(SectionIndex(index)).expect("a section");
    let header = section.elf_section_header();
    let mut bytes = section.data().expect("bytes").to_vec();
    let name = &names[&index];
    let big = !file.is_little_endian();
    let mut relocs = Vec::new();
    for (at, reloc) in section.relocations() {
        let RelocationFlags::Elf { r_type } = reloc.flags() else { panic!("a relocation of ELF") };
        let referent = referent(file, names, &reloc);
        match (&referent, distance(file.architecture(), r_type.0)) {
            (Referent::Place(place, offset), Some((size, shift, mask))) if place == name => {
                let field = &mut bytes[at as usize..at as usize + size];
                let word = <[u8; 4]>::try_from(&*field).expect("four bytes");
                let word = if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) };
                let value = ((offset - at as i64) >> shift) as u32;
                let word = word & !mask | value & mask;
                field.copy_from_slice(&if big { word.to_be_bytes() } else { word.to_le_bytes() });
            }
            // GNU as knows that a call of a local function needs no entry of a procedure linkage table.
            (Referent::Place(..), _) if r_type == elf::R_X86_64_PLT32 => {
                relocs.push((at, elf::R_X86_64_PC32.0, referent));
            }
            _ => relocs.push((at, usual(file.architecture(), r_type).0, referent)),
        }
    }
    relocs.sort();
    let endian = file.endian();
    let align = section.align().max(1);
    let (flags, kind) = (header.sh_flags(endian).0, header.sh_type(endian).0);
    if kind == elf::SHT_NOBITS.0 {
        bytes = vec![0; section.size() as usize];
    }
    if kind == elf::SHT_GROUP.0 {
        // Sections have other numbers in the assembler's object.
        let words = bytes.chunks_exact(4).map(|word| <[u8; 4]>::try_from(word).expect("four bytes"));
        let words = words.map(|word| if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) });
        let members =
            words.skip(1).map(|index| names[&(index as usize)].split('#').next().unwrap_or_default());
        // Relocations are in the group only in the assembler's object.
        let mut members: Vec<&str> = members.filter(|name| !name.starts_with(".rela")).collect();
        members.sort_unstable();
        bytes = members.join(" ").into_bytes();
    }
    Section { flags, kind, align, bytes, relocs }
}

fn form(path: &Path) -> Form {
    let bytes = fs::read(path).expect("an object");
    let file = ElfFile64::<Endianness>::parse(&*bytes).expect("an object");
    let names = names(&file);
    let mut sections = BTreeMap::new();
    for section in file.sections() {
        let kind = section.elf_section_header().sh_type(file.endian());
        let name = &names[&section.index().0];
        let is_table = matches!(kind, elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_RELA);
        // Assemblers begin with some empty sections, and add notes about processors.
        let is_empty = section.size() == 0 && name != ".note.GNU-stack";
        if is_table || is_empty || name == ".eh_frame" || name == ".note.gnu.property" {
            continue;
        }
        sections.insert(name.clone(), section_form(&file, &names, section.index().0));
    }
    let symbols = file.symbols().filter(|symbol| {
        let name = symbol.name().unwrap_or_default();
        let own = name == "_GLOBAL_OFFSET_TABLE_" || name.starts_with(['$', '.']);
        symbol.elf_symbol().st_type() != elf::STT_SECTION && !name.is_empty() && !own
    });
    let mut symbols: Vec<String> = symbols
        .map(|symbol| {
            let section = match symbol.section() {
                SymbolSection::Section(index) => names[&index.0].clone(),
                other => format!("{other:?}"),
            };
            let entry = symbol.elf_symbol();
            let kind = match symbol.is_undefined() {
                true => String::new(),
                false => format!("{:?}", entry.st_type()),
            };
            let (bind, visibility) = (entry.st_bind(), entry.st_visibility());
            let name = symbol.name().expect("a name").trim_end_matches(".local");
            let (at, size) = (symbol.address(), symbol.size());
            format!("{name} {section}+{at} {size} {kind} {bind:?} {visibility:?}")
        })
        .collect();
    symbols.sort();
    Form { sections, symbols }
}

/// What the unwind tables of an object say: a paragraph for each function.
fn frames(path: &Path) -> Vec<String> {
    let run = Command::new("readelf").arg("--debug-dump=frames-interp").arg("-W").arg(path).output();
    let text = String::from_utf8_lossy(&run.expect("readelf is installed").stdout).into_owned();
    let mut frames: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n").filter(|paragraph| paragraph.contains(" FDE ")) {
        let (head, rows) = paragraph.trim().split_once('\n').unwrap_or((paragraph, ""));
        let place = head.split_whitespace().find(|word| word.starts_with("pc=")).unwrap_or_default();
        let rows: Vec<String> =
            rows.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        frames.push(format!("{place}\n{}", rows.join("\n")));
    }
    frames.sort();
    frames
}

/// Runs a command; the error is what it printed.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).lines().take(6).collect::<Vec<_>>().join("\n")),
    }
}

/// Files to compile: test files with code, and programs.
fn files() -> Vec<PathBuf> {
    fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
        for path in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "clif") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["filetests", "testsuite", "examples"] {
        collect(&root.join(dir), &mut files);
    }
    files.sort();
    files
}

/// Assembles a text by an assembler and compares the object with clifc's.
fn compare(assembler: &mut Command, assembled: &Path, object: &Path) -> Result<(), String> {
    run(assembler)?;
    let (ours, mut theirs) = (form(object), form(assembled));
    for (name, section) in &ours.sections {
        let Some(other) = theirs.sections.get_mut(name) else { return Err(format!("no section {name}")) };
        // GNU as fills sections up to their alignment on some targets.
        let more = other.bytes.len().saturating_sub(section.bytes.len());
        if (more as u64) < section.align {
            other.bytes.truncate(section.bytes.len());
        }
        if section.bytes != other.bytes {
            let at = section.bytes.iter().zip(&other.bytes).position(|(a, b)| a != b);
            return Err(format!("{name} differs at {at:x?}"));
        }
        // GNU as aligns some sections more than the text says.
        other.align = other.align.min(section.align);
        if *section != *other {
            let about = |s: &Section| format!("{:x} {:x} {}", s.flags, s.kind, s.align);
            let differs = section.relocs.iter().zip(&other.relocs).find(|(a, b)| a != b);
            return Err(format!("{name}: {} and {}: {differs:x?}", about(section), about(other)));
        }
    }
    if ours != theirs {
        let differs = ours.symbols.iter().zip(&theirs.symbols).find(|(a, b)| a != b);
        let more = theirs.sections.keys().find(|name| !ours.sections.contains_key(*name));
        return Err(format!("symbols {differs:?}, section {more:?}"));
    }
    let (ours, theirs) = (frames(object), frames(assembled));
    match ours.iter().zip(&theirs).find(|(a, b)| a != b) {
        Some((ours, theirs)) => Err(format!("frames differ: {ours}\n{theirs}")),
        None if ours.len() != theirs.len() => Err("another number of frames".into()),
        None => Ok(()),
    }
}

/// Compiles all files for a target to an object and to assembly, and compares.
fn check(target: &Target, options: &[&str]) {
    let assemblers = llvm_mcs();
    let options_name = options.join("").replace(['-', '=', ' '], "");
    let dir = Scratch::new(format!("assembly/{}-{options_name}", target.name));
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for file in files() {
        let mut clifc = Command::new(env!("CARGO_BIN_EXE_clifc"));
        clifc.args(["build", "-w", "--emit=obj,asm", "--target", target.name]).args(options);
        // Not every test file is for every target.
        if run(clifc.arg("--out-dir").arg(&*dir).arg(&file)).is_err() {
            continue;
        }
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (object, text) = (dir.join(format!("{stem}.o")), dir.join(format!("{stem}.s")));
        let assembled = dir.join(format!("{stem}.as.o"));
        let mut gnu = Command::new(target.gnu);
        gnu.arg(&text).arg("-o").arg(&assembled);
        let llvm = assemblers.iter().map(|assembler| {
            let mut llvm = Command::new(assembler);
            llvm.args(["-filetype=obj", "-triple", target.triple]).arg(&text).arg("-o").arg(&assembled);
            llvm
        });
        for mut assembler in llvm.chain([gnu]) {
            if let Err(why) = compare(&mut assembler, &assembled, &object) {
                let name = assembler.get_program().to_string_lossy().into_owned();
                wrong.push(format!("{} by {name}: {why}", file.display()));
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 150, "only {compared} were compared");
}

#[test]
fn x86_64_assembles() {
    check(&TARGETS[0], &[]);
}

#[test]
fn x86_64_assembles_with_sections_and_debug_information() {
    let options = ["-O2", "-g", "--function-sections", "--data-sections"];
    check(&TARGETS[0], &[&options, TARGETS[0].cpu].concat());
}

#[test]
fn x86_64_assembles_in_intel_syntax() {
    check(&TARGETS[0], &["-masm=intel"]);
}

#[test]
fn aarch64_assembles() {
    check(&TARGETS[1], &[]);
    check(&TARGETS[1], &[&["-O2", "-g", "--function-sections"], TARGETS[1].cpu].concat());
}

#[test]
fn s390x_assembles() {
    check(&TARGETS[2], &[]);
    check(&TARGETS[2], &[&["-O2", "-g", "--function-sections"], TARGETS[2].cpu].concat());
}
