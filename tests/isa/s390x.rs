//! The rows of s390x.

use crate::driver::{self, Random, Subject};
use clifc::arch::s390x::S390x;
use clifc::arch::s390x::format::{Address, Format, OTHERS, Others};
use clifc::emit::frame::Frame;
use clifc::ir::StackSlot;
use clifc::machine::amode::{Amode, Place};
use clifc::machine::inst::Label;
use clifc::machine::inst::{Class, ConstantRef, Row};
use clifc::machine::reg::VReg;
use clifc::options::Arch;

struct Rows;

/// A register that an address can have: register 0 means none.
fn address_register(random: &mut Random) -> VReg {
    loop {
        let register = random.register::<Rows>(Class::Int);
        if register.vreg() != 0 {
            return register;
        }
    }
}

impl Subject for Rows {
    type Target = S390x;
    const ARCH: Arch = Arch::S390x;
    const ASSEMBLER: &'static [&'static str] = &["s390x-linux-gnu-as", "-march=arch13"];
    const MOST_EXPANDED: usize = 50;
    const REGISTERS: [u32; 2] = [16, 16];
    const GAPS: &'static [usize] = &[2, 100, 200];

    fn amode(random: &mut Random, row: &Row, _: u16, _: &Frame) -> Amode {
        let Address::Memory { index: indexed, long } = Format::LAYOUTS[row.format as usize].address else {
            panic!("{}: no place for an address", row.name)
        };
        let others = Others::unpack(row.params[OTHERS]);
        let long = long || others.long != 0;
        let disp = match long {
            true => random.pick(&[0, 1, 8, 4095, 4096, -1, -4096, 524287, -524288]),
            false => random.pick(&[0, 1, 8, 127, 255, 4000, 4095]),
        };
        let frame_disp = random.pick(&[0, 8, 100, 500]);
        let (base, index) = (address_register(random), address_register(random));
        match random.below(10) {
            0 | 1 => Amode::base(base, disp),
            2 | 3 if indexed => Amode::indexed(base, index, 0, disp),
            4 if indexed => Amode::at(Place::Slot(StackSlot(0)), frame_disp).with_index(index, 0),
            5 if long => Amode::at(Place::Slot(StackSlot(random.below(2))), frame_disp),
            6 if long => Amode::at(Place::Incoming, frame_disp),
            7 if row.name == "la" => Amode::at(Place::Symbol(random.symbol()), frame_disp),
            7 if others.relative != 0 => Amode::at(Place::Got(random.symbol()), 0),
            8 if others.relative != 0 => Amode::at(Place::Constant(ConstantRef(0)), frame_disp),
            9 if others.relative != 0 => Amode::at(Place::Label(Label(0)), frame_disp),
            8 => Amode::at(Place::Spill(random.below(40)), 0),
            _ => Amode::at(Place::Outgoing, frame_disp),
        }
    }
}

#[test]
fn every_row_agrees_with_the_assembler() {
    driver::check_rows::<Rows>();
}

#[test]
fn few_rows_are_expanded_by_hand() {
    driver::check_expanded::<Rows>();
}
