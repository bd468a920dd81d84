//! The rows of aarch64.

use crate::driver::{Random, Subject};
use crate::roles::Disassembled;
use crate::{driver, roles};
use capstone::arch::BuildsCapstone;
use capstone::{Capstone, arch};
use clifc::arch::aarch64::branch::Branches;
use clifc::arch::aarch64::encode::fits_access;
use clifc::arch::aarch64::format::{BitField, CODES, FieldSource, Format, PATTERN};
use clifc::arch::aarch64::operands::Bitmask;
use clifc::arch::aarch64::{Aarch64, regs};
use clifc::emit::frame::{Frame, frame_offset};
use clifc::ir::StackSlot;
use clifc::machine::amode::{Amode, IndexExtension, Place};
use clifc::machine::inst::{Class, ConstantRef, Label, Row};
use clifc::machine::reg::{PReg, RegClass};
use clifc::machine::size::OperandSize;
use clifc::options::Arch;

struct Rows;

/// A displacement that an access of `bytes` bytes can have.
fn displacement(random: &mut Random, format: Format, bytes: u32) -> i32 {
    let scaled = |units: i32| units * bytes as i32;
    match format {
        Format::Access if random.below(2) == 0 => random.pick(&[1, -1, 255, -256, 7, -8]),
        Format::Access => scaled(random.pick(&[0, 1, 2, 100, 4095])),
        Format::Pair => scaled(random.pick(&[0, 1, -1, 63, -64])),
        _ => 0,
    }
}

impl Subject for Rows {
    type Target = Aarch64;
    const ARCH: Arch = Arch::Aarch64;
    const ASSEMBLER: &'static [&'static str] = &["aarch64-linux-gnu-as", "-march=armv8.5-a+fp16"];
    const MOST_EXPANDED: usize = 45;
    /// x31 is omitted: it is the zero register or the stack pointer.
    const REGISTERS: [u32; 2] = [31, 32];
    const GAPS: &'static [usize] = &[4, 100, 200];

    fn register(class: RegClass, number: u8) -> PReg {
        if class == RegClass::Int { regs::gpr(number) } else { regs::vector(number) }
    }

    fn amode(random: &mut Random, row: &Row, bits: u16, frame: &Frame) -> Amode {
        let format = Format::ALL[row.format as usize];
        let bytes = bits as u32 / 8;
        let base = random.register::<Self>(Class::Int);
        let at_base = Amode::base(base, displacement(random, format, bytes));
        let fits = |disp: i64| match format {
            Format::Access => fits_access(disp, bytes.trailing_zeros() as u8),
            Format::Pair => disp % bytes as i64 == 0 && disp / (bytes as i64) < 64,
            _ => disp == 0,
        };
        let loads = format == Format::Access && Branches::can_load(row.params[PATTERN]);
        match random.below(8) {
            0..=2 => at_base,
            3 | 4 if format == Format::Access => {
                let index = random.register::<Self>(Class::Int);
                let scale = random.pick(&[0, bytes.trailing_zeros() as u8]);
                let extension =
                    random.pick(&[IndexExtension::None, IndexExtension::Zero32, IndexExtension::Sign32]);
                Amode { extension, ..Amode::indexed(base, index, scale, 0) }
            }
            5 if loads => random
                .pick(&[Amode::at(Place::Label(Label(0)), 0), Amode::at(Place::Constant(ConstantRef(0)), 0)]),
            _ => {
                let place = random.pick(&[
                    Place::Slot(StackSlot(0)),
                    Place::Slot(StackSlot(1)),
                    Place::Outgoing,
                    Place::Incoming,
                    Place::Spill(2),
                ]);
                let offset = frame_offset(frame, place).expect("a place in the frame");
                if fits(offset as i64) { Amode::at(place, 0) } else { at_base }
            }
        }
    }

    /// The bits of the word that the row's fields encode.
    fn immediate(random: &mut Random, row: &Row, word: usize) -> u32 {
        let format = Format::ALL[row.format as usize];
        let fields = row.fields[..format.fields()].iter().enumerate();
        let fields = fields.filter(|(_, field)| **field == FieldSource::Word(word as u8).pack());
        let mask = fields.fold(0, |mask, (i, _)| mask | BitField::unpack(&row.params, i).mask());
        random.value() as u32 & mask
    }

    fn code(random: &mut Random, _: &Row, code: u8, bits: u16) -> u32 {
        match CODES[code as usize].0 {
            "bitmask" => {
                let size = OperandSize::from_bits(bits as u32);
                let element = 2 << random.below(if bits == 64 { 6 } else { 5 });
                let ones = u64::MAX >> (65 - element + random.below(element - 1));
                let repeated = (0..64 / element).fold(0, |value, i| value | ones << (i * element));
                let value = repeated.rotate_left(random.below(64));
                let value = if bits == 64 { value } else { value as u32 as u64 };
                let mask = Bitmask::new(value, size).expect("a run of ones");
                assert_eq!(mask.value(bits), value);
                mask.into()
            }
            "float" => random.below(256),
            "shift" => random.below(3),
            "rotate" => random.below(4),
            "right8" => random.below(8),
            "right16" => random.below(16),
            "right32" => random.below(32),
            "right64" => random.below(64),
            _ => random.pick(&[0, 1, 2, 4, 5, 6]),
        }
    }
}

impl Disassembled for Rows {
    const DIFFERENT: &'static [(&'static str, &'static [&'static str])] = &[
        ("calls write x30, which is in their clobber sets", &["bl", "blr"]),
        ("return addresses are not allocated where they are signed", &["ret*", "pac*", "aut*", "xpac*"]),
        (
            "the disassembler's data of aliases are wrong",
            &[
                "cbz*", "cbnz*", "cmp*", "cmn*", "tst*", "lsrw.ri", "lsrx.ri", "asrw.ri", "asrx.ri", "ubfm*",
                "sbfm*", "uxt*", "sxt*", "fmovs.i", "fmovd.i", "ushr*", "bic.8b", "adds*", "vsshr*",
                "vushr*",
            ],
        ),
        (
            "the disassembler has no data of the instruction",
            &[
                "vgeth", "vsaddlp*", "vuaddlp*", "tbl*", "vfabsh", "vfaddh", "vfcmeqh", "vfcmgeh", "vfcmgth",
                "vfcvtzsh", "vfcvtzuh", "vfdivh", "vfmaxh", "vfminh", "vfmlah", "vfmlsh", "vfmulh", "vfnegh",
                "vfrintmh", "vfrintnh", "vfrintph", "vfrintzh", "vfsqrth", "vfsubh", "vscvtfh", "vucvtfh",
            ],
        ),
        (
            "the disassembler has no data of FEAT_FP16",
            &[
                "faddh", "fsubh", "fmulh", "fdivh", "fmaxh", "fminh", "fmaddh", "fmsubh", "fnmaddh",
                "fnmsubh", "fabsh", "fnegh", "fsqrth", "frintnh", "frintph", "frintmh", "frintzh", "fcmph",
            ],
        ),
        (
            "the disassembler has no data of atomic operations",
            &["ldadd*", "ldclr*", "ldeor*", "ldset*", "ldsm*", "ldum*", "swp*", "cas*"],
        ),
    ];
    const IGNORED: &'static [&'static str] = &["sp", "wzr", "xzr"];
    const FLAGS: &'static str = "nzcv";

    fn decoder() -> Capstone {
        let decoder = Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).detail(true).build();
        decoder.expect("a decoder")
    }

    fn name(register: PReg) -> String {
        let letter = if register.class() == RegClass::Int { 'x' } else { 'v' };
        format!("{letter}{}", regs::number(register))
    }

    fn whole(name: &str) -> String {
        match name {
            "fp" => return "x29".to_owned(),
            "lr" => return "x30".to_owned(),
            _ => {}
        }
        let Some((letter, number)) = name.split_at_checked(1) else { return name.to_owned() };
        match (letter, number.parse::<u8>()) {
            ("w" | "x", Ok(number)) => format!("x{number}"),
            ("b" | "h" | "s" | "d" | "q" | "v", Ok(number)) => format!("v{number}"),
            _ => name.to_owned(),
        }
    }
}

driver::tests!();
roles::tests!();
