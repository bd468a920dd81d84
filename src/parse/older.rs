//! Older spellings that the parser accepts: opcodes, trap codes and memory flags.
//!
//! [`TABLE`] has a row for each opcode. `sugar` rewrites them.

use crate::ir::{Extension, Opcode, TrapCode};

/// How an older spelling is rewritten.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sugar {
    /// Another name for an opcode.
    Renamed(Opcode),
    /// Another name for an opcode that has one more result, which is dropped.
    FirstResult(Opcode),
    /// `x, imm`: the immediate becomes a constant, extended like this for an i128.
    Immediate(Opcode, Extension),
    /// `x, imm`, likewise, but the constant becomes the first operand.
    ReversedImmediate(Opcode),
    /// `cond x, imm`: a comparison with an immediate, which becomes a constant.
    IcmpImmediate,
    /// `x, y`: the second operand is inverted first.
    SecondNot(Opcode),
    /// A load from a stack slot. The opcode computes its address.
    SlotLoad(Opcode),
    /// A store to a stack slot. The opcode computes its address.
    SlotStore(Opcode),
    /// `global_value`: the instructions that compute a global value.
    GlobalValue,
    /// `resumable_trap`, which need not end its block.
    ResumableTrap,
    /// `brnz` (true) or `brz` (false), together with the `jump` after it.
    Branch(bool),
    /// `fcvt_low_from_sint`, which converts the low lanes of an integer vector.
    ConvertLow,
}

use Extension::{Sign, Zero};

/// The older spellings and how they are rewritten.
const TABLE: &[(&str, Sugar)] = &[
    ("iadd_imm", Sugar::Immediate(Opcode::Iadd, Sign)),
    ("imul_imm", Sugar::Immediate(Opcode::Imul, Sign)),
    ("udiv_imm", Sugar::Immediate(Opcode::Udiv, Zero)),
    ("sdiv_imm", Sugar::Immediate(Opcode::Sdiv, Sign)),
    ("urem_imm", Sugar::Immediate(Opcode::Urem, Zero)),
    ("srem_imm", Sugar::Immediate(Opcode::Srem, Sign)),
    ("irsub_imm", Sugar::ReversedImmediate(Opcode::Isub)),
    ("band_imm", Sugar::Immediate(Opcode::Band, Zero)),
    ("bor_imm", Sugar::Immediate(Opcode::Bor, Zero)),
    ("bxor_imm", Sugar::Immediate(Opcode::Bxor, Zero)),
    ("rotl_imm", Sugar::Immediate(Opcode::Rotl, Zero)),
    ("rotr_imm", Sugar::Immediate(Opcode::Rotr, Zero)),
    ("ishl_imm", Sugar::Immediate(Opcode::Ishl, Zero)),
    ("ushr_imm", Sugar::Immediate(Opcode::Ushr, Zero)),
    ("sshr_imm", Sugar::Immediate(Opcode::Sshr, Zero)),
    ("icmp_imm", Sugar::IcmpImmediate),
    ("band_not", Sugar::SecondNot(Opcode::Band)),
    ("bor_not", Sugar::SecondNot(Opcode::Bor)),
    ("bxor_not", Sugar::SecondNot(Opcode::Bxor)),
    ("stack_load", Sugar::SlotLoad(Opcode::StackAddr)),
    ("stack_store", Sugar::SlotStore(Opcode::StackAddr)),
    ("dynamic_stack_load", Sugar::SlotLoad(Opcode::DynamicStackAddr)),
    ("dynamic_stack_store", Sugar::SlotStore(Opcode::DynamicStackAddr)),
    ("global_value", Sugar::GlobalValue),
    ("resumable_trap", Sugar::ResumableTrap),
    ("resumable_trapz", Sugar::Renamed(Opcode::Trapz)),
    ("resumable_trapnz", Sugar::Renamed(Opcode::Trapnz)),
    ("brz", Sugar::Branch(false)),
    ("brnz", Sugar::Branch(true)),
    ("iadd_cin", Sugar::FirstResult(Opcode::UaddOverflowCin)),
    ("iadd_cout", Sugar::Renamed(Opcode::UaddOverflow)),
    ("iadd_carry", Sugar::Renamed(Opcode::UaddOverflowCin)),
    ("isub_bin", Sugar::FirstResult(Opcode::UsubOverflowBin)),
    ("isub_bout", Sugar::Renamed(Opcode::UsubOverflow)),
    ("isub_borrow", Sugar::Renamed(Opcode::UsubOverflowBin)),
    ("fcvt_low_from_sint", Sugar::ConvertLow),
];

/// Trap codes that used to have names, and numbers for them that are unlikely to be in use.
const TRAP_CODES: &[(&str, u8)] = &[
    ("user0", 250),
    ("unreachable", 249),
    ("table_oob", 248),
    ("icall_null", 247),
    ("bad_sig", 246),
    ("interrupt", 245),
    ("heap_misaligned", 244),
    ("null_reference", 243),
    ("null_i31_ref", 242),
];

/// Memory flags that are accepted and ignored: alias regions from before they were declared.
const DROPPED_FLAGS: &[&str] = &["heap", "table", "vmctx", "checked"];

/// The older spellings of opcodes.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.0)
}

/// How the older spelling `name` is rewritten.
#[cold]
pub(super) fn lookup(name: &[u8]) -> Option<Sugar> {
    TABLE.iter().find(|(text, _)| text.as_bytes() == name).map(|row| row.1)
}

/// The older names of trap codes.
pub(super) fn trap_codes() -> impl Iterator<Item = &'static str> {
    TRAP_CODES.iter().map(|row| row.0)
}

/// The trap code that used to be called `name`.
#[cold]
pub(super) fn trap_code(name: &[u8]) -> Option<TrapCode> {
    TRAP_CODES.iter().find(|(text, _)| text.as_bytes() == name).map(|row| TrapCode(row.1))
}

/// What an older spelling means; `None` if `name` is none.
pub fn older_spelling(name: &str) -> Option<String> {
    let opcode = TABLE.iter().find(|(text, _)| *text == name).map(|(_, sugar)| sugar.meaning());
    let code = || Some(format!("a trap code that used to have a name: {}", trap_code(name.as_bytes())?));
    let flag = || {
        is_dropped_flag(name.as_bytes())
            .then(|| "a memory flag of older dialects, which is ignored".to_string())
    };
    opcode.or_else(code).or_else(flag)
}

/// All older spellings, and what they mean.
pub fn older_spellings() -> impl Iterator<Item = (&'static str, String)> {
    let codes = TRAP_CODES.iter().map(|(name, _)| *name);
    let all = names().chain(codes).chain(DROPPED_FLAGS.iter().copied());
    all.filter_map(|name| Some((name, older_spelling(name)?)))
}

impl Sugar {
    /// What the spelling means, in the opcodes of today.
    fn meaning(self) -> String {
        match self {
            Sugar::Renamed(opcode) => format!("an older name of {}", opcode.name()),
            Sugar::FirstResult(opcode) => format!("the first result of {}", opcode.name()),
            Sugar::Immediate(opcode, _) => format!("{} with a constant as its second operand", opcode.name()),
            Sugar::ReversedImmediate(opcode) => {
                format!("{} with a constant as its first operand", opcode.name())
            }
            Sugar::IcmpImmediate => "icmp with a constant as its second operand".into(),
            Sugar::SecondNot(opcode) => format!("{} with the inverted second operand", opcode.name()),
            Sugar::SlotLoad(opcode) => format!("a load from the address that {} computes", opcode.name()),
            Sugar::SlotStore(opcode) => format!("a store to the address that {} computes", opcode.name()),
            Sugar::GlobalValue => "the instructions that compute a global value".into(),
            Sugar::ResumableTrap => "a trap that need not end its block".into(),
            Sugar::Branch(true) => "with the jump after it: brif".into(),
            Sugar::Branch(false) => "with the jump after it: brif, with its destinations exchanged".into(),
            Sugar::ConvertLow => "fcvt_from_sint of the low lanes of a vector".into(),
        }
    }
}

/// Whether `name` is a memory flag that is ignored.
#[cold]
pub(super) fn is_dropped_flag(name: &[u8]) -> bool {
    DROPPED_FLAGS.iter().any(|flag| flag.as_bytes() == name)
}
