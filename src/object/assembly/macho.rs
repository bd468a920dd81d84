//! Assembly for Mach-O: sections, symbols and relocations, in the directives of LLVM's assembler.
//!
//! Symbols have no sizes: each ends where the next one begins, and a function where its code does. Unwind
//! tables are printed as data.

use std::collections::HashMap;

use object::macho::{self, Nlist64, SectionFlags, SectionType};
use object::read::macho::{MachOFile64, Nlist as _, Section as _};
use object::read::{Object as _, ObjectSection as _, ObjectSymbol as _, Relocation, RelocationTarget};
use object::read::{SectionIndex, SymbolIndex};
use object::{Endianness, RelocationFlags, SymbolSection};

use super::{Body, Field, Place, Printer, Refusal, quoted, text};
use crate::options::Target;

type File<'a> = MachOFile64<'a, Endianness>;
type Entry = Nlist64<Endianness>;

/// Prints an object.
pub(super) fn print(printer: &mut Printer<'_>, object: &[u8], target: &Target) -> Result<(), Refusal> {
    let file = File::parse(object).map_err(text)?;
    let names = names(&file)?;
    let (major, minor, _) = target.minimum_macos();
    printer.line(format_args!(".build_version macos, {major}, {minor}\tsdk_version {major}, {minor}"));
    for section in file.sections() {
        print_section(printer, &file, &names, section.index())?;
    }
    for symbol in file.symbols().filter(|symbol| symbol.section() == SymbolSection::Undefined) {
        if symbol.macho_symbol().n_desc(Endianness::Little).contains(macho::N_WEAK_REF) {
            printer.line(format_args!(".weak_reference {}", names[&symbol.index()]));
        }
    }
    for symbol in file.symbols().filter(|symbol| symbol.section() == SymbolSection::Absolute) {
        let name = &names[&symbol.index()];
        printer.out.push_str(&attributes(name, symbol.macho_symbol()));
        // `.set` would keep the symbol from being stripped.
        printer.line(format_args!("{name} = {:#x}", symbol.address()));
    }
    printer.line(".subsections_via_symbols");
    Ok(())
}

/// The names of symbols, as the assembler takes them. In assembly, a name stands for one symbol, so of
/// several with a name, local ones get other names.
fn names(file: &File<'_>) -> Result<HashMap<SymbolIndex, String>, String> {
    let (mut seen, mut names) = (HashMap::new(), HashMap::new());
    let (locals, others): (Vec<_>, Vec<_>) = file.symbols().partition(|symbol| symbol.is_local());
    for symbol in others.into_iter().chain(locals) {
        let name = symbol.name_bytes().map_err(text)?;
        let before = seen.entry(name).or_insert(0);
        *before += 1;
        let number = if *before > 1 { format!(".{before}") } else { String::new() };
        names.insert(symbol.index(), quoted(&[name, number.as_bytes()].concat()));
    }
    Ok(names)
}

fn print_section(
    printer: &mut Printer<'_>,
    file: &File<'_>,
    names: &HashMap<SymbolIndex, String>,
    index: SectionIndex,
) -> Result<(), Refusal> {
    let section = file.section_by_index(index).map_err(text)?;
    let header = section.macho_section();
    let segment = section.segment_name().map_err(text)?.unwrap_or_default();
    let name = section.name().map_err(text)?;
    let flags = header.flags(Endianness::Little);
    let name = format!("{segment},{name}");
    if is_decided_otherwise(&name, flags) {
        let message = format!(
            "assembly cannot have section {name} as it is in objects: assemblers decide its attributes"
        );
        return Err(Refusal { message, section: Some(name) });
    }
    match SectionType::from(flags) {
        // LLVM 14 has no name for the type.
        macho::S_ZEROFILL => {
            printer.line(format_args!(".zerofill {name}"));
            printer.line(format_args!(".section {name}"));
        }
        _ => printer.line(format_args!(".section {name},{}", kind(flags)?)),
    }
    let align = section.align().max(1);
    if align > 1 {
        printer.line(format_args!(".p2align {}", align.trailing_zeros()));
    }
    let bytes = section.data().map_err(text)?;
    let places = places(printer, file, names, index)?;
    let mut fields = fields(file, names, index, bytes)?;
    fields.sort_by_key(|field| field.at);
    let is_zero = matches!(SectionType::from(flags), macho::S_ZEROFILL | macho::S_THREAD_LOCAL_ZEROFILL);
    printer.section(&Body { bytes, size: section.size(), align, is_zero }, &places, &fields)?;
    Ok(())
}

/// Sections whose type and attributes LLVM's assembler decides, whatever the directive says: those to which
/// clifc may give others.
const DECIDED: [(&str, SectionFlags); 11] = [
    ("__LLVM_STACKMAPS,__llvm_stackmaps", macho::S_REGULAR.to_flags()),
    ("__LLVM_FAULTMAPS,__llvm_faultmaps", macho::S_REGULAR.to_flags()),
    ("__LLVM,__remarks", macho::S_ATTR_DEBUG),
    ("__TEXT,__cstring", macho::S_CSTRING_LITERALS.to_flags()),
    ("__TEXT,__literal4", macho::S_4BYTE_LITERALS.to_flags()),
    ("__TEXT,__literal8", macho::S_8BYTE_LITERALS.to_flags()),
    ("__TEXT,__literal16", macho::S_16BYTE_LITERALS.to_flags()),
    ("__DATA,__la_symbol_ptr", macho::S_LAZY_SYMBOL_POINTERS.to_flags()),
    ("__DATA,__nl_symbol_ptr", macho::S_NON_LAZY_SYMBOL_POINTERS.to_flags()),
    ("__DATA,__thread_init", macho::S_THREAD_LOCAL_INIT_FUNCTION_POINTERS.to_flags()),
    ("__DATA,__thread_ptr", macho::S_THREAD_LOCAL_VARIABLE_POINTERS.to_flags()),
];

/// Whether assemblers would give a section other flags.
fn is_decided_otherwise(name: &str, flags: SectionFlags) -> bool {
    // Assemblers set it where they write instructions.
    let flags = SectionFlags(flags.0 & !macho::S_ATTR_SOME_INSTRUCTIONS.0);
    DECIDED.iter().any(|(known, decided)| *known == name && *decided != flags)
}

/// Names of section types.
const TYPES: [(SectionType, &str); 8] = [
    (macho::S_REGULAR, "regular"),
    (macho::S_COALESCED, "coalesced"),
    (macho::S_MOD_INIT_FUNC_POINTERS, "mod_init_funcs"),
    (macho::S_MOD_TERM_FUNC_POINTERS, "mod_term_funcs"),
    (macho::S_THREAD_LOCAL_REGULAR, "thread_local_regular"),
    (macho::S_THREAD_LOCAL_ZEROFILL, "thread_local_zerofill"),
    (macho::S_THREAD_LOCAL_VARIABLES, "thread_local_variables"),
    (macho::S_CSTRING_LITERALS, "cstring_literals"),
];

/// Names of section attributes. Assemblers know by themselves where instructions are.
const ATTRIBUTES: [(SectionFlags, &str); 5] = [
    (macho::S_ATTR_PURE_INSTRUCTIONS, "pure_instructions"),
    (macho::S_ATTR_NO_TOC, "no_toc"),
    (macho::S_ATTR_STRIP_STATIC_SYMS, "strip_static_syms"),
    (macho::S_ATTR_LIVE_SUPPORT, "live_support"),
    (macho::S_ATTR_DEBUG, "debug"),
];

/// The type and the attributes of a section.
fn kind(flags: SectionFlags) -> Result<String, String> {
    let ty = SectionType::from(flags);
    let found = TYPES.iter().find(|(known, _)| *known == ty);
    let (_, ty) = found.ok_or_else(|| format!("assembly has no sections of type {}", ty.0))?;
    let names = ATTRIBUTES.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| *name);
    let names: Vec<&str> = names.collect();
    Ok(if names.is_empty() { (*ty).to_string() } else { format!("{ty},{}", names.join("+")) })
}

/// The symbols of a section, by offset.
fn places<'a>(
    printer: &Printer<'_>,
    file: &File<'a>,
    names: &HashMap<SymbolIndex, String>,
    index: SectionIndex,
) -> Result<Vec<Place<'a>>, String> {
    let section = file.section_by_index(index).map_err(text)?;
    let start = section.address();
    let mut places = Vec::new();
    for symbol in file.symbols().filter(|symbol| symbol.section() == SymbolSection::Section(index)) {
        let name = symbol.name_bytes().map_err(text)?;
        let spelled = names[&symbol.index()].clone();
        let head = format!("\n{}{spelled}:\n", attributes(&spelled, symbol.macho_symbol()));
        places.push(Place { name, spelled, start: symbol.address() - start, end: 0, head, tail: None });
    }
    places.sort_by_key(|place| place.start);
    for number in 0..places.len() {
        let place = &places[number];
        let size = printer.functions.get(place.name).map(|code| code.code.len() as u64);
        let next = places.iter().map(|next| next.start).find(|next| *next > place.start);
        places[number].end = size.map_or(next.unwrap_or(section.size()), |size| places[number].start + size);
    }
    Ok(places)
}

/// The directives for a symbol's linkage.
fn attributes(name: &str, entry: &Entry) -> String {
    let (kind, description) = (entry.n_type(), entry.n_desc(Endianness::Little));
    let rows = [
        (kind.contains(macho::N_EXT) && !kind.contains(macho::N_PEXT), "globl"),
        (kind.contains(macho::N_PEXT), "private_extern"),
        (description.contains(macho::N_WEAK_DEF), "weak_definition"),
        (description.contains(macho::N_NO_DEAD_STRIP), "no_dead_strip"),
        (description.contains(macho::N_ALT_ENTRY), "alt_entry"),
    ];
    let lines = rows.iter().filter(|(applies, _)| *applies).map(|(_, word)| format!("\t.{word} {name}\n"));
    lines.collect()
}

/// The relocated fields of a section. Except for aarch64's instructions, they hold addends.
fn fields(
    file: &File<'_>,
    names: &HashMap<SymbolIndex, String>,
    index: SectionIndex,
    bytes: &[u8],
) -> Result<Vec<Field>, String> {
    let section = file.section_by_index(index).map_err(text)?;
    let field = |(at, reloc): (u64, Relocation)| {
        let RelocationTarget::Symbol(target) = reloc.target() else {
            return Err("a relocation without a symbol".to_string());
        };
        let kind = reloc.flags();
        Ok(Field {
            at,
            kind,
            symbol: names[&target].clone(),
            subtracted: reloc.subtractor().map(|symbol| names[&symbol].clone()),
            is_defined: file.symbol_by_index(target).map_err(text)?.is_definition(),
            addend: contents(file, kind, &bytes[at as usize..]).unwrap_or_else(|| reloc.addend()),
        })
    };
    section.relocations().map(field).collect()
}

/// The addend that a field holds, if it is one that does.
fn contents(file: &File<'_>, kind: RelocationFlags, bytes: &[u8]) -> Option<i64> {
    let RelocationFlags::MachO { r_type, r_length, .. } = kind else { return None };
    let in_instruction = (macho::ARM64_RELOC_BRANCH26.0..=macho::ARM64_RELOC_TLVP_LOAD_PAGEOFF12.0)
        .contains(&r_type.0)
        && r_type != macho::ARM64_RELOC_POINTER_TO_GOT;
    if file.architecture() == object::Architecture::Aarch64 && in_instruction {
        return None;
    }
    match r_length {
        2 => Some(i32::from_le_bytes(*bytes.first_chunk()?).into()),
        3 => Some(i64::from_le_bytes(*bytes.first_chunk()?)),
        _ => None,
    }
}
