//! Functions in assembly: instructions with labels, frame changes and notes about traps, then constants.

use std::collections::{BTreeSet, HashMap};

use capstone::Capstone;

use super::{Field, Inst, Label, Printer, text, x86_64};
use crate::machine::compiled::CompiledStencil;
use crate::machine::unwind::UnwindOp;
use crate::object::eh_frame::DATA_UNIT;

impl Printer<'_> {
    /// Prints the function that is in a section's bytes from one offset up to another.
    pub(super) fn function(
        &mut self,
        code: &CompiledStencil,
        bytes: &[u8],
        (start, end): (u64, u64),
        fields: &[Field],
    ) -> Result<(), String> {
        let text_end = end.min(start + u64::from(code.text_len));
        let insts = self.decode(&bytes[start as usize..text_end as usize], start)?;
        let labels = self.labels_of(&insts, fields, (text_end, end));
        if self.unwind {
            self.line(".cfi_startproc");
            if self.signs_with_key_b {
                self.line(".cfi_b_key_frame");
            }
        }
        let changes = if self.unwind { &code.unwind[..] } else { &[] };
        let mut changes = changes.iter().peekable();
        let mut traps = code.traps.iter().peekable();
        for inst in &insts {
            while let Some((_, op)) = changes.next_if(|(at, _)| start + u64::from(*at) <= inst.at) {
                self.frame_change(op);
            }
            if let Some(label) = labels.get(&inst.at) {
                self.out.push_str(&format!("{label}:\n"));
            }
            let mut note = String::new();
            while let Some(site) = traps.next_if(|site| start + u64::from(site.offset) < inst.end()) {
                note = format!("\t{} trap {}", self.dialect.comment, site.code);
            }
            self.instruction(inst, fields, &labels, &note)?;
        }
        for (_, op) in changes {
            self.frame_change(op);
        }
        self.constants(bytes, (text_end, end), fields, &labels)?;
        if self.unwind {
            self.line(".cfi_endproc");
        }
        Ok(())
    }

    /// Decodes instructions. One that the disassembler does not know becomes a `.byte` directive.
    fn decode(&self, bytes: &[u8], start: u64) -> Result<Vec<Inst>, String> {
        let mut insts = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let mut decoded = self.decoder.disasm_iter(&bytes[at..], start + at as u64).map_err(text)?;
            while let Some(insn) = decoded.next() {
                if insn.mnemonic() == Some(".byte") {
                    break;
                }
                at += insn.len();
                insts.push(Inst {
                    at: insn.address(),
                    bytes: insn.bytes().to_vec(),
                    mnemonic: insn.mnemonic().unwrap_or_default().to_string(),
                    operands: insn.op_str().unwrap_or_default().to_string(),
                });
            }
            if at < bytes.len() {
                let unknown = &bytes[at..];
                let unknown = &unknown[..(self.dialect.length)(unknown).clamp(1, unknown.len())];
                let list: Vec<String> = unknown.iter().map(|byte| format!("{byte:#x}")).collect();
                insts.push(Inst {
                    at: start + at as u64,
                    bytes: unknown.to_vec(),
                    mnemonic: ".byte".to_string(),
                    operands: list.join(", "),
                });
                at += unknown.len();
            }
        }
        Ok(insts)
    }

    /// Makes labels for the instructions and constants that instructions refer to. `data` is where constants
    /// are.
    fn labels_of(&mut self, insts: &[Inst], fields: &[Field], data: (u64, u64)) -> HashMap<u64, String> {
        let is_plain = |inst: &&Inst| fields_of(inst, fields).is_empty() && inst.mnemonic != ".byte";
        let destinations: BTreeSet<u64> =
            insts.iter().filter(is_plain).filter_map(self.dialect.destination).collect();
        let is_place = |at: &u64| {
            insts.binary_search_by_key(at, |inst| inst.at).is_ok() || (data.0..data.1).contains(at)
        };
        destinations.into_iter().filter(is_place).map(|at| (at, self.label())).collect()
    }

    fn instruction(
        &mut self,
        inst: &Inst,
        fields: &[Field],
        labels: &HashMap<u64, String>,
        note: &str,
    ) -> Result<(), String> {
        let fields = fields_of(inst, fields);
        let is_plain = fields.is_empty() && inst.mnemonic != ".byte";
        let destination = (self.dialect.destination)(inst).filter(|_| is_plain);
        // A conditional trap can be a branch into the middle of itself.
        let label = destination.map(|at| Label {
            name: labels.get(&at).cloned().unwrap_or_else(|| format!(".{:+}", at as i64 - inst.at as i64)),
            at,
        });
        let symbols: Vec<&str> = fields.iter().map(|field| field.symbol.as_str()).collect();
        let in_att = match &self.att {
            Some(decoder) if symbols.iter().any(|symbol| x86_64::is_reserved(symbol)) => {
                decode_one(decoder, inst)
            }
            _ => None,
        };
        let mut lines = (self.dialect.lines)(in_att.as_ref().unwrap_or(inst), fields, label)?;
        if let Some(last) = lines.last_mut() {
            last.push_str(note);
        }
        self.line_about(&symbols, &lines);
        Ok(())
    }

    /// Prints what follows a function's instructions.
    fn constants(
        &mut self,
        bytes: &[u8],
        (mut at, end): (u64, u64),
        fields: &[Field],
        labels: &HashMap<u64, String>,
    ) -> Result<(), String> {
        let mut places: Vec<u64> = labels.keys().copied().filter(|place| *place >= at).collect();
        places.sort_unstable();
        let is_region = self.dialect.marks_data && at < end;
        if is_region {
            self.line(".data_region");
        }
        for place in places.into_iter().chain([end]) {
            if place > at {
                self.data(bytes, (at, place), fields)?;
            }
            if let Some(label) = labels.get(&place) {
                self.out.push_str(&format!("{label}:\n"));
            }
            at = place;
        }
        if is_region {
            self.line(".end_data_region");
        }
        Ok(())
    }

    fn frame_change(&mut self, op: &UnwindOp) {
        match *op {
            UnwindOp::DefCfa { register, offset } => {
                self.line(format_args!(".cfi_def_cfa {register}, {offset}"));
            }
            UnwindOp::CfaOffset(offset) => self.line(format_args!(".cfi_def_cfa_offset {offset}")),
            UnwindOp::SaveRegister { register, offset } => {
                self.line(format_args!(".cfi_offset {register}, {offset}"));
            }
            // As bytes, DW_CFA_val_offset with the offset divided by the data alignment: LLVM's assembler has
            // no directive for it before version 20.
            UnwindOp::IsOffset { register, offset } => {
                let factored = offset / i32::from(DATA_UNIT);
                self.line(format_args!(".cfi_escape 0x14, {register}, {factored}"));
            }
            UnwindOp::RestoreRegister(register) => self.line(format_args!(".cfi_restore {register}")),
            UnwindOp::NegateReturnAddressState => self.line(".cfi_negate_ra_state"),
            UnwindOp::RememberState => self.line(".cfi_remember_state"),
            UnwindOp::RestoreState => self.line(".cfi_restore_state"),
        }
    }
}

/// The relocated fields of an instruction, of those of its section.
fn fields_of<'f>(inst: &Inst, fields: &'f [Field]) -> &'f [Field] {
    let first = fields.partition_point(|field| field.at < inst.at);
    let last = fields.partition_point(|field| field.at < inst.end());
    &fields[first..last]
}

/// Decodes an instruction again.
fn decode_one(decoder: &Capstone, inst: &Inst) -> Option<Inst> {
    let decoded = decoder.disasm_count(&inst.bytes, inst.at, 1).ok()?;
    let insn = decoded.first()?;
    Some(Inst {
        at: inst.at,
        bytes: inst.bytes.clone(),
        mnemonic: insn.mnemonic().unwrap_or_default().to_string(),
        operands: insn.op_str().unwrap_or_default().to_string(),
    })
}
