//! Objects read back.

mod macho;

use object::read::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget};
use object::{ObjectSymbolTable as _, SymbolIndex};

use super::*;
use crate::ir::{DataReloc, FieldKind, Group, Name, NameRef, SymbolItem, TrapCode};
use crate::machine::compiled::TrapSite;
use crate::machine::reloc::{Reloc, RelocKind};
use crate::machine::symbol::LibCall;
use crate::machine::unwind::UnwindOp;

fn text(name: &str) -> Name {
    Name::Text(name.into())
}

/// `call <name 0>; ret` in a frame of one register, which has a trap site.
fn caller() -> CompiledStencil {
    let symbol = SymbolRef::Name(NameRef(0));
    CompiledStencil {
        code: vec![0x55, 0xe8, 0, 0, 0, 0, 0x5d, 0xc3],
        text_len: 8,
        align: 16,
        relocs: vec![Reloc { offset: 2, kind: RelocKind::X86Plt32, symbol, addend: -4 }],
        traps: vec![TrapSite { offset: 1, code: TrapCode::STACK_OVERFLOW }],
        unwind: vec![
            (1, UnwindOp::CfaOffset(16)),
            (1, UnwindOp::SaveRegister { register: 6, offset: -16 }),
            (7, UnwindOp::CfaOffset(8)),
        ],
        ..Default::default()
    }
}

fn params(name: Name, refers_to: Name) -> Params {
    let mut params = Params { name, ..Default::default() };
    params.names.push(refers_to);
    params
}

fn function<'a>(params: &'a Params, linkage: Linkage, code: &'a CompiledStencil) -> FunctionDef<'a> {
    FunctionDef { offset: 1, params, linkage, section: None, align: 1, group: &Group::None, code }
}

fn data(name: &str, kind: DataKind, bytes: &[u8], size: u64) -> DataItem {
    DataItem {
        name: Some(text(name)),
        offset: 2,
        linkage: Linkage::Export,
        kind,
        section: None,
        group: Group::None,
        align: 8,
        bytes: bytes.into(),
        size,
        numbers: vec![],
        relocs: vec![],
    }
}

fn written(
    layout: Layout,
    module: &Module,
    functions: &[FunctionDef<'_>],
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    written_for("x86_64", layout, module, functions)
}

fn written_for(
    target: &str,
    layout: Layout,
    module: &Module,
    functions: &[FunctionDef<'_>],
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let target = Target::parse(target).expect("a target");
    let contents = Contents {
        module,
        functions: functions.to_vec(),
        part: None,
        names: None,
        debug: None,
        describes: false,
    };
    write(&target, &Flags::new(&target), layout, &contents).map(|written| written.bytes)
}

/// `binding visibility type section name` of each named symbol.
fn symbols(bytes: &[u8]) -> Vec<String> {
    let file = object::File::parse(bytes).expect("an object");
    let show = |symbol: object::Symbol<'_, '_>| {
        let binding = match (symbol.is_weak(), symbol.is_local()) {
            (true, _) => "weak",
            (_, true) => "local",
            _ => "global",
        };
        let section = symbol
            .section_index()
            .map(|index| file.section_by_index(index).expect("in range").name().expect("UTF-8").to_string());
        let name = symbol.name().expect("UTF-8");
        let (scope, kind) = (symbol.scope(), symbol.kind());
        format!("{name}: {binding} {scope:?} {kind:?} {}", section.as_deref().unwrap_or("undefined"))
    };
    file.symbols().filter(|symbol| symbol.name().is_ok_and(|name| !name.is_empty())).map(show).collect()
}

/// `offset type symbol or section addend` of each relocation in a section.
fn relocations(bytes: &[u8], section: &str) -> Vec<String> {
    let file = object::File::parse(bytes).expect("an object");
    let name_of = |index: SymbolIndex| {
        let symbol = file.symbol_table().expect("a table").symbol_by_index(index).expect("in range");
        let section = symbol.section_index().map(|index| file.section_by_index(index).expect("in range"));
        match (symbol.name(), section) {
            (Ok(name), _) if !name.is_empty() => name.to_string(),
            (_, Some(section)) => section.name().expect("UTF-8").to_string(),
            _ => "?".to_string(),
        }
    };
    let section = file.section_by_name(section).expect("the section");
    let show = |(offset, reloc): (u64, object::Relocation)| {
        let RelocationTarget::Symbol(index) = reloc.target() else { panic!("a symbol") };
        let object::RelocationFlags::Elf { r_type } = reloc.flags() else { panic!("of ELF") };
        format!("{offset} {} {} {}", r_type.0, name_of(index), reloc.addend())
    };
    section.relocations().map(show).collect()
}

#[test]
fn symbols_have_linkage_and_names() {
    let code = caller();
    let names = [
        params(text("f"), Name::User(0, 7)),
        params(Name::User(0, 7), text("maybe")),
        params(text("w"), text("puts_")),
        params(text("h"), text("near")),
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
            symbol("unused", None, Linkage::Export),
        ],
        ..Default::default()
    };
    let functions = [
        function(&names[0], Linkage::Export, &code),
        function(&names[1], Linkage::Local, &code),
        function(&names[2], Linkage::Weak, &code),
        function(&names[3], Linkage::Hidden, &code),
    ];
    let bytes = written(Layout::default(), &module, &functions).expect("an object");
    let expected = [
        "u0_7: local Compilation Text .text",
        "f: global Dynamic Text .text",
        "w: weak Dynamic Text .text",
        "h: global Linkage Text .text",
        "maybe: weak Unknown Unknown undefined",
        "puts: global Unknown Unknown undefined",
        "near: global Unknown Unknown undefined",
    ];
    assert_eq!(symbols(&bytes), expected);
    assert_eq!(relocations(&bytes, ".text")[0], "2 4 u0_7 -4");
    assert_eq!(relocations(&bytes, ".eh_frame")[1], "64 2 .text 16");
    assert_eq!(relocations(&bytes, ".clifc.traps")[3], "72 1 .text 48");
    assert_eq!(bytes, written(Layout::default(), &module, &functions).expect("an object"));
}

#[test]
fn data_goes_where_its_kind_says() {
    let reloc = |name| DataReloc { offset: 0, kind: FieldKind::Address, name: text(name), addend: 8 };
    let module = Module {
        data: vec![
            data("zero", DataKind::Data, b"", 4096),
            data("value", DataKind::Data, b"12345678", 8),
            data("constant", DataKind::Rodata, b"", 8),
            DataItem { relocs: vec![reloc("constant")], ..data("table", DataKind::Rodata, &[0; 8], 16) },
            data("per_thread", DataKind::Tls, b"1", 8),
            data("per_thread_zero", DataKind::Tls, b"", 8),
            DataItem {
                section: Some(".init_array".into()),
                relocs: vec![reloc("zero")],
                ..data("first", DataKind::Data, &[0; 8], 8)
            },
        ],
        ..Default::default()
    };
    let sections = |layout| -> Vec<String> {
        let bytes = written(layout, &module, &[]).expect("an object");
        symbols(&bytes).iter().map(|s| s.rsplit(' ').next().unwrap_or_default().to_string()).collect()
    };
    let usual = [".bss", ".data", ".rodata", ".data.rel.ro", ".tdata", ".tbss", ".init_array"];
    assert_eq!(sections(Layout::default()), usual);
    let own = [
        ".bss.zero",
        ".data.value",
        ".rodata.constant",
        ".data.rel.ro.table",
        ".tdata.per_thread",
        ".tbss.per_thread_zero",
        ".init_array",
    ];
    assert_eq!(sections(Layout { data_sections: true, ..Default::default() }), own);
    let bytes = written(Layout::default(), &module, &[]).expect("an object");
    assert_eq!(relocations(&bytes, ".data.rel.ro"), ["0 1 constant 8"]);
    assert!(bytes.len() < 4096, "zeros take no room");
}

#[test]
fn errors_in_contents_are_reported() {
    let code = caller();
    let twice = params(text("f"), text("x"));
    let (empty, misplaced) = (params(text("g"), text("")), params(text("m"), text("x")));
    let functions = [
        function(&twice, Linkage::Export, &code),
        function(&twice, Linkage::Local, &code),
        function(&empty, Linkage::Local, &code),
        FunctionDef { section: Some(".data"), ..function(&misplaced, Linkage::Local, &code) },
    ];
    let module = Module {
        data: vec![
            DataItem { section: Some(".data".into()), ..data("a", DataKind::Data, b"1", 8) },
            DataItem { align: 1 << 30, ..data("b", DataKind::Data, b"1", 8) },
            data("c", DataKind::Data, b"1", 1 << 40),
            data("d", DataKind::Data, b"", u64::MAX),
            DataItem { section: Some(".bss".into()), ..data("e", DataKind::Data, b"1", 8) },
        ],
        ..Default::default()
    };
    let errors = written(Layout::default(), &module, &functions).expect_err("errors");
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    let expected = [
        "duplicate definition of `f`",
        "invalid symbol name \"\"",
        "section `.data` is a section like `.text`, but this item needs one like `.data`",
        "alignment 1073741824 is too large: the maximum is 65536",
        "section too large: the maximum is 536870912 bytes",
        "section too large: the maximum is 70368744177664 bytes",
        "section `.bss` can only hold zero-initialised data",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn library_routines_and_thread_locals() {
    let mut code = caller();
    code.relocs[0].symbol = SymbolRef::LibCall(LibCall::FloorF64);
    let symbol = SymbolRef::Name(NameRef(0));
    code.relocs.insert(0, Reloc { offset: 0, kind: RelocKind::X86TlsGd, symbol, addend: -4 });
    let names = params(text("f"), text("counter"));
    let layout = Layout { function_sections: true, ..Default::default() };
    let functions = [function(&names, Linkage::Export, &code)];
    let bytes = written(layout, &Module::default(), &functions).expect("an object");
    let expected = [
        "f: global Dynamic Text .text.f",
        "counter: global Unknown Tls undefined",
        "floor: global Unknown Unknown undefined",
    ];
    assert_eq!(symbols(&bytes), expected);
    assert_eq!(relocations(&bytes, ".text.f"), ["0 19 counter -4", "2 4 floor -4"]);
}

/// A function named as the library routine that it calls.
fn calls_its_namesake(target: &str, linkage: Linkage, module: &Module) -> Written {
    let mut code = caller();
    code.relocs[0].symbol = SymbolRef::LibCall(LibCall::FloorF64);
    let names = params(text("floor"), text("other"));
    let functions = vec![function(&names, linkage, &code)];
    let target = Target::parse(target).expect("a target");
    let contents = Contents { module, functions, part: None, names: None, debug: None, describes: false };
    write(&target, &Flags::new(&target), Layout::default(), &contents).expect("an object")
}

#[test]
fn local_definitions_are_no_library_routines() {
    let local = calls_its_namesake("x86_64", Linkage::Local, &Module::default());
    let expected = ["floor: local Compilation Text .text", "floor: global Unknown Unknown undefined"];
    assert_eq!(symbols(&local.bytes), expected);
    assert_eq!(local.warnings, []);
}

#[test]
fn definitions_that_become_library_routines_are_said() {
    for linkage in [Linkage::Export, Linkage::Weak, Linkage::Hidden] {
        let captured = calls_its_namesake("x86_64", linkage, &Module::default());
        assert_eq!(symbols(&captured.bytes).len(), 1);
        let [warning] = &captured.warnings[..] else { panic!("{:?}", captured.warnings) };
        assert!(warning.message.starts_with("`floor` is a library routine that the code of `%floor` calls"));
    }
    let item = SymbolItem {
        name: text("floor"),
        linkage: Linkage::Export,
        link_name: Some("floor".into()),
        address: None,
        offset: 0,
    };
    let module = Module { symbols: vec![item], ..Default::default() };
    assert_eq!(calls_its_namesake("x86_64", Linkage::Export, &module).warnings, []);
}

#[test]
fn thread_locals_are_not_taken_for_others() {
    let mut code = caller();
    code.relocs[0].kind = RelocKind::X86TlsGd;
    let names = params(text("f"), text("f"));
    let relocs = vec![DataReloc { offset: 0, kind: FieldKind::Address, name: text("variable"), addend: 8 }];
    let module = Module {
        data: vec![
            data("variable", DataKind::Tls, &[0; 8], 8),
            DataItem { relocs, ..data("address", DataKind::Data, &[0; 8], 8) },
        ],
        ..Default::default()
    };
    let functions = [function(&names, Linkage::Export, &code)];
    let errors = written(Layout::default(), &module, &functions).expect_err("errors");
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    let expected = [
        "`f` is not thread-local, but it is used in `tls_value`",
        "`variable` is thread-local: its address is only available through `tls_value`",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn listings_show_relocations_and_traps() {
    let code = caller();
    let names = [params(text("f"), text("puts")), params(text("g"), text("f"))];
    let functions = [function(&names[0], Linkage::Export, &code), function(&names[1], Linkage::Weak, &code)];
    let bytes = written(Layout::default(), &Module::default(), &functions).expect("an object");
    let mut listing = Vec::new();
    disasm::disassemble(&bytes, disasm::Style::Bytes, &mut listing).expect("a listing");
    let function = |name, callee| {
        format!(
            "\n{name}: (8 bytes)\n\
             \x20    0: 55                      pushq %rbp\n\
             \x20    1: e8 00 00 00 00          callq 6                          \
             ; plt32 {callee}-4 ; trap stk_ovf\n\
             \x20    6: 5d                      popq %rbp\n\
             \x20    7: c3                      retq\n"
        )
    };
    let expected = format!("section .text:\n{}{}", function("f", "puts"), function("g", "f"));
    assert_eq!(String::from_utf8(listing).expect("UTF-8"), expected);
}

#[test]
fn broken_objects_are_refused() {
    let code = caller();
    let names = params(text("f"), text("puts"));
    let functions = [function(&names, Linkage::Export, &code)];
    let bytes = written(Layout::default(), &Module::default(), &functions).expect("an object");
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0xff;
        let _may_fail = disasm::disassemble(&broken, disasm::Style::Bytes, &mut Vec::new());
        let _may_fail = disasm::disassemble(&bytes[..at], disasm::Style::Bytes, &mut Vec::new());
    }
    assert!(disasm::disassemble(b"no object", disasm::Style::Bytes, &mut Vec::new()).is_err());
}
