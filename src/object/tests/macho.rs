//! Objects in Mach-O read back.

use object::macho::{self, MachHeader64};
use object::read::macho::{LoadCommandVariant, MachHeader as _, MachOFile64, Nlist as _, Section as _};
use object::{Architecture, Endianness};

use super::*;

const X86_64: &str = "x86_64-apple-darwin";
const AARCH64: &str = "aarch64-apple-darwin";

fn parse(bytes: &[u8]) -> MachOFile64<'_, Endianness> {
    MachOFile64::parse(bytes).expect("an object in Mach-O")
}

/// `name: section n_type n_desc` of each symbol.
fn symbols(bytes: &[u8]) -> Vec<String> {
    let file = parse(bytes);
    let show = |symbol: object::read::macho::MachOSymbol64<'_, '_, Endianness>| {
        let section = symbol.section_index().map(|index| file.section_by_index(index).expect("in range"));
        let section = section.map_or("undefined".into(), |s| s.name().expect("UTF-8").to_string());
        let entry = symbol.macho_symbol();
        let name = symbol.name().expect("UTF-8");
        format!("{name}: {section} {:#x} {:#x}", entry.n_type().0, entry.n_desc(file.endian()).0)
    };
    file.symbols().map(show).collect()
}

/// `SEGMENT,section: flags` of each section.
fn sections(bytes: &[u8]) -> Vec<String> {
    let file = parse(bytes);
    let show = |section: object::read::macho::MachOSection64<'_, '_, Endianness>| {
        let segment = section.segment_name().expect("UTF-8").expect("a segment");
        let flags = section.macho_section().flags(file.endian()).0;
        format!("{segment},{}: {flags:#x}", section.name().expect("UTF-8"))
    };
    file.sections().map(show).collect()
}

/// `offset type pc-relative length symbol` of each relocation in a section, as they stand in the file, which
/// is backwards.
fn relocations(bytes: &[u8], name: &str) -> Vec<String> {
    let file = parse(bytes);
    let section = file.section_by_name(name).expect("the section");
    let endian = file.endian();
    let arm = file.architecture() == Architecture::Aarch64;
    let show = |reloc: &macho::Relocation<Endianness>| {
        let info = reloc.info(endian);
        let target = match info.r_extern {
            true => {
                let symbol = file.symbol_by_index(SymbolIndex(info.r_symbolnum as usize)).expect("in range");
                symbol.name().expect("UTF-8").to_string()
            }
            false if arm && info.r_type == macho::ARM64_RELOC_ADDEND => format!("{:#x}", info.r_symbolnum),
            false => panic!("a relocation that names a section"),
        };
        format!("{} {} {} {} {target}", info.r_address, info.r_type.0, info.r_pcrel as u8, info.r_length)
    };
    section.macho_relocations().expect("relocations").iter().map(show).collect()
}

/// A function that refers to name 0 in so many ways, in words of eight bytes.
fn referring(kinds: &[(RelocKind, i64)]) -> CompiledStencil {
    let symbol = SymbolRef::Name(NameRef(0));
    let relocs = kinds.iter().enumerate();
    let relocs = relocs.map(|(i, &(kind, addend))| Reloc { offset: 8 * i as u32, kind, symbol, addend });
    CompiledStencil {
        code: vec![0; 8 * kinds.len()],
        text_len: 8 * kinds.len() as u32,
        align: 16,
        relocs: relocs.collect(),
        ..Default::default()
    }
}

fn code_of(target: &str, kinds: &[(RelocKind, i64)]) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let code = referring(kinds);
    let names = params(text("f"), text("x"));
    let functions = [function(&names, Linkage::Export, &code)];
    written_for(target, Layout::default(), &Module::default(), &functions)
}

#[test]
fn symbols_are_atoms_with_linkage() {
    let code = caller();
    let names = [
        params(text("f"), text("maybe")),
        params(text("l"), text("puts_")),
        params(text("w"), text("near")),
        params(text("h"), text("l")),
    ];
    let symbol = |name, link_name: Option<&str>, linkage| SymbolItem {
        name: text(name),
        linkage,
        link_name: link_name.map(Into::into),
        address: None,
        offset: 0,
    };
    let module = Module {
        symbols: vec![
            symbol("puts_", Some("puts"), Linkage::Export),
            symbol("maybe", None, Linkage::Weak),
            symbol("near", None, Linkage::Hidden),
        ],
        ..Default::default()
    };
    let linkages = [Linkage::Export, Linkage::Local, Linkage::Weak, Linkage::Hidden];
    let functions: Vec<_> =
        names.iter().zip(linkages).map(|(names, linkage)| function(names, linkage, &code)).collect();
    let bytes = written_for(X86_64, Layout::default(), &module, &functions).expect("an object");
    let expected = [
        "_l: __text 0xe 0x0",
        "l_clifc: __clifc_traps 0xe 0x0",
        "l_clifc: __clifc_traps 0xe 0x0",
        "l_clifc: __clifc_traps 0xe 0x0",
        "l_clifc: __clifc_traps 0xe 0x0",
        "_f: __text 0xf 0x0",
        "_h: __text 0x1f 0x0",
        "_w: __text 0xf 0x80",
        "_maybe: undefined 0x1 0x40",
        "_near: undefined 0x1 0x0",
        "_puts: undefined 0x1 0x0",
    ];
    assert_eq!(symbols(&bytes), expected);
    assert_eq!(
        relocations(&bytes, "__text"),
        ["50 2 1 2 _l", "34 2 1 2 _near", "18 2 1 2 _puts", "2 2 1 2 _maybe"]
    );
    assert_eq!(
        relocations(&bytes, "__clifc_traps"),
        ["72 0 0 3 _h", "48 0 0 3 _w", "24 0 0 3 _l", "0 0 0 3 _f"]
    );
    let file = parse(&bytes);
    assert!(file.macho_header().flags(file.endian()).contains(macho::MH_SUBSECTIONS_VIA_SYMBOLS));
    assert_eq!(bytes, written_for(X86_64, Layout::default(), &module, &functions).expect("an object"));
}

#[test]
fn versions_are_those_of_the_target() {
    let minimum = |target| {
        let bytes = code_of(target, &[]).expect("an object");
        let header = MachHeader64::<Endianness>::parse(&*bytes, 0).expect("a header");
        let mut commands = header.load_commands(Endianness::Little, &*bytes, 0).expect("commands");
        while let Some(command) = commands.next().expect("a command") {
            if let LoadCommandVariant::BuildVersion(build, _) = command.variant().expect("a command") {
                assert_eq!(build.platform.get(Endianness::Little), macho::PLATFORM_MACOS);
                return build.minos.get(Endianness::Little).to_string();
            }
        }
        panic!("no version");
    };
    assert_eq!([X86_64, AARCH64].map(minimum), ["10.12.0", "11.0.0"]);
    assert_eq!(minimum("aarch64-apple-macosx13.1"), "13.1.0");
}

#[test]
fn data_and_thread_variables() {
    let reloc = |name| DataReloc { offset: 0, kind: FieldKind::Address, name: text(name), addend: 8 };
    let module = Module {
        data: vec![
            data("zero", DataKind::Data, b"", 4096),
            data("value", DataKind::Data, b"12345678", 8),
            data("constant", DataKind::Rodata, b"", 8),
            data("empty", DataKind::Rodata, b"", 0),
            DataItem { relocs: vec![reloc("constant")], ..data("table", DataKind::Rodata, &[0; 8], 16) },
            data("per_thread", DataKind::Tls, b"1", 8),
            data("per_thread_zero", DataKind::Tls, b"", 8),
            DataItem {
                section: Some("__DATA,__mod_init_func".into()),
                relocs: vec![reloc("zero")],
                ..data("first", DataKind::Data, &[0; 8], 8)
            },
        ],
        ..Default::default()
    };
    let layout = Layout { data_sections: true, function_sections: true };
    let bytes = written_for(AARCH64, layout, &module, &[]).expect("an object");
    let expected = [
        "__TEXT,__text: 0x80000400",
        "__DATA,__bss: 0x1",
        "__DATA,__data: 0x0",
        "__TEXT,__const: 0x0",
        "__DATA,__const: 0x0",
        "__DATA,__thread_vars: 0x13",
        "__DATA,__thread_data: 0x11",
        "__DATA,__thread_bss: 0x12",
        "__DATA,__mod_init_func: 0x9",
    ];
    assert_eq!(sections(&bytes), expected);
    assert_eq!(relocations(&bytes, "__mod_init_func"), ["0 0 0 3 _zero"]);
    let expected = [
        "40 0 0 3 _per_thread_zero$tlv$init",
        "24 0 0 3 __tlv_bootstrap",
        "16 0 0 3 _per_thread$tlv$init",
        "0 0 0 3 __tlv_bootstrap",
    ];
    assert_eq!(relocations(&bytes, "__thread_vars"), expected);
    let file = parse(&bytes);
    let section = file.section_by_name("__mod_init_func").expect("the section");
    assert_eq!(section.data(), Ok(&8u64.to_le_bytes()[..]), "addends are in the field");
    let size = file.section_by_name("__const").expect("the section").size();
    assert_eq!(size, 9, "every symbol has a byte of its own");
}

#[test]
fn fields_of_x86_64_hold_addends() {
    use RelocKind::*;
    let kinds = [
        (X86Pc32, 12),
        (X86Pc32Imm1, 11),
        (X86Pc32Imm2, -6),
        (X86Pc32Imm4, 8),
        (X86Plt32, -4),
        (X86RexGotPcRelX, -4),
        (X86GotPcRelX, -4),
        (X86Tlv, -4),
        (Abs64, -1),
    ];
    let bytes = code_of(X86_64, &kinds).expect("an object");
    let mut expected: Vec<_> =
        [1, 6, 7, 8, 2, 3, 4, 9].iter().map(|number| format!("{number} 1 2")).collect();
    expected.push("0 0 3".into());
    let numbered = expected.iter().enumerate();
    let expected: Vec<_> = numbered.map(|(i, shown)| format!("{} {shown} _x", 8 * i)).rev().collect();
    assert_eq!(relocations(&bytes, "__text"), expected);
    let file = parse(&bytes);
    let code = file.section_by_name("__text").and_then(|section| section.data().ok()).expect("code");
    let fields: Vec<i64> =
        code.chunks_exact(8).map(|word| i64::from_le_bytes(word.try_into().expect("eight bytes"))).collect();
    // But for the last, they have 32 bits.
    assert_eq!(fields, [16, 15, 0xFFFF_FFFE, 12, 0, 0, 0, 0, -1]);
}

#[test]
fn addends_of_aarch64_have_relocations() {
    use RelocKind::*;
    let kinds = [
        (Aarch64Page21, 16),
        (Aarch64AddLo12, 16),
        (Aarch64Ldst64Lo12, -8),
        (Aarch64Call26, 0),
        (Aarch64GotPage21, 0),
        (Aarch64GotLo12, 0),
        (Aarch64TlvPage21, 0),
        (Aarch64TlvLo12, 0),
    ];
    let bytes = code_of(AARCH64, &kinds).expect("an object");
    let expected = [
        "56 9 0 2 _x",
        "48 8 1 2 _x",
        "40 6 0 2 _x",
        "32 5 1 2 _x",
        "24 2 1 2 _x",
        "16 10 0 2 0xfffff8",
        "16 4 0 2 _x",
        "8 10 0 2 0x10",
        "8 4 0 2 _x",
        "0 10 0 2 0x10",
        "0 3 1 2 _x",
    ];
    assert_eq!(relocations(&bytes, "__text"), expected);
    for wrong in [(Aarch64GotLo12, 8), (Aarch64Page21, 1 << 23), (Aarch64TlsDescPage21, 0)] {
        assert!(code_of(AARCH64, &[wrong]).is_err(), "{wrong:?}");
    }
}

#[test]
fn frames_are_as_far_from_functions_as_they_say() {
    let code = caller();
    let names = [params(text("f"), text("g")), params(text("g"), text("f"))];
    let module = Module {
        data: vec![data("d", DataKind::Data, b"123", 40), data("z", DataKind::Data, b"", 99)],
        ..Default::default()
    };
    let functions = [
        function(&names[0], Linkage::Export, &code),
        FunctionDef { section: Some("__TEXT,__hot"), ..function(&names[1], Linkage::Weak, &code) },
    ];
    let bytes = written_for(X86_64, Layout::default(), &module, &functions).expect("an object");
    let file = parse(&bytes);
    let section = file.section_by_name("__eh_frame").expect("the section");
    assert!(section.macho_relocations().expect("a list").is_empty());
    let frames = section.data().expect("its bytes");
    let word = |at: usize| u32::from_le_bytes(frames[at..at + 4].try_into().expect("four bytes")) as usize;
    let mut at = word(0) + 4;
    let mut found = Vec::new();
    while at < frames.len() {
        let distance = i64::from_le_bytes(frames[at + 8..at + 16].try_into().expect("eight bytes"));
        found.push((section.address() + at as u64 + 8).wrapping_add_signed(distance));
        at += word(at) + 4;
    }
    let address = |name| file.symbols().find(|s| s.name() == Ok(name)).expect("a symbol").address();
    assert_eq!(found, ["_f", "_g"].map(address));
    assert_ne!(found[0], found[1]);
}

#[test]
fn limits_of_mach_o_are_reported() {
    let code = caller();
    let names = [params(text("f"), text("x")), params(text("g"), text("x"))];
    let functions = [
        FunctionDef { section: Some(".text.hot"), ..function(&names[0], Linkage::Export, &code) },
        FunctionDef { section: Some("__TEXT,__eh_frame"), ..function(&names[1], Linkage::Export, &code) },
    ];
    let section = |number| DataItem {
        section: Some(format!("__DATA,s{number}").into()),
        ..data(&format!("d{number}"), DataKind::Data, b"1", 8)
    };
    let module = Module {
        data: [DataItem { align: 1 << 16, ..data("a", DataKind::Data, b"1", 8) }]
            .into_iter()
            .chain((0..251).map(section))
            .collect(),
        ..Default::default()
    };
    let errors = written_for(X86_64, Layout::default(), &module, &functions).expect_err("errors");
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    let expected = [
        "invalid section name \".text.hot\": expected SEGMENT,section, each of 1 to 16 bytes",
        "section `__TEXT,__eh_frame` is reserved for clifc",
        "alignment 65536 is too large: the maximum is 32768",
        "too many sections: Mach-O allows 241",
    ];
    assert_eq!(messages, expected);
    let elf_only = code_of(X86_64, &[(RelocKind::X86TlsGd, -4)]).expect_err("an error");
    assert_eq!(
        elf_only[0].message,
        "Mach-O has no relocation for `tlsgd`: the settings may not suit the target"
    );
    let target = Target::parse(X86_64).expect("a target");
    let mut flags = Flags::new(&target);
    flags.set("is_pic", "false").expect("a setting");
    let contents = Contents {
        module: &Module::default(),
        functions: vec![],
        part: None,
        names: None,
        debug: None,
        describes: false,
    };
    assert!(write(&target, &flags, Layout::default(), &contents).is_err());
}

#[test]
fn listings_show_relocations_and_traps() {
    let code = caller();
    let names = params(text("f"), text("puts"));
    let functions = [function(&names, Linkage::Export, &code)];
    let bytes = written_for(X86_64, Layout::default(), &Module::default(), &functions).expect("an object");
    let mut listing = Vec::new();
    disasm::disassemble(&bytes, disasm::Style::Text, &mut listing).expect("a listing");
    let listing = String::from_utf8(listing).expect("UTF-8");
    assert!(listing.contains("\n_f: (8 bytes)\n"), "{listing}");
    assert!(listing.contains("; branch _puts-4 ; trap stk_ovf\n"), "{listing}");
}

#[test]
fn local_definitions_are_no_library_routines() {
    let local = calls_its_namesake(X86_64, Linkage::Local, &Module::default());
    let expected = ["_floor: __text 0xe 0x0", "l_clifc: __clifc_traps 0xe 0x0", "_floor: undefined 0x1 0x0"];
    assert_eq!(symbols(&local.bytes), expected);
    assert_eq!(local.warnings, []);
}
