//! The rows of x86_64.

use crate::driver::{Random, Recorded, Subject};
use crate::roles::Disassembled;
use crate::{driver, roles};
use capstone::arch::BuildsCapstone;
use capstone::{Capstone, arch};
use clifc::arch::x86_64::operands::Rm;
use clifc::arch::x86_64::{X86_64, regs};
use clifc::emit::frame::Frame;
use clifc::ir::StackSlot;
use clifc::machine::amode::{Amode, Place};
use clifc::machine::inst::{Class, ConstantRef, Label, Row};
use clifc::machine::reg::{Allocation, OperandConstraint, PReg, SpillSlot};
use clifc::options::Arch;

struct Rows;

/// Rows whose operand may be in the global offset table.
const GOT_ROWS: [&str; 4] = ["movq.rm", "call.rm", "jmp.rm", "tail.rm"];

impl Subject for Rows {
    type Target = X86_64;
    const ARCH: Arch = Arch::X86_64;
    const ASSEMBLER: &'static [&'static str] = &["as", "--64"];
    const MOST_EXPANDED: usize = 46;
    const EXPANDED: &'static [&'static str] = &["tls_gd", "tls_ie", "tls_le"];
    const REGISTERS: [u32; 2] = [16, 16];

    fn amode(random: &mut Random, row: &Row, _: u16, _: &Frame) -> Amode {
        let disp = random.pick(&[0, 1, -1, 8, 127, -128, 128, -129, 0x1234, -0x12345, 0x7FFF_0000]);
        let frame_disp = random.pick(&[0, 8, 100, 500]);
        let base = random.register::<Self>(Class::Int);
        let index = loop {
            let index = random.register::<Self>(Class::Int);
            if index.vreg() != 4 {
                break index;
            }
        };
        let scale = random.below(4) as u8;
        let symbol = random.symbol();
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
            _ if random.below(2) == 0 => Amode::at(Place::Constant(ConstantRef(0)), frame_disp),
            _ => Amode::at(Place::Label(Label(0)), frame_disp),
        }
    }

    fn register_or_memory(random: &mut Random, row: &Row, class: Class, frame: &Frame, to: &mut Recorded) {
        match random.below(5) {
            0 | 1 => {
                Rm::Reg(random.register::<Self>(class)).push(to, OperandConstraint::Reg);
            }
            2 => {
                Rm::Reg(random.register::<Self>(class)).push(to, OperandConstraint::Any);
                let slot = SpillSlot::new(random.below(30) as usize);
                *to.allocs.last_mut().expect("just pushed") = Allocation::stack(slot);
            }
            _ => {
                Self::amode(random, row, 0, frame).push(to);
            }
        }
    }
}

impl Disassembled for Rows {
    const DIFFERENT: &'static [(&'static str, &'static [&'static str])] = &[
        ("it belongs to frames whose pointer is not allocated", &["leave"]),
        ("the result does not depend on what was there", &["zero.r", "zero.x", "vzero.x", "ones.x"]),
        ("the destination keeps its upper part, which matters to nobody", &["roundss.rm", "roundsd.rm"]),
        (
            "the disassembler's data are wrong",
            &[
                "cmpxchgb", "cmpxchgw", "cmpxchgl", "cmpxchgq", "xaddb", "xaddw", "xaddl", "xaddq",
                "testb.mr", "testw.mr", "testb.mi", "testw.mi", "testl.mi", "testq.mi", "testl.mr",
                "testq.mr", "cwtd", "cltd", "cqto",
            ],
        ),
    ];
    const IGNORED: &'static [&'static str] = &["rsp", "rip", "mxcsr", "fs"];
    const FLAGS: &'static str = "rflags";

    fn decoder() -> Capstone {
        let decoder = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).detail(true).build();
        decoder.expect("a decoder")
    }

    fn name(register: PReg) -> String {
        regs::name(register, 64).to_owned()
    }

    fn whole(name: &str) -> String {
        let part = |number: u8| {
            (name == "ah" && number == 0)
                || [8, 16, 32, 64].iter().any(|&bits| regs::name(regs::gpr(number), bits) == name)
        };
        match (0..16).find(|&number| part(number)) {
            Some(number) => regs::name(regs::gpr(number), 64).to_owned(),
            None => name.to_owned(),
        }
    }
}

driver::tests!();
roles::tests!();
