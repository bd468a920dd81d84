//! Instructions written at once, without VCode: prologues and expansions.
//!
//! The constructors of [`rows`](super::rows) work here too. A virtual register stands for the physical one of its number:
//! see [`regs::direct`](super::regs::direct).

use super::encode::{Places, encode};
use crate::mach::buffer::CodeBuffer;
use crate::mach::inst::{InstSink, MachInst, RowId};
use regalloc2::{Allocation, Operand, PReg};

/// No row has more operands or words of its own.
const MOST: usize = 8;

/// A sink that encodes each instruction as it is finished.
pub struct Direct<'a> {
    places: Places<'a>,
    buffer: &'a mut CodeBuffer,
    allocs: [Allocation; MOST],
    words: [u32; MOST],
    alloc_count: usize,
    word_count: usize,
}

impl<'a> Direct<'a> {
    /// Writes to `buffer`.
    pub fn new(places: Places<'a>, buffer: &'a mut CodeBuffer) -> Self {
        Direct {
            places,
            buffer,
            allocs: [Allocation::none(); MOST],
            words: [0; MOST],
            alloc_count: 0,
            word_count: 0,
        }
    }

    /// The buffer written to.
    pub fn buffer(&mut self) -> &mut CodeBuffer {
        self.buffer
    }
}

impl InstSink for Direct<'_> {
    fn push_operand(&mut self, operand: Operand) {
        self.allocs[self.alloc_count] = Allocation::reg(PReg::new(operand.vreg().vreg(), operand.class()));
        self.alloc_count += 1;
    }

    fn push_word(&mut self, word: u32) {
        self.words[self.word_count] = word;
        self.word_count += 1;
    }

    fn finish(&mut self, row: RowId, small: u8, trap: u8) {
        let operand_count = self.alloc_count as u16;
        let inst = MachInst { row, operand_count, small, trap, operands: 0, words: 0 };
        encode(&inst, &self.allocs, &self.words, self.places, self.buffer);
        self.alloc_count = 0;
        self.word_count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::amode::{Amode, OperandSize, Place};
    use super::super::regs::{self, direct};
    use super::super::rows;
    use super::*;
    use crate::mach::buffer::Label;
    use crate::mach::frame::Frame;

    #[test]
    fn writes_a_prologue() {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        let places = Places { frame: &frame, constants: Label(0) };
        let mut sink = Direct::new(places, &mut buffer);
        let (rsp, rbp, rdi) = (direct(regs::RSP), direct(regs::RBP), direct(regs::RDI));
        rows::push_r(&mut sink, rbp);
        rows::mov_rm(&mut sink, OperandSize::Q64, rbp, rsp);
        rows::sub_ri(&mut sink, OperandSize::Q64, rsp, rsp, 0x20);
        rows::mov_mr(&mut sink, OperandSize::L32, rdi, Amode::at(Place::Outgoing, 8));
        rows::add_ri(&mut sink, OperandSize::L32, rdi, rdi, 0x1234);
        let code: &[u8] = &[
            0x55, 0x48, 0x8B, 0xEC, 0x48, 0x83, 0xEC, 0x20, 0x89, 0x7C, 0x24, 0x08, 0x81, 0xC7, 0x34, 0x12,
            0, 0,
        ];
        assert_eq!(buffer.bytes_from(0), code);
    }
}
