//! Compares rows with random operands with an independent assembler.
//!
//! Each row is tried many times with random operands: registers, every kind of address, immediates at the
//! edges of their encodings. The encoder writes the bytes and relocations. The printer writes the text, and
//! GNU as assembles all of it in one file. Both must agree to the byte, so this tests rows, encoder and
//! printer together.
//!
//! A target describes its instructions by implementing [`Subject`].

use clifc::emit::buffer::CodeBuffer;
use clifc::emit::encoding::Encoding;
use clifc::emit::frame::Frame;
use clifc::emit::function;
use clifc::emit::inst_view::{self, EmitContext, InstView};
use clifc::emit::layout::BlockLayout;
use clifc::ir::{Group, Linkage, Module, Name, NameRef, Params};
use clifc::machine::amode::Amode;
use clifc::machine::compiled::CompiledStencil;
use clifc::machine::description::Machine;
use clifc::machine::inst::{
    Class, ConstantRef, InstSink, Label, MachInst, OperandForm, Props, Role, Row, RowId,
};
use clifc::machine::reg::{Allocation, Operand, PReg, RegClass, VReg};
use clifc::machine::symbol::SymbolRef;
use clifc::object::{Contents, FunctionDef, Layout as SectionLayout, write};
use clifc::options::{Arch, Flags, Target};
use clifc::pipeline::Backend;
use clifc::text::inst::print;
use clifc::text::inst::{Names, OperandRegisters};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget};
use std::fmt::{self, Write};
use std::path::Path;
use std::process::Command;

use crate::scratch::Scratch;

/// The number of symbols that variants refer to.
const SYMBOLS: u32 = 5;

/// The number of variants of each row.
const VARIANTS: usize = 24;

/// A target whose rows are tested.
pub trait Subject {
    /// The target.
    type Target: Backend;
    /// Its architecture.
    const ARCH: Arch;
    /// The assembler with its options.
    const ASSEMBLER: &'static [&'static str];
    /// The maximum number of rows that are expanded by code.
    const MOST_EXPANDED: usize;
    /// Expanded rows whose text is that of their expansion, so that they can be checked like the others.
    const EXPANDED: &'static [&'static str] = &[];
    /// The numbers of general registers and of vector registers.
    const REGISTERS: [u32; 2];

    /// The register that has a number in instructions.
    fn register(class: RegClass, number: u8) -> PReg {
        PReg::new(number.into(), class)
    }

    /// An address that the row can encode without further instructions.
    fn amode(random: &mut Random, row: &Row, bits: u16, frame: &Frame) -> Amode;

    /// Pushes an operand that is in a register or in memory.
    fn register_or_memory(_: &mut Random, row: &Row, _: Class, _: &Frame, _: &mut Recorded) {
        panic!("{}: the target has no operands that are registers or memory", row.name)
    }

    /// An immediate that the row can encode in a word.
    fn immediate(random: &mut Random, _row: &Row, _word: usize) -> u32 {
        random.value() as u32
    }

    /// An immediate in one of the target's codes.
    fn code(_: &mut Random, row: &Row, _code: u8, _bits: u16) -> u32 {
        panic!("{}: the target has no codes", row.name)
    }

    /// Distances in bytes between an instruction and its label.
    const GAPS: &'static [usize] = &[0, 100, 200];
}

/// A xorshift generator: the same instructions in every run.
pub struct Random(pub u64);

impl Random {
    /// A number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % n as u64) as u32
    }

    /// One of the items.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }

    /// A register of the target, as an operand of a constructor.
    pub fn register<S: Subject>(&mut self, class: Class) -> VReg {
        let class = if class == Class::Int { RegClass::Int } else { RegClass::Float };
        inst_view::physical(S::register(class, self.below(S::REGISTERS[class as usize]) as u8))
    }

    /// A number near the limits of immediates, or any number.
    pub fn value(&mut self) -> i32 {
        const EDGES: [i32; 14] =
            [0, 1, -1, 5, 127, 128, -128, -129, 255, 256, 32767, -32768, i32::MAX, i32::MIN];
        if self.below(3) == 0 { self.below(u32::MAX) as i32 } else { self.pick(&EDGES) }
    }

    /// A symbol.
    pub fn symbol(&mut self) -> SymbolRef {
        SymbolRef::Name(NameRef(self.below(SYMBOLS)))
    }
}

/// Operands and words of one instruction.
#[derive(Default)]
pub struct Recorded {
    /// Registers and spill slots.
    pub allocs: Vec<Allocation>,
    /// Data words.
    pub words: Vec<u32>,
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

/// An instruction with random operands.
pub struct Variant {
    /// Its row.
    pub row: &'static Row,
    /// Its operands.
    pub parts: Recorded,
    /// Its text, from the printer.
    pub text: String,
    /// Its code, from the encoder.
    pub compiled: CompiledStencil,
}

/// Names for the printer: symbols are `s<n>`, and the only label is behind the instruction.
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

    fn constant(&self, _: ConstantRef, out: &mut dyn Write) -> fmt::Result {
        out.write_str(&self.label)
    }
}

fn push_operand<S: Subject>(
    random: &mut Random,
    row: &Row,
    kind: OperandForm,
    frame: &Frame,
    to: &mut Recorded,
) {
    match kind {
        OperandForm::Reg { class, fixed, .. } => {
            let register = random.register::<S>(class);
            let chosen = fixed.unwrap_or(PReg::new(register.vreg(), register.class()));
            to.allocs.push(Allocation::reg(chosen));
        }
        OperandForm::Mem { bits } => {
            S::amode(random, row, bits, frame).push(to);
        }
        OperandForm::RegMem { class, .. } => S::register_or_memory(random, row, class, frame, to),
        OperandForm::Imm { .. } => to.words.push(S::immediate(random, row, to.words.len())),
        OperandForm::Code { code, bits } => to.words.push(S::code(random, row, code, bits)),
        OperandForm::Imm64 => to.words.extend([random.value() as u32, random.value() as u32]),
        OperandForm::Label => to.words.push(0),
        OperandForm::Symbol => {
            // With an addend, some assemblers refer to the symbol rather than to its PLT entry.
            to.words.extend([random.symbol().pack(), 0]);
        }
        OperandForm::Clobbers => to.words.push(0),
        OperandForm::Cond => {}
    }
}

/// Emits an instruction.
fn emit_alone<S: Subject>(
    inst: &MachInst,
    parts: &Recorded,
    frame: &Frame,
    label: Label,
    buffer: &mut CodeBuffer,
) {
    let context = EmitContext {
        frame,
        next: None,
        constants: label,
        flags: &Flags::new(&Target::of(S::ARCH)),
        layout: &BlockLayout::default(),
        moves: &[S::Target::MOVES.int, S::Target::MOVES.float],
        stack_maps: &[],
    };
    let view = InstView::new::<S::Target>(inst, &parts.allocs, &parts.words);
    function::emit_inst::<S::Target>(&view, &context, buffer);
}

/// Random operands for a row.
fn make_parts<S: Subject>(random: &mut Random, row: &Row, frame: &Frame) -> Recorded {
    let mut parts = Recorded::default();
    for operand in row.operands {
        push_operand::<S>(random, row, operand.kind, frame, &mut parts);
    }
    let plain = row.operands.iter().filter(|o| matches!(o.kind, OperandForm::Reg { .. }));
    for (i, operand) in plain.enumerate() {
        if let OperandForm::Reg { role: Role::Tied(to), .. } = operand.kind {
            parts.allocs[i] = parts.allocs[to as usize];
        }
    }
    parts
}

/// Whether an allocator could have chosen these registers: results differ from each other, and early ones
/// from the registers that are read.
fn are_allocatable(row: &Row, allocs: &[Allocation]) -> bool {
    let roles: Vec<Role> = row
        .operands
        .iter()
        .filter_map(|operand| match operand.kind {
            OperandForm::Reg { role, .. } => Some(role),
            _ => None,
        })
        .collect();
    let is_read = |i: usize| matches!(roles.get(i), None | Some(Role::Use | Role::UseLate));
    (0..roles.len()).filter(|&i| !is_read(i)).all(|i| {
        let early = roles[i] == Role::DefEarly;
        (0..allocs.len()).all(|j| i == j || allocs[i] != allocs[j] || (is_read(j) && !early))
    })
}

/// Makes a variant of a row.
pub fn make_variant<S: Subject>(random: &mut Random, number: usize, id: RowId, frame: &Frame) -> Variant {
    let row = &S::Target::rows()[id.0 as usize];
    let parts = loop {
        let parts = make_parts::<S>(random, row, frame);
        if are_allocatable(row, &parts.allocs) {
            break parts;
        }
    };
    let small = random.below(16) as u8;
    let inst = MachInst {
        row: id,
        operand_count: parts.allocs.len() as u16,
        small,
        trap: 0,
        passes: false,
        constrained: false,
        operands: 0,
        words: 0,
    };

    let gap = random.pick(S::GAPS);
    let mut buffer = CodeBuffer::default();
    let label = buffer.label();
    emit_alone::<S>(&inst, &parts, frame, label, &mut buffer);
    for _ in 0..gap {
        buffer.put1(0xCC);
    }
    buffer.bind(label);

    let mut text = String::new();
    let names = Fixed { label: format!(".Lafter{number}") };
    let registers = OperandRegisters::Allocated(&parts.allocs, Some(frame));
    print::<S::Target>(&inst, registers, &parts.words, &names, &mut text).expect("strings take everything");
    let text = format!("{text}\n.skip {gap}, 0xCC\n.Lafter{number}:");
    Variant { row, parts, text, compiled: buffer.finish::<<S::Target as Encoding>::Branches>() }
}

fn assemble<S: Subject>(variants: &[Variant]) -> Vec<u8> {
    let mut text = String::new();
    for (number, variant) in variants.iter().enumerate() {
        writeln!(text, "v{number}:\n{}", variant.text).expect("strings take everything");
    }
    writeln!(text, "v{}:", variants.len()).expect("strings take everything");
    let directory = Scratch::new(format!("isa-{}", S::Target::NAME));
    let (source, object) = (directory.join("rows.s"), directory.join("rows.o"));
    std::fs::write(&source, text).expect("the source is written");
    let run =
        Command::new(S::ASSEMBLER[0]).args(&S::ASSEMBLER[1..]).arg("-o").arg(&object).arg(&source).output();
    let output = run.expect("GNU as for the target is needed for this test");
    let messages = String::from_utf8_lossy(&output.stderr);
    let shown: Vec<String> = messages.lines().take(40).map(|m| with_line(m, &source)).collect();
    assert!(output.status.success(), "GNU as rejects the text:\n{}", shown.join("\n"));
    std::fs::read(&object).expect("the object is there")
}

/// A message of the assembler, with the line that it refers to.
fn with_line(message: &str, source: &Path) -> String {
    let text = std::fs::read_to_string(source).unwrap_or_default();
    let number = message.split(':').nth(1).and_then(|n| n.parse::<usize>().ok());
    let line = number.and_then(|n| text.lines().nth(n.saturating_sub(1))).unwrap_or_default();
    format!("{message}\n    {line}")
}

/// The object file that clifc writes for a variant. Variants have separate files because within a file, a
/// symbol is either always or never thread-local.
fn write_object<S: Subject>(variant: &Variant) -> Vec<u8> {
    let names: Vec<Name> = (0..SYMBOLS).map(|n| text_name('s', n)).collect();
    let mut params = Params::default();
    (params.name, params.names) = (text_name('v', 0), names.into());
    let code = &variant.compiled;
    let function = FunctionDef {
        offset: 0,
        params: &params,
        linkage: Linkage::Local,
        section: None,
        align: 1,
        group: &Group::None,
        code,
    };
    let contents = Contents {
        module: &Module::default(),
        functions: vec![function],
        part: None,
        names: None,
        debug: None,
        describes: false,
    };
    let target = Target::of(S::ARCH);
    write(&target, &Flags::new(&target), SectionLayout::default(), &contents).expect("an object").bytes
}

fn text_name(letter: char, number: u32) -> Name {
    Name::Text(format!("{letter}{number}").into())
}

/// A relocation: its offset in the instruction, its number, its symbol and its addend.
type Reloc = (u64, u32, String, i64);

/// A variant in an object file.
#[derive(Clone, Default)]
struct InObject {
    /// Offset of its code in the section.
    start: u64,
    /// Its relocations, sorted.
    relocs: Vec<Reloc>,
}

/// The bytes of an object's code, and the variants in it.
fn read_object(object: &[u8], count: usize) -> (Vec<u8>, Vec<InObject>) {
    let file = ElfFile64::<object::Endianness>::parse(object).expect("an ELF object");
    let section = file.section_by_name(".text").expect("the code");
    let mut variants = vec![InObject::default(); count];
    for symbol in file.symbols() {
        let number = symbol.name().ok().and_then(|name| name.strip_prefix('v')?.parse::<usize>().ok());
        if let Some(variant) = number.and_then(|number| variants.get_mut(number)) {
            variant.start = symbol.address();
        }
    }
    for (offset, reloc) in section.relocations() {
        let number = variants.partition_point(|variant| variant.start <= offset) - 1;
        let RelocationFlags::Elf { r_type } = reloc.flags() else { panic!("an ELF relocation") };
        let RelocationTarget::Symbol(symbol) = reloc.target() else { panic!("a symbol") };
        let name = file.symbol_by_index(symbol).and_then(|s| s.name().map(str::to_owned)).expect("a name");
        let variant = &mut variants[number];
        variant.relocs.push((offset - variant.start, r_type.0, name, reloc.addend()));
    }
    variants.iter_mut().for_each(|variant| variant.relocs.sort());
    (section.data().expect("its bytes").to_vec(), variants)
}

/// A frame with both near and far slots.
pub fn test_frame() -> Frame {
    let mut frame = Frame { spills: 8, incoming: 8192, ..Frame::default() };
    frame.slots.push(16);
    frame.slots.push(4096);
    frame
}

/// The rows that are real instructions, or have the text of their expansion.
pub fn real_rows<S: Subject>() -> impl Iterator<Item = (RowId, &'static Row)> {
    let rows = S::Target::rows().iter().enumerate();
    let is_real = |row: &Row| !row.props.any(Props::PSEUDO) || S::EXPANDED.contains(&row.name);
    rows.filter(move |(_, row)| is_real(row)).map(|(number, row)| (RowId(number as u16), row))
}

/// Fails unless the assembler makes the same bytes and relocations from the text of all variants.
pub fn check_rows<S: Subject>() {
    let frame = test_frame();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut variants = Vec::new();
    for (id, _) in real_rows::<S>() {
        for _ in 0..VARIANTS {
            variants.push(make_variant::<S>(&mut random, variants.len(), id, &frame));
        }
    }
    // The label behind the last variant ends the code.
    let (code, theirs) = read_object(&assemble::<S>(&variants), variants.len() + 1);
    let mut wrong = Vec::new();
    for (number, variant) in variants.iter().enumerate() {
        let our_relocs = &read_object(&write_object::<S>(variant), 1).1[0].relocs;
        let their_relocs = &theirs[number].relocs;
        let theirs = &code[theirs[number].start as usize..theirs[number + 1].start as usize];
        let ours = &variant.compiled.code[..];
        if ours != theirs || our_relocs != their_relocs {
            wrong.push(format!(
                "{}: {}\n  ours   {:02x?} {our_relocs:?}\n  theirs {:02x?} {their_relocs:?}",
                variant.row.name,
                variant.text.lines().next().unwrap_or_default(),
                &ours[..ours.len().min(15)],
                &theirs[..theirs.len().min(15)],
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

/// Fails if more rows are expanded by code than the target declares.
pub fn check_expanded<S: Subject>() {
    let rows = S::Target::rows().iter().filter(|row| row.props.any(Props::PSEUDO));
    let by_hand: Vec<&str> = rows.map(|row| row.name).collect();
    assert!(by_hand.len() <= S::MOST_EXPANDED, "{} rows are expanded by hand: {by_hand:?}", by_hand.len());
}

/// The tests of every target, whose [`Subject`] is `Rows`.
macro_rules! tests {
    () => {
        #[test]
        fn every_row_agrees_with_the_assembler() {
            $crate::driver::check_rows::<Rows>();
        }

        #[test]
        fn few_rows_are_expanded_by_hand() {
            $crate::driver::check_expanded::<Rows>();
        }
    };
}
pub(crate) use tests;
