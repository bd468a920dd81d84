//! The result of compiling a stencil: machine code, and what an object file records about it.
//!
//! A stencil has no names: relocations refer to those in the function's params by index.

use crate::ir::{Params, TrapCode};
use crate::machine::reloc::Reloc;
use crate::machine::srclocs::SrcLocs;
use crate::machine::unwind::{Handler, UnwindOp};
use serde::{Deserialize, Serialize};

named_enum! {
    /// Library routines and other symbols that clifc itself introduces into code, with their linker names.
    /// CLIF text can name those up to `ElfGlobalOffsetTable`.
    #[derive(Serialize, Deserialize)]
    LibCall {
        CeilF32 "ceilf", CeilF64 "ceil", FloorF32 "floorf", FloorF64 "floor",
        TruncF32 "truncf", TruncF64 "trunc", NearestF32 "nearbyintf", NearestF64 "nearbyint",
        FmaF32 "fmaf", FmaF64 "fma",
        Memcpy "memcpy", Memmove "memmove", Memset "memset", Memcmp "memcmp",
        Probestack "__cranelift_probestack",
        ElfTlsGetAddr "__tls_get_addr", ElfTlsGetOffset "__tls_get_offset",
        ElfGlobalOffsetTable "_GLOBAL_OFFSET_TABLE_",
        UdivI128 "__udivti3", SdivI128 "__divti3", UremI128 "__umodti3", SremI128 "__modti3",
        FloatI128F32 "__floattisf", FloatI128F64 "__floattidf",
        FloatU128F32 "__floatuntisf", FloatU128F64 "__floatuntidf",
        FixF32I128 "__fixsfti", FixF64I128 "__fixdfti", FixF32U128 "__fixunssfti", FixF64U128 "__fixunsdfti",
        TlvBootstrap "_tlv_bootstrap",
    }
}

impl LibCall {
    /// Finds a routine by its name in CLIF text, as in `%CeilF32`: the variant's name. Variants after
    /// `ElfGlobalOffsetTable` have none.
    pub fn from_clif(name: &str) -> Option<Self> {
        let named = &Self::ALL[..=LibCall::ElfGlobalOffsetTable as usize];
        named.iter().copied().find(|call| format!("{call:?}") == name)
    }
}

/// What a relocation refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub enum SymbolRef {
    /// A name in the function's params.
    Name(NameRef),
    /// A library routine.
    LibCall(LibCall),
}

impl SymbolRef {
    const LIBCALL: u32 = 1 << 31;

    /// Packs the symbol into one word.
    #[inline]
    pub fn pack(self) -> u32 {
        match self {
            SymbolRef::Name(name) => name.0,
            SymbolRef::LibCall(call) => call as u32 | Self::LIBCALL,
        }
    }

    /// Unpacks a word made by [`SymbolRef::pack`].
    #[inline]
    pub fn unpack(word: u32) -> Self {
        if word & Self::LIBCALL != 0 {
            SymbolRef::LibCall(LibCall::from_code(word as u16))
        } else {
            SymbolRef::Name(NameRef(word))
        }
    }
}

named_enum! {
    /// Kinds of relocation, by the value that the linker computes; the object writer maps them to each
    /// format's numbers.
    #[derive(Serialize, Deserialize)]
    RelocKind {
        /// 64-bit absolute address.
        Abs64 "abs64",
        /// 32-bit distance from the field to the symbol.
        Rel32 "rel32",
        /// 32-bit distance, where the field ends the instruction.
        X86Pc32 "pc32",
        /// 32-bit distance, where one byte of the instruction follows the field.
        X86Pc32Imm1 "pc32_imm1",
        /// 32-bit distance, where two bytes of the instruction follow the field.
        X86Pc32Imm2 "pc32_imm2",
        /// 32-bit distance, where four bytes of the instruction follow the field.
        X86Pc32Imm4 "pc32_imm4",
        /// 32-bit distance of a call, possibly by way of the PLT.
        X86Plt32 "plt32",
        /// Distance to the symbol's GOT entry, in an instruction with a REX prefix.
        X86RexGotPcRelX "rex_gotpcrelx",
        /// Distance to the symbol's GOT entry, in an instruction without a REX prefix, as `call
        /// *sym@GOTPCREL(%rip)`.
        X86GotPcRelX "gotpcrelx",
        /// Distance to the general-dynamic TLS pair.
        X86TlsGd "tlsgd",
        /// Distance to the GOT entry with the thread-pointer offset.
        X86GotTpOff "gottpoff",
        /// 32-bit thread-pointer offset.
        X86TpOff32 "tpoff32",
        /// Distance to the pointer to a Mach-O thread variable's descriptor.
        X86Tlv "tlv",
        /// Distance of a call, in words.
        Aarch64Call26 "call26",
        /// Distance of a jump, in words.
        Aarch64Jump26 "jump26",
        /// Distance in pages, for `adrp`.
        Aarch64Page21 "page21",
        /// Offset within the page, for `add`.
        Aarch64AddLo12 "add_lo12",
        /// Offset within the page, for an access of 1 byte.
        Aarch64Ldst8Lo12 "ldst8_lo12",
        /// Offset within the page, for an access of 2 bytes.
        Aarch64Ldst16Lo12 "ldst16_lo12",
        /// Offset within the page, for an access of 4 bytes.
        Aarch64Ldst32Lo12 "ldst32_lo12",
        /// Offset within the page, for an access of 8 bytes.
        Aarch64Ldst64Lo12 "ldst64_lo12",
        /// Offset within the page, for an access of 16 bytes.
        Aarch64Ldst128Lo12 "ldst128_lo12",
        /// Distance in pages to the symbol's GOT entry.
        Aarch64GotPage21 "got_page21",
        /// Offset of the symbol's GOT entry within its page, for a load.
        Aarch64GotLo12 "got_lo12",
        /// Distance in pages to the TLS descriptor.
        Aarch64TlsDescPage21 "tlsdesc_page21",
        /// Offset of the TLS descriptor within its page, for the load of its function.
        Aarch64TlsDescLdLo12 "tlsdesc_ld_lo12",
        /// Offset of the TLS descriptor within its page, for `add`.
        Aarch64TlsDescAddLo12 "tlsdesc_add_lo12",
        /// Marks the call of the TLS descriptor's function, for linker relaxation.
        Aarch64TlsDescCall "tlsdesc_call",
        /// Distance in pages to the GOT entry with the thread-pointer offset.
        Aarch64TlsIePage21 "gottprel_page21",
        /// Offset of the GOT entry with the thread-pointer offset within its page, for a load.
        Aarch64TlsIeLo12 "gottprel_lo12",
        /// Bits 12 to 23 of the thread-pointer offset.
        Aarch64TlsLeHi12 "tprel_hi12",
        /// Low 12 bits of the thread-pointer offset.
        Aarch64TlsLeLo12 "tprel_lo12",
        /// Distance in pages to the pointer to a Mach-O thread variable's descriptor.
        Aarch64TlvPage21 "tlvp_page21",
        /// Offset within its page of the pointer to a Mach-O thread variable's descriptor, for a load.
        Aarch64TlvLo12 "tlvp_lo12",
        /// 32-bit distance in halfwords.
        S390Pc32Dbl "pc32dbl",
        /// 32-bit distance of a call in halfwords, possibly by way of the PLT.
        S390Plt32Dbl "plt32dbl",
        /// 32-bit distance in halfwords to the symbol's GOT entry.
        S390GotEnt "gotent",
        /// 32-bit distance in halfwords to the GOT.
        S390GotPcDbl "gotpcdbl",
        /// 64-bit offset in the GOT of the general-dynamic TLS pair.
        S390TlsGd64 "tlsgd64",
        /// Marks the call of `__tls_get_offset`, for linker relaxation.
        S390TlsGdCall "tlsgdcall",
        /// 32-bit distance in halfwords to the GOT entry with the thread-pointer offset.
        S390TlsIeEnt "tlsieent",
        /// 64-bit thread-pointer offset.
        S390TlsLe64 "tlsle64",
    }
}

/// A relocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reloc {
    /// Byte offset of the relocated field in the code.
    pub offset: u32,
    /// The kind of relocation.
    pub kind: RelocKind,
    /// The symbol it refers to.
    pub symbol: SymbolRef,
    /// The addend.
    pub addend: i64,
}

/// An instruction that can trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrapSite {
    /// Byte offset of the instruction.
    pub offset: u32,
    /// Why it traps.
    pub code: TrapCode,
}

/// A change of the call frame, as DWARF call frame information describes it. Registers are DWARF numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UnwindOp {
    /// The canonical frame address is now `register + offset`.
    DefCfa {
        /// DWARF register number.
        register: u16,
        /// Offset in bytes.
        offset: u32,
    },
    /// The canonical frame address is now this many bytes from the same register as before.
    CfaOffset(i32),
    /// A register is saved at the canonical frame address plus `offset` (negative).
    SaveRegister {
        /// DWARF register number.
        register: u16,
        /// Bytes from the canonical frame address.
        offset: i32,
    },
    /// A register again has the value it had on entry.
    RestoreRegister(u16),
    /// Toggles whether the return address is signed.
    NegateReturnAddressState,
    /// Saves the state, before an epilogue that more code follows.
    RememberState,
    /// Restores the saved state, after such an epilogue.
    RestoreState,
}

/// A landing pad: where an exception thrown by a call goes. There the payload words are in the first result
/// registers, and only the stack pointer has the value it had before the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handler {
    /// Byte offset of the call's return address.
    pub return_offset: u32,
    /// Tag of the exceptions it catches; `None` for all.
    pub tag: Option<u32>,
    /// Byte offset of the handler.
    pub offset: u32,
}

/// The machine code of one function.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CompiledStencil {
    /// Instructions, followed by constants and jump tables.
    #[serde(with = "serde_bytes")]
    pub code: Vec<u8>,
    /// Length of the instructions alone, in bytes.
    pub text_len: u32,
    /// Alignment in bytes: a power of two.
    pub align: u32,
    /// Relocations, in order of offset.
    pub relocs: Vec<Reloc>,
    /// Trap sites, in order of offset.
    pub traps: Vec<TrapSite>,
    /// Source locations of the code.
    pub srclocs: SrcLocs,
    /// Exception handlers, in order of their call's return address, those of one call in the order of its
    /// exception table.
    pub handlers: Vec<Handler>,
    /// Frame changes with the byte offset where each takes effect: the end of the instruction that makes it.
    pub unwind: Vec<(u32, UnwindOp)>,
    /// Bytes from the stack pointer after the prologue up to the canonical frame address.
    pub frame_size: u32,
}

impl CompiledStencil {
    /// Checks the invariants of a stencil; the error says which is violated.
    pub fn check(&self) -> Result<(), String> {
        let ascending = |offsets: &mut dyn Iterator<Item = u32>, what: &str| {
            let mut last = 0;
            for offset in offsets {
                if offset < last || offset as usize > self.code.len() {
                    return Err(format!(
                        "{what} at {offset} after one at {last}, in code of {}",
                        self.code.len()
                    ));
                }
                last = offset;
            }
            Ok(())
        };
        ascending(&mut self.relocs.iter().map(|reloc| reloc.offset), "a relocation")?;
        ascending(&mut self.traps.iter().map(|trap| trap.offset), "a trap site")?;
        ascending(&mut self.unwind.iter().map(|op| op.0), "a change of the frame")?;
        ascending(&mut self.handlers.iter().map(|handler| handler.return_offset), "a handler")?;
        match self.align.is_power_of_two() && self.text_len as usize <= self.code.len() {
            true => Ok(()),
            false => Err(format!("alignment {}, {} bytes of instructions", self.align, self.text_len)),
        }
    }
}

/// A compiled function: its code, with its names and positions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompiledFunction {
    /// The function's names and positions.
    pub params: Params,
    /// Machine code.
    pub code: CompiledStencil,
}
