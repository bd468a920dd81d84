//! Instructions that are encoded immediately, without VCode: prologues and expansions of pseudo-instructions.
//!
//! The constructors of a target's rows work with this sink as well. A virtual register stands for the
//! physical one with the same number: see [`physical`](crate::emit::inst_view::physical).

use super::encoding::Encoding;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, Places};
use crate::machine::inst::{InstSink, MachInst, RowId};
use crate::machine::reg::{Allocation, Operand, PReg};
use std::marker::PhantomData;

/// The greatest number of register operands or words of a row.
const MOST: usize = 8;

/// A sink that encodes each instruction when it is finished.
pub struct Direct<'a, I> {
    places: Places<'a>,
    buffer: &'a mut CodeBuffer,
    allocs: [Allocation; MOST],
    words: [u32; MOST],
    alloc_count: usize,
    word_count: usize,
    isa: PhantomData<I>,
}

impl<'a, I: Encoding> Direct<'a, I> {
    /// Makes a sink that writes to `buffer`.
    pub(crate) fn new(places: Places<'a>, buffer: &'a mut CodeBuffer) -> Self {
        Direct {
            places,
            buffer,
            allocs: [Allocation::none(); MOST],
            words: [0; MOST],
            alloc_count: 0,
            word_count: 0,
            isa: PhantomData,
        }
    }

    /// Makes a sink for the expansion of a pseudo-instruction.
    pub(crate) fn of(context: &EmitContext<'a>, buffer: &'a mut CodeBuffer) -> Self {
        Direct::new(Places::of(context), buffer)
    }

    /// Encodes an instruction, given its registers and words as in VCode.
    pub(crate) fn write(&mut self, row: RowId, allocs: &[Allocation], words: &[u32]) {
        let view = InstView { row: &I::rows()[row.0 as usize], small: 0, trap: 0, allocs, words };
        I::encode(&view, self.places, self.buffer);
    }

    /// Returns the buffer written to.
    pub(crate) fn buffer(&mut self) -> &mut CodeBuffer {
        self.buffer
    }
}

impl<I: Encoding> InstSink for Direct<'_, I> {
    #[inline]
    fn push_operand(&mut self, operand: Operand) {
        let fixed = operand.as_fixed_nonallocatable();
        let register = fixed.unwrap_or_else(|| PReg::new(operand.vreg().vreg(), operand.class()));
        self.allocs[self.alloc_count] = Allocation::reg(register);
        self.alloc_count += 1;
    }

    #[inline]
    fn push_word(&mut self, word: u32) {
        self.words[self.word_count] = word;
        self.word_count += 1;
    }

    fn finish(&mut self, row: RowId, small: u8, trap: u8) {
        let operand_count = self.alloc_count as u16;
        let inst = MachInst {
            row,
            operand_count,
            small,
            trap,
            passes: false,
            constrained: false,
            operands: 0,
            words: 0,
        };
        I::encode(&InstView::new::<I>(&inst, &self.allocs, &self.words), self.places, self.buffer);
        self.alloc_count = 0;
        self.word_count = 0;
    }
}
