//! Every row of x86_64 against an independent assembler.
//!
//! Each row is made many times with random operands: registers, every kind of address, immediates at the
//! edges of their encodings. The encoder writes the bytes and relocations; the printer writes the text, and GNU as
//! assembles all of it in one file. Both must agree to the byte, so this tests rows, encoder and printer at once.
//!
//! Where an instruction has two encodings of one length, a `{load}` or `{store}` before the text tells the
//! assembler which one the row is: see [`direction`].

use capstone::arch::{self, BuildsCapstone};
use capstone::{Capstone, RegId};
use clifc::ir::{NameRef, StackSlot};
use clifc::mach::buffer::{CodeBuffer, Label};
use clifc::mach::compiled::{CompiledStencil, RelocKind, SymbolRef};
use clifc::mach::frame::Frame;
use clifc::mach::inst::{Class, InstSink, MachInst, OperandKind, Props, Role, Row, RowId};
use clifc::mach::isa::EmitContext;
use clifc::mach::layout::Layout;
use clifc::mach::print::print;
use clifc::mach::text::{Names, Registers};
use clifc::mach::view;
use clifc::options::{Arch, Flags, Target};
use clifc::target::x86_64::X86_64;
use clifc::target::x86_64::amode::{Amode, Place, Rm};
use clifc::target::x86_64::encode::Branches;
use clifc::target::x86_64::format::Format;
use clifc::target::x86_64::regs;
use clifc::target::x86_64::rows::ROWS;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget};
use regalloc2::{Allocation, Operand, OperandConstraint, PReg, RegClass, SpillSlot, VReg};
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::process::Command;

/// How often each row is tried.
const VARIANTS: usize = 24;

/// A xorshift generator: the same instructions in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % n as u64) as u32
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }

    fn register(&mut self, class: Class) -> VReg {
        let class = if class == Class::Int { RegClass::Int } else { RegClass::Float };
        VReg::new(self.below(16) as usize, class)
    }

    fn value(&mut self) -> i32 {
        const EDGES: [i32; 14] =
            [0, 1, -1, 5, 127, 128, -128, -129, 255, 256, 32767, -32768, i32::MAX, i32::MIN];
        if self.below(3) == 0 { self.below(u32::MAX) as i32 } else { self.pick(&EDGES) }
    }
}

/// Operands and words of one instruction.
#[derive(Default)]
struct Recorded {
    allocs: Vec<Allocation>,
    words: Vec<u32>,
}

impl InstSink for Recorded {
    fn push_operand(&mut self, operand: Operand) {
        self.allocs.push(Allocation::reg(PReg::new(operand.vreg().vreg(), operand.class())));
    }

    fn push_word(&mut self, word: u32) {
        self.words.push(word);
    }

    fn finish(&mut self, _: RowId, _: u8, _: u8) {}
}

/// One instruction tried.
struct Variant {
    row: &'static Row,
    parts: Recorded,
    text: String,
    compiled: CompiledStencil,
}

/// Symbols are `s<n>`; the only label is the one behind the instruction.
struct Fixed {
    label: String,
}

impl Names for Fixed {
    fn symbol(&self, symbol: SymbolRef, out: &mut dyn Write) -> fmt::Result {
        match symbol {
            SymbolRef::Name(name) => write!(out, "s{}", name.0),
            SymbolRef::LibCall(call) => out.write_str(call.name()),
        }
    }

    fn label(&self, _: Label, out: &mut dyn Write) -> fmt::Result {
        out.write_str(&self.label)
    }

    fn constant(&self, _: u32, out: &mut dyn Write) -> fmt::Result {
        out.write_str(&self.label)
    }
}

/// Rows that may have an operand in the global offset table.
const GOT_ROWS: [&str; 4] = ["movq.rm", "call.rm", "jmp.rm", "tail.rm"];

fn random_amode(random: &mut Random, row: &Row) -> Amode {
    let disp = random.pick(&[0, 1, -1, 8, 127, -128, 128, -129, 0x1234, -0x12345, 0x7FFF_0000]);
    let frame_disp = random.pick(&[0, 8, 100, 500]);
    let base = random.register(Class::Int);
    let index = loop {
        let index = random.register(Class::Int);
        if index.vreg() != 4 {
            break index;
        }
    };
    let scale = random.below(4) as u8;
    let symbol = SymbolRef::Name(NameRef(random.below(5)));
    match random.below(10) {
        0 | 1 => Amode::base(base, disp),
        2 | 3 => Amode::indexed(base, index, scale, disp),
        4 => Amode::at(Place::Registers, disp).with_index(index, scale),
        5 => Amode::at(Place::Slot(StackSlot(random.below(2))), frame_disp),
        6 if random.below(2) == 0 => Amode::at(Place::Outgoing, frame_disp),
        6 => Amode::at(Place::Incoming, frame_disp),
        7 if random.below(2) == 0 => Amode::at(Place::Spill(random.below(40)), 0),
        7 => Amode::at(Place::Slot(StackSlot(1)), frame_disp).with_index(index, scale),
        8 if GOT_ROWS.contains(&row.name) => Amode::at(Place::Got(symbol), 0),
        8 => Amode::at(Place::Symbol(symbol), frame_disp),
        _ if random.below(2) == 0 => Amode::at(Place::Constant(0), frame_disp),
        _ => Amode::at(Place::Label(Label(0)), frame_disp),
    }
}

fn push_operand(random: &mut Random, row: &Row, kind: OperandKind, to: &mut Recorded) {
    match kind {
        OperandKind::Reg { class, fixed, .. } => {
            let register = random.register(class);
            let chosen = fixed.unwrap_or(PReg::new(register.vreg(), register.class()));
            to.allocs.push(Allocation::reg(chosen));
        }
        OperandKind::Mem { .. } => {
            random_amode(random, row).push(to);
        }
        OperandKind::RegMem { class, .. } => match random.below(5) {
            0 | 1 => {
                Rm::Reg(random.register(class)).push(to, OperandConstraint::Reg);
            }
            2 => {
                Rm::Reg(random.register(class)).push(to, OperandConstraint::Any);
                let slot = SpillSlot::new(random.below(30) as usize);
                *to.allocs.last_mut().expect("just pushed") = Allocation::stack(slot);
            }
            _ => {
                random_amode(random, row).push(to);
            }
        },
        OperandKind::Imm { .. } => to.words.push(random.value() as u32),
        OperandKind::Code { .. } => to.words.push(0),
        OperandKind::Imm64 => to.words.extend([random.value() as u32, random.value() as u32]),
        OperandKind::Label => to.words.push(0),
        OperandKind::Symbol => {
            let symbol = SymbolRef::Name(NameRef(random.below(5)));
            // With an addend the assembler asks for the symbol's address rather than its PLT entry.
            to.words.extend([symbol.pack(), 0]);
        }
        OperandKind::Clobbers => to.words.push(0),
        OperandKind::Cond => {}
    }
}

/// Which of two encodings of the same length a row is: `reg ← rm` with a register there is the load form.
fn direction(row: &Row, text: &str) -> &'static str {
    let may_load = row.operands.iter().any(|o| matches!(o.kind, OperandKind::RegMem { .. }));
    if may_load && row.name.ends_with(".rm") && !text.contains('*') { "{load} " } else { "" }
}

/// Expanded rows whose text is what they expand to, so that they can be checked like the others.
const EXPANDED: [&str; 3] = ["tls_gd", "tls_ie", "tls_le"];

/// Writes the instruction as emission does.
fn emit_alone(inst: &MachInst, parts: &Recorded, frame: &Frame, label: Label, buffer: &mut CodeBuffer) {
    let context = EmitContext {
        frame,
        words: &parts.words,
        allocs: &parts.allocs,
        next: label,
        constants: label,
        flags: &Flags::new(&Target::of(Arch::X86_64)),
        trap: 0,
        layout: &Layout::default(),
    };
    view::emit::<X86_64>(inst, &context, buffer);
}

fn make_variant(random: &mut Random, number: usize, row: RowId, frame: &Frame) -> Variant {
    let id = row;
    let row = &ROWS[row.0 as usize];
    let mut parts = Recorded::default();
    for operand in row.operands {
        push_operand(random, row, operand.kind, &mut parts);
    }
    for (i, operand) in row.operands.iter().enumerate() {
        if let OperandKind::Reg { role: Role::Tied(to), .. } = operand.kind {
            parts.allocs[i] = parts.allocs[to as usize];
        }
    }
    let small = random.below(16) as u8;
    let inst =
        MachInst { row: id, operand_count: parts.allocs.len() as u16, small, trap: 0, operands: 0, words: 0 };

    let gap = random.pick(&[0, 100, 200]);
    let mut buffer = CodeBuffer::default();
    let label = buffer.label();
    emit_alone(&inst, &parts, frame, label, &mut buffer);
    for _ in 0..gap {
        buffer.put1(0xCC);
    }
    buffer.bind(label);

    let mut text = String::new();
    let names = Fixed { label: format!(".Lafter{number}") };
    let registers = Registers::Allocated(&parts.allocs, Some(frame));
    print::<X86_64>(&inst, registers, &parts.words, &names, &mut text).expect("strings take everything");
    let text = format!("{}{text}\n.skip {gap}, 0xCC\n.Lafter{number}:", direction(row, &text));
    Variant { row, parts, text, compiled: buffer.finish::<Branches>() }
}

fn assemble(variants: &[Variant]) -> Vec<u8> {
    let mut text = String::new();
    for (number, variant) in variants.iter().enumerate() {
        writeln!(text, "v{number}:\n{}", variant.text).expect("strings take everything");
    }
    writeln!(text, "end:").expect("strings take everything");
    let directory = std::env::temp_dir().join(format!("clifc-isa-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the assembler");
    let (source, object) = (directory.join("rows.s"), directory.join("rows.o"));
    std::fs::write(&source, text).expect("the source is written");
    let run = Command::new("as").args(["--64", "-o"]).arg(&object).arg(&source).output();
    let output = run.expect("GNU as is needed for this test");
    let messages = String::from_utf8_lossy(&output.stderr);
    let shown: Vec<String> = messages.lines().take(40).map(|m| with_line(m, &source)).collect();
    assert!(output.status.success(), "GNU as rejects the text:\n{}", shown.join("\n"));
    let bytes = std::fs::read(&object).expect("the object is there");
    std::fs::remove_dir_all(&directory).expect("the directory is ours");
    bytes
}

/// A message of the assembler with the line it is about.
fn with_line(message: &str, source: &std::path::Path) -> String {
    let text = std::fs::read_to_string(source).unwrap_or_default();
    let number = message.split(':').nth(1).and_then(|n| n.parse::<usize>().ok());
    let line = number.and_then(|n| text.lines().nth(n.saturating_sub(1))).unwrap_or_default();
    format!("{message}\n    {line}")
}

/// A relocation as the test compares it.
type Reloc = (u64, u32, String, i64);

fn our_relocs(variant: &Variant) -> Vec<Reloc> {
    let kind = |kind| match kind {
        RelocKind::Abs64 => object::elf::R_X86_64_64,
        RelocKind::X86Pc32 | RelocKind::X86Pc32Imm1 | RelocKind::X86Pc32Imm2 | RelocKind::X86Pc32Imm4 => {
            object::elf::R_X86_64_PC32
        }
        RelocKind::X86Plt32 => object::elf::R_X86_64_PLT32,
        RelocKind::X86RexGotPcRelX => object::elf::R_X86_64_REX_GOTPCRELX,
        RelocKind::X86GotPcRelX => object::elf::R_X86_64_GOTPCRELX,
        RelocKind::X86TlsGd => object::elf::R_X86_64_TLSGD,
        RelocKind::X86GotTpOff => object::elf::R_X86_64_GOTTPOFF,
        RelocKind::X86TpOff32 => object::elf::R_X86_64_TPOFF32,
        other => panic!("{other} in a row"),
    };
    let relocs = variant.compiled.relocs.iter();
    let mut relocs: Vec<Reloc> = relocs
        .map(|r| {
            let mut name = String::new();
            Fixed { label: String::new() }.symbol(r.symbol, &mut name).expect("strings take everything");
            (r.offset as u64, kind(r.kind).0, name, r.addend)
        })
        .collect();
    relocs.sort();
    relocs
}

fn test_frame() -> Frame {
    let mut frame = Frame { spills: 8, incoming: 8192, ..Frame::default() };
    frame.slots.push(16);
    frame.slots.push(4096);
    frame
}

#[test]
fn every_row_agrees_with_the_assembler() {
    let frame = test_frame();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut variants = Vec::new();
    for (number, row) in ROWS.iter().enumerate() {
        if row.format == Format::Expand as u8 && !EXPANDED.contains(&row.name) {
            continue;
        }
        for _ in 0..VARIANTS {
            variants.push(make_variant(&mut random, variants.len(), RowId(number as u16), &frame));
        }
    }
    let object = assemble(&variants);
    let file = ElfFile64::<object::Endianness>::parse(&*object).expect("an ELF object");
    let section = file.section_by_name(".text").expect("the code");
    let code = section.data().expect("its bytes");
    let mut starts = vec![code.len() as u64; variants.len() + 1];
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or_default();
        if let Some(number) = name.strip_prefix('v').and_then(|n| n.parse::<usize>().ok()) {
            starts[number] = symbol.address();
        }
    }
    let mut their_relocs: Vec<Vec<Reloc>> = variants.iter().map(|_| Vec::new()).collect();
    for (offset, reloc) in section.relocations() {
        let number = starts.partition_point(|start| *start <= offset) - 1;
        let RelocationFlags::Elf { r_type } = reloc.flags() else { panic!("an ELF relocation") };
        let RelocationTarget::Symbol(symbol) = reloc.target() else { panic!("a symbol") };
        let name = file.symbol_by_index(symbol).and_then(|s| s.name().map(str::to_owned)).expect("a name");
        their_relocs[number].push((offset - starts[number], r_type.0, name, reloc.addend()));
    }
    let mut wrong = Vec::new();
    for (number, variant) in variants.iter().enumerate() {
        let theirs = &code[starts[number] as usize..starts[number + 1] as usize];
        let ours = &variant.compiled.code[..];
        if ours != theirs || our_relocs(variant) != their_relocs[number] {
            wrong.push(format!(
                "{}: {}\n  ours   {:02x?} {:?}\n  theirs {:02x?} {:?}",
                variant.row.name,
                variant.text.lines().next().unwrap_or_default(),
                &ours[..ours.len().min(15)],
                our_relocs(variant),
                &theirs[..theirs.len().min(15)],
                their_relocs[number],
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        variants.len(),
        wrong[..wrong.len().min(60)].join("\n")
    );
}

/// Rows whose encoding is code of their own are the exception: this is how many there are.
#[test]
fn few_rows_are_expanded_by_hand() {
    let by_hand: Vec<&str> =
        ROWS.iter().filter(|row| row.format == Format::Expand as u8).map(|row| row.name).collect();
    assert!(by_hand.len() <= 44, "{} rows are expanded by hand: {by_hand:?}", by_hand.len());
}

/// Rows that are right although they say something else than the disassembler, and why.
const DIFFERENT: [(&str, &[&str]); 4] = [
    ("it belongs to frames whose pointer is not allocated", &["leave"]),
    ("the result does not depend on what was there", &["zero.r", "zero.x", "vzero.x", "ones.x"]),
    ("the destination keeps its upper part, which matters to nobody", &["roundss.rm", "roundsd.rm"]),
    (
        "the disassembler's data are wrong",
        &[
            "cmpxchgb", "cmpxchgw", "cmpxchgl", "cmpxchgq", "xaddb", "xaddw", "xaddl", "xaddq", "testb.mr",
            "testw.mr", "testb.mi", "testw.mi", "testl.mi", "testq.mi", "testl.mr", "testq.mr", "cwtd",
            "cltd", "cqto",
        ],
    ),
];

/// Registers that are not allocated.
const IGNORED: [&str; 4] = ["rsp", "rip", "mxcsr", "fs"];

/// Registers by their 64-bit names, and the flags.
type Registers64 = BTreeSet<String>;

/// What the allocator is told that an instruction reads and writes.
fn told(variant: &Variant) -> (Registers64, Registers64) {
    let (mut reads, mut writes) = (Registers64::new(), Registers64::new());
    let name = |register: PReg| regs::name(register, 64).to_owned();
    let row = variant.row;
    let plain = row.operands.iter().take_while(|o| matches!(o.kind, OperandKind::Reg { .. }));
    for (operand, alloc) in plain.clone().zip(&variant.parts.allocs) {
        let OperandKind::Reg { role, .. } = operand.kind else { unreachable!("filtered above") };
        let register = alloc.as_reg().expect("plain operands are in registers");
        if matches!(role, Role::Use | Role::UseLate) { &mut reads } else { &mut writes }
            .insert(name(register));
    }
    let memory = variant.parts.allocs.iter().skip(plain.count());
    reads.extend(memory.filter_map(|alloc| alloc.as_reg()).map(name));
    writes.extend(row.clobbers.into_iter().map(name));
    for (prop, set) in [(Props::USES_FLAGS, &mut reads), (Props::DEFS_FLAGS, &mut writes)] {
        if row.props.any(prop) {
            set.insert("rflags".to_owned());
        }
    }
    for set in [&mut reads, &mut writes] {
        set.retain(|name| !IGNORED.contains(&name.as_str()));
    }
    (reads, writes)
}

/// The registers that definitions are tied to.
fn tied_sources(variant: &Variant) -> Registers64 {
    let tied = variant.row.operands.iter().filter_map(|operand| match operand.kind {
        OperandKind::Reg { role: Role::Tied(to), .. } => variant.parts.allocs[to as usize].as_reg(),
        _ => None,
    });
    tied.map(|register| regs::name(register, 64).to_owned()).collect()
}

/// What an independent disassembler says that it reads and writes.
fn found(decoder: &Capstone, variant: &Variant) -> (Registers64, Registers64) {
    let instructions = decoder.disasm_count(&variant.compiled.code, 0, 1).expect("the bytes decode");
    let instruction = instructions.first().expect("one instruction");
    let detail = decoder.insn_detail(instruction).expect("asked for");
    let names = |registers: &[RegId]| {
        let names = registers.iter().filter_map(|register| decoder.reg_name(*register));
        names.map(|name| full_name(&name)).filter(|name| !IGNORED.contains(&name.as_str())).collect()
    };
    (names(detail.regs_read()), names(detail.regs_write()))
}

/// The 64-bit register that a name is a part of.
fn full_name(name: &str) -> String {
    let part = |number: u8| {
        (name == "ah" && number == 0)
            || [8, 16, 32, 64].iter().any(|&bits| regs::name(regs::gpr(number), bits) == name)
    };
    match (0..16).find(|&number| part(number)) {
        Some(number) => regs::name(regs::gpr(number), 64).to_owned(),
        None => name.to_owned(),
    }
}

/// A row whose operands say less than the instruction does would be given registers that are in use.
#[test]
fn roles_agree_with_a_disassembler() {
    let decoder = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).detail(true).build();
    let decoder = decoder.expect("a decoder");
    let frame = test_frame();
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let mut wrong = Vec::new();
    for (number, row) in ROWS.iter().enumerate() {
        let excepted = DIFFERENT.iter().any(|(_, names)| names.contains(&row.name));
        if row.format == Format::Expand as u8 || excepted {
            continue;
        }
        for _ in 0..8 {
            let variant = make_variant(&mut random, 0, RowId(number as u16), &frame);
            let (reads, writes) = told(&variant);
            let (read, written) = found(&decoder, &variant);
            // A tied source may be there for a part of the destination that the instruction leaves alone.
            let kept = tied_sources(&variant);
            if !reads.is_superset(&read) || !reads.is_subset(&(&read | &kept)) || writes != written {
                wrong.push(format!(
                    "{}: {}\n  told  reads {reads:?} writes {writes:?}\n  found reads {read:?} writes {written:?}",
                    row.name,
                    variant.text.lines().next().unwrap_or_default(),
                ));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
